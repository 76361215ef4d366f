package analysis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"portolan/internal/page"
	"portolan/internal/snapshot"
)

// PlanMove is an attachment that a change associates elsewhere, brings or takes away.
type PlanMove struct {
	Attachment string `json:"attachment"`
	Before     string `json:"before"`
	After      string `json:"after"`
}

func (m *PlanMove) String() string {
	return fmt.Sprintf("%s: %s → %s", m.Attachment, m.Before, m.After)
}

// PlanSwap is an attachment that is deleted and made anew.
type PlanSwap struct {
	Attachment  string   `json:"attachment"`
	Reason      string   `json:"reason"`
	Unreachable []string `json:"unreachable"` // pairs that are cut off until it is back
}

// movesOf are the attachments whose segment or group changes, those that begin or cease to carry traffic, and those that come
// and go.
func movesOf(s, next *Subject) []PlanMove {
	moves := []PlanMove{}
	for i := range s.inventory.list {
		a := &s.inventory.list[i]
		was, is := standingOf(s, a.ID), standingOf(next, a.ID)
		if was.place != is.place || was.exists != is.exists {
			moves = append(moves, PlanMove{a.ID, was.String(), is.String()})
		}
	}
	for i := range next.inventory.list {
		a := &next.inventory.list[i]
		if was := standingOf(s, a.ID); !was.exists {
			is := standingOf(next, a.ID)
			moves = append(moves, PlanMove{a.ID, was.String(), is.String()})
		}
	}
	return moves
}

// standing is where an attachment carries traffic, or why it carries none.
type standing struct {
	exists bool
	place  string // in words; empty: it carries none
	idle   *Idle
}

func standingOf(s *Subject, id string) standing {
	a := s.inventory.byID[id]
	if a == nil {
		return standing{}
	}
	if idle := s.Idle(a); idle != nil {
		return standing{true, "", idle}
	}
	n := s.attachment[id]
	if n.NetworkFunctionGroup != "" {
		return standing{true, "network function group " + n.NetworkFunctionGroup, nil}
	}
	return standing{true, "segment " + n.Segment, nil}
}

func (s standing) String() string {
	switch {
	case !s.exists:
		return "does not exist"
	case s.idle != nil:
		return s.idle.Sentence()
	}
	return s.place
}

// replacementsOf are the attachments that cannot be changed in place, with what they cut off while they are replaced.
func replacementsOf(ctx context.Context, s, next *Subject) ([]PlanSwap, error) {
	swaps := []PlanSwap{}
	for i := range s.inventory.list {
		a := &s.inventory.list[i]
		if b := next.inventory.byID[a.ID]; b != nil {
			if reason := replaced(a, b); reason != "" {
				swaps = append(swaps, PlanSwap{a.ID, reason, []string{}})
			}
		}
	}
	if len(swaps) == 0 || s.Snapshot == nil {
		return swaps, nil
	}
	for i := range swaps {
		if i == maxSwaps {
			swaps[i].Reason += fmt.Sprintf("; what is unreachable meanwhile is worked out for the first %d", maxSwaps)
			break
		}
		down, err := s.Snapshot.Without(nil, []string{swaps[i].Attachment})
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		without, err := Examine(down, nil, s.Network.Options)
		if err != nil {
			return nil, err
		}
		c, err := Compare(ctx, s, without)
		if err != nil {
			return nil, err
		}
		for j := range c.Attachments {
			if p := &c.Attachments[j]; p.Lost() {
				swaps[i].Unreachable = append(swaps[i].Unreachable, p.From+" does not reach "+p.To)
			}
		}
	}
	return swaps, nil
}

// maxSwaps bounds the networks that are computed for replacements.
const maxSwaps = 8

// replaced says why a change takes a new attachment, "" where it is made in place.
func replaced(a, b *snapshot.Attachment) string {
	switch {
	case a.Type != b.Type:
		return fmt.Sprintf("the type changes from %s to %s", a.Type, b.Type)
	case a.Type != "direct-connect-gateway" && !slices.Equal(a.Edges, b.Edges):
		return fmt.Sprintf("the edge location changes from %s to %s", strings.Join(a.Edges, ", "), strings.Join(b.Edges, ", "))
	case a.ResourceARN != b.ResourceARN:
		return fmt.Sprintf("the resource changes from %s to %s", a.ResourceARN, b.ResourceARN)
	case a.TunnelLess != b.TunnelLess:
		return "the tunnel protocol changes"
	case a.RoutingPolicyLabel != b.RoutingPolicyLabel:
		return fmt.Sprintf("the routing policy label changes from %q to %q: Terraform and CloudFormation replace the attachment for it, the API's PutAttachmentRoutingPolicyLabel changes it in place",
			a.RoutingPolicyLabel, b.RoutingPolicyLabel)
	case a.State == "PENDING_ATTACHMENT_ACCEPTANCE" && optionsDiffer(a.Options, b.Options):
		return "its options change before it is accepted"
	}
	return ""
}

