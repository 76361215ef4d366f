package routing_test

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"portolan/policy"
	"portolan/routing"
)

// The model is the same network, worked out in the simplest way: one table is a map, a route is a struct, every round
// computes every table again from nothing. It shares no code with the package.

type modelRoute struct {
	prefix netip.Prefix
	path   []uint32
	med    uint32
	pref   uint32
	tags   []policy.Community
	kind   string // attachment, static, blackhole, summary
	att    string // attachment id
	typ    string // of the attachment
	seg    string // of the attachment
	edge   string // where it entered
	via    string // "" for here
	more   []string
	peer   string      // of a Connect attachment
	ecmp   bool        // shares traffic with its equals
	raw    *modelRoute // as it came from the attachment
}

type modelTable map[netip.Prefix]*modelRoute

type model struct {
	n      routing.Network
	o      routing.Options
	p      *policy.Policy
	asn    map[string]uint32
	place  map[string]int
	groups map[string]map[string]string // appliance by group and edge
	state  map[string]modelTable        // by vrf/edge, shadow tables too
}

func newModel(n routing.Network) *model {
	n.Attachments = slices.Clone(n.Attachments)
	for i := range n.Attachments { // at no edge of its segment: associated with nothing
		a := &n.Attachments[i]
		if s := n.Policy.Segment(a.Segment); s != nil && !slices.ContainsFunc(a.Edges, func(e string) bool { return slices.Contains(s.Edges, e) }) {
			a.Down = true
		}
	}
	m := &model{n: n, o: *routing.DefaultOptions(), p: n.Policy, asn: map[string]uint32{}, place: map[string]int{}, groups: map[string]map[string]string{}, state: map[string]modelTable{}}
	if n.Options != nil {
		m.o = *n.Options
	}
	for i, e := range n.Policy.Edges {
		m.asn[e.Location], m.place[e.Location] = e.ASN, i
	}
	for _, a := range n.Attachments {
		if a.NetworkFunctionGroup == "" || a.Down {
			continue
		}
		if m.groups[a.NetworkFunctionGroup] == nil {
			m.groups[a.NetworkFunctionGroup] = map[string]string{}
		}
		for _, e := range a.Edges {
			if old := m.groups[a.NetworkFunctionGroup][e]; old == "" || a.ID < old {
				m.groups[a.NetworkFunctionGroup][e] = a.ID
			}
		}
	}
	for i := range m.p.Segments {
		s := &m.p.Segments[i]
		m.settle("s:"+s.Name, s.Edges)
	}
	for i := range m.p.NetworkFunctionGroups {
		g := &m.p.NetworkFunctionGroups[i]
		m.settle("g:"+g.Name, g.Edges)
	}
	return m
}

// arrivals are the routes that an attachment brings to an edge, as they come.
func (m *model) arrivals(a *routing.Attachment, edge string) []modelRoute {
	if a.Down || a.Segment == "" || !slices.Contains(a.Edges, edge) || !slices.Contains(m.p.Segment(a.Segment).Edges, edge) {
		return nil
	}
	var list []modelRoute
	for _, n := range m.withNAT(a) {
		if n.Edge != "" && n.Edge != edge || m.o.CheckAttachmentLoops && slices.Contains(n.ASPath, m.asn[edge]) {
			continue
		}
		r := modelRoute{prefix: n.Prefix.Masked(), path: n.ASPath, med: 100, kind: "attachment", att: a.ID, typ: a.Type, seg: a.Segment, edge: edge, peer: n.Peer}
		switch {
		case n.MED != nil:
			r.med = *n.MED
		case a.Type == policy.TypeDirectConnectGateway && m.o.DirectConnectZeroMED:
			r.med = 0
		}
		for _, tag := range n.Communities {
			own := tag>>16 >= 64512 && tag>>16 < 64600
			if m.p.Version == "2025.11" && (a.Type == policy.TypeConnect || a.Type == policy.TypeSiteToSiteVPN) && !(own && m.o.StripOwnCommunities) {
				r.tags = append(r.tags, tag)
			}
		}
		slices.Sort(r.tags)
		r.tags = slices.Compact(r.tags)
		r.ecmp = a.Type == policy.TypeConnect && (m.p.VPNECMPSupport || !m.o.ConnectECMPNeedsVPNSupport) ||
			a.Type == policy.TypeSiteToSiteVPN && m.p.VPNECMPSupport && len(n.ASPath) > 0
		list = append(list, r)
	}
	return list
}

