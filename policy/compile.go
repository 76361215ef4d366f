package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// Policy is a document made ready to decide. It is immutable and may be shared.
type Policy struct {
	Edges                 []Edge // in document order
	Segments              []Segment
	NetworkFunctionGroups []NetworkFunctionGroup

	rules    []AttachmentPolicy // by number
	segments map[string]*Segment
	groups   map[string]*NetworkFunctionGroup
}

// Edge is one core network edge.
type Edge struct {
	Location    string
	ASN         uint32
	InsideCIDRs []netip.Prefix
}

// Segment is one segment.
type Segment struct {
	Name              string
	Edges             []string // where it has a table
	SharedSegments    []string // joined by a share action
	Isolate           bool
	RequireAcceptance bool
}

// NetworkFunctionGroup is one network function group. It has a table at every edge.
type NetworkFunctionGroup struct {
	Name              string
	Edges             []string
	SendVia, SendTo   []string // segments whose actions use it
	RequireAcceptance bool
}

// Previous holds the edges a core network has, by location. They keep their ASN and their inside CIDR blocks.
type Previous map[string]Edge

// Compile works a checked document out over the edges that exist. The errors are those that need the existing edges:
// AWS reports them while it generates the change set.
func Compile(doc *Document, previous Previous) (*Policy, Errors) {
	c := compiler{reader: reader{source: doc.source}, doc: doc, previous: previous}
	p := &Policy{segments: map[string]*Segment{}, groups: map[string]*NetworkFunctionGroup{}}
	p.Edges = c.edges()
	if len(c.errs) > 0 {
		for i := range c.errs {
			c.errs[i].Async = true
		}
		return nil, c.errs.sorted()
	}
	var everywhere []string
	for _, e := range p.Edges {
		everywhere = append(everywhere, e.Location)
	}
	for _, s := range doc.Segments {
		compiled := Segment{Name: s.Name, Edges: everywhere, Isolate: s.Isolate, RequireAcceptance: s.RequireAcceptance}
		if s.EdgeLocations != nil {
			compiled.Edges = nil
			for _, location := range everywhere {
				if slices.ContainsFunc(s.EdgeLocations, func(n Named) bool { return n.Name == location }) {
					compiled.Edges = append(compiled.Edges, location)
				}
			}
		}
		p.Segments = append(p.Segments, compiled)
	}
	for _, g := range doc.NetworkFunctionGroups {
		p.NetworkFunctionGroups = append(p.NetworkFunctionGroups, NetworkFunctionGroup{Name: g.Name, Edges: everywhere, RequireAcceptance: g.RequireAcceptance})
	}
	for i := range p.Segments {
		p.segments[p.Segments[i].Name] = &p.Segments[i]
	}
	for i := range p.NetworkFunctionGroups {
		p.groups[p.NetworkFunctionGroups[i].Name] = &p.NetworkFunctionGroups[i]
	}
	p.rules = slices.Clone(doc.AttachmentPolicies)
	slices.SortStableFunc(p.rules, func(a, b AttachmentPolicy) int { return a.RuleNumber - b.RuleNumber })
	return p, nil
}

type compiler struct {
	reader
	doc      *Document
	previous Previous
}

