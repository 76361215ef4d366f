package policy

import (
	"cmp"
	"slices"

	"portolan/internal/order"
)

func (c *compiler) compileRouting() {
	for i := range c.doc.RoutingPolicies {
		p := c.doc.RoutingPolicies[i]
		p.Rules = slices.Clone(p.Rules)
		order.Stable(p.Rules, func(a, b RoutingRule) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
		putNew(c.routing, p.Name, &p)
		c.RoutingPoliciesByNumber = append(c.RoutingPoliciesByNumber, &p)
	}
	c.RoutingPoliciesByNumber = byNumber(c.RoutingPoliciesByNumber)
	c.AttachmentRoutingPolicyRules = slices.Clone(c.doc.AttachmentRoutingPolicyRules)
	order.Stable(c.AttachmentRoutingPolicyRules, func(a, b AttachmentRoutingPolicyRule) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
	for _, rule := range c.AttachmentRoutingPolicyRules {
		ready := labelRule{number: rule.RuleNumber, description: rule.Description, at: rule.Place}
		for _, e := range rule.EdgeLocations {
			ready.edges = append(ready.edges, e.Name)
		}
		in, out := c.directed(rule.Policies)
		ready.policies = byNumber(append(in, out...))
		seen := map[string]bool{}
		for _, l := range rule.Labels {
			if !seen[l.Name] {
				c.labels[l.Name] = append(c.labels[l.Name], ready)
			}
			seen[l.Name] = true
		}
	}
}

// labelRule is a rule as it is found by one of its labels.
type labelRule struct {
	number      int
	description string
	at          Place
	edges       []string // nil: everywhere
	policies    []*RoutingPolicy
}

// RoutingPolicies is the routing policies of an attachment by its label, in the order in which they run, and the place of
// the rule that gives them. edge is the edge of a Direct Connect gateway attachment that is asked about, and "" for any
// other attachment: only the former are restricted by a rule's edge locations. The first rule that fits counts; without
// one there are no policies and the place is not known.
func (p *Policy) RoutingPolicies(label, edge string) ([]*RoutingPolicy, Place) {
	if label == "" {
		return nil, Place{}
	}
	for _, rule := range p.labels[label] {
		if edge == "" || rule.edges == nil || slices.Contains(rule.edges, edge) {
			return rule.policies, rule.at
		}
	}
	return nil, Place{}
}
