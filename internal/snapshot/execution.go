package snapshot

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
	"portolan/routing"
)

// Execution is what the execution of another policy makes of a network.
type Execution struct {
	Before      *policy.Policy      // nil when the snapshot's own policy is not valid
	After       *policy.Policy      // over the edges there were before
	Attachments []policy.Associated // what it decides about the attachments, in the order of the snapshot
	Snapshot    *Snapshot           // the network afterwards
}

// Execute works out what a network becomes under another policy, as [policy.Policy.AssociateAll] decides. The error is a
// [PolicyError].
func (s *Snapshot) Execute(document []byte) (*Execution, error) {
	before, err := s.Compile(s.Policy)
	if err != nil {
		before = nil
	}
	after, err := s.allocated(before).Compile(document)
	if err != nil {
		return nil, err
	}
	attached := s.Attached()
	if before != nil {
		for i, a := range s.associations(before) {
			attached[i].At = a.Next
		}
	}
	e := &Execution{Before: before, After: after, Attachments: after.AssociateAll(attached)}
	e.Snapshot = s.after(e, document)
	return e, nil
}

// Changes is the change set of the execution.
func (e *Execution) Changes() []policy.Change {
	return policy.DiffAttached(e.Before, e.After, e.Attachments)
}

// allocated is the snapshot with all edges of its own policy: those the file does not name were allocated before another
// policy comes, which cannot give them other ASNs, or take away those that the policy writes.
func (s *Snapshot) allocated(own *policy.Policy) *Snapshot {
	if own == nil {
		return s
	}
	all := *s
	all.Edges = slices.Clone(s.Edges)
	for _, e := range edgesOf(own) {
		at := slices.IndexFunc(all.Edges, func(known Edge) bool { return known.Location == e.Location })
		if at < 0 {
			all.Edges = append(all.Edges, e)
		} else {
			all.Edges[at].asnWritten = e.asnWritten
		}
	}
	return &all
}

func edgesOf(p *policy.Policy) []Edge {
	edges := make([]Edge, len(p.Edges))
	for i := range p.Edges {
		e := &p.Edges[i]
		edges[i] = Edge{Location: e.Location, ASN: e.ASN, asnWritten: e.ASNWritten, InsideCIDRBlocks: e.InsideCIDRs}
	}
	return edges
}

// associations says of each attachment where it is under the snapshot's own policy: where it is recorded, or else where
// the rules have it, which is also where one is shown that was rejected or has failed.
func (s *Snapshot) associations(p *policy.Policy) []policy.Associated {
	attached := make([]policy.Attached, len(s.Attachments))
	for i := range s.Attachments {
		a := &attached[i]
		*a = s.Attachments[i].attached()
		a.Fixed, a.Asks = s.Attachments[i].Association != nil, false
		if a.Out && !a.Fixed {
			a.At = p.Decide(&a.Attachment).Association
		}
	}
	return p.AssociateAll(attached)
}

// Attached is every attachment as a policy decides about it, the oldest first.
func (s *Snapshot) Attached() []policy.Attached {
	attached := make([]policy.Attached, len(s.Attachments))
	for i := range s.Attachments {
		attached[i] = s.Attachments[i].attached()
		attached[i].Fixed = s.Attachments[i].State == "DELETING"
	}
	return attached
}

// attached is the attachment as a policy decides about it.
func (a *Attachment) attached() policy.Attached {
	attached := policy.Attached{
		Attachment: policy.Attachment{ID: a.ID, Type: a.Type, Edges: a.Edges, Account: a.Account, ResourceID: a.ResourceID, Tags: a.Tags},
		Label:      a.RoutingPolicyLabel,
		Out:        a.State == "REJECTED" || a.State == "FAILED",
		Asks:       a.Proposal != nil || a.State == "PENDING_TAG_ACCEPTANCE",
	}
	if a.Association != nil {
		attached.At = policy.Association(*a.Association)
	}
	return attached
}

// after is the network once the policy of the document is LIVE.
func (s *Snapshot) after(e *Execution, document []byte) *Snapshot {
	next := *s
	next.Policy, next.PolicyVersionID, next.Edges = jsontext.Value(document), 0, edgesOf(e.After)
	next.Attachments = slices.Clone(s.Attachments)
	for i := range e.Attachments {
		a, decided := &next.Attachments[i], &e.Attachments[i]
		at := Association(decided.Next)
		a.Association = &at
		if decided.Fixed || decided.Out {
			continue
		}
		a.Proposal = (*Association)(decided.Proposal)
		if a.State == "PENDING_TAG_ACCEPTANCE" && a.Proposal == nil {
			a.State = "AVAILABLE"
		}
	}
	return &next
}

// Over are the Connect attachments that run over a VPC attachment: those at its edge location with the same resource, as AWS shows
// them.
func (s *Snapshot) Over(vpc *Attachment) (list []*Attachment) {
	if vpc.Type != policy.TypeVPC || vpc.ResourceARN == "" {
		return nil
	}
	for i := range s.Attachments {
		if a := &s.Attachments[i]; a.Type == policy.TypeConnect && a.ResourceARN == vpc.ResourceARN && slices.Equal(a.Edges, vpc.Edges) {
			list = append(list, a)
		}
	}
	return list
}

// Without is the snapshot in which some edge locations and attachments have failed: attachments at such an edge carry no
// traffic there, and neither do Connect attachments without the VPC attachment that they run over. The error names an edge or an attachment that does not exist.
func (s *Snapshot) Without(edges, attachments []string) (*Snapshot, error) {
	next := *s
	next.Attachments = slices.Clone(s.Attachments)
	for _, e := range edges {
		known := slices.ContainsFunc(s.Edges, func(k Edge) bool { return k.Location == e })
		for i := range next.Attachments {
			a := &next.Attachments[i]
			if !slices.Contains(a.Edges, e) {
				continue
			}
			known = true
			if len(a.Edges) == 1 {
				a.State = "FAILED"
				continue
			}
			gone := func(location string) bool { return location == e }
			a.Edges = slices.DeleteFunc(slices.Clone(a.Edges), gone)
			a.Announcements = slices.DeleteFunc(slices.Clone(a.Announcements), func(x routing.Announcement) bool { return gone(x.Edge) })
		}
		if p, err := s.Compile(s.Policy); !known && (err != nil || !slices.ContainsFunc(p.Edges, func(k policy.Edge) bool { return k.Location == e })) {
			return nil, fmt.Errorf("there is no edge location %q", e)
		}
	}
	for _, id := range attachments {
		i := slices.IndexFunc(next.Attachments, func(a Attachment) bool { return a.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("there is no attachment %q", id)
		}
		next.Attachments[i].State = "FAILED"
		for _, a := range next.Over(&next.Attachments[i]) {
			a.State = "FAILED"
		}
	}
	return &next, nil
}
