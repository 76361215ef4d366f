package policy

import (
	"slices"
)

// compileShares expands the share actions into both directions of each pair. Of one action, the inbound routing
// policies run on routes that come into its segment, the outbound ones on routes that leave it.
func (c *compiler) compileShares() {
	n := len(c.Segments)
	shares := make([]Share, n*n) // from × to
	direction := func(from, to int, a *SegmentAction, policies []*RoutingPolicy) {
		s := &shares[from*n+to]
		s.Actions = append(s.Actions, a.Place)
		s.Policies = append(s.Policies, policies...)
	}
	for i := range c.doc.SegmentActions {
		a := &c.doc.SegmentActions[i]
		own, ok := c.index[a.Segment.Name]
		if a.Action != ActionShare || !ok {
			continue
		}
		in, out := c.directed(a.RoutingPolicyNames)
		for _, other := range c.sharedWith(a) {
			direction(other, own, a, in)
			direction(own, other, a, out)
		}
	}
	for i, s := range shares {
		if len(s.Actions) == 0 {
			continue
		}
		from, to := &c.Segments[i/n], &c.Segments[i%n]
		from.SharedSegments = append(from.SharedSegments, to.Name)
		s.From, s.To, s.Policies = from.Name, to.Name, byNumber(s.Policies)
		c.Shares = append(c.Shares, s)
	}
}

// directed is the inbound and the outbound routing policies of a list of names.
func (c *compiler) directed(names []Named) (in, out []*RoutingPolicy) {
	for _, n := range names {
		switch p := c.routing[n.Name]; {
		case p == nil:
		case p.Direction == Inbound:
			in = append(in, p)
		default:
			out = append(out, p)
		}
	}
	return in, out
}

func (c *compiler) compileActions() {
	paired := map[[2]int]bool{}
	associations := map[[3]string]int{}
	for i := range c.doc.SegmentActions {
		a := &c.doc.SegmentActions[i]
		if c.segment[a.Segment.Name] == nil {
			continue
		}
		switch a.Action {
		case ActionCreateRoute:
			c.staticRoutes(a)
		case ActionSendVia:
			c.insertions(a, paired)
		case ActionSendTo:
			c.sendTo(a)
		case ActionAssociateRoutingPolicy:
			c.edgeAssociation(a, associations)
		}
	}
	for i := range c.EdgeAssociations {
		c.EdgeAssociations[i].Policies = byNumber(c.EdgeAssociations[i].Policies)
	}
}

func (c *compiler) staticRoutes(a *SegmentAction) {
	var destinations []string
	blackhole, seen := false, map[string]bool{}
	for _, d := range a.Destinations {
		switch {
		case d.Name == Blackhole:
			blackhole = true
		case !seen[d.Name]:
			destinations = append(destinations, d.Name)
		}
		seen[d.Name] = true
	}
	for _, block := range a.DestinationCIDRs {
		c.StaticRoutes = append(c.StaticRoutes, StaticRoute{
			Place: block.Place, Action: a.Place, Segment: a.Segment.Name, Prefix: block.Prefix, Blackhole: blackhole, Destinations: destinations,
		})
	}
}

// insertions expands a send-via. Of a pair that several actions name, the first action counts.
func (c *compiler) insertions(a *SegmentAction, paired map[[2]int]bool) {
	g := c.groupOf(a)
	if g == nil {
		return
	}
	overrides := compileOverrides(a.Via)
	g.SendVia = appendNew(g.SendVia, a.Segment.Name)
	g.Learns = appendNew(g.Learns, a.Segment.Name)
	own := c.index[a.Segment.Name]
	for _, i := range c.sentTo(a) {
		other := &c.Segments[i]
		if i == own && !other.Isolate {
			continue
		}
		g.Learns = appendNew(g.Learns, other.Name)
		key := [2]int{min(own, i), max(own, i)}
		if paired[key] {
			continue
		}
		paired[key] = true
		c.Insertions = append(c.Insertions, Insertion{Place: a.Place, Segment: a.Segment.Name, With: other.Name, DualHop: a.Mode == DualHop, Group: g.Name, Overrides: overrides})
	}
}

func (c *compiler) sendTo(a *SegmentAction) {
	g := c.groupOf(a)
	if g == nil || slices.Contains(g.SendTo, a.Segment.Name) {
		return
	}
	g.SendTo = append(g.SendTo, a.Segment.Name)
	g.Learns = appendNew(g.Learns, a.Segment.Name)
	c.SendTo = append(c.SendTo, SendTo{Place: a.Place, Segment: a.Segment.Name, Group: g.Name, Overrides: compileOverrides(a.Via)})
}

func (c *compiler) groupOf(a *SegmentAction) *NetworkFunctionGroup {
	if len(a.Via.Groups) == 0 {
		return nil
	}
	return c.groups[a.Via.Groups[0].Name]
}

// compileOverrides leaves out sets that an earlier override has, or the same one: the first that fits counts.
func compileOverrides(v Via) []Override {
	var list []Override
	seen := map[[2]string]bool{}
	for _, o := range v.Overrides {
		override := Override{Place: o.Place, Use: o.Use.Name}
		for _, set := range o.Sets {
			for _, pair := range EdgePairs(set) {
				either := [2]string{min(pair[0], pair[1]), max(pair[0], pair[1])}
				if !seen[either] {
					override.Sets = append(override.Sets, pair)
				}
				seen[either] = true
			}
		}
		if len(override.Sets) > 0 {
			list = append(list, override)
		}
	}
	return list
}

// EdgePairs is the pairs of edges that an edge set stands for; one edge is a pair with itself.
func EdgePairs(set []Named) [][2]string {
	var names []string
	for _, e := range set {
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	if len(names) == 1 {
		return [][2]string{{names[0], names[0]}}
	}
	var pairs [][2]string
	for i := range names {
		for _, other := range names[i+1:] {
			pairs = append(pairs, [2]string{names[i], other})
		}
	}
	return pairs
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (c *compiler) edgeAssociation(a *SegmentAction, known map[[3]string]int) {
	e := &a.EdgeAssociation
	key := [3]string{a.Segment.Name, e.EdgeLocation.Name, e.PeerEdgeLocation.Name}
	i, ok := known[key]
	if !ok {
		i = len(c.EdgeAssociations)
		known[key] = i
		c.EdgeAssociations = append(c.EdgeAssociations, EdgeAssociation{Segment: key[0], Edge: key[1], Peer: key[2]})
	}
	association := &c.EdgeAssociations[i]
	association.Actions = append(association.Actions, a.Place)
	in, out := c.directed(e.RoutingPolicyNames)
	association.Policies = append(append(association.Policies, in...), out...)
}
