package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/policy"
)

// Explain says everything about a prefix in the table: it runs again what was run for it, and writes down each step.
func (v Table) Explain(p netip.Prefix) Explanation {
	if v.t == nil || !p.IsValid() {
		return Explanation{}
	}
	x := Explanation{Table: v.ID(), Prefix: p.Masked()}
	s := story{Table: v, id: -1, prefix: x.Prefix}
	if id, ok := v.t.ids.Get(s.prefix); ok {
		s.id = id
		if r, ok := v.t.route(v.sp, id, v.edge); ok {
			x.Route = &r
		}
		s.open()
	}
	s.announcements()
	if s.id >= 0 {
		s.statics()
		s.peers()
		s.insertion()
		s.judge()
	}
	for i := range s.list {
		x.Candidates = append(x.Candidates, s.list[i].Candidate)
	}
	slices.SortStableFunc(x.Candidates, func(a, b Candidate) int { return cmp.Compare(a.Verdict.Outcome, b.Verdict.Outcome) })
	return x
}

// story collects the candidates of a prefix in a table.
type story struct {
	Table
	id     int32
	prefix netip.Prefix
	e      *entry
	win    *win
	k      *worker // over the prefix, or over all it depends on
	i      int     // of the prefix in k
	list   []clue
}

// clue is a candidate with what it is compared by.
type clue struct {
	Candidate
	compared candidate
	inserted *inserted
}

func (s *story) open() {
	s.e, s.win = s.t.win(s.sp, s.id, s.edge)
	if s.e == nil {
		return
	}
	if s.sp.mesh.entangled(s.prefix) {
		k, ids := s.tangled()
		s.k, s.i = k, slices.Index(ids, s.id)
		return
	}
	s.k = s.worker(s.id, s.e)
}

func (s *story) location(edge int) string { return s.t.w.edges[edge].Location }

// drop ends a candidate with its last step.
func (c *clue) drop(detail string) {
	c.Verdict = Verdict{Outcome: Filtered, Step: len(c.Steps) - 1, Detail: detail}
	c.Steps[len(c.Steps)-1].Dropped = true
}

// announcements goes through everyone who announces the prefix, and tells those that are routes here, and those that did
// not come to any edge of the table.
func (s *story) announcements() {
	for _, a := range s.t.attachments {
		for i := range a.Announcements {
			if a.Announcements[i].Prefix.Masked() != s.prefix {
				continue
			}
			for _, edge := range a.edges {
				c, entered := s.announced(a, edge, &a.Announcements[i])
				if len(c.Steps) == 0 || entered && edge != s.edge {
					continue
				}
				if entered && !s.isOrigin(&c) { // the attachment has a better one
					c.compared = candidate{win: win{Attributes: c.Attributes, origin: none, via: here}, kind: kindOf(a)}
				}
				s.list = append(s.list, c)
			}
		}
	}
}

// isOrigin finds an announcement among the origins of the entry: of several of one attachment only the best is one, the
// others are no rows anywhere.
func (s *story) isOrigin(c *clue) bool {
	if s.e == nil {
		return false
	}
	for at := range s.e.origins {
		o := &s.e.origins[at]
		if o.edge == s.edge && o.place == nil && o.from.ID == c.Origin.Attachment && compareAttributes(&o.Attributes, &c.Attributes) == 0 {
			c.compared = candidate{win: win{Attributes: o.Attributes, origin: int32(at), via: here}, kind: o.kind, rank: at - len(s.e.origins)}
			return true
		}
	}
	return false
}

// announced follows an announcement until it enters the table at its own edge, or is dropped.
func (s *story) announced(a *attachment, edge int, n *Announcement) (clue, bool) {
	w := s.t.w
	c := clue{Candidate: Candidate{
		NextHop: &Destination{Attachment: a.ID}, Origin: Origin{Attachment: a.ID, Type: a.Type, Segment: a.Segment, Edge: s.location(edge)},
		Attributes: w.arriving(n),
	}}
	if n.Edge != "" && n.Edge != s.location(edge) {
		return clue{}, false
	}
	step := func(kind StepKind, detail string) *Step {
		c.Steps = append(c.Steps, Step{Kind: kind, Edge: s.location(edge), Segment: a.Segment, Detail: detail, After: c.Attributes})
		return &c.Steps[len(c.Steps)-1]
	}
	step(StepAnnounced, a.ID+" announces it")
	switch {
	case a.down:
		c.drop("the attachment does not work")
		return c, false
	case a.group(w):
		c.drop("what an appliance of a network function group announces goes nowhere")
		return c, false
	case w.opt.CheckAttachmentLoops && slices.Contains(n.ASPath, w.edges[edge].ASN):
		step(StepLoop, fmt.Sprintf("the AS path holds %d, the ASN of the edge", w.edges[edge].ASN))
		c.drop("the AS path holds the ASN of the edge")
		return c, false
	}
	if policies := w.policies(&a.Attachment, edge, policy.Inbound); len(policies) > 0 && !s.pass(&c, policies, Step{Kind: StepAttachmentPolicy, Edge: s.location(edge), Segment: a.Segment}) {
		return c, false
	}
	for i := range w.imports[a.space] {
		if im := &w.imports[a.space][i]; im.to == s.sp {
			return c, s.enters(&c, im, a, edge)
		}
	}
	step(StepNotShared, fmt.Sprintf("nothing leads from segment %s to %s", a.Segment, s.sp.name))
	c.drop("no share leads here")
	return c, false
}

