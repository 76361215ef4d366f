package routing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/internal/order"
	"portolan/policy"
)

// An attachment is an Attachment made ready to run: where it is, and which routing policies run on what it announces. It
// does not hold routes: those are in the classes of prefixes (class.go), which point here.
type attachment struct {
	Attachment
	down    bool
	vrf     vrfID                     // it belongs to
	edges   []edgeID                  // where it is and its segment or group has a table
	inbound [][]*policy.RoutingPolicy // by place in edges
	next    [][]Destination           // by peer: it alone, shared by all rows that lead to it; first that of no peer
	scope   filterScope
}

// peerID is the place of a Connect peer among those of its attachment, from 1 on, in order of ids. 0 is the attachment.
type peerID int16

// maxAnnouncements bounds what one attachment may announce. AWS takes 1000 routes of most; the bound leaves room for a
// full table of the Internet.
const maxAnnouncements = 4_000_000

func (c *core) newAttachment(in Attachment) (*attachment, error) {
	a := &attachment{Attachment: in}
	names, name := c.segment, in.Segment
	if in.NetworkFunctionGroup != "" {
		names, name = c.group, in.NetworkFunctionGroup
	}
	at, ok := names[name]
	switch {
	case in.ID == "":
		return nil, fmt.Errorf("routing: an attachment has no id")
	case in.Segment != "" && in.NetworkFunctionGroup != "":
		return nil, fmt.Errorf("routing: %s is in a segment and in a network function group", in.ID)
	case !ok && !in.Down:
		return nil, fmt.Errorf("routing: %s is in %q, which the policy does not define", in.ID, name)
	case pathKindOf(in.Type) == pathUnknown:
		return nil, fmt.Errorf("routing: %s has the type %q", in.ID, in.Type)
	case len(in.Announcements) > maxAnnouncements:
		return nil, fmt.Errorf("routing: %s announces more than %d routes", in.ID, maxAnnouncements)
	}
	if !ok {
		at = noVRF
	}
	a.vrf, a.down = at, in.Down
	if err := a.takePeers(); err != nil {
		return nil, err
	}
	var elsewhere []edgeID
	for _, e := range in.Edges {
		switch i, known := c.edge[e]; {
		case !known || slices.Contains(a.edges, i) || slices.Contains(elsewhere, i):
		case in.Down || c.vrfs[at].hasTable[i]:
			a.edges = append(a.edges, i)
		default:
			elsewhere = append(elsewhere, i)
		}
	}
	if len(a.edges) == 0 { // without a table it is associated with nothing
		a.down, a.edges = true, elsewhere
	}
	switch in.Type {
	case policy.TypeVPC:
		a.scope = scopeAllowDrop
	case policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable:
		a.scope = scopeNoCommunities
	}
	for _, e := range a.edges {
		a.inbound = append(a.inbound, c.policies(&a.Attachment, e, policy.Inbound))
	}
	return a, nil
}

// takePeers orders the peers and makes the destinations of rows that lead to the attachment.
func (a *attachment) takePeers() error {
	a.Peers = slices.Clone(a.Peers)
	order.Sort(a.Peers, func(x, y Peer) int { return strings.Compare(x.ID, y.ID) })
	a.next = append(a.next, []Destination{{Attachment: a.ID}})
	for i, p := range a.Peers {
		if p.ID == "" || i > 0 && p.ID == a.Peers[i-1].ID {
			return fmt.Errorf("routing: %s has two peers %q", a.ID, p.ID)
		}
		a.next = append(a.next, []Destination{{Attachment: a.ID, Peer: p.ID}})
	}
	return nil
}

// peer finds a peer by its id. The empty id is the attachment itself.
func (a *attachment) peer(id string) (peerID, bool) {
	if id == "" {
		return 0, true
	}
	at, ok := slices.BinarySearchFunc(a.Peers, id, func(p Peer, id string) int { return strings.Compare(p.ID, id) })
	return peerID(at + 1), ok
}

