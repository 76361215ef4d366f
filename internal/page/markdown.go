package page

import (
	"bufio"
	"html"
	"io"
	"strings"
)

// Markdown writes a page for a pull request.
func (p *Page) Markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	list := false // the last block was an item
	for i := range p.blocks {
		x := &p.blocks[i]
		if list && x.kind != item {
			b.WriteByte('\n')
		}
		list = x.kind == item
		switch text := markdownText(p.label(x.text)); {
		case x.kind == table:
			p.markdownTable(b, x)
		case x.kind == item:
			b.WriteString(strings.Repeat("  ", x.indent-1) + "- " + text + "\n")
		case x.text == "":
		case x.kind == heading:
			b.WriteString("### " + text + "\n\n")
		default:
			b.WriteString(text + "\n\n")
		}
		if err := b.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Page) markdownTable(b *bufio.Writer, x *block) {
	first := true
	for row := range x.rows {
		if first {
			first = false
			b.WriteString("|")
			for i := range row {
				if i < len(x.head) {
					b.WriteString(" " + markdownText(x.head[i]))
				}
				b.WriteString(" |")
			}
			b.WriteString("\n|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
		b.WriteString("|")
		for _, c := range row {
			b.WriteString(" " + markdownText(p.label(c.Text)) + " |")
		}
		if b.WriteByte('\n') != nil {
			return // who asked has gone, as the caller finds out
		}
	}
	b.WriteByte('\n')
}

var markdownEscapes = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "[", `\[`, "\n", " ")

// markdownText keeps names from being markup.
func markdownText(text string) string { return markdownEscapes.Replace(text) }

// classes are the names of marks in HTML.
var classes = [...]string{Plain: "", Good: "good", Bad: "bad", Warning: "warning", Faint: "faint", Strong: "strong"}

// HTML writes a page as a part of an HTML document, whose headings have the level 3. Marks are classes.
func (p *Page) HTML(w io.Writer) error {
	b := bufio.NewWriter(w)
	list := false
	for i := range p.blocks {
		x := &p.blocks[i]
		if list != (x.kind == item) {
			if list = x.kind == item; list {
				b.WriteString("<ul>\n")
			} else {
				b.WriteString("</ul>\n")
			}
		}
		switch {
		case x.kind == heading:
			element(b, "h3", Plain, p.label(x.text))
		case x.kind == item:
			element(b, "li", x.mark, p.label(x.text))
		case x.kind == table:
			p.htmlTable(b, x)
		case x.text != "":
			element(b, "p", x.mark, p.label(x.text))
		}
	}
	if list {
		b.WriteString("</ul>\n")
	}
	return b.Flush()
}

func (p *Page) htmlTable(b *bufio.Writer, x *block) {
	b.WriteString("<table>\n<thead><tr>")
	for _, h := range x.head {
		element(b, "th", Plain, h)
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for row := range x.rows {
		b.WriteString("<tr>")
		for _, c := range row {
			element(b, "td", c.Mark, p.label(c.Text))
		}
		if _, err := b.WriteString("</tr>\n"); err != nil {
			return
		}
	}
	b.WriteString("</tbody></table>\n")
}

func element(b *bufio.Writer, name string, mark Mark, text string) {
	b.WriteString("<" + name)
	if mark != Plain {
		b.WriteString(` class="` + classes[mark] + `"`)
	}
	b.WriteString(">" + html.EscapeString(text) + "</" + name + ">")
	if name != "td" && name != "th" {
		b.WriteByte('\n')
	}
}
