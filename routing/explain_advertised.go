package routing

import (
	"net/netip"
	"slices"

	"portolan/policy"
)

// AdvertisedExplanation says why a prefix is advertised to an attachment or is not.
type AdvertisedExplanation struct {
	Prefix        netip.Prefix
	Advertisement *Advertisement // nil: it is not advertised
	Steps         []Step         // how its table came to the route, then what happened on the way out
	Detail        string         // in words, why it is not advertised
}

// ExplainAdvertised says why an edge advertises a prefix to an attachment or a Connect peer, or where the prefix stopped. What
// stops before the table of the attachment is for [Table.Explain] to say.
func (t *Tables) ExplainAdvertised(id, edge string, p netip.Prefix) AdvertisedExplanation {
	if !p.IsValid() {
		return AdvertisedExplanation{}
	}
	x := AdvertisedExplanation{Prefix: p.Masked()}
	on, why := t.session(id, edge)
	if why != "" {
		x.Detail = why
		return x
	}
	common := Step{Kind: StepOutboundPolicy, Edge: edge, Segment: on.Segment}
	stop := func(kind StepKind, detail string) AdvertisedExplanation {
		s := common
		s.Kind, s.Detail, s.Dropped = kind, detail, true
		if n := len(x.Steps); n > 0 {
			s.After = x.Steps[n-1].After
		}
		x.Steps, x.Detail = append(x.Steps, s), detail
		return x
	}
	table := Table{t: t, vrf: t.core.vrfs[on.vrf], edge: on.edge}
	if row, ok := table.Exact(x.Prefix); ok {
		for _, c := range table.Explain(x.Prefix).Candidates {
			if c.Verdict.Outcome == Selected {
				x.Steps = slices.Clone(c.Steps)
			}
		}
		if reason := t.withheld(&on, &row); reason != "" { // an aggregate may take its place
			stop(StepNotAdvertised, reason)
		}
	} else {
		x.Detail = "its table has no route"
	}
	routes, origins := t.outgoing(&on, &common)
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
		ad := t.sent(&on, r, origins)
		sent := common
		sent.Kind, sent.Detail, sent.After = StepAdvertised, edge+" advertises it to "+id, ad.Attributes
		x.Advertisement, x.Detail, x.Steps = &ad, "", append(x.Steps, sent)
	}
	return x
}

// aggregateOf is the route that the rule of a step made.
func aggregateOf(routes []route, by *Step) string {
	for i := range routes {
		if made := routes[i].made; made != nil && made.Offset() == by.Place.Offset() {
			return routes[i].prefix.String()
		}
	}
	return "an aggregate"
}
