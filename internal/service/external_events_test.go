package service_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
	"portolan/internal/turns"
)

// externalWorld is a world over a store, with a catalog file that can be rewritten and opened by another process.
func externalWorld(t *testing.T, text string, st store.Store) (w *world, rewrite func(string), open func(*node.Config)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	open = func(c *node.Config) {
		f, err := catalog.OpenFile(path, catalog.FileOptions{Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		c.Catalog = f
	}
	w = newWorld(t, onStore(st), open)
	return w, func(text string) {
		write(text)
		w.now = w.now.Add(10 * time.Second)
	}, open
}

const externalBefore = `
transitGateways:
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0
    asn: 65010
    attachments:
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-01', resourceType: vpc, resourceArn: '` + ec2ARN + `vpc/vpc-01'}
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-02', resourceType: vpn, resourceArn: '` + ec2ARN + `vpn-connection/vpn-02'}
  - arn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef1
    asn: 65011
customerGateways:
  - {arn: '` + ec2ARN + `customer-gateway/cgw-01', asn: 65001}
  - {arn: '` + ec2ARN + `customer-gateway/cgw-02', asn: 65002}
vpnConnections:
  - arn: ` + ec2ARN + `vpn-connection/vpn-02
    customerGatewayArn: ` + ec2ARN + `customer-gateway/cgw-01
    transitGatewayArn: ` + ec2ARN + `transit-gateway/tgw-0123456789abcdef0
    tunnels: [{outsideIp: 192.0.2.1, up: true}, {outsideIp: 192.0.2.2, up: false}]
  - arn: ` + ec2ARN + `vpn-connection/vpn-0123456789abcdef0
    customerGatewayArn: ` + ec2ARN + `customer-gateway/cgw-01
    tunnels: [{outsideIp: 192.0.2.3, up: false}]
`

func TestExternalEvents(t *testing.T) {
	st := store.OpenMemory()
	w, rewrite, open := externalWorld(t, externalBefore, st)
	gn, cn := w.network()
	const gateway = ec2ARN + "transit-gateway/tgw-0123456789abcdef"
	for _, n := range []string{"0", "1"} {
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + n})
	}
	a := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: ec2ARN + "vpn-connection/vpn-0123456789abcdef0"}).SiteToSiteVpnAttachment.Attachment
	w.attachment(a.AttachmentId)
	_, _, at := w.settled(0) // what was there when the gateways came has no events
	want := func(what string, want ...string) []events.Record {
		t.Helper()
		got, records, next := w.happened(at)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		for _, r := range records {
			if r.Event.Account != "111122223333" || !strings.HasSuffix(r.Event.Resources[0], "/"+gn) || len(r.Event.Resources) != 2 {
				t.Errorf("%s: %+v", what, r.Event)
			}
		}
		at = next
		return records
	}
	want("nothing has changed")

	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(externalBefore) }
	rewrite(change("192.0.2.1, up: true", "192.0.2.1, up: false, message: IPSEC IS UP", "192.0.2.3, up: false", "192.0.2.3, up: true"))
	records := want("tunnels", "VPN-CONNECTION-BGP-DOWN", "VPN-CONNECTION-IPSEC-UP", "VPN-CONNECTION-BGP-ESTABLISH")
	if e := records[0].Event; e.DetailType != "Network Manager Status Update" || e.Resources[1] != ec2ARN+"vpn-connection/vpn-02" ||
		string(e.Detail) != `{"changeType":"VPN-CONNECTION-BGP-DOWN","changeDescription":"BGP for a VPN connection has gone down.","region":"eu-west-1",`+
			`"transitGatewayAttachmentArn":"`+ec2ARN+`transit-gateway-attachment/tgw-attach-02","vpnConnectionArn":"`+ec2ARN+`vpn-connection/vpn-02",`+
			`"outsideIpAddress":"192.0.2.1","peerAsn":"65001","transitGatewayArn":"`+gateway+`0"}` {
		t.Errorf("on a transit gateway: %v %s", e.Resources, e.Detail)
	}
	if e := records[1].Event; !strings.HasSuffix(e.Resources[1], "/"+cn) || !strings.Contains(string(e.Detail), `"attachmentArn":"arn:aws:networkmanager::111122223333:attachment/`+a.AttachmentId+`","outsideIpAddress":"192.0.2.3","coreNetworkArn":"`) {
		t.Errorf("on the core network: %v %s", e.Resources, e.Detail)
	}
	want("told once")

	// Another process goes on from what was told: what happened meanwhile is told once.
	w.restart(st, open)
	want("after a restart")
	rewrite(change("192.0.2.1, up: true", "192.0.2.1, up: false"))
	w.restart(st, open)
	want("while nobody looked", "VPN-CONNECTION-IPSEC-DOWN", "VPN-CONNECTION-BGP-DOWN", "VPN-CONNECTION-IPSEC-DOWN")
	w.restart(st, open)
	want("after another restart")
}

