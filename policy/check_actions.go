package policy

import (
	"fmt"
	"slices"

	"portolan/internal/words"
)

func (c *checker) segmentActions() {
	insertion, routes := newInsertionChecker(c), 0
	for i := range c.doc.SegmentActions {
		a := &c.doc.SegmentActions[i]
		c.definedSegment(a.Segment)
		switch a.Action {
		case ActionShare:
			c.segmentSet(a.ShareWith)
			c.policies(a.RoutingPolicyNames)
		case ActionCreateRoute:
			c.distinct(a.Destinations)
			routes = c.fewRoutes(a, routes)
		case ActionSendVia:
			c.segmentSet(a.WhenSentTo)
			c.via(a.Via)
			insertion.sendVia(a)
		case ActionSendTo:
			c.segmentSet(a.WhenSentTo)
			c.via(a.Via)
			insertion.sendTo(a)
		case ActionAssociateRoutingPolicy:
			c.edgeAssociation(&a.EdgeAssociation)
		}
	}
}

// maxStaticRoutes is what AWS lets a core network have of routes of any kind.
const maxStaticRoutes = 10_000

// fewRoutes checks that an action has no more destinations than there are edges to have one each, and that the actions
// up to it make no more routes than a core network can have. It returns how many those make.
func (c *checker) fewRoutes(a *SegmentAction, before int) int {
	if most := len(c.edges); most > 0 && len(a.Destinations) > most {
		c.fail(a.DestinationsAt, CodeMaximumItemsExceeded, fmt.Sprintf("must have at most %d items, not %d", most, len(a.Destinations)), "a route has one destination in each Region")
		return before
	}
	routes := before + len(a.DestinationCIDRs)*len(a.Destinations)
	if before <= maxStaticRoutes && routes > maxStaticRoutes {
		c.fail(a.node.get("destination-cidr-blocks").place(), CodeMaximumItemsExceeded,
			fmt.Sprintf("a core network has at most %d routes, and the static ones are %d up to here", maxStaticRoutes, routes), "a wider block takes the place of many")
	}
	return routes
}

func (c *checker) segmentSet(s SegmentSet) {
	c.distinct(s.Names)
	c.distinct(s.Except)
	for _, n := range s.Names {
		if n.Name != "*" { // where it may not be, its form is wrong
			c.definedSegment(n)
		}
	}
	for _, n := range s.Except {
		c.definedSegment(n)
	}
}

func (c *checker) via(v Via) {
	for _, g := range v.Groups {
		defined(c, c.group, g, "network function group")
	}
	for _, o := range v.Overrides {
		for _, set := range o.Sets { // an edge may be there twice
			for _, e := range set {
				c.edge(e)
			}
		}
		c.edge(o.Use)
	}
}

func (c *checker) edgeAssociation(e *EdgeLocationAssociation) {
	c.edge(e.EdgeLocation)
	c.edge(e.PeerEdgeLocation)
	if e.PeerEdgeLocation.is('"') && e.EdgeLocation.Name == e.PeerEdgeLocation.Name {
		c.fail(e.PeerEdgeLocation.Place, CodeInvalidRoutingPolicy, words.Clip(e.PeerEdgeLocation.Name)+" is no peer of itself", "name two edge locations")
	}
	c.policies(e.RoutingPolicyNames)
	for _, n := range e.RoutingPolicyNames {
		p := c.policy[n.Name]
		if p == nil {
			continue
		}
		for _, rule := range p.Rules {
			if rule.Action.Type == RouteReplaceASNList {
				c.fail(n.Place, CodeInvalidRoutingPolicy, words.Clip(n.Name)+" has the action replace-asn-list, which is not possible between edge locations", fmt.Sprintf("it is on line %d", rule.Action.Line()))
				break
			}
		}
	}
}

// insertionChecker holds what send-via and send-to have asked for so far. Segments are numbers: with "*" in every action
// there are many pairs.
type insertionChecker struct {
	*checker
	mode     []string         // of a segment that takes part in send-via
	pairs    []string         // the group of a pair of segments, lower number first
	dual     map[string]bool  // groups used by dual-hop send-via
	single   map[string]bool  // groups used otherwise
	defaults map[string]Place // the send-to of a segment
}

func newInsertionChecker(c *checker) *insertionChecker {
	ic := &insertionChecker{checker: c, dual: map[string]bool{}, single: map[string]bool{}, defaults: map[string]Place{}}
	if n := len(c.doc.Segments); !c.crowded() {
		ic.mode, ic.pairs = make([]string, n), make([]string, n*n)
	}
	return ic
}

func (c *insertionChecker) sendTo(a *SegmentAction) {
	if first, twice := c.defaults[a.Segment.Name]; twice {
		c.fail(a.Segment.Place, CodeInvalidServiceInsertion, "segment "+words.Clip(a.Segment.Name)+" has two send-to actions", fmt.Sprintf("the other one is on line %d", first.Line()))
	}
	if a.Segment.is('"') {
		putNew(c.defaults, a.Segment.Name, a.Place)
	}
	c.useGroup(a, false)
}

