package analysis

import (
	"cmp"
	"context"
	"iter"
	"net/netip"
	"slices"

	"portolan/internal/order"
	"portolan/routing"
)

// rowChanges are the rows that differ between two networks. Prefixes that behave alike before, and behave alike after, change in
// the same tables: these are worked out once for them.
type rowChanges struct {
	ids           []routing.TableID // of both networks, in order
	before, after []routing.Table   // of each of ids; empty where there is none
	prefixes      []changedPrefix   // those with a row that differs, in order
	counts        [][3]int          // of each of ids: how many rows differ, by [RouteChange.kind]
}

// changedPrefix is a prefix that may have rows that differ.
type changedPrefix struct {
	netip.Prefix
	before, after int // its index in the prefixes of both networks; -1 where it is not one of them
	alike         *alikeChange
}

// alikeChange is how some prefixes change alike.
type alikeChange struct {
	before, after int     // the first of them
	count         int     // how many they are
	kinds         []uint8 // of each of the ids: 1 + the kind of its change, 0 for none
	any           bool
	dropped       int   // in how many tables packets were routed before, and are dropped after
	holes         []int // the tables with a blackhole after, and no row before: a shorter prefix may have routed packets
}

// rowsBetween finds the rows that differ between two networks. The error is that of the context.
func rowsBetween(ctx context.Context, before, after *Subject) (*rowChanges, error) {
	c := &rowChanges{}
	was, is := before.Tables.TableIDs(), after.Tables.TableIDs()
	c.ids = slices.Concat(was, is)
	order.Sort(c.ids, compareTables)
	c.ids = slices.Compact(c.ids)
	place := make(map[routing.TableID]int, len(c.ids))
	for at, id := range c.ids {
		place[id] = at
		old, _ := before.Tables.Table(id)
		next, _ := after.Tables.Table(id)
		c.before, c.after = append(c.before, old), append(c.after, next)
	}
	placed := func(ids []routing.TableID) []int {
		list := make([]int, len(ids))
		for i, id := range ids {
			list[i] = place[id]
		}
		return list
	}
	prefixes, alike := changeAlike(before.Tables, after.Tables)
	old, next := column{tables: before.Tables, place: placed(was)}, column{tables: after.Tables, place: placed(is)}
	err := inParallel(ctx, len(alike), func() func(int) {
		old, next := old, next
		return func(i int) {
			old.read(alike[i].before, len(c.ids))
			next.read(alike[i].after, len(c.ids))
			alike[i].compare(&old, &next)
		}
	})
	c.counts = make([][3]int, len(c.ids))
	for _, a := range alike {
		for table, kind := range a.kinds {
			if kind > 0 {
				c.counts[table][kind-1] += a.count
			}
		}
	}
	c.prefixes = slices.DeleteFunc(prefixes, func(p changedPrefix) bool { return !p.alike.any })
	return c, err
}

// changeAlike are the prefixes of both, and which of them change alike: they have the same patterns, and the same sources in
// the same places.
func changeAlike(before, after *routing.Tables) ([]changedPrefix, []*alikeChange) {
	type key struct {
		before, after int32
		sources       string
	}
	was, is := before.Patterns(), after.Patterns()
	old, next := before.Prefixes(), after.Prefixes()
	prefixes := make([]changedPrefix, 0, max(len(old), len(next)))
	known := map[key]*alikeChange{}
	var alike []*alikeChange
	for i, j := 0, 0; i < len(old) || j < len(next); {
		p, k := changedPrefix{before: -1, after: -1}, key{before: -1, after: -1}
		order := comparePrefixes(old[i:], next[j:])
		if order <= 0 {
			p.Prefix, p.before, k.before = old[i], i, was.Of[i]
			i++
		}
		if order >= 0 {
			p.Prefix, p.after, k.after = next[j], j, is.Of[j]
			j++
		}
		if order == 0 {
			k.sources = sameSources(was.Sources[p.before], is.Sources[p.after])
		}
		if p.alike = known[k]; p.alike == nil {
			p.alike = &alikeChange{before: p.before, after: p.after}
			known[k] = p.alike
			alike = append(alike, p.alike)
		}
		p.alike.count++
		prefixes = append(prefixes, p)
	}
	return prefixes, alike
}