// peerName is the id of a peer, or "" of the attachment.
func (a *attachment) peerName(p peerID) string { return a.next[p][0].Peer }

func (a *attachment) inGroup() bool { return a.NetworkFunctionGroup != "" }

func (a *attachment) inboundAt(edge edgeID) []*policy.RoutingPolicy {
	return a.inbound[slices.Index(a.edges, edge)]
}

// policies are the routing policies of an attachment at an edge, of one direction. Groups have none.
func (c *core) policies(a *Attachment, edge edgeID, direction string) []*policy.RoutingPolicy {
	at := ""
	if a.Type == policy.TypeDirectConnectGateway { // rules that name edges restrict these only
		at = c.location(edge)
	}
	all, _ := c.policy.RoutingPolicies(a.RoutingPolicyLabel, at)
	var list []*policy.RoutingPolicy
	for _, p := range all {
		if p.Direction == direction {
			list = append(list, p)
		}
	}
	return list
}

// arrival is a route as an attachment announces it at an edge.
type arrival struct {
	prefix netip.Prefix
	from   *attachment
	attrs  *Attributes // as announced
	edge   edgeID
	peer   peerID
	nat    natRole
}

// eachArrival calls a function for all that an attachment announces, at each of its edges.
func (c *core) eachArrival(a *attachment, in *interner, do func(arrival)) error {
	var nat *natRoutes
	if a.NAT != nil {
		nat = c.natRoutes(&a.Attachment)
	}
	for i := range a.Announcements {
		n := &a.Announcements[i]
		if !n.Prefix.IsValid() {
			return fmt.Errorf("routing: %s announces something that is no prefix", a.ID)
		}
		peer, ok := a.peer(n.Peer)
		if !ok {
			return fmt.Errorf("routing: %s announces a route of its peer %q, which it does not have", a.ID, n.Peer)
		}
		r := arrival{prefix: n.Prefix.Masked(), from: a, attrs: in.intern(c, a.Type, n), peer: peer}
		r.nat = nat.role(r.prefix)
		for _, e := range a.edges {
			if n.Edge == "" || n.Edge == c.location(e) {
				r.edge = e
				do(r)
			}
		}
	}
	if nat != nil {
		for _, p := range nat.system {
			for _, e := range a.edges {
				do(arrival{prefix: p, from: a, attrs: c.plain, edge: e, nat: natSystem})
			}
		}
	}
	return nil
}

// interner keeps one copy of equal attributes.
type interner struct {
	known map[string]*Attributes
	key   []byte
}

// intern are the attributes of an announcement.
func (in *interner) intern(c *core, attachmentType string, n *Announcement) *Attributes {
	med := uint32(DefaultMED)
	switch {
	case n.MED != nil:
		med = *n.MED
	case attachmentType == policy.TypeDirectConnectGateway && c.opt.DirectConnectZeroMED:
		med = 0
	}
	if len(n.ASPath) == 0 && len(n.Communities) == 0 && med == DefaultMED {
		return c.plain
	}
	in.key = in.key[:0]
	in.key = appendUint32(in.key, med)
	in.key = appendUint32(in.key, uint32(len(n.ASPath)))
	for _, asn := range n.ASPath {
		in.key = appendUint32(in.key, asn)
	}
	for _, tag := range n.Communities {
		in.key = appendUint32(in.key, uint32(tag))
	}
	if a := in.known[string(in.key)]; a != nil {
		return a
	}
	a := &Attributes{ASPath: n.ASPath, MED: med}
	if len(n.Communities) > 0 {
		a.Communities = slices.Clone(n.Communities)
		slices.Sort(a.Communities)
		a.Communities = slices.Compact(a.Communities)
	}
	in.known[string(in.key)] = a
	return a
}

func appendUint32(b []byte, v uint32) []byte {
	return append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}
