package routing

import (
	"net/netip"
	"slices"
)

// maxRounds bounds how often the edges of a run advertise to each other what they selected.
const maxRounds = 64

// prefixID is the index of a prefix among those that converge together.
type prefixID int

// A run lets the edges of a vrf converge over some prefixes: one, or all that are aggregated. It points at its bgp and at
// the vrf only for the names in ties.
type run struct {
	*bgp
	table    *vrf
	prefixes []netip.Prefix
	ids      map[netip.Prefix]prefixID // of prefixes; nil for a single one
	paths    [][]path                  // by prefix
	best     [][]bestPath              // by prefix and edge: what they select at the moment
	scratch  []uint32                  // of the AS paths of candidates, while there is something to select from
	name     func(id prefixID, path int32) (attachment, peer string)

	step      int   // counts the edges that were worked out
	changedAt int   // the step of the last change
	workedAt  []int // by edge: its last step
}

func (b *bgp) newRun(v *vrf, prefixes []netip.Prefix, paths [][]path, name func(prefixID, int32) (string, string)) *run {
	r := &run{bgp: b, table: v, prefixes: prefixes, paths: paths, name: name, best: make([][]bestPath, len(prefixes))}
	if len(prefixes) > 1 {
		r.ids = make(map[netip.Prefix]prefixID, len(prefixes))
		for i, p := range prefixes {
			r.ids[p] = prefixID(i)
		}
	}
	for i := range prefixes {
		r.best[i] = make([]bestPath, len(b.hasTable))
		for e := range r.best[i] {
			r.best[i][e].path = noPath
		}
	}
	return r
}

// converge repeats rounds until nothing changes. What still changes after maxRounds oscillates: its cycle are the states it
// passed since it was last as it is at the end.
func (r *run) converge() []*bestPaths {
	for e := range r.hasTable { // an edge without a table holds what is shared in there and learns nothing
		if !r.hasTable[e] {
			for i := range r.prefixes {
				id, edge := prefixID(i), edgeID(e)
				r.best[i][e] = r.selectBest(id, edge, r.ownCandidates(nil, id, edge))
			}
		}
	}
	r.scratch, r.workedAt = make([]uint32, 0, 64), make([]int, len(r.hasTable))
	changed := make([]bool, len(r.prefixes))
	history := make([][][]bestPath, len(r.prefixes))
	for n := range maxRounds {
		if !r.round(changed) {
			break
		}
		if n < maxRounds/2 {
			continue
		}
		for i, still := range changed {
			if still {
				history[i] = append(history[i], slices.Clone(r.best[i]))
			}
		}
	}
	out := make([]*bestPaths, len(r.prefixes))
	for i := range r.prefixes {
		out[i] = &bestPaths{by: r.bgp, edges: r.best[i]}
		if changed[i] {
			out[i].cycle = cycleOf(history[i])
		}
	}
	return out
}

// cycleOf is the states between the last one and the last time it was like that, or all when it never was.
func cycleOf(history [][]bestPath) [][]bestPath {
	last := len(history) - 1
	for i := last - 1; i >= 0; i-- {
		if slices.EqualFunc(history[i], history[last], func(a, b bestPath) bool { return sameBest(&a, &b) }) {
			return history[i+1:]
		}
	}
	return history
}

func sameBest(a, b *bestPath) bool {
	return a.path == b.path && a.via == b.via && (a.path == noPath || compareAttributes(&a.Attributes, &b.Attributes) == 0)
}

// round works out each edge once, from what the others select at that moment, and says whether anything changed, and for
// which prefixes.
func (r *run) round(changed []bool) bool {
	anything := false
	clear(changed)
	var list []candidate
	adjOut := make([]map[prefixID]route, len(r.hasTable))
	for e := range r.hasTable {
		edge := edgeID(e)
		if !r.hasTable[e] || r.workedAt[e] > 0 && r.changedAt <= r.workedAt[e] {
			continue // it has no table, or would select the same again
		}
		r.step++
		r.workedAt[e] = r.step
		if len(r.summaries) > 0 {
			for p := range r.hasTable {
				if adjOut[p] = nil; p != e && len(r.outbound(edgeID(p), edge)) > 0 {
					adjOut[p] = r.adjOut(edgeID(p), edge, nil)
				}
			}
		}
		for i := range r.prefixes {
			id := prefixID(i)
			r.scratch = r.scratch[:0]
			list = r.ownCandidates(list[:0], id, edge)
			for p := range r.hasTable {
				if p != e {
					list = r.peerCandidate(list, id, edge, edgeID(p), adjOut[p])
				}
			}
			if best := r.selectBest(id, edge, list); !sameBest(&best, &r.best[i][e]) {
				anything, changed[i], r.changedAt = true, true, r.step
				best.ASPath = slices.Clone(best.ASPath)
				r.best[i][e] = best
			}
		}
	}
	return anything
}

