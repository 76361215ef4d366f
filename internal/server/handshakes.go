package server

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// handshakes give connections over TLS turns to compute until a request was read. To ask for a handshake costs a client nothing, and to
// answer costs the server a thousandth of a second with an RSA key: so only as many compute at a time as leave a processor to
// requests. Networks have turns one after the other, one that has just come first. In each, the latest connections are served in the
// order they came, and the others only while none of these waits: of thousands that begin again and again most wait in vain, and not
// before a client that comes later. Over HTTP there are none: what ends a turn can be called on nil.
type handshakes struct {
	mu      sync.Mutex
	free    int                      // turns that nobody has
	door    *turn                    // of [handshakes.accept]; nil: it does not wait
	waiting map[netip.Addr]*arrivals // by network
	order   []netip.Addr             // of those in waiting, the next last
}

// arrivals are the connections of a network that wait.
type arrivals struct {
	all    []*turn // in the order they came
	latest int     // how many of the last of them are served first
}

// maxLatest is how many connections of a network are served before those that came earlier: as many as are answered in a fraction of
// a second, and so many that a burst of others seldom puts one behind them, where it may wait for good.
const maxLatest = 384

// turn is that of a connection.
type turn struct {
	has    bool
	closed bool          // the connection is: it gets none any more
	ready  chan struct{} // closed when it has it, or waits no more; nil: it does not wait
	from   netip.Addr
}

// take waits for a turn and reports whether it came before the connection was closed and its time was over, which stop is called at;
// give ends the turn.
func (h *handshakes) take(t *turn, from net.Addr, over func() bool) bool {
	return h.wait(t, over, func() {
		t.from = network(from)
		if h.waiting == nil {
			h.waiting = map[netip.Addr]*arrivals{}
		}
		a := h.waiting[t.from]
		if a == nil {
			a = new(arrivals)
			h.waiting[t.from] = a
			h.order = append(h.order, t.from)
		}
		a.all = append(a.all, t)
		a.latest = min(a.latest+1, maxLatest)
	})
}

// accept waits, before all others, until a handshake was computed. Where each new connection closes another, so no more come
// than are answered, and the rest wait where they are not closed.
func (h *handshakes) accept() {
	var t turn
	h.wait(&t, func() bool { return false }, func() { h.door = &t })
	h.give(&t)
}

func (h *handshakes) wait(t *turn, over func() bool, enter func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case t.closed:
	case h.free > 0:
		h.free--
		t.has = true
	default:
		ready := make(chan struct{})
		t.ready = ready
		enter()
		h.mu.Unlock()
		if over() { // stop may have been called before it waited
			h.stop(t)
		}
		<-ready
		h.mu.Lock()
	}
	return t.has
}

// give passes the turn on, if the connection has it.
func (h *handshakes) give(t *turn) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !t.has {
		return
	}
	t.has = false
	next := h.next()
	if next == nil {
		h.free++
		return
	}
	next.has = true
	close(next.ready)
	next.ready = nil
}

// next takes who is next off the list, nil when nobody waits.
func (h *handshakes) next() *turn {
	if t := h.door; t != nil {
		h.door = nil
		return t
	}
	if len(h.order) == 0 {
		return nil
	}
	last := len(h.order) - 1
	from := h.order[last]
	a := h.waiting[from]
	i := len(a.all) - max(a.latest, 1)
	t := a.all[i]
	if h.remove(t, i) {
		h.order = slices.Insert(h.order[:last], 0, from)
	}
	return t
}

// remove takes a turn off the list of its network, in which it is at i, and reports whether others are left there.
func (h *handshakes) remove(t *turn, i int) bool {
	a := h.waiting[t.from]
	if i >= len(a.all)-a.latest {
		a.latest--
	}
	a.all = slices.Delete(a.all, i, i+1)
	if len(a.all) > 0 {
		return true
	}
	delete(h.waiting, t.from)
	h.order = slices.DeleteFunc(h.order, func(from netip.Addr) bool { return from == t.from })
	return false
}

// leave is for a connection that is closed.
func (h *handshakes) leave(t *turn) {
	if h == nil {
		return
	}
	h.give(t)
	h.mu.Lock()
	t.closed = true
	h.mu.Unlock()
	h.stop(t)
}

// stop ends that a connection waits.
func (h *handshakes) stop(t *turn) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.ready == nil {
		return
	}
	h.remove(t, slices.Index(h.waiting[t.from].all, t))
	close(t.ready)
	t.ready = nil
}

// network is what a client has of addresses: one, or the 64 bits of IPv6 that it chooses freely.
func network(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(64) // IPv6 has as many bits
		return prefix.Addr()
	}
	return addr
}
