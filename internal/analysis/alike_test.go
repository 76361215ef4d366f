package analysis

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portolan/bench/atquota"
	"portolan/policy"
	"portolan/routing"
)

// drawn is a network in which prefixes lie in each other, have several sources, and pass all that a policy can do with them.
func drawn(r *rand.Rand) (*routing.Network, error) {
	size := atquota.Size{Attachments: 24, Segments: 4, Edges: 3, Routes: 24}
	var actions []string
	for range r.IntN(4) {
		actions = append(actions, fmt.Sprintf(`{"action":"share","mode":"attachment-route","segment":"s%d","share-with":"*"}`, r.IntN(4)))
	}
	if r.IntN(2) == 0 {
		mode := []string{"single-hop", "dual-hop"}[r.IntN(2)]
		actions = append(actions, fmt.Sprintf(`{"action":"send-via","segment":"s1","mode":%q,"when-sent-to":{"segments":["s2"]},"via":{"network-function-groups":["fw"]}}`, mode))
	}
	if r.IntN(2) == 0 && !strings.Contains(strings.Join(actions, ""), "dual-hop") {
		actions = append(actions, `{"action":"send-to","segment":"s3","via":{"network-function-groups":["fw"]}}`)
	}
	snap := size.Snapshot()
	for i := range r.IntN(3) {
		to := []string{"blackhole", snap.Attachments[r.IntN(len(snap.Attachments))].ID}[r.IntN(2)]
		actions = append(actions, fmt.Sprintf(`{"action":"create-route","segment":"s%d","destination-cidr-blocks":["10.%d.0.0/16"],"destinations":[%q]}`, r.IntN(4), i, to))
	}
	snap.Policy = []byte(size.Policy(actions))
	prefixes := []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1::/48", "192.168.0.0/24"}
	for i := range snap.Attachments {
		a := &snap.Attachments[i]
		path := a.Announcements[0].ASPath
		a.Announcements = nil
		for range r.IntN(3) {
			a.Announcements = append(a.Announcements, routing.Announcement{Prefix: netip.MustParsePrefix(prefixes[r.IntN(len(prefixes))]), ASPath: path})
		}
	}
	n, err := snap.Network(nil)
	if err != nil {
		return nil, err
	}
	for i := range n.Attachments {
		a := &n.Attachments[i]
		if a.Down = r.IntN(12) == 0; r.IntN(6) == 0 {
			a.Type, a.Edges = policy.TypeDirectConnectGateway, []string{atquota.Edge(0), atquota.Edge(2)}
		}
		if r.IntN(4) == 0 && a.Type == policy.TypeVPC && len(a.Announcements) > 0 && a.Announcements[0].Prefix.Addr().Is4() {
			source := a.Announcements[0].Prefix
			a.NAT = &routing.NAT{Rules: []routing.NATRule{{Source: source, NAT: netip.PrefixFrom(netip.MustParseAddr("100.64.0.0"), source.Bits()).Masked()}}}
		}
	}
	return n, nil
}

