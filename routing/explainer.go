package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/internal/order"
)

// Explain says everything about a prefix in the table. It asks the functions that computed the table to do so again for this
// prefix, with a trail that records each step, and puts together what they recorded.
func (v Table) Explain(p netip.Prefix) Explanation {
	if v.t == nil || !p.IsValid() {
		return Explanation{}
	}
	x := Explanation{Table: v.ID(), Prefix: p.Masked()}
	s := explainer{Table: v, core: v.t.core, prefix: x.Prefix, class: v.class(p)}
	if s.class == nil {
		return x
	}
	if r, ok := v.t.route(v.vrf, s.prefix, s.class, v.edge); ok {
		x.Route = &r
	}
	s.open()
	s.announced()
	s.statics()
	s.peers()
	s.insertion()
	s.judge()
	for i := range s.list {
		x.Candidates = append(x.Candidates, s.list[i].Candidate)
	}
	order.Stable(x.Candidates, func(a, b Candidate) int { return cmp.Compare(a.Verdict.Outcome, b.Verdict.Outcome) })
	return x
}

// An explainer collects the candidates of a prefix in a table.
type explainer struct {
	Table
	core   *core
	prefix netip.Prefix
	class  *class
	rib    *rib      // nil: no paths
	best   *bestPath // nil: nothing is selected
	run    *run      // over the prefix, or over all that it is aggregated with
	id     prefixID  // of the prefix in run
	list   []explained
}

// explained is a candidate with what it is compared by.
type explained struct {
	Candidate
	compared candidate
	inserted *inserted
}

func (s *explainer) open() {
	if s.rib = s.class.rib(s.vrf.id); s.rib == nil {
		return
	}
	s.best = s.rib.selected(s.edge)
	if s.vrf.bgp.aggregated(s.prefix) {
		s.run = s.together()
		s.id = prefixID(slices.Index(s.run.prefixes, s.prefix))
		return
	}
	s.run = s.Table.run(s.prefix, s.rib)
}

// take ends a candidate with what a trail recorded.
func (c *explained) take(t *trail) {
	c.Steps = t.steps
	if t.dropped != "" {
		c.Verdict = Verdict{Outcome: Filtered, Step: len(t.steps) - 1, Detail: t.dropped}
	}
	if n := len(t.steps); n > 0 {
		c.Attributes = t.steps[n-1].After
	}
}

// announced goes through all that attachments announce of the prefix: what enters the table at its edge, and what does not
// come into the vrf at any edge.
func (s *explainer) announced() {
	order := make([]int, len(s.class.received))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &s.class.received[i], &s.class.received[j]
		return cmp.Or(strings.Compare(a.from.ID, b.from.ID), cmp.Compare(a.peer, b.peer))
	})
	for _, i := range order {
		r := &s.class.received[i]
		c, entered := s.follow(r)
		if entered && r.edge != s.edge {
			continue
		}
		if entered {
			c.compared = candidate{bestPath: bestPath{Attributes: c.Attributes, path: noPath, via: noEdge}, kind: pathKindOf(r.from.Type)}
			if r.refused == notRefused {
				s.compareOwn(&c, func(p *path) bool { return p.static == nil && p.from == r.from && p.peer == r.peer })
			}
		}
		s.list = append(s.list, c)
	}
}

// compareOwn finds the path of the rib that a candidate of this edge is.
func (s *explainer) compareOwn(c *explained, is func(*path) bool) {
	if s.rib == nil {
		return
	}
	for at := range s.rib.paths {
		if p := &s.rib.paths[at]; p.edge == s.edge && is(p) {
			c.compared = candidate{
				bestPath: bestPath{Attributes: *p.Attributes, path: int32(at), via: noEdge}, kind: p.kind, ecmp: p.ecmp, rank: at - len(s.rib.paths),
			}
		}
	}
}

