package lint

import (
	"fmt"
	"slices"
	"strings"

	"portolan/internal/words"
	"portolan/policy"
)

// attachmentLintRules are the rules about attachment policies: which attachments they can match, and what becomes of those.
var attachmentLintRules = []Rule{
	{
		Name: "rule-without-conditions", Severity: SeverityError,
		Summary: "An attachment policy has an empty list of conditions.",
		Why:     "No attachment meets a rule without conditions, so the rule does nothing. A rule for every attachment has the condition any.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    ruleWithoutConditions,
	},
	{
		Name: "attachment-type-unknown", Severity: SeverityError,
		Summary: "A condition compares the attachment type with something that no type fits.",
		Why:     "The service takes any text here and matches nothing with it. The old examples that say vpn mean site-to-site-vpn.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "attachment-type", "operator": "equals", "value": "vpn"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    func(l *linter) { l.termsThatNeverHold(policy.TestAttachmentType) },
	},
	{
		Name: "region-without-edge", Severity: SeverityError,
		Summary: "A condition compares the Region with something that no edge location fits.",
		Why:     "Attachments are at edge locations only, so the condition never holds. Often the edge was renamed or never added.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "region", "operator": "begins-with", "value": "ap-"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    func(l *linter) { l.termsThatNeverHold(policy.TestRegion) },
	},
	{
		Name: "account-not-an-id", Severity: SeverityError,
		Summary: "A condition compares the account with something that no account identifier fits.",
		Why:     "Accounts are compared by their 12 digits: names, ARNs, hyphens and numbers that lost their leading zeros never match.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "account-id", "operator": "equals", "value": "1111-2222-3333"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    func(l *linter) { l.termsThatNeverHold(policy.TestAccountID) },
	},
	{
		Name: "resource-not-an-id", Severity: SeverityError,
		Summary: "A condition compares the resource with something that no resource identifier fits.",
		Why:     "Only the last part of the resource's ARN is compared, vpc-0123456789abcdef0 for example. A whole ARN never matches.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "resource-id", "operator": "begins-with", "value": "arn:aws:ec2:"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    func(l *linter) { l.termsThatNeverHold(policy.TestResourceID) },
	},
	{
		Name: "rule-contradicts-itself", Severity: SeverityError,
		Summary: "Two conditions of an attachment policy that asks for both exclude each other.",
		Why:     "With condition-logic and, all conditions must hold for one attachment, and an attachment has one type, one account and one value of a tag. The rule matches nothing.",
		Example: `{"attachment-policies": [{"rule-number": 100, "condition-logic": "and", "conditions": [
  {"type": "tag-value", "operator": "equals", "key": "env", "value": "prod"},
  {"type": "tag-value", "operator": "equals", "key": "env", "value": "dev"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: ruleContradictsItself,
	},
	{
		Name: "condition-redundant", Severity: SeverityNote,
		Summary: "A condition changes nothing about which attachments an attachment policy matches.",
		Why:     "It always holds, or another condition of the rule says the same and more. Readers will think it restricts something.",
		Example: `{"attachment-policies": [{"rule-number": 100, "condition-logic": "or", "conditions": [
  {"type": "any"},
  {"type": "tag-exists", "key": "env"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: conditionRedundant,
	},
	{
		Name: "rule-shadowed", Severity: SeverityError,
		Summary: "Every attachment that an attachment policy could match is taken by rules with lower numbers.",
		Why:     "The first rule that matches ends the search, whatever comes of it. A rule behind a wider one never runs.",
		Example: `{"attachment-policies": [
  {"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "env"}], "action": {"association-method": "tag", "tag-value-of-key": "env"}},
  {"rule-number": 200, "conditions": [{"type": "tag-value", "operator": "equals", "key": "env", "value": "prod"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: ruleShadowed,
	},
	{
		Name: "rules-out-of-order", Severity: SeverityNote,
		Summary: "Attachment policies are not written in the order of their numbers.",
		Why:     "Rules run by number, not by place. A document in another order is read wrongly sooner or later.",
		Example: `{"attachment-policies": [
  {"rule-number": 200, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}},
  {"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "env"}], "action": {"association-method": "tag", "tag-value-of-key": "env"}}]}`,
		find: rulesOutOfOrder,
	},
	{
		Name: "tag-value-names-no-segment", Severity: SeverityError,
		Summary: "An attachment policy takes the segment from a tag and asks for a value that names none.",
		Why:     "The attachment matches, its tag names no segment, and it stays unassociated: later rules are not tried. A tag can name segments, not network function groups, and case counts.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-value", "operator": "equals", "key": "domain", "value": "Prod"}], "action": {"association-method": "tag", "tag-value-of-key": "domain"}}]}`,
		find:    tagValueNamesNoSegment,
	},
	{
		Name: "tag-not-required", Severity: SeverityWarning,
		Summary: "An attachment policy takes the segment from a tag but matches attachments without it.",
		Why:     "An attachment without the tag matches, has no segment, stays unassociated, and no later rule is tried. A condition tag-exists on the same key lets it pass on.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "attachment-type", "operator": "equals", "value": "vpc"}], "action": {"association-method": "tag", "tag-value-of-key": "domain"}}]}`,
		find:    tagNotRequired,
	},
	{
		Name: "tag-keys-differ-in-case", Severity: SeverityWarning,
		Summary: "Two tag keys in the attachment policies differ in nothing but case.",
		Why:     "Keys of tags are compared with case: env and Env are two tags, and attachments carry one of them.",
		Example: `{"attachment-policies": [
  {"rule-number": 100, "conditions": [{"type": "tag-value", "operator": "equals", "key": "env", "value": "prod"}], "action": {"association-method": "constant", "segment": "prod"}},
  {"rule-number": 200, "conditions": [{"type": "tag-exists", "key": "Env"}], "action": {"association-method": "tag", "tag-value-of-key": "Env"}}]}`,
		find: tagKeysDifferInCase,
	},
	{
		Name: "rule-segment-at-none-of-its-edges", Severity: SeverityError,
		Summary: "An attachment policy matches attachments only at edge locations where its segment has no table.",
		Why:     "Every attachment it matches stays unassociated, and later rules are not tried.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "region", "operator": "equals", "value": "eu-west-1"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: func(l *linter) { l.ruleAgainstEdges(false) },
	},
	{
		Name: "rule-segment-not-at-all-its-edges", Severity: SeverityWarning,
		Summary: "An attachment policy also matches attachments at edge locations where its segment has no table.",
		Why:     "Attachments there match, stay unassociated, and no later rule is tried. A condition on the Region lets them pass on.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "prod"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: func(l *linter) { l.ruleAgainstEdges(true) },
	},
	{
		Name: "acceptance-redundant", Severity: SeverityNote,
		Summary: "An attachment policy requires acceptance where its segment or network function group does anyway.",
		Why:     "A rule can only add the need for acceptance. Readers will think that other rules for the same segment do without.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod", "require-acceptance": true}}]}`,
		find:    acceptanceRedundant,
	},
	{
		Name: "rule-admits-anyone", Severity: SeverityWarning,
		Summary: "An attachment policy takes every attachment, from any account, without acceptance.",
		Why:     "Whoever the core network is shared with attaches what they like and routes it at once. Ask for a tag or an account, or require acceptance.",
		Example: `{"segments": [{"name": "prod", "require-attachment-acceptance": false}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: ruleAdmitsAnyone,
	},
}

