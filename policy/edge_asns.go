package policy

import (
	"fmt"

	"portolan/internal/words"
)

// asns gives each edge its ASN: the one it has, the one the document says, else the lowest free one, in document order.
// The ASN of an edge that goes is free for a new edge that asks for it, and is not given to one that does not.
func (a *allocator) asns() {
	taken := map[uint32]string{} // by edges that stay, or that name it
	used := map[uint32]bool{}
	for _, e := range a.previous {
		used[e.ASN] = true
	}
	lost := false
	for _, e := range a.config.EdgeLocations {
		if old, ok := a.previous[e.Location]; ok {
			taken[old.ASN] = e.Location
			lost = lost || a.lost(old)
		}
	}
	if lost {
		a.lostASNs()
		return
	}
	for _, e := range a.config.EdgeLocations {
		if e.ASN == 0 {
			continue
		}
		old, stays := a.previous[e.Location]
		other, clash := taken[e.ASN]
		switch {
		case stays && e.ASN != old.ASN:
			a.fail(e.ASNAt, CodeInvalidASNUpdate, fmt.Sprintf("the ASN of %s is %d and cannot be changed", e.Location, old.ASN), "")
		case clash && other != e.Location:
			a.fail(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is the ASN of %s", e.ASN, words.Clip(other)), "")
		}
		used[e.ASN], taken[e.ASN] = true, e.Location
	}
	free := freeASNs{ranges: a.ranges, used: used}
	for _, e := range a.config.EdgeLocations {
		edge := Edge{Place: e.Place, Location: e.Location, ASN: e.ASN, ASNWritten: e.ASN != 0}
		if old, stays := a.previous[e.Location]; stays {
			edge.ASN, edge.InsideCIDRs = old.ASN, old.InsideCIDRs
		}
		if edge.ASN == 0 {
			if edge.ASN = free.next(); edge.ASN == 0 {
				a.fail(e.Place, CodeInsufficientASN, "no ASN is left in asn-ranges for "+words.Clip(e.Location), "widen a range")
			}
		}
		a.edges = append(a.edges, edge)
	}
}

// lost tells whether ranges no longer hold the ASN of an edge, which was written. One that was assigned stays, whatever
// the ranges become.
func (a *allocator) lost(old Edge) bool { return old.ASNWritten && !a.ranges.contains(old.ASN) }

// lostASNs reports in AWS's words, which here are without the path, that ranges no longer hold the ASN of an edge.
func (a *allocator) lostASNs() {
	var hint string
	for _, e := range a.config.EdgeLocations {
		if old, ok := a.previous[e.Location]; ok && a.lost(old) {
			hint = fmt.Sprintf("keep a range with %d, the ASN of %s", old.ASN, e.Location)
			break
		}
	}
	a.fail(a.config.Place, CodeInvalidASNUpdate, "", hint)
	for i := range a.errs {
		a.errs[i].Message = "ASNs already in use cannot be removed"
	}
}

// FreeASNs is how many ASNs of asn-ranges no edge has.
func (p *Policy) FreeASNs() int64 {
	free := int64(0)
	for _, r := range p.names.reserved {
		free += int64(r.High) - int64(r.Low)
	}
	for _, e := range p.Edges {
		if p.names.reserved.contains(e.ASN) {
			free--
		}
	}
	return free
}

// freeASNs hands out ASNs, lowest first.
type freeASNs struct {
	ranges asnSet
	used   map[uint32]bool
	last   uint32
}

// next is 0 when none is left.
func (f *freeASNs) next() uint32 {
	for len(f.ranges) > 0 {
		r := f.ranges[0]
		for asn := max(r.Low, f.last+1); asn < r.High; asn++ {
			if !f.used[asn] {
				f.last = asn
				return asn
			}
		}
		f.ranges = f.ranges[1:]
	}
	return 0
}
