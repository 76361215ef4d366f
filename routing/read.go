package routing

import (
	"iter"
	"net/netip"
	"slices"
)

// Table is one table of Tables: a view, cheap to make and to copy. The zero Table is empty.
type Table struct {
	t    *Tables
	sp   *space
	edge int
}

// TableIDs are all tables: segments, then groups, in the order of the policy, at their edges in its order.
func (t *Tables) TableIDs() []TableID {
	var list []TableID
	for _, sp := range t.w.spaces {
		for e, real := range sp.real {
			if real {
				list = append(list, sp.id(t.w.edges[e].Location))
			}
		}
	}
	return list
}

// Table finds a table, or false: there is no such segment, group or edge, or it has no table there.
func (t *Tables) Table(id TableID) (Table, bool) {
	at, ok := t.w.segment[id.Segment]
	if id.Segment == "" {
		at, ok = t.w.group[id.NetworkFunctionGroup]
	}
	e, known := t.w.edge[id.Edge]
	if !ok || !known || !t.w.spaces[at].real[e] {
		return Table{}, false
	}
	return Table{t: t, sp: t.w.spaces[at], edge: e}, true
}

// Attachment is an attachment of the network, as it was given.
func (t *Tables) Attachment(id string) (Attachment, bool) {
	a := t.attachment(id)
	if a == nil {
		return Attachment{}, false
	}
	return a.Attachment, true
}

// Attachments are all attachments by id, as they were given.
func (t *Tables) Attachments() iter.Seq[Attachment] {
	return func(yield func(Attachment) bool) {
		for _, a := range t.attachments {
			if !yield(a.Attachment) {
				return
			}
		}
	}
}

// ID names the table.
func (v Table) ID() TableID {
	if v.t == nil {
		return TableID{}
	}
	return v.sp.id(v.t.w.edges[v.edge].Location)
}

// Routes are the rows of the FIB: IPv4 before IPv6, by address, shorter prefixes first.
func (v Table) Routes() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if v.t == nil {
			return
		}
		for _, id := range v.t.order() {
			if r, ok := v.t.route(v.sp, id, v.edge); ok && !yield(r) {
				return
			}
		}
	}
}

// Forwards are the rows of Routes without what packets do not notice.
func (v Table) Forwards() iter.Seq[Forward] {
	return func(yield func(Forward) bool) {
		if v.t == nil {
			return
		}
		for _, id := range v.t.order() {
			if f, _, ok := v.t.forward(v.sp, id, v.edge); ok && !yield(f) {
				return
			}
		}
	}
}

// Exact is the row of a prefix.
func (v Table) Exact(p netip.Prefix) (Route, bool) {
	if v.t == nil || !p.IsValid() {
		return Route{}, false
	}
	id, ok := v.t.ids.Get(p.Masked())
	if !ok {
		return Route{}, false
	}
	return v.t.route(v.sp, id, v.edge)
}

// Lookup is the row that traffic to a whole prefix would use: the longest one that covers it. A blackhole is a row too.
func (v Table) Lookup(p netip.Prefix) (Route, bool) {
	for r := range v.SupernetsOf(p) {
		return r, true
	}
	return Route{}, false
}

// LookupAddr is the row that traffic to an address uses.
func (v Table) LookupAddr(a netip.Addr) (Route, bool) {
	a = a.Unmap().WithZone("")
	return v.Lookup(netip.PrefixFrom(a, a.BitLen()))
}

// SupernetsOf are the rows that cover a prefix, itself among them, the longest first.
func (v Table) SupernetsOf(p netip.Prefix) iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if v.t == nil || !p.IsValid() {
			return
		}
		for _, id := range v.t.ids.Supernets(p.Masked()) {
			if r, ok := v.t.route(v.sp, id, v.edge); ok && !yield(r) {
				return
			}
		}
	}
}

// SubnetsOf are the rows inside a prefix, itself among them, in order.
func (v Table) SubnetsOf(p netip.Prefix) iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if v.t == nil || !p.IsValid() {
			return
		}
		for _, id := range v.t.ids.Subnets(p.Masked()) {
			if r, ok := v.t.route(v.sp, id, v.edge); ok && !yield(r) {
				return
			}
		}
	}
}

