package analysis

import (
	"cmp"
	"net/netip"
	"slices"

	"portolan/routing"
)

// RouteChange is a route that differs between two networks.
type RouteChange struct {
	Table  routing.TableID
	Prefix netip.Prefix
	Before *routing.Route // nil: added
	After  *routing.Route // nil: lost
}

// Kind is added, lost, or moved: to another destination or state.
func (c *RouteChange) Kind() string {
	switch {
	case c.Before == nil:
		return "added"
	case c.After == nil:
		return "lost"
	default:
		return "moved"
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

// Comparison is what changes from one network to another.
type Comparison struct {
	Routes      []RouteChange // by table, then prefix
	Segments    []PairChange
	Attachments []PairChange // of pairs that a changed route may concern
	Truncated   bool         // there were more pairs of attachments than are tried
	Edges       []string     // with a changed route, sorted
	Touched     []string     // attachments with a changed route in their table, sorted
}

// IsEmpty tells whether nothing changes that traffic would notice.
func (c *Comparison) IsEmpty() bool {
	return len(c.Routes) == 0 && len(c.Segments) == 0 && len(c.Attachments) == 0
}

// maxPairs bounds the pairs of attachments that are tried; segments are always compared in full.
const maxPairs = 20_000

// Compare tells what changes from one network to another.
func Compare(before, after *Net) *Comparison {
	c := &Comparison{Routes: changedRoutes(before.tables, after.tables)}
	changed := map[routing.TableID][]netip.Prefix{}
	for i := range c.Routes {
		r := &c.Routes[i]
		changed[r.Table] = append(changed[r.Table], r.Prefix)
		c.Edges = insert(c.Edges, r.Table.Edge)
	}
	c.Segments = changedSegments(before, after)
	c.pairs(before, after, changed)
	return c
}

func insert(list []string, s string) []string {
	if i, found := slices.BinarySearch(list, s); !found {
		return slices.Insert(list, i, s)
	}
	return list
}

func changedRoutes(before, after Tables) []RouteChange {
	ids := append(slices.Clone(before.IDs()), after.IDs()...)
	slices.SortFunc(ids, compareTables)
	var changes []RouteChange
	for _, id := range slices.Compact(ids) {
		old, next := before.Routes(id), after.Routes(id)
		if len(old) == len(next) && (len(old) == 0 || &old[0] == &next[0]) {
			continue // the same table
		}
		for len(old) > 0 || len(next) > 0 {
			switch order := comparePrefixes(old, next); {
			case order < 0:
				changes = append(changes, RouteChange{id, old[0].Prefix, &old[0], nil})
				old = old[1:]
			case order > 0:
				changes = append(changes, RouteChange{id, next[0].Prefix, nil, &next[0]})
				next = next[1:]
			default:
				if !sameForwarding(&old[0], &next[0]) {
					changes = append(changes, RouteChange{id, old[0].Prefix, &old[0], &next[0]})
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
func comparePrefixes(a, b []routing.Route) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	default:
		return a[0].Prefix.Compare(b[0].Prefix)
	}
}

func sameForwarding(a, b *routing.Route) bool {
	return a.State == b.State && slices.Equal(a.Destinations, b.Destinations)
}

func changedSegments(before, after *Net) []PairChange {
	old := map[[2]string]*Reach{}
	for _, r := range before.SegmentMatrix() {
		old[[2]string{r.From, r.To}] = &r
	}
	var changes []PairChange
	add := func(was, is *Reach) {
		// A matrix tries one of what is alike: how much was tried says nothing, whether it all arrives does.
		if reachOf(was) != reachOf(is) || !slices.Equal(was.InspectedBy, is.InspectedBy) {
			changes = append(changes, PairChange{is.From, is.To, was, is})
		}
	}
	for _, r := range after.SegmentMatrix() {
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

// pairs tries the pairs of attachments whose way begins in a changed table and goes to a changed prefix.
func (c *Comparison) pairs(before, after *Net, changed map[routing.TableID][]netip.Prefix) {
	targets := announcers(before, after)
	type pair struct{ from, to string }
	seen := map[pair]bool{}
	for _, from := range union(before, after) {
		touched := false
		for _, edge := range from.Edges {
			for _, net := range []*Net{before, after} {
				a, ok := net.attachment[from.ID]
				if !ok || a.Segment == "" {
					continue
				}
				prefixes := changed[tableOf(a, edge)]
				touched = touched || len(prefixes) > 0
				for _, p := range prefixes {
					for _, to := range targets[p] {
						key := pair{from.ID, to}
						if to == from.ID || seen[key] {
							continue
						}
						if seen[key] = true; len(seen) > maxPairs {
							c.Truncated = true
							continue
						}
						was, is := before.pair(from.ID, to), after.pair(from.ID, to)
						if was.Delivered != is.Delivered || was.Samples != is.Samples || !slices.Equal(was.InspectedBy, is.InspectedBy) {
							c.Attachments = append(c.Attachments, PairChange{from.ID, to, was, is})
						}
					}
				}
			}
		}
		if touched {
			c.Touched = insert(c.Touched, from.ID)
		}
	}
}

// union is the attachments of both networks, by id.
func union(before, after *Net) []*routing.Attachment {
	byID := map[string]*routing.Attachment{}
	for _, n := range []*Net{before, after} {
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

// announcers are the attachments by the prefixes they announce, in the order of ids.
func announcers(before, after *Net) map[netip.Prefix][]string {
	by := map[netip.Prefix][]string{}
	for _, a := range union(before, after) {
		for _, announced := range a.Announcements {
			p := announced.Prefix.Masked()
			if !slices.Contains(by[p], a.ID) {
				by[p] = append(by[p], a.ID)
			}
		}
	}
	return by
}

// pair is how one attachment reaches another, by up to eight of its prefixes from each edge.
func (n *Net) pair(from, to string) *Reach {
	r := &Reach{From: from, To: to}
	a, b := n.attachment[from], n.attachment[to]
	if a == nil || b == nil || a.Segment == "" || a.Down {
		return r
	}
	const perPair = 8
	for _, addr := range hosts(b, perPair) {
		for _, edge := range a.Edges {
			n.sample(r, a, edge, addr, func(at string) bool { return at == to })
		}
	}
	return r
}
