package routing

import (
	"net/netip"
	"slices"

	"portolan/policy"
)

// NAT is 1:1 network address translation on an attachment, switched on. It changes which prefixes the attachment announces,
// and the addresses of packets that pass the attachment. A nil NAT changes nothing.
type NAT struct {
	Rules        []NATRule
	SystemRoutes bool // the core network routes the NAT CIDRs. A VPC has them always, Connect never
}

// NATRule maps the addresses of Source, behind the attachment, one to one to those of NAT. Both are IPv4 and of one length.
type NATRule struct{ Source, NAT netip.Prefix }

// TranslateSource is the source address of a packet that came from the attachment, as the core network sees it. Of nested
// rules the one with the longest prefix translates. It is false, and the address the same, where no rule fits.
func (n *NAT) TranslateSource(a netip.Addr) (netip.Addr, bool) {
	if r := n.rule(a, func(r *NATRule) netip.Prefix { return r.Source }); r != nil {
		return moved(a, r.NAT), true
	}
	return a, false
}

// TranslateDestination is the destination address of a packet that goes to the attachment, as the network behind it sees
// it. It is false, and the address the same, where no rule fits.
func (n *NAT) TranslateDestination(a netip.Addr) (netip.Addr, bool) {
	if r := n.rule(a, func(r *NATRule) netip.Prefix { return r.NAT }); r != nil {
		return moved(a, r.Source), true
	}
	return a, false
}

// rule is the rule of which one side holds an address, with the longest prefix.
func (n *NAT) rule(a netip.Addr, side func(*NATRule) netip.Prefix) *NATRule {
	if n == nil {
		return nil
	}
	var best *NATRule
	for i := range n.Rules {
		if r := &n.Rules[i]; side(r).Contains(a) && (best == nil || side(r).Bits() > side(best).Bits()) {
			best = r
		}
	}
	return best
}

// moved is the address with the same host bits in another prefix.
func moved(a netip.Addr, to netip.Prefix) netip.Addr {
	from, into := a.As4(), to.Masked().Addr().As4()
	for i := range into {
		keep := min(max(to.Bits()-8*i, 0), 8)
		into[i] |= from[i] & (0xff >> keep)
	}
	return netip.AddrFrom4(into)
}

// sourceOf is the prefix that a rule translates to a NAT CIDR.
func (n *NAT) sourceOf(nat netip.Prefix) netip.Prefix {
	for _, r := range n.Rules {
		if r.NAT.Masked() == nat {
			return r.Source
		}
	}
	return netip.Prefix{}
}

// natRole is what NAT makes of a route.
type natRole uint8

const (
	natNone   natRole = iota
	natHidden         // announced, but a NAT CIDR is routed in its place
	natSystem         // a NAT CIDR, which the core network routes by itself
)

// natRoutes are what NAT adds to the routes of an attachment and takes away.
type natRoutes struct {
	system []netip.Prefix
	hidden []netip.Prefix
}

func (c *core) natRoutes(a *Attachment) *natRoutes {
	routes := &natRoutes{}
	for _, r := range a.NAT.Rules {
		source, exact, covered := r.Source.Masked(), false, false
		for i := range a.Announcements {
			p := a.Announcements[i].Prefix.Masked()
			exact = exact || p == source
			covered = covered || p.Bits() <= source.Bits() && p.Contains(source.Addr())
		}
		routed, hidden := false, false
		switch a.Type {
		case policy.TypeVPC:
			routed, hidden = exact || c.opt.NATInexactVPCRuleRoute, exact
		case policy.TypeSiteToSiteVPN, policy.TypeDirectConnectGateway:
			routed = a.NAT.SystemRoutes && (covered || !c.opt.NATSystemRouteNeedsLearned)
			hidden = routed && exact && c.opt.NATHidesLearnedExact
		}
		if routed {
			routes.system = append(routes.system, r.NAT.Masked())
		}
		if hidden {
			routes.hidden = append(routes.hidden, source)
		}
	}
	return routes
}

// Offered are the prefixes that an attachment brings into its segment: what it announces and NAT does not hide, then the NAT
// CIDRs that are routed.
func (t *Tables) Offered(a *Attachment) []netip.Prefix {
	var nat *natRoutes
	if a.NAT != nil {
		nat = t.core.natRoutes(a)
	}
	var list []netip.Prefix
	seen := map[netip.Prefix]bool{}
	add := func(p netip.Prefix) {
		if !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	for i := range a.Announcements {
		if p := a.Announcements[i].Prefix.Masked(); nat.role(p) != natHidden {
			add(p)
		}
	}
	if nat != nil {
		for _, p := range nat.system {
			add(p)
		}
	}
	return list
}

func (n *natRoutes) role(p netip.Prefix) natRole {
	if n != nil && slices.Contains(n.hidden, p) {
		return natHidden
	}
	return natNone
}
