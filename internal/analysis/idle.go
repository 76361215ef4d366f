package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portolan/internal/snapshot"
	"portolan/policy"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Idle is why an attachment carries no traffic.
type Idle struct {
	Check  string            // the check of [Subject.Doctor] that finds it
	Reason string            // "is AVAILABLE but not associated: no attachment-policy rule matches"
	Once   string            // "; once AVAILABLE, rule 10 associates it with segment prod", "" where Reason says it
	Near   []policy.NearMiss // rules that a misspelt tag keeps from matching
	Trace  []string          // what each attachment policy found; nil where a rule has a place for it
}

// Sentence is what can be said after the name of the attachment: the reason, the place it would have, and the first near miss.
func (i *Idle) Sentence() string {
	if len(i.Near) == 0 {
		return i.Reason + i.Once
	}
	return i.Reason + i.Once + "; " + i.Near[0].String()
}

// cell is a text as a column has it, beside the attachment: "AVAILABLE but not associated".
func cell(text string) string { return strings.TrimPrefix(text, "is ") }

// stateOf is the state of an attachment; a file that names none means AVAILABLE.
func stateOf(a *snapshot.Attachment) string { return cmp.Or(a.State, "AVAILABLE") }

func asPolicy(a *snapshot.Attachment) *policy.Attachment {
	return &policy.Attachment{ID: a.ID, Type: a.Type, Edges: a.Edges, Account: a.Account, ResourceID: a.ResourceID, Tags: a.Tags}
}

// Idle says why an attachment carries no traffic; nil: it does.
func (s *Subject) Idle(a *snapshot.Attachment) *Idle {
	n := s.attachment[a.ID]
	if n != nil && !n.Down {
		return nil
	}
	switch {
	case a.State == "FAILED":
		return afterwards(s, a, &Idle{Check: CheckDown, Reason: "is FAILED: its prefixes are withdrawn"}, "once AVAILABLE")
	case a.State == "PENDING_ATTACHMENT_ACCEPTANCE":
		return afterwards(s, a, &Idle{Check: CheckPending, Reason: "waits for acceptance (PENDING_ATTACHMENT_ACCEPTANCE)"}, "once accepted")
	case a.State == "DELETING":
		return &Idle{Check: CheckNotAvailable, Reason: "is DELETING: it carries no traffic"}
	case !a.Works():
		return afterwards(s, a, &Idle{Check: CheckNotAvailable, Reason: "is " + a.State + ": it carries no traffic"}, "once AVAILABLE")
	case n != nil && n.Segment != "":
		if seg := s.Network.Policy.Segment(n.Segment); seg != nil && !slices.ContainsFunc(a.Edges, seg.HasEdge) {
			return &Idle{Check: CheckUnassociated, Reason: "is associated with segment " + n.Segment + ", which has no route table at " + strings.Join(a.Edges, ", ")}
		}
	}
	if n != nil && n.Segment+n.NetworkFunctionGroup != "" {
		return &Idle{Check: CheckDown, Reason: "is not available: its prefixes are withdrawn"}
	}
	return unassociated(s, a)
}

// notAvailable says of an attachment that carries no traffic why it does not.
func notAvailable(s *Subject, id string) string {
	if a := s.inventory.byID[id]; a != nil {
		if idle := s.Idle(a); idle != nil {
			return "attachment " + id + " " + idle.Sentence()
		}
	}
	return "attachment " + id + " is not available"
}

// afterwards adds where the rules have an attachment once it carries traffic, and the tags that keep it from elsewhere.
func afterwards(s *Subject, a *snapshot.Attachment, idle *Idle, once string) *Idle {
	as := asPolicy(a)
	d := s.Network.Policy.Associate(*as)
	idle.Near = s.speller().NearMisses(as)
	if place := placeName(d.Association); place != "" {
		idle.Once = fmt.Sprintf("; %s, rule %d associates it with %s", once, d.RuleNumber, place)
		return idle
	}
	idle.Once, idle.Trace = "; "+once+", no attachment-policy rule associates it", traceLines(d.Trace)
	return idle
}

// placeName is a segment or a network function group in words, "" for neither.
func placeName(a policy.Association) string {
	switch {
	case a.Segment != "":
		return "segment " + a.Segment
	case a.NetworkFunctionGroup != "":
		return "network function group " + a.NetworkFunctionGroup
	}
	return ""
}

