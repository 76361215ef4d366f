package bgp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

const (
	routeA = "10.1.0.0/16 via 169.254.40.1 path [65001]"
	routeB = "10.2.0.0/16 via 169.254.40.1 path [65001]"
)

// withTwoRoutes is an established session that has heard routeA and routeB.
func withTwoRoutes(t *testing.T, caps Capabilities) (*Session, *recorder, *router) {
	t.Helper()
	s, rec := setup(t, corePeer(), nil, nil)
	r := connect(t, s)
	r.establish(caps)
	r.announce([]uint32{65001}, "10.1.0.0/16", "10.2.0.0/16")
	wantTable(t, rec, routeA, routeB)
	return s, rec, r
}

func TestGracefulRestart_whatIsRetained(t *testing.T) {
	plain, helper, withoutN := routerCaps, routerCaps, routerCaps
	plain.GracefulRestart = false
	helper.GracefulFor, helper.Forwarding = 0, 0
	withoutN.Notifications = false
	closes := func(_ *Session, r *router) { r.conn.Close() }
	notifies := func(n *Notification) func(*Session, *router) {
		return func(_ *Session, r *router) { r.send(n.encode()) }
	}
	for _, c := range []struct {
		name string
		caps Capabilities
		lose func(*Session, *router)
		kept bool
	}{
		{"the connection is lost", routerCaps, closes, true},
		{"it is lost, without the capability", plain, closes, false},
		{"it is lost, and the peer only helps others to restart", helper, closes, false},
		{"a NOTIFICATION, both with the N bit", routerCaps, notifies(cease(ceaseReset, "")), true},
		{"a NOTIFICATION, peer without the N bit", withoutN, notifies(cease(ceaseReset, "")), false},
		{"a hard reset", routerCaps, notifies(cease(ceaseReset, "").hard()), false},
		{"our reset", routerCaps, func(s *Session, _ *router) { s.Reset("") }, true},
		{"our reset, peer without the N bit", withoutN, func(s *Session, _ *router) { s.Reset("") }, false},
		{"our hold timer", routerCaps, func(*Session, *router) { time.Sleep(30 * time.Second) }, true},
		{"our hold timer, peer without the N bit", withoutN, func(*Session, *router) { time.Sleep(30 * time.Second) }, false},
		{"an error in a message", routerCaps, func(_ *Session, r *router) { r.send(rawUpdate("", hexGood, "21 0a09000000")) }, true},
		{"our shutdown", routerCaps, func(s *Session, _ *router) { s.Stop(ceaseShutdown, "") }, false},
		{"the process ends", routerCaps, func(s *Session, _ *router) { s.Freeze() }, true},
		{"the process ends, without the capability", plain, func(s *Session, _ *router) { s.Freeze() }, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, c.caps)
			c.lose(s, r)
			synctest.Wait()
			if got := rec.table() != ""; got != c.kept {
				t.Errorf("%s: kept %t, want %t", c.name, got, c.kept)
			}
		})
	}
}

func TestGracefulRestart_endOfRIB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, rec, r := withTwoRoutes(t, routerCaps)
		r.conn.Close()
		synctest.Wait()
		if i := s.Info(); i.Stale != 2 || rec.last.Retained != 2 {
			t.Fatalf("%d stale, reported %d", i.Stale, rec.last.Retained)
		}
		time.Sleep(2 * time.Second)
		again := connect(t, s)
		again.establish(routerCaps)
		again.announce([]uint32{65001}, "10.1.0.0/16")
		wantTable(t, rec, routeA, routeB)
		again.send(encodeEndOfRIB(IPv4))
		wantTable(t, rec, routeA)
		if i := s.Info(); i.Stale != 0 {
			t.Errorf("%d stale after End-of-RIB", i.Stale)
		}
	})
}

