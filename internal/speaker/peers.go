package speaker

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/network"
	"portolan/internal/state"
	"portolan/routing"
)

// peer is a Connect peer whose sessions are held: one router, and two addresses of the core network.
type peer struct {
	id       string
	network  state.NetworkID
	sessions []*session
	export   *bgp.Export
	tables   *routing.Tables // that export advertises
	restored bool            // an earlier process held the sessions

	// Under the lock of the Speaker.
	row      *state.ConnectPeer // written by Run alone
	routes   heardRoutes
	changed  []netip.Prefix   // since the last report, some more than once
	distinct int              // of the first of them: how many there were when each was there once
	moved    bool             // a report of other routes could not be stored
	stale    map[int]struct{} // shards that differ from what is stored
	upward   bool             // they are stored from the first one on
}

// heard is what each session has brought for a prefix.
type heard [maxSessions]*bgp.Attributes

// maxSessions is how many sessions a Connect peer has.
const maxSessions = 2

// session is one session of a peer.
type session struct {
	name   string
	at     int // among those of the peer
	peer   *peer
	core   netip.Addr // of the core network
	router netip.Addr
	core6  netip.Addr // the next hop of IPv6; not valid: the session has none
	local  uint32     // AS numbers
	remote uint32

	sockets sockets // of Run alone

	// Under the lock of the Speaker.
	up      bool
	since   time.Time
	reason  string
	problem string // why it cannot have its sockets

	malformed   int // messages since the log said so
	malformedAt time.Time
}

// sockets are the addresses that packets of a session have.
type sockets struct {
	local, remote netip.AddrPort
	namespace     string
	ttl           int // of what is sent; 0: the system's
}

func compareNetworks(a, b state.NetworkID) int {
	return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.ID, b.ID))
}

// found is a Connect peer in the state, and what an earlier process left.
type found struct {
	row    *state.ConnectPeer
	bgp    *state.ConnectPeerBGP
	routes []state.HeardRoute
}

// readPeers reads the Connect peers of a core network that are to have sessions. Of those that are not known yet it reads the
// routes, too.
func readPeers(v *state.View, id state.NetworkID, known map[string]*peer) (list []found) {
	for _, row := range state.ConnectPeers.Rows(v, state.ConnectPeers.OnCoreNetwork(id.Account, id.ID), "") {
		if row.State != api.ConnectPeerStateAvailable || row.Configuration == nil || len(row.Configuration.BgpConfigurations) == 0 {
			continue
		}
		if a, ok := state.Attachments.Get(v, state.Attachments.Key(id.Account, id.ID, row.ConnectAttachmentId)); !ok || !a.IsBuilt() {
			continue
		}
		f := found{row: row}
		if known[row.ConnectPeerId] == nil {
			if held, ok := row.BGP(v); ok {
				f.bgp, f.routes = held, held.Routes(v, id.Account)
			}
		}
		list = append(list, f)
	}
	return list
}

// refreshNetwork brings the peers of a core network in line with the state. It tells whether sessions are to be others.
func (sp *Speaker) refreshNetwork(ctx context.Context, id state.NetworkID) (changed bool, err error) {
	known := sp.loaded[id]
	list, err := state.Look(ctx, sp.db, func(v *state.View) ([]found, error) { return readPeers(v, id, known), nil })
	if err != nil {
		return false, err
	}
	gone := map[string]*peer{}
	for name, p := range known {
		gone[name] = p
	}
	for _, f := range list {
		p := known[f.row.ConnectPeerId]
		delete(gone, f.row.ConnectPeerId)
		switch {
		case p == nil:
			p = newPeer(id, &f)
			sp.add(p, &f)
			changed = true
		case p.row != f.row && !sameSessions(p.row, f.row):
			delete(known, p.id) // as if it were another peer: what was heard goes
			sp.remove(ctx, p)
			p = newPeer(id, &found{row: f.row})
			sp.add(p, &found{row: f.row})
			changed = true
		}
		sp.mu.Lock()
		p.row = f.row
		sp.mu.Unlock()
	}
	for _, p := range gone {
		sp.remove(ctx, p)
		changed = true
	}
	if len(list) == 0 {
		return changed, nil
	}
	_, routes, err := sp.networks.Current(ctx, network.ByID(id))
	if err != nil {
		return changed, err
	}
	for _, p := range sp.loaded[id] {
		p.advertise(routes.Tables)
	}
	return changed, nil
}

