package routing

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gaissmai/bart"

	"portolan/internal/order"
)

// Tables are the computed tables of a network. They are immutable.
//
// A table itself is not stored: a row is made when it is asked for, from the class of its prefix (class.go) and from service
// insertion (insertion.go). Prefixes are in a trie that an Update copies only where it changes, and each points at its
// class; classes point at attachments, attachments at nothing.
type Tables struct {
	core        *core
	attachments []*attachment // by id
	appliances  map[applianceKey]*attachment

	prefixes *bart.Table[*class]
	sorted   func() []row         // prefixes in order, made when a whole table is read
	patterns func() *Patterns     // of sorted
	cycling  []netip.Prefix       // those that never settle, in order
	edited   map[*attachment]bool // whose announcements are not those it was given with: see UpdateRoutes
	history  *history
}

type applianceKey struct {
	group vrfID
	edge  edgeID
}

// row is a prefix with what is known of it.
type row struct {
	prefix netip.Prefix
	class  *class
}

// maxAttachments bounds a network, at twenty times what AWS allows.
const maxAttachments = 100_000

// Compute works out all tables. The error is about the network itself and there are no tables, or it is an
// [*OscillationError] and the tables are there: they hold the state in which it was given up, as routers would.
func Compute(n Network) (*Tables, error) { return compute(&n, nil) }

// compute is [Compute], recording what routes meet.
func compute(n *Network, met *matchRecord) (*Tables, error) {
	c, err := newCore(n, met)
	if err != nil {
		return nil, err
	}
	if len(n.Attachments) > maxAttachments {
		return nil, fmt.Errorf("routing: more than %d attachments", maxAttachments)
	}
	t := &Tables{core: c, history: &history{}}
	for i := range n.Attachments {
		a, err := c.newAttachment(n.Attachments[i])
		if err != nil {
			return nil, err
		}
		t.attachments = append(t.attachments, a)
	}
	slices.SortFunc(t.attachments, compareAttachments)
	for i := 1; i < len(t.attachments); i++ {
		if t.attachments[i].ID == t.attachments[i-1].ID {
			return nil, fmt.Errorf("routing: two attachments have the id %s", t.attachments[i].ID)
		}
	}
	b := newBuilder(t.core, t.attachment)
	room := 0
	for _, a := range t.attachments {
		room += len(a.Announcements) * len(a.edges)
		if a.NAT != nil {
			room += len(a.NAT.Rules) * len(a.edges)
		}
	}
	b.chains = make(map[chainKey]*chain, room)
	all := make([]arrival, 0, room)
	for _, a := range t.attachments {
		if err := t.core.eachArrival(a, &b.attrs, func(r arrival) { all = append(all, r) }); err != nil {
			return nil, err
		}
	}
	sortArrivals(all)
	return t, t.compute(b, all)
}

// compute fills the tables from what attachments announce.
func (t *Tables) compute(b *builder, all []arrival) error {
	t.prefixes = &bart.Table[*class]{}
	for at := 0; at < len(all); {
		end := at + 1
		for end < len(all) && all[end].prefix == all[at].prefix {
			end++
		}
		t.prefixes.Insert(all[at].prefix, b.class(all[at].prefix, all[at:end]))
		at = end
	}
	for p := range t.core.special {
		if _, ok := t.prefixes.Get(p); !ok {
			t.prefixes.Insert(p, b.class(p, nil))
		}
	}
	t.findAppliances()
	t.sortLater()
	for _, v := range t.core.summarizing {
		t.convergeTogether(v, func(p netip.Prefix, k *class) { t.prefixes.Insert(p, k) })
	}
	t.sortLater()
	for p, k := range t.prefixes.AllSorted() {
		if k.cycles {
			t.cycling = append(t.cycling, p)
		}
	}
	return t.oscillations()
}

// sortArrivals orders arrivals as compareArrivals does. Those that are equal stay in their order.
func sortArrivals(all []arrival) {
	type place struct {
		prefix uint64 // see prefixOrder
		index  int32
	}
	order := make([]place, len(all))
	for i := range order {
		order[i] = place{prefixOrder(all[i].prefix), int32(i)}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		if c := compareArrivals(&all[a.index], &all[b.index]); c != 0 {
			return c
		}
		return cmp.Compare(a.index, b.index)
	})
	sorted := make([]arrival, len(all))
	for to, from := range order {
		sorted[to] = all[from.index]
	}
	copy(all, sorted)
}

// prefixOrder is a number that grows with the prefix, whose bits after the length are zero: IPv4 before IPv6, then the address, then
// the length. IPv6 prefixes that differ after 63 bits may have one number.
func prefixOrder(p netip.Prefix) uint64 {
	if p.Addr().Is4() {
		b := p.Addr().As4()
		return uint64(binary.BigEndian.Uint32(b[:]))<<8 | uint64(p.Bits())
	}
	b := p.Addr().As16()
	return 1<<63 | binary.BigEndian.Uint64(b[:])>>1
}

func compareAttachments(a, b *attachment) int { return strings.Compare(a.ID, b.ID) }

func (t *Tables) attachment(id string) *attachment {
	at, ok := slices.BinarySearchFunc(t.attachments, id, func(a *attachment, id string) int { return strings.Compare(a.ID, id) })
	if !ok {
		return nil
	}
	return t.attachments[at]
}

