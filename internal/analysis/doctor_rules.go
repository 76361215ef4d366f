package analysis

import (
	"fmt"
	"net/netip"
	"strings"

	"portolan/policy"
	"portolan/routing"
)

// rules finds rules of routing policies that match no route.
func (d *doctor) rules() error {
	unmatched, err := routing.UnmatchedRules(*d.Network)
	if err != nil {
		return err
	}
	for _, u := range unmatched {
		if u.Rule == nil {
			d.add(CheckUnmatchedRule, "", Instance{
				Subjects: []string{u.Policy.Name}, Place: u.Policy.Place,
				Message: "routing policy " + u.Policy.Name + " filters no route: nothing that has routes uses it",
			})
			continue
		}
		x := Instance{
			Subjects: []string{u.Policy.Name}, Place: u.Rule.Place,
			Message: fmt.Sprintf("rule %d of routing policy %s matches no route: %s", u.Rule.RuleNumber, u.Policy.Name, matchesText(u.Rule)),
		}
		for i := range u.Rule.Matches {
			if hint := d.nearestPrefix(&u.Rule.Matches[i]); hint != "" {
				x.Detail = append(x.Detail, hint)
			}
		}
		d.add(CheckUnmatchedRule, "", x)
	}
	return nil
}

// matchesText is the conditions of a rule in words.
func matchesText(r *policy.RoutingRule) string {
	var parts []string
	for i := range r.Matches {
		parts = append(parts, matchText(&r.Matches[i]))
	}
	word := " and "
	if r.Or {
		word = " or "
	}
	return strings.Join(parts, word)
}

func matchText(m *policy.RouteMatch) string {
	switch m.Type {
	case policy.MatchPrefixEquals, policy.MatchPrefixInCIDR:
		return m.Type + " " + m.Prefix.String()
	case policy.MatchPrefixInPrefixList:
		return m.Type + " " + m.Alias
	case policy.MatchCommunityInList:
		return m.Type + " " + m.Community.String()
	default:
		return fmt.Sprintf("%s %d", m.Type, m.Number)
	}
}

// nearestPrefix says which route a match by prefix most likely means, "" when the network has none like it.
func (d *doctor) nearestPrefix(m *policy.RouteMatch) string {
	asked := m.Prefix.Masked()
	if m.Type != policy.MatchPrefixEquals && m.Type != policy.MatchPrefixInCIDR {
		return ""
	}
	var wider, inside netip.Prefix
	for _, p := range d.Tables.Prefixes() {
		switch {
		case p == asked && m.Type == policy.MatchPrefixInCIDR:
			return "nearest: the network has a route " + p.String() + ", but prefix-in-cidr matches smaller blocks only, not the block itself"
		case p != asked && p.Bits() > 0 && p.Overlaps(asked) && p.Bits() < asked.Bits() && (!wider.IsValid() || p.Bits() > wider.Bits()):
			wider = p
		case p != asked && p.Overlaps(asked) && p.Bits() > asked.Bits() && !inside.IsValid():
			inside = p
		}
	}
	switch {
	case inside.IsValid() && m.Type == policy.MatchPrefixEquals:
		return "nearest: the network has " + inside.String() + " inside " + asked.String() + "; prefix-in-cidr would match it"
	case wider.IsValid():
		return "nearest: the network has the wider " + wider.String()
	}
	return ""
}