func sameSessions(a, b *state.ConnectPeer) bool {
	return slices.EqualFunc(sessionsOf(nil, a), sessionsOf(nil, b), func(x, y *session) bool {
		return x.core == y.core && x.router == y.router && x.core6 == y.core6 && x.local == y.local && x.remote == y.remote
	})
}

func newPeer(id state.NetworkID, f *found) *peer {
	p := &peer{
		id: f.row.ConnectPeerId, network: id, row: f.row, export: bgp.NewExport(), stale: map[int]struct{}{},
	}
	p.sessions = sessionsOf(p, f.row)
	return p
}

// sessionsOf are the sessions of a Connect peer. IPv6 goes over the sessions of IPv4, with the addresses at the same places of the
// IPv6 block.
func sessionsOf(p *peer, row *state.ConnectPeer) (list []*session) {
	var inside6 netip.Addr
	for _, text := range row.Configuration.InsideCidrBlocks {
		if block, err := netip.ParsePrefix(text); err == nil && block.Addr().Is6() {
			inside6 = block.Masked().Addr().Next().Next()
		}
	}
	for i, b := range row.Configuration.BgpConfigurations {
		core, err1 := netip.ParseAddr(b.CoreNetworkAddress)
		router, err2 := netip.ParseAddr(b.PeerAddress)
		if i == maxSessions || err1 != nil || err2 != nil || b.CoreNetworkAsn == nil || b.PeerAsn == nil {
			continue
		}
		s := &session{
			name: row.ConnectPeerId + "/" + b.CoreNetworkAddress, at: i, peer: p, core: core, router: router, core6: inside6,
			local: uint32(*b.CoreNetworkAsn), remote: uint32(*b.PeerAsn),
		}
		if inside6.IsValid() {
			inside6 = inside6.Next()
		}
		list = append(list, s)
	}
	return list
}

// add begins to hold the sessions of a peer, with what an earlier process heard.
func (sp *Speaker) add(p *peer, f *found) {
	if sp.loaded[p.network] == nil {
		sp.loaded[p.network] = map[string]*peer{}
	}
	sp.loaded[p.network][p.id] = p
	now := sp.db.Now()
	for _, s := range p.sessions {
		s.since = now
	}
	if f.bgp != nil {
		p.restored = true
		p.routes.divide(max(1, f.bgp.Shards))
	}
	var list []network.HeardRoute
	for i := range f.routes {
		r := &f.routes[i]
		a := r.Routing()
		attrs := attributesOf(&a, p.sessions[0].router)
		var h heard
		for at := range p.sessions {
			if r.Sessions&(1<<at) != 0 {
				h[at] = attrs
			}
		}
		p.routes.set(a.Prefix, h)
		list = append(list, network.HeardRoute{Prefix: a.Prefix, Route: &a})
	}
	slices.SortFunc(list, func(a, b network.HeardRoute) int { return a.Prefix.Compare(b.Prefix) })
	sp.heard.Change(p.id, list)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.peers[p.id] = p
	for _, s := range p.sessions {
		sp.byName[s.name] = s
	}
	sp.dirty[p] = struct{}{} // there is a row from now on
	poke(sp.wake)
}

