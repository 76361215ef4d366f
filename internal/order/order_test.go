package order

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

type pair struct{ a, b int }

func byA(x, y pair) int { return cmp.Compare(x.a, y.a) }

// TestStable_asSlices: the order is that of slices.SortStableFunc, and Sort's has the same keys.
func TestStable_asSlices(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		list := make([]pair, n)
		for i := range list {
			list[i] = pair{draw.IntN(8), i}
		}
		want, stable, sorted := slices.Clone(list), slices.Clone(list), slices.Clone(list)
		slices.SortStableFunc(want, byA)
		if Stable(stable, byA); !slices.Equal(stable, want) {
			t.Fatal(fmt.Sprint(stable, want))
		}
		if Sort(sorted, byA); !slices.IsSortedFunc(sorted, byA) {
			t.Fatal(sorted)
		}
	}
}
