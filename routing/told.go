package routing

import (
	"net/netip"
	"slices"

	"portolan/policy"
)

// Telling is why an attachment is told of a prefix or is not.
type Telling struct {
	Prefix        netip.Prefix
	Advertisement *Advertisement // nil: it is not told of it
	Steps         []Step         // how its table came to the route, then what happened on the way out
	Detail        string         // in words, why it is not told
}

// ExplainAdvertised says why an attachment is told of a prefix at one of its edges, or where the prefix stopped. What
// stops before the table of the attachment is for [Table.Explain] to say.
func (t *Tables) ExplainAdvertised(id, edge string, p netip.Prefix) Telling {
	if !p.IsValid() {
		return Telling{}
	}
	x := Telling{Prefix: p.Masked()}
	a, e, ok := t.listener(id, edge)
	if !ok {
		x.Detail = "no attachment that works and is told routes is there"
		return x
	}
	common := Step{Kind: StepOutboundPolicy, Edge: edge, Segment: a.Segment}
	stop := func(kind StepKind, detail string) Telling {
		s := common
		s.Kind, s.Detail, s.Dropped = kind, detail, true
		if n := len(x.Steps); n > 0 {
			s.After = x.Steps[n-1].After
		}
		x.Steps, x.Detail = append(x.Steps, s), detail
		return x
	}
	table := Table{t: t, sp: t.w.spaces[a.space], edge: e}
	if row, ok := table.Exact(x.Prefix); ok {
		for _, c := range table.Explain(x.Prefix).Candidates {
			if c.Verdict.Outcome == Won {
				x.Steps = slices.Clone(c.Steps)
			}
		}
		if reason := t.withheld(a, e, &row); reason != "" { // an aggregate may take its place
			stop(StepNotAdvertised, reason)
		}
	} else {
		x.Detail = "its table has no route"
	}
	routes, origins := t.outgoing(a, e, &common)
	for i := range routes {
		r := &routes[i]
		if r.prefix != x.Prefix {
			continue
		}
		if r.made != nil {
			x.Steps = nil
		}
		x.Steps = append(x.Steps, r.recorded...)
		if r.dropped {
			last := &x.Steps[len(x.Steps)-1]
			if x.Detail = droppedBy(last); last.Action == policy.RouteSummarize {
				stop(StepSummarized, aggregateOf(routes, last)+" stands for it")
			}
			continue
		}
		ad := t.sent(a, e, r, origins)
		told := common
		told.Kind, told.Detail, told.After = StepAdvertised, edge+" tells "+a.ID, ad.Attributes
		x.Advertisement, x.Detail, x.Steps = &ad, "", append(x.Steps, told)
	}
	return x
}

// aggregateOf is the route that the rule of a step made.
func aggregateOf(routes []passing, by *Step) string {
	for i := range routes {
		if made := routes[i].made; made != nil && made.Offset() == by.Place.Offset() {
			return routes[i].prefix.String()
		}
	}
	return "an aggregate"
}
