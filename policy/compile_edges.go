package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"portolan/policy/internal/words"
)

// allocate works out the edges of a document: their ASNs and inside CIDR blocks, those they have before new ones.
func allocate(doc *Document, previous Previous) ([]Edge, Errors) {
	a := &allocator{config: &doc.Configuration, previous: previous, ranges: newASNSet(doc.Configuration.ASNRanges)}
	a.asns()
	a.insideCIDRs()
	return a.edges, a.errs
}

type allocator struct {
	collector
	config   *Configuration
	previous Previous
	ranges   asnSet
	edges    []Edge
}

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

// NoInsideCIDRLeft is the sizes of block, in bits, of which inside-cidr-blocks has none left for another edge: 24 of IPv4,
// 64 of IPv6.
func (p *Policy) NoInsideCIDRLeft() []int {
	wide := newPrefixSet(p.Document().Configuration.InsideCIDRs)
	var used netipx.IPSetBuilder
	for _, e := range p.Edges {
		for _, block := range e.InsideCIDRs {
			used.AddPrefix(block)
		}
	}
	set, err := used.IPSet()
	if err != nil { // only blocks that were parsed went in
		return nil
	}
	var full []int
	for _, bits := range []int{24, 64} {
		pool := newBlockPool(wide, set, bits)
		if _, ok := pool.take(); !ok && pool.any {
			full = append(full, bits)
		}
	}
	return full
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

// insideCIDRs gives each edge its inside CIDR blocks: those it has, those the document says, else the lowest free /24,
// and the lowest free /64 where there is an IPv6 block, in document order. When the core-wide list is exactly what the
// edges name for themselves, nothing is left to give and nothing is tried.
func (a *allocator) insideCIDRs() {
	if len(a.errs) > 0 {
		return
	}
	wide := newPrefixSet(a.config.InsideCIDRs)
	var used netipx.IPSetBuilder
	own := map[netip.Prefix]bool{}
	kept := map[netip.Prefix]string{} // the edges that have blocks and name none
	for i, e := range a.config.EdgeLocations {
		edge := &a.edges[i]
		named := prefixes(e.InsideCIDRs)
		for _, block := range edge.InsideCIDRs {
			if len(named) > 0 && !slices.Contains(named, block) || !wide.covers(block) {
				a.fail(e.Place, CodeInvalidCIDR, block.String()+" is assigned to "+e.Location+" and cannot be removed", "")
			}
			if len(named) == 0 {
				kept[block] = e.Location
			}
		}
		for _, block := range named {
			own[block] = true
		}
		if len(named) > 0 {
			edge.InsideCIDRs = named
		}
		for _, block := range edge.InsideCIDRs {
			used.AddPrefix(block)
		}
	}
	a.keptBlocks(kept)
	exact := len(own) == len(wide)
	for _, block := range wide {
		exact = exact && own[block]
	}
	set, err := used.IPSet()
	if len(wide) == 0 || exact || err != nil { // only blocks that were parsed went in, so there is no such error
		return
	}
	pools := []*blockPool{newBlockPool(wide, set, 24), newBlockPool(wide, set, 64)}
	for i := range a.edges {
		if len(a.edges[i].InsideCIDRs) > 0 {
			continue
		}
		for _, pool := range pools {
			if block, ok := pool.take(); ok {
				a.edges[i].InsideCIDRs = append(a.edges[i].InsideCIDRs, block)
			} else if pool.any {
				a.fail(a.edges[i].Place, CodeInsufficientInsideCIDR, fmt.Sprintf("no /%d is left in inside-cidr-blocks for %s", pool.bits, words.Clip(a.edges[i].Location)), "add a block")
			}
		}
	}
}

// keptBlocks refuses blocks that are named for one edge and overlap what another edge has and need not name.
func (a *allocator) keptBlocks(kept map[netip.Prefix]string) {
	set := make(prefixSet, 0, len(kept))
	for block := range kept {
		set = append(set, block)
	}
	slices.SortFunc(set, comparePrefixes)
	for _, e := range a.config.EdgeLocations {
		for _, named := range e.InsideCIDRs {
			if other, ok := set.overlapping(named.Prefix); ok {
				a.fail(named.Place, CodeInvalidCIDR, fmt.Sprintf("%s overlaps %s, which is assigned to %s", named.Prefix, other, kept[other]), "choose another block")
			}
		}
	}
}

func prefixes(blocks []CIDR) []netip.Prefix {
	var list []netip.Prefix
	for _, b := range blocks {
		if b.Prefix.IsValid() {
			list = append(list, b.Prefix)
		}
	}
	return list
}

// blockPool hands out blocks of one size and family, lowest address first.
type blockPool struct {
	bits   int // 24 for IPv4, 64 for IPv6
	any    bool
	ranges []netipx.IPRange // what may be given, lowest first
	next   netip.Addr       // nothing below it is free
}

func newBlockPool(wide prefixSet, used *netipx.IPSet, bits int) *blockPool {
	p := &blockPool{bits: bits}
	var free netipx.IPSetBuilder
	for _, block := range wide {
		if block.Addr().Is4() == (bits == 24) {
			p.any = true
			free.AddPrefix(block)
		}
	}
	free.RemoveSet(used)
	if set, err := free.IPSet(); err == nil {
		p.ranges = set.Ranges()
	}
	slices.SortFunc(p.ranges, func(a, b netipx.IPRange) int { return a.From().Compare(b.From()) })
	return p
}

func (p *blockPool) take() (netip.Prefix, bool) {
	for len(p.ranges) > 0 {
		r := p.ranges[0]
		from := r.From()
		if p.next.IsValid() && from.Less(p.next) {
			from = p.next
		}
		block := netip.PrefixFrom(from, p.bits).Masked()
		if block.Addr() != from { // the part of a block that is free begins in its middle
			from = netipx.PrefixLastIP(block).Next()
			block = netip.PrefixFrom(from, p.bits)
		}
		if from.IsValid() && r.Contains(from) && r.Contains(netipx.PrefixLastIP(block)) {
			p.next = netipx.PrefixLastIP(block).Next()
			if !p.next.IsValid() { // the last block there is
				p.ranges = nil
			}
			return block, true
		}
		p.ranges = p.ranges[1:]
	}
	return netip.Prefix{}, false
}

// RegionPriority is the list of Regions in the Cloud WAN guide, "Region availability". Where several Regions could inspect, the
// first of it does; those that it lacks follow in document order. GovCloud Regions have a list of their own.
func RegionPriority() []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
		"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-west-1",
		"eu-west-2", "eu-west-3", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "us-gov-west-1", "us-gov-east-1",
	}
}
