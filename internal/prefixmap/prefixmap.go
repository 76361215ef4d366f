// Package prefixmap has maps by prefix that take a third of the memory of a Go map with keys of netip.Prefix: the key of an IPv4
// prefix is one word, and the collector finds no pointers in keys. A full table of the Internet is a million of them.
package prefixmap

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// Map is a map by prefix. The zero Map is empty and ready.
type Map[V any] struct {
	v4 map[uint64]V
	v6 map[key6]V
}

// key6 is an IPv6 prefix: the halves of the address and the length.
type key6 struct {
	high, low uint64
	bits      uint8
}

func key4(p netip.Prefix) uint64 {
	a := p.Addr().As4()
	return uint64(binary.BigEndian.Uint32(a[:]))<<8 | uint64(p.Bits())
}

func prefix4(k uint64) netip.Prefix {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(k>>8))
	return netip.PrefixFrom(netip.AddrFrom4(a), int(k&0xff))
}

// keyOf6 is the key of a prefix that is not IPv4.
func keyOf6(p netip.Prefix) key6 {
	a := p.Addr().As16()
	return key6{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:]), uint8(p.Bits())}
}

func (k key6) prefix() netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], k.high)
	binary.BigEndian.PutUint64(a[8:], k.low)
	return netip.PrefixFrom(netip.AddrFrom16(a), int(k.bits))
}

// Get is what a valid prefix has; false: nothing.
func (m *Map[V]) Get(p netip.Prefix) (v V, ok bool) {
	if p.Addr().Is4() {
		v, ok = m.v4[key4(p)]
	} else {
		v, ok = m.v6[keyOf6(p)]
	}
	return v, ok
}

// Set gives a valid prefix something.
func (m *Map[V]) Set(p netip.Prefix, v V) {
	switch {
	case p.Addr().Is4():
		if m.v4 == nil {
			m.v4 = map[uint64]V{}
		}
		m.v4[key4(p)] = v
	default:
		if m.v6 == nil {
			m.v6 = map[key6]V{}
		}
		m.v6[keyOf6(p)] = v
	}
}

// Delete takes a prefix out; one that is not there is no error.
func (m *Map[V]) Delete(p netip.Prefix) {
	if p.Addr().Is4() {
		delete(m.v4, key4(p))
	} else {
		delete(m.v6, keyOf6(p))
	}
}

// Len is how many prefixes there are.
func (m *Map[V]) Len() int { return len(m.v4) + len(m.v6) }

// All are the prefixes with what they have, in no order. What is deleted meanwhile does not come.
func (m *Map[V]) All() iter.Seq2[netip.Prefix, V] {
	return func(yield func(netip.Prefix, V) bool) {
		for k, v := range m.v4 {
			if !yield(prefix4(k), v) {
				return
			}
		}
		for k, v := range m.v6 {
			if !yield(k.prefix(), v) {
				return
			}
		}
	}
}
