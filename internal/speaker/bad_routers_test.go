package speaker_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/bgp"
	"portolan/internal/speaker"
)

// goodConnections are those of the two routers that behave.
const goodConnections = 4

// badRouters are what the first Connect peer's router does.
var badRouters = map[string]func(t *testing.T, l *lab){
	"another ASN": func(t *testing.T, l *lab) {
		r := l.connect(true)
		r.send(open(65009))
		r.refused(2, 2)
		l.logs(t, `msg="BGP session refused"`, "Bad Peer AS (2/2): the peer says AS 65009, expected AS 65001", 1)
	},
	"no BGP": func(t *testing.T, l *lab) {
		r := l.connect(true)
		r.send([]byte("GET / HTTP/1.1\r\nHost: core\r\n\r\n"))
		r.refused(1, 1)
		l.logs(t, `msg="BGP session refused"`, "Connection Not Synchronized (1/1)", 1)
	},
	"a message of 65,535 bytes": func(t *testing.T, l *lab) {
		r := l.connect(true).establish()
		m := message(2)
		m[16], m[17] = 0xff, 0xff
		r.send(m)
		r.refused(1, 2)
		l.logs(t, `msg="BGP session down"`, "Bad Message Length (1/2)", 1)
	},
	"nothing said": func(t *testing.T, l *lab) {
		r := l.connect(true)
		time.Sleep(4*time.Minute - time.Second)
		l.alive()
		time.Sleep(2 * time.Second)
		r.refused(4, 0)
		l.logs(t, `msg="BGP session refused"`, "Hold Timer Expired", 1)
	},
	"a thousand connections that stay open": func(t *testing.T, l *lab) {
		for range 1000 {
			l.connect(true)
		}
		if got := l.connections(); got > goodConnections+10 { // two, and eight whose NOTIFICATION is on its way
			t.Errorf("%d connections are open", got)
		}
	},
	"a thousand connections from an unknown address": func(t *testing.T, l *lab) {
		_, core := l.sockets(l.ids[0], 0)
		for range 1000 {
			l.connectFrom(netip.MustParseAddr("10.9.9.9"), core, true).refused(6, 5)
		}
		l.logs(t, "BGP connection refused", "remote=10.9.9.9", 1)
	},
	"a hundred flaps a second": func(t *testing.T, l *lab) {
		for range 1000 {
			r := l.connect(true).establish()
			r.send(update(nil, goodAttributes, block(1)))
			_ = r.conn.Close()
			time.Sleep(10 * time.Millisecond)
		}
		l.logs(t, l.ids[0], "BGP session up", -10)
	},
	"a flood of changes": func(t *testing.T, l *lab) {
		r := l.connect(true).establish()
		before := l.w.BGP().Reports()
		for round := range 100 {
			for n := range 200 {
				r.send(update(block(n%50), nil, nil))
				r.send(update(nil, goodAttributes, block(n%50)))
			}
			time.Sleep(10 * time.Millisecond)
			if round%25 == 0 {
				l.alive()
			}
		}
		if got := l.w.BGP().Reports() - before; got > 25 {
			t.Errorf("40,000 messages in 1.8 s are %d reports to the state, want at most one every 100 ms", got)
		}
	},
	"a million prefixes": func(t *testing.T, l *lab) {
		r := l.connect(true).establish()
		sent := 0
		for sent < 1_000_000 {
			var list []byte
			for range 700 {
				list = append(list, block(sent%0x10000)...)
				sent++
			}
			if !r.send(update(nil, goodAttributes, list)) {
				break
			}
		}
		r.refused(6, 1)
		l.logs(t, `msg="BGP session down"`, "Maximum Number of Prefixes Reached (6/1): more than 1000 prefixes", 1)
		time.Sleep(time.Second)
		if table := l.w.table("eu-west-1"); strings.Contains(table, "10.0.") {
			t.Errorf("routes of a router over its limit:\n%s", table)
		}
	},
	"a thousand malformed messages": func(t *testing.T, l *lab) {
		r := l.connect(true).establish()
		r.send(update(nil, goodAttributes, block(1)))
		for range 1000 {
			r.send(update(nil, goodAttributes[:4], block(1))) // neither AS_PATH nor NEXT_HOP
		}
		time.Sleep(time.Second)
		l.logs(t, "BGP routes treated as withdrawn", "Missing Well-known Attribute (3/3)", 1)
		if table := l.w.table("eu-west-1"); strings.Contains(table, "10.0.1.0/24") {
			t.Errorf("a malformed route is in the table:\n%s", table)
		}
		if !r.send(keepalive()) {
			t.Error("the session is down")
		}
	},
	"nothing read": func(t *testing.T, l *lab) {
		r := l.connect(false)
		go func() { // it reads our OPEN and KEEPALIVE, and no more
			r.send(open(65001))
			_, _ = r.conn.Read(make([]byte, 4096))
			r.send(keepalive())
			_, _ = r.conn.Read(make([]byte, 4096))
			for r.send(keepalive()) {
				time.Sleep(5 * time.Second)
			}
		}()
		for range 7 {
			l.alive()
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		l.logs(t, `msg="BGP session down"`, "Send Hold Timer Expired", 1)
	},
	"half a connection closed": func(t *testing.T, l *lab) {
		r := l.connect(true).establish()
		synctest.Wait()
		_ = r.conn.(*memoryConn).CloseWrite()
		synctest.Wait()
		select {
		case <-r.done:
		default:
			t.Error("the other half is still open")
		}
		l.logs(t, `msg="BGP session down"`, "connection lost", 1)
	},
}

// logs compares how many lines have both texts; -n are at most n, and one at least.
func (l *lab) logs(t *testing.T, one, other string, want int) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	got := 0
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, one) && strings.Contains(line, other) && !strings.Contains(line, "/169.254.41.") && !strings.Contains(line, "/169.254.42.") {
			got++
		}
	}
	if got != want && (want > 0 || got == 0 || got > -want) {
		t.Errorf("%d lines of the log have %q and %q, want %d:\n%s", got, one, other, want, l.text.String())
	}
}

