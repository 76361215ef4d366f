package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// ReplicaOptions are the settings of [OpenReplica].
type ReplicaOptions struct {
	// Linearizable makes every View see all that any server has answered. Without it a View sees all that this server
	// has answered, and what others have answered a moment later.
	Linearizable bool
}

// replica is a store whose entries a cluster holds. It keeps all of them in memory, in a copy-on-write tree that follows the
// cluster's commits, so that a View asks nobody.
//
// An Update runs on the newest tree and notes what it reads. Those that wait at the same time run one after another in a
// batch, each in the goroutine of its caller, as in commit.go, and the batch is proposed to the cluster as one transaction. If
// something that it read has changed there, all of its updates run again. One batch is under way at a time, and the next
// begins when the tree has caught up with it: it could not but conflict before.
type replica struct {
	cluster Cluster
	opts    ReplicaOptions
	now     atomic.Pointer[replicaState]
	changed changed // by replicaState.number
	hub     hub
	newest  sharedCall

	turns   chan *replicaBatch // the committer offers the right to write to whoever waits in Update
	ran     chan struct{}      // and gets it back
	closing chan struct{}
	stopped sync.WaitGroup
	closed  sync.Once
	failed  error // from Close
	commitHealth

	commits, conflicts atomic.Uint64
}

// replicaState is what the replica holds at one revision.
type replicaState struct {
	pairs      *btree.BTreeG[pair] // for readers
	base       *btree.BTreeG[pair] // the same, for the committer to copy
	revision   uint64
	number     uint64        // how many there were before
	superseded chan struct{} // closed when a newer one is there
}

// OpenReplica opens a store on a cluster, which it closes with itself. It returns when all entries are loaded.
func OpenReplica(ctx context.Context, c Cluster, opts ReplicaOptions) (Store, error) {
	s := &replica{
		cluster: c,
		opts:    opts,
		turns:   make(chan *replicaBatch),
		ran:     make(chan struct{}),
		closing: make(chan struct{}),
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: load: %w", err), c.Close())
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopped.Go(func() { s.follow(following) })
	s.stopped.Go(func() {
		defer stop()
		s.commitLoop(following)
	})
	return s, nil
}

// load reads everything anew.
func (s *replica) load(ctx context.Context) error {
	pairs := newPairs()
	revision, err := s.cluster.Load(ctx, func(e Entry) {
		pairs.Set(newPair(e.Key, notNil(e.Value), e.Revision))
	})
	if err == nil {
		s.changed.all(s.following())
		s.publish(pairs, revision)
	}
	return err
}

// following is the number of the state that is published next. One goroutine publishes at a time.
func (s *replica) following() uint64 {
	if now := s.now.Load(); now != nil {
		return now.number + 1
	}
	return 0
}

func (s *replica) publish(pairs *btree.BTreeG[pair], revision uint64) {
	next := &replicaState{pairs: pairs, base: pairs.Copy(), revision: revision, number: s.following(), superseded: make(chan struct{})}
	if old := s.now.Swap(next); old != nil {
		close(old.superseded)
	}
}

// follow applies the cluster's commits. When some of them are lost it loads everything anew, and the watchers, who would miss
// them too, are cut off.
func (s *replica) follow(ctx context.Context) {
	for ctx.Err() == nil {
		head := s.now.Load().pairs.Copy()
		err := s.cluster.Follow(ctx, s.now.Load().revision, func(a Applied) {
			for _, changes := range a.Updates {
				for _, c := range changes {
					if c.Value == nil {
						head.Delete(pair{key: c.Key})
					} else {
						head.Set(newPair(c.Key, c.Value, a.Revision))
					}
				}
			}
			for _, changes := range a.Updates {
				s.changed.note(s.following(), changes)
			}
			s.publish(head.Copy(), a.Revision)
			for i, changes := range a.Updates {
				if len(changes) > 0 {
					s.hub.publish(Commit{a.Revision<<updateBits + uint64(i), changes})
				}
			}
		})
		if errors.Is(err, ErrCompacted) {
			if err = s.load(ctx); err == nil {
				s.hub.restart()
			}
		}
		if err != nil {
			s.failing.Store(&err)
		}
	}
}

// updateBits is how many bits of a [Commit.Revision] number the updates of one commit of the cluster.
const updateBits = 10

// reached waits until the tree is at a revision.
func (s *replica) reached(ctx context.Context, revision uint64) error {
	for {
		now := s.now.Load()
		if now.revision >= revision {
			return nil
		}
		select {
		case <-now.superseded:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return ErrClosed
		}
	}
}

func (s *replica) View(ctx context.Context, f func(Reader) error) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	if s.opts.Linearizable {
		revision, err := s.newest.do(ctx, s.cluster.Newest)
		if err == nil {
			err = s.reached(ctx, revision)
		}
		if err != nil {
			return fmt.Errorf("store: read: %w", err)
		}
	}
	now := s.now.Load()
	r := &reader{tree: memoryTree{now.pairs}, at: now.number, changed: &s.changed}
	return r.view(f)
}

