package speaker

import (
	"cmp"
	"context"
	"hash/fnv"
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

// identity is who has sessions with a core network: a Connect peer, or a Site-to-Site VPN attachment.
type identity struct {
	id, edge string
	network  state.NetworkID
	created  time.Time
	connect  *state.ConnectPeer // nil: a VPN attachment
	problem  string             // why it can have no sessions
}

// gre tells whether the sessions go through a GRE tunnel.
func (i *identity) gre() bool {
	return i.connect != nil && i.connect.Configuration.Protocol == api.TunnelProtocolGre
}

// peer is a Connect peer, or a VPN attachment, whose sessions are held. A Connect peer is one router and two addresses of the core
// network, a VPN attachment has two addresses on each side.
type peer struct {
	identity // of Run alone, which changes it under the lock of the Speaker
	sessions []*session
	export   *bgp.Export
	tables   *routing.Tables // that export advertises
	restored bool            // an earlier process held the sessions
	turn     uint64          // how many peers of the id came before, with other sessions

	// Under the lock of the Speaker.
	routes   heardRoutes
	changed  []netip.Prefix   // since the last report, some more than once
	distinct int              // of the first of them: how many there were when each was there once
	moved    bool             // a report of other routes could not be stored
	stale    map[int]struct{} // shards that differ from what is stored
	dividing bool             // into another number of shards than is stored
	upward   bool             // they are stored from the first one on
}

// heard is what each session has brought for a prefix.
type heard [maxSessions]*bgp.Attributes

// maxSessions is how many sessions a peer has.
const maxSessions = 2

// session is one session of a peer.
type session struct {
	name    string
	at      int // among those of the peer
	peer    *peer
	core    netip.Addr // of the core network
	router  netip.Addr
	core6   netip.Addr // the next hop of IPv6; not valid: the session has none
	local   uint32     // AS numbers
	remote  uint32
	outside string // address of the VPN tunnel; "": none

	sockets sockets // of Run alone

	// Under the lock of the Speaker.
	up        bool
	since     time.Time
	reason    string
	problem   string    // why it cannot have its sockets
	problemAt time.Time // since when

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

// found is a peer in the state, and what an earlier process left.
type found struct {
	identity
	sessions []*session
	vpn      *state.Attachment // whose VPN connection tells the sessions
	local    uint32            // ASN of the edge
	bgp      *state.PeerBGP
	routes   []state.HeardRoute
}

// readPeers reads the peers of a core network that are to have sessions. Of those that are not known yet it reads the routes, too.
// Sessions of VPN attachments are left to [Speaker.ask].
func readPeers(v *state.View, id state.NetworkID, known map[string]*peer, vpns *vpnList) (list []found) {
	for _, row := range state.ConnectPeers.Rows(v, state.ConnectPeers.OnCoreNetwork(id.Account, id.ID), "") {
		if row.State != api.ConnectPeerStateAvailable || row.Configuration == nil || len(row.Configuration.BgpConfigurations) == 0 {
			continue
		}
		if a, ok := state.Attachments.Get(v, state.Attachments.Key(id.Account, id.ID, row.ConnectAttachmentId)); !ok || !a.IsBuilt() {
			continue
		}
		f := connectPeer(row)
		if p := known[f.id]; p != nil && p.connect == row {
			f.sessions = p.sessions
		} else {
			f.sessions = sessionsOf(row)
		}
		list = append(list, f)
	}
	if network, ok := state.CoreNetworks.Get(v, state.CoreNetworks.Key(id.Account, id.ID)); ok {
		list = append(list, vpns.read(v, network)...)
	} else {
		*vpns = vpnList{}
	}
	for i := range list {
		f := &list[i]
		if known[f.id] != nil {
			continue
		}
		if held, ok := state.BGPOf(v, id, f.id); ok {
			f.bgp, f.routes = held, held.Routes(v, id.Account)
		}
	}
	return list
}

func connectPeer(row *state.ConnectPeer) found {
	return found{identity: identity{
		id: row.ConnectPeerId, edge: row.EdgeLocation, network: state.NetworkID{Account: row.OwnerAccountId, ID: row.CoreNetworkId},
		created: row.CreatedAt.Time, connect: row,
	}}
}

func vpnAttachment(n state.NetworkID, row *state.Attachment) found {
	return found{identity: identity{id: row.AttachmentId, edge: row.EdgeLocation, network: n, created: row.CreatedAt.Time}}
}

// refreshNetwork brings the peers of a core network in line with the state. It tells whether sessions are to be others.
func (sp *Speaker) refreshNetwork(ctx context.Context, id state.NetworkID) (changed bool, err error) {
	known, vpns := sp.loaded[id], sp.vpns[id]
	if vpns == nil {
		vpns = &vpnList{}
		sp.vpns[id] = vpns
	}
	list, err := state.Look(ctx, sp.db, func(v *state.View) ([]found, error) { return readPeers(v, id, known, vpns), nil })
	if err != nil {
		return false, err
	}
	list = slices.DeleteFunc(list, func(f found) bool { return len(f.sessions) == 0 && f.vpn == nil })
	if vpns.generation == 0 {
		delete(sp.vpns, id) // the core network is gone
	}
	gone := map[string]*peer{}
	for name, p := range known {
		gone[name] = p
	}
	for i := range list {
		f := &list[i]
		p := known[f.id]
		if f.vpn != nil && !sp.ask(ctx, f, p) {
			continue
		}
		delete(gone, f.id)
		switch {
		case p == nil:
			sp.add(newPeer(f), f)
			changed = true
		case !slices.EqualFunc(p.sessions, f.sessions, sameSession):
			delete(known, p.id) // as if it were another peer: what was heard goes
			changed = true
			if !sp.remove(ctx, p) {
				continue
			}
			f.bgp, f.routes = nil, nil
			next := newPeer(f)
			next.turn = p.turn + 1
			sp.add(next, f)
		default:
			changed = changed || p.problem != f.problem
			sp.mu.Lock()
			p.identity = f.identity
			sp.mu.Unlock()
		}
	}
	for _, p := range gone {
		sp.remove(ctx, p)
		changed = true
	}
	if len(sp.loaded[id]) == 0 {
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

func sameSession(x, y *session) bool {
	return x.core == y.core && x.router == y.router && x.core6 == y.core6 && x.local == y.local && x.remote == y.remote && x.outside == y.outside
}

func newPeer(f *found) *peer {
	p := &peer{
		identity: f.identity, sessions: f.sessions, export: bgp.NewExport(), stale: map[int]struct{}{},
	}
	for at, s := range p.sessions {
		s.name, s.at, s.peer = p.id+"/"+s.core.String(), at, p
	}
	return p
}

// sessionsOf are the sessions of a Connect peer. IPv6 goes over the sessions of IPv4, with the addresses at the same places of the
// IPv6 block.
func sessionsOf(row *state.ConnectPeer) (list []*session) {
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
		list = append(list, &session{core: core, router: router, core6: inside6, local: uint32(*b.CoreNetworkAsn), remote: uint32(*b.PeerAsn)})
		if inside6.IsValid() {
			inside6 = inside6.Next()
		}
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
	if f.bgp != nil && f.bgp.Dividing > 0 { // it ended while it divided them: go on
		p.routes.divide(f.bgp.Dividing)
		p.dividing, p.upward = true, f.bgp.Dividing < f.bgp.Shards
	}
	list := make([]network.HeardRoute, 0, len(f.routes))
	for i := range f.routes {
		r := &f.routes[i]
		a := r.Routing()
		var h heard
		var attrs *bgp.Attributes
		for at, s := range p.sessions {
			if r.Sessions&(1<<at) == 0 {
				continue
			}
			if attrs == nil || attrs.NextHop != s.router {
				attrs = attributesOf(&a, s.router)
			}
			h[at] = attrs
		}
		p.routes.set(a.Prefix, h)
		list = append(list, network.HeardRoute{Prefix: a.Prefix, Route: &a})
	}
	sp.heard.Change(p.id, list)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if p.dividing {
		for shard := range max(f.bgp.Shards, f.bgp.Dividing) {
			p.stale[shard] = struct{}{}
		}
		sp.unsaved[p] = struct{}{}
	}
	sp.peers[p.id] = p
	for _, s := range p.sessions {
		sp.byName[s.name] = s
	}
	sp.dirty[p] = struct{}{} // there is a row from now on
	poke(sp.wake)
}

// remove ends the sessions of a peer, at the next apply, and forgets what it advertised.
func (sp *Speaker) remove(ctx context.Context, p *peer) (ok bool) {
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
	return sp.forget(ctx, &p.identity)
}

// forget removes what is stored of the sessions of a peer. Where it cannot, it is tried again with the next look at everything.
func (sp *Speaker) forget(ctx context.Context, i *identity) (ok bool) {
	err := state.Record(ctx, sp.db, func(tx *state.Txn) error {
		tx.ForgetBGP(i.network, i.id)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		sp.missed = true
		sp.log.Error("BGP: the sessions of a peer that has none are still stored", "peer", i.id, "error", err)
	}
	return err == nil
}

// Forget removes what an earlier process left of sessions, for a server that holds none.
func Forget(ctx context.Context, db *state.DB) error {
	return state.Record(ctx, db, func(tx *state.Txn) error {
		for _, account := range slices.Collect(tx.Accounts()) {
			var list []*state.PeerBGP
			for _, b := range state.PeerBGPs.Rows(tx.View, state.PeerBGPs.Of(account), "") {
				list = append(list, b)
			}
			for _, b := range list {
				tx.ForgetBGP(state.NetworkID{Account: account, ID: b.CoreNetworkId}, b.ID)
			}
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

// unheld takes away what an earlier process heard on a session that cannot be held: nothing would ever say that it is gone. Under the
// lock of the Speaker.
func (s *session) unheld() (some bool) {
	p := s.peer
	for prefix, h := range p.routes.all() {
		if h[s.at] != nil {
			h[s.at] = nil
			p.routes.set(prefix, h)
			p.changed, some = append(p.changed, prefix), true
		}
	}
	return some
}

// desired is the session as it is to be.
func (s *session) desired(secret Secret) bgp.Desired {
	d := bgp.Desired{Export: s.peer.export, Peer: bgp.Peer{
		Name: s.name, Local: s.sockets.local, Remote: s.sockets.remote, Namespace: s.sockets.namespace,
		LocalAS: s.local, PeerAS: s.remote, RouterID: identifier(s.core), Passive: true, Turn: s.peer.turn,
		Families: bgp.IPv4 | bgp.IPv6, NextHop4: s.core, NextHop6: s.core6, RestartTime: restartTime, Restarting: s.peer.restored,
		Password: secret.Password, TTLSecurity: secret.TTLSecurity, TTL: s.sockets.ttl,
	}}
	return d
}

// identifier is the BGP identifier of a speaker with an address: one of IPv4 itself, otherwise a number of 10.0.0.0/8 that follows from it.
func identifier(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	h := fnv.New32a()
	b := a.As16()
	_, _ = h.Write(b[:])
	n := h.Sum32()
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// restartTime is how long a router may keep routes while this server restarts.
const restartTime = 120 * time.Second

// compare says who comes first where peers want the same address: the oldest, so that what is worked out from all of them stays as it
// is for those that were there. VPN attachments come last: their addresses are chosen where Connect peers are not known.
func (p *peer) compare(other *peer) int {
	if (p.connect != nil) != (other.connect != nil) {
		if p.connect != nil {
			return -1
		}
		return 1
	}
	return cmp.Or(p.created.Compare(other.created), strings.Compare(p.id, other.id))
}

// apply makes the sessions of package bgp those of the peers, and says what cannot be had.
func (sp *Speaker) apply() {
	sp.mu.Lock()
	secrets := sp.secrets
	var peers []*peer
	for _, p := range sp.peers {
		peers = append(peers, p)
	}
	sp.mu.Unlock()
	slices.SortFunc(peers, (*peer).compare)
	var able []*peer
	for _, p := range peers {
		if p.problem == "" && p.tables != nil { // else End-of-RIB would tell the router that there are no routes
			able = append(able, p)
		}
	}
	problems := sp.place.arrange(able)
	sp.untidy = true
	var list []bgp.Desired
	for _, p := range able {
		for _, s := range p.sessions {
			if problems[s] != nil {
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
	err := sp.bgp.Apply(list)
	var said []string
	now := time.Now()
	sp.mu.Lock()
	for _, p := range peers {
		for _, s := range p.sessions {
			problem := p.problem
			if problems[s] != nil {
				problem = problems[s].Error()
			}
			if problem != "" {
				said = append(said, p.id+": "+problem)
			}
			if s.problem == "" {
				s.problemAt = now
			}
			late := problem != "" && now.Sub(s.problemAt) >= restartTime
			if s.problem != problem || late && s.unheld() {
				s.problem = problem
				sp.dirty[p] = struct{}{}
				poke(sp.wake)
			}
		}
	}
	sp.mu.Unlock()
	slices.Sort(said)
	if said = slices.Compact(said); err != nil {
		said = append(said, err.Error())
	}
	if text := strings.Join(said, "\n"); text != sp.said {
		if sp.said = text; text != "" {
			sp.log.Error("BGP: sessions cannot be held", "error", text)
		}
	}
}
