package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/internal/words"
	"portolan/policy"
)

// routingLintRules are the rules about routing policies: which routes their rules can match, and where they are put to use.
var routingLintRules = []Rule{
	{
		Name: "routing-policy-unused", Severity: SeverityWarning,
		Summary: "Nothing uses a routing policy.",
		Why:     "A routing policy runs where a share, an edge association or an attachment routing policy rule names it, and nowhere else.",
		Example: `{"routing-policies": [` + exampleRoutingPolicy + `]}`,
		find:    routingPolicyUnused,
	},
	{
		Name: "routing-rule-never-matches", Severity: SeverityError,
		Summary: "The match conditions of a routing rule exclude each other, or one of them matches no route.",
		Why:     "A route has one prefix and one MED. And prefix-in-cidr matches smaller blocks only, of which a single address has none; that is what prefix-equals is for.",
		Example: `{"routing-policies": [{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "and", "match-conditions": [{"type": "prefix-equals", "value": "10.0.0.0/16"}, {"type": "prefix-in-cidr", "value": "10.0.0.0/16"}], "action": {"type": "drop"}}}]}]}`,
		find: routingRuleNeverMatches,
	},
	{
		Name: "routing-rule-shadowed", Severity: SeverityError,
		Summary: "A routing rule before another allows or drops everything that the other could match.",
		Why:     "Allow and drop end the rules for a route. What comes behind a wider one never runs.",
		Example: `{"routing-policies": [{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/8"}], "action": {"type": "drop"}}},
  {"rule-number": 2, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.1.0.0/16"}], "action": {"type": "allow"}}}]}]}`,
		find: routingRuleShadowed,
	},
	{
		Name: "routing-policy-only-allows", Severity: SeverityWarning,
		Summary: "All rules of a routing policy allow.",
		Why:     "Routes that no rule matches are kept, so a policy that drops nothing lets everything through. It needs a last rule that drops the rest.",
		Example: `{"routing-policies": [{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/8"}], "action": {"type": "allow"}}}]}]}`,
		find: routingPolicyOnlyAllows,
	},
	{
		Name: "prefix-in-cidr-without-block", Severity: SeverityNote,
		Summary: "A routing policy matches the blocks within a block, but nowhere the block itself.",
		Why:     "prefix-in-cidr matches smaller blocks only: 10.0.0.0/8 is not in 10.0.0.0/8, nor the default route in 0.0.0.0/0. To match it too, add prefix-equals.",
		Example: `{"routing-policies": [` + exampleRoutingPolicy + `]}`,
		find:    prefixWithoutBlock,
	},
	{
		Name: "catch-all-without-ipv6", Severity: SeverityWarning,
		Summary: "A routing policy drops all IPv4 routes and no rule is about IPv6.",
		Why:     "0.0.0.0/0 holds no IPv6 block. All IPv6 routes pass, unless ::/0 is matched as well.",
		Example: `{"routing-policies": [{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}]}`,
		find: catchAllWithoutIPv6,
	},
	{
		Name: "summary-dropped", Severity: SeverityError,
		Summary: "A rule behind a summarize drops the aggregate.",
		Why:     "The aggregate goes on through the later rules like any other route. A catch-all drop takes it away, and the summarized routes are gone already. Allow the aggregate in between.",
		Example: `{"routing-policies": [{"routing-policy-name": "aggregate", "routing-policy-direction": "outbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/16"}], "action": {"type": "summarize", "value": "10.0.0.0/16"}}},
  {"rule-number": 2, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}]}`,
		find: summaryDropped,
	},
	{
		Name: "summary-too-narrow", Severity: SeverityWarning,
		Summary: "A summarize takes away routes that its aggregate does not cover.",
		Why:     "Every route that matches is removed, also one outside the aggregate: whoever is told the aggregate no longer reaches it.",
		Example: `{"routing-policies": [{"routing-policy-name": "aggregate", "routing-policy-direction": "outbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/8"}], "action": {"type": "summarize", "value": "10.0.0.0/16"}}}]}]}`,
		find: summaryTooNarrow,
	},
	{
		Name: "summarize-in-share", Severity: SeverityError,
		Summary: "A share uses a routing policy that summarizes.",
		Why:     "Routes are summarized where they are told by BGP: to VPN, Connect, Direct Connect gateway and transit gateway attachments and between edges. A share is none of that.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"], "routing-policy-names": ["aggregate"]}],
 "routing-policies": [{"routing-policy-name": "aggregate", "routing-policy-direction": "outbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/16"}], "action": {"type": "summarize", "value": "10.0.0.0/16"}}}]}]}`,
		find: func(l *linter) {
			l.usedInside(func(use policyUse, rule *policy.RoutingRule) {
				if use.share && rule.Action.Type == policy.RouteSummarize {
					l.find(use.name.Place, fmt.Sprintf("%s summarizes on line %d, which is not possible in a share", use.name.Name, rule.Action.Line()), "give it to attachments or to an edge association")
				}
			})
		},
	},
	{
		Name: "community-inside-core", Severity: SeverityWarning,
		Summary: "A share or an edge association uses a routing policy that adds or removes communities.",
		Why:     "Communities are meant for what VPN and Connect attachments send and are told. Put the policy on those, by label.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"], "routing-policy-names": ["mark"]}],
 "routing-policies": [{"routing-policy-name": "mark", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 100}], "action": {"type": "add-community", "value": "65051:100"}}}]}]}`,
		find: func(l *linter) {
			l.usedInside(func(use policyUse, rule *policy.RoutingRule) {
				if rule.Action.Type == policy.RouteAddCommunity || rule.Action.Type == policy.RouteRemoveCommunity {
					l.find(use.name.Place, fmt.Sprintf("%s has the action %s on line %d, which is of use on VPN and Connect attachments only", use.name.Name, rule.Action.Type, rule.Action.Line()), "give the policy to attachments by label")
				}
			})
		},
	},
	{
		Name: "local-preference-outbound", Severity: SeverityWarning,
		Summary: "An outbound routing policy sets the local preference.",
		Why:     "The local preference is for the choice at the edge that sets it and is not told to others: other edges have been seen with 0 throughout. Set it on the way in, or use a MED or a longer path.",
		Example: `{"routing-policies": [{"routing-policy-name": "prefer", "routing-policy-direction": "outbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 100}], "action": {"type": "set-local-preference", "value": 200}}}]}]}`,
		find: localPreferenceOutbound,
	},
	{
		Name: "edge-association-without-segment", Severity: SeverityError,
		Summary: "A routing policy is associated with two edges of a segment that has no table at one of them.",
		Why:     "The segment exchanges no routes between the two, so the policy never runs.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}],
 "segment-actions": [{"action": "associate-routing-policy", "segment": "prod", "edge-location-association": {"edge-location": "us-east-1", "peer-edge-location": "eu-west-1", "routing-policy-names": ["filter"]}}],
 "routing-policies": [` + exampleRoutingPolicy + `]}`,
		find: edgeAssociationWithoutSegment,
	},
	{
		Name: "label-rule-shadowed", Severity: SeverityError,
		Summary: "All labels of an attachment routing policy rule are taken by rules with lower numbers.",
		Why:     "An attachment has one label, and the first rule with that label counts. Routing policies of several rules do not add up.",
		Example: `{"attachment-routing-policy-rules": [
  {"rule-number": 10, "conditions": [{"type": "routing-policy-label", "value": "spoke"}], "action": {"associate-routing-policies": ["filter"]}},
  {"rule-number": 20, "conditions": [{"type": "routing-policy-label", "value": "spoke"}], "action": {"associate-routing-policies": ["filter"]}}],
 "routing-policies": [` + exampleRoutingPolicy + `]}`,
		find: labelRuleShadowed,
	},
	{
		Name: "label-rule-edges", Severity: SeverityNote,
		Summary: "An attachment routing policy rule is restricted to edge locations.",
		Why:     "The restriction is heeded for Direct Connect gateway attachments only. All others with the label get the policies at every edge.",
		Example: `{"attachment-routing-policy-rules": [{"rule-number": 10, "edge-locations": ["us-east-1"], "conditions": [{"type": "routing-policy-label", "value": "spoke"}], "action": {"associate-routing-policies": ["filter"]}}],
 "routing-policies": [` + exampleRoutingPolicy + `]}`,
		find: labelRuleEdges,
	},
}

const exampleRoutingPolicy = `{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "100.64.0.0/10"}], "action": {"type": "drop"}}}]}`

// policyUse is where a routing policy is named.
type policyUse struct {
	name  policy.Named
	share bool
}

// usedInside calls a function for every rule of every routing policy that runs between tables of the core network.
func (l *linter) usedInside(do func(use policyUse, rule *policy.RoutingRule)) {
	for i := range l.doc.SegmentActions {
		a := &l.doc.SegmentActions[i]
		for _, n := range slices.Concat(a.RoutingPolicyNames, a.EdgeAssociation.RoutingPolicyNames) {
			if p := l.Policy.RoutingPolicy(n.Name); p != nil && !l.full() {
				for j := range p.Rules {
					do(policyUse{n, a.Action == policy.ActionShare}, &p.Rules[j])
				}
			}
		}
	}
}

func routingPolicyUnused(l *linter) {
	used := map[string]bool{}
	for i := range l.doc.SegmentActions {
		a := &l.doc.SegmentActions[i]
		for _, n := range slices.Concat(a.RoutingPolicyNames, a.EdgeAssociation.RoutingPolicyNames) {
			used[n.Name] = true
		}
	}
	for _, rule := range l.doc.AttachmentRoutingPolicyRules {
		for _, n := range rule.Policies {
			used[n.Name] = true
		}
	}
	for _, p := range l.doc.RoutingPolicies {
		if !used[p.Name] {
			l.find(p.NameAt, "nothing uses routing policy "+p.Name, "")
		}
	}
}

// routingRules calls a function for every rule of every routing policy, in the order in which they run.
func (l *linter) routingRules(do func(p *policy.RoutingPolicy, i int)) {
	for _, p := range l.RoutingPoliciesByNumber {
		for i := range p.Rules {
			if !l.full() {
				do(p, i)
			}
		}
	}
}

// never says that no route can have the condition: nothing lies strictly within a single address.
func never(m *policy.RouteMatch) bool {
	return m.Type == policy.MatchPrefixInCIDR && m.Prefix.IsSingleIP()
}

// implies says whether a route with this condition has another.
func implies(m, other *policy.RouteMatch) bool {
	switch {
	case never(m):
		return true
	case m.Type == policy.MatchPrefixEquals && other.Type == policy.MatchPrefixInCIDR:
		return other.Prefix.Bits() < m.Prefix.Bits() && other.Prefix.Contains(m.Prefix.Addr())
	case m.Type != other.Type:
		return false
	case m.Type == policy.MatchPrefixInCIDR:
		return other.Prefix.Bits() <= m.Prefix.Bits() && other.Prefix.Contains(m.Prefix.Addr())
	}
	return m.Prefix == other.Prefix && m.Alias == other.Alias && m.Number == other.Number && m.Community == other.Community
}

// excludes says whether no route has both conditions. A route has one prefix and one MED, and many communities and ASNs.
func excludes(m, other *policy.RouteMatch) bool {
	switch {
	case m.Type == policy.MatchMEDEquals && other.Type == policy.MatchMEDEquals:
		return m.Number != other.Number
	case m.Type == policy.MatchPrefixEquals && other.Type == policy.MatchPrefixEquals:
		return m.Prefix != other.Prefix
	case m.Type == policy.MatchPrefixInCIDR && other.Type == policy.MatchPrefixInCIDR:
		return !m.Prefix.Overlaps(other.Prefix)
	case m.Type == policy.MatchPrefixEquals && other.Type == policy.MatchPrefixInCIDR:
		return !implies(m, other)
	case m.Type == policy.MatchPrefixInCIDR && other.Type == policy.MatchPrefixEquals:
		return !implies(other, m)
	}
	return false
}

// branchesOf is the ways to meet a rule: lists of conditions that must all hold. Those that nothing meets are left out.
func branchesOf(r *policy.RoutingRule) [][]policy.RouteMatch {
	if !r.Or {
		for i := range r.Matches {
			if never(&r.Matches[i]) || slices.ContainsFunc(r.Matches[:i], func(m policy.RouteMatch) bool { return excludes(&m, &r.Matches[i]) }) {
				return nil
			}
		}
		return [][]policy.RouteMatch{r.Matches}
	}
	var list [][]policy.RouteMatch
	for i := range r.Matches {
		if !never(&r.Matches[i]) {
			list = append(list, r.Matches[i:i+1])
		}
	}
	return list
}

// covers says whether a rule matches every route that meets all of some conditions.
func covers(r *policy.RoutingRule, b []policy.RouteMatch) bool {
	return slices.ContainsFunc(branchesOf(r), func(mine []policy.RouteMatch) bool {
		return !slices.ContainsFunc(mine, func(m policy.RouteMatch) bool {
			return !slices.ContainsFunc(b, func(given policy.RouteMatch) bool { return implies(&given, &m) })
		})
	})
}

func final(r *policy.RoutingRule) bool {
	return r.Action.Type == policy.RouteAllow || r.Action.Type == policy.RouteDrop
}

func routingRuleNeverMatches(l *linter) {
	l.routingRules(func(p *policy.RoutingPolicy, i int) {
		r := &p.Rules[i]
		for j := range r.Matches {
			m := &r.Matches[j]
			if never(m) {
				l.find(m.Place, "nothing lies within "+m.Prefix.String()+" but itself", "write prefix-equals")
				continue
			}
			k := slices.IndexFunc(r.Matches[:j], func(other policy.RouteMatch) bool { return excludes(&other, m) })
			if !r.Or && k >= 0 {
				l.find(m.Place, fmt.Sprintf("no route has this and the condition on line %d, so rule %d matches nothing", r.Matches[k].Line(), r.RuleNumber), `for either of them write "condition-logic": "or"`)
			}
		}
	})
}

// routingRuleShadowed asks only allow and drop: behind other actions a route goes on, and may look different.
func routingRuleShadowed(l *linter) {
	l.routingRules(func(p *policy.RoutingPolicy, i int) {
		r := &p.Rules[i]
		branches := branchesOf(r)
		if len(branches) == 0 {
			return
		}
		by := -1
		for _, b := range branches {
			by = slices.IndexFunc(p.Rules[:i], func(earlier policy.RoutingRule) bool { return final(&earlier) && covers(&earlier, b) })
			// an action in between that changes what a condition looks at, or makes a route, leaves a way to the rule
			if by < 0 || !fixed(b) && slices.ContainsFunc(p.Rules[by:i], func(between policy.RoutingRule) bool { return !final(&between) }) {
				return
			}
			if slices.ContainsFunc(p.Rules[by:i], func(between policy.RoutingRule) bool { return between.Action.Type == policy.RouteSummarize }) {
				return
			}
		}
		l.find(r.Place, fmt.Sprintf("rule %d never runs: what it matches is allowed or dropped by rule %d on line %d", r.RuleNumber, p.Rules[by].RuleNumber, p.Rules[by].Line()), "give it a lower number, or narrow the other")
	})
}

// fixed says whether conditions are about the prefix alone, which no action but summarize changes.
func fixed(b []policy.RouteMatch) bool {
	return !slices.ContainsFunc(b, func(m policy.RouteMatch) bool {
		return m.Type != policy.MatchPrefixEquals && m.Type != policy.MatchPrefixInCIDR && m.Type != policy.MatchPrefixInPrefixList
	})
}

func routingPolicyOnlyAllows(l *linter) {
	for i := range l.doc.RoutingPolicies {
		p := &l.doc.RoutingPolicies[i]
		if !slices.ContainsFunc(p.Rules, func(r policy.RoutingRule) bool { return r.Action.Type != policy.RouteAllow }) {
			l.find(p.Rules[0].Action.Place, "routing policy "+p.Name+" drops nothing: what no rule matches is kept", "add a last rule that drops the rest")
		}
	}
}

// prefixWithoutBlock finds a routing policy once. The aggregate of a summarize need not be matched: it is made.
func prefixWithoutBlock(l *linter) {
	for i := range l.doc.RoutingPolicies {
		p := &l.doc.RoutingPolicies[i]
		given := map[netip.Prefix]bool{}
		for _, r := range p.Rules {
			given[r.Action.Prefix] = true
			for _, m := range r.Matches {
				if m.Type == policy.MatchPrefixEquals {
					given[m.Prefix] = true
				}
			}
		}
		var at policy.Place
		var blocks []string
		for _, r := range p.Rules {
			for _, m := range r.Matches {
				if m.Type == policy.MatchPrefixInCIDR && !never(&m) && !given[m.Prefix] {
					given[m.Prefix] = true
					if blocks = append(blocks, m.Prefix.String()); len(blocks) == 1 {
						at = m.Place
					}
				}
			}
		}
		switch len(blocks) {
		case 0:
		case 1:
			l.find(at, blocks[0]+" itself is not matched, only smaller blocks within it", "to match it too, add prefix-equals")
		default:
			l.find(at, listed(blocks)+" themselves are not matched, only smaller blocks within them", "to match them too, add prefix-equals")
		}
	}
}

func catchAllWithoutIPv6(l *linter) {
	for i := range l.doc.RoutingPolicies {
		p := &l.doc.RoutingPolicies[i]
		var at policy.Place
		ipv6 := false
		for _, r := range p.Rules {
			for _, m := range r.Matches {
				ipv6 = ipv6 || m.Prefix.IsValid() && m.Prefix.Addr().Is6() || m.Type == policy.MatchPrefixInPrefixList
				if m.Type == policy.MatchPrefixInCIDR && m.Prefix == defaultIPv4 && r.Action.Type == policy.RouteDrop && (r.Or || len(r.Matches) == 1) {
					at = m.Place
				}
			}
		}
		if at.Known() && !ipv6 {
			l.find(at, "routing policy "+p.Name+" drops all IPv4 routes and keeps all IPv6 routes", "match ::/0 as well")
		}
	}
}

// summaryDropped follows each aggregate through the rules behind.
func summaryDropped(l *linter) {
	l.routingRules(func(p *policy.RoutingPolicy, i int) {
		r := &p.Rules[i]
		if r.Action.Type != policy.RouteSummarize {
			return
		}
		aggregate := []policy.RouteMatch{{Type: policy.MatchPrefixEquals, Prefix: r.Action.Prefix}}
		for j := i + 1; j < len(p.Rules); j++ {
			switch later := &p.Rules[j]; {
			case !final(later) || !covers(later, aggregate):
				continue
			case later.Action.Type == policy.RouteDrop:
				l.find(r.Action.Place, fmt.Sprintf("the aggregate %s is dropped by rule %d on line %d", r.Action.Prefix, later.RuleNumber, later.Line()), "allow it in a rule in between, with prefix-equals")
			}
			return
		}
	})
}

// summaryTooNarrow wants every way to match to stay within the aggregate. What a prefix list holds is not known here.
func summaryTooNarrow(l *linter) {
	l.routingRules(func(p *policy.RoutingPolicy, i int) {
		r := &p.Rules[i]
		if r.Action.Type != policy.RouteSummarize {
			return
		}
		for _, b := range branchesOf(r) {
			if !slices.ContainsFunc(b, func(m policy.RouteMatch) bool {
				return m.Type == policy.MatchPrefixInPrefixList ||
					m.Prefix.IsValid() && m.Prefix.Bits() >= r.Action.Prefix.Bits() && r.Action.Prefix.Contains(m.Prefix.Addr())
			}) {
				l.find(r.Action.Place, fmt.Sprintf("routes outside %s that meet the condition on line %d are taken away and not covered", r.Action.Prefix, b[0].Line()), "match blocks within the aggregate only")
				return
			}
		}
	})
}

func localPreferenceOutbound(l *linter) {
	l.routingRules(func(p *policy.RoutingPolicy, i int) {
		if r := &p.Rules[i]; p.Direction == policy.Outbound && r.Action.Type == policy.RouteSetLocalPreference {
			l.find(r.Action.Place, "the local preference is not told to anybody", "set it in an inbound routing policy, or use set-med")
		}
	})
}

func edgeAssociationWithoutSegment(l *linter) {
	l.actionsOf(policy.ActionAssociateRoutingPolicy, func(a *policy.SegmentAction) {
		s := l.Policy.Segment(a.Segment.Name)
		for _, e := range []policy.Named{a.EdgeAssociation.EdgeLocation, a.EdgeAssociation.PeerEdgeLocation} {
			if !s.HasEdge(e.Name) {
				l.find(e.Place, fmt.Sprintf("segment %s has no table at %s", s.Name, e.Name), "add the edge location to the segment")
			}
		}
	})
}

func labelRuleShadowed(l *linter) {
	taken := map[string]int{} // by the rule that takes the label everywhere
	for i := range l.AttachmentRoutingPolicyRules {
		r := &l.AttachmentRoutingPolicyRules[i]
		by := -1
		for _, label := range r.Labels {
			earlier, gone := taken[label.Name]
			if !gone {
				by = -1
				break
			}
			by = earlier
		}
		if by >= 0 {
			other := &l.AttachmentRoutingPolicyRules[by]
			l.find(r.Place, fmt.Sprintf("rule %d never counts: its labels are taken by rule %d on line %d", r.RuleNumber, other.RuleNumber, other.Line()), "name all routing policies of a label in one rule")
		}
		if r.EdgeLocations != nil {
			continue
		}
		for _, label := range r.Labels {
			if _, gone := taken[label.Name]; !gone {
				taken[label.Name] = i
			}
		}
	}
}

// labelRuleEdges finds the first such rule or, where the attachments are known, those whose labels others carry.
func labelRuleEdges(l *linter) {
	for i := range l.AttachmentRoutingPolicyRules {
		r := &l.AttachmentRoutingPolicyRules[i]
		if r.EdgeLocations == nil {
			continue
		}
		if l.facts.Attachments == nil {
			l.find(r.Member("edge-locations"), "restricts Direct Connect gateway attachments only", "give other attachments labels of their own")
			return
		}
		for _, a := range l.facts.Attachments {
			if a.Type != policy.TypeDirectConnectGateway && slices.ContainsFunc(r.Labels, func(n policy.Named) bool { return n.Name == a.Label }) {
				l.find(r.Member("edge-locations"), fmt.Sprintf("does not restrict attachment %s, which is no Direct Connect gateway", words.Clip(a.ID)), "give other attachments labels of their own")
				break
			}
		}
	}
}
