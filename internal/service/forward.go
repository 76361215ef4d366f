package service

import (
	"context"

	"portolan/api"
)

func (s *Service) PutAttachmentRoutingPolicyLabel(ctx context.Context, in *api.PutAttachmentRoutingPolicyLabelInput) (*api.PutAttachmentRoutingPolicyLabelOutput, error) {
	return change(ctx, s.env, in, putAttachmentRoutingPolicyLabel)
}

func (s *Service) RemoveAttachmentRoutingPolicyLabel(ctx context.Context, in *api.RemoveAttachmentRoutingPolicyLabelInput) (*api.RemoveAttachmentRoutingPolicyLabelOutput, error) {
	return change(ctx, s.env, in, removeAttachmentRoutingPolicyLabel)
}

func (s *Service) ListAttachmentRoutingPolicyAssociations(ctx context.Context, in *api.ListAttachmentRoutingPolicyAssociationsInput) (*api.ListAttachmentRoutingPolicyAssociationsOutput, error) {
	return view(ctx, s.env, in, listAttachmentRoutingPolicyAssociations)
}

func (s *Service) ListAttachments(ctx context.Context, in *api.ListAttachmentsInput) (*api.ListAttachmentsOutput, error) {
	return view(ctx, s.env, in, listAttachments)
}

func (s *Service) AcceptAttachment(ctx context.Context, in *api.AcceptAttachmentInput) (*api.AcceptAttachmentOutput, error) {
	return change(ctx, s.env, in, acceptAttachment)
}

func (s *Service) RejectAttachment(ctx context.Context, in *api.RejectAttachmentInput) (*api.RejectAttachmentOutput, error) {
	return change(ctx, s.env, in, rejectAttachment)
}

func (s *Service) DeleteAttachment(ctx context.Context, in *api.DeleteAttachmentInput) (*api.DeleteAttachmentOutput, error) {
	return change(ctx, s.env, in, deleteAttachment)
}

func (s *Service) GetCoreNetworkChangeEvents(ctx context.Context, in *api.GetCoreNetworkChangeEventsInput) (*api.GetCoreNetworkChangeEventsOutput, error) {
	return view(ctx, s.env, in, getCoreNetworkChangeEvents)
}

func (s *Service) GetCoreNetworkChangeSet(ctx context.Context, in *api.GetCoreNetworkChangeSetInput) (*api.GetCoreNetworkChangeSetOutput, error) {
	return view(ctx, s.env, in, getCoreNetworkChangeSet)
}

func (s *Service) CreateConnectAttachment(ctx context.Context, in *api.CreateConnectAttachmentInput) (*api.CreateConnectAttachmentOutput, error) {
	return change(ctx, s.env, in, createConnectAttachment)
}

func (s *Service) GetConnectAttachment(ctx context.Context, in *api.GetConnectAttachmentInput) (*api.GetConnectAttachmentOutput, error) {
	return view(ctx, s.env, in, getConnectAttachment)
}

func (s *Service) AssociateConnectPeer(ctx context.Context, in *api.AssociateConnectPeerInput) (*api.AssociateConnectPeerOutput, error) {
	return change(ctx, s.env, in, associateConnectPeer)
}

func (s *Service) DisassociateConnectPeer(ctx context.Context, in *api.DisassociateConnectPeerInput) (*api.DisassociateConnectPeerOutput, error) {
	return change(ctx, s.env, in, disassociateConnectPeer)
}

func (s *Service) GetConnectPeerAssociations(ctx context.Context, in *api.GetConnectPeerAssociationsInput) (*api.GetConnectPeerAssociationsOutput, error) {
	return view(ctx, s.env, in, getConnectPeerAssociations)
}

func (s *Service) CreateConnectPeer(ctx context.Context, in *api.CreateConnectPeerInput) (*api.CreateConnectPeerOutput, error) {
	return createConnectPeer(ctx, s.env, in)
}

func (s *Service) GetConnectPeer(ctx context.Context, in *api.GetConnectPeerInput) (*api.GetConnectPeerOutput, error) {
	return view(ctx, s.env, in, getConnectPeer)
}

func (s *Service) ListConnectPeers(ctx context.Context, in *api.ListConnectPeersInput) (*api.ListConnectPeersOutput, error) {
	return view(ctx, s.env, in, listConnectPeers)
}

func (s *Service) DeleteConnectPeer(ctx context.Context, in *api.DeleteConnectPeerInput) (*api.DeleteConnectPeerOutput, error) {
	return change(ctx, s.env, in, deleteConnectPeer)
}

