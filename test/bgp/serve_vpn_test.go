//go:build interop

package bgp

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"

	"portolan/internal/bgp/mrt"
)

const (
	vpnARN     = "arn:aws:ec2:eu-west-1:111122223333:vpn-connection/vpn-0123456789abcdef%d"
	vpnSession = "VPN-CONNECTION-BGP-"
	vpnNet     = "192.168.50.0/24" // behind FRR
)

// vpnCatalog has the VPCs of every test, two VPN connections with the same inside CIDR blocks, and one that carries IPv6.
func vpnCatalog(asn int) string {
	var b strings.Builder
	b.WriteString("vpcs:\n")
	for _, edge := range []string{"eu-west-1", "us-east-1"} {
		ec2 := "arn:aws:ec2:" + edge + ":111122223333:"
		fmt.Fprintf(&b, "- {arn: '%svpc/vpc-0123456789abcdef0', cidrs: [10.77.0.0/16], subnets: [{arn: '%ssubnet/subnet-0123456789abcdef0', cidrs: [10.77.0.0/24]}]}\n", ec2, ec2)
	}
	b.WriteString("vpnConnections:\n")
	for i := range 2 {
		fmt.Fprintf(&b, "- arn: "+vpnARN+"\n  customerGatewayArn: arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef%d\n  tunnels:\n", i, i)
		for at := range 2 {
			fmt.Fprintf(&b, "  - {outsideIp: 192.0.%d.%d, insideCidr: 169.254.50.%d/30}\n", i, at+1, 4*at)
		}
	}
	b.WriteString("- arn: " + fmt.Sprintf(vpnARN, 2) + "\n  customerGatewayArn: arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0\n  tunnels:\n")
	for at := range 2 {
		fmt.Fprintf(&b, "  - {outsideIp: 192.0.2.%d, insideCidr: 169.254.60.%d/30, insideIpv6Cidr: 'fd00:60::%d/126'}\n", at+1, 4*at, 4*at)
	}
	fmt.Fprintf(&b, "customerGateways:\n- {arn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0', asn: %d}\n", asn)
	b.WriteString("- {arn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef1', asn: 65031}\n")
	return b.String()
}

// vpn attaches the VPN connection of a number.
func (s *server) vpn(number int) (attachment string) {
	s.t.Helper()
	out, err := s.nm.CreateSiteToSiteVpnAttachment(s.t.Context(), &networkmanager.CreateSiteToSiteVpnAttachmentInput{
		CoreNetworkId: &s.cn, VpnConnectionArn: aws.String(fmt.Sprintf(vpnARN, number)),
	})
	s.must(err)
	attachment = *out.SiteToSiteVpnAttachment.Attachment.AttachmentId
	s.available(attachment)
	return attachment
}

