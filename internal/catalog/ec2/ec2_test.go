package ec2_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portolan/internal/catalog"
	"portolan/internal/catalog/ec2"
)

const region = "arn:aws:ec2:eu-west-1:111122223333:"

// patience is the time for an answer that takes many calls, on a machine that has much else to do.
const patience = 5 * time.Minute

// stopped is a clock by which no answer runs out, however long the calls take.
func stopped() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }

// endpoint answers EC2's query protocol from a table of bodies by action.
type endpoint struct {
	*httptest.Server
	calls   atomic.Int64
	down    atomic.Bool
	answers map[string]func(url.Values) string
	unknown string // the code of a refusal; InvalidVpcID.NotFound when empty
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
			fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>none</Message></Error></Errors><RequestID>x</RequestID></Response>`,
				cmp.Or(e.unknown, "InvalidVpcID.NotFound"))
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
	c := ec2.New(ec2.Config{Endpoint: e.URL, Now: func() time.Time { return now }, Failed: func() { failed++ }})
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
	now = now.Add(5 * time.Second)
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
		"DescribeTransitGatewayRouteTables":  fixed(`<transitGatewayRouteTables><item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><transitGatewayId>tgw-1</transitGatewayId></item></transitGatewayRouteTables>`),
		"SearchTransitGatewayRoutes":         searchOf(2, "0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "192.168.0.0/16", "2001:db8::/32"),
		"DescribeTransitGatewayConnectPeers": fixed(`<transitGatewayConnectPeerSet><item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item></transitGatewayConnectPeerSet>`),
	})
	c := ec2.New(ec2.Config{Endpoint: e.URL})
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
	if err != nil {
		t.Fatal(err)
	}
	var prefixes []string
	for _, r := range table.Routes {
		prefixes = append(prefixes, r.Prefix.String())
	}
	if got := strings.Join(prefixes, " "); got != "0.0.0.0/0 10.0.0.0/16 10.0.0.0/24 10.0.0.0/25 10.0.0.128/25 192.168.0.0/16 2001:db8::/32" || table.Routes[0].AttachmentIDs[0] != "tgw-attach-1" {
		t.Errorf("table %+v", table)
	}
	peer, err := c.ConnectPeer(t.Context(), region+"transit-gateway-connect-peer/tgw-connect-peer-1")
	if err != nil || peer.TransitGatewayARN != g.ARN {
		t.Errorf("Connect peer %+v %v", peer, err)
	}
}

// searchOf answers as EC2 searches the routes of a table, showing no more than limit at a time.
func searchOf(limit int, prefixes ...string) func(url.Values) string {
	return func(form url.Values) string {
		matches := func(netip.Prefix) bool { return true }
		for i := 1; form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
			value := form.Get(fmt.Sprintf("Filter.%d.Value.1", i))
			switch form.Get(fmt.Sprintf("Filter.%d.Name", i)) {
			case "route-search.subnet-of-match":
				block := netip.MustParsePrefix(value)
				matches = func(p netip.Prefix) bool { return p.Bits() >= block.Bits() && block.Contains(p.Addr()) }
			case "route-search.exact-match":
				matches = func(p netip.Prefix) bool { return p.String() == value }
			}
		}
		var routes strings.Builder
		n := 0
		for _, text := range prefixes {
			if !matches(netip.MustParsePrefix(text)) {
				continue
			}
			if n++; n <= limit {
				fmt.Fprintf(&routes, `<item><destinationCidrBlock>%s</destinationCidrBlock><type>propagated</type><state>active</state><transitGatewayAttachments><item>
					<transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId><resourceId>vpc-1</resourceId><resourceType>vpc</resourceType></item></transitGatewayAttachments></item>`, text)
			}
		}
		return fmt.Sprintf(`<routeSet>%s</routeSet><additionalRoutesAvailable>%t</additionalRoutesAvailable>`, &routes, n > limit)
	}
}

func TestEC2_routesThatCannotAllBeShown(t *testing.T) {
	var many []string
	for i := range 256 {
		many = append(many, fmt.Sprintf("10.%d.0.0/16", i))
	}
	table := fixed(`<transitGatewayRouteTables><item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId></item></transitGatewayRouteTables>`)
	for _, c := range []struct {
		name  string
		limit int
		want  int
	}{
		{"as many as there are", 256, 256},
		{"a few at a time", 10, 256},
		{"so few that it would take too long: no answer is better than half of one", 1, -1},
	} {
		e := newEndpoint(t, map[string]func(url.Values) string{"DescribeTransitGatewayRouteTables": table, "SearchTransitGatewayRoutes": searchOf(c.limit, many...)})
		got, err := ec2.New(ec2.Config{Endpoint: e.URL, Timeout: patience}).RouteTable(t.Context(), region+"transit-gateway-route-table/tgw-rtb-1")
		switch {
		case c.want < 0 && !errors.Is(err, catalog.ErrUnavailable):
			t.Errorf("%s: got %v", c.name, err)
		case c.want >= 0 && (err != nil || len(got.Routes) != c.want):
			t.Errorf("%s: %d routes, %v", c.name, len(got.Routes), err)
		}
	}
}

const oneVPC = `<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item></vpcSet>`

func TestEC2_manyWaitForOneQuestion(t *testing.T) {
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpcs": func(url.Values) string {
			asked <- struct{}{}
			<-answer
			return oneVPC
		},
		"DescribeSubnets": fixed(`<subnetSet/>`),
	})
	c := ec2.New(ec2.Config{Endpoint: e.URL, Now: stopped, Timeout: patience})
	arn := region + "vpc/vpc-1"
	impatient, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := c.VPC(impatient, arn)
		gone <- err
	}()
	<-asked
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) || !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("who gave up: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v, err := c.VPC(context.Background(), arn); err != nil || len(v.CIDRs) != 1 {
				t.Errorf("who waited: %+v %v", v, err)
			}
		})
	}
	close(answer)
	wg.Wait()
	if n := e.calls.Load(); n != 2 {
		t.Errorf("%d calls, want one for the VPC and one for its subnets", n)
	}
}

func TestEC2_silenceIsNotWaitedForAgain(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{"DescribeVpcs": fixed(oneVPC), "DescribeSubnets": fixed(`<subnetSet/>`)})
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	failed := 0
	c := ec2.New(ec2.Config{Endpoint: e.URL, Now: func() time.Time { return now }, Failed: func() { failed++ }})
	e.down.Store(true)
	for i := range 5 {
		if _, err := c.VPC(t.Context(), fmt.Sprintf("%svpc/vpc-%d", region, i)); !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("nobody spoke: %v", err)
		}
	}
	if failed != 1 {
		t.Errorf("%d questions failed, want one", failed)
	}
	// Another Region may be well.
	if _, err := c.VPC(t.Context(), "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1"); !errors.Is(err, catalog.ErrUnavailable) || failed != 2 {
		t.Errorf("another Region: %v, %d failed", err, failed)
	}
	e.down.Store(false)
	if _, err := c.VPC(t.Context(), region+"vpc/vpc-1"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a moment later: %v", err)
	}
	now = now.Add(5 * time.Second)
	if _, err := c.VPC(t.Context(), region+"vpc/vpc-1"); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestEC2_forgetsWhatNobodyWants(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{"DescribeVpcs": fixed(oneVPC), "DescribeSubnets": fixed(`<subnetSet/>`)})
	c := ec2.New(ec2.Config{Endpoint: e.URL, MaxAnswers: 2, Now: stopped})
	for _, step := range []struct {
		id    string
		calls int64
	}{{"1", 2}, {"2", 2}, {"1", 0}, {"3", 2}, {"1", 0}, {"2", 2}} {
		before := e.calls.Load()
		if _, err := c.VPC(t.Context(), region+"vpc/vpc-"+step.id); err != nil {
			t.Fatal(err)
		}
		if n := e.calls.Load() - before; n != step.calls {
			t.Errorf("vpc-%s: %d calls, want %d", step.id, n, step.calls)
		}
	}
}

func TestEC2_whatIsNotThereAnyMore(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpcs":                       fixed(`<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>999999999999</ownerId></item></vpcSet>`),
		"DescribeVpnConnections":             fixed(`<vpnConnectionSet><item><vpnConnectionId>vpn-1</vpnConnectionId><state>deleted</state></item></vpnConnectionSet>`),
		"DescribeCustomerGateways":           fixed(`<customerGatewaySet><item><state>deleted</state></item></customerGatewaySet>`),
		"DescribeTransitGateways":            fixed(`<transitGatewaySet><item><state>deleted</state></item></transitGatewaySet>`),
		"DescribeTransitGatewayRouteTables":  fixed(`<transitGatewayRouteTables><item><state>deleted</state></item></transitGatewayRouteTables>`),
		"DescribeTransitGatewayConnectPeers": fixed(`<transitGatewayConnectPeerSet><item><state>deleted</state></item></transitGatewayConnectPeerSet>`),
		"DescribeManagedPrefixLists":         fixed(`<prefixListSet><item><state>delete-complete</state></item></prefixListSet>`),
	})
	c := ec2.New(ec2.Config{Endpoint: e.URL})
	ctx := t.Context()
	for name, look := range map[string]func() error{
		"the VPC of another account": func() error { _, err := c.VPC(ctx, region+"vpc/vpc-1"); return err },
		"VPN connection":             func() error { _, err := c.VPNConnection(ctx, region+"vpn-connection/vpn-1"); return err },
		"customer gateway":           func() error { _, err := c.CustomerGateway(ctx, region+"customer-gateway/cgw-1"); return err },
		"transit gateway":            func() error { _, err := c.TransitGateway(ctx, region+"transit-gateway/tgw-1"); return err },
		"route table":                func() error { _, err := c.RouteTable(ctx, region+"transit-gateway-route-table/tgw-rtb-1"); return err },
		"Connect peer":               func() error { _, err := c.ConnectPeer(ctx, region+"transit-gateway-connect-peer/p-1"); return err },
		"prefix list":                func() error { _, err := c.PrefixList(ctx, region+"prefix-list/pl-1"); return err },
		"the ARN of something else":  func() error { _, err := c.PrefixList(ctx, region+"vpc/vpc-1"); return err },
	} {
		if err := look(); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEC2_repliesHaveBounds(t *testing.T) {
	page := 0
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeManagedPrefixLists": fixed(`<prefixListSet><item/></prefixListSet>`),
		"GetManagedPrefixListEntries": func(url.Values) string {
			page++
			return fmt.Sprintf(`<entrySet><item><cidr>10.0.0.0/8</cidr></item></entrySet><nextToken>%d</nextToken>`, page)
		},
		"DescribeVpcs": fixed(`<vpcSet><!--` + strings.Repeat(" ", 17<<20) + `--></vpcSet>`),
	})
	c := ec2.New(ec2.Config{Endpoint: e.URL, Timeout: patience})
	if _, err := c.PrefixList(t.Context(), region+"prefix-list/pl-1"); !errors.Is(err, catalog.ErrUnavailable) || !strings.Contains(err.Error(), "pages") {
		t.Errorf("pages without end: %v", err)
	}
	c = ec2.New(ec2.Config{Endpoint: e.URL})
	if _, err := c.VPC(t.Context(), region+"vpc/vpc-1"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("a reply too long: %v", err)
	}
}

func TestEC2_directConnectGateway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch target := r.Header.Get("X-Amz-Target"); {
		case strings.Contains(string(body), "gone"):
			fmt.Fprint(w, `{"directConnectGateways":[]}`)
		case strings.HasSuffix(target, ".DescribeDirectConnectGateways"):
			fmt.Fprint(w, `{"directConnectGateways":[{"amazonSideAsn":64700,"directConnectGatewayState":"available"}]}`)
		case strings.Contains(string(body), "more"):
			fmt.Fprint(w, `{"directConnectGatewayAssociations":[{"associationState":"associated","associatedGateway":{"id":"tgw-1"}}]}`)
		default:
			fmt.Fprint(w, `{"directConnectGatewayAssociations":[{"associationState":"disassociated","associatedGateway":{"id":"vgw-1"}}],"nextToken":"more"}`)
		}
	}))
	defer server.Close()
	c := ec2.New(ec2.Config{Endpoint: server.URL})
	arn := "arn:aws:directconnect::111122223333:dx-gateway/"
	g, err := c.DirectConnectGateway(t.Context(), arn+"there")
	if err != nil || g.ASN != 64700 || fmt.Sprint(g.AssociatedWith) != "[tgw-1]" {
		t.Errorf("got %+v %v", g, err)
	}
	if _, err := c.DirectConnectGateway(t.Context(), arn+"gone"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("gone: %v", err)
	}
}

func TestEC2_vpnAndPrefixList(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpnConnections": fixed(`<vpnConnectionSet><item><vpnConnectionId>vpn-1</vpnConnectionId><customerGatewayId>cgw-1</customerGatewayId><state>available</state>
			<routes><item><destinationCidrBlock>192.168.0.0/16</destinationCidrBlock></item></routes>
			<options><tunnelOptionSet><item><outsideIpAddress>192.0.2.2</outsideIpAddress><tunnelInsideCidr>169.254.11.0/30</tunnelInsideCidr></item>
				<item><outsideIpAddress>192.0.2.1</outsideIpAddress><tunnelInsideCidr>169.254.10.0/30</tunnelInsideCidr></item></tunnelOptionSet></options>
			<vgwTelemetry><item><outsideIpAddress>192.0.2.1</outsideIpAddress><status>UP</status><lastStatusChange>2026-01-31T12:00:00.000Z</lastStatusChange></item></vgwTelemetry></item></vpnConnectionSet>`),
		"DescribeCustomerGateways":    fixed(`<customerGatewaySet><item><customerGatewayId>cgw-1</customerGatewayId><bgpAsn>65001</bgpAsn></item></customerGatewaySet>`),
		"DescribeManagedPrefixLists":  fixed(`<prefixListSet><item><prefixListId>pl-1</prefixListId></item></prefixListSet>`),
		"GetManagedPrefixListEntries": fixed(`<entrySet><item><cidr>10.0.0.0/8</cidr></item><item><cidr>2001:db8::/32</cidr></item></entrySet>`),
	})
	c := ec2.New(ec2.Config{Endpoint: e.URL})
	vpn, err := c.VPNConnection(t.Context(), region+"vpn-connection/vpn-1")
	if err != nil || len(vpn.StaticRoutes) != 1 || len(vpn.Tunnels) != 1 || !vpn.Tunnels[0].Up || vpn.Tunnels[0].Since == 0 {
		t.Errorf("VPN %+v %v", vpn, err)
	}
	if ours, theirs, ok := vpn.Tunnels[0].Inside(); !ok || ours.String() != "169.254.10.1" || theirs.String() != "169.254.10.2" {
		t.Errorf("addresses in the tunnel: %v, %v, %v", ours, theirs, ok)
	}
	e = newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpnConnections": fixed(`<vpnConnectionSet><item><vpnConnectionId>vpn-1</vpnConnectionId><state>available</state><options><tunnelInsideIpVersion>ipv6</tunnelInsideIpVersion>
			<tunnelOptionSet><item><outsideIpAddress>192.0.2.1</outsideIpAddress><tunnelInsideCidr>169.254.10.0/30</tunnelInsideCidr><tunnelInsideIpv6Cidr>fd00:1::/126</tunnelInsideIpv6Cidr></item></tunnelOptionSet></options>
			<vgwTelemetry><item><outsideIpAddress>192.0.2.1</outsideIpAddress></item></vgwTelemetry></item></vpnConnectionSet>`),
	})
	vpn, err = ec2.New(ec2.Config{Endpoint: e.URL}).VPNConnection(t.Context(), region+"vpn-connection/vpn-1")
	if err != nil {
		t.Fatal(err)
	}
	if ours, theirs, ok := vpn.Tunnels[0].Inside(); !ok || ours.String() != "fd00:1::1" || theirs.String() != "fd00:1::2" {
		t.Errorf("addresses in a tunnel that carries IPv6: %v, %v, %v", ours, theirs, ok)
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
