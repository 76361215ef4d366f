package service_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/routing"
)

// everyRoute is every row of the tables of a core network as GetNetworkRoutes shows them. Who only encodes them, and so gets
// what may have been kept, must get the same.
func (w *world) everyRoute(gn, cn string) map[string]string {
	w.t.Helper()
	encoding := api.CallerFrom(w.ctx)
	encoding.EncodeOnly = true
	rows := map[string]string{}
	network := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork
	for _, segment := range network.Segments {
		for _, edge := range segment.EdgeLocations {
			in := api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, segment.Name, edge)}
			out := must(w, w.GetNetworkRoutes, in)
			encoded, err := w.GetNetworkRoutes(api.WithCaller(w.ctx, encoding), &in)
			if err != nil {
				w.t.Fatal(err)
			}
			if got, want := string(encoded.AppendJSON(nil)), string(out.AppendJSON(nil)); got != want {
				w.t.Fatalf("%s at %s, encoded:\n%s\nnot encoded:\n%s", segment.Name, edge, got, want)
			}
			for _, r := range out.NetworkRoutes {
				rows[segment.Name+"@"+edge+" "+r.DestinationCidrBlock] = routeText([]api.NetworkRoute{r}, nil)
			}
		}
	}
	return rows
}

// computedAnew is the same worked out from the snapshot alone.
func (w *world) computedAnew(cn string) map[string]string {
	w.t.Helper()
	snap, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.rowsOf(snap)
}

