package picture

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The picture is a grid: a row for each segment and network function group, a column for each edge location, attachments in
// the cells. Shares and inspection are lines to the left of the grid, each in a lane of its own, with arrows into the group
// that inspects.
const (
	svgMargin   = 16
	svgHead     = 44 // the names of the edges
	svgLane     = 10 // between lines of shares and inspection
	svgLine     = 16 // of text
	svgPad      = 8
	svgListed   = 4   // attachments of a cell that are named; of more, their types are counted
	svgNotes    = 6   // notes of a row that are shown; how many more there are is said
	svgMaxLanes = 120 // lines that are drawn; the others are counted below the picture
	svgName     = 40  // characters of a name
	svgLabel    = 60  // characters of another line
	svgMinCell  = 150
	svgMinName  = 120
)

// SVG draws the picture as an SVG document: no scripts, fonts or files from elsewhere.
func (p *Picture) SVG() string {
	d := p.layout()
	var b strings.Builder
	d.draw(&b)
	return b.String()
}

// Size is the width and the height of the SVG document, in pixels.
func (p *Picture) Size() (width, height int) {
	d := p.layout()
	return d.width, d.height
}

// shown is a line of text: what is shown, what it stands for, and its class.
type shown struct{ short, whole, class string }

func line(class, text string, most int) shown { return shown{shortened(text, most), text, class} }

type drawing struct {
	*Picture
	names, cell   int // widths
	left, top     int // of the grid
	tops, heights []int
	texts         map[cellKey][]shown
	notes         [][]shown // of the rows
	lanes         []link
	width, height int
}

func (p *Picture) layout() *drawing {
	d := &drawing{Picture: p, names: svgMinName, cell: svgMinCell, texts: map[cellKey][]shown{}, lanes: p.links[:min(len(p.links), svgMaxLanes)]}
	for _, e := range p.edges {
		d.cell = max(d.cell, wide(shortened(e.location, svgName))+svgPad)
	}
	y := svgMargin + svgHead
	d.top = y
	for i := range p.rows {
		notes := p.rows[i].lines()
		d.notes = append(d.notes, notes)
		high := len(notes)
		for _, n := range notes {
			d.names = max(d.names, wide(n.short)+2*svgPad)
		}
		for _, e := range p.edges {
			key := cellKey{i, e.location}
			d.texts[key] = cellLines(p.cells[key])
			high = max(high, len(d.texts[key]))
			for _, t := range d.texts[key] {
				d.cell = max(d.cell, wide(t.short)+2*svgPad)
			}
		}
		d.tops = append(d.tops, y)
		d.heights = append(d.heights, high*svgLine+2*svgPad)
		y += d.heights[i] + svgPad
	}
	d.left = svgMargin + svgLane*(len(d.lanes)+1) + d.names
	d.width = max(d.left+len(p.edges)*(d.cell+svgPad)+svgMargin, 420)
	d.height = y + svgMargin + 2*svgLine + svgMargin
	return d
}

// wide is how many pixels a text takes at most, in bold at 12 pixels.
func wide(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune("MWmw@%–—→↔", r) || r > 0x2fff:
			n += 12
		case r >= 'A' && r <= 'Z' || r > 0x7f:
			n += 9
		case strings.ContainsRune("iljtfr.,:;!|'()[] /-", r):
			n += 5
		default:
			n += 8
		}
	}
	return n
}

// lines are the name and the notes of a row.
func (r *row) lines() []shown {
	kind := [...]string{segmentRow: "segment", groupRow: "network function group", apartRow: "no segment and no group"}[r.kind]
	list := []shown{line("head", r.name, svgName), line("note", kind, svgLabel)}
	for _, n := range r.notes[:min(len(r.notes), svgNotes)] {
		list = append(list, line("note", n, svgLabel))
	}
	if more := len(r.notes) - svgNotes; more > 0 {
		list = append(list, line("note", fmt.Sprintf("and %d more", more), svgLabel))
	}
	return list
}

