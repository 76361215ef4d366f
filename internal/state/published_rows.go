package state

import (
	"net/netip"

	"portolan/policy"
	"portolan/routing"
)

// Announcement is a route that somebody announces.
type Announcement struct {
	Prefix      netip.Prefix       `json:"prefix"`
	Edge        string             `json:"edge,omitempty"`
	Peer        string             `json:"peer,omitempty"`
	ASPath      []uint32           `json:"asPath,omitempty"`
	MED         *uint32            `json:"med,omitempty"`
	Communities []policy.Community `json:"communities,omitempty"`
}

// PublishedAttachment is an attachment as routes were computed from it that events have been published of.
type PublishedAttachment struct {
	ID                   string         `json:"id"`
	Type                 string         `json:"type"`
	Segment              string         `json:"segment,omitempty"`
	NetworkFunctionGroup string         `json:"networkFunctionGroup,omitempty"`
	Edges                []string       `json:"edges"`
	RoutingPolicyLabel   string         `json:"routingPolicyLabel,omitempty"`
	Announcements        []Announcement `json:"announcements,omitempty"`
	Peers                []BGPPeer      `json:"peers,omitempty"`
	NAT                  *ActiveNAT     `json:"nat,omitempty"`
	ResourceID           string         `json:"resourceId,omitempty"`
	PeeringID            string         `json:"peeringId,omitempty"`
	PeerASN              uint32         `json:"peerAsn,omitempty"`
	TunnelLess           bool           `json:"tunnelLess,omitempty"`
	Down                 bool           `json:"down,omitempty"`
}

// BGPPeer is a Connect peer.
type BGPPeer struct {
	ID  string `json:"id"`
	ASN uint32 `json:"asn"`
}

// ActiveNAT is 1:1 NAT that is switched on.
type ActiveNAT struct {
	SystemRoutes bool            `json:"systemRoutes"`
	Rules        []ActiveNATRule `json:"rules"`
}

// ActiveNATRule is one rule of it.
type ActiveNATRule struct {
	Source netip.Prefix `json:"source"`
	NAT    netip.Prefix `json:"nat"`
}

func (n *ActiveNAT) routing() *routing.NAT {
	if n == nil {
		return nil
	}
	return &routing.NAT{SystemRoutes: n.SystemRoutes, Rules: each(n.Rules, func(r ActiveNATRule) routing.NATRule { return routing.NATRule(r) })}
}

func activeNATOf(n *routing.NAT) *ActiveNAT {
	if n == nil {
		return nil
	}
	return &ActiveNAT{SystemRoutes: n.SystemRoutes, Rules: each(n.Rules, func(r routing.NATRule) ActiveNATRule { return ActiveNATRule(r) })}
}

// Routing is the attachment as routes are computed from it.
func (r *PublishedAttachment) Routing() routing.Attachment {
	return routing.Attachment{
		ID:                   r.ID,
		Type:                 r.Type,
		Segment:              r.Segment,
		NetworkFunctionGroup: r.NetworkFunctionGroup,
		Edges:                r.Edges,
		RoutingPolicyLabel:   r.RoutingPolicyLabel,
		Announcements:        each(r.Announcements, func(x Announcement) routing.Announcement { return routing.Announcement(x) }),
		Peers:                each(r.Peers, func(x BGPPeer) routing.Peer { return routing.Peer(x) }),
		NAT:                  r.NAT.routing(),
		ResourceID:           r.ResourceID,
		PeeringID:            r.PeeringID,
		PeerASN:              r.PeerASN,
		TunnelLess:           r.TunnelLess,
		Down:                 r.Down,
	}
}

// Routing is what is announced, as routes are computed from it.
func (r *AnnouncementSet) Routing() []routing.Announcement {
	return each(r.Announcements, func(a Announcement) routing.Announcement { return routing.Announcement(a) })
}

// AnnouncementsOf is announcements as they are stored: without host bits.
func AnnouncementsOf(list []routing.Announcement) []Announcement {
	return each(list, func(a routing.Announcement) Announcement {
		a.Prefix = a.Prefix.Masked()
		return Announcement(a)
	})
}

// PublishedAttachmentOf is an attachment as it is stored when it has been published.
func PublishedAttachmentOf(a *routing.Attachment) *PublishedAttachment {
	return &PublishedAttachment{
		ID: a.ID, Type: a.Type, Segment: a.Segment, NetworkFunctionGroup: a.NetworkFunctionGroup, Edges: a.Edges,
		RoutingPolicyLabel: a.RoutingPolicyLabel,
		Announcements:      each(a.Announcements, func(a routing.Announcement) Announcement { return Announcement(a) }),
		Peers:              each(a.Peers, func(x routing.Peer) BGPPeer { return BGPPeer(x) }),
		NAT:                activeNATOf(a.NAT),
		ResourceID:         a.ResourceID, PeeringID: a.PeeringID, PeerASN: a.PeerASN, TunnelLess: a.TunnelLess, Down: a.Down,
	}
}
