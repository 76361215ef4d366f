package policy

import (
	"cmp"
	"fmt"
	"slices"
)

//go:generate go test -run ^TestLintRules_document$ . -rewrite

// Severity says how sure it is that a finding hurts.
type Severity string

// The severities, gravest first. They are the levels of SARIF.
const (
	SeverityError   Severity = "error"   // what is written has no effect, or another than it seems to have
	SeverityWarning Severity = "warning" // most likely not what was meant
	SeverityNote    Severity = "note"    // works; an author should know
)

// Finding is one piece of advice: nothing AWS would refuse, but what it would not do either.
type Finding struct {
	Rule     string // its name in [LintRules], by which it is silenced
	Severity Severity
	Message  string // without the path
	Path     string // JSONPath
	Line     int    // from 1
	Column   int    // from 1, in bytes
	Hint     string // what to do about it; may be empty

	offset, rule int
}

// Facts is the network as it is, as far as it is known. Without them the document alone is looked at.
type Facts struct {
	Edges       Previous     // the edges that exist
	Attachments []Attachment // the attachments that exist; nil: unknown, which is not the same as none
}

// LintOptions chooses among the rules.
type LintOptions struct {
	Silence []string // names of rules that are not to speak
}

// LintRule describes one rule of [Lint].
type LintRule struct {
	Name     string
	Severity Severity
	Summary  string // one line: what it finds
	Why      string // what happens if it is left as it is
	Example  string // a part of a document that it finds
	Facts    bool   // it speaks only when the attachments are known

	find func(*linter)
}

// maxFindings bounds the list, and with it the time that goes into messages.
const maxFindings = 1000

// Lint gives advice on a document, in document order. The error is an [Errors] when the document does not pass [Check]
// or cannot be compiled over the edges that exist, and another error when a rule that is to be silent does not exist. At
// most 1000 findings are returned, and rules that compare conditions with each other stop after some millions of
// comparisons, which only a document of thousands of conditions on one attribute needs. facts may be nil.
func Lint(doc *Document, facts *Facts, options LintOptions) ([]Finding, error) {
	silent := map[string]bool{}
	for _, name := range options.Silence {
		if !slices.ContainsFunc(LintRules(), func(r LintRule) bool { return r.Name == name }) {
			return nil, fmt.Errorf("there is no lint rule %q", clip(name))
		}
		silent[name] = true
	}
	if errs := Check(doc); len(errs) > 0 {
		return nil, errs
	}
	if facts == nil {
		facts = &Facts{}
	}
	p, errs := Compile(doc, facts.Edges)
	if len(errs) > 0 {
		return nil, errs
	}
	l := newLinter(doc, p, facts)
	for i, r := range LintRules() {
		if l.rule, l.number, l.spoken = &r, i, 0; !silent[r.Name] && (!r.Facts || facts.Attachments != nil) {
			r.find(l)
		}
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.rule, b.rule))
	})
	return l.findings[:min(len(l.findings), maxFindings)], nil
}

// LintRules is every rule, in the order in which they are documented.
func LintRules() []LintRule {
	return slices.Concat(attachmentLintRules, segmentLintRules, insertionLintRules, routeLintRules, routingLintRules, factLintRules)
}

// linter is what the rules look at, and where their findings go.
type linter struct {
	*checker
	*Policy
	facts    *Facts
	rule     *LintRule
	number   int
	spoken   int // findings of this rule
	findings []Finding

	locations []string // of the edges
	linted    []lintedRule
	anchored  map[anchor][]ruleBranch

	decisions    []Decision             // on facts.Attachments, in their order
	groupMembers map[[2]string][]string // by group and edge: attachments that would join
}

func newLinter(doc *Document, p *Policy, facts *Facts) *linter {
	l := &linter{checker: newChecker(doc), Policy: p, facts: facts}
	for _, e := range p.Edges {
		l.locations = append(l.locations, e.Location)
	}
	l.takeApart()
	l.groupMembers = map[[2]string][]string{}
	for i := range facts.Attachments {
		a := &facts.Attachments[i]
		d := p.Decide(a)
		l.decisions = append(l.decisions, d)
		for _, e := range a.Edges {
			if d.NetworkFunctionGroup != "" {
				key := [2]string{d.NetworkFunctionGroup, e}
				l.groupMembers[key] = append(l.groupMembers[key], a.ID)
			}
		}
	}
	return l
}

// full says that the rule that is running has said enough.
func (l *linter) full() bool { return l.spoken >= maxFindings }

// find notes a finding of the rule that is running.
func (l *linter) find(at Place, message, hint string) {
	if l.spoken++; l.spoken > maxFindings {
		return
	}
	line, column := at.Position()
	l.findings = append(l.findings, Finding{
		Rule: l.rule.Name, Severity: l.rule.Severity, Message: message, Hint: hint,
		Path: at.Path(), Line: line, Column: column, offset: at.Offset(), rule: l.number,
	})
}
