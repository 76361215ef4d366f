package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portolan/internal/page"
)

// absences say why attachments are not part of a network, each worked out once.
type absences struct {
	*Subject
	known map[string]string
}

// of says that an attachment does not exist or carries no traffic: "a1 is not associated"; "" for one that does.
func (b *absences) of(id string) string {
	text, known := b.known[id]
	if known {
		return text
	}
	switch at := standingOf(b.Subject, id); {
	case !at.exists:
		text = id + " does not exist"
	case at.idle != nil:
		text = id + " is " + strings.Replace(brief(at.String()), "waits", "waiting", 1)
	}
	b.known[id] = text
	return text
}

// retagged are the changes of tags of attachments that move: "MODIFY ATTACHMENT a1: tag env = prod → dev".
func retagged(s, next *Subject, moves []PlanMove) []string {
	var list []string
	for i := range moves {
		id := moves[i].Attachment
		was, is := s.inventory.byID[id], next.inventory.byID[id]
		if was == nil || is == nil {
			continue
		}
		keys := maps.Clone(was.Tags)
		if keys == nil {
			keys = map[string]string{}
		}
		maps.Copy(keys, is.Tags)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			a, had := was.Tags[key]
			b, has := is.Tags[key]
			switch {
			case !had:
				list = append(list, fmt.Sprintf("MODIFY ATTACHMENT %s: tag %s = %s is added", id, key, b))
			case !has:
				list = append(list, fmt.Sprintf("MODIFY ATTACHMENT %s: tag %s = %s is removed", id, key, a))
			case a != b:
				list = append(list, fmt.Sprintf("MODIFY ATTACHMENT %s: tag %s = %s → %s", id, key, a, b))
			}
		}
	}
	return list
}

// pairGroup is pairs that have one end in common and change alike.
type pairGroup struct {
	PlanPair          // one of them
	hub      string   // the end in common
	arrow    string   // "↔", "→" or "←", from the hub
	others   []string // the other ends
}

// groupPairs puts together the pairs that change alike and have an end in common: each with the end that has most of them. They are
// in the order of the first of each.
func groupPairs(list []PlanPair) []*pairGroup {
	type key struct{ hub, arrow, text string }
	textOf := func(p *PlanPair) string { return p.Change + "\x00" + p.Before + "\x00" + p.After }
	pairs := make(map[[3]string]bool, len(list))
	for i := range list {
		pairs[[3]string{list[i].From, list[i].To, textOf(&list[i])}] = true
	}
	ends := func(p *PlanPair) (a, b key, skip bool) {
		text := textOf(p)
		if p.From != p.To && pairs[[3]string{p.To, p.From, text}] {
			return key{p.From, "↔", text}, key{p.To, "↔", text}, p.From > p.To
		}
		return key{p.From, "→", text}, key{p.To, "←", text}, false
	}
	count := map[key]int{}
	for i := range list {
		if a, b, skip := ends(&list[i]); !skip {
			count[a]++
			count[b]++
		}
	}
	groups := map[key]*pairGroup{}
	var order []*pairGroup
	for i := range list {
		p := &list[i]
		a, b, skip := ends(p)
		if skip {
			continue
		}
		hub, other := a, p.To
		if count[b] > count[a] {
			hub, other = b, p.From
		}
		g := groups[hub]
		if g == nil {
			g = &pairGroup{PlanPair: *p, hub: hub.hub, arrow: hub.arrow}
			groups[hub] = g
			order = append(order, g)
		}
		g.others = append(g.others, other)
	}
	return order
}

// show adds a line for a pair, and two for several: how many, and which.
func (g *pairGroup) show(p *page.Page, what string) {
	mark := changeMarks[g.Change]
	if len(g.others) > 1 {
		p.Item(1, mark, "%s %s %d %s: %s (was: %s)", g.hub, g.arrow, len(g.others), what, g.After, g.Before)
		p.Item(2, page.Plain, "%s", strings.Join(g.others, ", "))
		return
	}
	from, arrow, to := g.From, "→", g.To
	if g.arrow == "↔" {
		arrow = "↔"
	}
	p.Item(1, mark, "%s %s %s: %s (was: %s)", from, arrow, to, g.After, g.Before)
}
