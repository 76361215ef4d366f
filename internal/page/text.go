package page

import (
	"bufio"
	"io"
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

// shown is a cell as it is written.
type shown struct {
	text  string
	width int // in characters
	mark  Mark
}

// labels remembers how texts are shown: those of a long table come again and again.
type labels struct {
	page  *Page
	known map[string]shown
}

// maxLabels bounds what is remembered.
const maxLabels = 1 << 15

func (l *labels) shown(text string, mark Mark) shown {
	s, ok := l.known[text]
	if !ok {
		s.text = l.page.label(text)
		s.width = utf8.RuneCountInString(s.text)
		if len(l.known) >= maxLabels {
			clear(l.known)
		}
		l.known[text] = s
	}
	s.mark = mark
	return s
}

// textTable writes a table in columns. Long ones are laid out in pieces.
func (p *Page) textTable(b *bufio.Writer, style Style, x *block) {
	texts := labels{page: p, known: map[string]shown{}}
	var piece []shown // row after row
	var ends []int    // of the rows
	for _, h := range x.head {
		piece = append(piece, shown{h, utf8.RuneCountInString(h), Strong})
	}
	if len(x.head) > 0 {
		ends = append(ends, len(piece))
	}
	for row := range x.rows {
		for _, c := range row {
			piece = append(piece, texts.shown(c.Text, c.Mark))
		}
		if ends = append(ends, len(piece)); len(ends) >= together {
			writeColumns(b, style, piece, ends)
			if b.Flush() != nil {
				return // who asked has gone, as the caller finds out
			}
			piece, ends = piece[:0], ends[:0]
		}
	}
	writeColumns(b, style, piece, ends)
}

func writeColumns(b *bufio.Writer, style Style, cells []shown, ends []int) {
	var widths []int
	start := 0
	for _, end := range ends {
		for i, c := range cells[start:end] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], c.width)
		}
		start = end
	}
	narrow(widths, style.Width)
	start = 0
	for _, end := range ends {
		writeRow(b, style, cells[start:end], widths)
		start = end
	}
}

// writeRow writes a row, what does not fit into a column on lines below it.
func writeRow(b *bufio.Writer, style Style, row []shown, widths []int) {
	if fits(style, row, widths) {
		writeLine(b, style, row, widths)
		return
	}
	cells := make([][]string, len(row))
	high := 1
	for i, c := range row {
		cells[i] = wrapped(c.text, widths[i], 0)
		high = max(high, len(cells[i]))
	}
	part := make([]shown, len(row))
	for line := range high {
		for i, c := range row {
			part[i] = shown{mark: c.mark}
			if line < len(cells[i]) {
				part[i].text = cells[i][line]
				part[i].width = utf8.RuneCountInString(part[i].text)
			}
		}
		writeLine(b, style, part, widths)
	}
}

func fits(style Style, row []shown, widths []int) bool {
	for i, c := range row {
		if style.Width > 0 && c.width > widths[i] {
			return false
		}
	}
	return true
}

func writeLine(b *bufio.Writer, style Style, row []shown, widths []int) {
	const blanks = "                                "
	empty := 0 // columns since the last text
	for i, c := range row {
		if c.text != "" {
			for ; empty > len(blanks); empty -= len(blanks) {
				b.WriteString(blanks)
			}
			b.WriteString(blanks[:empty])
			b.WriteString(style.Paint(c.mark, c.text))
			empty = 0
		}
		empty += max(widths[i]-c.width, 0) + gap
	}
	b.WriteByte('\n')
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
