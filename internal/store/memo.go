package store

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"unsafe"
)

// memo lets a row that is read again be neither verified nor decoded again. It maps the key and the bytes of a row to its
// decoded value. Since both are compared in full, with the seal where there is one, or are the same memory that lasts, a
// remembered row can never be out of date, damage is never taken for it, and nothing ever has to be invalidated.
//
// A row has two places it may be in, so that reading takes no lock. What is pushed out, by a third row for the same
// places or by the bound on memory, is what was not read for the longest time among a few.
type memo struct {
	budget atomic.Int64  // bytes
	held   atomic.Int64  // bytes
	puts   atomic.Uint32 // the clock: how many rows were put
	hand   atomic.Uint32 // where the search for something to drop goes on
	places [memoPlaces]atomic.Pointer[memoRow]
}

type memoRow struct {
	key  string
	raw  string        // its bytes, without the seal
	seal uint64        // of key and bytes
	row  any           // *Row[P] of some table
	read atomic.Uint32 // the clock when it was last read
}

const (
	memoPlaces = 1 << 15
	memoCost   = 200 // what a row costs beside its text, roughly: its place, headers, the struct itself
)

// cost counts the bytes, the decoded strings and the text made of them as three copies of about the same size.
func (r *memoRow) cost() int64 { return int64(len(r.key) + 3*len(r.raw) + memoCost) }

// rows is shared by all tables of the process, so that the one bound holds however many tables there are.
var rows = newMemo(16 << 20)

func newMemo(bytes int64) *memo {
	m := &memo{}
	m.budget.Store(bytes)
	return m
}

func (m *memo) limit(bytes int64) {
	m.budget.Store(bytes)
	for i := range m.places {
		m.set(&m.places[i], nil)
	}
}

// pair is the places of a row. They go by its key, so that a row that was changed takes the place of what it was. The upper
// half of a seal is of the key alone.
func (m *memo) pair(seal uint64) (a, b *atomic.Pointer[memoRow]) {
	i := (seal >> 32) % memoPlaces
	return &m.places[i], &m.places[i^1]
}

// verified is the row remembered for a key and for what the file holds for it, nil for none. That it is remembered means that
// it was found to be what was written.
func (m *memo) verified(key, sealed []byte) *memoRow {
	end := len(sealed) - sealSize
	if end < 0 {
		return nil
	}
	seal := binary.LittleEndian.Uint64(sealed[end:])
	r := find(m, seal, key, sealed[:end])
	if r == nil || r.seal != seal {
		return nil
	}
	return r
}

// find is the row remembered for a key, of which only the upper half of seal needs to be known, and its bytes.
func find[K string | []byte](m *memo, seal uint64, key K, raw []byte) *memoRow {
	a, b := m.pair(seal)
	r := a.Load()
	if !r.holds(raw) && (r == nil || r.key != string(key) || r.raw != string(raw)) {
		if r = b.Load(); !r.holds(raw) && (r == nil || r.key != string(key) || r.raw != string(raw)) {
			return nil
		}
	}
	if now := m.puts.Load(); r.read.Load() != now {
		r.read.Store(now)
	}
	return r
}

// holds tells whether the row is that of these very bytes in memory.
func (r *memoRow) holds(raw []byte) bool {
	return r != nil && unsafe.StringData(r.raw) == unsafe.SliceData(raw) && len(r.raw) == len(raw)
}

// put remembers a row. lasting says that raw never changes, and may be kept.
func (m *memo) put(key string, raw []byte, lasting bool, row any) {
	text := unsafe.String(unsafe.SliceData(raw), len(raw))
	if !lasting {
		text = string(raw)
	}
	r := &memoRow{key: strings.Clone(key), raw: text, seal: sealOf(key, raw), row: row}
	if r.cost() > m.budget.Load() {
		return
	}
	now := m.puts.Add(1)
	r.read.Store(now)
	a, b := m.pair(r.seal)
	switch old, other := a.Load(), b.Load(); {
	case old == nil || old.key == key:
	case other == nil || other.key == key || m.age(b, now) > m.age(a, now):
		a = b
	}
	m.set(a, r)
	for m.held.Load() > m.budget.Load() && m.drop(now) {
	}
}

// age is how long ago the row at a place was read.
func (m *memo) age(p *atomic.Pointer[memoRow], now uint32) uint32 {
	r := p.Load()
	if r == nil {
		return 0
	}
	return now - r.read.Load()
}

// set replaces what a place holds and keeps the account.
func (m *memo) set(p *atomic.Pointer[memoRow], r *memoRow) {
	if r != nil {
		m.held.Add(r.cost())
	}
	if old := p.Swap(r); old != nil {
		m.held.Add(-old.cost())
	}
}

// drop lets go of the row that was not read for the longest time among the next few, and reports whether there was one.
func (m *memo) drop(now uint32) bool {
	const few = 8
	var oldest *atomic.Pointer[memoRow]
	found := 0
	for range memoPlaces {
		p := &m.places[m.hand.Add(1)%memoPlaces]
		if p.Load() == nil {
			continue
		}
		if oldest == nil || m.age(p, now) > m.age(oldest, now) {
			oldest = p
		}
		if found++; found == few {
			break
		}
	}
	if oldest == nil {
		return false
	}
	m.set(oldest, nil)
	return true
}
