package bgp

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
	"time"
)

// enterEstablished begins the exchange of routes on a link. The session is locked, as in all of this file.
func (s *Session) enterEstablished(l *link) {
	if other := s.second; other != nil && l == s.cur {
		other.event(openCollisionDump, notify(codeCease, ceaseCollision, "another connection is established"))
	} else if l == s.second {
		old := s.cur
		s.cur, s.second = l, nil
		if old.wire != nil && old.m.state >= OpenSent {
			old.wire.send(notify(codeCease, ceaseCollision, "").encode())
		}
		old.discard()
	}
	w := l.wire
	// What was kept stays until End-of-RIB, where one can come and the peer kept its state, too. When it is we who restarted, it did so
	// unless it says otherwise: one that only helps others to restart lists no families, and FRR's R bit is set for two minutes after its start.
	gone := s.rib.stale()
	switch {
	case !w.caps.GracefulRestart:
	case s.established == 0 && (!w.caps.Restarting || w.caps.GracefulFor == 0):
		gone &^= w.caps.Families
	default:
		gone &^= w.caps.Families & w.caps.GracefulFor & w.caps.Forwarding
	}
	s.withdraw(s.rib.sweep(gone))
	if s.rib.stale() != 0 {
		s.staleEnd.set(s.peer.staleTime(), s, s.staleTimeout)
	} else {
		s.staleEnd.unset()
	}
	s.established++
	s.advertise(w)
}

// advertise attaches a feed to an established connection.
func (s *Session) advertise(w *wire) {
	f := &feed{
		self: s.peer.Source, families: w.caps.Families, fourOctetAS: w.caps.FourOctetAS,
		nextHop4: s.peer.NextHop4, nextHop6: s.peer.NextHop6, wake: w.wake,
	}
	s.export.attach(f)
	w.feed, w.pending, w.eor = f, true, w.caps.Families
	w.kick()
}

// SetExport makes the session advertise another set of routes.
func (s *Session) SetExport(x *Export) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x == s.export {
		return
	}
	s.export = x
	if s.cur == nil || s.cur.wire == nil || s.cur.wire.feed == nil {
		return
	}
	w := s.cur.wire
	w.next = x
	w.pending = true
	w.kick()
}

// leaveEstablished decides what becomes of the peer's routes.
func (s *Session) leaveEstablished(l *link, e event, cause *Notification, sent bool) {
	s.flaps++
	if time.Since(s.since) > time.Minute && s.reported == Established {
		s.failures = 0
	}
	if s.frozen {
		return
	}
	caps := l.wire.caps
	retain := false
	switch {
	case !caps.GracefulRestart || caps.RestartTime == 0 || e == manualStop && cause != nil:
	case cause == nil && (e == tcpConnectionFails || e == manualStop):
		retain = true
	case caps.Notifications: // RFC 8538: all but a hard reset
		retain = !cause.isHardReset() && (!sent || !cause.endsForGood())
	}
	keep := Family(0)
	if retain {
		keep = caps.GracefulFor
	}
	s.clear((IPv4 | IPv6) &^ keep)
	// Routes that are stale already were not renewed before the session was lost again: RFC 4724 §4.2 has them go.
	s.withdraw(s.rib.sweep(keep))
	s.rib.markStale(keep)
	s.retained = s.rib.len()
	if s.retained > 0 {
		s.staleEnd.set(min(caps.RestartTime, s.peer.staleTime()), s, s.staleTimeout)
	}
}

// staleTimeout is the end of patience.
func (s *Session) staleTimeout() { s.withdraw(s.rib.sweep(IPv4 | IPv6)) }

// Restore gives the session, before it is started, the routes that its peer had advertised to an earlier process. They are
// stale until the peer advertises them again.
func (s *Session) Restore(routes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range routes {
		s.rib.put(c.Prefix, c.Attrs)
	}
	s.rib.markStale(IPv4 | IPv6)
	s.staleEnd.set(s.peer.staleTime(), s, s.staleTimeout)
}

func (s *Session) staleRoutes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if s.rib.stale() == 0 {
			return
		}
		for c, stale := range s.rib.all() {
			if stale && !yield(c) {
				return
			}
		}
	}
}

func (s *Session) clear(set Family) { s.withdraw(s.rib.clear(set)) }

// maxChanges is how many routes a handler is given at once.
const maxChanges = 4096

