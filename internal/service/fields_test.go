package service_test

import (
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/service"
)

// TestCheckFields_tellsAllAtOnce names what is wrong with each input, all of it.
func TestCheckFields_tellsAllAtOnce(t *testing.T) {
	long, eleven := strings.Repeat("x", 129), make([]string, 11)
	reserved := []api.Tag{{Key: new("aws:x"), Value: new("\t")}}
	for _, c := range []struct {
		in   api.Input
		want string
	}{
		{&api.DescribeGlobalNetworksInput{GlobalNetworkIds: eleven}, "globalNetworkIds"},
		{&api.GetSitesInput{SiteIds: eleven}, "siteIds"},
		{&api.GetSitesInput{SiteIds: eleven[:10]}, ""},
		{&api.GetDevicesInput{DeviceIds: eleven}, "deviceIds"},
		{&api.GetLinksInput{LinkIds: eleven}, "linkIds"},
		{&api.GetConnectionsInput{ConnectionIds: eleven}, "connectionIds"},
		{&api.GetCustomerGatewayAssociationsInput{CustomerGatewayArns: eleven}, "customerGatewayArns"},
		{&api.GetTransitGatewayConnectPeerAssociationsInput{TransitGatewayConnectPeerArns: eleven}, "transitGatewayConnectPeerArns"},
		{&api.GetConnectPeerAssociationsInput{ConnectPeerIds: eleven}, "connectPeerIds"},
		{&api.GetTransitGatewayRegistrationsInput{TransitGatewayArns: eleven}, "transitGatewayArns"},
		{&api.CreateGlobalNetworkInput{Tags: reserved}, "tags[0].key tags[0].value"},
		{&api.CreateSiteInput{Tags: reserved}, "tags[0].key tags[0].value"},
		{&api.CreateDeviceInput{Vendor: &long, Model: &long, SerialNumber: &long, Tags: reserved}, "vendor model serialNumber tags[0].key tags[0].value"},
		{&api.UpdateDeviceInput{Vendor: &long, SerialNumber: &long}, "vendor serialNumber"},
		{
			&api.CreateLinkInput{Type: new("a|b"), Provider: &long, Bandwidth: &api.Bandwidth{UploadSpeed: new(int32(-1)), DownloadSpeed: new(int32(-1))}, Tags: reserved},
			"type provider bandwidth.uploadSpeed bandwidth.downloadSpeed tags[0].key tags[0].value",
		},
		{&api.UpdateLinkInput{Type: new(`a\b`), Provider: new("a^b")}, "type provider"},
		{&api.CreateConnectionInput{Tags: reserved}, "tags[0].key tags[0].value"},
		{&api.CreateCoreNetworkInput{Tags: reserved}, "tags[0].key tags[0].value"},
		{&api.AssociateCustomerGatewayInput{CustomerGatewayArn: "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"}, "customerGatewayArn"},
		{&api.RegisterTransitGatewayInput{TransitGatewayArn: "arn:aws:ec2::111122223333:transit-gateway/tgw-1"}, "transitGatewayArn"},
		{&api.RegisterTransitGatewayInput{TransitGatewayArn: "arn:aws:ec2:eu-west-1::transit-gateway/tgw-1"}, "transitGatewayArn"},
		{&api.RegisterTransitGatewayInput{TransitGatewayArn: "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-1"}, ""},
		{&api.AssociateTransitGatewayConnectPeerInput{TransitGatewayConnectPeerArn: "connect-peer-1"}, "transitGatewayConnectPeerArn"},
		{&api.StartOrganizationServiceAccessUpdateInput{Action: "enable"}, "action"},
		{&api.CreateVpcAttachmentInput{VpcArn: "x", SubnetArns: []string{}, Tags: reserved}, "vpcArn subnetArns tags[0].key tags[0].value"},
		{&api.CreateConnectAttachmentInput{Tags: reserved}, "tags[0].key tags[0].value"},
		{&api.CreateSiteToSiteVpnAttachmentInput{VpnConnectionArn: "x", Tags: reserved}, "vpnConnectionArn tags[0].key tags[0].value"},
		{&api.CreateDirectConnectGatewayAttachmentInput{DirectConnectGatewayArn: "x", Tags: reserved}, "directConnectGatewayArn tags[0].key tags[0].value"},
		{&api.CreateTransitGatewayRouteTableAttachmentInput{TransitGatewayRouteTableArn: "x", Tags: reserved}, "transitGatewayRouteTableArn tags[0].key tags[0].value"},
		{&api.CreateTransitGatewayPeeringInput{TransitGatewayArn: "x", Tags: reserved}, "transitGatewayArn tags[0].key tags[0].value"},
		{&api.CreateCoreNetworkPrefixListAssociationInput{PrefixListArn: "x"}, "prefixListArn prefixListAlias"},
		{&api.PutAttachmentRoutingPolicyLabelInput{}, "routingPolicyLabel"},
		{
			&api.CreateConnectPeerInput{
				PeerAddress: "1.2.3", CoreNetworkAddress: new("x"), BgpOptions: &api.BgpOptions{PeerAsn: new(int64(0))},
				InsideCidrBlocks: []string{"169.254.10.0/29", "169.254.10.1/29"}, Tags: reserved,
			},
			"coreNetworkAddress peerAddress bgpOptions.peerAsn insideCidrBlocks[1] tags[0].key tags[0].value",
		},
		{&api.TagResourceInput{ResourceArn: "x", Tags: reserved}, "resourceArn tags[0].key tags[0].value"},
		{&api.UntagResourceInput{ResourceArn: "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"}, "resourceArn"},
		{&api.ListTagsForResourceInput{ResourceArn: "arn:aws:networkmanager::111122223333:link-association/x"}, "resourceArn"},
		{&api.PutResourcePolicyInput{ResourceArn: "x"}, "resourceArn"},
		{&api.GetResourcePolicyInput{ResourceArn: "x"}, "resourceArn"},
		{&api.DeleteResourcePolicyInput{ResourceArn: "arn:aws:networkmanager::111122223333:site/gn/site"}, "resourceArn"},
	} {
		var names []string
		for _, f := range (*service.Service)(nil).CheckFields(c.in) {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%T: got %q, want %q", c.in, got, c.want)
		}
	}
}

