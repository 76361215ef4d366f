//go:build interop

package bgp

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/internal/bgp"
)

// location is a router behind a Connect peer, in a namespace of its own with a cable and a GRE tunnel to that of the edge, or behind a
// VPN attachment, without the tunnel.
type location struct {
	s    *server
	edge string
	peer string // Connect peer, or VPN attachment
	e    *env
	r    speaker
	at   []string // the core network's addresses; nil: those of a Connect peer
}

// addresses are the core network's.
func (l *location) addresses() []string {
	if l.at != nil {
		return l.at
	}
	return []string{coreAddr, coreAddr2}
}

// speaker is a router that says why a session ended.
type speaker interface {
	router
	lastError(session string) (string, error)
}

// peer makes a Connect peer with an ASN.
func (s *server) peer(edge string, asn int64) (id string) {
	s.t.Helper()
	out, err := s.nm.CreateConnectPeer(s.t.Context(), &networkmanager.CreateConnectPeerInput{
		ConnectAttachmentId: aws.String(s.at[edge]), PeerAddress: aws.String("10.0.0.5"), BgpOptions: &types.BgpOptions{PeerAsn: &asn},
		InsideCidrBlocks: []string{"169.254.40.0/29", "fd00::/125"}, // of routerAddr and router6
	})
	s.must(err)
	return *out.ConnectPeer.ConnectPeerId
}

// connect makes a Connect peer with an ASN, and a namespace for its router, which is not started yet.
func (s *server) connect(edge string, r speaker, asn int64) *location {
	s.t.Helper()
	l := &location{s: s, edge: edge, peer: s.peer(edge, asn), r: r}
	var core string
	until(s.t, "the Connect peer", func() error {
		out, err := s.nm.GetConnectPeer(s.t.Context(), &networkmanager.GetConnectPeerInput{ConnectPeerId: &l.peer})
		if err != nil || out.ConnectPeer.State != types.ConnectPeerStateAvailable {
			return fmt.Errorf("%w: %v", errNotYet, err)
		}
		core = *out.ConnectPeer.Configuration.CoreNetworkAddress
		return nil
	})
	l.cable(core)
	return l
}

// start has the router of a cell begin.
func (l *location) start(c *cell) { l.r.start(l.e, c) }

// refused waits until both sessions are down with a reason.
func (l *location) refused(reason string) {
	l.s.t.Helper()
	until(l.s.t, "refused sessions of "+l.edge, func() error {
		states, reasons, err := l.sessions()
		other := func(got string) bool { return !strings.Contains(got, reason) }
		if err == nil && (len(states) != 2 || slices.Contains(states, "Established") || slices.ContainsFunc(reasons, other)) {
			err = fmt.Errorf("%v %q, want %q", states, reasons, reason)
		}
		return err
	})
}

// complains waits until the router says what went wrong with both sessions.
func (l *location) complains(text string) {
	l.s.t.Helper()
	for _, session := range l.addresses() {
		until(l.s.t, "what the router at "+l.edge+" says", func() error {
			got, err := l.r.lastError(session)
			if err == nil && !strings.Contains(got, text) {
				err = fmt.Errorf("%s says %q, want %q", session, got, text)
			}
			return err
		})
	}
}

// plug makes the namespace of the router and connects it with that of the edge.
func (l *location) plug() *env {
	t := l.s.t
	t.Helper()
	dir, err := os.MkdirTemp("", "portolan-bgp-")
	l.s.must(err)
	l.s.must(os.Chmod(dir, 0o777))
	e := &env{t: t, dir: dir, core: l.s.namespace(l.edge), router: fmt.Sprintf("ptl%d-rtr%d", os.Getpid(), serial.Add(1))}
	l.e = e
	t.Cleanup(func() {
		if t.Failed() {
			e.showLogs()
		}
		os.RemoveAll(dir)
	})
	// The name is there a moment before the namespace is.
	until(t, "the namespace of the edge", func() error { return exec.Command("ip", "-n", e.core, "link", "show", "lo").Run() })
	e.run("ip", "netns", "add", e.router)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", e.router).Run() })
	e.run("ip", "-n", e.router, "link", "set", "lo", "up")
	e.run("ip", "link", "add", "c0", "netns", e.core, "type", "veth", "peer", "name", "r0", "netns", e.router)
	e.run("ip", "-n", e.core, "link", "set", "c0", "up")
	e.run("ip", "-n", e.router, "link", "set", "r0", "up")
	return e
}

