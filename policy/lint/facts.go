package lint

import (
	"fmt"
	"strings"

	"portolan/policy"
	"portolan/policy/internal/words"
)

// factLintRules are the rules that hold the document against the attachments that exist.
var factLintRules = []Rule{
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

func (l *linter) attachmentLeftOut() {
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

func (l *linter) attachmentWithoutRule() {
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

func (l *linter) segmentWithoutAttachments() {
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

func (l *linter) overrideForLocalAttachment() {
	l.overrideSets(func(a *policy.SegmentAction, set []policy.Named) {
		group, pair := a.Via.Groups[0].Name, policy.EdgePairs(set)[0]
		e := pair[0]
		if e == pair[1] && len(l.groupMembers[[2]string{group, e}]) > 0 {
			l.find(set[0].Place, fmt.Sprintf("network function group %s has an attachment at %s, which is used for traffic that stays there", group, e), "")
		}
	})
}
