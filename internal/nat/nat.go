// Package nat checks rules of 1:1 NAT as they are asked for: each by itself and beside the others of a request.
//
// It must not know attachments, nor which rules are in force.
package nat

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/api"
)

// maxRules is how many NAT rules an attachment may have. Not adjustable.
const maxRules = 50

var (
	multicast = netip.MustParsePrefix("224.0.0.0/4")
	linkLocal = netip.MustParsePrefix("169.254.0.0/16")
	// ranges are the ranges that a NatCidr must lie in: private and shared address space.
	ranges = []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	}
)

// Fields are the rules of a request that break a rule of AWS's by themselves or beside another one of the request.
func Fields(rules []api.NatRuleRequest) []api.FieldError {
	if len(rules) > maxRules {
		return []api.FieldError{{Name: "natGatewayRules", Message: fmt.Sprintf("Member must have length less than or equal to %d.", maxRules)}}
	}
	var fields []api.FieldError
	type parsed struct {
		number      int32
		source, nat netip.Prefix
	}
	var before []parsed
	for i := range rules {
		fail := func(member, message string) {
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("natGatewayRules[%d].%s", i, member), Message: message})
		}
		var p parsed
		if n := rules[i].RuleNumber; n != nil {
			p.number = *n
		}
		var why string
		if p.source, why = prefix(rules[i].MatchSourceCidr); why != "" {
			fail("matchSourceCidr", why)
		}
		if p.nat, why = prefix(rules[i].NatCidr); why != "" {
			fail("natCidr", why)
		}
		if p.source.IsValid() {
			switch {
			case p.source.Overlaps(multicast):
				fail("matchSourceCidr", "CIDR must not overlap 224.0.0.0/4.")
			case p.source.Overlaps(linkLocal):
				fail("matchSourceCidr", "CIDR must not overlap 169.254.0.0/16.")
			}
		}
		if p.nat.IsValid() && !slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Bits() <= p.nat.Bits() && r.Contains(p.nat.Addr()) }) {
			fail("natCidr", "CIDR must be within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10.")
		}
		if p.source.IsValid() && p.nat.IsValid() && p.source.Bits() != p.nat.Bits() {
			fail("natCidr", "CIDR must have the prefix length of matchSourceCidr.")
		}
		for j, other := range before {
			if other.number == p.number {
				fail("ruleNumber", fmt.Sprintf("Rule number is used by natGatewayRules[%d].", j))
			}
			if p.source.IsValid() && other.source == p.source {
				fail("matchSourceCidr", fmt.Sprintf("CIDR is used by natGatewayRules[%d].", j))
			}
			if p.nat.IsValid() && other.nat.IsValid() && other.nat.Overlaps(p.nat) {
				fail("natCidr", fmt.Sprintf("CIDR must not overlap natGatewayRules[%d].", j))
			}
		}
		before = append(before, p)
	}
	return fields
}

// prefix is an IPv4 CIDR in canonical form, or why the text is none.
func prefix(text string) (p netip.Prefix, why string) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !p.Addr().Is4():
		return netip.Prefix{}, "Member must be an IPv4 CIDR."
	case p != p.Masked():
		return netip.Prefix{}, "CIDR must have no host bits set: " + p.Masked().String() + "."
	}
	return p, ""
}
