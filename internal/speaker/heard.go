package speaker

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"portolan/internal/bgp"
	"portolan/internal/network"
	"portolan/internal/state"
	"portolan/policy"
	"portolan/routing"
)

// The methods of bgp.Handler are called with a session locked: they note what has happened and return.

// Changed notes a change of state.
func (sp *Speaker) Changed(b *bgp.Session, t bgp.Transition) {
	for _, m := range sp.monitors {
		m.Changed(b, t)
	}
	name := b.Peer().Name
	sp.mu.Lock()
	s := sp.byName[name]
	if s != nil {
		if t.From == bgp.Established || t.To == bgp.Established {
			s.up, s.since = t.To == bgp.Established, sp.db.Now()
			sp.dirty[s.peer] = struct{}{}
			poke(sp.wake)
		}
		if t.To == bgp.Idle && t.From != bgp.Connect || t.From == bgp.Established {
			s.reason = reasonOf(&t)
		}
	}
	ending := sp.ending
	sp.mu.Unlock()
	switch {
	case ending && t.From != bgp.Established:
	case ending:
		sp.log.Info("BGP session left: the router may keep the routes until the server is back", "session", name)
	case t.To == bgp.Established:
		sp.log.Info("BGP session up", "session", name)
	case t.From == bgp.Established:
		sp.log.Warn("BGP session down", "session", name, "reason", reasonOf(&t), "stale_routes", t.Retained)
	case t.To == bgp.Idle && t.Reason != nil:
		sp.log.Warn("BGP session refused", "session", name, "reason", reasonOf(&t))
	}
}

// reasonOf is why a session went down, as people read it.
func reasonOf(t *bgp.Transition) string {
	switch {
	case t.Reason == nil:
		return "connection lost"
	case t.Sent:
		return "sent " + t.Reason.Error()
	}
	return "received " + t.Reason.Error()
}

// Heard notes routes.
func (sp *Speaker) Heard(b *bgp.Session, changes []bgp.Change) {
	name := b.Peer().Name
	sp.mu.Lock()
	defer sp.mu.Unlock()
	s := sp.byName[name]
	if s == nil {
		return // its peer has gone
	}
	p := s.peer
	for _, c := range changes {
		h := p.routes.get(c.Prefix)
		h[s.at] = c.Attrs
		p.routes.set(c.Prefix, h)
		p.changed = append(p.changed, c.Prefix)
	}
	if len(p.changed) > 2*p.distinct+minCompacted {
		p.compactChanged() // a router repeats itself
	}
	sp.dirty[p] = struct{}{}
	poke(sp.wake)
}

// minCompacted is how many changes are noted at least before those of the same prefixes are taken together.
const minCompacted = 10_000

// compactChanged puts what has changed in order of prefix, each once.
func (p *peer) compactChanged() {
	slices.SortFunc(p.changed, netip.Prefix.Compare)
	p.changed = slices.Compact(p.changed)
	p.distinct = len(p.changed)
}

// Malformed writes to the log, for each session every so often.
func (sp *Speaker) Malformed(b *bgp.Session, why *bgp.Notification) {
	name := b.Peer().Name
	sp.mu.Lock()
	defer sp.mu.Unlock()
	s := sp.byName[name]
	if s == nil {
		return
	}
	s.malformed++
	if now := time.Now(); now.Sub(s.malformedAt) >= malformedInterval {
		sp.log.Warn("BGP routes treated as withdrawn: a message is malformed", "session", name, "reason", why.Error(), "messages", s.malformed)
		s.malformed, s.malformedAt = 0, now
	}
}

// malformedInterval is how often the log has malformed messages of one session.
const malformedInterval = 10 * time.Second

// Received leaves a message to the monitors.
func (sp *Speaker) Received(b *bgp.Session, message []byte) {
	for _, m := range sp.monitors {
		m.Received(b, message)
	}
}

// best is the route of a peer: both sessions lead to one site, so that a prefix is one route whose attributes are those of
// the session that is preferred as BGP does; without a difference the first. nil: there is none.
func (h *heard) best() *bgp.Attributes {
	a, b := h[0], h[1]
	switch {
	case a == nil:
		return b
	case b == nil || a == b:
		return a
	case localPref(a) != localPref(b):
		if localPref(a) > localPref(b) {
			return a
		}
		return b
	case len(a.ASPath) != len(b.ASPath):
		if len(a.ASPath) < len(b.ASPath) {
			return a
		}
		return b
	case med(b) < med(a):
		return b
	}
	return a
}

func localPref(a *bgp.Attributes) uint32 {
	if a.HasLocalPref {
		return a.LocalPref
	}
	return defaultLocalPref
}

