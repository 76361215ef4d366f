package analysis

import (
	"cmp"
	"context"
	"iter"
	"net/netip"
	"slices"
	"sync"

	"portolan/routing"
)

// Routes are the routes that differ, by table, then prefix. They are looked up while they are read: a change that touches
// every table is not held in memory.
func (c *Comparison) Routes() iter.Seq[*RouteChange] {
	return func(yield func(*RouteChange) bool) {
		d := tableDifference{before: c.before, after: c.after}
		for _, id := range c.tables {
			for change := range d.of(id) {
				if !yield(change) {
					return
				}
			}
		}
	}
}

// sweep looks at all tables, once at each: it readies both sides for packets, and counts how many routes differ, in which
// tables, and of which prefixes.
func (c *Comparison) sweep(ctx context.Context, was, is *forwarding) (map[routing.TableID]bool, []netip.Prefix, error) {
	ids := append(slices.Clone(c.before.Tables.TableIDs()), c.after.Tables.TableIDs()...)
	slices.SortFunc(ids, compareTables)
	ids = slices.Compact(ids)
	counts := make([][3]int, len(ids)) // added, withdrawn, rerouted
	var mu sync.Mutex
	var found []map[netip.Prefix]bool // by worker
	err := inParallel(ctx, len(ids), func() func(int) {
		prefixes := map[netip.Prefix]bool{}
		mu.Lock()
		found = append(found, prefixes)
		mu.Unlock()
		d := tableDifference{before: c.before, after: c.after}
		olds, nexts := map[*routing.Destination]hop{}, map[*routing.Destination]hop{}
		return func(i int) {
			for change := range d.of(ids[i]) {
				prefixes[change.Prefix] = true
				counts[i][change.kind()]++
			}
			d.old.ready(was, ids[i], olds)
			d.next.ready(is, ids[i], nexts)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	changed := map[routing.TableID]bool{}
	for i, n := range counts {
		if n == [3]int{} {
			continue
		}
		changed[ids[i]] = true
		c.tables = append(c.tables, ids[i])
		c.Edges = insert(c.Edges, ids[i].Edge)
		c.Added, c.Withdrawn, c.Rerouted = c.Added+n[0], c.Withdrawn+n[1], c.Rerouted+n[2]
	}
	var prefixes []netip.Prefix
	for _, some := range found {
		for p := range some {
			prefixes = append(prefixes, p)
		}
	}
	return changed, prefixes, nil
}

// tableDifference compares one table after the other. Its memory is used again.
type tableDifference struct {
	before, after *Subject
	old, next     tableRows
	change        RouteChange
}

// tableRows are the rows of a table, and which prefix of the tables each is of.
type tableRows struct {
	rows    []routing.Forward
	indexes []int32
}

func (r *tableRows) read(s *Subject, id routing.TableID) {
	r.rows, r.indexes = r.rows[:0], r.indexes[:0]
	table, _ := s.Tables.Table(id)
	for i, row := range table.Indexed() {
		r.rows, r.indexes = append(r.rows, row), append(r.indexes, int32(i))
	}
}

func (r *tableRows) ready(f *forwarding, id routing.TableID, cache map[*routing.Destination]hop) {
	table, ok := f.table[id]
	if !ok {
		return
	}
	f.sweep(table, func(yield func(int, routing.Forward) bool) {
		for i := range r.rows {
			if !yield(int(r.indexes[i]), r.rows[i]) {
				return
			}
		}
	}, cache)
}

// of are the routes of a table that differ, by prefix.
func (d *tableDifference) of(id routing.TableID) iter.Seq[*RouteChange] {
	return func(yield func(*RouteChange) bool) {
		d.old.read(d.before, id)
		d.next.read(d.after, id)
		for old, next := d.old.rows, d.next.rows; len(old) > 0 || len(next) > 0; {
			var was, is *routing.Forward
			order := comparePrefixes(old, next)
			if order <= 0 {
				was, old = &old[0], old[1:]
			}
			if order >= 0 {
				is, next = &next[0], next[1:]
			}
			if was != nil && is != nil && sameForwarding(was, is) {
				continue
			}
			d.change = RouteChange{Table: id, Prefix: cmp.Or(was, is).Prefix, Before: was, After: is}
			if !yield(&d.change) {
				return
			}
		}
	}
}

func compareTables(a, b routing.TableID) int {
	return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.NetworkFunctionGroup, b.NetworkFunctionGroup), cmp.Compare(a.Edge, b.Edge))
}

// comparePrefixes orders the heads of two lists; an exhausted one comes last.
func comparePrefixes(a, b []routing.Forward) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	default:
		return a[0].Prefix.Compare(b[0].Prefix)
	}
}

func sameForwarding(a, b *routing.Forward) bool {
	return a.State == b.State && slices.Equal(a.Destinations, b.Destinations)
}
