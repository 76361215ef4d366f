package bgp

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// table is what a feed has been given, as a peer would hold it.
type table map[netip.Prefix]*Attributes

// take decodes messages into the table and returns how many there were.
func (tb table) take(t *testing.T, f *feed, b []byte) int {
	t.Helper()
	d := decoder{families: f.families, fourOctetAS: f.fourOctetAS, internal: true}
	n := 0
	for len(b) > 0 {
		size := int(b[markerSize])<<8 | int(b[markerSize+1])
		if size > maxMessage {
			t.Fatalf("a message of %d bytes", size)
		}
		u, err := d.decode(b[headerSize:size])
		if err != nil || u.malformed != nil {
			t.Fatalf("a message of ours: %v %+v", err, u)
		}
		for _, p := range u.withdrawn {
			if tb[p] == nil {
				t.Errorf("%s is withdrawn and was not advertised", p)
			}
			delete(tb, p)
		}
		for _, p := range u.announced {
			tb[p] = u.attrs
		}
		for _, p := range u.reached {
			tb[p] = u.reachedAttrs
		}
		b = b[size:]
		n++
	}
	return n
}

// drain takes all that a feed has, in buffers of a size.
func (tb table) drain(t *testing.T, f *feed, size int) (messages int) {
	t.Helper()
	for {
		b, whole := f.fill(make([]byte, 0, size))
		messages += tb.take(t, f, b)
		if whole {
			return messages
		}
	}
}

// agree says whether the table is what the export has for the source.
func (tb table) agree(x *Export, self Source, families Family) error {
	want := map[netip.Prefix]*Attributes{}
	for _, r := range x.Routes(self) {
		if familyOfPrefix(r.Prefix)&families != 0 {
			want[r.Prefix] = r.Attrs
		}
	}
	for p, a := range want {
		if got := tb[p]; got == nil || describe(p, got) != describe(p, &Attributes{
			ASPath: a.ASPath, NextHop: got.NextHop, MED: a.MED, HasMED: a.HasMED, LocalPref: a.LocalPref, HasLocalPref: a.HasLocalPref, Communities: a.Communities,
		}) {
			return fmt.Errorf("%s: the peer has %+v, advertised is %+v", p, got, a)
		}
	}
	for p := range tb {
		if want[p] == nil {
			return fmt.Errorf("the peer has %s, which is not advertised to source %d, withdrawn %+v", p, self, x.gone[p])
		}
	}
	if n := x.Len(families); self == 0 && n != len(want) {
		return fmt.Errorf("the export has %d routes of the families, advertised are %d", n, len(want))
	}
	if len(tb) != len(want) {
		return fmt.Errorf("the peer has %d routes, advertised are %d", len(tb), len(want))
	}
	return nil
}

func testFeed(self Source, families Family) *feed {
	return &feed{self: self, families: families, fourOctetAS: true, nextHop4: addr("169.254.40.2"), nextHop6: addr("fd00::2"), wake: func() {}}
}

// TestExport_anyHistory: whatever changes in which order, and however slowly a session reads, its peer ends with what the
// export has. The log is short, so that slow sessions fall out of it.
func TestExport_anyHistory(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		x := NewExport()
		x.keep = 8
		type reader struct {
			f     *feed
			table table
		}
		var readers []*reader
		join := func() {
			f := testFeed(Source(rnd.IntN(4)), []Family{IPv4, IPv4 | IPv6}[rnd.IntN(2)])
			x.attach(f)
			readers = append(readers, &reader{f, table{}})
		}
		change := func() {
			var list []Route
			for range 1 + rnd.IntN(4) {
				p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rnd.IntN(24)), 0, 0}), 16)
				if rnd.IntN(4) == 0 {
					p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(rnd.IntN(8))}), 48)
				}
				r := Route{Prefix: p}
				if rnd.IntN(3) > 0 {
					r.Source = Source(rnd.IntN(4))
					r.Attrs = &Attributes{ASPath: []uint32{uint32(1 + rnd.IntN(3))}, MED: uint32(rnd.IntN(2)), HasMED: true}
				}
				list = append(list, r)
			}
			x.Update(list)
		}
		join()
		for range 300 {
			switch rnd.IntN(12) {
			case 0:
				if len(readers) < 6 {
					join()
				}
			case 1:
				readers[rnd.IntN(len(readers))].f.restart()
			case 2, 3:
				r := readers[rnd.IntN(len(readers))]
				b, _ := r.f.fill(make([]byte, 0, 120))
				r.table.takeLoosely(t, r.f, b)
			case 4:
				r := readers[rnd.IntN(len(readers))]
				for whole := false; !whole; {
					var b []byte
					b, whole = r.f.fill(make([]byte, 0, 4096))
					r.table.takeLoosely(t, r.f, b)
				}
				if err := r.table.agree(x, r.f.self, r.f.families); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			default:
				change()
			}
		}
		for i, r := range readers {
			for whole := false; !whole; {
				var b []byte
				b, whole = r.f.fill(make([]byte, 0, 4096))
				r.table.takeLoosely(t, r.f, b)
			}
			if err := r.table.agree(x, r.f.self, r.f.families); err != nil {
				t.Fatalf("seed %d, reader %d: %v", seed, i, err)
			}
			r.f.detach()
		}
		x.Replace(nil)
		for i := range uint32(9) { // push the encoding of the whole out
			x.Update([]Route{{Prefix: pfx("11.0.0.0/8"), Attrs: &Attributes{ASPath: []uint32{i}}}})
		}
		x.Update([]Route{{Prefix: pfx("11.0.0.0/8")}})
		if len(x.gone) != 0 || len(x.attrs) != 0 || x.routes.Len() != 0 || x.six != 0 {
			t.Fatalf("seed %d: left over %d withdrawn, %d attributes, %d routes", seed, len(x.gone), len(x.attrs), x.routes.Len())
		}
	}
}

