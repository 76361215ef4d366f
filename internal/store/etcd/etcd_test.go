package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"portolan/internal/store"
	"portolan/internal/store/etcd"
	"portolan/internal/store/etcd/etcdtest"
	"portolan/internal/store/storetest"
)

// startCluster starts a cluster of etcd members and returns where they take clients.
func startCluster(t testing.TB, members int) []string {
	t.Helper()
	memory := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		memory = "/dev/shm" // what a disk does is etcd's own business
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := etcdtest.Start(ctx, memory, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c.Client
}

var opened atomic.Int64

// open opens a store under a prefix.
func open(t testing.TB, endpoints []string, prefix string) store.Store {
	t.Helper()
	s, err := etcd.Open(context.WithoutCancel(t.Context()), etcd.Options{
		Endpoints: endpoints, Prefix: prefix, Server: fmt.Sprint("s", opened.Add(1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fresh opens an empty store.
func fresh(t testing.TB, endpoints []string) store.Store {
	return open(t, endpoints, fmt.Sprintf("p%d", opened.Add(1)))
}

func TestStore_contract(t *testing.T) {
	for _, members := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d_members", members), func(t *testing.T) {
			endpoints := startCluster(t, members)
			storetest.Run(t, func(t testing.TB) store.Store { return fresh(t, endpoints) })
		})
	}
}

// TestStore_valuesInPieces: a value larger than a piece is one value to every server, and leaves nothing when it goes.
func TestStore_valuesInPieces(t *testing.T) {
	endpoints := startCluster(t, 1)
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	put := func(key, value string) {
		t.Helper()
		if _, err := client.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	first := open(t, endpoints, "big")
	put("big/p/other-1-0/0000", "in two ") // of a server whose commit is still to come
	put("big/p/other-1-0/0001", "pieces")
	second := open(t, endpoints, "big")
	watch, err := second.Watch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	next := func(want string) {
		t.Helper()
		if c := <-watch; len(c.Changes) != 1 || string(c.Changes[0].Value) != want {
			t.Fatalf("%d changes, want one to %d bytes", len(c.Changes), len(want))
		}
	}
	put("big/d/late", "+2 other-1-0")
	next("in two pieces")
	for _, value := range []string{strings.Repeat("a", 1_300_000), strings.Repeat("b", 600_000), "small"} {
		if err := first.Update(t.Context(), func(tx store.Txn) error { tx.Set("/big", []byte(value)); return nil }); err != nil {
			t.Fatal(err)
		}
		next(value)
	}
	left, err := client.Get(t.Context(), "big/p/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || left.Count != 2 {
		t.Errorf("%d pieces are left, %v; the other server's 2 are in use", left.Count, err)
	}
}

// TestStore_piecesOfARestartedServer: a server of the same name as an earlier one puts its pieces beside those that are in use.
func TestStore_piecesOfARestartedServer(t *testing.T) {
	endpoints := startCluster(t, 1)
	want := map[string]string{"/one": strings.Repeat("a", 600_000), "/two": strings.Repeat("b", 600_000)}
	for _, key := range []string{"/one", "/two"} {
		s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: endpoints, Prefix: "again", Server: "same"})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Update(t.Context(), func(tx store.Txn) error { tx.Set(key, []byte(want[key])); return nil })
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, endpoints, "again").View(t.Context(), func(r store.Reader) error {
		for key, value := range want {
			if got, _ := r.Get(key); string(got) != value {
				t.Errorf("%s is not what was written: %d bytes, %.3q...", key, len(got), got)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestStore_piecesOfWhatWasRefused: a commit that is refused leaves no pieces.
func TestStore_piecesOfWhatWasRefused(t *testing.T) {
	endpoints := startCluster(t, 1)
	first, second := open(t, endpoints, "refused"), open(t, endpoints, "refused")
	runs := 0
	if err := first.Update(t.Context(), func(tx store.Txn) error {
		tx.Get("/row")
		if runs++; runs > 1 {
			return nil
		}
		tx.Set("/big", []byte(strings.Repeat("a", 600_000)))
		return second.Update(t.Context(), func(tx store.Txn) error { tx.Set("/row", []byte("b")); return nil })
	}); err != nil || runs < 2 {
		t.Fatalf("%v after %d runs, want more than one", err, runs)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	left, err := client.Get(t.Context(), "refused/p/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || left.Count != 0 {
		t.Errorf("%d pieces are left, %v", left.Count, err)
	}
}
