package analysis

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"portolan/routing"
)

// RouteChange is a route that differs between two networks. What it points at holds until the next one is asked for.
type RouteChange struct {
	Table  routing.TableID
	Prefix netip.Prefix
	Before *routing.Forward // nil: added
	After  *routing.Forward // nil: withdrawn

	at int // its prefix, in rowChanges.prefixes
}

// kinds are the names of what [RouteChange.kind] counts.
var kinds = [...]string{"added", "withdrawn", "rerouted"}

// Kind is added, withdrawn, or rerouted: to another destination or state.
func (c *RouteChange) Kind() string { return kinds[c.kind()] }

func (c *RouteChange) kind() int {
	switch {
	case c.Before == nil:
		return 0
	case c.After == nil:
		return 1
	default:
		return 2
	}
}

// PairChange is a pair of segments or attachments whose reachability differs. Pairs that fare alike share Before and After, which
// do not name them.
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
	Added, Withdrawn, Rerouted int // routes; see Routes for each
	Segments                   []PairChange
	Attachments                []PairChange // by the attachments' ids
	Truncated                  bool         // more pairs of attachments change than Attachments has
	Edges                      []string     // with a changed route, sorted
	Touched                    []string     // attachments that belong elsewhere, or with a changed route in their table, sorted

	rows *rowChanges
}

// IsEmpty tells whether nothing changes that traffic would notice.
func (c *Comparison) IsEmpty() bool {
	return c.Added+c.Withdrawn+c.Rerouted == 0 && len(c.Segments) == 0 && len(c.Attachments) == 0
}

// MaxPairChanges bounds the pairs of attachments that a comparison lists.
const MaxPairChanges = 20_000

// Compare tells what changes from one network to another. Every pair of segments and of attachments is tried whose way
// may differ, in both networks, with the same addresses, until more than [MaxPairChanges] have changed. The error is that of
// the context.
func Compare(ctx context.Context, before, after *Subject) (*Comparison, error) {
	c := &Comparison{}
	known := classesOf(before.Network, after.Network)
	was, err := before.newForwarding(ctx, known)
	if err != nil {
		return nil, err
	}
	is, err := after.newForwarding(ctx, known)
	if err != nil {
		return nil, err
	}
	was.silent, is.silent = true, true
	if c.rows, err = rowsBetween(ctx, before, after); err != nil {
		return nil, err
	}
	changed := c.count()
	reached, err := was.segments(ctx)
	if err != nil {
		return nil, err
	}
	reaches, err := is.segments(ctx)
	if err != nil {
		return nil, err
	}
	c.Segments = changedSegments(reached, reaches)
	return c, c.pairs(ctx, was, is, changed)
}

// count counts the rows that differ, and says which tables have some.
func (c *Comparison) count() map[routing.TableID]bool {
	changed := map[routing.TableID]bool{}
	for table, id := range c.rows.ids {
		n := c.rows.counts[table]
		if n == [3]int{} {
			continue
		}
		changed[id] = true
		c.Edges = insert(c.Edges, id.Edge)
		c.Added, c.Withdrawn, c.Rerouted = c.Added+n[0], c.Withdrawn+n[1], c.Rerouted+n[2]
	}
	return changed
}

func insert(list []string, s string) []string {
	if i, found := slices.BinarySearch(list, s); !found {
		return slices.Insert(list, i, s)
	}
	return list
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
