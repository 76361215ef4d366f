//go:build interop

package bgp

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"portolan/internal/bgp"
	"portolan/internal/store/etcd/etcdtest"
	portolan "portolan/test"
)

// site is a namespace with a server on the store that both sites share. One of the sites has the addresses of the sessions.
type site struct {
	name   string
	ns     string
	cable  string // at the router
	e      *env   // whose processes run in the namespace
	url    string
	server *daemon
}

// pair is two sites, the router that has a cable to each, and a server that is asked.
type pair struct {
	*server
	etcd  string
	flags []string // of both servers, beside those that every pair has
	sites [2]*site
	l     *location
}

// newPair starts etcd and makes the namespaces. The router's has a bridge to both, and the router's address of each session that has
// one of the core network's.
func newPair(t *testing.T, r speaker, core, routers []string) *pair {
	t.Helper()
	n := serial.Add(1)
	dir, err := os.MkdirTemp("", "portolan-bgp-")
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{server: &server{t: t, dir: dir, at: map[string]string{}}}
	router := &env{t: t, dir: dir, router: fmt.Sprintf("ptl%d-rtr%d", os.Getpid(), n)}
	t.Cleanup(func() {
		if t.Failed() {
			router.showLogs()
		}
		os.RemoveAll(dir)
	})
	p.must(os.Chmod(dir, 0o777))
	p.startEtcd()
	namespace(router)
	router.run("ip", "-n", router.router, "link", "add", "br0", "type", "bridge")
	router.run("ip", "-n", router.router, "link", "set", "br0", "up")
	for i, a := range core {
		router.run("ip", "-n", router.router, "addr", "replace", routers[i]+"/32", "dev", "lo")
		router.run("ip", "-n", router.router, "route", "add", a, "dev", "br0", "src", routers[i])
	}
	for i := range p.sites {
		p.sites[i] = p.site(router, routers, i, n)
	}
	p.l = &location{s: p.server, edge: "eu-west-1", e: router, r: r, at: core}
	return p
}

func namespace(e *env) {
	e.t.Helper()
	e.run("ip", "netns", "add", e.router)
	e.t.Cleanup(func() { exec.Command("ip", "netns", "del", e.router).Run() })
	e.run("ip", "-n", e.router, "link", "set", "lo", "up")
}

func (p *pair) startEtcd() {
	p.t.Helper()
	free := etcdtest.FreeAddresses(2)
	p.etcd = free[0]
	peers := "http://" + free[1]
	(&env{t: p.t, dir: p.dir}).start(nil, "etcd", "--name", "m", "--data-dir", filepath.Join(p.dir, "etcd"), "--max-txn-ops", "4096", "--log-level", "error",
		"--listen-client-urls", "http://"+p.etcd, "--advertise-client-urls", "http://"+p.etcd,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "m="+peers)
}

// site makes a namespace with a cable to the router, one to this machine for API calls, and etcd at its own loopback address.
func (p *pair) site(router *env, routers []string, i int, n int64) *site {
	p.t.Helper()
	s := &site{name: string(rune('a' + i)), ns: fmt.Sprintf("ptl%d-s%d%d", os.Getpid(), n, i), cable: fmt.Sprintf("s%d", i)}
	s.e = &env{t: p.t, dir: filepath.Join(p.dir, s.name), router: s.ns}
	p.must(os.Mkdir(s.e.dir, 0o777))
	p.t.Cleanup(func() {
		if p.t.Failed() {
			s.e.showLogs()
		}
	})
	namespace(s.e)
	ip := func(args ...string) { s.e.run("ip", args...) }
	ip("link", "add", "c0", "netns", s.ns, "type", "veth", "peer", "name", s.cable, "netns", router.router)
	ip("-n", s.ns, "link", "set", "c0", "up")
	ip("-n", router.router, "link", "set", s.cable, "master", "br0", "up")
	for _, a := range routers {
		ip("-n", s.ns, "route", "replace", a, "dev", "c0")
	}
	host := fmt.Sprintf("ptl%d%d", os.Getpid()%1_000_000, 10*n+int64(i))
	ip("link", "add", "m0", "netns", s.ns, "type", "veth", "peer", "name", host)
	net4 := fmt.Sprintf("10.%d.%d.", 200+os.Getpid()%50, (2*n+int64(i))%256)
	ip("addr", "add", net4+"1/30", "dev", host)
	ip("link", "set", host, "up")
	ip("-n", s.ns, "addr", "add", net4+"2/30", "dev", "m0")
	ip("-n", s.ns, "link", "set", "m0", "up")
	s.url = "http://" + net4 + "2:4566"
	ln, err := bgp.NewSpeaker(nil, nil).Listen(s.e.path(s.ns), netip.MustParseAddrPort("127.0.0.1:2379"))
	p.must(err)
	p.t.Cleanup(func() { ln.Close() })
	go forward(ln, p.etcd)
	return s
}

