package bgp

import (
	"context"
	"net"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// link is one state machine with its timers and at most one connection. A session has one, and a second one while two
// connections collide.
type link struct {
	s    *Session
	m    machine
	wire *wire
	hold time.Duration // negotiated; before that, four minutes

	connectRetry, delayOpen, holdTimer, keepalive alarm
	answer                                        alarm // to the peer's KEEPALIVE

	cancelDial context.CancelFunc
}

func newLink(s *Session, state State) *link {
	return &link{s: s, m: machine{state: state, delayOpen: s.peer.DelayOpen > 0}}
}

// event makes one step of the machine and does what it asks for. cause is the NOTIFICATION to send or the one received.
// The session is locked.
func (l *link) event(e event, cause *Notification) {
	s, from := l.s, l.m.state
	l.m.delaying = l.delayOpen.isSet()
	to, do := l.m.step(e)
	l.m.state = to
	sent := false
	if do&sendFSMError != 0 {
		cause = notify(codeFSM, uint8(from-OpenSent)+1, "event %d in %s", e, from)
	}
	if do&(sendCause|sendFSMError) != 0 && cause != nil && l.wire != nil {
		sent = true
		n := cause
		if from == Established && l.wire.caps.Notifications && n.endsForGood() {
			n = n.hard()
		}
		l.wire.send(n.encode())
	}
	if do&flushRoutes != 0 {
		s.leaveEstablished(l, e, cause, sent)
	}
	if do&dropConnection != 0 {
		l.drop()
	}
	if do&zeroRetries != 0 {
		s.retries = 0
	}
	if do&countRetry != 0 {
		s.retries++
	}
	l.timers(do)
	if do&initiateConnection != 0 {
		l.dial()
	}
	if do&sendOpen != 0 {
		l.sendOpen()
	}
	if do&sendKeepalive != 0 && (l.wire.incoming || from >= OpenConfirm) { // else see keepaliveArrived
		l.wire.answered = true
		l.wire.send(encodeKeepalive())
	}
	if do&becomeEstablished != 0 {
		s.enterEstablished(l)
	}
	switch {
	case from != Idle && to == Idle:
		s.failed(l, from, e, cause, sent)
	case from == OpenSent && to == Active && l == s.cur:
		s.lostEarly()
	case l == s.second && l.wire == nil: // it existed for its connection alone
		s.second = nil
		l.discard()
	}
}

// timers starts and stops what a step asks for.
func (l *link) timers(do action) {
	s := l.s
	if do&stopConnectRetry != 0 {
		l.connectRetry.unset()
	}
	if do&startConnectRetry != 0 && s.dials() {
		l.connectRetry.set(s.peer.connectRetry(), s, func() { l.event(connectRetryExpires, nil) })
	}
	if do&stopDelayOpen != 0 {
		l.delayOpen.unset()
	}
	if do&startDelayOpen != 0 {
		l.delayOpen.set(s.peer.DelayOpen, s, func() { l.event(delayOpenExpires, nil) })
	}
	if do&startHoldLong != 0 {
		l.hold = openHoldTime
	}
	if do&(startHoldLong|startHold) != 0 {
		l.holdTimer.set(l.hold, s, l.holdExpired)
	}
	if do&startKeepalive != 0 {
		l.keepalive.set(l.hold/3, s, func() { l.event(keepaliveExpires, nil) })
	}
}

// holdExpired is the end of a session, unless bytes have come that this process has not got round to.
func (l *link) holdExpired() {
	if w := l.wire; w != nil {
		if left := l.hold - time.Since(time.Unix(0, w.lastRead.Load())); left > 0 {
			l.holdTimer.set(left, l.s, l.holdExpired)
			return
		}
	}
	l.event(holdExpires, notify(codeHold, 0, "nothing heard for %s", l.hold))
}

func (l *link) sendHold() time.Duration {
	if d := l.s.peer.SendHold; d > 0 {
		return d
	}
	return max(8*time.Minute, 2*l.hold)
}

// drop lets the connection go, and one that is being made.
func (l *link) drop() {
	if l.cancelDial != nil {
		l.cancelDial()
		l.cancelDial = nil
	}
	if l.wire != nil {
		l.wire.shut()
		l.wire = nil
	}
	l.holdTimer.unset()
	l.keepalive.unset()
	l.delayOpen.unset()
	l.answer.unset()
}

// discard ends a link without a word.
func (l *link) discard() {
	l.drop()
	l.m.state = Idle
	l.connectRetry.stop()
	l.delayOpen.stop()
	l.holdTimer.stop()
	l.keepalive.stop()
	l.answer.stop()
}

// dial opens a connection to the peer.
func (l *link) dial() {
	s := l.s
	ctx, cancel := context.WithTimeout(context.Background(), s.peer.connectRetry())
	l.cancelDial = cancel
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		conn, err := s.dial(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		if ctx.Err() != nil || l.m.state != Connect || l.wire != nil { // given up meanwhile
			if conn != nil {
				conn.Close()
			}
			cancel()
			return
		}
		cancel()
		l.cancelDial = nil
		if err != nil {
			l.event(tcpConnectionFails, nil)
		} else {
			l.connected(conn, false)
		}
		s.report()
	}()
}

// connected gives the machine a connection.
func (l *link) connected(conn net.Conn, incoming bool) {
	l.s.unanswered = 0
	l.wire = newWire(l.s, l, conn, incoming)
	if incoming {
		l.event(tcpConnectionConfirmed, nil)
	} else {
		l.event(tcpConnectionAcknowledged, nil)
	}
}

func (l *link) sendOpen() {
	p := &l.s.peer
	b, err := encodeOpen(p.LocalAS, p.RouterID, p.holdTime(), p.capabilities(l.s.established == 0))
	if err != nil {
		panic("bgp: " + err.Error()) // NewSession has checked the identifier
	}
	l.wire.sentOpen = b
	l.wire.send(b)
}

// message handles one message of the peer whose header is right. The session is locked.
func (l *link) message(w *wire, m []byte) {
	body := m[headerSize:]
	switch m[headerSize-1] {
	case bgp.BGP_MSG_OPEN:
		l.open(w, m)
	case bgp.BGP_MSG_KEEPALIVE:
		l.keepaliveArrived()
	case bgp.BGP_MSG_UPDATE:
		if l.m.state != Established {
			l.event(updateReceived, nil)
			return
		}
		l.holdTimer.set(l.hold, l.s, l.holdExpired)
		l.s.update(l, body)
	case bgp.BGP_MSG_NOTIFICATION:
		n := decodeNotification(body)
		if n.Code == codeOpen && n.Subcode == 1 {
			l.event(notificationVersionError, n)
		} else {
			l.event(notificationReceived, n)
		}
	case bgp.BGP_MSG_ROUTE_REFRESH:
		if l.m.state != Established {
			l.event(updateReceived, nil) // unexpected: an FSM error, as an UPDATE would be
			return
		}
		l.s.refresh(l, m)
	}
}

// answerTime is how long a peer that has read an OPEN may need for the end of another connection that collides with this one.
const answerTime = 100 * time.Millisecond

// keepaliveArrived handles a KEEPALIVE. On a connection of ours the one that answers the peer's OPEN waits until the peer has sent its own,
// and a little longer. FRR notes that its own connection is to end when it reads the OPEN on ours: if it reads the KEEPALIVE before it
// has ended the one, it ends the other, established by then, and gives up the routes that it kept.
// A peer that waits as well has the KEEPALIVE when the KeepaliveTimer expires.
func (l *link) keepaliveArrived() {
	switch {
	case l.m.state != OpenConfirm || l.wire.answered:
		l.event(keepaliveReceived, nil)
	case !l.answer.isSet():
		l.keepalive.unset() // the peer may send routes once it has a KEEPALIVE
		l.answer.set(answerTime, l.s, func() {
			l.event(keepaliveExpires, nil)
			l.event(keepaliveReceived, nil)
		})
	}
}

// open handles an OPEN: checks, what both can do, collisions.
func (l *link) open(w *wire, m []byte) {
	s := l.s
	waiting := (l.m.state == Connect || l.m.state == Active) && l.delayOpen.isSet()
	if l.m.state != OpenSent && !waiting {
		l.event(openReceivedDelayed, nil) // out of turn: an FSM error where a session is under way
		return
	}
	o, n := decodeOpen(m[headerSize:], s.peer.LocalAS, s.peer.RouterID, s.peer.PeerAS)
	if n != nil {
		l.event(openError, n)
		return
	}
	o.raw = append([]byte(nil), m...)
	if !s.survives(l, o) {
		l.event(openCollisionDump, notify(codeCease, ceaseCollision, "another connection is kept"))
		return
	}
	if l.wire != w {
		return
	}
	w.open = o
	l.hold = min(s.peer.holdTime(), o.holdTime)
	if waiting {
		l.event(openReceivedDelayed, nil)
	} else {
		l.event(openReceived, nil)
	}
	if l.wire != w {
		return
	}
	w.caps = s.peer.capabilities(s.established == 0).both(o.caps)
	if w.caps.ExtendedMessage {
		w.maxIn = maxExtended
	}
	w.dec = decoder{families: w.caps.Families, fourOctetAS: w.caps.FourOctetAS, internal: s.peer.internal(), peerAS: s.peer.PeerAS}
}
