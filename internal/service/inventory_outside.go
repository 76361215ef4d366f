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

// lookOutside asks the catalog what hangs on the registered transit gateways. A gateway it cannot be asked about now is
// left out; one that does not exist any more is shown without its parts.
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
		slices.SortFunc(in.outside[kind], func(a, b inventoryItem) int { return cmp.Compare(a.ResourceArn, b.ResourceArn) })
		in.outside[kind] = slices.CompactFunc(in.outside[kind], func(a, b inventoryItem) bool { return a.ResourceArn == b.ResourceArn })
	}
	return nil
}

func (in *inventoryOf) add(gateway, resourceType, arn string, tags map[string]string, definition any, related ...string) {
	item := inventoryItem{define: func() []byte {
		text, err := json.Marshal(definition, json.Deterministic(true))
		if err != nil {
			return nil
		}
		return text
	}}
	item.nameBy(resourceType, arn)
	item.RegisteredGatewayArn = gateway
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		item.Tags = append(item.Tags, api.Tag{Key: new(key), Value: new(tags[key])})
	}
	for _, other := range related {
		item.related = append(item.related, literal(other))
	}
	in.outside[resourceType] = append(in.outside[resourceType], item)
}

func (in *inventoryOf) addGateway(ctx context.Context, g *catalog.TransitGateway) {
	for i := range g.Attachments {
		a := &g.Attachments[i]
		in.add(g.ARN, "transit-gateway-attachment", a.ARN, a.Tags, a, g.ARN, a.ResourceARN, a.PeerARN)
		resource, ok := parseARN(a.ResourceARN)
		if !ok {
			continue
		}
		switch resource.resourceType {
		case "vpn-connection":
			vpn, err := in.refs.catalog.VPNConnection(ctx, a.ResourceARN)
			if err != nil {
				continue
			}
			in.add(g.ARN, "vpn-connection", vpn.ARN, nil, vpn, vpn.CustomerGatewayARN, a.ARN)
			if customer, err := in.refs.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
				in.add(g.ARN, "customer-gateway", customer.ARN, nil, customer, customer.VPNConnectionARNs...)
			}
		case "dx-gateway":
			if gateway, err := in.refs.catalog.DirectConnectGateway(ctx, a.ResourceARN); err == nil {
				in.add(g.ARN, "dx-gateway", gateway.ARN, nil, gateway, a.ARN)
			}
		}
	}
	for i := range g.RouteTables {
		t := &g.RouteTables[i]
		in.add(g.ARN, "transit-gateway-route-table", t.ARN, t.Tags, t, g.ARN)
	}
	for i := range g.ConnectPeers {
		in.add(g.ARN, "transit-gateway-connect-peer", g.ConnectPeers[i].ARN, nil, &g.ConnectPeers[i])
	}
}
