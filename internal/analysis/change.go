package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	edges, attachments, err := failures(s, c.Fail)
	if err != nil {
		return nil, err
	}
	return after(s, snap, c.Policy, edges, attachments)
}

// after is what becomes of s: the network of a snapshot, under a policy if document is not empty, in which edge locations and attachments have failed.
func after(s *Subject, snap *snapshot.Snapshot, document []byte, edges, attachments []string) (*Subject, error) {
	without, err := snap.Without(edges, attachments)
	if err != nil {
		return nil, &QuestionError{"fail", err}
	}
	next, err := Examine(without, document, s.Network.Options)
	if err != nil {
		return nil, fmt.Errorf("after the change: %w", asQuestionError(err))
	}
	edges, attachments, next.failed = inVain(s, edges, attachments)
	if len(next.failed) > 0 && (snap != s.Snapshot || len(document) > 0) {
		working, err := Examine(snap, document, s.Network.Options)
		if err != nil {
			return nil, fmt.Errorf("after the change: %w", asQuestionError(err))
		}
		_, _, next.failed = inVain(working, edges, attachments) // the change may have put them to use
	}
	return next, nil
}

// inVain are the failures that take no traffic away from a network, and why in words.
func inVain(s *Subject, edges, attachments []string) (idleEdges, idleAttachments, texts []string) {
	for _, e := range edges {
		if text := idleAt(s, e); text != "" {
			idleEdges, texts = append(idleEdges, e), append(texts, text)
		}
	}
	for _, id := range attachments {
		if is := standingOf(s, id); is.idle != nil && !carries(s, id) {
			idleAttachments, texts = append(idleAttachments, id), append(texts, "attachment "+id+" fails, which changes nothing: it "+is.idle.Reason)
		}
	}
	return idleEdges, idleAttachments, texts
}

// carries tells whether a Connect attachment that carries traffic runs over an attachment.
func carries(s *Subject, id string) bool {
	i := slices.IndexFunc(s.Snapshot.Attachments, func(a snapshot.Attachment) bool { return a.ID == id })
	return i >= 0 && slices.ContainsFunc(s.Snapshot.Over(&s.Snapshot.Attachments[i]), func(a *snapshot.Attachment) bool { return standingOf(s, a.ID).idle == nil })
}

// idleAt says why the failure of an edge location takes no traffic away, "" where it does.
func idleAt(s *Subject, edge string) string {
	idle := 0
	for i := range s.inventory.list {
		a := &s.inventory.list[i]
		switch {
		case !slices.Contains(a.Edges, edge):
		case s.Idle(a) == nil:
			return ""
		default:
			idle++
		}
	}
	why := "it has no attachments"
	switch {
	case idle == 1:
		why = "its only attachment carries no traffic"
	case idle > 1:
		why = fmt.Sprintf("of its %d attachments none carries traffic", idle)
	}
	return "edge location " + edge + " fails, which changes nothing: " + why
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
