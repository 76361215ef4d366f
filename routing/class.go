package routing

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// A class is everything that is known of a prefix. Prefixes that the same attachments announce with the same attributes, and
// that the same rules of routing policies match, have one class: a full table of the Internet has one for each AS path.
// Prefixes for which more matters (core.unique) have a class of their own.
//
//	Tables.prefixes ─ prefix → class ─┬─ received   what attachments announce, and why it was refused
//	                                  └─ ribs       the paths of each vrf, and what its edges selected
//
// Vrfs that import the same paths and share a bgp share a rib. A class does not change once its Tables are there.
type class struct {
	received []received // in order of edges, attachments and peers
	ribs     []rib
	index    []uint16 // by vrf: 1 + the index of its rib, 0 for none; shared by classes that are routed in the same vrfs
	cycles   bool     // some rib never settles
}

// rib is the paths of a vrf to a prefix, at all edges, and what each edge selected.
type rib struct {
	paths []path // in order of edges, at each in the order in which ties are resolved
	best  *bestPaths
}

// rib finds the paths of a vrf, or nil.
func (k *class) rib(v vrfID) *rib {
	if k == nil || k.index == nil || k.index[v] == 0 {
		return nil
	}
	return &k.ribs[k.index[v]-1]
}

// builder makes classes. It is used for one Compute or Update and then forgotten.
type builder struct {
	*core
	find    func(string) *attachment
	attrs   interner
	chains  map[chainKey]*chain
	indexes map[string][]uint16
	into    [][]path // by vrf, scratch
	key     []byte
}

func newBuilder(c *core, find func(string) *attachment) *builder {
	return &builder{
		core: c, find: find, attrs: interner{known: map[string]*Attributes{}}, chains: map[chainKey]*chain{}, indexes: map[string][]uint16{},
		into: make([][]path, len(c.vrfs)),
	}
}

// chain is a list of arrivals, as the last of them and the chain of those before. Equal lists are one chain.
type chain struct {
	first   *class // most have no other
	matched string // of the first: what the rules of routing policies say of the prefix
	classes map[string]*class
}

// class is the class with that matches, or nil.
func (c *chain) class(matched []byte) *class {
	if c.first != nil && c.matched == string(matched) {
		return c.first
	}
	return c.classes[string(matched)]
}

// keep adds a class.
func (c *chain) keep(matched string, k *class) {
	switch {
	case c.first == nil:
		c.first, c.matched = k, matched
	case c.classes == nil:
		c.classes = map[string]*class{matched: k}
	default:
		c.classes[matched] = k
	}
}

type chainKey struct {
	before *chain
	from   *attachment
	attrs  *Attributes
	edge   edgeID
	peer   peerID
	nat    natRole
}

// class is the class of a prefix that arrives so, or nil when there is nothing to know of it. Arrivals are in the order of
// compareArrivals.
func (b *builder) class(prefix netip.Prefix, arrivals []arrival) *class {
	if b.unique(prefix) {
		return b.newClass(prefix, arrivals, nil)
	}
	if len(arrivals) == 0 {
		return nil
	}
	var at *chain
	for i := range arrivals {
		r := &arrivals[i]
		key := chainKey{at, r.from, r.attrs, r.edge, r.peer, r.nat}
		next := b.chains[key]
		if next == nil {
			next = &chain{}
			b.chains[key] = next
		}
		at = next
	}
	matched := b.tests.matching(prefix)
	b.key = b.key[:0]
	for _, test := range matched {
		b.key = binary.AppendUvarint(b.key, uint64(test))
	}
	if known := at.class(b.key); known != nil {
		return known
	}
	key := string(b.key)
	k := b.newClass(prefix, arrivals, matched)
	at.keep(key, k)
	return k
}

// compareArrivals orders arrivals: by prefix, then edge, attachment and peer.
func compareArrivals(a, b *arrival) int {
	if c := a.prefix.Compare(b.prefix); c != 0 {
		return c
	}
	if a.edge != b.edge {
		return cmp.Compare(a.edge, b.edge)
	}
	if a.from != b.from {
		return strings.Compare(a.from.ID, b.from.ID)
	}
	return cmp.Compare(a.peer, b.peer)
}

