package routing_test

import (
	"slices"
	"strings"

	"portolan/policy"
)

// passes runs policies over a set of routes. typ is the type of the attachment they are of, if they are.
func (m *model) passes(list []*policy.RoutingPolicy, direction, typ string, in []modelRoute) []modelRoute {
	type item struct {
		modelRoute
		final bool
	}
	var items []item
	for _, r := range in {
		items = append(items, item{modelRoute: r})
	}
	for _, p := range list {
		if p.Direction != direction {
			continue
		}
		for _, rule := range p.Rules {
			if !m.acts(typ, rule.Action.Type) {
				continue
			}
			var next []item
			summarized := false
			for _, it := range items {
				if it.final || !m.ruleHolds(&rule, &it.modelRoute) {
					next = append(next, it)
					continue
				}
				v := rule.Action
				switch v.Type {
				case "drop":
					continue
				case "summarize":
					if direction == "outbound" {
						summarized = true
						continue
					}
				case "allow":
					it.final = true
				case "prepend-asn-list":
					it.path = append(append([]uint32{}, v.ASNs...), it.path...)
				case "remove-asn-list":
					var left []uint32
					for _, asn := range it.path {
						if !slices.Contains(v.ASNs, asn) {
							left = append(left, asn)
						}
					}
					it.path = left
				case "replace-asn-list":
					it.path = v.ASNs
				case "add-community":
					if !slices.Contains(it.tags, v.Community) {
						it.tags = append(append([]policy.Community{}, it.tags...), v.Community)
						slices.Sort(it.tags)
					}
				case "remove-community":
					var left []policy.Community
					for _, c := range it.tags {
						if c != v.Community {
							left = append(left, c)
						}
					}
					it.tags = left
				case "set-med":
					it.med = v.Number
				case "set-local-preference":
					it.pref = v.Number
				}
				next = append(next, it)
			}
			if summarized {
				prefix := rule.Action.Prefix.Masked()
				next = slices.DeleteFunc(next, func(it item) bool { return it.prefix == prefix })
				next = append(next, item{modelRoute: modelRoute{prefix: prefix, med: 100, kind: "summary"}})
			}
			items = next
		}
	}
	var out []modelRoute
	for _, it := range items {
		out = append(out, it.modelRoute)
	}
	return out
}

// acts says whether an action does anything on attachments of a type.
func (m *model) acts(typ, action string) bool {
	switch typ {
	case policy.TypeVPC:
		return action == "allow" || action == "drop"
	case policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable:
		return !strings.HasSuffix(action, "-community")
	}
	return true
}

func (m *model) ruleHolds(rule *policy.RoutingRule, r *modelRoute) bool {
	held := 0
	for _, c := range rule.Matches {
		var ok bool
		switch c.Type {
		case "prefix-equals":
			ok = r.prefix == c.Prefix.Masked()
		case "prefix-in-cidr":
			ok = c.Prefix.Masked() != r.prefix && c.Prefix.Overlaps(r.prefix) && c.Prefix.Bits() < r.prefix.Bits()
		case "prefix-in-prefix-list":
			ok = slices.Contains(m.n.PrefixLists[c.Alias], r.prefix)
		case "asn-in-as-path":
			ok = slices.Contains(r.path, c.Number)
		case "community-in-list":
			ok = slices.Contains(r.tags, c.Community)
		case "med-equals":
			ok = r.med == c.Number
		}
		if ok {
			held++
		}
	}
	if rule.Or {
		return held > 0
	}
	return held == len(rule.Matches)
}

// mixed runs policies of both directions in the order of their numbers: a share from one segment to another has the
// outbound ones of the first and the inbound ones of the second.
func (m *model) mixed(list []*policy.RoutingPolicy, r modelRoute) []modelRoute {
	// One by one loses that allow is final for the association, so directions are made the same.
	var same []*policy.RoutingPolicy
	for _, p := range list {
		c := *p
		c.Direction = "inbound"
		c.Rules = slices.Clone(p.Rules)
		same = append(same, &c)
	}
	return m.passes(same, "inbound", "", []modelRoute{r})
}

func (m *model) between(vrf, edge, peer, direction string) []*policy.RoutingPolicy {
	for _, a := range m.p.EdgeAssociations {
		if vrf == "s:"+a.Segment && a.Edge == edge && a.Peer == peer {
			var list []*policy.RoutingPolicy
			for _, p := range a.Policies {
				if p.Direction == direction {
					list = append(list, p)
				}
			}
			return list
		}
	}
	return nil
}
