package analysis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"portolan/internal/order"
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

// add counts n samples.
func (r *Reach) add(v Verdict, n int) {
	r.Samples += n
	if v == Delivered {
		r.Delivered += n
	}
	if v != r.Verdict && (r.Verdict == "" || rank(v) > rank(r.Verdict)) {
		r.Verdict = v
	}
}

// rank orders verdicts from the best to the worst.
func rank(v Verdict) int {
	return slices.Index([]Verdict{Delivered, HandedOver, OneWay, LocalRoute, WrongTarget, NoRoute, Blackholed, DownAtEnd, Looping}, v)
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
		for p := range s.offers(a) {
			if c, ok := known.at[p]; ok {
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
	order.Sort(list, func(a, b target) int {
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

// try follows a packet from a table to a target, which counts as delivered when it ends at the target, or at any attachment
// of its segment.
func (f *forwarding) try(r *Reach, table int32, t *target, scratch []int32, anyOfSegment bool) []int32 {
	v, at, groups := f.ends(table, t, scratch, anyOfSegment)
	r.count(f, v, groups, 1)
	if v != Delivered && f.wantsReason(r) {
		f.explain(r, table, t.class, v, at)
	}
	return groups
}

// ends is how a packet from a table to a target fares, where it ends, and which groups it passes.
func (f *forwarding) ends(table int32, t *target, scratch []int32, anyOfSegment bool) (Verdict, *routing.Attachment, []int32) {
	v, at, groups := f.walk(table, t.class, scratch)
	if v == Delivered && at != t.to && (!anyOfSegment || at.Segment != t.to.Segment) {
		v = WrongTarget // another attachment has the same prefix, or a static route leads there
	} else if v == Delivered && at.NAT != nil && answeredAs(at, f.known.addrs[t.class]) != f.known.addrs[t.class] {
		v = OneWay
	}
	return v, at, groups
}

// count adds n packets that pass the groups.
func (r *Reach) count(f *forwarding, v Verdict, groups []int32, n int) {
	r.add(v, n)
	if v == Delivered && len(groups) == 0 {
		r.Direct += n
	}
	for _, g := range groups {
		r.InspectedBy = insert(r.InspectedBy, f.groups[g])
	}
}

// explain lists why a packet did not arrive.
func (f *forwarding) explain(r *Reach, table int32, class int, v Verdict, at *routing.Attachment) {
	r.asked++
	if reason := f.reason(table, class, v, at); !slices.Contains(r.Failures, reason) {
		r.Failures = append(r.Failures, reason)
	}
}

// wantsReason tells whether one more reason would be listed.
func (f *forwarding) wantsReason(r *Reach) bool {
	return !f.silent && len(r.Failures) < maxFailures && r.asked < maxAsked
}

// reason is why a packet of a class does not arrive from a table, or what other attachment it arrives at.
func (f *forwarding) reason(table int32, class int, v Verdict, at *routing.Attachment) string {
	addr := f.known.addrs[class]
	switch {
	case v == OneWay:
		return fmt.Sprintf("%s is delivered to %s, NAT translates the source of the answer to %s", addr, at.ID, answeredAs(at, addr))
	case at != nil:
		return fmt.Sprintf("%s is routed to %s in table %s (longest match)", addr, at.ID, f.ids[table])
	}
	w := &Way{To: addr}
	f.follow(w, f.ids[table])
	return w.Reason
}

// MaxMatrixPairs bounds the pairs of an attachment matrix: each takes up to 700 bytes until the answer is written.
const MaxMatrixPairs = 250_000

// AttachmentMatrix tries every pair of attachments that are in segments and have addresses: from each edge of the first
// to every prefix of the second. Pairs are in the order of ids. The error is that there are more than [MaxMatrixPairs], or
// that of the context.
func (s *Subject) AttachmentMatrix(ctx context.Context) ([]Reach, error) {
	byTo := map[*routing.Attachment][]target{}
	var list []*routing.Attachment
	known := s.classes()
	for _, t := range s.targets(known) {
		if byTo[t.to] == nil {
			list = append(list, t.to)
		}
		byTo[t.to] = append(byTo[t.to], t)
	}
	if len(list)*len(list) > MaxMatrixPairs {
		return nil, mistake("of", "%d attachments make more than %d pairs: ask for the matrix of segments, or for single paths", len(list), MaxMatrixPairs)
	}
	f, err := s.newForwarding(ctx, known)
	if err != nil {
		return nil, err
	}
	pairs := make([]Reach, len(list)*max(0, len(list)-1))
	err = inParallel(ctx, len(list), func() func(int) {
		var scratch []int32
		return func(i int) {
			row := pairs[i*(len(list)-1) : (i+1)*(len(list)-1)]
			local := f.localTo(list[i])
			for _, to := range list {
				if to != list[i] {
					row[0] = Reach{From: list[i].ID, To: to.ID}
					scratch = f.pair(&row[0], list[i], byTo[to], local, scratch)
					row = row[1:]
				}
			}
		}
	})
	return pairs, err
}

// pair tries how one attachment reaches another, which the targets are of. local are classes that do not leave the first.
func (f *forwarding) pair(r *Reach, from *routing.Attachment, targets []target, local classRanges, scratch []int32) []int32 {
	for _, edge := range from.Edges {
		if table, ok := f.table[tableOf(from, edge)]; ok && int(table) < f.exist {
			for i := range targets {
				switch t := &targets[i]; {
				case t.static != "" && t.static != from.Segment:
				case local.hold(t.class):
					f.keptLocal(r, from, t.class)
				default:
					scratch = f.try(r, table, t, scratch, false)
				}
			}
		}
	}
	return scratch
}

// SegmentMatrix tries every ordered pair of segments, the same one twice included: from each edge where the first has an
// attachment to every prefix of each attachment of the second. Nothing is left to samples: addresses that every table
// treats alike are tried once. The error is that of the context.
func (s *Subject) SegmentMatrix(ctx context.Context) ([]Reach, error) {
	f, err := s.newForwarding(ctx, s.classes())
	if err != nil {
		return nil, err
	}
	return f.segments(ctx)
}

func (f *forwarding) segments(ctx context.Context) ([]Reach, error) {
	list := f.Network.Policy.Segments
	index := map[string]int{}
	pairs := make([]Reach, len(list)*len(list))
	for i := range list {
		index[list[i].Name] = i
		for j := range list {
			pairs[i*len(list)+j] = Reach{From: list[i].Name, To: list[j].Name}
		}
	}
	tables := make([][]int32, len(list)) // of each segment
	for table, id := range f.ids {
		if from, ok := index[id.Segment]; ok && id.Segment != "" {
			tables[from] = append(tables[from], int32(table))
		}
	}
	senders := f.senders()
	targets := f.targetsBySegment(index)
	err := inParallel(ctx, len(list), func() func(int) {
		var scratch []int32
		return func(from int) {
			for _, table := range tables[from] {
				sources := senders[f.ids[table]]
				if len(sources) == 0 {
					continue
				}
				local := f.localTo(sources...)
				for to := range targets {
					scratch = f.trySegment(&pairs[from*len(list)+to], table, &targets[to], sources, local, scratch)
				}
			}
		}
	})
	return pairs, err
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
