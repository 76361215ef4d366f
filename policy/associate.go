package policy

import (
	"cmp"
	"slices"
	"strings"

	"portolan/internal/order"
)

// Types of attachments, as conditions name them.
const (
	TypeVPC                      = "vpc"
	TypeConnect                  = "connect"
	TypeSiteToSiteVPN            = "site-to-site-vpn"
	TypeDirectConnectGateway     = "direct-connect-gateway"
	TypeTransitGatewayRouteTable = "transit-gateway-route-table"
)

// AttachmentTypes is every type there is.
func AttachmentTypes() []string {
	return []string{TypeVPC, TypeConnect, TypeSiteToSiteVPN, TypeDirectConnectGateway, TypeTransitGatewayRouteTable}
}

// Attachment is an attachment as the rules see it: its own attributes, never those of the VPC behind it.
type Attachment struct {
	ID         string
	Type       string   // one of the constants above
	Edges      []string // several for a Direct Connect gateway
	Account    string   // of its owner
	ResourceID string   // vpc-…, vpn-…, tgw-rtb-…
	Tags       map[string]string
}

// Decision is where an attachment belongs, and why.
type Decision struct {
	Association
	RequireAcceptance bool
	Trace             []RuleTrace
}

// rule is an attachment policy made ready to run: names are looked up, words are numbers.
type rule struct {
	*AttachmentPolicy
	conditions []Test
	segment    *Segment // of the constant method
	group      *NetworkFunctionGroup
}

// Test is a condition made ready to run.
type Test struct {
	Kind       TestKind
	Operator   Operator
	Key, Value string
}

// TestKind is what a condition looks at.
type TestKind uint8

// What conditions look at. The zero value holds for no attachment.
const (
	TestNever TestKind = iota
	TestAny
	TestTagExists
	TestTagValue
	TestRegion
	TestAttachmentType
	TestAccountID
	TestResourceID
)

// Operator is how a condition compares.
type Operator uint8

// The operators, in the order of the words for them.
const (
	Equals Operator = iota
	NotEquals
	Contains
	BeginsWith
)

var testKinds = map[string]TestKind{
	"any": TestAny, "tag-exists": TestTagExists, "tag-name": TestTagExists, // the last two are documented in different places
	"tag-value": TestTagValue, "region": TestRegion, "attachment-type": TestAttachmentType, "account-id": TestAccountID, "resource-id": TestResourceID,
}

// Test is the condition made ready to run.
func (c *Condition) Test() Test {
	return Test{Kind: testKinds[c.Type], Operator: Operator(max(0, slices.Index(operators, c.Operator))), Key: c.Key, Value: c.Value}
}

func (c *compiler) compileRules() {
	c.AttachmentPolicies = slices.Clone(c.doc.AttachmentPolicies)
	order.Stable(c.AttachmentPolicies, func(a, b AttachmentPolicy) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
	for i := range c.AttachmentPolicies {
		p := &c.AttachmentPolicies[i]
		ready := rule{AttachmentPolicy: p, segment: c.Policy.segments[p.Action.Segment.Name], group: c.groups[p.Action.Group.Name]}
		for j := range p.Conditions {
			ready.conditions = append(ready.conditions, p.Conditions[j].Test())
		}
		c.rules = append(c.rules, ready)
	}
}

// Decide is [Policy.Associate] without a trace. It allocates nothing.
func (p *Policy) Decide(a *Attachment) Decision {
	for i := range p.rules {
		if r := &p.rules[i]; r.matches(a) {
			d, _ := r.decide(p, a)
			return d
		}
	}
	return Decision{}
}

// matches says whether the conditions of a rule hold. A rule without conditions matches nothing.
func (r *rule) matches(a *Attachment) bool {
	for i := range r.conditions {
		if r.conditions[i].holds(a) == r.Or {
			return r.Or
		}
	}
	return !r.Or && len(r.conditions) > 0
}

// refusal is why a rule that matches does not associate.
type refusal uint8

const (
	associated refusal = iota
	noSuchTag
	noSuchSegment
	notAtEdge
)

// decide is what a rule that matches does: it associates, or it cannot and the attachment stays unassociated.
func (r *rule) decide(p *Policy, a *Attachment) (Decision, refusal) {
	acceptance := r.Action.RequireAcceptance
	if r.group != nil {
		return Decision{
			Association:       Association{NetworkFunctionGroup: r.group.Name, RuleNumber: r.RuleNumber},
			RequireAcceptance: acceptance || r.group.RequireAcceptance,
		}, associated
	}
	s := r.segment
	if key := r.Action.TagKey.Name; s == nil && r.Action.TagKey.Known() {
		name, ok := a.Tags[key]
		if !ok {
			return Decision{}, noSuchTag
		}
		s = p.segments[name]
	}
	if s == nil {
		return Decision{}, noSuchSegment
	}
	for _, e := range a.Edges {
		if slices.Contains(s.Edges, e) {
			return Decision{Association: Association{Segment: s.Name, RuleNumber: r.RuleNumber}, RequireAcceptance: acceptance || s.RequireAcceptance}, associated
		}
	}
	return Decision{}, notAtEdge
}

// holds tests one attribute. A tag that is not there has no value that could differ.
func (c *Test) holds(a *Attachment) bool {
	switch c.Kind {
	case TestAny:
		return true
	case TestTagExists:
		_, ok := a.Tags[c.Key]
		return ok
	case TestTagValue:
		value, ok := a.Tags[c.Key]
		return ok && c.Compare(value)
	case TestRegion:
		for _, e := range a.Edges {
			if c.Compare(e) {
				return true
			}
		}
	case TestAttachmentType:
		return c.Compare(a.Type)
	case TestAccountID:
		return c.Compare(a.Account)
	case TestResourceID:
		return c.Compare(a.ResourceID)
	}
	return false
}

// Compare says whether a value is what the condition asks for.
func (c *Test) Compare(value string) bool {
	switch c.Operator {
	case Equals:
		return value == c.Value
	case NotEquals:
		return value != c.Value
	case Contains:
		return strings.Contains(value, c.Value)
	default:
		return strings.HasPrefix(value, c.Value)
	}
}
