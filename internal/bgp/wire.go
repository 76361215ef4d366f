package bgp

import (
	"cmp"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

const (
	bufferSize    = 16 << 10
	bigBufferSize = 64 << 10
	closeTimeout  = 5 * time.Second // for a last NOTIFICATION to leave
	maxClosing    = 8               // connections of a session for which that is waited
	drainTimeout  = time.Second     // for the peer to read it: data that is not read turns a close into a reset
)

// buffers of two sizes: an idle session holds none.
var (
	buffers    = sync.Pool{New: func() any { return new([bufferSize]byte) }}
	bigBuffers = sync.Pool{New: func() any { return new([bigBufferSize]byte) }}
)

// wire is one TCP connection: a goroutine that reads, and one that writes while there is something to write.
type wire struct {
	s        *Session
	l        *link
	conn     net.Conn
	incoming bool
	lastRead atomic.Int64 // Unix nanoseconds

	// Under the lock of the session:
	control   [][]byte // messages before all routes: OPEN, KEEPALIVE, NOTIFICATION, ROUTE-REFRESH
	writing   bool     // the goroutine that writes runs
	closing   bool     // close when control is empty
	leaving   bool     // counted in closing of the session
	closed    bool     // nothing is read or written any more
	maxIn     int      // longest message that is accepted
	dec       decoder
	caps      Capabilities
	sentOpen  []byte
	answered  bool // a KEEPALIVE has been sent
	open      *peerOpen
	feed      *feed
	pending   bool    // feed may have something
	resend    Family  // asked for by ROUTE-REFRESH
	eor       Family  // End-of-RIB is owed
	refreshed Family  // the end of a refresh is owed
	again     bool    // all is to be sent once more
	next      *Export // feed is to be one of this
	behind    bool
}

func newWire(s *Session, l *link, conn net.Conn, incoming bool) *wire {
	w := &wire{s: s, l: l, conn: conn, incoming: incoming, maxIn: maxMessage}
	w.lastRead.Store(time.Now().UnixNano())
	s.running.Add(1)
	go w.read()
	return w
}

// send queues a control message. A KEEPALIVE behind another is pointless.
func (w *wire) send(b []byte) {
	if w.closing || w.closed {
		return
	}
	if n := len(w.control); n > 0 && isKeepalive(b) && isKeepalive(w.control[n-1]) {
		return
	}
	w.control = append(w.control, b)
	w.kick()
}

// kick makes sure that somebody writes.
func (w *wire) kick() {
	if !w.writing && !w.closed {
		w.writing = true
		w.s.running.Add(1)
		go w.write()
	}
}

// wake is called by the export, without the lock.
func (w *wire) wake() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.feed != nil && !w.closing {
		w.pending = true
		w.kick()
	}
}

// shut closes the connection once what is queued has left.
func (w *wire) shut() {
	if w.closing || w.closed {
		return
	}
	w.closing, w.pending = true, false
	if w.feed != nil {
		w.feed.detach()
		w.feed = nil
	}
	if len(w.control) == 0 || w.s.closing >= maxClosing {
		w.close()
		return
	}
	w.s.closing++
	w.leaving = true
	now := time.Now()
	w.conn.SetWriteDeadline(now.Add(closeTimeout))
	w.conn.SetReadDeadline(now.Add(closeTimeout))
	w.kick()
}

func (w *wire) close() {
	if !w.closed {
		w.closed = true
		if w.leaving {
			w.s.closing--
		}
		w.conn.Close()
	}
}

// read takes the stream apart until it ends.
func (w *wire) read() {
	defer w.s.running.Done()
	var head [32]byte
	for {
		n, err := w.conn.Read(head[:])
		if n > 0 {
			err = cmp.Or(w.burst(head[:n]), err)
		}
		if err != nil {
			w.s.ended(w)
			return
		}
	}
}

// burst handles bytes and what follows them, until no message is half read.
func (w *wire) burst(first []byte) error {
	used := w.messages(first)
	if used == len(first) {
		return nil
	}
	small := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(small)
	buf, have := small[:], copy(small[:], first[used:])
	for have > 0 {
		if have == len(buf) { // an extended message
			big := bigBuffers.Get().(*[bigBufferSize]byte)
			defer bigBuffers.Put(big)
			copy(big[:], buf)
			buf = big[:]
		}
		n, err := w.conn.Read(buf[have:])
		have += n
		used := w.messages(buf[:have])
		have = copy(buf, buf[used:have])
		if err != nil {
			return err
		}
	}
	return nil
}

