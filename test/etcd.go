package test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// etcdCluster is a running cluster of Debian's etcd.
type etcdCluster struct {
	t       *testing.T
	client  []string // addresses for clients
	args    [][]string
	members []*exec.Cmd // nil: killed
}

func startEtcd(t *testing.T, members int) *etcdCluster {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Fatal("Debian's etcd-server is needed: run scripts/setup")
	}
	dir := inMemory(t)
	c := &etcdCluster{t: t, members: make([]*exec.Cmd, members)}
	var initial, peers []string
	for i := range members {
		c.client, peers = append(c.client, freeAddress(t)), append(peers, freeAddress(t))
		initial = append(initial, fmt.Sprintf("m%d=http://%s", i, peers[i]))
	}
	for i := range members {
		c.args = append(c.args, []string{
			"--name", fmt.Sprintf("m%d", i), "--data-dir", filepath.Join(dir, fmt.Sprint(i)), "--max-txn-ops", "4096",
			"--listen-client-urls", "http://" + c.client[i], "--advertise-client-urls", "http://" + c.client[i],
			"--listen-peer-urls", "http://" + peers[i], "--initial-advertise-peer-urls", "http://" + peers[i],
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", "new",
		})
		c.begin(i)
	}
	t.Cleanup(func() {
		for i := range c.members {
			c.kill(i)
		}
	})
	return c
}

func (c *etcdCluster) begin(i int) {
	cmd := exec.Command("etcd", c.args[i]...)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.members[i] = cmd
}

func (c *etcdCluster) kill(i int) {
	if cmd := c.members[i]; cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		c.members[i] = nil
	}
}

// address is the value of --store.
func (c *etcdCluster) address(prefix string) string {
	return "etcd://" + strings.Join(c.client, ",") + "/" + prefix
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

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
