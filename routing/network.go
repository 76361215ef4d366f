package routing

import (
	"fmt"
	"hash/fnv"
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
	// goes nowhere.
	Segment              string `json:"segment,omitempty"`
	NetworkFunctionGroup string `json:"networkFunctionGroup,omitempty"`

	Edges []string `json:"edges"` // locations; several for a Direct Connect gateway only

	RoutingPolicyLabel string         `json:"routingPolicyLabel,omitempty"`
	Announcements      []Announcement `json:"announcements,omitempty"`

	ResourceID string `json:"resourceId,omitempty"` // vpc-…, vpn-…, tgw-rtb-…; carried, never looked at
	PeeringID  string `json:"peeringId,omitempty"`  // of a transit gateway route table: its transit gateway peering
	PeerASN    uint32 `json:"peerAsn,omitempty"`    // of the BGP peer. The edge's own ASN means iBGP
	TunnelLess bool   `json:"tunnelLess,omitempty"` // a Connect attachment with NO_ENCAP

	// Down keeps the place of an attachment that was deleted, does not work or is associated with nothing: it announces
	// nothing, is no appliance, and static routes to it are blackholes at its edges. So is an attachment at no edge where its
	// segment has a table.
	Down bool `json:"down,omitempty"`
}

// Announcement is a route that an attachment offers. A VPC and a static VPN offer prefixes alone, BGP peers and transit
// gateway route tables also attributes. The path of a transit gateway route table begins with the ASN of the gateway.
type Announcement struct {
	Prefix      netip.Prefix       `json:"prefix"`                // host bits are ignored
	Edge        string             `json:"edge,omitempty"`        // where, for a Direct Connect gateway; empty: at all its edges
	ASPath      []uint32           `json:"asPath,omitempty"`      // nearest ASN first
	MED         *uint32            `json:"med,omitempty"`         // nil: 100
	Communities []policy.Community `json:"communities,omitempty"` // ignored under a policy of version 2021.12
}

// DefaultMED is the MED of a route that came without.
const DefaultMED = 100

// Options are the places where AWS documents nothing and measurements are missing: each can be turned when one is made.
type Options struct {
	// FiltersDirectional makes allow and deny filters act on what the segment that has them learns, and not on what
	// others learn from it.
	FiltersDirectional bool
	// ShareAcrossMissingEdges lets a shared route into a segment that has no table at the edge the route starts from: it
	// appears at the segment's other edges.
	ShareAcrossMissingEdges bool
	// StaticBeforeInsertion keeps local static routes and blackholes where service insertion has a route too.
	StaticBeforeInsertion bool
	// InsertionBeforeShare makes send-via win for a pair of segments that is also shared.
	InsertionBeforeShare bool
	// CarryMED keeps the MED from edge to edge; otherwise it becomes 100 at each.
	CarryMED bool
	// CarryLocalPreference keeps the local preference from edge to edge; otherwise it becomes 0 at each.
	CarryLocalPreference bool
	// LocalPreferenceBeforeASPath compares local preference before the length of the AS path, otherwise after it.
	LocalPreferenceBeforeASPath bool
	// TieBreak decides between paths that are equal in all that is documented. nil takes a local path before one over
	// another edge, then the edge first in the alphabet, then the attachment id first in the alphabet.
	TieBreak TieBreak
	// DefaultRegionPriority is the order in which edges are tried when no override says where to inspect. nil is the order
	// of edge-locations. Edges that are not named come after those that are.
	DefaultRegionPriority []string
	// DualHopNFGRemote shows the second appliance as the destination of remote rows in tables of dual-hop groups, otherwise
	// the edge.
	DualHopNFGRemote bool
	// DualHopMissingFar makes routes of a segment blackholes when the second appliance of a dual-hop is missing. Otherwise
	// the first appliance stays their destination, and the group's table drops.
	DualHopMissingFar bool
	// RemoteStaticIsStatic lets a static route that was learned from another edge rank, and be shown, as a static route.
	RemoteStaticIsStatic bool
	// IsolatedTGWToldInserted tells transit gateway route tables in isolated segments the routes of service insertion.
	IsolatedTGWToldInserted bool
	// SendToStatic shows the default routes of send-to as STATIC, otherwise as PROPAGATED.
	SendToStatic bool
	// CheckAttachmentLoops drops an announcement whose AS path holds the ASN of the edge it arrives at, as BGP speakers do.
	CheckAttachmentLoops bool
}

// DefaultOptions is what is known or most likely.
func DefaultOptions() *Options {
	return &Options{
		FiltersDirectional: true, ShareAcrossMissingEdges: true, StaticBeforeInsertion: true, InsertionBeforeShare: true,
		CarryMED: true, LocalPreferenceBeforeASPath: true, DualHopNFGRemote: true, IsolatedTGWToldInserted: true,
		SendToStatic: true, CheckAttachmentLoops: true,
	}
}

// TieBreak picks one of the paths of a tie by its index. It must be a pure function; an index that is out of range counts
// as 0.
type TieBreak func(Tie) int

// Tie is two or more paths that are equal in all that is documented, in the default order.
type Tie struct {
	Table  TableID
	Prefix netip.Prefix
	Paths  []TiedPath
}

// TiedPath is one path of a tie: an attachment at the edge, or another edge.
type TiedPath struct {
	Attachment string
	Edge       string
	ASPath     []uint32 // after the edge's own policies
}

// TieByHash is a TieBreak that spreads ties over the equal paths: by the table and the prefix, and nothing else.
func TieByHash(t Tie) int {
	h := fnv.New64a()
	fmt.Fprint(h, t.Table, " ", t.Prefix)
	return int(h.Sum64() >> 32 % uint64(len(t.Paths))) // the last bits of this hash are those of the text
}
