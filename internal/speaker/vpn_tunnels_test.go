package speaker_test

import (
	"net/netip"
	"strings"
	"testing"

	"portolan/internal/bgp"
	"portolan/internal/catalog"
	"portolan/internal/speaker"
)

// TestVPN_tunnelsThatCarryIPv6 have sessions between their IPv6 addresses, though they have an IPv4 block, too.
func TestVPN_tunnelsThatCarryIPv6(t *testing.T) {
	w := newWorld(t)
	w.peers()
	vpn := w.vpn(1, "eu-west-1", 65010)
	w.connection(vpn, func(v *catalog.VPNConnection) {
		v.Tunnels[0].InsideIPv6CIDR, v.Tunnels[1].InsideIPv6CIDR = pfx("fd00:1::/126"), pfx("fd00:1::4/126")
	})
	const sessions = "fd00:1::1 AS 64512, fd00:1::2 AS 65010, outside 192.0.1.1\nfd00:1::5 AS 64512, fd00:1::6 AS 65010, outside 192.0.1.2"
	w.want("the sessions", w.held(vpn), sessions)
	w.move(vpn, 1, bgp.Established)
	w.hear(vpn, 1, "2001:db8:7::/48=65010")
	w.rest()
	w.want("the table", w.table("eu-west-1"), "2001:db8:7::/48 [65010]")
	w.BGP().Save(w.ctx)
	w.outside.away = catalog.ErrUnavailable
	w.start(speaker.Loopback)
	w.rest()
	w.want("nobody answers after a restart: the sessions", w.held(vpn), sessions)
	w.want("nobody answers after a restart: the table", w.table("eu-west-1"), "2001:db8:7::/48 [65010]")
	list, err := w.BGP().BGPSessions(w.ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for vendor, want := range map[string]string{
		"frr": " no neighbor fd00:1::1 activate\n", "bird": "neighbor fd00:1::5 as 64512", "cisco": " address-family ipv6 unicast\n  neighbor fd00:1::1 activate", "juniper": "local-address fd00:1::6",
	} {
		if text, err := speaker.RouterConfig(list.Of(vpn), vendor); err != nil || !strings.Contains(text, want) || strings.Contains(text, "router-id fd00") || strings.Contains(text, "router id fd00") {
			t.Errorf("%s: %v\n%s\nwant %q", vendor, err, text, want)
		}
	}
	// Each session has a next hop of its own, and the families that its tunnel carries.
	list.Sessions = list.Of(vpn)
	list.Sessions[0].PeerAddress = netip.MustParseAddr("169.254.1.2")
	for vendor, want := range map[string]string{"frr": "set ipv6 next-hop global fd00:1::6", "bird": "ipv6 { import all; export where source != RTS_BGP; next hop address fd00:1::6; }"} {
		text, err := speaker.RouterConfig(list.Sessions, vendor)
		if err != nil || strings.Count(text, want) != 1 || strings.Count(text, "next-hop global")+strings.Count(text, "next hop address") != 1 || strings.Contains(text, "ip address") {
			t.Errorf("%s: %v\n%s\nwant %q once", vendor, err, text, want)
		}
	}
}

// TestVPN_noRouterAtAConnectPeersAddress: a Connect peer's IPv6 address is one of the namespace, though no session is between it and
// the router.
func TestVPN_noRouterAtAConnectPeersAddress(t *testing.T) {
	w := newWorld(t)
	peer := w.peers(65001)[0] // fd00::100/125, of which the core network has the second and third address
	vpn := w.vpn(1, "eu-west-1", 65010)
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideIPv6CIDR = pfx("fd00::100/126") })
	got := w.BGP().Arrange(speaker.RecordedNetns(func(...string) error { return nil }))
	if len(got) != 1 {
		t.Errorf("got %v, want one session of the VPN refused", got)
	}
	for _, err := range got {
		if want := "fd00::102 is an address of " + peer; !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestVPN_namespaceFollowsTheInsideBlock(t *testing.T) {
	w := newWorld(t)
	w.peers()
	vpn := w.vpn(1, "eu-west-1", 65010)
	var ran []string
	n := speaker.RecordedNetns(func(args ...string) error {
		if line := strings.Join(args[2:], " "); strings.HasPrefix(line, "route") {
			ran = append(ran, line)
		}
		return nil
	})
	arrange := func(what, want string) {
		t.Helper()
		ran = nil
		if got := w.BGP().Arrange(n); len(got) > 0 {
			t.Error(got)
		}
		w.want(what, strings.Join(ran, "\n"), want)
	}
	arrange("at first", "route replace local 169.254.1.1 dev lo\nroute replace local 169.254.1.5 dev lo")
	arrange("again", "")
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = pfx("169.254.9.0/30") })
	arrange("another block", `route del local 169.254.1.1 dev lo
route del local 169.254.1.5 dev lo
route replace local 169.254.1.1 dev lo
route replace local 169.254.9.1 dev lo`)
}
