package analysis

import (
	"net/netip"
	"slices"

	"portolan/internal/order"
	"portolan/policy"
	"portolan/routing"
)

// classes divide addresses by the prefixes that a table may hold: two addresses of one class are covered by the same
// prefixes, so every table treats them alike. What holds for one address of each class of a prefix holds for all of it.
type classes struct {
	addrs    []netip.Addr   // one for each class, ascending
	prefixes []netip.Prefix // the longest known prefix of each class
	at       map[netip.Prefix]int
}

// classesOf are the classes of networks that are to be compared, or of one.
func classesOf(networks ...*routing.Network) *classes {
	known := map[netip.Prefix]bool{}
	for _, n := range networks {
		for i := range n.Attachments {
			for _, a := range n.Attachments[i].Announcements {
				known[a.Prefix.Masked()] = true
			}
			if nat := n.Attachments[i].NAT; nat != nil {
				for _, r := range nat.Rules {
					known[r.Source.Masked()], known[r.NAT.Masked()] = true, true
				}
			}
		}
		for i := range n.Policy.StaticRoutes {
			known[n.Policy.StaticRoutes[i].Prefix.Masked()] = true
		}
		for _, p := range aggregates(n.Policy) {
			known[p] = true
		}
	}
	list := make([]netip.Prefix, 0, len(known))
	for p := range known {
		if p.IsValid() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	type class struct {
		addr   netip.Addr
		prefix netip.Prefix
	}
	found := make([]class, 0, len(list))
	for i, p := range list {
		if a := own(p, list[i+1:]); a.IsValid() {
			found = append(found, class{a, p})
		}
	}
	order.Sort(found, func(a, b class) int { return a.addr.Compare(b.addr) })
	c := &classes{at: make(map[netip.Prefix]int, len(found))}
	for i, f := range found {
		c.addrs, c.prefixes = append(c.addrs, f.addr), append(c.prefixes, f.prefix)
		c.at[f.prefix] = i
	}
	return c
}

// aggregates are what routing policies summarize to: an edge may tell one in the place of what several others told it.
func aggregates(p *policy.Policy) []netip.Prefix {
	var list []netip.Prefix
	for _, rp := range p.RoutingPoliciesByNumber {
		for i := range rp.Rules {
			if a := &rp.Rules[i].Action; a.Type == policy.RouteSummarize {
				list = append(list, a.Prefix.Masked())
			}
		}
	}
	return list
}

// inside are the classes of a prefix, as a range of indexes.
func (c *classes) inside(p netip.Prefix) (from, to int) {
	from, _ = slices.BinarySearchFunc(c.addrs, p.Masked().Addr(), netip.Addr.Compare)
	for to = from; to < len(c.addrs) && p.Contains(c.addrs[to]); {
		to++
	}
	return from, to
}

// samples are addresses that stand for a whole prefix, and for each known part of it.
func (c *classes) samples(p netip.Prefix) []netip.Addr {
	p = p.Masked()
	from, to := c.inside(p)
	list := slices.Clone(c.addrs[from:to])
	if _, known := c.at[p]; !known {
		longer := slices.DeleteFunc(slices.Clone(c.prefixes[from:to]), func(l netip.Prefix) bool { return l.Bits() <= p.Bits() })
		slices.SortFunc(longer, netip.Prefix.Compare)
		if a := own(p, longer); a.IsValid() && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// own is the first address of a prefix that no longer prefix covers, invalid when they cover all of it. The address of
// the network itself is not taken. after is sorted and holds every longer prefix inside.
func own(p netip.Prefix, after []netip.Prefix) netip.Addr {
	at := host(p)
	for _, longer := range after {
		switch {
		case !at.IsValid() || !p.Contains(at):
			return netip.Addr{}
		case !p.Contains(longer.Addr()):
			return at
		case longer.Contains(at):
			at = last(longer).Next()
		case at.Less(longer.Addr()):
			return at
		}
	}
	if !at.IsValid() || !p.Contains(at) {
		return netip.Addr{}
	}
	return at
}

// host is an address that stands for a prefix: the first that is not the network's own. A default route is stood for by
// an address of the documentation blocks, which is what people would take.
func host(p netip.Prefix) netip.Addr {
	p = p.Masked()
	switch {
	case p.IsSingleIP():
		return p.Addr()
	case p.Bits() == 0 && p.Addr().Is4():
		return netip.AddrFrom4([4]byte{192, 0, 2, 1})
	case p.Bits() == 0:
		return netip.MustParseAddr("2001:db8::1")
	}
	return p.Addr().Next()
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := range b {
		if from := p.Bits() - i*8; from < 8 {
			b[i] |= 0xff >> max(from, 0)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