// TestTagResource_onlyByItsOwnARN keeps permissions decided by an ARN from reaching what another spelling of it names.
func TestTagResource_onlyByItsOwnARN(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	site := must(w, w.CreateSite, api.CreateSiteInput{GlobalNetworkId: gn}).Site.SiteArn
	must(w, w.ListTagsForResource, api.ListTagsForResourceInput{ResourceArn: site})
	for _, other := range []string{
		strings.Replace(site, "arn:aws:", "arn:x:", 1), strings.Replace(site, "arn:aws:", "arn:aws-cn:", 1), site + "/x",
		strings.Replace(site, ":site/", ":device/", 1), strings.Replace(site, "111122223333", "444455556666", 1),
	} {
		fails[notFound](w, w.TagResource, api.TagResourceInput{ResourceArn: other, Tags: []api.Tag{{Key: new("a"), Value: new("b")}}})
		fails[notFound](w, w.ListTagsForResource, api.ListTagsForResourceInput{ResourceArn: other})
		fails[notFound](w, w.UntagResource, api.UntagResourceInput{ResourceArn: other, TagKeys: []string{"a"}})
	}
	_, cn := w.network()
	arn := "arn:x:networkmanager::111122223333:core-network/" + cn
	wantField(t, fails[validation](w, w.GetResourcePolicy, api.GetResourcePolicyInput{ResourceArn: arn}), "resourceArn")
}

