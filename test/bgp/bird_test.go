//go:build interop

package bgp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bird is BIRD 2.
type bird struct {
	e *env
	d *daemon
}

func TestBIRD(t *testing.T) {
	t.Parallel()
	everyRouter(t, func() router { return &bird{} })
}

func (r *bird) start(e *env, c *cell) {
	e.t.Helper()
	r.e = e
	var b strings.Builder
	b.WriteString("log stderr all;\nrouter id 10.9.9.9;\nprotocol device { scan time 1; }\nprotocol direct { ipv4; ipv6; }\nprotocol static s4 { ipv4;\n")
	for _, p := range c.prefixes() {
		fmt.Fprintf(&b, "  route %s blackhole;\n", p)
	}
	b.WriteString("}\n")
	if c.ipv6 {
		fmt.Fprintf(&b, "protocol static s6 { ipv6; route %s blackhole; }\n", routerNet6)
	}
	b.WriteString("filter told { if source != RTS_STATIC then reject; bgp_med = 50; bgp_community.add((65009, 50)); accept; }\n")
	for i, n := range []string{coreAddr, coreAddr2} {
		fmt.Fprintf(&b, "protocol bgp core%d {\n local %s as %d;\n neighbor %s as %d;\n",
			i, routerAddr, c.routerAS, n, c.coreAS)
		if !c.usual {
			b.WriteString(" hold time 9;\n connect retry time 1;\n connect delay time 1;\n error wait time 1, 1;\n")
		}
		if c.gtsm && !c.farAway {
			b.WriteString(" ttl security on;\n")
		} else if c.coreAS != c.routerAS {
			b.WriteString(" multihop 2;\n")
		}
		if c.password != "" {
			password := c.password
			if c.wrongPassword {
				password = "other"
			}
			fmt.Fprintf(&b, " password \"%s\";\n", password)
		}
		if !c.passive {
			b.WriteString(" passive on;\n")
		}
		if c.graceful {
			b.WriteString(" graceful restart on;\n long lived graceful restart off;\n")
		} else {
			b.WriteString(" graceful restart off;\n")
		}
		b.WriteString(" ipv4 { import all; export filter told; next hop self; };\n")
		if c.ipv6 {
			fmt.Fprintf(&b, " ipv6 { import all; export filter told; next hop address %s; };\n", router6)
		}
		b.WriteString("}\n")
	}
	conf := e.file("bird.conf", b.String())
	args := []string{"-f", "-c", conf, "-s", e.dir + "/bird.ctl", "-P", e.dir + "/bird.pid"}
	if c.graceful && r.d != nil {
		args = append(args, "-R") // after a crash: ask the peers to keep the routes
	}
	r.d = e.start(nil, "bird", args...)
}

func (r *bird) birdc(command ...string) (string, error) {
	out, err := r.e.try("birdc", append([]string{"-s", r.e.dir + "/bird.ctl"}, command...)...)
	if err != nil {
		return "", fmt.Errorf("birdc: %w: %s", err, out)
	}
	return string(out), nil
}

func (r *bird) table(session string) ([]string, error) {
	name := map[string]string{coreAddr: "core0", coreAddr2: "core1"}[session]
	out, err := r.birdc("show", "route", "all", "protocol", name)
	if err != nil {
		return nil, err
	}
	// Routes of a neighbour that restarts look like any other; it is the protocol that says so.
	state, err := r.birdc("show", "protocols", "all", name)
	if err != nil {
		return nil, err
	}
	retained := strings.Contains(state, "Neighbor graceful restart active")
	var list []string
	var rt *route
	prefix := ""
	flush := func() {
		if rt != nil {
			list = append(list, rt.line())
		}
		rt = nil
	}
	for text := range strings.Lines(out) {
		if first, _, _ := strings.Cut(text, " "); strings.Contains(first, "/") {
			prefix = first
		}
		if strings.Contains(text, "unicast [") || strings.Contains(text, "unreachable [") {
			flush()
			rt = &route{prefix: prefix, stale: retained}
		}
		key, value, ok := strings.Cut(strings.TrimSpace(text), ":")
		if !ok || rt == nil {
			continue
		}
		value = strings.TrimSpace(value)
		switch key {
		case "BGP.as_path":
			if rt.path, err = parsePath(value); err != nil {
				return nil, err
			}
		case "BGP.next_hop":
			rt.hop, _, _ = strings.Cut(value, " ")
		case "BGP.med":
			med, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return nil, err
			}
			rt.med = new(uint32(med))
		case "BGP.community":
			for field := range strings.FieldsSeq(value) {
				var high, low uint32
				if _, err := fmt.Sscanf(field, "(%d,%d)", &high, &low); err != nil {
					return nil, err
				}
				rt.communities = append(rt.communities, high<<16|low)
			}
		}
	}
	flush()
	slices.Sort(list)
	return list, nil
}

func (r *bird) refresh() (bool, error) {
	for _, name := range []string{"core0", "core1"} {
		if _, err := r.birdc("reload", "in", name); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *bird) retains() bool { return true }

func (r *bird) kill() { r.d.kill() }
