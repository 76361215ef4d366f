package speaker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"

	"portolan/internal/bgp"
	"portolan/internal/state"
	"portolan/routing"
)

// noSockets refuses every peer its sockets, so that nothing is opened: tests play the part of package bgp.
type noSockets struct{}

func (noSockets) arrange(peers []*peer) map[*session]error {
	problems := map[*session]error{}
	for _, p := range peers {
		for _, s := range p.sessions {
			problems[s] = errors.New("a test")
		}
	}
	return problems
}

func (noSockets) tidy()  {}
func (noSockets) close() {}

// Disconnect makes the speaker open no sockets.
func (sp *Speaker) Disconnect() { sp.place = noSockets{} }

// ListenWith makes the speaker open its sockets so.
func (sp *Speaker) ListenWith(listen func(namespace string, local netip.AddrPort) (net.Listener, error)) {
	sp.bgp.Listen = listen
}

// RefreshAll, Flush and Save are what Run does, one step at a time.
func (sp *Speaker) RefreshAll(ctx context.Context) { sp.refreshAll(ctx) }
func (sp *Speaker) Flush(ctx context.Context)      { sp.flush(ctx) }
func (sp *Speaker) Save(ctx context.Context)       { sp.save(ctx) }

// SaveSome is the part of Save that Run does at once.
func (sp *Speaker) SaveSome(ctx context.Context) (more bool) { return sp.saveSome(ctx) }

// Copied are the routes of a peer as another server has them.
func (sp *Speaker) Copied(peer string) []routing.Announcement {
	list, _ := state.Look(context.Background(), sp.db, func(v *state.View) ([]routing.Announcement, error) {
		network := sp.peers[peer].network
		b, _ := state.BGPOf(v, network, peer)
		return b.Announcements(v, network.Account), nil
	})
	return list
}

// Stub is a session that is not started, under the name of one of the speaker's.
func (sp *Speaker) Stub(peer string, at int) *bgp.Session {
	s := sp.peer(peer).sessions[at]
	b, err := bgp.NewSession(bgp.Peer{
		Name: s.name, RouterID: identifier(s.core), LocalAS: s.local, PeerAS: s.remote, Families: bgp.IPv4 | bgp.IPv6, NextHop4: s.core, NextHop6: s.core6, Passive: true,
	}, s.peer.export, sp, nil)
	if err != nil {
		panic(err)
	}
	return b
}

// Exported is what the sessions of a peer advertise.
func (sp *Speaker) Exported(peer string) []bgp.Route { return sp.peer(peer).export.Routes(0) }

func (sp *Speaker) peer(id string) *peer {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return sp.peers[id]
}

// Restored is the number of routes that a session is made with.
func (sp *Speaker) Restored(peer string, at int) int {
	return len(sp.restore(sp.peers[peer].sessions[at]))
}

// Shards is the number of parts that the routes of a peer are stored in.
func (sp *Speaker) Shards(peer string) int { return max(1, len(sp.peers[peer].routes.parts)) }

// RecordedNetns is a placement whose commands are recorded.
func RecordedNetns(run func(args ...string) error) *netns {
	n := newNetns(slog.New(slog.DiscardHandler))
	n.ip = run
	n.gre = func(string, string, netip.Addr) (*bgp.GREEndpoint, error) { return nil, errors.New("no TUN") }
	return n
}

// PlacedHere is the placement of the mode.
func PlacedHere() placement { return here{} }

// HeldBy makes the speaker that of a server which holds no sessions, as another one does.
func (sp *Speaker) HeldBy(server string) {
	sp.shared = func(context.Context) (string, error) { return server, nil }
	sp.leave()
}

// Tidy removes what peers had that are gone.
func Tidy(n *netns) { n.tidy() }

// Arrange is the problems of a placement with sessions of the speaker, by name.
func (sp *Speaker) Arrange(n placement) map[string]error {
	var list []*peer
	for _, p := range sp.peers {
		list = append(list, p)
	}
	slices.SortFunc(list, (*peer).compare)
	problems := map[string]error{}
	for s, err := range n.arrange(list) {
		problems[s.name] = err
	}
	return problems
}

// Apply makes the sessions, or says why not.
func (sp *Speaker) Apply() { sp.apply() }

// Unsaved is how many peers have routes that are not stored yet.
func (sp *Speaker) Unsaved() int {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return len(sp.unsaved)
}

// Reports is how many changes of what was heard, or of sessions, the state has.
func (sp *Speaker) Reports() (n uint64) {
	_, _ = state.Look(context.Background(), sp.db, func(v *state.View) (struct{}, error) {
		sp.mu.Lock()
		ids := slices.Collect(maps.Keys(sp.peers))
		sp.mu.Unlock()
		for _, id := range ids {
			if row, ok := state.ConnectPeers.ByID(v, id); ok {
				if b, ok := row.BGP(v); ok {
					n += b.Version
				}
			}
		}
		return struct{}{}, nil
	})
	return n
}
