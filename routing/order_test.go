package routing

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// TestSortArrivals_asCompared: arrivals are sorted as compareArrivals says, those that are equal in the order they came in.
func TestSortArrivals_asCompared(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	from := []*attachment{{Attachment: Attachment{ID: "a"}}, {Attachment: Attachment{ID: "b"}}}
	var all []arrival
	for range 2000 {
		var p netip.Prefix
		if r.IntN(2) == 0 {
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.IntN(2) * 200), byte(r.IntN(3)), 0, byte(r.IntN(2))}), r.IntN(33))
		} else {
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: byte(r.IntN(2) * 0xfd), 7: byte(r.IntN(3)), 15: byte(r.IntN(2))}), r.IntN(129))
		}
		all = append(all, arrival{prefix: p.Masked(), from: from[r.IntN(2)], edge: edgeID(r.IntN(2)), peer: peerID(r.IntN(2))})
	}
	want := slices.Clone(all)
	slices.SortStableFunc(want, func(a, b arrival) int { return compareArrivals(&a, &b) })
	if sortArrivals(all); !slices.Equal(all, want) {
		t.Error("the order is not that of compareArrivals")
	}
}
