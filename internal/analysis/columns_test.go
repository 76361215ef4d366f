package analysis

import (
	"reflect"
	"testing"

	"portolan/bench/atquota"
	"portolan/routing"
)

// oneByOne is the matrix of segments without any regard to what behaves alike.
func (f *forwarding) oneByOne(t *testing.T) map[[2]string]Reach {
	pairs, senders, bySegment := map[[2]string]Reach{}, f.senders(), map[string][]target{}
	for _, to := range f.targets(f.known) {
		bySegment[to.to.Segment] = append(bySegment[to.to.Segment], to)
	}
	for i := range f.Network.Policy.Segments {
		for j := range f.Network.Policy.Segments {
			from, to := f.Network.Policy.Segments[i].Name, f.Network.Policy.Segments[j].Name
			r := Reach{From: from, To: to}
			for table, id := range f.ids {
				if sources := senders[id]; id.Segment == from && len(sources) > 0 {
					f.tryEach(&r, int32(table), bySegment[to], sources, f.localTo(sources...), nil)
				}
			}
			pairs[[2]string{from, to}] = r
		}
	}
	if len(pairs) == 0 {
		t.Fatal("there are no segments")
	}
	return pairs
}

// TestSegmentMatrix_asOneByOne: what is tried once for many targets gives what each by itself does: counts, verdicts,
// inspections and reasons.
func TestSegmentMatrix_asOneByOne(t *testing.T) {
	for name, size := range map[string]atquota.Size{
		"many at each edge":  {Attachments: 240, Segments: 5, Edges: 4, Routes: 480},
		"one at most tables": {Attachments: 40, Segments: 8, Edges: 5, Routes: 120},
		"with NAT":           {Attachments: 240, Segments: 5, Edges: 4, Routes: 480, NAT: 40},
	} {
		for what, actions := range map[string][]string{
			"shares": size.Actions(), "nothing": nil, "everything": size.Everything(),
			"a static route": append(size.Actions(), `{"action":"create-route","segment":"s2","destination-cidr-blocks":["10.0.7.0/24"],"destinations":["blackhole"]}`),
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				network := size.NetworkWith(actions)
				for i := range network.Attachments {
					network.Attachments[i].Down = i%17 == 5
				}
				tables, err := routing.Compute(network)
				if err != nil {
					t.Fatal(err)
				}
				s := New(&network, tables)
				f, err := s.newForwarding(t.Context(), s.classes())
				if err != nil {
					t.Fatal(err)
				}
				want := f.oneByOne(t)
				got, err := f.segments(t.Context())
				if err != nil || len(got) != len(want) {
					t.Fatalf("%d pairs, %v; want %d", len(got), err, len(want))
				}
				for _, r := range got {
					if w := want[[2]string{r.From, r.To}]; !reflect.DeepEqual(r, w) {
						t.Errorf("got  %+v\nwant %+v", r, w)
					}
				}
			})
		}
	}
}
