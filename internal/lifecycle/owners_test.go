package lifecycle

import (
	"fmt"
	"math"
	"testing"

	"portolan/internal/store"
)

func owners(list ...string) Owners { return func(store.Reader) []string { return list } }

// TestStep_ownersOnly: a call moves the rows of its owners; the others stay for theirs, and are not forgotten.
func TestStep_ownersOnly(t *testing.T) {
	r := newRig(t, "instant")
	for _, key := range []string{"/acct/1/a", "/acct/2/a", "/acct/3/a"} {
		r.enter(Attachment, key, "CREATING")
		if got := r.state("/acct/1/a"); key != "/acct/1/a" && got != "AVAILABLE" {
			t.Fatalf("a call of everybody leaves %s", got)
		}
	}
	// That of 3 is all that is left; make all three due again.
	for _, key := range []string{"/acct/1/b", "/acct/2/b"} {
		if err := r.Update(t.Context(), owners("0"), func(tx *Txn) error {
			tx.Set(key, []byte("CREATING"))
			tx.Schedule(Attachment, key, "CREATING")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	step := func(of Owners, want string) {
		t.Helper()
		before := r.commits()
		if err := r.Step(t.Context(), of); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.state("/acct/1/b"), " ", r.state("/acct/2/b"), " ", r.state("/acct/3/a")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if of != nil && r.state("/acct/1/b") == "CREATING" && r.commits() != before {
			t.Error("a transaction for nothing")
		}
	}
	step(owners("0", "4"), "CREATING CREATING CREATING")
	step(owners("1"), "PENDING_NETWORK_UPDATE CREATING CREATING")
	step(owners("1", "3"), "AVAILABLE CREATING PENDING_NETWORK_UPDATE")
	step(owners("1"), "AVAILABLE CREATING PENDING_NETWORK_UPDATE")
	step(nil, "AVAILABLE PENDING_NETWORK_UPDATE AVAILABLE")
	step(nil, "AVAILABLE AVAILABLE AVAILABLE")
	if next := r.next.Load(); next != math.MaxInt64 || len(r.dues) != 0 {
		t.Errorf("something is remembered of what has moved: %d, %v", next, r.dues)
	}
}

// TestUpdate_boundedSteps: the worker takes so many steps in a transaction, and those left are still known.
func TestUpdate_boundedSteps(t *testing.T) {
	r := newRig(t, "instant")
	if err := r.Update(t.Context(), nil, func(tx *Txn) error {
		for i := range 10 {
			key := fmt.Sprintf("/acct/%d/a", i)
			tx.Set(key, []byte("DELETING"))
			tx.Schedule(Attachment, key, "DELETING")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for taken := 4; taken <= 12; taken += 4 {
		if err := r.update(t.Context(), steps{most: 4}, nil); err != nil {
			t.Fatal(err)
		}
		if len(*r.steps) != min(taken, 10) {
			t.Errorf("%d steps, want %d", len(*r.steps), min(taken, 10))
		}
	}
	if r.next.Load() != math.MaxInt64 {
		t.Error("something is remembered of what has moved")
	}
}

// commits is how many transactions the store has made.
func (r *rig) commits() int { return int(r.updates.Load()) }