func (s *Service) CreateConnection(ctx context.Context, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
	return change(ctx, s.env, in, createConnection)
}

func (s *Service) GetConnections(ctx context.Context, in *api.GetConnectionsInput) (*api.GetConnectionsOutput, error) {
	return view(ctx, s.env, in, getConnections)
}

func (s *Service) UpdateConnection(ctx context.Context, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
	return change(ctx, s.env, in, updateConnection)
}

func (s *Service) DeleteConnection(ctx context.Context, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	return change(ctx, s.env, in, deleteConnection)
}

func (s *Service) PutCoreNetworkPolicy(ctx context.Context, in *api.PutCoreNetworkPolicyInput) (*api.PutCoreNetworkPolicyOutput, error) {
	return putCoreNetworkPolicy(ctx, s.env, in)
}

func (s *Service) GetCoreNetworkPolicy(ctx context.Context, in *api.GetCoreNetworkPolicyInput) (*api.GetCoreNetworkPolicyOutput, error) {
	return view(ctx, s.env, in, getCoreNetworkPolicy)
}

func (s *Service) ListCoreNetworkPolicyVersions(ctx context.Context, in *api.ListCoreNetworkPolicyVersionsInput) (*api.ListCoreNetworkPolicyVersionsOutput, error) {
	return view(ctx, s.env, in, listCoreNetworkPolicyVersions)
}

func (s *Service) DeleteCoreNetworkPolicyVersion(ctx context.Context, in *api.DeleteCoreNetworkPolicyVersionInput) (*api.DeleteCoreNetworkPolicyVersionOutput, error) {
	return change(ctx, s.env, in, deleteCoreNetworkPolicyVersion)
}

func (s *Service) RestoreCoreNetworkPolicyVersion(ctx context.Context, in *api.RestoreCoreNetworkPolicyVersionInput) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
	return restoreCoreNetworkPolicyVersion(ctx, s.env, in)
}

func (s *Service) CreateCoreNetwork(ctx context.Context, in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	return createCoreNetwork(ctx, s.env, in)
}

func (s *Service) GetCoreNetwork(ctx context.Context, in *api.GetCoreNetworkInput) (*api.GetCoreNetworkOutput, error) {
	return view(ctx, s.env, in, getCoreNetwork)
}

func (s *Service) ListCoreNetworks(ctx context.Context, in *api.ListCoreNetworksInput) (*api.ListCoreNetworksOutput, error) {
	return view(ctx, s.env, in, listCoreNetworks)
}

func (s *Service) UpdateCoreNetwork(ctx context.Context, in *api.UpdateCoreNetworkInput) (*api.UpdateCoreNetworkOutput, error) {
	return change(ctx, s.env, in, updateCoreNetwork)
}

func (s *Service) DeleteCoreNetwork(ctx context.Context, in *api.DeleteCoreNetworkInput) (*api.DeleteCoreNetworkOutput, error) {
	return change(ctx, s.env, in, deleteCoreNetwork)
}

func (s *Service) AssociateCustomerGateway(ctx context.Context, in *api.AssociateCustomerGatewayInput) (*api.AssociateCustomerGatewayOutput, error) {
	return associateCustomerGateway(ctx, s.env, in)
}

func (s *Service) DisassociateCustomerGateway(ctx context.Context, in *api.DisassociateCustomerGatewayInput) (*api.DisassociateCustomerGatewayOutput, error) {
	return change(ctx, s.env, in, disassociateCustomerGateway)
}

func (s *Service) GetCustomerGatewayAssociations(ctx context.Context, in *api.GetCustomerGatewayAssociationsInput) (*api.GetCustomerGatewayAssociationsOutput, error) {
	return view(ctx, s.env, in, getCustomerGatewayAssociations)
}

func (s *Service) CreateDevice(ctx context.Context, in *api.CreateDeviceInput) (*api.CreateDeviceOutput, error) {
	return change(ctx, s.env, in, createDevice)
}

func (s *Service) GetDevices(ctx context.Context, in *api.GetDevicesInput) (*api.GetDevicesOutput, error) {
	return view(ctx, s.env, in, getDevices)
}

func (s *Service) UpdateDevice(ctx context.Context, in *api.UpdateDeviceInput) (*api.UpdateDeviceOutput, error) {
	return change(ctx, s.env, in, updateDevice)
}

func (s *Service) DeleteDevice(ctx context.Context, in *api.DeleteDeviceInput) (*api.DeleteDeviceOutput, error) {
	return change(ctx, s.env, in, deleteDevice)
}

