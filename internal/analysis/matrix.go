package analysis

import (
	"cmp"
	"fmt"
	"slices"

	"portolan/routing"
)

// Reach is how one segment or attachment reaches another.
type Reach struct {
	From, To    string
	Verdict     Verdict  // the worst of what was found: see worst
	Delivered   int      // samples that arrive
	Direct      int      // samples that arrive and pass no appliance
	Samples     int      // addresses that were tried
	InspectedBy []string // network function groups on the way, sorted
	Failures    []string // in words, the first few

	asked int // how many failures were looked into: many have one reason
}

// Reaches tells whether everything that was tried arrives.
func (r *Reach) Reaches() bool { return r.Samples > 0 && r.Delivered == r.Samples }

// Partly tells whether some of what was tried arrives and some does not.
func (r *Reach) Partly() bool { return r.Delivered > 0 && r.Delivered < r.Samples }

const (
	maxFailures = 3
	maxAsked    = 30
)

func (r *Reach) add(v Verdict) {
	r.Samples++
	if v == Delivered {
		r.Delivered++
	}
	if v != r.Verdict && (r.Verdict == "" || rank(v) > rank(r.Verdict)) {
		r.Verdict = v
	}
}

// rank orders verdicts from the best to the worst.
func rank(v Verdict) int {
	return slices.Index([]Verdict{Delivered, HandedOver, WrongTarget, NoRoute, Blackholed, DownAtEnd, Looping}, v)
}

// target is a class of addresses that an attachment stands for: it announces the prefix, or static routes of one segment
// lead there.
type target struct {
	class  int
	to     *routing.Attachment
	static string // the segment whose static routes say so, "" when the attachment announces it
}

// targets are all of them, by the attachment's id and the class.
func (s *Subject) targets(known *classes) []target {
	var list []target
	for _, a := range s.attachment {
		if a.Segment == "" || a.Down {
			continue
		}
		for _, announced := range a.Announcements {
			if c, ok := known.at[announced.Prefix.Masked()]; ok {
				list = append(list, target{c, a, ""})
			}
		}
	}
	for i := range s.Network.Policy.StaticRoutes {
		static := &s.Network.Policy.StaticRoutes[i]
		c, ok := known.at[static.Prefix.Masked()]
		for _, id := range static.Destinations {
			if a := s.attachment[id]; ok && a != nil && a.Segment != "" && !a.Down {
				list = append(list, target{c, a, static.Segment})
			}
		}
	}
	slices.SortFunc(list, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.to.ID, b.to.ID), cmp.Compare(a.class, b.class), cmp.Compare(a.static, b.static))
	})
	return slices.CompactFunc(list, func(a, b target) bool {
		return a.to == b.to && a.class == b.class && (a.static == "" || a.static == b.static)
	})
}

// senders are the attachments of segments that work, by the table they send to.
func (s *Subject) senders() map[routing.TableID][]*routing.Attachment {
	by := map[routing.TableID][]*routing.Attachment{}
	for i := range s.Network.Attachments {
		a := &s.Network.Attachments[i]
		for _, e := range a.Edges {
			if a.Segment != "" && !a.Down {
				by[tableOf(a, e)] = append(by[tableOf(a, e)], a)
			}
		}
	}
	return by
}

// try follows a packet from a table to a target, which counts as delivered when it ends where it is expected.
func (f *forwarding) try(r *Reach, table int32, t *target, scratch *[]int32, expected func(at *routing.Attachment) bool) {
	v, at, groups := f.walk(table, t.class, *scratch)
	*scratch = groups
	if v == Delivered && !expected(at) {
		v = WrongTarget // another attachment has the same prefix, or a static route leads there
	}
	r.add(v)
	if v == Delivered && len(groups) == 0 {
		r.Direct++
	}
	for _, g := range groups {
		if i, found := slices.BinarySearch(r.InspectedBy, f.groups[g]); !found {
			r.InspectedBy = slices.Insert(r.InspectedBy, i, f.groups[g])
		}
	}
	if v != Delivered && !f.silent && len(r.Failures) < maxFailures && r.asked < maxAsked {
		r.asked++
		addr := f.known.addrs[t.class]
		reason := ""
		if at != nil {
			reason = fmt.Sprintf("%s is routed to %s in table %s (longest match)", addr, at.ID, f.ids[table])
		} else {
			w := &Way{To: addr}
			f.net.follow(w, f.ids[table])
			reason = w.Reason
		}
		if !slices.Contains(r.Failures, reason) {
			r.Failures = append(r.Failures, reason)
		}
	}
}

