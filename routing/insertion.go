package routing

import (
	"portolan/policy"
)

// inspected is where service insertion leads a route.
type inspected struct {
	edge int // of the appliance; -1: there is none, traffic is dropped
	why  string
}

// single says where traffic between two edges is inspected once. It is the same both ways round, so that both directions
// of a flow meet the same appliance.
func (t *Tables) single(group int, overrides []policy.Override, e, f int) inspected {
	if e == f {
		if t.has(group, e) {
			return inspected{e, "the edge has an appliance"}
		}
		if use := t.override(overrides, e, e); use >= 0 {
			return t.overridden(group, use)
		}
		return t.firstEdge(group)
	}
	e, f = min(e, f), max(e, f) // in document order
	if use := t.override(overrides, e, f); use >= 0 {
		return t.overridden(group, use)
	}
	switch hasE, hasF := t.has(group, e), t.has(group, f); {
	case hasE && hasF:
		if t.w.inspect[f] < t.w.inspect[e] {
			e = f
		}
		return inspected{e, "both edges have an appliance, this one comes first"}
	case hasE:
		return inspected{e, "of the two edges only this one has an appliance"}
	case hasF:
		return inspected{f, "of the two edges only this one has an appliance"}
	}
	for _, edge := range []int{e, f} {
		if use := t.override(overrides, edge, edge); use >= 0 {
			return t.overridden(group, use)
		}
	}
	return t.firstEdge(group)
}

func (t *Tables) has(group, edge int) bool { return t.appliances[[2]int{group, edge}] != nil }

func (t *Tables) overridden(group, use int) inspected {
	if !t.has(group, use) {
		return inspected{-1, "with-edge-overrides says " + t.w.edges[use].Location + ", which has no appliance"}
	}
	return inspected{use, "with-edge-overrides says so"}
}

// override is the edge that the first override with a set of the two edges says, or -1.
func (t *Tables) override(overrides []policy.Override, e, f int) int {
	a, b := t.w.edges[e].Location, t.w.edges[f].Location
	for i := range overrides {
		for _, set := range overrides[i].Sets {
			if set == [2]string{a, b} || set == [2]string{b, a} {
				if use, ok := t.w.edge[overrides[i].Use]; ok {
					return use
				}
			}
		}
	}
	return -1
}

// firstEdge is the first edge with an appliance.
func (t *Tables) firstEdge(group int) inspected {
	best := inspected{-1, "no edge has an appliance"}
	for e := range t.w.edges {
		if t.has(group, e) && (best.edge < 0 || t.w.inspect[e] < t.w.inspect[best.edge]) {
			best = inspected{e, "no override fits, and this is the first edge with an appliance"}
		}
	}
	return best
}

// inserted is what service insertion lays over a prefix of a segment at an edge.
type inserted struct {
	inspected
	kind  Kind
	group int
	place policy.Place

	stands *entry // of a send-via: the group's entry of the route it stands for,
	from   int32  // and where that started
}

// insertion finds what service insertion has for a prefix that an edge uses w for, or false.
func (t *Tables) insertion(sp *space, id int32, edge int, e *entry, w *win) (inserted, bool) {
	p := t.prefixes[id]
	sendsTo := sp.sendTo != nil && (p == default4 || p == default6)
	if in, ok := t.sendVia(sp, id, edge); ok { // the action that knows the prefix before the one for all the rest
		if covers, _ := t.covers(sp, e, w, &in); covers || !sendsTo {
			return in, true
		}
	}
	if sendsTo {
		return inserted{
			inspected: t.single(sp.toGroup, sp.sendTo.Overrides, edge, edge), kind: KindSendTo, group: sp.toGroup, place: sp.sendTo.Place,
		}, true
	}
	return inserted{}, false
}

// sendVia looks for the prefix in the tables of the groups that lie between the segment and others: what a group uses
// there says which segment, and which edge, the prefix is at. Of several groups the first action counts.
func (t *Tables) sendVia(sp *space, id int32, edge int) (inserted, bool) {
	var first *policy.Insertion
	var group int
	var from *win
	var at *entry
	for _, g := range sp.via {
		e := t.entries[g][id]
		if e == nil {
			continue
		}
		w := &e.out.wins[edge]
		if w.origin == none {
			continue
		}
		in := sp.inserts[[2]int{g, e.segmentOf(w.origin)}]
		if in != nil && (first == nil || in.Offset() < first.Offset()) {
			first, group, from, at = in, g, w, e
		}
	}
	if first == nil {
		return inserted{}, false
	}
	far := at.edgeOf(from.origin)
	result := inserted{kind: KindSendVia, group: group, place: first.Place, stands: at, from: from.origin}
	switch {
	case !first.DualHop:
		result.inspected = t.single(group, first.Overrides, edge, far)
	case !t.has(group, edge):
		result.inspected = inspected{-1, "dual-hop, and this edge has no appliance"}
	case t.w.opt.DualHopMissingFar && !t.has(group, far):
		result.inspected = inspected{-1, "dual-hop, and the edge of the destination has no appliance"}
	default:
		result.inspected = inspected{edge, "dual-hop, and the first appliance is always the one here"}
	}
	return result, true
}

