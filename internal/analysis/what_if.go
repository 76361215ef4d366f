package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/snapshot"
)

// Supposition is what is supposed of a network: members that are absent are as they are.
type Supposition struct {
	Policy jsontext.Value               `json:"policy"` // a document, or its text as a string
	Tags   map[string]map[string]string `json:"tags"`   // all tags of an attachment, by its id
	Labels map[string]string            `json:"labels"` // routing policy labels by attachment; "" is none
	Fail   struct {
		Attachments []string `json:"attachments"`
		Edges       []string `json:"edges"` // locations
	} `json:"fail"`

	Assertions  string `json:"assertions"`  // that are tried then, as in a file of portolan test
	Attachments bool   `json:"attachments"` // the pictures have attachments
	Routes      *int   `json:"routes"`      // so many routes are listed at most; nil: [MaxRouteChanges]
}

// WhatIf is what a supposition changes, with the network before and after.
type WhatIf struct {
	Before     *Graph      `json:"before"`
	After      *Graph      `json:"after"`
	Assertions *TestReport `json:"assertions,omitempty"`
	*Plan
}

// ParseSupposition reads a supposition.
func ParseSupposition(text []byte) (*Supposition, error) {
	var s Supposition
	if err := json.Unmarshal(text, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, &QuestionError{"body", fmt.Errorf("the supposition cannot be read: %w", err)}
	}
	if len(s.Policy) > 0 && s.Policy.Kind() == '"' {
		var document string
		if err := json.Unmarshal(s.Policy, &document); err != nil {
			return nil, &QuestionError{"policy", err}
		}
		s.Policy = jsontext.Value(document)
	}
	return &s, nil
}

// WhatIf works out what a supposition changes. Whoever has to accept a move has accepted it.
func (s *Subject) WhatIf(ctx context.Context, sup *Supposition) (*WhatIf, error) {
	if s.Snapshot == nil {
		return nil, errors.New("a supposition takes the network's snapshot")
	}
	snap, err := sup.apply(s.Snapshot)
	if err != nil {
		return nil, err
	}
	var document []byte // none: what is recorded stays
	switch {
	case len(sup.Policy) > 0:
		if document, err = PolicyDocument(sup.Policy); err != nil {
			return nil, err
		}
	case len(sup.Tags)+len(sup.Labels) > 0:
		document = s.Snapshot.Policy
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	next, err := after(s, snap, document, sup.Fail.Edges, sup.Fail.Attachments)
	if err != nil {
		return nil, err
	}
	most := MaxRouteChanges
	if sup.Routes != nil {
		most = min(max(*sup.Routes, 0), most)
	}
	plan, err := planTo(ctx, s, next, most)
	if err != nil {
		return nil, err
	}
	answer := &WhatIf{Before: s.Graph(sup.Attachments), After: next.Graph(sup.Attachments), Plan: plan}
	if strings.TrimSpace(sup.Assertions) != "" {
		list, err := ParseAssertions(sup.Assertions)
		if err != nil {
			return nil, &QuestionError{"assertions", err}
		}
		answer.Assertions = next.Test("assertions", list)
	}
	return answer, nil
}

// apply is the snapshot with the tags and labels that are supposed.
func (sup *Supposition) apply(snap *snapshot.Snapshot) (*snapshot.Snapshot, error) {
	next := *snap
	next.Attachments = slices.Clone(snap.Attachments)
	at := func(id string) (*snapshot.Attachment, error) {
		i := slices.IndexFunc(next.Attachments, func(a snapshot.Attachment) bool { return a.ID == id })
		if i < 0 {
			return nil, mistake("attachment", "attachment %q does not exist", id)
		}
		return &next.Attachments[i], nil
	}
	for id, tags := range sup.Tags {
		a, err := at(id)
		if err != nil {
			return nil, err
		}
		a.Tags, a.Proposal = tags, nil
		if a.State == "PENDING_TAG_ACCEPTANCE" {
			a.State = "AVAILABLE"
		}
	}
	for id, label := range sup.Labels {
		a, err := at(id)
		if err != nil {
			return nil, err
		}
		a.RoutingPolicyLabel = label
	}
	return &next, nil
}
