package speaker_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/speaker"
	"portolan/routing"
)

func TestSpeaker_routesGoFromOneRouterToTheOther(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001, 65002)
	w.move(ids[0], 0, bgp.Established)
	w.hear(ids[0], 0, "10.7.0.0/16=65001", "10.8.0.0/16=65001,65077")
	w.rest()
	w.want("the table", w.table("eu-west-1"), "10.7.0.0/16 [65001]\n10.8.0.0/16 [65001 65077]")
	w.want("the other router", w.advertised(ids[1]), "10.7.0.0/16 [64512 65001] med 100\n10.8.0.0/16 [64512 65001 65077] med 100")
	w.want("the router itself", w.advertised(ids[0]), "")

	w.hear(ids[0], 0, "10.7.0.0/16", "10.9.0.0/16=65001")
	w.rest()
	w.want("after a change", w.advertised(ids[1]), "10.8.0.0/16 [64512 65001 65077] med 100\n10.9.0.0/16 [64512 65001] med 100")
}

func TestSpeaker_bothSessionsAreOneRoute(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001, 65002)
	w.hear(ids[0], 0, "10.7.0.0/16=65001,65077", "10.8.0.0/16=65001")
	w.hear(ids[0], 1, "10.7.0.0/16=65001", "10.9.0.0/16=65001")
	w.rest()
	w.want("accumulated", w.table("eu-west-1"), "10.7.0.0/16 [65001]\n10.8.0.0/16 [65001]\n10.9.0.0/16 [65001]")
	w.hear(ids[0], 1, "10.7.0.0/16", "10.9.0.0/16")
	w.rest()
	w.want("one left", w.table("eu-west-1"), "10.7.0.0/16 [65001 65077]\n10.8.0.0/16 [65001]")
}

func TestSpeaker_internalSessionKeepsThePath(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(64512, 65002) // the first is iBGP
	w.hear(ids[1], 0, "10.7.0.0/16=65002")
	w.rest()
	w.want("iBGP", w.advertised(ids[0]), "10.7.0.0/16 [65002] med 100")
	if r := w.BGP().Exported(ids[0])[0]; !r.Attrs.HasLocalPref || r.Attrs.LocalPref != 100 {
		t.Errorf("LOCAL_PREF of an iBGP session: %+v", r.Attrs)
	}
}

func TestSpeaker_eventsAndTelemetryFollowTheSessions(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	step := w.steps()
	w.want("before", w.telemetry(), "169.254.40.2 DOWN, 169.254.40.3 DOWN")
	w.move(ids[0], 1, bgp.Established)
	step("one up", "169.254.40.2 DOWN, 169.254.40.3 UP", "CONNECT_PEER_BGP_UP 169.254.40.3")
	w.move(ids[0], 0, bgp.Established)
	w.move(ids[0], 1, bgp.Idle)
	step("the other", "169.254.40.2 UP, 169.254.40.3 DOWN", "CONNECT_PEER_BGP_UP 169.254.40.2", "CONNECT_PEER_BGP_DOWN 169.254.40.3")
	for range 100 {
		w.move(ids[0], 0, bgp.Idle)
		w.move(ids[0], 0, bgp.Established)
	}
	step("flaps between two reports", "169.254.40.2 UP, 169.254.40.3 DOWN")
	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: ids[0]})
	step("deleted", "", "CONNECT_PEER_BGP_DOWN 169.254.40.2")
	if list, err := w.BGP().BGPSessions(w.ctx, ""); err != nil || len(list.Sessions) != 0 {
		t.Errorf("sessions of a peer that was deleted: %+v, %v", list, err)
	}
}

func TestSpeaker_whatIsPutForANewPeerBringsNoSessionUp(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	_, before := w.happened(0)
	connect := must(w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: ids[0]}).ConnectPeer.ConnectAttachmentId
	id := w.newPeer(connect, 1, 65002)
	for _, list := range [][]routing.Announcement{{{Prefix: pfx("10.1.0.0/16"), ASPath: []uint32{65002}}}, nil} {
		if err := w.PutAnnouncements(w.ctx, id, list); err != nil {
			t.Fatal(err)
		}
		w.want("the sessions", w.telemetry(), "169.254.40.2 DOWN, 169.254.40.3 DOWN, 169.254.41.2 DOWN, 169.254.41.3 DOWN")
	}
	w.rest()
	if got, _ := w.happened(before); len(got) != 0 {
		t.Errorf("events of sessions that are down: %v", got)
	}
}