// TestBadRouters: whatever one router does, the sessions of the others stay, their routes arrive at once, connections do not pile up, and
// what was refused has its NOTIFICATION and its line in the log. Goroutines that stay would fail the test at its end.
func TestBadRouters(t *testing.T) {
	for name, act := range badRouters {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t)
				l.begin()
				act(t, l)
				l.alive()
				time.Sleep(10 * time.Minute) // whoever says nothing more is let go
				if got := l.connections(); got != goodConnections {
					t.Errorf("%d connections are left, want %d", got, goodConnections)
				}
				l.alive()
			})
		})
	}
}

// TestBadRouters_restartUnderLoad: the server ends while a router floods it, and another begins on its store.
func TestBadRouters_restartUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.begin()
		for round := range 3 {
			r := l.connect(true).establish()
			for n := range 500 {
				r.send(update(nil, goodAttributes, block(n)))
				if n%100 == 99 {
					time.Sleep(7 * time.Millisecond)
				}
			}
			l.stop()
			synctest.Wait()
			if got := l.connections(); got != 0 {
				t.Fatalf("round %d: %d connections of a server that has ended", round, got)
			}
			l.w.start(speaker.Loopback)
			l.stop = l.w.run()
			time.Sleep(2*time.Minute + time.Second) // the routers are back, and what they have not advertised again is gone
			synctest.Wait()
			l.logs(t, "level=ERROR", "", 0)
			table := l.w.table("eu-west-1")
			if strings.Contains(table, "10.0.") || !strings.Contains(table, "172.16.1.0/24 [65002]") {
				t.Fatalf("round %d: the table after the restart:\n%s", round, table)
			}
			for _, s := range l.good {
				if i := s.Info(); i.State != bgp.Established {
					t.Errorf("round %d: %s, %s", round, i.State, i.LastReason)
				}
			}
		}
	})
}
