package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"portolan/routing"
)

// RouteChange is a route that differs between two networks.
type RouteChange struct {
	Table  routing.TableID
	Prefix netip.Prefix
	Before *routing.Forward // nil: added
	After  *routing.Forward // nil: lost
}

// Kind is added, withdrawn, or rerouted: to another destination or state.
func (c *RouteChange) Kind() string {
	switch {
	case c.Before == nil:
		return "added"
	case c.After == nil:
		return "withdrawn"
	default:
		return "rerouted"
	}
}

// PairChange is a pair of segments or attachments whose reachability differs.
type PairChange struct {
	From, To      string
	Before, After *Reach
}

// Gained tells whether something arrives that did not.
func (c *PairChange) Gained() bool { return c.After.Delivered > c.Before.Delivered }

// Lost tells whether something does not arrive any more.
func (c *PairChange) Lost() bool { return c.After.Delivered < c.Before.Delivered }

// InspectionLost is the network function groups that do not see the pair any more although it still talks.
func (c *PairChange) InspectionLost() []string {
	if c.After.Delivered == 0 {
		return nil
	}
	var lost []string
	for _, g := range c.Before.InspectedBy {
		if !slices.Contains(c.After.InspectedBy, g) {
			lost = append(lost, g)
		}
	}
	return lost
}

// Bypassed tells whether more than before arrives without passing an appliance, of a pair that passed some.
func (c *PairChange) Bypassed() bool {
	return len(c.Before.InspectedBy) > 0 && c.After.Direct > c.Before.Direct
}

// Comparison is what changes from one network to another.
type Comparison struct {
	Routes      []RouteChange // by table, then prefix
	Segments    []PairChange
	Attachments []PairChange // by the attachments' ids
	Truncated   bool         // more pairs of attachments change than Attachments has
	Edges       []string     // with a changed route, sorted
	Touched     []string     // attachments that belong elsewhere, or with a changed route in their table, sorted
}

// IsEmpty tells whether nothing changes that traffic would notice.
func (c *Comparison) IsEmpty() bool {
	return len(c.Routes) == 0 && len(c.Segments) == 0 && len(c.Attachments) == 0
}

// MaxPairChanges bounds the pairs of attachments that a comparison lists. All are tried.
const MaxPairChanges = 20_000

// Compare tells what changes from one network to another. Every pair of segments and of attachments is tried whose way
// may differ, in both networks, with the same addresses.
func Compare(before, after *Subject) *Comparison {
	c := &Comparison{}
	known := classesOf(before.Network, after.Network)
	var was, is *forwarding
	var reached, reaches []Reach
	var wg sync.WaitGroup
	wg.Go(func() { c.Routes = changedRoutes(before, after) })
	wg.Go(func() { was, reached = before.silently(known) })
	wg.Go(func() { is, reaches = after.silently(known) })
	wg.Wait()
	changed := map[routing.TableID]bool{}
	prefixes := map[netip.Prefix]bool{}
	for i := range c.Routes {
		r := &c.Routes[i]
		prefixes[r.Prefix] = true
		if !changed[r.Table] {
			changed[r.Table] = true
			c.Edges = insert(c.Edges, r.Table.Edge)
		}
	}
	c.Segments = changedSegments(reached, reaches)
	c.pairs(was, is, changed, prefixes)
	return c
}

// silently is the tables by classes, and which segment reaches which, without a word of why not.
func (s *Subject) silently(known *classes) (*forwarding, []Reach) {
	f := s.forwarding(known)
	f.silent = true
	return f, f.segments()
}

func insert(list []string, s string) []string {
	if i, found := slices.BinarySearch(list, s); !found {
		return slices.Insert(list, i, s)
	}
	return list
}

