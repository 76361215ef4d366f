package routing_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"portolan/bench/atquota"
	"portolan/policy"
	"portolan/routing"
)

// TestCompute_unrelatedSegment: a segment that nothing is shared with changes nothing elsewhere.
func TestCompute_unrelatedSegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		if strings.Contains(text, `"*"`) || strings.Contains(text, `"except"`) {
			t.Skip("shares with every segment there is")
		}
		tables := settled(t, n, text)
		var doc object
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		doc["segments"] = append(doc["segments"].([]any), object{"name": "alone"})
		more := n
		more.Policy = recompiled(t, doc)
		more.Attachments = append(slices.Clone(n.Attachments), routing.Attachment{
			ID: "attachment-0alone", Type: policy.TypeSiteToSiteVPN, Segment: "alone", Edges: []string{regions[0]},
			Announcements: []routing.Announcement{{Prefix: netip.MustParsePrefix(blocks[0])}, {Prefix: netip.MustParsePrefix("10.0.0.0/9")}},
		})
		other := settled(t, more, text)
		for _, id := range tables.TableIDs() {
			one, _ := tables.Table(id)
			two, _ := other.Table(id)
			if got, want := detailed(two)+strings.Join(ribOf(two), "\n"), detailed(one)+strings.Join(ribOf(one), "\n"); got != want {
				t.Fatalf("%s\ngot:\n%s\nwant:\n%s\n%s", id, got, want, describe(n, text))
			}
		}
	})
}

func recompiled(t *rapid.T, doc object) *policy.Policy {
	text, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	p, errs := compile(string(text))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return p
}

// TestCompute_renamedEdges: other names for edges that keep the order of the alphabet and of the default priority rename the rows and change nothing
// else.
func TestCompute_renamedEdges(t *testing.T) {
	names := strings.NewReplacer("us-east-1", "us-west-1", "eu-west-1", "eu-north-1", "ap-south-1", "ap-southeast-1", "ca-central-1", "ca-west-1")
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		p, errs := compile(names.Replace(text))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		renamed := routing.Network{Policy: p, PrefixLists: n.PrefixLists}
		if n.Options != nil {
			o := *n.Options
			if o.DefaultRegionPriority != nil { // an empty list is not the default
				o.DefaultRegionPriority = strings.Fields(names.Replace(strings.Join(o.DefaultRegionPriority, " ")))
			}
			renamed.Options = &o
		}
		for _, a := range n.Attachments {
			a.Edges = slices.Clone(a.Edges)
			for i := range a.Edges {
				a.Edges[i] = names.Replace(a.Edges[i])
			}
			a.Announcements = slices.Clone(a.Announcements)
			for i := range a.Announcements {
				a.Announcements[i].Edge = names.Replace(a.Announcements[i].Edge)
			}
			renamed.Attachments = append(renamed.Attachments, a)
		}
		other := settled(t, renamed, text)
		var got, want strings.Builder
		for _, id := range tables.TableIDs() {
			one, _ := tables.Table(id)
			want.WriteString(names.Replace(fib(one) + strings.Join(ribOf(one), "\n")))
			id.Edge = names.Replace(id.Edge)
			two, _ := other.Table(id)
			got.WriteString(fib(two) + strings.Join(ribOf(two), "\n"))
		}
		if sortedLines(got.String()) != sortedLines(want.String()) {
			t.Fatalf("got:\n%s\nwant:\n%s\n%s", got.String(), want.String(), describe(n, text))
		}
	})
}

func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestCompute_removedAttachment: where no policy acts and no appliance is, removing an attachment takes away the routes
// that came from it, and every other prefix stays as it is.
func TestCompute_removedAttachment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		if len(n.Attachments) == 0 {
			t.Skip("no attachments")
		}
		tables := settled(t, n, text)
		gone := pick(t, "gone", n.Attachments)
		if strings.Contains(text, "summarize") || gone.NetworkFunctionGroup != "" || strings.Contains(text, gone.ID) {
			t.Skip("other prefixes may depend on it")
		}
		left := n
		left.Attachments = slices.DeleteFunc(slices.Clone(n.Attachments), func(a routing.Attachment) bool { return a.ID == gone.ID })
		after := settled(t, left, text)
		announced := map[netip.Prefix]bool{}
		for _, a := range gone.Announcements {
			announced[a.Prefix] = true
		}
		if gone.NAT != nil {
			for _, rule := range gone.NAT.Rules {
				announced[rule.NAT] = true
			}
		}
		for _, id := range tables.TableIDs() {
			one, _ := tables.Table(id)
			two, _ := after.Table(id)
			for r := range two.Routes() {
				if r.Origin.Attachment == gone.ID || slices.ContainsFunc(r.Destinations, func(d routing.Destination) bool { return d.Attachment == gone.ID }) {
					t.Fatalf("%s: %s is still there\n%s", id, row(r), describe(n, text))
				}
			}
			kept := func(table routing.Table) string {
				var b strings.Builder
				for r := range table.Routes() {
					if !announced[r.Prefix] {
						fmt.Fprintln(&b, row(r), attributes(r.Attributes))
					}
				}
				return b.String()
			}
			if kept(one) != kept(two) {
				t.Fatalf("%s\nbefore:\n%s\nafter:\n%s\n%s", id, kept(one), kept(two), describe(n, text))
			}
		}
	})
}

