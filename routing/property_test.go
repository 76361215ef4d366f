package routing_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portolan/routing"
)

// settled computes, or skips a network that never settles: there two engines may stop in different states.
func settled(t *rapid.T, n routing.Network, text string) *routing.Tables {
	tables, err := routing.Compute(n)
	var oscillation *routing.OscillationError
	switch {
	case errors.As(err, &oscillation):
		t.Skip("never settles")
	case err != nil:
		t.Fatalf("%v\n%s", err, describe(n, text))
	}
	return tables
}

func detailed(table routing.Table) string {
	var b strings.Builder
	for r := range table.Routes() {
		b.WriteString(row(r))
		if r.Kind == routing.KindAttachment || r.Kind == routing.KindEdge || table.ID().Segment == "" {
			b.WriteString(attributes(r.Attributes))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func ribOf(table routing.Table) []string {
	var lines []string
	for p := range table.RIB() {
		if p.Kind != routing.KindSendTo {
			lines = append(lines, path(p)[1:])
		}
	}
	sort.Strings(lines)
	return lines
}

func TestCompute_agreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		m := newModel(n)
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			if got, want := detailed(table), m.fib(id); got != want {
				t.Fatalf("%s\ngot:\n%swant:\n%s\n%s", id, got, want, describe(n, text))
			}
			if got, want := strings.Join(ribOf(table), "\n"), strings.Join(m.rib(id), "\n"); got != want {
				t.Fatalf("RIB of %s\ngot:\n%s\nwant:\n%s\n%s", id, got, want, describe(n, text))
			}
		}
		for i := range n.Attachments {
			a := &m.n.Attachments[i]
			for _, e := range a.Edges {
				for _, peer := range append([]routing.Peer{{}}, a.Peers...) {
					if got, want := advertised(tables, cmp.Or(peer.ID, a.ID), e), m.advertised(a, peer.ID, e); got != want {
						t.Fatalf("advertised to %s %s at %s\ngot:\n%s\nwant:\n%s\n%s", a.ID, peer.ID, e, got, want, describe(n, text))
					}
				}
			}
		}
	})
}

func advertised(tables *routing.Tables, id, edge string) string {
	var b strings.Builder
	for _, ad := range tables.Advertised(id, edge) {
		fmt.Fprintf(&b, "%s%s\n", ad.Prefix, attributes(ad.Attributes))
	}
	return b.String()
}

// everything prints all that tables can say.
func everything(tables *routing.Tables) string {
	var b strings.Builder
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		fmt.Fprintf(&b, "%s\n", id)
		for r := range table.Routes() {
			fmt.Fprintf(&b, "  %+v\n", r)
		}
		for p := range table.RIB() {
			fmt.Fprintf(&b, "  rib %s %v %+v\n", path(p), p.Kind, p.Origin)
		}
		for _, block := range blocks {
			b.WriteString(why(table.Explain(netip.MustParsePrefix(block))))
		}
	}
	for a := range tables.Attachments() {
		for _, e := range a.Edges {
			fmt.Fprintf(&b, "%s advertised %+v\n", a.ID, tables.Advertised(a.ID, e))
		}
	}
	fmt.Fprintf(&b, "%+v\n", tables.Exceeded())
	return b.String()
}

// TestRIBFrom_equalsTheRestOfRIB reads every table from a random place on, with and without the rows of other edges.
func TestRIBFrom_equalsTheRestOfRIB(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		first := netip.MustParsePrefix(rapid.SampledFrom(blocks).Draw(t, "from"))
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for _, own := range []bool{false, true} {
				var got, want strings.Builder
				for p := range table.RIBFrom(first, own) {
					fmt.Fprintf(&got, "%s %v %+v\n", path(p), p.Kind, p.Origin)
				}
				for p := range table.RIB() {
					if p.Prefix.Compare(first) >= 0 && !(own && p.Kind == routing.KindEdge) {
						fmt.Fprintf(&want, "%s %v %+v\n", path(p), p.Kind, p.Origin)
					}
				}
				if got.String() != want.String() {
					t.Fatalf("%s from %s, own %v:\n%swant:\n%s%s", id, first, own, got.String(), want.String(), describe(n, text))
				}
			}
		}
	})
}