func (c *insertionChecker) sendVia(a *SegmentAction) {
	c.useGroup(a, a.Mode == DualHop)
	own, ok := c.index[a.Segment.Name]
	if c.crowded() || !ok || a.Mode == "" {
		return
	}
	c.takePart(a, own)
	for _, other := range c.sentTo(a) {
		if other != own {
			c.takePart(a, other)
		}
		c.pair(a, own, other)
	}
	c.ownSegment(a)
}

// useGroup keeps groups of dual-hop send-via and all other groups apart.
func (c *insertionChecker) useGroup(a *SegmentAction, dual bool) {
	if len(a.Via.Groups) == 0 || a.Action == ActionSendVia && a.Mode == "" {
		return
	}
	g := a.Via.Groups[0]
	mine, others := c.single, c.dual
	if dual {
		mine, others = c.dual, c.single
	}
	if others[g.Name] {
		c.fail(g.Place, CodeInvalidServiceInsertion, "the network function group "+words.Clip(g.Name)+" cannot be used in both dual-hop and either single-hop mode or send-to action", "use two network function groups")
	}
	mine[g.Name] = true
}

// takePart keeps the modes of a segment apart.
func (c *insertionChecker) takePart(a *SegmentAction, segment int) {
	switch c.mode[segment] {
	case "":
		c.mode[segment] = a.Mode
	case a.Mode:
	default:
		c.fail(a.ModeAt, CodeInvalidServiceInsertion, "segment "+words.Clip(c.doc.Segments[segment].Name)+" is used with multiple modes in send-via segment actions", "use single-hop or dual-hop throughout")
	}
}

// pair keeps to one group for a pair of segments.
func (c *insertionChecker) pair(a *SegmentAction, own, other int) {
	if len(a.Via.Groups) == 0 {
		return
	}
	g := a.Via.Groups[0]
	first := &c.pairs[min(own, other)*len(c.mode)+max(own, other)]
	switch *first {
	case "":
		*first = g.Name
	case g.Name:
	default:
		c.fail(g.Place, CodeInvalidServiceInsertion, fmt.Sprintf("Segments %s and %s are configured to use network function group %s but are also configured to use network function group %s",
			words.Clip(a.Segment.Name), words.Clip(c.doc.Segments[other].Name), words.Clip(*first), words.Clip(g.Name)), "a pair of segments, either way round, has one network function group")
	}
}

// ownSegment refuses to inspect traffic within a segment whose attachments reach each other directly.
func (c *insertionChecker) ownSegment(a *SegmentAction) {
	if c.segment[a.Segment.Name].Isolate {
		return
	}
	const hint = "set isolate-attachments to true in the segment"
	message := "traffic within segment " + words.Clip(a.Segment.Name) + " cannot be sent via a network function group, because its attachments are not isolated"
	if !a.WhenSentTo.Known() {
		c.fail(a.Place, CodeInvalidServiceInsertion, message, hint+", or say when-sent-to which other segments")
		return
	}
	for _, n := range a.WhenSentTo.Names {
		if n.Name == a.Segment.Name {
			c.fail(n.Place, CodeInvalidServiceInsertion, message, hint)
		}
	}
}

// sentTo is the segments that a send-via is about, by number: those it names, all others, or the segment itself. With
// all others comes the segment itself if its attachments are isolated.
func (c *checker) sentTo(a *SegmentAction) []int {
	own := c.index[a.Segment.Name]
	switch {
	case !a.WhenSentTo.Known():
		return []int{own}
	case a.WhenSentTo.All:
		left := make([]bool, len(c.doc.Segments))
		left[own] = !c.doc.Segments[own].Isolate
		return c.others(left)
	}
	return c.numbers(a.WhenSentTo.Names)
}

// sharedWith is the segments that a share is with, by number, without the segment itself.
func (c *checker) sharedWith(a *SegmentAction) []int {
	own := c.index[a.Segment.Name]
	if !a.ShareWith.All {
		return slices.DeleteFunc(c.numbers(a.ShareWith.Names), func(i int) bool { return i == own })
	}
	left := make([]bool, len(c.doc.Segments))
	left[own] = true
	for _, i := range c.numbers(a.ShareWith.Except) {
		left[i] = true
	}
	return c.others(left)
}

// others is the segments that are not left out. Of segments with one name there is only the first.
func (c *checker) others(left []bool) []int {
	list := make([]int, 0, len(left))
	for i := range left {
		if !left[i] && !c.shadowed[i] {
			list = append(list, i)
		}
	}
	return list
}

// numbers is the segments that a list names, each once; what is not defined is left out.
func (c *checker) numbers(names []Named) []int {
	list := make([]int, 0, len(names))
	for _, n := range names {
		if i, ok := c.index[n.Name]; ok && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}
