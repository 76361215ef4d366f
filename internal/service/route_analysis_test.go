package service_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"portolan/api"
	"portolan/routing"
)

// peeredGateways is two transit gateways that are peered: VPCs a and b on the first, a VPN on the second, which knows no
// way back.
const peeredGateways = `
transitGateways:
  - arn: ` + ec2ARN + `transit-gateway/tgw-1
    tags: {Name: hub}
    attachments:
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-a', resourceType: vpc, resourceArn: '` + ec2ARN + `vpc/vpc-a', routeTableArn: '` + ec2ARN + `transit-gateway-route-table/tgw-rtb-1'}
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-b', resourceType: vpc, resourceArn: '` + ec2ARN + `vpc/vpc-b', routeTableArn: '` + ec2ARN + `transit-gateway-route-table/tgw-rtb-b'}
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-p', resourceType: peering, peerArn: 'arn:aws:ec2:us-east-1:111122223333:transit-gateway-attachment/tgw-attach-p', routeTableArn: '` + ec2ARN + `transit-gateway-route-table/tgw-rtb-1'}
      - {arn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-u', resourceType: vpc, associated: false, routeTableArn: '` + ec2ARN + `transit-gateway-route-table/tgw-rtb-1'}
    routeTables:
      - arn: ` + ec2ARN + `transit-gateway-route-table/tgw-rtb-1
        routes:
          - {prefix: 172.31.0.0/16, attachmentIds: [tgw-attach-p], type: static}
          - {prefix: 10.0.0.0/16, attachmentIds: [tgw-attach-a]}
          - {prefix: 10.2.0.0/16, attachmentIds: [tgw-attach-b]}
          - {prefix: 10.3.0.0/16, state: blackhole, type: static}
      - arn: ` + ec2ARN + `transit-gateway-route-table/tgw-rtb-b
        routes:
          - {prefix: 10.0.0.0/8, attachmentIds: [tgw-attach-a]}
          - {prefix: 172.31.0.0/16, attachmentIds: [tgw-attach-b]}
  - arn: arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-2
    attachments:
      - {arn: 'arn:aws:ec2:us-east-1:111122223333:transit-gateway-attachment/tgw-attach-p', resourceType: peering, peerArn: '` + ec2ARN + `transit-gateway-attachment/tgw-attach-p', routeTableArn: 'arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-2'}
      - {arn: 'arn:aws:ec2:us-east-1:111122223333:transit-gateway-attachment/tgw-attach-v', resourceType: vpn, resourceArn: 'arn:aws:ec2:us-east-1:111122223333:vpn-connection/vpn-1', routeTableArn: 'arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-2'}
    routeTables:
      - arn: arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-2
        routes: [{prefix: 172.31.0.0/16, attachmentIds: [tgw-attach-v]}]
vpnConnections:
  - arn: arn:aws:ec2:us-east-1:111122223333:vpn-connection/vpn-1
    customerGatewayArn: arn:aws:ec2:us-east-1:111122223333:customer-gateway/cgw-1
    transitGatewayArn: arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-2
    tunnels: [{outsideIp: 192.0.2.1, up: true, since: 1767225600}, {outsideIp: 192.0.2.2, up: false, message: IPSEC IS UP}]
customerGateways: [{arn: 'arn:aws:ec2:us-east-1:111122223333:customer-gateway/cgw-1', asn: 65001}]
`

func gatewayWorld(t *testing.T) (w *world, gn string) {
	w = newWorld(t, withCatalog(t, peeredGateways))
	gn = w.globalNetwork()
	for _, arn := range []string{ec2ARN + "transit-gateway/tgw-1", "arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-2"} {
		must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: arn})
	}
	w.settled(0)
	return w, gn
}

func (w *world) analysis(gn, source, from, destination, to string, back, middleboxes bool) *api.RouteAnalysis {
	w.t.Helper()
	arn := func(id string) *string {
		region := "eu-west-1"
		if id == "v" {
			region = "us-east-1"
		}
		return new("arn:aws:ec2:" + region + ":111122223333:transit-gateway-attachment/tgw-attach-" + id)
	}
	in := api.StartRouteAnalysisInput{
		GlobalNetworkId: gn, IncludeReturnPath: &back, UseMiddleboxes: &middleboxes,
		Source:      &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: arn(source), IpAddress: &from},
		Destination: &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: arn(destination), IpAddress: &to},
	}
	started := must(w, w.StartRouteAnalysis, in).RouteAnalysis
	if started.Status != api.RouteAnalysisStatusRunning || started.ForwardPath != nil || *started.IncludeReturnPath != back {
		w.t.Errorf("started %+v", started)
	}
	var got *api.RouteAnalysis
	for range 3 {
		got = must(w, w.GetRouteAnalysis, api.GetRouteAnalysisInput{GlobalNetworkId: gn, RouteAnalysisId: started.RouteAnalysisId}).RouteAnalysis
	}
	if got.Status != api.RouteAnalysisStatusCompleted {
		w.t.Fatalf("in the end %s", got.Status)
	}
	return got
}

