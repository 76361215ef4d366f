package routing

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"portolan/policy"
)

// A route is one on its way through routing policies.
type route struct {
	prefix netip.Prefix
	Attributes
	final    bool // allow or drop: no later rule sees it
	dropped  bool
	changed  bool                // an action changed the attributes
	made     *policy.RoutingRule // the rule that summarized others into it
	tag      int                 // of the caller; -1 for an aggregate
	recorded []Step              // when asked for
}

// A filter runs routing policies. It keeps no state.
type filter struct {
	lists     map[string]map[netip.Prefix]bool
	scope     filterScope
	summarize bool  // towards edges and attachments only; elsewhere summarize does nothing
	record    *Step // nil, or what steps have in common
	met       *matchRecord
}

// filterScope is what routing policies can do where they run.
type filterScope uint8

const (
	scopeAll           filterScope = iota
	scopeNoCommunities             // attachments that know no communities: Direct Connect gateways, transit gateway route tables
	scopeAllowDrop                 // VPC attachments: nothing but allow and drop
)

// does says whether an action has an effect.
func (s filterScope) does(action string) bool {
	switch action {
	case policy.RouteDrop, policy.RouteAllow:
		return true
	case policy.RouteAddCommunity, policy.RouteRemoveCommunity:
		return s == scopeAll
	}
	return s != scopeAllowDrop
}

// run passes routes through policies, in order. Rules run one after the other over the whole set, because summarize
// replaces many routes by one. Of the result the dropped routes are still there. The attributes that came in are not
// changed: changes are made to copies.
func (f *filter) run(policies []*policy.RoutingPolicy, routes []route) []route {
	for _, p := range policies {
		if len(routes) > 0 {
			f.met.passed(p)
		}
		for i := range p.Rules {
			routes = f.rule(p, &p.Rules[i], routes)
		}
	}
	return routes
}

func (f *filter) rule(p *policy.RoutingPolicy, rule *policy.RoutingRule, routes []route) []route {
	var aggregate bool
	if !f.scope.does(rule.Action.Type) {
		return routes
	}
	for i := range routes {
		r := &routes[i]
		if r.final || !f.matches(rule, r) {
			continue
		}
		f.met.matched(rule)
		switch rule.Action.Type {
		case policy.RouteDrop:
			r.final, r.dropped = true, true
		case policy.RouteAllow:
			r.final = true
		case policy.RouteSummarize:
			if !f.summarize || p.Direction != policy.Outbound { // has no meaning for what comes in
				continue
			}
			r.final, r.dropped, aggregate = true, true, true
		default:
			apply(&rule.Action, &r.Attributes)
			r.changed = true
		}
		f.step(p, rule, r)
	}
	if !aggregate {
		return routes
	}
	prefix := rule.Action.Prefix.Masked()
	made := route{prefix: prefix, Attributes: Attributes{MED: DefaultMED}, made: rule, tag: -1}
	f.step(p, rule, &made)
	for i := range routes { // it takes the place of a route of its own prefix
		if routes[i].prefix == prefix && !routes[i].dropped {
			routes[i].final, routes[i].dropped = true, true
			f.step(p, rule, &routes[i])
		}
	}
	return append(routes, made)
}

func (f *filter) step(p *policy.RoutingPolicy, rule *policy.RoutingRule, r *route) {
	if f.record == nil {
		return
	}
	s := *f.record
	s.Policy, s.RuleNumber, s.Place, s.Action = p.Name, rule.RuleNumber, rule.Place, rule.Action.Type
	s.Dropped, s.After = r.dropped, r.Attributes
	r.recorded = append(r.recorded, s)
}

func (f *filter) matches(rule *policy.RoutingRule, r *route) bool {
	for i := range rule.Matches {
		if f.holds(&rule.Matches[i], r) == rule.Or {
			return rule.Or
		}
	}
	return !rule.Or
}

func (f *filter) holds(m *policy.RouteMatch, r *route) bool {
	switch m.Type {
	case policy.MatchASNInASPath:
		return slices.Contains(r.ASPath, m.Number)
	case policy.MatchCommunityInList:
		return slices.Contains(r.Communities, m.Community)
	case policy.MatchMEDEquals:
		return r.MED == m.Number
	}
	return holdsPrefix(f.lists, m, r.prefix)
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
		a.ASPath = action.ASNs // the list takes the place of the whole path
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

// compareAttributes orders attributes; only whether the result is 0 has a meaning.
func compareAttributes(a, b *Attributes) int {
	return cmp.Or(cmp.Compare(a.MED, b.MED), cmp.Compare(a.LocalPreference, b.LocalPreference), slices.Compare(a.ASPath, b.ASPath), slices.Compare(a.Communities, b.Communities))
}

// prefixTests are all matches of routing policies that look at prefixes, numbered. Equal matches have one number.
type prefixTests struct {
	number map[*policy.RouteMatch]int32
	exact  map[netip.Prefix][]int32
	within bart.Table[[]int32] // of prefix-in-cidr
}

func newPrefixTests(p *policy.Policy, lists map[string]map[netip.Prefix]bool) *prefixTests {
	t := &prefixTests{number: map[*policy.RouteMatch]int32{}, exact: map[netip.Prefix][]int32{}}
	type content struct {
		kind   string
		prefix netip.Prefix
		alias  string
	}
	known := map[content]int32{}
	for _, rp := range p.RoutingPoliciesByNumber {
		for i := range rp.Rules {
			for j := range rp.Rules[i].Matches {
				m := &rp.Rules[i].Matches[j]
				if !byPrefix(m) {
					continue
				}
				key := content{m.Type, m.Prefix.Masked(), m.Alias}
				n, ok := known[key]
				if !ok {
					n = int32(len(known))
					known[key] = n
					t.add(m, n, lists)
				}
				t.number[m] = n
			}
		}
	}
	return t
}

func (t *prefixTests) add(m *policy.RouteMatch, n int32, lists map[string]map[netip.Prefix]bool) {
	switch m.Type {
	case policy.MatchPrefixEquals:
		p := m.Prefix.Masked()
		t.exact[p] = append(t.exact[p], n)
	case policy.MatchPrefixInPrefixList:
		for p := range lists[m.Alias] {
			t.exact[p] = append(t.exact[p], n)
		}
	case policy.MatchPrefixInCIDR:
		p := m.Prefix.Masked()
		old, _ := t.within.Get(p)
		t.within.Insert(p, append(slices.Clone(old), n))
	}
}

// matching are the numbers of the tests that a prefix passes, in order.
func (t *prefixTests) matching(p netip.Prefix) []int32 {
	if len(t.number) == 0 {
		return nil
	}
	list := slices.Clone(t.exact[p])
	for wider, tests := range t.within.Supernets(p) {
		if wider != p { // not the block itself
			list = append(list, tests...)
		}
	}
	slices.Sort(list)
	return list
}