// cellLines are the lines of text of a cell: two for each attachment, or counts of types when there are many.
func cellLines(nodes []node) []shown {
	var list []shown
	if len(nodes) <= svgListed {
		for _, n := range nodes {
			whole := n.name
			if n.name != n.id {
				whole += " (" + n.id + ")"
			}
			list = append(list, shown{shortened(n.name, svgName), whole, "name" + n.change.class()})
			note := n.kind
			if n.note != "" {
				note += " · " + n.note
			}
			list = append(list, line("note"+n.change.class(), note, svgLabel))
			if n.problem != "" {
				list = append(list, line("note bad", n.problem, svgLabel))
			}
		}
		return list
	}
	count, down, changed := map[string]int{}, 0, [3]int{}
	var types []string
	for _, n := range nodes {
		if count[n.kind]++; count[n.kind] == 1 {
			types = append(types, n.kind)
		}
		if n.problem != "" {
			down++
		}
		changed[n.change]++
	}
	slices.Sort(types)
	for _, t := range types[:min(len(types), svgListed)] {
		list = append(list, line("", fmt.Sprintf("%d × %s", count[t], t), svgLabel))
	}
	for _, x := range []struct {
		n           int
		word, class string
	}{{down, "without traffic", "note bad"}, {changed[added], "new", "note new"}, {changed[removed], "gone", "note gone"}} {
		if x.n > 0 {
			list = append(list, line(x.class, fmt.Sprintf("%d of them %s", x.n, x.word), svgLabel))
		}
	}
	return list
}

const svgStyle = `text{font:12px sans-serif;fill:#1f2933}.head,.name{font-weight:bold}.note{font-size:10px;fill:#52606d}` +
	`.segment{fill:#e3f0fb;stroke:#2b6cb0}.group{fill:#fdf0d5;stroke:#b7791f}.apart{fill:#fdecea;stroke:#9b2c2c;stroke-dasharray:5 3}` +
	`.none{fill:#f5f7fa;stroke:#cbd2d9;stroke-dasharray:3}` +
	`.share,.send-via,.send-to{fill:none;stroke-width:2}.share{stroke:#2b6cb0;stroke-dasharray:4 3}.send-via{stroke:#b7791f}` +
	`.send-to{stroke:#6b46c1}path.new{stroke:#2f855a;stroke-width:3}path.gone{stroke:#9b2c2c;stroke-dasharray:2 4}` +
	`text.new{fill:#2f855a}text.gone{fill:#9b2c2c;text-decoration:line-through}rect.new{stroke:#2f855a;stroke-width:3}` +
	`rect.gone{stroke:#9b2c2c;stroke-dasharray:2 4}.bad{fill:#9b2c2c}`

func (d *drawing) draw(b *strings.Builder) {
	segments, groups := 0, 0
	for _, r := range d.rows {
		switch r.kind {
		case segmentRow:
			segments++
		case groupRow:
			groups++
		}
	}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", d.width, d.height, d.width, d.height)
	fmt.Fprintf(b, "<title>core network: %s, %s, %s, %s</title>\n",
		counted(segments, "segment"), counted(groups, "network function group"), counted(len(d.edges), "edge"), counted(d.attachments, "attachment"))
	fmt.Fprintf(b, "<style>%s</style>\n", svgStyle)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", d.width, d.height)
	for i, e := range d.edges {
		x := d.left + i*(d.cell+svgPad)
		write(b, x, svgMargin+svgLine, line("head", e.location, svgName))
		write(b, x, svgMargin+2*svgLine, line("note", fmt.Sprintf("AS %d", e.asn), svgLabel))
	}
	for i := range d.rows {
		d.row(b, i)
	}
	for lane, l := range d.lanes {
		d.link(b, lane, l)
	}
	d.legend(b)
	b.WriteString("</svg>\n")
}

