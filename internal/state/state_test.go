package state_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/state"
	"portolan/internal/store"
)

func caller(t *testing.T, account string) context.Context {
	return api.WithCaller(t.Context(), api.Caller{Account: account, Partition: "aws"})
}

func open(t *testing.T, st store.Store, now func() time.Time) *state.DB {
	t.Helper()
	db, err := state.Open(t.Context(), state.Config{Store: st, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestUpdate_eventThatCannotBeWritten: what happened and what is said of it go together.
func TestUpdate_eventThatCannotBeWritten(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	db := open(t, st, time.Now)
	key := state.Sites.Key("111122223333", "global-network-1", "site-1")
	for name, run := range map[string]func(func(*state.Txn)) error{
		"Update": func(f func(*state.Txn)) error {
			_, err := state.Update(caller(t, "111122223333"), db, func(tx *state.Txn) (struct{}, error) { f(tx); return struct{}{}, nil })
			return err
		},
		"Record": func(f func(*state.Txn)) error {
			return state.Record(caller(t, "111122223333"), db, func(tx *state.Txn) error { f(tx); return nil })
		},
	} {
		err := run(func(tx *state.Txn) {
			state.Sites.Put(tx, key, &state.Site{SiteId: "site-1"})
			tx.EmitAs("111122223333", "Network Manager Topology Change", func() {}, nil) // a function is no JSON
		})
		if err == nil || !strings.Contains(err.Error(), "an event could not be written") {
			t.Errorf("%s: %v, want the error of the event", name, err)
		}
		there, err := state.Look(t.Context(), db, func(v *state.View) (bool, error) {
			_, ok := state.Sites.Get(v, key)
			return ok, nil
		})
		if err != nil || there {
			t.Errorf("%s: the row is there without its event (%v)", name, err)
		}
	}
}

// TestNewID_clockGoesBack: what is created later has the larger id, whatever the clock does, over a restart too.
func TestNewID_clockGoesBack(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	last := ""
	for _, step := range []struct {
		ahead   time.Duration
		restart bool
	}{{0, false}, {time.Hour, false}, {0, false}, {-time.Hour, true}, {0, true}, {2 * time.Hour, true}} {
		db := open(t, st, func() time.Time { return now.Add(step.ahead) })
		for range 3 {
			id, err := state.Update(caller(t, "111122223333"), db, func(tx *state.Txn) (string, error) { return tx.NewID("site"), nil })
			if err != nil {
				t.Fatal(err)
			}
			if id <= last {
				t.Errorf("%+v: %s comes after %s", step, id, last)
			}
			last = id
		}
	}
}

// TestUpdate_failedLeavesNoID: an id that was not used leaves no trace.
func TestUpdate_failedLeavesNoID(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	db := open(t, st, time.Now)
	before := content(t, st)
	if _, err := state.Update(caller(t, "111122223333"), db, func(tx *state.Txn) (string, error) {
		return tx.NewID("site"), api.BrokenRule("no")
	}); err == nil {
		t.Fatal("no error")
	}
	if content(t, st) != before {
		t.Error("something was stored")
	}
}

func content(t *testing.T, st store.Store) string {
	t.Helper()
	var b strings.Builder
	if err := st.View(t.Context(), func(r store.Reader) error { return store.Dump(r, &b) }); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
