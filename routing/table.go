package routing

import (
	"net/netip"

	"portolan/policy"
)

// TableID names a table: of a segment or of a network function group, at an edge.
type TableID struct {
	Segment              string // one
	NetworkFunctionGroup string // of the two
	Edge                 string
}

// Name is the segment or the network function group.
func (id TableID) Name() string {
	if id.Segment != "" {
		return id.Segment
	}
	return id.NetworkFunctionGroup
}

func (id TableID) String() string {
	if id.Segment != "" {
		return id.Segment + "@" + id.Edge
	}
	return "nfg:" + id.NetworkFunctionGroup + "@" + id.Edge
}

// Type is how a route came about.
type Type string

// Types, as the API spells them.
const (
	Propagated Type = "PROPAGATED"
	Static     Type = "STATIC"
)

// State says whether a route carries traffic.
type State string

// States, as the API spells them.
const (
	Active    State = "ACTIVE"
	Blackhole State = "BLACKHOLE"
)

// Destination is where a route leads.
//
//	Attachment alone                     an attachment at this edge
//	Attachment and Peer                  a peer of a Connect attachment at this edge
//	Edge and Segment or group            the same table at another edge
//	Attachment and group                 the appliance of the group at this edge
//	Attachment, group and Edge           the appliance of the group at another edge
type Destination struct {
	Attachment           string
	Peer                 string
	Edge                 string
	Segment              string
	NetworkFunctionGroup string
}

func (d Destination) String() string {
	switch {
	case d.Attachment == "":
		return "edge:" + d.Edge
	case d.Peer != "":
		return d.Attachment + "/" + d.Peer
	case d.NetworkFunctionGroup == "":
		return d.Attachment
	case d.Edge == "":
		return "nfg:" + d.Attachment
	}
	return "nfg@" + d.Edge + ":" + d.Attachment
}

// Attributes are the BGP attributes of a route. The slices are shared and must not be changed.
type Attributes struct {
	ASPath          []uint32 // nearest ASN first
	MED             uint32
	LocalPreference uint32
	Communities     []policy.Community // in ascending order
}

// Route is a row of a FIB.
type Route struct {
	Forward
	Attributes // after this edge's own policies; of static and inserted routes: no path, MED 100
	Origin     Origin
}

// Forward is what a row of a FIB does with traffic: as much of a Route as packets notice, and what costs nearly nothing to
// make.
type Forward struct {
	Prefix       netip.Prefix
	Type         Type
	State        State
	Destinations []Destination // one, several with ECMP, none for a blackhole; shared and must not be changed
	Kind         Kind
}

// Kind is what put a route into a table.
type Kind uint8

// Kinds of routes.
const (
	KindAttachment Kind = iota // an attachment at this edge
	KindEdge                   // another edge
	KindStatic                 // create-route, here
	KindSendVia                // service insertion
	KindSendTo
)

func (k Kind) String() string {
	return [...]string{"attachment", "edge", "static", "send-via", "send-to"}[k]
}

// Path is a row of a RIB: a route that the table could use, before this edge's own policies.
type Path struct {
	Prefix  netip.Prefix
	NextHop *Destination // nil for a blackhole; shared and must not be changed
	Kind    Kind
	Attributes
	NoAttributes bool // AWS shows none: the route of a VPC at this edge
	Best         bool // the FIB uses it
	Origin       Origin
}

// Origin is where a route entered the core network.
type Origin struct {
	Kind       OriginKind
	Attachment string // empty for blackholes and aggregates
	Peer       string // of a Connect attachment
	Type       string // of the attachment
	Segment    string // of the attachment; of the table for static routes and aggregates
	Edge       string
	Place      policy.Place // of the statement of the policy that made it, if one did
}

// OriginKind is what made a route.
type OriginKind uint8

// Origins of routes.
const (
	FromAttachment OriginKind = iota // announced
	FromStatic                       // create-route with an attachment
	FromBlackhole                    // create-route with "blackhole", or with an attachment that does not work
	FromSummarize                    // an edge-pair policy put it in the place of others
	FromSendVia
	FromSendTo
)

func (k OriginKind) String() string {
	return [...]string{"attachment", "create-route", "blackhole", "summarize", "send-via", "send-to"}[k]
}
