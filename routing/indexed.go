package routing

import (
	"iter"
	"net/netip"
)

// Prefixes are all prefixes that some table may have a row for: IPv4 before IPv6, by address, shorter ones first.
func (t *Tables) Prefixes() []netip.Prefix {
	sorted := t.sorted()
	list := make([]netip.Prefix, len(sorted))
	for i := range sorted {
		list[i] = sorted[i].prefix
	}
	return list
}

// Indexed are the rows of [Table.Forwards], each with the index of its prefix in [Tables.Prefixes].
func (v Table) Indexed() iter.Seq2[int, Forward] {
	return func(yield func(int, Forward) bool) {
		if v.t == nil {
			return
		}
		for i, row := range v.t.sorted() {
			if f, _, ok := v.t.forward(v.vrf, row.prefix, row.class, v.edge); ok && !yield(i, f) {
				return
			}
		}
	}
}
