package routing

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
)

// Change is a row of a table that differs between two networks.
type Change struct {
	Table  TableID
	Prefix netip.Prefix
	Old    *Route // nil: there was none
	New    *Route // nil: there is none any more
}

// Changes are the rows that differ from those of other tables, by table as [Tables.TableIDs] has them, those that only old
// has last, and by prefix. A row that never settles counts as one that is not there; where a route started is no
// difference. It costs as much as differs when one of the tables is an Update of the other, otherwise as much as both hold.
// Nil tables hold nothing.
func (t *Tables) Changes(old *Tables) iter.Seq[Change] {
	return t.ChangesOf(old, t.ChangedPrefixes(old))
}

// ChangedPrefixes are the prefixes whose rows may differ from those of other tables, in order.
func (t *Tables) ChangedPrefixes(old *Tables) []netip.Prefix {
	d := difference{old: old, now: t}
	d.compare()
	return d.candidates()
}

// ChangesOf are those of [Tables.Changes] of some prefixes.
func (t *Tables) ChangesOf(old *Tables, prefixes []netip.Prefix) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		d := difference{old: old, now: t, prefixes: prefixes}
		d.compare()
		d.findClasses()
		for _, id := range t.TableIDsSince(old) {
			if !d.table(id, yield) {
				return
			}
		}
	}
}

// TableIDsSince are the tables in the order of [Tables.Changes]: those that are, and after them those that were.
func (t *Tables) TableIDsSince(old *Tables) []TableID {
	var ids []TableID
	have := map[TableID]bool{}
	for _, each := range []*Tables{t, old} {
		if each == nil {
			continue
		}
		for _, id := range each.TableIDs() {
			if !have[id] {
				have[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// difference is the state of a comparison.
type difference struct {
	old, now *Tables
	shared   bool // what is the same class is the same row
	prefixes []netip.Prefix
	classes  [][2]*class // of each prefix, in old and in now; nil where it has none
}

// compare sees what the tables share.
func (d *difference) compare() {
	if d.old != nil && d.now != nil {
		d.shared = d.old.core == d.now.core && maps.Equal(d.old.appliances, d.now.appliances)
	}
}

// findClasses finds what is known of the prefixes.
func (d *difference) findClasses() {
	find := func(t *Tables, p netip.Prefix) *class {
		if t == nil {
			return nil
		}
		k, _ := t.prefixes.Get(p)
		return k
	}
	d.classes = make([][2]*class, len(d.prefixes))
	for i, p := range d.prefixes {
		d.classes[i] = [2]*class{find(d.old, p), find(d.now, p)}
	}
}

// candidates are all prefixes that may have other rows, in order.
func (d *difference) candidates() []netip.Prefix {
	if d.shared {
		if list, ok := d.now.history.since(d.old.history); ok {
			return list
		}
		if list, ok := d.old.history.since(d.now.history); ok {
			return list
		}
	}
	found := map[netip.Prefix]bool{}
	for _, t := range []*Tables{d.old, d.now} {
		if t == nil {
			continue
		}
		for p := range t.prefixes.All() {
			found[p] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), netip.Prefix.Compare)
}

func (d *difference) table(id TableID, yield func(Change) bool) bool {
	var now, old Table
	if d.now != nil {
		now, _ = d.now.Table(id)
	}
	if d.old != nil {
		old, _ = d.old.Table(id)
	}
	for i, p := range d.prefixes {
		was, is := d.classes[i][0], d.classes[i][1]
		if d.shared && (was == is || now.t != nil && sameRIBs(now.vrf, was, is)) {
			continue
		}
		c := Change{Table: id, Prefix: p, Old: old.settled(p, was), New: now.settled(p, is)}
		if (c.Old != nil || c.New != nil) && !sameRow(c.Old, c.New) && !yield(c) {
			return false
		}
	}
	return true
}

// sameRIBs says without a look at the rows that two classes give the same ones in a vrf.
func sameRIBs(v *vrf, a, b *class) bool {
	same := func(at vrfID) bool {
		x, y := a.rib(at), b.rib(at)
		return x == y || x != nil && y != nil && x.best == y.best && slices.Equal(x.paths, y.paths)
	}
	return same(v.id) && !slices.ContainsFunc(v.via, func(g vrfID) bool { return !same(g) })
}

// settled is the row of a prefix, unless there is none or it never settles.
func (v Table) settled(p netip.Prefix, k *class) *Route {
	if v.t == nil || k == nil {
		return nil
	}
	row, ok := v.t.route(v.vrf, p, k, v.edge)
	if !ok || v.unsettled(k) {
		return nil
	}
	r := row // most have none: what is returned is made for those that have
	return &r
}

func sameRow(a, b *Route) bool {
	return a != nil && b != nil && a.Type == b.Type && a.State == b.State && a.Kind == b.Kind &&
		slices.Equal(a.Destinations, b.Destinations) && compareAttributes(&a.Attributes, &b.Attributes) == 0
}

// Unsettled says whether the table's row of a prefix is one that changes for ever, so that what the table holds is only
// the state in which it was given up. See [OscillationError].
func (v Table) Unsettled(p netip.Prefix) bool {
	k := v.class(p)
	return k != nil && v.unsettled(k)
}

func (v Table) unsettled(k *class) bool {
	if !k.cycles {
		return false
	}
	changes := func(at vrfID) bool {
		r := k.rib(at)
		return r != nil && slices.ContainsFunc(r.best.cycle, func(state []bestPath) bool { return !sameBest(&state[v.edge], &r.best.cycle[0][v.edge]) })
	}
	return changes(v.vrf.id) || slices.ContainsFunc(v.vrf.via, changes)
}
