package service_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
)

// inventoryWorld is a global network with something of every kind that needs no EC2.
func inventoryWorld(t *testing.T) (w *world, gn, cn, device, peer string) {
	w = newWorld(t)
	gn, cn = w.network()
	device, link, site := w.linkedDevice(gn)
	other := w.device(gn, site)
	must(w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: device, ConnectedDeviceId: other})
	peer = w.connectPeer(w.connectAttachment(cn), "169.254.40.0/29")
	must(w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: peer})
	must(w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: device, LinkId: &link})
	must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{
		GlobalNetworkId: gn, DeviceId: device, CustomerGatewayArn: "arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0",
	})
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{
		GlobalNetworkId: gn, TransitGatewayArn: "arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-0123456789abcdef0",
	})
	must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{})
	return w, gn, cn, device, peer
}

func TestGetNetworkResources_everyKind(t *testing.T) {
	w, gn, cn, device, _ := inventoryWorld(t)
	all := must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn}).NetworkResources
	var kinds []string
	for _, r := range all {
		kinds = append(kinds, r.ResourceType)
		if r.ResourceArn == "" || r.ResourceId == "" || r.AccountId != "111122223333" {
			t.Errorf("%+v: want an ARN, an id and the account", r)
		}
		if r.Definition != "" && !jsontext.Value(r.Definition).IsValid() {
			t.Errorf("%s: definition is not JSON: %s", r.ResourceType, r.Definition)
		}
	}
	want := []string{
		"attachment", "attachment", "connect-peer", "connection", "core-network", "customer-gateway", "device", "device", "link", "site", "transit-gateway",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v\nwant %v", kinds, want)
	}

	arn := "arn:aws:networkmanager::111122223333:device/" + gn + "/" + device
	for _, c := range []struct {
		name string
		in   api.GetNetworkResourcesInput
		want int
	}{
		{"type", api.GetNetworkResourcesInput{ResourceType: new("device")}, 2},
		{"type without any", api.GetNetworkResourcesInput{ResourceType: new("dxcon")}, 0},
		{"a VPC is no resource", api.GetNetworkResourcesInput{ResourceType: new("vpc")}, 0},
		{"ARN", api.GetNetworkResourcesInput{ResourceArn: &arn}, 1},
		{"ARN of nothing", api.GetNetworkResourcesInput{ResourceArn: new(arn[:len(arn)-1])}, 0},
		{"ARN of another type", api.GetNetworkResourcesInput{ResourceArn: &arn, ResourceType: new("site")}, 0},
		{"core network", api.GetNetworkResourcesInput{CoreNetworkId: &cn}, 4},
		{"Region", api.GetNetworkResourcesInput{AwsRegion: new("us-east-1")}, 1},
		{"registered gateway", api.GetNetworkResourcesInput{RegisteredGatewayArn: new("arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-0123456789abcdef0")}, 1},
		{"account", api.GetNetworkResourcesInput{AccountId: new("444455556666")}, 0},
	} {
		c.in.GlobalNetworkId = gn
		if got := must(w, w.GetNetworkResources, c.in).NetworkResources; len(got) != c.want {
			t.Errorf("%s: %d resources, want %d: %+v", c.name, len(got), c.want, got)
		}
	}

	counts := must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn}).NetworkResourceCounts
	if text := countText(counts); text != "attachment=2 connect-peer=1 connection=1 core-network=1 customer-gateway=1 device=2 link=1 site=1 transit-gateway=1" {
		t.Errorf("counts %s", text)
	}
	first := must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn, MaxResults: new(int32(6))})
	rest := must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn, NextToken: &first.NextToken})
	if len(first.NetworkResourceCounts) != 6 || countText(rest.NetworkResourceCounts) != "link=1 site=1 transit-gateway=1" {
		t.Errorf("pages %s | %s", countText(first.NetworkResourceCounts), countText(rest.NetworkResourceCounts))
	}
}

func countText(counts []api.NetworkResourceCount) string {
	var b []string
	for _, c := range counts {
		b = append(b, fmt.Sprintf("%s=%d", c.ResourceType, *c.Count))
	}
	return strings.Join(b, " ")
}

