package state

import (
	"fmt"
	"slices"

	"portolan/internal/order"
	"portolan/internal/store"
	"portolan/routing"
)

// PeerBGP is what has become of the BGP sessions of a Connect peer, or of a Site-to-Site VPN attachment, as long as a server holds
// them. Its version moves with every change of the routes that were heard, which are in memory.
type PeerBGP struct {
	ID            string       `json:"ID"` // of the Connect peer or the attachment
	CoreNetworkId string       `json:"CoreNetworkId"`
	Version       uint64       `json:"Version"`
	Shards        int          `json:"Shards,omitzero"`   // of HeardRoutes
	Dividing      int          `json:"Dividing,omitzero"` // into so many parts, some of which are stored; 0: all are what Shards says
	Heard         int          `json:"Heard,omitzero"`    // prefixes
	Sessions      []BGPSession `json:"Sessions"`
}

// BGPSession is one session.
type BGPSession struct {
	CoreNetworkAddress string `json:"CoreNetworkAddress"`
	Up                 bool   `json:"Up,omitzero"`
	Since              Time   `json:"Since"`
	Reason             string `json:"Reason,omitzero"` // why it was last down, or cannot be held

	Tunnel BGPTunnel `json:"Tunnel,omitzero"` // of a VPN attachment
}

// BGPTunnel is what the session in a VPN tunnel is made of. The catalog knows it, and it is kept for when that cannot be asked.
type BGPTunnel struct {
	OutsideIP      string `json:"OutsideIp"`
	PeerAddress    string `json:"PeerAddress"`
	CoreNetworkAsn uint32 `json:"CoreNetworkAsn"`
	PeerAsn        uint32 `json:"PeerAsn"`
}

// HeardRoutes is a part of the routes that a peer has advertised, as they were lately: a server that starts goes on
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
	PeerBGPs = Members[*PeerBGP]{plainTable(store.Schema[*PeerBGP]{
		Name:  "connect-peer-bgp",
		Touch: func(key string, r *PeerBGP) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
	})}
	heardRoutes = Members[*HeardRoutes]{plainTable(store.Schema[*HeardRoutes]{Name: "heard-routes"})}
)

// BGPOf is the sessions of a Connect peer or a VPN attachment of a core network; false: no server holds any.
func BGPOf(v *View, n NetworkID, id string) (*PeerBGP, bool) {
	return PeerBGPs.Get(v, PeerBGPs.Key(n.Account, n.ID, id))
}

// BGP is the sessions of a Connect peer; false: no server holds any.
func (r *ConnectPeer) BGP(v *View) (*PeerBGP, bool) {
	return BGPOf(v, NetworkID{r.OwnerAccountId, r.CoreNetworkId}, r.ConnectPeerId)
}

// BGP is the sessions of a VPN attachment; false: no server holds any.
func (r *Attachment) BGP(v *View) (*PeerBGP, bool) {
	return BGPOf(v, NetworkID{r.NetworkOwner(), r.CoreNetworkId}, r.AttachmentId)
}

// OutsideIPs are the outside addresses of the VPN tunnels that the sessions are in.
func (b *PeerBGP) OutsideIPs() map[string]bool {
	set := map[string]bool{}
	for i := range b.Sessions {
		set[b.Sessions[i].Tunnel.OutsideIP] = true
	}
	return set
}

// Speaks tells whether there is a Connect peer, or an attachment to a core network, of an id.
func (v *View) Speaks(n NetworkID, id string) bool {
	if _, ok := ConnectPeers.ByID(v, id); ok {
		return true
	}
	_, ok := Attachments.Get(v, Attachments.Key(n.Account, n.ID, id))
	return ok
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

// Routes reads what a peer had advertised, in order of prefix.
func (b *PeerBGP) Routes(v *View, account string) (list []HeardRoute) {
	for shard := range b.Shards {
		if part, ok := heardRoutes.Get(v, heardRoutes.Key(account, b.CoreNetworkId, shardID(b.ID, shard))); ok {
			list = append(list, part.Routes...)
		}
	}
	byPrefix := func(x, y HeardRoute) int { return x.Prefix.Compare(y.Prefix) }
	if b.Dividing == 0 {
		order.Sort(list, byPrefix)
		return list
	}
	// A route may be in an old part and in a new one. The new ones are stored from the last one on where there are to be more parts,
	// from the first one on where there are to be fewer.
	if b.Dividing == b.Shards {
		slices.Reverse(list)
	}
	order.Stable(list, byPrefix)
	return slices.CompactFunc(list, func(x, y HeardRoute) bool { return x.Prefix == y.Prefix })
}

// Announcements are those routes as routes are computed from them, in order of prefix.
func (b *PeerBGP) Announcements(v *View, account string) []routing.Announcement {
	routes := b.Routes(v, account)
	list := make([]routing.Announcement, len(routes))
	for i := range routes {
		list[i] = routes[i].Routing()
	}
	return list
}

// PutShard stores one part of what a peer advertises; without routes there is none.
func (b *PeerBGP) PutShard(tx *Txn, account string, shard int, routes []HeardRoute) {
	key := heardRoutes.Key(account, b.CoreNetworkId, shardID(b.ID, shard))
	if len(routes) == 0 {
		heardRoutes.Delete(tx, key)
		return
	}
	heardRoutes.Put(tx, key, &HeardRoutes{CoreNetworkId: b.CoreNetworkId, Routes: routes})
}

// ForgetBGP removes what is stored of the sessions of a Connect peer or a VPN attachment. Those that are up go down.
func (tx *Txn) ForgetBGP(n NetworkID, id string) {
	b, ok := BGPOf(tx.View, n, id)
	if !ok {
		return
	}
	for i := range b.Sessions {
		if b.Sessions[i].Up {
			tx.BGPStatus(n, id, &b.Sessions[i], false)
		}
	}
	for shard := range b.Shards {
		b.PutShard(tx, n.Account, shard, nil)
	}
	PeerBGPs.Delete(tx, PeerBGPs.Key(n.Account, n.ID, id))
}

// Routing is the route as routes are computed from it.
func (r *HeardRoute) Routing() routing.Announcement { return routing.Announcement(r.Announcement) }
