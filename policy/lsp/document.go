package lsp

import (
	"errors"
	"fmt"
	"strings"

	"portolan/policy"
	"portolan/policy/lint"
	"portolan/policy/source"
)

// diagnostic is what is said about a part of a text.
type diagnostic struct {
	Range    span   `json:"range"`
	Severity int    `json:"severity"` // 1 error, 2 warning, 3 information
	Code     string `json:"code,omitempty"`
	Source   string `json:"source"`
	Message  string `json:"message"`
}

// severities of the protocol.
const (
	severityError = iota + 1
	severityWarning
	severityInformation
)

// document is an open text and what is known of it.
type document struct {
	name string // its file name, which says what form it has
	*lines
	roots []*node // the policies that stand in it as they are; nil until they are asked for
}

// diagnose is everything that check and lint say about the policies of a text, in their order.
func (d *document) diagnose() []diagnostic {
	list := []diagnostic{}
	policies, err := source.Read(d.name, []byte(d.text))
	if err != nil {
		return append(list, diagnostic{d.span(0, d.token(0)), severityInformation, "", "portolan", err.Error()})
	}
	for i := range policies {
		p := &policies[i]
		if p.Unknown != "" {
			from := d.at(p.Line, p.Column)
			list = append(list, diagnostic{d.span(from, d.token(from)), severityInformation, "", "portolan", p.Unknown})
			continue
		}
		list = append(list, d.examine(p)...)
	}
	return list
}

// examine is what check says about a policy, and lint when there are no errors.
func (d *document) examine(p *source.Policy) []diagnostic {
	var list []diagnostic
	say := func(severity, line, column int, code, from, message, hint string) {
		at := d.at(line, column)
		if !p.InPlace { // the document is a string in the text: its lines are not those of the text
			at = d.at(p.Line, p.Column)
			message = fmt.Sprintf("line %d of the document: %s", line, message)
		}
		if hint != "" {
			message += "\nhint: " + hint
		}
		list = append(list, diagnostic{d.span(at, d.token(at)), severity, code, from, message})
	}
	refused := func(errs policy.Errors) {
		for _, e := range errs {
			say(severityError, e.Line, e.Column, e.Code, "portolan check", e.Message, e.Hint)
		}
	}
	doc, errs := p.Parse()
	if len(errs) > 0 {
		refused(errs)
		return list
	}
	findings, err := lint.Run(doc, nil, lint.Options{})
	if errs, ok := errors.AsType[policy.Errors](err); ok {
		refused(errs)
		return list
	}
	for _, f := range findings {
		severity := map[lint.Severity]int{lint.SeverityError: severityError, lint.SeverityWarning: severityWarning, lint.SeverityNote: severityInformation}[f.Severity]
		say(severity, f.Line, f.Column, f.Rule, "portolan lint", f.Path+": "+f.Message, f.Hint)
	}
	return list
}

// root is the policy around an offset, nil when there is none: a text of JSON that has the sections of one, or a member
// PolicyDocument.
func (d *document) root(offset int) *node {
	if d.roots == nil {
		d.roots = []*node{}
		if text := strings.TrimLeft(d.text, " \t\r\n"); strings.HasPrefix(text, "{") {
			d.collect(parseTree(d.text))
		}
	}
	for _, n := range d.roots {
		if n.from <= offset && offset <= n.to {
			return n
		}
	}
	return nil
}

// collect finds policies: the text as a whole, unless it holds others.
func (d *document) collect(n *node) {
	var inner func(n *node)
	inner = func(n *node) {
		if n.kind == '{' && n.key != nil && (n.key.text == "PolicyDocument" || n.key.text == "policy") {
			d.roots = append(d.roots, n)
			return
		}
		for _, c := range n.children {
			inner(c)
		}
	}
	if n.get("version") == nil && n.get("core-network-configuration") == nil && n.get("segments") == nil {
		inner(n)
	}
	if len(d.roots) == 0 {
		d.roots = append(d.roots, n)
	}
}
