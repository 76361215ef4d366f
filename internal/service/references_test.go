package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/node"
)

const ec2ARN = "arn:aws:ec2:eu-west-1:111122223333:"

// withCatalog gives the world the contents of a catalog file.
func withCatalog(t *testing.T, text string) func(*node.Config) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := catalog.OpenFile(path, catalog.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *node.Config) { c.Catalog = f }
}

const smallCatalog = `
vpcs:
  - arn: ` + ec2ARN + `vpc/vpc-0123456789abcdef0
    cidrs: [10.0.0.0/16]
    subnets:
      - {arn: '` + ec2ARN + `subnet/subnet-0123456789abcdef0', availabilityZone: a, cidrs: [10.0.1.0/24]}
      - {arn: '` + ec2ARN + `subnet/subnet-0123456789abcdef1', availabilityZone: a}
transitGateways:
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0
    connectPeers: [{arn: '` + ec2ARN + `transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0'}]
  - {arn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1', state: deleting}
  - {arn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef2'}
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

func TestCatalog_subnetsThatDoNotFit(t *testing.T) {
	const subnet = ec2ARN + "subnet/subnet-0123456789abcdef"
	w := newWorld(t, withQuota("attachments-per-vpc", 10), withCatalog(t, `
vpcs:
  - arn: `+ec2ARN+`vpc/vpc-0123456789abcdef0
    cidrs: [10.0.0.0/16, 'fd00:1::/56']
    subnets:
      - {arn: '`+subnet+`0', availabilityZone: eu-west-1a, cidrs: [10.0.0.0/24, 'fd00:1::/64']}
      - {arn: '`+subnet+`1', availabilityZone: eu-west-1b, cidrs: [10.0.1.0/24]}
      - {arn: '`+subnet+`2', availabilityZone: eu-west-1-ham-1a, cidrs: [10.0.2.0/24]}
      - {arn: '`+subnet+`3', availabilityZone: eu-west-1c, cidrs: ['fd00:1:0:1::/64']}
      - {arn: '`+subnet+`4', availabilityZone: eu-west-1a, cidrs: [10.0.4.0/24]}
`))
	_, cn := w.network()
	attach := func(v6 bool, subnets ...string) *api.VpcAttachment {
		in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2ARN + "vpc/vpc-0123456789abcdef0", SubnetArns: subnets, Options: &api.VpcOptions{Ipv6Support: &v6}}
		id := must(w, w.CreateVpcAttachment, in).VpcAttachment.Attachment.AttachmentId
		w.attachment(id)
		return must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment
	}
	for _, c := range []struct {
		v6     bool
		subnet string
		code   api.AttachmentErrorCode
	}{
		{true, subnet + "0", ""},
		{false, subnet + "1", ""},
		{true, subnet + "1", api.AttachmentErrorCodeSubnetNoIpv6Cidrs},
		{false, subnet + "2", api.AttachmentErrorCodeSubnetUnsupportedAvailabilityZone},
		{false, subnet + "3", api.AttachmentErrorCodeVpcUnsupportedFeatures},
	} {
		got := attach(c.v6, c.subnet).Attachment
		if c.code == "" && got.State != "AVAILABLE" || c.code != "" && (got.State != "FAILED" || len(got.LastModificationErrors) != 1 || got.LastModificationErrors[0].Code != c.code) {
			t.Errorf("%+v: %s %+v", c, got.State, got.LastModificationErrors)
		}
	}

	// A change that does not fit leaves the attachment as it was, with the error; the next one clears that.
	id := attach(false, subnet+"0").Attachment.AttachmentId
	change := func(in api.UpdateVpcAttachmentInput) *api.VpcAttachment {
		in.AttachmentId = id
		if got := must(w, w.UpdateVpcAttachment, in).VpcAttachment.Attachment; got.State != "UPDATING" || got.LastModificationErrors != nil {
			t.Errorf("the reply to %+v is %+v", in, got)
		}
		w.attachment(id)
		return must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment
	}
	got := change(api.UpdateVpcAttachmentInput{AddSubnetArns: []string{subnet + "4"}, Options: &api.VpcOptions{ApplianceModeSupport: new(true)}})
	if got.Attachment.State != "AVAILABLE" || len(got.SubnetArns) != 1 || *got.Options.ApplianceModeSupport || len(got.Attachment.LastModificationErrors) != 1 ||
		got.Attachment.LastModificationErrors[0].Code != "SUBNET_DUPLICATED_IN_AVAILABILITY_ZONE" {
		t.Errorf("two subnets of one zone: %+v %+v", got, got.Attachment)
	}
	got = change(api.UpdateVpcAttachmentInput{AddSubnetArns: []string{subnet + "1"}})
	if len(got.SubnetArns) != 2 || got.Attachment.LastModificationErrors != nil {
		t.Errorf("a change that fits: %+v %+v", got, got.Attachment)
	}
	got = change(api.UpdateVpcAttachmentInput{Options: &api.VpcOptions{Ipv6Support: new(true)}})
	if *got.Options.Ipv6Support || got.Attachment.LastModificationErrors[0].Code != "SUBNET_NO_IPV6_CIDRS" {
		t.Errorf("IPv6 over a subnet without: %+v %+v", got, got.Attachment)
	}
	got = change(api.UpdateVpcAttachmentInput{AddSubnetArns: []string{subnet + "9"}})
	if len(got.SubnetArns) != 2 || got.Attachment.LastModificationErrors[0].Code != "SUBNET_NOT_FOUND" {
		t.Errorf("a subnet that does not exist: %+v %+v", got, got.Attachment)
	}
	got = change(api.UpdateVpcAttachmentInput{AddSubnetArns: []string{subnet + "4"}, RemoveSubnetArns: []string{subnet + "0"}})
	if len(got.SubnetArns) != 2 || got.Attachment.LastModificationErrors != nil {
		t.Errorf("one for another in the same zone: %+v %+v", got, got.Attachment)
	}
}

func TestCatalog_transitGatewaysThatDoNotFit(t *testing.T) {
	const gateway, table = ec2ARN + "transit-gateway/tgw-0123456789abcdef", ec2ARN + "transit-gateway-route-table/tgw-rtb-0123456789abcdef"
	w := newWorld(t, withCatalog(t, `
