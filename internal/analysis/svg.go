package analysis

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"portolan/policy"
	"portolan/routing"
)

// The picture is a grid: a row for each segment and network function group, a column for each edge, attachments in the
// cells. Shares and inspection are lines to the left of the grid, each in a lane of its own.
const (
	svgMargin   = 16
	svgHead     = 44  // the names of the edges
	svgName     = 150 // the names of the rows
	svgLane     = 10  // between lines of shares and inspection
	svgLine     = 16  // of text
	svgCell     = 190
	svgPad      = 8
	svgListed   = 4   // attachments of a cell that are named; of more, their types are counted
	svgMaxLanes = 120 // lines that are drawn; the others are counted below the picture
	svgLabel    = 26  // characters of a line
	svgID       = 18  // characters of an id
)

// SVG draws the network as a picture of its own: no scripts, fonts or files from elsewhere. The same network gives the
// same bytes. Its size grows with rows times edges, not with attachments.
func (s *Subject) SVG() string {
	d := newDrawing(s)
	var b strings.Builder
	d.draw(&b)
	return b.String()
}

// svgRow is a segment or a network function group.
type svgRow struct {
	name  string
	group bool
	note  string
	edges []string // where it has a table
	top   int
	high  int
}

// svgLink is a line between two rows.
type svgLink struct {
	from, to int // indexes of rows
	kind     string
}

type drawing struct {
	net       *Subject
	rows      []svgRow
	edges     []string
	cells     map[routing.TableID][]*routing.Attachment
	links     []svgLink
	undrawn   int // links beyond the bound
	left, top int // of the grid
}

func newDrawing(n *Subject) *drawing {
	p := n.Network.Policy
	d := &drawing{net: n, cells: map[routing.TableID][]*routing.Attachment{}}
	for _, e := range p.Edges {
		d.edges = append(d.edges, e.Location)
	}
	for i := range n.Network.Attachments {
		a := &n.Network.Attachments[i]
		for _, e := range a.Edges {
			d.cells[tableOf(a, e)] = append(d.cells[tableOf(a, e)], a)
		}
	}
	for _, list := range d.cells {
		slices.SortFunc(list, func(a, b *routing.Attachment) int { return cmp.Compare(a.ID, b.ID) })
	}
	segment, group := map[string]int{}, map[string]int{}
	for _, s := range p.Segments {
		segment[s.Name] = len(d.rows)
		note := "segment"
		if s.Isolate {
			note += ", isolated"
		}
		d.rows = append(d.rows, svgRow{name: s.Name, note: note, edges: s.Edges})
	}
	for _, g := range p.NetworkFunctionGroups {
		group[g.Name] = len(d.rows)
		d.rows = append(d.rows, svgRow{name: g.Name, group: true, note: "network function group", edges: g.Edges})
	}
	seen := map[svgLink]bool{}
	link := func(from, to int, kind string) {
		l := svgLink{min(from, to), max(from, to), kind}
		if from == to || seen[l] {
			return
		}
		if seen[l] = true; len(d.links) == svgMaxLanes {
			d.undrawn++
			return
		}
		d.links = append(d.links, l)
	}
	for i := range p.Insertions {
		in := &p.Insertions[i]
		link(segment[in.Segment], group[in.Group], "send-via")
		link(segment[in.With], group[in.Group], "send-via")
	}
	for _, s := range p.SendTo {
		link(segment[s.Segment], group[s.Group], "send-to")
	}
	for _, s := range p.Shares {
		link(segment[s.From], segment[s.To], "share")
	}
	d.left = svgMargin + svgLane*(len(d.links)+1) + svgName
	d.top = svgMargin + svgHead
	y := d.top
	for i := range d.rows {
		r := &d.rows[i]
		most := 2
		for _, e := range d.edges {
			most = max(most, len(d.cell(r, e)))
		}
		r.top, r.high = y, most*svgLine+2*svgPad
		y += r.high + svgPad
	}
	return d
}

// svgText is a line of text: what is shown, and what it stands for.
type svgText struct{ short, whole string }

// shortTypes are types where there is little room.
var shortTypes = map[string]string{
	policy.TypeSiteToSiteVPN: "vpn", policy.TypeDirectConnectGateway: "dx", policy.TypeTransitGatewayRouteTable: "tgw",
}

// cell is the lines of text of a row at an edge.
func (d *drawing) cell(r *svgRow, edge string) []svgText {
	list := d.cells[d.table(r, edge)]
	var lines []svgText
	if len(list) <= svgListed {
		for _, a := range list {
			kind, down := cmp.Or(shortTypes[a.Type], a.Type), ""
			if a.Down {
				down = " (down)"
			}
			lines = append(lines, svgText{shortened(a.ID, svgID) + " " + shortened(kind, svgID/2) + down, a.ID + " " + a.Type + down})
		}
		return lines
	}
	count, down := map[string]int{}, 0
	var types []string
	for _, a := range list {
		if count[a.Type]++; count[a.Type] == 1 {
			types = append(types, a.Type)
		}
		if a.Down {
			down++
		}
	}
	slices.Sort(types)
	for _, t := range types[:min(len(types), svgListed)] {
		line := fmt.Sprintf("%d × %s", count[t], t)
		lines = append(lines, svgText{shortened(line, svgLabel), line})
	}
	if down > 0 {
		line := fmt.Sprintf("%d of them down", down)
		lines = append(lines, svgText{line, line})
	}
	return lines
}

