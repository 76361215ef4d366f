package state

import "portolan/api"

// VPC is the row of a VPC attachment as the API shows it.
func (r *Attachment) VPC() *api.VpcAttachment {
	return &api.VpcAttachment{Attachment: new(r.API()), SubnetArns: r.SubnetArns, Options: (*api.VpcOptions)(r.VpcOptions)}
}

// Connect is the row of a Connect attachment as the API shows it.
func (r *Attachment) Connect() *api.ConnectAttachment {
	return &api.ConnectAttachment{
		Attachment:            new(r.API()),
		TransportAttachmentId: r.TransportAttachmentId,
		Options:               &api.ConnectAttachmentOptions{Protocol: new(r.Protocol)},
	}
}

// VPN is the row of a Site-to-Site VPN attachment as the API shows it.
func (r *Attachment) VPN() *api.SiteToSiteVpnAttachment {
	return &api.SiteToSiteVpnAttachment{Attachment: new(r.API()), VpnConnectionArn: r.ResourceArn}
}

// DirectConnectGateway is the row of a Direct Connect gateway attachment as the API shows it.
func (r *Attachment) DirectConnectGateway() *api.DirectConnectGatewayAttachment {
	return &api.DirectConnectGatewayAttachment{Attachment: new(r.API()), DirectConnectGatewayArn: r.ResourceArn}
}

// RouteTable is the row of a transit gateway route table attachment as the API shows it.
func (r *Attachment) RouteTable() *api.TransitGatewayRouteTableAttachment {
	return &api.TransitGatewayRouteTableAttachment{Attachment: new(r.API()), PeeringId: r.PeeringId, TransitGatewayRouteTableArn: r.ResourceArn}
}

// AppendJSON appends the attachment as the Get operation of its type shows it.
func (r *Attachment) AppendJSON(b []byte) []byte {
	switch r.AttachmentType {
	case api.AttachmentTypeVpc:
		return r.VPC().AppendJSON(b)
	case api.AttachmentTypeConnect:
		return r.Connect().AppendJSON(b)
	case api.AttachmentTypeSiteToSiteVpn:
		return r.VPN().AppendJSON(b)
	case api.AttachmentTypeDirectConnectGateway:
		return r.DirectConnectGateway().AppendJSON(b)
	case api.AttachmentTypeTransitGatewayRouteTable:
		return r.RouteTable().AppendJSON(b)
	}
	shown := r.API()
	return shown.AppendJSON(b)
}