func TestSpeaker_whatWasPutTakesThePlaceOfWhatWasHeard(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	w.hear(ids[0], 0, "10.7.0.0/16=65001", "10.8.0.0/16=65001")
	w.rest()
	put := func(list ...routing.Announcement) {
		t.Helper()
		if err := w.PutAnnouncements(w.ctx, ids[0], list); err != nil {
			t.Fatal(err)
		}
		w.rest()
	}
	put(routing.Announcement{Prefix: pfx("10.1.0.0/16"), ASPath: []uint32{65001}})
	w.want("put", w.table("eu-west-1"), "10.1.0.0/16 [65001]")
	snap, err := w.Snapshot(w.ctx, w.cn)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range snap.Attachments {
		for _, p := range a.Peers {
			if p.Overridden != 2 {
				t.Errorf("the snapshot says that %d heard routes are overridden, want 2", p.Overridden)
			}
		}
	}
	down := "the BGP session of " + ids[0] + " with core network address 169.254.40."
	if got, want := w.doctor(), []string{down + "2 is down: a test", down + "3 is down: a test", "routes that were put for " + ids[0] + " take the place of 2 routes that its router advertises over BGP"}; !slices.Equal(got, want) {
		t.Errorf("doctor: %q, want %q", got, want)
	}
	w.move(ids[0], 0, bgp.Established)
	put()
	if got, want := w.doctor(), []string{down + "3 is down: a test"}; !slices.Equal(got, want) {
		t.Errorf("doctor: %q, want %q", got, want)
	}
	w.want("taken back", w.table("eu-west-1"), "10.7.0.0/16 [65001]\n10.8.0.0/16 [65001]")
}

func TestSpeaker_restartGoesOnFromWhatWasSaved(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001, 65002)
	w.move(ids[0], 0, bgp.Established)
	w.hear(ids[0], 0, "10.7.0.0/16=65001,65077", "10.8.0.0/16=65001")
	w.hear(ids[0], 1, "10.8.0.0/16=65001")
	w.rest()
	w.BGP().Save(w.ctx)
	table, sent := w.table("eu-west-1"), w.advertised(ids[1])

	w.start(speaker.Loopback)
	w.rest()
	w.want("the table", w.table("eu-west-1"), table)
	w.want("the other router", w.advertised(ids[1]), sent)
	for at, want := range []int{2, 1} {
		if got := w.BGP().Restored(ids[0], at); got != want {
			t.Errorf("session %d begins with %d routes, want %d", at, got, want)
		}
	}

	w.start(speaker.Off)
	w.rest()
	w.want("without sessions", w.table("eu-west-1"), "")
	w.want("without sessions", w.telemetry(), "169.254.40.2 DOWN, 169.254.40.3 DOWN, 169.254.41.2 DOWN, 169.254.41.3 DOWN")
}

func TestSpeaker_manyRoutesAreSavedInParts(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	var routes, some []string
	for i := range 3000 {
		routes = append(routes, fmt.Sprintf("10.%d.%d.0/24=65001", i/256, i%256))
	}
	w.hear(ids[0], 0, routes...)
	w.rest()
	w.BGP().Save(w.ctx)
	if got := w.BGP().Shards(ids[0]); got != 256 {
		t.Errorf("%d parts", got)
	}
	for _, r := range routes[:2500] {
		prefix, _, _ := strings.Cut(r, "=")
		some = append(some, prefix)
	}
	w.hear(ids[0], 0, some...)
	w.rest()
	w.BGP().Save(w.ctx)
	if got := w.BGP().Shards(ids[0]); got != 1 {
		t.Errorf("%d parts of few routes", got)
	}
	w.start(speaker.Loopback)
	w.rest()
	if got := w.BGP().Restored(ids[0], 0); got != 500 {
		t.Errorf("%d routes after the restart, want 500", got)
	}
}

// numbered are routes of numbers, with a path.
func numbered(first, end int, path string) (list []string) {
	for i := first; i < end; i++ {
		list = append(list, fmt.Sprintf("10.%d.%d.0/24%s", i/256, i%256, path))
	}
	return list
}

