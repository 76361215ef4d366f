//go:build interop

package bgp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portolan/internal/bgp"
)

// The addresses of every test: one router with two sessions, as a Connect peer has them.
const (
	routerAddr = "169.254.40.1"
	coreAddr   = "169.254.40.2"
	coreAddr2  = "169.254.40.3"
	router6    = "fd00::1"
	core6      = "fd00::2"
)

// env is two network namespaces with a cable between them.
type env struct {
	t            *testing.T
	dir          string // readable by every user: FRR drops its rights
	core, router string // names of the namespaces
	gre          []*bgp.GREEndpoint
}

var serial atomic.Int64

func newEnv(t *testing.T, c *cell) *env {
	t.Helper()
	dir, err := os.MkdirTemp("", "portolan-bgp-")
	if err != nil {
		t.Fatal(err)
	}
	n := serial.Add(1)
	e := &env{t: t, dir: dir, core: fmt.Sprintf("ptl%d-core%d", os.Getpid(), n), router: fmt.Sprintf("ptl%d-rtr%d", os.Getpid(), n)}
	t.Cleanup(func() {
		if t.Failed() {
			e.showLogs()
		}
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{e.core, e.router} {
		e.run("ip", "netns", "add", ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		e.run("ip", "-n", ns, "link", "set", "lo", "up")
	}
	e.run("ip", "link", "add", "c0", "netns", e.core, "type", "veth", "peer", "name", "r0", "netns", e.router)
	e.run("ip", "-n", e.core, "link", "set", "c0", "up")
	e.run("ip", "-n", e.router, "link", "set", "r0", "up")
	if c.gre {
		e.tunnel()
		e.address("gre0", "gre0")
	} else {
		e.address("c0", "r0")
	}
	return e
}

// address gives both sides the addresses of their sessions, on a device each.
func (e *env) address(core, router string) {
	e.t.Helper()
	for _, a := range [][3]string{{e.core, core, coreAddr + "/29"}, {e.core, core, coreAddr2 + "/29"}, {e.core, core, core6 + "/125"}, {e.router, router, routerAddr + "/29"}, {e.router, router, router6 + "/125"}} {
		args := []string{"-n", a[0], "addr", "add", a[2], "dev", a[1]}
		if strings.Contains(a[2], ":") {
			args = append(args, "nodad")
		}
		e.run("ip", args...)
	}
}

// tunnel puts a GRE tunnel in user space over the cable, both ends of it ours.
func (e *env) tunnel() {
	e.t.Helper()
	outer := map[string]string{e.core: "198.51.100.1", e.router: "198.51.100.2"}
	for _, end := range []struct{ ns, cable, far string }{{e.core, "c0", e.router}, {e.router, "r0", e.core}} {
		e.run("ip", "-n", end.ns, "addr", "add", outer[end.ns]+"/30", "dev", end.cable)
		gre, err := bgp.OpenGRE(e.path(end.ns), "gre0", netip.MustParseAddr(outer[end.ns]))
		if err != nil {
			e.t.Fatal(err)
		}
		e.t.Cleanup(gre.Close)
		gre.SetPeers([]bgp.GREPeer{{Outer: netip.MustParseAddr(outer[end.far]), Inside: []netip.Prefix{
			netip.MustParsePrefix(routerAddr + "/29").Masked(), netip.MustParsePrefix(router6 + "/125").Masked(),
		}}})
		e.gre = append(e.gre, gre)
		e.run("ip", "-n", end.ns, "link", "set", "gre0", "mtu", "1476", "up")
	}
}

// path is the namespace for setns.
func (e *env) path(ns string) string { return "/run/netns/" + ns }

// run runs a command to its end.
func (e *env) run(name string, args ...string) string {
	e.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// try runs a command in the router's namespace; what it prints, even when it fails.
func (e *env) try(name string, args ...string) ([]byte, error) {
	return exec.Command("ip", append([]string{"netns", "exec", e.router, name}, args...)...).CombinedOutput()
}

// file writes a file of the test.
func (e *env) file(name, content string) string {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		e.t.Fatal(err)
	}
	return path
}

// daemon is a process in the router's namespace.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs a daemon, in the router's namespace if there is one; its output goes to a file of its name. It is killed at the end of the test.
func (e *env) start(environ []string, name string, args ...string) *daemon {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, filepath.Base(name)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	if e.router != "" {
		cmd = exec.Command("ip", append([]string{"netns", "exec", e.router, name}, args...)...)
	}
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	d := &daemon{cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(d.done)
	}()
	e.t.Cleanup(d.kill)
	return d
}

// kill ends the daemon and its children without letting them say goodbye.
func (d *daemon) kill() {
	syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	<-d.done
}

func (e *env) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(e.dir, "*.log"))
	for _, path := range logs {
		b, _ := os.ReadFile(path)
		b = bytes.TrimSpace(b)
		if len(b) > 3000 {
			b = b[len(b)-3000:]
		}
		e.t.Logf("%s:\n%s", filepath.Base(path), b)
	}
}

// patience is how long a router may take, on a busy machine.
const patience = 3 * time.Minute

var errNotYet = errors.New("not yet")

// until asks again and again until the answer is no error.
func until(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}
