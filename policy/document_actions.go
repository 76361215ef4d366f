package policy

// What a segment action does.
const (
	ActionShare                  = "share"
	ActionCreateRoute            = "create-route"
	ActionSendVia                = "send-via"
	ActionSendTo                 = "send-to"
	ActionAssociateRoutingPolicy = "associate-routing-policy"
)

// Modes of send-via.
const (
	SingleHop = "single-hop"
	DualHop   = "dual-hop"
)

// Blackhole is the destination of a create-route that drops.
const Blackhole = "blackhole"

// SegmentAction is one segment action. Which members are filled depends on Action.
type SegmentAction struct {
	Place
	Action      string
	Description string
	Segment     Named

	Mode   string // share: attachment-route; send-via: single-hop or dual-hop
	ModeAt Place

	ShareWith          SegmentSet // share
	RoutingPolicyNames []Named    // share

	DestinationCIDRs []CIDR  // create-route
	Destinations     []Named // create-route: attachment ids, or "blackhole" alone
	DestinationsAt   Place

	WhenSentTo SegmentSet // send-via; without a place it was omitted: the segment to itself. In send-to it has no effect
	Via        Via        // send-via, send-to

	EdgeAssociation EdgeLocationAssociation // associate-routing-policy
}

// SegmentSet is a set of segments as it can be written: all others, all but some, or a list.
type SegmentSet struct {
	Place
	All    bool    // "*" or ["*"]
	Except []Named // {"except": […]}; then All is true too
	Names  []Named
}

// Via is the network function group that traffic is led through.
type Via struct {
	Place
	Groups    []Named // one
	GroupsAt  Place
	Overrides []EdgeOverride
}

// EdgeOverride says at which edge traffic between some edges is inspected. A set is a pair of edges, either way round,
// several of which every two are such a pair, or one edge, which may be there twice: traffic that stays there, or is sent
// from there.
type EdgeOverride struct {
	Place
	Sets [][]Named
	Use  Named
}

// EdgeLocationAssociation puts routing policies between two edges of a segment.
type EdgeLocationAssociation struct {
	Place
	EdgeLocation       Named
	PeerEdgeLocation   Named
	RoutingPolicyNames []Named
}
