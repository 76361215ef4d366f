package routing_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"portolan/policy"
	"portolan/routing"
)

// appliance is the edge that inspects traffic between two edges once, or "".
func (m *model) appliance(group string, overrides []policy.Override, e, f string) string {
	has := m.groups[group]
	say := func(a, b string) (string, bool) {
		if a != b && m.o.OverrideNeedsBothEdges && (has[a] == "" || has[b] == "") {
			return "", false
		}
		for _, o := range overrides {
			for _, set := range o.Sets {
				if set[0] == a && set[1] == b || set[0] == b && set[1] == a {
					return o.Use, true
				}
			}
		}
		return "", false
	}
	if m.place[e] > m.place[f] {
		e, f = f, e
	}
	if e == f && has[e] != "" {
		return e
	}
	tries := [][2]string{{e, f}}
	if e != f && (has[e] == "") == (has[f] == "") && has[e] == "" {
		tries = append(tries, [2]string{e, e}, [2]string{f, f})
	}
	for i, try := range tries {
		if use, ok := say(try[0], try[1]); ok {
			if has[use] == "" {
				return ""
			}
			return use
		}
		if i == 0 && e != f {
			for _, x := range m.priority() {
				if (x == e || x == f) && has[x] != "" {
					return x
				}
			}
		}
	}
	for _, x := range m.priority() {
		if has[x] != "" {
			return x
		}
	}
	return ""
}

// priority is the order in which edges are tried when no override fits.
func (m *model) priority() []string {
	list := slices.Clone(m.o.DefaultRegionPriority)
	if list == nil {
		list = strings.Fields("us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-south-1 ap-southeast-1 ca-central-1 eu-central-1 eu-west-1 eu-west-2")
	}
	for _, e := range m.p.Edges {
		if !slices.Contains(list, e.Location) {
			list = append(list, e.Location)
		}
	}
	return list
}

// modelRow is a row of a FIB. Its route is nil for what service insertion put there.
type modelRow struct {
	*modelRoute
	to        []string // as printed; none for a blackhole
	leads     []string // attachments among the destinations
	elsewhere bool     // the destination is at another edge
	static    bool
}

func (r *modelRow) String() string {
	to := strings.Join(r.to, " + ")
	if len(r.to) == 0 {
		to = "blackhole"
	}
	if r.static {
		to += " static"
	}
	if r.modelRoute != nil {
		to += modelAttributes(r.modelRoute)
	}
	return to
}

func (m *model) vrf(id routing.TableID) string {
	if id.Segment == "" {
		return "g:" + id.NetworkFunctionGroup
	}
	return "s:" + id.Segment
}

// led is a row that leads to the appliance of a group at an edge, or nowhere.
func (m *model) led(group, at, from string) modelRow {
	switch id := m.groups[group][at]; {
	case id == "":
		return modelRow{}
	case at == from:
		return modelRow{to: []string{"nfg:" + shortID(id)}, leads: []string{id}}
	default:
		return modelRow{to: []string{"nfg@" + at + ":" + shortID(id)}, leads: []string{id}, elsewhere: true}
	}
}

