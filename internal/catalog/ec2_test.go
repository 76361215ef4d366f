package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portolan/internal/catalog"
)

// endpoint answers EC2's query protocol from a table of bodies by action.
type endpoint struct {
	*httptest.Server
	calls   atomic.Int64
	down    atomic.Bool
	answers map[string]func(url.Values) string
}

func newEndpoint(t *testing.T, answers map[string]func(url.Values) string) *endpoint {
	e := &endpoint{answers: answers}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		answer := e.answers[form.Get("Action")]
		switch {
		case e.down.Load():
			w.WriteHeader(http.StatusBadGateway)
		case answer == nil:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>none</Message></Error></Errors><RequestID>x</RequestID></Response>`)
		default:
			action := form.Get("Action")
			fmt.Fprintf(w, `<%sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">%s</%sResponse>`, action, answer(form), action)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func fixed(text string) func(url.Values) string { return func(url.Values) string { return text } }

func TestEC2_vpc(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpcs": fixed(`<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet>
			<item><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>
			<item><cidrBlock>10.1.0.0/16</cidrBlock><cidrBlockState><state>disassociated</state></cidrBlockState></item>
			</cidrBlockAssociationSet><ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock></item></ipv6CidrBlockAssociationSet></item></vpcSet>`),
		"DescribeSubnets": fixed(`<subnetSet><item><subnetId>subnet-1</subnetId><availabilityZone>eu-west-1a</availabilityZone><cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet>`),
	})
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	failed := 0
	c := catalog.NewEC2(catalog.EC2Config{Endpoint: e.URL, Now: func() time.Time { return now }, Failed: func() { failed++ }})
	arn := region + "vpc/vpc-1"
	vpc, err := c.VPC(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(vpc.CIDRs); got != "[10.0.0.0/16 2001:db8::/56]" || len(vpc.Subnets) != 1 || vpc.Subnets[0].ARN != region+"subnet/subnet-1" {
		t.Errorf("got %+v", vpc)
	}
	asked := e.calls.Load()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.VPC(context.Background(), arn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if e.calls.Load() != asked {
		t.Errorf("asked %d times more although the answer is fresh", e.calls.Load()-asked)
	}

	// Later it is asked again; when nobody answers, the last answer holds.
	version := c.Version()
	now = now.Add(time.Minute)
	e.down.Store(true)
	if vpc, err := c.VPC(t.Context(), arn); err != nil || len(vpc.CIDRs) != 2 || failed != 1 {
		t.Errorf("while it is down: %+v %v, %d failures", vpc, err, failed)
	}
	if c.Version() == version {
		t.Error("the version stands still although answers have run out")
	}
	if _, err := c.VPC(t.Context(), region+"vpc/vpc-2"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("never answered: %v", err)
	}
	e.down.Store(false)
	e.answers["DescribeVpcs"] = nil
	if _, err := c.VPC(t.Context(), region+"vpc/vpc-3"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("not there: %v", err)
	}
	if _, err := c.VPC(t.Context(), "vpc-1"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("no ARN: %v", err)
	}
}

func TestEC2_transitGateway(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeTransitGateways": fixed(`<transitGatewaySet><item><transitGatewayId>tgw-1</transitGatewayId><state>available</state><options><amazonSideAsn>64600</amazonSideAsn></options>
			<tagSet><item><key>Name</key><value>hub</value></item></tagSet></item></transitGatewaySet>`),
		"DescribeTransitGatewayPeeringAttachments": fixed(`<transitGatewayPeeringAttachments><item><transitGatewayAttachmentId>tgw-attach-2</transitGatewayAttachmentId>
			<requesterTgwInfo><transitGatewayId>tgw-1</transitGatewayId><ownerId>111122223333</ownerId><region>eu-west-1</region></requesterTgwInfo>
			<accepterTgwInfo><transitGatewayId>tgw-2</transitGatewayId><ownerId>444455556666</ownerId><region>us-east-1</region></accepterTgwInfo></item></transitGatewayPeeringAttachments>`),
		"DescribeTransitGatewayAttachments": fixed(`<transitGatewayAttachments>
			<item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId><transitGatewayId>tgw-1</transitGatewayId><resourceType>vpc</resourceType><resourceId>vpc-1</resourceId><resourceOwnerId>777788889999</resourceOwnerId>
			<association><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><state>associated</state></association></item>
			<item><transitGatewayAttachmentId>tgw-attach-2</transitGatewayAttachmentId><resourceType>peering</resourceType><resourceId>tgw-2</resourceId></item></transitGatewayAttachments>`),
		"DescribeTransitGatewayRouteTables": fixed(`<transitGatewayRouteTables><item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><transitGatewayId>tgw-1</transitGatewayId></item></transitGatewayRouteTables>`),
		"SearchTransitGatewayRoutes": func(form url.Values) string {
			route := func(cidr string) string {
				return `<item><destinationCidrBlock>` + cidr + `</destinationCidrBlock><type>propagated</type><state>active</state><transitGatewayAttachments><item>
				<transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId><resourceId>vpc-1</resourceId><resourceType>vpc</resourceType></item></transitGatewayAttachments></item>`
			}
			// It shows one route at a time, as EC2 shows a thousand.
			switch form.Get("Filter.2.Value.1") {
			case "":
				return `<routeSet>` + route("10.0.0.0/16") + `</routeSet><additionalRoutesAvailable>true</additionalRoutesAvailable>`
			case "0.0.0.0/0":
				return `<routeSet>` + route("10.0.0.0/16") + `</routeSet><additionalRoutesAvailable>true</additionalRoutesAvailable>`
			case "0.0.0.0/1":
				return `<routeSet>` + route("10.0.0.0/16") + `</routeSet>`
			case "128.0.0.0/1":
				return `<routeSet>` + route("192.168.0.0/16") + `</routeSet>`
			}
			return `<routeSet/>`
		},
		"DescribeTransitGatewayConnectPeers": fixed(`<transitGatewayConnectPeerSet><item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item></transitGatewayConnectPeerSet>`),
	})
	c := catalog.NewEC2(catalog.EC2Config{Endpoint: e.URL})
	g, err := c.TransitGateway(t.Context(), region+"transit-gateway/tgw-1")
	if err != nil {
		t.Fatal(err)
	}
	if g.ASN != 64600 || g.State != "available" || g.Tags["Name"] != "hub" || len(g.Attachments) != 2 || len(g.RouteTables) != 1 {
		t.Fatalf("got %+v", g)
	}
	vpc, peering := g.Attachments[0], g.Attachments[1]
	if vpc.ResourceARN != "arn:aws:ec2:eu-west-1:777788889999:vpc/vpc-1" || vpc.RouteTableARN != region+"transit-gateway-route-table/tgw-rtb-1" || !*vpc.Associated {
		t.Errorf("VPC %+v", vpc)
	}
	if peering.PeerARN != "arn:aws:ec2:us-east-1:444455556666:transit-gateway-attachment/tgw-attach-2" {
		t.Errorf("peering %+v", peering)
	}
	table, err := c.RouteTable(t.Context(), g.RouteTables[0].ARN)
	if err != nil || len(table.Routes) != 2 || table.Routes[1].Prefix.String() != "192.168.0.0/16" || table.Routes[0].AttachmentIDs[0] != "tgw-attach-1" {
		t.Errorf("table %+v %v", table, err)
	}
	peer, err := c.ConnectPeer(t.Context(), region+"transit-gateway-connect-peer/tgw-connect-peer-1")
	if err != nil || peer.TransitGatewayARN != g.ARN {
		t.Errorf("Connect peer %+v %v", peer, err)
	}
}

func TestEC2_vpnAndPrefixList(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpnConnections": fixed(`<vpnConnectionSet><item><vpnConnectionId>vpn-1</vpnConnectionId><customerGatewayId>cgw-1</customerGatewayId><state>available</state>
			<routes><item><destinationCidrBlock>192.168.0.0/16</destinationCidrBlock></item></routes>
			<vgwTelemetry><item><outsideIpAddress>192.0.2.1</outsideIpAddress><status>UP</status><lastStatusChange>2026-01-31T12:00:00.000Z</lastStatusChange></item></vgwTelemetry></item></vpnConnectionSet>`),
		"DescribeCustomerGateways":    fixed(`<customerGatewaySet><item><customerGatewayId>cgw-1</customerGatewayId><bgpAsn>65001</bgpAsn></item></customerGatewaySet>`),
		"DescribeManagedPrefixLists":  fixed(`<prefixListSet><item><prefixListId>pl-1</prefixListId></item></prefixListSet>`),
		"GetManagedPrefixListEntries": fixed(`<entrySet><item><cidr>10.0.0.0/8</cidr></item><item><cidr>2001:db8::/32</cidr></item></entrySet>`),
	})
	c := catalog.NewEC2(catalog.EC2Config{Endpoint: e.URL})
	vpn, err := c.VPNConnection(t.Context(), region+"vpn-connection/vpn-1")
	if err != nil || len(vpn.StaticRoutes) != 1 || len(vpn.Tunnels) != 1 || !vpn.Tunnels[0].Up || vpn.Tunnels[0].Since == 0 {
		t.Errorf("VPN %+v %v", vpn, err)
	}
	customer, err := c.CustomerGateway(t.Context(), region+"customer-gateway/cgw-1")
	if err != nil || customer.ASN != 65001 || len(customer.VPNConnectionARNs) != 1 || !strings.HasSuffix(customer.VPNConnectionARNs[0], "/vpn-1") {
		t.Errorf("customer gateway %+v %v", customer, err)
	}
	list, err := c.PrefixList(t.Context(), region+"prefix-list/pl-1")
	if err != nil || fmt.Sprint(list.Entries) != "[10.0.0.0/8 2001:db8::/32]" {
		t.Errorf("prefix list %+v %v", list, err)
	}
}