func (s *Service) CreateDirectConnectGatewayAttachment(ctx context.Context, in *api.CreateDirectConnectGatewayAttachmentInput) (*api.CreateDirectConnectGatewayAttachmentOutput, error) {
	return createDirectConnectGatewayAttachment(ctx, s.env, in)
}

func (s *Service) GetDirectConnectGatewayAttachment(ctx context.Context, in *api.GetDirectConnectGatewayAttachmentInput) (*api.GetDirectConnectGatewayAttachmentOutput, error) {
	return view(ctx, s.env, in, getDirectConnectGatewayAttachment)
}

func (s *Service) UpdateDirectConnectGatewayAttachment(ctx context.Context, in *api.UpdateDirectConnectGatewayAttachmentInput) (*api.UpdateDirectConnectGatewayAttachmentOutput, error) {
	return change(ctx, s.env, in, updateDirectConnectGatewayAttachment)
}

func (s *Service) ExecuteCoreNetworkChangeSet(ctx context.Context, in *api.ExecuteCoreNetworkChangeSetInput) (*api.ExecuteCoreNetworkChangeSetOutput, error) {
	return change(ctx, s.env, in, executeCoreNetworkChangeSet)
}

func (s *Service) CreateGlobalNetwork(ctx context.Context, in *api.CreateGlobalNetworkInput) (*api.CreateGlobalNetworkOutput, error) {
	return change(ctx, s.env, in, createGlobalNetwork)
}

func (s *Service) DescribeGlobalNetworks(ctx context.Context, in *api.DescribeGlobalNetworksInput) (*api.DescribeGlobalNetworksOutput, error) {
	return view(ctx, s.env, in, describeGlobalNetworks)
}

func (s *Service) UpdateGlobalNetwork(ctx context.Context, in *api.UpdateGlobalNetworkInput) (*api.UpdateGlobalNetworkOutput, error) {
	return change(ctx, s.env, in, updateGlobalNetwork)
}

func (s *Service) DeleteGlobalNetwork(ctx context.Context, in *api.DeleteGlobalNetworkInput) (*api.DeleteGlobalNetworkOutput, error) {
	return change(ctx, s.env, in, deleteGlobalNetwork)
}

func (s *Service) AssociateLink(ctx context.Context, in *api.AssociateLinkInput) (*api.AssociateLinkOutput, error) {
	return change(ctx, s.env, in, associateLink)
}

func (s *Service) DisassociateLink(ctx context.Context, in *api.DisassociateLinkInput) (*api.DisassociateLinkOutput, error) {
	return change(ctx, s.env, in, disassociateLink)
}

func (s *Service) GetLinkAssociations(ctx context.Context, in *api.GetLinkAssociationsInput) (*api.GetLinkAssociationsOutput, error) {
	return view(ctx, s.env, in, getLinkAssociations)
}

func (s *Service) CreateLink(ctx context.Context, in *api.CreateLinkInput) (*api.CreateLinkOutput, error) {
	return change(ctx, s.env, in, createLink)
}

func (s *Service) GetLinks(ctx context.Context, in *api.GetLinksInput) (*api.GetLinksOutput, error) {
	return view(ctx, s.env, in, getLinks)
}

func (s *Service) UpdateLink(ctx context.Context, in *api.UpdateLinkInput) (*api.UpdateLinkOutput, error) {
	return change(ctx, s.env, in, updateLink)
}

func (s *Service) DeleteLink(ctx context.Context, in *api.DeleteLinkInput) (*api.DeleteLinkOutput, error) {
	return change(ctx, s.env, in, deleteLink)
}

func (s *Service) GetNetworkResources(ctx context.Context, in *api.GetNetworkResourcesInput) (*api.GetNetworkResourcesOutput, error) {
	return getNetworkResources(ctx, s.env, in)
}

func (s *Service) GetNetworkResourceCounts(ctx context.Context, in *api.GetNetworkResourceCountsInput) (*api.GetNetworkResourceCountsOutput, error) {
	return getNetworkResourceCounts(ctx, s.env, in)
}

func (s *Service) GetNetworkResourceRelationships(ctx context.Context, in *api.GetNetworkResourceRelationshipsInput) (*api.GetNetworkResourceRelationshipsOutput, error) {
	return getNetworkResourceRelationships(ctx, s.env, in)
}

func (s *Service) UpdateNetworkResourceMetadata(ctx context.Context, in *api.UpdateNetworkResourceMetadataInput) (*api.UpdateNetworkResourceMetadataOutput, error) {
	return updateNetworkResourceMetadata(ctx, s.env, in)
}

