package routing

import (
	"fmt"
	"slices"
	"strings"
)

// judge compares the candidates that were not filtered with the selected one.
func (s *explainer) judge() {
	var selected, over *explained
	for i := range s.list {
		c := &s.list[i]
		switch {
		case c.Verdict.Outcome == Filtered:
		case c.inserted != nil:
			over = c
		case s.best != nil && c.compared.via == s.best.via && (s.best.via != noEdge || c.compared.path == s.best.path):
			selected = c
		}
	}
	covered, by := over != nil, ByNothing
	if over != nil {
		covered, by = s.t.covers(s.vrf, s.rib, s.best, over.inserted)
	}
	if selected == nil {
		s.judgeUnsettled(over, covered, by)
		return
	}
	s.compareWith(selected, over)
	switch {
	case over == nil:
	case covered:
		over.Verdict = Verdict{Outcome: Selected, By: by}
		for i := range s.list {
			if c := &s.list[i]; c.inserted == nil && (c.Verdict.Outcome == Selected || c.Verdict.Outcome == SelectedECMP) {
				c.Verdict = Verdict{Outcome: Rejected, By: ByInsertion, Detail: "against " + hop(&over.Candidate)}
			}
		}
	default:
		if selected.Verdict.By == ByNothing {
			selected.Verdict.By = by
		}
		over.Verdict = Verdict{Outcome: Rejected, By: by, Detail: "against " + hop(&selected.Candidate)}
	}
}

// compareWith says of each candidate by what it was rejected, and of the selected one what it took to reject the last.
func (s *explainer) compareWith(selected, over *explained) {
	second, last := ByNothing, -1
	for i := range s.list {
		c := &s.list[i]
		if c == selected || c == over || c.Verdict.Outcome == Filtered {
			continue
		}
		_, by := s.core.compare(&c.compared, &selected.compared)
		if c.compared.kind.static() && selected.compared.kind.static() && c.compared.via == noEdge && selected.compared.via == noEdge {
			by = ByStatic
		}
		if at := s.core.position(by); at > last {
			second, last = by, at
		}
		c.Verdict = Verdict{Outcome: Rejected, By: by, Detail: "against " + hop(&selected.Candidate)}
		if s.best.via == noEdge && c.compared.via == noEdge && slices.Contains(s.best.equals, c.compared.path) {
			c.Verdict = Verdict{Outcome: SelectedECMP, By: ByTieBreak, Detail: "used together with " + hop(&selected.Candidate)}
		}
	}
	selected.Verdict = Verdict{Outcome: Selected, By: second}
}

// judgeUnsettled judges when none of the candidates is what the edge uses. Of a prefix that never settles the edge may use
// what it does not receive any more, or not use yet what it does.
func (s *explainer) judgeUnsettled(over *explained, covered bool, by Criterion) {
	for i := range s.list {
		switch c := &s.list[i]; {
		case c.Verdict.Outcome == Filtered:
		case c == over && covered:
			c.Verdict = Verdict{Outcome: Selected, By: by}
		default:
			c.Verdict = Verdict{Outcome: Rejected, Detail: "the prefix never settles"}
		}
	}
}

func hop(c *Candidate) string {
	if c.NextHop == nil {
		return "blackhole"
	}
	return c.NextHop.String()
}

// String is a step in one line.
func (s *Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s", s.Kind, s.Edge)
	if s.Peer != "" {
		fmt.Fprintf(&b, " with %s", s.Peer)
	}
	if s.Policy != "" {
		fmt.Fprintf(&b, ": rule %d of %s, %s", s.RuleNumber, s.Policy, s.Action)
	}
	if s.Detail != "" {
		fmt.Fprintf(&b, ": %s", s.Detail)
	}
	if s.Place.Known() {
		fmt.Fprintf(&b, " (line %d)", s.Place.Line())
	}
	return b.String()
}
