package routing_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"portolan/bench/atquota"
	"portolan/policy"
	"portolan/routing"
)

// many are n prefixes of one block.
func many(block byte, n int) []routing.Announcement {
	var list []routing.Announcement
	for i := range n {
		list = append(list, routing.Announcement{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{block, byte(i >> 8), byte(i), 0}), 24)})
	}
	return list
}

// TestTables_ExceededByInstalledRoutes: each segment's installed routes count, candidates that are not installed do not.
func TestTables_ExceededByInstalledRoutes(t *testing.T) {
	exceeded := func(segments int, second string) string {
		return fmt.Sprint(compute(t, routing.Network{Policy: atquota.Size{Segments: segments, Edges: 2}.Network().Policy, Attachments: []routing.Attachment{
			{ID: "a", Type: policy.TypeVPC, Segment: "s0", Edges: []string{atquota.Edge(0)}, Announcements: many(10, 6000)},
			{ID: "b", Type: policy.TypeVPC, Segment: second, Edges: []string{atquota.Edge(1)}, Announcements: many(10, 6000)},
		}}).Exceeded())
	}
	if got := exceeded(1, "s0"); got != "[]" {
		t.Errorf("one segment, each prefix twice: %s", got)
	}
	if got := exceeded(2, "s1"); !strings.Contains(got, "12000 10000") {
		t.Errorf("two segments: %s", got)
	}
}

// TestTables_Exceeded tries each limit at its bound and one beyond.
func TestTables_Exceeded(t *testing.T) {
	vpn, gre, tunnelLess, dx := policy.TypeSiteToSiteVPN, policy.TypeConnect, "tunnel-less", policy.TypeDirectConnectGateway
	limits := func(typ string, announces, others int) string {
		p := atquota.Size{Segments: 1, Edges: 2}.Network().Policy
		a := routing.Attachment{ID: "listener", Type: typ, Segment: "s0", Edges: []string{atquota.Edge(0)}, Announcements: many(10, announces)}
		if typ == tunnelLess {
			a.Type, a.TunnelLess = policy.TypeConnect, true
		}
		tables := compute(t, routing.Network{Policy: p, Attachments: []routing.Attachment{
			a,
			{ID: "vpc", Type: policy.TypeVPC, Segment: "s0", Edges: []string{atquota.Edge(0)}, Announcements: many(11, others)},
		}})
		var words []string
		for _, l := range tables.Exceeded() {
			words = append(words, strings.TrimSpace(fmt.Sprintf("%s %t %d>%d", l.Attachment, l.Outbound, l.Routes, l.Max)))
		}
		return strings.Join(words, ", ")
	}
	for _, c := range []struct {
		typ                string
		announces, learned int
		want               string
	}{
		{vpn, 1000, 5000, ""},
		{vpn, 1001, 5001, "listener false 1001>1000, listener true 5001>5000"},
		{gre, 1000, 5000, ""},
		{gre, 1001, 5001, "listener false 1001>1000, listener true 5001>5000"},
		{tunnelLess, 0, 10_000, ""},
		{tunnelLess, 1001, 5001, "listener false 1001>1000"},
		{tunnelLess, 0, 10_001, "false 10001>10000, listener true 10001>10000"},
		{dx, 5000, 5000, ""},
		{dx, 1, 5001, "listener true 5001>5000"},
		{policy.TypeTransitGatewayRouteTable, 2000, 6000, ""},
		{policy.TypeVPC, 5000, 5001, "false 10001>10000"},
	} {
		if got := limits(c.typ, c.announces, c.learned); got != c.want {
			t.Errorf("%s announces %d, others %d: got %q, want %q", c.typ, c.announces, c.learned, got, c.want)
		}
	}
}
