package service_test

import (
	"context"
	"fmt"
	"testing"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/node"
)

// lacking is a catalog whose endpoint serves nothing of what it is asked for.
type lacking struct{}

func lacks[T any](arn string) (*T, error) {
	return nil, fmt.Errorf("%s: %w", arn, catalog.ErrUnsupported)
}

func (lacking) VPC(_ context.Context, arn string) (*catalog.VPC, error) {
	return lacks[catalog.VPC](arn)
}

func (lacking) TransitGateway(_ context.Context, arn string) (*catalog.TransitGateway, error) {
	return lacks[catalog.TransitGateway](arn)
}

func (lacking) RouteTable(_ context.Context, arn string) (*catalog.RouteTable, error) {
	return lacks[catalog.RouteTable](arn)
}

func (lacking) VPNConnection(_ context.Context, arn string) (*catalog.VPNConnection, error) {
	return lacks[catalog.VPNConnection](arn)
}

func (lacking) CustomerGateway(_ context.Context, arn string) (*catalog.CustomerGateway, error) {
	return lacks[catalog.CustomerGateway](arn)
}

func (lacking) ConnectPeer(_ context.Context, arn string) (*catalog.ConnectPeer, error) {
	return lacks[catalog.ConnectPeer](arn)
}

func (lacking) PrefixList(_ context.Context, arn string) (*catalog.PrefixList, error) {
	return lacks[catalog.PrefixList](arn)
}

func (lacking) DirectConnectGateway(_ context.Context, arn string) (*catalog.DirectConnectGateway, error) {
	return lacks[catalog.DirectConnectGateway](arn)
}

func (lacking) Version() uint64 { return 7 }
func (lacking) Remote() bool    { return false }

// TestCatalog_lackingIsAsWithoutOne: what an endpoint does not serve is taken as it is without a catalog, and shown without its parts:
// nothing is an error of the server.
func TestCatalog_lackingIsAsWithoutOne(t *testing.T) {
	w := newWorld(t, func(c *node.Config) { c.Catalog = lacking{} })
	gn, cn := w.network()
	const id = "0123456789abcdef0"
	gateway, at := ec2ARN+"transit-gateway/tgw-"+id, ec2ARN+"transit-gateway-attachment/tgw-attach-"+id
	must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2ARN + "vpc/vpc-" + id, SubnetArns: []string{ec2ARN + "subnet/subnet-" + id}})
	must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: ec2ARN + "vpn-connection/vpn-" + id})
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
	must(w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: gateway})
	must(w, w.CreateCoreNetworkPrefixListAssociation, api.CreateCoreNetworkPrefixListAssociationInput{
		CoreNetworkId: cn, PrefixListAlias: "corporate", PrefixListArn: "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-" + id,
	})
	for range 3 { // each look shows a state
		must(w, w.ListAttachments, api.ListAttachmentsInput{CoreNetworkId: &cn})
	}
	for _, a := range must(w, w.ListAttachments, api.ListAttachmentsInput{CoreNetworkId: &cn}).Attachments {
		if a.State == api.AttachmentStateFailed || a.State == api.AttachmentStateCreating {
			t.Errorf("%s is %s", a.AttachmentType, a.State)
		}
	}
	if list := must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn}).NetworkResources; len(list) == 0 {
		t.Error("nothing is listed")
	}
	must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn})
	must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn})
	must(w, w.GetNetworkTelemetry, api.GetNetworkTelemetryInput{GlobalNetworkId: gn})
	must(w, w.StartRouteAnalysis, api.StartRouteAnalysisInput{
		GlobalNetworkId: gn,
		Source:          &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: new(at), IpAddress: new("10.0.0.1")},
		Destination:     &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: new(at), IpAddress: new("10.1.0.1")},
	})
}
