package analysis

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"portolan/internal/order"
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
func (c *Comparison) pairs(ctx context.Context, was, is *forwarding, changed map[routing.TableID]bool) error {
	t := newTargetChanges(was, is, c.rows.prefixes)
	groups := groupsOf(was.Subject, is.Subject, changed)
	for _, g := range groups {
		if g.touched || g.moved {
			c.Touched = append(c.Touched, g.members...)
		}
	}
	slices.Sort(c.Touched)
	const together = 16 // enough for every worker; what is tried beyond the bound is lost
	found := make([][]PairChange, min(together, len(groups)))
	for len(groups) > 0 && !c.Truncated {
		some := groups[:min(together, len(groups))]
		groups = groups[len(some):]
		err := inParallel(ctx, len(some), func() func(int) {
			fares := make([]fare, t.kinds)
			return func(i int) {
				clear(fares)
				found[i] = t.from(some[i], fares)
			}
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
	order.Sort(c.Attachments, func(a, b PairChange) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return nil
}

// targetChanges are the attachments that packets are tried to, before and after.
type targetChanges struct {
	was, is *forwarding
	ends    []*targetChange // by id
	some    []*targetChange // those that a change may concern
	kinds   int
}

type targetChange struct {
	id      string
	was, is []target
	kind    int // one for all that are reached alike, before and after
}

// fare is how attachments of a kind are reached. The zero fare is not known.
type fare struct{ before, after *Reach }

func newTargetChanges(was, is *forwarding, prefixes []changedPrefix) *targetChanges {
	affected := make([]bool, len(was.known.addrs))
	for _, p := range prefixes {
		for i, to := was.known.inside(p.Prefix); i < to; i++ {
			affected[i] = true
		}
	}
	t := &targetChanges{was: was, is: is}
	byID := map[string]*targetChange{}
	end := func(id string) *targetChange {
		if byID[id] == nil {
			byID[id] = &targetChange{id: id}
			t.ends = append(t.ends, byID[id])
		}
		return byID[id]
	}
	for _, to := range was.targets(was.known) {
		e := end(to.to.ID)
		e.was = append(e.was, to)
	}
	for _, to := range is.targets(is.known) {
		e := end(to.to.ID)
		e.is = append(e.is, to)
	}
	slices.SortFunc(t.ends, func(a, b *targetChange) int { return cmp.Compare(a.id, b.id) })
	hit := func(to target) bool { return affected[to.class] }
	kinds := map[string]int{}
	var key []byte
	for _, e := range t.ends {
		if len(e.was) != len(e.is) || slices.ContainsFunc(e.was, hit) || slices.ContainsFunc(e.is, hit) {
			t.some = append(t.some, e)
		}
		key = is.appendKey(append(was.appendKey(key[:0], e.was), '|'), e.is)
		kind, known := kinds[string(key)]
		if !known {
			kind = len(kinds)
			kinds[string(key)] = kind
		}
		e.kind = kind
	}
	t.kinds = len(kinds)
	return t
}

// appendKey appends all of the targets of an attachment that makes a difference to how they are reached.
func (f *forwarding) appendKey(key []byte, targets []target) []byte {
	key = binary.AppendUvarint(key, uint64(len(targets)))
	for i := range targets {
		t := &targets[i]
		key = binary.AppendUvarint(key, uint64(f.column[t.class]))
		key = binary.AppendUvarint(key, uint64(f.translated(t.class)))
		self := hopDeliver | hop(f.index[t.to.ID])
		for _, h := range f.sources[t.class] {
			if key = append(key, 0); h == self {
				key[len(key)-1] = 1
			}
		}
		key = append(append(key, t.static...), 0)
	}
	return key
}

// from are the changed pairs from attachments that are alike, one more than a comparison lists at most. fares are used again.
func (t *targetChanges) from(group *alike, fares []fare) []PairChange {
	var changes []PairChange
	var scratch []int32
	ends := t.some
	if group.moved {
		ends = t.ends
	}
	for _, e := range ends {
		f := &fares[e.kind]
		if f.before == nil {
			f.before, f.after = &Reach{}, &Reach{}
			scratch = t.was.reach(f.before, group.before, e.was, scratch)
			scratch = t.is.reach(f.after, group.after, e.is, scratch)
		}
		if f.before.sameTo(f.after) || f.before.Delivered+f.after.Delivered == 0 { // of what did not arrive and does not, why is of no interest
			continue
		}
		for _, from := range group.members {
			if from == e.id {
				continue
			}
			if len(changes) > MaxPairChanges {
				return changes
			}
			changes = append(changes, PairChange{from, e.id, f.before, f.after})
		}
	}
	return changes
}

func (f *forwarding) reach(r *Reach, from *routing.Attachment, targets []target, scratch []int32) []int32 {
	if from == nil || from.Segment == "" || from.Down || len(targets) == 0 {
		return scratch
	}
	return f.pair(r, from, targets, nil, scratch) // the VPC of each that is alike has other CIDRs
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
