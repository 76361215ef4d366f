// Package page is an answer as people read it: headings, lines and tables, written as text for a terminal, as Markdown or as
// HTML.
//
// It knows nothing of what an answer is about.
package page

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// Mark is what a text means, which colours show.
type Mark uint8

// Marks.
const (
	Plain Mark = iota
	Good
	Bad
	Warning
	Faint
	Strong
)

// Page is headings, lines and tables in the order in which they were added.
type Page struct {
	// Label is how a text is shown: it puts names beside ids. nil leaves texts as they are.
	Label func(string) string

	blocks []block
}

type kind uint8

const (
	heading kind = iota
	line
	item
	table
)

type block struct {
	kind   kind
	indent int
	mark   Mark
	text   string
	head   []string
	rows   iter.Seq[[]Cell]
}

// Cell is a text in a table.
type Cell struct {
	Text string
	Mark Mark
}

// Cells are texts without marks.
func Cells(texts ...string) []Cell {
	list := make([]Cell, len(texts))
	for i, t := range texts {
		list[i] = Cell{Text: t}
	}
	return list
}

// Heading adds a heading.
func (p *Page) Heading(text string) { p.blocks = append(p.blocks, block{kind: heading, text: text}) }

// Line adds a paragraph of one line; an empty one is a gap in a text.
func (p *Page) Line(mark Mark, format string, args ...any) {
	p.blocks = append(p.blocks, block{kind: line, mark: mark, text: fmt.Sprintf(format, args...)})
}

// Item adds an entry of a list, indent levels deep from 1.
func (p *Page) Item(indent int, mark Mark, format string, args ...any) {
	p.blocks = append(p.blocks, block{kind: item, indent: indent, mark: mark, text: fmt.Sprintf(format, args...)})
}

// Table adds a table. Its rows are made while it is written, once or several times: they may be many. A row is read before the
// next one is made, and may take its place in memory.
func (p *Page) Table(head []string, rows iter.Seq[[]Cell]) {
	p.blocks = append(p.blocks, block{kind: table, head: head, rows: rows})
}

// Rows adds a table whose rows are at hand.
func (p *Page) Rows(head []string, rows [][]Cell) { p.Table(head, slices.Values(rows)) }

// label is a text as it is shown.
func (p *Page) label(text string) string {
	if p.Label != nil {
		text = p.Label(text)
	}
	return Printable(text)
}

// Printable shows characters that a terminal, or a log, would obey.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