transitGateways:
  - {arn: '`+gateway+`0', asn: 65010, routeTables: [{arn: '`+table+`0'}]}
  - {arn: '`+gateway+`1', asn: 65011, routeTables: [{arn: '`+table+`1'}]}
  - {arn: '`+gateway+`2', asn: 64512}
`))
	_, cn := w.network()
	if e := fails[validation](w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: gateway + "2"}); e.Reason != "Other" {
		t.Errorf("the edge's ASN: %+v", e)
	}
	p := must(w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: gateway + "0"}).TransitGatewayPeering.Peering.PeeringId
	must(w, w.ListPeerings, api.ListPeeringsInput{})
	attach := api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: p, TransitGatewayRouteTableArn: table + "1"}
	wantField(t, fails[validation](w, w.CreateTransitGatewayRouteTableAttachment, attach), "transitGatewayRouteTableArn")
	attach.TransitGatewayRouteTableArn = table + "0"
	must(w, w.CreateTransitGatewayRouteTableAttachment, attach)
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
	associate.GlobalNetworkId, peer.GlobalNetworkId = "global-network-0", "global-network-0" // what is said first
	wantField(t, fails[validation](w, w.AssociateCustomerGateway, associate), "globalNetworkId")
	peer.TransitGatewayConnectPeerArn = peer.TransitGatewayConnectPeerArn[:len(peer.TransitGatewayConnectPeerArn)-1] + "9"
	wantField(t, fails[validation](w, w.AssociateTransitGatewayConnectPeer, peer), "globalNetworkId")
	wantField(t, fails[validation](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: "global-network-0", TransitGatewayArn: gateway + "9"}), "globalNetworkId")
}

// TestCatalog_associationsEndWithTheirGateway deregisters one of two transit gateways, with a catalog that knows what hangs
// on it, and with one that cannot be asked: then nobody knows, and it is kept until the last gateway goes.
func TestCatalog_associationsEndWithTheirGateway(t *testing.T) {
	gateway := ec2ARN + "transit-gateway/tgw-0123456789abcdef"
	known := withCatalog(t, smallCatalog)
	for _, gone := range []bool{false, true} {
		var lost bool
		w := newWorld(t, known, func(c *node.Config) { c.Catalog = losable{c.Catalog, &lost} })
		gn := w.globalNetwork()
		device := w.device(gn, w.site(gn))
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "0"})
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "2"})
		must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: ec2ARN + "customer-gateway/cgw-0123456789abcdef0"})
		must(w, w.AssociateTransitGatewayConnectPeer, api.AssociateTransitGatewayConnectPeerInput{
			GlobalNetworkId: gn, DeviceId: device, TransitGatewayConnectPeerArn: ec2ARN + "transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0",
		})
		associated := func() (n int) {
			for _, a := range must(w, w.GetCustomerGatewayAssociations, api.GetCustomerGatewayAssociationsInput{GlobalNetworkId: gn}).CustomerGatewayAssociations {
				if a.State == api.CustomerGatewayAssociationStateAvailable {
					n++
				}
			}
			for _, a := range must(w, w.GetTransitGatewayConnectPeerAssociations, api.GetTransitGatewayConnectPeerAssociationsInput{GlobalNetworkId: gn}).TransitGatewayConnectPeerAssociations {
				if a.State == api.TransitGatewayConnectPeerAssociationStateAvailable {
					n++
				}
			}
			return n
		}
		lost = gone
		must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "0"})
		want := 0
		if gone {
			want = 2
		}
		if got := associated(); got != want {
			t.Errorf("catalog away %t: %d associations are left, want %d", gone, got, want)
		}
		must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "2"})
		if got := associated(); got != 0 {
			t.Errorf("catalog away %t: %d associations outlive the last gateway", gone, got)
		}
	}
}

// TestCatalog_isAskedOutsideTransactions holds every answer back until somebody else has written: a slow EC2 must not stop
// the server.
func TestCatalog_isAskedOutsideTransactions(t *testing.T) {
	var asked atomic.Int64
	var w *world
	write := func() {
		asked.Add(1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := w.StartOrganizationServiceAccessUpdate(w.ctx, &api.StartOrganizationServiceAccessUpdateInput{Action: "ENABLE"}); err != nil {
				t.Error(err)
			}
		}()
		<-done // for ever, if no write is possible while the catalog is asked
	}
	w = newWorld(t, withCatalog(t, smallCatalog), func(c *node.Config) { c.Catalog = slow{c.Catalog, write} })
	gn, cn := w.network()
	device := w.device(gn, w.site(gn))
	gateway := ec2ARN + "transit-gateway/tgw-0123456789abcdef0"
	id := w.vpcAttachment(cn).Attachment.AttachmentId
	for name, call := range map[string]func() error{
		"UpdateVpcAttachment": func() error {
			_, err := w.UpdateVpcAttachment(w.ctx, &api.UpdateVpcAttachmentInput{AttachmentId: id, AddSubnetArns: []string{ec2ARN + "subnet/subnet-0123456789abcdef1"}})
			return err
		},
		"CreateVpcAttachment": func() error {
			_, err := w.CreateVpcAttachment(w.ctx, &api.CreateVpcAttachmentInput{
				CoreNetworkId: cn, VpcArn: ec2ARN + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2ARN + "subnet/subnet-0123456789abcdef0"},
			})
			return err
		},
		"DeregisterTransitGateway": func() error {
			must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
			must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: ec2ARN + "customer-gateway/cgw-0123456789abcdef0"})
			_, err := w.DeregisterTransitGateway(w.ctx, &api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
			return err
		},
	} {
		before := asked.Load()
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if asked.Load() == before {
			t.Errorf("%s asked nothing", name)
		}
	}
}

// slow is a catalog that does something before it answers.
type slow struct {
	catalog.Catalog
	first func()
}

func (c slow) VPC(ctx context.Context, arn string) (*catalog.VPC, error) {
	c.first()
	return c.Catalog.VPC(ctx, arn)
}

func (c slow) CustomerGateway(ctx context.Context, arn string) (*catalog.CustomerGateway, error) {
	c.first()
	return c.Catalog.CustomerGateway(ctx, arn)
}

func (c slow) TransitGateway(ctx context.Context, arn string) (*catalog.TransitGateway, error) {
	c.first()
	return c.Catalog.TransitGateway(ctx, arn)
}

// losable is a catalog that can go away.
type losable struct {
	catalog.Catalog
	away *bool
}

func (c losable) CustomerGateway(ctx context.Context, arn string) (*catalog.CustomerGateway, error) {
	if *c.away {
		return nil, errAway
	}
	return c.Catalog.CustomerGateway(ctx, arn)
}

func (c losable) ConnectPeer(ctx context.Context, arn string) (*catalog.ConnectPeer, error) {
	if *c.away {
		return nil, errAway
	}
	return c.Catalog.ConnectPeer(ctx, arn)
}

// away is a catalog that nobody can ask.
type away struct{ catalog.Catalog }

var errAway = fmt.Errorf("no route to host: %w", catalog.ErrUnavailable)

func (away) VPC(context.Context, string) (*catalog.VPC, error) { return nil, errAway }

func (away) TransitGateway(context.Context, string) (*catalog.TransitGateway, error) {
	return nil, errAway
}

func (away) VPNConnection(context.Context, string) (*catalog.VPNConnection, error) {
	return nil, errAway
}

func (away) Version() uint64 { return 7 }

func (away) Remote() bool { return false }

func (away) PrefixList(context.Context, string) (*catalog.PrefixList, error) { return nil, errAway }

func TestCatalog_awayLosesNothing(t *testing.T) {
	w := newWorld(t, func(c *node.Config) { c.Catalog = away{} })
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
	w := newWorld(t, func(c *node.Config) { c.Catalog = tooManyEntries{long} })
	_, cn := w.network()
	fails[validation](w, w.CreateCoreNetworkPrefixListAssociation, api.CreateCoreNetworkPrefixListAssociationInput{
		CoreNetworkId: cn, PrefixListAlias: "corporate", PrefixListArn: "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0",
	})
}

type tooManyEntries struct{ away }

func (tooManyEntries) PrefixList(_ context.Context, arn string) (*catalog.PrefixList, error) {
	return &catalog.PrefixList{ARN: arn, Entries: make([]netip.Prefix, 201)}, nil
}
