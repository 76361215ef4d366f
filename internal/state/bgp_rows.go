package state

import (
	"fmt"
	"slices"

	"portolan/internal/store"
	"portolan/routing"
)

// ConnectPeerBGP is what has become of the BGP sessions of a Connect peer, as long as a server holds them. Its version moves
// with every change of the routes that were heard, which are in memory.
type ConnectPeerBGP struct {
	ID            string       `json:"ID"`
	CoreNetworkId string       `json:"CoreNetworkId"`
	Version       uint64       `json:"Version"`
	Shards        int          `json:"Shards,omitzero"` // of HeardRoutes
	Heard         int          `json:"Heard,omitzero"`  // prefixes
	Sessions      []BGPSession `json:"Sessions"`
}

// BGPSession is one session of a Connect peer.
type BGPSession struct {
	CoreNetworkAddress string `json:"CoreNetworkAddress"`
	Up                 bool   `json:"Up,omitzero"`
	Since              Time   `json:"Since"`
	Reason             string `json:"Reason,omitzero"` // why it was last down
}

// HeardRoutes is a part of the routes that a Connect peer has advertised, as they were lately: a server that starts goes on
// from them until the peer has advertised its routes again.
type HeardRoutes struct {
	CoreNetworkId string       `json:"CoreNetworkId"`
	Routes        []HeardRoute `json:"Routes"`
}

// HeardRoute is a route, and on which sessions it was heard: bit 0 is the first one.
type HeardRoute struct {
	Announcement `json:",inline"`
	Sessions     uint8 `json:"sessions"`
}

// Tables of BGP sessions.
var (
	ConnectPeerBGPs = Members[*ConnectPeerBGP]{plainTable(store.Schema[*ConnectPeerBGP]{
		Name:  "connect-peer-bgp",
		Touch: func(key string, r *ConnectPeerBGP) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
	})}
	heardRoutes = Members[*HeardRoutes]{plainTable(store.Schema[*HeardRoutes]{Name: "heard-routes"})}
)

// BGP is the sessions of a Connect peer; false: no server holds any.
func (r *ConnectPeer) BGP(v *View) (*ConnectPeerBGP, bool) {
	return ConnectPeerBGPs.Get(v, ConnectPeerBGPs.Key(r.OwnerAccountId, r.CoreNetworkId, r.ConnectPeerId))
}

// Sessions are the BGP sessions of a Connect peer; false: this server holds none, nor does another that shares the state. Those that
// the server has not begun to hold are down.
func (r *ConnectPeer) Sessions(v *View) (list []BGPSession, held bool) {
	if b, ok := r.BGP(v); ok {
		return b.Sessions, true
	}
	if !v.db.bgp || r.Configuration == nil {
		return nil, v.db.bgp
	}
	for _, c := range r.Configuration.BgpConfigurations {
		list = append(list, BGPSession{CoreNetworkAddress: c.CoreNetworkAddress, Since: r.CreatedAt})
	}
	return list, true
}

func shardID(peer string, shard int) string { return fmt.Sprintf("%s.%04d", peer, shard) }

// Routes reads what a Connect peer had advertised.
func (b *ConnectPeerBGP) Routes(v *View, account string) (list []HeardRoute) {
	for shard := range b.Shards {
		if part, ok := heardRoutes.Get(v, heardRoutes.Key(account, b.CoreNetworkId, shardID(b.ID, shard))); ok {
			list = append(list, part.Routes...)
		}
	}
	return list
}

// Announcements are those routes as routes are computed from them, in order of prefix.
func (b *ConnectPeerBGP) Announcements(v *View, account string) []routing.Announcement {
	routes := b.Routes(v, account)
	list := make([]routing.Announcement, len(routes))
	for i := range routes {
		list[i] = routes[i].Routing()
	}
	slices.SortFunc(list, func(x, y routing.Announcement) int { return x.Prefix.Compare(y.Prefix) })
	return list
}

// PutShard stores one part of what a Connect peer advertises; without routes there is none.
func (b *ConnectPeerBGP) PutShard(tx *Txn, account string, shard int, routes []HeardRoute) {
	key := heardRoutes.Key(account, b.CoreNetworkId, shardID(b.ID, shard))
	if len(routes) == 0 {
		heardRoutes.Delete(tx, key)
		return
	}
	heardRoutes.Put(tx, key, &HeardRoutes{CoreNetworkId: b.CoreNetworkId, Routes: routes})
}

// ForgetBGP removes what is stored of the sessions of a Connect peer. Those that are up go down.
func (tx *Txn) ForgetBGP(peer *ConnectPeer) {
	b, ok := peer.BGP(tx.View)
	if !ok {
		return
	}
	for _, s := range b.Sessions {
		if s.Up {
			tx.ConnectPeerStatus(peer, false, s.CoreNetworkAddress)
		}
	}
	for shard := range b.Shards {
		b.PutShard(tx, peer.OwnerAccountId, shard, nil)
	}
	ConnectPeerBGPs.Delete(tx, ConnectPeerBGPs.Key(peer.OwnerAccountId, peer.CoreNetworkId, peer.ConnectPeerId))
}

// Routing is the route as routes are computed from it.
func (r *HeardRoute) Routing() routing.Announcement { return routing.Announcement(r.Announcement) }