// withNAT is what an attachment announces, and what NAT makes of it.
func (m *model) withNAT(a *routing.Attachment) []routing.Announcement {
	list := slices.Clone(a.Announcements)
	if a.NAT == nil {
		return list
	}
	hide := map[netip.Prefix]bool{}
	for _, rule := range a.NAT.Rules {
		exact, covered := false, false
		for _, n := range a.Announcements {
			exact = exact || n.Prefix == rule.Source
			covered = covered || n.Prefix.Contains(rule.Source.Addr()) && n.Prefix.Bits() <= rule.Source.Bits()
		}
		add := false
		if a.Type == policy.TypeVPC {
			add = exact || m.o.NATInexactVPCRuleRoute
			hide[rule.Source] = hide[rule.Source] || exact
		}
		if a.Type == policy.TypeSiteToSiteVPN || a.Type == policy.TypeDirectConnectGateway {
			add = a.NAT.SystemRoutes && (covered || !m.o.NATSystemRouteNeedsLearned)
			hide[rule.Source] = hide[rule.Source] || exact && add && m.o.NATHidesLearnedExact
		}
		if add {
			hundred := uint32(100)
			list = append(list, routing.Announcement{Prefix: rule.NAT, MED: &hundred})
		}
	}
	n := len(a.Announcements)
	return append(slices.DeleteFunc(slices.Clone(list[:n]), func(n routing.Announcement) bool { return hide[n.Prefix.Masked()] }), list[n:]...)
}

// offers are the routes of an attachment that come in at an edge.
func (m *model) offers(a *routing.Attachment, edge string) []modelRoute {
	at := ""
	if a.Type == policy.TypeDirectConnectGateway {
		at = edge
	}
	policies, _ := m.p.RoutingPolicies(a.RoutingPolicyLabel, at)
	type key struct {
		peer   string
		prefix netip.Prefix
	}
	best := map[key]*modelRoute{}
	var order []key
	for _, raw := range m.arrivals(a, edge) {
		for _, r := range m.passes(policies, "inbound", a.Type, []modelRoute{raw}) {
			r.raw = &raw
			k := key{r.peer, r.prefix}
			old := best[k]
			if old == nil {
				order = append(order, k)
			}
			if old == nil || m.rank(&r) < m.rank(old) {
				best[k] = &r
			}
		}
	}
	var list []modelRoute
	for _, k := range order {
		list = append(list, *best[k])
	}
	return list
}

// rank is a route as a string that is smaller for a better one, without what decides ties.
func (m *model) rank(r *modelRoute) string {
	class := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	here := r.via == ""
	types := map[string]int{policy.TypeDirectConnectGateway: 0, policy.TypeConnect: 1, policy.TypeSiteToSiteVPN: 2}
	typ, known := types[r.typ]
	if !known || r.kind != "attachment" || !here && !(m.o.DirectConnectAnyEdge && r.typ == policy.TypeDirectConnectGateway) {
		typ = 3
	}
	static := here && r.kind == "blackhole" || r.kind == "static" && (here || m.o.RemoteStaticIsStatic)
	vpc := here && r.kind == "attachment" && r.typ == policy.TypeVPC
	first, second := 4294967295-r.pref, uint32(len(r.path))
	if !m.o.LocalPreferenceBeforeASPath {
		first, second = second, first
	}
	early, late := 0, typ
	if m.o.TypeBeforeASPath {
		early, late = typ, 0
	}
	if !m.o.LocalPreferenceBeforeASPath {
		return fmt.Sprintf("%d %d %d %010d %010d %010d %d", class(static), class(vpc), early, first, second, r.med, late)
	}
	return fmt.Sprintf("%d %d %010d %d %010d %010d %d", class(static), class(vpc), first, early, second, r.med, late)
}

// end is an attachment, or a peer of it.
func (r *modelRoute) end() string {
	if r.peer != "" {
		return r.att + "/" + r.peer
	}
	return r.att
}

func (m *model) best(list []modelRoute) *modelRoute {
	if len(list) == 0 {
		return nil
	}
	full := func(r *modelRoute) string {
		tie := "0 " + map[bool]string{true: "0", false: "1"}[r.kind == "blackhole"] + " " + r.att + " " + r.peer
		if r.via != "" {
			tie = "1 " + r.via
		}
		return m.rank(r) + " " + tie
	}
	best := list[0]
	for _, r := range list[1:] {
		if full(&r) < full(&best) {
			best = r
		}
	}
	best.more = nil
	if best.ecmp && best.via == "" {
		for _, r := range list {
			if r.via == "" && r.typ == best.typ && r.ecmp && m.rank(&r) == m.rank(&best) {
				best.more = append(best.more, r.end())
			}
		}
		sort.Strings(best.more)
	}
	return &best
}

