package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"portolan/internal/store"
)

// below are the pairs with a prefix.
func below(r store.Reader, prefix string) map[string]string {
	pairs := map[string]string{}
	for key, value := range r.Scan(prefix, "") {
		pairs[key] = string(value)
	}
	return pairs
}

// viewSameBelow: what a View is told to be as in another is as in that, whatever is written meanwhile and whichever snapshot
// each of them reads.
func viewSameBelow(t *testing.T, s store.Store) {
	prefixes := []string{"/", "/a/", "/a/b/", "/a/c/", "/d/", "/none/"}
	type look struct {
		snapshot uint64
		pairs    map[string]string
	}
	together(6, func(i int) {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		before := map[string]look{}
		for n := range 40 {
			if random.IntN(2) == 0 {
				key := []string{"/a/b/", "/a/c/", "/d/"}[random.IntN(3)] + fmt.Sprint(random.IntN(4))
				try(t, s, func(tx store.Txn) {
					if n%3 == 0 {
						tx.Delete(key)
					} else {
						tx.Set(key, fmt.Append(nil, i, n))
					}
				})
			}
			view(t, s, func(r store.Reader) {
				prefix := prefixes[random.IntN(len(prefixes))]
				now := below(r, prefix)
				if old, ok := before[prefix]; ok && store.SameBelow(r, prefix, old.snapshot) && !maps.Equal(old.pairs, now) {
					t.Errorf("below %s are %v, which are said to be the same as %v", prefix, now, old.pairs)
				}
				if snapshot, ok := store.Snapshot(r); ok {
					before[prefix] = look{snapshot, now}
				}
			})
		}
	})
}

// viewSameBelowIsOfUse: where nothing was written below a prefix, a View is told so.
func viewSameBelowIsOfUse(t *testing.T, s store.Store) {
	set(t, s, "/a/b/1", "/a/c/1")
	var before uint64
	view(t, s, func(r store.Reader) {
		var ok bool
		if before, ok = store.Snapshot(r); !ok {
			t.Error("a View has no snapshot")
		}
	})
	same := func(want string) {
		t.Helper()
		view(t, s, func(r store.Reader) {
			var got []string
			for _, prefix := range []string{"/", "/a/", "/a/b/", "/a/c/", "/d/", "/a/b/1", ""} {
				if store.SameBelow(r, prefix, before) {
					got = append(got, prefix)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("the same is %q, want %s", got, want)
			}
		})
	}
	same("/ /a/ /a/b/ /a/c/ /d/")
	set(t, s, "/a/b/2")
	same("/a/c/ /d/")
	update(t, s, func(tx store.Txn) {
		if _, ok := store.Snapshot(tx); ok || store.SameBelow(tx, "/d/", before) {
			t.Error("a transaction that writes has a snapshot")
		}
		tx.Delete("/a/c/1")
	})
	same("/d/")
}
