package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
	"portolan/internal/state"
)

// createDirectConnectGatewayAttachment attaches a Direct Connect gateway to several edges at once. The gateway can be on
// one core network, and on that once; that it is on another is found out while the attachment is built.
func createDirectConnectGatewayAttachment(ctx context.Context, e *env, in *api.CreateDirectConnectGatewayAttachmentInput) (*api.CreateDirectConnectGatewayAttachmentOutput, error) {
	gateway, err := e.refs.directConnectGateway(ctx, in.DirectConnectGatewayArn)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateDirectConnectGatewayAttachmentOutput, error) {
		return state.Once(tx, "CreateDirectConnectGatewayAttachment", in.ClientToken, in, func() (*api.CreateDirectConnectGatewayAttachmentOutput, error) {
			nat := natRequest{in.NatGatewaySupport, in.NatSystemRouteSupport, in.NatGatewayRules}
			network, live, err := attachable(tx, in.CoreNetworkId, "CreateDirectConnectGatewayAttachment", in.RoutingPolicyLabel, nat, in.Tags)
			if err != nil {
				return nil, err
			}
			if err := edgesOf(network, in.EdgeLocations); err != nil {
				return nil, err
			}
			used := 0
			for _, other := range state.Attachments.Rows(tx.View, state.Attachments.OfDirectConnectGateways(network.OwnerAccountId, network.CoreNetworkId), "") {
				if other.IsLive() {
					used++
				}
			}
			if limit := tx.Quota(state.QuotaDXGWAttachments); used >= limit {
				return nil, api.QuotaExceeded("attachment", network.CoreNetworkId, state.QuotaDXGWAttachments.Code, limit)
			}
			row := state.Attachment{
				AttachmentType:     api.AttachmentTypeDirectConnectGateway,
				EdgeLocations:      slices.Clone(in.EdgeLocations),
				ResourceArn:        in.DirectConnectGatewayArn,
				Tags:               someTags(in.Tags),
				RoutingPolicyLabel: val(in.RoutingPolicyLabel),
				Problems:           gateway.problems,
			}
			if err := attach(tx, network, live, &row, nat); err != nil {
				return nil, err
			}
			return &api.CreateDirectConnectGatewayAttachmentOutput{DirectConnectGatewayAttachment: row.DirectConnectGateway()}, nil
		})
	})
}

// edgesOf refuses a list of locations that is empty, names one twice, or names one the LIVE policy has no edge in.
func edgesOf(network *state.CoreNetwork, locations []string) error {
	if len(locations) == 0 {
		return api.InvalidField("edgeLocations", "At least one edge location is needed.")
	}
	for i, location := range locations {
		if slices.Index(locations, location) < i {
			return api.InvalidField(fmt.Sprintf("edgeLocations[%d]", i), "Edge locations must be unique.")
		}
		if err := edgeOf(network, location); err != nil {
			return err
		}
	}
	return nil
}

// getDirectConnectGatewayAttachment shows a Direct Connect gateway attachment.
func getDirectConnectGatewayAttachment(v *state.View, in *api.GetDirectConnectGatewayAttachmentInput) (*api.GetDirectConnectGatewayAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeDirectConnectGateway)
	if err != nil {
		return nil, err
	}
	return &api.GetDirectConnectGatewayAttachmentOutput{DirectConnectGatewayAttachment: row.DirectConnectGateway()}, nil
}

// updateDirectConnectGatewayAttachment replaces the edges of an attachment that is AVAILABLE. A segment may have a table
// at the new ones and not at the old, so the policy is asked again.
func updateDirectConnectGatewayAttachment(tx *state.Txn, in *api.UpdateDirectConnectGatewayAttachmentInput) (*api.UpdateDirectConnectGatewayAttachmentOutput, error) {
	old, err := findAttachmentOf(tx.View, in.AttachmentId, api.AttachmentTypeDirectConnectGateway)
	if err != nil {
		return nil, err
	}
	if old.State != api.AttachmentStateAvailable {
		return nil, attachmentBusy(old)
	}
	network, ok := state.CoreNetworks.ByARN(tx.View, old.CoreNetworkArn)
	if !ok {
		return nil, api.NotFound("core-network", old.CoreNetworkId)
	}
	row := *old
	if in.EdgeLocations != nil {
		if err := edgesOf(network, in.EdgeLocations); err != nil {
			return nil, err
		}
		row.EdgeLocations = slices.Clone(in.EdgeLocations)
	}
	row.State = api.AttachmentStateUpdating
	row.LastModificationErrors = nil
	reconsider(tx, &row)
	changeAttachment(tx, &row)
	return &api.UpdateDirectConnectGatewayAttachmentOutput{DirectConnectGatewayAttachment: row.DirectConnectGateway()}, nil
}
