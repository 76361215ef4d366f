// Package report writes the answers about a network as one HTML document: a picture, what doctor finds, reachability in
// colours, attachments, route tables, and what a change would do. It needs no other file and prints.
package report

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/picture"
	"portolan/routing"
)

// Report is what is written.
type Report struct {
	Title string
	Now   *analysis.Subject
	Next  *analysis.Subject // the network after a change; nil: there is none
}

// maxRoutes bounds the rows of all route tables; the tables beyond are counted.
const maxRoutes = 5000

// maxPlanRoutes bounds the routes of a plan.
const maxPlanRoutes = 2000

const style = `body{font:14px/1.45 sans-serif;color:#1f2933;margin:2rem auto;max-width:1200px;padding:0 1rem}
h1{font-size:1.6rem}h2{margin-top:2.2rem;border-bottom:2px solid #cbd2d9}table{border-collapse:collapse;margin:.6rem 0}
th,td{border:1px solid #cbd2d9;padding:.2rem .5rem;text-align:left;vertical-align:top;font-size:12px}th{background:#f5f7fa}
.good{color:#22693f}.bad{color:#9b2c2c}.warning{color:#8a5a00}.faint{color:#52606d}.strong{font-weight:bold}
td.yes{background:#d7f2df}td.partly{background:#fdf0d5}td.no{background:#fbdcdc}td.none{background:#f5f7fa}
.picture{overflow:auto;border:1px solid #cbd2d9}nav a{margin-right:1rem}summary{cursor:pointer;font-weight:bold}
@media print{body{margin:0;max-width:none}nav{display:none}h2{break-after:avoid}tr{break-inside:avoid}.picture{overflow:visible;border:0}.picture svg{max-width:100%;height:auto}details>*{display:block}}`

// writer writes a document; after the first error it does nothing.
type writer struct {
	*bufio.Writer
	err error
}

func (w *writer) text(s string) { w.WriteString(html.EscapeString(s)) }

// section begins a part of the document.
func (w *writer) section(id, title string) {
	fmt.Fprintf(w, "<h2 id=\"%s\">", id)
	w.text(title)
	w.WriteString("</h2>\n")
}

func (w *writer) page(p *page.Page) {
	if w.err == nil {
		w.err = p.HTML(w.Writer)
	}
}

