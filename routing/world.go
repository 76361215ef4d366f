package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
)

// world is what does not change with attachments: the policy made ready to run.
type world struct {
	policy  *policy.Policy
	opt     Options
	lists   map[string]map[netip.Prefix]bool
	edges   []policy.Edge
	edge    map[string]int
	byName  []int // rank of each edge in the alphabet
	inspect []int // rank of each edge where no override says where to inspect
	spaces  []*space
	segment map[string]int // index into spaces
	group   map[string]int
	imports [][]importer              // by the segment an attachment is in
	pinned  []netip.Prefix            // prefixes that exist whatever attachments announce
	static  map[string][]netip.Prefix // by attachment
}

// space is the table of a segment or group across all edges.
type space struct {
	index   int
	name    string
	segment *policy.Segment // or nil
	group   *policy.NetworkFunctionGroup
	real    []bool          // by edge
	toEdge  [][]Destination // the same table at each edge, shared by all rows that lead there
	mesh    *mesh
	statics map[netip.Prefix][]*policy.StaticRoute

	// of a segment
	inserts map[[2]int]*policy.Insertion // by group and by the segment at the other end
	via     []int                        // groups of inserts, by index
	sendTo  *policy.SendTo
	toGroup int

	dualHop bool // of a group
}

// importer is a way of routes of the attachments of a segment into a space.
type importer struct {
	to      *space
	how     StepKind // StepImport, StepShare or StepLearn
	share   *policy.Share
	refused policy.Place // of the filter; only where by is not nil
	by      *policy.Segment
}

var (
	default4 = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	default6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
)

func newWorld(n *Network) (*world, error) {
	if n.Policy == nil {
		return nil, fmt.Errorf("routing: no policy")
	}
	w := &world{
		policy: n.Policy, opt: *DefaultOptions(), edges: n.Policy.Edges, edge: map[string]int{}, segment: map[string]int{}, group: map[string]int{},
		lists: map[string]map[netip.Prefix]bool{}, static: map[string][]netip.Prefix{},
	}
	if n.Options != nil {
		w.opt = *n.Options
	}
	for alias, list := range n.PrefixLists {
		set := make(map[netip.Prefix]bool, len(list))
		for _, p := range list {
			set[p.Masked()] = true
		}
		w.lists[alias] = set
	}
	w.order()
	meshes := map[string]*mesh{}
	p := n.Policy
	for i := range p.Segments {
		s := &p.Segments[i]
		sp := w.addSpace(s.Name, s.Edges, w.segment)
		sp.segment = s
		sp.inserts = map[[2]int]*policy.Insertion{}
		sp.statics = map[netip.Prefix][]*policy.StaticRoute{}
	}
	for i := range p.NetworkFunctionGroups {
		g := &p.NetworkFunctionGroups[i]
		w.addSpace(g.Name, g.Edges, w.group).group = g
	}
	w.actions()
	w.importers()
	for _, sp := range w.spaces {
		for _, e := range w.edges {
			id := sp.id(e.Location)
			sp.toEdge = append(sp.toEdge, []Destination{{Edge: id.Edge, Segment: id.Segment, NetworkFunctionGroup: id.NetworkFunctionGroup}})
		}
		sp.mesh = w.meshOf(sp, meshes)
		for _, prefix := range sp.mesh.aggregates {
			w.pin(prefix)
		}
	}
	return w, nil
}

