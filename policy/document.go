// Package policy understands core network policy documents: it reads them, says everything that is wrong with them and
// where, and decides with them where attachments belong.
//
// It is pure: bytes and values in, values out. It does no I/O, asks no clock and draws no random numbers, and it knows
// neither the API nor the store.
package policy

import "net/netip"

// Document is a policy document as it was written. Sections that have no meaning here yet are kept as they are.
type Document struct {
	Version                      string
	Configuration                Configuration
	Segments                     []DocumentSegment
	NetworkFunctionGroups        []DocumentGroup
	AttachmentPolicies           []AttachmentPolicy
	SegmentActions               *node
	RoutingPolicies              *node
	AttachmentRoutingPolicyRules *node

	source *source
}

// Place is where something stands in the document.
type Place struct {
	Path string
	Line int

	at int
}

// Configuration is the section core-network-configuration.
type Configuration struct {
	Place
	ASNRanges         []ASNRange
	ASNRangesAt       Place
	EdgeLocations     []EdgeLocation
	InsideCIDRs       []netip.Prefix
	InsideCIDRsAt     Place
	VPNECMPSupport    bool // default true
	DNSSupport        bool // default true
	SecurityGroupRefs bool // default false
}

// ASNRange holds Low and every number below High: "64512-64514" is two ASNs.
type ASNRange struct {
	Place
	Low, High uint32
}

func (r ASNRange) contains(asn uint32) bool { return r.Low <= asn && asn < r.High }

// EdgeLocation is one edge of the document.
type EdgeLocation struct {
	Place
	Location    string
	ASN         uint32 // 0: to be allocated
	ASNAt       Place
	InsideCIDRs []netip.Prefix
}

// DocumentSegment is one segment of the document.
type DocumentSegment struct {
	Place
	Name              string
	Description       string
	EdgeLocations     []Named // nil: every edge
	Isolate           bool
	RequireAcceptance bool // default true
	DenyFilter        []Named
	AllowFilter       []Named
}

// Named is a reference by name, with its place.
type Named struct {
	Place
	Name string
}

// DocumentGroup is one network function group of the document.
type DocumentGroup struct {
	Place
	Name              string
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
	Action      Association
}

// Condition is one test of an attachment.
type Condition struct {
	Place
	Type     string // any, tag-exists, tag-name, tag-value, region, attachment-type, account-id, resource-id
	Operator string // equals, not-equals, contains, begins-with
	Key      string
	Value    string
}

// Association is what a rule does with an attachment that meets its conditions.
type Association struct {
	Place
	Segment           Named  // association-method constant
	TagKey            string // association-method tag: the tag whose value names the segment
	Group             Named  // add-to-network-function-group
	RequireAcceptance bool
}