func (s *replica) Watch(ctx context.Context, prefix string) (<-chan Commit, error) {
	if err := ready(ctx, s.closing); err != nil {
		return nil, err
	}
	return s.hub.watch(ctx, prefix, (s.now.Load().revision+1)<<updateBits-1)
}

// Health is nil when a write can succeed, as far as can be told. After a write has failed it makes one that changes nothing.
func (s *replica) Health(ctx context.Context) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	if _, err := s.newest.do(ctx, s.cluster.Newest); err != nil {
		return fmt.Errorf("%w: the cluster does not answer: %w", ErrBroken, err)
	}
	return s.after(ctx, s.probe)
}

// probe commits without a change, together with whatever updates wait at the moment.
func (s *replica) probe(ctx context.Context) error {
	b, err := turn(ctx, s.turns, s.closing)
	if err != nil {
		return err
	}
	b.begin(s)
	b.probe = true
	s.ran <- struct{}{}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		if failed := s.failing.Load(); failed != nil {
			return *failed
		}
		return ctx.Err()
	}
}

// Close waits for the running batch.
func (s *replica) Close() error {
	s.closed.Do(func() {
		close(s.closing)
		s.stopped.Wait()
		s.hub.close()
		s.failed = s.cluster.Close()
	})
	return s.failed
}

func (s *replica) Update(ctx context.Context, f func(Txn) error) error {
	var answered uint64 // a revision that every commit answered before is in; 0: not asked for
	for {
		b, err := turn(ctx, s.turns, s.closing)
		if err != nil {
			return err
		}
		wrote, err := s.runIn(ctx, b, f)
		<-b.done
		switch {
		case b.err != nil:
			return b.err
		case b.retry, errors.Is(err, errNoRoom):
			continue
		case wrote, !s.opts.Linearizable, b.base == nil:
			return err
		}
		// No commit has shown that what it read is the newest.
		if answered == 0 {
			var failed error
			if answered, failed = s.newest.do(ctx, s.cluster.Newest); failed != nil {
				return fmt.Errorf("store: read: %w", failed)
			}
		}
		if b.base.revision >= answered {
			return err
		}
		if err := s.reached(ctx, answered); err != nil {
			return fmt.Errorf("store: read: %w", err)
		}
	}
}

// commitLoop is the committer.
func (s *replica) commitLoop(ctx context.Context) {
	last := 0 // updates in the batch before
	for {
		b := &replicaBatch{done: make(chan struct{})}
		select {
		case s.turns <- b:
			<-s.ran
		case <-s.closing:
			return
		}
		for !b.full && len(b.fences) == 0 && b.calls < 1<<updateBits && offer(s.turns, b, s.ran, b.calls < last) {
		}
		last = b.calls
		s.finish(ctx, b)
		close(b.done)
	}
}

