package service

import (
	"context"

	"portolan/api"
	"portolan/internal/state"
)

// createTransitGatewayRouteTableAttachment attaches a route table of a transit gateway over the gateway's peering. The
// peering's owner can, as long as the core network is shared with that account.
func createTransitGatewayRouteTableAttachment(ctx context.Context, e *env, in *api.CreateTransitGatewayRouteTableAttachmentInput) (*api.CreateTransitGatewayRouteTableAttachmentOutput, error) {
	table, gateway, err := e.refs.routeTable(ctx, in.TransitGatewayRouteTableArn)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateTransitGatewayRouteTableAttachmentOutput, error) {
		return state.Once(tx, "CreateTransitGatewayRouteTableAttachment", in.ClientToken, in, func() (*api.CreateTransitGatewayRouteTableAttachmentOutput, error) {
			row, err := attachRouteTable(tx, in, table, gateway)
			if err != nil {
				return nil, err
			}
			return &api.CreateTransitGatewayRouteTableAttachmentOutput{TransitGatewayRouteTableAttachment: row.RouteTable()}, nil
		})
	})
}

// attachRouteTable attaches a table of a gateway, whose ARN is "" when nobody knows it.
func attachRouteTable(tx *state.Txn, in *api.CreateTransitGatewayRouteTableAttachmentInput, table reference, of string) (*state.Attachment, error) {
	peering, err := findPeering(tx.View, in.PeeringId)
	if err != nil {
		return nil, err
	}
	network, live, err := attachable(tx, peering.CoreNetworkId, "CreateTransitGatewayRouteTableAttachment", in.RoutingPolicyLabel, natRequest{}, in.Tags)
	if err != nil {
		return nil, err
	}
	gateway, _ := state.ParseARN(peering.ResourceArn)
	switch {
	case peering.State != api.PeeringStateAvailable:
		return nil, api.InvalidField("peeringId", "Peering state is invalid.")
	case table.Region != gateway.Region, table.Account != gateway.Account, of != "" && of != peering.ResourceArn:
		return nil, api.InvalidField("transitGatewayRouteTableArn", "Route table is not of the peering's transit gateway.")
	}
	if err := edgeOf(network, peering.EdgeLocation); err != nil {
		return nil, err
	}
	for other := range attachmentsOf(tx.View, in.TransitGatewayRouteTableArn) {
		if other.PeeringId == peering.PeeringId && other.IsLive() {
			return nil, api.Conflict("attachment", other.AttachmentId, "The route table is attached over the peering already.")
		}
	}
	row := state.Attachment{
		AttachmentType:     api.AttachmentTypeTransitGatewayRouteTable,
		EdgeLocation:       peering.EdgeLocation,
		ResourceArn:        in.TransitGatewayRouteTableArn,
		Tags:               someTags(in.Tags),
		RoutingPolicyLabel: val(in.RoutingPolicyLabel),
		PeeringId:          peering.PeeringId,
		Problems:           table.problems,
	}
	if err := attach(tx, network, live, &row, natRequest{}); err != nil {
		return nil, err
	}
	return &row, nil
}

// getTransitGatewayRouteTableAttachment shows a transit gateway route table attachment.
func getTransitGatewayRouteTableAttachment(v *state.View, in *api.GetTransitGatewayRouteTableAttachmentInput) (*api.GetTransitGatewayRouteTableAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeTransitGatewayRouteTable)
	if err != nil {
		return nil, err
	}
	return &api.GetTransitGatewayRouteTableAttachmentOutput{TransitGatewayRouteTableAttachment: row.RouteTable()}, nil
}
