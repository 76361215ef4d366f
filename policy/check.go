package policy

import (
	"fmt"
	"slices"
)

// Check says everything that is wrong with a document beyond its form: names that are not unique or not defined,
// Regions that are no edge, ASNs and CIDR blocks that do not fit.
func Check(doc *Document) Errors {
	r := &reader{source: doc.source}
	edges := map[string]bool{}
	for _, e := range doc.Configuration.EdgeLocations {
		if edges[e.Location] {
			at := e.Place
			at.Path = childPath(at.Path, "location")
			r.failAt(at, CodeDuplicateValue, e.Location+" is listed twice", "an edge location is given once")
		}
		edges[e.Location] = true
	}
	r.checkASNs(&doc.Configuration)
	r.checkInsideCIDRs(&doc.Configuration)

	names := map[string]bool{}
	unique := func(p Place, name string) {
		if name != "" && names[name] {
			p.Path = childPath(p.Path, "name")
			r.failAt(p, CodeDuplicateValue, name+" is used twice", "segments and network function groups share one set of names")
		}
		names[name] = true
	}
	segments, groups := map[string]bool{}, map[string]bool{}
	for _, s := range doc.Segments {
		unique(s.Place, s.Name)
		segments[s.Name] = true
	}
	for _, g := range doc.NetworkFunctionGroups {
		unique(g.Place, g.Name)
		groups[g.Name] = true
	}
	const maxTables = 40 // segments and network function groups together
	if n := len(doc.Segments) + len(doc.NetworkFunctionGroups); n > maxTables {
		at := doc.Segments[0].Place
		at.Path = "$.segments"
		r.failAt(at, CodeMaximumItemsExceeded, fmt.Sprintf("a core network has at most %d segments and network function groups, not %d", maxTables, n), "")
	}
	for _, s := range doc.Segments {
		for i, e := range s.EdgeLocations {
			switch {
			case !edges[e.Name]:
				r.failAt(e.Place, CodeUndefinedEdgeLocation, e.Name+" is not an edge location of the core network", "list it in core-network-configuration.edge-locations")
			case slices.ContainsFunc(s.EdgeLocations[:i], func(n Named) bool { return n.Name == e.Name }):
				r.failAt(e.Place, CodeDuplicateValue, e.Name+" is listed twice", "")
			}
		}
		for _, filter := range [][]Named{s.DenyFilter, s.AllowFilter} {
			for _, other := range filter {
				r.defined(segments, other, "segment")
			}
		}
	}
	numbers := map[int]bool{}
	for _, p := range doc.AttachmentPolicies {
		if numbers[p.RuleNumber] {
			r.failAt(p.NumberAt, CodeDuplicateValue, fmt.Sprintf("%d is used twice", p.RuleNumber), "rules are tried in the order of their numbers")
		}
		numbers[p.RuleNumber] = true
		if p.Action.Segment.Path != "" {
			r.defined(segments, p.Action.Segment, "segment")
		}
		if p.Action.Group.Path != "" {
			r.defined(groups, p.Action.Group, "network function group")
		}
	}
	return r.errs.sorted()
}

func (r *reader) defined(known map[string]bool, n Named, what string) {
	if known[n.Name] {
		return
	}
	hint := ""
	var names []string
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	if near := nearest(n.Name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.failAt(n.Place, CodeUndefinedReference, n.Name+" is not a defined "+what, hint)
}

func (r *reader) checkASNs(c *Configuration) {
	seen := map[uint32]string{}
	for _, e := range c.EdgeLocations {
		if e.ASN == 0 {
			continue
		}
		if !slices.ContainsFunc(c.ASNRanges, func(a ASNRange) bool { return a.contains(e.ASN) }) {
			r.failAt(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is not in asn-ranges", e.ASN), "the upper end of a range is not part of it")
		}
		if other, taken := seen[e.ASN]; taken {
			r.failAt(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is the ASN of %s too", e.ASN, other), "")
		}
		seen[e.ASN] = e.Location
	}
}

func (r *reader) checkInsideCIDRs(c *Configuration) {
	for i, e := range c.EdgeLocations {
		for j, block := range e.InsideCIDRs {
			at := e.Place
			at.Path = fmt.Sprintf("%s.inside-cidr-blocks[%d]", e.Path, j)
			inside := false
			for _, wide := range c.InsideCIDRs {
				inside = inside || wide.Bits() <= block.Bits() && wide.Contains(block.Addr())
			}
			if !inside {
				r.failAt(at, CodeInvalidCIDR, block.String()+" is not part of core-network-configuration.inside-cidr-blocks", "")
			}
			for _, other := range c.EdgeLocations[:i] {
				if slices.ContainsFunc(other.InsideCIDRs, block.Overlaps) {
					r.failAt(at, CodeInvalidCIDR, block.String()+" overlaps a block of "+other.Location, "")
				}
			}
		}
	}
}

// Placement is an attachment, or anything else, that holds edges in place.
type Placement struct {
	AttachmentID string
	Edges        []string
}

// CheckOrphans refuses a document that takes away an edge somebody is attached at.
func CheckOrphans(doc *Document, placed []Placement) Errors {
	r := &reader{source: doc.source}
	edges := map[string]bool{}
	for _, e := range doc.Configuration.EdgeLocations {
		edges[e.Location] = true
	}
	at := doc.Configuration.Place
	at.Path = "$.core-network-configuration.edge-locations"
	for _, p := range placed {
		for _, e := range p.Edges {
			if !edges[e] {
				r.failAt(at, CodeOrphanedAttachment, e+" cannot be removed from policy because it would orphan "+p.AttachmentID, "delete the attachment first")
			}
		}
	}
	return r.errs.sorted()
}
