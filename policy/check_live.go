package policy

import (
	"fmt"
	"slices"
	"strings"

	"portolan/internal/words"
)

// Placement is an attachment, or anything else such as a peering, that holds edges in place.
type Placement struct {
	AttachmentID string
	Edges        []string
}

// CheckOrphans refuses a document that takes away an edge somebody is attached at.
func CheckOrphans(doc *Document, placed []Placement) Errors {
	c := newChecker(doc)
	at, path := doc.Configuration.Place, "edge-locations"
	if v := doc.Configuration.node.get(path); v != nil {
		at = v.place()
	}
	for _, p := range placed {
		for _, e := range p.Edges {
			if c.edges[e] {
				continue
			}
			message := e + " cannot be removed from policy because it would orphan " + p.AttachmentID
			if at == doc.Configuration.Place {
				c.failChild(at, path, CodeOrphanedAttachment, message, "delete it first")
			} else {
				c.fail(at, CodeOrphanedAttachment, message, "delete it first")
			}
		}
	}
	return c.errs.sorted()
}

// Target is an attachment that a static route may lead to.
type Target struct {
	AttachmentID string
	Type         string // as of [Attachment]
	Edges        []string
}

// Destinations are the attachments that static routes name, whether they exist or not.
func Destinations(doc *Document) (ids []string) {
	for i := range doc.SegmentActions {
		if a := &doc.SegmentActions[i]; a.Action == ActionCreateRoute {
			for _, d := range a.Destinations {
				if d.Name != Blackhole {
					ids = append(ids, d.Name)
				}
			}
		}
	}
	return ids
}

// CheckDestinations refuses static routes that lead nowhere: to attachments that do not exist, to two at one edge, to
// one at an edge where the segment has no table, or to one of a type that takes no static routes. AWS finds out while
// it generates the change set.
func CheckDestinations(doc *Document, targets []Target) Errors {
	c := newChecker(doc)
	byID := make(map[string]*Target, len(targets))
	for i := range targets {
		byID[targets[i].AttachmentID] = &targets[i]
	}
	for i := range doc.SegmentActions {
		if a := &doc.SegmentActions[i]; a.Action == ActionCreateRoute {
			c.destinations(a, byID)
		}
	}
	return c.errs.sorted().async()
}

func (c *checker) destinations(a *SegmentAction, byID map[string]*Target) {
	taken := map[string]string{}
	for _, d := range a.Destinations {
		if d.Name == Blackhole {
			return
		}
		t := byID[d.Name]
		switch {
		case t == nil:
			c.fail(d.Place, CodeInvalidDestination, words.Clip(d.Name)+" does not exist", "")
			continue
		case t.Type == TypeDirectConnectGateway, t.Type == TypeTransitGatewayRouteTable:
			c.fail(d.Place, CodeInvalidDestination, d.Name+" is a "+t.Type+" attachment, which takes no static routes", "")
			continue
		}
		for _, e := range t.Edges {
			if other, twice := taken[e]; twice && other != d.Name {
				c.fail(d.Place, CodeInvalidDestination, fmt.Sprintf("%s and %s are both at %s", other, d.Name, e), "a route has one destination in each Region")
			}
			taken[e] = d.Name
		}
		if s := c.segment[a.Segment.Name]; s != nil && !c.hasOneOf(s, t.Edges) {
			c.fail(d.Place, CodeInvalidDestination, fmt.Sprintf("%s is at %s, where segment %s is not", d.Name, strings.Join(t.Edges, ", "), words.Clip(s.Name)), "add the edge location to the segment")
		}
	}
}

// hasOneOf says whether a segment has a table at one of some edges.
func (c *checker) hasOneOf(s *DocumentSegment, edges []string) bool {
	return slices.ContainsFunc(edges, func(e string) bool {
		return c.edges[e] && (s.EdgeLocations == nil || slices.ContainsFunc(s.EdgeLocations, func(n Named) bool { return n.Name == e }))
	})
}

// CheckPrefixLists refuses routing policies that match a prefix list under an alias that no prefix list has.
func CheckPrefixLists(doc *Document, aliases []string) Errors {
	c := newChecker(doc)
	known := make(map[string]bool, len(aliases))
	for _, a := range aliases {
		known[a] = true
	}
	for _, p := range doc.RoutingPolicies {
		for _, rule := range p.Rules {
			for _, m := range rule.Matches {
				if v := m.node.get("value"); m.Type == MatchPrefixInPrefixList && v != nil {
					defined(c, known, Named{v.place(), m.Alias}, "prefix list alias")
				}
			}
		}
	}
	return c.errs.sorted().async()
}

func (e Errors) async() Errors {
	for i := range e {
		e[i].Async = true
	}
	return e
}
