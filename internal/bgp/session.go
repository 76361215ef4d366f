package bgp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"portolan/internal/order"
)

// Session is a BGP session with one peer, from Start to Stop, through as many connections as it takes. All of it is under
// one lock, which is held while an event is handled and never while bytes are read or written.
type Session struct {
	peer    Peer
	dial    func(context.Context) (net.Conn, error)
	handler Handler

	running sync.WaitGroup

	mu         sync.Mutex
	started    bool
	frozen     bool  // what was heard is kept whatever happens
	cur        *link // nil: not started
	second     *link // of a connection that collides with cur's
	parked     net.Conn
	closing    int // connections whose last message is on its way
	export     *Export
	rib        adjRIBIn
	changes    []Change
	retries    int // ConnectRetryCounter
	failures   int // in a row, for the idle hold time
	unanswered int // attempts to connect since it last had a connection, for the same
	holdDown   bool
	idleTimer  alarm
	staleEnd   alarm // when stale routes go

	reported    State
	reason      *Notification // of the next report
	reasonSent  bool
	retained    int
	since       time.Time
	established uint64
	flaps       uint64
	last        string
	lastAt      time.Time
	malformed   string
	counters    Counters
}

// NewSession is a session that is not started. dial opens a connection to the peer; a passive session does without.
func NewSession(peer Peer, export *Export, handler Handler, dial func(context.Context) (net.Conn, error)) (*Session, error) {
	switch {
	case !peer.RouterID.Is4() || peer.RouterID.IsUnspecified():
		return nil, fmt.Errorf("session %s: router identifier %q is not an IPv4 address", peer.Name, peer.RouterID)
	case peer.LocalAS == 0 || peer.PeerAS == 0:
		return nil, fmt.Errorf("session %s: AS 0", peer.Name)
	case peer.families() == 0:
		return nil, fmt.Errorf("session %s: no address family has a next hop", peer.Name)
	case !peer.Passive && dial == nil:
		return nil, fmt.Errorf("session %s: active, and nothing to dial with", peer.Name)
	case peer.HoldTime != 0 && peer.HoldTime < minHoldTime:
		return nil, fmt.Errorf("session %s: hold time %s is below %s", peer.Name, peer.HoldTime, minHoldTime)
	}
	return &Session{peer: peer, dial: dial, handler: handler, export: export, since: time.Now()}, nil
}

// Peer is what the session was made with.
func (s *Session) Peer() Peer { return s.peer }

// Start lets the session begin.
func (s *Session) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return
	}
	s.started = true
	s.cur = newLink(s, Idle)
	if s.dials() {
		s.cur.event(manualStart, nil)
	} else {
		s.cur.event(manualStartPassive, nil)
	}
	s.report()
}

// dials tells whether the session connects by itself. A passive one does, too, to a peer that it has been up with, in this process
// or an earlier one: the peer may have tried while nobody listened, and waits for its ConnectRetryTimer, minutes maybe.
func (s *Session) dials() bool {
	return s.dial != nil && (!s.peer.Passive || s.peer.Restarting || s.established > 0)
}

// Stop ends the session with a Cease of the subcode; 0: without a message, so that a peer with graceful restart keeps the
// routes. What the peer has advertised is withdrawn.
func (s *Session) Stop(subcode uint8, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(cease(subcode, text))
	s.clear(IPv4 | IPv6)
}

// Freeze ends the session without a message and keeps what the peer has advertised: the process is about to end.
func (s *Session) Freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = true
	s.stop(nil)
}

func (s *Session) stop(cause *Notification) {
	if !s.started {
		return
	}
	s.started = false
	if s.second != nil {
		s.second.event(manualStop, cause)
	}
	s.cur.event(manualStop, cause)
	s.unpark()
	s.idleTimer.stop()
	s.staleEnd.stop()
	s.report()
}

// Reset ends the session with an administrative reset; it comes back by itself. One that rests after failures, or because its
// peer has advertised too much, may come back at once.
func (s *Session) Reset(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		return
	}
	s.failures, s.unanswered = 0, 0
	switch {
	case s.idleTimer.isSet():
		s.idleTimer.unset()
		s.restart()
	case s.cur.wire != nil: // else there is nothing to end
		s.cur.event(automaticStop, cease(ceaseReset, text))
	}
	s.report()
}

// Wait returns when nothing of a stopped session runs any more.
func (s *Session) Wait() { s.running.Wait() }

