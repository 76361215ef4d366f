package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/service"
)

const ec2ARN = "arn:aws:ec2:eu-west-1:111122223333:"

// withCatalog gives the world the contents of a catalog file.
func withCatalog(t *testing.T, text string) func(*service.Config) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := catalog.OpenFile(path, catalog.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *service.Config) { c.Catalog = f }
}

const smallCatalog = `
vpcs:
  - arn: ` + ec2ARN + `vpc/vpc-0123456789abcdef0
    cidrs: [10.0.0.0/16]
    subnets:
      - {arn: '` + ec2ARN + `subnet/subnet-0123456789abcdef0', availabilityZone: a}
      - {arn: '` + ec2ARN + `subnet/subnet-0123456789abcdef1', availabilityZone: a}
transitGateways:
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0
    connectPeers: [{arn: '` + ec2ARN + `transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0'}]
  - {arn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1', state: deleting}
vpnConnections:
  - {arn: '` + ec2ARN + `vpn-connection/vpn-0123456789abcdef0', customerGatewayArn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef0', transitGatewayArn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0'}
customerGateways:
  - {arn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef0', asn: 65001}
  - {arn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef1', asn: 65001}
`

func TestCatalog_attachmentsOfWhatDoesNotFit(t *testing.T) {
	w := newWorld(t, withCatalog(t, smallCatalog))
	_, cn := w.network()
	for _, c := range []struct {
		name, vpc string
		subnets   []string
		code      api.AttachmentErrorCode
	}{
		{"all is there", "vpc-0123456789abcdef0", []string{"subnet-0123456789abcdef0"}, ""},
		{"unknown VPC", "vpc-0123456789abcdef9", []string{"subnet-0123456789abcdef0"}, api.AttachmentErrorCodeVpcNotFound},
		{"unknown subnet", "vpc-0123456789abcdef0", []string{"subnet-0123456789abcdef9"}, api.AttachmentErrorCodeSubnetNotFound},
		{"two in one zone", "vpc-0123456789abcdef0", []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}, api.AttachmentErrorCodeSubnetDuplicatedInAvailabilityZone},
	} {
		in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2ARN + "vpc/" + c.vpc}
		for _, s := range c.subnets {
			in.SubnetArns = append(in.SubnetArns, ec2ARN+"subnet/"+s)
		}
		id := must(w, w.CreateVpcAttachment, in).VpcAttachment.Attachment.AttachmentId
		var got *api.Attachment
		for range 5 {
			got = must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
		}
		switch {
		case c.code == "" && got.State != api.AttachmentStateAvailable:
			t.Errorf("%s: %s %+v", c.name, got.State, got.LastModificationErrors)
		case c.code != "" && (got.State != api.AttachmentStateFailed || len(got.LastModificationErrors) != 1 || got.LastModificationErrors[0].Code != c.code):
			t.Errorf("%s: %s %+v, want FAILED with %s", c.name, got.State, got.LastModificationErrors, c.code)
		}
	}
}

func TestCatalog_associationsOfWhatIsNotInTheInventory(t *testing.T) {
	w := newWorld(t, withCatalog(t, smallCatalog))
	gn := w.globalNetwork()
	device := w.device(gn, w.site(gn))
	gateway := ec2ARN + "transit-gateway/tgw-0123456789abcdef"
	associate := api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: ec2ARN + "customer-gateway/cgw-0123456789abcdef0"}
	peer := api.AssociateTransitGatewayConnectPeerInput{
		GlobalNetworkId: gn, DeviceId: device, TransitGatewayConnectPeerArn: ec2ARN + "transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0",
	}
	if e := fails[notFound](w, w.AssociateCustomerGateway, associate); e.ResourceId != associate.CustomerGatewayArn || e.ResourceType != "customer-gateway" {
		t.Errorf("its transit gateway is not registered: %+v", e)
	}
	fails[notFound](w, w.AssociateTransitGatewayConnectPeer, peer)
	if e := fails[notFound](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "9"}); e.ResourceType != "transit-gateway" {
		t.Errorf("unknown transit gateway: %+v", e)
	}
	fails[validation](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "1"})
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "0"})
	must(w, w.AssociateCustomerGateway, associate)
	must(w, w.AssociateTransitGatewayConnectPeer, peer)
	associate.CustomerGatewayArn = ec2ARN + "customer-gateway/cgw-0123456789abcdef1" // without a VPN connection
	fails[notFound](w, w.AssociateCustomerGateway, associate)
	associate.CustomerGatewayArn = ec2ARN + "customer-gateway/cgw-0123456789abcdef9"
	fails[notFound](w, w.AssociateCustomerGateway, associate)
}

// away is a catalog that nobody can ask.
type away struct{ catalog.Catalog }

var errAway = fmt.Errorf("no route to host: %w", catalog.ErrUnavailable)

func (away) VPC(context.Context, string) (*catalog.VPC, error) { return nil, errAway }

func (away) TransitGateway(context.Context, string) (*catalog.TransitGateway, error) {
	return nil, errAway
}

func (away) PrefixList(context.Context, string) (*catalog.PrefixList, error) { return nil, errAway }

func TestCatalog_awayLosesNothing(t *testing.T) {
	w := newWorld(t, func(c *service.Config) { c.Catalog = away{} })
	gn, cn := w.network()
	in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2ARN + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2ARN + "subnet/subnet-0123456789abcdef0"}}
	if e := fails[*api.InternalServerException](w, w.CreateVpcAttachment, in); !errors.Is(e, catalog.ErrUnavailable) {
		t.Errorf("the cause is lost: %v", e)
	}
	fails[*api.InternalServerException](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef0"})
	if list := must(w, w.ListAttachments, api.ListAttachmentsInput{CoreNetworkId: &cn}).Attachments; len(list) != 0 {
		t.Errorf("half made: %+v", list)
	}
}

func TestCatalog_prefixListTooLong(t *testing.T) {
	long := away{}
	w := newWorld(t, func(c *service.Config) { c.Catalog = tooManyEntries{long} })
	_, cn := w.network()
	fails[validation](w, w.CreateCoreNetworkPrefixListAssociation, api.CreateCoreNetworkPrefixListAssociationInput{
		CoreNetworkId: cn, PrefixListAlias: "corporate", PrefixListArn: "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0",
	})
}

type tooManyEntries struct{ away }

func (tooManyEntries) PrefixList(_ context.Context, arn string) (*catalog.PrefixList, error) {
	return &catalog.PrefixList{ARN: arn, Entries: make([]netip.Prefix, 201)}, nil
}
