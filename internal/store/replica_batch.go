package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/btree"
)

// replicaBatch is one proposal and the updates in it. Only the holder of the turn touches it, until done is closed.
type replicaBatch struct {
	base    *replicaState // nil until the first update begins
	tree    *btree.BTreeG[pair]
	reads   *readSet
	size    size // at most
	updates [][]Change
	calls   int
	fences  []Fence
	full    bool  // the last update had no room
	probe   bool  // commit even if nothing changed
	retry   bool  // what was read has changed: every update runs again
	err     error // what every update of the batch ends with, whatever it did itself
	done    chan struct{}
}

// errNoRoom sends an update to the next batch.
var errNoRoom = errors.New("the batch is full")

// begin takes the state that the batch works on, if it has none yet.
func (b *replicaBatch) begin(s *replica) {
	if b.base == nil {
		b.base = s.now.Load()
		b.tree = b.base.base.Copy()
		b.reads = newReadSet(nil)
	}
}

// runIn runs f as the next update of the batch and hands the turn back, even when f ends its goroutine. It tells whether the
// batch writes what f did.
func (s *replica) runIn(ctx context.Context, b *replicaBatch, f func(Txn) error) (wrote bool, err error) {
	defer func() { s.ran <- struct{}{} }()
	if err := ready(ctx, nil); err != nil {
		return false, err
	}
	b.begin(s)
	if fence, fenced := ctx.Value(fenceKey{}).(Fence); fenced && (b.calls > 0 || b.probe) && !slices.Contains(b.fences, fence) {
		b.full = true // if the name is another's by now, nothing else must fail with this
		return false, errNoRoom
	}
	b.calls++
	reads := newReadSet(b.reads)
	t := &txn{reader: reader{tree: &trackingTree{b.tree, reads}}}
	kept := false
	defer func() {
		if !kept {
			b.takeBack(t.log)
		}
	}()
	err = t.run(f)
	changes := t.changes()
	if err != nil || len(changes) == 0 {
		if !reads.mixed {
			return false, err // it saw one revision and nothing else
		}
		reads.written, changes = nil, nil
	}
	if roomErr := s.room(b, reads, changes); roomErr != nil {
		if b.calls > 1 {
			b.full = true
			return false, errNoRoom
		}
		return true, fmt.Errorf("store: %w", roomErr)
	}
	b.reads.add(reads)
	b.size = b.size.with(reads, changes)
	if fence, fenced := ctx.Value(fenceKey{}).(Fence); fenced && !slices.Contains(b.fences, fence) {
		b.fences = append(b.fences, fence)
	}
	if kept = len(changes) > 0; kept {
		b.updates = append(b.updates, changes)
	}
	return kept, err
}

// takeBack undoes what an update wrote: a key holds what an earlier update of the batch wrote, or what it held before the batch.
func (b *replicaBatch) takeBack(log []write) {
	for _, w := range slices.Backward(log) {
		before, held := b.base.pairs.Get(pair{key: w.key})
		if _, own := b.reads.written[w.key]; own {
			before, held = newPair(w.key, w.old, 0), w.old != nil
		}
		if held {
			b.tree.Set(before)
		} else {
			b.tree.Delete(pair{key: w.key})
		}
	}
}

// size is how large a proposal is at most.
type size struct{ conditions, changes, bytes int }

// with is the size with one more update.
func (z size) with(reads *readSet, changes []Change) size {
	z.conditions += len(reads.keys) + len(reads.yielded) + len(reads.ranges)
	for key := range reads.keys {
		z.bytes += len(key)
	}
	for key := range reads.yielded {
		z.bytes += len(key)
	}
	z.changes += len(changes)
	for _, c := range changes {
		z.bytes += len(c.Key) + len(c.Value)
	}
	return z
}

// room says whether the cluster takes the batch with one more update. Only near the limits the proposal is made to see.
func (s *replica) room(b *replicaBatch, reads *readSet, changes []Change) error {
	z := b.size.with(reads, changes)
	if s.cluster.Roomy(z.conditions+len(b.fences)+1, z.changes, z.bytes) {
		return nil
	}
	p := b.reads.with(reads).proposal(b.base.revision)
	p.Updates = append(slices.Clip(b.updates), changes)
	p.Fences = b.fences
	return s.cluster.Fits(p)
}
