// Package inventory is a global network as resources and relations: its own objects, those of its core network, and what
// registered transit gateways and associated customer gateways lead to. AWS fills it from Describe calls; here it is
// read off the state itself, so it is never behind.
//
// The catalog is asked before the state is read. It must not know which operation shows what.
package inventory

import (
	"iter"

	"portolan/api"
	"portolan/internal/state"
)

// Inventory is a global network of the caller's in one look at the state.
type Inventory struct {
	*state.View
	gn       string
	core     *state.CoreNetwork // nil when the global network has none
	external *External
}

// Of is the inventory of a global network, with what the catalog was found to know of it.
func Of(v *state.View, gn string, external *External) *Inventory {
	in := &Inventory{View: v, gn: gn, external: external}
	for _, row := range state.CoreNetworks.Rows(v, state.CoreNetworks.In(v.Caller.Account, gn), "") {
		in.core = row
	}
	return in
}

// Item is one resource with the ARNs it is related to.
type Item struct {
	api.NetworkResource
	define  func() []byte
	relate  func() []relation // what goes before related, made when it is asked for; nil for nothing
	related []relation
}

// relations are all relations of a resource.
func (item *Item) relations() []relation {
	if item.relate == nil {
		return item.related
	}
	return append(item.relate(), item.related...)
}

// relation walks ARNs that a resource is related to, in a stable order.
type relation func(in *Inventory) iter.Seq[string]

// family is the resources of one type, in the order of their keys.
type family struct {
	resourceType string
	walk         walkFamily
}

type walkFamily func(in *Inventory, after string) iter.Seq2[string, *Item]

// VPCType names what appears in relationships only: AWS has no resource of that type in the inventory.
const VPCType = "vpc"

// families is in the order lists show them.
var families = []family{
	{"attachment", walkAttachments},
	{"connect-peer", walkConnectPeers},
	{"connection", ownFamily(&state.Connections, showConnection, func(r *state.Connection) []byte { shown := r.API(); return shown.AppendJSON(nil) })},
	{"core-network", walkCoreNetwork},
	{"customer-gateway", externalFamily("customer-gateway", &state.CustomerGatewayAssociations, showCustomerGateway)},
	{"device", ownFamily(&state.Devices, showDevice, func(r *state.Device) []byte { shown := r.API(); return shown.AppendJSON(nil) })},
	{"dx-gateway", attachedFamily("dx-gateway", api.AttachmentTypeDirectConnectGateway)},
	{"link", ownFamily(&state.Links, showLink, func(r *state.Link) []byte { shown := r.API(); return shown.AppendJSON(nil) })},
	{"peering", walkPeerings},
	{"site", ownFamily(&state.Sites, showSite, func(r *state.Site) []byte { shown := r.API(); return shown.AppendJSON(nil) })},
	{"transit-gateway", externalFamily("transit-gateway", &state.TransitGatewayRegistrations, showTransitGateway)},
	{"transit-gateway-attachment", func(*Inventory, string) iter.Seq2[string, *Item] { return none }},
	{"transit-gateway-connect-peer", externalFamily("transit-gateway-connect-peer", &state.TransitGatewayConnectPeerAssociations, showTGWConnectPeer)},
	{"transit-gateway-route-table", attachedFamily("transit-gateway-route-table", api.AttachmentTypeTransitGatewayRouteTable)},
	{VPCType, attachedFamily(VPCType, api.AttachmentTypeVpc)},
	{"vpn-connection", attachedFamily("vpn-connection", api.AttachmentTypeSiteToSiteVpn)},
}

// table is a table of rows below a global network.
type table[R any] interface {
	rows[R]
	In(account, gn string) state.Range[R]
}

// ownFamily is a table of the global network's own objects.
func ownFamily[R any](t table[R], show func(in *Inventory, row R) Item, define func(R) []byte) walkFamily {
	return func(in *Inventory, after string) iter.Seq2[string, *Item] {
		return mapRows(t.Rows(in.View, t.In(in.Caller.Account, in.gn), after), func(row R) *Item {
			item := show(in, row)
			item.AccountId = in.Caller.Account
			item.define = func() []byte { return define(row) }
			return &item
		})
	}
}

// externalFamily is things of EC2 that a table points at. What EC2 says of them is not known here.
func externalFamily[R any](resourceType string, t table[R], show func(in *Inventory, row R) (Item, bool)) walkFamily {
	return func(in *Inventory, after string) iter.Seq2[string, *Item] {
		return mapRows(t.Rows(in.View, t.In(in.Caller.Account, in.gn), after), func(row R) *Item {
			item, ok := show(in, row)
			if !ok {
				return nil
			}
			item.nameBy(resourceType, item.ResourceArn)
			return &item
		})
	}
}

