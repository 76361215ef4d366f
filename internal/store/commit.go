package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Group commit. What an update costs is the sync of the disk, so updates that wait at the same time share one.
//
// One goroutine, the committer, opens a batch and offers it on a channel; whoever waits in Update takes it, runs its
// function inside the batch's bbolt transaction and gives it back. The functions thus run one after another, each in
// the goroutine of its caller, and a function that fails takes back its own writes only. When nobody waits any more
// the committer commits, tells the watchers, and answers all. A lone update never waits for company.
//
// An answer has to wait for the commit even if its function failed or wrote nothing: it may have read what an earlier
// one of the batch wrote, and if the commit fails, that never was.

const (
	batchCalls = 1024    // a batch takes no more updates than this,
	batchBytes = 4 << 20 // nor any once it holds this much
)

// batch is one bbolt transaction and the updates in it. Only the holder of the turn touches it, until done is closed.
type batch struct {
	tx      *bbolt.Tx // nil until the first update begins it
	tree    *boltTree
	calls   int
	bytes   int
	commits []Commit
	probe   bool  // commit even if nothing changed
	err     error // what every update of the batch ends with, whatever it did itself
	done    chan struct{}
}

func (s *boltStore) Update(ctx context.Context, f func(Txn) error) error {
	b, err := turn(ctx, s.turns, s.closing)
	if err != nil {
		return err
	}
	err = s.runIn(ctx, b, f)
	<-b.done
	if b.err != nil {
		return b.err
	}
	return err
}

// turn waits for the right to write, which is the holder's until it is handed back.
func turn[T any](ctx context.Context, turns <-chan T, closing <-chan struct{}) (T, error) {
	var none T
	if err := ready(ctx, closing); err != nil {
		return none, err
	}
	select {
	case t := <-turns:
		return t, nil
	case <-ctx.Done():
		return none, ctx.Err()
	case <-closing:
		return none, ErrClosed
	}
}