// enters follows a route into the table, and says whether it got there.
func (s *story) enters(c *clue, im *importer, a *attachment, edge int) bool {
	step := func(kind StepKind, place policy.Place, detail string) {
		c.Steps = append(c.Steps, Step{Kind: kind, Edge: s.location(edge), Segment: s.sp.name, Place: place, Detail: detail, After: c.Attributes})
	}
	switch im.how {
	case StepImport:
		seg := s.sp.segment
		if seg.Isolate && a.Type != policy.TypeTransitGatewayRouteTable {
			step(StepIsolated, seg.Place, "segment "+seg.Name+" isolates its attachments")
			c.drop("the segment isolates its attachments")
			return false
		}
		step(StepImport, seg.Place, "enters the table of its segment")
		return true
	case StepLearn:
		step(StepLearn, s.sp.group.Place, "the group learns the routes of segment "+a.Segment)
		return true
	}
	step(StepShare, im.share.Actions[0], "shared from "+im.share.From+" to "+im.share.To)
	if im.by != nil {
		word := "deny-filter"
		if len(im.by.AllowFilter) > 0 {
			word = "allow-filter"
		}
		step(StepFilter, im.refused, fmt.Sprintf("the %s of segment %s", word, im.by.Name))
		c.drop("the " + word + " of segment " + im.by.Name + " refuses it")
		return false
	}
	if !im.to.real[edge] {
		step(StepNoTable, s.sp.segment.Place, "segment "+s.sp.name+" has no table at this edge")
		if !s.t.w.opt.ShareAcrossMissingEdges {
			c.drop("the segment has no table where the route starts")
			return false
		}
	}
	return s.pass(c, im.share.Policies, Step{Kind: StepSharePolicy, Edge: s.location(edge), Segment: s.sp.name})
}

// pass runs policies over a candidate and adds their steps; false when they drop it.
func (s *story) pass(c *clue, policies []*policy.RoutingPolicy, common Step) bool {
	run := runner{lists: s.t.w.lists, record: &common}
	r := run.run(policies, []passing{{prefix: s.prefix, Attributes: c.Attributes}})[0]
	c.Steps = append(c.Steps, r.recorded...)
	c.Attributes = r.Attributes
	if r.dropped {
		c.drop(droppedBy(&c.Steps[len(c.Steps)-1]))
	}
	return !r.dropped
}

func droppedBy(s *Step) string {
	return fmt.Sprintf("rule %d of routing policy %s, line %d: %s", s.RuleNumber, s.Policy, s.Place.Line(), s.Action)
}

// statics tells the static routes at this edge, those that another one stands before too, and those of other segments.
func (s *story) statics() {
	for _, sp := range s.t.w.spaces {
		if sp == s.sp {
			continue
		}
		for _, o := range s.t.statics(sp, s.prefix) {
			if o.edge == s.edge {
				c := clue{Candidate: Candidate{Kind: KindStatic, Attributes: o.Attributes, Origin: s.t.originAt(sp, &o)}}
				c.Steps = []Step{s.created(sp, &o), {Kind: StepNotShared, Edge: s.location(s.edge), Segment: s.sp.name, Detail: "static routes stay in their segment, " + sp.name, After: o.Attributes}}
				c.drop("static routes are not shared")
				s.list = append(s.list, c)
			}
		}
	}
	for i, o := range s.t.allStatics(s.sp, s.prefix) {
		if o.edge != s.edge {
			continue
		}
		c := clue{Candidate: Candidate{Kind: KindStatic, Attributes: o.Attributes, Origin: s.t.originAt(s.sp, &o)}}
		c.Steps = []Step{s.created(s.sp, &o)}
		if o.kind == localStatic {
			c.NextHop = &Destination{Attachment: o.id()}
		}
		c.compared = candidate{win: win{Attributes: o.Attributes, origin: none, via: here}, kind: o.kind, rank: i}
		for at := range s.e.origins {
			if e := &s.e.origins[at]; e.edge == s.edge && e.place == o.place && e.from == o.from {
				c.compared.origin, c.compared.rank = int32(at), at-len(s.e.origins)
			}
		}
		s.list = append(s.list, c)
	}
}

