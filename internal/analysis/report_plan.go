package analysis

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/page"
	"portolan/policy"
	"portolan/routing"
)

// Plan is what a change of a network does. Its routes are looked up while it is written: they may be many.
type Plan struct {
	Empty           bool       `json:"empty"`
	Headline        []string   `json:"headline"` // what matters most, in words
	Moves           []PlanMove `json:"moves"`
	Replacements    []PlanSwap `json:"replacements"` // attachments that are deleted and made anew
	Changes         []string   `json:"changes"`      // the change set
	Segments        []PlanPair `json:"segments"`
	Attachments     []PlanPair `json:"attachments"`
	InspectionLost  []string   `json:"inspectionLost"`
	Edges           []string   `json:"edges"`
	Accounts        []string   `json:"accounts"`
	Truncated       bool       `json:"truncated"` // more pairs of attachments change than are listed
	RoutesAdded     int        `json:"routesAdded"`
	RoutesWithdrawn int        `json:"routesWithdrawn"`
	RoutesRerouted  int        `json:"routesRerouted"`
	Routes          PlanRoutes `json:"routes"`          // at most [MaxRouteChanges], or as many as are asked for
	RoutesTruncated bool       `json:"routesTruncated"` // more change than are listed

	Names map[string]string `json:"names,omitempty"` // Name tags of attachments in it, by id

	label func(string) string
	most  int // routes that are listed
}

// PlanRoutes are the routes of a plan.
type PlanRoutes iter.Seq[PlanRow]

// MaxRouteChanges bounds the routes that a plan lists: what is answered of the largest network is some MB, not 100.
const MaxRouteChanges = 100_000

