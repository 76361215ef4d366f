package routing

import (
	"sync/atomic"

	"portolan/policy"
)

// Unmatched is a rule of a routing policy that no route of a network matches, wherever the policy runs.
type Unmatched struct {
	Policy *policy.RoutingPolicy
	Rule   *policy.RoutingRule // nil: no route passes the routing policy at all
}

// matchRecord is what routes have met. Computations record it side by side.
type matchRecord struct {
	policies map[*policy.RoutingPolicy]*atomic.Bool
	rules    map[*policy.RoutingRule]*atomic.Bool
}

func newMatchRecord(p *policy.Policy) *matchRecord {
	m := &matchRecord{map[*policy.RoutingPolicy]*atomic.Bool{}, map[*policy.RoutingRule]*atomic.Bool{}}
	for _, rp := range p.RoutingPoliciesByNumber {
		m.policies[rp] = &atomic.Bool{}
		for i := range rp.Rules {
			m.rules[&rp.Rules[i]] = &atomic.Bool{}
		}
	}
	return m
}

// passed records that routes pass a routing policy. A nil record records nothing.
func (m *matchRecord) passed(p *policy.RoutingPolicy) {
	if m != nil {
		m.policies[p].Store(true)
	}
}

func (m *matchRecord) matched(r *policy.RoutingRule) {
	if m != nil {
		m.rules[r].Store(true)
	}
}

// missing says whether some rule of a routing policy has not been matched yet.
func (m *matchRecord) missing(policies []*policy.RoutingPolicy) bool {
	for _, p := range policies {
		for i := range p.Rules {
			if !m.rules[&p.Rules[i]].Load() {
				return true
			}
		}
	}
	return false
}

// UnmatchedRules computes a network and finds the rules of routing policies that match none of its routes, in the order in
// which they run. The error is as that of [Compute]; where prefixes never settle the rules are those that were not met until
// then.
func UnmatchedRules(n Network) ([]Unmatched, error) {
	if n.Policy == nil || len(n.Policy.RoutingPoliciesByNumber) == 0 {
		return nil, nil
	}
	m := newMatchRecord(n.Policy)
	t, err := compute(&n, m)
	if t == nil {
		return nil, err
	}
	for _, a := range t.attachments {
		for _, e := range a.edges {
			peers := []string{a.ID}
			for _, p := range a.Peers {
				peers = append(peers, p.ID)
			}
			for _, id := range peers {
				if s, why := t.session(id, t.core.location(e)); why == "" && m.missing(t.outbound(&s)) {
					t.outgoing(&s, nil)
				}
			}
		}
	}
	var list []Unmatched
	for _, p := range n.Policy.RoutingPoliciesByNumber {
		if !m.policies[p].Load() {
			list = append(list, Unmatched{Policy: p})
			continue
		}
		for i := range p.Rules {
			if r := &p.Rules[i]; !m.rules[r].Load() {
				list = append(list, Unmatched{p, r})
			}
		}
	}
	return list, err
}
