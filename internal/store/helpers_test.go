package store

import (
	"context"
	"maps"
	"testing"
)

// CutSeed is cutSeed for the tests outside the package.
var CutSeed = cutSeed

func put(s Store, key, value string) error {
	return s.Update(context.Background(), func(tx Txn) error {
		tx.Set(key, []byte(value))
		return nil
	})
}

func all(t testing.TB, s Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := s.View(context.Background(), func(r Reader) error {
		for k, v := range r.Scan("", "") {
			out[k] = string(v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkAll(t testing.TB, s Store, want map[string]string) {
	t.Helper()
	if got := all(t, s); !maps.Equal(got, want) {
		t.Errorf("contents %v, want %v", got, want)
	}
}

// checkFile looks at every page and entry of the file behind a closed store.
func checkFile(t testing.TB, path string) {
	t.Helper()
	_, err := CheckFile(t.Context(), path, func(d *DamageError) { t.Errorf("the file is damaged: %v", d) })
	if err != nil {
		t.Error(err)
	}
}