// rows are the rows of a FIB.
func (m *model) rows(id routing.TableID) map[netip.Prefix]modelRow {
	rows := map[netip.Prefix]modelRow{}
	table := m.state[m.vrf(id)+"/"+id.Edge]
	dual := slices.ContainsFunc(m.p.Insertions, func(in policy.Insertion) bool { return in.DualHop && in.Group == id.NetworkFunctionGroup })
	for prefix, r := range table {
		row := modelRow{}
		switch {
		case r.via != "" && dual && (m.o.DualHopNFGRemote || m.groups[id.NetworkFunctionGroup][r.edge] == ""):
			row = m.led(id.NetworkFunctionGroup, r.edge, id.Edge)
		case r.via != "":
			row = modelRow{to: []string{"edge:" + r.via}, elsewhere: true, static: m.o.RemoteStaticIsStatic && r.kind == "static"}
		case r.kind == "blackhole":
			row.static = true
		default:
			if row.leads = r.more; len(row.leads) < 2 {
				row.leads = []string{r.end()}
			}
			for _, a := range row.leads {
				row.to = append(row.to, shorten(a))
			}
			row.static = r.kind == "static"
		}
		row.modelRoute = r
		rows[prefix] = row
	}
	stays := func(prefix netip.Prefix) bool { // before what is inserted
		r := table[prefix]
		return r != nil && m.o.StaticBeforeInsertion && (r.via == "" && (r.kind == "static" || r.kind == "blackhole") || m.o.RemoteStaticIsStatic && r.kind == "static")
	}
	for _, s := range m.p.SendTo {
		for _, prefix := range []string{"0.0.0.0/0", "::/0"} {
			if p := netip.MustParsePrefix(prefix); s.Segment == id.Segment && !stays(p) {
				row := m.led(s.Group, m.appliance(s.Group, s.Overrides, id.Edge, id.Edge), id.Edge)
				row.static = m.o.SendToStatic
				rows[p] = row
			}
		}
	}
	done := map[netip.Prefix]bool{}
	for _, in := range m.p.Insertions {
		if in.Segment != id.Segment && in.With != id.Segment {
			continue
		}
		other := in.With
		if other == id.Segment {
			other = in.Segment
		}
		for prefix, r := range m.state["g:"+in.Group+"/"+id.Edge] {
			if r.seg != other || done[prefix] {
				continue
			}
			done[prefix] = true
			shared := table[prefix] != nil && table[prefix].kind == "attachment" && table[prefix].seg != id.Segment
			if stays(prefix) || shared && !m.o.InsertionBeforeShare {
				continue
			}
			rows[prefix] = m.led(in.Group, m.inspects(&in, id.Edge, r.edge), id.Edge)
		}
	}
	return rows
}

// inspects is the edge where traffic to a prefix at another edge meets its first appliance, or "".
func (m *model) inspects(in *policy.Insertion, edge, far string) string {
	has := m.groups[in.Group]
	switch {
	case !in.DualHop:
		return m.appliance(in.Group, in.Overrides, edge, far)
	case has[edge] == "" || m.o.DualHopMissingFar && has[far] == "":
		return ""
	}
	return edge
}

