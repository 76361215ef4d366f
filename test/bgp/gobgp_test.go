//go:build interop

package bgp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// gobgp is GoBGP's daemon, with the command line client that talks to it.
type gobgp struct {
	e    *env
	d    *daemon
	ipv6 bool
}

func TestGoBGP(t *testing.T) {
	t.Parallel()
	everyRouter(t, func() router { return &gobgp{} })
}

func (r *gobgp) start(e *env, c *cell) {
	e.t.Helper()
	r.e, r.ipv6 = e, c.ipv6
	var b strings.Builder
	fmt.Fprintf(&b, "[global.config]\nas = %d\nrouter-id = \"10.9.9.9\"\nport = 179\nlocal-address-list = [\"%s\"]\n", c.routerAS, routerAddr)
	for _, n := range []string{coreAddr, coreAddr2} {
		fmt.Fprintf(&b, "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"%s\"\npeer-as = %d\n", n, c.coreAS)
		if c.password != "" {
			password := c.password
			if c.wrongPassword {
				password = "other"
			}
			fmt.Fprintf(&b, "auth-password = \"%s\"\n", password)
		}
		fmt.Fprintf(&b, "[neighbors.timers.config]\nhold-time = 9\nkeepalive-interval = 3\nconnect-retry = 1\nidle-hold-time-after-reset = 1\n")
		fmt.Fprintf(&b, "[neighbors.transport.config]\nlocal-address = \"%s\"\npassive-mode = %t\n", routerAddr, !c.passive)
		switch {
		case c.gtsm && !c.farAway:
			b.WriteString("[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255\n")
		case c.coreAS != c.routerAS:
			b.WriteString("[neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 2\n")
		}
		if c.graceful {
			fmt.Fprintf(&b, "[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = %d\nnotification-enabled = true\n", restartSeconds)
		}
		for _, family := range []string{"ipv4-unicast", "ipv6-unicast"} {
			if family == "ipv4-unicast" || c.ipv6 {
				fmt.Fprintf(&b, "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"%s\"\n[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = %t\n", family, c.graceful)
			}
		}
	}
	conf := e.file("gobgpd.toml", b.String())
	args := []string{"-f", conf, "--api-hosts", "127.0.0.1:50051", "--pprof-disable"}
	if c.graceful && r.d != nil {
		args = append(args, "-r") // after a crash: ask the peers to keep the routes
	}
	r.d = e.start(nil, "gobgpd", args...)
	for _, p := range c.prefixes() {
		r.add("ipv4", p, "med", "50", "community", "65009:50")
	}
	if c.ipv6 {
		r.add("ipv6", routerNet6, "nexthop", router6, "med", "50", "community", "65009:50")
	}
}

// add gives the daemon a route, as soon as it answers.
func (r *gobgp) add(family, prefix string, attributes ...string) {
	r.e.t.Helper()
	until(r.e.t, "gobgp", func() error {
		out, err := r.e.try("gobgp", slices.Concat([]string{"global", "rib", "add", prefix}, attributes, []string{"-a", family})...)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

func (r *gobgp) table(session string) ([]string, error) {
	var list []string
	for _, family := range []string{"ipv4", "ipv6"} {
		if family == "ipv6" && !r.ipv6 {
			continue
		}
		out, err := r.e.try("gobgp", "neighbor", session, "adj-in", "-a", family, "-j")
		if strings.Contains(string(out), "session is not established") {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("gobgp: %w: %s", err, out)
		}
		var doc map[string][]struct {
			Stale bool
			Attrs []struct {
				Type    int
				Nexthop string
				ASPaths []struct{ ASNs []uint32 } `json:"as_paths"`
				Metric  *uint32
				Value   jsontext.Value
				Comm    []uint32 `json:"communities"`
			}
		}
		if text := strings.TrimSpace(string(out)); text == "" || strings.HasPrefix(text, "Network not in table") {
			continue
		}
		if err := json.Unmarshal(out, &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		for prefix, paths := range doc {
			for _, p := range paths {
				rt := route{prefix: prefix, stale: p.Stale}
				for _, a := range p.Attrs {
					switch a.Type {
					case 2:
						for _, s := range a.ASPaths {
							rt.path = append(rt.path, s.ASNs...)
						}
					case 3, 14:
						rt.hop = a.Nexthop
					case 4:
						rt.med = a.Metric
					case 8:
						rt.communities = a.Comm
					}
				}
				list = append(list, rt.line())
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

// refresh: GoBGP keeps what it was sent and never asks.
func (r *gobgp) refresh() (bool, error) { return false, nil }

func (r *gobgp) retains() bool { return true }

func (r *gobgp) kill() { r.d.kill() }
