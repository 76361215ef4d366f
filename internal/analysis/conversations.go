package analysis

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"portolan/routing"
)

// maxConversations bounds the pairs of attachments that are tried both ways; beyond it one of each kind is.
const maxConversations = 20_000

// conversations finds pairs of attachments where one way works and the other does not, or where the two do not match. All
// that an attachment announces is tried, from each of its edges; what every table treats alike is tried once.
func (d *doctor) conversations(ctx context.Context) error {
	list := d.speakers()
	if len(list)*len(list) > maxConversations {
		list = d.oneOfEach(list)
	}
	f, err := d.newForwarding(ctx, d.classes())
	if err != nil {
		return err
	}
	d.nat(f)
	targets := f.representatives(list)
	entries := make([][]int32, len(list))
	for i, a := range list {
		entries[i] = f.entries(a)
	}
	var scratch []int32
	for i, a := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		for j, b := range list[i+1:] {
			if f.quiet(entries[i], targets[b.ID], &scratch) && f.quiet(entries[i+1+j], targets[a.ID], &scratch) {
				continue
			}
			there, back := d.ways(a, b, targets[b.ID]), d.ways(b, a, targets[a.ID])
			if d.loops(a, b, append(slices.Clone(there), back...)) {
				continue
			}
			d.oneWay(there, back)
			d.oneWay(back, there)
			if !d.mismatch(a, b, there, back) {
				d.mismatch(b, a, back, there)
			}
		}
	}
	return nil
}

// entries are the tables that packets from an attachment are looked up in first: one for each of its edges.
func (f *forwarding) entries(a *routing.Attachment) []int32 {
	tables := make([]int32, len(a.Edges))
	for i, edge := range a.Edges {
		at, ok := f.table[tableOf(a, edge)]
		if !ok {
			at = -1
		}
		tables[i] = at
	}
	return tables
}

// quiet tells whether no packet from the tables to the classes arrives anywhere, or goes round: there is nothing to find about it.
func (f *forwarding) quiet(tables []int32, classes []int, scratch *[]int32) bool {
	for _, table := range tables {
		for _, class := range classes {
			if table < 0 {
				return false
			}
			v, _, groups := f.walk(table, class, *scratch)
			if *scratch = groups; v == Delivered || v == Looping {
				return false
			}
		}
	}
	return true
}

// loops reports packets between two attachments that go round.
func (d *doctor) loops(a, b *routing.Attachment, ways []*Way) bool {
	at := slices.IndexFunc(ways, func(w *Way) bool { return w.Verdict == Looping })
	if at >= 0 {
		d.add(CheckLoop, pairOf(a, b), Instance{Subjects: []string{a.ID, b.ID}, Message: fmt.Sprintf("forwarding loop between %s and %s: %s", a.ID, b.ID, ways[at].Reason)})
	}
	return at >= 0
}

// oneWay reports a packet that arrives while an answer to it does not: the first of each pair.
func (d *doctor) oneWay(there, back []*Way) {
	for _, w := range there {
		for _, v := range back {
			if w.Verdict == Delivered && answers(w, v) && v.Verdict != Delivered && v.Verdict != HandedOver {
				if v.Verdict == LocalRoute && (d.attachment[w.From].NAT != nil || d.attachment[w.At].NAT != nil) {
					d.add(CheckNATOverlap, d.wayBetween(w), Instance{Subjects: []string{w.From, w.At}, Message: fmt.Sprintf(
						"%s reaches %s by NAT; the return path fails: %s; the overlap must be translated on both sides", w.From, w.At, v.Reason)})
					return
				}
				d.add(CheckOneWay, d.wayBetween(w)+string(v.Verdict), Instance{
					Subjects: []string{w.From, w.At},
					Message:  fmt.Sprintf("%s reaches %s; the return path fails: %s", w.From, w.At, v.Reason),
				})
				return
			}
		}
	}
}

