package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

func (d *differ) edges() {
	d.compare(ChangeCoreNetworkEdge, d.edgeItems(d.old), d.edgeItems(d.new))
}

// edgeItems is the edges. One that comes or goes touches all others: they exchange routes with it.
func (d *differ) edgeItems(p *Policy) map[string]item {
	items := make(map[string]item, len(p.Edges))
	for _, e := range p.Edges {
		items[e.Location] = item{
			identifier: e.Location,
			values:     &ChangeValues{EdgeLocations: []string{e.Location}, ASN: e.ASN, InsideCIDRBlocks: e.InsideCIDRs},
			canonical:  fmt.Sprint(e.ASN, sorted(textsOf(e.InsideCIDRs))),
			edges:      d.everywhere,
		}
	}
	return items
}

func textsOf[T fmt.Stringer](list []T) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = v.String()
	}
	return texts
}

func (d *differ) segments() {
	d.compare(ChangeCoreNetworkSegment, segmentItems(d.old), segmentItems(d.new))
}

// segmentItems is the tables of the segments, one at each edge. A table comes or goes by itself; what the segment is
// like (its sharing, its isolation, its filters, its insertions) changes all its tables.
func segmentItems(p *Policy) map[string]item {
	items := map[string]item{}
	insertions := insertionsOf(p)
	for i := range p.Segments {
		s := &p.Segments[i]
		values := &ChangeValues{
			SegmentName: s.Name, EdgeLocations: sorted(s.Edges), SharedSegments: sorted(s.SharedSegments),
			ServiceInsertionActions: insertions[s.Name].actions,
		}
		canonical := fmt.Sprintf("%q %t %q %t %q %s", values.SharedSegments, s.Isolate, sortedUnion(s.DenyFilter),
			len(s.AllowFilter) > 0, sortedUnion(s.AllowFilter), insertions[s.Name].canonical)
		for _, e := range s.Edges {
			items[e+"/"+s.Name] = item{identifier: s.Name, values: values, canonical: canonical, edges: []string{e}}
		}
	}
	return items
}

func (d *differ) groups() {
	d.compare(ChangeNetworkFunctionGroup, groupItems(d.old), groupItems(d.new))
}

// groupItems is the tables of the groups. Unlike segments, groups have no type for their section as a whole: who must
// accept, and descriptions, are told of each.
func groupItems(p *Policy) map[string]item {
	items := map[string]item{}
	insertions, pairs := insertionsOfGroups(p), insertedPairs(p)
	for i := range p.NetworkFunctionGroups {
		g := &p.NetworkFunctionGroups[i]
		values := &ChangeValues{NetworkFunctionGroupName: g.Name, EdgeLocations: sorted(g.Edges), ServiceInsertionActions: insertions[g.Name].actions}
		canonical := fmt.Sprintf("%q %q", sorted(g.Learns), pairs[g.Name])
		for _, e := range g.Edges {
			items[e+"/"+g.Name] = item{
				identifier: g.Name, values: values, canonical: canonical, edges: []string{e},
				quiet: fmt.Sprintf("%t %q", g.RequireAcceptance, g.Description),
			}
		}
	}
	return items
}

// insertionsOf is what leads the traffic of each segment through network function groups. Traffic between two segments
// is led at both ends, so an action is listed at both.
func insertionsOf(p *Policy) map[string]insertionList {
	found := newInsertions()
	for _, i := range p.Insertions {
		found.via(i.Segment, i, i.With)
		if i.With != i.Segment {
			found.via(i.With, i, i.Segment)
		}
	}
	for _, s := range p.SendTo {
		found.to(s.Segment, s)
	}
	return found.lists()
}

// insertionsOfGroups is the actions that use each group. The other end of a pair is that of the segment the action is
// written at.
func insertionsOfGroups(p *Policy) map[string]insertionList {
	found := newInsertions()
	for _, i := range p.Insertions {
		found.via(i.Group, i, i.With)
	}
	for _, s := range p.SendTo {
		found.to(s.Group, s)
	}
	return found.lists()
}

// insertedPairs is what leads traffic through each group, sorted: the same whichever segment of a pair an action is
// written at.
func insertedPairs(p *Policy) map[string][]string {
	found := newInsertions()
	pairs := map[string][]string{}
	for _, i := range p.Insertions {
		action := insertedBy(i)
		action.WhenSentTo = []string{min(i.Segment, i.With), max(i.Segment, i.With)}
		pairs[i.Group] = append(pairs[i.Group], found.canonical(&action))
	}
	for _, s := range p.SendTo {
		pairs[s.Group] = append(pairs[s.Group], found.canonical(&ServiceInsertion{Action: ActionSendTo, Group: s.Group, WhenSentTo: []string{s.Segment}, Overrides: s.Overrides}))
	}
	for _, list := range pairs {
		slices.Sort(list)
	}
	return pairs
}

