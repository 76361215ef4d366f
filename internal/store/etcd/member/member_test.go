package member

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"portolan/internal/store"
	"portolan/internal/store/etcd"
	"portolan/internal/store/etcd/etcdtest"
	"portolan/internal/store/storetest"
)

// lent is a member that outlives the stores on it.
type lent struct{ *Member }

func (l lent) Client() *clientv3.Client { return v3client.New(l.etcd.Server) }
func (lent) Close() error               { return nil }

func TestStore_contract(t *testing.T) {
	memory := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		memory = "/dev/shm" // what a disk does is etcd's own business
	}
	dir, err := os.MkdirTemp(memory, "portolan-member")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m, err := Start(t.Context(), etcd.MemberOptions{
		Name: "a", Peers: map[string]string{"a": "http://" + etcdtest.FreeAddress()}, Dir: filepath.Join(dir, "etcd"), Log: slog.New(slog.DiscardHandler),
	}, func(err error) { t.Errorf("it ended: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	var opened atomic.Int64
	storetest.Run(t, func(t testing.TB) store.Store {
		n := opened.Add(1)
		s, err := etcd.Open(context.WithoutCancel(t.Context()), etcd.Options{Member: lent{m}, Prefix: fmt.Sprint("p", n), Server: fmt.Sprint("s", n)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
