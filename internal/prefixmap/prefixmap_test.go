package prefixmap

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// draw makes a prefix of few addresses and all lengths, often not masked, IPv4-mapped ones among them.
func draw(r *rand.Rand) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[8:], r.Uint64N(3))
	switch r.IntN(4) {
	case 0:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(a[12:])), r.IntN(33))
	case 1:
		a[10], a[11] = 0xff, 0xff
	case 2:
		binary.BigEndian.PutUint64(a[:], r.Uint64N(3)<<62)
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), r.IntN(129))
}

// TestMap_asGoMap: it does what a map with keys of netip.Prefix does.
func TestMap_asGoMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var m Map[int]
	want := map[netip.Prefix]int{}
	for i := range 20_000 {
		p := draw(r)
		got, ok := m.Get(p)
		if v, has := want[p]; v != got || has != ok {
			t.Fatalf("%s: %d %t, want %d %t", p, got, ok, v, has)
		}
		if r.IntN(3) == 0 {
			m.Delete(p)
			delete(want, p)
		} else {
			m.Set(p, i)
			want[p] = i
		}
		if m.Len() != len(want) {
			t.Fatalf("%d, want %d", m.Len(), len(want))
		}
	}
	if got := maps.Collect(m.All()); !maps.Equal(got, want) {
		t.Fatalf("%d prefixes, want %d", len(got), len(want))
	}
	for range m.All() {
		break
	}
}