// rowsOf is the rows of the segments' tables of a network.
func (w *world) rowsOf(snap *snapshot.Snapshot) map[string]string {
	w.t.Helper()
	network, err := snap.Network(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	tables, err := routing.Compute(*network)
	if tables == nil {
		w.t.Fatal(err)
	}
	rows := map[string]string{}
	for _, id := range tables.TableIDs() {
		if id.Segment == "" {
			continue
		}
		table, _ := tables.Table(id)
		for r := range table.Routes() {
			if table.Unsettled(r.Prefix) {
				continue
			}
			shown := api.NetworkRoute{DestinationCidrBlock: r.Prefix.String(), Type: api.RouteType(r.Type), State: api.RouteState(r.State)}
			for _, d := range r.Destinations {
				to := api.NetworkRouteDestination{CoreNetworkAttachmentId: d.Attachment, EdgeLocation: d.Edge, SegmentName: d.Segment}
				if a, ok := tables.Attachment(d.Attachment); ok {
					to.ResourceType, to.ResourceId, to.SegmentName = a.Type, a.ResourceID, ""
				}
				shown.Destinations = append(shown.Destinations, to)
			}
			rows[id.String()+" "+shown.DestinationCidrBlock] = routeText([]api.NetworkRoute{shown}, nil)
		}
	}
	return rows
}

func sameRows(t interface{ Fatalf(string, ...any) }, what string, got, want map[string]string) {
	for key := range want {
		if got[key] != want[key] {
			t.Fatalf("%s: %s: got %q, want %q", what, key, got[key], want[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Fatalf("%s: %s: got %q, want none", what, key, got[key])
		}
	}
}

// mixedPolicy has segments by tag, a network function group, shares, static routes; variants differ in shares.
func mixedPolicy(variant int) string {
	actions := []string{
		`{"action":"share","mode":"attachment-route","segment":"shared","share-with":["prod"]}`,
		`{"action":"share","mode":"attachment-route","segment":"shared","share-with":["dev"]}`,
		`{"action":"send-via","segment":"prod","mode":"single-hop","when-sent-to":{"segments":["dev"]},"via":{"network-function-groups":["fw"]}}`,
		`{"action":"create-route","segment":"dev","destination-cidr-blocks":["0.0.0.0/0"],"destinations":["blackhole"]}`,
	}
	var chosen []string
	for i, a := range actions {
		if variant&(1<<i) != 0 {
			chosen = append(chosen, a)
		}
	}
	document := labPolicy("prod", "dev", "shared")
	document = strings.Replace(document, `"attachment-policies":[`, `"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],"segment-actions":[`+
		strings.Join(chosen, ",")+`],"attachment-policies":[{"rule-number":50,"conditions":[{"type":"tag-exists","key":"fw"}],"action":{"add-to-network-function-group":"fw"}},`, 1)
	return document
}

func TestRoutes_followEveryChange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		gn := w.globalNetwork()
		document := mixedPolicy(15)
		cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
		w.settled(0)
		prefixes := []string{"10.0.0.0/16", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "2001:db8::/48"}
		var ids []string
		segmentTag := func() []api.Tag {
			return rapid.SampledFrom([][]api.Tag{
				{{Key: new("segment"), Value: new("prod")}},
				{{Key: new("segment"), Value: new("dev")}},
				{{Key: new("segment"), Value: new("shared")}},
				{{Key: new("fw"), Value: new("yes")}},
			}).Draw(rt, "tags")
		}
		arn := func(id string) string { return "arn:aws:networkmanager::111122223333:attachment/" + id }
		attach := func() {
			edge := rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(rt, "edge")
			account := "arn:aws:ec2:" + edge + ":111122223333:"
			n := fmt.Sprintf("%017x", len(ids)+1)
			ids = append(ids, must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
				CoreNetworkId: cn, VpcArn: account + "vpc/vpc-" + n, SubnetArns: []string{account + "subnet/subnet-" + n}, Tags: segmentTag(),
			}).VpcAttachment.Attachment.AttachmentId)
		}
		attach()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			// What is refused in the attachment's state changes nothing, which is also right.
			switch what := rapid.SampledFrom([]string{"attach", "announce", "announce", "tag", "delete", "execute", "reject", "accept", "step"}).Draw(rt, "what"); what {
			case "attach":
				attach()
			case "announce":
				var list []routing.Announcement
				for _, p := range prefixes {
					if rapid.Bool().Draw(rt, "announced") {
						list = append(list, routing.Announcement{Prefix: netip.MustParsePrefix(p), ASPath: []uint32{uint32(65000 + len(list))}})
					}
				}
				_ = w.PutAnnouncements(w.ctx, id, list)
			case "tag":
				_, _ = w.UntagResource(w.ctx, &api.UntagResourceInput{ResourceArn: arn(id), TagKeys: []string{"segment", "fw"}})
				_, _ = w.TagResource(w.ctx, &api.TagResourceInput{ResourceArn: arn(id), Tags: segmentTag()})
			case "delete":
				_, _ = w.DeleteAttachment(w.ctx, &api.DeleteAttachmentInput{AttachmentId: id})
			case "accept":
				_, _ = w.AcceptAttachment(w.ctx, &api.AcceptAttachmentInput{AttachmentId: id})
			case "reject":
				_, _ = w.RejectAttachment(w.ctx, &api.RejectAttachmentInput{AttachmentId: id})
			case "execute":
				document := mixedPolicy(rapid.IntRange(0, 15).Draw(rt, "variant"))
				w.settled(0)
				version := must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: document}).CoreNetworkPolicy
				w.settled(0)
				must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *version.PolicyVersionId})
			case "step":
				w.settled(0)
			}
			if rapid.Bool().Draw(rt, "look") {
				sameRows(rt, "on the way", w.everyRoute(gn, cn), w.computedAnew(cn))
			}
		}
		w.settled(0)
		sameRows(rt, "in the end", w.everyRoute(gn, cn), w.computedAnew(cn))
	})
}

