package routing

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"portolan/policy"
)

// A bgp is what the edges of a vrf do with a prefix: a full mesh of eBGP speakers that advertise their best path to each
// other. It knows paths, not attachments, so that paths which look alike to it converge once: what they converged to is
// kept in done, by all that can make a difference. Vrfs with the same edges and no policies between them share one bgp, and
// what it keeps. Nothing else in a core changes after newCore.
type bgp struct {
	core     *core
	hasTable []bool
	policies *edgePolicies // nil: none

	tests      map[int32]bool  // of the policies, those that look at prefixes: see prefixTests
	known      map[uint32]bool // ASNs that matter: of edges, and those that policies name
	wholePaths bool            // policies take ASNs out of paths
	tags       bool            // policies look at communities
	summaries  []*policy.RoutingRule

	mu   sync.Mutex
	done map[string]*bestPaths
}

// maxDone bounds what a bgp keeps.
const maxDone = 100_000

// bestPaths is what each edge selected for a prefix.
type bestPaths struct {
	by    *bgp
	edges []bestPath   // by edge
	cycle [][]bestPath // states that follow each other for ever; nil when it converged
	whole bool         // the attributes are whole, otherwise cut to what matters: see restore
}

// bestPath is what an edge selected.
type bestPath struct {
	Attributes         // after the edge's own policies
	path       int32   // index of the path where it started; noPath, or aggregate + the edge that made it
	via        edgeID  // the edge that advertised it; noEdge for a path of this edge
	equals     []int32 // with ECMP: all paths that are used
}

const (
	noPath    = -1
	aggregate = 1 << 20
)

// edgePolicies are the routing policies between two edges of a vrf.
type edgePolicies struct{ in, out [][][]*policy.RoutingPolicy } // [edge][its peer]

// bgpOf is the bgp of a vrf. shared holds those without policies, by their edges.
func (c *core) bgpOf(v *vrf, shared map[string]*bgp) *bgp {
	n := len(c.edges)
	var policies *edgePolicies
	for i := range c.policy.EdgeAssociations {
		a := &c.policy.EdgeAssociations[i]
		e, okE := c.edge[a.Edge]
		p, okP := c.edge[a.Peer]
		if v.segment == nil || a.Segment != v.name || !okE || !okP || e == p {
			continue
		}
		if policies == nil {
			policies = &edgePolicies{in: make([][][]*policy.RoutingPolicy, n), out: make([][][]*policy.RoutingPolicy, n)}
			for i := range n {
				policies.in[i] = make([][]*policy.RoutingPolicy, n)
				policies.out[i] = make([][]*policy.RoutingPolicy, n)
			}
		}
		for _, rp := range a.Policies {
			if rp.Direction == policy.Inbound {
				policies.in[e][p] = append(policies.in[e][p], rp)
			} else {
				policies.out[e][p] = append(policies.out[e][p], rp)
			}
		}
	}
	if policies != nil {
		return c.newBGP(v.hasTable, policies)
	}
	key := fmt.Sprint(v.hasTable)
	if shared[key] == nil {
		shared[key] = c.newBGP(v.hasTable, nil)
	}
	return shared[key]
}

func (c *core) newBGP(hasTable []bool, policies *edgePolicies) *bgp {
	b := &bgp{core: c, hasTable: hasTable, policies: policies, done: map[string]*bestPaths{}, known: map[uint32]bool{}, tests: map[int32]bool{}}
	for _, e := range c.edges {
		b.known[e.ASN] = true
	}
	if policies == nil {
		return b
	}
	seen := map[*policy.RoutingPolicy]bool{}
	for _, side := range [][][][]*policy.RoutingPolicy{policies.in, policies.out} {
		for _, row := range side {
			for _, list := range row {
				for _, p := range list {
					if !seen[p] {
						seen[p] = true
						b.study(p)
					}
				}
			}
		}
	}
	return b
}

// study notes what a policy looks at and changes.
func (b *bgp) study(p *policy.RoutingPolicy) {
	for i := range p.Rules {
		rule := &p.Rules[i]
		for j := range rule.Matches {
			match := &rule.Matches[j]
			switch {
			case byPrefix(match):
				b.tests[b.core.tests.number[match]] = true
			case match.Type == policy.MatchASNInASPath:
				b.known[match.Number] = true
			case match.Type == policy.MatchCommunityInList:
				b.tags = true
			}
		}
		switch rule.Action.Type {
		case policy.RouteRemoveASNList, policy.RouteReplaceASNList:
			b.wholePaths = true
		case policy.RouteAddCommunity, policy.RouteRemoveCommunity:
			b.tags = true
		case policy.RouteSummarize:
			if p.Direction == policy.Outbound {
				b.summaries = append(b.summaries, rule)
			}
		}
	}
}

