package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Directions of a routing policy.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// What a route is matched by. Each names the member of [RouteMatch] that holds the value.
const (
	MatchPrefixEquals       = "prefix-equals"         // Prefix
	MatchPrefixInCIDR       = "prefix-in-cidr"        // Prefix; smaller blocks only, not the block itself
	MatchPrefixInPrefixList = "prefix-in-prefix-list" // Alias
	MatchASNInASPath        = "asn-in-as-path"        // Number
	MatchCommunityInList    = "community-in-list"     // Community
	MatchMEDEquals          = "med-equals"            // Number
)

// What is done with a route. Each names the member of [RouteAction] that holds the value.
const (
	RouteDrop               = "drop"                 // final
	RouteAllow              = "allow"                // final
	RouteSummarize          = "summarize"            // Prefix
	RoutePrependASNList     = "prepend-asn-list"     // ASNs
	RouteRemoveASNList      = "remove-asn-list"      // ASNs
	RouteReplaceASNList     = "replace-asn-list"     // ASNs
	RouteAddCommunity       = "add-community"        // Community
	RouteRemoveCommunity    = "remove-community"     // Community
	RouteSetMED             = "set-med"              // Number
	RouteSetLocalPreference = "set-local-preference" // Number
)

// RoutingPolicy filters or changes routes. Of several at one place the lower Number runs first.
type RoutingPolicy struct {
	Place
	Name        string
	NameAt      Place
	Description string
	Direction   string // inbound, outbound
	Number      int
	NumberAt    Place
	Rules       []RoutingRule // of a compiled policy by rule number, of a document as written
}

// RoutingRule is one rule of a routing policy. It has at least one match.
type RoutingRule struct {
	Place
	RuleNumber int
	NumberAt   Place
	Or         bool // condition-logic is "or"
	Matches    []RouteMatch
	Action     RouteAction
}

// RouteMatch is one test of a route.
type RouteMatch struct {
	Place
	Type      string
	Prefix    netip.Prefix
	Alias     string // of a prefix list association
	Number    uint32
	Community Community
}

// RouteAction is what is done with a route that matches.
type RouteAction struct {
	Place
	Type      string
	ValueAt   Place
	Prefix    netip.Prefix
	ASNs      []uint32
	Number    uint32
	Community Community
}

// Community is a BGP community: the ASN in the upper 16 bits, the value in the lower.
type Community uint32

// String is the community as it is written, "65051:100".
func (c Community) String() string { return fmt.Sprintf("%d:%d", uint32(c)>>16, uint32(c)&0xffff) }

// MarshalText is String, so that a community is written the same everywhere.
func (c Community) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "65051:100".
func (c *Community) UnmarshalText(text []byte) error {
	high, low, ok := strings.Cut(string(text), ":")
	h, err1 := strconv.ParseUint(high, 10, 16)
	l, err2 := strconv.ParseUint(low, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("%.40q is not a community such as 65051:100", text)
	}
	*c = Community(h<<16 | l)
	return nil
}

// AttachmentRoutingPolicyRule gives routing policies to attachments that carry one of some labels.
type AttachmentRoutingPolicyRule struct {
	Place
	RuleNumber    int
	NumberAt      Place
	Description   string
	EdgeLocations []Named // nil: everywhere; restricts Direct Connect gateway attachments only
	Labels        []Named // any of them
	Policies      []Named
}