func TestRoutes_severalMovesBetweenTwoLooks(t *testing.T) {
	w, gn, cn, ids := routedWorld(t)
	for n := range 300 { // more than are remembered one by one
		list := []routing.Announcement{{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(n / 256), byte(n), 0}), 24)}}
		if err := w.PutAnnouncements(w.ctx, ids["connect"], list); err != nil {
			t.Fatal(err)
		}
		if n == 0 || n == 100 || n == 299 {
			rows := w.everyRoute(gn, cn)
			sameRows(t, "after many", rows, w.computedAnew(cn))
			if want := fmt.Sprintf("prod@eu-west-1 %s", list[0].Prefix); rows[want] == "" {
				t.Errorf("no %s in %v", want, rows)
			}
		}
	}
}

// unsettledPolicy makes each of three edges prefer what the next one tells it of routes with a MED of 100.
func unsettledPolicy() string {
	edges := []string{"us-east-1", "eu-west-1", "ap-south-1"}
	var locations, actions []string
	for i, e := range edges {
		locations = append(locations, `{"location":"`+e+`"}`)
		actions = append(actions, `{"action":"associate-routing-policy","segment":"net","edge-location-association":{"edge-location":"`+e+`","peer-edge-location":"`+
			edges[(i+1)%3]+`","routing-policy-names":["liked"]}}`)
	}
	return `{"version":"2025.11","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[` + strings.Join(locations, ",") + `]},
		"segments":[{"name":"net","require-attachment-acceptance":false}],"segment-actions":[` + strings.Join(actions, ",") + `],
		"attachment-policies":[{"rule-number":1,"conditions":[{"type":"any"}],"action":{"association-method":"constant","segment":"net"}}],
		"routing-policies":[{"routing-policy-name":"liked","routing-policy-direction":"inbound","routing-policy-number":1,"routing-policy-rules":[
		{"rule-number":1,"rule-definition":{"match-conditions":[{"type":"med-equals","value":100}],"condition-logic":"or","action":{"type":"set-local-preference","value":200}}}]}]}`
}

