package routing

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"portolan/policy"
)

// Table is one table of Tables: a view, cheap to make and to copy. The zero Table is empty.
type Table struct {
	t    *Tables
	vrf  *vrf
	edge edgeID
}

// TableIDs are all tables: segments, then groups, in the order of the policy, at their edges in its order.
func (t *Tables) TableIDs() []TableID {
	var list []TableID
	for _, v := range t.core.vrfs {
		for e, has := range v.hasTable {
			if has {
				list = append(list, v.table(t.core.edges[e].Location))
			}
		}
	}
	return list
}

// Table finds a table, or false: there is no such segment, group or edge, or it has no table there.
func (t *Tables) Table(id TableID) (Table, bool) {
	at, ok := t.core.segment[id.Segment]
	if id.Segment == "" {
		at, ok = t.core.group[id.NetworkFunctionGroup]
	}
	e, known := t.core.edge[id.Edge]
	if !ok || !known || !t.core.vrfs[at].hasTable[e] {
		return Table{}, false
	}
	return Table{t: t, vrf: t.core.vrfs[at], edge: e}, true
}

// Attachment is an attachment of the network, as it was given, with the announcements that it has after updates.
func (t *Tables) Attachment(id string) (Attachment, bool) {
	a := t.attachment(id)
	if a == nil {
		return Attachment{}, false
	}
	return t.given(a), true
}

// Bare is an attachment of the network without what it announces. It costs nothing, whatever that is.
func (t *Tables) Bare(id string) (Attachment, bool) {
	a := t.attachment(id)
	if a == nil {
		return Attachment{}, false
	}
	bare := a.Attachment
	bare.Announcements = nil
	return bare, true
}

// Attachments are all attachments by id, as [Tables.Attachment] has them.
func (t *Tables) Attachments() iter.Seq[Attachment] {
	return func(yield func(Attachment) bool) {
		for _, a := range t.attachments {
			if !yield(t.given(a)) {
				return
			}
		}
	}
}

// given is an attachment as Compute would take it.
func (t *Tables) given(a *attachment) Attachment {
	out := a.Attachment
	if !t.edited[a] {
		return out
	}
	out.Announcements = nil
	for p, k := range t.prefixes.AllSorted() {
		for i := range k.received {
			r := &k.received[i]
			if r.from != a {
				continue
			}
			n := Announcement{Prefix: p, Peer: a.peerName(r.peer), ASPath: r.announced.ASPath, MED: &r.announced.MED, Communities: r.announced.Communities}
			if len(a.edges) > 1 {
				n.Edge = t.core.location(r.edge)
			}
			out.Announcements = append(out.Announcements, n)
		}
	}
	return out
}

// ID names the table.
func (v Table) ID() TableID {
	if v.t == nil {
		return TableID{}
	}
	return v.vrf.table(v.t.core.location(v.edge))
}

// Routes are the rows of the FIB: IPv4 before IPv6, by address, shorter prefixes first.
func (v Table) Routes() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if v.t == nil {
			return
		}
		for _, row := range v.t.sorted() {
			if r, ok := v.t.route(v.vrf, row.prefix, row.class, v.edge); ok && !yield(r) {
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
		for _, row := range v.t.sorted() {
			if f, _, ok := v.t.forward(v.vrf, row.prefix, row.class, v.edge); ok && !yield(f) {
				return
			}
		}
	}
}

// class is the class of a prefix, or nil.
func (v Table) class(p netip.Prefix) *class {
	if v.t == nil || !p.IsValid() {
		return nil
	}
	k, _ := v.t.prefixes.Get(p.Masked())
	return k
}

