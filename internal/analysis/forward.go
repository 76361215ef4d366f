package analysis

import (
	"iter"
	"net/netip"
	"slices"

	"portolan/routing"
)

// forwarding is the tables of a network by classes of addresses: what Lookup answers for each table and class, worked out
// in one pass over each table. Questions about all pairs are asked of it.
type forwarding struct {
	net    *Subject
	known  *classes
	ids    []routing.TableID
	table  map[routing.TableID]int32
	next   [][]int32 // by table and class: index into hops
	hops   []hop
	groups []string
	ends   []*routing.Attachment // what hops deliver to
	silent bool                  // nobody reads why something fails
}

// hop is where a route leads, with names as indexes. Many routes share one.
type hop struct {
	kind  hopKind
	table int32 // the next one; -1: there is no such table
	group int32
	end   int32 // index into ends, of a delivery
}

type hopKind uint8

const (
	hopNone hopKind = iota // no route
	hopDrop
	hopDeliver
	hopDown
	hopEdge
	hopInspect
	hopHandOver
)

// hopKey is what decides a hop, beside the table.
type hopKey struct {
	space  string // of routes that stay in their table's: the table's name
	group  bool
	edge   string
	sendTo bool
	to     routing.Destination
	state  routing.State
}

func (s *Subject) forwarding(known *classes) *forwarding {
	f := &forwarding{net: s, known: known, ids: s.Tables.TableIDs(), table: map[routing.TableID]int32{}, hops: []hop{{kind: hopNone}}}
	for i, id := range f.ids {
		f.table[id] = int32(i)
	}
	interned := map[hopKey]int32{}
	f.next = make([][]int32, len(f.ids))
	for i, id := range f.ids {
		f.next[i] = f.sweep(id, s.forwards(id), interned)
	}
	return f
}

// sweep finds the longest prefix for each class: rows and classes are in the order of addresses, and the rows that cover
// where the sweep stands are a stack.
func (f *forwarding) sweep(id routing.TableID, rows iter.Seq[routing.Forward], interned map[hopKey]int32) []int32 {
	next := make([]int32, len(f.known.addrs))
	type open struct {
		prefix netip.Prefix
		hop    int32
	}
	var stack []open
	closeBefore := func(addr netip.Addr) {
		for len(stack) > 0 && !stack[len(stack)-1].prefix.Contains(addr) {
			stack = stack[:len(stack)-1]
		}
	}
	class := 0
	classify := func() {
		closeBefore(f.known.addrs[class])
		if len(stack) > 0 {
			next[class] = stack[len(stack)-1].hop
		}
		class++
	}
	for r := range rows {
		for class < len(next) && f.known.addrs[class].Less(r.Prefix.Addr()) {
			classify()
		}
		closeBefore(r.Prefix.Addr())
		stack = append(stack, open{r.Prefix, f.hop(id, &r, interned)})
	}
	for class < len(next) {
		classify()
	}
	return next
}

func (f *forwarding) hop(id routing.TableID, r *routing.Forward, interned map[hopKey]int32) int32 {
	key := hopKey{state: r.State}
	if r.State != routing.Blackhole && len(r.Destinations) > 0 {
		key.to = r.Destinations[0]
		switch {
		case key.to.Attachment == "":
			key.space, key.group = id.Name(), id.Segment == ""
		case key.to.NetworkFunctionGroup != "":
			key.edge, key.sendTo = id.Edge, r.Kind == routing.KindSendTo
		}
	}
	at := f.intern(id, &key, interned)
	if h := &f.hops[at]; h.kind != hopEdge || h.table >= 0 {
		return at
	}
	told, _ := f.net.route(id, r.Prefix) // which knows where it comes from
	id.Edge = key.to.Edge
	beyond, ok := f.net.shadow(id, &told)
	if !ok {
		return at
	}
	return f.intern(id, &hopKey{state: beyond.State, to: beyond.Destinations[0]}, interned)
}

func (f *forwarding) intern(id routing.TableID, key *hopKey, interned map[hopKey]int32) int32 {
	if at, ok := interned[*key]; ok {
		return at
	}
	at := int32(len(f.hops))
	interned[*key] = at
	f.hops = append(f.hops, f.newHop(id, key))
	return at
}

func (f *forwarding) newHop(id routing.TableID, key *hopKey) hop {
	d := key.to
	switch {
	case d == routing.Destination{}:
		return hop{kind: hopDrop}
	case d.Attachment == "":
		id.Edge = d.Edge
		return hop{kind: hopEdge, table: f.tableAt(id)}
	case d.NetworkFunctionGroup == "":
		a := f.net.attachment[d.Attachment]
		if a == nil || a.Down {
			return hop{kind: hopDown}
		}
		f.ends = append(f.ends, a)
		return hop{kind: hopDeliver, end: int32(len(f.ends) - 1)}
	}
	group := slices.Index(f.groups, d.NetworkFunctionGroup)
	if group < 0 {
		group = len(f.groups)
		f.groups = append(f.groups, d.NetworkFunctionGroup)
	}
	kind := hopInspect
	if key.sendTo {
		kind = hopHandOver
	}
	edge := d.Edge
	if edge == "" {
		edge = id.Edge
	}
	return hop{kind: kind, group: int32(group), table: f.tableAt(routing.TableID{NetworkFunctionGroup: d.NetworkFunctionGroup, Edge: edge})}
}

func (f *forwarding) tableAt(id routing.TableID) int32 {
	if at, ok := f.table[id]; ok {
		return at
	}
	return -1
}

// walk is where a packet of a class goes from a table. groups is the scratch of the caller, for the groups it visits.
func (f *forwarding) walk(table int32, class int, groups []int32) (Verdict, *routing.Attachment, []int32) {
	groups = groups[:0]
	for range maxHops {
		if table < 0 {
			return NoRoute, nil, groups
		}
		h := &f.hops[f.next[table][class]]
		switch h.kind {
		case hopNone:
			return NoRoute, nil, groups
		case hopDrop:
			return Blackholed, nil, groups
		case hopDeliver:
			return Delivered, f.ends[h.end], groups
		case hopDown:
			return DownAtEnd, nil, groups
		case hopHandOver:
			return HandedOver, nil, append(groups, h.group)
		case hopInspect:
			groups = append(groups, h.group)
		}
		table = h.table
	}
	return Looping, nil, groups
}