func TestExternalEvents_topology(t *testing.T) {
	w, rewrite, _ := externalWorld(t, externalBefore, store.OpenMemory())
	gn := w.globalNetwork()
	const gateway = ec2ARN + "transit-gateway/tgw-0123456789abcdef"
	for _, n := range []string{"0", "1"} {
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + n})
	}
	_, _, at := w.settled(0)
	want := func(what string, want ...string) []events.Record {
		t.Helper()
		got, records, next := w.happened(at)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		at = next
		return records
	}
	const vpcLine = `      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-01', resourceType: vpc, resourceArn: '` + ec2ARN + `vpc/vpc-01'}` + "\n"
	const vpnLine = `      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-02', resourceType: vpn, resourceArn: '` + ec2ARN + `vpn-connection/vpn-02'}` + "\n"
	table := ec2ARN + "transit-gateway-route-table/tgw-rtb-01"
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(externalBefore) }

	rewrite(change("vpc/vpc-01'}", "vpc/vpc-01', routeTableArn: '"+table+"'}", vpnLine, vpnLine+
		`      - {arn: '`+ec2ARN+`transit-gateway-attachment/tgw-attach-03', resourceType: peering, resourceArn: '`+gateway+`1'}`+"\n"+
		`      - {arn: '`+ec2ARN+`transit-gateway-attachment/tgw-attach-04', resourceType: direct-connect-gateway, resourceArn: 'arn:aws:directconnect::111122223333:dx-gateway/x'}`+"\n"+
		`      - {arn: '`+ec2ARN+`transit-gateway-attachment/tgw-attach-05', resourceType: connect}`+"\n"+
		`      - {arn: '`+ec2ARN+`transit-gateway-attachment/tgw-attach-06', resourceType: network-function, resourceArn: 'arn:aws:network-firewall:eu-west-1:111122223333:firewall/edge'}`+"\n"+
		`      - {arn: '`+ec2ARN+`transit-gateway-attachment/tgw-attach-07', resourceType: client-vpn}`+"\n"+
		`    connectPeers: [{arn: '`+ec2ARN+`transit-gateway-connect-peer/tgw-connect-peer-01'}]`+"\n"))
	records := want("more", "TGW-ROUTE-TABLE-ASSOCIATED", "TGW-PEERING-CREATED", "DXGW-ATTACHMENT-CREATED", "NETWORK-FIREWALL-ATTACHMENT-CREATED", "TGW-CONNECT-PEER-CREATED")
	if d := string(records[0].Event.Detail); records[0].Event.DetailType != "Network Manager Routing Update" || !strings.Contains(d, `"transitGatewayRouteTableArn":"`+table+`"`) {
		t.Errorf("associated: %s", d)
	}
	if e := records[3].Event; e.DetailType != "Network Manager Topology Change" || string(e.Detail) != `{"changeType":"NETWORK-FIREWALL-ATTACHMENT-CREATED",`+
		`"changeDescription":"A Network Firewall attachment has been created.","region":"eu-west-1","transitGatewayAttachmentArn":"`+ec2ARN+`transit-gateway-attachment/tgw-attach-06",`+
		`"resourceArns":["arn:aws:network-firewall:eu-west-1:111122223333:firewall/edge"],"transitGatewayArn":"`+gateway+`0"}` {
		t.Errorf("network function: %s %s", e.DetailType, e.Detail)
	}
	rewrite(externalBefore)
	want("less", "TGW-PEERING-DELETED", "DXGW-ATTACHMENT-DELETED", "NETWORK-FIREWALL-ATTACHMENT-DELETED", "TGW-CONNECT-PEER-DELETED")

	rewrite(change(vpcLine, ""))
	want("a VPC less", "VPC-ATTACHMENT-DELETED")
	rewrite(change(vpcLine, "", "customer-gateway/cgw-01\n    transit", "customer-gateway/cgw-02\n    transit"))
	want("another customer gateway", "VPN-CONNECTION-CUSTOMER-GATEWAY-MODIFIED")
	rewrite(change(vpcLine, "", vpnLine, "", "    asn: 65011\n", "    asn: 65011\n    attachments:\n"+strings.Replace(vpnLine, "-02'", "-06'", 1),
		"customer-gateway/cgw-01\n    transit", "customer-gateway/cgw-02\n    transit",
		"    attachments:\n"+vpcLine+vpnLine, "", gateway+"0\n    tunnels", gateway+"1\n    tunnels"))
	want("another gateway", "VPN-CONNECTION-TARGET-GATEWAY-MODIFIED")
	rewrite("transitGateways: [{arn: '" + gateway + "0', asn: 65010}]\n")
	want("a gateway less", "TGW-DELETED")
	for _, r := range must(w, w.GetTransitGatewayRegistrations, api.GetTransitGatewayRegistrationsInput{GlobalNetworkId: gn}).TransitGatewayRegistrations {
		if deleted := r.TransitGatewayArn == gateway+"1"; deleted != (r.State.Code != api.TransitGatewayRegistrationStateAvailable) {
			t.Errorf("%s is %s", r.TransitGatewayArn, r.State.Code)
		}
	}
	rewrite(externalBefore)
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + "1"})
	created := want("what the other gateway has again", "VPC-ATTACHMENT-CREATED", "VPN-CONNECTION-CREATED", "VPN-CONNECTION-IPSEC-UP", "VPN-CONNECTION-BGP-ESTABLISH")
	if d := string(created[1].Event.Detail); !strings.Contains(d, `"customerGatewayArn":"`+ec2ARN+`customer-gateway/cgw-01","outsideIpAddresses":["192.0.2.1","192.0.2.2"],"routing":"dynamic_route"`) {
		t.Errorf("a VPN connection: %s", d)
	}

	routes := func(lines string) string {
		return change("    asn: 65011\n", "    asn: 65011\n    routeTables: [{arn: '"+table+"', routes: ["+lines+"]}]\n")
	}
	rewrite(routes(""))
	want("an empty table")
	rewrite(routes("{prefix: 10.0.0.0/8, attachmentIds: [tgw-attach-07], resourceType: vpc, resourceId: vpc-1}, {prefix: 10.1.0.0/16, type: static, state: blackhole}"))
	installed := want("two routes", "TGW-ROUTE-INSTALLED")
	if d := string(installed[0].Event.Detail); !strings.Contains(d, `"transitGatewayRouteTableArns":["`+table+`"],"sequenceNumber":`) ||
		!strings.Contains(d, `"routes":[{"destinationCidrBlock":"10.0.0.0/8","attachments":[{"tgwAttachmentId":"tgw-attach-07","resourceId":"vpc-1","attachmentType":"vpc"}],`+
			`"routeType":"route_propagated","routeState":"active","propagatedRouteFamily":"connected"},`+
			`{"destinationCidrBlock":"10.1.0.0/16","attachments":[],"routeType":"route_static","routeState":"blackhole"}],"transitGatewayArn":"`+gateway+`1"}`) {
		t.Errorf("installed: %s", d)
	}
	rewrite(routes("{prefix: 10.0.0.0/8, attachmentIds: [tgw-attach-07], resourceType: vpn, asPath: [65001, 65002]}, {prefix: 10.1.0.0/16, type: static, state: blackhole}"))
	changed := want("one of them otherwise", "TGW-ROUTE-UNINSTALLED", "TGW-ROUTE-INSTALLED")
	if d := string(changed[1].Event.Detail); !strings.Contains(d, `"propagatedRouteFamily":"bgp","bgpAttributes":{"asPath":["AS_SEQ: [65001, 65002]"]}}]`) {
		t.Errorf("installed: %s", d)
	}
	rewrite(externalBefore)
	want("the table is gone", "TGW-ROUTE-UNINSTALLED")
	for _, n := range []string{"0", "1"} {
		must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway + n})
	}
	rewrite("{}\n")
	want("nothing is registered")
}

