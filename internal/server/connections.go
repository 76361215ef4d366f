package server

import (
	"cmp"
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// connections are the open ones, and what they make the server hold in memory for them. A new one is always taken: when
// there are too many, another gives way. That is one on which nobody was authenticated before one on which somebody was,
// and among equals the one that has gone without an answer for the longest time; but one of an account that holds more than half of
// what may be open before all others. One whose request is being answered never does. So whoever holds connections open, sends slowly
// or reads slowly keeps no other client out.
type connections struct {
	limit int   // open at a time
	most  int64 // bytes held at a time

	mu    sync.Mutex
	order list.List      // of *connection, the one that was answered last at the back
	of    map[string]int // how many are in it of each account
	held  int64

	handshakes *handshakes // nil: HTTP
}

// connection is an open connection. What requests call can be called on nil, which is a request that came over none.
type connection struct {
	net.Conn
	all              *connections
	reading, writing deadline

	turn  turn        // to compute a handshake
	asked atomic.Bool // a request came over it: it takes no more of these turns

	// These belong to all.mu.
	place *list.Element // nil: closed
	known bool          // somebody was authenticated on it
	of    string        // the account that was, last
	busy  bool          // its request is being answered
	held  int64         // bytes of a request that was not authenticated yet, or of an answer that is being written
}

// free are the bytes that are not counted: what every connection may hold.
const free = 64 << 10

// listener gives out connections that are in the list.
type listener struct {
	net.Listener
	all *connections
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if h := l.all.handshakes; h != nil && l.all.full() {
		h.accept()
	}
	return l.all.add(c), nil
}

// full reports whether one has to give way to a new one.
func (a *connections) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.order.Len() >= a.limit
}

func (a *connections) add(c net.Conn) *connection {
	own := &connection{Conn: c, all: a, writing: deadline{set: c.SetWriteDeadline}}
	own.reading.set = own.endReading
	a.mu.Lock()
	own.place = a.order.PushBack(own)
	var victim *connection
	if a.order.Len() > a.limit {
		if victim = a.victim(func(c *connection) bool { return c != own }); victim == nil {
			victim = own
		}
		a.drop(victim)
	}
	a.mu.Unlock()
	victim.cut()
	return own
}

// victim is the connection that gives way among those of a kind, nil when all of them are being answered.
func (a *connections) victim(kind func(*connection) bool) *connection {
	heavy := false // an account holds more than half
	for _, n := range a.of {
		heavy = heavy || n > a.limit/2
	}
	var known, stranger *connection
	for e := a.order.Front(); e != nil; e = e.Next() {
		c := e.Value.(*connection)
		switch {
		case c.busy || !kind(c):
		case c.known && a.of[c.of] > a.limit/2:
			return c
		case !c.known && !heavy:
			return c
		case !c.known && stranger == nil:
			stranger = c
		case c.known && known == nil:
			known = c
		}
	}
	return cmp.Or(stranger, known)
}

// belongs counts a connection as one of an account.
func (a *connections) belongs(c *connection, account string) {
	if c.known && c.of == account {
		return
	}
	a.leaves(c)
	if a.of == nil {
		a.of = map[string]int{}
	}
	c.known, c.of = true, account
	a.of[account]++
}

// leaves ends that a connection is one of an account.
func (a *connections) leaves(c *connection) {
	if !c.known {
		return
	}
	if a.of[c.of]--; a.of[c.of] == 0 {
		delete(a.of, c.of)
	}
	c.known = false
}

// drop takes a connection off the list; nil does nothing.
func (a *connections) drop(c *connection) {
	if c == nil || c.place == nil {
		return
	}
	a.order.Remove(c.place)
	c.place = nil
	a.leaves(c)
	a.held -= max(c.held-free, 0)
	c.held = 0
}

// cut closes a connection that gave way.
func (c *connection) cut() {
	if c != nil {
		_ = c.Conn.Close() // whoever reads from it, or writes to it, gets an error
		c.all.handshakes.leave(&c.turn)
	}
}

// Read counts what a request consists of until its sender is known. Others have the processor after it: see [connection.rests].
// What is computed of a handshake is between two of Read and Write.
func (c *connection) Read(p []byte) (int, error) {
	c.give()
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.set(func(c *connection) {
			if !c.busy {
				c.held += int64(n)
			}
		})
		runtime.Gosched()
		if h := c.all.handshakes; h != nil && !c.asked.Load() && !h.take(&c.turn, c.RemoteAddr(), c.reading.over) {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return n, err
}

// endReading is told when the time to read has passed, or of another.
func (c *connection) endReading(t time.Time) error {
	if t.Equal(past) {
		c.all.handshakes.stop(&c.turn)
	}
	return c.Conn.SetReadDeadline(t)
}

// Write ends the turn of a handshake.
func (c *connection) Write(p []byte) (int, error) {
	c.give()
	return c.Conn.Write(p)
}

// give ends its turn to compute a handshake, if it has it.
func (c *connection) give() {
	if !c.asked.Load() {
		c.all.handshakes.give(&c.turn)
	}
}

// Close closes the connection.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.drop(c)
	c.all.mu.Unlock()
	c.all.handshakes.leave(&c.turn)
	c.reading.stop()
	c.writing.stop()
	return c.Conn.Close()
}

// CloseWrite lets the client read an answer to the end before the connection is closed.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// set changes what is known of a connection and counts the bytes it holds. Where all hold too much, others give way.
func (c *connection) set(change func(*connection)) {
	if c == nil {
		return
	}
	var victims []*connection
	a := c.all
	a.mu.Lock()
	if c.place != nil {
		before := max(c.held-free, 0)
		change(c)
		a.held += max(c.held-free, 0) - before
		for a.held > a.most {
			victim := a.victim(func(other *connection) bool { return other != c && other.held > free })
			if victim == nil {
				break
			}
			a.drop(victim)
			victims = append(victims, victim)
		}
	}
	a.mu.Unlock()
	for _, victim := range victims {
		victim.cut()
	}
}

// authenticated begins the answer of a request whose sender is known.
func (c *connection) authenticated(account string) {
	c.set(func(c *connection) {
		c.all.belongs(c, account)
		c.busy, c.held = true, 0
	})
}

// passes begins the answer of a request that another server authenticates: its body is not held here.
func (c *connection) passes() {
	c.set(func(c *connection) { c.busy, c.held = true, 0 })
}

// writes begins the writing of n bytes.
func (c *connection) writes(n int) {
	c.set(func(c *connection) {
		c.busy, c.held = false, int64(n)
		c.all.order.MoveToBack(c.place)
	})
}

// rests ends a request. Then, as after each part of a body, others have the processor: who sends much at once would keep it until
// it is taken away, and a call behind a thousand of these would wait for seconds.
func (c *connection) rests() {
	c.set(func(c *connection) {
		c.busy, c.held = false, 0
		c.all.order.MoveToBack(c.place)
	})
	runtime.Gosched()
}

type connectionKey struct{}

// inContext is [http.Server.ConnContext].
func inContext(ctx context.Context, c net.Conn) context.Context {
	if own := ours(c); own != nil {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}

// connectionOf is the connection a request came over, nil when it is none of a listener.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// stateChanged is [http.Server.ConnState].
func stateChanged(c net.Conn, state http.ConnState) {
	switch own := ours(c); state {
	case http.StateActive:
		own.give()
		own.asked.Store(true)
	case http.StateIdle:
		own.rests()
	}
}

func ours(c net.Conn) *connection {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	own, _ := c.(*connection)
	return own
}
