package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"portolan/internal/order"
	"portolan/internal/words"
)

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
	order.Sort(p.ranges, func(a, b netipx.IPRange) int { return a.From().Compare(b.From()) })
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