// RIB are all rows that are offered: by prefix, then local ones, then those of other edges in the policy's order. A row
// shows the route before this edge's own policies.
func (v Table) RIB() iter.Seq[Path] {
	return func(yield func(Path) bool) {
		if v.t == nil {
			return
		}
		told := v.told()
		for _, id := range v.t.order() {
			for _, p := range v.paths(id, told) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// Paths are the rows of the RIB for one prefix.
func (v Table) Paths(p netip.Prefix) []Path {
	if v.t == nil || !p.IsValid() {
		return nil
	}
	id, ok := v.t.ids.Get(p.Masked())
	if !ok {
		return nil
	}
	return v.paths(id, v.told())
}

// worker is the mesh of the table as it settled, over one prefix.
func (v Table) worker(id int32, e *entry) *worker {
	locals := localsOf(e.origins)
	k := v.sp.mesh.newWorker(v.sp, []netip.Prefix{v.t.prefixes[id]}, [][]local{locals}, nil)
	for edge := range k.wins[0] {
		w := e.out.wins[edge]
		if w.origin != none {
			w.Attributes = v.t.restore(v.sp, e, w.Attributes, w.origin)
		}
		k.wins[0][edge] = w
	}
	return k
}

// told is what each other edge tells this one of prefixes that depend on each other, by edge and prefix.
type told map[int]map[int32]passing

func (v Table) told() told {
	if len(v.sp.mesh.summaries) == 0 {
		return nil
	}
	k, ids := v.tangled()
	all := told{}
	for p := range v.sp.real {
		if p == v.edge || len(v.sp.mesh.outbound(p, v.edge)) == 0 {
			continue
		}
		all[p] = map[int32]passing{}
		for i, r := range k.tell(p, v.edge, nil) {
			all[p][ids[i]] = r
		}
	}
	return all
}

// tangled is the mesh of the table as it settled, over all prefixes that depend on each other.
func (v Table) tangled() (*worker, []int32) {
	var ids []int32
	var prefixes []netip.Prefix
	var locals [][]local
	row := v.t.entries[v.sp.index]
	for _, id := range v.t.order() {
		if e := row[id]; e != nil && v.sp.mesh.entangled(v.t.prefixes[id]) {
			ids, prefixes, locals = append(ids, id), append(prefixes, v.t.prefixes[id]), append(locals, localsOf(e.origins))
		}
	}
	k := v.sp.mesh.newWorker(v.sp, prefixes, locals, nil)
	for i, id := range ids {
		k.wins[i] = row[id].out.wins
	}
	return k, ids
}

func (v Table) paths(id int32, told told) []Path {
	var list []Path
	t, sp := v.t, v.sp
	e, used := t.win(sp, id, v.edge)
	covered := false
	if sp.segment != nil {
		if in, ok := t.insertion(sp, id, v.edge, e, used); ok {
			covered, _ = t.covers(sp, e, used, &in)
			if in.kind == KindSendTo { // AWS shows it without a next hop
				list = append(list, Path{Prefix: t.prefixes[id], Kind: KindSendTo, Attributes: Attributes{MED: DefaultMED}, Best: covered, Origin: t.insertedOrigin(sp, v.edge, &in)})
			}
		}
	}
	if e == nil {
		return list
	}
	best := func(w *win) bool {
		return !covered && used != nil && used.via == w.via && (w.via != here || used.origin == w.origin || slices.Contains(used.equals, w.origin))
	}
	for at := range e.origins {
		if o := &e.origins[at]; o.edge == v.edge {
			list = append(list, v.localPath(id, e, int32(at), best(&win{origin: int32(at), via: here})))
		}
	}
	k := v.worker(id, e)
	for p := range sp.real {
		if p == v.edge {
			continue
		}
		r, ok := k.told(v.edge, p, told[p], id)
		if !ok || r.dropped {
			continue
		}
		rib, _, ok := k.arrive(0, v.edge, p, r, nil)
		if !ok {
			continue
		}
		var from Origin
		if r.made == nil {
			from = t.originOf(sp, e, k.wins[0][p].origin)
		} else {
			from = Origin{Kind: FromSummarize, Segment: sp.name, Edge: t.w.edges[p].Location, Place: r.made.Place}
		}
		d := Destination{Edge: t.w.edges[p].Location, Segment: sp.name}
		if sp.segment == nil {
			d.Segment, d.NetworkFunctionGroup = "", sp.name
		}
		list = append(list, Path{Prefix: t.prefixes[id], NextHop: &d, Kind: KindEdge, Attributes: rib, Best: best(&win{via: int16(p)}), Origin: from})
	}
	return list
}

// told is what p tells e of the prefix of a worker over one prefix. known is what it tells of prefixes that depend on each
// other, nil where none do.
func (k *worker) told(e, p int, known map[int32]passing, id int32) (passing, bool) {
	if known != nil && k.entangled(k.prefixes[0]) {
		r, ok := known[id]
		return r, ok
	}
	if !k.offers(0, p, e) {
		return passing{}, false
	}
	r := passing{prefix: k.prefixes[0], Attributes: k.wins[0][p].Attributes}
	if out := k.outbound(p, e); len(out) > 0 {
		r = k.run.run(out, []passing{r})[0]
	}
	return r, true
}

func (v Table) localPath(id int32, e *entry, at int32, best bool) Path {
	o := &e.origins[at]
	p := Path{Prefix: v.t.prefixes[id], Attributes: o.Attributes, Best: best, Origin: v.t.originOf(v.sp, e, at)}
	switch o.kind {
	case localBlackhole:
		p.Kind = KindStatic
		return p
	case localStatic:
		p.Kind = KindStatic
	case localVPC:
		p.NoAttributes = true
	}
	p.NextHop = &Destination{Attachment: o.id()}
	return p
}

// Appliance is the attachment of a network function group that inspects at an edge, if there is one.
func (t *Tables) Appliance(group, edge string) (Attachment, bool) {
	g, okG := t.w.group[group]
	e, okE := t.w.edge[edge]
	if !okG || !okE || !t.has(g, e) {
		return Attachment{}, false
	}
	return t.appliances[[2]int{g, e}].Attachment, true
}

// DualHop says whether a group inspects traffic between edges at both.
func (t *Tables) DualHop(group string) bool {
	g, ok := t.w.group[group]
	return ok && t.w.spaces[g].dualHop
}