// TestExternalEvents_catalogAway: an endpoint that is away has taken nothing away.
func TestExternalEvents_catalogAway(t *testing.T) {
	st := store.OpenMemory()
	w, _, _ := externalWorld(t, externalBefore, st)
	gn := w.globalNetwork()
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef0"})
	_, _, at := w.settled(0)
	w.restart(st, func(c *node.Config) { c.Catalog = away{} })
	w.now = w.now.Add(time.Minute)
	if got, _, _ := w.happened(at); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}

// TestExternalEvents_waitForNoTurn: what is deregistered for one account waits for no turn of it, for the events of all accounts come after.
func TestExternalEvents_waitForNoTurn(t *testing.T) {
	all := new(turns.Turns)
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(externalBefore)
	w := newWorld(t, func(c *node.Config) {
		f, err := catalog.OpenFile(path, catalog.FileOptions{Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		c.Turns, c.Catalog = all, f
	})
	gn := w.globalNetwork()
	const gateway = ec2ARN + "transit-gateway/tgw-0123456789abcdef0"
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
	first := labPolicy("prod")
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &first}).CoreNetwork.CoreNetworkId
	w.settled(0)
	must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: labPolicy("prod", "dev")})
	write("transitGateways: [{arn: '" + ec2ARN + "transit-gateway/tgw-0123456789abcdef1', asn: 65011}]\n")
	w.now = w.now.Add(10 * time.Second)
	for range turns.AtATime() { // which are not given back
		if _, _, err := all.Take(t.Context(), "111122223333", turns.Question, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.PublishEvents(w.as("444455556666")); err != nil {
		t.Fatal(err)
	}
	list := must(w, w.GetTransitGatewayRegistrations, api.GetTransitGatewayRegistrationsInput{GlobalNetworkId: gn}).TransitGatewayRegistrations
	if len(list) == 1 && list[0].State.Code == api.TransitGatewayRegistrationStateAvailable {
		t.Errorf("still registered: %+v", list[0])
	}
}
