package bgp

import (
	"encoding/binary"
	"net/netip"
)

// update is an UPDATE message taken apart (RFC 4271 §4.3, 4760).
type update struct {
	withdrawn    []netip.Prefix
	announced    []netip.Prefix // by the NLRI field
	attrs        *Attributes    // of announced; nil: treat them as withdrawn
	reached      []netip.Prefix // by MP_REACH_NLRI
	reachedAttrs *Attributes    // of reached; nil: treat them as withdrawn
	malformed    *Notification  // why they are treated as withdrawn
	ignored      int            // prefixes that no route can have, and families that were not negotiated
	endOfRIB     Family         // the message marks the end of the first exchange of this family
}

// decoder reads the UPDATE messages of one connection. Its buffers are used again: an update is valid until the next one.
type decoder struct {
	families    Family
	fourOctetAS bool
	internal    bool   // iBGP
	peerAS      uint32 // the first AS that a path of an external peer must have

	cache map[string]*Attributes // by the bytes of the attributes, without MP_REACH_NLRI and MP_UNREACH_NLRI
	key   []byte
	u     update
}

// maxCached bounds the attributes that a session remembers by their bytes, so that peers that send one prefix a message
// share them all the same.
const maxCached = 1024

// decode takes the body of an UPDATE apart. A Notification ends the session; all that RFC 7606 allows to survive is in
// the update.
func (d *decoder) decode(body []byte) (*update, *Notification) {
	u := &d.u
	*u = update{withdrawn: u.withdrawn[:0], announced: u.announced[:0], reached: u.reached[:0]}
	if len(body) < 4 {
		return nil, notify(codeHeader, 2, "an UPDATE of %d bytes", len(body)+headerSize)
	}
	n := int(binary.BigEndian.Uint16(body))
	if n > len(body)-4 {
		return nil, notify(codeUpdate, 1, "withdrawn routes of %d bytes in an UPDATE of %d", n, len(body)+headerSize)
	}
	withdrawn, rest := body[2:2+n], body[2+n:]
	n = int(binary.BigEndian.Uint16(rest))
	if n > len(rest)-2 {
		return nil, notify(codeUpdate, 1, "path attributes of %d bytes in an UPDATE of %d", n, len(body)+headerSize)
	}
	attrs, nlri := rest[2:2+n], rest[2+n:]

	var ok bool
	if u.withdrawn, ok = d.prefixes(u.withdrawn, withdrawn, IPv4); !ok {
		return nil, notify(codeUpdate, 10, "withdrawn routes that cannot be read")
	}
	if u.announced, ok = d.prefixes(u.announced, nlri, IPv4); !ok {
		return nil, notify(codeUpdate, 10, "prefixes that cannot be read")
	}
	if d.families&IPv4 == 0 { // RFC 4760: the fields of RFC 4271 are for IPv4 alone
		u.ignored += len(u.withdrawn) + len(u.announced)
		u.withdrawn, u.announced = u.withdrawn[:0], u.announced[:0]
	}
	if len(attrs) == 0 {
		switch {
		case len(nlri) > 0:
			u.malformed = notify(codeUpdate, 3, "no path attributes")
		case len(withdrawn) == 0:
			u.endOfRIB = IPv4
		}
		return u, nil
	}
	if err := d.attributes(attrs, len(withdrawn)+len(nlri) == 0); err != nil {
		return nil, err
	}
	return u, nil
}

// prefixes appends the prefixes of a field. Host bits are cleared; prefixes that no route can have are counted.
func (d *decoder) prefixes(list []netip.Prefix, b []byte, f Family) ([]netip.Prefix, bool) {
	for len(b) > 0 {
		bits := int(b[0])
		size := (bits + 7) / 8
		if f == IPv4 && bits > 32 || bits > 128 || size > len(b)-1 {
			return list, false
		}
		var addr netip.Addr
		if f == IPv4 {
			var a [4]byte
			copy(a[:], b[1:1+size])
			addr = netip.AddrFrom4(a)
		} else {
			var a [16]byte
			copy(a[:], b[1:1+size])
			addr = netip.AddrFrom16(a)
		}
		b = b[1+size:]
		if p := netip.PrefixFrom(addr, bits).Masked(); routable(p) {
			list = append(list, p)
		} else {
			d.u.ignored++
		}
	}
	return list, true
}

// routable says whether unicast traffic can follow a route to the prefix (RFC 4271 §6.3: the others are ignored).
func routable(p netip.Prefix) bool {
	a := p.Addr()
	if a.Is4() {
		b := a.As4()
		return p.Bits() == 0 || b[0] != 127 && b[0] < 224 && (b[0] != 0 || p.Bits() < 8)
	}
	return p.Bits() == 0 || !a.Is4In6() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && (!a.IsLoopback() && !a.IsUnspecified() || p.Bits() < 96)
}

// appendPrefix appends a prefix as it is in an UPDATE.
func appendPrefix(b []byte, p netip.Prefix) []byte {
	size := (p.Bits() + 7) / 8
	b = append(b, byte(p.Bits()))
	if p.Addr().Is4() {
		a := p.Addr().As4()
		return append(b, a[:size]...)
	}
	a := p.Addr().As16()
	return append(b, a[:size]...)
}