func med(a *bgp.Attributes) uint32 {
	if a.HasMED {
		return a.MED
	}
	return routing.DefaultMED
}

// announcement is attributes as routes are computed from them.
func announcement(a *bgp.Attributes) routing.Announcement {
	n := routing.Announcement{ASPath: a.ASPath}
	if a.HasMED {
		n.MED = &a.MED
	}
	for _, c := range a.Communities {
		n.Communities = append(n.Communities, policy.Community(c))
	}
	return n
}

// attributesOf are the attributes of a route that was stored.
func attributesOf(n *routing.Announcement, nextHop netip.Addr) *bgp.Attributes {
	a := &bgp.Attributes{ASPath: n.ASPath, NextHop: nextHop}
	if n.MED != nil {
		a.MED, a.HasMED = *n.MED, true
	}
	for _, c := range n.Communities {
		a.Communities = append(a.Communities, uint32(c))
	}
	return a
}

// report is what a peer has to say to the state.
type report struct {
	peer     *peer
	sessions []state.BGPSession
	count    int
	moved    bool // its routes are others
}

// flush makes what was heard part of the routes, in one transaction for all peers, with the sessions that came up or went
// down. It is false when that could not be stored.
func (sp *Speaker) flush(ctx context.Context) (ok bool) {
	changes := map[*peer][]network.HeardRoute{}
	converted := map[*bgp.Attributes]*routing.Announcement{}
	var reports []*report
	sp.mu.Lock()
	for p := range sp.dirty {
		r := &report{peer: p, moved: p.moved}
		p.moved = false
		p.compactChanged()
		list := make([]network.HeardRoute, len(p.changed))
		for i, prefix := range p.changed {
			h := p.routes.get(prefix)
			list[i].Prefix = prefix
			if a := h.best(); a != nil {
				n := converted[a]
				if n == nil {
					n = new(announcement(a))
					converted[a] = n
				}
				list[i].Route = n
			}
			p.stale[p.routes.shard(prefix)] = struct{}{}
			sp.unsaved[p] = struct{}{}
		}
		changes[p], p.changed, p.distinct = list, nil, 0
		for _, s := range p.sessions {
			r.sessions = append(r.sessions, s.stored())
		}
		reports = append(reports, r)
	}
	clear(sp.dirty)
	sp.mu.Unlock()
	if len(reports) == 0 {
		return true
	}
	slices.SortFunc(reports, func(a, b *report) int { return strings.Compare(a.peer.id, b.peer.id) })
	for _, r := range reports {
		if len(changes[r.peer]) > 0 && sp.heard.Change(r.peer.id, changes[r.peer]) {
			r.moved = true
		}
		r.count = sp.heard.Count(r.peer.id)
	}
	err := state.Record(ctx, sp.db, func(tx *state.Txn) error {
		for _, r := range reports {
			r.put(tx)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		// The routes are in memory: the next report that is stored moves them into the tables.
		sp.log.Error("BGP: what was heard is not part of the routes yet", "error", err)
		sp.mu.Lock()
		for _, r := range reports {
			if sp.peers[r.peer.id] == r.peer {
				sp.dirty[r.peer] = struct{}{}
				r.peer.moved = r.moved
			}
		}
		sp.mu.Unlock()
		poke(sp.wake)
	}
	return err == nil
}

// sameStatus compares what is stored of sessions: times have seconds there.
func sameStatus(a, b state.BGPSession) bool {
	return a.CoreNetworkAddress == b.CoreNetworkAddress && a.Up == b.Up && a.Reason == b.Reason && a.Since.Unix() == b.Since.Unix()
}

// put stores a report, with an event for each session that came up or went down. What says nothing new is not stored.
func (r *report) put(tx *state.Txn) {
	n, id := r.peer.network, r.peer.id
	if !tx.Speaks(n, id) {
		return // deleted meanwhile
	}
	next := state.PeerBGP{ID: id, CoreNetworkId: n.ID, Sessions: r.sessions, Heard: r.count}
	old, had := state.BGPOf(tx.View, n, id)
	up := map[string]bool{}
	if had {
		next.Version, next.Shards, next.Dividing = old.Version, old.Shards, old.Dividing
		for _, s := range old.Sessions {
			up[s.CoreNetworkAddress] = s.Up
		}
	}
	for i := range r.sessions {
		if s := &r.sessions[i]; s.Up != up[s.CoreNetworkAddress] {
			tx.BGPStatus(n, id, s, s.Up)
		}
	}
	switch {
	case r.moved || had && r.count != old.Heard:
		next.Version++
	case had && slices.EqualFunc(old.Sessions, next.Sessions, sameStatus):
		return
	}
	state.PeerBGPs.Put(tx, state.PeerBGPs.Key(n.Account, n.ID, id), &next)
}