// finish proposes the batch and waits for the tree to hold it.
func (s *replica) finish(ctx context.Context, b *replicaBatch) {
	if len(b.updates) == 0 && !b.probe {
		return
	}
	p := b.reads.proposal(b.base.revision)
	p.Updates, p.Fences = b.updates, b.fences
	revision, err := s.cluster.Commit(ctx, p)
	switch {
	case errors.Is(err, ErrNotOwner):
		b.err = err
		return
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotMade):
		if errors.Is(err, ErrConflict) {
			s.conflicts.Add(1)
		}
		b.retry = true
		revision = b.base.revision + 1
		err = nil
	case err != nil:
		if b.err = commitError(p, err); errors.Is(b.err, ErrBroken) {
			s.failing.Store(&b.err)
		}
		return
	}
	s.failing.Store(nil)
	s.commits.Add(1)
	_ = s.reached(ctx, revision) // a commit that was made is answered as such even if the store closes
}

// commitError is the error of a commit that has failed for another reason than that it came too late: the cluster takes no writes at
// the moment, or none so large. It names the first key of what was written, for the log.
func commitError(p *Proposal, err error) error {
	if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrBroken) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	changes := p.Net()
	if len(changes) == 0 {
		return fmt.Errorf("store: commit: %w", err)
	}
	return fmt.Errorf("store: commit of %d entries, the first %s: %w", len(changes), changes[0].Key, err)
}

// fenceKey is where a context keeps the fence of the work that it belongs to.
type fenceKey struct{}

func (s *replica) group() (Group, error) {
	g, ok := s.cluster.(Group)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return g, nil
}

// Slot is the server's number.
func (s *replica) Slot() uint64 {
	g, err := s.group()
	if err != nil {
		return 0
	}
	return g.Slot()
}

// Own runs f while the server owns the name.
func (s *replica) Own(ctx context.Context, name string, f func(context.Context)) error {
	g, err := s.group()
	if err != nil {
		return err
	}
	return g.Own(ctx, name, func(ctx context.Context, fence Fence) {
		f(context.WithValue(ctx, fenceKey{}, fence))
	})
}

// Status is how the server stands.
func (s *replica) Status(ctx context.Context) (*Status, error) {
	g, err := s.group()
	if err != nil {
		return nil, err
	}
	status, err := g.Status(ctx)
	if err != nil {
		return nil, err
	}
	status.Revision = s.now.Load().revision
	if newest, err := s.newest.do(ctx, s.cluster.Newest); err == nil {
		status.Behind = newest - min(newest, status.Revision)
	}
	status.Commits, status.Conflicts = s.commits.Load(), s.conflicts.Load()
	return status, nil
}

// Members changes which members hold the store.
func (s *replica) Members() Membership {
	m, _ := s.cluster.(Membership)
	return m
}

// sharedCall lets those who ask at the same time share one answer. Nobody gets the answer to a call that began before it asked.
type sharedCall struct {
	mu      sync.Mutex
	running bool
	next    *answer
}

type answer struct {
	done  chan struct{}
	value uint64
	err   error
}

func (c *sharedCall) do(ctx context.Context, f func(context.Context) (uint64, error)) (uint64, error) {
	c.mu.Lock()
	if c.next == nil {
		c.next = &answer{done: make(chan struct{})}
	}
	mine := c.next
	if !c.running {
		c.running = true
		go c.run(context.WithoutCancel(ctx), f)
	}
	c.mu.Unlock()
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (c *sharedCall) run(ctx context.Context, f func(context.Context) (uint64, error)) {
	for {
		c.mu.Lock()
		current := c.next
		c.next = nil
		c.running = current != nil
		c.mu.Unlock()
		if current == nil {
			return
		}
		current.value, current.err = f(ctx)
		close(current.done)
	}
}
