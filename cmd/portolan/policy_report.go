package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/policy/lint"
)

// finding is something that is said about a place in a document.
type finding struct {
	Rule    string `json:"rule"`  // an error code, or the name of a lint rule
	Level   string `json:"level"` // error, warning, note
	Message string `json:"message"`
	Path    string `json:"path"`
	Line    int    `json:"line"`   // from 1, in the document; 0 when there is no place
	Column  int    `json:"column"` // from 1, in characters
	Hint    string `json:"hint,omitempty"`

	bytes int // the column in bytes
}

// examined is a document with what was found.
type examined struct {
	*input
	findings []finding
}

// report is what a command has to say about all its documents.
type report struct {
	documents []examined
	failures  []failure
	rules     []ruleInfo
	unread    bool // something could not be answered
}

// failure is why something was not looked at.
type failure struct {
	level string // error: it could not be read; warning: it is not known yet
	text  string
}

// ruleInfo describes a rule to readers of findings.
type ruleInfo struct {
	ID, Level, Summary, Help string
	Lint                     bool   // advice, not an error
	Page                     string // of our documentation; empty: as the other members have it
}

// examine reads every file and looks at every document in it.
func examine(cmd *cobra.Command, names []string, look func(*input) ([]finding, error)) *report {
	// A command that ends in a moment need not clear up often.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	r := &report{}
	for _, name := range names {
		list, err := readInputs(cmd.InOrStdin(), name)
		if err != nil {
			r.fail("error", err.Error())
			continue
		}
		known := false
		for _, in := range list {
			if in.Unknown != "" {
				r.fail("warning", in.file+": "+in.Unknown+", so it was not looked at")
				continue
			}
			known = true
			found, err := look(in)
			if err != nil {
				r.fail("error", in.name()+": "+err.Error())
				continue
			}
			place(in.shown(), found)
			r.documents = append(r.documents, examined{in, found})
		}
		if !known { // nothing in this file was looked at: that must not pass for an answer
			r.unread = true
		}
	}
	return r
}

func (r *report) fail(level, text string) {
	r.failures = append(r.failures, failure{level, text})
	r.unread = r.unread || level == "error"
}

// place works out columns in characters. Findings come in document order, so that a long line is counted once.
func place(text []byte, found []finding) {
	lines := newLines(text)
	var line, bytes, characters int // what was counted last
	for i := range found {
		f := &found[i]
		f.bytes = f.Column
		if f.Line < 1 {
			continue
		}
		whole := lines.at(f.Line)
		at := min(max(f.Column-1, 0), len(whole))
		if f.Line != line || at < bytes {
			line, bytes, characters = f.Line, 0, 0
		}
		characters += utf8.RuneCountInString(whole[bytes:at])
		bytes = at
		f.Column = characters + 1
	}
}

// lines is a text by lines.
type lines []string

func newLines(text []byte) lines { return strings.Split(string(text), "\n") }

func (l lines) at(line int) string {
	if line < 1 || line > len(l) {
		return ""
	}
	return strings.TrimSuffix(l[line-1], "\r")
}

// finish prints a report and says how the process ends. Findings below the threshold are shown and do not count.
func (r *report) finish(cmd *cobra.Command, output string, p painter, threshold string) error {
	w := cmd.OutOrStdout()
	var err error
	switch output {
	case "json":
		err = r.json(w)
	case "sarif":
		err = r.sarif(w)
	case "junit":
		err = r.junit(w, threshold)
	case "github":
		err = r.github(w)
	case "markdown":
		err = r.page().Markdown(w)
	default:
		err = r.text(w, p)
	}
	if err != nil {
		return usage(err)
	}
	for _, f := range r.failures {
		fmt.Fprintln(cmd.ErrOrStderr(), "portolan:", page.Printable(f.text))
	}
	switch {
	case r.unread:
		return &exitError{code: exitUsage}
	case r.count(threshold) > 0:
		return &exitError{code: exitFindings}
	}
	return nil
}

var levels = []string{string(lint.SeverityError), string(lint.SeverityWarning), string(lint.SeverityNote)}

// count is the number of findings that are at least so grave.
func (r *report) count(threshold string) (n int) {
	for _, d := range r.documents {
		for _, f := range d.findings {
			if atLeast(f.Level, threshold) {
				n++
			}
		}
	}
	return n
}

func atLeast(level, threshold string) bool {
	for _, l := range levels {
		if l == level {
			return true
		}
		if l == threshold {
			return false
		}
	}
	return false
}