func TestAssociate_quota(t *testing.T) {
	w := newWorld(t, withQuota("associations", 1))
	gn := w.globalNetwork()
	device, link, site := w.linkedDevice(gn)
	second := w.link(gn, site)
	if e := fails[quota](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: second}); e.ResourceType != "link-association" || e.ResourceId != gn {
		t.Errorf("got %+v", e)
	}
	must(w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link}) // a repeat is none more
	cgw := ec2ARN + "customer-gateway/cgw-0123456789abcdef"
	must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: cgw + "0"})
	e := fails[quota](w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: cgw + "1"})
	if e.ResourceType != "customer-gateway-association" {
		t.Errorf("got %+v", e)
	}
}

const twoGateways = `
transitGateways:
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0
    connectPeers: [{arn: '` + ec2ARN + `transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0'}]
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1
    connectPeers: [{arn: '` + ec2ARN + `transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef1'}]
vpnConnections:
  - {arn: '` + ec2ARN + `vpn-connection/vpn-0123456789abcdef0', customerGatewayArn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef0', transitGatewayArn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0'}
  - {arn: '` + ec2ARN + `vpn-connection/vpn-0123456789abcdef1', customerGatewayArn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef1', transitGatewayArn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1'}
  - {arn: '` + ec2ARN + `vpn-connection/vpn-0123456789abcdef2', customerGatewayArn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef2', transitGatewayArn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0'}
  - {arn: '` + ec2ARN + `vpn-connection/vpn-0123456789abcdef3', customerGatewayArn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef2', transitGatewayArn: '` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1'}
customerGateways:
  - {arn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef0', asn: 65001}
  - {arn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef1', asn: 65002}
  - {arn: '` + ec2ARN + `customer-gateway/cgw-0123456789abcdef2', asn: 65003}
`

// TestDeregisterTransitGateway_takesItsOwn: where the catalog tells what hangs on which transit gateway, the associations
// of this one's customer gateways and Connect peers end, and of nobody else's.
func TestDeregisterTransitGateway_takesItsOwn(t *testing.T) {
	w := newWorld(t, withCatalog(t, twoGateways))
	gn := w.globalNetwork()
	device := w.device(gn, w.site(gn))
	for _, n := range []string{"0", "1"} {
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef" + n})
		must(w, w.AssociateTransitGatewayConnectPeer, api.AssociateTransitGatewayConnectPeerInput{
			GlobalNetworkId: gn, DeviceId: device, TransitGatewayConnectPeerArn: ec2ARN + "transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef" + n,
		})
	}
	for _, n := range []string{"0", "1", "2"} { // the last is behind both
		must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: ec2ARN + "customer-gateway/cgw-0123456789abcdef" + n})
	}
	for range 2 { // all are AVAILABLE
		must(w, w.GetCustomerGatewayAssociations, api.GetCustomerGatewayAssociationsInput{GlobalNetworkId: gn})
	}
	states := func() string {
		t.Helper()
		var got []string
		for _, a := range must(w, w.GetCustomerGatewayAssociations, api.GetCustomerGatewayAssociationsInput{GlobalNetworkId: gn}).CustomerGatewayAssociations {
			if a.State == "AVAILABLE" {
				got = append(got, "cgw"+a.CustomerGatewayArn[len(a.CustomerGatewayArn)-1:])
			}
		}
		for _, a := range must(w, w.GetTransitGatewayConnectPeerAssociations, api.GetTransitGatewayConnectPeerAssociationsInput{GlobalNetworkId: gn}).TransitGatewayConnectPeerAssociations {
			if a.State == "AVAILABLE" {
				got = append(got, "peer"+a.TransitGatewayConnectPeerArn[len(a.TransitGatewayConnectPeerArn)-1:])
			}
		}
		return strings.Join(got, " ")
	}
	if got := states(); got != "cgw0 cgw1 cgw2 peer0 peer1" {
		t.Fatalf("before: %s", got)
	}
	must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef0"})
	if got := states(); got != "cgw1 cgw2 peer1" {
		t.Errorf("after the first: %s", got)
	}
	must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef1"})
	if got := states(); got != "" {
		t.Errorf("after the second: %s", got)
	}
}
