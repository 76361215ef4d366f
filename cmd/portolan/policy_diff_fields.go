package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portolan/policy"
)

// configurationFields is what is written about the core network as a whole.
func configurationFields(doc *policy.Document) []changeField {
	c := &doc.Configuration
	var ranges, blocks, edges []string
	for _, r := range c.ASNRanges {
		ranges = append(ranges, fmt.Sprintf("%d-%d", r.Low, r.High))
	}
	for _, b := range c.InsideCIDRs {
		blocks = append(blocks, b.Prefix.String())
	}
	for _, e := range c.EdgeLocations {
		edges = append(edges, e.Location)
	}
	return []changeField{
		{name: "version", text: doc.Version},
		{name: "ASN ranges", text: strings.Join(ranges, ", ")},
		{name: "inside CIDR blocks", text: strings.Join(blocks, ", ")},
		{name: "edge locations", text: strings.Join(edges, ", ")},
	}
}

// segmentLines is what changes of segments that stay, and is no matter of their tables.
func (d *differ) segmentLines() []string {
	var lines []string
	for _, next := range d.rewrote.Segments {
		i := slices.IndexFunc(d.written.Segments, func(s policy.DocumentSegment) bool { return s.Name == next.Name })
		if i < 0 {
			continue
		}
		before, after := writtenFields(&d.written.Segments[i], len(d.old.Edges)), writtenFields(&next, len(d.new.Edges))
		for i := range before {
			if before[i] != after[i] {
				lines = append(lines, next.Name+": "+before[i].name+": "+before[i].text+" → "+after[i].text)
			}
		}
	}
	return lines
}

// descriptionLines is the descriptions of segment actions that come or go. What the actions do is said of the segments.
func (d *differ) descriptionLines() []string {
	described := func(doc *policy.Document) map[string]bool {
		texts := map[string]bool{}
		for _, a := range doc.SegmentActions {
			if a.Description != "" {
				texts[fmt.Sprintf("%s of segment %s: description: %s", a.Action, a.Segment.Name, a.Description)] = true
			}
		}
		return texts
	}
	before, after := described(d.written), described(d.rewrote)
	var lines []string
	missing := func(sign string, here, there map[string]bool) {
		for _, text := range slices.Sorted(maps.Keys(here)) {
			if !there[text] {
				lines = append(lines, sign+" "+text)
			}
		}
	}
	missing("-", before, after)
	missing("+", after, before)
	return lines
}

// writtenFields is what is written about a segment of a core network with a number of edges.
func writtenFields(s *policy.DocumentSegment, count int) []changeField {
	edges := "every one"
	if s.EdgeLocations != nil && len(s.EdgeLocations) < count {
		var names []string
		for _, e := range s.EdgeLocations {
			names = append(names, e.Name)
		}
		edges = strings.Join(slices.Sorted(slices.Values(names)), ", ")
	}
	return []changeField{
		{name: "acceptance required", text: onOff(true, s.RequireAcceptance)},
		{name: "edge locations", text: edges},
		{name: "description", text: orNone(s.Description)},
	}
}

// segmentFields is what changes say nothing about. A segment that is not there has the same fields without a value.
func segmentFields(p *policy.Policy, name string) []changeField {
	s := policy.Segment{}
	there := false
	for _, other := range p.Segments {
		if other.Name == name {
			s, there = other, true
		}
	}
	return []changeField{
		{name: "isolated attachments", text: onOff(there, s.Isolate)},
		{name: "acceptance required", text: onOff(there, s.RequireAcceptance)},
		{name: "denied segments", text: strings.Join(s.DenyFilter, ", ")},
		{name: "allowed segments", text: strings.Join(s.AllowFilter, ", ")},
		{name: "description", text: s.Description},
	}
}

func groupFields(p *policy.Policy, name string) []changeField {
	g := policy.NetworkFunctionGroup{}
	there := false
	for _, other := range p.NetworkFunctionGroups {
		if other.Name == name {
			g, there = other, true
		}
	}
	return []changeField{{name: "acceptance required", text: onOff(there, g.RequireAcceptance)}, {name: "description", text: g.Description}}
}

func onOff(there, on bool) string {
	switch {
	case !there:
		return ""
	case on:
		return "on"
	default:
		return "off"
	}
}

// ruleLines compares rules by number, each in one line.
func ruleLines(old, next []policy.AttachmentPolicy) []string {
	before, after := map[int]string{}, map[int]string{}
	numbers := map[int]bool{}
	for i := range old {
		before[old[i].RuleNumber], numbers[old[i].RuleNumber] = ruleText(&old[i]), true
	}
	for i := range next {
		after[next[i].RuleNumber], numbers[next[i].RuleNumber] = ruleText(&next[i]), true
	}
	var lines []string
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		was, is := before[n], after[n]
		if was == is {
			continue
		}
		if was != "" {
			lines = append(lines, fmt.Sprintf("- rule %d: %s", n, was))
		}
		if is != "" {
			lines = append(lines, fmt.Sprintf("+ rule %d: %s", n, is))
		}
	}
	return lines
}

