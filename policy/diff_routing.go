package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portolan/internal/order"
)

// routingPolicies compares the routing policies themselves. One that changes touches the edges it is used at.
func (d *differ) routingPolicies(attached []Associated) {
	d.compare(ChangeRoutingPolicy, routingItems(d.old, attached), routingItems(d.new, attached))
}

func routingItems(p *Policy, attached []Associated) map[string]item {
	used := usedAt(p, attached)
	items := map[string]item{}
	for _, r := range p.RoutingPoliciesByNumber {
		items[r.Name] = item{
			identifier: r.Name, edges: used[r], canonical: canonicalRoutingPolicy(r),
			values: &ChangeValues{RoutingPolicy: r.json(), RoutingPolicyDirection: r.Direction},
		}
	}
	return items
}

// usedAt is the edges each routing policy is used at, sorted.
func usedAt(p *Policy, attached []Associated) map[*RoutingPolicy][]string {
	sets := map[*RoutingPolicy]map[string]bool{}
	use := func(policies []*RoutingPolicy, edges ...string) {
		for _, r := range policies {
			if sets[r] == nil {
				sets[r] = map[string]bool{}
			}
			for _, e := range edges {
				sets[r][e] = true
			}
		}
	}
	// Shares by segment first: there are many pairs of few segments.
	shared := map[*RoutingPolicy]map[*Segment]bool{}
	for _, s := range p.Shares {
		from, to := p.Segment(s.From), p.Segment(s.To)
		for _, r := range s.Policies {
			if shared[r] == nil {
				shared[r] = map[*Segment]bool{}
			}
			shared[r][from], shared[r][to] = true, true
		}
	}
	for r, segments := range shared {
		for s := range segments {
			use([]*RoutingPolicy{r}, s.Edges...)
		}
	}
	for _, a := range p.EdgeAssociations {
		use(a.Policies, a.Edge, a.Peer)
	}
	for _, a := range attached {
		if a.Label == "" {
			continue
		}
		if a.Type != TypeDirectConnectGateway {
			policies, _ := p.RoutingPolicies(a.Label, "")
			use(policies, a.Edges...)
			continue
		}
		for _, e := range a.Edges {
			policies, _ := p.RoutingPolicies(a.Label, e)
			use(policies, e)
		}
	}
	used := make(map[*RoutingPolicy][]string, len(sets))
	for r, edges := range sets {
		used[r] = slices.Sorted(maps.Keys(edges))
	}
	return used
}

// json is the policy as it is written, without white space and with its members in AWS's order.
func (r *RoutingPolicy) json() string {
	if r.node == nil {
		return ""
	}
	var f formatter
	f.flat(r.node, "", "")
	return f.b.String()
}

