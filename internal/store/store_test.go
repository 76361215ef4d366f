package store_test

import (
	"path/filepath"
	"testing"

	"portolan/internal/store"
	"portolan/internal/store/storetest"
)

// stores are the implementations, as the contract and the property tests open them.
var stores = map[string]func(testing.TB) store.Store{
	"memory": func(testing.TB) store.Store { return store.OpenMemory() },
	"bolt":   func(t testing.TB) store.Store { return openBolt(t, store.BoltOptions{NoSync: true}) },
}

func openBolt(t testing.TB, opts store.BoltOptions) store.Store {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "data", "store.db"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore_contract(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { storetest.Run(t, open) })
	}
}
