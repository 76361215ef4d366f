package store

import (
	"hash/maphash"
	"sync/atomic"
)

// memo lets a row that is read again not be decoded again. It maps the bytes of a row to its decoded value. Since the
// bytes are compared in full, a remembered row can never be out of date, and nothing ever has to be invalidated.
//
// A row has two places it may be in, so that reading takes no lock. What is pushed out, by a third row for the same
// places or by the bound on memory, is what was not read for the longest time among a few.
type memo struct {
	seed   maphash.Seed
	budget atomic.Int64  // bytes
	held   atomic.Int64  // bytes
	puts   atomic.Uint32 // the clock: how many rows were put
	hand   atomic.Uint32 // where the search for something to drop goes on
	places [memoPlaces]atomic.Pointer[memoRow]
}

type memoRow struct {
	raw  string
	row  any           // *Row[T] of some table
	read atomic.Uint32 // the clock when it was last read
}

const (
	memoPlaces = 1 << 15
	memoCost   = 200 // what a row costs beside its text, roughly: its place, headers, the struct itself
)

// cost counts the bytes, the decoded strings and the text made of them as three copies of about the same size.
func (r *memoRow) cost() int64 { return int64(3*len(r.raw) + memoCost) }

// rows is shared by all tables of the process, so that the one bound holds however many tables there are.
var rows = newMemo(16 << 20)

func newMemo(bytes int64) *memo {
	m := &memo{seed: maphash.MakeSeed()}
	m.limit(bytes)
	return m
}

func (m *memo) limit(bytes int64) {
	m.budget.Store(bytes)
	for i := range m.places {
		m.set(&m.places[i], nil)
	}
}

// hash names a row's places. The salt keeps equal bytes in two tables, which decode to different types, apart. Of a long
// row both ends are enough: ids stand at the start and states at the end, and rows that still fall together only push
// each other out.
func (m *memo) hash(raw []byte, salt uint64) uint64 {
	const end = 64
	if len(raw) <= 2*end {
		return maphash.Bytes(m.seed, raw) ^ salt
	}
	return maphash.Bytes(m.seed, raw[:end]) ^ maphash.Bytes(m.seed, raw[len(raw)-end:])*3 ^ uint64(len(raw)) ^ salt
}

func (m *memo) pair(h uint64) (a, b *atomic.Pointer[memoRow]) {
	i := h % memoPlaces
	return &m.places[i], &m.places[i^1]
}

func (m *memo) get(h uint64, raw []byte) (any, bool) {
	a, b := m.pair(h)
	r := a.Load()
	if r == nil || r.raw != string(raw) {
		if r = b.Load(); r == nil || r.raw != string(raw) {
			return nil, false
		}
	}
	if now := m.puts.Load(); r.read.Load() != now {
		r.read.Store(now)
	}
	return r.row, true
}

func (m *memo) put(h uint64, raw []byte, row any) {
	r := &memoRow{raw: string(raw), row: row}
	if r.cost() > m.budget.Load() {
		return
	}
	now := m.puts.Add(1)
	r.read.Store(now)
	a, b := m.pair(h)
	if old := a.Load(); old != nil && old.raw != r.raw && (b.Load() == nil || m.age(b, now) > m.age(a, now)) {
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