func TestGetNetworkResourceRelationships_bothDirections(t *testing.T) {
	w, gn, _, device, peer := inventoryWorld(t)
	pairs := must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, MaxResults: new(int32(500))}).Relationships
	seen := map[api.Relationship]bool{}
	for _, p := range pairs {
		if seen[p] {
			t.Errorf("%v twice", p)
		}
		seen[p] = true
	}
	for _, p := range pairs {
		if back := (api.Relationship{From: p.To, To: p.From}); !seen[back] {
			t.Errorf("%v without its way back", p)
		}
	}
	short := func(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
	var of []string
	arn := "arn:aws:networkmanager::111122223333:device/" + gn + "/" + device
	for _, p := range must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, ResourceArn: &arn}).Relationships {
		kind, _, _ := strings.Cut(short(p.To), "/")
		of = append(of, kind)
		if p.From != arn {
			t.Errorf("from %s", p.From)
		}
	}
	if want := []string{"connection", "customer-gateway", "link", "site", "connect-peer"}; !slices.Equal(of, want) {
		t.Errorf("the device is related to %v, want %v", of, want)
	}
	vpc := must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, ResourceType: new("vpc")}).Relationships
	if len(vpc) != 1 || !strings.Contains(vpc[0].To, ":attachment/") {
		t.Errorf("the VPC is related to %v", vpc)
	}

	// Page by page it is the same list, whatever the size.
	for _, size := range []int32{1, 3, 7} {
		var got []api.Relationship
		token := ""
		for {
			out := must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, MaxResults: &size, NextToken: &token})
			got = append(got, out.Relationships...)
			if token = out.NextToken; token == "" {
				break
			}
		}
		if !slices.Equal(got, pairs) {
			t.Errorf("pages of %d: %d pairs, want %d", size, len(got), len(pairs))
		}
	}

	// What ends is not related any more.
	must(w, w.DisassociateConnectPeer, api.DisassociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer})
	must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{})
	for _, p := range must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, ResourceArn: &arn}).Relationships {
		if strings.Contains(p.To, ":connect-peer/") {
			t.Errorf("still %v", p)
		}
	}
}

// TestGetNetworkResources_attachedTwice: two attachments that stand for one VPN connection, of which AWS lets only one
// come up, are one resource with two relationships.
func TestGetNetworkResources_attachedTwice(t *testing.T) {
	w := newWorld(t)
	gn, cn := w.network()
	var made []string
	for range 2 {
		a := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN}).SiteToSiteVpnAttachment.Attachment
		made = append(made, "arn:aws:networkmanager::111122223333:attachment/"+a.AttachmentId)
	}
	show := func() []api.NetworkResource {
		return must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn, ResourceArn: new(vpnARN)}).NetworkResources
	}
	if got := show(); len(got) != 1 || got[0].ResourceArn != vpnARN {
		t.Errorf("got %+v, want the VPN connection once", got)
	}
	counts := must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn, ResourceType: new("vpn-connection")}).NetworkResourceCounts
	if len(counts) != 1 || *counts[0].Count != 1 {
		t.Errorf("counted %+v, want 1", counts)
	}
	var to []string
	for _, r := range must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn, ResourceArn: new(vpnARN)}).Relationships {
		if r.From == vpnARN {
			to = append(to, r.To)
		}
	}
	if !slices.Equal(to, made) {
		t.Errorf("related to %v, want %v", to, made)
	}

	// It is there as long as one of them is.
	must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn})
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: path.Base(made[0])})
	must(w, w.ListAttachments, api.ListAttachmentsInput{})
	if got := show(); len(got) != 1 {
		t.Errorf("after one was deleted: %+v", got)
	}
}

func TestUpdateNetworkResourceMetadata_merges(t *testing.T) {
	w, gn, cn, _, _ := inventoryWorld(t)
	row := must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn, CoreNetworkId: &cn, ResourceType: new("attachment")}).NetworkResources[0]
	put := func(m map[string]string) map[string]string {
		return must(w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{GlobalNetworkId: gn, ResourceArn: row.ResourceArn, Metadata: m}).Metadata
	}
	put(map[string]string{"a": "1", "b": "2"})
	if got := put(map[string]string{"b": "", "c": "3"}); len(got) != 3 || got["a"] != "1" || got["b"] != "" || got["c"] != "3" {
		t.Errorf("got %v", got)
	}
	shown := must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn, ResourceArn: &row.ResourceArn}).NetworkResources
	if len(shown) != 1 || len(shown[0].Metadata) != 3 {
		t.Errorf("shown %+v", shown)
	}
	fails[notFound](w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{
		GlobalNetworkId: gn, ResourceArn: row.ResourceArn + "0", Metadata: map[string]string{"a": "1"},
	})
	wantField(t, fails[validation](w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{
		GlobalNetworkId: gn, ResourceArn: row.ResourceArn, Metadata: map[string]string{"a": strings.Repeat("x", 257)},
	}), "metadata")
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	wantField(t, fails[validation](w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{
		GlobalNetworkId: gn, ResourceArn: row.ResourceArn, Metadata: many,
	}), "metadata")
	fails[validation](w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: "global-network-0ffffffffffffffff"})
}
