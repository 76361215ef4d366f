// Package etcdtest runs clusters of etcd on this machine, for tests and measurements.
package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Cluster is a cluster whose members are processes.
type Cluster struct {
	Client []string // host:port where each member takes clients

	args    [][]string
	members []*exec.Cmd // nil: killed
	dir     string
}

// Start starts a cluster with its data below a folder, and returns when it has a leader.
func Start(ctx context.Context, folder string, members int, flags ...string) (*Cluster, error) {
	binary, err := exec.LookPath("etcd")
	if err != nil {
		return nil, errors.New("no etcd: run scripts/setup, which installs etcd-server of Debian")
	}
	dir, err := os.MkdirTemp(folder, "portolan-etcd-")
	if err != nil {
		return nil, err
	}
	free := FreeAddresses(2 * members)
	c := &Cluster{Client: free[:members], members: make([]*exec.Cmd, members), dir: dir}
	peers := free[members:]
	var initial []string
	for i := range members {
		initial = append(initial, fmt.Sprintf("m%d=http://%s", i, peers[i]))
	}
	for i := range members {
		c.args = append(c.args, append([]string{
			binary, "--name", fmt.Sprintf("m%d", i), "--data-dir", filepath.Join(dir, fmt.Sprint(i)), "--max-txn-ops", "10000",
			"--listen-client-urls", "http://" + c.Client[i], "--advertise-client-urls", "http://" + c.Client[i],
			"--listen-peer-urls", "http://" + peers[i], "--initial-advertise-peer-urls", "http://" + peers[i],
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", "new",
		}, flags...))
		if err == nil {
			err = c.Begin(i)
		}
	}
	for i := range members {
		if err == nil {
			err = c.ready(ctx, i)
		}
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// Begin starts a member, anew if it was killed.
func (c *Cluster) Begin(i int) error {
	log, err := os.Create(c.log(i))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(c.args[i][0], c.args[i][1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	c.members[i] = cmd
	return nil
}

func (c *Cluster) log(i int) string { return filepath.Join(c.dir, fmt.Sprint(i, ".log")) }

// Kill ends a member at once.
func (c *Cluster) Kill(i int) {
	if cmd := c.members[i]; cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		c.members[i] = nil
	}
}

// Stop ends all members and removes their data.
func (c *Cluster) Stop() {
	for i := range c.members {
		c.Kill(i)
	}
	_ = os.RemoveAll(c.dir)
}

// Leader is the number of the member that leads. It waits until there is one.
func (c *Cluster) Leader(ctx context.Context) (int, error) {
	for {
		for i, cmd := range c.members {
			if cmd == nil {
				continue
			}
			if _, text, err := c.get(ctx, i, "/metrics"); err == nil && strings.Contains(text, "\netcd_server_is_leader 1\n") {
				return i, nil
			}
		}
		if err := pause(ctx); err != nil {
			return 0, fmt.Errorf("no member of etcd leads: %w", err)
		}
	}
}

// ready waits until a member answers as one of a cluster that has a leader.
func (c *Cluster) ready(ctx context.Context, i int) error {
	for {
		status, _, err := c.get(ctx, i, "/health")
		if err == nil && status == http.StatusOK {
			return nil
		}
		if over := pause(ctx); over != nil {
			said, _ := os.ReadFile(c.log(i))
			return fmt.Errorf("member %d of etcd does not get ready: %w\n%s", i, errors.Join(over, err), said[max(0, len(said)-4000):])
		}
	}
}

func (c *Cluster) get(ctx context.Context, i int, path string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Client[i]+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), errors.Join(err, resp.Body.Close())
}

// pause ends at once, with an error, when ctx does.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

// FreeAddress is an address on this machine that nobody listens on.
func FreeAddress() string { return FreeAddresses(1)[0] }

// ports is how many ports were looked at, from where this process begins: those that run at the same time begin elsewhere.
var ports atomic.Int64

// FreeAddresses are so many of them. Their ports are none that the kernel gives to connections and to those who ask for any, and
// not soon another's of this function, so that they stay free until they are used.
func FreeAddresses(n int) []string {
	var out []string
	for len(out) < n {
		address := fmt.Sprint("127.0.0.1:", 10_000+(int64(os.Getpid()%1000)*20+ports.Add(1))%20_000)
		if l, err := net.Listen("tcp", address); err == nil {
			out = append(out, address)
			defer func() { _ = l.Close() }() // not before all are found: none twice
		}
	}
	return out
}
