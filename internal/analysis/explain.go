package analysis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// Explained is what the attachment policies decide about an attachment, rule by rule.
type Explained struct {
	Attachment           string          `json:"attachment,omitempty"` // its id, of one that exists
	Segment              string          `json:"segment,omitempty"`
	NetworkFunctionGroup string          `json:"networkFunctionGroup,omitempty"`
	RuleNumber           int             `json:"ruleNumber,omitempty"`
	RequireAcceptance    bool            `json:"requireAcceptance"`
	OccupiedBy           string          `json:"occupiedBy,omitempty"` // the attachment that the group has there
	Rules                []ExplainedRule `json:"rules"`                // those that were tried, in order
	NotTried             []int           `json:"notTried"`             // numbers of those after the one that decided
	Now                  *ExplainedPlace `json:"now,omitempty"`        // where one that exists is
	Proposal             *ExplainedPlace `json:"proposal,omitempty"`   // where its tags have it once that is accepted

	FullGroup string `json:"-"` // the network function group of OccupiedBy
}

// ExplainedPlace is where an attachment is associated; both empty: nowhere.
type ExplainedPlace struct {
	Segment              string `json:"segment,omitempty"`
	NetworkFunctionGroup string `json:"networkFunctionGroup,omitempty"`
	RuleNumber           int    `json:"ruleNumber,omitempty"`
}

// ExplainedRule is one attachment-policy rule, tried.
type ExplainedRule struct {
	RuleNumber int                  `json:"ruleNumber"`
	Line       int                  `json:"line"` // in the policy document
	Matched    bool                 `json:"matched"`
	Outcome    string               `json:"outcome"`
	Conditions []ExplainedCondition `json:"conditions"`
}

// ExplainedCondition is one condition of a rule.
type ExplainedCondition struct {
	Line  int    `json:"line"`
	Test  string `json:"test"`
	Found string `json:"found"`
	Held  bool   `json:"held"`
}

// Explain decides about a new attachment beside those that exist. It refuses one that cannot be, or that says too little.
func Explain(p *policy.Policy, a *policy.Attachment, others []policy.Attached) (*Explained, error) {
	if err := canBe(p, a); err != nil {
		return nil, err
	}
	others = slices.Clone(others)
	for i := range others {
		others[i].Fixed = true
	}
	all := p.AssociateAll(append(others, policy.Attached{Attachment: *a}))
	e := explained(p, a, &all[len(all)-1])
	return e, e.decidedOnAll(a)
}