// follow follows an announcement until it enters the vrf at its own edge, or is dropped.
func (s *explainer) follow(r *received) (explained, bool) {
	c := explained{Candidate: Candidate{
		NextHop: &r.from.next[r.peer][0],
		Origin:  Origin{Attachment: r.from.ID, Peer: r.from.peerName(r.peer), Type: r.from.Type, Segment: r.from.Segment, Edge: s.core.location(r.edge)},
	}}
	t := &trail{}
	in := s.core.receive(&arrival{from: r.from, attrs: r.announced, edge: r.edge, peer: r.peer, nat: r.nat}, s.prefix, t)
	entered := false
	if in.accepted != nil {
		entered = s.importInto(&in, t)
	}
	c.take(t)
	return c, entered
}

// importInto takes a received route into the vrf.
func (s *explainer) importInto(r *received, t *trail) bool {
	rules := s.core.imports[r.from.vrf]
	for i := range rules {
		if rules[i].to == s.vrf {
			_, ok := s.core.importRoute(&rules[i], r, s.prefix, t)
			return ok
		}
	}
	t.step(Step{
		Kind: StepNotShared, Edge: s.core.location(r.edge), Segment: r.from.Segment, After: *r.accepted,
		Detail: fmt.Sprintf("nothing leads from segment %s to %s", r.from.Segment, s.vrf.name),
	})
	t.drop("no share leads here")
	return false
}

// statics are the static routes at this edge, those that another one takes the place of too, and those of other segments.
func (s *explainer) statics() {
	edge := s.core.location(s.edge)
	for _, v := range s.core.vrfs {
		if v == s.vrf {
			continue
		}
		for _, p := range s.core.statics(v, s.prefix, s.t.attachment) {
			if p.edge == s.edge {
				c := explained{Candidate: Candidate{Kind: KindStatic, Origin: s.core.originOfPath(v, &p)}}
				t := &trail{steps: []Step{s.created(v, &p)}}
				t.step(Step{Kind: StepNotShared, Edge: edge, Segment: s.vrf.name, Detail: "static routes stay in their segment, " + v.name, After: *p.Attributes})
				t.drop("static routes are not shared")
				c.take(t)
				s.list = append(s.list, c)
			}
		}
	}
	for i, p := range s.core.allStatics(s.vrf, s.prefix, s.t.attachment) {
		if p.edge != s.edge {
			continue
		}
		c := explained{Candidate: Candidate{Kind: KindStatic, Attributes: *p.Attributes, Origin: s.core.originOfPath(s.vrf, &p), Steps: []Step{s.created(s.vrf, &p)}}}
		if p.kind == pathStatic {
			c.NextHop = &p.next()[0]
		}
		c.compared = candidate{bestPath: bestPath{Attributes: *p.Attributes, path: noPath, via: noEdge}, kind: p.kind, rank: i}
		s.compareOwn(&c, func(o *path) bool { return o.static == p.static && o.from == p.from })
		s.list = append(s.list, c)
	}
}

func (s *explainer) created(v *vrf, p *path) Step {
	detail := "create-route leads it to " + p.id()
	switch {
	case p.from == nil:
		detail = "create-route makes it a blackhole"
	case p.kind == pathBlackhole:
		detail = "create-route leads it to " + p.id() + ", which does not work: a blackhole"
	}
	return Step{Kind: StepCreated, Edge: s.core.location(p.edge), Segment: v.name, Place: p.static.Place, Detail: detail, After: *p.Attributes}
}

// past is how the route that an edge uses came there.
func (s *explainer) past(edge edgeID, depth int) []Step {
	b := &s.run.best[s.id][edge]
	if b.path == noPath || depth > len(s.core.edges) { // only where nothing settles is it deeper
		return nil
	}
	if b.via != noEdge {
		c := s.link(b.via, edge, depth)
		return c.Steps
	}
	if b.path >= aggregate {
		return nil
	}
	p := &s.rib.paths[b.path]
	if p.static != nil {
		return []Step{s.created(s.vrf, p)}
	}
	for i := range s.class.received {
		r := &s.class.received[i]
		if r.refused != notRefused || r.from != p.from || r.peer != p.peer || r.edge != p.edge {
			continue
		}
		if c, entered := s.follow(r); entered {
			return c.Steps
		}
	}
	return nil
}