// TestUpdate_forgetsPrefixes: announcements that come and go leave nothing behind.
func TestUpdate_forgetsPrefixes(t *testing.T) {
	n := atquota.Size{Attachments: 10, Segments: 3, Edges: 2, Routes: 20}.Network()
	tables := compute(t, n)
	a := n.Attachments[5]
	for i := range 5000 {
		a.Announcements = []routing.Announcement{{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}}
		next, err := tables.Update([]routing.Attachment{a}, nil)
		if err != nil {
			t.Fatal(err)
		}
		tables = next
	}
	if n := routing.Prefixes(tables); n > 20 {
		t.Errorf("%d prefixes are kept, of 20", n)
	}
	n.Attachments[5] = a
	if everything(tables) != everything(compute(t, n)) {
		t.Error("the tables are not what Compute gives")
	}
}

func TestCompute_badNetworks(t *testing.T) {
	n := atquota.Size{Attachments: 4, Segments: 2, Edges: 2, Routes: 4}.Network()
	good := n.Attachments[3]
	for name, break_ := range map[string]func(*routing.Network, *routing.Attachment){
		"no policy":       func(n *routing.Network, _ *routing.Attachment) { n.Policy = nil },
		"no id":           func(_ *routing.Network, a *routing.Attachment) { a.ID = "" },
		"unknown segment": func(_ *routing.Network, a *routing.Attachment) { a.Segment = "nowhere" },
		"two places":      func(_ *routing.Network, a *routing.Attachment) { a.Segment, a.NetworkFunctionGroup = "s0", "fw" },
		"unknown type":    func(_ *routing.Network, a *routing.Attachment) { a.Type = "tunnel" },
		"no prefix":       func(_ *routing.Network, a *routing.Attachment) { a.Announcements = []routing.Announcement{{}} },
		"unknown peer":    func(_ *routing.Network, a *routing.Attachment) { a.Announcements[0].Peer = "peer-1" },
		"same peer twice": func(_ *routing.Network, a *routing.Attachment) { a.Peers = []routing.Peer{{ID: "p"}, {ID: "p"}} },
		"same id twice":   func(n *routing.Network, a *routing.Attachment) { n.Attachments = append(n.Attachments, good) },
	} {
		bad := routing.Network{Policy: n.Policy, Attachments: slices.Clone(n.Attachments)}
		bad.Attachments[3].Announcements = slices.Clone(good.Announcements)
		break_(&bad, &bad.Attachments[3])
		if tables, err := routing.Compute(bad); err == nil || tables != nil {
			t.Errorf("%s: got %v, %v", name, tables, err)
		}
	}
	tables := compute(t, n)
	for name, update := range map[string]func() (*routing.Tables, error){
		"remove what is not there": func() (*routing.Tables, error) { return tables.Update(nil, []string{"attachment-x"}) },
		"twice":                    func() (*routing.Tables, error) { return tables.Update([]routing.Attachment{good, good}, nil) },
		"removed and put":          func() (*routing.Tables, error) { return tables.Update([]routing.Attachment{good}, []string{good.ID}) },
		"unknown segment": func() (*routing.Tables, error) {
			return tables.Update([]routing.Attachment{{ID: "a", Type: policy.TypeVPC, Segment: "x"}}, nil)
		},
	} {
		if got, err := update(); err == nil || got != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// TestTable_absent: what is not there has no rows, and nothing panics.
func TestTable_absent(t *testing.T) {
	tables := compute(t, atquota.Size{Attachments: 4, Segments: 2, Edges: 2, Routes: 4}.Network())
	for _, id := range []routing.TableID{{}, {Segment: "s0"}, {Segment: "s0", Edge: "mars-1"}, {Segment: "fw", Edge: atquota.Edge(0)}, {NetworkFunctionGroup: "s0", Edge: atquota.Edge(0)}} {
		if _, ok := tables.Table(id); ok {
			t.Errorf("%+v is a table", id)
		}
	}
	var empty routing.Table
	for range empty.Routes() {
		t.Error("the zero Table has a row")
	}
	for range empty.RIB() {
		t.Error("the zero Table has a path")
	}
	table, _ := tables.Table(routing.TableID{Segment: "s0", Edge: atquota.Edge(0)})
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("203.0.113.0/24")} {
		if _, ok := table.Exact(p); ok || table.Paths(p) != nil || table.Explain(p).Route != nil {
			t.Errorf("%v has a route", p)
		}
		if _, ok := table.Lookup(p); ok {
			t.Errorf("%v is found", p)
		}
	}
	if _, ok := table.LookupAddr(netip.Addr{}); ok {
		t.Error("no address is found")
	}
	if tables.Advertised("attachment-x", atquota.Edge(0)) != nil || tables.Advertised(longID("A1"), "mars-1") != nil {
		t.Error("nothing is advertised")
	}
}

// TestCompute_bothWaysMeetOneAppliance: where traffic is inspected once, the way back is led to the same appliance.
func TestCompute_bothWaysMeetOneAppliance(t *testing.T) {
	type way struct{ segment, edge, toSegment, toEdge string }
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		if slices.ContainsFunc(n.Policy.Insertions, func(in policy.Insertion) bool { return in.DualHop }) || len(n.Policy.Insertions) == 0 {
			t.Skip("nothing is inspected once")
		}
		tables := settled(t, n, text)
		led := map[way]string{}
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for r := range table.Routes() {
				if r.Kind == routing.KindSendVia {
					appliance := "none"
					if len(r.Destinations) > 0 {
						appliance = r.Destinations[0].Attachment
					}
					led[way{id.Segment, id.Edge, r.Origin.Segment, r.Origin.Edge}] = appliance
				}
			}
		}
		for w, appliance := range led {
			if back, ok := led[way{w.toSegment, w.toEdge, w.segment, w.edge}]; ok && back != appliance {
				t.Fatalf("%+v leads to %s, back to %s\n%s", w, appliance, back, describe(n, text))
			}
		}
	})
}
