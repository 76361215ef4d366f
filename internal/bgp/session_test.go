package bgp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// routerPeer is the other side of corePeer as a Session of ours.
func routerPeer() Peer {
	return Peer{
		Name: "router", LocalAS: 65001, PeerAS: 64512, RouterID: addr("10.0.0.9"), Families: IPv4 | IPv6,
		NextHop4: addr("169.254.40.1"), NextHop6: addr("fd00::1"), RestartTime: 120 * time.Second,
	}
}

// join is a dialler whose connections a session accepts.
func join(s *Session) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		s.Accept(ours)
		return theirs, nil
	}
}

func TestSession_twoSpeakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := NewExport()
		x.Update([]Route{
			{Prefix: pfx("10.0.0.0/16"), Attrs: &Attributes{ASPath: []uint32{64512}, MED: 100, HasMED: true, Communities: []uint32{64512<<16 | 7}}},
			{Prefix: pfx("2001:db8::/32"), Attrs: &Attributes{ASPath: []uint32{64512, 4200000001}}},
		})
		core, heardByCore := setup(t, corePeer(), x, nil)
		y := NewExport()
		y.Update([]Route{{Prefix: pfx("192.168.0.0/24"), Attrs: &Attributes{ASPath: []uint32{65001, 65002}}}})
		router, heardByRouter := setup(t, routerPeer(), y, join(core))
		time.Sleep(answerTime)
		wantState(t, core, Established)
		wantState(t, router, Established)
		wantTable(t, heardByRouter,
			"10.0.0.0/16 via 169.254.40.2 path [64512] med 100 64512:7",
			"2001:db8::/32 via fd00::2 path [64512 4200000001]")
		wantTable(t, heardByCore, "192.168.0.0/24 via 169.254.40.1 path [65001 65002]")

		x.Update([]Route{{Prefix: pfx("10.0.0.0/16")}, {Prefix: pfx("10.1.0.0/16"), Attrs: &Attributes{ASPath: []uint32{64512}}}})
		wantTable(t, heardByRouter, "10.1.0.0/16 via 169.254.40.2 path [64512]", "2001:db8::/32 via fd00::2 path [64512 4200000001]")

		time.Sleep(time.Hour) // the clock of the bubble: keepalives hold the session
		wantState(t, core, Established)
		if i := core.Info(); i.HoldTime != 30*time.Second || i.PeerID != addr("10.0.0.9") || i.Heard != 1 || i.Flaps != 0 {
			t.Errorf("info: %+v", i)
		}
	})
}

func TestSession_iBGP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q := corePeer(), routerPeer()
		p.PeerAS, q.LocalAS = 64512, 64512
		x := NewExport()
		x.Update([]Route{{Prefix: pfx("10.0.0.0/16"), Attrs: &Attributes{LocalPref: 100, HasLocalPref: true}}})
		core, _ := setup(t, p, x, nil)
		_, heard := setup(t, q, nil, join(core))
		time.Sleep(answerTime)
		wantState(t, core, Established)
		wantTable(t, heard, "10.0.0.0/16 via 169.254.40.2 path [] lp 100")
	})
}

func TestSession_holdTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, rec := setup(t, corePeer(), nil, nil)
		r := connect(t, s)
		r.establish(routerCaps)
		wantState(t, s, Established)
		time.Sleep(30*time.Second - time.Millisecond)
		wantState(t, s, Established)
		time.Sleep(time.Millisecond)
		r.expectNotification(codeHold, 0)
		wantState(t, s, Idle)
		if rec.last.Reason == nil || !rec.last.Sent || rec.last.Reason.Code != codeHold {
			t.Errorf("reported %+v", rec.last)
		}
	})
}

