package routing

import (
	"cmp"
	"net/netip"
	"slices"

	"portolan/policy"
)

// passing is a route on its way through routing policies.
type passing struct {
	prefix netip.Prefix
	Attributes
	final    bool // allow or drop: no later rule sees it
	dropped  bool
	made     *policy.RoutingRule // the rule that summarized others into it
	tag      int                 // of the caller; -1 for an aggregate
	recorded []Step              // when asked for
}

// runner runs routing policies. It keeps no state.
type runner struct {
	lists     map[string]map[netip.Prefix]bool
	summarize bool  // towards edges and attachments only; elsewhere summarize does nothing
	record    *Step // nil, or what steps have in common
}

// run passes routes through policies, in order. Rules run one after the other over the whole set, because summarize
// replaces many routes by one. Of the result the dropped routes are still there. The attributes that came in are not
// changed: changes are made to copies.
func (r *runner) run(policies []*policy.RoutingPolicy, routes []passing) []passing {
	for _, p := range policies {
		for i := range p.Rules {
			routes = r.rule(p, &p.Rules[i], routes)
		}
	}
	return routes
}

func (r *runner) rule(p *policy.RoutingPolicy, rule *policy.RoutingRule, routes []passing) []passing {
	var aggregate bool
	for i := range routes {
		route := &routes[i]
		if route.final || !r.matches(rule, route) {
			continue
		}
		switch rule.Action.Type {
		case policy.RouteDrop:
			route.final, route.dropped = true, true
		case policy.RouteAllow:
			route.final = true
		case policy.RouteSummarize:
			if !r.summarize || p.Direction != policy.Outbound { // has no meaning for what comes in
				continue
			}
			route.final, route.dropped, aggregate = true, true, true
		default:
			apply(&rule.Action, &route.Attributes)
		}
		r.step(p, rule, route)
	}
	if !aggregate {
		return routes
	}
	prefix := rule.Action.Prefix.Masked()
	made := passing{prefix: prefix, Attributes: Attributes{MED: DefaultMED}, made: rule, tag: -1}
	r.step(p, rule, &made)
	for i := range routes { // it takes the place of a route of its own prefix
		if routes[i].prefix == prefix && !routes[i].dropped {
			routes[i].final, routes[i].dropped = true, true
			r.step(p, rule, &routes[i])
		}
	}
	return append(routes, made)
}

func (r *runner) step(p *policy.RoutingPolicy, rule *policy.RoutingRule, route *passing) {
	if r.record == nil {
		return
	}
	s := *r.record
	s.Policy, s.RuleNumber, s.Place, s.Action = p.Name, rule.RuleNumber, rule.Place, rule.Action.Type
	s.Dropped, s.After = route.dropped, route.Attributes
	route.recorded = append(route.recorded, s)
}

func (r *runner) matches(rule *policy.RoutingRule, route *passing) bool {
	for i := range rule.Matches {
		if r.holds(&rule.Matches[i], route) == rule.Or {
			return rule.Or
		}
	}
	return !rule.Or
}

func (r *runner) holds(m *policy.RouteMatch, route *passing) bool {
	switch m.Type {
	case policy.MatchASNInASPath:
		return slices.Contains(route.ASPath, m.Number)
	case policy.MatchCommunityInList:
		return slices.Contains(route.Communities, m.Community)
	case policy.MatchMEDEquals:
		return route.MED == m.Number
	}
	return holdsPrefix(r.lists, m, route.prefix)
}

// byPrefix says whether a match looks at nothing but the prefix.
func byPrefix(m *policy.RouteMatch) bool {
	switch m.Type {
	case policy.MatchPrefixEquals, policy.MatchPrefixInCIDR, policy.MatchPrefixInPrefixList:
		return true
	}
	return false
}

func holdsPrefix(lists map[string]map[netip.Prefix]bool, m *policy.RouteMatch, p netip.Prefix) bool {
	switch m.Type {
	case policy.MatchPrefixEquals:
		return m.Prefix.Masked() == p
	case policy.MatchPrefixInCIDR: // not the block itself
		return m.Prefix.Bits() < p.Bits() && m.Prefix.Contains(p.Addr())
	case policy.MatchPrefixInPrefixList:
		return lists[m.Alias][p]
	}
	return false
}

func apply(action *policy.RouteAction, a *Attributes) {
	switch action.Type {
	case policy.RoutePrependASNList:
		a.ASPath = slices.Concat(action.ASNs, a.ASPath)
	case policy.RouteRemoveASNList:
		a.ASPath = without(a.ASPath, action.ASNs)
	case policy.RouteReplaceASNList:
		a.ASPath = replaced(a.ASPath, action.ASNs)
	case policy.RouteAddCommunity:
		if at, ok := slices.BinarySearch(a.Communities, action.Community); !ok {
			a.Communities = slices.Insert(slices.Clone(a.Communities), at, action.Community)
		}
	case policy.RouteRemoveCommunity:
		if at, ok := slices.BinarySearch(a.Communities, action.Community); ok {
			a.Communities = slices.Delete(slices.Clone(a.Communities), at, at+1)
		}
	case policy.RouteSetMED:
		a.MED = action.Number
	case policy.RouteSetLocalPreference:
		a.LocalPreference = action.Number
	}
}

// without removes every occurrence of some ASNs.
func without(path, asns []uint32) []uint32 {
	var left []uint32
	for _, asn := range path {
		if !slices.Contains(asns, asn) {
			left = append(left, asn)
		}
	}
	return left
}

// replaced is the path that replace-asn-list gives: the list itself, in the place of the whole path.
func replaced(_, asns []uint32) []uint32 { return asns }

// compareAttributes orders attributes; only whether the result is 0 has a meaning.
func compareAttributes(a, b *Attributes) int {
	return cmp.Or(cmp.Compare(a.MED, b.MED), cmp.Compare(a.LocalPreference, b.LocalPreference), slices.Compare(a.ASPath, b.ASPath), slices.Compare(a.Communities, b.Communities))
}
