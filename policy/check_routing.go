package policy

import (
	"fmt"

	"portolan/internal/words"
)

func (c *checker) routingPolicies() {
	names, numbers := map[string]Place{}, map[int]Place{}
	for i := range c.doc.RoutingPolicies {
		p := &c.doc.RoutingPolicies[i]
		if first, twice := names[p.Name]; twice {
			c.fail(p.NameAt, CodeDuplicateValue, words.Clip(p.Name)+" is used twice", fmt.Sprintf("the other one is on line %d", first.Line()))
		}
		putNew(names, p.Name, p.NameAt)
		c.uniqueNumber(numbers, p.Number, p.NumberAt)
		rules := map[int]Place{}
		for j := range p.Rules {
			c.uniqueNumber(rules, p.Rules[j].RuleNumber, p.Rules[j].NumberAt)
			c.routeAction(p, &p.Rules[j].Action)
		}
	}
}

func (c *checker) routeAction(p *RoutingPolicy, a *RouteAction) {
	const hint = "the ASNs of asn-ranges belong to the edges"
	switch a.Type {
	case RouteSummarize:
		if p.Direction == Inbound {
			c.fail(a.Place, CodeInvalidRoutingPolicy, "summarize is possible in outbound routing policies only", `set "routing-policy-direction" to "outbound", or move the rule`)
		}
	case RoutePrependASNList, RouteRemoveASNList, RouteReplaceASNList:
		for _, asn := range a.ASNs {
			if c.reserved.contains(asn) {
				c.fail(a.ValueAt, CodeInvalidRoutingPolicy, fmt.Sprintf("%d is in asn-ranges", asn), hint)
			}
		}
	case RouteAddCommunity, RouteRemoveCommunity:
		if c.reserved.contains(uint32(a.Community) >> 16) {
			c.fail(a.ValueAt, CodeInvalidRoutingPolicy, fmt.Sprintf("the ASN of %s is in asn-ranges", a.Community), hint)
		}
	}
}

func (c *checker) labelRules() {
	numbers := map[int]Place{}
	for i := range c.doc.AttachmentRoutingPolicyRules {
		rule := &c.doc.AttachmentRoutingPolicyRules[i]
		c.uniqueNumber(numbers, rule.RuleNumber, rule.NumberAt)
		c.edgeNames(rule.EdgeLocations)
		c.policies(rule.Policies)
	}
}