// forward carries connections to an address until the listener is closed.
func forward(ln net.Listener, address string) {
	for {
		from, err := ln.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", address)
		if err != nil {
			from.Close()
			continue
		}
		for _, c := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() {
				_, _ = io.Copy(c[0], c[1])
				c[0].Close()
				c[1].Close()
			}()
		}
	}
}

// serve starts the server of a site, again where it gives up because etcd is slow to answer.
func (p *pair) serve(i int) {
	p.t.Helper()
	s := p.sites[i]
	begin := func() {
		s.server = s.e.start(nil, portolan.Binary(p.t), append([]string{
			"serve", "--listen", strings.TrimPrefix(s.url, "http://"), "--insecure", "--log-format", "text",
			"--log-level", "warn", "--store", "etcd://127.0.0.1:2379/wan", "--store-name", s.name, "--store-reads", "linearizable", "--bgp", "here",
		}, p.flags...)...)
	}
	begin()
	p.ask(i)
	until(p.t, "the server "+s.name, func() error {
		select {
		case <-s.server.done:
			begin()
		default:
		}
		return p.call("GET", "/_portolan/bgp/sessions", "", nil)
	})
}

// ask has the server of a site answer from now on.
func (p *pair) ask(i int) {
	p.p = &portolan.Process{URL: p.sites[i].url}
	p.client()
}

// move gives a site the addresses of the sessions, as a user's own means do (VRRP, a script).
func (p *pair) move(to int) {
	p.t.Helper()
	for i, s := range p.sites {
		for _, a := range p.l.addresses() {
			if i != to {
				exec.Command("ip", "-n", s.ns, "addr", "del", a+"/32", "dev", "lo").Run()
				continue
			}
			s.e.run("ip", "-n", s.ns, "addr", "add", a+"/32", "dev", "lo")
		}
	}
	p.l.e.run("ip", "-n", p.l.e.router, "link", "set", p.sites[to].cable, "up")
	p.l.e.run("ip", "-n", p.l.e.router, "neigh", "flush", "dev", "br0") // as a gratuitous ARP would
}

// lose takes a site away without a packet, as when its power fails.
func (p *pair) lose(i int) {
	p.l.e.run("ip", "-n", p.l.e.router, "link", "set", p.sites[i].cable, "down")
	p.sites[i].server.kill()
}

// listening waits until the holder waits for the router: one that is refused may not try again for minutes.
func (p *pair) listening() {
	p.t.Helper()
	until(p.t, "sessions that wait for the router", func() error {
		if states, _, err := p.l.sessions(); err != nil || !slices.Equal(states, []string{"Active", "Active"}) {
			return fmt.Errorf("%w: %v, %v", errNotYet, states, err)
		}
		return nil
	})
}

