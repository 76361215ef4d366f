package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portolan/internal/store"
)

func watch(t testing.TB, s store.Store, prefix string) <-chan store.Commit {
	t.Helper()
	ch, err := s.Watch(t.Context(), prefix)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	return ch
}

func next(t testing.TB, ch <-chan store.Commit) store.Commit {
	t.Helper()
	c, ok := <-ch
	if !ok {
		t.Fatal("the channel was closed")
	}
	return c
}

func watchNetChangesInOrder(t *testing.T, s store.Store) {
	set(t, s, "/before", "/same", "/gone")
	ch := watch(t, s, "")
	update(t, s, func(tx store.Txn) {
		tx.Set("/z", []byte("1"))
		tx.Set("/a", []byte("1"))
		tx.Set("/a", []byte("2"))
		tx.Set("/empty", nil)
		tx.Delete("/gone")
		tx.Set("/brief", []byte("1"))
		tx.Delete("/brief")
		tx.Set("/same", []byte("/same"))
	})
	first := next(t, ch)
	want := []store.Change{{Key: "/a", Value: []byte("2")}, {Key: "/empty", Value: []byte{}}, {Key: "/gone"}, {Key: "/z", Value: []byte("1")}}
	if d := cmp.Diff(want, first.Changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}

	// What fails or changes nothing is not a commit.
	_ = s.Update(t.Context(), func(tx store.Txn) error { tx.Set("/x", nil); return errOops })
	update(t, s, func(tx store.Txn) { tx.Get("/a"); tx.Delete("/absent") })
	set(t, s, "/last")
	second := next(t, ch)
	if d := cmp.Diff([]store.Change{{Key: "/last", Value: []byte("/last")}}, second.Changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if second.Revision <= first.Revision || first.Revision == 0 {
		t.Errorf("revisions %d, %d", first.Revision, second.Revision)
	}
}

// watchNotWhatWasAnswered watches at once when an Update has returned, again and again: its commit is never seen.
func watchNotWhatWasAnswered(t *testing.T, s store.Store) {
	for i := range 200 {
		update(t, s, func(tx store.Txn) { setNumber(tx, "/n", i) })
		ctx, cancel := context.WithCancel(t.Context())
		ch, err := s.Watch(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx store.Txn) { setNumber(tx, "/after", i) })
		if c := next(t, ch); c.Changes[0].Key != "/after" {
			t.Fatalf("round %d: a watcher got %v, which was answered before it came", i, c.Changes)
		}
		cancel()
	}
}

func watchPrefix(t *testing.T, s store.Store) {
	one, two := watch(t, s, "/1/"), watch(t, s, "/1/a\xff")
	set(t, s, "/1/a", "/2/a", "/1", "/1/b")
	set(t, s, "/2/a\xff")
	set(t, s, "/1/a\xff")
	for _, want := range [][]string{{"/1/a", "/1/b"}, {"/1/a\xff"}} {
		got := []string{}
		for _, c := range next(t, one).Changes {
			got = append(got, c.Key)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("watch of /1/ (-want +got):\n%s", d)
		}
	}
	if c := next(t, two); len(c.Changes) != 1 || c.Changes[0].Key != "/1/a\xff" {
		t.Errorf("watch of /1/a\\xff gives %v", c)
	}
}

// watchReplayGivesTheState applies what a watcher sees, while several write, to a copy. If a commit were missing, doubled
// or out of order the copy would differ.
func watchReplayGivesTheState(t *testing.T, s store.Store) {
	ch := watch(t, s, "")
	together(writers, func(w int) {
		for i := range rounds {
			try(t, s, func(tx store.Txn) {
				n := number(tx, "/n") + 1
				setNumber(tx, "/n", n)
				setNumber(tx, fmt.Sprintf("/k/%d", n%7), n)
				tx.Delete(fmt.Sprintf("/k/%d", (n+w+i)%7))
			})
		}
	})
	replica := map[string]string{}
	last := store.Commit{}
	for n := 1; n <= writers*rounds; n++ {
		c := next(t, ch)
		if c.Revision <= last.Revision {
			t.Fatalf("revision %d after %d", c.Revision, last.Revision)
		}
		last = c
		replay(replica, c)
		if got := replica["/n"]; got != fmt.Sprint(n) {
			t.Fatalf("commit %d has /n = %s", n, got)
		}
	}
	if d := cmp.Diff(contents(t, s), replica); d != "" {
		t.Errorf("replica (-store +replica):\n%s", d)
	}
}

func watchCutOffWhenBehind(t *testing.T, s store.Store) {
	const commits = 10_000 // more than any store should keep for one who does not read
	slow, keen := watch(t, s, "/n"), watch(t, s, "/n")
	for i := range commits {
		update(t, s, func(tx store.Txn) { setNumber(tx, "/n", i) })
		if c := next(t, keen); string(c.Changes[0].Value) != fmt.Sprint(i) {
			t.Fatalf("the watcher that keeps up got %v, want %d", c, i)
		}
	}
	n := 0
	for c := range slow { // ends, since the channel was closed
		if string(c.Changes[0].Value) != fmt.Sprint(n) {
			t.Fatalf("commit %d gives %v: what arrives before the cut must be complete", n, c)
		}
		n++
	}
	if n == 0 || n >= commits {
		t.Errorf("the slow watcher got %d of %d commits", n, commits)
	}
	again := watch(t, s, "/n")
	set(t, s, "/n")
	next(t, again)
}

func watchEndsWithContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := s.Watch(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "/a")
	cancel()
	for range ch { // at most the one commit, then the end
	}
	set(t, s, "/b")
}

func watchEndsWithStore(t *testing.T, s store.Store) {
	ch := watch(t, s, "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c, ok := <-ch; ok {
		t.Errorf("got %v", c)
	}
}
