package routing_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"portolan/bench/atquota"
	"portolan/routing"
)

// inSources are a row without its prefix, its sources as numbers.
func inSources(table int, f routing.Forward, sources []*routing.Destination) string {
	var leads []string
	for _, d := range f.Destinations {
		at := slices.IndexFunc(sources, func(s *routing.Destination) bool { return *s == d })
		if at >= 0 {
			leads = append(leads, fmt.Sprint("source ", at))
		} else {
			leads = append(leads, d.String())
		}
	}
	return fmt.Sprintln(table, f.Type, f.State, f.Kind, leads)
}

// TestPatterns_behaveAlike: the rows of prefixes of one pattern are the same in all tables but for their sources, and a column
// holds what the tables hold.
func TestPatterns_behaveAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables, _ := routing.Compute(n)
		prefixes, patterns := tables.Prefixes(), tables.Patterns()
		columns := make([]string, len(prefixes))
		for i, p := range prefixes {
			at := 0
			ids := tables.TableIDs()
			for number, f := range tables.Column(i) {
				for ; at <= number; at++ {
					table, _ := tables.Table(ids[at])
					row, ok := table.Exact(p)
					again, same := table.At(i)
					if ok != (at == number) || same != ok || ok && (fmt.Sprint(row.Forward) != fmt.Sprint(f) || fmt.Sprint(again) != fmt.Sprint(f)) {
						t.Fatalf("column of %s in %s: %v; the table has %v and %v\n%s", p, ids[at], f, row.Forward, again, describe(n, text))
					}
				}
				columns[i] += inSources(number, f, patterns.Sources[i])
			}
			for ; at < len(ids); at++ {
				table, _ := tables.Table(ids[at])
				if row, ok := table.Exact(p); ok {
					t.Fatalf("the column of %s lacks the row of %s: %v\n%s", p, ids[at], row, describe(n, text))
				}
			}
			if first := patterns.First[patterns.Of[i]]; columns[i] != columns[first] {
				t.Fatalf("%s and %s have one pattern\n%s\n%s\n%s", p, prefixes[first], columns[i], columns[first], describe(n, text))
			}
		}
	})
}

// TestPatterns_areFew: attachments of one kind behave alike, each in its table.
func TestPatterns_areFew(t *testing.T) {
	size := atquota.Size{Attachments: 400, Segments: 4, Edges: 4, Routes: 2000}
	tables, err := routing.Compute(size.Network())
	if err != nil {
		t.Fatal(err)
	}
	if all, n := len(tables.Prefixes()), len(tables.Patterns().First); n > all/10 {
		t.Errorf("%d prefixes have %d patterns", all, n)
	}
}