// remove ends the sessions of a peer, at the next apply, and forgets what it advertised.
func (sp *Speaker) remove(ctx context.Context, p *peer) {
	delete(sp.loaded[p.network], p.id)
	if len(sp.loaded[p.network]) == 0 {
		delete(sp.loaded, p.network)
	}
	sp.mu.Lock()
	if sp.peers[p.id] == p {
		delete(sp.peers, p.id)
	}
	for _, s := range p.sessions {
		if sp.byName[s.name] == s {
			delete(sp.byName, s.name)
		}
	}
	delete(sp.dirty, p)
	delete(sp.unsaved, p)
	sp.mu.Unlock()
	sp.heard.Forget(p.id)
	err := state.Record(ctx, sp.db, func(tx *state.Txn) error {
		if row, ok := state.ConnectPeers.Get(tx.View, p.row.Key()); ok { // else it went with the row
			tx.ForgetBGP(row)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		sp.log.Error("BGP: the sessions of a Connect peer that has none are still stored", "connect_peer", p.id, "error", err)
	}
}

// Forget removes what an earlier process left of sessions, for a server that holds none.
func Forget(ctx context.Context, db *state.DB) error {
	return state.Record(ctx, db, func(tx *state.Txn) error {
		var list []*state.ConnectPeer
		for account := range tx.Accounts() {
			for _, row := range state.ConnectPeers.Rows(tx.View, state.ConnectPeers.Of(account), "") {
				if _, ok := row.BGP(tx.View); ok {
					list = append(list, row)
				}
			}
		}
		for _, row := range list {
			tx.ForgetBGP(row)
		}
		return nil
	})
}

// restore is what a session that is about to be made has heard in an earlier process.
func (sp *Speaker) restore(s *session) (list []bgp.Change) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for prefix, h := range s.peer.routes.all() {
		if h[s.at] != nil {
			list = append(list, bgp.Change{Prefix: prefix, Attrs: h[s.at]})
		}
	}
	return list
}

// desired is the session as it is to be.
func (s *session) desired(secret Secret) bgp.Desired {
	d := bgp.Desired{Export: s.peer.export, Peer: bgp.Peer{
		Name: s.name, Local: s.sockets.local, Remote: s.sockets.remote, Namespace: s.sockets.namespace,
		LocalAS: s.local, PeerAS: s.remote, RouterID: s.core, Passive: true,
		Families: bgp.IPv4, NextHop4: s.core, NextHop6: s.core6, RestartTime: restartTime, Restarting: s.peer.restored,
		Password: secret.Password, TTLSecurity: secret.TTLSecurity, TTL: s.sockets.ttl,
	}}
	if s.core6.IsValid() {
		d.Families |= bgp.IPv6
	}
	return d
}

// restartTime is how long a router may keep routes while this server restarts.
const restartTime = 120 * time.Second

// apply makes the sessions of package bgp those of the peers, and says what cannot be had.
func (sp *Speaker) apply() {
	sp.mu.Lock()
	secrets := sp.secrets
	var peers []*peer
	for _, p := range sp.peers {
		peers = append(peers, p)
	}
	sp.mu.Unlock()
	// The oldest first: what is worked out from all of them stays as it is for those that were there.
	slices.SortFunc(peers, func(a, b *peer) int {
		return cmp.Or(a.row.CreatedAt.Time.Compare(b.row.CreatedAt.Time), strings.Compare(a.id, b.id))
	})
	problems := sp.place.arrange(peers)
	sp.untidy = true
	var list []bgp.Desired
	for _, p := range peers {
		for _, s := range p.sessions {
			if problems[p.id] != nil {
				continue
			}
			d := s.desired(secrets[p.id])
			d.MaxPrefixes = sp.db.Quota(state.QuotaPeerRoutes)
			if sp.bgp.Session(s.name) == nil {
				d.Restore = sp.restore(s)
			}
			list = append(list, d)
		}
	}
	var said []string
	for id, err := range problems {
		said = append(said, fmt.Sprintf("Connect peer %s: %v", id, err))
	}
	slices.Sort(said)
	if err := sp.bgp.Apply(list); err != nil {
		said = append(said, err.Error())
	}
	sp.mu.Lock()
	for _, p := range peers {
		for _, s := range p.sessions {
			if s.problem = ""; problems[p.id] != nil {
				s.problem = problems[p.id].Error()
			}
		}
	}
	sp.mu.Unlock()
	if text := strings.Join(said, "\n"); text != sp.said {
		if sp.said = text; text != "" {
			sp.log.Error("BGP: sessions cannot be held", "error", text)
		}
	}
}