// cable is plug, with a GRE tunnel to an address of the core network.
func (l *location) cable(core string) {
	l.s.t.Helper()
	e := l.plug()
	e.run("ip", "-n", e.router, "addr", "add", "10.0.0.5/32", "dev", "r0")
	e.run("ip", "-n", e.router, "route", "add", core, "dev", "r0")
	e.run("ip", "-n", e.core, "route", "add", "10.0.0.5", "dev", "c0")
	gre, err := bgp.OpenGRE(e.path(e.router), "gre0", netip.MustParseAddr("10.0.0.5"))
	l.s.must(err)
	l.s.t.Cleanup(gre.Close)
	gre.SetPeers([]bgp.GREPeer{{Outer: netip.MustParseAddr(core), Inside: []netip.Prefix{netip.MustParsePrefix("169.254.40.0/29"), netip.MustParsePrefix("fd00::/125")}}})
	e.run("ip", "-n", e.router, "link", "set", "gre0", "mtu", "1476", "up")
	e.run("ip", "-n", e.router, "addr", "add", routerAddr+"/29", "dev", "gre0")
	e.run("ip", "-n", e.router, "addr", "add", router6+"/125", "dev", "gre0", "nodad")
}

// sessions are the states and reasons of both sessions.
func (l *location) sessions() (states, reasons []string, err error) {
	var list struct {
		Sessions []struct{ ConnectPeerID, AttachmentID, State, LastReason string }
	}
	if err := l.s.call(http.MethodGet, "/_portolan/bgp/sessions", "", &list); err != nil {
		return nil, nil, err
	}
	for _, s := range list.Sessions {
		if s.ConnectPeerID+s.AttachmentID == l.peer {
			states, reasons = append(states, s.State), append(reasons, s.LastReason)
		}
	}
	return states, reasons, nil
}

func (l *location) up() {
	l.s.t.Helper()
	until(l.s.t, "sessions of "+l.edge, func() error {
		states, reasons, err := l.sessions()
		if err == nil && !slices.Equal(states, []string{"Established", "Established"}) {
			err = fmt.Errorf("%v %q", states, reasons)
		}
		return err
	})
}

// advertised is what the tables say that a session brings the router.
func (l *location) advertised(session string) (list []string, err error) {
	var rows []struct {
		Prefix      string
		ASPath      []uint32
		MED         uint32
		Communities []string
	}
	if err := l.s.call(http.MethodGet, "/_portolan/core-networks/"+l.s.cn+"/advertised?attachment="+l.peer, "", &rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		hop := session
		if strings.Contains(r.Prefix, ":") {
			hop = map[string]string{coreAddr: core6, coreAddr2: "fd00::3"}[session]
		}
		var communities []uint32
		for _, text := range r.Communities {
			var high, low uint32
			if _, err := fmt.Sscanf(text, "%d:%d", &high, &low); err != nil {
				return nil, err
			}
			communities = append(communities, high<<16|low)
		}
		list = append(list, line(r.Prefix, hop, r.ASPath, r.MED, true, communities))
	}
	slices.Sort(list)
	return list, nil
}

// holds waits until the router's table has the prefixes, and then is what `advertised` says, cell by cell, on both sessions.
func (l *location) holds(prefixes ...string) {
	l.s.t.Helper()
	slices.Sort(prefixes)
	for _, session := range l.addresses() {
		until(l.s.t, "the table of the router at "+l.edge, func() error {
			want, err := l.advertised(session)
			if err != nil {
				return err
			}
			got, err := l.r.table(session)
			if err != nil {
				return err
			}
			var have []string
			for _, text := range got {
				prefix, _, _ := strings.Cut(text, " ")
				have = append(have, prefix)
			}
			slices.Sort(have)
			if !slices.Equal(got, want) || !slices.Equal(have, prefixes) {
				return fmt.Errorf("from %s, got:\n%s\nadvertised:\n%s\nwant %v", session, strings.Join(got, "\n"), strings.Join(want, "\n"), prefixes)
			}
			return nil
		})
	}
}