// withdraw tells the handler of prefixes that are gone.
func (s *Session) withdraw(list []netip.Prefix) {
	for part := range slices.Chunk(list, maxChanges) {
		s.changes = s.changes[:0]
		for _, p := range part {
			s.changes = append(s.changes, Change{Prefix: p})
		}
		s.handler.Heard(s, s.changes)
	}
	if cap(s.changes) > maxChanges {
		s.changes = nil
	}
}

// update handles the body of an UPDATE.
func (s *Session) update(l *link, body []byte) {
	s.counters.UpdatesIn++
	u, n := l.wire.dec.decode(body)
	if n != nil {
		l.event(updateError, n)
		return
	}
	s.counters.Ignored += uint64(u.ignored)
	if u.malformed != nil {
		s.counters.Malformed++
		s.malformed = u.malformed.Error()
		s.handler.Malformed(s, u.malformed)
	}
	s.changes = s.changes[:0]
	for _, p := range u.withdrawn {
		s.counters.Withdrawn++
		s.remove(p)
	}
	s.learn(u.announced, u.attrs)
	s.learn(u.reached, u.reachedAttrs)
	if len(s.changes) > 0 {
		s.handler.Heard(s, s.changes)
	}
	if u.endOfRIB != 0 {
		s.endOfRIB(u.endOfRIB)
	}
	if limit := s.peer.MaxPrefixes; limit > 0 && s.rib.len() > limit {
		n := notify(codeCease, ceaseMaxPrefixes, "more than %d prefixes", limit)
		n.Data = binary.BigEndian.AppendUint32([]byte{0, 1, 1}, uint32(limit)) // RFC 4486 §4: family, limit
		l.event(automaticStop, n)
	}
}

// learn notes prefixes with their attributes; without, they are withdrawn.
func (s *Session) learn(list []netip.Prefix, attrs *Attributes) {
	if len(list) == 0 {
		return
	}
	s.counters.Announced += uint64(len(list))
	usable := attrs != nil
	if usable && (slices.Contains(attrs.ASPath, s.peer.LocalAS) || attrs.NextHop == s.peer.NextHop4 || attrs.NextHop == s.peer.NextHop6) {
		s.counters.Looped += uint64(len(list)) // our own route, come back
		usable = false
	}
	for _, p := range list {
		if !usable {
			s.remove(p)
		} else if s.rib.put(p, attrs) {
			s.changes = append(s.changes, Change{p, attrs})
		}
	}
}

func (s *Session) remove(p netip.Prefix) {
	if s.rib.remove(p) {
		s.changes = append(s.changes, Change{Prefix: p})
	}
}

// endOfRIB removes what the peer has not advertised again.
func (s *Session) endOfRIB(set Family) {
	s.withdraw(s.rib.sweep(set))
	if s.rib.stale() == 0 {
		s.staleEnd.unset()
	}
}

// refresh handles ROUTE-REFRESH (RFC 2918, 7313).
func (s *Session) refresh(l *link, m []byte) {
	w, body := l.wire, m[headerSize:]
	if !w.caps.RouteRefresh && !w.caps.EnhancedRefresh {
		return
	}
	if len(body) != 4 {
		n := notify(codeRouteRefresh, 1, "a ROUTE-REFRESH of %d bytes", len(m))
		n.Data = slices.Clone(m)
		l.event(updateError, n)
		return
	}
	family := familyOf(binary.BigEndian.Uint16(body), body[3]) & w.caps.Families
	subtype := body[2]
	if !w.caps.EnhancedRefresh {
		subtype = refreshRequest // RFC 2918: the byte is ignored
	}
	switch {
	case family == 0:
	case subtype == refreshRequest:
		w.resend |= family
		w.pending = true
		w.kick()
	case subtype == refreshBegins:
		s.rib.markStale(family)
		if s.rib.stale() != 0 {
			s.staleEnd.set(s.peer.staleTime(), s, s.staleTimeout)
		}
	case subtype == refreshEnds:
		s.endOfRIB(family)
	}
}

// Refresh asks the peer to advertise its routes again; false: the session is down, or the peer cannot.
func (s *Session) Refresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reported != Established || !s.cur.wire.caps.RouteRefresh {
		return false
	}
	for _, f := range families {
		if w := s.cur.wire; w.caps.Families&f != 0 {
			w.send(encodeRefresh(f, refreshRequest))
		}
	}
	return true
}

// Resend advertises all routes again; false: the session is down.
func (s *Session) Resend() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reported != Established {
		return false
	}
	w := s.cur.wire
	w.again, w.pending = true, true
	w.kick()
	return true
}