// canBe refuses an attachment that there cannot be under the policy.
func canBe(p *policy.Policy, a *policy.Attachment) error {
	switch {
	case a.Type == "":
		return mistake("type", "an attachment type is needed; there are: %s", strings.Join(policy.AttachmentTypes(), ", "))
	case !slices.Contains(policy.AttachmentTypes(), a.Type):
		return mistake("type", "%q is no attachment type; there are: %s", a.Type, strings.Join(policy.AttachmentTypes(), ", "))
	case len(a.Edges) == 0:
		return mistake("edges", "an attachment needs an edge location; the policy has: %s", strings.Join(edgeNames(p), ", "))
	case len(a.Edges) > 1 && a.Type != policy.TypeDirectConnectGateway:
		return mistake("edges", "only a Direct Connect gateway attachment can have several edge locations")
	case a.Account != "" && !accountPattern.MatchString(a.Account):
		return mistake("account", "%q is no account; it has 12 digits", a.Account)
	}
	for _, e := range a.Edges {
		if !slices.Contains(edgeNames(p), e) {
			return mistake("edges", "%q is no edge location of the policy; there are: %s", e, strings.Join(edgeNames(p), ", "))
		}
	}
	return nil
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

// decidedOnAll fails when a rule looked at what the attachment does not say.
func (e *Explained) decidedOnAll(a *policy.Attachment) error {
	absent := map[string]string{}
	if a.Account == "" {
		absent["account-id"] = "account"
	}
	if a.ResourceID == "" {
		absent["resource-id"] = "resourceId"
	}
	for _, rule := range e.Rules {
		for _, c := range rule.Conditions {
			kind, _, _ := strings.Cut(c.Test, " ")
			if field := absent[kind]; field != "" {
				return mistake(field, "required, because rule %d tests %s", rule.RuleNumber, c.Test)
			}
		}
	}
	return nil
}

func explained(p *policy.Policy, a *policy.Attachment, decided *policy.Associated) *Explained {
	trace := p.Associate(*a).Trace
	e := &Explained{
		Segment: decided.Next.Segment, NetworkFunctionGroup: decided.Next.NetworkFunctionGroup, RuleNumber: decided.Next.RuleNumber,
		RequireAcceptance: decided.RequireAcceptance, OccupiedBy: decided.FullBy, FullGroup: decided.FullGroup,
		Rules: []ExplainedRule{}, NotTried: []int{},
	}
	for _, t := range trace {
		r := ExplainedRule{t.RuleNumber, t.Line, t.Matched, t.Outcome, []ExplainedCondition{}}
		for _, c := range t.Conditions {
			r.Conditions = append(r.Conditions, ExplainedCondition(c))
		}
		e.Rules = append(e.Rules, r)
	}
	for _, rule := range p.AttachmentPolicies[len(trace):] {
		e.NotTried = append(e.NotTried, rule.RuleNumber)
	}
	return e
}

// Placed is a network of which only the places of attachments are asked: no routes are computed.
func Placed(snap *snapshot.Snapshot) (*Subject, error) {
	compiled, err := snap.Compile(snap.Policy)
	if err != nil {
		return nil, asQuestionError(err)
	}
	s := New(&routing.Network{Policy: compiled}, nil)
	s.Snapshot = snap
	takeStock(s, snap.Attachments)
	return s, nil
}

// Association explains an attachment that exists: which rule of the policy in force matches it, and where it is.
func (s *Subject) Association(id string) (*Explained, error) {
	if id == "" {
		return nil, mistake("attachment", "name an attachment")
	}
	at := slices.IndexFunc(s.Snapshot.Attachments, func(a snapshot.Attachment) bool { return a.ID == id })
	if at < 0 {
		return nil, mistake("attachment", "attachment %q does not exist", id)
	}
	compiled := s.Network.Policy
	attached := s.Snapshot.Attached()
	for i := range attached {
		attached[i].Fixed = i != at
	}
	e := explained(compiled, &attached[at].Attachment, &compiled.AssociateAll(attached)[at])
	e.Attachment = id
	if now := s.Snapshot.Attachments[at].Association; now != nil {
		e.Now = new(ExplainedPlace(*now))
	}
	if next := s.Snapshot.Attachments[at].Proposal; next != nil {
		e.Proposal = new(ExplainedPlace(*next))
	}
	return e, nil
}

// Page is the rules that were tried, then what they decided.
func (e *Explained) Page() *page.Page {
	p := &page.Page{}
	for i := range e.Rules {
		r := &e.Rules[i]
		mark, word := page.Faint, "does not match"
		if r.Matched {
			mark, word = page.Good, "matches"
		}
		p.Line(mark, "rule %d, line %d: %s: %s", r.RuleNumber, r.Line, word, r.Outcome)
		for _, c := range r.Conditions {
			mark, text := page.Bad, "no   "+c.Test
			if c.Held {
				mark, text = page.Good, "yes  "+c.Test
			}
			if c.Found != "" {
				text += ": it has " + c.Found
			}
			p.Item(1, mark, "%s", text)
		}
	}
	if len(e.NotTried) > 0 {
		p.Line(page.Plain, "not tried: %s", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(e.NotTried)), ", "), "[]"))
	}
	if len(e.Rules) > 0 {
		p.Line(page.Plain, "")
	}
	p.Line(page.Strong, "%s.", e.decision())
	return p
}

// decision says where the attachment is associated, and why.
func (e *Explained) decision() string {
	place := "segment " + e.Segment
	if e.Segment == "" {
		place = "network function group " + e.NetworkFunctionGroup
	}
	place += fmt.Sprintf(", by rule %d", e.RuleNumber)
	switch {
	case e.FullGroup != "":
		return fmt.Sprintf("network function group %s already has attachment %s at its edge location: AVAILABLE but not associated", e.FullGroup, e.OccupiedBy)
	case e.RuleNumber == 0 && len(e.Rules) > 0 && e.Rules[len(e.Rules)-1].Matched:
		return fmt.Sprintf("rule %d matches but cannot associate it, and no later rule is evaluated: AVAILABLE but not associated", e.Rules[len(e.Rules)-1].RuleNumber)
	case len(e.Rules) == 0:
		return "AVAILABLE but not associated: the policy has no attachment policies"
	case e.RuleNumber == 0:
		return "AVAILABLE but not associated: no attachment-policy rule matches"
	case e.Attachment != "": // one that exists has been accepted, or its state says that it waits
		return place
	case e.RequireAcceptance:
		return place + ". It waits in PENDING_ATTACHMENT_ACCEPTANCE until it is accepted"
	default:
		return place + ". No acceptance is needed"
	}
}
