package speaker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/bgp"
	"portolan/internal/speaker"
	"portolan/internal/store"
)

// run has the speaker of a world run until the end of the test.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		w.BGP().Run(ctx)
		close(done)
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop)
	synctest.Wait()
	return stop
}

// TestRun_everyChangeReachesTablesAndRouters: the speaker is left to its own timers, again and again.
func TestRun_everyChangeReachesTablesAndRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ids := w.peers(65001, 65002)
		w.run()
		w.move(ids[0], 0, bgp.Established)
		for i := range 40 {
			w.hear(ids[0], 0, "10.7.0.0/16=65001", fmt.Sprintf("10.8.0.0/16=65001,%d", 65100+i))
			time.Sleep(99 * time.Millisecond)
			synctest.Wait()
			if i > 0 { // what was heard last is not there yet
				w.want("too early", w.advertised(ids[1]), "10.8.0.0/16 [64512 65001 "+fmt.Sprint(65099+i)+"] med 100")
			}
			w.hear(ids[0], 0, "10.7.0.0/16")
			time.Sleep(time.Millisecond)
			synctest.Wait()
			w.want("the table", w.table("eu-west-1"), fmt.Sprintf("10.8.0.0/16 [65001 %d]", 65100+i))
			w.want("the other router", w.advertised(ids[1]), fmt.Sprintf("10.8.0.0/16 [64512 65001 %d] med 100", 65100+i))
			if t.Failed() {
				t.Fatalf("change %d", i)
			}
		}
		w.hear(ids[0], 0, "10.8.0.0/16")
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("withdrawn", w.table("eu-west-1"), "")
		w.want("withdrawn", w.advertised(ids[1]), "")
	})
}

// TestRun_whatWasHeardIsSavedWithinFiveSeconds: a process that is killed then loses nothing.
func TestRun_whatWasHeardIsSavedWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ids := w.peers(65001)
		w.run()
		for i := range 3 {
			w.hear(ids[0], 0, fmt.Sprintf("10.%d.0.0/16=65001", i))
			time.Sleep(5200 * time.Millisecond)
			synctest.Wait()
			if got := w.BGP().Unsaved(); got != 0 {
				t.Fatalf("after change %d: %d peers whose routes are not stored", i, got)
			}
		}
	})
}

// brokenStore takes no writes for a while.
type brokenStore struct {
	store.Store
	broken atomic.Bool
}

var errBroken = errors.New("a broken disk")

func (s *brokenStore) Update(ctx context.Context, f func(store.Txn) error) error {
	if s.broken.Load() {
		return errBroken
	}
	return s.Store.Update(ctx, f)
}

// TestRun_storeThatTakesNoWrites: sessions stay, and what was heard meanwhile is in the tables afterwards, where only attributes have
// changed, too.
func TestRun_storeThatTakesNoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ids := w.peers(65001, 65002)
		disk := &brokenStore{Store: w.st}
		w.st = disk
		w.start(speaker.Loopback)
		w.run()
		w.hear(ids[0], 0, "10.7.0.0/16=65001")
		time.Sleep(time.Second)
		disk.broken.Store(true)
		w.hear(ids[0], 0, "10.7.0.0/16=65001,65077")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		w.want("while nothing is written", w.advertised(ids[1]), "10.7.0.0/16 [64512 65001] med 100")
		disk.broken.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("after it", w.advertised(ids[1]), "10.7.0.0/16 [64512 65001 65077] med 100")
		w.want("the table", w.table("eu-west-1"), "10.7.0.0/16 [65001 65077]")
	})
}
