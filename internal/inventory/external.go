package inventory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/order"
	"portolan/internal/state"
)

// External is what the catalog knows behind the registered transit gateways of a global network.
type External struct {
	catalog catalog.Catalog
	items   map[string][]Item // by type and ARN
}

// Ask asks the catalog what hangs on transit gateways. A gateway that nothing was ever known about, and that cannot be
// asked about now, is an error; one that does not exist any more, or of a kind that the catalog does not serve, is shown without its parts. A nil catalog knows nothing.
func Ask(ctx context.Context, c catalog.Catalog, gateways []string) (*External, error) {
	x := &External{catalog: c}
	if c == nil {
		return x, nil
	}
	x.items = map[string][]Item{}
	for _, arn := range gateways {
		gateway, err := c.TransitGateway(ctx, arn)
		switch {
		case err == nil:
			x.addGateway(ctx, gateway)
		case !catalog.Blank(err):
			return nil, api.Internal(err)
		}
	}
	for kind := range x.items {
		list := x.items[kind]
		order.Stable(list, func(a, b Item) int { return cmp.Compare(a.ResourceArn, b.ResourceArn) })
		kept := list[:0]
		for _, item := range list {
			if last := len(kept) - 1; last < 0 || kept[last].ResourceArn != item.ResourceArn {
				kept = append(kept, item)
			} else if kind == VPCType || kind == "dx-gateway" { // each time another attachment leads there
				kept[last].related = append(kept[last].related, item.related...)
			}
		}
		x.items[kind] = kept
	}
	return x, nil
}

// Gateways are the transit gateways to ask about for a global network of the caller's.
func Gateways(v *state.View, gn string) (list []string) {
	t := &state.TransitGatewayRegistrations
	for _, r := range t.Rows(v, t.Live(v.Caller.Account, gn), "") {
		list = append(list, r.TransitGatewayArn)
	}
	return list
}

// joinExternal adds what the catalog knows to a resource that the state knows too.
func (in *Inventory) joinExternal(item *Item) (known bool) {
	list := in.external.items[item.ResourceType]
	at, known := slices.BinarySearchFunc(list, item.ResourceArn, func(x Item, arn string) int { return cmp.Compare(x.ResourceArn, arn) })
	if !known {
		return false
	}
	item.RegisteredGatewayArn = cmp.Or(item.RegisteredGatewayArn, list[at].RegisteredGatewayArn)
	item.related = slices.Concat(item.related, list[at].related)
	item.define, item.Tags = list[at].define, list[at].Tags
	return true
}

func (x *External) add(gateway, resourceType, arn string, tags map[string]string, defined definition, related ...string) {
	item := Item{define: func() []byte {
		text, err := json.Marshal(defined, json.Deterministic(true))
		if err != nil {
			return nil
		}
		return text
	}}
	item.nameBy(resourceType, arn)
	item.RegisteredGatewayArn = gateway
	item.Tags = tagList(tags)
	for _, other := range related {
		item.related = append(item.related, literal(other))
	}
	x.items[resourceType] = append(x.items[resourceType], item)
}

// tagList is tags in the order of their keys.
func tagList(tags map[string]string) (list []api.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, api.Tag{Key: new(key), Value: new(tags[key])})
	}
	return list
}

func (x *External) addGateway(ctx context.Context, g *catalog.TransitGateway) {
	x.add(g.ARN, "transit-gateway", g.ARN, g.Tags, defineGateway(g))
	for i := range g.Attachments {
		a := &g.Attachments[i]
		x.add(g.ARN, "transit-gateway-attachment", a.ARN, a.Tags, defineGatewayAttachment(g, a), g.ARN, a.ResourceARN, a.PeerARN)
		resource, ok := state.ParseARN(a.ResourceARN)
		if !ok {
			continue
		}
		switch resource.ResourceType {
		case VPCType:
			x.add(g.ARN, VPCType, a.ResourceARN, nil, nil, a.ARN)
		case "vpn-connection":
			vpn, err := x.catalog.VPNConnection(ctx, a.ResourceARN)
			if err != nil {
				continue
			}
			x.add(g.ARN, "vpn-connection", vpn.ARN, nil, defineVPNConnection(vpn), vpn.CustomerGatewayARN, a.ARN)
			if customer, err := x.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
				x.add(g.ARN, "customer-gateway", customer.ARN, nil, defineCustomerGateway(customer), customer.VPNConnectionARNs...)
			}
		case "dx-gateway":
			if gateway, err := x.catalog.DirectConnectGateway(ctx, a.ResourceARN); err == nil {
				x.add(g.ARN, "dx-gateway", gateway.ARN, nil, defineDirectConnectGateway(gateway), a.ARN)
			}
		}
	}
	for i := range g.RouteTables {
		t := &g.RouteTables[i]
		x.add(g.ARN, "transit-gateway-route-table", t.ARN, t.Tags, defineRouteTable(g, t), g.ARN)
	}
	for i := range g.ConnectPeers {
		x.add(g.ARN, "transit-gateway-connect-peer", g.ConnectPeers[i].ARN, nil, defineGatewayConnectPeer(&g.ConnectPeers[i]))
	}
}
