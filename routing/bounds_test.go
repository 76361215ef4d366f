package routing_test

import (
	"net/netip"
	"slices"
	"testing"

	"portolan/bench/atquota"
	"portolan/policy"
	"portolan/routing"
)

// allocations bounds how often something may allocate.
func allocations(t *testing.T, what string, most int, do func()) {
	t.Helper()
	if n := int(testing.AllocsPerRun(1, do)); n > most {
		t.Errorf("%s allocates %d times, at most %d are right", what, n, most)
	}
}

// TestCompute_quotaStaysSmall: prefixes that behave alike are worked out once, at AWS's full quota and where all segments share
// with all.
func TestCompute_quotaStaysSmall(t *testing.T) {
	quota, everything := atquota.Full.Network(), atquota.Full.NetworkWith(atquota.Full.Everything())
	allocations(t, "a network at quota", 120_000, func() { compute(t, quota) })
	allocations(t, "all shared with all", 130_000, func() { compute(t, everything) })
	tables := compute(t, quota)
	a := quota.Attachments[1234]
	a.Announcements = []routing.Announcement{{Prefix: netip.MustParsePrefix("10.77.0.0/16")}, {Prefix: netip.MustParsePrefix("10.0.9.0/24")}}
	allocations(t, "one changed attachment", 1000, func() {
		if _, err := tables.Update([]routing.Attachment{a}, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCompute_natCostsLittle: with NAT on a fifth of the attachments a computation is at most 1.3 times that without.
func TestCompute_natCostsLittle(t *testing.T) {
	plain := atquota.Full.Network()
	with := withNAT(plain)
	without := int(testing.AllocsPerRun(1, func() { compute(t, plain) }))
	allocations(t, "a network with NAT", without*13/10, func() { compute(t, with) })
}

// TestCompute_fullTableIsShared: of a full table each AS path is kept once, for all prefixes that have it and for all 60 tables, and
// one prefix more or less costs the same however large the table is.
func TestCompute_fullTableIsShared(t *testing.T) {
	list := atquota.Internet(20_000, 4_000)
	n := atquota.InternetNetwork(list)
	allocations(t, "24,000 prefixes in 60 tables", 4*len(list), func() { compute(t, n) })
	tables := compute(t, n)
	allocations(t, "one withdrawn prefix", 100, func() {
		if _, err := tables.UpdateRoutes("internet", "", nil, []netip.Prefix{list[777].Prefix}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAdvertisedSince_fullTableInParts: a router that sends a full table does so in a few large parts. What each of them changes is
// advertised, and not everything again.
func TestAdvertisedSince_fullTableInParts(t *testing.T) {
	list := atquota.Internet(30_000, 0)
	n := atquota.InternetNetwork(nil)
	n.Attachments = append(n.Attachments, routing.Attachment{
		ID: "other", Type: policy.TypeSiteToSiteVPN, Segment: atquota.Shared, Edges: []string{atquota.Edge(1)}, PeerASN: 65002,
	})
	tables := compute(t, n)
	for part := range slices.Chunk(list, len(list)/2) {
		next, err := tables.UpdateRoutes("internet", "", part, nil)
		if err != nil {
			t.Fatal(err)
		}
		if changes, ok := next.AdvertisedSince(tables, "other", atquota.Edge(1)); !ok || len(changes) != len(part) {
			t.Errorf("%d changes, known %t, after %d prefixes", len(changes), ok, len(part))
		}
		tables = next
	}
}
