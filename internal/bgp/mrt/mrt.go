// Package mrt records BGP sessions in files of the MRT format (RFC 6396), reads such files, and repeats what they hold.
package mrt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"portolan/internal/bgp"
)

// Record is one BGP4MP record: a message that a peer has sent, or with a nil message a change of the state of a session.
type Record struct {
	At          time.Time // microseconds
	PeerAS      uint32
	LocalAS     uint32
	Peer, Local netip.Addr
	FourOctetAS bool // AS numbers in AS paths have four octets
	Message     []byte
	From, To    bgp.State
}

// The types and subtypes of RFC 6396 §4.4 and §3.
const (
	typeBGP4MP   = 16
	typeBGP4MPET = 17 // with microseconds

	stateChange    = 0
	message        = 1
	messageAS4     = 4
	stateChangeAS4 = 5
)

const (
	maxRecord  = 128 << 10 // an extended message has 64 KiB
	asTrans    = 23456
	headerSize = 19 // of a BGP message
)

// Append appends the record, with microseconds.
func (r *Record) Append(b []byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(r.At.Unix()))
	b = binary.BigEndian.AppendUint16(b, typeBGP4MPET)
	b = binary.BigEndian.AppendUint16(b, r.subtype())
	b = binary.BigEndian.AppendUint32(b, 0) // length
	b = binary.BigEndian.AppendUint32(b, uint32(r.At.Nanosecond()/1000))
	if r.subtype() == message {
		b = binary.BigEndian.AppendUint16(b, shortAS(r.PeerAS))
		b = binary.BigEndian.AppendUint16(b, shortAS(r.LocalAS))
	} else {
		b = binary.BigEndian.AppendUint32(b, r.PeerAS)
		b = binary.BigEndian.AppendUint32(b, r.LocalAS)
	}
	b = binary.BigEndian.AppendUint16(b, 0) // interface
	if family := uint16(1); r.Peer.Is4() {
		b = binary.BigEndian.AppendUint16(b, family)
	} else {
		b = binary.BigEndian.AppendUint16(b, family+1)
	}
	b = append(append(b, r.Peer.AsSlice()...), r.Local.AsSlice()...)
	if r.Message == nil {
		b = binary.BigEndian.AppendUint16(b, stateNumber(r.From))
		b = binary.BigEndian.AppendUint16(b, stateNumber(r.To))
	} else {
		b = append(b, r.Message...)
	}
	binary.BigEndian.PutUint32(b[start+8:], uint32(len(b)-start-12))
	return b
}

func (r *Record) subtype() uint16 {
	switch {
	case r.Message == nil:
		return stateChangeAS4
	case r.FourOctetAS:
		return messageAS4
	}
	return message
}

func shortAS(as uint32) uint16 {
	if as > 0xffff {
		return asTrans
	}
	return uint16(as)
}

// stateNumber is a state as RFC 4271 numbers it: Idle is 1.
func stateNumber(s bgp.State) uint16 { return uint16(s) + 1 }

// Reader reads records one after the other. Records of other types than BGP4MP, such as tables, are passed over.
type Reader struct {
	in *bufio.Reader
	at int64 // where the next record begins
}

// NewReader is a Reader of a file.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReader(r)} }

// Next is the next record; [io.EOF] after the last. The message is the caller's.
func (r *Reader) Next() (*Record, error) {
	for {
		var head [12]byte
		if _, err := io.ReadFull(r.in, head[:]); errors.Is(err, io.EOF) {
			return nil, io.EOF
		} else if err != nil {
			return nil, r.wrong("ends in the header of a record")
		}
		size := binary.BigEndian.Uint32(head[8:])
		if size > maxRecord {
			return nil, r.wrong("has a record of %d bytes: it is damaged, or no MRT file", size)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r.in, body); err != nil {
			return nil, r.wrong("ends in a record")
		}
		kind, subtype := binary.BigEndian.Uint16(head[4:]), binary.BigEndian.Uint16(head[6:])
		rec := &Record{At: time.Unix(int64(binary.BigEndian.Uint32(head[:])), 0).UTC()}
		known := kind == typeBGP4MP || kind == typeBGP4MPET
		if known && kind == typeBGP4MPET {
			if len(body) < 4 {
				return nil, r.wrong("has a record that is too short")
			}
			rec.At = rec.At.Add(time.Duration(binary.BigEndian.Uint32(body)) * time.Microsecond)
			body = body[4:]
		}
		if known {
			switch subtype {
			case stateChange, message, stateChangeAS4, messageAS4:
				if !rec.parse(subtype, body) {
					return nil, r.wrong("has a record that is not well-formed")
				}
			default:
				known = false
			}
		}
		r.at += int64(len(head)) + int64(size)
		if known {
			return rec, nil
		}
	}
}

func (r *Reader) wrong(format string, args ...any) error {
	return fmt.Errorf("byte %d: the file "+format, append([]any{r.at}, args...)...)
}

// parse reads the body of a BGP4MP record.
func (r *Record) parse(subtype uint16, b []byte) bool {
	asSize := 4
	if subtype == message || subtype == stateChange {
		asSize = 2
	}
	if len(b) < 2*asSize+4 {
		return false
	}
	as := func(b []byte) uint32 {
		if asSize == 2 {
			return uint32(binary.BigEndian.Uint16(b))
		}
		return binary.BigEndian.Uint32(b)
	}
	r.PeerAS, r.LocalAS = as(b), as(b[asSize:])
	family := binary.BigEndian.Uint16(b[2*asSize+2:])
	b = b[2*asSize+4:]
	size := map[uint16]int{1: 4, 2: 16}[family]
	if size == 0 || len(b) < 2*size {
		return false
	}
	r.Peer, _ = netip.AddrFromSlice(b[:size])
	r.Local, _ = netip.AddrFromSlice(b[size : 2*size])
	b = b[2*size:]
	if subtype == message || subtype == messageAS4 {
		r.FourOctetAS, r.Message = subtype == messageAS4, b
		return len(b) >= headerSize && int(binary.BigEndian.Uint16(b[headerSize-3:])) == len(b)
	}
	if len(b) != 4 {
		return false
	}
	from, to := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	r.From, r.To = bgp.State(from-1), bgp.State(to-1)
	return from >= 1 && from <= stateNumber(bgp.Established) && to >= 1 && to <= stateNumber(bgp.Established)
}
