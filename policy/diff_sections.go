package policy

import (
	"fmt"
	"slices"
	"strings"
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
	section := func(kind ChangeType, name string, of func(*Document) []string) {
		before, after := of(old), of(next)
		one(kind, name, item{canonical: fmt.Sprintf("%q", before)}, item{canonical: fmt.Sprintf("%q", after)}, len(before) > 0, len(after) > 0)
	}
	section(ChangeSegmentsConfiguration, "segments", canonicalSegments)
	section(ChangeSegmentActionsConfiguration, "segment-actions", canonicalActions)
	section(ChangeAttachmentPolicies, "attachment-policies", canonicalAttachmentPolicies)
}

// switches is what the configuration says to every edge.
func (p *Policy) switches() [4]any {
	return [4]any{p.Version, p.VPNECMPSupport, p.DNSSupport, p.SecurityGroupReferencingSupport}
}

// canonicalConfiguration has the edges in document order where that order counts: where traffic is led through a group
// it says which edge inspects it when nothing else does. Elsewhere it does not. It counts for both policies of a
// difference or for neither, or the first group would pass for another configuration.
func (p *Policy) canonicalConfiguration(ordered bool) string {
	c := &p.Document().Configuration
	var ranges, edges []string
	for _, r := range c.ASNRanges {
		ranges = append(ranges, fmt.Sprint(r.Low, "-", r.High))
	}
	for _, e := range c.EdgeLocations {
		edges = append(edges, fmt.Sprintf("%q %d %q", e.Location, e.ASN, sortedUnion(blocks(e.InsideCIDRs))))
	}
	if !ordered {
		slices.Sort(edges)
	}
	return fmt.Sprintf("%v %q %q %q", p.switches(), sortedUnion(ranges), sortedUnion(blocks(c.InsideCIDRs)), edges)
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

func canonicalSegments(doc *Document) []string {
	var list []string
	for _, s := range doc.Segments {
		list = append(list, fmt.Sprintf("%q %q %t %q %t %t %q %q", s.Name, s.Description, s.EdgeLocations == nil, namesOf(s.EdgeLocations),
			s.Isolate, s.RequireAcceptance, namesOf(s.DenyFilter), namesOf(s.AllowFilter)))
	}
	slices.Sort(list)
	return list
}

// canonicalActions is the actions without their order. Where it counts, because two actions name one pair of segments,
// the segments themselves differ.
func canonicalActions(doc *Document) []string {
	var list []string
	for i := range doc.SegmentActions {
		list = append(list, canonicalAction(&doc.SegmentActions[i]))
	}
	slices.Sort(list)
	return list
}

func canonicalAction(a *SegmentAction) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", a.Action, a.Description, a.Segment.Name)
	switch a.Action {
	case ActionShare:
		fmt.Fprintf(&b, " %s %q", a.ShareWith.canonical(""), namesOf(a.RoutingPolicyNames))
	case ActionCreateRoute:
		fmt.Fprintf(&b, " %q %q", sortedUnion(blocks(a.DestinationCIDRs)), namesOf(a.Destinations))
	case ActionSendVia:
		fmt.Fprintf(&b, " %q %s %q %s", a.Mode, a.WhenSentTo.canonical(a.Segment.Name), namesOf(a.Via.Groups), canonicalOverrides(compileOverrides(a.Via)))
	case ActionSendTo:
		fmt.Fprintf(&b, " %q %s", namesOf(a.Via.Groups), canonicalOverrides(compileOverrides(a.Via)))
	case ActionAssociateRoutingPolicy:
		e := &a.EdgeAssociation
		fmt.Fprintf(&b, " %q %q %q", e.EdgeLocation.Name, e.PeerEdgeLocation.Name, namesOf(e.RoutingPolicyNames))
	}
	return b.String()
}

// canonical is a set of segments; one that was omitted is the segment alone.
func (s *SegmentSet) canonical(omitted string) string {
	switch {
	case s.All:
		return fmt.Sprintf("* %q", namesOf(s.Except))
	case !s.Known() && omitted != "":
		return fmt.Sprintf("%q", []string{omitted})
	}
	return fmt.Sprintf("%q", namesOf(s.Names))
}

func canonicalAttachmentPolicies(doc *Document) []string {
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
	return list
}