// attachedFamily is what attachments of a type stand for. What several attachments stand for, such as a VPN connection
// that was attached once more, is one resource: it has the place of the first.
func attachedFamily(resourceType string, kind api.AttachmentType) walkFamily {
	return func(in *Inventory, after string) iter.Seq2[string, *Item] {
		if in.core == nil {
			return none
		}
		rows := state.Attachments.Rows(in.View, state.Attachments.In(in.Caller.Account, in.core.CoreNetworkId), after)
		return mapRows(rows, func(row *state.Attachment) *Item {
			if row.AttachmentType != kind || standsFor(row) == "" || !in.isFirst(row) {
				return nil
			}
			item := &Item{related: []relation{attachmentsFor(row.ResourceArn)}}
			item.nameBy(resourceType, row.ResourceArn)
			item.CoreNetworkId = row.CoreNetworkId
			return item
		})
	}
}

// isFirst tells whether no other attachment of the core network that stands for the same resource comes before.
func (in *Inventory) isFirst(row *state.Attachment) bool {
	for arn := range attachmentsFor(row.ResourceArn)(in) {
		return arn == row.ARN()
	}
	return false
}

// attachmentsFor is the relation of a resource to the attachments of the core network that stand for it.
func attachmentsFor(resource string) relation {
	return func(in *Inventory) iter.Seq[string] {
		return func(yield func(string) bool) {
			for _, a := range state.Attachments.Rows(in.View, state.Attachments.OfResource(resource), "") {
				if a.CoreNetworkId == in.core.CoreNetworkId && standsFor(a) != "" && !yield(a.ARN()) {
					return
				}
			}
		}
	}
}

// nameBy fills in what an ARN tells.
func (item *Item) nameBy(resourceType, text string) {
	a, _ := state.ParseARN(text)
	item.ResourceType, item.ResourceArn, item.ResourceId, item.AwsRegion, item.AccountId = resourceType, text, a.ID(), a.Region, a.Account
}

// mapRows turns rows into items; nil leaves one out.
func mapRows[R any](rows iter.Seq2[string, R], item func(R) *Item) iter.Seq2[string, *Item] {
	return func(yield func(string, *Item) bool) {
		for key, row := range rows {
			if it := item(row); it != nil && !yield(key, it) {
				return
			}
		}
	}
}

func ownResource(resourceType, id, arn string, tags []api.Tag) api.NetworkResource {
	return api.NetworkResource{ResourceType: resourceType, ResourceId: id, ResourceArn: arn, Tags: tags}
}

func showSite(in *Inventory, s *state.Site) Item {
	return Item{
		NetworkResource: ownResource("site", s.SiteId, s.SiteArn, s.Tags),
		relate: func() []relation {
			return []relation{
				arnsOf(&state.Devices, state.Devices.AtSite(in.Caller.Account, in.gn, s.SiteId), func(d *state.Device) string { return d.DeviceArn }),
				arnsOf(&state.Links, state.Links.AtSite(in.Caller.Account, in.gn, s.SiteId), func(l *state.Link) string { return l.LinkArn }),
			}
		},
	}
}

func showDevice(in *Inventory, d *state.Device) Item {
	account, id := in.Caller.Account, d.DeviceId
	return Item{
		NetworkResource: ownResource("device", id, d.DeviceArn, d.Tags),
		relate: func() []relation {
			return []relation{
				arnsOf(&state.Connections, state.Connections.Using(account, in.gn, id, ""), func(c *state.Connection) string { return c.ConnectionArn }),
				arnsOf(&state.CustomerGatewayAssociations, state.CustomerGatewayAssociations.Using(account, in.gn, id, ""),
					func(a *state.CustomerGatewayAssociation) string { return a.CustomerGatewayArn }),
				arnsOf(&state.LinkAssociations, state.LinkAssociations.Using(account, in.gn, id), func(a *state.LinkAssociation) string { return in.ARN("link", in.gn, a.LinkId) }),
				in.one("site", d.SiteId),
				arnsOf(&state.TransitGatewayConnectPeerAssociations, state.TransitGatewayConnectPeerAssociations.Using(account, in.gn, id, ""),
					func(a *state.TransitGatewayConnectPeerAssociation) string { return a.TransitGatewayConnectPeerArn }),
				arnsOf(&state.ConnectPeerAssociations, state.ConnectPeerAssociations.Using(account, in.gn, id, ""),
					func(a *state.ConnectPeerAssociation) string { return in.ARN("connect-peer", a.ConnectPeerId) }),
			}
		},
	}
}

