package lint

import (
	"fmt"
	"slices"
	"strings"

	"portolan/internal/words"
	"portolan/policy"
)

// factLintRules are the rules that hold the document against the attachments that exist.
var factLintRules = []Rule{
	{
		Name: "attachment-left-out", Severity: SeverityWarning, Facts: true,
		Summary: "An attachment that exists would match an attachment policy that cannot associate it.",
		Why:     "Its tag names no segment, or the segment has no table where it is. It stays unassociated, and later rules are not tried.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: attachmentLeftOut,
	},
	{
		Name: "attachment-without-rule", Severity: SeverityNote, Facts: true,
		Summary: "An attachment that exists would match no attachment policy.",
		Why:     "It is available but belongs to no segment: it sends and learns no routes.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "no-such-tag"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    attachmentWithoutRule,
	},
	{
		Name: "segment-without-attachments", Severity: SeverityNote, Facts: true,
		Summary: "None of the attachments that exist would be in a segment.",
		Why:     "It may be waiting for its first attachment, or its tags are misspelt.",
		Example: `{"segments": [{"name": "prod"}]}`,
		find:    segmentWithoutAttachments,
	},
	{
		Name: "override-for-local-attachment", Severity: SeverityNote, Facts: true,
		Summary: "An override for one edge is about a network function group that has an attachment at that edge.",
		Why:     "Traffic that stays at an edge is inspected there if it can be. The override counts only when the attachment goes, or for traffic between edges that have none.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [{"edge-sets": [["eu-west-1"]], "use-edge-location": "us-east-1"}]}}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"add-to-network-function-group": "inspection"}}]}`,
		find: overrideForLocalAttachment,
	},
	{
		Name: "routing-rule-without-effect", Severity: SeverityError, Facts: true,
		Summary: "An attachment has the label of a routing policy with a rule that has no effect on attachments of its type.",
		Why:     "Communities exist on VPN and Connect attachments only: elsewhere no route has one, and none can be added or removed. On VPC attachments allow and drop are the only actions.",
		Example: `{"attachment-routing-policy-rules": [{"rule-number": 10, "conditions": [{"type": "routing-policy-label", "value": "spoke"}], "action": {"associate-routing-policies": ["prefer"]}}],
 "routing-policies": [{"routing-policy-name": "prefer", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
  {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.0.0.0/16"}], "action": {"type": "set-med", "value": 50}}}]}]}`,
		find: routingRuleWithoutEffect,
	},
}

// leftOut calls a function for every attachment that no rule associates, with the rule that matched it, if one did.
func (l *linter) leftOut(do func(a *policy.Attachment, matched *policy.RuleTrace)) {
	for i := range l.placed {
		a := &l.placed[i]
		if a.Out || a.Fixed || a.FullGroup != "" || a.Proposal != nil || !a.Next.Same(policy.Association{}) || l.full() {
			continue
		}
		var matched *policy.RuleTrace
		if trace := l.Associate(a.Attachment).Trace; len(trace) > 0 && trace[len(trace)-1].Matched {
			matched = &trace[len(trace)-1]
		}
		do(&a.Attachment, matched)
	}
}

func attachmentLeftOut(l *linter) {
	places := map[int]policy.Place{}
	for i := range l.AttachmentPolicies {
		places[l.AttachmentPolicies[i].RuleNumber] = l.AttachmentPolicies[i].Place
	}
	l.leftOut(func(a *policy.Attachment, matched *policy.RuleTrace) {
		if matched != nil {
			l.find(places[matched.RuleNumber], fmt.Sprintf("attachment %s meets rule %d and stays unassociated: %s", words.Clip(a.ID), matched.RuleNumber, matched.Outcome), "")
		}
	})
}

func attachmentWithoutRule(l *linter) {
	at := l.doc.Place
	if v := l.doc.Member("attachment-policies"); v.Known() {
		at = v
	}
	l.leftOut(func(a *policy.Attachment, matched *policy.RuleTrace) {
		if matched == nil {
			l.find(at, fmt.Sprintf("attachment %s, %s at %s, meets no rule", words.Clip(a.ID), a.Type, words.Clip(strings.Join(a.Edges, ", "))), "")
		}
	})
}

func segmentWithoutAttachments(l *linter) {
	filled := map[string]bool{}
	for i := range l.placed {
		if a := &l.placed[i]; !a.Out && !a.Fixed {
			filled[a.Next.Segment] = true
		}
	}
	for i := range l.Policy.Segments {
		if s := &l.Policy.Segments[i]; !filled[s.Name] {
			l.find(s.Place.Member("name"), "no attachment that exists would be in segment "+s.Name, "")
		}
	}
}

func overrideForLocalAttachment(l *linter) {
	l.overrideSets(func(a *policy.SegmentAction, set []policy.Named) {
		group, pair := a.Via.Groups[0].Name, policy.EdgePairs(set)[0]
		e := pair[0]
		if e == pair[1] && len(l.groupMembers[[2]string{group, e}]) > 0 {
			l.find(set[0].Place, fmt.Sprintf("network function group %s has an attachment at %s, which is used for traffic that stays there", group, e), "")
		}
	})
}

// routingRuleWithoutEffect finds a place once, with all types of attachments that have its label.
func routingRuleWithoutEffect(l *linter) {
	type cause struct {
		at      policy.Place
		what    string
		types   []string
		example string
	}
	var causes []*cause
	known := map[int]*cause{} // by the offset of the place
	for i := range l.facts.Attachments {
		a := &l.facts.Attachments[i]
		find := func(at policy.Place, what string) {
			c := known[at.Offset()]
			if c == nil {
				c = &cause{at: at, what: what, example: fmt.Sprintf("%s has label %s", words.Clip(a.ID), words.Clip(a.Label))}
				known[at.Offset()], causes = c, append(causes, c)
			}
			if !slices.Contains(c.types, a.Type) {
				c.types = append(c.types, a.Type)
			}
		}
		for _, e := range a.Edges {
			policies, _ := l.Policy.RoutingPolicies(a.Label, e)
			for _, p := range policies {
				for j := range p.Rules {
					withoutEffect(a.Type, &p.Rules[j], find)
				}
			}
		}
	}
	for _, c := range causes {
		l.find(c.at, fmt.Sprintf("%s on %s attachments, and %s", c.what, listed(c.types), c.example), "")
	}
}

// withoutEffect calls a function for what has no effect in a routing rule on attachments of a type.
func withoutEffect(kind string, r *policy.RoutingRule, find func(at policy.Place, what string)) {
	communities := kind == policy.TypeSiteToSiteVPN || kind == policy.TypeConnect
	changesCommunity := r.Action.Type == policy.RouteAddCommunity || r.Action.Type == policy.RouteRemoveCommunity
	if !communities && changesCommunity || kind == policy.TypeVPC && !final(r) {
		find(r.Action.Place, "the action "+r.Action.Type+" has no effect")
	}
	for i := range r.Matches {
		if m := &r.Matches[i]; !communities && m.Type == policy.MatchCommunityInList {
			find(m.Place, "no route has a community")
		}
	}
}