// insertionList is what concerns one segment or group, in a fixed order, and a text that is equal where that is.
type insertionList struct {
	actions   []ServiceInsertion
	canonical string
}

// insertions collects actions by whom they concern, those that differ in nothing but their other end as one.
type insertions struct {
	found     map[string]map[string]*ServiceInsertion
	overrides map[*Override]string // their text by the first of them: one action stands for many pairs of segments
}

func newInsertions() *insertions {
	return &insertions{map[string]map[string]*ServiceInsertion{}, map[*Override]string{}}
}

// insertedBy is a send-via without its other end. Overrides play no part in dual-hop.
func insertedBy(i Insertion) ServiceInsertion {
	if i.DualHop {
		return ServiceInsertion{Action: ActionSendVia, Mode: DualHop, Group: i.Group}
	}
	return ServiceInsertion{Action: ActionSendVia, Mode: SingleHop, Group: i.Group, Overrides: i.Overrides}
}

func (l *insertions) via(at string, i Insertion, with string) {
	action := l.action(at, insertedBy(i))
	action.WhenSentTo = append(action.WhenSentTo, with)
}

func (l *insertions) to(at string, s SendTo) {
	l.action(at, ServiceInsertion{Action: ActionSendTo, Group: s.Group, Overrides: s.Overrides})
}

func (l *insertions) action(at string, like ServiceInsertion) *ServiceInsertion {
	if l.found[at] == nil {
		l.found[at] = map[string]*ServiceInsertion{}
	}
	key := l.canonical(&like)
	if l.found[at][key] == nil {
		l.found[at][key] = &like
	}
	return l.found[at][key]
}

func (l *insertions) lists() map[string]insertionList {
	lists := make(map[string]insertionList, len(l.found))
	for at, actions := range l.found {
		byText := make(map[string]*ServiceInsertion, len(actions))
		for _, a := range actions {
			a.WhenSentTo = sortedUnion(a.WhenSentTo)
			byText[l.canonical(a)] = a
		}
		var list insertionList
		texts := slices.Sorted(maps.Keys(byText))
		for _, text := range texts {
			list.actions = append(list.actions, *byText[text])
		}
		list.canonical = fmt.Sprintf("%q", texts)
		lists[at] = list
	}
	return lists
}

// canonical has the overrides in the order in which they are tried.
func (l *insertions) canonical(s *ServiceInsertion) string {
	var overrides string
	if len(s.Overrides) > 0 {
		first := &s.Overrides[0]
		if _, ok := l.overrides[first]; !ok {
			l.overrides[first] = canonicalOverrides(s.Overrides)
		}
		overrides = l.overrides[first]
	}
	return fmt.Sprintf("%q %q %q %q %s", s.Action, s.Mode, s.Group, s.WhenSentTo, overrides)
}

// canonicalOverrides is a text, or its digest when that is shorter.
func canonicalOverrides(overrides []Override) string {
	texts := make([]string, len(overrides))
	for i, o := range overrides {
		var sets []string
		for _, set := range o.Sets {
			sets = append(sets, fmt.Sprintf("%q %q", min(set[0], set[1]), max(set[0], set[1])))
		}
		texts[i] = fmt.Sprintf("%q %q", sortedUnion(sets), o.Use)
	}
	text := fmt.Sprintf("%q", texts)
	if digest := sha256.Sum256([]byte(text)); len(text) > 2*len(digest) {
		text = hex.EncodeToString(digest[:])
	}
	return text
}

// staticRoutes compares (segment, block, destination): another destination is another route.
func (d *differ) staticRoutes() {
	d.compare(ChangeAttachmentRouteStatic, d.staticItems(d.old), d.staticItems(d.new))
}

func (d *differ) staticItems(p *Policy) map[string]item {
	items := map[string]item{}
	for _, r := range p.StaticRoutes {
		destinations := r.Destinations
		if r.Blackhole {
			destinations = append(slices.Clone(destinations), Blackhole)
		}
		for _, to := range destinations {
			edges := d.edgesOf[to]
			if s := p.Segment(r.Segment); edges == nil && s != nil {
				edges = s.Edges // a blackhole is at all of them, and so may be an attachment nobody told us about
			}
			cidr := r.Prefix.String()
			items[r.Segment+"/"+cidr+"\x00"+to] = item{
				identifier: cidr,
				values:     &ChangeValues{SegmentName: r.Segment, CIDR: r.Prefix, DestinationIdentifier: to},
				edges:      edges,
			}
		}
	}
	return items
}