func optionsDiffer(a, b *snapshot.VPCOptions) bool {
	var none snapshot.VPCOptions
	if a == nil {
		a = &none
	}
	if b == nil {
		b = &none
	}
	differ := func(x, y *bool, ordinary bool) bool {
		value := func(p *bool) bool {
			if p == nil {
				return ordinary
			}
			return *p
		}
		return value(x) != value(y)
	}
	return differ(a.ApplianceMode, b.ApplianceMode, false) || differ(a.DNSSupport, b.DNSSupport, true) ||
		differ(a.IPv6Support, b.IPv6Support, false) || differ(a.SecurityGroupReferencing, b.SecurityGroupReferencing, true)
}

// headline sums a plan up. dropped are prefixes that become blackholes.
func (p *Plan) headline(dropped []droppedPrefix) {
	add := func(format string, args ...any) { p.Headline = append(p.Headline, fmt.Sprintf(format, args...)) }
	named := func(n int, at func(int) string) string {
		var list []string
		for i := range min(n, maxNamed) {
			list = append(list, at(i))
		}
		if n > maxNamed {
			list = append(list, fmt.Sprintf("and %d more", n-maxNamed))
		}
		return strings.Join(list, ", ")
	}
	if n := len(p.Moves); n > 0 {
		verb := "move"
		if n == 1 {
			verb = "moves"
		}
		add("%s %s: %s", plural(n, "attachment"), verb, named(n, func(i int) string {
			return p.Moves[i].Attachment + " from " + brief(p.Moves[i].Before) + " to " + brief(p.Moves[i].After)
		}))
	}
	for _, change := range []string{"lost", "gained"} {
		segments, attachments := of(p.Segments, change), of(p.Attachments, change)
		if len(segments)+len(attachments) == 0 {
			continue
		}
		most := ""
		if p.Truncated {
			most = "at least "
		}
		var parts []string
		if n := len(segments); n > 0 {
			parts = append(parts, plural(n, "pair")+" of segments")
		}
		if n := len(attachments); n > 0 {
			parts = append(parts, most+plural(n, "pair")+" of attachments")
		}
		text := "reachability " + change + ": " + strings.Join(parts, ", ")
		shown := segments
		if len(shown) == 0 {
			shown = attachments
		}
		add("%s: %s", text, named(len(shown), func(i int) string { return shown[i].From + " → " + shown[i].To }))
	}
	if n := len(p.InspectionLost); n > 0 {
		add("inspection lost: %s", named(n, func(i int) string { return p.InspectionLost[i] }))
	}
	if n := len(dropped); n > 0 {
		add("traffic lost: blackholes for %s", named(n, func(i int) string {
			return fmt.Sprintf("%s in %s", dropped[i].Prefix, plural(dropped[i].tables, "table"))
		}))
	}
	if n := len(p.Replacements); n > 0 {
		add("%s replaced: %s", plural(n, "attachment"), named(n, func(i int) string { return p.Replacements[i].Attachment }))
	}
	if len(p.Headline) == 0 && !p.Empty {
		add("no attachment moves, no reachability and no inspection is lost")
	}
}

// maxNamed bounds what a line of the headline names; the details name all.
const maxNamed = 5

// brief is a standing without its reasons.
func brief(text string) string {
	if _, rest, ok := strings.Cut(text, " but "); ok {
		text = rest
	}
	text, _, _ = strings.Cut(text, ":")
	return strings.TrimPrefix(text, "is ")
}

func of(list []PlanPair, change string) []PlanPair {
	return slices.DeleteFunc(slices.Clone(list), func(p PlanPair) bool { return p.Change != change })
}

// Summary is the headline and the number of routes.
func (p *Plan) Summary() *page.Page {
	out := p.top()
	if !p.Empty {
		out.Line(page.Plain, "%s", p.routeCounts())
	}
	return out
}

// top is the headline.
func (p *Plan) top() *page.Page {
	out := &page.Page{Label: p.label}
	if p.Empty {
		out.Line(page.Good, "Nothing changes.")
	}
	for _, line := range p.Headline {
		mark := page.Warning
		switch {
		case strings.Contains(line, " lost: "):
			mark = page.Bad
		case strings.HasPrefix(line, "reachability gained"), strings.HasPrefix(line, "no attachment moves"):
			mark = page.Good
		}
		out.Item(1, mark, "%s", line)
	}
	return out
}
