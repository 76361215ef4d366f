package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gaissmai/bart"

	"portolan/policy"
)

// Tables are the computed tables of a network. They are immutable.
type Tables struct {
	w           *world
	attachments []*attachment          // by id
	appliances  map[[2]int]*attachment // by group and edge

	ids      *bart.Table[int32] // of prefixes
	prefixes []netip.Prefix     // by id
	offers   [][]*offer         // by prefix; in order of edges and attachments
	entries  [][]*entry         // by space and prefix

	order func() []int32 // prefixes in order
}

// entry is a prefix in a space.
type entry struct {
	origins []origin
	out     *outcome
	reduced bool // the outcome may be shared with others: attributes are restored from origins
}

// maxAttachments bounds a network, at twenty times what AWS allows.
const maxAttachments = 100_000

// Compute works out all tables. The error is about the network itself and there are no tables, or it is an
// [*OscillationError] and the tables are there: they hold the state in which it was given up, as routers would.
func Compute(n Network) (*Tables, error) {
	w, err := newWorld(&n)
	if err != nil {
		return nil, err
	}
	if len(n.Attachments) > maxAttachments {
		return nil, fmt.Errorf("routing: more than %d attachments", maxAttachments)
	}
	t := &Tables{w: w}
	for i := range n.Attachments {
		a, err := w.newAttachment(n.Attachments[i])
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
	return t, t.compute()
}

// compute fills the tables from the attachments.
func (t *Tables) compute() error {
	t.ids, t.entries = &bart.Table[int32]{}, make([][]*entry, len(t.w.spaces))
	for _, p := range t.w.pinned {
		t.intern(p)
	}
	for _, a := range t.attachments { // in order of ids: each prefix's offers need sorting by edge only
		for _, o := range a.offers {
			id := t.intern(o.prefix)
			t.offers[id] = append(t.offers[id], o)
		}
	}
	for _, list := range t.offers {
		slices.SortStableFunc(list, func(a, b *offer) int { return cmp.Compare(a.edge, b.edge) })
	}
	for i := range t.entries {
		t.entries[i] = make([]*entry, len(t.prefixes))
	}
	t.findAppliances()
	all := make([]int32, len(t.prefixes))
	for i := range all {
		all[i] = int32(i)
	}
	t.fill(all)
	t.sortLater()
	return t.oscillations()
}

func compareAttachments(a, b *attachment) int { return strings.Compare(a.ID, b.ID) }

func (t *Tables) attachment(id string) *attachment {
	at, ok := slices.BinarySearchFunc(t.attachments, id, func(a *attachment, id string) int { return strings.Compare(a.ID, id) })
	if !ok {
		return nil
	}
	return t.attachments[at]
}

func (t *Tables) intern(p netip.Prefix) int32 {
	if id, ok := t.ids.Get(p); ok {
		return id
	}
	id := int32(len(t.prefixes))
	t.ids.Insert(p, id)
	t.prefixes = append(t.prefixes, p)
	t.offers = append(t.offers, nil)
	return id
}

// findAppliances finds the attachment of each group at each edge. Of several the smallest id counts.
func (t *Tables) findAppliances() {
	t.appliances = map[[2]int]*attachment{}
	for _, a := range t.attachments {
		if a.down || !a.group(t.w) {
			continue
		}
		for _, e := range a.edges {
			if key := [2]int{a.space, e}; t.appliances[key] == nil {
				t.appliances[key] = a
			}
		}
	}
}

// sortLater orders the prefixes when someone wants to see a whole table.
func (t *Tables) sortLater() {
	t.order = sync.OnceValue(func() []int32 {
		order := make([]int32, len(t.prefixes))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(a, b int32) int { return t.prefixes[a].Compare(t.prefixes[b]) })
		return order
	})
}

// fill works out some prefixes in all spaces. The rows of entries it writes to must not be shared.
func (t *Tables) fill(ids []int32) {
	scratch := make([][]origin, len(t.w.spaces))
	run := &runner{lists: t.w.lists}
	tangled := map[*space]bool{}
	for _, id := range ids {
		touched := t.gather(id, scratch, run)
		for _, sp := range t.w.spaces {
			switch {
			case len(scratch[sp.index]) == 0:
				tangled[sp] = tangled[sp] || t.entries[sp.index][id] != nil && sp.mesh.entangled(t.prefixes[id])
				t.entries[sp.index][id] = nil
			case sp.mesh.entangled(t.prefixes[id]):
				tangled[sp] = true
				t.entries[sp.index][id] = &entry{origins: slices.Clone(scratch[sp.index])}
			default:
				t.entries[sp.index][id] = t.newEntry(sp, id, slices.Clone(scratch[sp.index]))
			}
		}
		for _, at := range touched {
			scratch[at] = scratch[at][:0]
		}
	}
	for _, sp := range t.w.spaces {
		if tangled[sp] {
			t.untangle(sp)
		}
	}
}