// takeLoosely is take where a withdrawal may be of what was not advertised: a session that was too far behind cannot know.
func (tb table) takeLoosely(t *testing.T, f *feed, b []byte) {
	t.Helper()
	d := decoder{families: IPv4 | IPv6, fourOctetAS: true, internal: true}
	for len(b) > 0 {
		size := int(b[markerSize])<<8 | int(b[markerSize+1])
		u, err := d.decode(b[headerSize:size])
		if err != nil || u.malformed != nil {
			t.Fatalf("a message of ours: %v %+v", err, u)
		}
		maps.DeleteFunc(tb, func(p netip.Prefix, _ *Attributes) bool {
			for _, w := range u.withdrawn {
				if w == p {
					return true
				}
			}
			return false
		})
		for _, p := range u.announced {
			tb[p] = u.attrs
		}
		for _, p := range u.reached {
			tb[p] = u.reachedAttrs
		}
		b = b[size:]
	}
}

func TestExport_encodesOnce(t *testing.T) {
	x := NewExport()
	var routes []Route
	for i := range 5000 {
		routes = append(routes, Route{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24),
			Attrs:  &Attributes{ASPath: []uint32{64512, uint32(65000 + i%10)}}, Source: Source(1 + i%3),
		})
	}
	if n := x.Replace(routes); n != 5000 {
		t.Fatalf("%d routes changed", n)
	}
	if n := x.Replace(routes); n != 0 {
		t.Fatalf("the same again: %d routes changed", n)
	}
	if len(x.attrs) != 10 {
		t.Errorf("%d sets of attributes are kept, want 10", len(x.attrs))
	}
	var feeds []*feed
	for i := range 20 {
		f := testFeed(Source(i%4), IPv4)
		x.attach(f)
		tb := table{}
		if n := tb.drain(t, f, bigBufferSize); n > 40 {
			t.Errorf("%d messages for 10 sets of attributes of 3 sources", n)
		}
		if err := tb.agree(x, f.self, IPv4); err != nil {
			t.Fatal(err)
		}
		feeds = append(feeds, f)
	}
	x.Update([]Route{{Prefix: routes[7].Prefix}})
	var seen *encoding
	for _, f := range feeds {
		if !f.advance() {
			t.Fatal("a change does not reach a session")
		}
		if seen != nil && f.queue[0] != seen {
			t.Error("the change was encoded twice")
		}
		seen = f.queue[0]
	}
}

func TestExport_aSlowSessionDoesNotPileUp(t *testing.T) {
	x := NewExport()
	f := testFeed(0, IPv4)
	x.attach(f)
	tb := table{}
	p := pfx("10.0.0.0/8")
	for i := range 100_000 {
		r := Route{Prefix: p, Attrs: &Attributes{ASPath: []uint32{uint32(i + 1)}}}
		if i%2 == 1 {
			r = Route{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i), 0, 0}), 16), Attrs: &Attributes{}}
		}
		x.Update([]Route{r})
	}
	if len(x.log) > minLog {
		t.Errorf("%d changes are kept", len(x.log))
	}
	if n := tb.drain(t, f, bigBufferSize); n > 10 {
		t.Errorf("%d messages for what is left of it", n)
	}
	if err := tb.agree(x, 0, IPv4); err != nil {
		t.Error(err)
	}
}

func TestExport_attributesThatDoNotFit(t *testing.T) {
	x := NewExport()
	x.Update([]Route{
		{Prefix: pfx("10.0.0.0/8"), Attrs: &Attributes{ASPath: make([]uint32, 1100)}},
		{Prefix: pfx("11.0.0.0/8"), Attrs: &Attributes{ASPath: []uint32{1}}},
	})
	f := testFeed(0, IPv4)
	x.attach(f)
	tb := table{}
	tb.drain(t, f, bigBufferSize)
	if len(tb) != 1 || f.tooLong != 1 {
		t.Errorf("%d routes, %d too long", len(tb), f.tooLong)
	}
}

func TestSession_setExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := func(p string, source Source) Route {
			return Route{Prefix: pfx(p), Attrs: &Attributes{ASPath: []uint32{64512}}, Source: source}
		}
		one, two := NewExport(), NewExport()
		one.Update([]Route{route("10.0.0.0/16", 0), route("10.1.0.0/16", 0), route("10.2.0.0/16", 0)})
		two.Update([]Route{route("10.0.0.0/16", 0), route("10.2.0.0/16", 7), route("10.3.0.0/16", 0)})
		p := corePeer()
		p.Source = 7
		core, _ := setup(t, p, one, nil)
		_, heard := setup(t, routerPeer(), nil, join(core))
		time.Sleep(answerTime)
		wantState(t, core, Established)
		const rest = " via 169.254.40.2 path [64512]"
		wantTable(t, heard, "10.0.0.0/16"+rest, "10.1.0.0/16"+rest, "10.2.0.0/16"+rest)
		core.SetExport(two)
		wantTable(t, heard, "10.0.0.0/16"+rest, "10.3.0.0/16"+rest)
		one.Update([]Route{route("10.9.0.0/16", 0)})
		two.Update([]Route{route("10.4.0.0/16", 0)})
		wantTable(t, heard, "10.0.0.0/16"+rest, "10.3.0.0/16"+rest, "10.4.0.0/16"+rest)
		if len(one.feeds) != 0 {
			t.Error("the old export still feeds the session")
		}
		core.Stop(ceaseShutdown, "")
		time.Sleep(time.Second)
		if len(two.feeds) != 0 {
			t.Error("a stopped session is still fed")
		}
	})
}
