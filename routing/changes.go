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
	return func(yield func(Change) bool) {
		d := difference{old: old, now: t}
		d.findPrefixes()
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
		for _, id := range ids {
			if !d.table(id, yield) {
				return
			}
		}
	}
}

// difference is the state of a comparison.
type difference struct {
	old, now *Tables
	shared   bool // a prefix has one number in both, and what is the same entry is the same row
	prefixes []netip.Prefix
	numbers  [][2]int32 // of each prefix, in old and in now; none where it has none
}

// findPrefixes finds the prefixes whose rows may differ.
func (d *difference) findPrefixes() {
	both := 0
	if d.old != nil && d.now != nil {
		both = min(len(d.old.prefixes), len(d.now.prefixes))
		d.shared = d.old.w == d.now.w && maps.Equal(d.old.appliances, d.now.appliances) && slices.Equal(d.old.prefixes[:both], d.now.prefixes[:both])
	}
	found := map[netip.Prefix]bool{}
	for _, t := range []*Tables{d.old, d.now} {
		if t == nil {
			continue
		}
		for id, p := range t.prefixes {
			if !d.shared || id >= both || d.differs(int32(id)) {
				found[p] = true
			}
		}
	}
	d.prefixes = slices.SortedFunc(maps.Keys(found), netip.Prefix.Compare)
	number := func(t *Tables, p netip.Prefix) int32 {
		if t != nil {
			if id, ok := t.ids.Get(p); ok {
				return id
			}
		}
		return none
	}
	d.numbers = make([][2]int32, len(d.prefixes))
	for i, p := range d.prefixes {
		d.numbers[i] = [2]int32{number(d.old, p), number(d.now, p)}
	}
}

func (d *difference) differs(id int32) bool {
	for at := range d.now.entries {
		if d.old.entries[at][id] != d.now.entries[at][id] {
			return true
		}
	}
	return false
}

// same says without a look at the rows that a space has the same rows for a prefix in both.
func (d *difference) same(sp *space, id int32) bool {
	if !d.shared || int(id) >= min(len(d.old.prefixes), len(d.now.prefixes)) {
		return false
	}
	unchanged := func(at int) bool { return d.old.entries[at][id] == d.now.entries[at][id] }
	if !unchanged(sp.index) {
		return false
	}
	for _, group := range sp.via {
		if !unchanged(group) {
			return false
		}
	}
	return true
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
		was, is := d.numbers[i][0], d.numbers[i][1]
		if now.t != nil && is != none && d.same(now.sp, is) {
			continue
		}
		c := Change{Table: id, Prefix: p, Old: old.settled(was), New: now.settled(is)}
		if (c.Old != nil || c.New != nil) && !sameRow(c.Old, c.New) && !yield(c) {
			return false
		}
	}
	return true
}

// settled is the row of a prefix, unless there is none or it never settles.
func (v Table) settled(id int32) *Route {
	if v.t == nil || id == none {
		return nil
	}
	r, ok := v.t.route(v.sp, id, v.edge)
	if !ok || v.unsettled(id) {
		return nil
	}
	return &r
}

func sameRow(a, b *Route) bool {
	return a != nil && b != nil && a.Type == b.Type && a.State == b.State && a.Kind == b.Kind &&
		slices.Equal(a.Destinations, b.Destinations) && compareAttributes(&a.Attributes, &b.Attributes) == 0
}

// Unsettled says whether the table's row of a prefix is one that changes for ever, so that what the table holds is only
// the state in which it was given up. See [OscillationError].
func (v Table) Unsettled(p netip.Prefix) bool {
	if v.t == nil || !p.IsValid() {
		return false
	}
	id, ok := v.t.ids.Get(p.Masked())
	return ok && v.unsettled(id)
}

func (v Table) unsettled(id int32) bool {
	changes := func(at int) bool {
		e := v.t.entries[at][id]
		return e != nil && slices.ContainsFunc(e.out.cycle, func(state []win) bool { return !sameWin(&state[v.edge], &e.out.cycle[0][v.edge]) })
	}
	return changes(v.sp.index) || slices.ContainsFunc(v.sp.via, changes)
}