func (b *builder) newClass(prefix netip.Prefix, arrivals []arrival, matched []int32) *class {
	k := &class{received: make([]received, len(arrivals))}
	for i := range arrivals {
		k.received[i] = b.receive(&arrivals[i], prefix, nil)
	}
	b.preferOwn(k.received)
	touched := b.enter(k, prefix)
	if len(touched) == 0 {
		return k
	}
	b.key = b.key[:0]
	for _, v := range b.vrfs {
		at := 0
		if paths := b.into[v.id]; len(paths) > 0 {
			at = b.addRIB(k, v, prefix, paths, matched)
		}
		b.key = binary.LittleEndian.AppendUint16(b.key, uint16(at))
	}
	for _, v := range touched {
		b.into[v] = b.into[v][:0]
	}
	if k.index = b.indexes[string(b.key)]; k.index == nil {
		k.index = make([]uint16, len(b.vrfs))
		for i := range k.index {
			k.index[i] = binary.LittleEndian.Uint16(b.key[2*i:])
		}
		b.indexes[string(b.key)] = k.index
	}
	return k
}

// preferOwn refuses all but the best of several routes to a prefix from one peer at one edge, such as those of the tunnels
// of a VPN connection.
func (b *builder) preferOwn(list []received) {
	for i := 1; i < len(list); i++ {
		r := &list[i]
		for j := i - 1; j >= 0 && list[j].edge == r.edge && list[j].from == r.from && list[j].peer == r.peer; j-- {
			old := &list[j]
			if old.refused != notRefused || r.refused != notRefused {
				continue
			}
			worse := r
			if c, _ := b.compare(&candidate{bestPath: bestPath{Attributes: *r.accepted}}, &candidate{bestPath: bestPath{Attributes: *old.accepted}}); c < 0 {
				worse = old
			}
			worse.refused = refusedForOther
		}
	}
}

// enter puts what enters each vrf into b.into, and says which it touched.
func (b *builder) enter(k *class, prefix netip.Prefix) (touched []vrfID) {
	add := func(v vrfID, p path) {
		if len(b.into[v]) == 0 {
			touched = append(touched, v)
		}
		b.into[v] = append(b.into[v], p)
	}
	if b.special[prefix] {
		for _, v := range b.vrfs {
			for _, p := range b.statics(v, prefix, b.find) {
				add(v.id, p)
			}
		}
	}
	static := len(touched)
	for i := range k.received {
		r := &k.received[i]
		unused := r.refused == refusedForOther && b.met != nil // it meets the rules of shares all the same
		if r.refused != notRefused && !unused {
			continue
		}
		rules := b.imports[r.from.vrf]
		for j := range rules {
			if attrs, ok := b.importRoute(&rules[j], r, prefix, nil); ok && !unused {
				add(rules[j].to.id, b.newPath(r, attrs))
			}
		}
	}
	for _, v := range touched[:static] {
		slices.SortStableFunc(b.into[v], comparePaths)
	}
	return touched
}

// addRIB gives a vrf its rib, another's if it is the same, and returns 1 + its index.
func (b *builder) addRIB(k *class, v *vrf, prefix netip.Prefix, paths []path, matched []int32) int {
	if b.opt.TieBreak == nil { // it depends on the table
		for i := range k.ribs {
			if k.ribs[i].best.by == v.bgp && slices.Equal(k.ribs[i].paths, paths) {
				return i + 1
			}
		}
	}
	r := rib{paths: slices.Clone(paths)}
	if v.bgp.aggregated(prefix) {
		r.best = v.bgp.nothing() // until those it depends on are known
	} else {
		if matched == nil {
			matched = b.tests.matching(prefix)
		}
		r.best = v.bgp.converged(v, prefix, r.paths, matched)
	}
	k.cycles = k.cycles || r.best.cycle != nil
	k.ribs = append(k.ribs, r)
	return len(k.ribs)
}

// with is the class with another rib for a vrf.
func (k *class) with(c *core, v vrfID, r rib) *class {
	next := *k
	next.ribs = slices.Clone(k.ribs)
	if k.rib(v) != nil {
		next.ribs[k.index[v]-1] = r
	} else {
		next.index = make([]uint16, len(c.vrfs))
		copy(next.index, k.index)
		next.ribs = append(next.ribs, r)
		next.index[v] = uint16(len(next.ribs))
	}
	next.cycles = slices.ContainsFunc(next.ribs, func(r rib) bool { return r.best.cycle != nil })
	return &next
}
