package policy

import (
	"slices"
	"strings"
)

// Attachment is an attachment as the rules see it: its own attributes, never those of the VPC behind it.
type Attachment struct {
	ID         string
	Type       string   // vpc, connect, site-to-site-vpn, direct-connect-gateway, transit-gateway-route-table
	Edges      []string // several for a Direct Connect gateway
	Account    string   // of its owner
	ResourceID string   // vpc-…, vpn-…, tgw-rtb-…
	Tags       map[string]string
}

// Decision is where an attachment belongs, and why.
type Decision struct {
	Segment              string // or
	NetworkFunctionGroup string // or neither
	RuleNumber           int    // of the rule that decided; 0 when none matched
	RequireAcceptance    bool
	Trace                []RuleTrace
}

// RuleTrace is what one rule found.
type RuleTrace struct {
	RuleNumber int
	Line       int
	Matched    bool
	Conditions []ConditionTrace
	Outcome    string // of a rule that matched: what it decided, or why it could not
}

// ConditionTrace is what one condition compared.
type ConditionTrace struct {
	Line  int
	Test  string // "tag env begins-with prod"
	Found string // what the attachment has
	Held  bool
}

// Associate tries the rules by number; the first whose conditions hold decides, and no later one is tried, even when
// what it names cannot be used. A decision without a segment and group means the attachment stays unassociated.
func (p *Policy) Associate(a Attachment) Decision {
	var d Decision
	for i := range p.rules {
		rule := &p.rules[i]
		trace := RuleTrace{RuleNumber: rule.RuleNumber, Line: rule.Line, Matched: len(rule.Conditions) > 0 && !rule.Or}
		for _, c := range rule.Conditions {
			t := c.test(&a)
			trace.Conditions = append(trace.Conditions, t)
			if rule.Or {
				trace.Matched = trace.Matched || t.Held
			} else {
				trace.Matched = trace.Matched && t.Held
			}
		}
		if trace.Matched {
			p.apply(rule, &a, &d, &trace)
			d.Trace = append(d.Trace, trace)
			return d
		}
		d.Trace = append(d.Trace, trace)
	}
	return d
}

// apply carries out a rule that matched.
func (p *Policy) apply(rule *AttachmentPolicy, a *Attachment, d *Decision, trace *RuleTrace) {
	action := &rule.Action
	if group, ok := p.groups[action.Group.Name]; ok && action.Group.Path != "" {
		d.NetworkFunctionGroup, d.RuleNumber = group.Name, rule.RuleNumber
		d.RequireAcceptance = group.RequireAcceptance || action.RequireAcceptance
		trace.Outcome = "joins network function group " + group.Name
		return
	}
	name := action.Segment.Name
	if action.TagKey != "" {
		name = a.Tags[action.TagKey]
	}
	segment, ok := p.segments[name]
	switch {
	case !ok:
		trace.Outcome = "no segment is named " + quoted(name)
		return
	case !slices.ContainsFunc(a.Edges, func(e string) bool { return slices.Contains(segment.Edges, e) }):
		trace.Outcome = "segment " + name + " is not at " + strings.Join(a.Edges, ", ")
		return
	}
	d.Segment, d.RuleNumber = name, rule.RuleNumber
	d.RequireAcceptance = segment.RequireAcceptance || action.RequireAcceptance
	trace.Outcome = "joins segment " + name
}

// test compares one attribute.
func (c *Condition) test(a *Attachment) ConditionTrace {
	t := ConditionTrace{Line: c.Line, Test: strings.Join(strings.Fields(c.Type+" "+c.Key+" "+c.Operator+" "+c.Value), " ")}
	switch c.Type {
	case "any":
		t.Held = true
	case "tag-exists", "tag-name": // documented in different places for the same
		t.Found, t.Held = a.Tags[c.Key], false
		_, t.Held = a.Tags[c.Key]
	case "tag-value":
		value, ok := a.Tags[c.Key]
		t.Found = value
		t.Held = ok && c.holds(value) // an absent tag has no value that could differ
	case "region":
		t.Found = strings.Join(a.Edges, ", ")
		t.Held = slices.ContainsFunc(a.Edges, c.holds)
	case "attachment-type":
		t.Found, t.Held = a.Type, c.holds(a.Type)
	case "account-id":
		t.Found, t.Held = a.Account, c.holds(a.Account)
	case "resource-id":
		t.Found, t.Held = a.ResourceID, c.holds(a.ResourceID)
	}
	return t
}

func (c *Condition) holds(value string) bool {
	switch c.Operator {
	case "equals":
		return value == c.Value
	case "not-equals":
		return value != c.Value
	case "contains":
		return strings.Contains(value, c.Value)
	case "begins-with":
		return strings.HasPrefix(value, c.Value)
	default:
		return false
	}
}

func quoted(s string) string { return `"` + s + `"` }