func (s *Service) GetNetworkRoutes(ctx context.Context, in *api.GetNetworkRoutesInput) (*api.GetNetworkRoutesOutput, error) {
	return getNetworkRoutes(ctx, s.env, in)
}

func (s *Service) GetNetworkTelemetry(ctx context.Context, in *api.GetNetworkTelemetryInput) (*api.GetNetworkTelemetryOutput, error) {
	return getNetworkTelemetry(ctx, s.env, in)
}

func (s *Service) StartOrganizationServiceAccessUpdate(ctx context.Context, in *api.StartOrganizationServiceAccessUpdateInput) (*api.StartOrganizationServiceAccessUpdateOutput, error) {
	return change(ctx, s.env, in, startOrganizationServiceAccessUpdate)
}

func (s *Service) ListOrganizationServiceAccessStatus(ctx context.Context, in *api.ListOrganizationServiceAccessStatusInput) (*api.ListOrganizationServiceAccessStatusOutput, error) {
	return view(ctx, s.env, in, listOrganizationServiceAccessStatus)
}

func (s *Service) CreateTransitGatewayPeering(ctx context.Context, in *api.CreateTransitGatewayPeeringInput) (*api.CreateTransitGatewayPeeringOutput, error) {
	return createTransitGatewayPeering(ctx, s.env, in)
}

func (s *Service) GetTransitGatewayPeering(ctx context.Context, in *api.GetTransitGatewayPeeringInput) (*api.GetTransitGatewayPeeringOutput, error) {
	return view(ctx, s.env, in, getTransitGatewayPeering)
}

func (s *Service) ListPeerings(ctx context.Context, in *api.ListPeeringsInput) (*api.ListPeeringsOutput, error) {
	return view(ctx, s.env, in, listPeerings)
}

func (s *Service) DeletePeering(ctx context.Context, in *api.DeletePeeringInput) (*api.DeletePeeringOutput, error) {
	return change(ctx, s.env, in, deletePeering)
}

func (s *Service) CreateCoreNetworkPrefixListAssociation(ctx context.Context, in *api.CreateCoreNetworkPrefixListAssociationInput) (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
	return createCoreNetworkPrefixListAssociation(ctx, s.env, in)
}

func (s *Service) DeleteCoreNetworkPrefixListAssociation(ctx context.Context, in *api.DeleteCoreNetworkPrefixListAssociationInput) (*api.DeleteCoreNetworkPrefixListAssociationOutput, error) {
	return change(ctx, s.env, in, deleteCoreNetworkPrefixListAssociation)
}

func (s *Service) ListCoreNetworkPrefixListAssociations(ctx context.Context, in *api.ListCoreNetworkPrefixListAssociationsInput) (*api.ListCoreNetworkPrefixListAssociationsOutput, error) {
	return view(ctx, s.env, in, listCoreNetworkPrefixListAssociations)
}

func (s *Service) PutResourcePolicy(ctx context.Context, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	return putResourcePolicy(ctx, s.env, in)
}

func (s *Service) GetResourcePolicy(ctx context.Context, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	return view(ctx, s.env, in, getResourcePolicy)
}

func (s *Service) DeleteResourcePolicy(ctx context.Context, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	return change(ctx, s.env, in, deleteResourcePolicy)
}

func (s *Service) StartRouteAnalysis(ctx context.Context, in *api.StartRouteAnalysisInput) (*api.StartRouteAnalysisOutput, error) {
	return startRouteAnalysis(ctx, s.env, in)
}

func (s *Service) GetRouteAnalysis(ctx context.Context, in *api.GetRouteAnalysisInput) (*api.GetRouteAnalysisOutput, error) {
	return view(ctx, s.env, in, getRouteAnalysis)
}

func (s *Service) ListCoreNetworkRoutingInformation(ctx context.Context, in *api.ListCoreNetworkRoutingInformationInput) (*api.ListCoreNetworkRoutingInformationOutput, error) {
	return listCoreNetworkRoutingInformation(ctx, s.env, in)
}

func (s *Service) CreateSiteToSiteVpnAttachment(ctx context.Context, in *api.CreateSiteToSiteVpnAttachmentInput) (*api.CreateSiteToSiteVpnAttachmentOutput, error) {
	return createSiteToSiteVpnAttachment(ctx, s.env, in)
}

func (s *Service) GetSiteToSiteVpnAttachment(ctx context.Context, in *api.GetSiteToSiteVpnAttachmentInput) (*api.GetSiteToSiteVpnAttachmentOutput, error) {
	return view(ctx, s.env, in, getSiteToSiteVpnAttachment)
}