func TestGracefulRestart_timers(t *testing.T) {
	t.Run("the peer does not come back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, rec, r := withTwoRoutes(t, routerCaps)
			r.conn.Close()
			time.Sleep(90*time.Second - time.Millisecond)
			wantTable(t, rec, routeA, routeB)
			time.Sleep(time.Millisecond)
			wantTable(t, rec)
		})
	})
	t.Run("it comes back and never says End-of-RIB", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, routerCaps)
			r.conn.Close()
			time.Sleep(2 * time.Second)
			again := connect(t, s)
			again.establish(routerCaps)
			again.announce([]uint32{65001}, "10.1.0.0/16")
			for range 12 {
				wantTable(t, rec, routeA, routeB)
				time.Sleep(10 * time.Second)
				again.send(encodeKeepalive())
			}
			wantTable(t, rec, routeA)
		})
	})
	t.Run("it is lost twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, routerCaps)
			r.conn.Close()
			time.Sleep(2 * time.Second)
			again := connect(t, s)
			again.establish(routerCaps)
			again.announce([]uint32{65001}, "10.1.0.0/16")
			again.conn.Close()
			wantTable(t, rec, routeA)
		})
	})
}

func TestGracefulRestart_peerLostItsState(t *testing.T) {
	noForwarding, without := routerCaps, routerCaps
	noForwarding.Forwarding = IPv6
	without.GracefulRestart = false
	for _, caps := range []Capabilities{noForwarding, without} {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, routerCaps)
			r.conn.Close()
			time.Sleep(2 * time.Second)
			connect(t, s).establish(caps)
			wantTable(t, rec)
		})
	}
}

// restartedSession makes the session of a process that has just restarted, with routes that an earlier one has heard.
func restartedSession(t *testing.T, x *Export, rec *recorder, prefixes ...string) (s *Session, heard []Change) {
	t.Helper()
	p := corePeer()
	p.Restarting = true
	s, err := NewSession(p, x, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	attrs := &Attributes{ASPath: []uint32{65001}, NextHop: addr("169.254.40.1")}
	for _, prefix := range prefixes {
		heard = append(heard, Change{pfx(prefix), attrs})
	}
	s.Restore(heard)
	return s, heard
}

func TestGracefulRestart_ours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		x := NewExport()
		x.Update([]Route{{Prefix: pfx("10.0.0.0/16"), Attrs: &Attributes{ASPath: []uint32{64512}}}})
		s, _ := restartedSession(t, x, rec, "10.1.0.0/16", "10.2.0.0/16")
		s.Start()
		defer s.Wait()
		defer s.Stop(0, "")
		r := connect(t, s)
		restarting := func(body bgp.BGPBody) bool {
			o := peerOpen{}
			for _, p := range body.(*bgp.BGPOpen).OptParams {
				for _, c := range p.(*bgp.OptionParameterCapability).Capability {
					o.capability(c)
				}
			}
			if o.caps.GracefulFor != IPv4|IPv6 || o.caps.Forwarding != IPv4|IPv6 || !o.caps.Notifications {
				t.Errorf("capabilities %+v", o.caps)
			}
			return o.caps.Restarting
		}
		if !restarting(r.expect(bgp.BGP_MSG_OPEN)) {
			t.Error("the R bit is not set after a restart")
		}
		r.open(65001, "10.0.0.9", time.Minute, routerCaps)
		r.send(encodeKeepalive())
		u := r.expect(bgp.BGP_MSG_UPDATE).(*bgp.BGPUpdate)
		if len(u.NLRI) != 1 {
			t.Errorf("the first UPDATE is %+v", u)
		}
		for _, want := range []bgp.Family{bgp.RF_IPv4_UC, bgp.RF_IPv6_UC} {
			if end, family := r.expect(bgp.BGP_MSG_UPDATE).(*bgp.BGPUpdate).IsEndOfRib(); !end || family != want {
				t.Errorf("no End-of-RIB for %s", want)
			}
		}
		r.announce([]uint32{65001}, "10.1.0.0/16")
		r.send(encodeEndOfRIB(IPv4))
		if synctest.Wait(); s.Info().Heard != 1 {
			t.Errorf("%d routes heard after End-of-RIB", s.Info().Heard)
		}
		r.conn.Close()
		time.Sleep(2 * time.Second)
		if r = connect(t, s); restarting(r.expect(bgp.BGP_MSG_OPEN)) {
			t.Error("the R bit is set the second time, too")
		}
	})
}