func ruleWithoutConditions(l *linter) {
	for i := range l.linted {
		if r := &l.linted[i]; len(r.terms) == 0 {
			l.find(r.Place, fmt.Sprintf("rule %d has no conditions and matches nothing", r.RuleNumber), `for every attachment write {"type": "any"}`)
		}
	}
}

func (l *linter) termsThatNeverHold(kind policy.TestKind) {
	for i := range l.linted {
		for j := range l.linted[i].terms {
			t := &l.linted[i].terms[j]
			if t.Kind != kind || !t.none {
				continue
			}
			value := words.Clip(t.Value)
			switch kind {
			case policy.TestAttachmentType:
				hint := "the types are " + strings.Join(attachmentTypes, ", ")
				if t.Value == "vpn" {
					hint = "did you mean site-to-site-vpn?"
				}
				l.find(t.at, "no attachment has a type that "+t.test()+" "+value, hint)
			case policy.TestRegion:
				hint := words.DidYouMean(t.Value, l.locations[:min(len(l.locations), words.MaxSuggestions)])
				if hint == "" {
					hint = "the edges are those of core-network-configuration.edge-locations"
				}
				l.find(t.at, "no edge location "+t.test()+" "+value, hint)
			case policy.TestAccountID:
				l.find(t.at, "no account identifier "+t.test()+" "+value, "an account identifier has 12 digits and nothing else")
			case policy.TestResourceID:
				l.find(t.at, "no resource identifier "+t.test()+" "+value, "such as vpc-0123456789abcdef0, without the ARN around it")
			}
		}
	}
}