// ruleText is an attachment policy in one line.
func ruleText(r *policy.AttachmentPolicy) string {
	var conditions []string
	for i := range r.Conditions {
		conditions = append(conditions, r.Conditions[i].String())
	}
	word := " and "
	if r.Or {
		word = " or "
	}
	var to string
	switch {
	case r.Action.Group.Known():
		to = "network function group " + r.Action.Group.Name
	case r.Action.TagKey.Known():
		to = "the segment that tag " + r.Action.TagKey.Name + " names"
	default:
		to = "segment " + r.Action.Segment.Name
	}
	if r.Action.RequireAcceptance {
		to += ", to be accepted"
	}
	if r.Description != "" {
		to += " (" + r.Description + ")"
	}
	return orNone(strings.Join(conditions, word)) + " → " + to
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// changeField is one value of a change: for readers its name and text, "" for none; for programs its key and value.
type changeField struct {
	name, text string
	key        string
	value      any
}

// changeFields are the values of one side, always the same ones in the same order.
func changeFields(v *policy.ChangeValues) []changeField {
	if v == nil {
		v = &policy.ChangeValues{}
	}
	word := func(name, key, text string) changeField { return changeField{name, text, key, text} }
	list := func(name, key string, texts []string) changeField {
		return changeField{name, strings.Join(texts, ", "), key, texts}
	}
	flag := func(name, key string, b *bool) changeField {
		return changeField{name, onOff(b != nil, b != nil && *b), key, b}
	}
	asn := changeField{name: "ASN", key: "asn", value: v.ASN}
	if v.ASN != 0 {
		asn.text = fmt.Sprint(v.ASN)
	}
	cidr := ""
	if v.CIDR.IsValid() {
		cidr = v.CIDR.String()
	}
	var blocks, insertions, associations []string
	for _, b := range v.InsideCIDRBlocks {
		blocks = append(blocks, b.String())
	}
	for _, s := range v.ServiceInsertionActions {
		insertions = append(insertions, insertionWords(&s))
	}
	for _, a := range v.RoutingPolicyAssociations {
		text := strings.Join(a.RoutingPolicyNames, ", ")
		if len(a.SharedSegments) > 0 {
			text += " with " + strings.Join(a.SharedSegments, ", ")
		}
		associations = append(associations, text)
	}
	return []changeField{
		word("segment", "segmentName", v.SegmentName),
		word("network function group", "networkFunctionGroupName", v.NetworkFunctionGroupName),
		list("edge locations", "edgeLocations", v.EdgeLocations),
		list("peer edge locations", "peerEdgeLocations", v.PeerEdgeLocations),
		asn,
		list("inside CIDR blocks", "insideCidrBlocks", blocks),
		word("CIDR", "cidr", cidr),
		word("destination", "destinationIdentifier", v.DestinationIdentifier),
		list("shared with", "sharedSegments", v.SharedSegments),
		{"service insertion", strings.Join(insertions, "; "), "serviceInsertionActions", insertions},
		flag("VPN ECMP support", "vpnEcmpSupport", v.VPNECMPSupport),
		flag("DNS support", "dnsSupport", v.DNSSupport),
		flag("security group referencing support", "securityGroupReferencingSupport", v.SecurityGroupReferencingSupport),
		word("direction", "routingPolicyDirection", v.RoutingPolicyDirection),
		word("routing policy", "routingPolicy", v.RoutingPolicy),
		word("attachment", "attachmentId", v.AttachmentID),
		{"routing policies", strings.Join(associations, "; "), "routingPolicyAssociations", associations},
	}
}

func insertionWords(s *policy.ServiceInsertion) string {
	words := []string{s.Action}
	if s.Mode != "" {
		words = append(words, s.Mode)
	}
	words = append(words, "through", s.Group)
	if len(s.WhenSentTo) > 0 {
		words = append(words, "to", strings.Join(s.WhenSentTo, ", "))
	}
	for _, o := range s.Overrides {
		words = append(words, overrideWords(o))
	}
	return strings.Join(words, " ")
}

func overrideWords(o policy.Override) string {
	var sets []string
	for _, s := range o.Sets {
		if s[0] == s[1] {
			sets = append(sets, s[0])
		} else {
			sets = append(sets, s[0]+" and "+s[1])
		}
	}
	return "(at " + o.Use + " for " + strings.Join(sets, ", ") + ")"
}
