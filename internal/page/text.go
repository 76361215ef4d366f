package page

import (
	"bufio"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Style is how a text is written for a terminal.
type Style struct {
	Colour bool
	Width  int // in characters; longer lines are wrapped between words. 0: lines are as long as they are
}

// colours are the ANSI codes of marks.
var colours = [...]string{Plain: "", Good: "32", Bad: "31", Warning: "33", Faint: "2", Strong: "1"}

// Paint is a text with the colour of its mark.
func (s Style) Paint(mark Mark, text string) string {
	if !s.Colour || mark == Plain || text == "" {
		return text
	}
	return "\x1b[" + colours[mark] + "m" + text + "\x1b[0m"
}

// Text writes a page for a terminal.
func (p *Page) Text(w io.Writer, style Style) error {
	b := bufio.NewWriter(w)
	for i := range p.blocks {
		x := &p.blocks[i]
		switch x.kind {
		case heading:
			writeWrapped(b, style, Strong, "", p.label(x.text))
		case line:
			writeWrapped(b, style, x.mark, "", p.label(x.text))
		case item:
			writeWrapped(b, style, x.mark, strings.Repeat("  ", x.indent), p.label(x.text))
		case table:
			p.textTable(b, style, x)
		}
		if err := b.Flush(); err != nil {
			return err // who asked has gone
		}
	}
	return nil
}

// writeWrapped writes a line. What does not fit goes on below it, two columns further in.
func writeWrapped(b *bufio.Writer, style Style, mark Mark, indent, text string) {
	width := 0
	if style.Width > 0 {
		width = max(style.Width-len(indent), minColumn)
	}
	for i, part := range wrapped(text, width, 2) {
		b.WriteString(indent)
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(style.Paint(mark, part))
		b.WriteByte('\n')
	}
}

// wrapped is a text in parts of at most width characters, broken between words; all but the first have hang characters less.
// A longer word is a part of its own. Width 0 is one part.
func wrapped(text string, width, hang int) []string {
	if width == 0 || utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var parts []string
	part, length := "", 0
	for word := range strings.SplitSeq(text, " ") {
		n := utf8.RuneCountInString(word)
		if part != "" && length+1+n > width {
			parts = append(parts, part)
			part, length = word, n+hang
			continue
		}
		if part != "" {
			part += " "
			length++
		}
		part += word
		length += n
	}
	return append(parts, part)
}

const (
	minColumn = 12  // what a column keeps, however narrow the terminal
	together  = 200 // rows that are laid out together
	gap       = 2   // between columns
)

// textTable writes a table in columns. Long ones are laid out in pieces.
func (p *Page) textTable(b *bufio.Writer, style Style, x *block) {
	head := make([]Cell, len(x.head))
	for i, h := range x.head {
		head[i] = Cell{h, Strong}
	}
	piece := make([][]Cell, 0, 16)
	if len(head) > 0 {
		piece = append(piece, head)
	}
	next, stop := iter.Pull(x.rows)
	defer stop()
	for row, ok := next(); ok; row, ok = next() {
		labelled := make([]Cell, len(row))
		for i, c := range row {
			labelled[i] = Cell{p.label(c.Text), c.Mark}
		}
		if piece = append(piece, labelled); len(piece) >= together {
			writeColumns(b, style, piece)
			if b.Flush() != nil {
				return // who asked has gone, as the caller finds out
			}
			piece = piece[:0]
		}
	}
	writeColumns(b, style, piece)
}

func writeColumns(b *bufio.Writer, style Style, rows [][]Cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	narrow(widths, style.Width)
	for _, row := range rows {
		cells := make([][]string, len(row))
		high := 1
		for i, c := range row {
			cells[i] = wrapped(c.Text, widths[i]*min(style.Width, 1), 0)
			high = max(high, len(cells[i]))
		}
		for line := range high {
			empty := 0 // columns since the last text
			for i, c := range row {
				text := ""
				if line < len(cells[i]) {
					text = cells[i][line]
				}
				if text != "" {
					b.WriteString(strings.Repeat(" ", empty) + style.Paint(c.Mark, text))
					empty = 0
				}
				empty += max(widths[i]-utf8.RuneCountInString(text), 0) + gap
			}
			b.WriteByte('\n')
		}
	}
}

// narrow takes from the widest columns until a row fits.
func narrow(widths []int, limit int) {
	total := -gap
	for _, w := range widths {
		total += w + gap
	}
	for limit > 0 && total > limit {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minColumn {
			return
		}
		widths[widest]--
		total--
	}
}
