// Package snapshot is a network as one value: everything that decides what a core network routes, gathered from a server
// or read from a file, so that any question can be asked of it without a server.
//
// It knows the policy and what is attached. It must not know operations, requests or where the parts were stored.
package snapshot

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
	"portolan/routing"
)

// FormatVersion is the version of the file format that is written and read.
const FormatVersion = 1

// IDTag is the tag in which a server keeps the id that a resource has in a snapshot, where that is no id of AWS's shape and the
// resource has a Name tag already.
const IDTag = "portolan:snapshot-id"

// Snapshot is a network. Policy is a core network policy document, as it is put; lines in explanations are its lines.
type Snapshot struct {
	Version         int                       `json:"version"`
	CoreNetworkID   string                    `json:"coreNetworkId,omitzero"`
	Account         string                    `json:"account,omitzero"` // of the core network's owner
	PolicyVersionID int32                     `json:"policyVersionId,omitzero"`
	Policy          jsontext.Value            `json:"policy"`
	Edges           []Edge                    `json:"edges,omitzero"`       // as they were allocated; what is missing is allocated anew
	Attachments     []Attachment              `json:"attachments,omitzero"` // the oldest first
	PrefixLists     map[string][]netip.Prefix `json:"prefixLists,omitzero"` // entries by alias
}

// Edge is a core network edge that exists.
type Edge struct {
	Location         string         `json:"location"`
	ASN              uint32         `json:"asn"`
	InsideCIDRBlocks []netip.Prefix `json:"insideCidrBlocks,omitzero"`

	asnWritten bool // by the policy of the snapshot, for one that is to follow it
}

// Attachment is something attached to the core network, with what it announces.
type Attachment struct {
	ID                 string            `json:"id"`
	Type               string            `json:"type"` // as in attachment policies: vpc, connect, site-to-site-vpn, …
	State              string            `json:"state,omitzero"`
	Account            string            `json:"account,omitzero"`
	Edges              []string          `json:"edges"`
	ResourceARN        string            `json:"resourceArn,omitzero"`
	ResourceID         string            `json:"resourceId,omitzero"`
	Tags               map[string]string `json:"tags,omitzero"`
	RoutingPolicyLabel string            `json:"routingPolicyLabel,omitzero"`
	PeeringID          string            `json:"peeringId,omitzero"`
	PeerASN            uint32            `json:"peerAsn,omitzero"`
	TunnelLess         bool              `json:"tunnelLess,omitzero"` // a Connect attachment with NO_ENCAP
	SubnetARNs         []string          `json:"subnetArns,omitzero"` // of a VPC attachment: one in each of its Availability Zones
	Options            *VPCOptions       `json:"options,omitzero"`    // of a VPC attachment

	// Association is where the attachment belongs. When it is absent the policy's attachment rules decide, and an
	// attachment that would have to be accepted counts as accepted.
	Association *Association `json:"association,omitzero"`

	// Proposal is where its tags have it once a change of them is accepted.
	Proposal *Association `json:"proposal,omitzero"`

	Announcements []routing.Announcement `json:"announcements,omitzero"`
	Peers         []Peer                 `json:"peers,omitzero"`      // of a Connect attachment
	Sessions      []Session              `json:"sessions,omitzero"`   // that a server holds in the tunnels of a VPN attachment
	Overridden    int                    `json:"overridden,omitzero"` // routes heard on them that Announcements takes the place of
	NAT           *NAT                   `json:"nat,omitzero"`

	Sources map[string]string `json:"sources,omitzero"` // where each prefix is known from, when the network was imported
}

// Association is a segment, a network function group, or neither: the attachment belongs nowhere.
type Association struct {
	Segment              string `json:"segment,omitzero"`
	NetworkFunctionGroup string `json:"networkFunctionGroup,omitzero"`
	RuleNumber           int    `json:"ruleNumber,omitzero"`
}

// Works tells whether the attachment carries traffic. A file that says nothing of states means that it does.
func (a *Attachment) Works() bool {
	switch a.State {
	case "", "AVAILABLE", "UPDATING", "PENDING_TAG_ACCEPTANCE":
		return true
	}
	return false
}

// PolicyError is a policy that does not pass the checks.
type PolicyError struct{ Errors policy.Errors }

func (e *PolicyError) Error() string {
	first := e.Errors[0]
	text := fmt.Sprintf("the policy is not valid: line %d: %s", first.Line, first.Message)
	if n := len(e.Errors) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// Compile checks and compiles a policy document over the edges of the snapshot. The error is a [PolicyError].
func (s *Snapshot) Compile(document []byte) (*policy.Policy, error) {
	doc, errs := policy.Parse(document)
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) == 0 {
		errs = policy.CheckOrphans(doc, s.placements())
	}
	if len(errs) > 0 {
		return nil, &PolicyError{errs}
	}
	compiled, errs := policy.Compile(doc, s.Allocated())
	if len(errs) > 0 {
		return nil, &PolicyError{errs}
	}
	return compiled, nil
}

