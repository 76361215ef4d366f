package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Types of attachments, as conditions name them.
const (
	TypeVPC                      = "vpc"
	TypeConnect                  = "connect"
	TypeSiteToSiteVPN            = "site-to-site-vpn"
	TypeDirectConnectGateway     = "direct-connect-gateway"
	TypeTransitGatewayRouteTable = "transit-gateway-route-table"
)

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
	conditions []condition
	segment    *Segment // of the constant method
	group      *NetworkFunctionGroup
}

type condition struct {
	kind       conditionKind
	operator   operator
	key, value string
}

type (
	conditionKind uint8
	operator      uint8
)

const (
	never conditionKind = iota
	always
	tagExists
	tagValue
	region
	attachmentType
	accountID
	resourceID
)

const (
	equals operator = iota
	notEquals
	contains
	beginsWith
)

var conditionKinds = map[string]conditionKind{
	"any": always, "tag-exists": tagExists, "tag-name": tagExists, // the last two are documented in different places
	"tag-value": tagValue, "region": region, "attachment-type": attachmentType, "account-id": accountID, "resource-id": resourceID,
}

func (c *compiler) compileRules() {
	c.AttachmentPolicies = slices.Clone(c.doc.AttachmentPolicies)
	slices.SortStableFunc(c.AttachmentPolicies, func(a, b AttachmentPolicy) int { return cmp.Compare(a.RuleNumber, b.RuleNumber) })
	for i := range c.AttachmentPolicies {
		p := &c.AttachmentPolicies[i]
		ready := rule{AttachmentPolicy: p, segment: c.Policy.segments[p.Action.Segment.Name], group: c.groups[p.Action.Group.Name]}
		for _, written := range p.Conditions {
			ready.conditions = append(ready.conditions, condition{
				kind: conditionKinds[written.Type], operator: operator(max(0, slices.Index(operators, written.Operator))), key: written.Key, value: written.Value,
			})
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
func (c *condition) holds(a *Attachment) bool {
	switch c.kind {
	case always:
		return true
	case tagExists:
		_, ok := a.Tags[c.key]
		return ok
	case tagValue:
		value, ok := a.Tags[c.key]
		return ok && c.compare(value)
	case region:
		for _, e := range a.Edges {
			if c.compare(e) {
				return true
			}
		}
	case attachmentType:
		return c.compare(a.Type)
	case accountID:
		return c.compare(a.Account)
	case resourceID:
		return c.compare(a.ResourceID)
	}
	return false
}

func (c *condition) compare(value string) bool {
	switch c.operator {
	case equals:
		return value == c.value
	case notEquals:
		return value != c.value
	case contains:
		return strings.Contains(value, c.value)
	default:
		return strings.HasPrefix(value, c.value)
	}
}
