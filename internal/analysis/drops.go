package analysis

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/policy"
	"portolan/routing"
)

// drop is what keeps a prefix that an attachment announces out of the route tables of its segment.
type drop struct {
	rule   *policy.RoutingRule // that says so; nil: another cause
	place  policy.Place        // of the statement of the policy, where one is to blame
	reason string              // "rule 20 of routing policy branchFilter (inbound, policy line 103) drops it: prefix-in-cidr 172.31.0.0/16"
}

// dropOf says what keeps a prefix that an attachment announces out of the table of its segment, at the first of its edges that
// refuses it; nil: nothing does.
func dropOf(s *Subject, a *routing.Attachment, p netip.Prefix) *drop {
	for _, edge := range a.Edges {
		table, ok := s.Tables.Table(tableOf(a, edge))
		if !ok {
			return &drop{reason: fmt.Sprintf("segment %s has no route table at %s", a.Segment, edge)}
		}
		x := table.Explain(p)
		for i := range x.Candidates {
			if c := &x.Candidates[i]; c.Origin.Attachment == a.ID && c.Verdict.Outcome == routing.Filtered {
				return dropAt(s, &c.Steps[c.Verdict.Step], c.Verdict.Detail)
			}
		}
	}
	return nil
}

// dropAt is the drop of a step.
func dropAt(s *Subject, step *routing.Step, detail string) *drop {
	p, rule := routingRule(s, step)
	if rule == nil {
		return &drop{place: step.Place, reason: fmt.Sprintf("%s at %s in segment %s: %s", step.Kind, step.Edge, step.Segment, cmp.Or(step.Detail, detail))}
	}
	d := &drop{place: step.Place, reason: ruleText(p, rule) + " drops it: " + matchesText(rule)}
	if step.Action == policy.RouteDrop {
		d.rule = rule
	}
	return d
}

// routingRule finds the rule of a routing policy that a step names, nil when it names none.
func routingRule(s *Subject, step *routing.Step) (*policy.RoutingPolicy, *policy.RoutingRule) {
	for _, p := range s.Network.Policy.RoutingPoliciesByNumber {
		for i := range p.Rules {
			if p.Name == step.Policy && p.Rules[i].RuleNumber == step.RuleNumber {
				return p, &p.Rules[i]
			}
		}
	}
	return nil, nil
}

// ruleText names a rule of a routing policy: "rule 20 of routing policy branchFilter (inbound, policy line 103)".
func ruleText(p *policy.RoutingPolicy, r *policy.RoutingRule) string {
	text := fmt.Sprintf("rule %d of routing policy %s (%s", r.RuleNumber, p.Name, p.Direction)
	if line := r.Line(); line > 1 {
		text += fmt.Sprintf(", policy line %d", line)
	}
	return text + ")"
}

// notImported reports a prefix that an attachment announces and no route table has. What a rule drops is meant: it is a note,
// and one finding for each rule.
func (d *doctor) notImported(a *routing.Attachment, p netip.Prefix) {
	x := Instance{Prefix: p, Subjects: []string{a.ID}}
	why := dropOf(d.Subject, a, p)
	switch {
	case why == nil:
		x.Message = fmt.Sprintf("attachment %s announces %s, but no route table imports it", a.ID, p)
		d.add(CheckNotImported, a.Segment, x)
	case why.rule != nil:
		x.Place, x.Message = why.place, fmt.Sprintf("attachment %s announces %s, but %s", a.ID, p, why.reason)
		d.add(CheckDropped, why.reason, x)
	default:
		x.Place, x.Message = why.place, fmt.Sprintf("attachment %s announces %s, but no route table imports it: %s", a.ID, p, why.reason)
		d.add(CheckNotImported, why.reason, x)
	}
}

// dropped are the prefixes of an attachment that its segment does not have, each with why: "172.31.0.0/24: rule 20 of …".
// Prefixes with one cause are said together.
func (s *Subject) dropped(a *routing.Attachment) []string {
	var reasons []string
	prefixes := map[string][]string{}
	for p := range s.offers(a) {
		missing := func(edge string) bool { _, has := s.route(tableOf(a, edge), p); return !has }
		if a.Segment == "" || a.Down || !slices.ContainsFunc(a.Edges, missing) {
			continue
		}
		why := dropOf(s, a, p)
		if why == nil {
			continue
		}
		if prefixes[why.reason] == nil {
			reasons = append(reasons, why.reason)
		}
		if !slices.Contains(prefixes[why.reason], p.String()) {
			prefixes[why.reason] = append(prefixes[why.reason], p.String())
		}
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(shortened(prefixes[reason], maxShown), ", ") + ": " + reason
	}
	return reasons
}

// shortened is the first of a list, and how many more there are.
func shortened(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most]), "and "+itoa(len(list)-most)+" more")
}
