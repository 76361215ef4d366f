package routing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxOscillations bounds what an OscillationError lists.
const maxOscillations = 20

// OscillationError says that edges never agree: routing policies make each prefer what the others do not.
type OscillationError struct {
	Count int           // prefixes that do not settle, of all tables
	First []Oscillation // at most 20 of them
}

// Oscillation is a prefix whose routes change for ever.
type Oscillation struct {
	Segment string
	Prefix  netip.Prefix
	// Cycle are the states that follow each other, each with what every edge that changes uses: "eu-west-1 uses us-east-1".
	Cycle [][]string
}

// States is the cycle in one line.
func (o *Oscillation) States() string {
	states := make([]string, len(o.Cycle))
	for i, state := range o.Cycle {
		states[i] = strings.Join(state, ", ")
	}
	return strings.Join(states, " → ")
}

func (e *OscillationError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "routing: %d prefixes never settle", e.Count)
	for i := range e.First[:min(len(e.First), 3)] {
		o := &e.First[i]
		fmt.Fprintf(&b, "; %s in %s: %s", o.Prefix, o.Segment, o.States())
	}
	return b.String()
}

// oscillations looks for prefixes that did not settle.
func (t *Tables) oscillations() error {
	var found OscillationError
	for _, sp := range t.w.spaces {
		for id, e := range t.entries[sp.index] {
			if e != nil && e.out.cycle != nil {
				found.Count++
				found.First = append(found.First, Oscillation{Segment: sp.name, Prefix: t.prefixes[id], Cycle: t.states(sp, e)})
			}
		}
	}
	if found.Count == 0 {
		return nil
	}
	slices.SortFunc(found.First, func(a, b Oscillation) int {
		if c := strings.Compare(a.Segment, b.Segment); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	found.First = found.First[:min(len(found.First), maxOscillations)]
	return &found
}

func (t *Tables) states(sp *space, e *entry) [][]string {
	var states [][]string
	for _, state := range e.out.cycle {
		var words []string
		for edge := range state {
			changes := slices.ContainsFunc(e.out.cycle, func(other []win) bool { return !sameWin(&other[edge], &state[edge]) })
			if changes {
				words = append(words, t.w.edges[edge].Location+" uses "+t.uses(e, &state[edge]))
			}
		}
		states = append(states, words)
	}
	return states
}

func (t *Tables) uses(e *entry, w *win) string {
	switch {
	case w.origin == none:
		return "nothing"
	case w.via != here:
		return t.w.edges[w.via].Location
	}
	return e.origins[w.origin].id()
}
