// Package policy understands core network policy documents: it reads them, says everything that is wrong with them and
// where, works them out over a core network, decides with them where attachments belong, tells how two of them differ,
// and gives advice on them.
//
// The way of a document is [Parse], [Check], [Compile]; what comes out, a [Policy], is immutable and is what
// [Policy.Associate], [Diff] and a routing engine work with. [Lint] and [Format] are for authors.
//
// The package is pure: bytes and values in, values out. It does no I/O, asks no clock and draws no random numbers, and
// it knows neither the API nor the store.
package policy

import "net/netip"

// The versions of the policy language. The newer one adds routing policies.
const (
	Version2021 = "2021.12"
	Version2025 = "2025.11"
)

// Document is a policy document as it was written, section by section in document order. What has the wrong form is
// the zero value here; [Check] says so.
type Document struct {
	Place
	Version                      string
	Configuration                Configuration
	Segments                     []DocumentSegment
	NetworkFunctionGroups        []DocumentGroup
	SegmentActions               []SegmentAction
	AttachmentPolicies           []AttachmentPolicy
	RoutingPolicies              []RoutingPolicy
	AttachmentRoutingPolicyRules []AttachmentRoutingPolicyRule

	form Errors // what is wrong with its form, found while reading
}

// Named is a name where it is used or given, with its place.
type Named struct {
	Place
	Name string
}

// CIDR is a block of addresses with its place. The prefix is the zero value when the text is not a block.
type CIDR struct {
	Place
	Prefix netip.Prefix
}

// Configuration is the section core-network-configuration.
type Configuration struct {
	Place
	ASNRanges                       []ASNRange
	EdgeLocations                   []EdgeLocation
	InsideCIDRs                     []CIDR
	VPNECMPSupport                  bool // default true
	DNSSupport                      bool // default true
	SecurityGroupReferencingSupport bool // default false
}

// ASNRange holds Low and every number below High: "64512-64514" is two ASNs.
type ASNRange struct {
	Place
	Low, High uint32
}

// EdgeLocation is one edge of the document.
type EdgeLocation struct {
	Place
	Location    string
	LocationAt  Place
	ASN         uint32 // 0: to be allocated
	ASNAt       Place
	InsideCIDRs []CIDR // empty: to be allocated
}

// DocumentSegment is one segment of the document.
type DocumentSegment struct {
	Place
	Name              string
	NameAt            Place
	Description       string
	EdgeLocations     []Named // nil: every edge
	Isolate           bool
	RequireAcceptance bool // default true
	DenyFilter        []Named
	AllowFilter       []Named // an empty list is no filter
}

// DocumentGroup is one network function group of the document.
type DocumentGroup struct {
	Place
	Name              string
	NameAt            Place
	Description       string
	RequireAcceptance bool // default true
}

// AttachmentPolicy is one rule that says where attachments belong.
type AttachmentPolicy struct {
	Place
	RuleNumber  int
	NumberAt    Place
	Description string
	Or          bool // condition-logic is "or"
	Conditions  []Condition
	Action      AttachmentAction
}

// Condition is one test of an attachment.
type Condition struct {
	Place
	Type     string // any, tag-exists, tag-name, tag-value, region, attachment-type, account-id, resource-id
	Operator string // equals, not-equals, contains, begins-with
	Key      string
	Value    string
}

// AttachmentAction is what a rule does with an attachment that meets its conditions. Exactly one of Segment, TagKey and
// Group is given.
type AttachmentAction struct {
	Place
	Segment           Named // association-method constant
	TagKey            Named // association-method tag: the tag whose value names the segment
	Group             Named // add-to-network-function-group
	RequireAcceptance bool
}
