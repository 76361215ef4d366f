package analysis

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"portolan/routing"
)

// alike are attachments that send to the same tables, before and after.
type alike struct {
	before, after *routing.Attachment // one of them; nil: they were not, or are not, part of the network
	members       []string            // ids, ascending
	moved         bool                // to other tables
	touched       bool
}

// pairs tries each kind of source with each attachment that a change may concern. Of sources that did not move only
// classes with a changed route in any table are tried: a packet passes more tables than its first.
func (c *Comparison) pairs(ctx context.Context, was, is *forwarding, changed map[routing.TableID]bool, prefixes []netip.Prefix) error {
	t := newTargetChanges(was, is, prefixes)
	groups := groupsOf(c.before, c.after, changed)
	for _, g := range groups {
		if g.touched || g.moved {
			c.Touched = append(c.Touched, g.members...)
		}
	}
	slices.Sort(c.Touched)
	const together = 64 // enough for every worker; what is tried beyond the bound is lost
	found := make([][]PairChange, min(together, len(groups)))
	for len(groups) > 0 && !c.Truncated {
		some := groups[:min(together, len(groups))]
		groups = groups[len(some):]
		err := inParallel(ctx, len(some), func() func(int) {
			var scratch []int32
			return func(i int) { found[i], scratch = t.from(some[i], scratch) }
		})
		if err != nil {
			return err
		}
		for i := range some {
			c.Attachments = append(c.Attachments, found[i]...)
		}
		if len(c.Attachments) > MaxPairChanges {
			c.Attachments, c.Truncated = c.Attachments[:MaxPairChanges], true
		}
	}
	slices.SortFunc(c.Attachments, func(a, b PairChange) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return nil
}

// targetChanges are the attachments that packets are tried to, before and after.
type targetChanges struct {
	was, is *forwarding
	ids     []string // ascending
	ends    map[string]*targetChange
}

type targetChange struct {
	was, is   []target
	concerned bool // a change may concern how it is reached
}

func newTargetChanges(was, is *forwarding, prefixes []netip.Prefix) *targetChanges {
	affected := make([]bool, len(was.known.addrs))
	for _, p := range prefixes {
		for i, to := was.known.inside(p); i < to; i++ {
			affected[i] = true
		}
	}
	t := &targetChanges{was: was, is: is, ends: map[string]*targetChange{}}
	end := func(id string) *targetChange {
		if t.ends[id] == nil {
			t.ends[id] = &targetChange{}
			t.ids = append(t.ids, id)
		}
		return t.ends[id]
	}
	for _, to := range was.targets(was.known) {
		e := end(to.to.ID)
		e.was = append(e.was, to)
	}
	for _, to := range is.targets(is.known) {
		e := end(to.to.ID)
		e.is = append(e.is, to)
	}
	slices.Sort(t.ids)
	hit := func(to target) bool { return affected[to.class] }
	for _, e := range t.ends {
		e.concerned = len(e.was) != len(e.is) || slices.ContainsFunc(e.was, hit) || slices.ContainsFunc(e.is, hit)
	}
	return t
}

// from are the changed pairs from attachments that are alike, one more than a comparison lists at most.
func (t *targetChanges) from(group *alike, scratch []int32) ([]PairChange, []int32) {
	var changes []PairChange
	for _, id := range t.ids {
		e := t.ends[id]
		if !group.moved && !e.concerned {
			continue
		}
		var before, after Reach
		before, scratch = t.was.reach(group.before, id, e.was, scratch)
		after, scratch = t.is.reach(group.after, id, e.is, scratch)
		if before.sameTo(&after) || before.Delivered+after.Delivered == 0 { // of what did not arrive and does not, why is of no interest
			continue
		}
		for _, from := range group.members {
			if from == id {
				continue
			}
			if len(changes) > MaxPairChanges {
				return changes, scratch
			}
			old, next := before, after
			old.From, next.From = from, from
			changes = append(changes, PairChange{from, id, &old, &next})
		}
	}
	return changes, scratch
}

func (f *forwarding) reach(from *routing.Attachment, to string, targets []target, scratch []int32) (Reach, []int32) {
	if from == nil || from.Segment == "" || from.Down || len(targets) == 0 {
		return Reach{To: to}, scratch
	}
	return f.pair(from, targets, nil, scratch) // the VPC of each that is alike has other CIDRs
}

// sameTo says whether packets fare alike.
func (r *Reach) sameTo(other *Reach) bool {
	return r.Delivered == other.Delivered && r.Direct == other.Direct && r.Samples == other.Samples && r.Verdict == other.Verdict &&
		slices.Equal(r.InspectedBy, other.InspectedBy)
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