func canonicalRoutingPolicy(r *RoutingPolicy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %d", r.Description, r.Direction, r.Number)
	rules := slices.Clone(r.Rules)
	order.Stable(rules, func(a, b RoutingRule) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
	for _, rule := range rules {
		var matches []string
		for _, m := range rule.Matches {
			matches = append(matches, fmt.Sprintf("%q %s %q %d %s", m.Type, m.Prefix, m.Alias, m.Number, m.Community))
		}
		a := rule.Action
		asns := a.ASNs
		if a.Type == RouteRemoveASNList { // a set; the other lists are sequences
			asns = slices.Sorted(slices.Values(asns))
		}
		fmt.Fprintf(&b, "\n%d %t %q %q %s %d %d %s", rule.RuleNumber, rule.Or && len(matches) > 1, sortedUnion(matches), a.Type, a.Prefix, asns, a.Number, a.Community)
	}
	return b.String()
}

// shareAssociations compares the routing policies of shares by the segment they run for: inbound ones on what comes
// into it, outbound ones on what leaves it.
func (d *differ) shareAssociations() {
	d.compare(ChangeRoutingPolicySegment, shareItems(d.old), shareItems(d.new))
}

func shareItems(p *Policy) map[string]item {
	type owner struct{ segment, direction string }
	bySegment := map[owner]map[string]*RoutingPolicyAssociation{}
	associate := func(segment, direction, other string, policies []*RoutingPolicy) {
		var names []string
		for _, r := range policies {
			if r.Direction == direction {
				names = append(names, r.Name)
			}
		}
		if len(names) == 0 {
			return
		}
		o := owner{segment, direction}
		if bySegment[o] == nil {
			bySegment[o] = map[string]*RoutingPolicyAssociation{}
		}
		key := fmt.Sprintf("%q", names)
		if bySegment[o][key] == nil {
			bySegment[o][key] = &RoutingPolicyAssociation{RoutingPolicyNames: names}
		}
		a := bySegment[o][key]
		a.SharedSegments = append(a.SharedSegments, other)
	}
	for _, s := range p.Shares {
		associate(s.To, Inbound, s.From, s.Policies)
		associate(s.From, Outbound, s.To, s.Policies)
	}
	items := map[string]item{}
	for o, lists := range bySegment {
		values := &ChangeValues{SegmentName: o.segment, RoutingPolicyDirection: o.direction}
		edges := slices.Clone(p.Segment(o.segment).Edges)
		for _, key := range slices.Sorted(maps.Keys(lists)) {
			a := lists[key]
			a.SharedSegments = sorted(a.SharedSegments)
			values.RoutingPolicyAssociations = append(values.RoutingPolicyAssociations, *a)
			for _, other := range a.SharedSegments {
				edges = append(edges, p.Segment(other).Edges...)
			}
		}
		items[o.segment+"\x00"+o.direction] = item{
			identifier: o.segment, values: values, canonical: fmt.Sprintf("%q", values.RoutingPolicyAssociations), edges: sortedUnion(edges),
		}
	}
	return items
}

func (d *differ) edgeAssociations() {
	d.compare(ChangeRoutingPolicyEdge, edgeAssociationItems(d.old), edgeAssociationItems(d.new))
}

func edgeAssociationItems(p *Policy) map[string]item {
	items := map[string]item{}
	for _, a := range p.EdgeAssociations {
		names := policyNames(a.Policies)
		items[a.Segment+"/"+a.Edge+"/"+a.Peer] = item{
			identifier: a.Segment,
			values: &ChangeValues{
				SegmentName: a.Segment, EdgeLocations: []string{a.Edge}, PeerEdgeLocations: []string{a.Peer},
				RoutingPolicyAssociations: []RoutingPolicyAssociation{{RoutingPolicyNames: names}},
			},
			canonical: fmt.Sprintf("%q", names), edges: sortedUnion([]string{a.Edge, a.Peer}),
		}
	}
	return items
}

// labels compares what the rules give to each label. No attachment need carry one yet: the rules have no section of
// their own among the types, and a policy that says something else must not look like the same.
func (d *differ) labels() {
	d.compare(ChangeRoutingPolicyAttachment, labelItems(d.old), labelItems(d.new))
}

func labelItems(p *Policy) map[string]item {
	items := map[string]item{}
	for label, rules := range p.labels {
		values := &ChangeValues{}
		canonical, quiet := make([]string, 0, len(rules)), make([]string, 0, len(rules))
		for _, r := range rules {
			names := policyNames(r.policies)
			values.RoutingPolicyAssociations = append(values.RoutingPolicyAssociations, RoutingPolicyAssociation{RoutingPolicyNames: names})
			canonical = append(canonical, fmt.Sprintf("%q %t %q", names, r.edges == nil, sortedUnion(r.edges)))
			quiet = append(quiet, fmt.Sprintf("%d %q", r.number, r.description))
		}
		items["label/"+label] = item{identifier: label, values: values, canonical: fmt.Sprintf("%q", canonical), quiet: fmt.Sprintf("%q", quiet)}
	}
	return items
}
