package page_test

import (
	"strings"
	"testing"

	"portolan/internal/page"
)

func example() *page.Page {
	p := &page.Page{Label: func(text string) string { return strings.ReplaceAll(text, "a-1", "web (a-1)") }}
	p.Heading("Reach")
	p.Line(page.Bad, "a-1 <lost>")
	p.Item(1, page.Plain, "first")
	p.Item(2, page.Faint, "of it")
	p.Rows([]string{"FROM", "REACHABLE", "REASON"}, [][]page.Cell{
		{{Text: "a-1"}, {Text: "no", Mark: page.Bad}, {Text: "no route | or two"}},
		{{Text: "b\x1b"}, {Text: "yes", Mark: page.Good}, {}},
	})
	return p
}

func written(t *testing.T, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText_columnsAndLabels(t *testing.T) {
	got := written(t, func(b *strings.Builder) error { return example().Text(b, page.Style{}) })
	want := `Reach
web (a-1) <lost>
  first
    of it
FROM       REACHABLE  REASON
web (a-1)  no         no route | or two
b\u001b    yes
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	coloured := written(t, func(b *strings.Builder) error { return example().Text(b, page.Style{Colour: true}) })
	for _, want := range []string{"\x1b[1mReach\x1b[0m\n", "\x1b[31mno\x1b[0m         no route", "    \x1b[2mof it\x1b[0m"} {
		if !strings.Contains(coloured, want) {
			t.Errorf("want %q in %q", want, coloured)
		}
	}
}

func TestText_narrowWraps(t *testing.T) {
	p := &page.Page{}
	p.Item(1, page.Plain, "one two three four five")
	p.Rows([]string{"A", "REASON"}, [][]page.Cell{page.Cells("x", "table prod@us-east-1 has no route to 10.0.0.1")})
	got := written(t, func(b *strings.Builder) error { return p.Text(b, page.Style{Width: 24}) })
	want := `  one two three four
    five
A  REASON
x  table prod@us-east-1
   has no route to
   10.0.0.1
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	for line := range strings.Lines(got) {
		if len(line) > 25 {
			t.Errorf("%q is wider than 24", line)
		}
	}
}

func TestMarkdown_escapes(t *testing.T) {
	got := written(t, func(b *strings.Builder) error { return example().Markdown(b) })
	want := `### Reach

web (a-1) &lt;lost&gt;

- first
  - of it

| FROM | REACHABLE | REASON |
| --- | --- | --- |
| web (a-1) | no | no route \| or two |
| b\u001b | yes |  |

`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestHTML_escapes(t *testing.T) {
	got := written(t, func(b *strings.Builder) error { return example().HTML(b) })
	for _, want := range []string{"<h3>Reach</h3>", `<p class="bad">web (a-1) &lt;lost&gt;</p>`, `<td class="bad">no</td>`, "<ul>\n<li>first</li>", "</ul>\n<table>"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
}