func showLink(in *Inventory, l *state.Link) Item {
	return Item{
		NetworkResource: ownResource("link", l.LinkId, l.LinkArn, l.Tags),
		relate: func() []relation {
			return []relation{
				arnsOf(&state.LinkAssociations, state.LinkAssociations.Using(in.Caller.Account, in.gn, l.LinkId), func(a *state.LinkAssociation) string { return in.ARN("device", in.gn, a.DeviceId) }),
				in.one("site", l.SiteId),
			}
		},
	}
}

func showConnection(in *Inventory, c *state.Connection) Item {
	return Item{
		NetworkResource: ownResource("connection", c.ConnectionId, c.ConnectionArn, c.Tags),
		related:         []relation{in.one("device", c.DeviceId), in.one("device", c.ConnectedDeviceId)},
	}
}

func showCustomerGateway(in *Inventory, a *state.CustomerGatewayAssociation) (Item, bool) {
	return Item{
		NetworkResource: api.NetworkResource{ResourceArn: a.CustomerGatewayArn},
		related:         []relation{in.one("device", a.DeviceId)},
	}, a.State != api.CustomerGatewayAssociationStateDeleted
}

func showTGWConnectPeer(in *Inventory, a *state.TransitGatewayConnectPeerAssociation) (Item, bool) {
	return Item{
		NetworkResource: api.NetworkResource{ResourceArn: a.TransitGatewayConnectPeerArn},
		related:         []relation{in.one("device", a.DeviceId)},
	}, a.State != api.TransitGatewayConnectPeerAssociationStateDeleted
}

func showTransitGateway(_ *Inventory, r *state.TransitGatewayRegistration) (Item, bool) {
	return Item{
		NetworkResource: api.NetworkResource{RegisteredGatewayArn: r.TransitGatewayArn, ResourceArn: r.TransitGatewayArn},
		related:         []relation{behind(r.TransitGatewayArn, "transit-gateway-attachment"), behind(r.TransitGatewayArn, "transit-gateway-route-table"), peeredWith(r.TransitGatewayArn)},
	}, r.State.Code == api.TransitGatewayRegistrationStateAvailable
}

// peeredWith is the relation of a transit gateway to the peerings that the core network has with it.
func peeredWith(gateway string) relation {
	return func(in *Inventory) iter.Seq[string] {
		return func(yield func(string) bool) {
			if in.core == nil {
				return
			}
			for _, p := range state.Peerings.Rows(in.View, state.Peerings.In(in.Caller.Account, in.core.CoreNetworkId), "") {
				if p.ResourceArn == gateway && !yield(p.ARN()) {
					return
				}
			}
		}
	}
}

// behind is the relation of a transit gateway to what the catalog knows of a type on it.
func behind(gateway, resourceType string) relation {
	return func(in *Inventory) iter.Seq[string] {
		return func(yield func(string) bool) {
			for i := range in.external.items[resourceType] {
				if item := &in.external.items[resourceType][i]; item.RegisteredGatewayArn == gateway && !yield(item.ResourceArn) {
					return
				}
			}
		}
	}
}

func walkCoreNetwork(in *Inventory, after string) iter.Seq2[string, *Item] {
	return func(yield func(string, *Item) bool) {
		if in.core == nil || in.core.CoreNetworkId <= after {
			return
		}
		cn := in.core
		item := &Item{
			NetworkResource: ownResource("core-network", cn.CoreNetworkId, cn.CoreNetworkArn, cn.Tags),
			define:          func() []byte { shown := cn.API(); return shown.AppendJSON(nil) },
			relate: func() []relation {
				return []relation{
					arnsOf(&state.Attachments, state.Attachments.In(in.Caller.Account, cn.CoreNetworkId), (*state.Attachment).ARN),
					arnsOf(&state.Peerings, state.Peerings.In(in.Caller.Account, cn.CoreNetworkId), (*state.Peering).ARN),
				}
			},
		}
		item.CoreNetworkId, item.AccountId = cn.CoreNetworkId, cn.OwnerAccountId
		yield(cn.CoreNetworkId, item)
	}
}

