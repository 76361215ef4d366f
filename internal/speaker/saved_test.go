package speaker

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"

	"portolan/internal/bgp"
)

// TestShardsFor_growsAndShrinks: what is stored is divided again only when there are many times as many routes, or half are gone.
func TestShardsFor_growsAndShrinks(t *testing.T) {
	shards := 1
	for _, step := range []struct{ routes, want int }{
		{0, 1}, {2000, 1}, {2001, 256}, {1001, 256}, {1000, 1}, {200_000, 256}, {200_001, 4096}, {100_001, 4096}, {100_000, 256}, {1_200_000, 4096}, {5, 1},
	} {
		if shards = shardsFor(step.routes, shards); shards != step.want {
			t.Fatalf("%d routes: %d parts, want %d", step.routes, shards, step.want)
		}
	}
}

// TestHeardRoutes_asMap: whatever number of parts there is, the routes are those of a map, and each is in its part.
func TestHeardRoutes_asMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var routes heardRoutes
	want := map[netip.Prefix]heard{}
	attrs := []*bgp.Attributes{nil, {MED: 1}, {MED: 2}}
	for i := range 20_000 {
		if i%2000 == 1999 {
			routes.divide([]int{1, 256, 4096}[r.IntN(3)])
		}
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(8)), byte(r.IntN(256)), 0}), 24)
		h := heard{attrs[r.IntN(3)], attrs[r.IntN(3)]}
		if got := routes.get(p); got != want[p] {
			t.Fatalf("%s: %v, want %v", p, got, want[p])
		}
		routes.set(p, h)
		if want[p] = h; h == (heard{}) {
			delete(want, p)
		}
		if routes.count != len(want) {
			t.Fatalf("%d routes, want %d", routes.count, len(want))
		}
	}
	if got := maps.Collect(routes.all()); !maps.Equal(got, want) {
		t.Fatalf("%d routes, want %d", len(got), len(want))
	}
	stored := 0
	for shard := range routes.parts {
		for _, s := range routes.stored(shard) {
			if routes.shard(s.Prefix) != shard {
				t.Fatalf("%s is in part %d", s.Prefix, shard)
			}
			stored++
		}
	}
	if stored != len(want) {
		t.Fatalf("%d routes are stored, want %d", stored, len(want))
	}
}
