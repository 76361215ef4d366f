package routing

import (
	"net/netip"

	"portolan/policy"
)

// inspected is where service insertion leads a route.
type inspected struct {
	edge edgeID // of the appliance; noEdge: there is none, traffic is dropped
	why  string
}

// single says where traffic between two edges is inspected once. It is the same both ways round, so that both directions
// of a flow meet the same appliance.
func (t *Tables) single(group vrfID, overrides []policy.Override, e, f edgeID) inspected {
	if e == f {
		if t.has(group, e) {
			return inspected{e, "the edge has an appliance"}
		}
		if use := t.override(overrides, e, e); use != noEdge {
			return t.overridden(group, use)
		}
		return t.firstEdge(group)
	}
	e, f = min(e, f), max(e, f) // in document order
	hasE, hasF := t.has(group, e), t.has(group, f)
	if use := t.override(overrides, e, f); use != noEdge && (hasE && hasF || !t.core.opt.OverrideNeedsBothEdges) {
		return t.overridden(group, use)
	}
	switch {
	case hasE && hasF:
		if t.core.inspect[f] < t.core.inspect[e] {
			e = f
		}
		return inspected{e, "both edges have an appliance, this one comes first"}
	case hasE:
		return inspected{e, "of the two edges only this one has an appliance"}
	case hasF:
		return inspected{f, "of the two edges only this one has an appliance"}
	}
	for _, edge := range []edgeID{e, f} {
		if use := t.override(overrides, edge, edge); use != noEdge {
			return t.overridden(group, use)
		}
	}
	return t.firstEdge(group)
}

func (t *Tables) has(group vrfID, edge edgeID) bool {
	return t.appliances[applianceKey{group, edge}] != nil
}

func (t *Tables) overridden(group vrfID, use edgeID) inspected {
	if !t.has(group, use) {
		return inspected{noEdge, "with-edge-overrides says " + t.core.location(use) + ", which has no appliance"}
	}
	return inspected{use, "with-edge-overrides says so"}
}

// override is the edge that the first override with a set of the two edges says, or noEdge.
func (t *Tables) override(overrides []policy.Override, e, f edgeID) edgeID {
	a, b := t.core.location(e), t.core.location(f)
	for i := range overrides {
		for _, set := range overrides[i].Sets {
			if set == [2]string{a, b} || set == [2]string{b, a} {
				if use, ok := t.core.edge[overrides[i].Use]; ok {
					return use
				}
			}
		}
	}
	return noEdge
}

// firstEdge is the first edge with an appliance.
func (t *Tables) firstEdge(group vrfID) inspected {
	best := inspected{noEdge, "no edge has an appliance"}
	for i := range t.core.edges {
		e := edgeID(i)
		if t.has(group, e) && (best.edge == noEdge || t.core.inspect[e] < t.core.inspect[best.edge]) {
			best = inspected{e, "no override fits, and this is the first edge with an appliance"}
		}
	}
	return best
}

// inserted is what service insertion lays over a prefix of a segment at an edge.
type inserted struct {
	inspected
	kind  Kind
	group vrfID
	place policy.Place

	stands *rib  // of a send-via: the group's rib with the route it stands for,
	from   int32 // and where that started
}

// insertion finds what service insertion has for a prefix in a segment at an edge, or false.
func (t *Tables) insertion(v *vrf, p netip.Prefix, k *class, edge edgeID) (inserted, bool) {
	sendsTo := v.sendTo != nil && (p == default4 || p == default6)
	if in, ok := t.sendVia(v, k, edge); ok { // the action that knows the prefix before the one for all the rest
		if r := k.rib(v.id); !sendsTo {
			return in, true
		} else if covers, _ := t.covers(v, r, r.at(edge), &in); covers {
			return in, true
		}
	}
	if sendsTo {
		return inserted{
			inspected: t.single(v.toGroup, v.sendTo.Overrides, edge, edge), kind: KindSendTo, group: v.toGroup, place: v.sendTo.Place,
		}, true
	}
	return inserted{}, false
}

// sendVia looks for the prefix in the tables of the groups that lie between the segment and others: what a group uses
// there says which segment, and which edge, the prefix is at. Of several groups the first action counts.
func (t *Tables) sendVia(v *vrf, k *class, edge edgeID) (inserted, bool) {
	var first *policy.Insertion
	result := inserted{kind: KindSendVia}
	for _, g := range v.via {
		r := k.rib(g)
		b := r.at(edge)
		if b == nil {
			continue
		}
		in := v.inserts[insertKey{g, r.segmentOf(b.path)}]
		if in != nil && (first == nil || in.Offset() < first.Offset()) {
			first = in
			result.group, result.stands, result.from = g, r, b.path
		}
	}
	if first == nil {
		return inserted{}, false
	}
	group, far := result.group, result.stands.edgeOf(result.from)
	result.place = first.Place
	switch {
	case !first.DualHop:
		result.inspected = t.single(group, first.Overrides, edge, far)
	case !t.has(group, edge):
		result.inspected = inspected{noEdge, "dual-hop, and this edge has no appliance"}
	case t.core.opt.DualHopMissingFar && !t.has(group, far):
		result.inspected = inspected{noEdge, "dual-hop, and the edge of the destination has no appliance"}
	default:
		result.inspected = inspected{edge, "dual-hop, and the first appliance is always the one here"}
	}
	return result, true
}

