package lifecycle

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/store"
)

// concernOf makes a call of accounts with commas between them one about all of them.
func concernOf(_ store.Reader, account string) []string { return strings.Split(account, ",") }

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
		if err := r.Update(t.Context(), "0", func(tx *Txn) error {
			tx.Set(key, []byte("CREATING"))
			tx.Schedule(Attachment, key, "CREATING")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	step := func(account, want string) {
		t.Helper()
		before := r.commits()
		if err := r.Step(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.state("/acct/1/b"), " ", r.state("/acct/2/b"), " ", r.state("/acct/3/a")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if account != "" && r.state("/acct/1/b") == "CREATING" && r.commits() != before {
			t.Error("a transaction for nothing")
		}
	}
	step("0,4", "CREATING CREATING CREATING")
	step("1", "PENDING_NETWORK_UPDATE CREATING CREATING")
	step("1,3", "AVAILABLE CREATING PENDING_NETWORK_UPDATE")
	step("1", "AVAILABLE CREATING PENDING_NETWORK_UPDATE")
	step("", "AVAILABLE PENDING_NETWORK_UPDATE AVAILABLE")
	step("", "AVAILABLE AVAILABLE AVAILABLE")
	if next := r.next.Load(); next != math.MaxInt64 || len(r.dues) != 0 {
		t.Errorf("something is remembered of what has moved: %d, %v", next, r.dues)
	}
}

// TestUpdate_boundedSteps: the worker takes so many steps in a transaction, and those left are still known.
func TestUpdate_boundedSteps(t *testing.T) {
	r := newRig(t, "instant")
	if err := r.Update(t.Context(), "", func(tx *Txn) error {
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

// TestStep_sameMoment: of two rows that are due at the same moment one is taken and the other shown once more; it is not
// forgotten.
func TestStep_sameMoment(t *testing.T) {
	r := newRig(t, "instant")
	if err := r.Update(t.Context(), "", func(tx *Txn) error {
		tx.Set("/acct/1/a", []byte("UPDATING"))
		tx.Schedule(Attachment, "/acct/1/a", "UPDATING")
		tx.Set("/acct/1/d", []byte("PENDING"))
		tx.Schedule(Device, "/acct/1/d", "PENDING")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	first, second := r.look("/acct/1/a"), r.look("/acct/1/a")
	if device := r.state("/acct/1/d"); first != "UPDATING" || second != "AVAILABLE" || device != "AVAILABLE" {
		t.Errorf("the attachment is %s and then %s, the device %s", first, second, device)
	}
}

// TestUpdate_prepares: what is due is shown to its kind's preparer before the transaction, and nothing is read for kinds that
// have none.
func TestUpdate_prepares(t *testing.T) {
	r := newRig(t, "instant")
	var shown []string
	r.Prepare(CoreNetworkPolicy, func(_ store.Reader, e Entry) { shown = append(shown, e.Key) })
	for _, c := range []struct {
		kind       Kind
		key, state string
		known      int64 // entries with a preparer
	}{
		{Device, "/acct/1/d", "PENDING", 0},
		{CoreNetworkPolicy, "/acct/1/p", "PENDING_GENERATION", 1},
		{Device, "/acct/1/e", "PENDING", 0},
	} {
		r.enter(c.kind, c.key, c.state)
		if n := r.prepared.Load(); n != c.known {
			t.Errorf("%s: %d entries are known to have a preparer, want %d", c.key, n, c.known)
		}
	}
	if fmt.Sprint(shown) != "[/acct/1/p]" {
		t.Errorf("shown %v", shown)
	}
}

// TestUpdate_preparesInATurn: a call prepares in a turn of its account, for it may be much; the worker, which steps for everybody,
// waits for no account.
func TestUpdate_preparesInATurn(t *testing.T) {
	for _, c := range []struct {
		account, want string
	}{
		{"1", "turn of 1, /acct/1/p, end"},
		{"", "/acct/1/p"},
	} {
		r := newRig(t, "instant")
		var did []string
		r.TakeTurns(func(_ context.Context, account string) (func(), error) {
			did = append(did, "turn of "+account)
			return func() { did = append(did, "end") }, nil
		})
		r.Prepare(CoreNetworkPolicy, func(_ store.Reader, e Entry) { did = append(did, e.Key) })
		r.enter(CoreNetworkPolicy, "/acct/1/p", "PENDING_GENERATION")
		if err := r.Update(t.Context(), c.account, func(*Txn) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(did, ", "); got != c.want {
			t.Errorf("a call of account %q: %s; want %s", c.account, got, c.want)
		}
	}
}

// TestUpdate_timeAfterItsTurn: a transaction goes by the time after the wait for a turn, with all that is due by then.
func TestUpdate_timeAfterItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "instant")
		r.TakeTurns(func(context.Context, string) (func(), error) {
			time.Sleep(20 * time.Second)
			return func() {}, nil
		})
		r.Prepare(CoreNetworkPolicy, func(store.Reader, Entry) {})
		r.enter(CoreNetworkPolicy, "/acct/1/p", "PENDING_GENERATION")
		if err := r.Update(t.Context(), "1", func(tx *Txn) error {
			if old := time.Since(tx.Now); old != 0 {
				t.Errorf("the time of the transaction is %v old", old)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
