package service

import (
	"context"
	"net/netip"
	"strings"

	"portolan/api"
	"portolan/internal/gatewaypath"
	"portolan/internal/state"
)

// middleboxKey is the metadata of an attachment that leads to an appliance, so that an analysis goes on behind it. AWS's
// console stores its marks as metadata too; the name it uses is not published.
const middleboxKey = "middlebox"

// startRouteAnalysis follows a packet, and its answer if asked to. The analysis is done at once, but shown when it is
// COMPLETED, as on AWS.
func startRouteAnalysis(ctx context.Context, e *env, in *api.StartRouteAnalysisInput) (*api.StartRouteAnalysisOutput, error) {
	from, to, err := analysisEndpoints(in)
	if err != nil {
		return nil, err
	}
	gateways, marks, err := e.registeredGateways(ctx, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	if !val(in.UseMiddleboxes) {
		marks = nil
	}
	f, failure := gatewaypath.Learn(ctx, e.refs.catalog, gateways, marks)
	row := state.RouteAnalysis{
		GlobalNetworkId: in.GlobalNetworkId, Status: api.RouteAnalysisStatusRunning,
		Source: analysisEndpoint(f, in.Source), Destination: analysisEndpoint(f, in.Destination),
		IncludeReturnPath: new(val(in.IncludeReturnPath)), UseMiddleboxes: new(val(in.UseMiddleboxes)),
	}
	if failure == nil {
		failure = analyse(ctx, f, &row, from, to)
	}
	if failure != nil {
		e.log.Error("a route analysis failed", "error", failure)
		row.ForwardPath, row.ReturnPath = nil, nil
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.StartRouteAnalysisOutput, error) {
		if _, err := findGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		started := row
		started.OwnerAccountId, started.RouteAnalysisId, started.StartTimestamp = tx.Caller.Account, tx.NewUUID(), tx.Time()
		state.RouteAnalyses.Save(tx, state.RouteAnalyses.Key(tx.Caller.Account, in.GlobalNetworkId, started.RouteAnalysisId), &started)
		started.ForwardPath, started.ReturnPath = nil, nil
		return &api.StartRouteAnalysisOutput{RouteAnalysis: new(started.API())}, nil
	})
}

// analyse finds the way there and, if asked to, the way back. AWS looks for that only when there is a way there.
func analyse(ctx context.Context, f *gatewaypath.Finder, row *state.RouteAnalysis, from, to netip.Addr) (err error) {
	source, destination := row.Source.TransitGatewayAttachmentArn, row.Destination.TransitGatewayAttachmentArn
	if row.ForwardPath, err = f.Path(ctx, source, destination, to); err != nil {
		return err
	}
	if val(row.IncludeReturnPath) && row.ForwardPath.CompletionStatus.ResultCode == api.RouteAnalysisCompletionResultCodeConnected {
		row.ReturnPath, err = f.Path(ctx, destination, source, from)
	}
	return err
}

// analysisEndpoint is an end of the path as it is shown, with the transit gateway it is on.
func analysisEndpoint(f *gatewaypath.Finder, in *api.RouteAnalysisEndpointOptionsSpecification) *state.RouteAnalysisEndpointOptions {
	if in == nil {
		return &state.RouteAnalysisEndpointOptions{}
	}
	arn := val(in.TransitGatewayAttachmentArn)
	return &state.RouteAnalysisEndpointOptions{TransitGatewayAttachmentArn: arn, TransitGatewayArn: f.GatewayOf(arn), IpAddress: val(in.IpAddress)}
}

// getRouteAnalysis shows an analysis; its paths when it is COMPLETED.
func getRouteAnalysis(v *state.View, in *api.GetRouteAnalysisInput) (*api.GetRouteAnalysisOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	row, ok := state.RouteAnalyses.Get(v, state.RouteAnalyses.Key(v.Caller.Account, in.GlobalNetworkId, in.RouteAnalysisId))
	if !ok {
		return nil, api.NotFound("route-analysis", in.RouteAnalysisId)
	}
	shown := *row
	if shown.Status == api.RouteAnalysisStatusRunning {
		shown.ForwardPath, shown.ReturnPath = nil, nil
	}
	return &api.GetRouteAnalysisOutput{RouteAnalysis: new(shown.API())}, nil
}

// moveRouteAnalysis ends an analysis, and forgets it after a week.
func moveRouteAnalysis(tx *state.Txn, key state.Key[*state.RouteAnalysis], from string) error {
	row, ok := state.RouteAnalyses.Get(tx.View, key)
	if !ok || string(row.Status) != from {
		return nil
	}
	if row.Status != api.RouteAnalysisStatusRunning {
		state.RouteAnalyses.Delete(tx, key)
		return nil
	}
	next := *row
	if next.Status = api.RouteAnalysisStatusCompleted; next.ForwardPath == nil {
		next.Status = api.RouteAnalysisStatusFailed
	}
	state.RouteAnalyses.Save(tx, key, &next)
	return nil
}

// analysisEndpoints checks what is asked. The source's address is needed for the way back only.
func analysisEndpoints(in *api.StartRouteAnalysisInput) (from, to netip.Addr, err error) {
	var fields []api.FieldError
	address := func(name string, e *api.RouteAnalysisEndpointOptionsSpecification, needed bool) (addr netip.Addr) {
		if e == nil {
			return addr
		}
		text := val(e.IpAddress)
		if text == "" && !needed {
			return addr
		}
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" || addr.Is4In6() {
			fields = append(fields, api.FieldError{Name: name + ".ipAddress", Message: "Member must be an IP address."})
		}
		return addr
	}
	from = address("source", in.Source, val(in.IncludeReturnPath))
	to = address("destination", in.Destination, true)
	if in.Source != nil && val(in.Source.TransitGatewayAttachmentArn) == "" {
		fields = append(fields, api.FieldError{Name: "source.transitGatewayAttachmentArn", Message: "Member must not be empty."})
	}
	return from, to, invalid(fields)
}

// registeredGateways are the transit gateways of a global network, and the attachments that are marked as middleboxes.
func (s *env) registeredGateways(ctx context.Context, gn string) (gateways []string, middleboxes map[string]bool, err error) {
	middleboxes = map[string]bool{}
	_, err = state.Read(ctx, s.db, func(v *state.View) (*struct{}, error) {
		if _, err := findGlobalNetwork(v, gn); err != nil {
			return nil, err
		}
		for _, r := range state.TransitGatewayRegistrations.Rows(v, state.TransitGatewayRegistrations.Live(v.Caller.Account, gn), "") {
			gateways = append(gateways, r.TransitGatewayArn)
		}
		for path, m := range state.Metadata.All(v, v.Caller.Account, gn) {
			if strings.EqualFold((*m)[middleboxKey], "true") {
				middleboxes[path] = true
			}
		}
		return &struct{}{}, nil
	})
	return gateways, middleboxes, err
}
