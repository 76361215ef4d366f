package routing

import (
	"net/netip"

	"portolan/policy"
)

// Network is all that routes depend on. Compute keeps what it is given; do not change it afterwards.
type Network struct {
	Policy      *policy.Policy
	Attachments []Attachment              // in any order; ids are unique
	PrefixLists map[string][]netip.Prefix // entries by the alias that routing policies use
	Options     *Options                  // nil: DefaultOptions()
}

// Attachment is an attachment that is associated with a segment or a network function group and works: one that waits
// for acceptance, failed, or has no segment is not part of a Network.
type Attachment struct {
	ID   string `json:"id"`
	Type string `json:"type"` // policy.TypeVPC and its like

	// One of the two. An attachment of a network function group is the group's appliance at its edge; what it announces
	// is not used.
	Segment              string `json:"segment,omitempty"`
	NetworkFunctionGroup string `json:"networkFunctionGroup,omitempty"`

	Edges []string `json:"edges"` // locations; several for a Direct Connect gateway only

	RoutingPolicyLabel string         `json:"routingPolicyLabel,omitempty"`
	Announcements      []Announcement `json:"announcements,omitempty"`
	NAT                *NAT           `json:"-"` // nil: none, or switched off

	ResourceID string `json:"resourceId,omitempty"` // vpc-…, vpn-…, tgw-rtb-…; carried, never looked at
	PeeringID  string `json:"peeringId,omitempty"`  // of a transit gateway route table: its transit gateway peering
	PeerASN    uint32 `json:"peerAsn,omitempty"`    // of the BGP peer. The edge's own ASN means iBGP
	Peers      []Peer `json:"-"`                    // of a Connect attachment; in any order
	TunnelLess bool   `json:"tunnelLess,omitempty"` // a Connect attachment with NO_ENCAP

	// Down keeps the place of an attachment that was deleted, does not work or is associated with nothing: it announces
	// nothing, is no appliance, and static routes to it are blackholes at its edges. So is an attachment at no edge where its
	// segment has a table.
	Down bool `json:"down,omitempty"`
}

// Peer is a Connect peer. Routes of two peers are two candidates, also where they are peers of one attachment.
type Peer struct {
	ID  string // in no other attachment, and no attachment has it
	ASN uint32 // the edge's own means iBGP
}

// Announcement is a route that an attachment offers. A VPC and a static VPN offer prefixes alone, BGP peers and transit
// gateway route tables also attributes. The path of a transit gateway route table begins with the ASN of the gateway, that of
// a Direct Connect gateway with the gateway's. A VPN route without a path is a static one of the connection, as a peer would
// have put its own ASN there.
type Announcement struct {
	Prefix      netip.Prefix       `json:"prefix"`                // host bits are ignored
	Edge        string             `json:"edge,omitempty"`        // where, for a Direct Connect gateway; empty: at all its edges
	Peer        string             `json:"-"`                     // of a Connect attachment; empty: the attachment
	ASPath      []uint32           `json:"asPath,omitempty"`      // nearest ASN first
	MED         *uint32            `json:"med,omitempty"`         // nil: 100
	Communities []policy.Community `json:"communities,omitempty"` // VPN and Connect only, and ignored under a policy of version 2021.12
}

// With is the announcement for a prefix.
func (a Announcement) With(prefix netip.Prefix) Announcement {
	a.Prefix = prefix
	return a
}

// DefaultMED is the MED of a route that came without.
const DefaultMED = 100
