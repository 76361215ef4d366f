package analysis

import (
	"net/netip"
	"slices"

	"portolan/routing"
)

// Reach is how one segment or attachment reaches another.
type Reach struct {
	From, To    string
	Verdict     Verdict  // the worst of what was found: see worst
	Delivered   int      // samples that arrive
	Samples     int      // addresses that were tried
	InspectedBy []string // network function groups on the way, sorted
	Failures    []string // in words, the first few
}

// Reaches tells whether everything that was tried arrives.
func (r *Reach) Reaches() bool { return r.Samples > 0 && r.Delivered == r.Samples }

// Partly tells whether some of what was tried arrives and some does not.
func (r *Reach) Partly() bool { return r.Delivered > 0 && r.Delivered < r.Samples }

const maxFailures = 3

func (r *Reach) add(w *Way) {
	r.Samples++
	if w.Verdict == Delivered {
		r.Delivered++
	} else if len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, w.Reason)
	}
	if r.Verdict == "" || rank(w.Verdict) > rank(r.Verdict) {
		r.Verdict = w.Verdict
	}
	for _, in := range w.Inspections {
		if i, found := slices.BinarySearch(r.InspectedBy, in.NetworkFunctionGroup); !found {
			r.InspectedBy = slices.Insert(r.InspectedBy, i, in.NetworkFunctionGroup)
		}
	}
}

// rank orders verdicts from the best to the worst.
func rank(v Verdict) int {
	return slices.Index([]Verdict{Delivered, HandedOver, WrongTarget, NoRoute, Blackholed, DownAtEnd, Looping}, v)
}

// AttachmentMatrix tries every pair of attachments that are in segments and announce something: from each edge of the
// first to one address for each prefix of the second, at most perPair. Pairs are in the order of ids.
func (n *Net) AttachmentMatrix(perPair int) []Reach {
	list := n.speakers()
	pairs := make([]Reach, 0, len(list)*max(0, len(list)-1))
	targets := make([][]netip.Addr, len(list))
	for i, a := range list {
		targets[i] = hosts(a, perPair)
	}
	for _, from := range list {
		for j, to := range list {
			if from == to {
				continue
			}
			r := Reach{From: from.ID, To: to.ID}
			for _, addr := range targets[j] {
				for _, edge := range from.Edges {
					n.sample(&r, from, edge, addr, func(at string) bool { return at == to.ID })
				}
			}
			pairs = append(pairs, r)
		}
	}
	return pairs
}

// sample follows one packet, which counts as delivered when it ends where it is expected.
func (n *Net) sample(r *Reach, from *routing.Attachment, edge string, addr netip.Addr, expected func(at string) bool) {
	w := &Way{From: from.ID, Edge: edge, To: addr}
	n.follow(w, tableOf(from, edge))
	if w.Verdict == Delivered && !expected(w.At) {
		// Another attachment announces the same or a more specific prefix: the packet arrives, but not here.
		w.Verdict, w.Reason = WrongTarget, addr.String()+" leads to "+w.At
	}
	r.add(w)
}

// speakers are the attachments of segments that work and announce something, by id.
func (n *Net) speakers() []*routing.Attachment {
	var list []*routing.Attachment
	for i := range n.network.Attachments {
		if a := &n.network.Attachments[i]; a.Segment != "" && !a.Down && len(hosts(a, 1)) > 0 {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *routing.Attachment) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list
}

// SegmentMatrix tries every ordered pair of segments, the same one twice included: from each edge where the first has an
// attachment to an address of each attachment of the second. What leads to the same place from the same table in the
// same way is tried once, so that the cost grows with the tables and not with the pairs of attachments.
func (n *Net) SegmentMatrix() []Reach {
	segments := n.network.Policy.Segments
	edges := map[string][]string{} // where a segment has attachments
	owned := map[string][]*routing.Attachment{}
	for _, a := range n.speakers() {
		owned[a.Segment] = append(owned[a.Segment], a)
		for _, e := range a.Edges {
			if !slices.Contains(edges[a.Segment], e) {
				edges[a.Segment] = append(edges[a.Segment], e)
			}
		}
	}
	var pairs []Reach
	for i := range segments {
		for j := range segments {
			from, to := segments[i].Name, segments[j].Name
			r := Reach{From: from, To: to}
			for _, edge := range edges[from] {
				n.sampleSegment(&r, routing.TableID{Segment: from, Edge: edge}, owned[from], owned[to])
			}
			pairs = append(pairs, r)
		}
	}
	return pairs
}

// sampleSegment tries the attachments of a segment from one table of another.
func (n *Net) sampleSegment(r *Reach, table routing.TableID, sources, targets []*routing.Attachment) {
	type class struct {
		state routing.State
		kind  routing.Kind
		to    routing.Destination
		found bool
		edge  string // of the target: what happens at the far edge may differ
	}
	tried := map[class]bool{}
	var source *routing.Attachment
	alone := 0
	for _, s := range sources {
		if slices.Contains(s.Edges, table.Edge) {
			source = s
			alone++
		}
	}
	if source == nil {
		return
	}
	for _, target := range targets {
		if target == source && alone == 1 {
			continue // nobody else at this edge would send to it from here
		}
		addr := hosts(target, 1)[0]
		c := class{edge: target.Edges[0]}
		if route, ok := n.tables.Lookup(table, addr); ok {
			c.found, c.state, c.kind = true, route.State, route.Kind
			if len(route.Destinations) > 0 {
				c.to = route.Destinations[0]
				if c.to.NetworkFunctionGroup == "" && c.to.Attachment != "" {
					c.to.Attachment = "local" // every local delivery is alike
				}
			}
		}
		if tried[c] {
			continue
		}
		tried[c] = true
		n.sample(r, source, table.Edge, addr, func(at string) bool {
			a := n.attachment[at]
			return a != nil && a.Segment == target.Segment
		})
	}
}