func pathText(p *api.RouteAnalysisPath) string {
	if p == nil {
		return "none"
	}
	text := string(p.CompletionStatus.ResultCode) + " " + string(p.CompletionStatus.ReasonCode)
	for i, c := range p.Path {
		if *c.Sequence != int32(len(p.Path)-1-i) {
			text += fmt.Sprintf(" (sequence %d)", *c.Sequence)
		}
		text += " " + c.Resource.ResourceArn[strings.LastIndexByte(c.Resource.ResourceArn, '/')+1:]
		if c.DestinationCidrBlock != "" {
			text += "[" + c.DestinationCidrBlock + "]"
		}
		if c.Resource.IsMiddlebox != nil && *c.Resource.IsMiddlebox {
			text += "!"
		}
	}
	return text
}

func TestRouteAnalysis_paths(t *testing.T) {
	w, gn := gatewayWorld(t)
	for _, c := range []struct {
		name, source, from, destination, to string
		back, middleboxes                   bool
		forward, returning                  string
	}{
		{
			"over a peering, without a way back", "a", "10.0.0.7", "v", "172.31.0.8", true, false,
			"CONNECTED  tgw-attach-a tgw-1 tgw-rtb-1[172.31.0.0/16] tgw-attach-p[172.31.0.0/16] tgw-2 tgw-rtb-2[172.31.0.0/16] tgw-attach-v[172.31.0.0/16] vpn-1",
			"NOT_CONNECTED ROUTE_NOT_FOUND tgw-attach-v tgw-2 tgw-rtb-2",
		},
		{"way back not asked for", "a", "", "b", "10.2.0.1", false, false, "CONNECTED  tgw-attach-a tgw-1 tgw-rtb-1[10.2.0.0/16] tgw-attach-b[10.2.0.0/16] vpc-b", "none"},
		{"both ways", "a", "10.0.0.7", "b", "10.2.0.1", true, false, "CONNECTED  tgw-attach-a tgw-1 tgw-rtb-1[10.2.0.0/16] tgw-attach-b[10.2.0.0/16] vpc-b", "CONNECTED  tgw-attach-b tgw-1 tgw-rtb-b[10.0.0.0/8] tgw-attach-a[10.0.0.0/8] vpc-a"},
		{"blackhole", "a", "", "b", "10.3.0.1", false, false, "NOT_CONNECTED BLACKHOLE_ROUTE_FOR_DESTINATION_FOUND tgw-attach-a tgw-1 tgw-rtb-1[10.3.0.0/16]", "none"},
		{"elsewhere", "a", "", "v", "10.2.0.1", false, false, "NOT_CONNECTED TRANSIT_GATEWAY_ATTACHMENT_ATTACH_ARN_NO_MATCH tgw-attach-a tgw-1 tgw-rtb-1[10.2.0.0/16] tgw-attach-b[10.2.0.0/16]", "none"},
		{"could be a middlebox", "a", "", "v", "10.2.0.1", false, true, "NOT_CONNECTED POSSIBLE_MIDDLEBOX tgw-attach-a tgw-1 tgw-rtb-1[10.2.0.0/16] tgw-attach-b[10.2.0.0/16]", "none"},
		{"unknown source", "x", "", "a", "10.0.0.1", false, false, "NOT_CONNECTED TRANSIT_GATEWAY_ATTACHMENT_NOT_FOUND", "none"},
		{"unknown destination", "a", "", "x", "10.0.0.1", false, false, "NOT_CONNECTED TRANSIT_GATEWAY_ATTACHMENT_NOT_FOUND", "none"},
		{"association not in force", "u", "", "a", "10.0.0.1", false, false, "NOT_CONNECTED TRANSIT_GATEWAY_ATTACHMENT_STABLE_ROUTE_TABLE_NOT_FOUND tgw-attach-u tgw-1", "none"},
	} {
		got := w.analysis(gn, c.source, c.from, c.destination, c.to, c.back, c.middleboxes)
		if f, r := pathText(got.ForwardPath), pathText(got.ReturnPath); f != c.forward || r != c.returning {
			t.Errorf("%s:\n%s\nwant\n%s\nback %s\nwant %s", c.name, f, c.forward, r, c.returning)
		}
	}
}

func TestRouteAnalysis_middlebox(t *testing.T) {
	w, gn := gatewayWorld(t)
	arn := ec2ARN + "transit-gateway-attachment/tgw-attach-b"
	must(w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{GlobalNetworkId: gn, ResourceArn: arn, Metadata: map[string]string{"middlebox": "true"}})
	got := pathText(w.analysis(gn, "a", "", "a", "10.2.0.1", false, true).ForwardPath)
	if want := "CONNECTED  tgw-attach-a tgw-1 tgw-rtb-1[10.2.0.0/16] tgw-attach-b[10.2.0.0/16]! tgw-1 tgw-rtb-b[10.0.0.0/8] tgw-attach-a[10.0.0.0/8] vpc-a"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// b's table leads what is for 172.31 back to b: round and round.
	got = pathText(w.analysis(gn, "b", "", "v", "172.31.0.1", false, true).ForwardPath)
	if !strings.HasPrefix(got, "NOT_CONNECTED CYCLIC_PATH_DETECTED") {
		t.Errorf("got %s", got)
	}
}

