package routing

import (
	"cmp"
	"slices"
)

// A candidate is a path an edge can select: one of its own, or the best path of another edge as it received it.
type candidate struct {
	bestPath
	kind pathKind // of a path of another edge: pathOther, with the exceptions that options name
	ecmp bool
	rank int // in ties
}

// A criterion is one step of the decision process.
type criterion struct {
	by      Criterion
	compare func(a, b *candidate) int // negative where a is the better one
}

// decisionProcess is the order in which paths are compared:
//
//  1. a static route
//  2. a VPC of this edge
//  3. the higher local preference (4 without LocalPreferenceBeforeASPath)
//  4. the shorter AS path
//  5. the lower MED
//  6. the type of attachment: Direct Connect gateway, Connect, VPN, all others (before 4 with TypeBeforeASPath)
//
// What is equal in all of them is a tie: see run.breakTie. Service insertion is laid over the result: insertion.go.
func decisionProcess(o *Options) []criterion {
	list := []criterion{{ByStatic, compareStatic}, {ByLocalVPC, compareLocalVPC}}
	if o.LocalPreferenceBeforeASPath {
		list = append(list, criterion{ByLocalPreference, compareLocalPreference})
	}
	if o.TypeBeforeASPath {
		list = append(list, criterion{ByAttachmentType, compareAttachmentType})
	}
	list = append(list, criterion{ByASPath, compareASPath})
	if !o.LocalPreferenceBeforeASPath {
		list = append(list, criterion{ByLocalPreference, compareLocalPreference})
	}
	list = append(list, criterion{ByMED, compareMED})
	if !o.TypeBeforeASPath {
		list = append(list, criterion{ByAttachmentType, compareAttachmentType})
	}
	return list
}

// compare compares two paths by all that is documented, and says which criterion decided.
func (c *core) compare(a, b *candidate) (int, Criterion) {
	for i := range c.decision {
		if r := c.decision[i].compare(a, b); r != 0 {
			return r, c.decision[i].by
		}
	}
	return 0, ByTieBreak
}

// position is the place of a criterion in the decision process.
func (c *core) position(by Criterion) int {
	if at := slices.IndexFunc(c.decision, func(k criterion) bool { return k.by == by }); at >= 0 {
		return at
	}
	return len(c.decision)
}

func compareStatic(a, b *candidate) int { return first(a.kind.static(), b.kind.static()) }

func compareLocalVPC(a, b *candidate) int { return first(a.kind == pathVPC, b.kind == pathVPC) }

func compareLocalPreference(a, b *candidate) int {
	return cmp.Compare(b.LocalPreference, a.LocalPreference)
}

func compareASPath(a, b *candidate) int { return cmp.Compare(len(a.ASPath), len(b.ASPath)) }

func compareMED(a, b *candidate) int { return cmp.Compare(a.MED, b.MED) }

func compareAttachmentType(a, b *candidate) int {
	if a.kind.static() && b.kind.static() { // of static routes the policy says which
		return 0
	}
	return cmp.Compare(a.kind, b.kind)
}

// first compares two conditions: what has it comes first.
func first(a, b bool) int { return cmp.Compare(boolByte(b), boolByte(a)) }

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// selectBest is the best of some paths of a prefix at an edge.
func (r *run) selectBest(id prefixID, edge edgeID, list []candidate) bestPath {
	if len(list) == 0 {
		return bestPath{path: noPath}
	}
	best := 0
	for at := 1; at < len(list); at++ {
		c, _ := r.core.compare(&list[at], &list[best])
		if c < 0 || c == 0 && list[at].rank < list[best].rank {
			best = at
		}
	}
	chosen := &list[best]
	if r.name != nil && r.core.opt.TieBreak != nil {
		chosen = r.breakTie(id, edge, list, chosen)
	}
	if chosen.ecmp {
		for at := range list {
			if c, _ := r.core.compare(&list[at], chosen); c == 0 && list[at].ecmp && list[at].kind == chosen.kind {
				chosen.equals = append(chosen.equals, list[at].path)
			}
		}
		if len(chosen.equals) == 1 {
			chosen.equals = nil
		}
	}
	return chosen.bestPath
}

// breakTie lets the option decide among the paths that are equal to the best one in all that is documented.
func (r *run) breakTie(id prefixID, edge edgeID, list []candidate, best *candidate) *candidate {
	var ties []*candidate
	for at := range list {
		if c, _ := r.core.compare(&list[at], best); c == 0 {
			ties = append(ties, &list[at])
		}
	}
	if len(ties) < 2 || best.kind.static() && best.via == noEdge { // of static routes the policy says which
		return best
	}
	slices.SortFunc(ties, func(a, b *candidate) int { return cmp.Compare(a.rank, b.rank) })
	tie := Tie{Table: r.table.table(r.core.location(edge)), Prefix: r.prefixes[id]}
	for _, c := range ties {
		p := TiedPath{ASPath: c.ASPath}
		if c.via == noEdge {
			p.Attachment, p.Peer = r.name(id, c.path)
		} else {
			p.Edge = r.core.location(c.via)
		}
		tie.Paths = append(tie.Paths, p)
	}
	if pick := r.core.opt.TieBreak(tie); pick >= 0 && pick < len(ties) {
		return ties[pick]
	}
	return ties[0]
}