// mismatch reports a conversation that a begins, that arrives both ways and does not pass the same appliances, or none although
// the policy means it to. An attachment of several edges may begin one that the other attachment never does.
func (d *doctor) mismatch(a, b *routing.Attachment, there, back []*Way) bool {
	for _, w := range there {
		for _, v := range back {
			switch {
			case w.Verdict != Delivered || v.Verdict != Delivered && v.Verdict != HandedOver || !answers(w, v):
			case !sameAppliances(w.Inspections, v.Inspections):
				d.add(CheckAsymmetric, pairOf(a, b), Instance{
					Subjects: []string{a.ID, b.ID},
					Message:  fmt.Sprintf("%s to %s is inspected by %s, the return path by %s: a stateful appliance drops it", a.ID, b.ID, listed(w.Inspections), listed(v.Inspections)),
				})
				return true
			case len(w.Inspections) == 0 && d.mustInspect(a.Segment, b.Segment):
				in := d.inspected[[2]string{a.Segment, b.Segment}]
				d.add(CheckNotInspected, pairOf(a, b), Instance{
					Subjects: []string{a.ID, b.ID}, Place: in.Place,
					Message: fmt.Sprintf("%s and %s are not inspected: no hop through network function group %s, although the policy sends their segments via it", a.ID, b.ID, in.Group),
				})
				return true
			}
		}
	}
	return false
}

// answers tells whether one way can be the answer to the other: of one address family, beginning where the other ended.
func answers(w, v *Way) bool {
	return w.To.Is4() == v.To.Is4() && w.exit() == v.Edge
}

// ways follows packets from an attachment to another, from each edge to each address that stands for some.
func (d *doctor) ways(a, b *routing.Attachment, targets []int) []*Way {
	var list []*Way
	for _, edge := range a.Edges {
		for _, class := range targets {
			w := &Way{From: a.ID, Edge: edge, To: d.classes().addrs[class]}
			d.enter(w, a)
			if w.Verdict != Delivered || w.At == b.ID { // else somebody else has the address: same-prefix says so
				list = append(list, w)
			}
		}
	}
	return list
}

// representatives are the classes of addresses that attachments announce, one of those that every table treats alike. What
// no table has is left out: nobody-imports says so.
func (f *forwarding) representatives(list []*routing.Attachment) map[string][]int {
	routed := make([]bool, len(f.columns))
	for i, column := range f.columns {
		routed[i] = slices.ContainsFunc(column, func(h hop) bool { return h != hopNone })
	}
	of := map[string][]int{}
	var key []byte
	for _, a := range list {
		seen := map[string]bool{}
		for p := range f.offers(a) {
			class, known := f.known.at[p]
			if !known || !routed[f.column[class]] {
				continue
			}
			key = binary.AppendUvarint(key[:0], uint64(f.column[class]))
			for _, h := range f.sources[class] {
				key = binary.AppendUvarint(key, uint64(h))
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				of[a.ID] = append(of[a.ID], class)
			}
		}
	}
	return of
}

// oneOfEach keeps one attachment for each segment, edge, type and label: what holds for it holds for its like.
func (d *doctor) oneOfEach(list []*routing.Attachment) []*routing.Attachment {
	seen := map[[4]string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(a *routing.Attachment) bool {
		key := [4]string{a.Segment, fmt.Sprint(a.Edges), a.Type, a.RoutingPolicyLabel}
		again := seen[key]
		seen[key] = true
		return again
	})
}

// pairOf is the segments of two attachments, the cause that findings about their conversations are told by, in whatever order
// the attachments stand.
func pairOf(a, b *routing.Attachment) string {
	return min(a.Segment, b.Segment) + " " + max(a.Segment, b.Segment)
}

// wayBetween is the segments that a way goes from and to.
func (d *doctor) wayBetween(w *Way) string {
	return d.attachment[w.From].Segment + " " + d.attachment[w.At].Segment
}