// dividing is a world whose routes are about to be divided into other parts: 1500 in one into many, or 3000 in many into one. Those of
// numbers below 500 have another path since.
func dividing(t *testing.T, more bool) (w *world, peer string) {
	w = newWorld(t)
	peer = w.peers(65001)[0]
	before := 3000
	if more {
		before = 1500
	}
	w.hear(peer, 0, numbered(0, before, "=65001")...)
	w.rest()
	w.BGP().Save(w.ctx)
	w.hear(peer, 0, numbered(0, 500, "=65001,65077")...)
	if more {
		w.hear(peer, 0, numbered(1500, 3000, "=65001")...)
	} else {
		w.hear(peer, 0, numbered(500, 3000, "")...)
	}
	w.rest()
	return w, peer
}

// copied checks the copy of the routes of a peer, in which each is once, and tells how many have the new path.
func (w *world) copied(peer string) (newer int) {
	w.t.Helper()
	last := netip.Prefix{}
	for _, a := range w.BGP().Copied(peer) {
		if a.Prefix.Compare(last) <= 0 {
			w.t.Fatalf("%s is behind %s", a.Prefix, last)
		}
		if last = a.Prefix; len(a.ASPath) == 2 {
			newer++
		}
	}
	return newer
}

// TestSpeaker_othersReadEachRouteOnce: while the stored copy is divided, whoever reads it has each route once, and never again as
// it was before.
func TestSpeaker_othersReadEachRouteOnce(t *testing.T) {
	for _, more := range []bool{true, false} {
		w, peer := dividing(t, more)
		newest, steps := 0, 0
		for again := true; again; steps++ {
			again = w.BGP().SaveSome(w.ctx)
			got := w.copied(peer)
			if got < newest {
				t.Fatalf("more parts: %t: %d routes are as they are now, and %d were before", more, got, newest)
			}
			newest = got
		}
		if newest != 500 || steps < 3 {
			t.Errorf("more parts: %t: after %d steps %d routes are as they are now, want 500", more, steps, newest)
		}
	}
}

// TestSpeaker_endsWhileItDivides: a process that ends between two parts of a division leaves routes in two parts. The next one has
// the newer of the two in its tables and in its sessions alike, and stores each route once.
func TestSpeaker_endsWhileItDivides(t *testing.T) {
	for _, more := range []bool{true, false} {
		w, peer := dividing(t, more)
		for range 2 {
			if !w.BGP().SaveSome(w.ctx) {
				t.Fatal("all parts at once")
			}
		}
		newer := w.copied(peer)
		if newer == 0 {
			t.Fatal("none of the routes that are in two parts is stored as it is now")
		}
		w.start(speaker.Loopback)
		w.rest()
		table := w.table("eu-west-1")
		if got := strings.Count(table, "[65001 65077]"); got != newer {
			t.Errorf("more parts: %t: %d routes are as they were stored last, want %d", more, got, newer)
		}
		w.BGP().Save(w.ctx)
		if stored, restored := len(w.BGP().Copied(peer)), w.BGP().Restored(peer, 0); stored != restored || strings.Count(table, "\n")+1 != stored {
			t.Errorf("more parts: %t: %d routes are stored of %d", more, stored, restored)
		}
		w.start(speaker.Loopback)
		w.rest()
		if w.table("eu-west-1") != table {
			t.Errorf("more parts: %t: the tables had other routes than the session", more)
		}
	}
}

// TestSpeaker_savesLaterWhatCannotBeStored: with a store that takes nothing, it does not try again and again.
func TestSpeaker_savesLaterWhatCannotBeStored(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001, 65002)
	w.hear(ids[0], 0, "10.7.0.0/16=65001")
	w.hear(ids[1], 0, "10.8.0.0/16=65002")
	w.rest()
	failing, cancel := context.WithCancel(w.ctx)
	cancel()
	if w.BGP().SaveSome(failing) {
		t.Error("it goes on at once")
	}
	if got := w.BGP().Unsaved(); got != 2 {
		t.Errorf("%d peers are to be saved later, want 2", got)
	}
}

func TestSpeaker_sessionsAreTheOwnersAlone(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	other := api.WithCaller(t.Context(), api.Caller{Account: "444455556666", Partition: "aws"})
	if list, err := w.BGP().BGPSessions(other, ""); err != nil || len(list.Sessions) != 0 {
		t.Errorf("another account sees %+v, %v", list, err)
	}
	if _, err := w.BGP().BGPHeard(other, ids[0], ""); err == nil {
		t.Error("another account reads routes")
	}
	if err := w.BGP().BGPReset(w.ctx, ids[0], "10.0.0.1", false); err == nil {
		t.Error("an address that no session has is taken")
	}
}