// test is the operator as a verb.
func (t *term) test() string {
	switch t.Operator {
	case policy.Equals:
		return "equals"
	case policy.Contains:
		return "contains"
	case policy.BeginsWith:
		return "begins with"
	default:
		return "differs from"
	}
}

func ruleContradictsItself(l *linter) {
	w := work{maxWork}
	for i := range l.linted {
		r := &l.linted[i]
		if r.Or || slices.ContainsFunc(r.terms, func(t term) bool { return t.none }) {
			continue
		}
		if first, second := branch(r.terms).conflict(&w); first != nil {
			l.find(second.at, fmt.Sprintf("can never hold together with the condition on line %d, so rule %d matches nothing", first.at.Line(), r.RuleNumber), `for either of them write "condition-logic": "or"`)
		}
	}
}

func conditionRedundant(l *linter) {
	w := work{maxWork}
	for i := range l.linted {
		r := &l.linted[i]
		for j := range r.terms {
			t := &r.terms[j]
			switch other := r.redundant(j, &w); {
			case t.sure && t.Kind == policy.TestRegion && t.Value != "": // there may be other edges one day
			case t.Kind != policy.TestAny && t.sure:
				l.find(t.at, "holds for every attachment", "")
			case other != nil:
				l.find(t.at, fmt.Sprintf("makes no difference beside the condition on line %d", other.at.Line()), "")
			}
		}
	}
}

// redundant finds the condition beside which another makes no difference. Of two that say the same, the later is too
// much.
func (r *lintedRule) redundant(j int, w *work) *term {
	t := &r.terms[j]
	if t.none {
		return nil
	}
	for k := range r.terms {
		other := &r.terms[k]
		if k == j || other.none || !w.spend(t, other) {
			continue
		}
		stronger, weaker := other, t // all must hold: what another implies adds nothing
		if r.Or {
			stronger, weaker = t, other // any may hold: what implies another adds nothing
		}
		if stronger.implies(weaker) && (k < j || !weaker.implies(stronger)) {
			return other
		}
	}
	return nil
}

func ruleShadowed(l *linter) {
	w := work{maxWork}
	for i := range l.linted {
		r := &l.linted[i]
		var by []int
		for _, b := range r.branches {
			earlier := l.coveredBefore(b, i, &w)
			if earlier < 0 {
				by = nil
				break
			}
			if !slices.Contains(by, earlier) && len(by) <= 3 {
				by = append(by, earlier)
			}
		}
		if len(by) == 0 {
			continue
		}
		slices.Sort(by)
		var names []string
		for _, k := range by {
			names = append(names, fmt.Sprintf("rule %d on line %d", l.linted[k].RuleNumber, l.linted[k].Line()))
		}
		l.find(r.Place, fmt.Sprintf("rule %d never runs: what it matches is taken by %s", r.RuleNumber, strings.Join(names, ", ")), "give it a lower number, or narrow the other")
	}
}

func rulesOutOfOrder(l *linter) {
	last := &policy.AttachmentPolicy{}
	for i := range l.doc.AttachmentPolicies {
		p := &l.doc.AttachmentPolicies[i]
		if p.RuleNumber < last.RuleNumber {
			l.find(p.NumberAt, fmt.Sprintf("rule %d stands after rule %d but runs before it", p.RuleNumber, last.RuleNumber), "sort the rules by number")
			return
		}
		last = p
	}
}

func tagValueNamesNoSegment(l *linter) {
	w := work{maxWork}
	for i := range l.linted {
		r := &l.linted[i]
		key := r.Action.TagKey.Name
		if !r.Action.TagKey.Known() {
			continue
		}
		for j := range r.terms {
			t := &r.terms[j]
			if t.Kind != policy.TestTagValue || t.Key != key || t.Operator == policy.NotEquals || !l.spendSegments(&w, t) ||
				slices.ContainsFunc(l.Policy.Segments, func(s policy.Segment) bool { return t.Compare(s.Name) }) {
				continue
			}
			message, hint := fmt.Sprintf("no segment has a name that %s %s", t.test(), words.Clip(t.Value)), words.DidYouMean(t.Value, words.Keys(l.index))
			if t.Operator == policy.Equals {
				message = "no segment is named " + words.Clip(t.Value)
				if l.NetworkFunctionGroup(t.Value) != nil {
					message, hint = words.Clip(t.Value)+" is a network function group, not a segment", `write "add-to-network-function-group" in the action`
				}
			}
			l.find(t.at, message, hint)
		}
	}
}

