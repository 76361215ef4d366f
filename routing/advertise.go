package routing

import (
	"cmp"
	"net/netip"
	"slices"

	"portolan/policy"
)

// Advertisement is a route that the core network advertises to an attachment over BGP.
type Advertisement struct {
	Prefix     netip.Prefix
	Attributes // as sent
	Origin     Origin
}

// Advertised is what an edge advertises to an attachment, by prefix. Nothing is advertised to a VPC, to an attachment that is
// Down, or where the attachment is not.
func (t *Tables) Advertised(id, edge string) []Advertisement {
	a, e, why := t.peer(id, edge)
	if why != "" {
		return nil
	}
	var list []Advertisement
	routes, origins := t.outgoing(a, e, nil)
	for i := range routes {
		if !routes[i].dropped {
			list = append(list, t.sent(a, e, &routes[i], origins))
		}
	}
	slices.SortStableFunc(list, func(a, b Advertisement) int { return a.Prefix.Compare(b.Prefix) })
	return list
}

// outgoing are the rows that go out to an attachment, after its outbound policies, and where each of them started, by tag.
// What the core network made itself, static and inserted routes, has no path and begins here.
func (t *Tables) outgoing(a *attachment, edge int, record *Step) ([]passing, []Origin) {
	var routes []passing
	var origins []Origin
	for _, pid := range t.order() {
		r, ok := t.route(t.w.spaces[a.space], pid, edge)
		if !ok || t.withheld(a, edge, &r) != "" {
			continue
		}
		routes = append(routes, passing{prefix: r.Prefix, Attributes: r.Attributes, tag: len(origins)})
		origins = append(origins, r.Origin)
	}
	run := runner{lists: t.w.lists, summarize: true, record: record}
	return run.run(t.outboundOf(a, edge), routes), origins
}

// sent is a route as it leaves an edge.
func (t *Tables) sent(a *attachment, edge int, r *passing, origins []Origin) Advertisement {
	ad := Advertisement{Prefix: r.prefix, Attributes: r.Attributes}
	if r.made != nil {
		ad.Origin = Origin{Kind: FromSummarize, Segment: a.Segment, Edge: t.w.edges[edge].Location, Place: r.made.Place}
	} else {
		ad.Origin = origins[r.tag]
	}
	if a.PeerASN != t.w.edges[edge].ASN { // iBGP peers get the path as it is
		ad.ASPath = append([]uint32{t.w.edges[edge].ASN}, ad.ASPath...)
	}
	ad.LocalPreference = 0
	return ad
}

// peer finds an attachment that routes are advertised to at an edge, or says why there is none.
func (t *Tables) peer(id, edge string) (*attachment, int, string) {
	a := t.attachment(id)
	e, known := t.w.edge[edge]
	switch {
	case a == nil:
		return nil, 0, id + " does not exist, or is not associated with any segment"
	case a.Type == policy.TypeVPC:
		return nil, 0, id + " is a VPC attachment: no BGP session, so nothing is advertised to it"
	case a.down:
		return nil, 0, id + " does not work: its BGP sessions are down"
	case !known || !slices.Contains(a.edges, e):
		return nil, 0, id + " has no BGP session at " + edge
	}
	return a, e, ""
}

// withheld says why a row is not advertised to an attachment, or "".
func (t *Tables) withheld(a *attachment, edge int, r *Route) string {
	inserted := r.Kind == KindSendVia || r.Kind == KindSendTo
	switch {
	case r.State == Blackhole:
		return "a blackhole is not advertised"
	case slices.ContainsFunc(r.Destinations, func(d Destination) bool { return d.Attachment == a.ID }):
		return "it leads to this attachment"
	case a.Type == policy.TypeDirectConnectGateway && r.Destinations[0].Edge != "":
		return "a Direct Connect gateway receives only routes of this edge"
	}
	if seg := t.w.spaces[a.space].segment; a.Type == policy.TypeTransitGatewayRouteTable && seg != nil && seg.Isolate {
		switch {
		case inserted && !t.w.opt.IsolatedTGWAdvertiseInserted:
			return "the segment is isolated, and routes of service insertion are not advertised"
		case !inserted && r.Origin.Kind == FromAttachment && r.Origin.Segment == seg.Name:
			return "the segment is isolated: routes of its attachments are not advertised to its transit gateways"
		}
	}
	return ""
}