// drawnSubject is the network of a seed, computed.
func drawnSubject(t *testing.T, seed uint64) *Subject {
	t.Helper()
	n, err := drawn(rand.New(rand.NewPCG(seed, 7)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Compute(n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const networks = 60

// TestForwarding_asLookUps: what is kept for each class leads where a look-up in the table leads.
func TestForwarding_asLookUps(t *testing.T) {
	for seed := range uint64(networks) {
		s := drawnSubject(t, seed)
		f, err := s.newForwarding(t.Context(), s.classes())
		if err != nil {
			t.Fatal(err)
		}
		for table, id := range f.ids {
			for class, addr := range f.known.addrs {
				want := hopNone
				if row, ok := s.lookup(id, addr); ok {
					want = f.hop(id, &row.Forward, nil, map[*routing.Destination]hop{}) // without sources it names the attachment
				}
				if got := f.at(int32(table), class); got != want {
					t.Errorf("seed %d: %s leads %s to %x, a look-up to %x", seed, id, addr, got, want)
				}
			}
		}
	}
}

// TestCompare_asRowByRow: the rows that differ are those that differ when both tables are read.
func TestCompare_asRowByRow(t *testing.T) {
	for seed := range uint64(networks) {
		before, after := drawnSubject(t, seed), drawnSubject(t, seed/2+1000)
		c, err := Compare(t.Context(), before, after)
		if err != nil {
			t.Fatal(err)
		}
		ids := slices.Concat(before.Tables.TableIDs(), after.Tables.TableIDs())
		slices.SortFunc(ids, compareTables)
		var want, got strings.Builder
		for _, id := range slices.Compact(ids) {
			old, next := rowsOf(before, id), rowsOf(after, id)
			prefixes := slices.Concat(before.Tables.Prefixes(), after.Tables.Prefixes())
			slices.SortFunc(prefixes, netip.Prefix.Compare)
			for _, p := range slices.Compact(prefixes) {
				if old[p] != next[p] {
					fmt.Fprintf(&want, "%s %s: %s to %s\n", id, p, old[p], next[p])
				}
			}
		}
		n := 0
		for r := range c.Routes() {
			fmt.Fprintf(&got, "%s %s: %s to %s\n", r.Table, r.Prefix, rowText(r.Before), rowText(r.After))
			n++
		}
		if got.String() != want.String() || n != c.Added+c.Withdrawn+c.Rerouted {
			t.Errorf("seed %d: %d rows, counted %d\ngot:\n%s\nwant:\n%s", seed, n, c.Added+c.Withdrawn+c.Rerouted, &got, &want)
		}
	}
}

func rowsOf(s *Subject, id routing.TableID) map[netip.Prefix]string {
	rows := map[netip.Prefix]string{}
	for r := range s.forwards(id) {
		rows[r.Prefix] = rowText(&r)
	}
	return rows
}

func rowText(r *routing.Forward) string {
	if r == nil {
		return ""
	}
	return fmt.Sprint(r.State, r.Destinations)
}

// TestCompare_pairsAsOneByOne: the pairs of attachments that change are those that change when each is tried.
func TestCompare_pairsAsOneByOne(t *testing.T) {
	changes := 0
	for seed := range uint64(networks) {
		before, after := drawnSubject(t, seed), drawnSubject(t, seed/2+1000)
		c, err := Compare(t.Context(), before, after)
		if err != nil {
			t.Fatal(err)
		}
		var got, want strings.Builder
		for _, p := range c.Attachments {
			fmt.Fprintf(&got, "%s to %s: %s %s\n", p.From, p.To, fares(p.Before), fares(p.After))
		}
		changes += len(c.Attachments)
		known := classesOf(before.Network, after.Network)
		was, is := triedEach(t, before, known), triedEach(t, after, known)
		for _, from := range union(before, after) {
			for _, to := range union(before, after) {
				key := [2]string{from.ID, to.ID}
				old, next := was[key], is[key]
				if from != to && !old.sameTo(&next) && old.Delivered+next.Delivered > 0 {
					fmt.Fprintf(&want, "%s to %s: %s %s\n", from.ID, to.ID, fares(&old), fares(&next))
				}
			}
		}
		if got.String() != want.String() {
			t.Errorf("seed %d\ngot:\n%s\nwant:\n%s", seed, &got, &want)
		}
	}
	if changes == 0 {
		t.Error("no pair changes in any of the networks")
	}
}

// triedEach is how each attachment reaches each, one by one.
func triedEach(t *testing.T, s *Subject, known *classes) map[[2]string]Reach {
	t.Helper()
	f, err := s.newForwarding(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	f.silent = true
	by := map[string][]target{}
	for _, to := range f.targets(known) {
		by[to.to.ID] = append(by[to.to.ID], to)
	}
	all := map[[2]string]Reach{}
	for i := range f.Network.Attachments {
		from := &f.Network.Attachments[i]
		for to, targets := range by {
			var r Reach
			if from.Segment != "" && !from.Down {
				f.pair(&r, from, targets, nil, nil)
			}
			all[[2]string{from.ID, to}] = r
		}
	}
	return all
}

func fares(r *Reach) string {
	return fmt.Sprint(r.Verdict, r.Delivered, r.Direct, r.Samples, r.InspectedBy)
}