// sameSources says which sources are the same: the place of each in the first list, or a dash; "" when all are where they were.
func sameSources(was, is []*routing.Destination) string {
	if slices.EqualFunc(was, is, func(a, b *routing.Destination) bool { return *a == *b }) {
		return ""
	}
	var places []rune
	for _, s := range is {
		places = append(places, rune(slices.IndexFunc(was, func(d *routing.Destination) bool { return *d == *s })+1))
	}
	return "of " + string(places)
}

// column are the rows of a prefix, by the places of the tables. It is used again.
type column struct {
	tables *routing.Tables
	place  []int
	rows   []routing.Forward
	have   []bool
}

func (c *column) read(prefix, tables int) {
	if c.rows == nil {
		c.rows, c.have = make([]routing.Forward, tables), make([]bool, tables)
	}
	clear(c.have)
	if prefix >= 0 {
		for table, row := range c.tables.Column(prefix) {
			at := c.place[table]
			c.rows[at], c.have[at] = row, true
		}
	}
}

// compare notes the changes between two columns.
func (a *alikeChange) compare(old, next *column) {
	a.kinds = make([]uint8, len(old.have))
	for at := range a.kinds {
		var change RouteChange
		if old.have[at] {
			change.Before = &old.rows[at]
		}
		if next.have[at] {
			change.After = &next.rows[at]
		}
		if !sameForwarding(change.Before, change.After) {
			a.kinds[at], a.any = uint8(1+change.kind()), true
			switch was, is := change.Before, change.After; {
			case is == nil || is.State != routing.Blackhole:
			case was == nil:
				a.holes = append(a.holes, at)
			case was.State != routing.Blackhole:
				a.dropped++
			}
		}
	}
}

// droppedPrefix is a prefix that so many tables routed before, and drop after.
type droppedPrefix struct {
	netip.Prefix
	tables int
}

// dropped are the prefixes that some table routed before, by a row of their own or of a shorter prefix, and drops after.
func (c *rowChanges) dropped() (list []droppedPrefix) {
	for i := range c.prefixes {
		p := &c.prefixes[i]
		n := p.alike.dropped
		for _, at := range p.alike.holes {
			if was, ok := c.before[at].Lookup(p.Prefix); ok && was.State != routing.Blackhole {
				n++
			}
		}
		if n > 0 {
			list = append(list, droppedPrefix{p.Prefix, n})
		}
	}
	return list
}

// Routes are the routes that differ, by table, then prefix. They are looked up while they are read: a change that touches
// every table is not held in memory.
func (c *Comparison) Routes() iter.Seq[*RouteChange] {
	return func(yield func(*RouteChange) bool) {
		var change RouteChange
		var before, after routing.Forward
		for table, id := range c.rows.ids {
			if c.rows.counts[table] == [3]int{} {
				continue
			}
			for i := range c.rows.prefixes {
				p := &c.rows.prefixes[i]
				if p.alike.kinds[table] == 0 {
					continue
				}
				change = RouteChange{Table: id, Prefix: p.Prefix, at: i}
				var has bool
				if p.before >= 0 {
					if before, has = c.rows.before[table].At(p.before); has {
						change.Before = &before
					}
				}
				if p.after >= 0 {
					if after, has = c.rows.after[table].At(p.after); has {
						change.After = &after
					}
				}
				if !yield(&change) {
					return
				}
			}
		}
	}
}

func compareTables(a, b routing.TableID) int {
	return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.NetworkFunctionGroup, b.NetworkFunctionGroup), cmp.Compare(a.Edge, b.Edge))
}

// comparePrefixes orders the heads of two lists; an exhausted one comes last.
func comparePrefixes(a, b []netip.Prefix) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	default:
		return a[0].Compare(b[0])
	}
}

// sameForwarding says whether two rows do the same with packets. Either may be nil, for none.
func sameForwarding(a, b *routing.Forward) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.State == b.State && slices.Equal(a.Destinations, b.Destinations)
}
