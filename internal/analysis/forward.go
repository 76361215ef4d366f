package analysis

import (
	"context"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"portolan/routing"
)

// forwarding is the tables of a network by classes of addresses: what lookup answers for each table and class, worked out once
// for all classes that behave alike. Questions about all pairs are asked of it.
type forwarding struct {
	*Subject
	known   *classes
	ids     []routing.TableID // those that exist, then those of groups at edges where they have none
	exist   int               // how many of them exist
	table   map[routing.TableID]int32
	group   []int32 // of each table: index into groups, -1 of a segment's
	groups  []string
	index   map[string]int32 // of attachments in Network.Attachments
	columns [][]hop          // where each table leads: one for all classes that behave alike
	column  []int32          // of each class
	sources [][]hop          // of each class: what hopSource stands for
	silent  bool             // reasons are not wanted
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
	hopSource       // to a source of the class: columns have it in the place of hopDeliver and hopDown

	hopShift = 28
)

func (h hop) kind() hop { return h &^ (1<<hopShift - 1) }
func (h hop) at() int32 { return int32(h & (1<<hopShift - 1)) }

// newForwarding reads all tables of a network. The error is that of the context.
func (s *Subject) newForwarding(ctx context.Context, known *classes) (*forwarding, error) {
	f := &forwarding{Subject: s, known: known, ids: s.Tables.TableIDs(), table: map[routing.TableID]int32{}, index: map[string]int32{}}
	f.exist = len(f.ids)
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
	patterns := s.Tables.Patterns()
	alone := make([][]hop, len(patterns.First))
	err := inParallel(ctx, len(alone), func() func(int) {
		cache := map[*routing.Destination]hop{}
		return func(i int) { alone[i] = f.columnOf(patterns.First[i], patterns, cache) }
	})
	if err == nil {
		f.cover(patterns, alone)
	}
	return f, err
}

// columnOf is where each table leads by its row of one prefix.
func (f *forwarding) columnOf(prefix int, patterns *routing.Patterns, cache map[*routing.Destination]hop) []hop {
	column := make([]hop, len(f.ids))
	for table, row := range f.Tables.Column(prefix) {
		column[table] = f.hop(f.ids[table], &row, patterns.Sources[prefix], cache)
	}
	return column
}

// cover finds the column of each class: the longest prefix that holds it and has a row in the table counts. Prefixes come in the
// order of addresses, each before those inside it. alone are the columns of patterns.
func (f *forwarding) cover(patterns *routing.Patterns, alone [][]hop) {
	prefixes := f.Tables.Prefixes()
	f.column, f.sources = make([]int32, len(f.known.addrs)), make([][]hop, len(f.known.addrs))
	numbers := map[string]int32{}
	var key []byte
	var around []int // prefixes that hold the class, the longest last
	var room []hop
	next := 0
	for class, addr := range f.known.addrs {
		for len(around) > 0 && !prefixes[around[len(around)-1]].Contains(addr) {
			around = around[:len(around)-1]
		}
		for next < len(prefixes) && prefixes[next].Addr().Compare(addr) <= 0 {
			if prefixes[next].Contains(addr) {
				around = append(around, next)
			}
			next++
		}
		first := len(room)
		key = key[:0]
		for _, i := range slices.Backward(around) {
			key = binary.AppendUvarint(key, uint64(patterns.Of[i]))
			for _, d := range patterns.Sources[i] {
				room = append(room, f.deliver(d.Attachment))
			}
		}
		f.sources[class] = room[first:]
		at, ok := numbers[string(key)]
		if !ok {
			at = int32(len(f.columns))
			numbers[string(key)] = at
			f.columns = append(f.columns, f.layered(around, patterns, alone))
		}
		f.column[class] = at
	}
}

// layered is the column of what lies in all of these prefixes, of which the last is the longest.
func (f *forwarding) layered(around []int, patterns *routing.Patterns, alone [][]hop) []hop {
	if len(around) == 1 {
		return alone[patterns.Of[around[0]]]
	}
	column, sources := make([]hop, len(f.ids)), hop(0)
	for _, i := range slices.Backward(around) {
		for table, h := range alone[patterns.Of[i]] {
			if h.kind() == hopSource {
				h += sources
			}
			if column[table] == hopNone {
				column[table] = h
			}
		}
		sources += hop(len(patterns.Sources[i]))
	}
	return column
}

type workersKey struct{}

// WithWorkers bounds the processors that a question takes which is asked with the context; without it, it takes all.
func WithWorkers(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, workersKey{}, n)
}

// inParallel calls a function for each number below n, of which each worker makes its own, until the context ends.
func inParallel(ctx context.Context, n int, worker func() func(int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	workers, bounded := ctx.Value(workersKey{}).(int)
	if !bounded {
		workers = runtime.GOMAXPROCS(0)
	}
	for range min(n, workers) {
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

// hop is where a row leads. Rows that lead to one edge share their destinations.
func (f *forwarding) hop(id routing.TableID, r *routing.Forward, sources []*routing.Destination, cache map[*routing.Destination]hop) hop {
	if r.State == routing.Blackhole || len(r.Destinations) == 0 {
		return hopDrop
	}
	d := &r.Destinations[0]
	if h, ok := cache[d]; ok {
		return h
	}
	h, general := f.newHop(id, r, sources)
	if general && len(r.Destinations) == 1 && r.Kind == routing.KindEdge {
		cache[d] = h
	}
	return h
}

// newHop works out where a row leads; false: that holds for this row alone.
func (f *forwarding) newHop(id routing.TableID, r *routing.Forward, sources []*routing.Destination) (hop, bool) {
	d := &r.Destinations[0]
	switch {
	case d.Attachment == "":
		there := id
		there.Edge = d.Edge
		if at, ok := f.table[there]; ok {
			return hopEdge | hop(at), true
		}
		row, _ := f.route(id, r.Prefix) // which knows where it comes from
		if beyond, ok := f.shadow(there, &row); ok {
			return f.source(sources, beyond.Destinations[0].Attachment), false
		}
		return hopNone, false
	case d.NetworkFunctionGroup == "":
		if group := f.appliance(d); group != "" {
			return hopHandOver | hop(f.table[routing.TableID{NetworkFunctionGroup: group, Edge: id.Edge}]), true
		}
		return f.source(sources, d.Attachment), true
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

// source is the hop to an attachment, which is a source of the prefix.
func (f *forwarding) source(sources []*routing.Destination, attachment string) hop {
	if at := slices.IndexFunc(sources, func(d *routing.Destination) bool { return d.Attachment == attachment }); at >= 0 {
		return hopSource | hop(at)
	}
	return f.deliver(attachment)
}

func (f *forwarding) deliver(attachment string) hop {
	at, ok := f.index[attachment]
	if !ok || f.Network.Attachments[at].Down {
		return hopDown
	}
	return hopDeliver | hop(at)
}

// at is where a table leads a class.
func (f *forwarding) at(table int32, class int) hop {
	h := f.columns[f.column[class]][table]
	if h.kind() == hopSource {
		return f.sources[class][h.at()]
	}
	return h
}

// walk is where a packet of a class goes from a table. groups is the scratch of the caller, for the groups it visits.
func (f *forwarding) walk(table int32, class int, groups []int32) (Verdict, *routing.Attachment, []int32) {
	groups = groups[:0]
	column := f.columns[f.column[class]]
	for range maxHops {
		h := column[table]
		if h.kind() == hopSource {
			h = f.sources[class][h.at()]
		}
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
