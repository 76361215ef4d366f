package analysis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"portolan/internal/snapshot"
)

// Change is what is to change of a network; what is absent stays as it is.
type Change struct {
	Policy []byte             // the new policy document
	To     *snapshot.Snapshot // the network as it is to be: attachments, tags, announcements
	Fail   []string           // what fails: edge=LOCATION, or attachment=ID or name
}

// Of is the network after the change, computed with the routing options of this one.
func (c *Change) Of(ctx context.Context, s *Subject) (*Subject, error) {
	if s.Snapshot == nil {
		return nil, errors.New("a change takes the network's snapshot")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	snap := s.Snapshot
	if c.To != nil {
		snap = c.To
	}
	if len(c.Fail) > 0 {
		edges, attachments, err := failures(s, c.Fail)
		if err != nil {
			return nil, err
		}
		if snap, err = snap.Without(edges, attachments); err != nil {
			return nil, &QuestionError{"fail", err}
		}
	}
	next, err := Examine(snap, c.Policy, s.Network.Options)
	if err != nil {
		return nil, fmt.Errorf("after the change: %w", asQuestionError(err))
	}
	return next, nil
}

// failures reads what fails.
func failures(s *Subject, list []string) (edges, attachments []string, err error) {
	for _, text := range list {
		kind, name, _ := strings.Cut(text, "=")
		switch {
		case kind == "edge" && name != "":
			edges = append(edges, name)
		case kind == "attachment" && name != "":
			id, err := s.Identify("fail", name)
			if err != nil {
				return nil, nil, err
			}
			attachments = append(attachments, id)
		default:
			return nil, nil, mistake("fail", "%q: write it as edge=LOCATION or attachment=ID", text)
		}
	}
	return edges, attachments, nil
}
