package service_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/events"
	"portolan/policy"
	"portolan/routing"
)

// happened is the change types of the events after a sequence.
func (w *world) happened(after uint64) (types []string, records []events.Record, next uint64) {
	w.t.Helper()
	must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}) // one step of all that is due
	list, next, err := w.Events(w.ctx, events.Query{After: after, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list {
		var d struct{ ChangeType string }
		if err := json.Unmarshal(r.Event.Detail, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
			w.t.Fatal(err)
		}
		types = append(types, d.ChangeType)
	}
	return types, list, next
}

// settled is happened after everything has come to rest.
func (w *world) settled(after uint64) (types []string, records []events.Record, next uint64) {
	w.t.Helper()
	for range 6 {
		must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{})
	}
	return w.happened(after)
}

func TestEvents_lifeOfACoreNetwork(t *testing.T) {
	w := newWorld(t)
	gn, cn := w.network()
	want := func(what string, after uint64, want ...string) uint64 {
		t.Helper()
		got, records, next := w.settled(after)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		for _, r := range records {
			if len(r.Event.Resources) < 2 || !strings.HasSuffix(r.Event.Resources[0], "/"+gn) || !strings.HasSuffix(r.Event.Resources[1], "/"+cn) ||
				!strings.Contains(string(r.Event.Detail), `"coreNetworkArn"`) || r.Event.Account != "111122223333" {
				t.Errorf("%s: %+v", what, r.Event)
			}
		}
		return next
	}
	at := want("the network is made", 0, "CHANGE_SET_EXECUTED", "EDGE_LOCATION_ADDED", "EDGE_LOCATION_ADDED")
	vpc := w.vpcAttachment(cn).Attachment.AttachmentId
	at = want("a VPC comes", at, "VPC_ATTACHMENT_CREATED", "ATTACHMENT_ASSOCIATION_CREATED")
	arn := "arn:aws:networkmanager::111122223333:attachment/" + vpc
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{{Key: new("env"), Value: new("guest")}}})
	at = want("its tags would move it, which waits to be accepted", at)
	must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: vpc})
	at = want("it moves", at, "ATTACHMENT_ASSOCIATION_MODIFIED")
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: vpc})
	at = want("it goes", at, "VPC_ATTACHMENT_DELETED", "ATTACHMENT_ASSOCIATION_DELETED")

	connect := w.connectAttachment(cn)
	at = want("a Connect attachment over a new VPC attachment", at,
		"VPC_ATTACHMENT_CREATED", "ATTACHMENT_ASSOCIATION_CREATED", "CONNECT_ATTACHMENT_CREATED", "ATTACHMENT_ASSOCIATION_CREATED")
	peer := w.connectPeer(connect, "169.254.40.0/29")
	at = want("a Connect peer", at, "CONNECT_PEER_CREATED")
	if err := w.PutAnnouncements(w.ctx, peer, []routing.Announcement{{Prefix: netip.MustParsePrefix("192.168.0.0/16")}}); err != nil {
		t.Fatal(err)
	}
	at = want("its sessions come up", at, "CONNECT_PEER_BGP_UP", "CONNECT_PEER_BGP_UP", "SEGMENT_ROUTES_INSTALLED", "SEGMENT_ROUTES_INSTALLED")
	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: peer})
	want("it goes", at, "CONNECT_PEER_DELETED", "SEGMENT_ROUTES_UNINSTALLED", "SEGMENT_ROUTES_UNINSTALLED")

	if list, _, err := w.Events(w.as("444455556666"), events.Query{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("another account reads %v %v", list, err)
	}
	if err := w.Reset(w.ctx, ""); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := w.happened(0); len(got) != 0 {
		t.Errorf("after a reset: %v", got)
	}
}

func TestAnnouncements_readBackInTheSnapshot(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	vpc := w.vpcAttachment(cn).Attachment.AttachmentId
	w.settled(0)
	list := []routing.Announcement{
		{Prefix: netip.MustParsePrefix("10.0.0.1/16")},
		{Prefix: netip.MustParsePrefix("2001:db8::/48"), ASPath: []uint32{65001}, MED: new(uint32(7)), Communities: []policy.Community{65001<<16 | 1}},
	}
	if err := w.PutAnnouncements(w.ctx, vpc, list); err != nil {
		t.Fatal(err)
	}
	got, err := w.Announcements(w.ctx, vpc)
	if err != nil || len(got) != 2 || got[0].Prefix.String() != "10.0.0.0/16" || *got[1].MED != 7 {
		t.Errorf("got %+v %v", got, err)
	}
	snap, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Attachments) != 1 || len(snap.Attachments[0].Announcements) != 2 || snap.Attachments[0].Association.Segment != "prod" ||
		snap.Attachments[0].Type != "vpc" || len(snap.Edges) != 2 || snap.Edges[0].ASN != 64512 {
		t.Errorf("snapshot %+v", snap)
	}
	network, err := snap.Network(nil)
	if err != nil || len(network.Attachments) != 1 || network.Attachments[0].Down {
		t.Errorf("network %+v %v", network, err)
	}
	for name, wrong := range map[string][]routing.Announcement{
		"no prefix":       {{}},
		"elsewhere":       {{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Edge: "us-east-1"}},
		"AS 0":            {{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ASPath: []uint32{0}}},
		"path too long":   {{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ASPath: make([]uint32, 256)}},
		"IPv4 in IPv6":    {{Prefix: netip.MustParsePrefix("::ffff:10.0.0.0/104")}},
		"far too many of": make([]routing.Announcement, 10_001),
	} {
		if err := w.PutAnnouncements(w.ctx, vpc, wrong); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := w.PutAnnouncements(w.as("444455556666"), vpc, list); err == nil {
		t.Error("another account announces for it")
	}
	if err := w.PutAnnouncements(w.ctx, vpc, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Announcements(w.ctx, vpc); err != nil || len(got) != 0 {
		t.Errorf("taken back: %+v %v", got, err)
	}
}
