// Package lint gives advice on core network policy documents that pass every check: what in them has no effect, or another
// one than it seems to have.
//
// [Run] looks at a document, with the network as it is where that is known. The rules are in [Rules]; docs/lint.md is
// written from them.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"portolan/internal/order"
	"portolan/internal/words"
	"portolan/policy"
)

//go:generate go test -run ^TestRules_document$ . -rewrite

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
	Rule     string // its name in [Rules], by which it is disabled
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
	Edges       policy.Previous   // the edges that exist
	Attachments []policy.Attached // the attachments that exist, the oldest first; nil: unknown, which is not the same as none
}

// Options chooses among the rules.
type Options struct {
	Disabled []string // names of rules that are left out
}

// Rule describes one rule.
type Rule struct {
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

// Run gives advice on a document, in document order. The error is a [policy.Errors] when the document does not pass [policy.Check]
// or cannot be compiled over the edges that exist, and another error when a rule that is disabled does not exist. At
// most 1000 findings are returned, and rules that compare conditions with each other stop after some millions of
// comparisons, which only a document of thousands of conditions on one attribute needs. facts may be nil.
func Run(doc *policy.Document, facts *Facts, options Options) ([]Finding, error) {
	silent := map[string]bool{}
	for _, name := range options.Disabled {
		if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == name }) {
			return nil, fmt.Errorf("there is no lint rule %q", words.Clip(name))
		}
		silent[name] = true
	}
	if errs := policy.Check(doc); len(errs) > 0 {
		return nil, errs
	}
	if facts == nil {
		facts = &Facts{}
	}
	p, errs := policy.Compile(doc, facts.Edges)
	if len(errs) > 0 {
		return nil, errs
	}
	l := newLinter(doc, p, facts)
	for i, r := range Rules() {
		if l.rule, l.number, l.spoken = &r, i, 0; !silent[r.Name] && (!r.Facts || facts.Attachments != nil) {
			r.find(l)
		}
	}
	order.Stable(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.rule, b.rule))
	})
	return l.findings[:min(len(l.findings), maxFindings)], nil
}

// Rules is every rule, in the order in which they are documented.
func Rules() []Rule {
	return slices.Concat(attachmentLintRules, segmentLintRules, insertionLintRules, routeLintRules, routingLintRules, factLintRules)
}

// linter is what the rules look at, and where their findings go.
type linter struct {
	*policy.Policy
	doc      *policy.Document
	facts    *Facts
	rule     *Rule
	number   int
	spoken   int // findings of this rule
	findings []Finding

	locations []string // of the edges
	linted    []lintedRule
	anchored  map[anchor][]ruleBranch

	index        map[string]int         // of segments, by name
	placed       []policy.Associated    // facts.Attachments, in their order
	groupMembers map[[2]string][]string // by group and edge: attachments that would join, were there room for all
}

func newLinter(doc *policy.Document, p *policy.Policy, facts *Facts) *linter {
	l := &linter{Policy: p, doc: doc, facts: facts, index: map[string]int{}, groupMembers: map[[2]string][]string{}}
	for _, e := range p.Edges {
		l.locations = append(l.locations, e.Location)
	}
	for i := range p.Segments {
		l.index[p.Segments[i].Name] = i
	}
	l.takeApart()
	l.placed = p.AssociateAll(facts.Attachments)
	for i := range l.placed {
		a := &l.placed[i]
		group := cmp.Or(a.FullGroup, a.Next.NetworkFunctionGroup)
		if group == "" || a.Out {
			continue
		}
		for _, e := range a.Edges {
			key := [2]string{group, e}
			l.groupMembers[key] = append(l.groupMembers[key], a.ID)
		}
	}
	return l
}

// full says that the rule that is running has said enough.
func (l *linter) full() bool { return l.spoken >= maxFindings }

// find notes a finding of the rule that is running.
func (l *linter) find(at policy.Place, message, hint string) {
	l.findAs(l.rule.Severity, at, message, hint)
}

// findAs is find of a finding that is graver, or less grave, than most of its rule.
func (l *linter) findAs(severity Severity, at policy.Place, message, hint string) {
	if l.spoken++; l.spoken > maxFindings {
		return
	}
	line, column := at.Position()
	l.findings = append(l.findings, Finding{
		Rule: l.rule.Name, Severity: severity, Message: message, Hint: hint,
		Path: at.Path(), Line: line, Column: column, offset: at.Offset(), rule: l.number,
	})
}