// TestGracefulRestart_oursAndThePeer: what the earlier process had heard, before and after a peer of each kind says End-of-RIB.
func TestGracefulRestart_oursAndThePeer(t *testing.T) {
	helper, running, restarted, without := routerCaps, routerCaps, routerCaps, routerCaps
	helper.Restarting, helper.GracefulFor, helper.Forwarding = true, 0, 0
	running.Forwarding = 0
	restarted.Restarting, restarted.Forwarding = true, 0
	without.GracefulRestart = false
	for _, c := range []struct {
		name          string
		caps          Capabilities
		before, after int
	}{
		{"a peer that restarts gracefully, too", routerCaps, 2, 1},
		{"one that would not keep its state", running, 2, 1},
		{"one that only helps others", helper, 2, 1},
		{"one that has restarted as well and kept nothing", restarted, 1, 1},
		{"one without the capability", without, 1, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := restartedSession(t, NewExport(), &recorder{}, "10.1.0.0/16", "10.2.0.0/16")
			s.Start()
			defer s.Wait()
			defer s.Stop(0, "")
			r := connect(t, s)
			r.establish(c.caps)
			r.announce([]uint32{65001}, "10.1.0.0/16")
			if synctest.Wait(); s.Info().Heard != c.before {
				t.Errorf("%s: %d routes before End-of-RIB, want %d", c.name, s.Info().Heard, c.before)
			}
			r.send(encodeEndOfRIB(IPv4))
			if synctest.Wait(); s.Info().Heard != c.after {
				t.Errorf("%s: %d routes after End-of-RIB, want %d", c.name, s.Info().Heard, c.after)
			}
		})
	}
}

// TestGracefulRestart_familyThatIsGone: nothing is kept of a family for which no End-of-RIB can come.
func TestGracefulRestart_familyThatIsGone(t *testing.T) {
	only4, only6 := routerCaps, routerCaps
	only4.Families, only6.Families = IPv4, IPv6
	t.Run("heard by an earlier process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{}
			s, heard := restartedSession(t, NewExport(), rec, "10.1.0.0/16", "2001:db8::/32")
			rec.Heard(s, heard)
			s.Start()
			defer s.Wait()
			defer s.Stop(0, "")
			connect(t, s).establish(only4)
			wantTable(t, rec, routeA)
		})
	})
	t.Run("heard by this one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, routerCaps)
			r.conn.Close()
			time.Sleep(2 * time.Second)
			connect(t, s).establish(only6)
			wantTable(t, rec)
		})
	})
}

func TestSession_maxPrefixes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := corePeer()
		p.MaxPrefixes = 2
		s, rec := setup(t, p, nil, nil)
		r := connect(t, s)
		r.establish(routerCaps)
		r.announce([]uint32{65001}, "10.1.0.0/16", "10.2.0.0/16")
		r.announce([]uint32{65001, 65009}, "10.1.0.0/16") // no prefix more
		wantState(t, s, Established)
		r.announce([]uint32{65001}, "10.3.0.0/16")
		n := r.expectNotification(codeCease, ceaseHardReset)
		if string(n.Data) != "\x06\x01\x00\x01\x01\x00\x00\x00\x02" {
			t.Errorf("data % x", n.Data)
		}
		wantTable(t, rec)
		if got := s.Info().LastReason; got != "sent Cease/Maximum Number of Prefixes Reached (6/1): more than 2 prefixes" {
			t.Errorf("reason %q", got)
		}
		if !connect(t, s).closed() {
			t.Error("it may come back at once")
		}
		s.Reset("") // an operator has it come back
		r = connect(t, s)
		r.establish(routerCaps)
		wantState(t, s, Established)
		r.announce([]uint32{65001}, "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16")
		r.expectNotification(codeCease, ceaseHardReset)
		time.Sleep(time.Minute + time.Second)
		connect(t, s).establish(routerCaps)
		wantState(t, s, Established)
	})
}

