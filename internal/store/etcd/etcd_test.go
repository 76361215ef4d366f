package etcd_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"portolan/internal/store"
	"portolan/internal/store/etcd"
	"portolan/internal/store/storetest"
)

// startCluster starts a cluster of etcd members and returns where they take clients.
func startCluster(t testing.TB, members int) []string {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	if err != nil {
		t.Fatal("Debian's etcd-server is needed: run scripts/setup")
	}
	client, peer := make([]string, members), make([]string, members)
	var initial []string
	for i := range members {
		client[i], peer[i] = freeAddress(t), freeAddress(t)
		initial = append(initial, fmt.Sprintf("m%d=http://%s", i, peer[i]))
	}
	for i := range members {
		dir, err := os.MkdirTemp(memory(), "etcd")
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary, "--name", fmt.Sprintf("m%d", i), "--data-dir", filepath.Join(dir, "data"),
			"--listen-client-urls", "http://"+client[i], "--advertise-client-urls", "http://"+client[i],
			"--listen-peer-urls", "http://"+peer[i], "--initial-advertise-peer-urls", "http://"+peer[i],
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", "new", "--max-txn-ops", "10000")
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = log.Close()
			_ = os.RemoveAll(dir)
		})
	}
	return client
}

// memory is a folder in memory where there is one: what a disk does is etcd's own business.
func memory() string {
	if _, err := os.Stat("/dev/shm"); err == nil {
		return "/dev/shm"
	}
	return ""
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
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
