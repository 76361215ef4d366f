package auth

import "portolan/api"

// asks is, for every operation, what it needs permission for. Site, device and link ids beside the resource itself count
// only where the reference lists them.
var asks = map[string]ask{
	"AcceptAttachment":     on(func(q *query, in *api.AcceptAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"AssociateConnectPeer": on(func(q *query, in *api.AssociateConnectPeerInput) { q.in(in.GlobalNetworkId, "device", in.DeviceId) }),
	"AssociateCustomerGateway": on(func(q *query, in *api.AssociateCustomerGatewayInput) {
		q.in(in.GlobalNetworkId, "device", in.DeviceId)
		q.in(in.GlobalNetworkId, "link", maybe(in.LinkId)...)
		q.key("networkmanager:cgwArn", in.CustomerGatewayArn)
	}),
	"AssociateLink": on(func(q *query, in *api.AssociateLinkInput) {
		q.in(in.GlobalNetworkId, "device", in.DeviceId)
		q.in(in.GlobalNetworkId, "link", in.LinkId)
	}),
	"AssociateTransitGatewayConnectPeer": on(func(q *query, in *api.AssociateTransitGatewayConnectPeerInput) {
		q.in(in.GlobalNetworkId, "device", in.DeviceId)
		q.in(in.GlobalNetworkId, "link", maybe(in.LinkId)...)
		q.key("networkmanager:tgwConnectPeerArn", in.TransitGatewayConnectPeerArn)
	}),
	"CreateConnectAttachment": on(func(q *query, in *api.CreateConnectAttachmentInput) {
		q.own("attachment", in.TransportAttachmentId)
		q.coreNetwork(in.CoreNetworkId)
		q.attaches(in.CoreNetworkId, in.RoutingPolicyLabel, in.Tags)
	}),
	"CreateConnectPeer": on(func(q *query, in *api.CreateConnectPeerInput) {
		q.own("attachment", in.ConnectAttachmentId)
		q.creates("connect-peer", in.Tags)
	}),
	"CreateConnection": on(func(q *query, in *api.CreateConnectionInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.creates("connection/"+in.GlobalNetworkId, in.Tags)
	}),
	"CreateCoreNetwork": on(func(q *query, in *api.CreateCoreNetworkInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.creates("core-network", in.Tags)
	}),
	"CreateCoreNetworkPrefixListAssociation": on(func(q *query, in *api.CreateCoreNetworkPrefixListAssociationInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"CreateDevice": on(func(q *query, in *api.CreateDeviceInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.creates("device/"+in.GlobalNetworkId, in.Tags)
	}),
	"CreateDirectConnectGatewayAttachment": on(func(q *query, in *api.CreateDirectConnectGatewayAttachmentInput) {
		q.coreNetwork(in.CoreNetworkId)
		q.key("networkmanager:directConnectGatewayArn", in.DirectConnectGatewayArn)
		q.key("networkmanager:edgeLocations", in.EdgeLocations...)
		q.attaches(in.CoreNetworkId, in.RoutingPolicyLabel, in.Tags)
	}),
	"CreateGlobalNetwork": on(func(q *query, in *api.CreateGlobalNetworkInput) {
		q.none()
		q.creates("global-network", in.Tags)
	}),
	"CreateLink": on(func(q *query, in *api.CreateLinkInput) {
		q.in(in.GlobalNetworkId, "site", in.SiteId)
		q.creates("link/"+in.GlobalNetworkId, in.Tags)
	}),
	"CreateSite": on(func(q *query, in *api.CreateSiteInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.creates("site/"+in.GlobalNetworkId, in.Tags)
	}),
	"CreateSiteToSiteVpnAttachment": on(func(q *query, in *api.CreateSiteToSiteVpnAttachmentInput) {
		q.coreNetwork(in.CoreNetworkId)
		q.key("networkmanager:vpnConnectionArn", in.VpnConnectionArn)
		q.attaches(in.CoreNetworkId, in.RoutingPolicyLabel, in.Tags)
	}),
	"CreateTransitGatewayPeering": on(func(q *query, in *api.CreateTransitGatewayPeeringInput) {
		q.coreNetwork(in.CoreNetworkId)
		q.key("networkmanager:tgwArn", in.TransitGatewayArn)
		q.creates("peering", in.Tags)
	}),
	"CreateTransitGatewayRouteTableAttachment": on(func(q *query, in *api.CreateTransitGatewayRouteTableAttachmentInput) {
		q.own("peering", in.PeeringId)
		q.key("networkmanager:tgwRtbArn", in.TransitGatewayRouteTableArn)
		q.attaches("", in.RoutingPolicyLabel, in.Tags)
	}),
	"CreateVpcAttachment": on(func(q *query, in *api.CreateVpcAttachmentInput) {
		q.coreNetwork(in.CoreNetworkId)
		q.key("networkmanager:vpcArn", in.VpcArn)
		q.key("networkmanager:subnetArns", in.SubnetArns...)
		q.attaches(in.CoreNetworkId, in.RoutingPolicyLabel, in.Tags)
	}),
	"DeleteAttachment":               on(func(q *query, in *api.DeleteAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"DeleteConnectPeer":              on(func(q *query, in *api.DeleteConnectPeerInput) { q.own("connect-peer", in.ConnectPeerId) }),
	"DeleteConnection":               on(func(q *query, in *api.DeleteConnectionInput) { q.in(in.GlobalNetworkId, "connection", in.ConnectionId) }),
	"DeleteCoreNetwork":              on(func(q *query, in *api.DeleteCoreNetworkInput) { q.coreNetwork(in.CoreNetworkId) }),
	"DeleteCoreNetworkPolicyVersion": on(func(q *query, in *api.DeleteCoreNetworkPolicyVersionInput) { q.coreNetwork(in.CoreNetworkId) }),
	"DeleteCoreNetworkPrefixListAssociation": on(func(q *query, in *api.DeleteCoreNetworkPrefixListAssociationInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"DeleteDevice":         on(func(q *query, in *api.DeleteDeviceInput) { q.in(in.GlobalNetworkId, "device", in.DeviceId) }),
	"DeleteGlobalNetwork":  on(func(q *query, in *api.DeleteGlobalNetworkInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"DeleteLink":           on(func(q *query, in *api.DeleteLinkInput) { q.in(in.GlobalNetworkId, "link", in.LinkId) }),
	"DeletePeering":        on(func(q *query, in *api.DeletePeeringInput) { q.own("peering", in.PeeringId) }),
	"DeleteResourcePolicy": on(func(q *query, in *api.DeleteResourcePolicyInput) { q.named(in.ResourceArn) }),
	"DeleteSite":           on(func(q *query, in *api.DeleteSiteInput) { q.in(in.GlobalNetworkId, "site", in.SiteId) }),
	"DeregisterTransitGateway": on(func(q *query, in *api.DeregisterTransitGatewayInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.key("networkmanager:tgwArn", in.TransitGatewayArn)
	}),
	"DescribeGlobalNetworks": on(func(q *query, in *api.DescribeGlobalNetworksInput) {
		if q.own("global-network", in.GlobalNetworkIds...); len(q.checks) == 0 {
			q.all("global-network")
		}
	}),
	"DisassociateConnectPeer": on(func(q *query, in *api.DisassociateConnectPeerInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"DisassociateCustomerGateway": on(func(q *query, in *api.DisassociateCustomerGatewayInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.key("networkmanager:cgwArn", in.CustomerGatewayArn)
	}),
	"DisassociateLink": on(func(q *query, in *api.DisassociateLinkInput) {
		q.in(in.GlobalNetworkId, "device", in.DeviceId)
		q.in(in.GlobalNetworkId, "link", in.LinkId)
	}),
	"DisassociateTransitGatewayConnectPeer": on(func(q *query, in *api.DisassociateTransitGatewayConnectPeerInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.key("networkmanager:tgwConnectPeerArn", in.TransitGatewayConnectPeerArn)
	}),
	"ExecuteCoreNetworkChangeSet": on(func(q *query, in *api.ExecuteCoreNetworkChangeSetInput) { q.coreNetwork(in.CoreNetworkId) }),
	"GetConnectAttachment":        on(func(q *query, in *api.GetConnectAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"GetConnectPeer":              on(func(q *query, in *api.GetConnectPeerInput) { q.own("connect-peer", in.ConnectPeerId) }),
	"GetConnectPeerAssociations":  on(func(q *query, in *api.GetConnectPeerAssociationsInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetConnections": on(func(q *query, in *api.GetConnectionsInput) {
		q.in(in.GlobalNetworkId, "connection", in.ConnectionIds...)
	}),
	"GetCoreNetwork":             on(func(q *query, in *api.GetCoreNetworkInput) { q.coreNetwork(in.CoreNetworkId) }),
	"GetCoreNetworkChangeEvents": on(func(q *query, in *api.GetCoreNetworkChangeEventsInput) { q.coreNetwork(in.CoreNetworkId) }),
	"GetCoreNetworkChangeSet":    on(func(q *query, in *api.GetCoreNetworkChangeSetInput) { q.coreNetwork(in.CoreNetworkId) }),
	"GetCoreNetworkPolicy":       on(func(q *query, in *api.GetCoreNetworkPolicyInput) { q.coreNetwork(in.CoreNetworkId) }),
	"GetCustomerGatewayAssociations": on(func(q *query, in *api.GetCustomerGatewayAssociationsInput) {
		q.globalNetwork(in.GlobalNetworkId)
	}),
	"GetDevices": on(func(q *query, in *api.GetDevicesInput) { q.in(in.GlobalNetworkId, "device", in.DeviceIds...) }),
	"GetDirectConnectGatewayAttachment": on(func(q *query, in *api.GetDirectConnectGatewayAttachmentInput) {
		q.own("attachment", in.AttachmentId)
	}),
	"GetLinkAssociations": on(func(q *query, in *api.GetLinkAssociationsInput) {
		q.in(in.GlobalNetworkId, "device", maybe(in.DeviceId)...)
		q.in(in.GlobalNetworkId, "link", maybe(in.LinkId)...)
	}),
	"GetLinks":                 on(func(q *query, in *api.GetLinksInput) { q.in(in.GlobalNetworkId, "link", in.LinkIds...) }),
	"GetNetworkResourceCounts": on(func(q *query, in *api.GetNetworkResourceCountsInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetNetworkResourceRelationships": on(func(q *query, in *api.GetNetworkResourceRelationshipsInput) {
		q.globalNetwork(in.GlobalNetworkId)
	}),
	"GetNetworkResources":        on(func(q *query, in *api.GetNetworkResourcesInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetNetworkRoutes":           on(func(q *query, in *api.GetNetworkRoutesInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetNetworkTelemetry":        on(func(q *query, in *api.GetNetworkTelemetryInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetResourcePolicy":          on(func(q *query, in *api.GetResourcePolicyInput) { q.named(in.ResourceArn) }),
	"GetRouteAnalysis":           on(func(q *query, in *api.GetRouteAnalysisInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"GetSiteToSiteVpnAttachment": on(func(q *query, in *api.GetSiteToSiteVpnAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"GetSites":                   on(func(q *query, in *api.GetSitesInput) { q.in(in.GlobalNetworkId, "site", in.SiteIds...) }),
	"GetTransitGatewayConnectPeerAssociations": on(func(q *query, in *api.GetTransitGatewayConnectPeerAssociationsInput) {
		q.globalNetwork(in.GlobalNetworkId)
	}),
	"GetTransitGatewayPeering": on(func(q *query, in *api.GetTransitGatewayPeeringInput) { q.own("peering", in.PeeringId) }),
	"GetTransitGatewayRegistrations": on(func(q *query, in *api.GetTransitGatewayRegistrationsInput) {
		q.globalNetwork(in.GlobalNetworkId)
	}),
	"GetTransitGatewayRouteTableAttachment": on(func(q *query, in *api.GetTransitGatewayRouteTableAttachmentInput) {
		q.own("attachment", in.AttachmentId)
	}),
	"GetVpcAttachment": on(func(q *query, in *api.GetVpcAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"ListAttachmentNatConfigurations": on(func(q *query, in *api.ListAttachmentNatConfigurationsInput) {
		q.own("attachment", maybe(in.AttachmentId)...)
		if in.CoreNetworkId != nil {
			q.coreNetwork(*in.CoreNetworkId)
		}
		if len(q.checks) == 0 {
			q.all("attachment") // which the operation refuses
		}
	}),
	"ListAttachmentRoutingPolicyAssociations": on(func(q *query, in *api.ListAttachmentRoutingPolicyAssociationsInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"ListAttachments":               on(func(q *query, _ *api.ListAttachmentsInput) { q.all("attachment") }),
	"ListConnectPeers":              on(func(q *query, _ *api.ListConnectPeersInput) { q.all("connect-peer") }),
	"ListCoreNetworkPolicyVersions": on(func(q *query, in *api.ListCoreNetworkPolicyVersionsInput) { q.coreNetwork(in.CoreNetworkId) }),
	"ListCoreNetworkPrefixListAssociations": on(func(q *query, in *api.ListCoreNetworkPrefixListAssociationsInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"ListCoreNetworkRoutingInformation": on(func(q *query, in *api.ListCoreNetworkRoutingInformationInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"ListCoreNetworks":                    on(func(q *query, _ *api.ListCoreNetworksInput) { q.none() }),
	"ListOrganizationServiceAccessStatus": on(func(q *query, _ *api.ListOrganizationServiceAccessStatusInput) { q.none() }),
	"ListPeerings":                        on(func(q *query, _ *api.ListPeeringsInput) { q.none() }),
	"ListTagsForResource":                 on(func(q *query, in *api.ListTagsForResourceInput) { q.named(in.ResourceArn) }),
	"PutAttachmentRoutingPolicyLabel": on(func(q *query, in *api.PutAttachmentRoutingPolicyLabelInput) {
		q.own("attachment", in.AttachmentId)
		q.coreNetwork(in.CoreNetworkId)
	}),
	"PutCoreNetworkPolicy": on(func(q *query, in *api.PutCoreNetworkPolicyInput) { q.coreNetwork(in.CoreNetworkId) }),
	"PutResourcePolicy":    on(func(q *query, in *api.PutResourcePolicyInput) { q.named(in.ResourceArn) }),
	"RegisterTransitGateway": on(func(q *query, in *api.RegisterTransitGatewayInput) {
		q.globalNetwork(in.GlobalNetworkId)
		q.key("networkmanager:tgwArn", in.TransitGatewayArn)
	}),
	"RejectAttachment": on(func(q *query, in *api.RejectAttachmentInput) { q.own("attachment", in.AttachmentId) }),
	"RemoveAttachmentRoutingPolicyLabel": on(func(q *query, in *api.RemoveAttachmentRoutingPolicyLabelInput) {
		q.own("attachment", in.AttachmentId)
		q.coreNetwork(in.CoreNetworkId)
	}),
	"RestoreCoreNetworkPolicyVersion": on(func(q *query, in *api.RestoreCoreNetworkPolicyVersionInput) {
		q.coreNetwork(in.CoreNetworkId)
	}),
	"StartOrganizationServiceAccessUpdate": on(func(q *query, _ *api.StartOrganizationServiceAccessUpdateInput) { q.none() }),
	"StartRouteAnalysis":                   on(func(q *query, in *api.StartRouteAnalysisInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"TagResource": on(func(q *query, in *api.TagResourceInput) {
		q.named(in.ResourceArn)
		q.requestTags(in.Tags)
	}),
	"UntagResource": on(func(q *query, in *api.UntagResourceInput) {
		q.named(in.ResourceArn)
		q.tagKeys(in.TagKeys)
	}),
	"UpdateAttachmentNatConfiguration": on(func(q *query, in *api.UpdateAttachmentNatConfigurationInput) {
		q.own("attachment", in.AttachmentId)
	}),
	"UpdateConnection":  on(func(q *query, in *api.UpdateConnectionInput) { q.in(in.GlobalNetworkId, "connection", in.ConnectionId) }),
	"UpdateCoreNetwork": on(func(q *query, in *api.UpdateCoreNetworkInput) { q.coreNetwork(in.CoreNetworkId) }),
	"UpdateDevice":      on(func(q *query, in *api.UpdateDeviceInput) { q.in(in.GlobalNetworkId, "device", in.DeviceId) }),
	"UpdateDirectConnectGatewayAttachment": on(func(q *query, in *api.UpdateDirectConnectGatewayAttachmentInput) {
		q.own("attachment", in.AttachmentId)
		q.key("networkmanager:edgeLocations", in.EdgeLocations...)
	}),
	"UpdateGlobalNetwork": on(func(q *query, in *api.UpdateGlobalNetworkInput) { q.globalNetwork(in.GlobalNetworkId) }),
	"UpdateLink":          on(func(q *query, in *api.UpdateLinkInput) { q.in(in.GlobalNetworkId, "link", in.LinkId) }),
	"UpdateNetworkResourceMetadata": on(func(q *query, in *api.UpdateNetworkResourceMetadataInput) {
		q.globalNetwork(in.GlobalNetworkId)
	}),
	"UpdateSite": on(func(q *query, in *api.UpdateSiteInput) { q.in(in.GlobalNetworkId, "site", in.SiteId) }),
	"UpdateVpcAttachment": on(func(q *query, in *api.UpdateVpcAttachmentInput) {
		q.own("attachment", in.AttachmentId)
		q.key("networkmanager:subnetArns", append(in.AddSubnetArns[:len(in.AddSubnetArns):len(in.AddSubnetArns)], in.RemoveSubnetArns...)...)
	}),
}