// runIn runs f as the next update of the batch and hands the turn back, even when f ends its goroutine.
func (s *boltStore) runIn(ctx context.Context, b *batch, f func(Txn) error) (err error) {
	defer func() { s.ran <- struct{}{} }()
	if err := ready(ctx, nil); err != nil {
		return err
	}
	if b.err != nil {
		return b.err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see View
	if b.tx == nil {
		if b.err = s.begin(b); b.err != nil {
			return b.err
		}
	}

	t := &txn{reader: reader{tree: b.tree}}
	b.tree.report = &t.reader
	b.calls++
	kept := false
	defer func() {
		if kept {
			return
		}
		// If the panic was bbolt's own, or the way back fails, nothing in this transaction can be trusted.
		if b.tree.inside {
			b.err = unreadable(err)
		} else if undoErr := guard(t.undo); undoErr != nil {
			b.err = fmt.Errorf("store: roll back: %w", undoErr)
		}
	}()
	if err := t.run(f); err != nil {
		return err
	}
	changes := t.changes()
	if len(changes) == 0 {
		return nil // kept stays false: writes that cancel out are taken back and cost nothing
	}
	kept = true
	b.bytes += t.size
	s.revision++
	b.commits = append(b.commits, Commit{s.revision, changes})
	return nil
}

func (s *boltStore) begin(b *batch) error {
	if s.broken != nil && s.unsettled && s.settle(s.file) == nil {
		s.broken, s.unsettled = nil, false
	}
	if s.broken != nil {
		return s.broken
	}
	s.reads.stop()
	tx, err := s.beginTx(true)
	if err != nil {
		if errors.Is(err, berrors.ErrInvalidMapping) {
			err = fmt.Errorf("%w until it is opened again: %w", ErrBroken, err)
		}
		return fmt.Errorf("store: begin: %w", err)
	}
	b.tx = tx
	s.size.Store(tx.Size())
	if err := guard(func() error { b.tree = newBoltTree(tx); return nil }); err != nil {
		return unreadable(err)
	}
	b.tree.now = s.content
	return nil
}

// beginTx begins a transaction of bbolt. What bbolt would trip over while it holds its locks is looked at before.
func (s *boltStore) beginTx(writes bool) (tx *bbolt.Tx, err error) {
	if s.stuck.Load() {
		return nil, fmt.Errorf("%w until it is opened again", ErrBroken)
	}
	if err := s.altered(); err != nil {
		return nil, err
	}
	panicked := guard(func() error { tx, err = s.db.Begin(writes); return nil })
	if panicked != nil {
		s.stuck.Store(true)
		return nil, unreadable(panicked)
	}
	return tx, err
}

// commitLoop is the committer.
func (s *boltStore) commitLoop() {
	defer close(s.stopped)
	debug.SetPanicOnFault(true) // see View
	last := 0                   // updates in the batch before
	for {
		b := &batch{done: make(chan struct{})}
		select {
		case s.turns <- b:
			<-s.ran
		case <-s.closing:
			return
		}
		for b.err == nil && b.calls < batchCalls && b.bytes < batchBytes && offer(s.turns, b, s.ran, b.calls < last) {
		}
		last = b.calls
		s.finish(b)
	}
}

// offer runs one more update in the batch if there is one. Those who were answered a moment ago may be about to come back: with
// wait it lets them run, once, before it gives up on them.
func offer[B any](turns chan<- B, b B, ran <-chan struct{}, wait bool) bool {
	for yielded := false; ; yielded = true {
		select {
		case turns <- b:
			<-ran
			return true
		default:
		}
		if yielded || !wait {
			return false
		}
		runtime.Gosched()
	}
}

// finish commits the batch, or drops it, and answers.
func (s *boltStore) finish(b *batch) {
	defer close(b.done)
	defer s.reads.resume()
	if b.tx == nil {
		if b.err != nil {
			s.failing.Store(&b.err)
		}
		return
	}
	if b.err != nil || len(b.commits) == 0 && !b.probe {
		s.drop(b)
		return
	}
	if b.err = s.write(b); b.err != nil {
		s.failing.Store(&b.err)
		return
	}
	s.failing.Store(nil)
}

// write commits the batch and publishes what readers see from then on.
func (s *boltStore) write(b *batch) error {
	if err := s.writable(); err != nil {
		s.drop(b)
		return err
	}
	id := b.tx.ID()
	for i := range b.commits {
		s.changed.note(uint64(id), b.commits[i].Changes)
	}
	err := guard(func() error {
		if err := b.tx.Bucket(dataBucket).SetSequence(s.revision); err != nil {
			return err
		}
		if err := b.tx.Bucket(metaBucket).Put(contentKey, b.tree.now.bytes()); err != nil {
			return err
		}
		if err := s.commit(b.tx); err != nil {
			return err
		}
		return s.opts.Fail.At("store.sync")
	})
	if err == nil {
		s.last.Store(uint64(id))
		s.content = b.tree.now
		s.hub.publish(b.commits...)
		return s.lost() // what was written to a file that nobody finds again is not kept
	}
	err = fmt.Errorf("%w: commit: %w", ErrBroken, err)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		s.broken, s.unsettled = fmt.Errorf("%w until it is opened again: commit: %w", ErrBroken, panicked), false
		_ = s.rollBack(b.tx)
		return err
	}
	switch visible, unknown := s.visible(id); {
	case unknown != nil:
		s.broken, s.unsettled = fmt.Errorf("%w until it is opened again: %w", err, unknown), false
		return s.broken
	case !visible:
		s.revision -= uint64(len(b.commits)) // bbolt has rolled back, and nobody saw these
		return err
	}
	// All was written and only the last sync failed. Readers see the batch, so watchers must too, but whether it would
	// survive a power cut nobody can say before it is settled.
	s.last.Store(uint64(id))
	s.content = b.tree.now
	s.hub.publish(b.commits...)
	s.broken, s.unsettled = err, true
	return err
}

// writable is what a commit asks before it begins.
func (s *boltStore) writable() error {
	if err := s.lost(); err != nil {
		return err
	}
	if err := s.opts.Fail.At("store.commit"); err != nil {
		return fmt.Errorf("%w: commit: %w", ErrBroken, err)
	}
	return nil
}

func (s *boltStore) drop(b *batch) {
	s.revision -= uint64(len(b.commits))
	if err := s.rollBack(b.tx); err != nil && b.err == nil {
		b.err = fmt.Errorf("store: roll back: %w", err)
		s.broken, s.unsettled = fmt.Errorf("%w until it is opened again: %w", ErrBroken, err), false
	}
}

// rollBack gives back bbolt's write lock, for which Close waits.
func (s *boltStore) rollBack(tx *bbolt.Tx) error {
	err := guard(tx.Rollback)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		s.stuck.Store(true)
	}
	return err
}

// visible reports whether readers see the bbolt transaction with this id.
func (s *boltStore) visible(id int) (bool, error) {
	tx, err := s.beginTx(false)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	return tx.ID() >= id, nil
}
