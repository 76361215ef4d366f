package service

import (
	"iter"

	"portolan/api"
	"portolan/internal/store"
)

// What a global network consists of, as one inventory: its own objects, those of its core network, and what registered
// transit gateways and associated customer gateways lead to. AWS fills it from Describe calls; here it is read off the
// state itself, so it is never behind.

// inventoryOf is the global network an inventory is asked for.
type inventoryOf struct {
	*View
	gn   string
	core *coreNetworkRow // nil when the global network has none

	outside map[string][]inventoryItem // what the catalog knows behind registered transit gateways, by type and ARN
}

// inventoryItem is one resource with the ARNs it is related to.
type inventoryItem struct {
	api.NetworkResource
	define  func() []byte
	related []relation
}

// relation walks ARNs that a resource is related to, in a stable order.
type relation func(in *inventoryOf) iter.Seq[string]

// inventoryFamily is the resources of one type, in the order of their keys.
type inventoryFamily struct {
	resourceType string
	walk         walkFamily
}

type walkFamily func(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem]

// vpcType names what appears in relationships only: AWS has no resource of that type in the inventory.
const vpcType = "vpc"

// inventoryFamilies is in the order lists show them.
var inventoryFamilies = []inventoryFamily{
	{"attachment", walkAttachments},
	{"connect-peer", walkConnectPeers},
	{"connection", ownFamily("connection", connections, showConnection)},
	{"core-network", walkCoreNetwork},
	{"customer-gateway", outsideFamily("customer-gateway", "customer-gateway-association", customerGatewayAssociations, showCustomerGateway)},
	{"device", ownFamily("device", devices, showDevice)},
	{"dx-gateway", attachedFamily("dx-gateway", api.AttachmentTypeDirectConnectGateway)},
	{"link", ownFamily("link", links, showLink)},
	{"peering", walkPeerings},
	{"site", ownFamily("site", sites, showSite)},
	{"transit-gateway", outsideFamily("transit-gateway", "tgw-registration", tgwRegistrations, showTransitGateway)},
	{"transit-gateway-attachment", func(*inventoryOf, string) iter.Seq2[string, *inventoryItem] { return none }},
	{"transit-gateway-connect-peer", outsideFamily("transit-gateway-connect-peer", "tgw-connect-peer-association", tgwConnectPeerAssociations, showTGWConnectPeer)},
	{"transit-gateway-route-table", attachedFamily("transit-gateway-route-table", api.AttachmentTypeTransitGatewayRouteTable)},
	{vpcType, attachedFamily(vpcType, api.AttachmentTypeVpc)},
	{"vpn-connection", attachedFamily("vpn-connection", api.AttachmentTypeSiteToSiteVpn)},
}

type definer[T any] interface {
	*T
	AppendJSON(b []byte) []byte
}

// ownFamily is a table of the global network's own objects.
func ownFamily[T any, P definer[T]](name string, table *store.Table[T], show func(in *inventoryOf, row *T) inventoryItem) walkFamily {
	return func(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
		return mapRows(table.Scan(in.r, in.prefix(name, in.gn), after), func(row *T) *inventoryItem {
			item := show(in, row)
			item.AccountId = in.caller.Account
			item.define = func() []byte { return P(row).AppendJSON(nil) }
			return &item
		})
	}
}

