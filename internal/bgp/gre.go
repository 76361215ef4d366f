package bgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// GRE packets (RFC 2784, 2890): what a Connect peer's tunnel carries. Keys and sequence numbers that a peer sends are
// skipped, none are sent.

const (
	greHeader    = 4
	greChecksum  = 0x8000
	greRouting   = 0x4000
	greKey       = 0x2000
	greSequence  = 0x1000
	greVersion   = 0x0007
	etherIPv4    = 0x0800
	etherIPv6    = 0x86dd
	minIPv4      = 20
	minIPv6      = 40
	maxGREPacket = 65535
)

var errGRE = errors.New("not a GRE packet with IP in it")

// encapsulate puts an IP packet behind a GRE header, in b, which has greHeader bytes before it.
func encapsulate(b []byte) error {
	if len(b) <= greHeader {
		return errGRE
	}
	kind := uint16(etherIPv4)
	if b[greHeader]>>4 == 6 {
		kind = etherIPv6
	}
	binary.BigEndian.PutUint16(b, 0)
	binary.BigEndian.PutUint16(b[2:], kind)
	return nil
}

// decapsulate is the IP packet in a GRE packet.
func decapsulate(b []byte) ([]byte, error) {
	if len(b) < greHeader {
		return nil, errGRE
	}
	flags, kind := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b = b[greHeader:]
	if flags&(greRouting|greVersion) != 0 {
		return nil, fmt.Errorf("%w: flags %#04x", errGRE, flags)
	}
	for _, field := range []uint16{greChecksum, greKey, greSequence} {
		if flags&field == 0 {
			continue
		}
		if len(b) < 4 {
			return nil, errGRE
		}
		b = b[4:]
	}
	switch {
	case kind == etherIPv4 && len(b) >= minIPv4 && b[0]>>4 == 4, kind == etherIPv6 && len(b) >= minIPv6 && b[0]>>4 == 6:
		return b, nil
	}
	return nil, fmt.Errorf("%w: protocol %#04x, %d bytes", errGRE, kind, len(b))
}

// packetAddrs are the source and destination of an IP packet that is long enough to have them.
func packetAddrs(b []byte) (from, to netip.Addr, ok bool) {
	switch {
	case len(b) >= minIPv4 && b[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), true
	case len(b) >= minIPv6 && b[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), true
	}
	return from, to, false
}

// GREPeer is the far end of a tunnel: its outer address, and the blocks inside.
type GREPeer struct {
	Outer  netip.Addr
	Inside []netip.Prefix
}

// inside says whether an inner address is the peer's.
func (p *GREPeer) inside(a netip.Addr) bool {
	for _, block := range p.Inside {
		if block.Contains(a) {
			return true
		}
	}
	return false
}
