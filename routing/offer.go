package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
)

// attachment is an Attachment made ready to run.
type attachment struct {
	Attachment
	down   bool
	space  int   // it belongs to
	edges  []int // where it is and its segment or group has a table
	offers []*offer
	self   []Destination // it alone, shared by all rows that lead to it
}

// offer is what an attachment offers at an edge, after its inbound routing policies.
type offer struct {
	Attributes
	from   *attachment
	edge   int
	prefix netip.Prefix
}

func (a *attachment) group(w *world) bool { return w.spaces[a.space].group != nil }

// policies are the routing policies of an attachment at an edge, of one direction.
func (w *world) policies(a *Attachment, edge int, direction string) []*policy.RoutingPolicy {
	at := ""
	if a.Type == policy.TypeDirectConnectGateway { // rules that name edges restrict these only
		at = w.edges[edge].Location
	}
	all, _ := w.policy.RoutingPolicies(a.RoutingPolicyLabel, at)
	var list []*policy.RoutingPolicy
	for _, p := range all {
		if p.Direction == direction {
			list = append(list, p)
		}
	}
	return list
}

// maxAnnouncements bounds what one attachment may announce. AWS takes 1000 routes of most; the bound leaves room to find
// out what breaks.
const maxAnnouncements = 100_000

func (w *world) newAttachment(in Attachment) (*attachment, error) {
	a := &attachment{Attachment: in, self: []Destination{{Attachment: in.ID}}}
	names, name := w.segment, in.Segment
	if in.NetworkFunctionGroup != "" {
		names, name = w.group, in.NetworkFunctionGroup
	}
	at, ok := names[name]
	switch {
	case in.ID == "":
		return nil, fmt.Errorf("routing: an attachment has no id")
	case in.Segment != "" && in.NetworkFunctionGroup != "":
		return nil, fmt.Errorf("routing: %s is in a segment and in a network function group", in.ID)
	case !ok && !in.Down:
		return nil, fmt.Errorf("routing: %s is in %q, which the policy does not define", in.ID, name)
	case !slices.Contains([]string{policy.TypeVPC, policy.TypeConnect, policy.TypeSiteToSiteVPN, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable}, in.Type):
		return nil, fmt.Errorf("routing: %s has the type %q", in.ID, in.Type)
	case len(in.Announcements) > maxAnnouncements:
		return nil, fmt.Errorf("routing: %s announces more than %d routes", in.ID, maxAnnouncements)
	}
	a.space, a.down = at, in.Down
	var elsewhere []int
	for _, e := range in.Edges {
		switch i, known := w.edge[e]; {
		case !known || slices.Contains(a.edges, i) || slices.Contains(elsewhere, i):
		case in.Down || w.spaces[at].real[i]:
			a.edges = append(a.edges, i)
		default:
			elsewhere = append(elsewhere, i)
		}
	}
	if len(a.edges) == 0 { // without a table it is associated with nothing
		a.down, a.edges = true, elsewhere
	}
	for i := range in.Announcements {
		if !in.Announcements[i].Prefix.IsValid() {
			return nil, fmt.Errorf("routing: %s announces something that is no prefix", in.ID)
		}
	}
	if a.down || a.group(w) {
		return a, nil
	}
	run := runner{lists: w.lists}
	for _, e := range a.edges {
		policies := w.policies(&in, e, policy.Inbound)
		best := make(map[netip.Prefix]int, len(in.Announcements))
		for i := range in.Announcements {
			route, dropped := w.receive(&run, a, e, &in.Announcements[i], policies)
			if dropped {
				continue
			}
			o := &offer{Attributes: route.Attributes, from: a, edge: e, prefix: route.prefix}
			if at, twice := best[o.prefix]; !twice {
				best[o.prefix] = len(a.offers)
				a.offers = append(a.offers, o)
			} else if old := a.offers[at]; w.compareOffers(o, old) < 0 { // tunnels and peers of one attachment are one route
				a.offers[at] = o
			}
		}
	}
	return a, nil
}

func (w *world) compareOffers(a, b *offer) int {
	c, _ := w.better(&candidate{win: win{Attributes: a.Attributes}}, &candidate{win: win{Attributes: b.Attributes}})
	return c
}

