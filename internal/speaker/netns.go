package speaker

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"slices"
	"strings"

	"portolan/internal/bgp"
)

// netns has a network namespace for each edge of a core network, named portolan-NUMBER-EDGE after the id of the core network. The
// namespaces stay when the server ends: the cables that people have plugged into them would go with them.
//
// In a namespace the addresses of the core network are local ones of the device lo, without being assigned to it. A peer with GRE has a
// tunnel device of its own: the kernel's where it has GRE, otherwise a TUN device whose packets this process carries.
type netns struct {
	log   *slog.Logger
	built map[string]*built // by peer
	left  []*built          // of peers that are gone: their sessions' last messages are still under way
	ip    func(args ...string) error
	gre   func(namespace, device string, local netip.Addr) (*bgp.GREEndpoint, error)
}

// built is what there is for a peer.
type built struct {
	namespace string
	device    string   // of the tunnel; "": none
	locals    []string // addresses that are local
	endpoint  *bgp.GREEndpoint
}

const netnsFolder = "/run/netns/"

func newNetns(log *slog.Logger) *netns {
	return &netns{log: log, built: map[string]*built{}, ip: runIP, gre: bgp.OpenGRE}
}

// runIP runs the ip command of iproute2.
func runIP(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func namespaceOf(p *peer) string {
	return "portolan-" + strings.TrimPrefix(p.network.ID, "core-network-") + "-" + p.edge
}

func (n *netns) arrange(peers []*peer) map[*session]error {
	problems := map[*session]error{}
	claims := claims{}
	locals := map[string][]string{} // by peer that has a session
	for _, p := range peers {
		for _, s := range p.sessions {
			if err := claims.take(s, namespaceOf(p)); err != nil {
				problems[s] = err
				continue
			}
			locals[p.id] = append(locals[p.id], s.locals()...)
			s.sockets = sockets{
				local: netip.AddrPortFrom(s.core, bgpPort), remote: netip.AddrPortFrom(s.router, bgpPort),
				namespace: netnsFolder + namespaceOf(p), ttl: connectTTL,
			}
		}
		if p.gre() && locals[p.id] != nil {
			locals[p.id] = append(locals[p.id], p.connect.Configuration.CoreNetworkAddress)
		}
	}
	for id, b := range n.built {
		if !slices.Equal(b.locals, locals[id]) {
			n.left = append(n.left, b)
			delete(n.built, id)
		}
	}
	for _, p := range peers {
		if locals[p.id] == nil || n.built[p.id] != nil {
			continue
		}
		b := &built{namespace: namespaceOf(p), locals: locals[p.id]}
		n.tidy() // the peer may have addresses of one that is gone
		if err := n.build(p, b); err != nil {
			n.unbuild(b)
			for _, s := range p.sessions {
				problems[s] = err
			}
			continue
		}
		n.built[p.id] = b
	}
	return problems
}

func (n *netns) tidy() {
	for _, b := range n.left {
		n.unbuild(b)
	}
	n.left = nil
}

func (n *netns) build(p *peer, b *built) error {
	if n.ip("-n", b.namespace, "link", "set", "lo", "up") != nil {
		if err := n.ip("netns", "add", b.namespace); err != nil {
			return err
		}
		if err := n.ip("-n", b.namespace, "link", "set", "lo", "up"); err != nil {
			return err
		}
	}
	for _, a := range b.locals {
		if err := n.ip("-n", b.namespace, "route", "replace", "local", a, "dev", "lo"); err != nil {
			return err
		}
	}
	if !p.gre() {
		return nil
	}
	return n.tunnel(p, b)
}

// locals are the addresses of a session that are local in its namespace.
func (s *session) locals() []string {
	list := []string{s.core.String()}
	if s.core6.IsValid() && s.core6 != s.core {
		list = append(list, s.core6.String())
	}
	return list
}

// tunnel makes the GRE tunnel of a peer and the routes through it.
func (n *netns) tunnel(p *peer, b *built) error {
	config := p.connect.Configuration
	local, err := netip.ParseAddr(config.CoreNetworkAddress)
	if err != nil {
		return fmt.Errorf("core network address %q: %w", config.CoreNetworkAddress, err)
	}
	remote, err := netip.ParseAddr(config.PeerAddress)
	if err != nil {
		return fmt.Errorf("peer address %q: %w", config.PeerAddress, err)
	}
	b.device = "cp" + p.id[max(0, len(p.id)-12):]
	kind := "gre"
	if local.Is6() {
		kind = "ip6gre"
	}
	_ = n.ip("-n", b.namespace, "link", "del", b.device) // of a process that was killed
	if err := n.ip("-n", b.namespace, "link", "add", b.device, "type", kind, "local", local.String(), "remote", remote.String()); err != nil {
		n.log.Debug("BGP: no GRE in the kernel", "error", err)
		if b.endpoint, err = n.gre(netnsFolder+b.namespace, b.device, local); err != nil {
			return err
		}
		var inside []netip.Prefix
		for _, text := range config.InsideCidrBlocks {
			if block, err := netip.ParsePrefix(text); err == nil {
				inside = append(inside, block)
			}
		}
		b.endpoint.SetPeers([]bgp.GREPeer{{Outer: remote, Inside: inside}})
	}
	if err := n.ip("-n", b.namespace, "link", "set", b.device, "mtu", "1476", "up"); err != nil {
		return err
	}
	routers := []string{p.sessions[0].router.String()}
	if core6 := p.sessions[0].core6; core6.IsValid() {
		routers = append(routers, core6.Prev().String())
	}
	for _, a := range slices.Compact(routers) {
		if err := n.ip("-n", b.namespace, "route", "replace", a, "dev", b.device); err != nil {
			return err
		}
	}
	return nil
}

func (n *netns) unbuild(b *built) {
	if b.endpoint != nil {
		b.endpoint.Close()
	} else if b.device != "" {
		_ = n.ip("-n", b.namespace, "link", "del", b.device)
	}
	for _, a := range b.locals {
		_ = n.ip("-n", b.namespace, "route", "del", "local", a, "dev", "lo")
	}
}

// close leaves namespaces and the kernel's tunnels as they are: the server may be about to start again.
func (n *netns) close() {
	n.tidy()
	for _, b := range n.built {
		if b.endpoint != nil {
			b.endpoint.Close()
		}
	}
	clear(n.built)
}
