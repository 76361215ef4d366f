//go:build interop

package bgp

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// frr is FRR's bgpd with the zebra that it asks whether next hops can be reached.
type frr struct {
	e           *env
	zebra, bgpd *daemon
}

func TestFRR(t *testing.T) {
	t.Parallel()
	everyRouter(t, func() router { return &frr{} })
}

func (r *frr) start(e *env, c *cell) {
	e.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "hostname router\nlog stdout notifications\nrouter bgp %d\n bgp router-id 10.9.9.9\n no bgp ebgp-requires-policy\n no bgp network import-check\n", c.routerAS)
	if c.graceful {
		b.WriteString(" bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n")
	}
	for _, n := range []string{coreAddr, coreAddr2} {
		fmt.Fprintf(&b, " neighbor %s remote-as %d\n", n, c.coreAS)
		if !c.usual {
			fmt.Fprintf(&b, " neighbor %s timers 3 9\n neighbor %s timers connect 1\n", n, n)
		}
		if c.coreAS != c.routerAS && (!c.gtsm || c.farAway) {
			fmt.Fprintf(&b, " neighbor %s ebgp-multihop 2\n", n)
		}
		if c.gtsm && !c.farAway {
			fmt.Fprintf(&b, " neighbor %s ttl-security hops 1\n", n)
		}
		if c.password != "" {
			password := c.password
			if c.wrongPassword {
				password = "other"
			}
			fmt.Fprintf(&b, " neighbor %s password %s\n", n, password)
		}
		if !c.passive {
			fmt.Fprintf(&b, " neighbor %s passive\n", n)
		}
	}
	b.WriteString(" address-family ipv4 unicast\n")
	for _, p := range c.prefixes() {
		fmt.Fprintf(&b, "  network %s\n", p)
	}
	for _, n := range []string{coreAddr, coreAddr2} {
		fmt.Fprintf(&b, "  neighbor %s route-map out out\n", n)
	}
	b.WriteString(" exit-address-family\n")
	if c.ipv6 {
		fmt.Fprintf(&b, " address-family ipv6 unicast\n  network %s\n", routerNet6)
		for _, n := range []string{coreAddr, coreAddr2} {
			fmt.Fprintf(&b, "  neighbor %s activate\n  neighbor %s route-map out6 out\n", n, n)
		}
		b.WriteString(" exit-address-family\n")
	}
	b.WriteString("exit\nroute-map out permit 10\n set metric 50\n set community 65009:50\nexit\n")
	fmt.Fprintf(&b, "route-map out6 permit 10\n set metric 50\n set community 65009:50\n set ipv6 next-hop global %s\nexit\n", router6)
	r.run(e, b.String(), routerAddr)
}

// run starts zebra, and bgpd with a configuration and addresses to listen on.
func (r *frr) run(e *env, config string, addresses ...string) {
	e.t.Helper()
	r.e = e
	conf := e.file("bgpd.conf", config)
	common := []string{"-u", "frr", "-g", "frr", "-z", e.dir + "/zserv", "--vty_socket", e.dir, "-P", "0"}
	os.Remove(e.dir + "/zserv")
	r.zebra = e.start(nil, "/usr/lib/frr/zebra", append(slices.Clone(common), "-i", e.dir+"/zebra.pid")...)
	until(e.t, "zebra", func() error { _, err := os.Stat(e.dir + "/zserv"); return err })
	args := append(slices.Clone(common), "-i", e.dir+"/bgpd.pid", "-f", conf)
	for _, a := range addresses {
		args = append(args, "-l", a)
	}
	r.bgpd = e.start(nil, "/usr/lib/frr/bgpd", args...)
}

// show asks bgpd with vtysh.
func (r *frr) show(command string) ([]byte, error) {
	return r.e.try("vtysh", "--vty_socket", r.e.dir, "-d", "bgpd", "-c", command)
}

func (r *frr) table(session string) (list []string, err error) {
	for _, family := range []string{"ipv4", "ipv6"} {
		out, err := r.show("show bgp " + family + " unicast json detail")
		if err != nil {
			return nil, fmt.Errorf("vtysh: %w: %s", err, out)
		}
		var doc struct {
			Routes map[string][]struct {
				ASPath struct {
					String string
				} `json:"aspath"`
				Metric    *uint32
				Stale     bool
				Community struct {
					String string
				}
				Peer     struct{ PeerID string }
				Nexthops []struct {
					IP string
				}
			}
		}
		if err := json.Unmarshal(out, &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		for prefix, paths := range doc.Routes {
			for _, p := range paths {
				if p.Peer.PeerID != session {
					continue
				}
				rt := route{prefix: prefix, hop: p.Nexthops[0].IP, med: p.Metric, stale: p.Stale}
				text := p.ASPath.String
				if text == "Local" {
					text = ""
				}
				if rt.path, err = parsePath(text); err != nil {
					return nil, err
				}
				for field := range strings.FieldsSeq(p.Community.String) {
					var high, low uint32
					if _, err := fmt.Sscanf(field, "%d:%d", &high, &low); err != nil {
						return nil, err
					}
					rt.communities = append(rt.communities, high<<16|low)
				}
				list = append(list, rt.line())
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

func (r *frr) refresh() (bool, error) {
	for _, family := range []string{"ipv4", "ipv6"} {
		if out, err := r.show("clear bgp " + family + " unicast * in"); err != nil {
			return false, fmt.Errorf("vtysh: %w: %s", err, out)
		}
	}
	return true, nil
}

func (r *frr) retains() bool { return true }

func (r *frr) kill() {
	r.bgpd.kill()
	r.zebra.kill()
}
