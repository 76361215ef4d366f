package test

import (
	"os"
	"strings"
	"testing"

	"portolan/internal/store/etcd/etcdtest"
)

// etcdCluster is a running cluster of Debian's etcd.
type etcdCluster struct {
	*etcdtest.Cluster
	t *testing.T
}

func startEtcd(t *testing.T, members int) *etcdCluster {
	t.Helper()
	c, err := etcdtest.Start(patiently(t), inMemory(t), members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return &etcdCluster{c, t}
}

// begin starts a member again that was killed.
func (c *etcdCluster) begin(i int) {
	c.t.Helper()
	if err := c.Begin(i); err != nil {
		c.t.Fatal(err)
	}
}

// address is the value of --store.
func (c *etcdCluster) address(prefix string) string {
	return "etcd://" + strings.Join(c.Client, ",") + "/" + prefix
}

// inMemory is a folder in memory where there is one.
func inMemory(t *testing.T) string {
	t.Helper()
	memory := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		memory = "/dev/shm" // what a disk does is etcd's own business
	}
	dir, err := os.MkdirTemp(memory, "portolan-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