func TestUpdate_equalsCompute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables, _ := routing.Compute(n) // a network that never settles has tables too
		for step := range 1 + uniform(t, "changes", 4) {
			var put []routing.Attachment
			var remove []string
			next := slices.Clone(n.Attachments)
			touched := map[string]bool{}
			for range 1 + uniform(t, "changed", 2) {
				number := 1 + uniform(t, "number", 12)
				id := longID(fmt.Sprintf("A%d", number))
				if touched[id] {
					continue
				}
				touched[id] = true
				at := slices.IndexFunc(next, func(a routing.Attachment) bool { return a.ID == id })
				if at >= 0 && rapid.Bool().Draw(t, "remove") {
					remove, next = append(remove, id), slices.Delete(next, at, at+1)
					continue
				}
				a := drawAttachment(t, n.Policy, number)
				put = append(put, a)
				if at >= 0 {
					next[at] = a
				} else {
					next = append(next, a)
				}
			}
			before := everything(tables)
			updated, updateErr := tables.Update(put, remove)
			again, _ := tables.Update(put, remove)
			if everything(tables) != before || everything(again) != everything(updated) {
				t.Fatal("Update changed the old tables")
			}
			n.Attachments = next
			full, err := routing.Compute(n)
			if got, want := fmt.Sprint(updateErr), fmt.Sprint(err); got != want {
				t.Fatalf("step %d: got error %s\nwant %s", step, got, want)
			}
			wantAdvertisedSince(t, tables, updated)
			if got, want := everything(updated), everything(full); got != want {
				t.Fatalf("step %d: put %+v, remove %v\ngot:\n%s\nwant:\n%s\n%s", step, put, remove, got, want, describe(n, text))
			}
			tables = updated
		}
	})
}

// TestUpdateRoutes_equalsCompute: what one peer announces and withdraws comes to the same as computing the network with it.
func TestUpdateRoutes_equalsCompute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		if len(n.Attachments) == 0 {
			t.Skip("no attachments")
		}
		n.Attachments = slices.Clone(n.Attachments)
		tables, _ := routing.Compute(n)
		for range 1 + uniform(t, "changes", 3) {
			a := &n.Attachments[uniform(t, "speaker", len(n.Attachments))]
			if a.NAT != nil {
				continue
			}
			peer := ""
			if len(a.Peers) > 0 && !chance(t, "of none", 3) {
				peer = pick(t, "peer", a.Peers).ID
			}
			var announce []routing.Announcement
			for range uniform(t, "announced", 3) {
				next := drawAnnouncement(t, a)
				next.Peer = peer
				if !slices.ContainsFunc(announce, func(o routing.Announcement) bool { return o.Prefix == next.Prefix }) {
					announce = append(announce, next)
				}
			}
			var withdraw []netip.Prefix
			for range uniform(t, "withdrawn", 3) {
				withdraw = append(withdraw, netip.MustParsePrefix(block(t, "withdraw")))
			}
			before := everything(tables)
			next, updateErr := tables.UpdateRoutes(a.ID, peer, announce, withdraw)
			if everything(tables) != before {
				t.Fatal("UpdateRoutes changed the old tables")
			}
			a.Announcements = replacedBy(a, peer, announce, withdraw)
			full, err := routing.Compute(n)
			if fmt.Sprint(updateErr) != fmt.Sprint(err) || everything(next) != everything(full) {
				t.Fatalf("announce %+v, withdraw %v of %s %s: %v\ngot:\n%s\nwant: %v\n%s\n%s", announce, withdraw, a.ID, peer, updateErr, everything(next), err, everything(full), describe(n, text))
			}
			wantChanges(t, tables, next)
			wantAdvertisedSince(t, tables, next)
			again := n
			again.Attachments = slices.Collect(next.Attachments())
			if same, _ := routing.Compute(again); everything(same) != everything(full) {
				t.Fatalf("the attachments of the tables are not those of the network: %+v\n%s", again.Attachments, describe(n, text))
			}
			tables = next
		}
	})
}

// wantAdvertisedSince: what was advertised, with the changes, is what is advertised.
func wantAdvertisedSince(t *rapid.T, old, now *routing.Tables) {
	for a := range now.Attachments() {
		ids := []string{a.ID}
		for _, p := range a.Peers {
			ids = append(ids, p.ID)
		}
		for _, id := range ids {
			for _, edge := range a.Edges {
				changes, ok := now.AdvertisedSince(old, id, edge)
				if !ok {
					continue
				}
				got := map[netip.Prefix]string{}
				for _, ad := range old.Advertised(id, edge) {
					got[ad.Prefix] = fmt.Sprintf("%+v", ad)
				}
				for _, c := range changes {
					if delete(got, c.Prefix); c.Advertisement != nil {
						got[c.Prefix] = fmt.Sprintf("%+v", *c.Advertisement)
					}
				}
				want := map[netip.Prefix]string{}
				for _, ad := range now.Advertised(id, edge) {
					want[ad.Prefix] = fmt.Sprintf("%+v", ad)
				}
				if !maps.Equal(got, want) {
					t.Fatalf("%s at %s: got %v, want %v", id, edge, got, want)
				}
			}
		}
	}
}

