package analysis

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"portolan/routing"
)

// TestDoctor_quietPairs: packets between attachments that doctor does not follow arrive nowhere and do not go round.
func TestDoctor_quietPairs(t *testing.T) {
	quiet, others := 0, 0
	for seed := range uint64(networks) {
		d := &doctor{Subject: drawnSubject(t, seed)}
		f, err := d.newForwarding(t.Context(), d.classes())
		if err != nil {
			t.Fatal(err)
		}
		list := d.speakers()
		targets := f.representatives(list)
		var scratch []int32
		for _, a := range list {
			for _, b := range list {
				if a == b || len(targets[b.ID]) == 0 {
					continue
				}
				if !f.quiet(f.entries(a), targets[b.ID], &scratch) {
					others++
					continue
				}
				quiet++
				for _, w := range d.ways(a, b, targets[b.ID]) {
					if w.Verdict == Delivered || w.Verdict == Looping {
						t.Errorf("seed %d: %s to %s at %s is %s: %s", seed, a.ID, w.To, w.Edge, w.Verdict, w.Reason)
					}
				}
			}
		}
	}
	if quiet == 0 || others == 0 {
		t.Errorf("%d pairs are quiet, %d are not: this shows nothing", quiet, others)
	}
}

// TestDoctor_rowsAsOneByOne: the blackholes and the prefixes that doctor finds by pattern are those of the tables' rows.
func TestDoctor_rowsAsOneByOne(t *testing.T) {
	blackholes := 0
	for seed := range uint64(networks) {
		d := &doctor{Subject: drawnSubject(t, seed)}
		dropping, patterns, prefixes := d.dropping(), d.Tables.Patterns(), d.Tables.Prefixes()
		routed := map[netip.Prefix]bool{}
		for at, id := range d.Tables.TableIDs() {
			var got, want []netip.Prefix
			for i, p := range prefixes {
				if dropping[at][patterns.Of[i]] {
					got = append(got, p)
				}
			}
			for row := range d.forwards(id) {
				routed[row.Prefix] = true
				if row.State == routing.Blackhole {
					want = append(want, row.Prefix)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("seed %d: %s drops %v, its rows say %v", seed, id, got, want)
			}
			blackholes += len(want)
		}
		if got := d.routed(); !maps.Equal(got, routed) {
			t.Errorf("seed %d: routed are %v, the rows say %v", seed, got, routed)
		}
	}
	if blackholes == 0 {
		t.Error("no table has a blackhole")
	}
}
