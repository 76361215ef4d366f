package analysis

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"portolan/routing"
)

// forwarding is the tables of a network by classes of addresses: what lookup answers for each table and class, worked out
// in one pass over each table. Questions about all pairs are asked of it.
type forwarding struct {
	*Subject
	known  *classes
	ids    []routing.TableID // those that exist, then those of groups at edges where they have none
	table  map[routing.TableID]int32
	group  []int32 // of each table: index into groups, -1 of a segment's
	groups []string
	index  map[string]int32 // of attachments in Network.Attachments
	next   [][]hop          // by table and class; nil of a table that does not exist
	inside [][2]int         // the classes of each prefix of the tables
	silent bool             // reasons are not wanted
}

// hop is where a route leads: a kind, and the index of a table or an attachment. The zero hop is no route.
type hop uint32

const (
	hopNone     hop = iota << hopShift
	hopDrop         // a blackhole
	hopDown         // to an attachment that is not available
	hopDeliver      // to an attachment
	hopEdge         // to a table of the same name
	hopInspect      // to the appliance whose table that is, and on from there
	hopHandOver     // to an appliance that send-to or a static route leads to

	hopShift = 28
)

func (h hop) kind() hop { return h &^ (1<<hopShift - 1) }
func (h hop) at() int32 { return int32(h & (1<<hopShift - 1)) }

// newForwarding sweeps all tables of a network. The error is that of the context.
func (s *Subject) newForwarding(ctx context.Context, known *classes) (*forwarding, error) {
	f := s.unswept(known)
	err := inParallel(ctx, len(f.ids), func() func(int) {
		cache := map[*routing.Destination]hop{}
		return func(i int) {
			if table, ok := f.Tables.Table(f.ids[i]); ok {
				f.sweep(int32(i), table.Indexed(), cache)
			}
		}
	})
	return f, err
}

// unswept is everything but the tables' rows.
func (s *Subject) unswept(known *classes) *forwarding {
	f := &forwarding{Subject: s, known: known, ids: s.Tables.TableIDs(), table: map[routing.TableID]int32{}, index: map[string]int32{}}
	for i, id := range f.ids {
		f.table[id] = int32(i)
	}
	p := s.Network.Policy
	for i := range p.NetworkFunctionGroups {
		f.groups = append(f.groups, p.NetworkFunctionGroups[i].Name)
		for _, e := range p.Edges {
			id := routing.TableID{NetworkFunctionGroup: p.NetworkFunctionGroups[i].Name, Edge: e.Location}
			if _, exists := f.table[id]; !exists {
				f.table[id] = int32(len(f.ids))
				f.ids = append(f.ids, id)
			}
		}
	}
	for _, id := range f.ids {
		f.group = append(f.group, int32(slices.Index(f.groups, id.NetworkFunctionGroup)))
	}
	for i := range s.Network.Attachments {
		f.index[s.Network.Attachments[i].ID] = int32(i)
	}
	prefixes := s.Tables.Prefixes()
	f.inside = make([][2]int, len(prefixes))
	for i, prefix := range prefixes {
		f.inside[i][0], f.inside[i][1] = known.inside(prefix)
	}
	f.next = make([][]hop, len(f.ids))
	return f
}

// inParallel calls a function for each number below n, of which each worker makes its own, until the context ends.
func inParallel(ctx context.Context, n int, worker func() func(int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// sweep finds the longest prefix for each class: rows come in the order of addresses, a prefix before those inside it, so a
// later row takes the place of an earlier one.
func (f *forwarding) sweep(table int32, rows iter.Seq2[int, routing.Forward], cache map[*routing.Destination]hop) {
	id, next := f.ids[table], make([]hop, len(f.known.addrs))
	for i, row := range rows {
		h := f.hop(id, &row, cache)
		for class := f.inside[i][0]; class < f.inside[i][1]; class++ {
			next[class] = h
		}
	}
	f.next[table] = next
}

// hop is where a row leads. Rows of one attachment, and rows that lead to one edge, share their destinations.
func (f *forwarding) hop(id routing.TableID, r *routing.Forward, cache map[*routing.Destination]hop) hop {
	if r.State == routing.Blackhole || len(r.Destinations) == 0 {
		return hopDrop
	}
	d := &r.Destinations[0]
	shared := len(r.Destinations) == 1 && (r.Kind == routing.KindEdge || r.Kind == routing.KindAttachment)
	if shared {
		if h, ok := cache[d]; ok {
			return h
		}
	}
	h, general := f.newHop(id, r, d)
	if shared && general {
		cache[d] = h
	}
	return h
}

// newHop works out where a destination leads; false: that holds for this row alone.
func (f *forwarding) newHop(id routing.TableID, r *routing.Forward, d *routing.Destination) (hop, bool) {
	switch {
	case d.Attachment == "":
		there := id
		there.Edge = d.Edge
		if at, ok := f.table[there]; ok {
			return hopEdge | hop(at), true
		}
		row, _ := f.route(id, r.Prefix) // which knows where it comes from
		if beyond, ok := f.shadow(there, &row); ok {
			return f.deliver(beyond.Destinations[0].Attachment), false
		}
		return hopNone, true
	case d.NetworkFunctionGroup == "":
		if group := f.appliance(d); group != "" {
			return hopHandOver | hop(f.table[routing.TableID{NetworkFunctionGroup: group, Edge: id.Edge}]), true
		}
		return f.deliver(d.Attachment), true
	}
	there := routing.TableID{NetworkFunctionGroup: d.NetworkFunctionGroup, Edge: d.Edge}
	if there.Edge == "" {
		there.Edge = id.Edge
	}
	kind := hopInspect
	if r.Kind == routing.KindSendTo {
		kind = hopHandOver
	}
	return kind | hop(f.table[there]), true
}

func (f *forwarding) deliver(attachment string) hop {
	at, ok := f.index[attachment]
	if !ok || f.Network.Attachments[at].Down {
		return hopDown
	}
	return hopDeliver | hop(at)
}

// walk is where a packet of a class goes from a table. groups is the scratch of the caller, for the groups it visits.
func (f *forwarding) walk(table int32, class int, groups []int32) (Verdict, *routing.Attachment, []int32) {
	groups = groups[:0]
	for range maxHops {
		row := f.next[table]
		if row == nil {
			return NoRoute, nil, groups
		}
		h := row[class]
		switch h.kind() {
		case hopNone:
			return NoRoute, nil, groups
		case hopDrop:
			return Blackholed, nil, groups
		case hopDeliver:
			return Delivered, &f.Network.Attachments[h.at()], groups
		case hopDown:
			return DownAtEnd, nil, groups
		case hopHandOver:
			return HandedOver, nil, append(groups, f.group[h.at()])
		case hopInspect:
			groups = append(groups, f.group[h.at()])
		}
		table = h.at()
	}
	return Looping, nil, groups
}