// cease is a NOTIFICATION 6 with the text of an operator (RFC 9003).
func cease(subcode uint8, text string) *Notification {
	if subcode == 0 {
		return nil
	}
	n := &Notification{Code: codeCease, Subcode: subcode, Detail: text}
	if n.isShutdown() && text != "" {
		text = text[:min(len(text), 255)]
		n.Data = append([]byte{byte(len(text))}, text...)
	}
	return n
}

// Accept gives the session a connection that the peer has opened.
func (s *Session) Accept(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accept(conn)
	s.report()
}

func (s *Session) accept(conn net.Conn) {
	switch {
	case !s.started, s.holdDown: // over its limit, it is not to come back at once
		s.counters.Refused++
		conn.Close()
	case s.cur.m.state == Idle && s.unanswered > 0: // it rests because of us alone
		s.unpark()
		s.parked = conn
		s.idleTimer.unset()
		s.restart()
	case s.cur.m.state == Idle || s.cur.wire == nil && s.idleTimer.isSet():
		s.unpark()
		s.parked = conn
	case s.cur.m.state == Active && s.cur.wire == nil:
		s.cur.connected(conn, true)
	default:
		if old := s.second; old != nil {
			old.event(openCollisionDump, notify(codeCease, ceaseCollision, "a newer connection"))
		}
		s.second = newLink(s, Active)
		s.second.connected(conn, true)
	}
}

// unpark closes the connection that waits for the idle hold time to pass.
func (s *Session) unpark() {
	if s.parked != nil {
		s.counters.Refused++
		s.parked.Close()
		s.parked = nil
	}
}

// collisionTime is how long after a session has come up an OPEN on another connection may have been on its way since before: no process
// that has crashed is back so soon.
const collisionTime = 3 * time.Second

// survives settles a collision (RFC 4271 §6.8): whether the connection that an OPEN has come on goes on.
func (s *Session) survives(l *link, o *peerOpen) bool {
	other := s.cur
	if l == s.cur {
		other = s.second
	}
	switch {
	case other == nil:
		return true
	case other.wire == nil:
		if l == s.second { // no attempt to connect goes on: a connection that FRR accepts ends the session that it has
			s.cur, s.second = l, nil
			other.discard()
		}
		return true
	}
	dump := func() {
		other.event(openCollisionDump, notify(codeCease, ceaseCollision, "another connection is kept"))
	}
	switch other.m.state {
	case Established:
		if !other.wire.caps.GracefulRestart || time.Since(s.since) < collisionTime {
			return false
		}
		other.event(tcpConnectionFails, nil) // RFC 4724 §4.2: the peer has restarted
		return true
	case OpenConfirm:
		remoteIsHigher := s.peer.RouterID.Less(o.id) || s.peer.RouterID == o.id && s.peer.LocalAS < o.as
		if remoteIsHigher == l.wire.incoming {
			dump()
			return true
		}
		return false
	}
	return true
}

// acceptable checks the header of a message that has not arrived in full; false: the session has nothing more to do with
// the connection.
func (s *Session) acceptable(w *wire, header []byte, size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.l.wire != w {
		return false
	}
	if n := checkHeader(header, size, w.maxIn); n != nil {
		w.l.event(headerError, n)
		s.report()
	}
	return w.l.wire == w
}

// received handles a message; false: as of acceptable.
func (s *Session) received(w *wire, m []byte, size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.l.wire != w {
		return false
	}
	s.counters.MessagesIn++
	if n := checkHeader(m, size, w.maxIn); n != nil {
		w.l.event(headerError, n)
	} else {
		s.handler.Received(s, m)
		w.l.message(w, m)
	}
	s.report()
	return w.l.wire == w
}

// ended notes that a connection is over: the peer has closed it, or it broke.
func (s *Session) ended(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.l.wire == w {
		w.l.event(tcpConnectionFails, nil)
		s.report()
	}
	w.close()
}

// unwritable notes that bytes could not be written.
func (s *Session) unwritable(w *wire, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.l.wire == w {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.l.event(automaticStop, notify(codeSendHold, 0, "the peer has read nothing for %s", w.l.sendHold()))
		} else {
			w.l.event(tcpConnectionFails, nil)
		}
		s.report()
	}
	w.close()
}