func TestStartRouteAnalysis_wrongInput(t *testing.T) {
	w, gn := gatewayWorld(t)
	attachment := new(ec2ARN + "transit-gateway-attachment/tgw-attach-a")
	end := func(arn *string, ip string) *api.RouteAnalysisEndpointOptionsSpecification {
		return &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: arn, IpAddress: &ip}
	}
	for _, c := range []struct {
		field string
		in    api.StartRouteAnalysisInput
	}{
		{"destination.ipAddress", api.StartRouteAnalysisInput{Source: end(attachment, ""), Destination: end(attachment, "x")}},
		{"source.ipAddress", api.StartRouteAnalysisInput{Source: end(attachment, ""), Destination: end(attachment, "10.0.0.1"), IncludeReturnPath: new(true)}},
		{"source.transitGatewayAttachmentArn", api.StartRouteAnalysisInput{Source: end(nil, ""), Destination: end(attachment, "10.0.0.1")}},
	} {
		c.in.GlobalNetworkId = gn
		wantField(t, fails[validation](w, w.StartRouteAnalysis, c.in), c.field)
	}
	fails[notFound](w, w.GetRouteAnalysis, api.GetRouteAnalysisInput{GlobalNetworkId: gn, RouteAnalysisId: "a1873de1"})
	none := must(w, w.StartRouteAnalysis, api.StartRouteAnalysisInput{GlobalNetworkId: gn, Source: end(attachment, ""), Destination: end(nil, "10.0.0.1")}).RouteAnalysis
	w.settled(0)
	done := must(w, w.GetRouteAnalysis, api.GetRouteAnalysisInput{GlobalNetworkId: gn, RouteAnalysisId: none.RouteAnalysisId}).RouteAnalysis
	if got := pathText(done.ForwardPath); got != "NOT_CONNECTED NO_DESTINATION_ARN_PROVIDED" {
		t.Errorf("got %s", got)
	}
}

func TestNetworkResources_behindTransitGateways(t *testing.T) {
	w, gn := gatewayWorld(t)
	counts := countText(must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn}).NetworkResourceCounts)
	if want := "customer-gateway=1 transit-gateway=2 transit-gateway-attachment=6 transit-gateway-route-table=3 vpn-connection=1"; counts != want {
		t.Errorf("counts %s, want %s", counts, want)
	}
	var paged int
	token := ""
	for {
		out := must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn, MaxResults: new(int32(2)), NextToken: &token})
		paged += len(out.NetworkResources)
		for _, r := range out.NetworkResources {
			if r.RegisteredGatewayArn == "" || !strings.Contains(r.Definition, `"`+r.ResourceId+`"`) {
				t.Errorf("%+v", r)
			}
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	if paged != 13 {
		t.Errorf("%d resources page by page, want 13", paged)
	}
	pairs := must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, ResourceArn: new(ec2ARN + "transit-gateway/tgw-1")}).Relationships
	if len(pairs) != 6 {
		t.Errorf("the gateway is related to %+v", pairs)
	}
}

func TestGetNetworkTelemetry_tunnelsAndSessions(t *testing.T) {
	w, gn := gatewayWorld(t)
	text := func(in api.GetNetworkTelemetryInput) string {
		t.Helper()
		in.GlobalNetworkId, in.MaxResults = gn, new(int32(1))
		var lines []string
		for {
			out := must(w, w.GetNetworkTelemetry, in)
			for _, r := range out.NetworkTelemetry {
				lines = append(lines, r.ResourceType+" "+r.Address+" "+string(r.Health.Type)+" "+string(r.Health.Status))
			}
			if in.NextToken = &out.NextToken; out.NextToken == "" {
				return strings.Join(lines, "\n")
			}
		}
	}
	vpn := "vpn-connection 192.0.2.1 IPSEC UP\nvpn-connection 192.0.2.1 BGP UP\nvpn-connection 192.0.2.2 IPSEC UP\nvpn-connection 192.0.2.2 BGP DOWN"
	if got := text(api.GetNetworkTelemetryInput{}); got != vpn {
		t.Errorf("got\n%s\nwant\n%s", got, vpn)
	}

	w = newWorld(t)
	var cn string
	gn, cn = w.network()
	peer := w.connectPeer(w.connectAttachment(cn), "169.254.40.0/29")
	w.settled(0)
	if got := text(api.GetNetworkTelemetryInput{}); got != "connect-peer 169.254.40.2 BGP DOWN\nconnect-peer 169.254.40.3 BGP DOWN" {
		t.Errorf("before it announces:\n%s", got)
	}
	if err := w.PutAnnouncements(w.ctx, peer, []routing.Announcement{{Prefix: netip.MustParsePrefix("192.168.0.0/16")}}); err != nil {
		t.Fatal(err)
	}
	if got := text(api.GetNetworkTelemetryInput{ResourceType: new("connect-peer")}); got != "connect-peer 169.254.40.2 BGP UP\nconnect-peer 169.254.40.3 BGP UP" {
		t.Errorf("then:\n%s", got)
	}
}