// Exact is the row of a prefix.
func (v Table) Exact(p netip.Prefix) (Route, bool) {
	k := v.class(p)
	if k == nil {
		return Route{}, false
	}
	return v.t.route(v.vrf, p.Masked(), k, v.edge)
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
		for p, k := range v.t.prefixes.Supernets(p.Masked()) {
			if r, ok := v.t.route(v.vrf, p, k, v.edge); ok && !yield(r) {
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
		for p, k := range v.t.prefixes.Subnets(p.Masked()) {
			if r, ok := v.t.route(v.vrf, p, k, v.edge); ok && !yield(r) {
				return
			}
		}
	}
}

// RIB are all rows that are offered: by prefix, then local ones, then those of other edges in the policy's order. A row
// shows the route before this edge's own policies: those of attachments in the segment itself as they are announced.
func (v Table) RIB() iter.Seq[Path] { return v.RIBFrom(netip.Prefix{}, false) }

// RIBFrom are the rows of RIB from a prefix on, without those of other edges if only its own are asked for. What is left
// out costs nothing.
func (v Table) RIBFrom(first netip.Prefix, own bool) iter.Seq[Path] {
	return func(yield func(Path) bool) {
		if v.t == nil {
			return
		}
		rows := v.t.sorted()
		var out adjOuts
		var list []Path
		if !own {
			out = v.aggregatedOut()
		}
		at, _ := slices.BinarySearchFunc(rows, first, func(r row, p netip.Prefix) int { return r.prefix.Compare(p) })
		for _, row := range rows[at:] {
			if list = v.ownPaths(list[:0], row.prefix, row.class); !own {
				list = v.edgePaths(list, row.prefix, row.class, out)
			}
			for i := range list {
				if !yield(list[i]) {
					return
				}
			}
		}
	}
}

// Paths are the rows of the RIB for one prefix.
func (v Table) Paths(p netip.Prefix) []Path {
	k := v.class(p)
	if k == nil {
		return nil
	}
	p = p.Masked()
	return v.edgePaths(v.ownPaths(nil, p, k), p, k, v.aggregatedOut())
}

// run is the exchange of the vrf as it converged, over one prefix.
func (v Table) run(p netip.Prefix, r *rib) *run {
	run := v.vrf.bgp.newRun(v.vrf, []netip.Prefix{p}, [][]path{r.paths}, nil)
	for edge := range run.best[0] {
		if b := r.selected(edgeID(edge)); b != nil {
			run.best[0][edge] = *b
		}
	}
	return run
}

// together is the exchange of the vrf as it converged, over all prefixes that are aggregated.
func (v Table) together() *run {
	run, classes := v.t.together(v.vrf)
	for i, k := range classes {
		if r := k.rib(v.vrf.id); r != nil {
			run.best[i] = r.best.edges
		}
	}
	return run
}

// adjOuts is what each other edge advertises to one edge, by edge and prefix.
type adjOuts map[edgeID]map[netip.Prefix]route

// aggregatedOut is what other edges advertise to this one of prefixes that are aggregated, nil where none are.
func (v Table) aggregatedOut() adjOuts {
	if len(v.vrf.bgp.summaries) == 0 {
		return nil
	}
	run := v.together()
	all := adjOuts{}
	for i := range v.vrf.hasTable {
		p := edgeID(i)
		if p == v.edge || len(v.vrf.bgp.outbound(p, v.edge)) == 0 {
			continue
		}
		all[p] = map[netip.Prefix]route{}
		for id, r := range run.adjOut(p, v.edge, nil) {
			all[p][run.prefixes[id]] = r
		}
	}
	return all
}

// covered says whether a route of service insertion stands in front of what the edge selected for a prefix, and its row where
// the RIB has one: AWS shows send-to, without a next hop.
func (v Table) covered(p netip.Prefix, k *class, r *rib, best *bestPath) (row *Path, covered bool) {
	if v.vrf.segment == nil {
		return nil, false
	}
	in, ok := v.t.insertion(v.vrf, p, k, v.edge)
	if !ok {
		return nil, false
	}
	covered, _ = v.t.covers(v.vrf, r, best, &in)
	if in.kind == KindSendTo {
		row = &Path{Prefix: p, Kind: KindSendTo, Attributes: Attributes{MED: DefaultMED}, Best: covered, Origin: v.t.insertedOrigin(v.vrf, v.edge, &in)}
	}
	return row, covered
}

// edgePaths appends the rows of a prefix that other edges advertise to this one.
func (v Table) edgePaths(list []Path, p netip.Prefix, k *class, aggregated adjOuts) []Path {
	r := k.rib(v.vrf.id)
	if r == nil {
		return list
	}
	best := r.at(v.edge)
	_, covered := v.covered(p, k, r, best)
	run := v.run(p, r)
	for i := range v.vrf.hasTable {
		from := edgeID(i)
		if from == v.edge {
			continue
		}
		sent, ok := v.exported(run, from, aggregated)
		if !ok || sent.dropped {
			continue
		}
		rib, _, ok := run.importFrom(0, v.edge, from, &sent, nil)
		if !ok {
			continue
		}
		origin := Origin{Kind: FromSummarize, Segment: v.vrf.name, Edge: v.t.core.location(from)}
		if sent.made == nil {
			origin = v.t.core.originOf(v.vrf, r, run.best[0][from].path)
		} else {
			origin.Place = sent.made.Place
		}
		list = append(list, Path{
			Prefix: p, NextHop: &v.vrf.toEdge[from][0], Kind: KindEdge, Attributes: rib, Origin: origin,
			Best: !covered && best != nil && best.via == from,
		})
	}
	return list
}

// exported is what an edge advertises to this one of the prefix of a run over one prefix. aggregated is what it advertises of
// prefixes that are aggregated.
func (v Table) exported(run *run, from edgeID, aggregated adjOuts) (route, bool) {
	if known := aggregated[from]; known != nil && run.aggregated(run.prefixes[0]) {
		r, ok := known[run.prefixes[0]]
		return r, ok
	}
	return run.export(0, from, v.edge)
}

// ownPaths appends the rows of a prefix that do not come from other edges: of service insertion, and of paths that start here.
func (v Table) ownPaths(list []Path, p netip.Prefix, k *class) []Path {
	r := k.rib(v.vrf.id)
	best := r.at(v.edge)
	inserted, covered := v.covered(p, k, r, best)
	if inserted != nil {
		list = append(list, *inserted)
	}
	start := len(list)
	var own []*path // of the rows from start on
	if r != nil {
		for at := range r.paths {
			from := &r.paths[at]
			if from.edge != v.edge {
				continue
			}
			used := best != nil && best.via == noEdge && (best.path == int32(at) || slices.Contains(best.equals, int32(at)))
			own, list = append(own, from), append(list, v.ownPath(p, from, !covered && used))
		}
	}
	if !v.t.core.opt.RIBBeforeAttachmentPolicies || v.vrf.segment == nil {
		return list
	}
	for i := range k.received {
		in := &k.received[i]
		if in.from.vrf != v.vrf.id || in.edge != v.edge || in.refused != notRefused && in.refused != refusedByPolicy {
			continue
		}
		at := slices.IndexFunc(own, func(o *path) bool { return o.static == nil && o.from == in.from && o.peer == in.peer })
		switch {
		case at >= 0 && in.refused == notRefused:
			list[start+at].Attributes = *in.arrived
		case at < 0 && in.refused == refusedByPolicy && v.t.core.imported(in, v.vrf):
			dropped := v.t.core.newPath(in, in.arrived)
			own, list = append(own, &dropped), append(list, v.ownPath(p, &dropped, false))
		}
	}
	slices.SortStableFunc(list[start:], func(a, b Path) int {
		return cmp.Or(first(a.Kind == KindStatic, b.Kind == KindStatic), cmp.Compare(hopID(&a), hopID(&b)), cmp.Compare(a.Origin.Peer, b.Origin.Peer))
	})
	return list
}

func hopID(p *Path) string {
	if p.NextHop == nil {
		return ""
	}
	return p.NextHop.Attachment
}

// ownPath is the row of a path that starts at this edge.
func (v Table) ownPath(p netip.Prefix, from *path, best bool) Path {
	out := Path{Prefix: p, Attributes: *from.Attributes, Best: best, Origin: v.t.core.originOfPath(v.vrf, from)}
	switch from.kind {
	case pathBlackhole:
		out.Kind = KindStatic
		return out
	case pathStatic:
		out.Kind = KindStatic
	case pathVPC:
		out.NoAttributes = true
	}
	out.NextHop = &from.next()[0]
	return out
}

// Appliance is the attachment of a network function group that inspects at an edge, if there is one.
func (t *Tables) Appliance(group, edge string) (Attachment, bool) {
	g, okG := t.core.group[group]
	e, okE := t.core.edge[edge]
	if !okG || !okE || !t.has(g, e) {
		return Attachment{}, false
	}
	return t.given(t.appliances[applianceKey{g, e}]), true
}

// DualHop says whether a group inspects traffic between edges at both.
func (t *Tables) DualHop(group string) bool {
	g, ok := t.core.group[group]
	return ok && t.core.vrfs[g].dualHop
}

// Policy is the policy the tables were computed from.
func (t *Tables) Policy() *policy.Policy { return t.core.policy }
