package bgp

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// Source says whom a route was learned from. Routes are not advertised to sessions of the same source; 0 is nobody.
type Source uint32

// Route is a route to advertise. The next hop is the session's own.
type Route struct {
	Prefix netip.Prefix
	Attrs  *Attributes
	Source Source
}

// message is one UPDATE of an encoding.
type message struct {
	end     int // where it ends in the bytes; it begins where the one before ends
	nextHop int // where its next hop is, 4 bytes or 16; 0: none
	family  Family
	source  Source
	to      audience
}

// audience is which sessions get a message, by their source.
type audience uint8

const (
	toOthers audience = iota // all whose source is not the message's
	toSource                 // those of the message's source alone
	toAll
)

func (m *message) isFor(families Family, self Source) bool {
	if m.family&families == 0 {
		return false
	}
	switch m.to {
	case toOthers:
		return self == 0 || m.source != self
	case toSource:
		return self != 0 && m.source == self
	}
	return true
}

// encoding is UPDATE messages back to back. Where a next hop belongs there are zeros.
type encoding struct {
	bytes    []byte
	messages []message
	tooLong  int // routes whose attributes leave no room for a prefix in a message
}

// encoder makes an encoding.
type encoder struct {
	encoding
	fourOctetAS bool
	start       int // of the message being made
}

// withdrawal is a prefix to withdraw, and from whom.
type withdrawal struct {
	prefix netip.Prefix
	source Source
	to     audience
}

const markerSize = 16

func (e *encoder) begin() {
	e.start = len(e.bytes)
	for range markerSize {
		e.bytes = append(e.bytes, 0xff)
	}
	e.bytes = append(e.bytes, 0, 0, bgp.BGP_MSG_UPDATE)
}

func (e *encoder) finish(m message) {
	binary.BigEndian.PutUint16(e.bytes[e.start+markerSize:], uint16(len(e.bytes)-e.start))
	m.end = len(e.bytes)
	e.messages = append(e.messages, m)
}

func (e *encoder) room() int { return maxMessage - (len(e.bytes) - e.start) }

// withdraw encodes withdrawals, packed.
func (e *encoder) withdraw(list []withdrawal) {
	slices.SortFunc(list, func(a, b withdrawal) int {
		return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.source, b.source), a.prefix.Compare(b.prefix)) // IPv4 before IPv6
	})
	for len(list) > 0 {
		first := list[0]
		family := familyOfPrefix(first.prefix)
		e.begin()
		var at int // of the length to be filled in
		if family == IPv4 {
			at = len(e.bytes)
			e.bytes = append(e.bytes, 0, 0)
		} else {
			e.bytes = append(e.bytes, 0, 0, 0, 0) // no withdrawn routes, length of the attributes
			e.bytes = append(e.bytes, byte(bgp.BGP_ATTR_FLAG_OPTIONAL|bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH), byte(bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI))
			at = len(e.bytes)
			e.bytes = append(e.bytes, 0, 0, 0, bgp.AFI_IP6, bgp.SAFI_UNICAST)
		}
		for len(list) > 0 && e.room() > 2+17 {
			w := list[0]
			if w.to != first.to || w.source != first.source || familyOfPrefix(w.prefix) != family {
				break
			}
			e.bytes = appendPrefix(e.bytes, w.prefix)
			list = list[1:]
		}
		size := len(e.bytes) - at - 2
		binary.BigEndian.PutUint16(e.bytes[at:], uint16(size))
		if family == IPv4 {
			e.bytes = append(e.bytes, 0, 0) // no attributes
		} else {
			binary.BigEndian.PutUint16(e.bytes[e.start+headerSize+2:], uint16(size+4))
		}
		e.finish(message{family: family, source: first.source, to: first.to})
	}
}

// announce encodes routes: those with the same attributes and source share messages. Routes are in order of prefix, IPv4
// first; attributes are compared by pointer.
func (e *encoder) announce(routes []Route) {
	type group struct {
		attrs  *Attributes
		source Source
		family Family
	}
	groups := map[group][]netip.Prefix{}
	var order []group
	for _, r := range routes {
		g := group{r.Attrs, r.Source, familyOfPrefix(r.Prefix)}
		list, ok := groups[g]
		if !ok {
			order = append(order, g)
		}
		groups[g] = append(list, r.Prefix)
	}
	for _, g := range order {
		e.announceGroup(g.attrs, g.source, g.family, groups[g])
	}
}

