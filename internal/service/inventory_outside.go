package service

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/catalog"
)

// lookOutside asks the catalog what hangs on the registered transit gateways. A gateway that nothing was ever
// known about, and that cannot be asked about now, is an error; one that does not exist any more is shown without its parts.
func (in *inventoryOf) lookOutside(ctx context.Context) error {
	if in.refs.catalog == nil {
		return nil
	}
	in.outside = map[string][]inventoryItem{}
	for _, r := range tgwRegistrations.ScanIndex(in.r, in.prefix("tgw-registration.live", in.gn), "") {
		gateway, err := in.refs.catalog.TransitGateway(ctx, r.TransitGatewayArn)
		missing, err := unknown(err)
		if err != nil {
			return err
		}
		if !missing {
			in.addGateway(ctx, gateway)
		}
	}
	for kind := range in.outside {
		list := in.outside[kind]
		slices.SortStableFunc(list, func(a, b inventoryItem) int { return cmp.Compare(a.ResourceArn, b.ResourceArn) })
		kept := list[:0]
		for _, item := range list {
			if last := len(kept) - 1; last < 0 || kept[last].ResourceArn != item.ResourceArn {
				kept = append(kept, item)
			} else if kind == vpcType || kind == "dx-gateway" { // each time another attachment leads there
				kept[last].related = append(kept[last].related, item.related...)
			}
		}
		in.outside[kind] = kept
	}
	return nil
}

// joinOutside adds what the catalog knows to a resource that the state knows too.
func (in *inventoryOf) joinOutside(item *inventoryItem) (known bool) {
	list := in.outside[item.ResourceType]
	at, known := slices.BinarySearchFunc(list, item.ResourceArn, func(x inventoryItem, arn string) int { return cmp.Compare(x.ResourceArn, arn) })
	if !known {
		return false
	}
	item.RegisteredGatewayArn = cmp.Or(item.RegisteredGatewayArn, list[at].RegisteredGatewayArn)
	item.related = slices.Concat(item.related, list[at].related)
	item.define, item.Tags = list[at].define, list[at].Tags
	return true
}

func (in *inventoryOf) add(gateway, resourceType, arn string, tags map[string]string, defined definition, related ...string) {
	item := inventoryItem{define: func() []byte {
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
	in.outside[resourceType] = append(in.outside[resourceType], item)
}

// tagList is tags in the order of their keys.
func tagList(tags map[string]string) (list []api.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, api.Tag{Key: new(key), Value: new(tags[key])})
	}
	return list
}

func (in *inventoryOf) addGateway(ctx context.Context, g *catalog.TransitGateway) {
	in.add(g.ARN, "transit-gateway", g.ARN, g.Tags, defineGateway(g))
	for i := range g.Attachments {
		a := &g.Attachments[i]
		in.add(g.ARN, "transit-gateway-attachment", a.ARN, a.Tags, defineGatewayAttachment(g, a), g.ARN, a.ResourceARN, a.PeerARN)
		resource, ok := parseARN(a.ResourceARN)
		if !ok {
			continue
		}
		switch resource.resourceType {
		case vpcType:
			in.add(g.ARN, vpcType, a.ResourceARN, nil, nil, a.ARN)
		case "vpn-connection":
			vpn, err := in.refs.catalog.VPNConnection(ctx, a.ResourceARN)
			if err != nil {
				continue
			}
			in.add(g.ARN, "vpn-connection", vpn.ARN, nil, defineVPNConnection(vpn), vpn.CustomerGatewayARN, a.ARN)
			if customer, err := in.refs.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
				in.add(g.ARN, "customer-gateway", customer.ARN, nil, defineCustomerGateway(customer), customer.VPNConnectionARNs...)
			}
		case "dx-gateway":
			if gateway, err := in.refs.catalog.DirectConnectGateway(ctx, a.ResourceARN); err == nil {
				in.add(g.ARN, "dx-gateway", gateway.ARN, nil, defineDirectConnectGateway(gateway), a.ARN)
			}
		}
	}
	for i := range g.RouteTables {
		t := &g.RouteTables[i]
		in.add(g.ARN, "transit-gateway-route-table", t.ARN, t.Tags, defineRouteTable(g, t), g.ARN)
	}
	for i := range g.ConnectPeers {
		in.add(g.ARN, "transit-gateway-connect-peer", g.ConnectPeers[i].ARN, nil, defineGatewayConnectPeer(&g.ConnectPeers[i]))
	}
}