// unassociated says why nothing associates an attachment that works.
func unassociated(s *Subject, a *snapshot.Attachment) *Idle {
	as := asPolicy(a)
	d := s.Network.Policy.Associate(*as)
	idle := &Idle{Check: CheckUnassociated, Trace: traceLines(d.Trace)}
	why := "no attachment-policy rule matches"
	if len(d.Trace) == 0 {
		why = "the policy has no attachment policies"
	} else if last := d.Trace[len(d.Trace)-1]; last.Matched {
		why = fmt.Sprintf("rule %d matches, but %s", last.RuleNumber, last.Outcome)
	}
	switch place := placeName(d.Association); {
	case a.Proposal != nil && placeName(policy.Association(*a.Proposal)) != "":
		why = "the change of its tags to " + placeName(policy.Association(*a.Proposal)) + " waits for acceptance"
	case d.NetworkFunctionGroup != "" && memberOf(s, d.NetworkFunctionGroup, a) != "":
		why = fmt.Sprintf("rule %d matches, but %s has attachment %s at its edge location already", d.RuleNumber, place, memberOf(s, d.NetworkFunctionGroup, a))
	case place != "":
		why = fmt.Sprintf("recorded so, although rule %d associates it with %s", d.RuleNumber, place)
	}
	idle.Near = s.speller().NearMisses(as)
	idle.Reason = "is " + stateOf(a) + " but not associated: " + why
	return idle
}

// memberOf is the attachment that a network function group has at an edge of another one.
func memberOf(s *Subject, group string, a *snapshot.Attachment) string {
	for i := range s.Network.Attachments {
		n := &s.Network.Attachments[i]
		if n.NetworkFunctionGroup == group && n.ID != a.ID && slices.ContainsFunc(n.Edges, func(e string) bool { return slices.Contains(a.Edges, e) }) {
			return n.ID
		}
	}
	return ""
}

// traceLines are what the rules of a trace found, a line each.
func traceLines(trace []policy.RuleTrace) []string {
	var list []string
	for i := range trace {
		r := &trace[i]
		line := fmt.Sprintf("rule %d", r.RuleNumber)
		if r.Line > 1 { // else the policy is a text of one line
			line += fmt.Sprintf(" (policy line %d)", r.Line)
		}
		line += ": " + r.Outcome
		for j, c := range r.Conditions {
			if j == 0 {
				line += ": "
			} else {
				line += "; "
			}
			line += c.Test
			if c.Found != "" {
				line += ", has " + c.Found
			}
		}
		list = append(list, line)
	}
	return list
}

// idleAttachment is an attachment that carries no traffic, with why.
type idleAttachment struct {
	*snapshot.Attachment
	why *Idle
}

// allIdle are the attachments that carry no traffic.
func allIdle(s *Subject) []idleAttachment {
	var list []idleAttachment
	for i := range s.inventory.list {
		if why := s.Idle(&s.inventory.list[i]); why != nil {
			list = append(list, idleAttachment{&s.inventory.list[i], why})
		}
	}
	return list
}

// idleAnnouncers are the attachments that announce a prefix, or a block that an address is in, and carry no traffic, with why.
func idleAnnouncers(s *Subject, asked string) []string {
	var notes []string
	for _, a := range s.idle() {
		for _, p := range prefixesOf(s, a.Attachment) {
			if p == asked || holds(p, asked) {
				notes = append(notes, fmt.Sprintf("attachment %s announces %s; it %s", a.ID, p, a.why.Sentence()))
			}
		}
	}
	return notes
}

// idleIn are the attachments that would be in a segment if they carried traffic, or if a tag of theirs were spelt as a rule asks, with why.
func idleIn(s *Subject, segment string) []string {
	var notes []string
	for _, a := range s.idle() {
		likely := slices.ContainsFunc(a.why.Near, func(n policy.NearMiss) bool { return n.To.Segment == segment })
		if likely || s.Network.Policy.Decide(asPolicy(a.Attachment)).Segment == segment {
			notes = append(notes, fmt.Sprintf("attachment %s %s", a.ID, a.why.Sentence()))
		}
	}
	return notes
}
