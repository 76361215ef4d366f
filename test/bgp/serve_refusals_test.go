//go:build interop

package bgp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestServe_refusals: routers with another ASN, without or with another password, and a host that is no router at all.
func TestServe_refusals(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secrets.yaml")
	secrets := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secrets("{}\n")
	s := newServer(t, "--bgp", "netns", "--bgp-secrets", file)
	w, e := s.connect("eu-west-1", &frr{}, 65001), s.connect("us-east-1", &bird{}, 65002)
	w.start(&cell{coreAS: 64512, routerAS: 65009, passive: true})
	e.start(&cell{coreAS: 64513, routerAS: 65002, passive: true})
	w.refused("sent OPEN Message Error/Bad Peer AS (2/2)")
	w.complains("Bad Peer AS")
	w.r.kill()
	w.start(&cell{coreAS: 64512, routerAS: 65001, passive: true})
	w.up()
	e.up()

	t.Log("a host that is no Connect peer's router")
	w.e.run("ip", "-n", w.e.core, "route", "add", "169.254.40.4", "dev", "cp"+w.peer[len(w.peer)-12:])
	w.e.run("ip", "-n", w.e.router, "addr", "add", "169.254.40.4/32", "dev", "gre0")
	const connect = `import socket
s = socket.create_connection(("169.254.40.2", 179), 30, ("169.254.40.4", 0))
print(s.recv(100)[16:].hex())`
	if got := strings.TrimSpace(w.e.run("ip", "netns", "exec", w.e.router, "python3", "-c", connect)); got != "0015030605" {
		t.Errorf("a stranger reads %s, want NOTIFICATION 6/5", got)
	}
	w.up()

	t.Log("passwords")
	password := &cell{coreAS: 64513, routerAS: 65002, passive: true, password: "secret", wrongPassword: true}
	secrets(e.peer + ":\n  password: secret\n")
	if err := s.p.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.complains("Other configuration change")
	e.counts("TCPMD5NotFound")
	e.r.kill()
	e.start(password)
	e.counts("TCPMD5Failure")
	if states, _, err := e.sessions(); err != nil || slices.Contains(states, "Established") {
		t.Errorf("with a wrong password: %v, %v", states, err)
	}
	e.r.kill()
	password.wrongPassword = false
	e.start(password)
	e.up()
	w.up()
	e.holds(vpcEU, vpcUS)

	s.p.Kill()
	for _, line := range []string{
		`level=WARN msg="BGP session refused" session=` + w.peer + `/169.254.40.2 reason="sent OPEN Message Error/Bad Peer AS (2/2)`,
		`level=WARN msg="BGP connection refused: it is from no peer's address" local=169.254.40.2:179 remote=169.254.40.4`,
		`level=WARN msg="BGP session down" session=` + e.peer + `/169.254.40.2 reason="sent Cease/Other Configuration Change (6/6)`,
	} {
		if !strings.Contains(s.p.Log.String(), line) {
			t.Errorf("the log has no %s", line)
		}
	}
	if strings.Contains(s.p.Log.String(), "secret\"") || strings.Contains(s.p.Log.String(), "password") {
		t.Error("the log has a password")
	}
}

// counts waits until the kernel at the edge has counted something.
func (l *location) counts(name string) {
	l.s.t.Helper()
	until(l.s.t, name, func() error {
		lines := strings.Split(l.e.run("ip", "netns", "exec", l.e.core, "cat", "/proc/net/netstat"), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
			if at := slices.Index(names, name); at >= 0 {
				if n, err := strconv.Atoi(values[at]); err != nil || n == 0 {
					return fmt.Errorf("%s %w", values[at], errNotYet)
				}
				return nil
			}
		}
		return errNotYet
	})
}