// Allocated is the edges that exist, as [policy.Compile] takes them.
func (s *Snapshot) Allocated() policy.Previous {
	previous := policy.Previous{}
	for _, e := range s.Edges {
		previous[e.Location] = policy.Edge{Location: e.Location, ASN: e.ASN, ASNWritten: e.asnWritten, InsideCIDRs: e.InsideCIDRBlocks}
	}
	return previous
}

func (s *Snapshot) placements() []policy.Placement {
	placed := make([]policy.Placement, len(s.Attachments))
	for i := range s.Attachments {
		placed[i] = policy.Placement{AttachmentID: s.Attachments[i].ID, Edges: s.Attachments[i].Edges}
	}
	return placed
}

// Network is the snapshot as routing takes it, under its own policy.
func (s *Snapshot) Network(options *routing.Options) (*routing.Network, error) {
	compiled, err := s.Compile(s.Policy)
	if err != nil {
		return nil, err
	}
	return s.On(compiled, options), nil
}

// On is the network as it is recorded, on a policy that was compiled already over the edges of the snapshot.
func (s *Snapshot) On(p *policy.Policy, options *routing.Options) *routing.Network {
	return s.network(p, s.associations(p), options)
}

// Under is the network as it would be under another policy: as an execution makes it.
func (s *Snapshot) Under(document []byte, options *routing.Options) (*routing.Network, error) {
	e, err := s.Execute(document)
	if err != nil {
		return nil, err
	}
	return e.Network(options), nil
}

// Network is the network after the execution.
func (e *Execution) Network(options *routing.Options) *routing.Network {
	return e.Snapshot.network(e.After, e.Attachments, options)
}

func (s *Snapshot) network(p *policy.Policy, places []policy.Associated, options *routing.Options) *routing.Network {
	n := &routing.Network{Policy: p, PrefixLists: s.PrefixLists, Options: options}
	led := map[string]bool{} // by static routes: one that is not associated makes them blackholes
	for i := range p.StaticRoutes {
		for _, id := range p.StaticRoutes[i].Destinations {
			led[id] = true
		}
	}
	for i := range s.Attachments {
		a, at := &s.Attachments[i], places[i].Next
		nowhere := at.Same(policy.Association{})
		if nowhere && !led[a.ID] {
			continue
		}
		n.Attachments = append(n.Attachments, routing.Attachment{
			ID: a.ID, Type: a.Type, Segment: at.Segment, NetworkFunctionGroup: at.NetworkFunctionGroup,
			Edges: a.Edges, RoutingPolicyLabel: a.RoutingPolicyLabel, Announcements: a.announced(), Peers: a.bgpPeers(), NAT: a.NAT.active(a.Type),
			ResourceID: a.ResourceID, PeeringID: a.PeeringID, PeerASN: a.PeerASN, TunnelLess: a.TunnelLess, Down: nowhere || !a.Works(),
		})
	}
	return n
}

// Validate tells everything that is wrong with a snapshot except its policy, which [Snapshot.Compile] checks.
func (s *Snapshot) Validate() error {
	var wrong []error
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if s.Version != FormatVersion {
		add("version is %d; this program reads version %d", s.Version, FormatVersion)
	}
	if len(s.Policy) == 0 {
		add("policy is missing")
	}
	locations := map[string]bool{}
	for i, e := range s.Edges {
		if e.Location == "" || e.ASN == 0 || locations[e.Location] {
			add("edges[%d]: want a location, once, and its ASN", i)
		}
		locations[e.Location] = true
	}
	ids := map[string]bool{}
	for i := range s.Attachments {
		a := &s.Attachments[i]
		at := fmt.Sprintf("attachments[%d]", i)
		if a.ID != "" {
			at += " (" + a.ID + ")"
		}
		if a.ID == "" || ids[a.ID] {
			add("%s: want an id that no other attachment has", at)
		}
		ids[a.ID] = true
		if !slices.Contains(attachmentTypes, a.Type) {
			add("%s: type %q is not one of %v", at, a.Type, attachmentTypes)
		}
		if len(a.Edges) == 0 || len(a.Edges) > 1 && a.Type != policy.TypeDirectConnectGateway {
			add("%s: want one edge; only a Direct Connect gateway has several", at)
		}
		if a.State != "" && !slices.Contains(states, a.State) {
			add("%s: state %q is not one of %v", at, a.State, states)
		}
		if a.Association != nil && a.Association.Segment != "" && a.Association.NetworkFunctionGroup != "" {
			add("%s: an attachment belongs to a segment or to a network function group", at)
		}
		a.validateAnnouncements(at, a.Announcements, add)
		a.validatePeers(at, ids, add)
		a.validateVPC(at, add)
		a.validateNAT(at, add)
		if len(wrong) > maxProblems {
			break
		}
	}
	return errors.Join(wrong...)
}

const maxProblems = 100

var attachmentTypes = policy.AttachmentTypes()

var states = []string{
	"REJECTED", "PENDING_ATTACHMENT_ACCEPTANCE", "CREATING", "FAILED", "AVAILABLE", "UPDATING", "PENDING_NETWORK_UPDATE",
	"PENDING_TAG_ACCEPTANCE", "DELETING",
}
