package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/internal/order"
	"portolan/internal/words"
)

func (c *checker) configuration() {
	config := &c.doc.Configuration
	asns, locations := map[uint32]string{}, map[string]Place{}
	for _, e := range config.EdgeLocations {
		if first, twice := locations[e.Location]; twice && e.Location != "" {
			c.fail(e.LocationAt, CodeDuplicateValue, words.Clip(e.Location)+" is listed twice", fmt.Sprintf("the other one is on line %d", first.Line()))
		}
		putNew(locations, e.Location, e.LocationAt)
		if e.ASN == 0 {
			continue
		}
		if !c.reserved.contains(e.ASN) {
			c.fail(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is not in asn-ranges", e.ASN), "the upper end of a range is not part of it")
		}
		if other, taken := asns[e.ASN]; taken {
			c.fail(e.ASNAt, CodeInvalidASN, fmt.Sprintf("%d is the ASN of %s too", e.ASN, words.Clip(other)), "")
			continue
		}
		asns[e.ASN] = e.Location
	}
	c.insideCIDRs()
}

// insideCIDRs checks that no two blocks of the core network overlap, no two blocks of its edges do, and that each of
// the latter is part of one of the former.
func (c *checker) insideCIDRs() {
	config := &c.doc.Configuration
	wide := c.disjoint(config.InsideCIDRs)
	var own []CIDR
	for _, e := range config.EdgeLocations {
		own = append(own, e.InsideCIDRs...)
	}
	c.disjoint(own)
	for _, block := range own {
		if block.Prefix.IsValid() && !wide.covers(block.Prefix) {
			c.fail(block.Place, CodeInvalidCIDR, block.Prefix.String()+" is not part of core-network-configuration.inside-cidr-blocks", "")
		}
	}
}

// disjoint reports each block that overlaps another, on the one that comes later, and returns the blocks in order of
// addresses.
func (c *checker) disjoint(blocks []CIDR) prefixSet {
	sorted := slices.Clone(blocks)
	sorted = slices.DeleteFunc(sorted, func(b CIDR) bool { return !b.Prefix.IsValid() })
	order.Stable(sorted, func(a, b CIDR) int { return comparePrefixes(a.Prefix, b.Prefix) })
	var set prefixSet
	var around CIDR // the last block that is not part of another
	for _, b := range sorted {
		if !around.Known() || !around.Prefix.Overlaps(b.Prefix) {
			around = b
			set = append(set, b.Prefix)
			continue
		}
		first, second := around, b
		if first.Offset() > second.Offset() {
			first, second = second, first
		}
		c.fail(second.Place, CodeInvalidCIDR, second.Prefix.String()+" overlaps "+first.Prefix.String(), fmt.Sprintf("the other one is on line %d", first.Line()))
	}
	return set
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// prefixSet holds blocks that do not overlap, in order of addresses.
type prefixSet []netip.Prefix

func newPrefixSet(blocks []CIDR) prefixSet {
	var set prefixSet
	for _, b := range blocks {
		if b.Prefix.IsValid() {
			set = append(set, b.Prefix)
		}
	}
	slices.SortFunc(set, comparePrefixes)
	around := netip.Prefix{}
	return slices.DeleteFunc(set, func(p netip.Prefix) bool {
		if around.IsValid() && around.Overlaps(p) {
			return true
		}
		around = p
		return false
	})
}

// covers says whether a block is part of one of the set.
func (s prefixSet) covers(block netip.Prefix) bool {
	i, found := slices.BinarySearchFunc(s, block, comparePrefixes)
	if found {
		return true
	}
	return i > 0 && s[i-1].Bits() <= block.Bits() && s[i-1].Contains(block.Addr())
}

// overlapping is a block of the set that shares addresses with another block.
func (s prefixSet) overlapping(block netip.Prefix) (netip.Prefix, bool) {
	i, _ := slices.BinarySearchFunc(s, block, comparePrefixes)
	for _, p := range s[max(i-1, 0):min(i+1, len(s))] {
		if p.Overlaps(block) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// asnSet holds ranges of ASNs that neither overlap nor touch, lowest first.
type asnSet []ASNRange

func newASNSet(ranges []ASNRange) asnSet {
	sorted := slices.Clone(ranges)
	order.Stable(sorted, func(a, b ASNRange) int { return cmp.Compare(a.Low, b.Low) })
	var set asnSet
	for _, r := range sorted {
		last := len(set) - 1
		switch {
		case r.Low >= r.High: // not a valid range
		case last >= 0 && r.Low <= set[last].High:
			set[last].High = max(set[last].High, r.High)
		default:
			set = append(set, r)
		}
	}
	return set
}

func (s asnSet) contains(asn uint32) bool {
	i, found := slices.BinarySearchFunc(s, asn, func(r ASNRange, asn uint32) int { return cmp.Compare(r.Low, asn) })
	return found || i > 0 && asn < s[i-1].High
}
