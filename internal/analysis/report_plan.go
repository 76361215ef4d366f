package analysis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// Plan is what a change of policy does. Its routes are looked up while it is written: they may be many.
type Plan struct {
	Empty           bool       `json:"empty"`
	Changes         []string   `json:"changes"` // the change set
	Segments        []PlanPair `json:"segments"`
	Attachments     []PlanPair `json:"attachments"`
	InspectionLost  []string   `json:"inspectionLost"`
	Edges           []string   `json:"edges"`
	Accounts        []string   `json:"accounts"`
	Truncated       bool       `json:"truncated"` // more pairs of attachments change than are listed
	RoutesAdded     int        `json:"routesAdded"`
	RoutesWithdrawn int        `json:"routesWithdrawn"`
	RoutesRerouted  int        `json:"routesRerouted"`
	Routes          PlanRoutes `json:"routes"`
}

// PlanRoutes are the routes of a plan.
type PlanRoutes iter.Seq[PlanRow]

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
}

// Plan works out what another policy would change.
func (s *Subject) Plan(ctx context.Context, document []byte) (*Plan, error) {
	if s.Snapshot == nil {
		return nil, errors.New("a plan takes the network's snapshot")
	}
	next, err := Examine(s.Snapshot, document, s.Network.Options)
	if err != nil {
		return nil, fmt.Errorf("as it would be: %w", asQuestionError(err))
	}
	if err := next.Settled(); err != nil {
		return nil, fmt.Errorf("as it would be: %w", err)
	}
	return s.PlanTo(ctx, next)
}

// PlanTo compares the network with another one as a plan does: what it was at another moment, say. The network must have
// its snapshot.
func (s *Subject) PlanTo(ctx context.Context, next *Subject) (*Plan, error) {
	c, err := Compare(ctx, s, next)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Changes: []string{}, Segments: []PlanPair{}, Attachments: []PlanPair{}, InspectionLost: []string{},
		Edges: append([]string{}, c.Edges...), Accounts: []string{}, Truncated: c.Truncated,
		RoutesAdded: c.Added, RoutesWithdrawn: c.Withdrawn, RoutesRerouted: c.Rerouted, Routes: planRoutes(c),
	}
	for _, change := range policy.Diff(s.Network.Policy, next.Network.Policy) {
		line := fmt.Sprintf("%s %s %s", change.Action, change.Type, change.Identifier)
		if !slices.Contains(p.Changes, line) { // the same at several edges, or of several members
			p.Changes = append(p.Changes, line)
		}
	}
	p.Empty = len(p.Changes) == 0 && c.IsEmpty()
	p.pairs(c.Segments, &p.Segments, "no attachments left in segment")
	p.pairs(c.Attachments, &p.Attachments, "no prefix to reach")
	accounts := map[string]string{}
	for i := range s.Snapshot.Attachments {
		accounts[s.Snapshot.Attachments[i].ID] = s.Snapshot.Attachments[i].Account
	}
	for _, id := range c.Touched {
		if account := accounts[id]; account != "" {
			p.Accounts = insert(p.Accounts, account)
		}
	}
	return p, nil
}

func planRoutes(c *Comparison) PlanRoutes {
	return func(yield func(PlanRow) bool) {
		for r := range c.Routes() {
			row := PlanRow{Table: r.Table.String(), Prefix: r.Prefix.String(), Kind: r.Kind()}
			if r.Before != nil {
				row.Before = leadsTo(r.Before)
			}
			if r.After != nil {
				row.After = leadsTo(r.After)
			}
			if !yield(row) {
				return
			}
		}
	}
}

func (p *Plan) pairs(list []PairChange, into *[]PlanPair, none string) {
	for i := range list {
		c := &list[i]
		before, after := howFar(c.Before, none), howFar(c.After, none)
		if before != after {
			*into = append(*into, PlanPair{c.From, c.To, before, after})
		}
		if lost := c.InspectionLost(); len(lost) > 0 {
			p.InspectionLost = append(p.InspectionLost, fmt.Sprintf("%s → %s: no longer inspected by %s", c.From, c.To, strings.Join(lost, ", ")))
		} else if c.Bypassed() {
			p.InspectionLost = append(p.InspectionLost, fmt.Sprintf("%s → %s: partly no longer inspected by %s", c.From, c.To, strings.Join(c.Before.InspectedBy, ", ")))
		}
	}
}

// howFar is how one reaches the other, with how much of it where it is not all or nothing.
func howFar(r *Reach, none string) string {
	switch {
	case r.Samples == 0:
		return none
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

// WriteText writes the plan for a terminal.
func (p *Plan) WriteText(w io.Writer) error { return p.write(w, false) }

// WriteMarkdown writes the plan for a pull request.
func (p *Plan) WriteMarkdown(w io.Writer) error { return p.write(w, true) }

func (p *Plan) write(w io.Writer, markdown bool) error {
	b := bufio.NewWriter(w)
	heading, item, plain := func(text string) { fmt.Fprintf(b, "%s\n", text) }, "  ", func(text string) string { return text }
	if markdown {
		heading, item, plain = func(text string) { fmt.Fprintf(b, "\n### %s\n\n", text) }, "- ", markdownText
	}
	if p.Empty {
		_, err := fmt.Fprintln(w, "Nothing changes.")
		return err
	}
	section := func(name string, list []string) {
		if len(list) == 0 {
			return
		}
		heading(name)
		for _, line := range list {
			fmt.Fprintf(b, "%s%s\n", item, plain(line))
		}
	}
	section("Change set", p.Changes)
	section("Reachability between segments", lines(p.Segments))
	section("Reachability between attachments", lines(p.Attachments))
	section("No longer inspected", p.InspectionLost)
	section("Edge locations affected", p.Edges)
	section("Accounts affected", p.Accounts)
	if p.Truncated {
		fmt.Fprintf(b, "\nMore than %d pairs of attachments change; the others are not listed.\n", MaxPairChanges)
	}
	heading(fmt.Sprintf("Routes: %d added, %d withdrawn, %d re-routed", p.RoutesAdded, p.RoutesWithdrawn, p.RoutesRerouted))
	if err := p.writeRoutes(b, markdown, plain); err != nil {
		return err
	}
	return b.Flush()
}

func (p *Plan) writeRoutes(b *bufio.Writer, markdown bool, plain func(string) string) error {
	if p.Routes == nil {
		return nil
	}
	if markdown && p.RoutesAdded+p.RoutesWithdrawn+p.RoutesRerouted > 0 {
		b.WriteString("| table | prefix | | before | after |\n| --- | --- | --- | --- | --- |\n")
	}
	for r := range p.Routes {
		sign, change := "+", r.After
		switch r.Kind {
		case "withdrawn":
			sign, change = "-", r.Before
		case "rerouted":
			sign, change = "~", r.Before+" ⇒ "+r.After
		}
		var err error
		if markdown {
			_, err = fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", plain(r.Table), r.Prefix, r.Kind, plain(r.Before), plain(r.After))
		} else {
			_, err = fmt.Fprintf(b, "  %s %s %s → %s\n", sign, r.Table, r.Prefix, change)
		}
		if err != nil {
			return err // who asked has gone
		}
	}
	return nil
}

func lines(pairs []PlanPair) []string {
	list := make([]string, len(pairs))
	for i := range pairs {
		list[i] = pairs[i].String()
	}
	return list
}

// markdownText keeps names from being markup.
func markdownText(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "[", `\[`, "\n", " ").Replace(text)
}
