// Package test drives the real binary with real clients: boto3, the AWS CLI and the Go SDK. It knows nothing of the
// packages the binary is made of.
package test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is what a build gave: the file, and the places that look a method up by a computed name, for which the linker
// keeps every exported method of every type.
type binary struct {
	path       string
	reflecting []string
}

// binaryVariable names a binary that is tested in the place of one that is built.
const binaryVariable = "PORTOLAN_TEST_BINARY"

var build = sync.OnceValues(func() (*binary, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return &binary{path: path}, nil
	}
	dir, err := os.MkdirTemp("", "portolan-test-")
	if err != nil {
		return nil, err
	}
	b := &binary{path: filepath.Join(dir, "portolan")}
	// As in the Makefile, but for -trimpath, with which nothing that the tests have compiled could be used again.
	cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w -dumpdep", "-o", b.path, "portolan/cmd/portolan")
	out, err := cmd.CombinedOutput()
	var said []string // that is not a dependency the linker lists
	for line := range strings.Lines(string(out)) {
		from, _, dependency := strings.Cut(line, " -> ")
		switch {
		case !dependency:
			said = append(said, line)
		case strings.Contains(from, "<ReflectMethod>") && !slices.Contains(b.reflecting, from):
			b.reflecting = append(b.reflecting, from)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, strings.Join(said, ""))
	}
	return b, nil
})

// Binary is the path of the binary under test, built once per run.
func Binary(tb testing.TB) string {
	tb.Helper()
	b, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return b.path
}

// patience is how long is waited for what takes a moment when the machine has nothing else to do.
const patience = 5 * time.Minute

// patiently gives a context that ends where waiting is in vain. What the tests need is built before it begins.
func patiently(t *testing.T) context.Context {
	t.Helper()
	Binary(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Process is a running server.
type Process struct {
	URL  string
	Addr string
	Log  *bytes.Buffer // standard error; read it after the process has ended

	cmd  *exec.Cmd
	done chan error
}

// start returns when the process has printed where it listens, which it does when it is ready.
func start(binary string, args ...string) (*Process, error) {
	p := &Process{Log: new(bytes.Buffer), done: make(chan error, 1)}
	p.cmd = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.Log
	printed, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(printed)
	for err == nil && p.Addr == "" {
		var line string
		line, err = lines.ReadString('\n')
		if _, after, ok := strings.Cut(line, "listening on http://"); ok {
			p.Addr, _, _ = strings.Cut(after, ";")
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		p.done <- p.cmd.Wait()
	}()
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("the server ended: %w\n%s", err, p.Log)
	}
	p.URL = "http://" + p.Addr
	return p, nil
}

// Kill ends the process at once, as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	err := <-p.done
	p.done <- err
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the process to end and returns its exit code.
func (p *Process) Stop(ctx context.Context) (int, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return -1, err
	}
	select {
	case err := <-p.done:
		p.done <- err
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

// Env is the environment in which AWS clients talk to the server. Clients that read no endpoint from it take it as an option.
func (p *Process) Env() []string {
	return append(append(os.Environ(), newerInterface()...),
		"AWS_ENDPOINT_URL_NETWORKMANAGER="+p.URL,
		"AWS_ENDPOINT_URL="+p.URL,
		"AWS_ACCESS_KEY_ID=111122223333",
		"AWS_SECRET_ACCESS_KEY=any",
		"AWS_DEFAULT_REGION=us-west-2",
		"AWS_REGION=us-west-2",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
		"AWS_MAX_ATTEMPTS=1",
	)
}

// writeAtOnce writes a file that a server looks at, which never sees it half written.
func writeAtOnce(file, text string) error {
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
