package policy

import (
	"fmt"
	"strings"
)

// factLintRules are the rules that hold the document against the attachments that exist.
var factLintRules = []LintRule{
	{
		Name: "attachment-left-out", Severity: SeverityWarning, Facts: true,
		Summary: "An attachment that exists would match an attachment policy that cannot associate it.",
		Why:     "Its tag names no segment, or the segment has no table where it is. It stays unassociated, and later rules are not tried.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: (*linter).attachmentLeftOut,
	},
	{
		Name: "attachment-without-rule", Severity: SeverityNote, Facts: true,
		Summary: "An attachment that exists would match no attachment policy.",
		Why:     "It is available but belongs to no segment: it sends and learns no routes.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "no-such-tag"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    (*linter).attachmentWithoutRule,
	},
	{
		Name: "segment-without-attachments", Severity: SeverityNote, Facts: true,
		Summary: "None of the attachments that exist would be in a segment.",
		Why:     "It may be waiting for its first attachment, or its tags are misspelt.",
		Example: `{"segments": [{"name": "prod"}]}`,
		find:    (*linter).segmentWithoutAttachments,
	},
	{
		Name: "override-for-local-attachment", Severity: SeverityNote, Facts: true,
		Summary: "An override for one edge is about a network function group that has an attachment at that edge.",
		Why:     "Traffic that stays at an edge is inspected there if it can be. The override counts only when the attachment goes, or for traffic between edges that have none.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [{"edge-sets": [["eu-west-1"]], "use-edge-location": "us-east-1"}]}}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"add-to-network-function-group": "inspection"}}]}`,
		find: (*linter).overrideForLocalAttachment,
	},
}

// leftOut calls a function for every attachment that ends up nowhere, with the last rule that was tried, if it
// matched.
func (l *linter) leftOut(do func(a *Attachment, matched *RuleTrace)) {
	for i := range l.facts.Attachments {
		a := &l.facts.Attachments[i]
		if d := &l.decisions[i]; d.Segment != "" || d.NetworkFunctionGroup != "" || l.full() {
			continue
		}
		var matched *RuleTrace
		for j := range l.Policy.rules {
			if r := &l.Policy.rules[j]; r.matches(a) {
				t := r.trace(a)
				d, why := r.decide(l.Policy, a)
				t.Outcome = r.outcome(a, &d, why)
				matched = &t
				break
			}
		}
		do(a, matched)
	}
}

func (l *linter) attachmentLeftOut() {
	places := map[int]Place{}
	for i := range l.Policy.rules {
		places[l.Policy.rules[i].RuleNumber] = l.Policy.rules[i].Place
	}
	l.leftOut(func(a *Attachment, matched *RuleTrace) {
		if matched != nil {
			l.find(places[matched.RuleNumber], fmt.Sprintf("attachment %s meets rule %d and stays unassociated: %s", clip(a.ID), matched.RuleNumber, matched.Outcome), "")
		}
	})
}

func (l *linter) attachmentWithoutRule() {
	at := l.doc.Place
	if v := l.doc.node.get("attachment-policies"); v != nil {
		at = v.place()
	}
	l.leftOut(func(a *Attachment, matched *RuleTrace) {
		if matched == nil {
			l.find(at, fmt.Sprintf("attachment %s, %s at %s, meets no rule", clip(a.ID), a.Type, clip(strings.Join(a.Edges, ", "))), "")
		}
	})
}

func (l *linter) segmentWithoutAttachments() {
	filled := map[string]bool{}
	for i := range l.decisions {
		filled[l.decisions[i].Segment] = true
	}
	for i := range l.Policy.Segments {
		if s := &l.Policy.Segments[i]; !filled[s.Name] {
			l.find(s.Place.node.get("name").place(), "no attachment that exists would be in segment "+s.Name, "")
		}
	}
}

func (l *linter) overrideForLocalAttachment() {
	l.overrideSets(func(a *SegmentAction, set []Named) {
		group, e := a.Via.Groups[0].Name, set[0].Name
		if e == set[len(set)-1].Name && len(l.groupMembers[[2]string{group, e}]) > 0 {
			l.find(set[0].Place, fmt.Sprintf("network function group %s has an attachment at %s, which is used for traffic that stays there", group, e), "")
		}
	})
}
