package bgp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// Attributes are the path attributes of a route. They are shared and never changed.
type Attributes struct {
	Origin       uint8    // 0 IGP, 1 EGP, 2 incomplete
	ASPath       []uint32 // AS_SEQUENCE, nearest AS first
	NextHop      netip.Addr
	MED          uint32
	HasMED       bool
	LocalPref    uint32 // iBGP only
	HasLocalPref bool
	Communities  []uint32 // in ascending order, without repetition
}

// attributeFlags are the Optional and Transitive bits that an attribute must have (RFC 7606 §3c).
var attributeFlags = map[bgp.BGPAttrType]bgp.BGPAttrFlag{
	bgp.BGP_ATTR_TYPE_ORIGIN:               bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_AS_PATH:              bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_NEXT_HOP:             bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_MULTI_EXIT_DISC:      bgp.BGP_ATTR_FLAG_OPTIONAL,
	bgp.BGP_ATTR_TYPE_LOCAL_PREF:           bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_ATOMIC_AGGREGATE:     bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_AGGREGATOR:           bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_COMMUNITIES:          bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_ORIGINATOR_ID:        bgp.BGP_ATTR_FLAG_OPTIONAL,
	bgp.BGP_ATTR_TYPE_CLUSTER_LIST:         bgp.BGP_ATTR_FLAG_OPTIONAL,
	bgp.BGP_ATTR_TYPE_MP_REACH_NLRI:        bgp.BGP_ATTR_FLAG_OPTIONAL,
	bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI:      bgp.BGP_ATTR_FLAG_OPTIONAL,
	bgp.BGP_ATTR_TYPE_EXTENDED_COMMUNITIES: bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_AS4_PATH:             bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_AS4_AGGREGATOR:       bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
	bgp.BGP_ATTR_TYPE_LARGE_COMMUNITY:      bgp.BGP_ATTR_FLAG_OPTIONAL | bgp.BGP_ATTR_FLAG_TRANSITIVE,
}

// attribute is one path attribute of a message, not decoded.
type attribute struct {
	flags bgp.BGPAttrFlag
	kind  bgp.BGPAttrType
	value []byte
	whole []byte
}

