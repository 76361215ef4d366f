package routing

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
)

// Prefixes are all prefixes that some table may have a row for: IPv4 before IPv6, by address, shorter ones first.
func (t *Tables) Prefixes() []netip.Prefix {
	sorted := t.sorted()
	list := make([]netip.Prefix, len(sorted))
	for i := range sorted {
		list[i] = sorted[i].prefix
	}
	return list
}

// Patterns divide the prefixes of tables into those that behave alike. Prefixes of one pattern have rows in the same tables, and
// these rows differ in the prefix and in the sources they lead to, and in nothing else: where one leads to its first source, so
// does the other. What is asked of all prefixes is worked out once for each pattern.
type Patterns struct {
	Of      []int32          // the pattern of each prefix, by its index in [Tables.Prefixes]
	First   []int            // the first prefix of each pattern, by its index
	Sources [][]*Destination // of each prefix: the attachments and peers that announce it or that static routes lead to
}

// Patterns are worked out when they are first asked for. They must not be changed.
func (t *Tables) Patterns() *Patterns { return t.patterns() }

func (t *Tables) findPatterns() *Patterns {
	rows := t.sorted()
	p := &Patterns{Of: make([]int32, len(rows)), Sources: make([][]*Destination, len(rows))}
	type known struct {
		pattern int32
		sources []*Destination
	}
	classes, patterns := map[*class]known{}, map[string]int32{}
	n := numbers{index: map[*uint16]uint64{}, best: map[*bestPaths]uint64{}}
	for i, row := range rows {
		special := row.prefix == default4 || row.prefix == default6 // send-to knows these
		k, found := classes[row.class]
		if !found || special {
			key, sources := n.key(row.class, special)
			at, ok := patterns[string(key)]
			if !ok {
				at = int32(len(p.First))
				patterns[string(key)] = at
				p.First = append(p.First, i)
			}
			k = known{at, sources}
			if !special {
				classes[row.class] = k
			}
		}
		p.Of[i], p.Sources[i] = k.pattern, k.sources
	}
	return p
}

// numbers give keys for what classes share.
type numbers struct {
	index map[*uint16]uint64
	best  map[*bestPaths]uint64
	bytes []byte
}

func numberOf[T comparable](known map[T]uint64, v T) uint64 {
	n, ok := known[v]
	if !ok {
		n = uint64(len(known) + 1)
		known[v] = n
	}
	return n
}

// key is all that the rows of a class are made of, with numbers in the place of its sources, and these. See [Tables.forward]:
// what it looks at has to be in here.
func (n *numbers) key(k *class, special bool) ([]byte, []*Destination) {
	var sources []*Destination
	var from []*attachment
	key := append(n.bytes[:0], boolByte(special))
	if k != nil && k.index != nil {
		key = binary.AppendUvarint(key, numberOf(n.index, &k.index[0]))
		for i := range k.ribs {
			r := &k.ribs[i]
			key = binary.AppendUvarint(key, numberOf(n.best, r.best))
			key = binary.AppendUvarint(key, uint64(len(r.paths)))
			for j := range r.paths {
				p := &r.paths[j]
				at := 0
				if p.from != nil {
					to := &p.next()[0]
					if at = slices.Index(sources, to) + 1; at == 0 {
						sources, from = append(sources, to), append(from, p.from)
						at = len(sources)
					}
				}
				key = append(key, byte(p.kind), boolByte(p.static != nil))
				key = binary.AppendUvarint(key, uint64(p.edge))
				key = binary.AppendUvarint(key, uint64(at))
			}
		}
	}
	for _, a := range from {
		key = append(key, boolByte(a.down))
		key = binary.AppendVarint(key, int64(a.vrf))
	}
	n.bytes = key
	return key, sources
}

// Column are the rows of a prefix in all tables that have one, each with the index of its table in [Tables.TableIDs]. i is the
// index of the prefix in [Tables.Prefixes].
func (t *Tables) Column(i int) iter.Seq2[int, Forward] {
	return func(yield func(int, Forward) bool) {
		row, at := t.sorted()[i], 0
		for _, v := range t.core.vrfs {
			routed := v.sendTo != nil || row.class.rib(v.id) != nil ||
				slices.ContainsFunc(v.via, func(g vrfID) bool { return row.class.rib(g) != nil })
			for e, has := range v.hasTable {
				if !has {
					continue
				}
				if routed {
					if f, _, ok := t.forward(v, row.prefix, row.class, edgeID(e)); ok && !yield(at, f) {
						return
					}
				}
				at++
			}
		}
	}
}

// At is the row of a prefix, by its index in [Tables.Prefixes].
func (v Table) At(i int) (Forward, bool) {
	if v.t == nil {
		return Forward{}, false
	}
	row := v.t.sorted()[i]
	f, _, ok := v.t.forward(v.vrf, row.prefix, row.class, v.edge)
	return f, ok
}
