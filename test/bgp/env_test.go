//go:build interop

package bgp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
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
}

var serial atomic.Int64

func newEnv(t *testing.T) *env {
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
	for _, a := range [][3]string{{e.core, "c0", coreAddr + "/29"}, {e.core, "c0", coreAddr2 + "/29"}, {e.core, "c0", core6 + "/125"}, {e.router, "r0", routerAddr + "/29"}, {e.router, "r0", router6 + "/125"}} {
		args := []string{"-n", a[0], "addr", "add", a[2], "dev", a[1]}
		if strings.Contains(a[2], ":") {
			args = append(args, "nodad")
		}
		e.run("ip", args...)
	}
	e.run("ip", "-n", e.core, "link", "set", "c0", "up")
	e.run("ip", "-n", e.router, "link", "set", "r0", "up")
	return e
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

// start runs a daemon; its output goes to a file of its name. It is killed at the end of the test.
func (e *env) start(environ []string, name string, args ...string) *daemon {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, filepath.Base(name)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("ip", append([]string{"netns", "exec", e.router, name}, args...)...)
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
const patience = 60 * time.Second

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