// covers says whether service insertion takes the place of what routing chose.
func (t *Tables) covers(sp *space, e *entry, w *win, in *inserted) (bool, Criterion) {
	if w == nil {
		return true, ByNothing
	}
	if t.w.opt.StaticBeforeInsertion {
		here := w.via == here && w.origin < aggregate && e.origins[w.origin].kind.static()
		learned := t.w.opt.RemoteStaticIsStatic && w.origin < aggregate && e.origins[w.origin].kind == localStatic
		if here || learned {
			return false, ByStatic
		}
	}
	if from := e.segmentOf(w.origin); !t.w.opt.InsertionBeforeShare && in.kind == KindSendVia && from >= 0 && from != sp.index {
		return false, ByInsertion
	}
	return true, ByInsertion
}

// insertedOrigin is where the route that an inserted one stands for entered the core network.
func (t *Tables) insertedOrigin(sp *space, edge int, in *inserted) Origin {
	if in.kind == KindSendTo {
		return Origin{Kind: FromSendTo, Segment: sp.name, Edge: t.w.edges[edge].Location, Place: in.place}
	}
	return t.originOf(t.w.spaces[in.group], in.stands, in.from)
}

// forward is what the row of a prefix in a table does with traffic, and what put it there: service insertion, or, nil,
// what routing chose.
func (t *Tables) forward(sp *space, id int32, edge int) (Forward, *inserted, bool) {
	if !sp.real[edge] {
		return Forward{}, nil, false
	}
	e, w := t.reducedWin(sp, id, edge)
	if len(sp.via) > 0 || sp.sendTo != nil {
		if in, ok := t.insertion(sp, id, edge, e, w); ok {
			if covers, _ := t.covers(sp, e, w, &in); covers {
				return t.insertedForward(id, edge, &in), &in, true
			}
		}
	}
	if w == nil {
		return Forward{}, nil, false
	}
	return t.chosen(sp, e, w, id, edge), nil, true
}

// route is the row of a prefix in a table.
func (t *Tables) route(sp *space, id int32, edge int) (Route, bool) {
	f, in, ok := t.forward(sp, id, edge)
	if !ok {
		return Route{}, false
	}
	if in != nil {
		return Route{Forward: f, Attributes: Attributes{MED: DefaultMED}, Origin: t.insertedOrigin(sp, edge, in)}, true
	}
	e, w := t.win(sp, id, edge)
	return Route{Forward: f, Attributes: w.Attributes, Origin: t.originOf(sp, e, w.origin)}, true
}

func (t *Tables) insertedForward(id int32, edge int, in *inserted) Forward {
	f := Forward{Prefix: t.prefixes[id], Type: Propagated, State: Active, Kind: in.kind}
	if in.kind == KindSendTo && t.w.opt.SendToStatic {
		f.Type = Static
	}
	if in.edge < 0 {
		f.State = Blackhole
	} else {
		f.Destinations = []Destination{t.destination(in.group, in.edge, edge)}
	}
	return f
}

// destination is the appliance of a group at an edge, seen from another.
func (t *Tables) destination(group, at, from int) Destination {
	d := Destination{Attachment: t.appliances[[2]int{group, at}].ID, NetworkFunctionGroup: t.w.spaces[group].name}
	if at != from {
		d.Edge = t.w.edges[at].Location
	}
	return d
}

// chosen is what routing chose.
func (t *Tables) chosen(sp *space, e *entry, w *win, id int32, edge int) Forward {
	f := Forward{Prefix: t.prefixes[id], Type: Propagated, State: Active}
	if w.via != here {
		return t.learned(sp, e, w, f, edge)
	}
	switch o := &e.origins[w.origin]; {
	case o.kind == localBlackhole:
		f.Type, f.State, f.Kind = Static, Blackhole, KindStatic
		return f
	case o.kind == localStatic:
		f.Type, f.Kind = Static, KindStatic
	}
	if w.equals == nil {
		f.Destinations = e.origins[w.origin].from.self
		return f
	}
	for _, at := range w.equals {
		f.Destinations = append(f.Destinations, e.origins[at].from.self...)
	}
	return f
}

// learned completes a row that leads to another edge. A dual-hop group inspects there a second time.
func (t *Tables) learned(sp *space, e *entry, w *win, f Forward, edge int) Forward {
	f.Kind = KindEdge
	if t.w.opt.RemoteStaticIsStatic && w.origin < aggregate && e.origins[w.origin].kind == localStatic {
		f.Type = Static
	}
	far := e.edgeOf(w.origin)
	switch {
	case sp.dualHop && !t.has(sp.index, far):
		f.Kind, f.State = KindSendVia, Blackhole
	case sp.dualHop && t.w.opt.DualHopNFGRemote:
		f.Kind, f.Destinations = KindSendVia, []Destination{t.destination(sp.index, far, edge)}
	default:
		f.Destinations = sp.toEdge[w.via]
	}
	return f
}
