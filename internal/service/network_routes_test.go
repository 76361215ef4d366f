package service_test

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portolan/api"
	"portolan/routing"
)

// routedWorld is a core network of two edges and two segments that are shared: a VPC in each, and a Connect peer that
// announces.
func routedWorld(t *testing.T) (w *world, gn, cn string, ids map[string]string) {
	w = newWorld(t, withCatalog(t, `
vpcs:
  - {arn: '`+ec2ARN+`vpc/vpc-0123456789abcdef0', cidrs: [10.0.0.0/16], subnets: [{arn: '`+ec2ARN+`subnet/subnet-0123456789abcdef0'}]}
transitGateways:
  - arn: `+ec2ARN+`transit-gateway/tgw-0123456789abcdef0
    asn: 64600
    routeTables:
      - arn: `+ec2ARN+`transit-gateway-route-table/tgw-rtb-0123456789abcdef0
        routes:
          - {prefix: 10.9.0.0/16, attachmentIds: [tgw-attach-0123456789abcdef0], resourceType: vpc, resourceId: vpc-0123456789abcdef9}
          - {prefix: 10.9.1.0/24, state: blackhole, type: static}
`))
	gn = w.globalNetwork()
	document := strings.Replace(labPolicy("prod", "shared"), `"attachment-policies"`, `"segment-actions":[
		{"action":"share","mode":"attachment-route","segment":"shared","share-with":["prod"]},
		{"action":"create-route","segment":"prod","destination-cidr-blocks":["172.16.0.0/12"],"destinations":["blackhole"]}],"attachment-policies"`, 1)
	cn = must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
	w.settled(0)
	ids = map[string]string{}
	ids["vpc"] = w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("prod")}).Attachment.AttachmentId
	w.settled(0)
	ids["connect"] = must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
		CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: ids["vpc"],
		Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolNoEncap)}, Tags: []api.Tag{{Key: new("segment"), Value: new("prod")}},
	}).ConnectAttachment.Attachment.AttachmentId
	w.settled(0)
	if err := w.PutAnnouncements(w.ctx, ids["connect"], []routing.Announcement{
		{Prefix: netip.MustParsePrefix("192.168.0.0/16"), ASPath: []uint32{65001}}, {Prefix: netip.MustParsePrefix("192.168.1.0/24"), ASPath: []uint32{65001, 65002}},
	}); err != nil {
		t.Fatal(err)
	}
	return w, gn, cn, ids
}

func segmentTable(cn, segment, edge string) *api.RouteTableIdentifier {
	return &api.RouteTableIdentifier{CoreNetworkSegmentEdge: &api.CoreNetworkSegmentEdgeIdentifier{CoreNetworkId: &cn, SegmentName: &segment, EdgeLocation: &edge}}
}