func TestSession_keepalives(t *testing.T) {
	for _, c := range []struct {
		offered, every time.Duration
	}{{90 * time.Second, 10 * time.Second}, {9 * time.Second, 3 * time.Second}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.expect(bgp.BGP_MSG_OPEN)
			r.open(65001, "10.0.0.9", c.offered, routerCaps)
			r.expect(bgp.BGP_MSG_KEEPALIVE)
			r.send(encodeKeepalive())
			for r.next() != nil { // End-of-RIB
			}
			got := 0
			for range 60 {
				time.Sleep(time.Second)
				if m := r.next(); m != nil {
					got++
				}
				if c.every != 0 {
					r.send(encodeKeepalive())
				}
			}
			want := 0
			if c.every != 0 {
				want = int(time.Minute / c.every)
			}
			if got != want {
				t.Errorf("hold time %s: %d keepalives in a minute, want %d", c.offered, got, want)
			}
			wantState(t, s, Established)
		})
	}
}

func TestSession_openErrors(t *testing.T) {
	good := func(change func(b []byte)) []byte {
		b, err := encodeOpen(65001, addr("10.0.0.9"), 90*time.Second, routerCaps)
		if err != nil {
			t.Fatal(err)
		}
		change(b)
		return b
	}
	wrongAS, err := encodeOpen(65002, addr("10.0.0.9"), 90*time.Second, routerCaps)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		open          []byte
		code, subcode uint8
		data          string
	}{
		{"version", good(func(b []byte) { b[19] = 3 }), codeOpen, 1, "\x00\x04"},
		{"AS", wrongAS, codeOpen, 2, ""},
		{"identifier", good(func(b []byte) { copy(b[24:28], "\x00\x00\x00\x00") }), codeOpen, 3, ""},
		{"hold time", good(func(b []byte) { b[22], b[23] = 0, 2 }), codeOpen, 6, ""},
		{"parameter", good(func(b []byte) { b[29] = 1 }), codeOpen, 4, ""},
		{"parameters too long", good(func(b []byte) { b[28] = 255 }), codeHeader, 2, ""},
		{"capability too long", good(func(b []byte) { b[32] = 200 }), codeOpen, 7, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.send(c.open)
			n := r.expectNotification(c.code, c.subcode)
			if c.data != "" && string(n.Data) != c.data {
				t.Errorf("%s: data % x", c.name, n.Data)
			}
			if i := s.Info(); !strings.HasPrefix(i.LastReason, "sent ") || i.Retries != 1 {
				t.Errorf("%s: %q, %d retries", c.name, i.LastReason, i.Retries)
			}
		})
	}
}

func TestSession_headerErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(b []byte) []byte
		subcode uint8
	}{
		{"marker", func(b []byte) []byte { b[3] = 0; return b }, 1},
		{"too short", func(b []byte) []byte { b[17] = 18; return b }, 2},
		{"too long", func(b []byte) []byte { b[16], b[17], b[18] = 0x10, 1, bgp.BGP_MSG_UPDATE; return b }, 2},
		{"a KEEPALIVE with a body", func(b []byte) []byte { b[17] = 20; return append(b, 0) }, 2},
		{"an UPDATE without lengths", func(b []byte) []byte { b[17], b[18] = 21, bgp.BGP_MSG_UPDATE; return append(b, 0, 0) }, 2},
		{"a NOTIFICATION without a code", func(b []byte) []byte { b[18] = bgp.BGP_MSG_NOTIFICATION; return b }, 2},
		{"type", func(b []byte) []byte { b[18] = 9; return b }, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.establish(routerCaps)
			r.send(c.change(encodeKeepalive()))
			r.expectNotification(codeHeader, c.subcode)
			wantState(t, s, Idle)
		})
	}
}

func TestSession_unexpectedMessages(t *testing.T) {
	update := mustEncode(bgp.NewBGPUpdateMessage(nil, nil, nil))
	refresh := encodeRefresh(IPv4, refreshRequest)
	for _, c := range []struct {
		name    string
		before  State
		message []byte
		subcode uint8
	}{
		{"UPDATE", OpenSent, update, 1},
		{"KEEPALIVE", OpenSent, encodeKeepalive(), 1},
		{"ROUTE-REFRESH", OpenSent, refresh, 1},
		{"UPDATE", OpenConfirm, update, 2},
		{"ROUTE-REFRESH", OpenConfirm, refresh, 2},
		{"OPEN", OpenConfirm, nil, 2},
		{"OPEN", Established, nil, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			switch c.before {
			case OpenConfirm:
				r.open(65001, "10.0.0.9", time.Minute, routerCaps)
			case Established:
				r.establish(routerCaps)
			}
			wantState(t, s, c.before)
			if c.message == nil {
				r.open(65001, "10.0.0.9", time.Minute, routerCaps)
			} else {
				r.send(c.message)
			}
			r.expectNotification(codeFSM, c.subcode)
		})
	}
}

