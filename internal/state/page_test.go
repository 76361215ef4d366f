package state

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"portolan/api"
	"portolan/internal/store"
)

func openState(t *testing.T, st store.Store, secrets byte) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Store: st, Secrets: rand.NewChaCha8([32]byte{secrets})})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestPager_keyOfTheStore: all servers on a store take each other's tokens, and no other server does.
func TestPager_keyOfTheStore(t *testing.T) {
	st := store.OpenMemory()
	dbs := make([]*DB, 8)
	var wg sync.WaitGroup
	for i := range dbs {
		wg.Go(func() { dbs[i] = openState(t, st, byte(i)) })
	}
	wg.Wait()
	caller := api.Caller{Account: "111122223333"}
	query := []string{"GetSites", "gn", "a"}
	p, err := dbs[0].Pager(caller, nil, nil, query...)
	if err != nil {
		t.Fatal(err)
	}
	token := p.token("/acct/111122223333/site/gn/site-1")
	for i, db := range append(dbs, openState(t, st, 99)) {
		if p, err := db.Pager(caller, nil, &token, query...); err != nil || p.After != "/acct/111122223333/site/gn/site-1" {
			t.Errorf("server %d: %+v, %v", i, p, err)
		}
	}
	refused := func(name string, db *DB, caller api.Caller, token string, query ...string) {
		t.Helper()
		var fault *api.ValidationException
		if _, err := db.Pager(caller, nil, &token, query...); !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("another store", openState(t, store.OpenMemory(), 98), caller, token, query...)
	refused("another account", dbs[0], api.Caller{Account: "444455556666"}, token, query...)
	refused("another operation", dbs[0], caller, token, "GetDevices", "gn", "a")
	refused("a filter less", dbs[0], caller, token, "GetSites", "gn")
	refused("filters moved", dbs[0], caller, token, "GetSites", "gna", "")
	refused("filters joined", dbs[0], caller, token, "GetSites", "gn\x00a")
	refused("padded", dbs[0], caller, token+"=", query...)
	for i := range token {
		for _, c := range []string{"A", "B", "_", "\n"} {
			if altered := token[:i] + c + token[i+1:]; altered != token {
				refused("altered", dbs[0], caller, altered, query...)
			}
		}
		refused("cut", dbs[0], caller, strings.Repeat("A", 1)+token[:i], query...)
	}
}

func TestOpen_pageKey(t *testing.T) {
	st := store.OpenMemory()
	set := func(key, value string) {
		if err := st.Update(t.Context(), func(tx store.Txn) error { tx.Set(key, []byte(value)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a store that has none gets one", func(t *testing.T) {
		set(formatKey, "2")
		first := openState(t, st, 1)
		if again := openState(t, st, 2); again.pageKey != first.pageKey || first.pageKey == (pageKey{}) {
			t.Errorf("%x, then %x", first.pageKey, again.pageKey)
		}
	})
	for _, bad := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("0", 66), strings.Repeat("x", 64)} {
		t.Run("damaged "+bad, func(t *testing.T) {
			set(pageKeyKey, bad)
			if _, err := Open(context.Background(), Config{Store: st}); err == nil || !strings.Contains(err.Error(), pageKeyKey) {
				t.Error(err)
			}
		})
	}
	t.Run("no randomness", func(t *testing.T) {
		if _, err := Open(t.Context(), Config{Store: store.OpenMemory(), Secrets: strings.NewReader("short")}); err == nil {
			t.Error("a key of five bytes")
		}
	})
}

// TestKeptPages_tooLarge: a page that is too large to be kept is not copied each time it is asked for.
func TestKeptPages_tooLarge(t *testing.T) {
	k := newKeptPages(keptBytes)
	texts := slices.Repeat([]string{strings.Repeat("a", 1<<20)}, 64)
	if err := store.OpenMemory().View(t.Context(), func(r store.Reader) error {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		k.put(r, &Pager{limit: 100}, "/a/", &keptPage{}, texts, "")
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%d bytes were allocated", n)
		}
		if held := k.held.Load(); held != 0 {
			t.Errorf("%d bytes are kept", held)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
