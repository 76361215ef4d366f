package routing

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"

	"portolan/policy"
)

// maxSettled bounds what a mesh remembers.
const maxSettled = 100_000

// maxRounds bounds how often the edges of a mesh tell each other what they use.
const maxRounds = 64

// A mesh is the edges of a table, and what they do with a prefix that starts at some of them. It knows paths, not
// attachments, so prefixes that look alike to it are worked out once.
type mesh struct {
	w        *world
	real     []bool
	policies *edgePolicies // nil: none

	run        runner
	tests      []*policy.RouteMatch // of the policies, those that look at prefixes
	known      map[uint32]bool      // ASNs that matter: of edges, and those that policies name
	wholePaths bool                 // policies take ASNs out of paths
	tags       bool                 // policies look at communities
	aggregates []netip.Prefix       // that policies can make
	summaries  []*policy.RoutingRule

	mu      sync.Mutex
	settled map[string]*outcome
}

// localKind is what a route is at the edge where it enters a table. They are in the order in which ties between them are
// resolved.
type localKind uint8

const (
	localBlackhole localKind = iota
	localStatic
	localVPC
	localDXGW
	localConnect
	localVPN
	localOther
)

func (k localKind) static() bool { return k <= localStatic }

// local is a route where it enters a table.
type local struct {
	Attributes
	edge int
	kind localKind
}

// outcome is what each edge uses for a prefix.
type outcome struct {
	wins  []win     // by edge
	cycle []([]win) // states that follow each other for ever; nil when it settled
}

// win is what an edge uses.
type win struct {
	Attributes         // after the edge's own policies
	origin     int32   // index of the local route; none, or aggregate+the edge that made it
	via        int16   // the edge that told, or here
	equals     []int32 // with ECMP: all that are used
}

const (
	none      = -1
	here      = -1
	aggregate = 1 << 20
)

func newMesh(w *world, real []bool, policies *edgePolicies) *mesh {
	m := &mesh{w: w, real: real, policies: policies, run: runner{lists: w.lists, summarize: true}, settled: map[string]*outcome{}, known: map[uint32]bool{}}
	for _, e := range w.edges {
		m.known[e.ASN] = true
	}
	if policies == nil {
		return m
	}
	seen := map[*policy.RoutingPolicy]bool{}
	for _, side := range [][][][]*policy.RoutingPolicy{policies.in, policies.out} {
		for _, row := range side {
			for _, list := range row {
				for _, p := range list {
					if !seen[p] {
						seen[p] = true
						m.study(p)
					}
				}
			}
		}
	}
	return m
}

// study notes what a policy looks at and changes.
func (m *mesh) study(p *policy.RoutingPolicy) {
	for i := range p.Rules {
		rule := &p.Rules[i]
		for j := range rule.Matches {
			match := &rule.Matches[j]
			switch {
			case byPrefix(match):
				m.tests = append(m.tests, match)
			case match.Type == policy.MatchASNInASPath:
				m.known[match.Number] = true
			case match.Type == policy.MatchCommunityInList:
				m.tags = true
			}
		}
		switch rule.Action.Type {
		case policy.RouteRemoveASNList, policy.RouteReplaceASNList:
			m.wholePaths = true
		case policy.RouteAddCommunity, policy.RouteRemoveCommunity:
			m.tags = true
		case policy.RouteSummarize:
			if p.Direction == policy.Outbound {
				m.summaries = append(m.summaries, rule)
				m.aggregates = append(m.aggregates, rule.Action.Prefix.Masked())
			}
		}
	}
}

// entangled says whether what happens to a prefix may depend on what happens to others, because a rule can put them
// into an aggregate.
func (m *mesh) entangled(p netip.Prefix) bool {
	for _, rule := range m.summaries {
		if rule.Action.Prefix.Masked() == p {
			return true
		}
		can, cannot := false, false
		for i := range rule.Matches {
			match := &rule.Matches[i]
			held := !byPrefix(match) || holdsPrefix(m.run.lists, match, p)
			can, cannot = can || held, cannot || !held
		}
		if rule.Or && can || !rule.Or && !cannot {
			return true
		}
	}
	return false
}

func (m *mesh) inbound(edge, peer int) []*policy.RoutingPolicy {
	if m.policies == nil {
		return nil
	}
	return m.policies.in[edge][peer]
}

func (m *mesh) outbound(edge, peer int) []*policy.RoutingPolicy {
	if m.policies == nil {
		return nil
	}
	return m.policies.out[edge][peer]
}