func TestSession_dial(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := corePeer()
			p.Passive = false
			var at []time.Duration
			begin := time.Now()
			setup(t, p, nil, func(context.Context) (net.Conn, error) {
				at = append(at, time.Since(begin))
				return nil, errors.New("refused")
			})
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if len(at) < 5 || len(at) > 20 || at[1] != time.Second || at[2] != 3*time.Second {
				t.Errorf("attempts at %v: not doubled up to a minute", at)
			}
		})
	})
	t.Run("no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := corePeer()
			p.Passive = false
			attempts := 0
			s, _ := setup(t, p, nil, func(ctx context.Context) (net.Conn, error) {
				attempts++
				<-ctx.Done()
				return nil, ctx.Err()
			})
			time.Sleep(5*time.Minute + time.Second)
			if synctest.Wait(); attempts != 11 {
				t.Errorf("%d attempts in five minutes, want one each 30 s", attempts)
			}
			wantState(t, s, Connect)
		})
	})
	t.Run("delayed OPEN", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := corePeer()
			p.DelayOpen = 5 * time.Second
			s, _ := setup(t, p, nil, nil)
			r := connect(t, s)
			if m := r.next(); m != nil {
				t.Fatalf("a message at once: %+v", m)
			}
			r.open(65001, "10.0.0.9", time.Minute, routerCaps)
			r.expect(bgp.BGP_MSG_OPEN)
			r.expect(bgp.BGP_MSG_KEEPALIVE)
			r.send(encodeKeepalive())
			wantState(t, s, Established)
			s2, _ := setup(t, p, nil, nil)
			r = connect(t, s2)
			time.Sleep(5 * time.Second)
			r.expect(bgp.BGP_MSG_OPEN)
		})
	})
}

func TestSession_flapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, corePeer(), nil, nil)
		for range 6000 { // a hundred a second for a minute
			r := connect(t, s)
			r.conn.Close()
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if i := s.Info(); i.Counters.MessagesOut > 20 {
			t.Errorf("%d messages to a router that flaps", i.Counters.MessagesOut)
		}
		time.Sleep(2 * time.Minute)
		r := connect(t, s)
		r.establish(routerCaps)
		wantState(t, s, Established)
	})
}

func TestSession_slowPeerIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := NewExport()
		s, _ := setup(t, corePeer(), x, nil)
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s.Accept(ours)
		read := func(n int) {
			for range n {
				head := make([]byte, 4096)
				if _, err := theirs.Read(head); err != nil {
					t.Fatal(err)
				}
			}
		}
		read(1)
		b, err := encodeOpen(65001, addr("10.0.0.9"), 0, routerCaps)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Write(b); err != nil {
			t.Fatal(err)
		}
		read(1)
		if _, err := theirs.Write(encodeKeepalive()); err != nil {
			t.Fatal(err)
		}
		wantState(t, s, Established)
		time.Sleep(8*time.Minute + time.Millisecond) // End-of-RIB is never read
		wantState(t, s, Idle)
		if i := s.Info(); !strings.Contains(i.LastReason, "Send Hold Timer Expired") {
			t.Errorf("reason %q", i.LastReason)
		}
	})
}

func TestSession_stop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, rec := setup(t, corePeer(), nil, nil)
		r := connect(t, s)
		r.establish(routerCaps)
		r.announce([]uint32{65001}, "10.9.0.0/16")
		s.Stop(ceaseShutdown, "maintenance")
		n := r.expectNotification(codeCease, ceaseHardReset) // both have the N bit: the reason is inside
		if string(n.Data) != "\x06\x02\x0bmaintenance" {
			t.Errorf("data % x", n.Data)
		}
		wantTable(t, rec)
		if late := connect(t, s); !late.closed() {
			t.Error("a stopped session accepts")
		}
	})
}
