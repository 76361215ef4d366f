package routing

import (
	"net/netip"

	"portolan/policy"
)

// Explanation is everything that is known about a prefix in a table.
type Explanation struct {
	Table      TableID
	Prefix     netip.Prefix
	Route      *Route // nil: there is none
	Candidates []Candidate
}

// Candidate is a route that could have been in the table, whether or not it got there: the selected one first, then
// those that were rejected, then those that were filtered on the way.
type Candidate struct {
	NextHop    *Destination // nil for a blackhole, and for a route that never came this far
	Origin     Origin
	Kind       Kind
	Attributes // as compared; of a dropped route: as they were when it was dropped
	Steps      []Step
	Verdict    Verdict
}

// Step is something that happened to a route on its way. Steps are in order.
type Step struct {
	Kind       StepKind
	Edge       string       // where
	Peer       string       // the other edge, for what happens between two
	Segment    string       // the table
	Policy     string       // the routing policy
	RuleNumber int          // of its rule
	Place      policy.Place // of the statement that did it: Place.Line() is its line
	Action     string       // of the rule: drop, prepend-asn-list, …
	Dropped    bool
	Detail     string // in words
	After      Attributes
}

// StepKind says what a step is.
type StepKind uint8

// Steps.
const (
	StepAnnounced        StepKind = iota // an attachment announced the prefix
	StepCreated                          // the policy created the route
	StepLoop                             // the AS path holds the ASN of the edge: dropped
	StepAttachmentPolicy                 // a rule of a routing policy of the attachment
	StepImport                           // enters the table of its own segment
	StepIsolated                         // the segment isolates its attachments: dropped
	StepShare                            // a share copies it into another segment
	StepNotShared                        // no share leads to the segment: dropped
	StepFilter                           // an allow or deny filter refuses it
	StepSharePolicy                      // a rule of a routing policy of the share
	StepLearn                            // a network function group learns it
	StepNoTable                          // there is no table at this edge
	StepOutboundPolicy                   // a rule of the edge that advertises
	StepAdvertised                       // an edge advertised it to another one, with its ASN in front, or to an attachment
	StepNotAdvertised                    // an edge does not advertise it to another one or to an attachment, and why
	StepInboundPolicy                    // a rule of the edge that receives
	StepInsertion                        // service insertion: where traffic is inspected
	StepSummarized                       // an aggregate stands for it
)

func (k StepKind) String() string {
	return [...]string{
		"announced", "created", "loop", "attachment-policy", "import", "isolated", "share", "not-shared", "filter", "share-policy",
		"learn", "no-table", "outbound-policy", "advertised", "not-advertised", "inbound-policy", "insertion", "summarized",
	}[k]
}

// Outcome is how a candidate ended.
type Outcome uint8

// Outcomes.
const (
	Selected     Outcome = iota
	SelectedECMP         // with others
	Rejected
	Filtered
)

func (o Outcome) String() string {
	return [...]string{"selected", "selected-ecmp", "rejected", "filtered"}[o]
}

// Verdict is how a candidate ended, and by what.
type Verdict struct {
	Outcome Outcome
	By      Criterion // Selected: against the next best; Rejected: against the selected one
	Step    int       // Filtered: index of the step that dropped it
	Detail  string    // in words
}

// Criterion is a step of best path selection.
type Criterion uint8

// The criteria, in order. Service insertion is laid over the others' result.
const (
	ByNothing Criterion = iota // there was no other
	ByStatic
	ByInsertion
	ByLocalVPC
	ByLocalPreference
	ByASPath
	ByMED
	ByAttachmentType
	ByTieBreak
)

func (c Criterion) String() string {
	return [...]string{
		"only candidate", "static route", "service insertion", "local VPC", "local preference", "AS path length", "MED",
		"attachment type", "tie break",
	}[c]
}