// settle works out one prefix that is not entangled. locals are in order of their edges, at each edge in the order in
// which ties are resolved. The result has the paths and communities of locals cut to what matters; see restore.
func (m *mesh) settle(table *space, prefix netip.Prefix, locals []local, names func(int) string) *outcome {
	if m.w.opt.TieBreak != nil { // anything may depend on what it says
		return m.work(table, []netip.Prefix{prefix}, [][]local{locals}, func(_, i int) string { return names(i) })[0]
	}
	key := make([]byte, 0, 64)
	for _, test := range m.tests {
		key = append(key, boolByte(holdsPrefix(m.run.lists, test, prefix)))
	}
	for i := range locals {
		l := &locals[i]
		key = binary.AppendUvarint(key, uint64(l.edge))
		key = append(key, byte(l.kind))
		key = binary.AppendUvarint(key, uint64(l.MED))
		key = binary.AppendUvarint(key, uint64(l.LocalPreference))
		key = binary.AppendUvarint(key, uint64(len(l.ASPath)))
		for _, asn := range l.ASPath {
			key = binary.AppendUvarint(key, uint64(m.reduce(asn)))
		}
		if m.tags {
			key = binary.AppendUvarint(key, uint64(len(l.Communities)))
			for _, c := range l.Communities {
				key = binary.AppendUvarint(key, uint64(c))
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.settled[string(key)]; known != nil {
		return known
	}
	reduced := slices.Clone(locals)
	for i := range reduced {
		l := &reduced[i]
		if !m.wholePaths {
			l.ASPath = slices.Clone(l.ASPath)
			for j := range l.ASPath {
				l.ASPath[j] = m.reduce(l.ASPath[j])
			}
		}
		if !m.tags {
			l.Communities = nil
		}
	}
	out := m.work(table, []netip.Prefix{prefix}, [][]local{reduced}, nil)[0]
	if len(m.settled) >= maxSettled { // after a great many updates
		clear(m.settled)
	}
	m.settled[string(key)] = out
	return out
}

// reduce is an ASN, or 0 for one that makes no difference.
func (m *mesh) reduce(asn uint32) uint32 {
	if m.wholePaths || m.known[asn] {
		return asn
	}
	return 0
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// restore puts back what settle cut from the attributes of a route that started as local.
func (m *mesh) restore(a Attributes, from *Attributes) Attributes {
	if n := len(from.ASPath); !m.wholePaths && n > 0 {
		a.ASPath = slices.Concat(a.ASPath[:len(a.ASPath)-n], from.ASPath)
	}
	if !m.tags {
		a.Communities = from.Communities
	}
	return a
}

// worker works out some prefixes together.
type worker struct {
	*mesh
	table    *space
	prefixes []netip.Prefix
	index    map[netip.Prefix]int // of prefixes; nil for a single one
	locals   [][]local            // by prefix
	wins     [][]win              // by prefix, edge
	name     func(prefix, local int) string
}

func (m *mesh) newWorker(table *space, prefixes []netip.Prefix, locals [][]local, name func(int, int) string) *worker {
	k := &worker{mesh: m, table: table, prefixes: prefixes, locals: locals, name: name, wins: make([][]win, len(prefixes))}
	if len(prefixes) > 1 {
		k.index = make(map[netip.Prefix]int, len(prefixes))
		for i, p := range prefixes {
			k.index[p] = i
		}
	}
	for i := range prefixes {
		k.wins[i] = make([]win, len(m.real))
		for e := range k.wins[i] {
			k.wins[i][e].origin = none
		}
	}
	return k
}

// work lets the edges tell each other what they use until nothing changes. Each edge in turn is worked out from what the
// others use at that moment.
func (m *mesh) work(table *space, prefixes []netip.Prefix, locals [][]local, name func(int, int) string) []*outcome {
	k := m.newWorker(table, prefixes, locals, name)
	for e := range m.real { // an edge without a table holds what is shared in there and learns nothing
		if !m.real[e] {
			for i := range prefixes {
				k.wins[i][e] = k.choose(i, e, k.localCandidates(nil, i, e))
			}
		}
	}
	unsettled := make([]bool, len(prefixes))
	history := make([][][]win, len(prefixes))
	for round := range maxRounds {
		changed := k.round(unsettled)
		if !changed {
			break
		}
		if round < maxRounds/2 {
			continue
		}
		for i, still := range unsettled {
			if still {
				history[i] = append(history[i], slices.Clone(k.wins[i]))
			}
		}
	}
	outcomes := make([]*outcome, len(prefixes))
	for i := range prefixes {
		outcomes[i] = &outcome{wins: k.wins[i]}
		if unsettled[i] {
			outcomes[i].cycle = cycleOf(history[i])
		}
	}
	return outcomes
}

// cycleOf is the states between the last one and the last time it was like that, or all when it never was.
func cycleOf(history [][]win) [][]win {
	last := len(history) - 1
	for i := last - 1; i >= 0; i-- {
		if slices.EqualFunc(history[i], history[last], func(a, b win) bool { return sameWin(&a, &b) }) {
			return history[i+1:]
		}
	}
	return history
}

func sameWin(a, b *win) bool {
	return a.origin == b.origin && a.via == b.via && (a.origin == none || compareAttributes(&a.Attributes, &b.Attributes) == 0)
}

// round works out each edge once and says whether anything changed, and for which prefixes.
func (k *worker) round(changed []bool) bool {
	any := false
	for i := range changed {
		changed[i] = false
	}
	var scratch []candidate
	told := make([]map[int]passing, len(k.real))
	for e := range k.real {
		if !k.real[e] {
			continue
		}
		if len(k.summaries) > 0 {
			for p := range k.real {
				if told[p] = nil; p != e && len(k.outbound(p, e)) > 0 {
					told[p] = k.tell(p, e, nil)
				}
			}
		}
		for i := range k.prefixes {
			scratch = k.localCandidates(scratch[:0], i, e)
			for p := range k.real {
				if p != e {
					scratch = k.remoteCandidate(scratch, i, e, p, told[p])
				}
			}
			w := k.choose(i, e, scratch)
			if !sameWin(&w, &k.wins[i][e]) {
				any, changed[i] = true, true
			}
			k.wins[i][e] = w
		}
	}
	return any
}

// candidate is a route an edge can choose.
type candidate struct {
	win
	kind localKind // localOther for one from another edge
	rank int       // in ties
}

func (k *worker) localCandidates(list []candidate, i, e int) []candidate {
	for at := range k.locals[i] {
		l := &k.locals[i][at]
		if l.edge == e {
			list = append(list, candidate{win: win{Attributes: l.Attributes, origin: int32(at), via: here}, kind: l.kind, rank: at - len(k.locals[i])})
		}
	}
	return list
}

// offers says whether p has something to tell e about a prefix.
func (k *worker) offers(i, p, e int) bool {
	w := &k.wins[i][p]
	return w.origin != none && w.via != int16(e) && (w.via != here || w.origin >= aggregate || k.locals[i][w.origin].kind != localBlackhole)
}

// tell is what p tells e about all prefixes, after p's outbound policies, by prefix.
func (k *worker) tell(p, e int, record *Step) map[int]passing {
	var routes []passing
	for i := range k.prefixes {
		if k.offers(i, p, e) {
			routes = append(routes, passing{prefix: k.prefixes[i], Attributes: k.wins[i][p].Attributes, tag: i})
		}
	}
	run := k.run
	run.record = record
	told := map[int]passing{}
	for _, r := range run.run(k.outbound(p, e), routes) {
		i, ok := r.tag, true
		if r.made != nil {
			if i, ok = k.index[r.prefix]; !ok && len(k.prefixes) == 1 && k.prefixes[0] == r.prefix {
				i, ok = 0, true
			}
		}
		if _, taken := told[i]; ok && (!r.dropped || !taken) { // what was dropped is kept where nothing else is
			told[i] = r
		}
	}
	return told
}

// arrive is what e makes of what p tells it: the route as the RIB of e shows it, and as e uses it.
func (k *worker) arrive(i, e, p int, r passing, record *Step) (rib Attributes, used passing, ok bool) {
	opt := &k.w.opt
	rib = r.Attributes
	rib.ASPath = append([]uint32{k.w.edges[p].ASN}, rib.ASPath...)
	if !opt.CarryMED {
		rib.MED = DefaultMED
	}
	if !opt.CarryLocalPreference {
		rib.LocalPreference = 0
	}
	used = passing{prefix: k.prefixes[i], Attributes: rib}
	if slices.Contains(rib.ASPath, k.w.edges[e].ASN) {
		return rib, used, false
	}
	if in := k.inbound(e, p); len(in) > 0 {
		run := k.run
		run.record = record
		used = run.run(in, []passing{used})[0]
	}
	return rib, used, true
}

func (k *worker) remoteCandidate(list []candidate, i, e, p int, told map[int]passing) []candidate {
	var r passing
	if told != nil {
		var ok bool
		if r, ok = told[i]; !ok || r.dropped {
			return list
		}
	} else {
		if !k.offers(i, p, e) {
			return list
		}
		r = passing{prefix: k.prefixes[i], Attributes: k.wins[i][p].Attributes}
		if out := k.outbound(p, e); len(out) > 0 {
			if r = k.run.run(out, []passing{r})[0]; r.dropped {
				return list
			}
		}
	}
	_, used, ok := k.arrive(i, e, p, r, nil)
	if !ok || used.dropped {
		return list
	}
	origin := k.wins[i][p].origin
	if r.made != nil {
		origin = int32(aggregate + p)
	}
	kind := localOther
	if k.w.opt.RemoteStaticIsStatic && origin < aggregate && k.locals[i][origin].kind == localStatic {
		kind = localStatic
	}
	return append(list, candidate{win: win{Attributes: used.Attributes, origin: origin, via: int16(p)}, kind: kind, rank: k.w.byName[p]})
}

// better compares two routes by all that is documented: which is used, and by what it is decided.
func (w *world) better(a, b *candidate) (int, Criterion) {
	if c := -cmp.Compare(boolByte(a.kind.static()), boolByte(b.kind.static())); c != 0 {
		return c, ByStatic
	}
	if c := -cmp.Compare(boolByte(a.kind == localVPC), boolByte(b.kind == localVPC)); c != 0 {
		return c, ByLocalVPC
	}
	preference := -cmp.Compare(a.LocalPreference, b.LocalPreference)
	if preference != 0 && w.opt.LocalPreferenceBeforeASPath {
		return preference, ByLocalPreference
	}
	if c := cmp.Compare(len(a.ASPath), len(b.ASPath)); c != 0 {
		return c, ByASPath
	}
	if preference != 0 {
		return preference, ByLocalPreference
	}
	if c := cmp.Compare(a.MED, b.MED); c != 0 {
		return c, ByMED
	}
	if c := cmp.Compare(a.kind, b.kind); c != 0 && !(a.kind.static() && b.kind.static()) {
		return c, ByAttachmentType
	}
	return 0, ByTieBreak
}

// choose is the best of some routes.
func (k *worker) choose(i, e int, list []candidate) win {
	if len(list) == 0 {
		return win{origin: none}
	}
	best := 0
	for at := 1; at < len(list); at++ {
		c, _ := k.w.better(&list[at], &list[best])
		if c < 0 || c == 0 && list[at].rank < list[best].rank {
			best = at
		}
	}
	chosen := &list[best]
	if k.name != nil && k.w.opt.TieBreak != nil {
		chosen = k.breakTie(i, e, list, chosen)
	}
	if chosen.kind == localVPN && chosen.via == here && k.w.policy.VPNECMPSupport {
		for at := range list {
			if c, _ := k.w.better(&list[at], chosen); c == 0 && list[at].kind == localVPN && list[at].via == here {
				chosen.equals = append(chosen.equals, list[at].origin)
			}
		}
		if len(chosen.equals) == 1 {
			chosen.equals = nil
		}
	}
	return chosen.win
}

func (k *worker) breakTie(i, e int, list []candidate, best *candidate) *candidate {
	var ties []*candidate
	for at := range list {
		if c, _ := k.w.better(&list[at], best); c == 0 {
			ties = append(ties, &list[at])
		}
	}
	if len(ties) < 2 || best.kind.static() && best.via == here { // of static routes the policy says which
		return best
	}
	slices.SortFunc(ties, func(a, b *candidate) int { return cmp.Compare(a.rank, b.rank) })
	tie := Tie{Table: k.table.id(k.w.edges[e].Location), Prefix: k.prefixes[i]}
	for _, c := range ties {
		path := TiedPath{ASPath: c.ASPath}
		if c.via == here {
			path.Attachment = k.name(i, int(c.origin))
		} else {
			path.Edge = k.w.edges[c.via].Location
		}
		tie.Paths = append(tie.Paths, path)
	}
	if pick := k.w.opt.TieBreak(tie); pick >= 0 && pick < len(ties) {
		return ties[pick]
	}
	return ties[0]
}

func (sp *space) id(edge string) TableID {
	if sp.segment != nil {
		return TableID{Segment: sp.name, Edge: edge}
	}
	return TableID{NetworkFunctionGroup: sp.name, Edge: edge}
}