func (c *compiler) edges() []Edge {
	config := &c.doc.Configuration
	used := map[uint32]bool{}
	for _, location := range slices.Sorted(maps.Keys(c.previous)) {
		old := c.previous[location]
		if !c.inRanges(old.ASN) {
			c.failAt(config.Place, CodeInvalidASNUpdate, "ASNs already in use cannot be removed", fmt.Sprintf("keep a range with %d, the ASN of %s", old.ASN, old.Location))
			return nil
		}
		used[old.ASN] = true
	}
	for _, e := range config.EdgeLocations {
		old, existed := c.previous[e.Location]
		switch {
		case e.ASN == 0:
		case existed && e.ASN != old.ASN:
			c.failAt(e.ASNAt, CodeInvalidASNUpdate, fmt.Sprintf("the ASN of %s is %d and cannot be changed", e.Location, old.ASN), "")
		case !existed && used[e.ASN]:
			c.failAt(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is in use by another edge location", e.ASN), "")
		}
		used[e.ASN] = true
	}
	edges := make([]Edge, 0, len(config.EdgeLocations))
	for _, e := range config.EdgeLocations {
		edge := Edge{Location: e.Location, ASN: e.ASN}
		if old, existed := c.previous[e.Location]; existed {
			edge.ASN, edge.InsideCIDRs = old.ASN, old.InsideCIDRs
		}
		if edge.ASN == 0 {
			if edge.ASN = c.freeASN(used); edge.ASN == 0 {
				c.failAt(e.Place, CodeInsufficientASN, "no ASN is left in asn-ranges for "+e.Location, "widen a range")
			}
			used[edge.ASN] = true
		}
		edges = append(edges, edge)
	}
	c.allocateInside(edges)
	return edges
}

func (c *compiler) inRanges(asn uint32) bool {
	return slices.ContainsFunc(c.doc.Configuration.ASNRanges, func(r ASNRange) bool { return r.contains(asn) })
}

// freeASN is the lowest ASN of the ranges, in the order of the numbers, that nobody has; 0 when there is none.
func (c *compiler) freeASN(used map[uint32]bool) uint32 {
	ranges := slices.Clone(c.doc.Configuration.ASNRanges)
	slices.SortFunc(ranges, func(a, b ASNRange) int { return int(int64(a.Low) - int64(b.Low)) })
	for _, r := range ranges {
		for asn := r.Low; asn < r.High; asn++ {
			if !used[asn] {
				return asn
			}
		}
	}
	return 0
}

// allocateInside gives each edge its inside CIDR blocks: those of the document, those it has, else the next free /24,
// and the next free /64 where there is an IPv6 block. When the core-wide list is exactly what the edges of the document
// name for themselves, nothing is left to give and nothing is tried.
func (c *compiler) allocateInside(edges []Edge) {
	config := &c.doc.Configuration
	var free netipx.IPSetBuilder
	for _, block := range config.InsideCIDRs {
		free.AddPrefix(block)
	}
	var own []netip.Prefix
	for i, e := range config.EdgeLocations {
		own = append(own, e.InsideCIDRs...)
		for _, kept := range edges[i].InsideCIDRs {
			if len(e.InsideCIDRs) > 0 && !slices.Contains(e.InsideCIDRs, kept) || !covered(config.InsideCIDRs, kept) {
				c.failAt(e.Place, CodeInvalidCIDR, kept.String()+" is assigned to "+e.Location+" and cannot be removed", "")
			}
		}
		if len(e.InsideCIDRs) > 0 {
			edges[i].InsideCIDRs = e.InsideCIDRs
		}
		for _, block := range edges[i].InsideCIDRs {
			free.RemovePrefix(block)
		}
	}
	if len(config.InsideCIDRs) == 0 || sameSet(own, config.InsideCIDRs) {
		return
	}
	left, err := free.IPSet()
	if err != nil {
		return // only prefixes that were parsed went in
	}
	for i := range edges {
		if len(edges[i].InsideCIDRs) > 0 {
			continue
		}
		for _, bits := range []int{24, 64} {
			family := slices.ContainsFunc(config.InsideCIDRs, func(b netip.Prefix) bool { return b.Addr().Is4() == (bits == 24) })
			if !family {
				continue
			}
			block, ok := firstFree(left, bits)
			if !ok {
				c.failAt(config.EdgeLocations[i].Place, CodeInsufficientInsideCIDR, fmt.Sprintf("no /%d is left in inside-cidr-blocks for %s", bits, edges[i].Location), "add a block")
				continue
			}
			edges[i].InsideCIDRs = append(edges[i].InsideCIDRs, block)
			var b netipx.IPSetBuilder
			b.AddSet(left)
			b.RemovePrefix(block)
			if left, err = b.IPSet(); err != nil {
				return
			}
		}
	}
}

// firstFree is the lowest free block of the size, /24 for IPv4 and /64 for IPv6.
func firstFree(set *netipx.IPSet, bits int) (netip.Prefix, bool) {
	for _, p := range set.Prefixes() { // in order of addresses
		if p.Addr().Is4() == (bits == 24) && p.Bits() <= bits {
			return netip.PrefixFrom(p.Addr(), bits), true
		}
	}
	return netip.Prefix{}, false
}

func covered(wide []netip.Prefix, block netip.Prefix) bool {
	return slices.ContainsFunc(wide, func(w netip.Prefix) bool { return w.Bits() <= block.Bits() && w.Contains(block.Addr()) })
}

func sameSet(a, b []netip.Prefix) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(p netip.Prefix) bool { return !slices.Contains(b, p) })
}
