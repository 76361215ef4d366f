package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"portolan/internal/store"
)

// kept is a table for checks: rows below /k/ID, found by their tag below /k.tag/, counted at /k.count.
var kept = store.NewTable(store.Schema[*struct{ Tag string }]{
	Name:  "kept",
	Count: func(string, *struct{ Tag string }) string { return "/k.count" },
	Indexes: []store.Index[*struct{ Tag string }]{{Name: "tag", Keys: func(key string, row *struct{ Tag string }) []string {
		return []string{"/k.tag/" + row.Tag + "/" + strings.TrimPrefix(key, "/k/")}
	}}},
})

var keptLayout = store.Layout{
	Table: func(key string) store.Verifiable {
		if strings.HasPrefix(key, "/k/") {
			return kept
		}
		return nil
	},
	Index:   func(key string) bool { return strings.HasPrefix(key, "/k.tag/") },
	Counter: func(key string) bool { return key == "/k.count" },
	Parents: func(key string) []string {
		if strings.HasSuffix(key, "/child") {
			return []string{strings.TrimSuffix(key, "/child")}
		}
		return nil
	},
}

func TestVerify_findsEachContradiction(t *testing.T) {
	for name, c := range map[string]struct {
		hurt func(store.Txn)
		want []string
	}{
		"nothing":          {func(store.Txn) {}, nil},
		"index entry gone": {func(tx store.Txn) { tx.Delete("/k.tag/red/1") }, []string{"not at its place"}},
		"row gone":         {func(tx store.Txn) { tx.Delete("/k/1") }, []string{"does not exist", "says 3", "belongs to"}},
		"entry too many":   {func(tx store.Txn) { tx.Set("/k.tag/blue/1", []byte(`"/k/1"`)) }, []string{"does not belong there"}},
		"entry of nothing": {func(tx store.Txn) { tx.Set("/k.tag/blue/1", []byte(`7`)) }, []string{"makes no sense"}},
		"miscounted":       {func(tx store.Txn) { tx.Set("/k.count", []byte("7")) }, []string{"says 7 and there are 3"}},
		"counter gone":     {func(tx store.Txn) { tx.Delete("/k.count") }, []string{"says 0 and there are 3"}},
		"counter of what":  {func(tx store.Txn) { tx.Set("/k.count", []byte("x")) }, []string{"makes no sense", "there are 3"}},
		"not JSON":         {func(tx store.Txn) { tx.Set("/k/2", []byte("{")) }, []string{"does not decode", "there are 2"}},
		"changed by hand":  {func(tx store.Txn) { tx.Set("/k/2", []byte(`{"Tag":"green"}`)) }, []string{"not at its place", "does not belong there"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := store.OpenMemory()
			defer s.Close()
			err := s.Update(t.Context(), func(tx store.Txn) error {
				for _, key := range []string{"/k/1", "/k/2", "/k/1/child"} {
					kept.Put(tx, key, &struct{ Tag string }{"red"})
				}
				return nil
			})
			if err == nil {
				err = s.Update(t.Context(), func(tx store.Txn) error { c.hurt(tx); return nil })
			}
			var found []string
			err = errors.Join(err, s.View(t.Context(), func(r store.Reader) error {
				store.Verify(r, keptLayout, func(f store.Finding) { found = append(found, f.String()) })
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(found, "\n")
			if len(c.want) == 0 && text != "" {
				t.Errorf("found:\n%s", text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not among what was found:\n%s", want, text)
				}
			}
		})
	}
}

func TestReadFile_readsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	s, err := store.OpenBolt(path, store.BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx store.Txn) error { tx.Set("/a", []byte("1")); return nil })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	err = store.ReadFile(t.Context(), path, func(r store.Reader) error {
		if v, ok := r.Get("/a"); !ok || string(v) != "1" {
			t.Errorf("read %q, %v", v, ok)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
