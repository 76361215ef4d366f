package policy

import (
	"fmt"
	"slices"
)

// sections compares the sections of the documents that have a type of their own. Descriptions and acceptance count
// here: they are part of the policy, though no table changes with them.
func (d *differ) sections(was, is bool) {
	old, next := d.old.Document(), d.new.Document()
	one := func(kind ChangeType, name string, before, after item, had, has bool) {
		sides := [2]map[string]item{{}, {}}
		before.identifier, after.identifier = name, name
		if had {
			sides[0][""] = before
		}
		if has {
			sides[1][""] = after
		}
		d.compare(kind, sides[0], sides[1])
	}
	values := func(p *Policy) *ChangeValues {
		return &ChangeValues{
			VPNECMPSupport: new(p.VPNECMPSupport), DNSSupport: new(p.DNSSupport), SecurityGroupReferencingSupport: new(p.SecurityGroupReferencingSupport),
		}
	}
	ordered := d.old.ordersEdges() || d.new.ordersEdges()
	before := item{values: values(d.old), canonical: d.old.canonicalConfiguration(ordered)}
	after := item{values: values(d.new), canonical: d.new.canonicalConfiguration(ordered)}
	if !was || !is || d.old.switches() != d.new.switches() {
		before.edges, after.edges = edgeNames(d.old), edgeNames(d.new)
	}
	one(ChangeCoreNetworkConfiguration, "core-network-configuration", before, after, was, is)
	section := func(kind ChangeType, name string, had, has int, before, after string) {
		one(kind, name, item{canonical: before}, item{canonical: after}, had > 0, has > 0)
	}
	section(ChangeSegmentsConfiguration, "segments", len(old.Segments), len(next.Segments), canonicalSegments(d.old), canonicalSegments(d.new))
	section(ChangeSegmentActionsConfiguration, "segment-actions", len(old.SegmentActions), len(next.SegmentActions), canonicalActions(d.old), canonicalActions(d.new))
	section(ChangeAttachmentPolicies, "attachment-policies", len(old.AttachmentPolicies), len(next.AttachmentPolicies), canonicalAttachmentPolicies(old), canonicalAttachmentPolicies(next))
}

// switches is what the configuration says to every edge.
func (p *Policy) switches() [4]any {
	return [4]any{p.Version, p.VPNECMPSupport, p.DNSSupport, p.SecurityGroupReferencingSupport}
}

// canonicalConfiguration has the order of the edges that [RegionPriority] lacks where it counts: where traffic is led through a group it says which edge inspects it when nothing else does. It counts for both
// policies of a difference or for neither, or the first group would pass for another configuration.
func (p *Policy) canonicalConfiguration(ordered bool) string {
	var edges, order []string
	known := RegionPriority()
	for _, e := range p.Document().Configuration.EdgeLocations {
		edges = append(edges, fmt.Sprintf("%q %d %q", e.Location, e.ASN, sortedUnion(blocks(e.InsideCIDRs))))
		if ordered && !slices.Contains(known, e.Location) {
			order = append(order, e.Location)
		}
	}
	var ranges []string
	for _, r := range p.asns {
		ranges = append(ranges, fmt.Sprint(r.Low, "-", r.High))
	}
	slices.Sort(edges)
	return fmt.Sprintf("%v %q %q %q %q", p.switches(), ranges, sortedUnion(blocks(p.Document().Configuration.InsideCIDRs)), edges, order)
}

func (p *Policy) ordersEdges() bool {
	return len(p.SendTo) > 0 || slices.ContainsFunc(p.Insertions, func(i Insertion) bool { return !i.DualHop })
}

func blocks(list []CIDR) []string {
	texts := make([]string, len(list))
	for i, b := range list {
		texts[i] = b.Prefix.String()
	}
	return texts
}

func namesOf(list []Named) []string {
	names := make([]string, len(list))
	for i, n := range list {
		names[i] = n.Name
	}
	return sortedUnion(names)
}

// canonicalSegments takes a list of all edges for every edge, which it is until there is another one.
func canonicalSegments(p *Policy) string {
	var list []string
	for _, s := range p.Document().Segments {
		edges := namesOf(s.EdgeLocations)
		every := s.EdgeLocations == nil || len(edges) == len(p.Edges)
		if every {
			edges = nil
		}
		list = append(list, fmt.Sprintf("%q %q %t %q %t %t %q %q", s.Name, s.Description, every, edges,
			s.Isolate, s.RequireAcceptance, namesOf(s.DenyFilter), namesOf(s.AllowFilter)))
	}
	slices.Sort(list)
	return fmt.Sprintf("%q", list)
}

// canonicalActions is what the actions mean together, whichever segment they are written at, whether they name all
// segments or say *; and their descriptions.
func canonicalActions(p *Policy) string {
	var list []string
	for i := range p.Document().SegmentActions {
		if a := &p.Document().SegmentActions[i]; a.Description != "" {
			list = append(list, fmt.Sprintf("%q %q %q", a.Action, a.Segment.Name, a.Description))
		}
	}
	for _, s := range p.Shares {
		list = append(list, fmt.Sprintf("share %q %q %q", s.From, s.To, policyNames(s.Policies)))
	}
	for group, pairs := range insertedPairs(p) {
		list = append(list, fmt.Sprintf("%q %q", group, pairs))
	}
	for _, r := range p.StaticRoutes {
		list = append(list, fmt.Sprintf("create-route %q %s %t %q", r.Segment, r.Prefix, r.Blackhole, sorted(r.Destinations)))
	}
	for _, a := range p.EdgeAssociations {
		list = append(list, fmt.Sprintf("associate %q %q %q %q", a.Segment, a.Edge, a.Peer, policyNames(a.Policies)))
	}
	return fmt.Sprintf("%q", sortedUnion(list))
}

func canonicalAttachmentPolicies(doc *Document) string {
	var list []string
	for _, p := range doc.AttachmentPolicies {
		var conditions []string
		for _, c := range p.Conditions {
			kind := c.Type
			if testKinds[kind] == TestTagExists { // two names of one condition
				kind = "tag-exists"
			}
			conditions = append(conditions, fmt.Sprintf("%q %q %q %q", kind, c.Operator, c.Key, c.Value))
		}
		conditions = sortedUnion(conditions)
		list = append(list, fmt.Sprintf("%d %q %t %q %q %q %q %t", p.RuleNumber, p.Description, p.Or && len(conditions) > 1, conditions,
			p.Action.Segment.Name, p.Action.TagKey.Name, p.Action.Group.Name, p.Action.RequireAcceptance))
	}
	slices.Sort(list)
	return fmt.Sprintf("%q", list)
}