// covers says whether service insertion takes the place of what routing selected.
func (t *Tables) covers(v *vrf, r *rib, b *bestPath, in *inserted) (bool, Criterion) {
	if b == nil {
		return true, ByNothing
	}
	if t.core.opt.StaticBeforeInsertion {
		here := b.via == noEdge && b.path < aggregate && r.paths[b.path].kind.static()
		learned := t.core.opt.RemoteStaticIsStatic && b.path < aggregate && r.paths[b.path].kind == pathStatic
		if here || learned {
			return false, ByStatic
		}
	}
	if from := r.segmentOf(b.path); !t.core.opt.InsertionBeforeShare && in.kind == KindSendVia && from != noVRF && from != v.id {
		return false, ByInsertion
	}
	return true, ByInsertion
}

// insertedOrigin is where the route that an inserted one stands for entered the core network.
func (t *Tables) insertedOrigin(v *vrf, edge edgeID, in *inserted) Origin {
	if in.kind == KindSendTo {
		return Origin{Kind: FromSendTo, Segment: v.name, Edge: t.core.location(edge), Place: in.place}
	}
	return t.core.originOf(t.core.vrfs[in.group], in.stands, in.from)
}

// forward is what the row of a prefix in a table does with traffic, and what put it there: service insertion, or, nil,
// what routing selected.
func (t *Tables) forward(v *vrf, p netip.Prefix, k *class, edge edgeID) (Forward, *inserted, bool) {
	if k == nil || !v.hasTable[edge] {
		return Forward{}, nil, false
	}
	r := k.rib(v.id)
	b := r.at(edge)
	if len(v.via) > 0 || v.sendTo != nil {
		if in, ok := t.insertion(v, p, k, edge); ok {
			if covers, _ := t.covers(v, r, b, &in); covers {
				return t.insertedForward(p, edge, &in), &in, true
			}
		}
	}
	if b == nil {
		return Forward{}, nil, false
	}
	return t.selectedForward(v, p, r, b, edge), nil, true
}

// route is the row of a prefix in a table.
func (t *Tables) route(v *vrf, p netip.Prefix, k *class, edge edgeID) (Route, bool) {
	f, in, ok := t.forward(v, p, k, edge)
	if !ok {
		return Route{}, false
	}
	if in != nil {
		return Route{Forward: f, Attributes: Attributes{MED: DefaultMED}, Origin: t.insertedOrigin(v, edge, in)}, true
	}
	r := k.rib(v.id)
	b := r.at(edge)
	return Route{Forward: f, Attributes: r.attributes(b), Origin: t.core.originOf(v, r, b.path)}, true
}

func (t *Tables) insertedForward(p netip.Prefix, edge edgeID, in *inserted) Forward {
	f := Forward{Prefix: p, Type: Propagated, State: Active, Kind: in.kind}
	if in.kind == KindSendTo && t.core.opt.SendToStatic {
		f.Type = Static
	}
	if in.edge == noEdge {
		f.State = Blackhole
	} else {
		f.Destinations = []Destination{t.destination(in.group, in.edge, edge)}
	}
	return f
}

// destination is the appliance of a group at an edge, seen from another.
func (t *Tables) destination(group vrfID, at, from edgeID) Destination {
	d := Destination{Attachment: t.appliances[applianceKey{group, at}].ID, NetworkFunctionGroup: t.core.vrfs[group].name}
	if at != from {
		d.Edge = t.core.location(at)
	}
	return d
}

// selectedForward is what routing selected.
func (t *Tables) selectedForward(v *vrf, p netip.Prefix, r *rib, b *bestPath, edge edgeID) Forward {
	f := Forward{Prefix: p, Type: Propagated, State: Active}
	if b.via != noEdge {
		return t.learned(v, r, b, f, edge)
	}
	switch from := &r.paths[b.path]; {
	case from.kind == pathBlackhole:
		f.Type, f.State, f.Kind = Static, Blackhole, KindStatic
		return f
	case from.kind == pathStatic:
		f.Type, f.Kind = Static, KindStatic
	}
	if b.equals == nil {
		f.Destinations = r.paths[b.path].next()
		return f
	}
	for _, at := range b.equals {
		f.Destinations = append(f.Destinations, r.paths[at].next()...)
	}
	return f
}

// learned completes a row that leads to another edge. A dual-hop group inspects there a second time.
func (t *Tables) learned(v *vrf, r *rib, b *bestPath, f Forward, edge edgeID) Forward {
	f.Kind = KindEdge
	if t.core.opt.RemoteStaticIsStatic && b.path < aggregate && r.paths[b.path].kind == pathStatic {
		f.Type = Static
	}
	far := r.edgeOf(b.path)
	switch {
	case v.dualHop && !t.has(v.id, far):
		f.Kind, f.State = KindSendVia, Blackhole
	case v.dualHop && t.core.opt.DualHopNFGRemote:
		f.Kind, f.Destinations = KindSendVia, []Destination{t.destination(v.id, far, edge)}
	default:
		f.Destinations = v.toEdge[b.via]
	}
	return f
}