func (d *drawing) table(r *svgRow, edge string) routing.TableID {
	if r.group {
		return routing.TableID{NetworkFunctionGroup: r.name, Edge: edge}
	}
	return routing.TableID{Segment: r.name, Edge: edge}
}

const svgStyle = `text{font:12px sans-serif;fill:#1f2933}.head{font-weight:bold}.note{font-size:10px;fill:#52606d}` +
	`.segment{fill:#e3f0fb;stroke:#2b6cb0}.group{fill:#fdf0d5;stroke:#b7791f}.none{fill:#f5f7fa;stroke:#cbd2d9;stroke-dasharray:3}` +
	`.share,.send-via,.send-to{fill:none;stroke-width:2}.share{stroke:#2b6cb0;stroke-dasharray:4 3}.send-via{stroke:#b7791f}` +
	`.send-to{stroke:#9b2c2c}.bad{fill:#9b2c2c}`

func (d *drawing) draw(b *strings.Builder) {
	bottom := d.top
	if len(d.rows) > 0 {
		last := &d.rows[len(d.rows)-1]
		bottom = last.top + last.high
	}
	width := max(d.left+len(d.edges)*(svgCell+svgPad)+svgMargin, 420)
	height := bottom + svgMargin + 2*svgLine + svgMargin
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<title>core network: %d segments, %d network function groups, %d edges, %d attachments</title>\n",
		len(d.net.Network.Policy.Segments), len(d.net.Network.Policy.NetworkFunctionGroups), len(d.edges), len(d.net.Network.Attachments))
	fmt.Fprintf(b, "<style>%s</style>\n", svgStyle)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for i, e := range d.net.Network.Policy.Edges {
		x := d.left + i*(svgCell+svgPad)
		text(b, x, svgMargin+svgLine, "head", e.Location)
		text(b, x, svgMargin+2*svgLine, "note", fmt.Sprintf("AS %d", e.ASN))
	}
	for i := range d.rows {
		d.row(b, &d.rows[i])
	}
	for lane, l := range d.links {
		d.link(b, lane, l)
	}
	y := bottom + svgMargin + svgLine
	x := svgMargin
	for _, kind := range []string{"share", "send-via", "send-to"} {
		fmt.Fprintf(b, `<path class="%s" d="M%d %dh24"/>`+"\n", kind, x, y-4)
		text(b, x+30, y, "note", kind)
		x += 90
	}
	if d.undrawn > 0 {
		text(b, x, y, "note bad", fmt.Sprintf("%d more lines are not drawn", d.undrawn))
	}
	b.WriteString("</svg>\n")
}

func (d *drawing) row(b *strings.Builder, r *svgRow) {
	class := "segment"
	if r.group {
		class = "group"
	}
	write(b, d.left-svgName+svgPad, r.top+svgPad+svgLine-4, "head", svgText{shortened(r.name, svgID), r.name})
	text(b, d.left-svgName+svgPad, r.top+svgPad+2*svgLine-4, "note", r.note)
	for i, e := range d.edges {
		x := d.left + i*(svgCell+svgPad)
		box := class
		if !slices.Contains(r.edges, e) {
			box = "none"
		}
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="4"/>`+"\n", box, x, r.top, svgCell, r.high)
		for j, line := range d.cell(r, e) {
			write(b, x+svgPad, r.top+svgPad+(j+1)*svgLine-4, "", line)
		}
	}
}

// link is a line from one row's name to another's, in its lane.
func (d *drawing) link(b *strings.Builder, lane int, l svgLink) {
	x, end := d.left-svgName-svgLane*(lane+1), d.left-svgName+2
	from, to := d.anchor(l.from, lane), d.anchor(l.to, lane)
	fmt.Fprintf(b, `<path class="%s" d="M%d %dH%dV%dH%d"><title>`, l.kind, end, from, x, to, end)
	escape(b, fmt.Sprintf("%s: %s – %s", l.kind, d.rows[l.from].name, d.rows[l.to].name))
	b.WriteString("</title></path>\n")
}

// anchor is where a lane's line meets a row: lines that meet the same row keep apart as far as there is room.
func (d *drawing) anchor(row, lane int) int {
	r := &d.rows[row]
	return r.top + svgPad + lane*4%(r.high-2*svgPad)
}

// text writes one line of text, shortened when it is long.
func text(b *strings.Builder, x, y int, class, s string) {
	write(b, x, y, class, svgText{shortened(s, svgLabel), s})
}

// write writes one line of text; what it stands for shows when it is pointed at.
func write(b *strings.Builder, x, y int, class string, t svgText) {
	fmt.Fprintf(b, `<text x="%d" y="%d"`, x, y)
	if class != "" {
		fmt.Fprintf(b, ` class="%s"`, class)
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

// shortened keeps both ends of a name: ids differ in their last characters.
func shortened(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:most/2-1]) + "…" + string(runes[len(runes)-most/2:])
}

// escape writes text as XML has it. What XML cannot hold becomes U+FFFD.
func escape(w io.Writer, s string) { _ = xml.EscapeText(w, []byte(s)) }
