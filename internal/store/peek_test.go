package store_test

import (
	"strings"
	"testing"

	"portolan/internal/store"
)

// TestPeek_isNoCondition: what another server writes or deletes where a transaction has only peeked does not make it run again;
// what it has used does.
func TestPeek_isNoCondition(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(store.Txn)
		runs      int
	}{
		"a key is added":          {func(tx store.Txn) { tx.Set("/due/1", []byte("new")) }, 1},
		"a key is deleted":        {func(tx store.Txn) { tx.Delete("/due/3") }, 1},
		"what is used is deleted": {func(tx store.Txn) { tx.Delete("/due/2") }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog()
			a, b := openReplica(t, l, store.ReplicaOptions{}), openReplica(t, l, store.ReplicaOptions{})
			put(t, a, func(tx store.Txn) {
				for _, key := range []string{"/due/2", "/due/3", "/row"} {
					tx.Set(key, []byte("old"))
				}
			})
			if err := b.Update(t.Context(), func(tx store.Txn) error { tx.Set("/caught/up", []byte("b")); tx.Get("/row"); return nil }); err != nil {
				t.Fatal(err)
			}
			runs := 0
			if err := b.Update(t.Context(), func(tx store.Txn) error {
				runs++
				peeked := peek(tx)
				if runs == 1 {
					if len(peeked) != 2 || store.HasRead(tx, "/due/2") || store.HasRead(tx, "/row") {
						t.Errorf("peeked at %q; read: %t, %t", peeked, store.HasRead(tx, "/due/2"), store.HasRead(tx, "/row"))
					}
					put(t, a, c.meanwhile)
				}
				tx.Delete("/due/2")
				tx.Get("/row")
				if !store.HasRead(tx, "/due/2") || !store.HasRead(tx, "/row") || store.HasRead(tx, "/due/3") {
					t.Error("what was read is not told")
				}
				tx.Set("/done", []byte("b"))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if runs != c.runs {
				t.Errorf("it ran %d times, want %d", runs, c.runs)
			}
		})
	}
}

// TestPeek_seesOwnWrites, in every kind of store.
func TestPeek_seesOwnWrites(t *testing.T) {
	for name, st := range map[string]store.Store{"memory": store.OpenMemory(), "replica": openReplica(t, newLog(), store.ReplicaOptions{})} {
		put(t, st, func(tx store.Txn) {
			tx.Set("/due/2", []byte("x"))
			tx.Set("/row", []byte("x"))
			if got := strings.Join(peek(tx), " "); got != "/due/2" {
				t.Errorf("%s: %s", name, got)
			}
		})
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// peek is the keys below /due/.
func peek(tx store.Txn) (keys []string) {
	for w := store.Peek(tx, "/due/", ""); w.Next(); {
		keys = append(keys, w.Key)
	}
	return keys
}

func put(t *testing.T, st store.Store, f func(store.Txn)) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx store.Txn) error { f(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}
