package server

import (
	"sync"
	"time"
)

// deadline is when the reading, or the writing, of a connection ends. net/http sets several for each request and takes nearly
// all of them back, and each of them would move a timer of the poller, which wakes a processor to look at it. Here there is
// one timer, which goes on running when the deadline is put off or taken back; only when it ends is looked at what holds by
// then. So no deadline is missed, and most cost a comparison.
type deadline struct {
	set func(time.Time) error // of the connection itself, which is told of a deadline when it has passed

	mu      sync.Mutex
	by      time.Time   // the zero value: none
	passed  bool        // the connection was told
	timer   *time.Timer // nil until there is a deadline
	rings   time.Time   // when the timer ends, the zero value while it does not run
	stopped bool        // the connection is closed
}

// past is what net/http sets to end a read at once.
var past = time.Unix(1, 0)

// put makes t the deadline, the zero value for none.
func (d *deadline) put(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.by = t
	var err error
	if d.passed {
		d.passed = false
		err = d.set(time.Time{})
	}
	switch {
	case t.Equal(past):
		return d.pass()
	case t.IsZero() || !d.rings.IsZero() && !t.Before(d.rings):
		return err
	}
	return d.look()
}

// pass ends what the deadline is for.
func (d *deadline) pass() error {
	d.passed = true
	return d.set(past)
}

// over reports whether it has passed.
func (d *deadline) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

// look ends what the deadline is for when it has passed, and else sets the timer.
func (d *deadline) look() error {
	left := time.Until(d.by)
	switch {
	case left <= 0:
		return d.pass()
	case d.stopped:
	case d.timer == nil:
		d.timer = time.AfterFunc(left, d.ring)
		d.rings = d.by
	default:
		d.timer.Reset(left)
		d.rings = d.by
	}
	return nil
}

// ring is the end of the timer.
func (d *deadline) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rings = time.Time{}
	if !d.by.IsZero() && !d.passed {
		_ = d.look() // of a connection that was closed meanwhile
	}
}

// stop ends the timer of a connection that is closed.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// SetReadDeadline is [net.Conn.SetReadDeadline].
func (c *connection) SetReadDeadline(t time.Time) error { return c.reading.put(t) }

// SetWriteDeadline is [net.Conn.SetWriteDeadline].
func (c *connection) SetWriteDeadline(t time.Time) error { return c.writing.put(t) }

// SetDeadline is [net.Conn.SetDeadline].
func (c *connection) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