// spendSegments says whether there is time left to compare a term with every segment.
func (l *linter) spendSegments(w *work, t *term) bool {
	for range l.Policy.Segments {
		if !w.spend(t, t) {
			return false
		}
	}
	return true
}

func tagNotRequired(l *linter) {
	for i := range l.linted {
		r := &l.linted[i]
		key := r.Action.TagKey
		if key.Known() && slices.ContainsFunc(r.branches, func(b branch) bool { return !b.requiresTag(key.Name) }) {
			l.find(key.Place, fmt.Sprintf("rule %d also matches attachments without the tag %s, which then stay unassociated", r.RuleNumber, words.Clip(key.Name)),
				`add the condition {"type": "tag-exists"} on this key, with "condition-logic": "and"`)
		}
	}
}

func tagKeysDifferInCase(l *linter) {
	first := map[string]policy.Named{}
	look := func(key string, at policy.Place) {
		folded := strings.ToLower(key)
		other, seen := first[folded]
		if !seen {
			first[folded] = policy.Named{Place: at, Name: key}
		} else if other.Name != key {
			l.find(at, fmt.Sprintf("%s is another tag than %s on line %d", words.Clip(key), words.Clip(other.Name), other.Line()), "")
		}
	}
	for i := range l.doc.AttachmentPolicies {
		p := &l.doc.AttachmentPolicies[i]
		for _, c := range p.Conditions {
			if c.Key != "" {
				look(c.Key, c.Place)
			}
		}
		if p.Action.TagKey.Known() {
			look(p.Action.TagKey.Name, p.Action.TagKey.Place)
		}
	}
}

// ruleAgainstEdges compares the Regions that a rule permits with those where its segment is. Attachments of several
// edges are joined at those they share with the segment, so only rules about others are hopeless.
func (l *linter) ruleAgainstEdges(some bool) {
	if len(l.locations) > maxSet {
		return
	}
	for i := range l.linted {
		r := &l.linted[i]
		if r.segment == nil || len(r.segment.Edges) == len(l.locations) || len(r.branches) == 0 {
			continue
		}
		var at, missing []string
		for number, e := range l.locations {
			switch {
			case !slices.ContainsFunc(r.branches, func(b branch) bool { return b.permitsEdge(number) }):
			case r.segment.HasEdge(e):
				at = append(at, e)
			default:
				missing = append(missing, e)
			}
		}
		if len(missing) == 0 || some != (len(at) > 0) {
			continue
		}
		l.find(r.Action.Segment.Place, fmt.Sprintf("attachments at %s that meet rule %d stay unassociated, because segment %s has no table there",
			listed(missing), r.RuleNumber, words.Clip(r.segment.Name)), "add the edge location to the segment, or a condition on the Region to the rule")
	}
}

func (b branch) permitsEdge(number int) bool {
	return !slices.ContainsFunc(b, func(t term) bool { return t.Kind == policy.TestRegion && t.set&(1<<number) == 0 })
}

// listed is names with commas in between, not too many of them.
func listed(names []string) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

func acceptanceRedundant(l *linter) {
	for i := range l.linted {
		r := &l.linted[i]
		at := r.Action.Member("require-acceptance")
		switch {
		case !at.Known():
		case r.segment != nil && r.segment.RequireAcceptance:
			l.find(at, "segment "+words.Clip(r.segment.Name)+" requires acceptance anyway", "")
		case r.group != nil && r.group.RequireAcceptance:
			l.find(at, "network function group "+words.Clip(r.group.Name)+" requires acceptance anyway", "")
		}
	}
}

func ruleAdmitsAnyone(l *linter) {
	for i := range l.linted {
		r := &l.linted[i]
		open := r.segment != nil && !r.segment.RequireAcceptance || r.group != nil && !r.group.RequireAcceptance
		if !open || r.Action.RequireAcceptance {
			continue
		}
		if r.takesAll() {
			l.find(r.Place, fmt.Sprintf("rule %d takes every attachment of every account without acceptance", r.RuleNumber), `add "require-acceptance": true to the action, or a condition`)
		}
	}
}

// takesAll says whether a rule matches every attachment.
func (r *lintedRule) takesAll() bool {
	return slices.ContainsFunc(r.branches, func(b branch) bool {
		return !slices.ContainsFunc(b, func(t term) bool { return !t.sure })
	})
}
