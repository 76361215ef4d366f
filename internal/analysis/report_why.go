package analysis

import (
	"fmt"
	"io"
	"strings"

	"portolan/routing"
)

// Why is why a table has a route or has none.
type Why struct {
	Table      string         `json:"table"`
	Asked      string         `json:"asked"`  // a prefix or an address
	Prefix     string         `json:"prefix"` // what was explained: of an address, the route that covers it
	Covered    *bool          `json:"covered,omitempty"`
	Route      *RouteRow      `json:"route"` // null: there is none
	Candidates []WhyCandidate `json:"candidates"`
}

// WhyCandidate is a route that could have been in the table.
type WhyCandidate struct {
	Outcome         string    `json:"outcome"` // selected, selected-ecmp, rejected, filtered
	Origin          string    `json:"origin"`
	NextHop         string    `json:"nextHop,omitempty"`
	DecidedBy       string    `json:"decidedBy,omitempty"` // the criterion of best path selection
	Detail          string    `json:"detail,omitempty"`
	ASPath          []uint32  `json:"asPath,omitempty"`
	MED             uint32    `json:"med"`
	LocalPreference uint32    `json:"localPreference"`
	Communities     []string  `json:"communities,omitempty"`
	Steps           []WhyStep `json:"steps"`
}

// WhyStep is something that happened to a candidate on its way.
type WhyStep struct {
	Kind       string `json:"kind"`
	Edge       string `json:"edge,omitempty"`
	Peer       string `json:"peer,omitempty"` // the other edge
	Segment    string `json:"segment,omitempty"`
	Policy     string `json:"routingPolicy,omitempty"`
	RuleNumber int    `json:"ruleNumber,omitzero"`
	Action     string `json:"action,omitempty"`
	Path       string `json:"path,omitempty"` // of the statement of the policy
	Line       int    `json:"line,omitzero"`
	Dropped    bool   `json:"dropped,omitzero"`
	Detail     string `json:"detail,omitempty"`

	text string
}

// Found tells whether the table has a route.
func (y *Why) Found() bool { return y.Route != nil }

// Why explains a prefix, or what covers an address, in a table.
func (s *Subject) Why(asked string, id routing.TableID) (*Why, error) {
	prefix, isAddress, err := parsePrefix(asked)
	if err != nil {
		return nil, err
	}
	table, err := s.table(id)
	if err != nil {
		return nil, err
	}
	y := &Why{Table: table.ID().String(), Asked: asked, Candidates: []WhyCandidate{}}
	if isAddress {
		r, ok := table.Lookup(prefix)
		if ok {
			prefix = r.Prefix
		}
		y.Covered = &ok
	}
	e := table.Explain(prefix)
	y.Prefix = e.Prefix.String()
	if e.Route != nil {
		y.Route = new(rowOfRoute(e.Route))
	}
	for i := range e.Candidates {
		y.Candidates = append(y.Candidates, whyCandidate(&e.Candidates[i]))
	}
	return y, nil
}

func whyCandidate(c *routing.Candidate) WhyCandidate {
	out := WhyCandidate{
		Outcome: c.Verdict.Outcome.String(), Origin: originText(&c.Origin), Detail: c.Verdict.Detail,
		ASPath: c.ASPath, MED: c.MED, LocalPreference: c.LocalPreference, Communities: texts(c.Communities), Steps: whySteps(c.Steps),
	}
	if c.NextHop != nil {
		out.NextHop = c.NextHop.String()
	}
	if c.Verdict.Outcome != routing.Filtered && c.Verdict.By != routing.ByNothing {
		out.DecidedBy = c.Verdict.By.String()
	}
	return out
}

func whySteps(steps []routing.Step) []WhyStep {
	out := []WhyStep{}
	for i := range steps {
		st := &steps[i]
		step := WhyStep{
			Kind: st.Kind.String(), Edge: st.Edge, Peer: st.Peer, Segment: st.Segment, Policy: st.Policy, RuleNumber: st.RuleNumber,
			Action: st.Action, Dropped: st.Dropped, Detail: st.Detail, text: stepText(st),
		}
		if st.Place.Known() {
			step.Path, step.Line = st.Place.Path(), st.Place.Line()
		}
		out = append(out, step)
	}
	return out
}

func stepText(s *routing.Step) string {
	parts := []string{s.Kind.String()}
	if s.Segment != "" {
		parts = append(parts, "in "+s.Segment)
	}
	if s.Edge != "" {
		parts = append(parts, "at "+s.Edge)
	}
	if s.Peer != "" {
		parts = append(parts, "with "+s.Peer)
	}
	if s.Policy != "" {
		parts = append(parts, fmt.Sprintf("by %s rule %d %s", s.Policy, s.RuleNumber, s.Action))
	}
	text := strings.Join(parts, " ")
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	text += placeText(s.Place)
	if s.Dropped {
		text += " – dropped"
	}
	return text
}

// WriteText writes the route, then a paragraph for each candidate.
func (y *Why) WriteText(w io.Writer) error {
	var b strings.Builder
	if y.Covered != nil {
		if *y.Covered {
			fmt.Fprintf(&b, "%s matches route %s\n", y.Asked, y.Prefix)
		} else {
			fmt.Fprintf(&b, "no route in %s matches %s\n", y.Table, y.Asked)
		}
	}
	if y.Route == nil {
		fmt.Fprintf(&b, "%s has no route %s\n", y.Table, y.Prefix)
	} else {
		destinations := strings.Join(y.Route.Destinations, " ")
		if destinations == "" {
			destinations = "blackhole"
		}
		fmt.Fprintf(&b, "%s has %s %s %s to %s\n", y.Table, y.Prefix, y.Route.Type, y.Route.State, destinations)
	}
	if len(y.Candidates) == 0 {
		b.WriteString("  nothing announces it\n")
	}
	for i := range y.Candidates {
		c := &y.Candidates[i]
		fmt.Fprintf(&b, "\n  %s: %s", c.Outcome, c.Origin)
		if c.NextHop != "" {
			fmt.Fprintf(&b, ", next hop %s", c.NextHop)
		}
		if path := asPath(c.ASPath); path != "" {
			fmt.Fprintf(&b, ", AS path %s", path)
		}
		b.WriteByte('\n')
		if c.DecidedBy != "" {
			fmt.Fprintf(&b, "    decided by: %s\n", c.DecidedBy)
		}
		if c.Detail != "" {
			fmt.Fprintf(&b, "    %s\n", c.Detail)
		}
		for j := range c.Steps {
			fmt.Fprintf(&b, "    %s\n", c.Steps[j].text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