func TestSession_refresh(t *testing.T) {
	drain := func(r *router) (kinds []uint8) {
		for m := r.next(); m != nil; m = r.next() {
			kinds = append(kinds, m.Header.Type)
		}
		return kinds
	}
	plain := routerCaps
	plain.EnhancedRefresh = false
	for _, c := range []struct {
		caps Capabilities
		want string
	}{{plain, "\x02"}, {routerCaps, "\x05\x02\x05"}} {
		synctest.Test(t, func(t *testing.T) {
			x := NewExport()
			x.Update([]Route{{Prefix: pfx("10.0.0.0/16"), Attrs: &Attributes{ASPath: []uint32{64512}}}})
			s, _ := setup(t, corePeer(), x, nil)
			r := connect(t, s)
			r.establish(c.caps)
			drain(r)
			r.send(encodeRefresh(IPv4, refreshRequest))
			if got := drain(r); string(got) != c.want {
				t.Errorf("after a ROUTE-REFRESH: %v, want %v", got, []byte(c.want))
			}
			if !s.Resend() || string(drain(r)) != "\x02" {
				t.Error("Resend does not send")
			}
			if !s.Refresh() || string(drain(r)) != "\x05\x05" {
				t.Error("Refresh does not ask for both families")
			}
		})
	}
	t.Run("what is not advertised again goes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec, r := withTwoRoutes(t, routerCaps)
			r.send(encodeRefresh(IPv4, refreshBegins))
			r.announce([]uint32{65001}, "10.2.0.0/16")
			wantTable(t, rec, routeA, routeB)
			r.send(encodeRefresh(IPv4, refreshEnds))
			wantTable(t, rec, routeB)
			r.message(bgp.NewBGPRouteRefreshMessage(25, 0, 70)) // a family that was not negotiated
			wantState(t, s, Established)
			r.send(append(encodeKeepalive()[:16], 0, 20, bgp.BGP_MSG_ROUTE_REFRESH, 0))
			r.expectNotification(codeRouteRefresh, 1)
		})
	})
}

// dialling is a session whose attempts to connect the test counts, and answers when it likes.
func dialling(t *testing.T, p Peer) (s *Session, rec *recorder, attempts func() int64, answer func() *router) {
	t.Helper()
	var made atomic.Int64
	next := make(chan net.Conn, 1)
	s, rec = setup(t, p, nil, func(context.Context) (net.Conn, error) {
		made.Add(1)
		select {
		case conn := <-next:
			return conn, nil
		default:
			return nil, errors.New("refused")
		}
	})
	return s, rec, made.Load, func() *router {
		ours, theirs := net.Pipe()
		next <- ours
		return newRouter(t, theirs)
	}
}

func TestSession_resetOfOneThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, rec := setup(t, corePeer(), nil, nil)
		s.Reset("")
		if i := s.Info(); i.State != Active || i.LastReason != "" || len(rec.states) != 1 {
			t.Errorf("%s, %q after %v", i.State, i.LastReason, rec.states)
		}
		connect(t, s).establish(routerCaps)
		wantState(t, s, Established)
	})
}

func TestSession_passiveOneConnectsAgain(t *testing.T) {
	t.Run("not to a peer that was never there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, attempts, _ := dialling(t, corePeer())
			connect(t, s).conn.Close() // before its OPEN
			time.Sleep(10 * time.Minute)
			if attempts() != 0 {
				t.Errorf("%d attempts to connect", attempts())
			}
		})
	})
	t.Run("after a restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := corePeer()
			p.Restarting = true
			s, _, attempts, answer := dialling(t, p)
			time.Sleep(10 * time.Second) // at 0, 1, 3 and 7 seconds
			if synctest.Wait(); attempts() != 4 {
				t.Errorf("%d attempts to connect in 10 s", attempts())
			}
			r := answer()
			time.Sleep(5 * time.Second)
			r.establishOurs(routerCaps)
			wantState(t, s, Established)
		})
	})
	t.Run("after the session was lost, and the peer may connect meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec, attempts, _ := dialling(t, corePeer())
			r := connect(t, s)
			r.establish(routerCaps)
			r.announce([]uint32{65001}, "10.1.0.0/16")
			r.send(cease(ceaseReset, "").encode())
			time.Sleep(70 * time.Second)
			if i := s.Info(); attempts() == 0 || i.State != Idle || !strings.HasPrefix(i.LastReason, "received Cease") {
				t.Errorf("%d attempts to connect, %s, %q", attempts(), i.State, i.LastReason)
			}
			wantTable(t, rec, routeA)
			connect(t, s).establish(routerCaps) // it does not have to wait
			wantState(t, s, Established)
		})
	})
}