func walkAttachments(in *Inventory, after string) iter.Seq2[string, *Item] {
	if in.core == nil {
		return none
	}
	rows := state.Attachments.Rows(in.View, state.Attachments.In(in.Caller.Account, in.core.CoreNetworkId), after)
	return mapRows(rows, func(row *state.Attachment) *Item {
		item := &Item{
			NetworkResource: ownResource("attachment", row.AttachmentId, row.ARN(), row.Tags),
			define:          func() []byte { return row.AppendJSON(nil) },
			relate: func() []relation {
				return []relation{
					literal(row.CoreNetworkArn), literal(standsFor(row)), in.one("attachment", row.TransportAttachmentId), in.one("peering", row.PeeringId),
					arnsOf(&state.Attachments, state.Attachments.OverTransport(in.Caller.Account, row.AttachmentId), (*state.Attachment).ARN),
					arnsOf(&state.ConnectPeers, state.ConnectPeers.In(in.Caller.Account, row.AttachmentId), func(p *state.ConnectPeer) string { return in.ARN("connect-peer", p.ConnectPeerId) }),
				}
			},
		}
		item.CoreNetworkId, item.AccountId, item.AwsRegion = row.CoreNetworkId, row.OwnerAccountId, row.EdgeLocation
		return item
	})
}

func walkConnectPeers(in *Inventory, after string) iter.Seq2[string, *Item] {
	if in.core == nil {
		return none
	}
	rows := state.ConnectPeers.Rows(in.View, state.ConnectPeers.OnCoreNetwork(in.Caller.Account, in.core.CoreNetworkId), after)
	return mapRows(rows, func(p *state.ConnectPeer) *Item {
		item := &Item{
			NetworkResource: ownResource("connect-peer", p.ConnectPeerId, in.ARN("connect-peer", p.ConnectPeerId), p.Tags),
			define:          func() []byte { shown := p.API(); return shown.AppendJSON(nil) },
			related: []relation{in.one("attachment", p.ConnectAttachmentId), func(in *Inventory) iter.Seq[string] {
				return func(yield func(string) bool) {
					a, ok := state.ConnectPeerAssociations.Get(in.View, state.ConnectPeerAssociations.Key(in.Caller.Account, in.gn, p.ConnectPeerId))
					if ok && a.State != api.ConnectPeerAssociationStateDeleted {
						yield(in.ARN("device", in.gn, a.DeviceId))
					}
				}
			}},
		}
		item.CoreNetworkId, item.AccountId, item.AwsRegion = p.CoreNetworkId, p.OwnerAccountId, p.EdgeLocation
		return item
	})
}

// standsFor is the resource outside that an attachment brings in; a Connect attachment shows its transport's, which is
// not its own.
func standsFor(row *state.Attachment) string {
	if row.AttachmentType == api.AttachmentTypeConnect {
		return ""
	}
	return row.ResourceArn
}

func walkPeerings(in *Inventory, after string) iter.Seq2[string, *Item] {
	if in.core == nil {
		return none
	}
	return mapRows(state.Peerings.Rows(in.View, state.Peerings.In(in.Caller.Account, in.core.CoreNetworkId), after), func(p *state.Peering) *Item {
		item := &Item{
			NetworkResource: ownResource("peering", p.PeeringId, p.ARN(), p.Tags),
			define:          func() []byte { return p.TransitGateway().AppendJSON(nil) },
			related: []relation{
				literal(p.CoreNetworkArn), arnsOf(&state.Attachments, state.Attachments.OverPeering(in.Caller.Account, p.PeeringId), (*state.Attachment).ARN),
			},
		}
		if state.TransitGatewayRegistrations.IsRegistered(in.View, in.gn, p.ResourceArn) { // else it is no resource of the global network
			item.related = append(item.related, literal(p.ResourceArn))
		}
		item.CoreNetworkId, item.AccountId, item.AwsRegion = p.CoreNetworkId, p.OwnerAccountId, p.EdgeLocation
		return item
	})
}

func none(func(string, *Item) bool) {}

// one is the relation to one resource of the caller's by its id, or to none.
func (in *Inventory) one(resourceType, id string) relation {
	switch {
	case id == "":
		return literal("")
	case resourceType == "attachment", resourceType == "peering":
		return literal(in.ARN(resourceType, id))
	default:
		return literal(in.ARN(resourceType, in.gn, id))
	}
}

func literal(text string) relation {
	return func(*Inventory) iter.Seq[string] {
		return func(yield func(string) bool) {
			if text != "" {
				yield(text)
			}
		}
	}
}

// rows reads rows of a table.
type rows[R any] interface {
	Rows(v *state.View, in state.Range[R], after string) iter.Seq2[string, R]
}

// arnsOf walks the ARNs of the rows of a range.
func arnsOf[R any](t rows[R], below state.Range[R], arn func(R) string) relation {
	return func(in *Inventory) iter.Seq[string] {
		return func(yield func(string) bool) {
			for _, row := range t.Rows(in.View, below, "") {
				if !yield(arn(row)) {
					return
				}
			}
		}
	}
}
