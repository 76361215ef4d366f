package analysis

import (
	"strings"
	"testing"

	"portolan/bench/atquota"
	"portolan/internal/page"
)

// TestPlan_listsSoManyRoutes: the routes of a plan are counted, and the first of them listed.
func TestPlan_listsSoManyRoutes(t *testing.T) {
	size := atquota.Size{Attachments: 20, Segments: 4, Edges: 2, Routes: 40}
	s, err := Examine(size.Snapshot(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	next, err := Examine(size.Snapshot(), []byte(size.Policy(size.Everything())), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(t.Context(), s, next)
	if err != nil {
		t.Fatal(err)
	}
	count := func(most int) (n int) {
		for range planRoutes(c, most) {
			n++
		}
		return n
	}
	all := c.Added + c.Withdrawn + c.Rerouted
	if all < 11 || count(MaxRouteChanges) != all || count(10) != 10 || count(0) != 0 {
		t.Errorf("%d changes; %d, %d and %d are listed", all, count(MaxRouteChanges), count(10), count(0))
	}
	p, err := s.PlanTo(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	const line = "The first 100000 are listed."
	for _, truncated := range []bool{p.RoutesTruncated, true} {
		p.RoutesTruncated = truncated
		var text strings.Builder
		if err := p.Page().Text(&text, page.Style{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String(), line) != truncated {
			t.Errorf("truncated %v: %.300s", truncated, text.String())
		}
	}
}
