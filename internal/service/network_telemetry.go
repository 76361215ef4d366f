package service

import (
	"context"

	"portolan/api"
	"portolan/internal/inventory"
	"portolan/internal/state"
)

// getNetworkTelemetry shows which tunnels and BGP sessions are up. A VPN connection's come from the catalog; a Connect
// peer's are those that this server holds, or without any are up while something is announced for it.
func getNetworkTelemetry(ctx context.Context, e *env, in *api.GetNetworkTelemetryInput) (*api.GetNetworkTelemetryOutput, error) {
	external, err := askExternal(ctx, e, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	var monitored []inventory.Monitored
	p, err := state.Read(ctx, e.db, func(v *state.View) (p state.Pager, err error) {
		inv, err := inventoryOf(v, in.GlobalNetworkId, external)
		if err != nil {
			return p, err
		}
		f := &inventory.Filter{CoreNetwork: in.CoreNetworkId, Gateway: in.RegisteredGatewayArn, Region: in.AwsRegion, Account: in.AccountId, ResourceType: in.ResourceType, Resource: in.ResourceArn}
		monitored = inv.Monitored(f)
		return v.Pager(in.MaxResults, in.NextToken, append([]string{"GetNetworkTelemetry", in.GlobalNetworkId}, f.Query()...)...)
	})
	if err != nil {
		return nil, err
	}
	var out api.GetNetworkTelemetryOutput
	out.NetworkTelemetry, out.NextToken = state.Page(p, external.Telemetry(ctx, monitored, p.After), nil, same)
	return &out, nil
}
