package state

import (
	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// The tables of what hangs on a core network. All of it lives below the core network's owner.
var (
	Attachments = attachments{Members[*Attachment]{newTable(lifecycle.Attachment, func(r *Attachment) string { return string(r.State) }, store.Schema[*Attachment]{
		Name:  "attachment",
		Count: func(key string, _ *Attachment) string { return counter(key, 1) },
		Touch: func(key string, r *Attachment) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Indexes: []store.Index[*Attachment]{
			{Name: "id", Keys: func(_ string, r *Attachment) []string { return []string{idKey(r.AttachmentId)} }},
			{Name: "transport", Keys: func(key string, r *Attachment) []string {
				return entry(key, "transport", 0, r.TransportAttachmentId)
			}},
			{Name: "resource", Keys: func(_ string, r *Attachment) []string {
				return []string{resourceKey(r.ResourceArn) + store.Path(r.AttachmentId)}
			}},
			{Name: "guest", Keys: func(key string, r *Attachment) []string {
				return guestEntry(key, "attachment", r.OwnerAccountId, r.CoreNetworkId, r.AttachmentId)
			}},
			{Name: "dx-gateway", Keys: func(key string, r *Attachment) []string {
				if r.AttachmentType != api.AttachmentTypeDirectConnectGateway {
					return nil
				}
				return entry(key, "dx-gateway", 1, r.ResourceArn)
			}},
			{Name: "peering", Keys: func(key string, r *Attachment) []string { return entry(key, "peering", 0, r.PeeringId) }},
			{Name: "group", Keys: func(key string, r *Attachment) []string {
				return entry(key, "group", 1, r.NetworkFunctionGroupName)
			}},
		},
	})}}
	Peerings = peerings{Members[*Peering]{newTable(lifecycle.Peering, func(r *Peering) string { return string(r.State) }, store.Schema[*Peering]{
		Name:  "peering",
		Count: func(key string, _ *Peering) string { return counter(key, 1) },
		Indexes: []store.Index[*Peering]{
			{Name: "id", Keys: func(_ string, r *Peering) []string { return []string{idKey(r.PeeringId)} }},
			{Name: "gateway", Keys: func(key string, r *Peering) []string { return entry(key, "gateway", 1, r.ResourceArn) }},
			{Name: "guest", Keys: func(key string, r *Peering) []string {
				return guestEntry(key, "peering", r.OwnerAccountId, r.CoreNetworkId, r.PeeringId)
			}},
		},
	})}}
	ConnectPeers = connectPeers{Members[*ConnectPeer]{newTable(lifecycle.ConnectPeer, func(r *ConnectPeer) string { return string(r.State) }, store.Schema[*ConnectPeer]{
		Name:  "connect-peer",
		Count: func(key string, _ *ConnectPeer) string { return counter(key, 1) },
		Touch: func(key string, r *ConnectPeer) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Indexes: []store.Index[*ConnectPeer]{
			{Name: "id", Keys: func(_ string, r *ConnectPeer) []string { return []string{idKey(r.ConnectPeerId)} }},
			{Name: "core-network", Keys: func(key string, r *ConnectPeer) []string {
				return entry(key, "core-network", 0, r.CoreNetworkId)
			}},
			{Name: "edge", Keys: func(key string, r *ConnectPeer) []string {
				return entry(key, "edge", 0, r.CoreNetworkId, r.EdgeLocation)
			}},
		},
	})}}
	Announcements = Members[*AnnouncementSet]{plainTable(store.Schema[*AnnouncementSet]{
		Name:  "announcements",
		Touch: func(key string, r *AnnouncementSet) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
	})}
)

// Key is where an attachment is.
func (r *Attachment) Key() Key[*Attachment] {
	return Attachments.Key(r.NetworkOwner(), r.CoreNetworkId, r.AttachmentId)
}

// NetworkOwner is the account of the core network that an attachment is on.
func (r *Attachment) NetworkOwner() string { return AccountOf(r.CoreNetworkArn) }

// ARN is the ARN by which an attachment is tagged. It carries the account of the core network's owner.
func (r *Attachment) ARN() string { return Sibling(r.CoreNetworkArn, "attachment", r.AttachmentId) }

// Edges are the locations of an attachment: one, or several for a Direct Connect gateway.
func (r *Attachment) Edges() []string {
	if len(r.EdgeLocations) > 0 {
		return r.EdgeLocations
	}
	return []string{r.EdgeLocation}
}

// IsLive tells whether an attachment takes the place it has and the resource it is for.
func (r *Attachment) IsLive() bool {
	return r.State != api.AttachmentStateRejected && r.State != api.AttachmentStateFailed
}

// IsBuilt tells whether an attachment has been built and is there to stay.
func (r *Attachment) IsBuilt() bool {
	switch r.State {
	case api.AttachmentStateAvailable, api.AttachmentStateUpdating, api.AttachmentStatePendingNetworkUpdate, api.AttachmentStatePendingTagAcceptance:
		return true
	}
	return false
}

type attachments struct{ Members[*Attachment] }

// ByID finds an attachment in whichever account it lives.
func (t *attachments) ByID(v *View, id string) (*Attachment, bool) { return t.byID(v, id) }

// Within are the attachments on a core network of the account, or on all of them when none is named.
func (t *attachments) Within(account string, coreNetwork *string) Range[*Attachment] {
	return within(&t.Members, account, coreNetwork)
}

// Guests are the attachments that an account made on the core networks of others, on one of them or all.
func (t *attachments) Guests(account string, coreNetwork *string) Range[*Attachment] {
	return guests[*Attachment](account, "attachment", coreNetwork)
}

// OverTransport are the Connect attachments that run over an attachment.
func (t *attachments) OverTransport(account, attachment string) Range[*Attachment] {
	return indexed[*Attachment](accountKey(account, "attachment.transport", attachment))
}

// OverPeering are the attachments of route tables over a peering.
func (t *attachments) OverPeering(account, peering string) Range[*Attachment] {
	return indexed[*Attachment](accountKey(account, "attachment.peering", peering))
}

// OfResource are the attachments of a resource outside, the oldest first, on whosever core networks.
func (t *attachments) OfResource(resource string) Range[*Attachment] {
	return indexed[*Attachment](resourceKey(resource))
}

// InGroup are the attachments in a network function group.
func (t *attachments) InGroup(account, coreNetwork, group string) Range[*Attachment] {
	return t.index(account, "group", coreNetwork, group)
}

// OfDirectConnectGateways are those of Direct Connect gateways on a core network.
func (t *attachments) OfDirectConnectGateways(account, coreNetwork string) Range[*Attachment] {
	return t.index(account, "dx-gateway", coreNetwork)
}

// Key is where a peering is.
func (r *Peering) Key() Key[*Peering] {
	return Peerings.Key(AccountOf(r.CoreNetworkArn), r.CoreNetworkId, r.PeeringId)
}

// ARN is the ARN by which a peering is tagged. Like an attachment's it carries the account of the core network's owner.
func (r *Peering) ARN() string { return Sibling(r.CoreNetworkArn, "peering", r.PeeringId) }

// TransitGateway is the peering with the transit gateway it is with.
func (r *Peering) TransitGateway() *api.TransitGatewayPeering {
	return &api.TransitGatewayPeering{
		Peering: new(r.API()), TransitGatewayArn: r.ResourceArn, TransitGatewayPeeringAttachmentId: r.TransitGatewayPeeringAttachmentId,
	}
}

type peerings struct{ Members[*Peering] }

// ByID finds a peering in whichever account it lives.
func (t *peerings) ByID(v *View, id string) (*Peering, bool) { return t.byID(v, id) }

// Within are the peerings on a core network of the account, or on all of them when none is named.
func (t *peerings) Within(account string, coreNetwork *string) Range[*Peering] {
	return within(&t.Members, account, coreNetwork)
}

// Guests are the peerings that an account made on the core networks of others, on one of them or all.
func (t *peerings) Guests(account string, coreNetwork *string) Range[*Peering] {
	return guests[*Peering](account, "peering", coreNetwork)
}

// WithGateway are the peerings of a core network with a transit gateway.
func (t *peerings) WithGateway(account, coreNetwork, gateway string) Range[*Peering] {
	return t.index(account, "gateway", coreNetwork, gateway)
}

// Key is where a Connect peer is.
func (r *ConnectPeer) Key() Key[*ConnectPeer] {
	return ConnectPeers.Key(r.OwnerAccountId, r.ConnectAttachmentId, r.ConnectPeerId)
}

// connectPeers are by the attachment that each is on.
type connectPeers struct{ Members[*ConnectPeer] }

// ByID finds a Connect peer in whichever account it lives.
func (t *connectPeers) ByID(v *View, id string) (*ConnectPeer, bool) { return t.byID(v, id) }

// OnCoreNetwork are the Connect peers of a core network.
func (t *connectPeers) OnCoreNetwork(account, coreNetwork string) Range[*ConnectPeer] {
	return indexed[*ConnectPeer](accountKey(account, "connect-peer.core-network", coreNetwork))
}

// AtEdge are the Connect peers at an edge of a core network.
func (t *connectPeers) AtEdge(account, coreNetwork, location string) Range[*ConnectPeer] {
	return indexed[*ConnectPeer](accountKey(account, "connect-peer.edge", coreNetwork, location))
}

// AnnouncementSet is what an attachment or a Connect peer announces: the content of a BGP session that nobody holds
// with this server.
type AnnouncementSet struct {
	ID            string         `json:"ID"`
	CoreNetworkId string         `json:"CoreNetworkId"`
	UpdatedAt     Time           `json:"UpdatedAt"`
	Announcements []Announcement `json:"Announcements"`
}

func within[R any](t *Members[R], account string, parent *string) Range[R] {
	if parent == nil {
		return t.Of(account)
	}
	return t.In(account, *parent)
}

func guests[R any](account, table string, coreNetwork *string) Range[R] {
	if coreNetwork == nil {
		return indexed[R](accountKey(account, table+".guest"))
	}
	return indexed[R](accountKey(account, table+".guest", *coreNetwork))
}

// Put stores an attachment whose state stays as it is, and the events of what has changed.
func (t *attachments) Put(tx *Txn, row *Attachment) {
	old, _ := t.Get(tx.View, row.Key())
	t.Table.Put(tx, row.Key(), row)
	tx.attachmentChanged(old, row)
}

// Save stores an attachment that has just entered its state, and the events of what has changed.
func (t *attachments) Save(tx *Txn, row *Attachment) {
	old, _ := t.Get(tx.View, row.Key())
	t.Table.Save(tx, row.Key(), row)
	tx.attachmentChanged(old, row)
}

// Import stores an attachment that was there before this server: nothing has happened.
func (t *attachments) Import(tx *Txn, row *Attachment) { t.Table.Save(tx, row.Key(), row) }

// Delete removes an attachment with what it announces.
func (t *attachments) Delete(tx *Txn, row *Attachment) {
	t.Table.Delete(tx, row.Key())
	Announcements.Delete(tx, Announcements.Key(row.NetworkOwner(), row.CoreNetworkId, row.AttachmentId))
	tx.attachmentChanged(row, nil)
}