// messages handles every whole message in b and returns how much of it is done with. Once the session has let the
// connection go that is all of it.
func (w *wire) messages(b []byte) (used int) {
	w.lastRead.Store(time.Now().UnixNano())
	for {
		rest := b[used:]
		if len(rest) < headerSize {
			return used
		}
		size := int(binary.BigEndian.Uint16(rest[markerSize:]))
		if size > len(rest) {
			if !w.s.acceptable(w, rest[:headerSize], size) {
				return len(b)
			}
			return used
		}
		if !w.s.received(w, rest[:max(size, headerSize)], size) {
			return len(b)
		}
		used += size
	}
}

// checkHeader is RFC 4271 §6.1.
func checkHeader(header []byte, size, longest int) *Notification {
	for _, b := range header[:markerSize] {
		if b != 0xff {
			return notify(codeHeader, 1, "a marker that is not all ones")
		}
	}
	least := headerSize
	kind := header[headerSize-1]
	switch kind {
	case bgp.BGP_MSG_OPEN:
		least, longest = headerSize+10, maxMessage
	case bgp.BGP_MSG_UPDATE:
		least = headerSize + 4
	case bgp.BGP_MSG_NOTIFICATION:
		least = headerSize + 2
	case bgp.BGP_MSG_KEEPALIVE:
		longest = headerSize
	case bgp.BGP_MSG_ROUTE_REFRESH:
	default:
		n := notify(codeHeader, 3, "message type %d", kind)
		n.Data = []byte{kind}
		return n
	}
	if size < least || size > longest {
		n := notify(codeHeader, 2, "a message of type %d with %d bytes", kind, size)
		n.Data = binary.BigEndian.AppendUint16(nil, uint16(size))
		return n
	}
	return nil
}

func isKeepalive(b []byte) bool {
	return len(b) == headerSize && b[headerSize-1] == bgp.BGP_MSG_KEEPALIVE
}

// write sends until there is nothing to send: control messages first, routes between them in pieces.
func (w *wire) write() {
	defer w.s.running.Done()
	s := w.s
	s.mu.Lock()
	for !w.closed {
		switch {
		case len(w.control) > 0:
			list := w.control
			w.control = nil
			s.counters.MessagesOut += uint64(len(list))
			s.mu.Unlock()
			var b []byte
			for _, m := range list {
				b = append(b, m...)
			}
			w.put(b)
			s.mu.Lock()
		case w.closing:
			w.finish()
			w.writing = false
			s.mu.Unlock()
			return
		case w.pending:
			w.sendRoutes()
		default:
			w.writing = false
			s.mu.Unlock()
			return
		}
	}
	w.writing = false
	s.mu.Unlock()
}

// finish ends a connection whose last message has left.
func (w *wire) finish() {
	half, ok := w.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		w.close()
		return
	}
	w.conn.SetReadDeadline(time.Now().Add(drainTimeout)) // the goroutine that reads closes
}

// sendRoutes writes one piece of what the feed has. It is called with the session locked, and unlocks it meanwhile.
func (w *wire) sendRoutes() {
	s := w.s
	w.pending, w.behind = false, true
	if w.next != nil {
		w.feed = w.feed.succeed(w.next)
		w.next = nil
	}
	f, again := w.feed, w.resend
	if w.again || again != 0 {
		f.restart()
	}
	w.again, w.resend = false, 0
	w.refreshed |= again
	s.mu.Unlock()

	array := bigBuffers.Get().(*[bigBufferSize]byte)
	defer bigBuffers.Put(array)
	buf := array[:0]
	for _, family := range families {
		if again&family != 0 && w.caps.EnhancedRefresh {
			buf = append(buf, encodeRefresh(family, refreshBegins)...)
		}
	}
	before := len(buf)
	buf, whole := f.fill(buf)
	updates := messageCount(buf[before:])
	s.mu.Lock()
	if whole {
		for _, family := range families {
			if w.eor&family != 0 {
				buf = append(buf, encodeEndOfRIB(family)...)
				updates++
			}
			if w.refreshed&family != 0 && w.caps.EnhancedRefresh {
				buf = append(buf, encodeRefresh(family, refreshEnds)...)
			}
		}
		w.eor, w.refreshed, w.behind = 0, 0, w.pending
	} else {
		w.pending = true
	}
	s.counters.UpdatesOut += uint64(updates)
	s.counters.MessagesOut += uint64(updates)
	s.counters.TooLong = max(s.counters.TooLong, uint64(f.tooLong))
	s.mu.Unlock()
	w.put(buf)
	s.mu.Lock()
}

// put writes bytes. A peer that takes nothing for too long ends the session (RFC 9687).
func (w *wire) put(b []byte) {
	if len(b) == 0 {
		return
	}
	w.s.mu.Lock()
	if !w.closing && !w.closed {
		w.conn.SetWriteDeadline(time.Now().Add(w.l.sendHold()))
	}
	w.s.mu.Unlock()
	if _, err := w.conn.Write(b); err != nil {
		w.s.unwritable(w, err)
	}
}