// ownCandidates are the paths of a prefix that start at an edge.
func (r *run) ownCandidates(list []candidate, id prefixID, edge edgeID) []candidate {
	paths := r.paths[id]
	for at := range paths {
		if p := &paths[at]; p.edge == edge {
			list = append(list, candidate{
				bestPath: bestPath{Attributes: *p.Attributes, path: int32(at), via: noEdge}, kind: p.kind, ecmp: p.ecmp, rank: at - len(paths),
			})
		}
	}
	return list
}

// exports says whether an edge has something to advertise to another one about a prefix.
func (r *run) exports(id prefixID, from, to edgeID) bool {
	b := &r.best[id][from]
	return b.path != noPath && b.via != to && (b.via != noEdge || b.path >= aggregate || r.paths[id][b.path].kind != pathBlackhole)
}

// adjOut is what an edge advertises to another one of all prefixes, after its outbound policies, by prefix. Routes that a
// policy drops are in it, where nothing else is.
func (r *run) adjOut(from, to edgeID, record *Step) map[prefixID]route {
	var routes []route
	for i := range r.prefixes {
		if id := prefixID(i); r.exports(id, from, to) {
			routes = append(routes, route{prefix: r.prefixes[i], Attributes: r.best[i][from].Attributes, tag: i})
		}
	}
	out := map[prefixID]route{}
	for _, sent := range r.filter(record).run(r.outbound(from, to), routes) {
		id, ok := prefixID(sent.tag), true
		if sent.made != nil {
			if id, ok = r.ids[sent.prefix]; !ok && len(r.prefixes) == 1 && r.prefixes[0] == sent.prefix {
				id, ok = 0, true
			}
		}
		if _, taken := out[id]; ok && (!sent.dropped || !taken) {
			out[id] = sent
		}
	}
	return out
}

// export is adjOut of one prefix, where none is aggregated.
func (r *run) export(id prefixID, from, to edgeID) (route, bool) {
	if !r.exports(id, from, to) {
		return route{}, false
	}
	sent := route{prefix: r.prefixes[id], Attributes: r.best[id][from].Attributes}
	if out := r.outbound(from, to); len(out) > 0 {
		sent = r.filter(nil).run(out, []route{sent})[0]
	}
	return sent, true
}

// importFrom is what an edge makes of what another one advertises: the route as its RIB shows it, and as it uses it, after
// its inbound policies. It is false for a loop.
func (r *run) importFrom(id prefixID, edge, from edgeID, sent *route, record *Step) (rib Attributes, used route, ok bool) {
	opt := &r.core.opt
	rib = sent.Attributes
	rib.ASPath = r.prepended(r.core.edges[from].ASN, rib.ASPath)
	if !opt.CarryMED {
		rib.MED = DefaultMED
	}
	if !opt.CarryLocalPreference {
		rib.LocalPreference = 0
	}
	used = route{prefix: r.prefixes[id], Attributes: rib}
	if slices.Contains(rib.ASPath, r.core.edges[edge].ASN) {
		return rib, used, false
	}
	if in := r.inbound(edge, from); len(in) > 0 {
		used = r.filter(record).run(in, []route{used})[0]
	}
	return rib, used, true
}

// prepended is a path with an ASN in front, in scratch while the run converges.
func (r *run) prepended(asn uint32, path []uint32) []uint32 {
	if r.scratch == nil {
		return append([]uint32{asn}, path...)
	}
	at := len(r.scratch)
	r.scratch = append(append(r.scratch, asn), path...)
	return slices.Clip(r.scratch[at:])
}

// peerCandidate adds what an edge receives from another one, if it is of use.
func (r *run) peerCandidate(list []candidate, id prefixID, edge, from edgeID, adjOut map[prefixID]route) []candidate {
	var sent route
	var ok bool
	if adjOut != nil {
		sent, ok = adjOut[id]
	} else {
		sent, ok = r.export(id, from, edge)
	}
	if !ok || sent.dropped {
		return list
	}
	_, used, ok := r.importFrom(id, edge, from, &sent, nil)
	if !ok || used.dropped {
		return list
	}
	return append(list, r.received(id, from, &sent, &used))
}

// received is the candidate that a route of another edge is.
func (r *run) received(id prefixID, from edgeID, sent, used *route) candidate {
	c := candidate{bestPath: bestPath{Attributes: used.Attributes, path: r.best[id][from].path, via: from}, kind: pathOther, rank: r.core.byName[from]}
	if sent.made != nil {
		c.path = int32(aggregate + int(from))
	}
	if c.path < aggregate {
		switch r.paths[id][c.path].kind {
		case pathStatic:
			if r.core.opt.RemoteStaticIsStatic {
				c.kind = pathStatic
			}
		case pathDirectConnect:
			if r.core.opt.DirectConnectAnyEdge {
				c.kind = pathDirectConnect
			}
		}
	}
	return c
}