// MaxMatrixPairs bounds the pairs of an attachment matrix.
const MaxMatrixPairs = 1_000_000

// AttachmentMatrix tries every pair of attachments that are in segments and have addresses: from each edge of the first
// to every prefix of the second. Pairs are in the order of ids. The error is that there are more than [MaxMatrixPairs].
func (s *Subject) AttachmentMatrix() ([]Reach, error) {
	byTo := map[*routing.Attachment][]target{}
	var list []*routing.Attachment
	f := s.forwarding(s.classes())
	for _, t := range s.targets(f.known) {
		if byTo[t.to] == nil {
			list = append(list, t.to)
		}
		byTo[t.to] = append(byTo[t.to], t)
	}
	if len(list)*len(list) > MaxMatrixPairs {
		return nil, fmt.Errorf("%d attachments make more than %d pairs: ask for the matrix of segments, or for single paths", len(list), MaxMatrixPairs)
	}
	pairs := make([]Reach, 0, len(list)*max(0, len(list)-1))
	var scratch []int32
	for _, from := range list {
		for _, to := range list {
			if from != to {
				pairs = append(pairs, f.pair(from, to, byTo[to], &scratch))
			}
		}
	}
	return pairs, nil
}

// pair is how one attachment reaches another.
func (f *forwarding) pair(from, to *routing.Attachment, targets []target, scratch *[]int32) Reach {
	r := Reach{From: from.ID, To: to.ID}
	for _, edge := range from.Edges {
		if table, ok := f.table[tableOf(from, edge)]; ok {
			for i := range targets {
				if t := &targets[i]; t.static == "" || t.static == from.Segment {
					f.try(&r, table, t, scratch, func(at *routing.Attachment) bool { return at.ID == to.ID })
				}
			}
		}
	}
	return r
}

// SegmentMatrix tries every ordered pair of segments, the same one twice included: from each edge where the first has an
// attachment to every prefix of each attachment of the second. Nothing is left to samples: addresses that every table
// treats alike are tried once.
func (s *Subject) SegmentMatrix() []Reach { return s.forwarding(s.classes()).segments() }

func (f *forwarding) segments() []Reach {
	list := f.net.Network.Policy.Segments
	index := map[string]int{}
	pairs := make([]Reach, len(list)*len(list))
	for i := range list {
		index[list[i].Name] = i
		for j := range list {
			pairs[i*len(list)+j] = Reach{From: list[i].Name, To: list[j].Name}
		}
	}
	senders := f.net.senders()
	targets := f.net.targets(f.known)
	segments := make([]int, len(targets))
	for i := range targets {
		at, known := index[targets[i].to.Segment]
		if !known {
			at = -1
		}
		segments[i] = at
	}
	var scratch []int32
	for table, id := range f.ids {
		from, known := index[id.Segment]
		sources := senders[id]
		if !known || len(sources) == 0 {
			continue
		}
		for i := range targets {
			t := &targets[i]
			if t.static != "" && t.static != id.Segment || len(sources) == 1 && sources[0] == t.to {
				continue // nobody else at this edge would send to it from here
			}
			if to := segments[i]; to >= 0 {
				f.try(&pairs[from*len(list)+to], int32(table), t, &scratch, func(at *routing.Attachment) bool { return at.Segment == t.to.Segment })
			}
		}
	}
	return pairs
}

// speakers are the attachments of segments that work and announce something, by id.
func (s *Subject) speakers() []*routing.Attachment {
	var list []*routing.Attachment
	for i := range s.Network.Attachments {
		if a := &s.Network.Attachments[i]; a.Segment != "" && !a.Down && len(s.hosts(a, 1)) > 0 {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *routing.Attachment) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
