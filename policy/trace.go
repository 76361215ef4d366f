package policy

import (
	"strconv"
	"strings"
)

// RuleTrace is what one rule found.
type RuleTrace struct {
	RuleNumber int
	Line       int // of the rule in the document
	Matched    bool
	Conditions []ConditionTrace // all of them, in document order
	Outcome    string           // what the rule decided, or why it decided nothing
}

// ConditionTrace is what one condition compared.
type ConditionTrace struct {
	Line  int
	Test  string // as it is written: tag-value env begins-with "prod"
	Found string // what the attachment has: "production", or "(none)"
	Held  bool
}

// Associate tries the rules by number; the first whose conditions hold decides, and no later one is tried, even when
// what it names cannot be used. A decision without a segment and group means the attachment stays unassociated. The
// trace has every rule that was tried; the last one decided, if any did.
func (p *Policy) Associate(a Attachment) Decision {
	var trace []RuleTrace
	for i := range p.rules {
		r := &p.rules[i]
		t := r.trace(&a)
		if t.Matched {
			d, why := r.decide(p, &a)
			t.Outcome = r.outcome(&a, &d, why)
			d.Trace = append(trace, t)
			return d
		}
		trace = append(trace, t)
	}
	return Decision{Trace: trace}
}

func (r *rule) trace(a *Attachment) RuleTrace {
	t := RuleTrace{RuleNumber: r.RuleNumber, Line: r.Line(), Matched: r.matches(a)}
	for i := range r.conditions {
		c, written := &r.conditions[i], &r.Conditions[i]
		t.Conditions = append(t.Conditions, ConditionTrace{Line: written.Line(), Test: written.String(), Found: c.found(a), Held: c.holds(a)})
	}
	switch {
	case t.Matched:
	case len(r.conditions) == 0:
		t.Outcome = "has no conditions and matches nothing"
	case r.Or:
		t.Outcome = "none of the conditions holds"
	default:
		t.Outcome = "not all conditions hold"
	}
	return t
}

// String is the condition in one line.
func (c *Condition) String() string {
	words := []string{c.Type}
	for _, w := range []string{c.Key, c.Operator} {
		if w != "" {
			words = append(words, w)
		}
	}
	if c.Operator != "" {
		words = append(words, strconv.Quote(c.Value))
	}
	return strings.Join(words, " ")
}

// found is what an attachment has where the condition looks.
func (c *Test) found(a *Attachment) string {
	switch c.Kind {
	case TestTagExists, TestTagValue:
		if value, ok := a.Tags[c.Key]; ok {
			return strconv.Quote(value)
		}
		return "(none)"
	case TestRegion:
		return strconv.Quote(strings.Join(a.Edges, ", "))
	case TestAttachmentType:
		return strconv.Quote(a.Type)
	case TestAccountID:
		return strconv.Quote(a.Account)
	case TestResourceID:
		return strconv.Quote(a.ResourceID)
	default:
		return ""
	}
}

// outcome is what a rule that matched did.
func (r *rule) outcome(a *Attachment, d *Decision, why refusal) string {
	name := r.Action.Segment.Name
	if r.Action.TagKey.Known() {
		name = a.Tags[r.Action.TagKey.Name]
	}
	var text string
	switch why {
	case noSuchTag:
		return "the attachment has no tag " + strconv.Quote(r.Action.TagKey.Name) + " to name its segment"
	case noSuchSegment:
		return "no segment is named " + strconv.Quote(name)
	case notAtEdge:
		return "segment " + name + " has no table at " + strings.Join(a.Edges, ", ")
	}
	if d.NetworkFunctionGroup != "" {
		text = "joins network function group " + d.NetworkFunctionGroup
	} else {
		text = "joins segment " + d.Segment
	}
	switch {
	case !d.RequireAcceptance:
		return text
	case r.Action.RequireAcceptance:
		return text + "; the rule requires acceptance"
	default:
		return text + "; acceptance is required there"
	}
}