func TestGetNetworkRoutes_aPrefixThatNeverSettles(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(c *node.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	gn := w.globalNetwork()
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: new(unsettledPolicy())}).CoreNetwork.CoreNetworkId
	w.settled(0)
	var ids []string
	for i, edge := range []string{"us-east-1", "eu-west-1", "ap-south-1"} {
		id := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{
			CoreNetworkId: cn, VpnConnectionArn: fmt.Sprintf("arn:aws:ec2:%s:111122223333:vpn-connection/vpn-%017x", edge, i+1),
		}).SiteToSiteVpnAttachment.Attachment.AttachmentId
		ids = append(ids, id)
		w.settled(0)
		list := []routing.Announcement{
			{Prefix: netip.MustParsePrefix("10.0.0.0/16"), ASPath: []uint32{65001}},
			{Prefix: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", i+1)), ASPath: []uint32{65001}},
			{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ASPath: []uint32{65001}, MED: new(uint32(7))},
		}
		if err := w.PutAnnouncements(w.ctx, id, list); err != nil {
			t.Fatal(err)
		}
	}
	get := func(in api.GetNetworkRoutesInput) (prefixes []string) {
		t.Helper()
		in.GlobalNetworkId, in.RouteTableIdentifier = gn, segmentTable(cn, "net", "eu-west-1")
		for _, r := range must(w, w.GetNetworkRoutes, in).NetworkRoutes {
			prefixes = append(prefixes, r.DestinationCidrBlock)
		}
		return prefixes
	}
	want := []string{"10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"}
	if got := get(api.GetNetworkRoutesInput{}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v\n%s", got, want, &log)
	}
	if got := get(api.GetNetworkRoutesInput{LongestPrefixMatches: []string{"10.0.0.1"}}); len(got) != 0 {
		t.Errorf("the longest match of what never settles: %v", got)
	}
	if n := strings.Count(log.String(), "never settles"); n != 1 || !strings.Contains(log.String(), "10.0.0.0/16") || !strings.Contains(log.String(), "eu-west-1 uses ap-south-1") {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
	rib := must(w, w.ListCoreNetworkRoutingInformation, api.ListCoreNetworkRoutingInformationInput{CoreNetworkId: cn, SegmentName: "net", EdgeLocation: "eu-west-1"})
	var offered []string
	for _, row := range rib.CoreNetworkRoutingInformation {
		if row.Prefix == "10.0.0.0/16" {
			offered = append(offered, row.NextHop.CoreNetworkAttachmentId+row.NextHop.EdgeLocation)
		}
	}
	if !slices.Equal(offered, ids[1:2]) {
		t.Errorf("offered for ever is what is announced here, %v alone: got %v", ids[1], offered)
	}

	// With one origin it settles.
	for _, id := range []string{ids[0], ids[2]} {
		if err := w.PutAnnouncements(w.ctx, id, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(api.GetNetworkRoutesInput{}); !slices.Equal(got, []string{"10.0.0.0/8", "10.0.0.0/16", "10.2.0.0/16"}) {
		t.Errorf("settled: %v", got)
	}
}

// TestRoutes_transitGatewayDoesNotEcho: routes that a transit gateway has from the core network, over their peering, are not
// announced back to it.
func TestRoutes_transitGatewayDoesNotEcho(t *testing.T) {
	catalog := func(peering string) string {
		return "transitGateways: [{arn: '" + tgwARN + "', asn: 65010, routeTables: [{arn: '" + tableARN + "', routes: [" +
			"{prefix: 10.7.0.0/16, attachmentIds: [tgw-attach-07]}, {prefix: 10.1.0.0/16, attachmentIds: [" + peering + "]}]}]}]\n"
	}
	w, rewrite, _ := externalWorld(t, catalog("tgw-attach-08"), store.OpenMemory())
	_, cn := w.network()
	peering := w.peering(cn)
	over := must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: peering}).TransitGatewayPeering.TransitGatewayPeeringAttachmentId
	a := must(w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{
		PeeringId: peering, TransitGatewayRouteTableArn: tableARN, Tags: []api.Tag{{Key: new("env"), Value: new("prod")}},
	}).TransitGatewayRouteTableAttachment.Attachment
	w.attachment(a.AttachmentId)
	announced := func() string {
		s, err := w.Snapshot(w.ctx, cn)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(s.Attachments[0].Announcements[0].ASPath, len(s.Attachments[0].Announcements))
	}
	if got := announced(); got != "[65010] 2" {
		t.Errorf("of others: %s", got)
	}
	rewrite(catalog(over))
	if got := announced(); got != "[65010] 1" {
		t.Errorf("of the core network itself: %s", got)
	}
}

// TestRoutes_bgpOfTheCatalog: what speaks BGP in a catalog is heard: a VPN's customer gateway, and the routers behind a
// Direct Connect gateway with its ASN in front, each at the edges where it is attached.
func TestRoutes_bgpOfTheCatalog(t *testing.T) {
	w := newWorld(t, withCatalog(t, `
vpnConnections: [{arn: '`+vpnARN+`', announcements: [{prefix: 192.168.0.0/16, asPath: [65001], med: 20}]}]
directConnectGateways: [{arn: '`+dxARN+`', asn: 65520, announcements: [{prefix: 172.16.0.0/12, asPath: [65002]}, {prefix: 172.31.0.0/16, asPath: [65002], edge: us-east-1}]}]
`))
	_, cn := w.network()
	vpn := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN}).SiteToSiteVpnAttachment
	dx := must(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{
		CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"eu-west-1"},
	}).DirectConnectGatewayAttachment
	w.settled(0)
	s, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range s.Attachments {
		for _, x := range a.Announcements {
			got[a.ID] += fmt.Sprint(x.Prefix, x.ASPath, " ")
		}
	}
	want := map[string]string{vpn.Attachment.AttachmentId: "192.168.0.0/16 [65001] ", dx.Attachment.AttachmentId: "172.16.0.0/12 [65520 65002] "}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
