package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
)

// A core is what does not change with attachments: a policy and options made ready to run. It holds the vrfs (vrf.go) with
// the rules that import routes into them (import.go), the exchange between edges of each (bgp.go) and the decision process
// (decision.go). Nothing in it points at attachments or at Tables; all Tables that Update makes share one.
type core struct {
	policy   *policy.Policy
	opt      Options
	lists    map[string]map[netip.Prefix]bool
	tests    *prefixTests
	decision []criterion
	plain    *Attributes  // of a route that came without any
	met      *matchRecord // nil: nobody asks

	edges   []policy.Edge
	edge    map[string]edgeID
	byName  []int // rank of each edge in the alphabet
	inspect []int // rank of each edge where no override says where to inspect

	vrfs        []*vrf
	segment     map[string]vrfID
	group       map[string]vrfID
	imports     [][]importRule // by the segment an attachment is in
	summarizing []*vrf         // those with summarize between edges

	special map[netip.Prefix]bool     // prefixes that exist whatever attachments announce
	static  map[string][]netip.Prefix // of static routes, by the attachment they lead to
}

// edgeID is the index of an edge in the order of the policy.
type edgeID int16

// noEdge is no edge. As the neighbor of a best path it means that the path is one of this edge.
const noEdge edgeID = -1

// vrfID is the index of a vrf: segments, then network function groups, in the order of the policy.
type vrfID int16

const noVRF vrfID = -1

var (
	default4 = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	default6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
)

func newCore(n *Network, met *matchRecord) (*core, error) {
	if n.Policy == nil {
		return nil, fmt.Errorf("routing: no policy")
	}
	c := &core{
		policy: n.Policy, opt: *DefaultOptions(), edges: n.Policy.Edges, edge: map[string]edgeID{}, segment: map[string]vrfID{}, group: map[string]vrfID{},
		lists: map[string]map[netip.Prefix]bool{}, static: map[string][]netip.Prefix{}, special: map[netip.Prefix]bool{},
		plain: &Attributes{MED: DefaultMED}, met: met,
	}
	if n.Options != nil {
		c.opt = *n.Options
	}
	for alias, list := range n.PrefixLists {
		set := make(map[netip.Prefix]bool, len(list))
		for _, p := range list {
			set[p.Masked()] = true
		}
		c.lists[alias] = set
	}
	c.tests = newPrefixTests(n.Policy, c.lists)
	c.decision = decisionProcess(&c.opt)
	c.rankEdges()
	for i := range n.Policy.Segments {
		s := &n.Policy.Segments[i]
		v := c.addVRF(s.Name, s.Edges, c.segment)
		v.segment = s
		v.inserts = map[insertKey]*policy.Insertion{}
		v.statics = map[netip.Prefix][]*policy.StaticRoute{}
	}
	for i := range n.Policy.NetworkFunctionGroups {
		g := &n.Policy.NetworkFunctionGroups[i]
		c.addVRF(g.Name, g.Edges, c.group).group = g
	}
	c.actions()
	c.importRules()
	shared := map[string]*bgp{}
	for _, v := range c.vrfs {
		for _, e := range c.edges {
			id := v.table(e.Location)
			v.toEdge = append(v.toEdge, []Destination{{Edge: id.Edge, Segment: id.Segment, NetworkFunctionGroup: id.NetworkFunctionGroup}})
		}
		v.bgp = c.bgpOf(v, shared)
		for _, rule := range v.bgp.summaries {
			c.special[rule.Action.Prefix.Masked()] = true
		}
		if len(v.bgp.summaries) > 0 {
			c.summarizing = append(c.summarizing, v)
		}
	}
	return c, nil
}

// rankEdges ranks the edges, by name and by who inspects first.
func (c *core) rankEdges() {
	n := len(c.edges)
	names := make([]int, n)
	for i, e := range c.edges {
		c.edge[e.Location] = edgeID(i)
		names[i] = i
	}
	priority := slices.Clone(names)
	slices.SortFunc(names, func(a, b int) int { return cmp.Compare(c.edges[a].Location, c.edges[b].Location) })
	order := c.opt.DefaultRegionPriority
	if order == nil {
		order = policy.RegionPriority()
	}
	place := func(i int) int {
		if at := slices.Index(order, c.edges[i].Location); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(priority, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	c.byName, c.inspect = make([]int, n), make([]int, n)
	for rank := range n {
		c.byName[names[rank]] = rank
		c.inspect[priority[rank]] = rank
	}
}

func (c *core) location(e edgeID) string { return c.edges[e].Location }

// actions finds what create-route, send-via and send-to do to each vrf.
func (c *core) actions() {
	p := c.policy
	for i := range p.StaticRoutes {
		r := &p.StaticRoutes[i]
		if at, ok := c.segment[r.Segment]; ok {
			prefix := r.Prefix.Masked()
			c.vrfs[at].statics[prefix] = append(c.vrfs[at].statics[prefix], r)
			c.special[prefix] = true
			for _, id := range r.Destinations {
				c.static[id] = append(c.static[id], prefix)
			}
		}
	}
	for i := range p.Insertions {
		in := &p.Insertions[i]
		a, okA := c.segment[in.Segment]
		b, okB := c.segment[in.With]
		g, okG := c.group[in.Group]
		if !okA || !okB || !okG {
			continue
		}
		c.vrfs[g].dualHop = c.vrfs[g].dualHop || in.DualHop
		for _, pair := range [][2]vrfID{{a, b}, {b, a}} {
			v := c.vrfs[pair[0]]
			v.inserts[insertKey{g, pair[1]}] = in
			if !slices.Contains(v.via, g) {
				v.via = append(v.via, g)
			}
		}
	}
	for i := range p.SendTo {
		s := &p.SendTo[i]
		a, okA := c.segment[s.Segment]
		g, okG := c.group[s.Group]
		if okA && okG {
			c.vrfs[a].sendTo, c.vrfs[a].toGroup = s, g
			c.special[default4] = true
			c.special[default6] = true
		}
	}
}

// unique says whether what happens to a prefix may depend on more than who announces it and which rules match it, so that
// it shares nothing with other prefixes.
func (c *core) unique(p netip.Prefix) bool {
	return c.opt.TieBreak != nil || c.special[p] || slices.ContainsFunc(c.summarizing, func(v *vrf) bool { return v.bgp.aggregated(p) })
}
