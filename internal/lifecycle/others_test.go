package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/store"
)

// sharedStore is a store as several servers have it.
type sharedStore struct{ store.Store }

func (sharedStore) Slot() uint64 { return 0 }
func (sharedStore) Own(context.Context, string, func(context.Context)) error {
	return errors.ErrUnsupported
}

func (sharedStore) Status(context.Context) (*store.Status, error) { return nil, errors.ErrUnsupported }
func (sharedStore) Members() store.Membership                     { return nil }

// server is one of several on a store, whose clock is off.
func server(t *testing.T, st store.Store, profile string, off time.Duration) *rig {
	t.Helper()
	return onClock(t, profile, st, func() time.Time { return time.Now().Add(off) }, func(r *rig) store.Store {
		return sharedStore{counting{st, r.updates}}
	})
}

// follow lets the server hear of what the others do until the test ends.
func (r *rig) follow() {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error)
	go func() { done <- r.Follow(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			r.t.Error(err)
		}
	})
	synctest.Wait()
}

// TestOthers_clocks: a state lasts its time from when a server heard of it, however far the clock of the server that made it is
// ahead, whether that server runs or not; and after a restart of the one that is left.
func TestOthers_clocks(t *testing.T) {
	for _, off := range []time.Duration{0, time.Hour, 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(off, restart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					st := store.OpenMemory()
					const profile = "instant,device.PENDING=30s"
					first, second := server(t, st, profile, off), server(t, st, profile, 0)
					second.follow()
					first.enter(Device, "/acct/1/d", "PENDING")
					synctest.Wait()
					if restart {
						second = server(t, st, profile, 0)
					}
					for _, c := range []struct {
						after time.Duration
						want  string
					}{{0, "PENDING"}, {29 * time.Second, "PENDING"}, {time.Second, "AVAILABLE"}} {
						time.Sleep(c.after)
						if got := second.look("/acct/1/d"); got != c.want {
							t.Errorf("%v later: %s, want %s", c.after, got, c.want)
						}
					}
					if n := len(second.others.byKey) + second.others.byTime.Len(); n != 0 {
						t.Errorf("%d times are remembered of what has moved", n)
					}
				})
			})
		}
	}
}

// TestOthers_clockSetBack sets the clock of the server that is left back while it waits for a step of one that is gone.
func TestOthers_clockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.OpenMemory()
		const profile = "instant,device.PENDING=30s"
		first, second := server(t, st, profile, time.Hour), server(t, st, profile, 0)
		off := time.Hour
		second.now = func() time.Time { return time.Now().Add(off) }
		second.follow()
		first.enter(Device, "/acct/1/d", "PENDING")
		synctest.Wait()
		off = 0
		second.look("/acct/1/d")
		time.Sleep(30 * time.Second)
		if got := second.look("/acct/1/d"); got != "AVAILABLE" {
			t.Errorf("a device is %s", got)
		}
	})
}

// TestOthers_worker: the worker leaves a step to the server that scheduled it, and takes it when that server is lost.
func TestOthers_worker(t *testing.T) {
	for name, lost := range map[string]bool{"the server runs": false, "the server is lost": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := store.OpenMemory()
				first, second := server(t, st, "instant", 0), server(t, st, "instant", 0)
				second.follow()
				work := func(r *rig) {
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan struct{})
					go func() { defer close(done); r.Run(ctx) }()
					t.Cleanup(func() { cancel(); <-done })
				}
				if !lost {
					work(first)
				}
				work(second)
				first.enter(Device, "/acct/1/d", "PENDING")
				time.Sleep(2 * Linger)
				synctest.Wait()
				if got, want := first.state("/acct/1/d"), map[bool]string{true: "PENDING", false: "AVAILABLE"}[lost]; got != want {
					t.Errorf("first %s, want %s", got, want)
				}
				time.Sleep(leftToOthers)
				synctest.Wait()
				if got := first.state("/acct/1/d"); got != "AVAILABLE" {
					t.Errorf("then %s", got)
				}
				if n := second.updates.Load(); n != map[bool]int64{true: 1, false: 0}[lost] {
					t.Errorf("the second server made %d transactions", n)
				}
			})
		})
	}
}

// TestOthers_leftAlone: an update leaves steps of other servers to them, and runs again behind them when it fails.
func TestOthers_leftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.OpenMemory()
		first, second := server(t, st, "instant", 0), server(t, st, "instant", 0)
		second.follow()
		first.enter(Attachment, "/acct/1/a", "CREATING")
		synctest.Wait()
		second.enter(Device, "/acct/1/d", "PENDING")
		if got := first.state("/acct/1/a"); got != "CREATING" {
			t.Errorf("an update that has nothing to do with it leaves %s", got)
		}
		var found []string
		if err := second.Update(t.Context(), "1", func(tx *Txn) error {
			state, _ := tx.Get("/acct/1/a")
			if found = append(found, string(state)); string(state) != "AVAILABLE" {
				return errors.New("not yet")
			}
			return nil
		}); err != nil || fmt.Sprint(found) != "[CREATING AVAILABLE]" {
			t.Errorf("found %v, %v", found, err)
		}
		synctest.Wait()
		if next := first.look("/acct/1/a"); next != "AVAILABLE" {
			t.Errorf("then %s", next)
		}
	})
}

// TestOthers_notHeardOfYet: an update that would be refused runs again behind the step of another server that it sees and has not
// been told of, also where the clock of that server is a little ahead.
func TestOthers_notHeardOfYet(t *testing.T) {
	for _, off := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			st := store.OpenMemory()
			first, second := server(t, st, "instant", off), server(t, st, "instant", 0)
			first.enter(Device, "/acct/1/d", "PENDING")
			if err := second.Update(t.Context(), "1", func(tx *Txn) error {
				if state, _ := tx.Get("/acct/1/d"); string(state) != "AVAILABLE" {
					return fmt.Errorf("the device is %s", state)
				}
				return nil
			}); err != nil {
				t.Errorf("a clock that is ahead by %v: %v", off, err)
			}
		})
	}
}

// unreadable is a store that cannot be read for a while.
type unreadable struct {
	sharedStore
	broken *atomic.Bool
}

func (s unreadable) View(ctx context.Context, f func(store.Reader) error) error {
	if s.broken.Load() {
		return errors.New("no leader")
	}
	return s.sharedStore.View(ctx, f)
}

// TestFollow_beginsAnew: a server that cannot read the store when it begins to follow learns what others schedule all the same.
func TestFollow_beginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.OpenMemory()
		var broken atomic.Bool
		first := server(t, st, "instant,device.PENDING=30s", 0)
		second := onClock(t, "instant,device.PENDING=30s", st, time.Now, func(r *rig) store.Store {
			return unreadable{sharedStore{counting{st, r.updates}}, &broken}
		})
		broken.Store(true)
		second.follow()
		first.enter(Device, "/acct/1/d", "PENDING")
		time.Sleep(3 * followAgain)
		broken.Store(false)
		time.Sleep(2 * followAgain)
		synctest.Wait()
		if n := len(second.others.byKey); n != 1 {
			t.Errorf("the second server knows of %d steps, want 1", n)
		}
	})
}