// findAppliances finds the attachment of each group at each edge. Of several the smallest id counts.
func (t *Tables) findAppliances() {
	t.appliances = map[applianceKey]*attachment{}
	for _, a := range t.attachments {
		if a.down || !a.inGroup() {
			continue
		}
		for _, e := range a.edges {
			if key := (applianceKey{a.vrf, e}); t.appliances[key] == nil {
				t.appliances[key] = a
			}
		}
	}
}

// sortLater orders the prefixes when someone wants to see a whole table.
func (t *Tables) sortLater() {
	prefixes := t.prefixes
	t.sorted = sync.OnceValue(func() []row {
		rows := make([]row, 0, prefixes.Size())
		for p, k := range prefixes.AllSorted() {
			rows = append(rows, row{p, k})
		}
		return rows
	})
	t.patterns = sync.OnceValue(t.findPatterns)
}

// together is a run of a vrf over all its prefixes that are aggregated, and their classes.
func (t *Tables) together(v *vrf) (*run, []*class) {
	var prefixes []netip.Prefix
	var paths [][]path
	var classes []*class
	for p, k := range t.prefixes.AllSorted() {
		if !v.bgp.aggregated(p) {
			continue
		}
		prefixes, classes = append(prefixes, p), append(classes, k)
		if r := k.rib(v.id); r != nil {
			paths = append(paths, r.paths)
		} else {
			paths = append(paths, nil)
		}
	}
	name := func(id prefixID, at int32) (string, string) { return paths[id][at].id(), paths[id][at].peerName() }
	return v.bgp.newRun(v, prefixes, paths, name), classes
}

// convergeTogether works out the prefixes of a vrf that depend on each other through summarize rules, and puts their new
// classes where put says.
func (t *Tables) convergeTogether(v *vrf, put func(netip.Prefix, *class)) {
	r, classes := t.together(v)
	for i, best := range r.converge() {
		best.whole = true
		put(r.prefixes[i], classes[i].with(t.core, v.id, rib{paths: r.paths[i], best: best}))
	}
}

// oscillations is the error about prefixes that never settle, or nil.
func (t *Tables) oscillations() error {
	var found OscillationError
	for _, v := range t.core.vrfs {
		for _, p := range t.cycling {
			k, _ := t.prefixes.Get(p)
			if r := k.rib(v.id); r != nil && r.best.cycle != nil {
				found.Count++
				found.First = append(found.First, Oscillation{Segment: v.name, Prefix: p, Cycle: t.core.states(r)})
			}
		}
	}
	if found.Count == 0 {
		return nil
	}
	order.Sort(found.First, func(a, b Oscillation) int {
		if c := strings.Compare(a.Segment, b.Segment); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	found.First = found.First[:min(len(found.First), maxOscillations)]
	return &found
}

// states are the states of a cycle in words.
func (c *core) states(r *rib) [][]string {
	var states [][]string
	for _, state := range r.best.cycle {
		var words []string
		for edge := range state {
			if slices.ContainsFunc(r.best.cycle, func(other []bestPath) bool { return !sameBest(&other[edge], &state[edge]) }) {
				words = append(words, c.edges[edge].Location+" uses "+c.uses(r, &state[edge]))
			}
		}
		states = append(states, words)
	}
	return states
}

func (c *core) uses(r *rib, b *bestPath) string {
	switch {
	case b.path == noPath:
		return "nothing"
	case b.via != noEdge:
		return c.location(b.via)
	}
	return r.paths[b.path].id()
}

// selected is what an edge uses for a prefix, with all its attributes; nil for nothing.
func (k *rib) selected(edge edgeID) *bestPath {
	b := k.at(edge)
	if b == nil {
		return nil
	}
	full := *b
	full.Attributes = k.attributes(b)
	return &full
}

// originOf describes where a path of a rib entered the core network.
func (c *core) originOf(v *vrf, r *rib, at int32) Origin {
	if at >= aggregate {
		return Origin{Kind: FromSummarize, Segment: v.name, Edge: c.location(edgeID(at - aggregate))}
	}
	return c.originOfPath(v, &r.paths[at])
}

func (c *core) originOfPath(v *vrf, p *path) Origin {
	o := Origin{Edge: c.location(p.edge), Attachment: p.id(), Peer: p.peerName(), Segment: v.name}
	if p.from != nil {
		o.Type = p.from.Type
	}
	switch {
	case p.static == nil:
		o.Segment = p.from.Segment
	case p.kind == pathStatic:
		o.Kind, o.Place = FromStatic, p.static.Place
	default:
		o.Kind, o.Place = FromBlackhole, p.static.Place
	}
	return o
}

// segmentOf is the segment of the attachment a path of a rib started from, or noVRF.
func (k *rib) segmentOf(at int32) vrfID {
	if at >= aggregate || k.paths[at].static != nil {
		return noVRF
	}
	return k.paths[at].from.vrf
}

// edgeOf is the edge where a path of a rib entered.
func (k *rib) edgeOf(at int32) edgeID {
	if at >= aggregate {
		return edgeID(at - aggregate)
	}
	return k.paths[at].edge
}

var errTooMany = errors.New("routing: too many attachments")