// failed is called when a machine has come back to Idle.
func (s *Session) failed(l *link, from State, e event, cause *Notification, sent bool) {
	if l == s.second {
		s.second = nil
		l.discard()
		return
	}
	if s.second != nil {
		s.cur, s.second = s.second, nil
		l.discard()
		return
	}
	if e != manualStop || cause != nil {
		s.note(from, e, cause, sent)
	}
	if !s.started {
		l.discard()
		return
	}
	if from == Connect && cause == nil {
		s.unanswered++
		s.idleTimer.set(s.peer.idleHold(s.unanswered), s, s.restart)
		return
	}
	s.failures++
	d := s.peer.idleHold(s.failures)
	s.holdDown = sent && cause.Code == codeCease && cause.Subcode == ceaseMaxPrefixes
	if s.holdDown {
		d = s.peer.maxIdleHold()
	}
	s.idleTimer.set(d, s, s.restart)
}

// lostEarly is called when a connection was lost before the peer's OPEN came. RFC 4271 has the session wait in Active; a
// peer that does this over and over waits as after an error.
func (s *Session) lostEarly() {
	s.failures++
	s.cur.connectRetry.unset()
	s.idleTimer.set(s.peer.idleHold(s.failures), s, s.restart)
}

// restart leaves Idle, or Active without a connection, when the idle hold time has passed.
func (s *Session) restart() {
	if !s.started {
		return
	}
	s.holdDown = false
	conn := s.parked
	s.parked = nil
	switch {
	case s.cur.m.state == Idle:
	case conn != nil:
		s.accept(conn)
		return
	case s.dials() && s.cur.m.state == Active && s.cur.wire == nil: // after lostEarly
		s.cur.event(connectRetryExpires, nil)
		return
	default:
		return
	}
	s.cur.event(idleHoldExpires, nil)
	switch {
	case conn != nil:
		s.cur.event(automaticStartDampenedPassive, nil)
		s.cur.connected(conn, true)
	case s.dials():
		s.cur.event(automaticStartDampened, nil)
	default:
		s.cur.event(automaticStartDampenedPassive, nil)
	}
}

// note keeps the reason of a failure for people.
func (s *Session) note(from State, e event, cause *Notification, sent bool) {
	if cause == nil && from == Connect {
		if s.last == "" { // else what went wrong with the session itself says more
			s.last, s.lastAt = "could not connect", time.Now()
		}
		return
	}
	s.reason, s.reasonSent = cause, sent
	switch {
	case cause == nil:
		s.last = "connection lost in " + from.String()
	case sent:
		s.last = "sent " + cause.Error()
	case e == notificationReceived || e == notificationVersionError:
		s.last = "received " + cause.Error()
	default:
		s.last = cause.Error()
	}
	s.lastAt = time.Now()
}

// report tells the handler when the state has changed.
func (s *Session) report() {
	state := Idle
	if s.cur != nil {
		state = s.cur.m.state
	}
	if state == s.reported {
		return
	}
	t := Transition{At: time.Now(), From: s.reported, To: state, Reason: s.reason, Sent: s.reasonSent, Retained: s.retained}
	s.reason, s.reasonSent, s.retained = nil, false, 0
	s.reported, s.since = state, t.At
	s.handler.Changed(s, t)
}

// Info is the session now.
func (s *Session) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := Info{
		Peer: s.peer, State: s.reported, Since: s.since, Heard: s.rib.len(), Established: s.established, Flaps: s.flaps, Retries: s.retries,
		LastReason: s.last, LastReasonAt: s.lastAt, LastMalformed: s.malformed, Counters: s.counters,
	}
	i.Peer.Password = "" // it is for sockets alone
	for range s.staleRoutes() {
		i.Stale++
	}
	if s.cur == nil || s.cur.wire == nil {
		return i
	}
	w := s.cur.wire
	if a, ok := w.conn.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		i.RemoteAddr = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	i.SentOpen, i.Behind, i.Capabilities = bytes.Clone(w.sentOpen), w.behind || w.pending, w.caps
	if w.open != nil {
		i.PeerID, i.HoldTime, i.ReceivedOpen = w.open.id, s.cur.hold, bytes.Clone(w.open.raw)
	}
	return i
}

// Heard is what the peer has advertised, in order of prefix.
func (s *Session) Heard() []HeardRoute {
	s.mu.Lock()
	list := make([]HeardRoute, 0, s.rib.len())
	for c, stale := range s.rib.all() {
		list = append(list, HeardRoute{c, stale})
	}
	s.mu.Unlock()
	order.Sort(list, func(a, b HeardRoute) int { return a.Prefix.Compare(b.Prefix) })
	return list
}