func sortedPrefixes(rows map[netip.Prefix]modelRow) []netip.Prefix {
	var list []netip.Prefix
	for p := range rows {
		list = append(list, p)
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return list
}

// fib prints a table as the tests print those of the package.
func (m *model) fib(id routing.TableID) string {
	rows := m.rows(id)
	var b strings.Builder
	for _, p := range sortedPrefixes(rows) {
		row := rows[p]
		fmt.Fprintf(&b, "%s → %s\n", p, &row)
	}
	return b.String()
}

// advertised is what an edge advertises to an attachment, or to a peer of it, as the tests print it.
func (m *model) advertised(a *routing.Attachment, peer, edge string) string {
	id := routing.TableID{Segment: a.Segment, NetworkFunctionGroup: a.NetworkFunctionGroup, Edge: edge}
	seg := m.p.Segment(a.Segment)
	if a.Type == policy.TypeVPC || a.Down || !slices.Contains(a.Edges, edge) || seg != nil && !slices.Contains(seg.Edges, edge) {
		return ""
	}
	gateway := a.Type == policy.TypeTransitGatewayRouteTable
	var list []modelRoute
	rows := m.rows(id)
	for _, p := range sortedPrefixes(rows) {
		row := rows[p]
		inserted := row.modelRoute == nil
		static := !inserted && row.via == "" && row.kind == "static"
		back := slices.ContainsFunc(row.leads, func(end string) bool {
			to, through, _ := strings.Cut(end, "/")
			other := peer != "" && through != "" && through != peer && m.o.AdvertiseBetweenConnectPeers
			return to == a.ID && !other
		})
		switch {
		case len(row.to) == 0, back && !(static && m.o.StaticRoutesAdvertisedToTarget):
			continue
		case a.Type == policy.TypeDirectConnectGateway && row.elsewhere:
			continue
		case gateway && seg != nil && seg.Isolate && inserted && !m.o.IsolatedTGWAdvertiseInserted:
			continue
		case gateway && seg != nil && seg.Isolate && !inserted && row.kind == "attachment" && row.seg == a.Segment:
			continue
		case inserted || static:
			list = append(list, modelRoute{prefix: p, med: 100})
		default:
			r := *row.modelRoute
			if r.prefix = p; gateway || a.Type == policy.TypeDirectConnectGateway {
				r.tags = nil
			}
			list = append(list, r)
		}
	}
	asn := a.PeerASN
	for _, p := range a.Peers {
		if p.ID == peer {
			asn = p.ASN
		}
	}
	var b strings.Builder
	list = m.passes(m.outward(a, edge), "outbound", a.Type, list)
	sort.SliceStable(list, func(i, j int) bool { return list[i].prefix.Compare(list[j].prefix) < 0 })
	for _, r := range list {
		if asn != m.asn[edge] {
			r.path = append([]uint32{m.asn[edge]}, r.path...)
		}
		r.pref = 0
		fmt.Fprintf(&b, "%s%s\n", r.prefix, modelAttributes(&r))
	}
	return b.String()
}

// outward are the routing policies on what is advertised to an attachment.
func (m *model) outward(a *routing.Attachment, edge string) []*policy.RoutingPolicy {
	var list []*policy.RoutingPolicy
	for i := range m.n.Attachments {
		other := &m.n.Attachments[i]
		together := a.Type == policy.TypeTransitGatewayRouteTable && other.Type == a.Type && a.PeeringID != "" && other.PeeringID == a.PeeringID && other.Segment == a.Segment
		if a.Segment == "" || other.Down || other.ID != a.ID && !together {
			continue
		}
		at := ""
		if other.Type == policy.TypeDirectConnectGateway {
			at = edge
		}
		policies, _ := m.p.RoutingPolicies(other.RoutingPolicyLabel, at)
		for _, p := range policies {
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b *policy.RoutingPolicy) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

func modelAttributes(r *modelRoute) string {
	return attributes(routing.Attributes{ASPath: r.path, MED: r.med, LocalPreference: r.pref, Communities: r.tags})
}

// rib prints the rows of a RIB, sorted, without marks, and without those of send-to.
func (m *model) rib(id routing.TableID) []string {
	vrf := m.vrf(id)
	var lines []string
	seen := map[string]bool{}
	row := func(r *modelRoute) {
		hop := shorten(r.end())
		if r.kind == "blackhole" {
			hop = "blackhole"
		}
		attrs := modelAttributes(r)
		if r.typ == policy.TypeVPC {
			attrs = ""
		}
		lines = append(lines, fmt.Sprintf("%s %s%s", r.prefix, hop, attrs))
	}
	before := func(r *modelRoute) bool { return m.o.RIBBeforeAttachmentPolicies && r.seg == id.Segment && r.seg != "" }
	for _, r := range m.enter(vrf, id.Edge, true) {
		if r.kind == "attachment" && before(&r) {
			r = *r.raw
			seen[r.end()+r.prefix.String()] = true
		}
		row(&r)
	}
	for i := range m.n.Attachments { // those that policies drop
		a := &m.n.Attachments[i]
		for _, r := range m.arrivals(a, id.Edge) {
			isolated := m.p.Segment(a.Segment).Isolate && a.Type != policy.TypeTransitGatewayRouteTable
			if before(&r) && !isolated && !seen[r.end()+r.prefix.String()] {
				seen[r.end()+r.prefix.String()] = true
				row(&r)
			}
		}
	}
	for _, p := range m.p.Edges {
		if p.Location == id.Edge {
			continue
		}
		for _, r := range m.received(vrf, p.Location, id.Edge) {
			lines = append(lines, fmt.Sprintf("%s edge:%s%s", r.prefix, p.Location, modelAttributes(&r)))
		}
	}
	sort.Strings(lines)
	return lines
}
