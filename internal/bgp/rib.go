package bgp

import (
	"iter"
	"net/netip"
	"slices"

	"portolan/internal/prefixmap"
)

// Change is a route that a peer has advertised, or with nil attributes one that it has withdrawn.
type Change struct {
	Prefix netip.Prefix
	Attrs  *Attributes
}

// heard is a route of an adjRIBIn. It is stale when its epoch is older than the family's.
type heard struct {
	attrs *Attributes
	epoch uint32
}

// adjRIBIn is what one peer has advertised: a map for each family.
type adjRIBIn struct {
	tables [len(families)]struct {
		routes prefixmap.Map[heard]
		epoch  uint32
		stale  bool // some routes may be of an older epoch
	}
}

func (r *adjRIBIn) len() int { return r.tables[0].routes.Len() + r.tables[1].routes.Len() }

// put notes a route; false: it was there with the same attributes.
func (r *adjRIBIn) put(p netip.Prefix, attrs *Attributes) bool {
	t := &r.tables[familyOfPrefix(p)-1]
	before, ok := t.routes.Get(p)
	if ok && before.attrs.equal(attrs) {
		if before.epoch != t.epoch {
			t.routes.Set(p, heard{before.attrs, t.epoch})
		}
		return false
	}
	t.routes.Set(p, heard{attrs, t.epoch})
	return true
}

// remove forgets a route; false: there was none.
func (r *adjRIBIn) remove(p netip.Prefix) bool {
	t := &r.tables[familyOfPrefix(p)-1]
	if _, ok := t.routes.Get(p); !ok {
		return false
	}
	t.routes.Delete(p)
	return true
}

// markStale makes all routes of the families stale.
func (r *adjRIBIn) markStale(set Family) {
	for _, f := range families {
		if t := &r.tables[f-1]; set&f != 0 && t.routes.Len() > 0 {
			t.epoch++
			t.stale = true
		}
	}
}

// stale is the families with stale routes.
func (r *adjRIBIn) stale() (set Family) {
	for _, f := range families {
		if r.tables[f-1].stale {
			set |= f
		}
	}
	return set
}

// sweep removes the stale routes of the families and returns their prefixes, in order.
func (r *adjRIBIn) sweep(set Family) []netip.Prefix {
	var gone []netip.Prefix
	for _, f := range families {
		t := &r.tables[f-1]
		if set&f == 0 || !t.stale {
			continue
		}
		for p, h := range t.routes.All() {
			if h.epoch != t.epoch {
				gone = append(gone, p)
				t.routes.Delete(p)
			}
		}
		t.stale = false
	}
	slices.SortFunc(gone, netip.Prefix.Compare)
	return gone
}

// clear removes all routes of the families and returns their prefixes, in order.
func (r *adjRIBIn) clear(set Family) []netip.Prefix {
	var gone []netip.Prefix
	for _, f := range families {
		if t := &r.tables[f-1]; set&f != 0 {
			for p := range t.routes.All() {
				gone = append(gone, p)
			}
			t.routes, t.stale = prefixmap.Map[heard]{}, false
		}
	}
	slices.SortFunc(gone, netip.Prefix.Compare)
	return gone
}

// all is every route, in no order, and whether it is stale.
func (r *adjRIBIn) all() iter.Seq2[Change, bool] {
	return func(yield func(Change, bool) bool) {
		for i := range r.tables {
			t := &r.tables[i]
			for p, h := range t.routes.All() {
				if !yield(Change{p, h.attrs}, h.epoch != t.epoch) {
					return
				}
			}
		}
	}
}

func (a *Attributes) equal(b *Attributes) bool {
	return a == b || a.Origin == b.Origin && a.NextHop == b.NextHop && a.MED == b.MED && a.HasMED == b.HasMED &&
		a.LocalPref == b.LocalPref && a.HasLocalPref == b.HasLocalPref &&
		slices.Equal(a.ASPath, b.ASPath) && slices.Equal(a.Communities, b.Communities)
}