// outboundOf are the routing policies on what is advertised to an attachment. Route tables of transit gateways on one peering, in
// one segment, have those of all of them. Groups have none.
func (t *Tables) outboundOf(a *attachment, edge int) []*policy.RoutingPolicy {
	if a.NetworkFunctionGroup != "" {
		return nil
	}
	list := t.w.policies(&a.Attachment, edge, policy.Outbound)
	if a.Type != policy.TypeTransitGatewayRouteTable || a.PeeringID == "" {
		return list
	}
	list = slices.Clone(list)
	for _, other := range t.attachments {
		if other != a && !other.down && other.PeeringID == a.PeeringID && other.space == a.space && other.Type == a.Type {
			list = append(list, t.w.policies(&other.Attachment, edge, policy.Outbound)...)
		}
	}
	slices.SortStableFunc(list, func(a, b *policy.RoutingPolicy) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Offset(), b.Offset()))
	})
	return slices.Compact(list)
}

// Limit is a bound of AWS on routes that a network goes beyond. Nothing is left out of the tables because of it: what AWS
// then leaves out is not known.
type Limit struct {
	Attachment string // empty: the whole core network
	Edge       string
	Outbound   bool // what is advertised to the attachment; otherwise what it announces
	Routes     int
	Max        int
}

// MaxRoutes is how many routes a core network may hold.
const MaxRoutes = 10_000

// routeLimits are how many routes an attachment may announce and receive; 0 is no limit.
func routeLimits(a *Attachment) (in, out int) {
	switch {
	case a.Type == policy.TypeSiteToSiteVPN:
		return 1000, 5000
	case a.Type == policy.TypeConnect && a.TunnelLess:
		return 1000, 10_000
	case a.Type == policy.TypeConnect:
		return 1000, 5000
	case a.Type == policy.TypeDirectConnectGateway:
		return 0, 5000
	}
	return 0, 0
}

// Exceeded are the limits that the network goes beyond: the core network's first, then by attachment and edge.
func (t *Tables) Exceeded() []Limit {
	var list []Limit
	total := 0
	for _, offers := range t.offers {
		if len(offers) > 0 {
			total++
		}
	}
	if total > MaxRoutes {
		list = append(list, Limit{Routes: total, Max: MaxRoutes})
	}
	sizes := map[[2]int]int{} // of tables, which bound what can be advertised
	for _, a := range t.attachments {
		in, out := routeLimits(&a.Attachment)
		if a.down || in == 0 && out == 0 {
			continue
		}
		for _, e := range a.edges {
			edge := t.w.edges[e].Location
			announced := map[netip.Prefix]bool{}
			for i := range a.Announcements {
				if n := &a.Announcements[i]; n.Edge == "" || n.Edge == edge {
					announced[n.Prefix.Masked()] = true
				}
			}
			if in > 0 && len(announced) > in {
				list = append(list, Limit{Attachment: a.ID, Edge: edge, Routes: len(announced), Max: in})
			}
			key := [2]int{a.space, e}
			if _, counted := sizes[key]; !counted {
				for range (Table{t: t, sp: t.w.spaces[a.space], edge: e}).Routes() {
					sizes[key]++
				}
			}
			if out > 0 && sizes[key] > out {
				if n := len(t.Advertised(a.ID, edge)); n > out {
					list = append(list, Limit{Attachment: a.ID, Edge: edge, Outbound: true, Routes: n, Max: out})
				}
			}
		}
	}
	return list
}
