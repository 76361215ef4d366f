package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portolan/internal/store"
	"portolan/internal/store/storetest"
)

// log is a cluster in memory: entries, and all commits since the beginning.
type log struct {
	mu      sync.Mutex
	entries map[string]store.Entry
	commits []store.Applied
	deletes uint64 // the last commit that deleted something
	changed chan struct{}
	refuse  func() bool // a commit fails although nothing has changed
	most    int         // changes in a proposal, 0 for any number
	broken  error       // what a commit fails with
}

func newLog() *log { return &log{entries: map[string]store.Entry{}, changed: make(chan struct{})} }

// member is one server's way to the log.
type member struct{ *log }

func (m member) Load(_ context.Context, add func(store.Entry)) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		add(e)
	}
	return uint64(len(m.commits)), nil
}

func (m member) Follow(ctx context.Context, after uint64, apply func(store.Applied)) error {
	for {
		m.mu.Lock()
		commits, changed := m.commits[after:], m.changed
		m.mu.Unlock()
		for _, c := range commits {
			apply(c)
			after = c.Revision
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m member) Commit(_ context.Context, p *store.Proposal) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return 0, m.broken
	}
	if m.refuse != nil && m.refuse() {
		m.append(nil)
		return 0, store.ErrConflict
	}
	for _, k := range p.Keys {
		if m.entries[k.Key].Revision != k.Revision {
			return 0, store.ErrConflict
		}
	}
	for key, e := range m.entries {
		if e.Revision > p.Snapshot && slices.ContainsFunc(p.Ranges, func(r store.RangeRead) bool {
			return r.From <= key && (r.To == "" || key < r.To)
		}) {
			return 0, store.ErrConflict
		}
	}
	if p.Deletes && m.deletes > p.Snapshot {
		return 0, store.ErrConflict
	}
	revision := m.append(p.Updates)
	for _, c := range p.Net() {
		if c.Value == nil {
			delete(m.entries, c.Key)
			m.deletes = revision
			continue
		}
		m.entries[c.Key] = store.Entry{Key: c.Key, Value: c.Value, Revision: revision}
	}
	return revision, nil
}

func (m member) append(updates [][]store.Change) uint64 {
	revision := uint64(len(m.commits)) + 1
	m.commits = append(m.commits, store.Applied{Revision: revision, Updates: updates})
	close(m.changed)
	m.changed = make(chan struct{})
	return revision
}

func (m member) Newest(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.commits)), nil
}

func (m member) Roomy(_, changes, _ int) bool { return m.most == 0 || changes <= m.most/2 }

func (m member) Fits(p *store.Proposal) error {
	if m.most > 0 && len(p.Net()) > m.most {
		return store.ErrTooLarge
	}
	return nil
}

func (m member) Close() error { return nil }

func openReplica(t testing.TB, l *log, opts store.ReplicaOptions) store.Store {
	t.Helper()
	s, err := store.OpenReplica(context.WithoutCancel(t.Context()), member{l}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestReplica_contract(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return openReplica(t, newLog(), store.ReplicaOptions{}) })
}

// TestReplica_contractWhereCommitsAreRefused runs it where every third commit has to be made again.
func TestReplica_contractWhereCommitsAreRefused(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store {
		l, n := newLog(), 0
		l.refuse = func() bool { n++; return n%3 == 0 }
		return openReplica(t, l, store.ReplicaOptions{Linearizable: true})
	})
}