// enter is what comes into a vrf at an edge from attachments and the policy.
func (m *model) enter(vrf, edge string, real bool) []modelRoute {
	var list []modelRoute
	name := vrf[2:]
	for i := range m.n.Attachments {
		a := &m.n.Attachments[i]
		for _, r := range m.offers(a, edge) {
			if vrf[0] == 'g' {
				if slices.Contains(m.p.NetworkFunctionGroup(name).Learns, a.Segment) {
					list = append(list, r)
				}
				continue
			}
			seg := m.p.Segment(name)
			if a.Segment == name {
				if !seg.Isolate || a.Type == policy.TypeTransitGatewayRouteTable {
					list = append(list, r)
				}
				continue
			}
			accepts := seg.Accepts(a.Segment) && (m.o.FiltersDirectional || m.p.Segment(a.Segment).Accepts(name))
			for _, sh := range m.p.Shares {
				if sh.From == a.Segment && sh.To == name && accepts && (real || m.o.ShareAcrossMissingEdges) {
					both := m.passes(sh.Policies, "inbound", "", []modelRoute{r})
					if len(sh.Policies) > 0 && slices.ContainsFunc(sh.Policies, func(p *policy.RoutingPolicy) bool { return p.Direction == "outbound" }) {
						both = m.mixed(sh.Policies, r)
					}
					list = append(list, both...)
				}
			}
		}
	}
	if vrf[0] == 'g' || !real {
		return list
	}
	statics := map[netip.Prefix]modelRoute{}
	put := func(r modelRoute) {
		old, there := statics[r.prefix]
		better := !there || r.kind == "blackhole" && old.kind != "blackhole" || r.kind == old.kind && r.att < old.att
		if better {
			statics[r.prefix] = r
		}
	}
	for _, s := range m.p.StaticRoutes {
		if s.Segment != name {
			continue
		}
		if s.Blackhole {
			put(modelRoute{prefix: s.Prefix.Masked(), med: 100, kind: "blackhole", edge: edge})
		}
		for _, id := range s.Destinations {
			for _, a := range m.n.Attachments {
				if at := m.p.Segment(a.Segment); a.ID == id && slices.Contains(a.Edges, edge) && (a.Down || at == nil || slices.Contains(at.Edges, edge)) {
					kind := "static"
					if a.Down {
						kind = "blackhole"
					}
					put(modelRoute{prefix: s.Prefix.Masked(), med: 100, kind: kind, att: id, edge: edge})
				}
			}
		}
	}
	for _, r := range statics {
		list = append(list, r)
	}
	return list
}

// received is what edge receives from peer.
func (m *model) received(vrf, peer, edge string) []modelRoute {
	var list []modelRoute
	for _, r := range m.state[vrf+"/"+peer] {
		if r.kind == "blackhole" && r.via == "" || r.via == edge {
			continue
		}
		list = append(list, *r)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].prefix.Compare(list[j].prefix) < 0 })
	var out []modelRoute
	for _, r := range m.passes(m.between(vrf, peer, edge, "outbound"), "outbound", "", list) {
		if r.kind == "summary" && r.edge == "" {
			r.edge = peer
		}
		r.path = append([]uint32{m.asn[peer]}, r.path...)
		if !m.o.CarryLocalPreference {
			r.pref = 0
		}
		if !m.o.CarryMED {
			r.med = 100
		}
		r.via, r.more, r.ecmp = peer, nil, false
		if !slices.Contains(r.path, m.asn[edge]) {
			out = append(out, r)
		}
	}
	return out
}

func (m *model) settle(vrf string, edges []string) {
	for round := 0; round < 64; round++ {
		before := m.print(vrf)
		for _, e := range m.p.Edges {
			real := slices.Contains(edges, e.Location)
			all := map[netip.Prefix][]modelRoute{}
			for _, r := range m.enter(vrf, e.Location, real) {
				all[r.prefix] = append(all[r.prefix], r)
			}
			if real {
				for _, p := range m.p.Edges {
					if p.Location == e.Location {
						continue
					}
					for _, r := range m.received(vrf, p.Location, e.Location) {
						for _, r := range m.passes(m.between(vrf, e.Location, p.Location, "inbound"), "inbound", "", []modelRoute{r}) {
							all[r.prefix] = append(all[r.prefix], r)
						}
					}
				}
			}
			table := modelTable{}
			for prefix, list := range all {
				table[prefix] = m.best(list)
			}
			m.state[vrf+"/"+e.Location] = table
		}
		if round > 0 && m.print(vrf) == before {
			return
		}
	}
}

func (m *model) print(vrf string) string {
	var b strings.Builder
	for _, e := range m.p.Edges {
		var lines []string
		for _, r := range m.state[vrf+"/"+e.Location] {
			plain := *r
			plain.raw = nil
			lines = append(lines, fmt.Sprintf("%+v", plain))
		}
		sort.Strings(lines)
		fmt.Fprintln(&b, e.Location, lines)
	}
	return b.String()
}