// aggregated says whether what happens to a prefix may depend on what happens to others, because a rule can put them
// into an aggregate. Such prefixes converge together.
func (b *bgp) aggregated(p netip.Prefix) bool {
	for _, rule := range b.summaries {
		if rule.Action.Prefix.Masked() == p {
			return true
		}
		can, cannot := false, false
		for i := range rule.Matches {
			match := &rule.Matches[i]
			held := !byPrefix(match) || holdsPrefix(b.core.lists, match, p)
			can, cannot = can || held, cannot || !held
		}
		if rule.Or && can || !rule.Or && !cannot {
			return true
		}
	}
	return false
}

func (b *bgp) inbound(edge, peer edgeID) []*policy.RoutingPolicy {
	if b.policies == nil {
		return nil
	}
	return b.policies.in[edge][peer]
}

func (b *bgp) outbound(edge, peer edgeID) []*policy.RoutingPolicy {
	if b.policies == nil {
		return nil
	}
	return b.policies.out[edge][peer]
}

func (b *bgp) filter(record *Step) *filter {
	return &filter{lists: b.core.lists, summarize: true, record: record, met: b.core.met}
}

// nothing is that no edge selected anything.
func (b *bgp) nothing() *bestPaths {
	none := &bestPaths{by: b, edges: make([]bestPath, len(b.hasTable)), whole: true}
	for e := range none.edges {
		none.edges[e].path = noPath
	}
	return none
}

// converged is what the edges select for one prefix that is not aggregated. matched are the tests that the prefix passes.
func (b *bgp) converged(v *vrf, prefix netip.Prefix, paths []path, matched []int32) *bestPaths {
	if b.core.opt.TieBreak != nil { // anything may depend on what it says
		name := func(_ prefixID, at int32) (string, string) { return paths[at].id(), paths[at].peerName() }
		out := b.newRun(v, []netip.Prefix{prefix}, [][]path{paths}, name).converge()[0]
		out.whole = true
		return out
	}
	key := b.appendKey(make([]byte, 0, 64), paths, matched)
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.done[string(key)]; known != nil {
		return known
	}
	reduced := make([]path, len(paths))
	for i := range paths {
		reduced[i] = paths[i]
		reduced[i].Attributes = b.reduce(paths[i].Attributes)
	}
	out := b.newRun(v, []netip.Prefix{prefix}, [][]path{reduced}, nil).converge()[0]
	if len(b.done) >= maxDone { // after a great many updates
		clear(b.done)
	}
	b.done[string(key)] = out
	return out
}

// appendKey appends all of some paths that can make a difference to what they converge to.
func (b *bgp) appendKey(key []byte, paths []path, matched []int32) []byte {
	for _, test := range matched {
		if b.tests[test] {
			key = binary.AppendUvarint(key, uint64(test)+1)
		}
	}
	key = append(key, 0)
	for i := range paths {
		p := &paths[i]
		key = binary.AppendUvarint(key, uint64(p.edge))
		key = append(key, byte(p.kind), boolByte(p.ecmp))
		key = binary.AppendUvarint(key, uint64(p.MED))
		key = binary.AppendUvarint(key, uint64(p.LocalPreference))
		key = binary.AppendUvarint(key, uint64(len(p.ASPath)))
		for _, asn := range p.ASPath {
			key = binary.AppendUvarint(key, uint64(b.reduceASN(asn)))
		}
		if b.tags {
			key = binary.AppendUvarint(key, uint64(len(p.Communities)))
			for _, c := range p.Communities {
				key = binary.AppendUvarint(key, uint64(c))
			}
		}
	}
	return key
}

// reduce cuts attributes to what makes a difference.
func (b *bgp) reduce(a *Attributes) *Attributes {
	r := *a
	if !b.wholePaths {
		r.ASPath = slices.Clone(r.ASPath)
		for j := range r.ASPath {
			r.ASPath[j] = b.reduceASN(r.ASPath[j])
		}
	}
	if !b.tags {
		r.Communities = nil
	}
	return &r
}

// reduceASN is an ASN, or 0 for one that makes no difference.
func (b *bgp) reduceASN(asn uint32) uint32 {
	if b.wholePaths || b.known[asn] {
		return asn
	}
	return 0
}

// restore puts back what reduce cut from the attributes of a best path that started with others.
func (b *bgp) restore(a Attributes, from *Attributes) Attributes {
	if n := len(from.ASPath); !b.wholePaths && n > 0 {
		a.ASPath = slices.Concat(a.ASPath[:len(a.ASPath)-n], from.ASPath)
	}
	if !b.tags {
		a.Communities = from.Communities
	}
	return a
}

// at is what an edge selected, with the attributes that the exchange needed; nil for nothing.
func (k *rib) at(edge edgeID) *bestPath {
	if k == nil || k.best.edges[edge].path == noPath {
		return nil
	}
	return &k.best.edges[edge]
}

// attributes are all attributes of what an edge selected.
func (k *rib) attributes(p *bestPath) Attributes {
	if k.best.whole || p.path >= aggregate {
		return p.Attributes
	}
	return k.best.by.restore(p.Attributes, k.paths[p.path].Attributes)
}
