package network

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"portolan/internal/prefixmap"
	"portolan/routing"
)

// Heard is what Connect peers and VPN attachments advertise on the BGP sessions that this server holds: their Adj-RIB-In, in memory. What
// changes in it becomes part of routes when the row of the peer in the state has moved. A nil Heard is empty. Of a peer that is
// not in it another server holds the sessions, and the state has a copy of the routes.
type Heard struct {
	mu    sync.Mutex
	peers map[string]*heardPeer
	clock uint64 // the last version: each change of any peer has one of its own
}

// heardPeer is the routes of one peer, with the last changes of them.
type heardPeer struct {
	routes  prefixmap.Map[*routing.Announcement] // without the prefix: those that are alike may be one
	version uint64                               // of the last change
	since   uint64                               // from this version on all changes are in log
	log     []heardChange                        // in order of versions
	logged  int                                  // prefixes in log
}

type heardChange struct {
	version  uint64
	prefixes []netip.Prefix // in order
}

// maxHeardLog is how many changed prefixes of a peer are remembered, beside those of the last change: who is further behind takes
// all routes again.
const maxHeardLog = 100_000

// HeardRoute is a route that has changed; without Route it was withdrawn. The prefix of Route says nothing: routes that are alike
// otherwise may share it.
type HeardRoute struct {
	Prefix netip.Prefix
	Route  *routing.Announcement
}

// Change takes over what has changed of the routes of a peer, in order of prefix, and tells whether anything has.
func (h *Heard) Change(peer string, changes []HeardRoute) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[peer]
	if p == nil {
		if h.peers == nil {
			h.peers = map[string]*heardPeer{}
		}
		h.clock++ // what was known of an earlier peer of this name is older
		p = &heardPeer{version: h.clock, since: h.clock}
		h.peers[peer] = p
	}
	var changed []netip.Prefix
	for _, c := range changes {
		old, had := p.routes.Get(c.Prefix)
		switch {
		case c.Route == nil && !had, c.Route != nil && had && sameAnnouncement(old, c.Route):
			continue
		case c.Route == nil:
			p.routes.Delete(c.Prefix)
		default:
			p.routes.Set(c.Prefix, c.Route)
		}
		changed = append(changed, c.Prefix)
	}
	if len(changed) == 0 {
		return false
	}
	h.clock++
	p.version = h.clock
	p.log = append(p.log, heardChange{p.version, changed})
	for p.logged += len(changed); p.logged > maxHeardLog && len(p.log) > 1; p.log = slices.Delete(p.log, 0, 1) {
		p.logged -= len(p.log[0].prefixes)
		p.since = p.log[0].version
	}
	return true
}

func sameAnnouncement(a, b *routing.Announcement) bool {
	return (a.MED == nil) == (b.MED == nil) && (a.MED == nil || *a.MED == *b.MED) &&
		slices.Equal(a.ASPath, b.ASPath) && slices.Equal(a.Communities, b.Communities)
}

// holds tells whether the sessions of a peer are this server's.
func (h *Heard) holds(peer string) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peers[peer] != nil
}

// Forget removes a peer.
func (h *Heard) Forget(peer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.peers, peer)
}

// heardDelta is what has changed of what a peer advertises.
type heardDelta struct {
	attachment, peer string // peer is empty for a VPN attachment
	announce         []routing.Announcement
	withdraw         []netip.Prefix
	version          uint64 // with it
}

// changes is what has changed since a version, by prefix; false: that is not known any more.
func (h *Heard) changes(peer string, since uint64) (d heardDelta, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[peer]
	if p == nil || since < p.since {
		return d, false
	}
	d.version = p.version
	for _, prefix := range p.changedSince(since) {
		if a, has := p.routes.Get(prefix); has {
			d.announce = append(d.announce, a.With(prefix))
		} else {
			d.withdraw = append(d.withdraw, prefix)
		}
	}
	return d, true
}

// changedSince are the prefixes that have changed since a version, in order.
func (p *heardPeer) changedSince(since uint64) []netip.Prefix {
	at, _ := slices.BinarySearchFunc(p.log, since+1, func(c heardChange, v uint64) int { return cmp.Compare(c.version, v) })
	switch later := p.log[at:]; len(later) {
	case 0:
		return nil
	case 1:
		return later[0].prefixes
	default:
		var all []netip.Prefix
		for _, c := range later {
			all = append(all, c.prefixes...)
		}
		slices.SortFunc(all, netip.Prefix.Compare)
		return slices.Compact(all)
	}
}

// Count is how many routes a peer advertises.
func (h *Heard) Count(peer string) int {
	if h == nil {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[peer]; p != nil {
		return p.routes.Len()
	}
	return 0
}

// announcements is all that a peer advertises, in order of prefix, and its version; 0: it has never advertised anything.
func (h *Heard) announcements(peer string) ([]routing.Announcement, uint64) {
	if h == nil {
		return nil, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[peer]
	if p == nil {
		return nil, 0
	}
	list := make([]routing.Announcement, 0, p.routes.Len())
	for prefix, a := range p.routes.All() {
		list = append(list, a.With(prefix))
	}
	slices.SortFunc(list, func(a, b routing.Announcement) int { return a.Prefix.Compare(b.Prefix) })
	return list, p.version
}
