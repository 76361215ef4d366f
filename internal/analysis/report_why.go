package analysis

import (
	"fmt"
	"net/netip"
	"strings"

	"portolan/internal/page"
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
	Notes      []string       `json:"notes,omitempty"` // attachments that would offer it if they carried traffic

	Names map[string]string `json:"names,omitempty"` // Name tags of the attachments and peers, by id
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
		y.Route = new(rowOfRoute(s, e.Route))
	}
	for i := range e.Candidates {
		c := &e.Candidates[i]
		y.Candidates = append(y.Candidates, whyCandidate(s, c))
		for id, name := range s.namesOf(c.Origin.Attachment, c.Origin.Peer) {
			if y.Names == nil {
				y.Names = map[string]string{}
			}
			y.Names[id] = name
		}
	}
	if y.Notes = idleAnnouncers(s, y.Prefix); isAddress {
		y.Notes = idleAnnouncers(s, asked)
	}
	return y, nil
}

func whyCandidate(s *Subject, c *routing.Candidate) WhyCandidate {
	out := WhyCandidate{
		Outcome: c.Verdict.Outcome.String(), Origin: originText(&c.Origin), Detail: c.Verdict.Detail,
		ASPath: c.ASPath, MED: c.MED, LocalPreference: c.LocalPreference, Communities: texts(c.Communities), Steps: whySteps(s, c.Steps),
	}
	if c.NextHop != nil {
		out.NextHop = c.NextHop.String()
	}
	if c.Verdict.Outcome != routing.Filtered && c.Verdict.By != routing.ByNothing {
		out.DecidedBy = c.Verdict.By.String()
	}
	return out
}

func whySteps(s *Subject, steps []routing.Step) []WhyStep {
	out := []WhyStep{}
	for i := range steps {
		st := &steps[i]
		step := WhyStep{
			Kind: st.Kind.String(), Edge: st.Edge, Peer: st.Peer, Segment: st.Segment, Policy: st.Policy, RuleNumber: st.RuleNumber,
			Action: st.Action, Dropped: st.Dropped, Detail: st.Detail, text: stepText(s, st),
		}
		if st.Place.Known() {
			step.Path, step.Line = st.Place.Path(), st.Place.Line()
		}
		out = append(out, step)
	}
	return out
}

// stepText is a step in words. What a rule of a routing policy did is said with the rule and what it matches.
func stepText(s *Subject, step *routing.Step) string {
	p, rule := routingRule(s, step)
	parts := []string{step.Kind.String()}
	if rule != nil {
		verb := step.Action
		if step.Dropped {
			verb = "dropped"
		}
		parts = []string{fmt.Sprintf("%s by routing policy %s rule %d (%s)", verb, p.Name, rule.RuleNumber, p.Direction)}
	}
	if step.Segment != "" {
		parts = append(parts, "in "+step.Segment)
	}
	if step.Edge != "" {
		parts = append(parts, "at "+step.Edge)
	}
	if step.Peer != "" {
		parts = append(parts, "with "+step.Peer)
	}
	text := strings.Join(parts, " ")
	switch {
	case rule != nil:
		text += ": " + matchesText(rule)
	case step.Detail != "":
		text += ": " + step.Detail
	}
	text += placeText(step.Place)
	if step.Dropped && rule == nil {
		text += " – dropped"
	}
	return text
}

// holds tells whether a prefix holds an address, both as text.
func holds(prefix, addr string) bool {
	p, err := netip.ParsePrefix(prefix)
	a, err2 := netip.ParseAddr(addr)
	return err == nil && err2 == nil && p.Contains(a)
}

// marks are the colours of outcomes.
var marks = map[string]page.Mark{"selected": page.Good, "selected-ecmp": page.Good, "filtered": page.Bad, "rejected": page.Warning}

// Page is the route, then each candidate with what happened to it.
func (y *Why) Page() *page.Page {
	p := &page.Page{}
	if y.Covered != nil {
		if *y.Covered {
			p.Line(page.Plain, "%s matches route %s", y.Asked, y.Prefix)
		} else {
			p.Line(page.Bad, "no route in %s matches %s", y.Table, y.Asked)
		}
	}
	if y.Route == nil {
		p.Line(page.Bad, "%s has no route %s", y.Table, y.Prefix)
	} else {
		destinations := strings.Join(y.Route.Destinations, " ")
		if destinations == "" {
			destinations = "blackhole"
		}
		p.Line(page.Good, "%s has %s %s %s to %s", y.Table, y.Prefix, y.Route.Type, y.Route.State, destinations)
	}
	if len(y.Candidates) == 0 {
		p.Item(1, page.Plain, "no attachment in a segment visible here announces %s", y.Prefix)
	}
	for _, note := range y.Notes {
		p.Item(1, page.Warning, "%s", note)
	}
	for i := range y.Candidates {
		c := &y.Candidates[i]
		text := c.Outcome + ": " + c.Origin
		if c.NextHop != "" {
			text += ", next hop " + c.NextHop
		}
		if path := asPath(c.ASPath); path != "" {
			text += ", AS path " + path
		}
		p.Line(page.Plain, "")
		p.Item(1, marks[c.Outcome], "%s", text)
		if c.DecidedBy != "" {
			p.Item(2, page.Plain, "decided by: %s", c.DecidedBy)
		}
		if n := len(c.Steps); c.Detail != "" && (n == 0 || !c.Steps[n-1].Dropped || c.Steps[n-1].Policy == "") { // else the step says it
			p.Item(2, page.Plain, "%s", c.Detail)
		}
		for j := range c.Steps {
			p.Item(2, page.Plain, "%s", c.Steps[j].text)
		}
	}
	return p
}