func (s *Service) CreateSite(ctx context.Context, in *api.CreateSiteInput) (*api.CreateSiteOutput, error) {
	return change(ctx, s.env, in, createSite)
}

func (s *Service) GetSites(ctx context.Context, in *api.GetSitesInput) (*api.GetSitesOutput, error) {
	return view(ctx, s.env, in, getSites)
}

func (s *Service) UpdateSite(ctx context.Context, in *api.UpdateSiteInput) (*api.UpdateSiteOutput, error) {
	return change(ctx, s.env, in, updateSite)
}

func (s *Service) DeleteSite(ctx context.Context, in *api.DeleteSiteInput) (*api.DeleteSiteOutput, error) {
	return change(ctx, s.env, in, deleteSite)
}

func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return change(ctx, s.env, in, tagResource)
}

func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return change(ctx, s.env, in, untagResource)
}

func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	return view(ctx, s.env, in, listTagsForResource)
}

func (s *Service) CreateTransitGatewayRouteTableAttachment(ctx context.Context, in *api.CreateTransitGatewayRouteTableAttachmentInput) (*api.CreateTransitGatewayRouteTableAttachmentOutput, error) {
	return createTransitGatewayRouteTableAttachment(ctx, s.env, in)
}

func (s *Service) GetTransitGatewayRouteTableAttachment(ctx context.Context, in *api.GetTransitGatewayRouteTableAttachmentInput) (*api.GetTransitGatewayRouteTableAttachmentOutput, error) {
	return view(ctx, s.env, in, getTransitGatewayRouteTableAttachment)
}

func (s *Service) RegisterTransitGateway(ctx context.Context, in *api.RegisterTransitGatewayInput) (*api.RegisterTransitGatewayOutput, error) {
	return registerTransitGateway(ctx, s.env, in)
}

func (s *Service) DeregisterTransitGateway(ctx context.Context, in *api.DeregisterTransitGatewayInput) (*api.DeregisterTransitGatewayOutput, error) {
	return deregisterTransitGateway(ctx, s.env, in)
}

func (s *Service) GetTransitGatewayRegistrations(ctx context.Context, in *api.GetTransitGatewayRegistrationsInput) (*api.GetTransitGatewayRegistrationsOutput, error) {
	return view(ctx, s.env, in, getTransitGatewayRegistrations)
}

func (s *Service) AssociateTransitGatewayConnectPeer(ctx context.Context, in *api.AssociateTransitGatewayConnectPeerInput) (*api.AssociateTransitGatewayConnectPeerOutput, error) {
	return associateTransitGatewayConnectPeer(ctx, s.env, in)
}

func (s *Service) DisassociateTransitGatewayConnectPeer(ctx context.Context, in *api.DisassociateTransitGatewayConnectPeerInput) (*api.DisassociateTransitGatewayConnectPeerOutput, error) {
	return change(ctx, s.env, in, disassociateTransitGatewayConnectPeer)
}

func (s *Service) GetTransitGatewayConnectPeerAssociations(ctx context.Context, in *api.GetTransitGatewayConnectPeerAssociationsInput) (*api.GetTransitGatewayConnectPeerAssociationsOutput, error) {
	return view(ctx, s.env, in, getTransitGatewayConnectPeerAssociations)
}

func (s *Service) UpdateAttachmentNatConfiguration(ctx context.Context, in *api.UpdateAttachmentNatConfigurationInput) (*api.UpdateAttachmentNatConfigurationOutput, error) {
	return updateAttachmentNatConfiguration(ctx, s.env, in)
}

func (s *Service) ListAttachmentNatConfigurations(ctx context.Context, in *api.ListAttachmentNatConfigurationsInput) (*api.ListAttachmentNatConfigurationsOutput, error) {
	return view(ctx, s.env, in, listAttachmentNatConfigurations)
}

func (s *Service) CreateVpcAttachment(ctx context.Context, in *api.CreateVpcAttachmentInput) (*api.CreateVpcAttachmentOutput, error) {
	return createVpcAttachment(ctx, s.env, in)
}

func (s *Service) GetVpcAttachment(ctx context.Context, in *api.GetVpcAttachmentInput) (*api.GetVpcAttachmentOutput, error) {
	return view(ctx, s.env, in, getVpcAttachment)
}

func (s *Service) UpdateVpcAttachment(ctx context.Context, in *api.UpdateVpcAttachmentInput) (*api.UpdateVpcAttachmentOutput, error) {
	return updateVpcAttachment(ctx, s.env, in)
}