// TestReplica_serversShare lets the servers of one cluster count, move sums and take numbers at the same time.
func TestReplica_serversShare(t *testing.T) {
	l := newLog()
	servers := []store.Store{}
	for range 3 {
		servers = append(servers, openReplica(t, l, store.ReplicaOptions{Linearizable: true}))
	}
	const rounds = 60
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			s := servers[i%3]
			for range rounds {
				err := s.Update(t.Context(), func(tx store.Txn) error {
					n := 0
					for range tx.Scan("/taken/", "") {
						n++
					}
					tx.Set(fmt.Sprintf("/taken/%04d", n), fmt.Append(nil, i))
					if random.IntN(4) == 0 {
						tx.Delete(fmt.Sprintf("/other/%d", random.IntN(5)))
					} else {
						tx.Set(fmt.Sprintf("/other/%d", random.IntN(5)), fmt.Append(nil, n))
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var first string
	for i, s := range servers {
		var all []string
		if err := s.View(t.Context(), func(r store.Reader) error {
			for k, v := range r.Scan("", "") {
				all = append(all, k+"="+string(v))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(all, "\n")
		if n := strings.Count(text, "/taken/"); n != 9*rounds {
			t.Errorf("server %d: %d numbers taken, want %d: two took the same", i, n, 9*rounds)
		}
		if i == 0 {
			first = text
		} else if text != first {
			t.Errorf("server %d holds something else than server 0", i)
		}
	}
}

func TestReplica_tooLarge(t *testing.T) {
	l := newLog()
	l.most = 3
	s := openReplica(t, l, store.ReplicaOptions{})
	write := func(n int) error {
		return s.Update(t.Context(), func(tx store.Txn) error {
			for i := range n {
				tx.Set(fmt.Sprintf("/%d", i), fmt.Append(nil, n))
			}
			return nil
		})
	}
	if err := write(4); err == nil || !strings.Contains(err.Error(), store.ErrTooLarge.Error()) {
		t.Errorf("err = %v", err)
	}
	if err := write(3); err != nil {
		t.Error(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := write(2); err != nil {
				t.Errorf("in a batch that is full: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestReplica_commitFails: what a cluster refuses for a reason of its own is a store that takes no writes, with the reason and a key
// for the log; what is too large for it is not.
func TestReplica_commitFails(t *testing.T) {
	l := newLog()
	s := openReplica(t, l, store.ReplicaOptions{})
	write := func(value string) error {
		return s.Update(t.Context(), func(tx store.Txn) error {
			tx.Set("/a", []byte(value))
			tx.Set("/b", []byte(value))
			return nil
		})
	}
	full := errors.New("database space exceeded")
	l.broken = full
	if err := write("1"); !errors.Is(err, store.ErrBroken) || !errors.Is(err, full) || !strings.Contains(err.Error(), "commit of 2 entries, the first /a: ") {
		t.Errorf("err = %v", err)
	}
	l.broken = nil
	if err := write("2"); err != nil {
		t.Errorf("err = %v", err)
	}
	l.broken = store.ErrTooLarge
	if err := write("3"); errors.Is(err, store.ErrBroken) || !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	if err := s.(store.HealthChecker).Health(t.Context()); err != nil {
		t.Errorf("others can write: %v", err)
	}
}

// lateMember hears of commits once it is let to.
type lateMember struct {
	member
	hear chan struct{}
}

func (m lateMember) Follow(ctx context.Context, after uint64, apply func(store.Applied)) error {
	select {
	case <-m.hear:
		return m.member.Follow(ctx, after, apply)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestReplica_refusalOfALateServer: an update that writes nothing is not judged by less than what any server has answered.
func TestReplica_refusalOfALateServer(t *testing.T) {
	l := newLog()
	late := lateMember{member{l}, make(chan struct{})}
	s, err := store.OpenReplica(context.WithoutCancel(t.Context()), late, store.ReplicaOptions{Linearizable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	other := openReplica(t, l, store.ReplicaOptions{})
	if err := other.Update(t.Context(), func(tx store.Txn) error { tx.Set("/parent", []byte("there")); return nil }); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err = s.Update(t.Context(), func(tx store.Txn) error {
		if runs++; runs == 1 {
			close(late.hear)
		}
		if _, ok := tx.Get("/parent"); !ok {
			return fmt.Errorf("no parent in run %d", runs)
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("%v after %d runs", err, runs)
	}
}

// TestReplica_takesBackWhatFails: of an update that fails after it wrote, others in its batch see nothing.
func TestReplica_takesBackWhatFails(t *testing.T) {
	s := openReplica(t, newLog(), store.ReplicaOptions{})
	const rounds = 200
	add := func(tx store.Txn, key string) {
		raw, _ := tx.Get(key)
		n, _ := strconv.Atoi(string(raw))
		tx.Set(key, strconv.AppendInt(nil, int64(n+1), 10))
	}
	failed := errors.New("on purpose")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range rounds {
				if err := s.Update(t.Context(), func(tx store.Txn) error { add(tx, "/sum"); return nil }); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				if err := s.Update(t.Context(), func(tx store.Txn) error {
					add(tx, "/sum")
					tx.Delete("/sum")
					add(tx, "/junk")
					return failed
				}); !errors.Is(err, failed) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.View(t.Context(), func(r store.Reader) error {
		sum, _ := r.Get("/sum")
		if _, junk := r.Get("/junk"); string(sum) != strconv.Itoa(4*rounds) || junk {
			t.Errorf("the sum is %s, want %d; junk is there: %v", sum, 4*rounds, junk)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestReplica_sameBelowWhatAnotherServerWrites: what another server wrote counts as changed as soon as it can be read.
func TestReplica_sameBelowWhatAnotherServerWrites(t *testing.T) {
	l := newLog()
	one, two := openReplica(t, l, store.ReplicaOptions{Linearizable: true}), openReplica(t, l, store.ReplicaOptions{Linearizable: true})
	var before uint64
	for i := range 20 {
		if err := two.View(t.Context(), func(r store.Reader) error {
			_, there := r.Get(fmt.Sprintf("/a/%d", i-1))
			if there == store.SameBelow(r, "/a/", before) || !store.SameBelow(r, "/b/", before) {
				t.Errorf("after %d writes: written %v, the same %v and %v", i, there, store.SameBelow(r, "/a/", before), store.SameBelow(r, "/b/", before))
			}
			before, _ = store.Snapshot(r)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := one.Update(t.Context(), func(tx store.Txn) error {
			tx.Set(fmt.Sprintf("/a/%d", i), []byte("{}"))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplica_healthAfterAFailure: a server whose write has failed is well again when the cluster is, also where nobody writes.
func TestReplica_healthAfterAFailure(t *testing.T) {
	l := newLog()
	s := openReplica(t, l, store.ReplicaOptions{})
	lost := errors.New("no leader")
	become := func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = err
	}
	become(lost)
	if err := s.Update(t.Context(), func(tx store.Txn) error { tx.Set("/a", nil); return nil }); !errors.Is(err, lost) {
		t.Errorf("Update: %v", err)
	}
	health := s.(store.HealthChecker).Health
	if err := health(t.Context()); !errors.Is(err, lost) {
		t.Errorf("while the cluster takes no writes: %v", err)
	}
	become(nil)
	if err := health(t.Context()); err != nil {
		t.Errorf("when it takes them again: %v", err)
	}
}