// replacedBy is what an attachment announces after a peer of it announced and withdrew something.
func replacedBy(a *routing.Attachment, peer string, announce []routing.Announcement, withdraw []netip.Prefix) []routing.Announcement {
	var left []routing.Announcement
	for _, n := range a.Announcements {
		edges := []string{n.Edge}
		if n.Edge == "" {
			edges = a.Edges
		}
		for _, e := range edges { // what is announced at one edge takes the place there
			replaced := slices.ContainsFunc(announce, func(o routing.Announcement) bool { return o.Prefix == n.Prefix && (o.Edge == "" || o.Edge == e) })
			if n.Peer != peer || !slices.Contains(withdraw, n.Prefix) && !replaced {
				n.Edge = e
				left = append(left, n)
			}
		}
	}
	return append(left, announce...)
}

// TestCompute_firstOfEachTie: with a tie-break each prefix is worked out by itself and with all its attributes; without one
// prefixes that look alike are worked out once, with what matters. Both come to the same.
func TestCompute_firstOfEachTie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables, err := routing.Compute(n)
		o := *routing.DefaultOptions()
		if n.Options != nil {
			o = *n.Options
		}
		o.TieBreak = func(routing.Tie) int { return 0 }
		n.Options = &o
		first, firstErr := routing.Compute(n)
		if fmt.Sprint(err) != fmt.Sprint(firstErr) || everything(tables) != everything(first) {
			t.Fatalf("%v\n%s\nthe first of each tie: %v\n%s\n%s", err, everything(tables), firstErr, everything(first), describe(n, text))
		}
	})
}

// TestExplain_agreesWithTables: of each prefix one candidate won exactly when there is a route, and it leads the same way.
// Where nothing settles none may have won, but never two.
func TestExplain_agreesWithTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables, err := routing.Compute(n)
		var oscillation *routing.OscillationError
		if err != nil && !errors.As(err, &oscillation) {
			t.Fatal(err)
		}
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for _, block := range blocks {
				prefix := netip.MustParsePrefix(block)
				x := table.Explain(prefix)
				r, ok := table.Exact(prefix)
				var won []routing.Candidate
				inRIB := 0
				for _, c := range x.Candidates {
					if c.Verdict.Outcome == routing.Selected {
						won = append(won, c)
					}
					if c.Verdict.Outcome == routing.Filtered && !c.Steps[c.Verdict.Step].Dropped {
						t.Fatalf("%s %s: the step of a verdict drops nothing\n%s\n%s", id, block, why(x), describe(n, text))
					}
					if last := len(c.Steps) - 1; c.Verdict.Outcome != routing.Filtered && c.Kind != routing.KindSendVia || c.Verdict.Outcome == routing.Filtered && (c.Steps[last].Kind == routing.StepInboundPolicy || c.Steps[last].Kind == routing.StepAttachmentPolicy) {
						inRIB++
					}
				}
				if table.Unsettled(prefix) && len(won) == 0 {
					continue
				}
				if ok != (len(won) == 1) || ok && !leadsTo(&won[0], &r) {
					t.Fatalf("%s %s: route %t, won %d\n%s\n%s", id, block, ok, len(won), why(x), describe(n, text))
				}
				if rows := len(table.Paths(prefix)); rows > inRIB {
					t.Fatalf("%s %s: %d rows in the RIB, %d candidates\n%s\n%s", id, block, rows, inRIB, why(x), describe(n, text))
				}
			}
		}
	})
}

func leadsTo(c *routing.Candidate, r *routing.Route) bool {
	if c.NextHop == nil || r.State == routing.Blackhole {
		return r.State == routing.Blackhole
	}
	return slices.ContainsFunc(r.Destinations, func(d routing.Destination) bool {
		return d == *c.NextHop || d.NetworkFunctionGroup != "" && c.NextHop.Edge != ""
	})
}

// TestExplainAdvertised_agreesWithAdvertised: what is advertised ends with the step that says so, and all else says why not.
func TestExplainAdvertised_agreesWithAdvertised(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		for _, a := range n.Attachments {
			for _, e := range a.Edges {
				for _, block := range blocks {
					prefix := netip.MustParsePrefix(block)
					var want []routing.Advertisement
					for _, ad := range tables.Advertised(a.ID, e) {
						if ad.Prefix == prefix {
							want = append(want, ad)
						}
					}
					x := tables.ExplainAdvertised(a.ID, e, prefix)
					switch sent := x.Advertisement != nil; {
					case sent != (len(want) == 1), sent && fmt.Sprintf("%+v", *x.Advertisement) != fmt.Sprintf("%+v", want[0]):
						t.Fatalf("%s at %s, %s: want %+v\n%s\n%s", a.ID, e, block, want, whyAdvertised(x), describe(n, text))
					case sent && (x.Detail != "" || x.Steps[len(x.Steps)-1].Kind != routing.StepAdvertised), !sent && x.Detail == "":
						t.Fatalf("%s at %s, %s\n%s\n%s", a.ID, e, block, whyAdvertised(x), describe(n, text))
					}
				}
			}
		}
	})
}
