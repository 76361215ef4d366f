// Package bmp sends what BGP sessions receive to monitoring stations, with the BGP Monitoring Protocol (RFC 7854).
package bmp

import (
	"encoding/binary"
	"net/netip"
	"time"

	"portolan/internal/bgp"
)

// The types of messages, RFC 7854 §4.1.
const (
	routeMonitoring = 0
	peerDown        = 2
	peerUp          = 3
	initiation      = 4
	termination     = 5
)

const (
	version     = 3
	commonSize  = 6
	perPeerSize = 42
)

// The flags of the per-peer header, RFC 7854 §4.2.
const (
	flagIPv6     = 0x80 // of the peer's address
	flagShortASN = 0x20 // AS paths have AS numbers of two octets
)

// Why a session went down, RFC 7854 §4.9.
const (
	downLocalNotification  = 1
	downRemoteNotification = 3
	downRemote             = 4
)

// peer is whom a message is about.
type peer struct {
	address netip.Addr
	as      uint32
	id      netip.Addr
	short   bool // AS numbers of two octets
}

func begin(b []byte, kind byte) []byte { return append(b, version, 0, 0, 0, 0, kind) }

// finish fills the length of the message that begins at start in.
func finish(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start+1:], uint32(len(b)-start))
	return b
}

func (p *peer) header(b []byte, at time.Time) []byte {
	flags := byte(0)
	if p.address.Is6() {
		flags |= flagIPv6
	}
	if p.short {
		flags |= flagShortASN
	}
	b = append(b, 0, flags)           // a global instance peer, before policies
	b = append(b, make([]byte, 8)...) // no route distinguisher
	b = appendAddress(b, p.address)
	b = binary.BigEndian.AppendUint32(b, p.as)
	id := [4]byte{}
	if p.id.Is4() {
		id = p.id.As4()
	}
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(at.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(at.Nanosecond()/1000))
}

// appendAddress appends 16 bytes; an IPv4 address is in the last four.
func appendAddress(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		b = append(b, make([]byte, 12)...)
		return append(b, a.AsSlice()...)
	}
	if !a.IsValid() {
		return append(b, make([]byte, 16)...)
	}
	return append(b, a.AsSlice()...)
}

// about is a message whose content follows the per-peer header.
func (p *peer) about(b []byte, kind byte, at time.Time, content ...byte) []byte {
	start := len(b)
	b = p.header(begin(b, kind), at)
	return finish(append(b, content...), start)
}

// up says that a session is established, with the OPEN messages of both ends.
func (p *peer) up(b []byte, i *bgp.Info) []byte {
	content := appendAddress(nil, i.Peer.Local.Addr())
	content = binary.BigEndian.AppendUint16(content, i.Peer.Local.Port())
	content = binary.BigEndian.AppendUint16(content, i.RemoteAddr.Port())
	content = append(append(content, i.SentOpen...), i.ReceivedOpen...)
	return p.about(b, peerUp, i.Since, content...)
}

// down says that a session is not established any more.
func (p *peer) down(b []byte, t *bgp.Transition) []byte {
	switch {
	case t.Reason == nil:
		return p.about(b, peerDown, t.At, downRemote)
	case t.Sent:
		return p.about(b, peerDown, t.At, append([]byte{downLocalNotification}, t.Reason.Message()...)...)
	}
	return p.about(b, peerDown, t.At, append([]byte{downRemoteNotification}, t.Reason.Message()...)...)
}

// information is a TLV of text.
func information(b []byte, kind uint16, text string) []byte {
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}

// initiate begins a connection to a station: what sends, and its name.
func initiate(description, name string) []byte {
	b := begin(nil, initiation)
	return finish(information(information(b, 1, description), 2, name), 0)
}

// terminate ends a connection to a station: the operator does.
func terminate() []byte {
	return finish(append(begin(nil, termination), 0, 1, 0, 2, 0, 0), 0)
}