// outsideFamily is things of EC2 that a table points at. What EC2 says of them is not known here.
func outsideFamily[T any](resourceType, name string, table *store.Table[T], show func(in *inventoryOf, row *T) (inventoryItem, bool)) walkFamily {
	return func(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
		return mapRows(table.Scan(in.r, in.prefix(name, in.gn), after), func(row *T) *inventoryItem {
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
	return func(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
		if in.core == nil {
			return none
		}
		rows := attachments.Scan(in.r, in.prefix("attachment", in.core.CoreNetworkId), after)
		return mapRows(rows, func(row *attachmentRow) *inventoryItem {
			if row.AttachmentType != kind || standsFor(row) == "" || !in.isFirst(row) {
				return nil
			}
			item := &inventoryItem{related: []relation{attachmentsFor(row.ResourceArn)}}
			item.nameBy(resourceType, row.ResourceArn)
			item.CoreNetworkId = row.CoreNetworkId
			return item
		})
	}
}

// isFirst tells whether no other attachment of the core network that stands for the same resource comes before.
func (in *inventoryOf) isFirst(row *attachmentRow) bool {
	for arn := range attachmentsFor(row.ResourceArn)(in) {
		return arn == row.AttachmentArn()
	}
	return false
}

// attachmentsFor is the relation of a resource to the attachments of the core network that stand for it.
func attachmentsFor(resource string) relation {
	return func(in *inventoryOf) iter.Seq[string] {
		return func(yield func(string) bool) {
			for _, a := range attachments.ScanIndex(in.r, resourceKey(resource)+"/", "") {
				if a.CoreNetworkId == in.core.CoreNetworkId && standsFor(a) != "" && !yield(a.AttachmentArn()) {
					return
				}
			}
		}
	}
}

// nameBy fills in what an ARN tells.
func (item *inventoryItem) nameBy(resourceType, text string) {
	a, _ := parseARN(text)
	item.ResourceType, item.ResourceArn, item.ResourceId, item.AwsRegion, item.AccountId = resourceType, text, a.id(), a.region, a.account
}

// mapRows turns rows into items; nil leaves one out.
func mapRows[T any](rows iter.Seq2[string, *T], item func(*T) *inventoryItem) iter.Seq2[string, *inventoryItem] {
	return func(yield func(string, *inventoryItem) bool) {
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

func showSite(in *inventoryOf, s *api.Site) inventoryItem {
	return inventoryItem{
		NetworkResource: ownResource("site", s.SiteId, s.SiteArn, s.Tags),
		related: []relation{
			arnsOf(devices, "device.site", func(d *api.Device) string { return d.DeviceArn }, s.SiteId),
			arnsOf(links, "link.site", func(l *api.Link) string { return l.LinkArn }, s.SiteId),
		},
	}
}

func showDevice(in *inventoryOf, d *api.Device) inventoryItem {
	id := d.DeviceId
	return inventoryItem{
		NetworkResource: ownResource("device", id, d.DeviceArn, d.Tags),
		related: []relation{
			arnsOf(connections, "connection.device", func(c *api.Connection) string { return c.ConnectionArn }, id),
			arnsOf(customerGatewayAssociations, "customer-gateway-association.device", func(a *api.CustomerGatewayAssociation) string { return a.CustomerGatewayArn }, id),
			func(in *inventoryOf) iter.Seq[string] {
				return func(yield func(string) bool) {
					for _, a := range linkAssociations.Scan(in.r, in.prefix("link-association", in.gn, id), "") {
						if a.LinkAssociationState != api.LinkAssociationStateDeleted && !yield(in.arnOf("link", in.gn, a.LinkId)) {
							return
						}
					}
				}
			},
			in.one("site", d.SiteId),
			arnsOf(tgwConnectPeerAssociations, "tgw-connect-peer-association.device", func(a *api.TransitGatewayConnectPeerAssociation) string { return a.TransitGatewayConnectPeerArn }, id),
			arnsOf(connectPeerAssociations, "connect-peer-association.device", func(a *api.ConnectPeerAssociation) string { return in.arnOf("connect-peer", a.ConnectPeerId) }, id),
		},
	}
}

func showLink(in *inventoryOf, l *api.Link) inventoryItem {
	return inventoryItem{
		NetworkResource: ownResource("link", l.LinkId, l.LinkArn, l.Tags),
		related: []relation{
			arnsOf(linkAssociations, "link-association.use", func(a *api.LinkAssociation) string { return in.arnOf("device", in.gn, a.DeviceId) }, l.LinkId),
			in.one("site", l.SiteId),
		},
	}
}

func showConnection(in *inventoryOf, c *api.Connection) inventoryItem {
	return inventoryItem{
		NetworkResource: ownResource("connection", c.ConnectionId, c.ConnectionArn, c.Tags),
		related:         []relation{in.one("device", c.DeviceId), in.one("device", c.ConnectedDeviceId)},
	}
}

func showCustomerGateway(in *inventoryOf, a *api.CustomerGatewayAssociation) (inventoryItem, bool) {
	return inventoryItem{
		NetworkResource: api.NetworkResource{ResourceArn: a.CustomerGatewayArn},
		related:         []relation{in.one("device", a.DeviceId)},
	}, a.State != api.CustomerGatewayAssociationStateDeleted
}

func showTGWConnectPeer(in *inventoryOf, a *api.TransitGatewayConnectPeerAssociation) (inventoryItem, bool) {
	return inventoryItem{
		NetworkResource: api.NetworkResource{ResourceArn: a.TransitGatewayConnectPeerArn},
		related:         []relation{in.one("device", a.DeviceId)},
	}, a.State != api.TransitGatewayConnectPeerAssociationStateDeleted
}

func showTransitGateway(_ *inventoryOf, r *api.TransitGatewayRegistration) (inventoryItem, bool) {
	return inventoryItem{
		NetworkResource: api.NetworkResource{RegisteredGatewayArn: r.TransitGatewayArn, ResourceArn: r.TransitGatewayArn},
		related:         []relation{behind(r.TransitGatewayArn, "transit-gateway-attachment"), behind(r.TransitGatewayArn, "transit-gateway-route-table"), peeredWith(r.TransitGatewayArn)},
	}, r.State.Code == api.TransitGatewayRegistrationStateAvailable
}

// peeredWith is the relation of a transit gateway to the peerings that the core network has with it.
func peeredWith(gateway string) relation {
	return func(in *inventoryOf) iter.Seq[string] {
		return func(yield func(string) bool) {
			if in.core == nil {
				return
			}
			for _, p := range peerings.Scan(in.r, in.prefix("peering", in.core.CoreNetworkId), "") {
				if p.ResourceArn == gateway && !yield(p.arn()) {
					return
				}
			}
		}
	}
}

// behind is the relation of a transit gateway to what the catalog knows of a type on it.
func behind(gateway, resourceType string) relation {
	return func(in *inventoryOf) iter.Seq[string] {
		return func(yield func(string) bool) {
			for i := range in.outside[resourceType] {
				if item := &in.outside[resourceType][i]; item.RegisteredGatewayArn == gateway && !yield(item.ResourceArn) {
					return
				}
			}
		}
	}
}

func walkCoreNetwork(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
	return func(yield func(string, *inventoryItem) bool) {
		if in.core == nil || in.core.CoreNetworkId <= after {
			return
		}
		cn := in.core
		item := &inventoryItem{
			NetworkResource: ownResource("core-network", cn.CoreNetworkId, cn.CoreNetworkArn, cn.Tags),
			define:          func() []byte { return cn.CoreNetwork.AppendJSON(nil) },
			related: []relation{func(in *inventoryOf) iter.Seq[string] {
				return func(yield func(string) bool) {
					for _, row := range attachments.Scan(in.r, in.prefix("attachment", cn.CoreNetworkId), "") {
						if !yield(row.AttachmentArn()) {
							return
						}
					}
					for _, row := range peerings.Scan(in.r, in.prefix("peering", cn.CoreNetworkId), "") {
						if !yield(row.arn()) {
							return
						}
					}
				}
			}},
		}
		item.CoreNetworkId, item.AccountId = cn.CoreNetworkId, cn.OwnerAccountId
		yield(cn.CoreNetworkId, item)
	}
}

func walkAttachments(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
	if in.core == nil {
		return none
	}
	rows := attachments.Scan(in.r, in.prefix("attachment", in.core.CoreNetworkId), after)
	return mapRows(rows, func(row *attachmentRow) *inventoryItem {
		item := &inventoryItem{
			NetworkResource: ownResource("attachment", row.AttachmentId, row.AttachmentArn(), row.Tags),
			define:          row.definition,
			related: []relation{
				literal(row.CoreNetworkArn), literal(standsFor(row)), in.one("attachment", row.TransportAttachmentId), in.one("peering", row.PeeringId),
				arnsBelow(attachments, func(in *inventoryOf) string { return in.prefix("attachment.transport", row.AttachmentId) },
					func(r *attachmentRow) string { return r.AttachmentArn() }),
				func(in *inventoryOf) iter.Seq[string] {
					return func(yield func(string) bool) {
						for _, p := range connectPeers.Scan(in.r, in.prefix("connect-peer", row.AttachmentId), "") {
							if !yield(in.arnOf("connect-peer", p.ConnectPeerId)) {
								return
							}
						}
					}
				},
			},
		}
		item.CoreNetworkId, item.AccountId, item.AwsRegion = row.CoreNetworkId, row.OwnerAccountId, row.EdgeLocation
		return item
	})
}

func walkConnectPeers(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
	if in.core == nil {
		return none
	}
	rows := connectPeers.ScanIndex(in.r, in.prefix("connect-peer.core-network", in.core.CoreNetworkId), after)
	return mapRows(rows, func(p *connectPeerRow) *inventoryItem {
		item := &inventoryItem{
			NetworkResource: ownResource("connect-peer", p.ConnectPeerId, in.arnOf("connect-peer", p.ConnectPeerId), p.Tags),
			define:          func() []byte { return p.ConnectPeer.AppendJSON(nil) },
			related: []relation{in.one("attachment", p.ConnectAttachmentId), func(in *inventoryOf) iter.Seq[string] {
				return func(yield func(string) bool) {
					a, ok := connectPeerAssociations.Get(in.r, in.key("connect-peer-association", in.gn, p.ConnectPeerId))
					if ok && a.State != api.ConnectPeerAssociationStateDeleted {
						yield(in.arnOf("device", in.gn, a.DeviceId))
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
func standsFor(row *attachmentRow) string {
	if row.AttachmentType == api.AttachmentTypeConnect {
		return ""
	}
	return row.ResourceArn
}

func walkPeerings(in *inventoryOf, after string) iter.Seq2[string, *inventoryItem] {
	if in.core == nil {
		return none
	}
	return mapRows(peerings.Scan(in.r, in.prefix("peering", in.core.CoreNetworkId), after), func(p *peeringRow) *inventoryItem {
		item := &inventoryItem{
			NetworkResource: ownResource("peering", p.PeeringId, p.arn(), p.Tags),
			define:          func() []byte { return p.transitGateway().AppendJSON(nil) },
			related: []relation{literal(p.CoreNetworkArn), arnsBelow(attachments, func(in *inventoryOf) string {
				return in.prefix("attachment.peering", p.PeeringId)
			}, func(r *attachmentRow) string { return r.AttachmentArn() })},
		}
		if isRegistered(in.View, in.gn, p.ResourceArn) { // else it is no resource of the global network
			item.related = append(item.related, literal(p.ResourceArn))
		}
		item.CoreNetworkId, item.AccountId, item.AwsRegion = p.CoreNetworkId, p.OwnerAccountId, p.EdgeLocation
		return item
	})
}

func none(func(string, *inventoryItem) bool) {}

// one is the relation to one resource of the caller's by its id, or to none.
func (in *inventoryOf) one(resourceType, id string) relation {
	switch {
	case id == "":
		return literal("")
	case resourceType == "attachment", resourceType == "peering":
		return literal(in.arnOf(resourceType, id))
	default:
		return literal(in.arnOf(resourceType, in.gn, id))
	}
}

func literal(text string) relation {
	return func(*inventoryOf) iter.Seq[string] {
		return func(yield func(string) bool) {
			if text != "" {
				yield(text)
			}
		}
	}
}

// arnsOf walks the rows that an index of the global network's tables finds.
func arnsOf[T any](table *store.Table[T], index string, arn func(*T) string, value string) relation {
	return arnsBelow(table, func(in *inventoryOf) string { return in.prefix(index, in.gn, value) }, arn)
}

func arnsBelow[T any](table *store.Table[T], prefix func(*inventoryOf) string, arn func(*T) string) relation {
	return func(in *inventoryOf) iter.Seq[string] {
		return func(yield func(string) bool) {
			for _, row := range table.ScanIndex(in.r, prefix(in), "") {
				if !yield(arn(row)) {
					return
				}
			}
		}
	}
}

// definition is the attachment as its own Get operation shows it.
func (row *attachmentRow) definition() []byte {
	switch row.AttachmentType {
	case api.AttachmentTypeVpc:
		return row.vpc().AppendJSON(nil)
	case api.AttachmentTypeConnect:
		return row.connect().AppendJSON(nil)
	case api.AttachmentTypeSiteToSiteVpn:
		return row.vpn().AppendJSON(nil)
	case api.AttachmentTypeDirectConnectGateway:
		return row.directConnectGateway().AppendJSON(nil)
	case api.AttachmentTypeTransitGatewayRouteTable:
		return row.routeTable().AppendJSON(nil)
	default:
		return row.Attachment.AppendJSON(nil)
	}
}
