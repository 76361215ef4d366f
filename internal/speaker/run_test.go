package speaker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/speaker"
	"portolan/internal/store"
	"portolan/routing"
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

// TestRun_savesAgainWhatCouldNotBeStored: without anything new that is heard.
func TestRun_savesAgainWhatCouldNotBeStored(t *testing.T) {
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
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := w.BGP().Unsaved(); got != 1 {
			t.Fatalf("%d peers have routes that are not stored, want 1", got)
		}
		must(w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: ids[0]}) // the state is there to read
		disk.broken.Store(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if got := w.BGP().Unsaved(); got != 0 {
			t.Errorf("%d peers have routes that are not stored", got)
		}
	})
}

// TestRun_forgetsLaterWhatCouldNotBeRemoved: a VPN attachment whose inside block is another one has no sessions before what the router
// of the old block has advertised is gone.
func TestRun_forgetsLaterWhatCouldNotBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.peers()
		vpn := w.vpn(1, "eu-west-1", 65010)
		disk := &brokenStore{Store: w.st}
		w.st = disk
		w.start(speaker.Loopback)
		w.run()
		w.move(vpn, 0, bgp.Established)
		w.hear(vpn, 0, "10.7.0.0/16=65010")
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("the table", w.table("eu-west-1"), "10.7.0.0/16 [65010]")
		disk.broken.Store(true)
		w.outside.change(func() {
			for arn, v := range w.outside.vpns {
				next := *v
				next.Tunnels = slices.Clone(v.Tunnels)
				next.Tunnels[0].InsideCIDR = pfx("169.254.9.0/30")
				w.outside.vpns[arn] = &next
			}
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		w.want("nothing can be removed", w.held(vpn), "")
		disk.broken.Store(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		w.want("the sessions", w.held(vpn), "169.254.1.5 AS 64512, 169.254.1.6 AS 65010, outside 192.0.1.2\n169.254.9.1 AS 64512, 169.254.9.2 AS 65010, outside 192.0.1.1")
		w.want("the table after it", w.table("eu-west-1"), "")
	})
}

// TestRun_sessionThatCannotBeHeld: what an earlier process heard on it is in the tables for as long as that of a router which does not
// come back.
func TestRun_sessionThatCannotBeHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t) // which refuses all sessions their sockets
		ids := w.peers(65001, 65002)
		w.hear(ids[0], 0, "10.7.0.0/16=65001")
		w.hear(ids[0], 1, "10.8.0.0/16=65001")
		w.rest()
		w.BGP().Save(w.ctx)
		w.start(speaker.Loopback)
		w.run()
		const both = "10.7.0.0/16 [64512 65001] med 100\n10.8.0.0/16 [64512 65001] med 100"
		w.want("at first", w.advertised(ids[1]), both)
		time.Sleep(119 * time.Second)
		w.want("before it is over", w.advertised(ids[1]), both)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		w.want("after it", w.advertised(ids[1]), "")
	})
}

// TestSpeaker_savesAfterTheFirstReport: what is saved before there is a row to save it with is saved again.
func TestSpeaker_savesAfterTheFirstReport(t *testing.T) {
	w := newWorld(t)
	connect := must(w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: w.peers(65001)[0]}).ConnectPeer.ConnectAttachmentId
	disk := &brokenStore{Store: w.st}
	w.st = disk
	w.start(speaker.Loopback)
	id := w.newPeer(connect, 1, 65002)
	w.BGP().RefreshAll(w.ctx)
	w.hear(id, 0, "10.7.0.0/16=65002")
	disk.broken.Store(true)
	w.BGP().Flush(w.ctx)
	disk.broken.Store(false)
	w.BGP().Save(w.ctx)
	w.rest()
	w.BGP().Save(w.ctx)
	w.start(speaker.Loopback)
	w.rest()
	if got := w.BGP().Restored(id, 0); got != 1 {
		t.Errorf("%d routes after the restart, want 1", got)
	}
}

// blindStore answers so many reads, and then none for a while.
type blindStore struct {
	store.Store
	left atomic.Int64 // negative: all are answered
}

func (s *blindStore) View(ctx context.Context, f func(store.Reader) error) error {
	switch left := s.left.Load(); {
	case left == 0:
		return errBroken
	case left > 0:
		s.left.Store(left - 1)
	}
	return s.Store.View(ctx, f)
}

// TestRun_sessionsBeginWithTheirRoutes: a router that is told that it has all routes, before they could be computed, forgets those it has.
func TestRun_sessionsBeginWithTheirRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		if err := l.w.PutAnnouncements(l.w.ctx, l.ids[1], []routing.Announcement{{Prefix: pfx("10.1.0.0/16"), ASPath: []uint32{65002}}}); err != nil {
			t.Fatal(err)
		}
		l.w.run()() // ends the sessions of the process that made the peers
		disk := &blindStore{Store: l.w.st}
		disk.left.Store(-1)
		l.w.st = disk
		l.w.start(speaker.Loopback)
		disk.left.Store(2) // which core networks there are, and their Connect peers
		l.w.run()
		disk.left.Store(-1)
		begun := func() (n int) {
			list, err := l.w.BGP().BGPSessions(l.w.ctx, "")
			if err != nil || len(list.Sessions) != 6 {
				t.Fatalf("sessions %+v, %v", list, err)
			}
			for _, s := range list.Sessions {
				if s.Local != "" {
					n++
				}
			}
			return n
		}
		if n := begun(); n != 0 {
			t.Errorf("%d sessions have begun without routes", n)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := begun(); n != 6 {
			t.Errorf("%d sessions have begun after the routes were computed, want 6", n)
		}
		l.w.want("the first router", l.w.advertised(l.ids[0]), "10.1.0.0/16 [64512 65002] med 100")
	})
}
