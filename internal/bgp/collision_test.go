package bgp

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

func TestSession_collision(t *testing.T) {
	for _, c := range []struct {
		id       string // of the peer; ours is 10.0.0.1
		incoming bool   // which connection must survive
	}{{"10.0.0.9", true}, {"9.0.0.9", false}} {
		for _, first := range []string{"incoming", "outgoing"} {
			synctest.Test(t, func(t *testing.T) {
				p := corePeer()
				p.Passive = false
				ours, theirs := net.Pipe()
				s, _ := setup(t, p, nil, func(context.Context) (net.Conn, error) { return ours, nil })
				outgoing := newRouter(t, theirs)
				incoming := connect(t, s)
				one, two := incoming, outgoing
				if first == "outgoing" {
					one, two = outgoing, incoming
				}
				one.expect(bgp.BGP_MSG_OPEN)
				two.expect(bgp.BGP_MSG_OPEN)
				one.open(65001, c.id, time.Minute, routerCaps)
				two.open(65001, c.id, time.Minute, routerCaps)
				keep, dump := outgoing, incoming
				if c.incoming {
					keep, dump = incoming, outgoing
				}
				dump.expectNotification(codeCease, ceaseCollision)
				keep.send(encodeKeepalive())
				time.Sleep(answerTime)
				keep.expect(bgp.BGP_MSG_KEEPALIVE)
				wantState(t, s, Established)
				if i := s.Info(); i.Established != 1 || i.Flaps != 0 {
					t.Errorf("%s first, peer %s: %+v", first, c.id, i)
				}
			})
		}
	}
}

// TestSession_lateCollision: the peer's second connection comes to light when the session is up.
func TestSession_lateCollision(t *testing.T) {
	for _, incoming := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := corePeer()
			p.Passive = incoming
			ours, theirs := net.Pipe()
			s, rec := setup(t, p, nil, func(context.Context) (net.Conn, error) { return ours, nil })
			var one *router
			if incoming {
				one = connect(t, s)
				one.establish(routerCaps)
			} else {
				one = newRouter(t, theirs)
				one.establishOurs(routerCaps)
			}
			one.announce([]uint32{65001}, "10.1.0.0/16")
			time.Sleep(collisionTime - time.Nanosecond)
			two := connect(t, s)
			two.open(65001, "10.0.0.9", time.Minute, routerCaps)
			two.expectNotification(codeCease, ceaseCollision)
			wantState(t, s, Established)
			wantTable(t, rec, routeA)
			if i := s.Info(); i.Flaps != 0 || i.Stale != 0 || one.closed() {
				t.Errorf("the first incoming %t: %+v", incoming, i)
			}
		})
	}
}

func TestSession_dialIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := corePeer()
		p.Passive = false
		givenUp := false
		s, _ := setup(t, p, nil, func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			givenUp = true
			return nil, ctx.Err()
		})
		r := connect(t, s)
		r.expect(bgp.BGP_MSG_OPEN)
		if givenUp {
			t.Error("given up before the peer has said who it is")
		}
		r.open(65001, "10.0.0.9", time.Minute, routerCaps)
		wantState(t, s, OpenConfirm)
		if !givenUp {
			t.Error("it goes on beside the OPEN of the peer's connection")
		}
		r.send(encodeKeepalive())
		wantState(t, s, Established)
	})
}

// TestSession_answer: on a connection of ours the KEEPALIVE that answers an OPEN comes a little after the peer's, if that comes.
func TestSession_answer(t *testing.T) {
	ours := func(t *testing.T) (*Session, *router) {
		p := corePeer()
		p.Passive = false
		ours, theirs := net.Pipe()
		s, _ := setup(t, p, nil, func(context.Context) (net.Conn, error) { return ours, nil })
		r := newRouter(t, theirs)
		r.expect(bgp.BGP_MSG_OPEN)
		r.open(65001, "10.0.0.9", time.Minute, routerCaps)
		if m := r.next(); m != nil {
			t.Fatalf("message %d before the peer's KEEPALIVE", m.Header.Type)
		}
		return s, r
	}
	t.Run("the peer's connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.expect(bgp.BGP_MSG_OPEN)
			r.open(65001, "10.0.0.9", time.Minute, routerCaps)
			r.expect(bgp.BGP_MSG_KEEPALIVE)
		})
	})
	t.Run("ours", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, r := ours(t)
			r.send(encodeKeepalive())
			time.Sleep(answerTime - time.Nanosecond)
			if m := r.next(); m != nil {
				t.Errorf("message %d at once after the peer's KEEPALIVE", m.Header.Type)
			}
			wantState(t, s, OpenConfirm)
			time.Sleep(time.Nanosecond)
			if m := r.next(); m == nil || m.Header.Type != bgp.BGP_MSG_KEEPALIVE {
				t.Errorf("the answer is %+v", m)
			}
			wantState(t, s, Established)
			r.expect(bgp.BGP_MSG_UPDATE)
			r.expect(bgp.BGP_MSG_UPDATE)
			time.Sleep(10 * time.Second)
			r.expect(bgp.BGP_MSG_KEEPALIVE)
		})
	})
	t.Run("ours, and the peer waits, too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, r := ours(t)
			time.Sleep(10 * time.Second) // a third of the hold time
			r.expect(bgp.BGP_MSG_KEEPALIVE)
			r.send(encodeKeepalive())
			wantState(t, s, Established)
		})
	})
}

func TestSession_secondConnectionWhileEstablished(t *testing.T) {
	plain := routerCaps
	plain.GracefulRestart = false
	t.Run("without graceful restart it is refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			one := connect(t, s)
			one.establish(plain)
			two := connect(t, s)
			two.open(65001, "10.0.0.9", time.Minute, plain)
			two.expectNotification(codeCease, ceaseCollision)
			wantState(t, s, Established)
			if one.closed() {
				t.Error("the first connection is closed")
			}
		})
	})
	t.Run("with it the peer has restarted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, rec := setup(t, corePeer(), nil, nil)
			one := connect(t, s)
			one.establish(routerCaps)
			one.announce([]uint32{65001}, "10.9.0.0/16")
			time.Sleep(collisionTime)
			two := connect(t, s)
			two.establish(routerCaps)
			wantState(t, s, Established)
			if !one.closed() {
				t.Error("the old connection is open")
			}
			wantTable(t, rec, "10.9.0.0/16 via 169.254.40.1 path [65001]")
			two.send(encodeEndOfRIB(IPv4))
			wantTable(t, rec)
		})
	})
}
