package routing

import (
	"cmp"
	"maps"
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

// Advertised is what an edge advertises to an attachment or to a Connect peer, by prefix. Nothing is advertised to a VPC, to
// an attachment that is Down, or where the attachment is not.
func (t *Tables) Advertised(id, edge string) []Advertisement {
	s, why := t.session(id, edge)
	if why != "" {
		return nil
	}
	routes, origins := t.outgoing(&s, nil)
	list := make([]Advertisement, 0, len(routes))
	for i := range routes {
		if !routes[i].dropped {
			list = append(list, t.sent(&s, &routes[i], origins))
		}
	}
	slices.SortStableFunc(list, func(a, b Advertisement) int { return a.Prefix.Compare(b.Prefix) })
	return list
}

// NotAdvertised says why an edge advertises nothing to an attachment or to a Connect peer, whatever its tables hold; "" where it may.
func (t *Tables) NotAdvertised(id, edge string) string {
	_, why := t.session(id, edge)
	return why
}

// A session is who an edge advertises routes to: an attachment, or one peer of a Connect attachment.
type session struct {
	*attachment
	peer peerID // 0: the attachment, all its peers together
	asn  uint32
	edge edgeID
}

// session finds who is advertised to at an edge, or says why nobody is.
func (t *Tables) session(id, edge string) (session, string) {
	a, peer := t.attachment(id), peerID(0)
	if a == nil {
		a, peer = t.connectPeer(id)
	}
	e, known := t.core.edge[edge]
	switch {
	case a == nil:
		return session{}, id + " does not exist, or is not associated with any segment"
	case a.Type == policy.TypeVPC:
		return session{}, id + " is a VPC attachment: no BGP session, so nothing is advertised to it"
	case a.down:
		return session{}, id + " does not work: its BGP sessions are down"
	case !known || !slices.Contains(a.edges, e):
		return session{}, id + " has no BGP session at " + edge
	}
	s := session{a, peer, a.PeerASN, e}
	if peer > 0 {
		s.asn = a.Peers[peer-1].ASN
	}
	return s, ""
}

// connectPeer finds a Connect peer and its attachment.
func (t *Tables) connectPeer(id string) (*attachment, peerID) {
	for _, a := range t.attachments {
		if len(a.Peers) > 0 {
			if p, ok := a.peer(id); ok && p > 0 {
				return a, p
			}
		}
	}
	return nil, 0
}

// PeerOf finds the attachment of a Connect peer.
func (t *Tables) PeerOf(peer string) (Attachment, bool) {
	a, _ := t.connectPeer(peer)
	if a == nil {
		return Attachment{}, false
	}
	return t.given(a), true
}

// outgoing are the rows that go out on a session, after its outbound policies, and where each of them started, by tag. What
// the core network made itself, static and inserted routes, has no path and begins here.
func (t *Tables) outgoing(s *session, record *Step) ([]route, []Origin) {
	var routes []route
	var origins []Origin
	for _, row := range t.sorted() {
		if r, ok := t.leaving(s, row.prefix, row.class); ok {
			routes = append(routes, route{prefix: r.Prefix, Attributes: r.Attributes, tag: len(origins)})
			origins = append(origins, r.Origin)
		}
	}
	f := filter{lists: t.core.lists, scope: s.scope, summarize: true, record: record, met: t.core.met}
	return f.run(t.outbound(s), routes), origins
}

// leaving is the row of a prefix that goes out on a session, before its outbound policies.
func (t *Tables) leaving(s *session, p netip.Prefix, k *class) (Route, bool) {
	r, ok := t.route(t.core.vrfs[s.vrf], p, k, s.edge)
	if !ok || t.withheld(s, &r) != "" {
		return r, false
	}
	if s.scope != scopeAll {
		r.Communities = nil
	}
	return r, true
}

// AdvertisedChange is a prefix that may be advertised otherwise than before.
type AdvertisedChange struct {
	Prefix        netip.Prefix
	Advertisement *Advertisement // nil: it is not advertised
}

// AdvertisedSince is what may have changed of what an edge advertises since tables of which these are an Update, by prefix. It
// costs as much as has changed. It is false where only all of [Tables.Advertised] tells: of other tables, where the attachment itself
// has changed, or where a routing policy summarizes.
func (t *Tables) AdvertisedSince(old *Tables, id, edge string) ([]AdvertisedChange, bool) {
	if old == nil || t.core != old.core || !maps.Equal(t.appliances, old.appliances) {
		return nil, false
	}
	s, why := t.session(id, edge)
	before, whyNot := old.session(id, edge)
	if why != "" || whyNot != "" {
		return nil, why == whyNot // nothing was advertised, and nothing is
	}
	policies := t.outbound(&s)
	if !s.advertisesAs(&before) || !slices.Equal(policies, old.outbound(&before)) || slices.ContainsFunc(policies, summarizes) {
		return nil, false
	}
	prefixes, ok := t.history.since(old.history)
	if !ok {
		return nil, false
	}
	f := filter{lists: t.core.lists, scope: s.scope}
	list, sent := make([]AdvertisedChange, len(prefixes)), make([]Advertisement, 0, len(prefixes))
	for i, p := range prefixes {
		list[i].Prefix = p
		k, ok := t.prefixes.Get(p)
		if !ok {
			continue
		}
		if r, ok := t.leaving(&s, p, k); ok {
			out := route{prefix: p, Attributes: r.Attributes}
			if len(policies) > 0 {
				out = f.run(policies, []route{out})[0]
			}
			if !out.dropped {
				sent = append(sent, t.sent(&s, &out, []Origin{r.Origin}))
				list[i].Advertisement = &sent[len(sent)-1]
			}
		}
	}
	return list, true
}

func summarizes(p *policy.RoutingPolicy) bool {
	return slices.ContainsFunc(p.Rules, func(r policy.RoutingRule) bool { return r.Action.Type == policy.RouteSummarize })
}

// advertisesAs says whether a session is advertised the same of the same tables and policies.
func (s *session) advertisesAs(o *session) bool {
	return s.ID == o.ID && s.Type == o.Type && s.vrf == o.vrf && s.inGroup() == o.inGroup() && s.scope == o.scope && s.edge == o.edge && s.asn == o.asn &&
		(s.peer > 0) == (o.peer > 0) && s.peerName(s.peer) == o.peerName(o.peer)
}

// sent is a route as it leaves an edge.
func (t *Tables) sent(s *session, r *route, origins []Origin) Advertisement {
	ad := Advertisement{Prefix: r.prefix, Attributes: r.Attributes}
	if r.made != nil {
		ad.Origin = Origin{Kind: FromSummarize, Segment: s.Segment, Edge: t.core.location(s.edge), Place: r.made.Place}
	} else {
		ad.Origin = origins[r.tag]
	}
	if asn := t.core.edges[s.edge].ASN; s.asn != asn { // iBGP peers get the path as it is
		ad.ASPath = append([]uint32{asn}, ad.ASPath...)
	}
	ad.LocalPreference = 0
	return ad
}

// withheld says why a row is not advertised on a session, or "".
func (t *Tables) withheld(s *session, r *Route) string {
	inserted := r.Kind == KindSendVia || r.Kind == KindSendTo
	switch {
	case r.State == Blackhole:
		return "a blackhole is not advertised"
	case slices.ContainsFunc(r.Destinations, func(d Destination) bool { return t.leadsBack(s, r, d) }):
		if s.peer > 0 {
			return "it leads to this peer"
		}
		return "it leads to this attachment"
	case s.Type == policy.TypeDirectConnectGateway && r.Destinations[0].Edge != "":
		return "a Direct Connect gateway receives only routes of this edge"
	}
	if seg := t.core.vrfs[s.vrf].segment; s.Type == policy.TypeTransitGatewayRouteTable && seg != nil && seg.Isolate {
		switch {
		case inserted && !t.core.opt.IsolatedTGWAdvertiseInserted:
			return "the segment is isolated, and routes of service insertion are not advertised"
		case !inserted && r.Origin.Kind == FromAttachment && r.Origin.Segment == seg.Name:
			return "the segment is isolated: routes of its attachments are not advertised to its transit gateways"
		}
	}
	return ""
}

// leadsBack says whether a row leads to where it would be advertised.
func (t *Tables) leadsBack(s *session, r *Route, d Destination) bool {
	if d.Attachment != s.ID {
		return false
	}
	if r.Kind == KindStatic && t.core.opt.StaticRoutesAdvertisedToTarget {
		return false
	}
	other := s.peer > 0 && d.Peer != "" && d.Peer != s.peerName(s.peer)
	return !other || !t.core.opt.AdvertiseBetweenConnectPeers
}

// outbound are the routing policies on what is advertised on a session. Route tables of transit gateways on one peering, in
// one segment, have those of all of them. Groups have none.
func (t *Tables) outbound(s *session) []*policy.RoutingPolicy {
	if s.inGroup() {
		return nil
	}
	list := t.core.policies(&s.Attachment, s.edge, policy.Outbound)
	if s.Type != policy.TypeTransitGatewayRouteTable || s.PeeringID == "" {
		return list
	}
	list = slices.Clone(list)
	for _, other := range t.attachments {
		if other != s.attachment && !other.down && other.PeeringID == s.PeeringID && other.vrf == s.vrf && other.Type == s.Type {
			list = append(list, t.core.policies(&other.Attachment, s.edge, policy.Outbound)...)
		}
	}
	slices.SortStableFunc(list, func(a, b *policy.RoutingPolicy) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Offset(), b.Offset()))
	})
	return slices.Compact(list)
}