// text prints findings with the line they are about.
func (r *report) text(w io.Writer, p painter) error {
	colours := map[string]string{"error": red, "warning": yellow, "note": blue}
	out := &strings.Builder{}
	for _, d := range r.documents {
		if len(d.findings) == 0 {
			fmt.Fprintf(out, "%s: ok\n", page.Printable(d.name()))
			continue
		}
		lines := newLines(d.shown())
		for _, f := range d.findings {
			fmt.Fprintf(out, "%s:%d:%d: %s %s: %s\n", p.paint(bold, page.Printable(d.name())), f.Line, f.Column,
				p.paint(colours[f.Level], f.Level), f.Rule, page.Printable(f.Message))
			excerpt(out, p, lines.at(f.Line), f.Line, f.bytes)
			if f.Hint != "" {
				fmt.Fprintf(out, "%s %s\n", p.paint(faint, "      = hint:"), page.Printable(f.Hint))
			}
		}
	}
	if n := r.count("note"); n > 0 {
		fmt.Fprintf(out, "\n%s\n", r.summary())
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// page is the findings of each document in a table.
func (r *report) page() *page.Page {
	out := &page.Page{}
	marks := map[string]page.Mark{"error": page.Bad, "warning": page.Warning}
	for i := range r.documents {
		d := &r.documents[i]
		out.Heading(d.name())
		if len(d.findings) == 0 {
			out.Line(page.Good, "ok")
			continue
		}
		var rows [][]page.Cell
		for _, f := range d.findings {
			rows = append(rows, []page.Cell{{Text: fmt.Sprintf("%d:%d", f.Line, f.Column)}, {Text: f.Level, Mark: marks[f.Level]}, {Text: f.Rule}, {Text: f.Message}, {Text: f.Hint}})
		}
		out.Rows([]string{"LINE", "LEVEL", "RULE", "MESSAGE", "HINT"}, rows)
	}
	if r.count("note") > 0 {
		out.Line(page.Strong, "%s", r.summary())
	}
	return out
}

func (r *report) summary() string {
	var parts []string
	rest := 0
	for _, level := range levels {
		n := r.count(level) - rest
		rest += n
		if n > 0 {
			parts = append(parts, plural(n, level))
		}
	}
	return strings.Join(parts, ", ") + " in " + plural(len(r.documents), "policy")
}

func plural(n int, word string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(word, "y"):
		word = strings.TrimSuffix(word, "y") + "ies"
	default:
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// excerptWidth is how much of a line is shown: a document may well stand on one line.
const excerptWidth = 100

// excerpt prints a line and a caret below what a finding is about.
func excerpt(out *strings.Builder, p painter, line string, number, column int) {
	if line == "" {
		return
	}
	at := min(max(column-1, 0), len(line))
	before, after := []rune(line[backTo(line, at-utf8.UTFMax*excerptWidth):at]), []rune(line[at:backTo(line, at+utf8.UTFMax*excerptWidth)])
	head, tail := "", ""
	if most := excerptWidth * 2 / 3; len(before) > most {
		before, head = before[len(before)-most+1:], "…"
	}
	if most := excerptWidth - len(before) - utf8.RuneCountInString(head); len(after) > most && len(after) > 1 {
		after, tail = after[:max(most-1, 1)], "…"
	}
	oneColumn := func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' ' // a tab, or what a terminal would obey
		}
		return r
	}
	left := head + strings.Map(oneColumn, string(before))
	fmt.Fprintf(out, "%s %s%s%s\n", p.paint(faint, fmt.Sprintf("%5d |", number)), left, strings.Map(oneColumn, string(after)), tail)
	fmt.Fprintf(out, "%s %s%s\n", p.paint(faint, "      |"), strings.Repeat(" ", utf8.RuneCountInString(left)), p.paint(red, "^"))
}

// backTo is the nearest place at or before another one where a character begins or the line ends; among bytes that are of no
// character it is the place itself.
func backTo(line string, at int) int {
	at = min(max(at, 0), len(line))
	for back := at; back > at-utf8.UTFMax && 0 < back && back < len(line); back-- {
		if utf8.RuneStart(line[back]) {
			return back
		}
	}
	return at
}

// json prints one object: the documents in the order in which they were given, each with its findings.
func (r *report) json(w io.Writer) error {
	type document struct {
		File     string    `json:"file"`
		Address  string    `json:"address,omitempty"`
		OK       bool      `json:"ok"`
		Findings []finding `json:"findings"`
	}
	all := struct {
		Documents []document `json:"documents"`
		Failures  []string   `json:"failures"`
	}{[]document{}, []string{}}
	for _, f := range r.failures {
		all.Failures = append(all.Failures, f.text)
	}
	for _, d := range r.documents {
		all.Documents = append(all.Documents, document{d.file, d.Address, len(d.findings) == 0, append([]finding{}, d.findings...)})
	}
	return analysis.WriteJSON(w, all)
}