// order ranks the edges.
func (w *world) order() {
	n := len(w.edges)
	names := make([]int, n)
	for i, e := range w.edges {
		w.edge[e.Location] = i
		names[i] = i
	}
	priority := slices.Clone(names)
	slices.SortFunc(names, func(a, b int) int { return cmp.Compare(w.edges[a].Location, w.edges[b].Location) })
	place := func(i int) int {
		if at := slices.Index(w.opt.DefaultRegionPriority, w.edges[i].Location); at >= 0 {
			return at
		}
		return len(w.opt.DefaultRegionPriority)
	}
	slices.SortStableFunc(priority, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	w.byName, w.inspect = make([]int, n), make([]int, n)
	for rank := range n {
		w.byName[names[rank]] = rank
		w.inspect[priority[rank]] = rank
	}
}

func (w *world) addSpace(name string, edges []string, names map[string]int) *space {
	sp := &space{index: len(w.spaces), name: name, real: make([]bool, len(w.edges)), toGroup: -1}
	for _, e := range edges {
		if i, ok := w.edge[e]; ok {
			sp.real[i] = true
		}
	}
	if _, taken := names[name]; !taken {
		names[name] = sp.index
	}
	w.spaces = append(w.spaces, sp)
	return sp
}

func (w *world) pin(p netip.Prefix) { w.pinned = append(w.pinned, p) }

// actions finds what create-route, send-via and send-to do to each space.
func (w *world) actions() {
	p := w.policy
	for i := range p.StaticRoutes {
		r := &p.StaticRoutes[i]
		if at, ok := w.segment[r.Segment]; ok {
			prefix := r.Prefix.Masked()
			w.spaces[at].statics[prefix] = append(w.spaces[at].statics[prefix], r)
			w.pin(prefix)
			for _, id := range r.Destinations {
				w.static[id] = append(w.static[id], prefix)
			}
		}
	}
	for i := range p.Insertions {
		in := &p.Insertions[i]
		a, okA := w.segment[in.Segment]
		b, okB := w.segment[in.With]
		g, okG := w.group[in.Group]
		if !okA || !okB || !okG {
			continue
		}
		w.spaces[g].dualHop = w.spaces[g].dualHop || in.DualHop
		for _, pair := range [][2]int{{a, b}, {b, a}} {
			sp := w.spaces[pair[0]]
			sp.inserts[[2]int{g, pair[1]}] = in
			if !slices.Contains(sp.via, g) {
				sp.via = append(sp.via, g)
			}
		}
	}
	for i := range p.SendTo {
		s := &p.SendTo[i]
		a, okA := w.segment[s.Segment]
		g, okG := w.group[s.Group]
		if okA && okG {
			w.spaces[a].sendTo, w.spaces[a].toGroup = s, g
			w.pin(default4)
			w.pin(default6)
		}
	}
}

// importers finds where the routes of each segment's attachments go.
func (w *world) importers() {
	w.imports = make([][]importer, len(w.spaces))
	for i, sp := range w.spaces {
		if sp.segment != nil {
			w.imports[i] = append(w.imports[i], importer{to: sp, how: StepImport})
			continue
		}
		for _, name := range sp.group.Learns {
			if from, ok := w.segment[name]; ok {
				w.imports[from] = append(w.imports[from], importer{to: sp, how: StepLearn})
			}
		}
	}
	for i := range w.policy.Shares {
		s := &w.policy.Shares[i]
		from, okFrom := w.segment[s.From]
		to, okTo := w.segment[s.To]
		if !okFrom || !okTo {
			continue
		}
		im := importer{to: w.spaces[to], how: StepShare, share: s}
		source, target := w.spaces[from].segment, w.spaces[to].segment
		switch {
		case !target.Accepts(source.Name):
			im.by, im.refused = target, target.Place
		case !w.opt.FiltersDirectional && !source.Accepts(target.Name):
			im.by, im.refused = source, source.Place
		}
		w.imports[from] = append(w.imports[from], im)
	}
}

// edgePolicies are the routing policies between two edges of a space.
type edgePolicies struct{ in, out [][][]*policy.RoutingPolicy } // [edge][peer]

// meshOf is the mesh of a space. Spaces with the same edges and no policies between them share one, and what it worked out.
func (w *world) meshOf(sp *space, known map[string]*mesh) *mesh {
	n := len(w.edges)
	var policies *edgePolicies
	for i := range w.policy.EdgeAssociations {
		a := &w.policy.EdgeAssociations[i]
		e, okE := w.edge[a.Edge]
		p, okP := w.edge[a.Peer]
		if sp.segment == nil || a.Segment != sp.name || !okE || !okP || e == p {
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
		return newMesh(w, sp.real, policies)
	}
	key := fmt.Sprint(sp.real)
	if known[key] == nil {
		known[key] = newMesh(w, sp.real, nil)
	}
	return known[key]
}