// arriving is an announcement as it arrives at an edge. A core network knows communities from policy version 2025.11 on;
// before, they end here.
func (w *world) arriving(n *Announcement) Attributes {
	a := Attributes{ASPath: n.ASPath, MED: DefaultMED}
	if n.MED != nil {
		a.MED = *n.MED
	}
	if len(n.Communities) > 0 && w.policy.Version != policy.Version2021 {
		a.Communities = slices.Clone(n.Communities)
		slices.Sort(a.Communities)
		a.Communities = slices.Compact(a.Communities)
	}
	return a
}

// receive runs an edge's own checks and an attachment's inbound policies over an announcement.
func (w *world) receive(run *runner, a *attachment, edge int, n *Announcement, policies []*policy.RoutingPolicy) (route passing, dropped bool) {
	route = passing{prefix: n.Prefix.Masked(), Attributes: w.arriving(n)}
	if n.Edge != "" && n.Edge != w.edges[edge].Location {
		return route, true
	}
	if w.opt.CheckAttachmentLoops && slices.Contains(n.ASPath, w.edges[edge].ASN) {
		return route, true
	}
	if len(policies) > 0 {
		route = run.run(policies, []passing{route})[0]
	}
	return route, route.dropped
}

// origin is where a route enters a space: an offer, or a static route.
type origin struct {
	local
	from  *attachment // nil for a blackhole that the policy asks for
	place *policy.StaticRoute
}

func kindOf(a *attachment) localKind {
	switch a.Type {
	case policy.TypeVPC:
		return localVPC
	case policy.TypeDirectConnectGateway:
		return localDXGW
	case policy.TypeConnect:
		return localConnect
	case policy.TypeSiteToSiteVPN:
		return localVPN
	}
	return localOther
}

// enters says what happens to an offer on its way into a space.
func (w *world) enters(im *importer, o *offer, run *runner) (Attributes, bool) {
	switch im.how {
	case StepImport:
		isolated := im.to.segment.Isolate && o.from.Type != policy.TypeTransitGatewayRouteTable
		return o.Attributes, !isolated
	case StepLearn:
		return o.Attributes, true
	}
	if im.by != nil || !im.to.real[o.edge] && !w.opt.ShareAcrossMissingEdges {
		return o.Attributes, false
	}
	if len(im.share.Policies) == 0 {
		return o.Attributes, true
	}
	r := run.run(im.share.Policies, []passing{{prefix: o.prefix, Attributes: o.Attributes}})[0]
	return r.Attributes, !r.dropped
}

// statics are the static routes of a prefix in a space: one at an edge, a blackhole before all others, then the smallest
// attachment id.
func (t *Tables) statics(sp *space, prefix netip.Prefix) []origin {
	return slices.CompactFunc(t.allStatics(sp, prefix), func(a, b origin) bool { return a.edge == b.edge })
}

func (t *Tables) allStatics(sp *space, prefix netip.Prefix) []origin {
	var list []origin
	add := func(o origin) {
		o.MED = DefaultMED
		if sp.real[o.edge] {
			list = append(list, o)
		}
	}
	for _, r := range sp.statics[prefix] {
		for e := range sp.real {
			if r.Blackhole {
				add(origin{local: local{edge: e, kind: localBlackhole}, place: r})
			}
		}
		for _, id := range r.Destinations {
			a := t.attachment(id)
			if a == nil {
				continue
			}
			kind := localStatic
			if a.down {
				kind = localBlackhole
			}
			for _, e := range a.edges {
				add(origin{local: local{edge: e, kind: kind}, from: a, place: r})
			}
		}
	}
	slices.SortStableFunc(list, compareOrigins)
	return list
}

func compareOrigins(a, b origin) int {
	return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(staticRank(a.kind), staticRank(b.kind)), cmp.Compare(a.id(), b.id()))
}

func staticRank(k localKind) int { return int(min(k, localStatic+1)) }

func (o *origin) id() string {
	if o.from == nil {
		return ""
	}
	return o.from.ID
}

func compareOfferPlace(a, b *offer) int {
	return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(a.from.ID, b.from.ID))
}