// heldBy waits until a site holds both sessions and has heard all routes anew. Neither the router nor the tables that the site
// computes lose a route meanwhile; routed is what the router announces.
func (p *pair) heldBy(i int, routed string) {
	p.t.Helper()
	p.ask(i)
	until(p.t, "the sessions at "+p.sites[i].name, func() error {
		for _, session := range p.l.addresses() {
			if lines, err := p.l.r.table(session); err == nil && len(lines) < 2 {
				p.t.Fatalf("the router has lost routes: it has %q from %s", lines, session)
			}
		}
		if prefixes, err := p.prefixes("eu-west-1"); err == nil && !slices.Equal(prefixes, []string{vpcEU, vpcUS, routed}) {
			p.t.Fatalf("the tables have lost routes: %v", prefixes)
		}
		var list struct {
			Sessions []struct {
				State, HeldBy string
				Heard, Stale  int
			}
		}
		// Between two holders the sessions are shown as they were stored. Only the holder says what it advertises.
		if err := p.call("GET", "/_portolan/bgp/sessions/"+p.l.peer+"/advertised", "", nil); err != nil {
			return err
		}
		if err := p.call("GET", "/_portolan/bgp/sessions", "", &list); err != nil {
			return err
		}
		if len(list.Sessions) != 2 {
			return fmt.Errorf("%w: %+v", errNotYet, list.Sessions)
		}
		for _, s := range list.Sessions {
			if s.State != "Established" || s.HeldBy != "" || s.Heard != 1 || s.Stale != 0 {
				return fmt.Errorf("%w: %+v", errNotYet, list.Sessions)
			}
		}
		return nil
	})
	p.l.holds(vpcEU, vpcUS)
}

// TestServe_handover: two servers on one etcd, in a namespace each. One of them holds the sessions of a router with its usual timers;
// it is lost, and then the other one is stopped. Each time the addresses move, and no route is lost anywhere.
func TestServe_handover(t *testing.T) {
	for name, r := range map[string]speaker{"FRR": &frr{}, "BIRD": &bird{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, r, []string{coreAddr, coreAddr2}, []string{routerAddr, routerAddr})
			p.begin(func() { p.l.peer = p.peer("eu-west-1", 65001) })
			p.l.start(&cell{coreAS: 64512, routerAS: 65001, graceful: true, passive: true, usual: true})
			p.losesFirst(routerNet)

			t.Log("the first is back, the holder is stopped")
			p.serve(0)
			p.must(syscall.Kill(-p.sites[1].server.cmd.Process.Pid, syscall.SIGTERM))
			<-p.sites[1].server.done
			p.move(0)
			p.heldBy(0, routerNet)
		})
	}
}

// TestServe_vpnHandover: the holder is lost, with FRR in the tunnels of a VPN attachment, configured as `portolan bgp config` says.
func TestServe_vpnHandover(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(file, []byte(vpnCatalog(65001)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &frr{}
	p := newPair(t, r, []string{"169.254.50.1", "169.254.50.5"}, []string{"169.254.50.2", "169.254.50.6"})
	p.flags = []string{"--catalog", file}
	p.begin(func() { p.l.peer = p.vpn(0) })
	p.l.begin(r, 65001)
	p.losesFirst(vpnNet)
}

// begin has the first site hold the sessions of what join makes.
func (p *pair) begin(join func()) {
	p.t.Helper()
	p.serve(0)
	p.network()
	p.move(0)
	join()
	p.listening()
}

// losesFirst has the first site lose the sessions to the other, without a packet; routed is what the router announces.
func (p *pair) losesFirst(routed string) {
	t := p.t
	t.Helper()
	p.l.up()
	p.segment("eu-west-1", vpcEU, vpcUS, routed)
	p.l.holds(vpcEU, vpcUS)

	t.Log("the other server answers as the one that holds the sessions")
	p.serve(1)
	p.segment("eu-west-1", vpcEU, vpcUS, routed)
	p.l.up()
	if err := p.call("POST", "/_portolan/bgp/sessions/"+p.l.peer+"/reset", "", nil); err == nil || !strings.Contains(err.Error(), "The server a holds") {
		t.Errorf("a reset at the other server: %v", err)
	}

	t.Log("the holder is lost")
	p.lose(0)
	p.move(1)
	p.heldBy(1, routed)
}
