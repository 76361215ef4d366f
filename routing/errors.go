package routing

import (
	"fmt"
	"net/netip"
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
