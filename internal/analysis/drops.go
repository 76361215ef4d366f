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
// Prefixes with one cause are said together. A segment that isolates its attachments has none of them: that is no drop.
func dropped(s *Subject, a *routing.Attachment) []string {
	var reasons []string
	prefixes := map[string][]string{}
	seg := s.Network.Policy.Segment(a.Segment)
	if seg == nil || seg.Isolate || a.Down || s.unsettled != nil {
		return nil
	}
	left := maxExplained
	for p := range s.offers(a) {
		missing := func(edge string) bool { _, has := s.route(tableOf(a, edge), p); return !has }
		if !slices.ContainsFunc(a.Edges, missing) {
			continue
		}
		if left--; left < 0 {
			return append(said(reasons, prefixes), fmt.Sprintf("more than %d prefixes are not in segment %s", maxExplained, a.Segment))
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
	return said(reasons, prefixes)
}

// droppedOf says what drops which prefixes of a segment or an attachment before they are in its segment: "a1 10.1.0.0/16: rule 20 of …".
func droppedOf(s *Subject, name string) []string {
	var list []string
	for i := range s.Network.Attachments {
		if a := &s.Network.Attachments[i]; a.ID == name || a.Segment == name {
			for _, text := range dropped(s, a) {
				list = append(list, a.ID+" "+text)
			}
		}
	}
	return list
}

// routedTo are the prefixes of a segment or an attachment that every route table of another one has: the first maxShown, then how
// many there are at least.
func routedTo(s *Subject, from, to string) []string {
	var tables []routing.TableID
	for _, id := range s.Tables.TableIDs() {
		if a := s.attachment[from]; id.Segment != "" && (id.Segment == from || a != nil && id.Segment == a.Segment && slices.Contains(a.Edges, id.Edge)) {
			tables = append(tables, id)
		}
	}
	var list []string
	for i := range s.Network.Attachments {
		a := &s.Network.Attachments[i]
		if a.ID != to && a.Segment != to {
			continue
		}
		for p := range s.offers(a) {
			lacks := func(id routing.TableID) bool { _, has := s.route(id, p); return !has }
			if slices.Contains(list, p.String()) || slices.ContainsFunc(tables, lacks) {
				continue
			}
			if list = append(list, p.String()); len(list) > maxShown {
				list[maxShown] = "…"
				return list
			}
		}
	}
	return list
}

// maxExplained bounds the prefixes of an attachment that are looked into.
const maxExplained = 64

// said is each reason with its prefixes before it.
func said(reasons []string, prefixes map[string][]string) []string {
	var list []string
	for _, reason := range reasons {
		list = append(list, strings.Join(shortened(prefixes[reason], maxShown), ", ")+": "+reason)
	}
	return list
}

// shortened is the first of a list, and how many more there are.
func shortened(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most]), "and "+itoa(len(list)-most)+" more")
}