// changed waits until the events of VPN sessions are these, in the order of time and address.
func (s *server) changed(want ...string) {
	s.t.Helper()
	until(s.t, "events", func() error {
		var log struct {
			Events []struct {
				Event struct {
					Detail struct{ ChangeType, OutsideIPAddress string }
				}
			}
		}
		if err := s.call(http.MethodGet, "/_portolan/events?limit=1000", "", &log); err != nil {
			return err
		}
		var got []string
		for _, e := range log.Events {
			if what, ok := strings.CutPrefix(e.Event.Detail.ChangeType, vpnSession); ok {
				got = append(got, what+" "+e.Event.Detail.OutsideIPAddress)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}

// begin starts FRR with the configuration that `portolan bgp config` prints, as AS asn.
func (l *location) begin(r *frr, asn int) {
	l.s.t.Helper()
	config := strings.Replace(l.config("frr"), "router bgp 65001\n", fmt.Sprintf("router bgp %d\n", asn), 1)
	config += fmt.Sprintf("router bgp %d\n no bgp network import-check\n address-family ipv4 unicast\n  network %s\n", asn, vpnNet)
	r.run(l.e, config, "169.254.50.2", "169.254.50.6")
}

// TestServe_vpn: FRR in the tunnels of a VPN attachment and BIRD behind a Connect peer, from the first route to the end of the attachment.
func TestServe_vpn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	write := func(asn int) {
		t.Helper()
		if err := os.WriteFile(file, []byte(vpnCatalog(asn)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(65001)
	s := newServer(t, "--bgp", "netns", "--catalog", file)
	r := &frr{}
	l := &location{s: s, edge: "eu-west-1", peer: s.vpn(0), r: r, at: []string{"169.254.50.1", "169.254.50.5"}}
	second := &location{s: s, edge: "eu-west-1", peer: s.vpn(1)}
	e := s.connect("us-east-1", &bird{}, 65002)
	e.start(&cell{coreAS: 64513, routerAS: 65002, passive: true, more: 1})
	e.up()
	c := l.plug()
	for _, at := range []string{"2", "6"} {
		c.run("ip", "-n", c.router, "addr", "add", "169.254.50."+at+"/30", "dev", "r0")
		c.run("ip", "-n", c.core, "route", "add", "169.254.50."+at, "dev", "c0")
	}
	l.begin(r, 65001)
	l.up()
	up := []string{"ESTABLISH 192.0.0.1", "ESTABLISH 192.0.0.2"}
	s.changed(up...)
	s.segment("eu-west-1", vpcEU, vpcUS, vpnNet, routerNet, fromUS)
	l.holds(vpcEU, vpcUS, routerNet, fromUS)
	e.holds(vpcEU, vpcUS, vpnNet)

	t.Log("the same inside CIDR blocks once more")
	if _, problems, err := second.problems(); err != nil || len(problems) != 2 || !strings.Contains(problems[0], "169.254.50.1 is an address of "+l.peer+", too") {
		t.Errorf("the second VPN connection: %q, %v", problems, err)
	}

	t.Log("a route that is withdrawn, one that policy would drop on the way to a Connect peer")
	r.network(dropped, "no "+vpnNet)
	s.segment("us-east-1", vpcEU, vpcUS, dropped, routerNet, fromUS)
	e.holds(vpcEU, vpcUS)
	r.network("no "+dropped, vpnNet)
	e.holds(vpcEU, vpcUS, vpnNet)

	t.Log("the router is killed, and comes back with another ASN")
	r.kill()
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, fromUS)
	e.holds(vpcEU, vpcUS)
	s.changed(append(up, "DOWN 192.0.0.1", "DOWN 192.0.0.2")...)
	l.begin(r, 65009)
	l.refused("sent OPEN Message Error/Bad Peer AS (2/2)")
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, fromUS)

	t.Log("the customer gateway has that ASN, too")
	write(65009)
	l.up()
	e.holds(vpcEU, vpcUS, vpnNet)

	t.Log("the server is killed, and starts again")
	s.p.Kill()
	s.start()
	l.up()
	e.up()
	e.holds(vpcEU, vpcUS, vpnNet)
	l.holds(vpcEU, vpcUS, routerNet, fromUS)

	t.Log("the attachment is deleted: the other one has the sessions")
	_, err := s.nm.DeleteAttachment(t.Context(), &networkmanager.DeleteAttachmentInput{AttachmentId: &l.peer})
	s.must(err)
	s.segment("us-east-1", vpcEU, vpcUS, routerNet, fromUS)
	e.holds(vpcEU, vpcUS)
	second.refused("sent OPEN Message Error/Bad Peer AS (2/2)") // the same router, and another customer gateway
	s.p.Kill()
	for _, at := range l.at {
		if line := `msg="BGP session down" session=` + l.peer + "/" + at + ` reason="sent Cease/Peer De-configured (6/3)`; !strings.Contains(s.p.Log.String(), line) {
			t.Errorf("the log has no %s", line)
		}
	}
}

// TestServe_vpn6: FRR in the tunnels of a VPN attachment that carry IPv6, recorded and sent to a monitoring station.
func TestServe_vpn6(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, heard := filepath.Join(dir, "catalog.yaml"), filepath.Join(dir, "heard.mrt")
	if err := os.WriteFile(file, []byte(vpnCatalog(65001)), 0o600); err != nil {
		t.Fatal(err)
	}
	station := listenBMP(t)
	s := newServer(t, "--bgp", "netns", "--catalog", file, "--bgp-mrt", heard, "--bmp-station", station.ln.Addr().String())
	const inside6 = "2001:db8:61::/48"
	s.announce(s.at["us-east-1"], `[{"prefix": "`+inside6+`"}]`)
	r := &frr{}
	l := &location{s: s, edge: "eu-west-1", peer: s.vpn(2), r: r, at: []string{"fd00:60::1", "fd00:60::5"}}
	c := l.plug()
	c.run("ip", "-n", c.core, "link", "set", "c0", "address", "02:00:00:00:00:01")
	for _, at := range l.at { // a tunnel would have no neighbours
		c.run("ip", "-n", c.router, "neigh", "replace", at, "lladdr", "02:00:00:00:00:01", "dev", "r0")
	}
	for _, at := range []string{"2", "6"} {
		c.run("ip", "-n", c.router, "addr", "add", "fd00:60::"+at+"/126", "dev", "r0", "nodad")
		c.run("ip", "-n", c.core, "route", "add", "fd00:60::"+at, "dev", "c0")
	}
	const net6 = "2001:db8:60::/48"
	config := l.config("frr") + "router bgp 65001\n no bgp network import-check\n address-family ipv6 unicast\n  network " + net6 + "\n"
	r.run(l.e, config, "fd00:60::2", "fd00:60::6")
	l.up()
	s.changed("ESTABLISH 192.0.2.1", "ESTABLISH 192.0.2.2")
	s.segment("eu-west-1", vpcEU, vpcUS, inside6, net6)
	until(t, "the router's table", func() error {
		got, err := r.table(l.at[1])
		if err == nil && (len(got) != 1 || !strings.HasPrefix(got[0], inside6)) {
			err = fmt.Errorf("got %q", got)
		}
		return err
	})

	t.Log("a recording, and a monitoring station")
	until(t, "the recording", func() error {
		in, err := os.Open(heard)
		if err != nil {
			return err
		}
		defer in.Close()
		list, err := mrt.Replay(t.Context(), in, time.Time{})
		if err != nil {
			return err
		}
		for _, p := range list {
			if p.Peer.String() == "fd00:60::2" && p.LocalAS == 64512 && len(p.Routes) == 1 && p.Routes[0].Prefix.String() == net6 {
				return nil
			}
		}
		return fmt.Errorf("got %+v", list)
	})
	for _, kind := range []byte{3, 0} { // Peer Up, Route Monitoring
		until(t, "the monitoring station", func() error { return station.has(kind, "fd00:60::6") })
	}
}

// problems are the states of the sessions, and why they cannot be held.
func (l *location) problems() (states, problems []string, err error) {
	var list struct {
		Sessions []struct{ AttachmentID, State, Problem string }
	}
	err = l.s.call(http.MethodGet, "/_portolan/bgp/sessions", "", &list)
	for _, s := range list.Sessions {
		if s.AttachmentID == l.peer {
			states, problems = append(states, s.State), append(problems, s.Problem)
		}
	}
	return states, problems, err
}