func changedRoutes(before, after *Subject) []RouteChange {
	ids := append(slices.Clone(before.Tables.TableIDs()), after.Tables.TableIDs()...)
	slices.SortFunc(ids, compareTables)
	var changes []RouteChange
	var olds, nexts []routing.Forward // for one table after the other
	for _, id := range slices.Compact(ids) {
		olds, nexts = slices.AppendSeq(olds[:0], before.forwards(id)), slices.AppendSeq(nexts[:0], after.forwards(id))
		for old, next := olds, nexts; len(old) > 0 || len(next) > 0; {
			switch order := comparePrefixes(old, next); {
			case order < 0:
				was := old[0]
				changes = append(changes, RouteChange{id, was.Prefix, &was, nil})
				old = old[1:]
			case order > 0:
				is := next[0]
				changes = append(changes, RouteChange{id, is.Prefix, nil, &is})
				next = next[1:]
			default:
				if !sameForwarding(&old[0], &next[0]) {
					was, is := old[0], next[0]
					changes = append(changes, RouteChange{id, was.Prefix, &was, &is})
				}
				old, next = old[1:], next[1:]
			}
		}
	}
	return changes
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

func changedSegments(before, after []Reach) []PairChange {
	old := map[[2]string]*Reach{}
	for _, r := range before {
		old[[2]string{r.From, r.To}] = &r
	}
	var changes []PairChange
	add := func(was, is *Reach) {
		// How much was tried depends on who is where; whether it all arrives does not.
		if reachOf(was) != reachOf(is) || !slices.Equal(was.InspectedBy, is.InspectedBy) {
			changes = append(changes, PairChange{is.From, is.To, was, is})
		}
	}
	for _, r := range after {
		key := [2]string{r.From, r.To}
		was := old[key]
		if was == nil {
			was = &Reach{From: r.From, To: r.To}
		}
		delete(old, key)
		add(was, &r)
	}
	gone := make([]*Reach, 0, len(old))
	for _, r := range old {
		gone = append(gone, r)
	}
	slices.SortFunc(gone, func(a, b *Reach) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	for _, r := range gone {
		add(r, &Reach{From: r.From, To: r.To})
	}
	return changes
}

func reachOf(r *Reach) string {
	switch {
	case r.Samples == 0:
		return "nothing to reach"
	case r.Reaches():
		return "all"
	case r.Partly():
		return "some"
	default:
		return "none"
	}
}

// alike are attachments that send to the same tables, before and after.
type alike struct {
	before, after *routing.Attachment // one of them; nil: they were not, or are not, part of the network
	members       []string            // ids, ascending
	moved         bool                // to other tables
	touched       bool
}

// pairs tries each kind of source with each attachment that a change may concern. Of sources that did not move only
// classes with a changed route in any table are tried: a packet passes more tables than its first.
func (c *Comparison) pairs(was, is *forwarding, changed map[routing.TableID]bool, prefixes map[netip.Prefix]bool) {
	affected := make([]bool, len(was.known.addrs))
	for p := range prefixes {
		for i, to := was.known.inside(p); i < to; i++ {
			affected[i] = true
		}
	}
	type both struct{ was, is []target }
	ends := map[string]*both{}
	end := func(id string) *both {
		if ends[id] == nil {
			ends[id] = &both{}
		}
		return ends[id]
	}
	for _, t := range was.net.targets(was.known) {
		e := end(t.to.ID)
		e.was = append(e.was, t)
	}
	for _, t := range is.net.targets(is.known) {
		e := end(t.to.ID)
		e.is = append(e.is, t)
	}
	ids := slices.Sorted(maps.Keys(ends))
	concerned := map[string]bool{}
	for _, id := range ids {
		e := ends[id]
		hit := func(t target) bool { return affected[t.class] }
		concerned[id] = len(e.was) != len(e.is) || slices.ContainsFunc(e.was, hit) || slices.ContainsFunc(e.is, hit)
	}
	var scratch []int32
	reach := func(f *forwarding, from *routing.Attachment, to string, targets []target) Reach {
		if from == nil || from.Segment == "" || from.Down || len(targets) == 0 {
			return Reach{To: to}
		}
		return f.pair(from, targets[0].to, targets, &scratch)
	}
	for _, group := range groupsOf(was.net, is.net, changed) {
		if group.touched || group.moved {
			c.Touched = append(c.Touched, group.members...)
		}
		for _, id := range ids {
			if !group.moved && !concerned[id] {
				continue
			}
			before, after := reach(was, group.before, id, ends[id].was), reach(is, group.after, id, ends[id].is)
			if before.Delivered == after.Delivered && before.Direct == after.Direct && before.Samples == after.Samples && before.Verdict == after.Verdict && slices.Equal(before.InspectedBy, after.InspectedBy) {
				continue
			}
			if before.Delivered+after.Delivered == 0 {
				continue // it did not arrive and does not: why not is of no interest here
			}
			for _, from := range group.members {
				if from == id {
					continue
				}
				if len(c.Attachments) == MaxPairChanges {
					c.Truncated = true
					break
				}
				old, next := before, after
				old.From, next.From = from, from
				c.Attachments = append(c.Attachments, PairChange{from, id, &old, &next})
			}
		}
	}
	slices.Sort(c.Touched)
	slices.SortFunc(c.Attachments, func(a, b PairChange) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

// groupsOf divides attachments by the tables they send to.
func groupsOf(before, after *Subject, changed map[routing.TableID]bool) []*alike {
	var list []*alike
	known := map[string]*alike{}
	for _, a := range union(before, after) {
		old, next := before.attachment[a.ID], after.attachment[a.ID]
		was, is := sendsTo(old), sendsTo(next)
		key := fmt.Sprint(was, is)
		g := known[key]
		if g == nil {
			hit := func(id routing.TableID) bool { return changed[id] }
			g = &alike{before: old, after: next, moved: !slices.Equal(was, is), touched: slices.ContainsFunc(was, hit) || slices.ContainsFunc(is, hit)}
			known[key] = g
			list = append(list, g)
		}
		g.members = append(g.members, a.ID)
	}
	return list
}

// sendsTo is the tables that packets from an attachment are looked up in.
func sendsTo(a *routing.Attachment) []routing.TableID {
	if a == nil || a.Down {
		return nil
	}
	var list []routing.TableID
	for _, e := range a.Edges {
		list = append(list, tableOf(a, e))
	}
	return list
}

// union is the attachments of both networks, by id.
func union(before, after *Subject) []*routing.Attachment {
	byID := map[string]*routing.Attachment{}
	for _, n := range []*Subject{before, after} {
		for id, a := range n.attachment {
			byID[id] = a
		}
	}
	list := make([]*routing.Attachment, 0, len(byID))
	for _, a := range byID {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *routing.Attachment) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
