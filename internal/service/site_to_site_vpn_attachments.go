package service

import (
	"context"
	"slices"

	"portolan/api"
	"portolan/internal/state"
)

// createSiteToSiteVpnAttachment attaches a VPN connection to the edge of its Region. Only the core network's owner can;
// a connection that has a target already is found out while the attachment is built.
func createSiteToSiteVpnAttachment(ctx context.Context, e *env, in *api.CreateSiteToSiteVpnAttachmentInput) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
	vpn, err := e.refs.vpnConnection(ctx, in.VpnConnectionArn)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
		return state.Once(tx, "CreateSiteToSiteVpnAttachment", in.ClientToken, in, func() (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
			nat := natRequest{in.NatGatewaySupport, in.NatSystemRouteSupport, in.NatGatewayRules}
			network, live, err := attachable(tx, in.CoreNetworkId, "CreateSiteToSiteVpnAttachment", in.RoutingPolicyLabel, nat, in.Tags)
			if err != nil {
				return nil, err
			}
			if err := edgeOf(network, vpn.Region); err != nil {
				return nil, err
			}
			row := state.Attachment{
				AttachmentType:     api.AttachmentTypeSiteToSiteVpn,
				EdgeLocation:       vpn.Region,
				ResourceArn:        in.VpnConnectionArn,
				Tags:               someTags(in.Tags),
				RoutingPolicyLabel: val(in.RoutingPolicyLabel),
				Problems:           vpn.problems,
			}
			if vpn.static && nat.enables(false) {
				row.Problems = append(slices.Clip(row.Problems), staticNATProblem(in.VpnConnectionArn))
			}
			if err := attach(tx, network, live, &row, nat); err != nil {
				return nil, err
			}
			return &api.CreateSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.VPN()}, nil
		})
	})
}

// getSiteToSiteVpnAttachment shows a Site-to-Site VPN attachment.
func getSiteToSiteVpnAttachment(v *state.View, in *api.GetSiteToSiteVpnAttachmentInput) (*api.GetSiteToSiteVpnAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeSiteToSiteVpn)
	if err != nil {
		return nil, err
	}
	return &api.GetSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.VPN()}, nil
}