// gather finds what enters each space for a prefix, and which spaces anything enters.
func (t *Tables) gather(id int32, into [][]origin, run *runner) (touched []int) {
	prefix := t.prefixes[id]
	for _, sp := range t.w.spaces {
		if len(sp.statics) > 0 {
			if list := t.statics(sp, prefix); len(list) > 0 {
				into[sp.index] = append(into[sp.index], list...)
				touched = append(touched, sp.index)
			}
		}
	}
	static := len(touched)
	for _, o := range t.offers[id] {
		imports := t.w.imports[o.from.space]
		for i := range imports {
			im := &imports[i]
			if a, ok := t.w.enters(im, o, run); ok {
				at := im.to.index
				if len(into[at]) == 0 {
					touched = append(touched, at)
				}
				into[at] = append(into[at], origin{local: local{Attributes: a, edge: o.edge, kind: kindOf(o.from)}, from: o.from})
			}
		}
	}
	for _, at := range touched[:static] {
		slices.SortStableFunc(into[at], compareOrigins)
	}
	return touched
}

func localsOf(origins []origin) []local {
	list := make([]local, len(origins))
	for i := range origins {
		list[i] = origins[i].local
	}
	return list
}

func (t *Tables) newEntry(sp *space, id int32, origins []origin) *entry {
	out := sp.mesh.settle(sp, t.prefixes[id], localsOf(origins), func(i int) string { return origins[i].id() })
	return &entry{origins: origins, out: out, reduced: t.w.opt.TieBreak == nil}
}

// untangle works out the prefixes of a space that depend on each other through summarize rules.
func (t *Tables) untangle(sp *space) {
	row := t.entries[sp.index]
	var ids []int32
	for i := range row {
		if row[i] != nil && sp.mesh.entangled(t.prefixes[i]) {
			ids = append(ids, int32(i))
		}
	}
	for _, p := range sp.mesh.aggregates {
		if id, ok := t.ids.Get(p); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int32) int { return t.prefixes[a].Compare(t.prefixes[b]) })
	prefixes := make([]netip.Prefix, len(ids))
	locals := make([][]local, len(ids))
	for i, id := range ids {
		prefixes[i] = t.prefixes[id]
		if row[id] != nil {
			locals[i] = localsOf(row[id].origins)
		}
	}
	name := func(i, local int) string { return row[ids[i]].origins[local].id() }
	outs := sp.mesh.work(sp, prefixes, locals, name)
	fresh := make([]*entry, len(ids))
	for i, id := range ids {
		fresh[i] = &entry{out: outs[i]}
		if row[id] != nil {
			fresh[i].origins = row[id].origins
		}
	}
	for i, id := range ids {
		row[id] = fresh[i]
	}
}

// win is what an edge uses for a prefix, with all its attributes; nil for nothing.
func (t *Tables) win(sp *space, id int32, edge int) (*entry, *win) {
	e, used := t.reducedWin(sp, id, edge)
	if used == nil {
		return e, nil
	}
	w := *used
	w.Attributes = t.restore(sp, e, w.Attributes, w.origin)
	return e, &w
}

// reducedWin is win with the attributes that the exchange between edges needed.
func (t *Tables) reducedWin(sp *space, id int32, edge int) (*entry, *win) {
	e := t.entries[sp.index][id]
	if e == nil || e.out.wins[edge].origin == none {
		return e, nil
	}
	return e, &e.out.wins[edge]
}

func (t *Tables) restore(sp *space, e *entry, a Attributes, origin int32) Attributes {
	if !e.reduced || origin >= aggregate {
		return a
	}
	return sp.mesh.restore(a, &e.origins[origin].Attributes)
}

// originOf describes where a route of an entry started.
func (t *Tables) originOf(sp *space, e *entry, at int32) Origin {
	if at >= aggregate {
		return Origin{Kind: FromSummarize, Segment: sp.name, Edge: t.w.edges[at-aggregate].Location}
	}
	return t.originAt(sp, &e.origins[at])
}

func (t *Tables) originAt(sp *space, o *origin) Origin {
	from := Origin{Edge: t.w.edges[o.edge].Location, Attachment: o.id(), Segment: sp.name}
	if o.from != nil {
		from.Type = o.from.Type
	}
	switch {
	case o.place == nil:
		from.Segment = o.from.Segment
	case o.kind == localStatic:
		from.Kind, from.Place = FromStatic, o.place.Place
	default:
		from.Kind, from.Place = FromBlackhole, o.place.Place
	}
	return from
}

// segmentOf is the index of the space of the attachment a route started from, or -1.
func (e *entry) segmentOf(at int32) int {
	if at >= aggregate || e.origins[at].place != nil {
		return -1
	}
	return e.origins[at].from.space
}

func (e *entry) edgeOf(at int32) int {
	if at >= aggregate {
		return int(at - aggregate)
	}
	return e.origins[at].edge
}

// Policy is the policy the tables were computed from.
func (t *Tables) Policy() *policy.Policy { return t.w.policy }
