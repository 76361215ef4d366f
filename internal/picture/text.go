package picture

import (
	"fmt"
	"strconv"
	"strings"
)

// Mermaid draws in Mermaid's language.
func (p *Picture) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, r := range p.rows {
		open, shut := "([", "])"
		switch r.kind {
		case groupRow:
			open, shut = "{{", "}}"
		case apartRow:
			open, shut = ">", "]"
		}
		fmt.Fprintf(&b, "  r%d%s%s%s%s\n", i, open, quoted(strings.Join(append([]string{r.name}, r.notes...), "\n")), shut, mermaidClass(r.change))
	}
	for i, at := range p.eachNode() {
		text := at.name + "\n" + at.kind + " @ " + strings.Join(at.edges, ", ")
		for _, line := range []string{at.note, at.problem} {
			if line != "" {
				text += "\n" + line
			}
		}
		fmt.Fprintf(&b, "  n%d[%s]%s\n  n%d --- r%d\n", i, quoted(text), mermaidClass(at.change), i, at.row)
	}
	for _, l := range p.links {
		switch l.kind {
		case shareLink:
			fmt.Fprintf(&b, "  r%d <-.->|share| r%d\n", l.from, l.to)
		case viaLink:
			fmt.Fprintf(&b, "  r%d ==>|%s| r%d\n", l.from, quoted("send-via: "+l.label), l.via)
			if l.to != l.from {
				fmt.Fprintf(&b, "  r%d ==> r%d\n", l.to, l.via)
			}
		case toLink:
			fmt.Fprintf(&b, "  r%d ==>|send-to| r%d\n", l.from, l.via)
		}
	}
	if p.changes {
		b.WriteString("  classDef new stroke:#2f855a,stroke-width:3px\n  classDef gone stroke:#9b2c2c,stroke-width:2px,stroke-dasharray:4\n")
	}
	return b.String()
}

func mermaidClass(c change) string {
	if c == kept {
		return ""
	}
	return ":::" + strings.TrimSpace(c.class())
}

// quoted is text as a Mermaid label.
func quoted(text string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", "<br/>").Replace(text) + `"`
}

// placed is an attachment with the row and the edges where it is.
type placed struct {
	node
	row   int
	edges []string
}

// eachNode is each attachment of each row, with all its edges.
func (p *Picture) eachNode() []placed {
	var list []placed
	index := map[string]int{}
	for i := range p.rows {
		for _, e := range p.edges {
			for _, n := range p.cells[cellKey{i, e.location}] {
				key := fmt.Sprint(i, n.change, n.id)
				at, known := index[key]
				if !known {
					at = len(list)
					index[key] = at
					list = append(list, placed{node: n, row: i})
				}
				list[at].edges = append(list[at].edges, e.location)
			}
		}
	}
	return list
}

// DOT draws in the language of Graphviz.
func (p *Picture) DOT() string {
	var b strings.Builder
	b.WriteString("digraph network {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n  edge [fontname=\"sans-serif\", fontsize=9];\n")
	colour := func(c change) string {
		return [...]string{kept: "", added: ", color=\"#2f855a\"", removed: ", color=\"#9b2c2c\", style=dashed"}[c]
	}
	for i, r := range p.rows {
		shape := [...]string{segmentRow: "ellipse", groupRow: "hexagon", apartRow: "note"}[r.kind]
		fmt.Fprintf(&b, "  r%d [label=%s, shape=%s%s];\n", i, strconv.Quote(strings.Join(append([]string{r.name}, r.notes...), "\n")), shape, colour(r.change))
	}
	for i, at := range p.eachNode() {
		text := at.name + "\n" + at.kind + " @ " + strings.Join(at.edges, ", ")
		for _, line := range []string{at.note, at.problem} {
			if line != "" {
				text += "\n" + line
			}
		}
		fmt.Fprintf(&b, "  n%d [label=%s, shape=box%s];\n  n%d -> r%d [dir=none%s];\n", i, strconv.Quote(text), colour(at.change), i, at.row, colour(at.change))
	}
	for _, l := range p.links {
		switch l.kind {
		case shareLink:
			fmt.Fprintf(&b, "  r%d -> r%d [dir=both, style=dotted, label=\"share\"%s];\n", l.from, l.to, colour(l.change))
		case viaLink:
			fmt.Fprintf(&b, "  r%d -> r%d [penwidth=2, label=%s%s];\n", l.from, l.via, strconv.Quote(l.label), colour(l.change))
			if l.to != l.from {
				fmt.Fprintf(&b, "  r%d -> r%d [penwidth=2%s];\n", l.to, l.via, colour(l.change))
			}
		case toLink:
			fmt.Fprintf(&b, "  r%d -> r%d [penwidth=2, label=\"send-to\"%s];\n", l.from, l.via, colour(l.change))
		}
	}
	b.WriteString("}\n")
	return b.String()
}
