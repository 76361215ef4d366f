package analysis

import (
	"context"
	"slices"
	"sync"

	"portolan/routing"
)

// segmentTargets are the targets of a segment, and which of them behave alike.
type segmentTargets struct {
	list    []target // by attachment, then class
	kinds   []kind
	kindOf  []int32 // of each target: index into kinds
	classes []int   // of all, ascending
}

// kind is targets that every table treats alike: a packet to one of them fares as a packet to each of them does.
type kind struct {
	target // one of them
	count  int
}

// targetsBySegment are the targets of each segment, by its number.
func (f *forwarding) targetsBySegment(ctx context.Context, number map[string]int) ([]segmentTargets, error) {
	columns, err := f.columns(ctx)
	if err != nil {
		return nil, err
	}
	type key struct {
		segment int
		column  uint64
		static  string
	}
	bySegment := make([]segmentTargets, len(number))
	kinds := map[key]int32{}
	for _, t := range f.targets(f.known) {
		to, ok := number[t.to.Segment]
		if !ok {
			continue
		}
		s, k := &bySegment[to], key{to, columns[t.class], t.static}
		at, ok := kinds[k]
		if !ok {
			at = int32(len(s.kinds))
			kinds[k] = at
			s.kinds = append(s.kinds, kind{target: t})
		}
		s.kinds[at].count++
		s.list, s.kindOf, s.classes = append(s.list, t), append(s.kindOf, at), append(s.classes, t.class)
	}
	for i := range bySegment {
		slices.Sort(bySegment[i].classes)
	}
	return bySegment, nil
}

// columns are numbers that say what all tables do with a class: those of two classes are equal when every table leads them the
// same way, to attachments of one segment at last. What ends at an attachment with NAT is like nothing else, since its rules
// tell addresses apart.
func (f *forwarding) columns(ctx context.Context) ([]uint64, error) {
	const natBit = 1 << 63
	segments := map[string]uint64{}
	ends := make([]uint64, len(f.Network.Attachments)) // what takes the place of an attachment
	for i := range f.Network.Attachments {
		a := &f.Network.Attachments[i]
		if _, known := segments[a.Segment]; !known {
			segments[a.Segment] = uint64(len(segments))
		}
		if ends[i] = uint64(hopDeliver) | segments[a.Segment]; a.NAT != nil {
			ends[i] = natBit | uint64(i)
		}
	}
	var mu sync.Mutex
	var sums [][]uint64 // by worker
	err := inParallel(ctx, len(f.next), func() func(int) {
		sum := make([]uint64, len(f.known.addrs))
		mu.Lock()
		sums = append(sums, sum)
		mu.Unlock()
		return func(table int) {
			seed := mixed(uint64(table) + 1)
			for class, h := range f.next[table] {
				if h == hopNone {
					continue
				}
				x := uint64(h)
				if h.kind() == hopDeliver {
					if x = ends[h.at()]; x&natBit != 0 {
						x ^= uint64(class) << 32
					}
				}
				sum[class] += mixed(x ^ seed)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]uint64, len(f.known.addrs))
	for _, sum := range sums {
		for class, n := range sum {
			all[class] += n
		}
	}
	return all, nil
}

// mixed spreads the bits of a number over all of it (the finalizer of SplitMix64).
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// trySegment follows packets from a table to all targets of a segment.
func (f *forwarding) trySegment(r *Reach, table int32, targets *segmentTargets, sources []*routing.Attachment, local classRanges, scratch []int32) []int32 {
	if len(targets.list) == 0 {
		return scratch
	}
	var only *routing.Attachment
	if len(sources) == 1 && sources[0].Segment == targets.list[0].to.Segment {
		only = sources[0]
	}
	if only != nil || targets.meet(local) {
		return f.tryEach(r, table, targets.list, sources, local, scratch)
	}
	segment, failed, wants := f.ids[table].Segment, false, f.wantsReason(r)
	for i := range targets.kinds {
		k := &targets.kinds[i]
		if k.static != "" && k.static != segment {
			continue // no attachment at this edge would send to it from here
		}
		if f.next[table][k.class] == hopNone {
			r.add(NoRoute, k.count)
			failed = true
			continue
		}
		v, _, groups := f.ends(table, &k.target, scratch, true)
		scratch = groups
		r.count(f, v, groups, k.count)
		failed = failed || v != Delivered
	}
	if failed && wants {
		scratch = f.reasons(r, table, targets, scratch)
	}
	return scratch
}

// reasons lists why the first targets that cannot be reached from a table cannot.
func (f *forwarding) reasons(r *Reach, table int32, targets *segmentTargets, scratch []int32) []int32 {
	arrive := make([]bool, len(targets.kinds))
	for i := range targets.kinds {
		var v Verdict
		v, _, scratch = f.ends(table, &targets.kinds[i].target, scratch, true)
		arrive[i] = v == Delivered
	}
	segment := f.ids[table].Segment
	for i := range targets.list {
		t := &targets.list[i]
		if !f.wantsReason(r) {
			break
		}
		if arrive[targets.kindOf[i]] || t.static != "" && t.static != segment {
			continue
		}
		v, at, groups := f.ends(table, t, scratch, true)
		scratch = groups
		f.explain(r, table, t.class, v, at)
	}
	return scratch
}

// tryEach is trySegment one by one: not every target is tried from this table.
func (f *forwarding) tryEach(r *Reach, table int32, targets []target, sources []*routing.Attachment, local classRanges, scratch []int32) []int32 {
	segment := f.ids[table].Segment
	for i := range targets {
		t := &targets[i]
		switch {
		case len(sources) == 1 && t.to == sources[0], t.static != "" && t.static != segment:
			// no other attachment at this edge would send to it from here
		case local.hold(t.class):
			f.keptLocal(r, sources[0], t.class)
		default:
			scratch = f.try(r, table, t, scratch, true)
		}
	}
	return scratch
}

// meet tells whether some target lies in the ranges.
func (s *segmentTargets) meet(ranges classRanges) bool {
	return slices.ContainsFunc(ranges, func(c [2]int) bool {
		i, _ := slices.BinarySearch(s.classes, c[0])
		return i < len(s.classes) && s.classes[i] < c[1]
	})
}
