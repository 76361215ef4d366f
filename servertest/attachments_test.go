package servertest_test

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/servertest"
)

// TestSDK_lifeOfEachAttachmentType: one life of each attachment type through the SDK.
func TestSDK_lifeOfEachAttachmentType(t *testing.T) {
	text, err := os.ReadFile("../test/testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	nm := networkmanager.NewFromConfig(servertest.New(t).Config())
	ctx := t.Context()
	gn, err := nm.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	core, err := nm.CreateCoreNetwork(ctx, &networkmanager.CreateCoreNetworkInput{GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId, PolicyDocument: aws.String(string(text))})
	if err != nil {
		t.Fatal(err)
	}
	cn := core.CoreNetwork.CoreNetworkId
	const ec2 = "arn:aws:ec2:eu-west-1:111122223333:"
	find := func(id *string) *types.Attachment {
		for pages := networkmanager.NewListAttachmentsPaginator(nm, &networkmanager.ListAttachmentsInput{CoreNetworkId: cn}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Attachments {
				if *a.AttachmentId == *id {
					return &a
				}
			}
		}
		return nil
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for range 100 { // each call takes what is due one step on
			if done() {
				return
			}
		}
		t.Fatalf("waited in vain for %s", what)
	}
	until("the core network", func() bool {
		out, err := nm.GetCoreNetwork(ctx, &networkmanager.GetCoreNetworkInput{CoreNetworkId: cn})
		return err == nil && out.CoreNetwork.State == types.CoreNetworkStateAvailable
	})
	creates := map[types.AttachmentType]func() (*types.Attachment, error){
		types.AttachmentTypeSiteToSiteVpn: func() (*types.Attachment, error) {
			out, err := nm.CreateSiteToSiteVpnAttachment(ctx, &networkmanager.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: aws.String(ec2 + "vpn-connection/vpn-0123456789abcdef0")})
			if err != nil {
				return nil, err
			}
			return out.SiteToSiteVpnAttachment.Attachment, nil
		},
		types.AttachmentTypeDirectConnectGateway: func() (*types.Attachment, error) {
			out, err := nm.CreateDirectConnectGatewayAttachment(ctx, &networkmanager.CreateDirectConnectGatewayAttachmentInput{
				CoreNetworkId: cn, EdgeLocations: []string{"eu-west-1", "us-east-1"},
				DirectConnectGatewayArn: aws.String("arn:aws:directconnect::111122223333:dx-gateway/11460968-4ac1-4fd3-bdb2-005990123456"),
			})
			if err != nil {
				return nil, err
			}
			return out.DirectConnectGatewayAttachment.Attachment, nil
		},
		types.AttachmentTypeTransitGatewayRouteTable: func() (*types.Attachment, error) {
			peering, err := nm.CreateTransitGatewayPeering(ctx, &networkmanager.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: aws.String(ec2 + "transit-gateway/tgw-0123456789abcdef0")})
			if err != nil {
				return nil, err
			}
			id := peering.TransitGatewayPeering.Peering.PeeringId
			until("the peering", func() bool {
				out, err := nm.GetTransitGatewayPeering(ctx, &networkmanager.GetTransitGatewayPeeringInput{PeeringId: id})
				return err == nil && out.TransitGatewayPeering.Peering.State == types.PeeringStateAvailable
			})
			out, err := nm.CreateTransitGatewayRouteTableAttachment(ctx, &networkmanager.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: id, TransitGatewayRouteTableArn: aws.String(ec2 + "transit-gateway-route-table/tgw-rtb-0123456789abcdef0")})
			if err != nil {
				return nil, err
			}
			return out.TransitGatewayRouteTableAttachment.Attachment, nil
		},
	}
	vpc := func() (*types.Attachment, error) {
		out, err := nm.CreateVpcAttachment(ctx, &networkmanager.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: aws.String(ec2 + "vpc/vpc-0123456789abcdef0"), SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}})
		if err != nil {
			return nil, err
		}
		return out.VpcAttachment.Attachment, nil
	}
	creates[types.AttachmentTypeVpc] = vpc
	creates[types.AttachmentTypeConnect] = func() (*types.Attachment, error) {
		transport, err := vpc()
		if err != nil {
			return nil, err
		}
		until("the transport", func() bool { return find(transport.AttachmentId).State == types.AttachmentStateAvailable })
		out, err := nm.CreateConnectAttachment(ctx, &networkmanager.CreateConnectAttachmentInput{CoreNetworkId: cn, EdgeLocation: aws.String("eu-west-1"), TransportAttachmentId: transport.AttachmentId, Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolGre}})
		if err != nil {
			return nil, err
		}
		return out.ConnectAttachment.Attachment, nil
	}
	for kind, create := range creates {
		t.Run(string(kind), func(t *testing.T) {
			a, err := create()
			if err != nil {
				t.Fatal(err)
			}
			if a.AttachmentType != kind || a.State != types.AttachmentStateCreating || aws.ToString(a.SegmentName) != "prod" {
				t.Errorf("created %+v", a)
			}
			until("AVAILABLE", func() bool { return find(a.AttachmentId).State == types.AttachmentStateAvailable })
			if _, err := nm.DeleteAttachment(ctx, &networkmanager.DeleteAttachmentInput{AttachmentId: a.AttachmentId}); err != nil {
				t.Fatal(err)
			}
			until("its end", func() bool { return find(a.AttachmentId) == nil })
		})
	}
}
