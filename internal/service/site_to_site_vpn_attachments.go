package service

import (
	"context"

	"portolan/api"
)

// createSiteToSiteVpnAttachment attaches a VPN connection to the edge of its Region. Only the core network's owner can;
// a connection that has a target already is found out while the attachment is built.
func createSiteToSiteVpnAttachment(ctx context.Context, e *env, in *api.CreateSiteToSiteVpnAttachmentInput) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
	vpn, err := e.refs.vpnConnection(ctx, in.VpnConnectionArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, e, func(tx *Txn) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
		return once(tx, "CreateSiteToSiteVpnAttachment", in.ClientToken, in, func() (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
			network, live, err := attachable(tx, in.CoreNetworkId, "CreateSiteToSiteVpnAttachment", in.RoutingPolicyLabel, in.Tags)
			if err != nil {
				return nil, err
			}
			if err := edgeOf(network, vpn.region); err != nil {
				return nil, err
			}
			row := attachmentRow{
				Attachment: api.Attachment{
					AttachmentType: api.AttachmentTypeSiteToSiteVpn,
					EdgeLocation:   vpn.region,
					ResourceArn:    in.VpnConnectionArn,
					Tags:           someTags(in.Tags),
				},
				RoutingPolicyLabel: val(in.RoutingPolicyLabel),
				Problems:           vpn.problems,
			}
			if err := attach(tx, network, live, &row); err != nil {
				return nil, err
			}
			return &api.CreateSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.vpn()}, nil
		})
	})
}

// getSiteToSiteVpnAttachment shows a Site-to-Site VPN attachment.
func getSiteToSiteVpnAttachment(v *View, in *api.GetSiteToSiteVpnAttachmentInput) (*api.GetSiteToSiteVpnAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeSiteToSiteVpn)
	if err != nil {
		return nil, err
	}
	return &api.GetSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.vpn()}, nil
}

func (row *attachmentRow) vpn() *api.SiteToSiteVpnAttachment {
	return &api.SiteToSiteVpnAttachment{Attachment: &row.Attachment, VpnConnectionArn: row.ResourceArn}
}
