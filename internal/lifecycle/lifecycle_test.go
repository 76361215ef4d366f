package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/store"
)

// rig is a queue whose rows are their state and nothing else.
type rig struct {
	*Queue
	t     *testing.T
	store store.Store
	steps *[]string

	updates *atomic.Int64 // of the store, by the queue
}

// counting counts transactions.
type counting struct {
	store.Store
	updates *atomic.Int64
}

func (c counting) Update(ctx context.Context, f func(store.Txn) error) error {
	c.updates.Add(1)
	return c.Store.Update(ctx, f)
}

func newRig(t *testing.T, profile string) *rig {
	t.Helper()
	p, err := ParseProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return newRigOn(t, store.OpenMemory(), p)
}

func newRigOn(t *testing.T, st store.Store, p Profile) *rig {
	t.Helper()
	r := &rig{t: t, store: st, steps: new([]string), updates: new(atomic.Int64)}
	r.Queue = NewQueue(counting{st, r.updates}, time.Now, p, slog.New(slog.DiscardHandler), ownerOf, concernOf)
	var mu sync.Mutex
	for kind := range machines {
		r.Handle(kind, func(tx *Txn, e Entry) error {
			state, ok := tx.Get(e.Key)
			if !ok || string(state) != e.From {
				return nil
			}
			step, _ := Next(kind, e.From)
			mu.Lock()
			*r.steps = append(*r.steps, e.From+">"+step.Next)
			mu.Unlock()
			if step.Next == Gone {
				tx.Delete(e.Key)
				return nil
			}
			tx.Set(e.Key, []byte(step.Next))
			tx.Schedule(kind, e.Key, step.Next)
			return nil
		})
	}
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// ownerOf is the second segment of a key.
func ownerOf(row string) string { return strings.SplitN(row, "/", 4)[2] }

func (r *rig) enter(kind Kind, key, state string) {
	r.t.Helper()
	if err := r.Update(r.t.Context(), "", func(tx *Txn) error {
		tx.Set(key, []byte(state))
		tx.Schedule(kind, key, state)
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) state(key string) string {
	r.t.Helper()
	state := "gone"
	if err := r.store.View(r.t.Context(), func(tx store.Reader) error {
		if v, ok := tx.Get(key); ok {
			state = string(v)
		}
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return state
}

func (r *rig) look(key string) string {
	r.t.Helper()
	if err := r.Step(r.t.Context(), ""); err != nil {
		r.t.Fatal(err)
	}
	return r.state(key)
}

// TestStep_stateThatNoAnswerShows: what begins by a call whose answer does not show it is found by one look.
func TestStep_stateThatNoAnswerShows(t *testing.T) {
	r := newRig(t, "instant")
	r.enter(Attachment, "/acct/1/a", "PENDING_NETWORK_UPDATE")
	var seen []string
	for range 3 {
		seen = append(seen, r.look("/acct/1/a"))
	}
	if got := strings.Join(seen, " "); got != "PENDING_NETWORK_UPDATE AVAILABLE AVAILABLE" {
		t.Errorf("each look sees the state after the one before: got %s", got)
	}
}

func TestStep_eachLookSeesTheNextState(t *testing.T) {
	r := newRig(t, "instant")
	r.enter(Attachment, "/acct/1/a", "CREATING")
	seen := []string{r.state("/acct/1/a")}
	for range 3 {
		seen = append(seen, r.look("/acct/1/a"))
	}
	if got := strings.Join(seen, " "); got != "CREATING PENDING_NETWORK_UPDATE AVAILABLE AVAILABLE" {
		t.Errorf("saw %s", got)
	}
}

func TestUpdate_findsEverythingSettled(t *testing.T) {
	r := newRig(t, "instant")
	r.enter(Attachment, "/acct/1/a", "CREATING")
	if err := r.Update(t.Context(), "", func(tx *Txn) error {
		if v, _ := tx.Get("/acct/1/a"); string(v) != "AVAILABLE" {
			return fmt.Errorf("found %s", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if n := r.next.Load(); n != 1<<63-1 {
		t.Errorf("something still seems due at %d", n)
	}
}

func TestUpdate_failedLeavesTheQueueAsItWas(t *testing.T) {
	r := newRig(t, "instant")
	r.enter(Device, "/acct/1/d", "PENDING")
	boom := errors.New("boom")
	if err := r.Update(t.Context(), "", func(tx *Txn) error {
		tx.Set("/acct/1/e", []byte("PENDING"))
		tx.Schedule(Device, "/acct/1/e", "PENDING")
		return boom
	}); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if got := r.state("/acct/1/d"); got != "PENDING" {
		t.Errorf("a failed update left %s", got)
	}
	if got := r.look("/acct/1/d"); got != "AVAILABLE" {
		t.Errorf("then %s", got)
	}
	if got := r.state("/acct/1/e"); got != "gone" {
		t.Errorf("the failed row is %s", got)
	}
}

func TestRun_movesWhatNobodyAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "instant,device.PENDING=3s")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		r.enter(Device, "/acct/1/d", "PENDING")
		r.enter(Site, "/acct/1/s", "DELETING")
		r.enter(Attachment, "/acct/1/a", "CREATING")
		time.Sleep(2 * Linger)
		synctest.Wait()
		if got := r.state("/acct/1/s"); got != "gone" {
			t.Errorf("site %s", got)
		}
		time.Sleep(2 * Linger)
		synctest.Wait()
		if got := r.state("/acct/1/a"); got != "AVAILABLE" {
			t.Errorf("attachment %s", got)
		}
		time.Sleep(2900*time.Millisecond - 4*Linger)
		synctest.Wait()
		if got := r.look("/acct/1/d"); got != "PENDING" {
			t.Errorf("device %s before its time", got)
		}
		time.Sleep(100*time.Millisecond + Linger)
		synctest.Wait()
		if got := r.state("/acct/1/d"); got != "AVAILABLE" {
			t.Errorf("device %s after its time", got)
		}
		cancel()
		<-done
	})
}

func TestRun_retriesWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "instant")
		var broken atomic.Bool
		broken.Store(true)
		r.Handle(Link, func(tx *Txn, e Entry) error {
			if broken.Load() {
				return errors.New("not now")
			}
			tx.Set(e.Key, []byte("AVAILABLE"))
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		r.enter(Link, "/acct/1/l", "PENDING")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := r.state("/acct/1/l"); got != "PENDING" {
			t.Errorf("link %s", got)
		}
		broken.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.state("/acct/1/l"); got != "AVAILABLE" {
			t.Errorf("link %s after the fault was gone", got)
		}
		cancel()
		<-done
	})
}

func TestLoad_picksUpWhatAnEarlierProcessLeft(t *testing.T) {
	st := store.OpenMemory()
	first := newRigOn(t, st, Instant)
	first.enter(Attachment, "/acct/1/a", "CREATING")
	second := newRigOn(t, st, Instant)
	second.look("/acct/1/a")
	if got := second.look("/acct/1/a"); got != "AVAILABLE" {
		t.Errorf("after a restart: %s", got)
	}
}

func TestCancel_ofOneAccount(t *testing.T) {
	r := newRig(t, "instant")
	if err := r.Update(t.Context(), "", func(tx *Txn) error {
		for _, key := range []string{"/acct/1/d", "/acct/12/d"} { // at once: a second update would settle the first row
			tx.Set(key, []byte("PENDING"))
			tx.Schedule(Device, key, "PENDING")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.store.Update(t.Context(), func(stx store.Txn) error {
		(&Txn{Txn: stx, queue: r.Queue}).Cancel("/acct/1/")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r.look("/acct/1/d")
	if a, b := r.state("/acct/1/d"), r.state("/acct/12/d"); a != "PENDING" || b != "AVAILABLE" {
		t.Errorf("cancelled %s, kept %s", a, b)
	}
}

func TestConcurrent_nothingIsForgotten(t *testing.T) {
	r := newRig(t, "instant")
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := range 100 {
				key := fmt.Sprintf("/acct/1/%d-%d", c, i)
				r.enter(Device, key, "PENDING")
				// The next look after a reply sees the next state, whatever others do meanwhile.
				if got := r.look(key); got != "AVAILABLE" {
					t.Errorf("%s is %s", key, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestParseProfile_refused(t *testing.T) {
	for _, text := range []string{"fast", "device.PENDING", "device.PENDING=x", "device.PENDING=-1s", "device.NOPE=1s", "nope.PENDING=1s", "instant,aws"} {
		if _, err := ParseProfile(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	p, err := ParseProfile("aws,device.PENDING=7s")
	if err != nil || p.Duration(Device, "PENDING") != 7*time.Second || p.Duration(Attachment, "CREATING") != 2*time.Minute {
		t.Errorf("got %+v %v", p, err)
	}
	if p, err := ParseProfile("attachment.CREATING=1m"); err != nil || p.Duration(Attachment, "CREATING") != time.Minute || p.Duration(Device, "PENDING") != 0 {
		t.Errorf("got %+v %v", p, err)
	}
}

func TestMachines_leadToRest(t *testing.T) {
	for kind, machine := range machines {
		for state := range machine {
			seen := state
			for range 10 {
				step, transient := Next(kind, seen)
				if !transient || step.Next == Gone {
					seen = ""
					break
				}
				seen = step.Next
			}
			if seen != "" {
				t.Errorf("%s never comes to rest from %s", kind, state)
			}
		}
	}
}