func (s *story) created(sp *space, o *origin) Step {
	detail := "create-route leads it to " + o.id()
	switch {
	case o.from == nil:
		detail = "create-route makes it a blackhole"
	case o.kind == localBlackhole:
		detail = "create-route leads it to " + o.id() + ", which does not work: a blackhole"
	}
	return Step{Kind: StepCreated, Edge: s.location(o.edge), Segment: sp.name, Place: o.place.Place, Detail: detail, After: o.Attributes}
}

// history is how the route that an edge uses came there.
func (s *story) history(edge, depth int) []Step {
	w := &s.k.wins[s.i][edge]
	if w.origin == none || depth > len(s.t.w.edges) { // only where nothing settles is it deeper
		return nil
	}
	if w.via != here {
		steps, _ := s.link(int(w.via), edge, depth)
		return steps
	}
	if w.origin >= aggregate {
		return nil
	}
	o := &s.e.origins[w.origin]
	if o.place != nil {
		return []Step{s.created(s.sp, o)}
	}
	for i := range o.from.Announcements {
		n := &o.from.Announcements[i]
		if n.Prefix.Masked() != s.prefix {
			continue
		}
		if c, entered := s.announced(o.from, o.edge, n); entered && compareAttributes(&c.Attributes, &o.Attributes) == 0 {
			return c.Steps
		}
	}
	return nil
}

// link is how p tells edge what it uses, from the beginning.
func (s *story) link(p, edge, depth int) ([]Step, clue) {
	w := s.t.w
	c := clue{Candidate: Candidate{Kind: KindEdge, NextHop: &Destination{Edge: s.location(p), Segment: s.sp.name}}}
	if s.sp.segment == nil {
		c.NextHop.Segment, c.NextHop.NetworkFunctionGroup = "", s.sp.name
	}
	step := func(kind StepKind, a Attributes, detail string) {
		c.Steps = append(c.Steps, Step{Kind: kind, Edge: s.location(edge), Peer: s.location(p), Segment: s.sp.name, Detail: detail, After: a})
	}
	used := &s.k.wins[s.i][p]
	if used.origin != none {
		c.Origin, c.Attributes = s.t.originOf(s.sp, s.e, used.origin), used.Attributes
	}
	out := Step{Kind: StepOutboundPolicy, Edge: s.location(p), Peer: s.location(edge), Segment: s.sp.name}
	r, ok := s.k.tell(p, edge, &out)[s.i]
	if !ok {
		c.Steps = s.history(p, depth+1)
		if used.origin != none {
			reason := s.location(p) + " does not advertise it back: its best path is via " + s.location(edge)
			if used.via != int16(edge) {
				reason = s.location(p) + " has a blackhole, which is not advertised"
			}
			step(StepNotAdvertised, used.Attributes, reason)
			c.drop(reason)
		}
		return c.Steps, c
	}
	if r.made == nil {
		c.Steps = s.history(p, depth+1)
	} else {
		c.Origin = Origin{Kind: FromSummarize, Segment: s.sp.name, Edge: s.location(p), Place: r.made.Place}
	}
	c.Steps = append(c.Steps, r.recorded...)
	if c.Attributes = r.Attributes; r.dropped {
		c.drop(droppedBy(&c.Steps[len(c.Steps)-1]))
		return c.Steps, c
	}
	in := Step{Kind: StepInboundPolicy, Edge: s.location(edge), Peer: s.location(p), Segment: s.sp.name}
	rib, arrived, ok := s.k.arrive(s.i, edge, p, r, &in)
	step(StepAdvertised, rib, s.location(p)+" advertises it to "+s.location(edge))
	c.Attributes = rib
	if !ok {
		step(StepLoop, rib, fmt.Sprintf("the AS path holds %d, the ASN of %s", w.edges[edge].ASN, s.location(edge)))
		c.drop("the AS path holds the ASN of the edge")
		return c.Steps, c
	}
	c.Steps = append(c.Steps, arrived.recorded...)
	if c.Attributes = arrived.Attributes; arrived.dropped {
		c.drop(droppedBy(&c.Steps[len(c.Steps)-1]))
		return c.Steps, c
	}
	c.compared = candidate{win: win{Attributes: arrived.Attributes, origin: used.origin, via: int16(p)}, kind: localOther, rank: w.byName[p]}
	if w.opt.RemoteStaticIsStatic && r.made == nil && c.Origin.Kind == FromStatic {
		c.compared.kind = localStatic
	}
	return c.Steps, c
}