func routeText(routes []api.NetworkRoute, names map[string]string) string {
	var lines []string
	for _, r := range routes {
		line := fmt.Sprintf("%s %s %s", r.DestinationCidrBlock, r.Type, r.State)
		for _, d := range r.Destinations {
			for name, id := range names {
				d.CoreNetworkAttachmentId = strings.ReplaceAll(d.CoreNetworkAttachmentId, id, name)
			}
			line += fmt.Sprintf(" →%s%s%s %s %s%s", d.CoreNetworkAttachmentId, d.TransitGatewayAttachmentId, d.EdgeLocation, d.ResourceType, d.ResourceId, d.SegmentName)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestGetNetworkRoutes_segments(t *testing.T) {
	w, gn, cn, ids := routedWorld(t)
	get := func(in api.GetNetworkRoutesInput) *api.GetNetworkRoutesOutput {
		t.Helper()
		in.GlobalNetworkId = gn
		return must(w, w.GetNetworkRoutes, in)
	}
	here := get(api.GetNetworkRoutesInput{RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1")})
	if here.RouteTableType != api.RouteTableTypeCoreNetworkSegment || *here.CoreNetworkSegmentEdge.SegmentName != "prod" || !here.RouteTableTimestamp.Equal(w.now) {
		t.Errorf("table %+v", here)
	}
	want := `10.0.0.0/16 PROPAGATED ACTIVE →vpc vpc vpc-0123456789abcdef0
172.16.0.0/12 STATIC BLACKHOLE
192.168.0.0/16 PROPAGATED ACTIVE →connect connect vpc-0123456789abcdef0
192.168.1.0/24 PROPAGATED ACTIVE →connect connect vpc-0123456789abcdef0`
	if got := routeText(here.NetworkRoutes, ids); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	there := get(api.GetNetworkRoutesInput{RouteTableIdentifier: segmentTable(cn, "prod", "us-east-1")})
	if got := routeText(there.NetworkRoutes, ids); !strings.Contains(got, "10.0.0.0/16 PROPAGATED ACTIVE →eu-west-1  prod") {
		t.Errorf("at the other edge\n%s", got)
	}
	shared := get(api.GetNetworkRoutesInput{RouteTableIdentifier: segmentTable(cn, "shared", "eu-west-1")})
	if got := routeText(shared.NetworkRoutes, ids); !strings.Contains(got, "10.0.0.0/16") || strings.Contains(got, "172.16") {
		t.Errorf("in the shared segment, where static routes do not go\n%s", got)
	}

	for _, c := range []struct {
		name string
		in   api.GetNetworkRoutesInput
		want []string
	}{
		{"exact", api.GetNetworkRoutesInput{ExactCidrMatches: []string{"192.168.1.0/24", "10.0.0.0/8"}}, []string{"192.168.1.0/24"}},
		{"longest", api.GetNetworkRoutesInput{LongestPrefixMatches: []string{"192.168.1.7", "192.168.2.0/24"}}, []string{"192.168.1.0/24", "192.168.0.0/16"}},
		{"longest of nothing", api.GetNetworkRoutesInput{LongestPrefixMatches: []string{"8.8.8.8"}}, nil},
		{"subnet of", api.GetNetworkRoutesInput{SubnetOfMatches: []string{"192.168.0.0/16"}}, []string{"192.168.0.0/16", "192.168.1.0/24"}},
		{"supernet of", api.GetNetworkRoutesInput{SupernetOfMatches: []string{"192.168.1.0/30"}}, []string{"192.168.0.0/16", "192.168.1.0/24"}},
		{"state", api.GetNetworkRoutesInput{States: []api.RouteState{"BLACKHOLE"}}, []string{"172.16.0.0/12"}},
		{"type and prefix", api.GetNetworkRoutesInput{Types: []api.RouteType{"STATIC"}, SubnetOfMatches: []string{"10.0.0.0/8"}}, nil},
		{"resource type", api.GetNetworkRoutesInput{DestinationFilters: map[string][]string{"RESOURCE_TYPE": {"vp?"}}}, []string{"10.0.0.0/16"}},
		{"resource id", api.GetNetworkRoutesInput{DestinationFilters: map[string][]string{"RESOURCE_ID": {"vpc-9*"}}}, nil},
		{"prefix list", api.GetNetworkRoutesInput{PrefixListIds: []string{"pl-0"}}, nil},
	} {
		c.in.RouteTableIdentifier = segmentTable(cn, "prod", "eu-west-1")
		var got []string
		for _, r := range get(c.in).NetworkRoutes {
			got = append(got, r.DestinationCidrBlock)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	wantField(t, fails[validation](w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: &api.RouteTableIdentifier{}}), "routeTableIdentifier")
	wantField(t, fails[validation](w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1"), ExactCidrMatches: []string{"ten"}}), "exactCidrMatches[0]")
	for _, table := range []*api.RouteTableIdentifier{segmentTable(cn, "dev", "eu-west-1"), segmentTable(cn, "prod", "eu-north-1"), segmentTable("core-network-0ffffffffffffffff", "prod", "eu-west-1")} {
		fails[notFound](w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: table})
	}

	// What changes is seen at once.
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: ids["connect"]})
	w.settled(0)
	if got := routeText(get(api.GetNetworkRoutesInput{RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1")}).NetworkRoutes, ids); strings.Contains(got, "192.168") {
		t.Errorf("after the attachment is gone\n%s", got)
	}
}

// TestLists_encodedForm: who only encodes a list gets the same bytes, of pages and of route tables, filtered or not.
func TestLists_encodedForm(t *testing.T) {
	w, gn, cn, _ := routedWorld(t)
	encoding := api.CallerFrom(w.ctx)
	encoding.EncodeOnly = true
	for _, call := range []func(context.Context) (api.Output, error){
		func(ctx context.Context) (api.Output, error) {
			return w.DescribeGlobalNetworks(ctx, &api.DescribeGlobalNetworksInput{})
		},
		func(ctx context.Context) (api.Output, error) {
			return w.ListAttachments(ctx, &api.ListAttachmentsInput{MaxResults: new(int32(1))})
		},
		func(ctx context.Context) (api.Output, error) {
			return w.GetNetworkRoutes(ctx, &api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1")})
		},
		func(ctx context.Context) (api.Output, error) {
			return w.GetNetworkRoutes(ctx, &api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1"), States: []api.RouteState{"ACTIVE"}, SubnetOfMatches: []string{"192.168.0.0/16"}})
		},
		func(ctx context.Context) (api.Output, error) {
			return w.GetNetworkRoutes(ctx, &api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1"), ExactCidrMatches: []string{"10.0.0.0/8"}})
		},
	} {
		plain, err := call(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // made, then kept
			encoded, err := call(api.WithCaller(w.ctx, encoding))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(encoded.AppendJSON(nil)), string(plain.AppendJSON(nil)); got != want || len(want) < 20 {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		}
	}
}

// TestGetNetworkRoutes_peersOfOneAttachment: the API names attachments, so that two peers of one are one destination.
func TestGetNetworkRoutes_peersOfOneAttachment(t *testing.T) {
	w := newWorld(t)
	gn, cn := w.network()
	transport := w.available(cn)
	connect := must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
		CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolGre)},
		Tags: []api.Tag{{Key: new("env"), Value: new("prod")}},
	}).ConnectAttachment.Attachment.AttachmentId
	w.attachment(connect)
	for i, address := range []string{"10.0.0.5", "10.0.0.6"} {
		peer := must(w, w.CreateConnectPeer, api.CreateConnectPeerInput{
			ConnectAttachmentId: connect, PeerAddress: address, InsideCidrBlocks: []string{[]string{"169.254.40.0/29", "169.254.41.0/29"}[i]},
		}).ConnectPeer.ConnectPeerId
		w.attachment(connect)
		if err := w.PutAnnouncements(w.ctx, peer, []routing.Announcement{{Prefix: netip.MustParsePrefix("192.168.0.0/16"), ASPath: []uint32{65001}}}); err != nil {
			t.Fatal(err)
		}
	}
	found := false
	for _, r := range must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1")}).NetworkRoutes {
		if r.DestinationCidrBlock == "192.168.0.0/16" {
			found = true
			if len(r.Destinations) != 1 || r.Destinations[0].CoreNetworkAttachmentId != connect {
				t.Errorf("got %+v", r.Destinations)
			}
		}
	}
	if !found {
		t.Error("no route")
	}
}

func TestGetNetworkRoutes_transitGateway(t *testing.T) {
	w, gn, _, _ := routedWorld(t)
	in := api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: &api.RouteTableIdentifier{
		TransitGatewayRouteTableArn: new(ec2ARN + "transit-gateway-route-table/tgw-rtb-0123456789abcdef0"),
	}}
	fails[notFound](w, w.GetNetworkRoutes, in) // its gateway is not registered
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: ec2ARN + "transit-gateway/tgw-0123456789abcdef0"})
	w.settled(0)
	out := must(w, w.GetNetworkRoutes, in)
	want := "10.9.0.0/16 PROPAGATED ACTIVE →tgw-attach-0123456789abcdef0 vpc vpc-0123456789abcdef9\n10.9.1.0/24 STATIC BLACKHOLE"
	if got := routeText(out.NetworkRoutes, nil); got != want || out.RouteTableType != api.RouteTableTypeTransitGatewayRouteTable {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	in.LongestPrefixMatches = []string{"10.9.2.1"}
	if got := routeText(must(w, w.GetNetworkRoutes, in).NetworkRoutes, nil); !strings.HasPrefix(got, "10.9.0.0/16") || strings.Contains(got, "\n") {
		t.Errorf("longest match %s", got)
	}
}

func TestListCoreNetworkRoutingInformation_pagesAndFilters(t *testing.T) {
	w, _, cn, ids := routedWorld(t)
	list := func(in api.ListCoreNetworkRoutingInformationInput) []api.CoreNetworkRoutingInformation {
		t.Helper()
		in.CoreNetworkId, in.SegmentName = cn, "prod"
		if in.EdgeLocation == "" {
			in.EdgeLocation = "eu-west-1"
		}
		var rows []api.CoreNetworkRoutingInformation
		for {
			out := must(w, w.ListCoreNetworkRoutingInformation, in)
			rows = append(rows, out.CoreNetworkRoutingInformation...)
			if in.NextToken = &out.NextToken; out.NextToken == "" {
				return rows
			}
		}
	}
	all := list(api.ListCoreNetworkRoutingInformationInput{})
	if len(all) < 3 {
		t.Fatalf("rows %+v", all)
	}
	if one := list(api.ListCoreNetworkRoutingInformationInput{MaxResults: new(int32(1))}); !reflect.DeepEqual(one, all) {
		t.Errorf("page by page %+v, want %+v", one, all)
	}
	for _, row := range all {
		if row.Prefix == "10.0.0.0/16" && (row.NextHop.ResourceType != "vpc" || row.Med != "" || row.NextHop.EdgeLocation != "") {
			t.Errorf("a VPC's row has no attributes: %+v", row)
		}
	}
	attached := list(api.ListCoreNetworkRoutingInformationInput{MaxResults: new(int32(1)), NextHopFilters: map[string][]string{"ResourceType": {"*n*", "vpc"}}})
	if want := slices.DeleteFunc(slices.Clone(all), func(r api.CoreNetworkRoutingInformation) bool {
		return r.NextHop == nil || r.NextHop.ResourceType == ""
	}); len(want) == 0 || !reflect.DeepEqual(attached, want) {
		t.Errorf("of attachments %+v, want %+v", attached, want)
	}
	bgp := list(api.ListCoreNetworkRoutingInformationInput{ExactAsPathMatches: []string{"65001 65002"}})
	if len(bgp) != 1 || bgp[0].Prefix != "192.168.1.0/24" || bgp[0].NextHop.CoreNetworkAttachmentId != ids["connect"] || bgp[0].Med != "100" {
		t.Errorf("by AS path: %+v", bgp)
	}
	remote := list(api.ListCoreNetworkRoutingInformationInput{EdgeLocation: "us-east-1", NextHopFilters: map[string][]string{"EdgeLocation": {"eu-west-1"}}})
	if len(remote) != 3 || remote[0].NextHop.SegmentName != "prod" || remote[0].NextHop.ResourceType != "" {
		t.Errorf("from the other edge: %+v", remote)
	}
	if got := list(api.ListCoreNetworkRoutingInformationInput{MedMatches: []string{"7"}}); len(got) != 0 {
		t.Errorf("by MED: %+v", got)
	}
	fails[validation](w, w.ListCoreNetworkRoutingInformation, api.ListCoreNetworkRoutingInformationInput{
		CoreNetworkId: cn, SegmentName: "prod", EdgeLocation: "eu-west-1", NextHopFilters: map[string][]string{"Nothing": {"x"}},
	})
	fails[notFound](w, w.ListCoreNetworkRoutingInformation, api.ListCoreNetworkRoutingInformationInput{CoreNetworkId: cn, SegmentName: "dev", EdgeLocation: "eu-west-1"})
}