// link is how an edge advertises what it uses to another one, from the beginning.
func (s *explainer) link(from, edge edgeID, depth int) explained {
	core := s.core
	c := explained{Candidate: Candidate{Kind: KindEdge, NextHop: &s.vrf.toEdge[from][0]}}
	t := &trail{}
	at := func(kind StepKind, a Attributes, detail string) {
		t.step(Step{Kind: kind, Edge: core.location(edge), Peer: core.location(from), Segment: s.vrf.name, Detail: detail, After: a})
	}
	used := &s.run.best[s.id][from]
	if used.path != noPath {
		c.Origin = core.originOf(s.vrf, s.rib, used.path)
	}
	sent, ok := s.run.adjOut(from, edge, &Step{Kind: StepOutboundPolicy, Edge: core.location(from), Peer: core.location(edge), Segment: s.vrf.name})[s.id]
	if sent.made == nil {
		t.steps = s.past(from, depth+1)
	}
	if !ok {
		if used.path != noPath {
			reason := core.location(from) + " has a blackhole, which is not advertised"
			if used.via == edge {
				reason = core.location(from) + " does not advertise it back: its best path is via " + core.location(edge)
			}
			at(StepNotAdvertised, used.Attributes, reason)
			t.drop(reason)
		}
		c.take(t)
		return c
	}
	if sent.made != nil {
		c.Origin = Origin{Kind: FromSummarize, Segment: s.vrf.name, Edge: core.location(from), Place: sent.made.Place}
	}
	if t.filtered(&sent); sent.dropped {
		c.take(t)
		return c
	}
	rib, arrived, ok := s.run.importFrom(s.id, edge, from, &sent, &Step{Kind: StepInboundPolicy, Edge: core.location(edge), Peer: core.location(from), Segment: s.vrf.name})
	at(StepAdvertised, rib, core.location(from)+" advertises it to "+core.location(edge))
	if !ok {
		at(StepLoop, rib, fmt.Sprintf("the AS path holds %d, the ASN of %s", core.edges[edge].ASN, core.location(edge)))
		t.drop("the AS path holds the ASN of the edge")
	} else if t.filtered(&arrived); !arrived.dropped {
		c.compared = s.run.received(s.id, from, &sent, &arrived)
	}
	c.take(t)
	if ok {
		c.Attributes = arrived.Attributes
	}
	return c
}

func (s *explainer) peers() {
	if s.rib == nil {
		return
	}
	for i := range s.vrf.hasTable {
		if from := edgeID(i); from != s.edge {
			if c := s.link(from, s.edge, 0); len(c.Steps) > 0 {
				s.list = append(s.list, c)
			}
		}
	}
}

func (s *explainer) insertion() {
	if s.vrf.segment == nil {
		return
	}
	in, ok := s.t.insertion(s.vrf, s.prefix, s.class, s.edge)
	if !ok {
		return
	}
	c := explained{inserted: &in, Candidate: Candidate{Kind: in.kind, Origin: s.t.insertedOrigin(s.vrf, s.edge, &in), Attributes: Attributes{MED: DefaultMED}}}
	detail := in.kind.String() + " through " + s.core.vrfs[in.group].name + ": " + in.why
	if in.edge != noEdge {
		d := s.t.destination(in.group, in.edge, s.edge)
		c.NextHop = &d
		detail += ", " + s.core.location(in.edge)
	}
	c.Steps = []Step{{Kind: StepInsertion, Edge: s.core.location(s.edge), Segment: s.vrf.name, Place: in.place, Detail: detail, After: c.Attributes}}
	s.list = append(s.list, c)
}