// MarshalJSONTo writes them one by one.
func (r PlanRoutes) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	if r != nil {
		for row := range r {
			if err := json.MarshalEncode(enc, &row); err != nil {
				return err
			}
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}

// PlanRow is a route that is added, withdrawn or rerouted.
type PlanRow struct {
	Table  string `json:"table"`
	Prefix string `json:"prefix"`
	Kind   string `json:"kind"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// PlanPair is a pair that reaches each other otherwise than before.
type PlanPair struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Before string `json:"before"`
	After  string `json:"after"`
	Change string `json:"change"` // lost, gained or changed
}

// Plan works out what another policy would change.
func (s *Subject) Plan(ctx context.Context, document []byte) (*Plan, error) {
	next, err := (&Change{Policy: document}).Of(ctx, s)
	if err != nil {
		return nil, err
	}
	return s.PlanTo(ctx, next)
}

// PlanTo works out what becomes of this network when it changes to another one.
func (s *Subject) PlanTo(ctx context.Context, next *Subject) (*Plan, error) {
	return planTo(ctx, s, next, MaxRouteChanges)
}

// planTo is [Subject.PlanTo] with the number of routes that are listed at most.
func planTo(ctx context.Context, s, next *Subject, most int) (*Plan, error) {
	if err := next.Settled(); err != nil {
		return nil, fmt.Errorf("after the change: %w", err)
	}
	c, err := Compare(ctx, s, next)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Changes: []string{}, Segments: []PlanPair{}, Attachments: []PlanPair{}, InspectionLost: []string{}, Headline: []string{},
		Moves: movesOf(s, next), Edges: append([]string{}, c.Edges...), Accounts: []string{}, Truncated: c.Truncated,
		RoutesAdded: c.Added, RoutesWithdrawn: c.Withdrawn, RoutesRerouted: c.Rerouted, Routes: planRoutes(c, most), most: most,
		label: func(text string) string {
			return labelled(text, func(id string) string { return cmp.Or(nameTagOf(next, id), nameTagOf(s, id)) })
		},
	}
	for _, change := range policy.Diff(s.Network.Policy, next.Network.Policy) {
		line := fmt.Sprintf("%s %s %s", change.Action, change.Type, change.Identifier)
		if !slices.Contains(p.Changes, line) { // the same at several edges, or of several members
			p.Changes = append(p.Changes, line)
		}
	}
	if p.Replacements, err = replacementsOf(ctx, s, next); err != nil {
		return nil, err
	}
	p.RoutesTruncated = c.Added+c.Withdrawn+c.Rerouted > most
	p.Empty = len(p.Changes)+len(p.Moves)+len(p.Replacements) == 0 && c.IsEmpty()
	p.pairs(c.Segments, &p.Segments, func(int, *PairChange) string { return "no attachments left in segment" })
	absent := [2]absences{{s, map[string]string{}}, {next, map[string]string{}}}
	p.pairs(c.Attachments, &p.Attachments, func(when int, pair *PairChange) string {
		return cmp.Or(absent[when].of(pair.From), absent[when].of(pair.To), "no prefix to reach")
	})
	p.Changes = append(p.Changes, retagged(s, next, p.Moves)...)
	for _, id := range c.Touched {
		for _, of := range []*Subject{s, next} {
			if a := of.inventory.byID[id]; a != nil && a.Account != "" {
				p.Accounts = insert(p.Accounts, a.Account)
			}
		}
	}
	p.nameAll(s, next)
	p.headline(c.rows.dropped())
	p.Headline = append(p.Headline, next.failed...)
	return p, nil
}

// nameAll collects the names of the attachments in a plan.
func (p *Plan) nameAll(subjects ...*Subject) {
	p.Names = map[string]string{}
	for _, s := range subjects {
		for _, m := range p.Moves {
			maps.Copy(p.Names, s.namesOf(m.Attachment))
		}
		for i := range p.Attachments {
			maps.Copy(p.Names, s.namesOf(p.Attachments[i].From, p.Attachments[i].To))
		}
	}
}

// planRoutes are the first so many routes of a comparison.
func planRoutes(c *Comparison, left int) PlanRoutes {
	return func(yield func(PlanRow) bool) {
		left := left
		prefixes := make([]string, len(c.rows.prefixes)) // texts that come again in many tables
		leads := leadTexts{}
		var table routing.TableID
		var row PlanRow
		for r := range c.Routes() {
			if left--; left < 0 {
				return
			}
			if r.Table != table {
				table, row.Table = r.Table, r.Table.String()
			}
			if prefixes[r.at] == "" {
				prefixes[r.at] = r.Prefix.String()
			}
			row.Prefix, row.Kind, row.Before, row.After = prefixes[r.at], r.Kind(), leads.of(r.Before), leads.of(r.After)
			if !yield(row) {
				return
			}
		}
	}
}

// leadTexts are the texts of destinations that rows share.
type leadTexts map[*routing.Destination]string

// of says where a row leads, "" for no row.
func (l leadTexts) of(r *routing.Forward) string {
	switch {
	case r == nil:
		return ""
	case len(r.Destinations) != 1 || r.Kind != routing.KindEdge && r.Kind != routing.KindAttachment:
		return leadsTo(r)
	}
	text, ok := l[&r.Destinations[0]]
	if !ok {
		text = leadsTo(r)
		l[&r.Destinations[0]] = text
	}
	return text
}

// pairs lists the pairs whose reachability changes. none says why there was nothing to try, before (0) or after (1).
func (p *Plan) pairs(list []PairChange, into *[]PlanPair, none func(when int, c *PairChange) string) {
	for i := range list {
		c := &list[i]
		before, after := howFar(c.Before), howFar(c.After)
		if before != after {
			before, after = through(before, c.Before), through(after, c.After)
			if before == "" {
				before = none(0, c)
			}
			if after == "" {
				after = none(1, c)
			}
			change := "changed"
			switch {
			case c.Lost():
				change = "lost"
			case c.Gained():
				change = "gained"
			}
			*into = append(*into, PlanPair{c.From, c.To, before, after, change})
		}
		if lost := c.InspectionLost(); len(lost) > 0 {
			p.InspectionLost = append(p.InspectionLost, fmt.Sprintf("%s → %s: no longer inspected by %s", c.From, c.To, strings.Join(lost, ", ")))
		} else if c.Bypassed() {
			p.InspectionLost = append(p.InspectionLost, fmt.Sprintf("%s → %s: partly no longer inspected by %s", c.From, c.To, strings.Join(c.Before.InspectedBy, ", ")))
		}
	}
}

// through adds the network function groups that packets pass.
func through(text string, r *Reach) string {
	if r.Delivered > 0 && len(r.InspectedBy) > 0 {
		text += " via " + strings.Join(r.InspectedBy, ", ")
	}
	return text
}

// howFar is how one reaches the other, with how much of it where it is not all or nothing; "" when there is nothing to try.
func howFar(r *Reach) string {
	switch {
	case r.Samples == 0:
		return ""
	case r.Reaches():
		return "reachable"
	case r.Partly():
		return fmt.Sprintf("partly reachable, %d of %d", r.Delivered, r.Samples)
	default:
		return "not reachable: " + r.why()
	}
}

func (p *PlanPair) String() string {
	return fmt.Sprintf("%s → %s: %s (was: %s)", p.From, p.To, p.After, p.Before)
}

// changeMarks are the colours of changes.
var changeMarks = map[string]page.Mark{
	"lost": page.Bad, "gained": page.Good, "changed": page.Warning, "added": page.Good, "withdrawn": page.Bad, "rerouted": page.Warning,
}

// Page is the headline, then all changes.
func (p *Plan) Page() *page.Page {
	out := p.top()
	if p.Empty {
		return out
	}
	section := func(name string, list []string) {
		if len(list) == 0 {
			return
		}
		out.Heading(name)
		for _, line := range list {
			out.Item(1, page.Plain, "%s", line)
		}
	}
	pairs := func(name, what string, list []PlanPair) {
		if len(list) == 0 {
			return
		}
		out.Heading(name)
		for _, g := range groupPairs(list) {
			g.show(out, what)
		}
	}
	section("Change set", p.Changes)
	if len(p.Moves) > 0 {
		out.Heading("Attachments that move")
		for i := range p.Moves {
			out.Item(1, page.Warning, "%s", p.Moves[i].String())
		}
	}
	if len(p.Replacements) > 0 {
		out.Heading("Attachments that are replaced")
		for i := range p.Replacements {
			r := &p.Replacements[i]
			out.Item(1, page.Warning, "%s: %s", r.Attachment, r.Reason)
			for _, line := range r.Unreachable {
				out.Item(2, page.Bad, "meanwhile %s", line)
			}
		}
	}
	pairs("Reachability between segments", "segments", p.Segments)
	pairs("Reachability between attachments", "attachments", p.Attachments)
	section("No longer inspected", p.InspectionLost)
	section("Edge locations affected", p.Edges)
	section("Accounts affected", p.Accounts)
	if p.Truncated {
		out.Line(page.Warning, "More than %d pairs of attachments change; the others are not listed.", MaxPairChanges)
	}
	out.Heading(p.routeCounts())
	if p.RoutesTruncated {
		out.Line(page.Warning, "The first %d are listed.", p.most)
	}
	if p.RoutesAdded+p.RoutesWithdrawn+p.RoutesRerouted > 0 && p.Routes != nil {
		out.Table([]string{"TABLE", "PREFIX", "CHANGE", "BEFORE", "AFTER"}, func(yield func([]page.Cell) bool) {
			cells := make([]page.Cell, 5)
			for r := range p.Routes {
				cells[0].Text, cells[1].Text, cells[3].Text, cells[4].Text = r.Table, r.Prefix, r.Before, r.After
				cells[2] = page.Cell{Text: r.Kind, Mark: changeMarks[r.Kind]}
				if !yield(cells) {
					return
				}
			}
		})
		out.Line(page.Faint, "nfg:NAME is network function group NAME, or its attachment NAME; edge:LOCATION is the next hop at another edge location.")
	}
	return out
}

func (p *Plan) routeCounts() string {
	var parts []string
	for i, n := range []int{p.RoutesAdded, p.RoutesWithdrawn, p.RoutesRerouted} {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, []string{"added", "withdrawn", "re-routed"}[i]))
		}
	}
	if len(parts) == 0 {
		return "Routes: none changes"
	}
	return "Routes: " + strings.Join(parts, ", ")
}
