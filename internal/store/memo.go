package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Reading the same row again must not decode it again. The memo maps the bytes of a row to its decoded value. Since the
// bytes are compared in full, a remembered row can never be out of date, and nothing ever has to be invalidated.
//
// Each shard keeps two generations: a hit in the old one moves the row to the young one, and when the young one has
// used its half of the budget it becomes the old one. What nobody read for one generation is gone.
type memo struct {
	seed   maphash.Seed
	budget atomic.Int64 // bytes per generation and shard
	shards [memoShards]memoShard
}

type memoShard struct {
	mu         sync.RWMutex
	young, old map[uint64]memoRow
	used       int64 // bytes in young
}

type memoRow struct {
	raw string
	row any // *T of some table
}

const (
	memoShards = 16
	memoCost   = 200 // what a row costs beside its text, roughly: map slots, headers, the struct itself
)

// rows is shared by all tables of the process, so that the one bound holds however many tables there are.
var rows = newMemo(16 << 20)

// SetMemoLimit bounds the memory kept for decoded rows, in bytes for the whole process; 0 remembers nothing. The
// default is 16 MiB.
func SetMemoLimit(bytes int64) { rows.limit(bytes) }

func newMemo(bytes int64) *memo {
	m := &memo{seed: maphash.MakeSeed()}
	m.limit(bytes)
	return m
}

func (m *memo) limit(bytes int64) {
	m.budget.Store(bytes / memoShards / 2)
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.young, s.old, s.used = nil, nil, 0
		s.mu.Unlock()
	}
}

// hash names a row's place. The salt keeps equal bytes in two tables, which decode to different types, apart. Of a long
// row both ends are enough: ids stand at the start and states at the end, and rows that still fall together only push
// each other out.
func (m *memo) hash(raw []byte, salt uint64) uint64 {
	const end = 64
	if len(raw) <= 2*end {
		return maphash.Bytes(m.seed, raw) ^ salt
	}
	return maphash.Bytes(m.seed, raw[:end]) ^ maphash.Bytes(m.seed, raw[len(raw)-end:])*3 ^ uint64(len(raw)) ^ salt
}

func (m *memo) get(h uint64, raw []byte) (any, bool) {
	s := &m.shards[h%memoShards]
	s.mu.RLock()
	r, ok := s.young[h]
	fresh := ok
	if !ok {
		r, ok = s.old[h]
	}
	s.mu.RUnlock()
	if !ok || r.raw != string(raw) {
		return nil, false
	}
	if !fresh {
		m.add(h, r)
	}
	return r.row, true
}

func (m *memo) put(h uint64, raw []byte, row any) { m.add(h, memoRow{string(raw), row}) }

func (m *memo) add(h uint64, r memoRow) {
	// Text and decoded strings are two copies of about the same size.
	cost := int64(2*len(r.raw) + memoCost)
	budget := m.budget.Load()
	if cost > budget {
		return
	}
	s := &m.shards[h%memoShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+cost > budget {
		s.old, s.young, s.used = s.young, nil, 0
	}
	if s.young == nil {
		s.young = map[uint64]memoRow{}
	}
	if _, ok := s.young[h]; !ok {
		s.used += cost
	}
	s.young[h] = r
}