// WriteHTML writes the document. The error is that of the context, of a question or of the writer.
func (r *Report) WriteHTML(ctx context.Context, to io.Writer) error {
	w := &writer{Writer: bufio.NewWriter(to)}
	w.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	w.WriteString(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` + "\n<title>")
	w.text(r.Title)
	w.WriteString("</title>\n<style>" + style + "</style>\n</head>\n<body>\n<h1>")
	w.text(r.Title)
	w.WriteString("</h1>\n<nav>")
	parts := [][2]string{{"picture", "Picture"}, {"findings", "Findings"}, {"matrix", "Reachability"}, {"attachments", "Attachments"}, {"routes", "Route tables"}}
	if r.Next != nil {
		parts = append([][2]string{{"plan", "Plan"}}, parts...)
	}
	for _, part := range parts {
		fmt.Fprintf(w, `<a href="#%s">%s</a>`, part[0], part[1])
	}
	w.WriteString("</nav>\n")
	for _, write := range []func(context.Context, *writer) error{r.plan, r.picture, r.findings, r.matrix, r.attachments, r.routes} {
		if err := write(ctx, w); err != nil {
			return err
		}
		if err := w.Flush(); err != nil || w.err != nil {
			return fmt.Errorf("report: %w", firstError(err, w.err))
		}
	}
	w.WriteString("</body>\n</html>\n")
	return w.Flush()
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// plan is what the change does, its first routes only.
func (r *Report) plan(ctx context.Context, w *writer) error {
	if r.Next == nil {
		return nil
	}
	p, err := r.Now.PlanTo(ctx, r.Next)
	if err != nil {
		return err
	}
	w.section("plan", "Plan")
	if total := p.RoutesAdded + p.RoutesWithdrawn + p.RoutesRerouted; total > maxPlanRoutes {
		all := p.Routes
		p.Routes = func(yield func(analysis.PlanRow) bool) {
			n := 0
			all(func(row analysis.PlanRow) bool { n++; return n <= maxPlanRoutes && yield(row) })
		}
		w.page(r.Now.Page(p))
		fmt.Fprintf(w, "<p>The first %d of %d routes are listed.</p>\n", maxPlanRoutes, total)
		return nil
	}
	w.page(r.Now.Page(p))
	return nil
}

func (r *Report) picture(_ context.Context, w *writer) error {
	w.section("picture", "Picture")
	p := picture.Of(r.Now)
	if r.Next != nil {
		p = picture.Between(r.Now, r.Next)
	}
	w.WriteString("<div class=\"picture\">\n" + p.SVG() + "</div>\n")
	return nil
}

func (r *Report) findings(ctx context.Context, w *writer) error {
	if r.Next == nil {
		return r.findingsOf(ctx, w, r.Now, "findings", "Findings")
	}
	if err := r.findingsOf(ctx, w, r.Now, "findings", "Findings before the change"); err != nil {
		return err
	}
	return r.findingsOf(ctx, w, r.Next, "findings-after", "Findings after the change")
}

func (r *Report) findingsOf(ctx context.Context, w *writer, s *analysis.Subject, id, title string) error {
	found, err := s.Doctor(ctx)
	if err != nil {
		return err
	}
	w.section(id, title)
	w.page(s.Page(found))
	return nil
}

// matrix is a grid of segments, then the reasons of what is not reachable.
func (r *Report) matrix(ctx context.Context, w *writer) error {
	w.section("matrix", "Reachability between segments")
	if err := r.Now.Settled(); err != nil {
		w.WriteString("<p class=\"bad\">")
		w.text(err.Error())
		w.WriteString("</p>\n")
		return nil
	}
	rows, err := r.Now.Matrix(ctx, false)
	if err != nil {
		return err
	}
	names := r.Now.SegmentNames()
	at := map[[2]string]*analysis.MatrixRow{}
	var rest analysis.Matrix // what is to be explained
	for i := range rows {
		x := &rows[i]
		at[[2]string{x.From, x.To}] = x
		if x.Reaches == "no" || x.Reaches == "partly" || !slices.Contains(names, x.From) {
			rest = append(rest, *x)
		}
	}
	w.WriteString("<table><thead><tr><th>from \\ to</th>")
	for _, to := range names {
		w.WriteString("<th>")
		w.text(to)
		w.WriteString("</th>")
	}
	w.WriteString("</tr></thead>\n<tbody>\n")
	for _, from := range names {
		w.WriteString("<tr><th>")
		w.text(from)
		w.WriteString("</th>")
		for _, to := range names {
			x := at[[2]string{from, to}]
			class, text := "none", "–"
			if x != nil && x.Reaches != "-" {
				class, text = x.Reaches, x.Reaches
				if len(x.InspectedBy) > 0 {
					text += " via " + strings.Join(x.InspectedBy, ", ")
				}
			}
			fmt.Fprintf(w, `<td class="%s">`, class)
			w.text(text)
			w.WriteString("</td>")
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("</tbody></table>\n")
	if len(rest) > 0 {
		w.page(r.Now.Page(rest))
	}
	return nil
}

func (r *Report) attachments(_ context.Context, w *writer) error {
	w.section("attachments", "Attachments")
	w.page(r.Now.Page(r.Now.Attachments()))
	return nil
}

// routes are the route tables, each folded away.
func (r *Report) routes(ctx context.Context, w *writer) error {
	w.section("routes", "Route tables")
	written, left, tables := 0, 0, 0
	for _, id := range r.Now.Tables.TableIDs() {
		if err := ctx.Err(); err != nil {
			return err
		}
		table, _ := r.Now.Tables.Table(id)
		n := 0
		for range table.Forwards() {
			n++
		}
		if written+n > maxRoutes {
			left, tables = left+n, tables+1
			continue
		}
		written += n
		rows, err := r.Now.Routes(routing.TableID{Segment: id.Segment, NetworkFunctionGroup: id.NetworkFunctionGroup, Edge: id.Edge}, false)
		if err != nil {
			return err
		}
		w.WriteString("<details><summary>")
		w.text(fmt.Sprintf("%s: %d routes", id, n))
		w.WriteString("</summary>\n")
		w.page(r.Now.Page(rows))
		w.WriteString("</details>\n")
	}
	if left > 0 {
		fmt.Fprintf(w, "<p>%d more tables with %d routes are not listed: portolan routes shows them.</p>\n", tables, left)
	}
	return nil
}
