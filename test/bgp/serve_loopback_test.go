//go:build interop

package bgp

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	portolan "portolan/test"
)

// TestServe_loopback: routers of this machine, without namespaces, with the configuration that `portolan bgp config` prints.
func TestServe_loopback(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--bgp", "loopback")
	w := &location{s: s, edge: "eu-west-1", peer: s.peer("eu-west-1", 65001)}
	e := &location{s: s, edge: "us-east-1", peer: s.peer("us-east-1", 65002)}
	w.e = &env{t: t, dir: filepath.Join(s.dir, "frr")}
	e.e = &env{t: t, dir: filepath.Join(s.dir, "bird")}
	for _, l := range []*location{w, e} {
		s.must(os.Mkdir(l.e.dir, 0o777))
		s.must(os.Chmod(l.e.dir, 0o777))
	}
	s.must(os.Chmod(s.dir, 0o755))

	frr := w.config("frr") + "router bgp 65001\n no bgp network import-check\n address-family ipv4 unicast\n  network 192.168.7.0/24\n"
	_, source, _ := strings.Cut(frr, "update-source ")
	source, _, _ = strings.Cut(source, "\n")
	w.e.start(nil, "/usr/lib/frr/bgpd", "-u", "frr", "-g", "frr", "-Z", "-P", "0", "--vty_socket", w.e.dir, "-i", w.e.dir+"/pid",
		"-f", w.e.file("bgpd.conf", frr), "-l", source, "-p", "1790")
	bird := e.config("bird") + "protocol static { ipv4; route 192.168.8.0/24 blackhole; }\n"
	e.e.start(nil, "bird", "-f", "-c", e.e.file("bird.conf", bird), "-s", e.e.dir+"/ctl", "-P", e.e.dir+"/pid")

	w.up()
	e.up()
	s.segment("eu-west-1", vpcEU, vpcUS, "192.168.7.0/24", "192.168.8.0/24")
	has := func(l *location, prefixes []string, name string, args ...string) {
		t.Helper()
		until(t, "the table of "+name, func() error {
			out, err := exec.Command(name, args...).CombinedOutput()
			for _, p := range prefixes {
				if err == nil && !strings.Contains(string(out), p) {
					err = fmt.Errorf("no %s in\n%s", p, out)
				}
			}
			return err
		})
		var sent struct{ Routes []struct{ Prefix string } }
		s.must(s.call(http.MethodGet, "/_portolan/bgp/sessions/"+l.peer+"/advertised", "", &sent))
		var got []string
		for _, r := range sent.Routes {
			got = append(got, r.Prefix)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, prefixes) {
			t.Errorf("%s is advertised %v, want %v", name, got, prefixes)
		}
	}
	has(w, []string{vpcEU, vpcUS, "192.168.8.0/24"}, "vtysh", "--vty_socket", w.e.dir, "-d", "bgpd", "-c", "show bgp ipv4 unicast")
	has(e, []string{vpcEU, vpcUS, "192.168.7.0/24"}, "birdc", "-s", e.e.dir+"/ctl", "show", "route")
}

// config is what `portolan bgp config` prints.
func (l *location) config(vendor string) string {
	l.s.t.Helper()
	var out []byte
	until(l.s.t, "the sessions of "+l.edge, func() (err error) {
		cmd := exec.Command(portolan.Binary(l.s.t), "bgp", "config", l.peer, "--for", vendor)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+l.s.p.URL, "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=any", "AWS_REGION=us-west-2")
		out, err = cmd.Output()
		return err
	})
	return string(out)
}
