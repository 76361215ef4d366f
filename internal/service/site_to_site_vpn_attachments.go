package service

import (
	"context"

	"portolan/api"
)

// CreateSiteToSiteVpnAttachment attaches a VPN connection to the edge of its Region. Only the core network's owner can;
// a connection that has a target already is found out while the attachment is built.
func (s *Service) CreateSiteToSiteVpnAttachment(ctx context.Context, in *api.CreateSiteToSiteVpnAttachmentInput) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
	vpn, err := s.refs.vpnConnection(ctx, in.VpnConnectionArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *txn) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
		return once(tx, "CreateSiteToSiteVpnAttachment", in.ClientToken, in, func() (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
			network, live, err := tx.attachable(in.CoreNetworkId, "CreateSiteToSiteVpnAttachment", in.RoutingPolicyLabel, in.Tags)
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
			if err := tx.attach(network, live, &row); err != nil {
				return nil, err
			}
			return &api.CreateSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.vpn()}, nil
		})
	})
}

// GetSiteToSiteVpnAttachment shows a Site-to-Site VPN attachment.
func (s *Service) GetSiteToSiteVpnAttachment(ctx context.Context, in *api.GetSiteToSiteVpnAttachmentInput) (*api.GetSiteToSiteVpnAttachmentOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetSiteToSiteVpnAttachmentOutput, error) {
		row, err := v.attachmentOf(in.AttachmentId, api.AttachmentTypeSiteToSiteVpn)
		if err != nil {
			return nil, err
		}
		return &api.GetSiteToSiteVpnAttachmentOutput{SiteToSiteVpnAttachment: row.vpn()}, nil
	})
}

func (row *attachmentRow) vpn() *api.SiteToSiteVpnAttachment {
	return &api.SiteToSiteVpnAttachment{Attachment: &row.Attachment, VpnConnectionArn: row.ResourceArn}
}