func (s *story) peers() {
	if s.e == nil {
		return
	}
	for p := range s.sp.real {
		if p == s.edge {
			continue
		}
		if _, c := s.link(p, s.edge, 0); len(c.Steps) > 0 {
			s.list = append(s.list, c)
		}
	}
}

func (s *story) insertion() {
	if s.sp.segment == nil {
		return
	}
	in, ok := s.t.insertion(s.sp, s.id, s.edge, s.e, s.win)
	if !ok {
		return
	}
	c := clue{inserted: &in, Candidate: Candidate{Kind: in.kind, Origin: s.t.insertedOrigin(s.sp, s.edge, &in), Attributes: Attributes{MED: DefaultMED}}}
	detail := in.kind.String() + " through " + s.t.w.spaces[in.group].name + ": " + in.why
	if in.edge >= 0 {
		d := s.t.destination(in.group, in.edge, s.edge)
		c.NextHop = &d
		detail += ", " + s.location(in.edge)
	}
	c.Steps = []Step{{Kind: StepInsertion, Edge: s.location(s.edge), Segment: s.sp.name, Place: in.place, Detail: detail, After: c.Attributes}}
	s.list = append(s.list, c)
}

// judge compares the candidates that were not dropped with the winner.
func (s *story) judge() {
	var winner, over *clue
	for i := range s.list {
		c := &s.list[i]
		switch {
		case c.Verdict.Outcome == Filtered:
		case c.inserted != nil:
			over = c
		case s.win != nil && c.compared.via == s.win.via && (s.win.via != here || c.compared.origin == s.win.origin):
			winner = c
		}
	}
	covered, by := over != nil, ByNothing
	if over != nil {
		covered, by = s.t.covers(s.sp, s.e, s.win, over.inserted)
	}
	if winner == nil {
		s.leaderless(over, covered, by)
		return
	}
	second := ByNothing
	for i := range s.list {
		c := &s.list[i]
		if c == winner || c == over || c.Verdict.Outcome == Filtered {
			continue
		}
		_, lostBy := s.t.w.better(&c.compared, &winner.compared)
		if c.compared.kind.static() && winner.compared.kind.static() && c.compared.via == here && winner.compared.via == here {
			lostBy = ByStatic
		}
		second = max(second, lostBy)
		c.Verdict = Verdict{Outcome: Rejected, By: lostBy, Detail: "against " + hop(&winner.Candidate)}
		if s.win.via == here && c.compared.via == here && slices.Contains(s.win.equals, c.compared.origin) {
			c.Verdict = Verdict{Outcome: SelectedECMP, By: ByTieBreak, Detail: "used together with " + hop(&winner.Candidate)}
		}
	}
	winner.Verdict = Verdict{Outcome: Selected, By: second}
	switch {
	case over == nil:
	case covered:
		over.Verdict = Verdict{Outcome: Selected, By: by}
		for i := range s.list {
			if c := &s.list[i]; c.inserted == nil && (c.Verdict.Outcome == Selected || c.Verdict.Outcome == SelectedECMP) {
				c.Verdict = Verdict{Outcome: Rejected, By: ByInsertion, Detail: "against " + hop(&over.Candidate)}
			}
		}
	default:
		if winner.Verdict.By == ByNothing {
			winner.Verdict.By = by
		}
		over.Verdict = Verdict{Outcome: Rejected, By: by, Detail: "against " + hop(&winner.Candidate)}
	}
}

// leaderless judges when none of the candidates is what the edge uses. Of a prefix that never settles the edge may use what
// it is told no longer, or not yet what it is told.
func (s *story) leaderless(over *clue, covered bool, by Criterion) {
	for i := range s.list {
		switch c := &s.list[i]; {
		case c.Verdict.Outcome == Filtered:
		case c == over && covered:
			c.Verdict = Verdict{Outcome: Selected, By: by}
		default:
			c.Verdict = Verdict{Outcome: Rejected, Detail: "the prefix never settles"}
		}
	}
}

func hop(c *Candidate) string {
	if c.NextHop == nil {
		return "blackhole"
	}
	return c.NextHop.String()
}

// String is a step in one line.
func (s *Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s", s.Kind, s.Edge)
	if s.Peer != "" {
		fmt.Fprintf(&b, " with %s", s.Peer)
	}
	if s.Policy != "" {
		fmt.Fprintf(&b, ": rule %d of %s, %s", s.RuleNumber, s.Policy, s.Action)
	}
	if s.Detail != "" {
		fmt.Fprintf(&b, ": %s", s.Detail)
	}
	if s.Place.Known() {
		fmt.Fprintf(&b, " (line %d)", s.Place.Line())
	}
	return b.String()
}
