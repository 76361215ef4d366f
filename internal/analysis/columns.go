package analysis

import (
	"slices"

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
	column []hop
	count  int
}

// targetsBySegment are the targets of each segment, by its number. Classes of one column are delivered to attachments of the
// same segments.
func (f *forwarding) targetsBySegment(number map[string]int) []segmentTargets {
	type key struct {
		segment     int
		column, nat int32
		static      string
	}
	bySegment := make([]segmentTargets, len(number))
	kinds := map[key]int32{}
	for _, t := range f.targets(f.known) {
		to, ok := number[t.to.Segment]
		if !ok {
			continue
		}
		s, k := &bySegment[to], key{to, f.column[t.class], f.translated(t.class), t.static}
		at, ok := kinds[k]
		if !ok {
			at = int32(len(s.kinds))
			kinds[k] = at
			s.kinds = append(s.kinds, kind{target: t, column: f.columns[k.column]})
		}
		s.kinds[at].count++
		s.list, s.kindOf, s.classes = append(s.list, t), append(s.kindOf, at), append(s.classes, t.class)
	}
	for i := range bySegment {
		slices.Sort(bySegment[i].classes)
	}
	return bySegment
}

// translated is a number that no other class has for one whose source has NAT, since its rules tell addresses apart, and 0 for
// all other classes.
func (f *forwarding) translated(class int) int32 {
	for _, h := range f.sources[class] {
		if h.kind() == hopDeliver && f.Network.Attachments[h.at()].NAT != nil {
			return int32(class) + 1
		}
	}
	return 0
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
		if k.column[table] == hopNone {
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
