package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/turns"
)

// queued makes connections of addresses wait one after the other and gives their names in the order they get the only turn.
type queued struct {
	h      handshakes
	turns  map[string]*turn
	served []string
}

func inTime() bool { return false }

// holding is a queue whose turn is taken.
func holding() (q *queued, first *turn) {
	q, first = &queued{h: handshakes{free: 1}, turns: map[string]*turn{}}, new(turn)
	q.h.take(first, nil, inTime)
	return q, first
}

func (q *queued) enter(name, address string) {
	t := new(turn)
	q.turns[name] = t
	go func() {
		if q.h.take(t, &net.TCPAddr{IP: net.ParseIP(address)}, inTime) {
			q.served = append(q.served, name)
			q.h.give(t)
		}
	}()
	synctest.Wait()
}

func (q *queued) want(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	if got := strings.Join(q.served, " "); got != want {
		t.Errorf("served %s, want %s", got, want)
	}
	if q.h.free != 1 || len(q.h.waiting)+len(q.h.order) != 0 || q.h.door != nil {
		t.Errorf("left: %+v", &q.h)
	}
}

func TestHandshakes_networksTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, first := holding()
		for _, c := range []string{"a1 10.0.0.1", "a2 10.0.0.1", "a3 ::ffff:10.0.0.1", "b1 10.0.0.2", "b2 10.0.0.2", "c1 2001:db8::1", "c2 2001:db8::2", "d1 2001:db8:0:1::1"} {
			name, address, _ := strings.Cut(c, " ")
			q.enter(name, address)
		}
		go func() { // as accept does
			var door turn
			q.h.wait(&door, inTime, func() { q.h.door = &door })
			q.served = append(q.served, "door")
			q.h.give(&door)
		}()
		synctest.Wait()
		q.h.give(first)
		q.want(t, "door d1 c1 b1 a1 c2 b2 a2 a3")
	})
}

// TestHandshakes_theLatestFirst: of more than are answered in a moment the latest do not wait for the others.
func TestHandshakes_theLatestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, first := holding()
		var want []string
		for i := range maxLatest + 3 {
			q.enter(fmt.Sprint(i), "10.0.0.1")
			if i >= 3 {
				want = append(want, fmt.Sprint(i))
			}
		}
		q.h.give(first)
		q.want(t, strings.Join(append(want, "2", "1", "0"), " "))
	})
}

func TestHandshakes_whoIsClosedWaitsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, first := holding()
		for i := range maxLatest + 2 {
			q.enter(fmt.Sprint(i), "10.0.0.1")
		}
		for i := range maxLatest + 2 {
			if i != 1 && i != 9 {
				q.h.leave(q.turns[fmt.Sprint(i)])
			}
		}
		q.h.leave(q.turns["0"])
		q.h.leave(first)
		q.want(t, "9 1")
		if q.h.take(first, nil, inTime) {
			t.Error("a connection that is closed got a turn")
		}
	})
}

// mute is a connection that takes what is written.
type mute struct{ net.Conn }

func (mute) Write(p []byte) (int, error) { return len(p), nil }

// TestConnection_handshake: a connection has a turn from the end of a read on, to whatever it does next, until a request was read.
func TestConnection_handshake(t *testing.T) {
	h := &handshakes{free: 1}
	all := &connections{limit: 10, most: 1 << 20, handshakes: h}
	read := func() *connection {
		c := open(t, all)
		c.Conn = mute{endless{c.Conn}}
		for range 2 { // the second gives back what the first took
			if _, err := c.Read(make([]byte, 10)); err != nil || h.free != 0 {
				t.Fatal(err, h.free)
			}
		}
		return c
	}
	for name, end := range map[string]func(c *connection){
		"write":   func(c *connection) { _, _ = c.Write(nil) },
		"request": func(c *connection) { stateChanged(c, http.StateActive) },
		"close":   func(c *connection) { _ = c.Close() },
		"cut":     func(c *connection) { c.cut() },
	} {
		if c := read(); h.free == 0 {
			if end(c); h.free != 1 {
				t.Errorf("%s: it keeps its turn", name)
			}
		}
	}
	c := read()
	stateChanged(c, http.StateActive)
	if _, err := c.Read(make([]byte, 10)); err != nil || h.free != 1 {
		t.Error("a connection that is known to ask takes a turn", err)
	}
	_ = c.Close()
	closed := read()
	closed.cut()
	if _, err := closed.Read(make([]byte, 10)); err == nil || h.free != 1 {
		t.Error("what came before it gave way is computed", h.free)
	}
}

// TestConnection_waitsAsLongAsItMayRead: what nobody waits for any more is not computed, and keeps no place.
func TestConnection_waitsAsLongAsItMayRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, first := holding()
		all := &connections{limit: 10, most: 1 << 20, handshakes: &q.h}
		for _, after := range []time.Duration{time.Second, -time.Second} {
			c := open(t, all)
			c.Conn = mute{endless{c.Conn}}
			if err := c.SetReadDeadline(time.Now().Add(after)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v", after, err)
			}
			_ = c.Close()
		}
		q.h.give(first)
		q.want(t, "")
	})
}

// doorbell is a listener at which another connection always waits.
type doorbell struct{ net.Listener }

func (doorbell) Accept() (net.Conn, error) {
	c, _ := net.Pipe()
	return c, nil
}

// TestListener_newOnesWaitWhereOthersGiveWay: no more connections give way than handshakes are computed.
func TestListener_newOnesWaitWhereOthersGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, first := holding()
		l := &listener{doorbell{}, &connections{limit: 2, most: 1 << 20, handshakes: &q.h}}
		for range 2 {
			_, _ = l.Accept()
		}
		accepted := false
		go func() {
			_, _ = l.Accept()
			accepted = true
		}()
		if synctest.Wait(); accepted {
			t.Error("it was accepted before a handshake was computed")
		}
		q.h.give(first)
		if synctest.Wait(); !accepted {
			t.Error("it was not accepted")
		}
	})
}

func TestServer_connections(t *testing.T) {
	if all := New(Config{}).connections(); all.handshakes != nil || all.limit != 8192 {
		t.Errorf("HTTP: %+v", all)
	}
	if all := New(Config{TLS: &tls.Config{}}).connections(); all.handshakes.free != turns.AtATime() {
		t.Errorf("HTTPS: %+v", all.handshakes)
	}
}