func (d *drawing) row(b *strings.Builder, i int) {
	r := &d.rows[i]
	class := [...]string{segmentRow: "segment", groupRow: "group", apartRow: "apart"}[r.kind] + r.change.class()
	for j, note := range d.notes[i] {
		if j == 0 {
			note.class += r.change.class()
		}
		write(b, d.left-d.names+svgPad, d.tops[i]+svgPad+(j+1)*svgLine-4, note)
	}
	for j, e := range d.edges {
		x := d.left + j*(d.cell+svgPad)
		box := class
		if !slices.Contains(r.edges, e.location) {
			box = "none"
		}
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="4"/>`+"\n", box, x, d.tops[i], d.cell, d.heights[i])
		for k, t := range d.texts[cellKey{i, e.location}] {
			write(b, x+svgPad, d.tops[i]+svgPad+(k+1)*svgLine-4, t)
		}
	}
}

// link is a line between rows in its lane: of a share from one to the other, of an inspected pair from both to the group,
// with arrows into it.
func (d *drawing) link(b *strings.Builder, lane int, l link) {
	x, end := d.left-d.names-svgLane*(lane+1), d.left-d.names+2
	var path string
	if l.kind == shareLink {
		path = fmt.Sprintf("M%d %dH%dV%dH%d", end, d.anchor(l.from, lane), x, d.anchor(l.to, lane), end)
	} else {
		group := d.anchor(l.via, lane)
		path = fmt.Sprintf("M%d %dH%dV%dH%dm-6 -3l6 3l-6 3", end, d.anchor(l.from, lane), x, group, end)
		if l.to != l.from {
			path += fmt.Sprintf("M%d %dH%dV%d", end, d.anchor(l.to, lane), x, group)
		}
	}
	fmt.Fprintf(b, `<path class="%s%s" d="%s"><title>`, l.kind, l.change.class(), path)
	text := l.kind.String() + ": " + l.label
	if l.via >= 0 {
		text = l.kind.String() + " " + d.rows[l.via].name + ": " + l.label
	}
	escape(b, text)
	b.WriteString("</title></path>\n")
}

// anchor is where a lane's line meets a row: lines that meet the same row keep apart as far as there is room.
func (d *drawing) anchor(row, lane int) int {
	return d.tops[row] + svgPad + lane*4%(d.heights[row]-2*svgPad)
}

func (d *drawing) legend(b *strings.Builder) {
	y, x := d.height-svgMargin-svgLine, svgMargin
	classes := []string{"share", "send-via", "send-to"}
	if d.changes {
		classes = append(classes, "share new", "share gone")
	}
	for _, class := range classes {
		fmt.Fprintf(b, `<path class="%s" d="M%d %dh24"/>`+"\n", class, x, y-4)
		write(b, x+30, y, line("note", strings.TrimPrefix(class, "share "), svgLabel))
		x += 90
	}
	if more := len(d.links) - len(d.lanes); more > 0 {
		write(b, x, y, line("note bad", fmt.Sprintf("%d more lines are not drawn", more), svgLabel))
	}
}

// write writes one line of text; what it stands for shows when it is pointed at.
func write(b *strings.Builder, x, y int, t shown) {
	fmt.Fprintf(b, `<text x="%d" y="%d"`, x, y)
	if t.class != "" {
		fmt.Fprintf(b, ` class="%s"`, t.class)
	}
	b.WriteByte('>')
	if t.short != t.whole {
		b.WriteString("<title>")
		escape(b, t.whole)
		b.WriteString("</title>")
	}
	escape(b, t.short)
	b.WriteString("</text>\n")
}

// shortened keeps both ends of a text: ids differ in their last characters.
func shortened(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most/2-1]) + "…" + string(runes[len(runes)-most/2:])
}

// escape writes text as XML has it. What XML cannot hold becomes U+FFFD.
func escape(w io.Writer, s string) { _ = xml.EscapeText(w, []byte(s)) }

// counted is a number of things: "1 segment", "2 segments".
func counted(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
