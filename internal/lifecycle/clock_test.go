package lifecycle

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"portolan/internal/store"
)

// setClock is a rig whose clock is set by hand.
func setClock(t *testing.T, profile string, st store.Store, now *time.Time) *rig {
	t.Helper()
	return onClock(t, profile, st, func() time.Time { return *now }, func(*rig) store.Store { return st })
}

// onClock is a rig with a clock of its own; its queue is on what over makes of the store.
func onClock(t *testing.T, profile string, st store.Store, now func() time.Time, over func(*rig) store.Store) *rig {
	t.Helper()
	p, err := ParseProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOn(t, st, p)
	handlers := r.handlers
	r.Queue = NewQueue(over(r), now, p, slog.New(slog.DiscardHandler), ownerOf, concernOf)
	r.handlers = handlers
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestClock_stepsLeaveNothingBehind sets the clock ahead, lets a state begin, and sets it right again: the state lasts as long
// as it should from then on, whether the process was restarted meanwhile or not.
func TestClock_stepsLeaveNothingBehind(t *testing.T) {
	for name, step := range map[string]time.Duration{"an hour": time.Hour, "a year": 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				st := store.OpenMemory()
				defer st.Close()
				right := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
				now := right.Add(step)
				r := setClock(t, "device.DELETING=30s", st, &now)
				r.enter(Device, "/d/1", "DELETING")
				now = right
				if restart {
					r = setClock(t, "device.DELETING=30s", st, &now)
				}
				look := func(want string) {
					t.Helper()
					if err := r.Step(t.Context(), ""); err != nil {
						t.Fatal(err)
					}
					if got := r.state("/d/1"); got != want {
						t.Errorf("%v after the clock was right again: %s, want %s", now.Sub(right), got, want)
					}
				}
				look("DELETING")
				now = right.Add(29 * time.Second)
				look("DELETING")
				now = right.Add(30 * time.Second)
				look("gone")
			})
		}
	}
}

// TestClock_backWhileAStateLasts sets the clock back during a state: it lasts one duration more at most.
func TestClock_backWhileAStateLasts(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	r := setClock(t, "device.PENDING=30s", st, &now)
	r.enter(Device, "/d/1", "PENDING")
	now = now.Add(-time.Hour)
	r.enter(Device, "/d/2", "PENDING") // by the clock that is wrong now
	now = now.Add(30 * time.Second)
	if err := r.Step(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"/d/1", "/d/2"} {
		if got := r.state(key); got != "AVAILABLE" {
			t.Errorf("%s is %s", key, got)
		}
	}
}

func TestClock_ahead(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	r := setClock(t, "device.PENDING=30s", st, &now)
	r.enter(Device, "/d/1", "PENDING")
	now = now.Add(365 * 24 * time.Hour)
	if err := r.Step(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := r.state("/d/1"); got != "AVAILABLE" {
		t.Errorf("%s", got)
	}
}

// TestClock_backWithManyEntries: a transaction looks at some of the entries only, and all are where they belong in the end, also
// when the clock is set back once more meanwhile.
func TestClock_backWithManyEntries(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	r := setClock(t, "device.PENDING=30s", st, &now)
	const many = 3*looksPerCommit - 1
	err := r.Update(t.Context(), "", func(tx *Txn) error {
		for i := range many {
			row := fmt.Sprintf("/d/%05d", i)
			tx.Set(row, []byte("PENDING"))
			tx.Schedule(Device, row, "PENDING")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	late := func() (n int) {
		_ = st.View(t.Context(), func(tx store.Reader) error {
			for key := range tx.Scan(duePrefix, "") {
				if at, _, err := parseDueKey(key); err != nil || at > now.Add(30*time.Second).UnixNano() {
					n++
				}
			}
			return nil
		})
		return n
	}
	look := func(want int) {
		t.Helper()
		if err := r.Step(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if got := late(); got != want {
			t.Errorf("%d entries lie too far ahead, want %d", got, want)
		}
	}
	now = now.Add(-time.Hour)
	look(many - looksPerCommit)
	look(many - 2*looksPerCommit)
	now = now.Add(-time.Hour)
	look(many - looksPerCommit)
	look(many - 2*looksPerCommit)
	look(0)
	if r.stepped.Load() {
		t.Error("there is more to look at")
	}
}