// nextAttribute cuts the first attribute off; false: the rest cannot be one.
func nextAttribute(b []byte) (a attribute, rest []byte, ok bool) {
	if len(b) < 3 {
		return a, nil, false
	}
	a.flags, a.kind = bgp.BGPAttrFlag(b[0]), bgp.BGPAttrType(b[1])
	size, header := int(b[2]), 3
	if a.flags&bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH != 0 {
		if len(b) < 4 {
			return a, nil, false
		}
		size, header = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if size > len(b)-header {
		return a, nil, false
	}
	a.value, a.whole = b[header:header+size], b[:header+size]
	return a, b[header+size:], true
}

// attributes reads the attributes of an UPDATE; alone: the message has nothing else.
func (d *decoder) attributes(b []byte, alone bool) *Notification {
	u := &d.u
	d.key = d.key[:0]
	var seen [4]uint64
	var reached netip.Addr // the next hop of MP_REACH_NLRI
	count := 0
	for len(b) > 0 {
		a, rest, ok := nextAttribute(b)
		if !ok {
			u.malform(notify(codeUpdate, 1, "an attribute that is longer than the attributes")) // RFC 7606 §4
			break
		}
		b = rest
		count++
		multiprotocol := a.kind == bgp.BGP_ATTR_TYPE_MP_REACH_NLRI || a.kind == bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI
		if seen[a.kind/64]&(1<<(a.kind%64)) != 0 {
			if multiprotocol {
				return notify(codeUpdate, 1, "%s appears twice", a.kind)
			}
			continue // RFC 7606 §3g: all but the first are discarded
		}
		seen[a.kind/64] |= 1 << (a.kind % 64)
		if want, known := attributeFlags[a.kind]; known && a.flags&(bgp.BGP_ATTR_FLAG_OPTIONAL|bgp.BGP_ATTR_FLAG_TRANSITIVE) != want {
			u.malform(notify(codeUpdate, 4, "%s with flags %#02x", a.kind, uint8(a.flags)))
		} else if !known && a.flags&bgp.BGP_ATTR_FLAG_OPTIONAL == 0 {
			n := notify(codeUpdate, 2, "attribute %d is not known and not optional", uint8(a.kind))
			n.Data = slices.Clone(a.whole)
			return n
		}
		if !multiprotocol {
			d.key = append(d.key, a.whole...)
			continue
		}
		var err *Notification
		if reached, err = d.multiprotocol(&a, reached); err != nil {
			return err
		}
		if a.kind == bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI && len(a.value) == 3 {
			u.endOfRIB = familyOf(binary.BigEndian.Uint16(a.value), a.value[2]) & d.families
		}
	}
	if !alone || count != 1 {
		u.endOfRIB = 0
	}
	if u.malformed != nil {
		return nil
	}
	if len(u.announced) > 0 {
		u.attrs = d.lookup(netip.Addr{})
	}
	if len(u.reached) > 0 && u.malformed == nil {
		u.reachedAttrs = d.lookup(reached)
	}
	if u.malformed != nil {
		u.attrs, u.reachedAttrs = nil, nil
	}
	return nil
}

// malform notes the first reason to treat the routes of the message as withdrawn.
func (u *update) malform(n *Notification) {
	if u.malformed == nil {
		u.malformed = n
	}
}

// multiprotocol reads MP_REACH_NLRI or MP_UNREACH_NLRI (RFC 4760). What cannot be read ends the session: its prefixes
// are not known (RFC 7606 §5.3).
func (d *decoder) multiprotocol(a *attribute, reached netip.Addr) (netip.Addr, *Notification) {
	u, b := &d.u, a.value
	bad := func(detail string) (netip.Addr, *Notification) {
		n := notify(codeUpdate, 9, "%s: %s", a.kind, detail)
		n.Data = slices.Clone(a.whole)
		return reached, n
	}
	if len(b) < 3 {
		return bad("no address family")
	}
	family := familyOf(binary.BigEndian.Uint16(b), b[2])
	b = b[3:]
	if family&d.families == 0 {
		u.ignored++
		return reached, nil
	}
	var ok bool
	if a.kind == bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI {
		if u.withdrawn, ok = d.prefixes(u.withdrawn, b, family); !ok {
			return bad("prefixes that cannot be read")
		}
		return reached, nil
	}
	if len(b) < 2 || int(b[0]) > len(b)-2 {
		return bad("no next hop")
	}
	hop := b[1 : 1+int(b[0])]
	b = b[2+len(hop):] // a reserved byte follows
	switch len(hop) {
	case 4, 16:
		reached, _ = netip.AddrFromSlice(hop)
	case 32: // global and link-local (RFC 2545)
		reached, _ = netip.AddrFromSlice(hop[:16])
	default:
		return bad(fmt.Sprintf("a next hop of %d bytes", len(hop)))
	}
	if u.reached, ok = d.prefixes(u.reached, b, family); !ok {
		return bad("prefixes that cannot be read")
	}
	return reached, nil
}

// lookup is the attributes that d.key encodes, with the next hop of MP_REACH_NLRI if there is one; nil and a reason in
// the update where they are malformed.
func (d *decoder) lookup(reached netip.Addr) *Attributes {
	size := len(d.key)
	if reached.IsValid() {
		a := reached.As16()
		d.key = append(d.key, a[:]...)
	}
	attrs := d.cache[string(d.key)]
	if attrs == nil {
		var err *Notification
		if attrs, err = d.parse(d.key[:size], reached); err != nil {
			d.u.malform(err)
		} else {
			if d.cache == nil || len(d.cache) >= maxCached {
				d.cache = map[string]*Attributes{}
			}
			d.cache[string(d.key)] = attrs
		}
	}
	d.key = d.key[:size]
	return attrs
}

// parse decodes attributes whose framing and flags are right.
func (d *decoder) parse(b []byte, reached netip.Addr) (*Attributes, *Notification) {
	attrs := &Attributes{NextHop: reached}
	var path, as4 []uint32
	var hasOrigin, hasPath, oldAggregator bool
	for len(b) > 0 {
		a, rest, _ := nextAttribute(b)
		b = rest
		switch a.kind {
		case bgp.BGP_ATTR_TYPE_ORIGIN:
			if len(a.value) != 1 || a.value[0] > 2 {
				return nil, notify(codeUpdate, 6, "ORIGIN % x", a.value)
			}
			attrs.Origin, hasOrigin = a.value[0], true
		case bgp.BGP_ATTR_TYPE_AS_PATH:
			var err *Notification
			if path, err = d.asPath(&a); err != nil {
				return nil, err
			}
			hasPath = true
		case bgp.BGP_ATTR_TYPE_NEXT_HOP:
			if len(a.value) != 4 {
				return nil, notify(codeUpdate, 5, "NEXT_HOP of %d bytes", len(a.value))
			}
			if !reached.IsValid() {
				attrs.NextHop, _ = netip.AddrFromSlice(a.value)
			}
		case bgp.BGP_ATTR_TYPE_MULTI_EXIT_DISC:
			if len(a.value) != 4 {
				return nil, notify(codeUpdate, 5, "MULTI_EXIT_DISC of %d bytes", len(a.value))
			}
			attrs.MED, attrs.HasMED = binary.BigEndian.Uint32(a.value), true
		case bgp.BGP_ATTR_TYPE_LOCAL_PREF:
			if !d.internal {
				continue // RFC 7606 §7.5: discarded
			}
			if len(a.value) != 4 {
				return nil, notify(codeUpdate, 5, "LOCAL_PREF of %d bytes", len(a.value))
			}
			attrs.LocalPref, attrs.HasLocalPref = binary.BigEndian.Uint32(a.value), true
		case bgp.BGP_ATTR_TYPE_COMMUNITIES:
			if len(a.value) == 0 {
				return nil, notify(codeUpdate, 5, "COMMUNITIES without one")
			}
			var c bgp.PathAttributeCommunities
			if err := c.DecodeFromBytes(a.whole); err != nil {
				return nil, fromCodec(err, codeUpdate)
			}
			slices.Sort(c.Value)
			attrs.Communities = slices.Clip(slices.Compact(c.Value))
		case bgp.BGP_ATTR_TYPE_AGGREGATOR:
			oldAggregator = !d.fourOctetAS && len(a.value) == 6 && binary.BigEndian.Uint16(a.value) != asTrans
		case bgp.BGP_ATTR_TYPE_AS4_PATH:
			if !d.fourOctetAS {
				as4 = as4Path(&a)
			}
		default:
			if err := d.length(&a); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case !hasOrigin:
		return nil, notify(codeUpdate, 3, "no ORIGIN")
	case !hasPath:
		return nil, notify(codeUpdate, 3, "no AS_PATH")
	case !attrs.NextHop.IsValid():
		return nil, notify(codeUpdate, 3, "no NEXT_HOP")
	case !isHost(attrs.NextHop):
		return nil, notify(codeUpdate, 8, "next hop %s", attrs.NextHop)
	}
	if len(as4) > 0 && len(as4) <= len(path) && !oldAggregator { // RFC 6793 §4.2.3
		path = append(path[:len(path)-len(as4)], as4...)
	}
	if slices.Contains(path, 0) { // RFC 7607
		return nil, notify(codeUpdate, 11, "AS 0 in AS_PATH")
	}
	if !d.internal && (len(path) == 0 || path[0] != d.peerAS) {
		return nil, notify(codeUpdate, 11, "AS_PATH %d does not begin with the peer's AS %d", path, d.peerAS)
	}
	attrs.ASPath = slices.Clip(path)
	return attrs, nil
}

// isHost tells whether an address can be a router's (RFC 4271 §6.3).
func isHost(a netip.Addr) bool {
	const reserved = 240 // 240.0.0.0/4, with the broadcast address
	return !a.IsUnspecified() && !a.IsMulticast() && (a.Is6() || a.As4()[0] < reserved)
}

// asPath decodes AS_PATH. Sets and confederations are refused: RFC 9774, 5065 §5.
func (d *decoder) asPath(a *attribute) ([]uint32, *Notification) {
	var p bgp.PathAttributeAsPath
	if err := p.DecodeFromBytes(a.whole, &bgp.MarshallingOption{Use2ByteAS: !d.fourOctetAS}); err != nil {
		return nil, fromCodec(err, codeUpdate)
	}
	var path []uint32
	for _, segment := range p.Value {
		if segment.GetType() != bgp.BGP_ASPATH_ATTR_TYPE_SEQ {
			return nil, notify(codeUpdate, 11, "AS_PATH with a segment of type %d", segment.GetType())
		}
		path = append(path, segment.GetAS()...)
	}
	return path, nil
}

// as4Path decodes AS4_PATH; malformed, it is discarded (RFC 6793 §6).
func as4Path(a *attribute) []uint32 {
	var p bgp.PathAttributeAs4Path
	if p.DecodeFromBytes(a.whole) != nil {
		return nil
	}
	var path []uint32
	for _, segment := range p.Value {
		if segment.GetType() != bgp.BGP_ASPATH_ATTR_TYPE_SEQ {
			return nil
		}
		path = append(path, segment.GetAS()...)
	}
	return path
}

// length checks the attributes that are not used (RFC 7606 §7). Those that may be discarded are not looked at.
func (d *decoder) length(a *attribute) *Notification {
	bad := false
	switch a.kind {
	case bgp.BGP_ATTR_TYPE_ORIGINATOR_ID:
		bad = d.internal && len(a.value) != 4
	case bgp.BGP_ATTR_TYPE_CLUSTER_LIST:
		bad = d.internal && (len(a.value) == 0 || len(a.value)%4 != 0)
	case bgp.BGP_ATTR_TYPE_EXTENDED_COMMUNITIES:
		bad = len(a.value) == 0 || len(a.value)%8 != 0
	case bgp.BGP_ATTR_TYPE_LARGE_COMMUNITY:
		bad = len(a.value) == 0 || len(a.value)%12 != 0
	}
	if bad {
		return notify(codeUpdate, 5, "%s of %d bytes", a.kind, len(a.value))
	}
	return nil
}
