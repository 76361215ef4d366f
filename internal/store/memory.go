package store

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// memory keeps everything in a copy-on-write tree. A View takes the published tree, which nobody changes any more, and
// so needs no lock; an Update changes a private copy, which is published when it succeeds and forgotten when not.
type memory struct {
	published atomic.Pointer[published]
	changed   changed
	hub       hub

	turn     chan struct{} // holds one token: whoever has it is the writer
	head     *btree.BTreeG[pair]
	revision uint64

	closing chan struct{}
	closed  sync.Once
}

// published is what readers see at a revision.
type published struct {
	pairs    *btree.BTreeG[pair]
	revision uint64
}

type pair struct {
	key      string
	value    []byte
	revision uint64 // of the commit that wrote it; replicas only
	place    uint64 // where the row of the value is remembered, 0 for what is no row
}

func newPair(key string, value []byte, revision uint64) pair {
	p := pair{key: key, value: value, revision: revision}
	if len(value) > 0 && value[0] == '{' {
		p.place = sum64(key)
	}
	return p
}

// row is what is remembered of the value.
func (p *pair) row() *memoRow {
	if p.place == 0 {
		return nil
	}
	return find(rows, p.place, p.key, p.value)
}

func newPairs() *btree.BTreeG[pair] {
	return btree.NewBTreeGOptions(func(a, b pair) bool { return a.key < b.key }, btree.Options{NoLocks: true})
}

// OpenMemory returns an empty store that lives as long as the process.
func OpenMemory() Store {
	s := &memory{turn: make(chan struct{}, 1), head: newPairs(), closing: make(chan struct{})}
	s.published.Store(&published{pairs: s.head.Copy()})
	s.turn <- struct{}{}
	return s
}

func (s *memory) View(ctx context.Context, f func(Reader) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	now := s.published.Load()
	r := &reader{tree: memoryTree{now.pairs}, at: now.revision, changed: &s.changed}
	return r.view(f)
}

func (s *memory) Update(ctx context.Context, f func(Txn) error) error {
	if _, err := turn(ctx, s.turn, s.closing); err != nil {
		return err
	}
	defer func() { s.turn <- struct{}{} }()
	if err := s.ready(ctx); err != nil {
		return err
	}

	work := s.head.Copy()
	t := &txn{reader: reader{tree: memoryTree{work}}}
	if err := t.run(f); err != nil {
		return err
	}
	changes := t.changes()
	if len(changes) == 0 {
		return nil
	}
	s.head = work
	s.revision++
	s.changed.note(s.revision, changes)
	s.published.Store(&published{work.Copy(), s.revision})
	s.hub.publish(Commit{s.revision, changes})
	return nil
}

func (s *memory) Watch(ctx context.Context, prefix string) (<-chan Commit, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.hub.watch(ctx, prefix, s.published.Load().revision)
}

func (s *memory) Close() error {
	s.closed.Do(func() {
		close(s.closing)
		<-s.turn // a running update finishes first; nobody gets the turn after it
		s.hub.close()
	})
	return nil
}

func (s *memory) ready(ctx context.Context) error { return ready(ctx, s.closing) }

// ready is nil while the store is open and the caller still wants an answer.
func ready(ctx context.Context, closing <-chan struct{}) error {
	select {
	case <-closing:
		return ErrClosed
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

type memoryTree struct{ pairs *btree.BTreeG[pair] }

func (t memoryTree) get(key string) ([]byte, *memoRow, bool) {
	p, ok := t.pairs.Get(pair{key: key})
	return p.value, p.row(), ok
}

func (t memoryTree) put(key string, _, value []byte) error {
	if value == nil {
		t.pairs.Delete(pair{key: key})
	} else {
		t.pairs.Set(newPair(key, value, 0))
	}
	return nil
}

func (t memoryTree) cursor(prefix string) cursor {
	c := &memoryCursor{prefix: prefix}
	c.iter.Init(t.pairs, false)
	return c
}

type memoryCursor struct {
	prefix string
	iter   btree.IterG[pair]
}

func (c *memoryCursor) seek(key string) (string, []byte, *memoRow, bool) {
	return c.at(c.iter.Seek(pair{key: key}))
}

func (c *memoryCursor) leave() {}

func (c *memoryCursor) next() (string, []byte, *memoRow, bool) { return c.at(c.iter.Next()) }

func (c *memoryCursor) at(ok bool) (string, []byte, *memoRow, bool) {
	if !ok {
		return "", nil, nil, false
	}
	p := c.iter.Item()
	if !strings.HasPrefix(p.key, c.prefix) {
		return "", nil, nil, false
	}
	return p.key, p.value, p.row(), true
}
