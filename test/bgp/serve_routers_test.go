//go:build interop

package bgp

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
)

// The routes of the VPCs, and of BIRD at us-east-1 beside the usual.
const (
	vpcEU   = "10.1.0.0/16"
	vpcUS   = "10.2.0.0/16"
	fromUS  = "192.168.100.0/24"
	dropped = "10.66.0.0/24" // not advertised, by policy
)

// network changes what FRR announces: "10.0.0.0/16" or "no 10.0.0.0/16".
func (r *frr) network(prefixes ...string) {
	r.e.t.Helper()
	args := []string{"--vty_socket", r.e.dir, "-d", "bgpd", "-c", "configure terminal", "-c", "router bgp 65001", "-c", "address-family ipv4 unicast"}
	for _, p := range prefixes {
		command := "network " + p
		if rest, no := strings.CutPrefix(p, "no "); no {
			command = "no network " + rest
		}
		args = append(args, "-c", command)
	}
	if out, err := r.e.try("vtysh", args...); err != nil {
		r.e.t.Fatalf("vtysh: %v: %s", err, out)
	}
}

// lastError is why FRR's session was last down.
func (r *frr) lastError(session string) (string, error) {
	out, err := r.show("show bgp neighbors " + session)
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Last reset") || strings.Contains(line, "Message") || strings.Contains(line, "Cease") || strings.Contains(line, "OPEN") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "; "), err
}

// lastError is why BIRD's session was ever down, from its log: what birdc says of it is gone a second later, when a new connection
// is refused.
func (r *bird) lastError(session string) (string, error) {
	log, err := os.ReadFile(filepath.Join(r.e.dir, "bird.log"))
	var lines []string
	for line := range strings.Lines(string(log)) {
		if _, text, ok := strings.Cut(line, map[string]string{coreAddr: "core0", coreAddr2: "core1"}[session]+": Received: "); ok {
			lines = append(lines, strings.TrimSpace(text))
		}
	}
	return strings.Join(lines, "; "), err
}

// TestServe_realRouters: two routers of different makes behind two Connect peers at two edges, from the first route to the end of the
// Connect peers.
func TestServe_realRouters(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--bgp", "netns", "--quota", "connect-peer-routes=6")
	west, east := &frr{}, &bird{}
	w, e := s.connect("eu-west-1", west, 65001), s.connect("us-east-1", east, 65002)
	frrCell := &cell{coreAS: 64512, routerAS: 65001, ipv6: true, passive: true}
	w.start(frrCell)
	e.start(&cell{coreAS: 64513, routerAS: 65002, ipv6: true, passive: true, more: 1})
	w.up()
	e.up()
	// Both routers announce 192.168.7.0/24 and 2001:db8:7::/48: each edge prefers its own, and does not send it back.
	s.segment("eu-west-1", vpcEU, vpcUS, routerNet, routerNet6, fromUS)
	e.holds(vpcEU, vpcUS)
	w.holds(vpcEU, vpcUS, fromUS)

	t.Log("a change, a route that policy drops and one that it prepends to")
	west.network(dropped, "10.67.0.0/24", "10.9.0.0/16")
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, routerNet6, fromUS, dropped, "10.67.0.0/24", "10.9.0.0/16")
	e.holds(vpcEU, vpcUS, "10.67.0.0/24", "10.9.0.0/16")
	west.network("no 10.9.0.0/16", "no "+dropped)
	e.holds(vpcEU, vpcUS, "10.67.0.0/24")

	t.Log("the server is killed while routes change, and starts again")
	s.p.Kill()
	west.network("no 10.67.0.0/24", "10.10.0.0/16")
	s.start()
	w.up()
	e.up()
	e.holds(vpcEU, vpcUS, "10.10.0.0/16")
	w.holds(vpcEU, vpcUS, fromUS)

	t.Log("a router is killed")
	west.kill()
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, routerNet6, fromUS)
	e.holds(vpcEU, vpcUS)
	w.start(frrCell)
	w.up()
	w.holds(vpcEU, vpcUS, fromUS)

	overflow(s, w, west)
	ends(s, e, "Peer de-configured")
	w.holds(vpcEU, vpcUS)
	ends(s, w, "Peer De-configured")
	s.segment("eu-west-1", vpcEU, vpcUS)
}

// overflow has FRR advertise more than its quota, and less again.
func overflow(s *server, w *location, west *frr) {
	s.t.Helper()
	s.t.Log("more routes than the quota")
	var some, less []string
	for i := range 8 {
		some = append(some, fmt.Sprintf("10.20.%d.0/24", i))
		less = append(less, "no "+some[i])
	}
	west.network(some...)
	w.refused("Maximum Number of Prefixes Reached (6/1)")
	w.complains("Maximum Number of Prefixes Reached")
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, routerNet6, fromUS)
	out, err := s.nm.GetConnectPeer(s.t.Context(), &networkmanager.GetConnectPeerInput{ConnectPeerId: &w.peer})
	if err != nil || out.ConnectPeer.State != types.ConnectPeerStateAvailable {
		s.t.Errorf("the Connect peer is %v, %v; want AVAILABLE", out, err)
	}
	west.network(less...)
	s.must(s.call(http.MethodPost, "/_portolan/bgp/sessions/"+w.peer+"/reset", "", nil))
	w.up()
	w.holds(vpcEU, vpcUS, fromUS)
}

// ends disassociates a Connect peer from its device, which leaves the sessions alone, and deletes it, which ends them.
func ends(s *server, l *location, text string) {
	s.t.Helper()
	ctx := s.t.Context()
	s.t.Log("the Connect peer at " + l.edge + " is disassociated and deleted")
	out, err := s.nm.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &s.gn})
	s.must(err)
	device := *out.Device.DeviceId
	associated := func(want int) {
		s.t.Helper()
		until(s.t, "the association", func() error {
			out, err := s.nm.GetConnectPeerAssociations(ctx, &networkmanager.GetConnectPeerAssociationsInput{GlobalNetworkId: &s.gn})
			if err != nil {
				return err
			}
			if len(out.ConnectPeerAssociations) != want || want > 0 && out.ConnectPeerAssociations[0].State != types.ConnectPeerAssociationStateAvailable {
				return errNotYet
			}
			return nil
		})
	}
	_, err = s.nm.AssociateConnectPeer(ctx, &networkmanager.AssociateConnectPeerInput{GlobalNetworkId: &s.gn, ConnectPeerId: &l.peer, DeviceId: &device})
	s.must(err)
	associated(1)
	_, err = s.nm.DisassociateConnectPeer(ctx, &networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &s.gn, ConnectPeerId: &l.peer})
	s.must(err)
	associated(0)
	l.up()
	_, err = s.nm.DeleteConnectPeer(ctx, &networkmanager.DeleteConnectPeerInput{ConnectPeerId: &l.peer})
	s.must(err)
	l.complains(text)
	for _, session := range []string{coreAddr, coreAddr2} {
		holdsLines(s.t, l.r, session, nil)
	}
	if states, _, err := l.sessions(); err != nil || len(states) > 0 {
		s.t.Errorf("sessions of a Connect peer that was deleted: %v, %v", states, err)
	}
}
