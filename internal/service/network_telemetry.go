package service

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
)

// getNetworkTelemetry shows which tunnels and BGP sessions are up. A VPN connection's come from the catalog. Nobody holds
// a BGP session with this server, so a Connect peer's two are up while something is announced for it.
func getNetworkTelemetry(ctx context.Context, e *env, in *api.GetNetworkTelemetryInput) (*api.GetNetworkTelemetryOutput, error) {
	return read(ctx, e, func(v *View) (*api.GetNetworkTelemetryOutput, error) {
		inv, err := v.inventory(ctx, in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		f := &inventoryFilter{in.CoreNetworkId, in.RegisteredGatewayArn, in.AwsRegion, in.AccountId, in.ResourceType, in.ResourceArn}
		p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetNetworkTelemetry", in.GlobalNetworkId}, f.query()...)...)
		if err != nil {
			return nil, err
		}
		var out api.GetNetworkTelemetryOutput
		out.NetworkTelemetry, out.NextToken = page(p, inv.telemetry(ctx, f, p.after), nil, same)
		return &out, nil
	})
}

// telemetry walks the records of the resources the filter keeps. The key of a record is its resource's and its number.
func (in *inventoryOf) telemetry(ctx context.Context, f *inventoryFilter, after string) iter.Seq2[string, *api.NetworkTelemetry] {
	return func(yield func(string, *api.NetworkTelemetry) bool) {
		for _, resourceType := range []string{"connect-peer", "vpn-connection"} {
			if !wanted(f.resourceType, resourceType) {
				continue
			}
			one := *f
			one.resourceType = &resourceType
			for key, item := range in.walk(&one, "") {
				for i, r := range in.healthOf(ctx, item) {
					if at := fmt.Sprintf("%s %02d", key, i); at > after && !yield(at, &r) {
						return
					}
				}
			}
		}
	}
}

func (in *inventoryOf) healthOf(ctx context.Context, item *inventoryItem) []api.NetworkTelemetry {
	record := func(address string, kind api.ConnectionType, up bool, since time.Time) api.NetworkTelemetry {
		health := &api.ConnectionHealth{Type: kind, Status: api.ConnectionStatusDown, Timestamp: api.Time{Time: since}}
		if up {
			health.Status = api.ConnectionStatusUp
		}
		return api.NetworkTelemetry{
			RegisteredGatewayArn: item.RegisteredGatewayArn, CoreNetworkId: item.CoreNetworkId, AwsRegion: item.AwsRegion, AccountId: item.AccountId,
			ResourceType: item.ResourceType, ResourceId: item.ResourceId, ResourceArn: item.ResourceArn, Address: address, Health: health,
		}
	}
	var list []api.NetworkTelemetry
	if item.ResourceType == "connect-peer" {
		peer, ok := byID(in.r, connectPeers, item.ResourceId)
		if !ok || peer.Configuration == nil {
			return nil
		}
		set, up := announcementSets.Get(in.r, accountKey(peer.OwnerAccountId, "announcements", peer.CoreNetworkId, peer.ConnectPeerId))
		up = up && peer.State == api.ConnectPeerStateAvailable
		since := peer.CreatedAt.Time
		if up {
			since = set.UpdatedAt.Time
		}
		for _, session := range peer.Configuration.BgpConfigurations {
			list = append(list, record(session.CoreNetworkAddress, api.ConnectionTypeBgp, up, since))
		}
		return list
	}
	if in.refs.catalog == nil {
		return nil
	}
	vpn, err := in.refs.catalog.VPNConnection(ctx, item.ResourceArn)
	if err != nil {
		return nil
	}
	for _, tunnel := range vpn.Tunnels {
		since := time.Unix(tunnel.Since, 0).UTC()
		list = append(list, record(tunnel.OutsideIP.String(), api.ConnectionTypeIpsec, !ipsecIsDown(&tunnel), since))
		if len(vpn.StaticRoutes) == 0 { // routing is dynamic
			list = append(list, record(tunnel.OutsideIP.String(), api.ConnectionTypeBgp, tunnel.Up, since))
		}
	}
	return list
}

// ipsecIsDown tells a tunnel without IPsec from one without BGP: EC2 has one status for both and says which in words.
func ipsecIsDown(t *catalog.Tunnel) bool {
	return !t.Up && !strings.Contains(strings.ToUpper(t.Message), "IPSEC IS UP")
}