func (e *encoder) announceGroup(attrs *Attributes, source Source, family Family, prefixes []netip.Prefix) {
	const reachHeader = 4 + 5 + 16 // attribute header, family, length and next hop, reserved byte
	common := attrs.encode(e.fourOctetAS, family == IPv4)
	if headerSize+4+len(common)+reachHeader+17 > maxMessage {
		e.tooLong += len(prefixes)
		return
	}
	for len(prefixes) > 0 {
		m := message{family: family, source: source}
		e.begin()
		e.bytes = append(e.bytes, 0, 0)
		at := len(e.bytes)
		e.bytes = append(e.bytes, 0, 0)
		e.bytes = append(e.bytes, common...)
		reach := len(e.bytes)
		if family == IPv4 {
			binary.BigEndian.PutUint16(e.bytes[at:], uint16(len(common)))
			m.nextHop = len(e.bytes) - 4 // encode puts NEXT_HOP last
		} else {
			e.bytes = append(e.bytes, byte(bgp.BGP_ATTR_FLAG_OPTIONAL|bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH), byte(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI), 0, 0)
			e.bytes = append(e.bytes, 0, bgp.AFI_IP6, bgp.SAFI_UNICAST, 16)
			m.nextHop = len(e.bytes)
			e.bytes = append(e.bytes, make([]byte, 16+1)...)
		}
		for len(prefixes) > 0 && e.room() >= 17 {
			e.bytes = appendPrefix(e.bytes, prefixes[0])
			prefixes = prefixes[1:]
		}
		if family == IPv6 {
			binary.BigEndian.PutUint16(e.bytes[reach+2:], uint16(len(e.bytes)-reach-4))
			binary.BigEndian.PutUint16(e.bytes[at:], uint16(len(e.bytes)-at-2))
		}
		e.finish(m)
	}
}

// encode is the attributes on the wire. With a next hop, zeros for it are the last four bytes.
func (a *Attributes) encode(fourOctetAS, nextHop bool) []byte {
	list := []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(a.Origin)}
	var path []bgp.AsPathParamInterface
	var long []*bgp.As4PathParam
	for part := range slices.Chunk(a.ASPath, 255) {
		if fourOctetAS {
			path = append(path, bgp.NewAs4PathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, part))
			continue
		}
		short := make([]uint16, len(part))
		for i, as := range part {
			short[i] = asTrans
			if as <= 0xffff {
				short[i] = uint16(as)
			}
		}
		path = append(path, bgp.NewAsPathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, short))
		long = append(long, bgp.NewAs4PathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, part))
	}
	list = append(list, bgp.NewPathAttributeAsPath(path))
	if a.HasMED {
		list = append(list, bgp.NewPathAttributeMultiExitDisc(a.MED))
	}
	if a.HasLocalPref {
		list = append(list, bgp.NewPathAttributeLocalPref(a.LocalPref))
	}
	if len(a.Communities) > 0 {
		list = append(list, bgp.NewPathAttributeCommunities(a.Communities))
	}
	if !fourOctetAS && slices.ContainsFunc(a.ASPath, func(as uint32) bool { return as > 0xffff }) { // RFC 6793 §4.2.2
		list = append(list, bgp.NewPathAttributeAs4Path(long))
	}
	var b []byte
	for _, p := range list {
		one, err := p.Serialize()
		if err != nil {
			panic("bgp: encode attributes: " + err.Error()) // our own values
		}
		b = append(b, one...)
	}
	if nextHop {
		b = append(b, byte(bgp.BGP_ATTR_FLAG_TRANSITIVE), byte(bgp.BGP_ATTR_TYPE_NEXT_HOP), 4, 0, 0, 0, 0)
	}
	return b
}

// appendKey appends bytes that are the same for the same attributes. The next hop is not part of them: a session sends its
// own.
func (a *Attributes) appendKey(b []byte) []byte {
	flags := a.Origin << 2
	if a.HasMED {
		flags |= 1
	}
	if a.HasLocalPref {
		flags |= 2
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint32(b, a.MED)
	b = binary.BigEndian.AppendUint32(b, a.LocalPref)
	b = binary.BigEndian.AppendUint16(b, uint16(len(a.ASPath)))
	for _, as := range a.ASPath {
		b = binary.BigEndian.AppendUint32(b, as)
	}
	for _, c := range a.Communities {
		b = binary.BigEndian.AppendUint32(b, c)
	}
	return b
}

// Updates are UPDATE messages that make the routes of [Session.Heard] anew, with the peer's next hops.
func Updates(routes []HeardRoute, fourOctetAS bool) [][]byte {
	same := map[*Attributes][]Route{}
	var order []*Attributes
	for _, r := range routes {
		if same[r.Attrs] == nil {
			order = append(order, r.Attrs)
		}
		same[r.Attrs] = append(same[r.Attrs], Route{Prefix: r.Prefix, Attrs: r.Attrs})
	}
	var out [][]byte
	for _, a := range order {
		e := &encoder{fourOctetAS: fourOctetAS}
		e.announce(same[a])
		start := 0
		for _, m := range e.messages {
			if hop := a.NextHop; hop.Is4() == (m.family == IPv4) {
				copy(e.bytes[m.nextHop:], hop.AsSlice())
			}
			out, start = append(out, e.bytes[start:m.end:m.end]), m.end
		}
	}
	return out
}

// EndOfRIB says that all routes of a family have been sent (RFC 4724).
func EndOfRIB(f Family) []byte { return encodeEndOfRIB(f) }

// OpenMessage is the OPEN that a session with the peer begins with.
func OpenMessage(p *Peer) ([]byte, error) {
	return encodeOpen(p.LocalAS, p.RouterID, p.holdTime(), p.capabilities(true))
}

// Message is the NOTIFICATION on the wire.
func (n *Notification) Message() []byte { return n.encode() }
