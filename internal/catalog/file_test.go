package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portolan/internal/catalog"
)

const region = "arn:aws:ec2:eu-west-1:111122223333:"

func exampleFile(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../../examples/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFile_lookups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(path, exampleFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := catalog.OpenFile(path, catalog.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	vpc, err := f.VPC(ctx, region+"vpc/vpc-0123456789abcdef0")
	if err != nil || len(vpc.CIDRs) != 2 || len(vpc.Subnets) != 2 || vpc.Subnets[1].AvailabilityZone != "eu-west-1b" {
		t.Errorf("VPC %+v %v", vpc, err)
	}
	table, err := f.RouteTable(ctx, region+"transit-gateway-route-table/tgw-rtb-0123456789abcdef0")
	if err != nil || len(table.Routes) != 2 || !strings.HasSuffix(table.TransitGatewayARN, "/tgw-0123456789abcdef0") {
		t.Errorf("route table %+v %v", table, err)
	}
	gateway, err := f.TransitGateway(ctx, table.TransitGatewayARN)
	if err != nil || gateway.ASN != 64600 || len(gateway.Attachments) != 1 {
		t.Errorf("transit gateway %+v %v", gateway, err)
	}
	peer, err := f.ConnectPeer(ctx, region+"transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0")
	if err != nil || peer.TransitGatewayARN != gateway.ARN {
		t.Errorf("Connect peer %+v %v", peer, err)
	}
	vpn, err := f.VPNConnection(ctx, region+"vpn-connection/vpn-0123456789abcdef0")
	if err != nil || len(vpn.Tunnels) != 2 || !vpn.Tunnels[0].Up || vpn.Tunnels[1].Up {
		t.Errorf("VPN connection %+v %v", vpn, err)
	}
	customer, err := f.CustomerGateway(ctx, vpn.CustomerGatewayARN)
	if err != nil || customer.ASN != 65001 || len(customer.VPNConnectionARNs) != 1 || customer.VPNConnectionARNs[0] != vpn.ARN {
		t.Errorf("customer gateway %+v %v", customer, err)
	}
	list, err := f.PrefixList(ctx, "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0")
	if err != nil || len(list.Entries) != 2 {
		t.Errorf("prefix list %+v %v", list, err)
	}
	dx, err := f.DirectConnectGateway(ctx, "arn:aws:directconnect::111122223333:dx-gateway/01234567-0123-0123-0123-0123456789ab")
	if err != nil || dx.ASN != 64700 {
		t.Errorf("Direct Connect gateway %+v %v", dx, err)
	}
	if _, err := f.VPC(ctx, region+"vpc/vpc-0"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a VPC that is not there: %v", err)
	}
}

func TestParse_refuses(t *testing.T) {
	const vpcs, tgws = "vpcs: [{arn: '" + region + "vpc/vpc-1', ", "transitGateways: [{arn: '" + region + "transit-gateway/tgw-1', "
	const list = "{arn: '" + region + "prefix-list/pl-1', entries: []}"
	const vpn = "vpnConnections: [{arn: '" + region + "vpn-connection/vpn-1', "
	for _, c := range []struct{ name, text, want string }{
		{"unknown member", "vpc: []", "vpc: unknown object member name"},
		{"unknown member inside", vpcs + "cidr: 10.0.0.0/8}]", "vpcs[0].cidr: unknown"},
		{"another type of value", vpcs + "cidrs: 10.0.0.0/8}]", "vpcs[0].cidrs: a JSON string does not fit"},
		{"ARN of something else", "vpcs: [{arn: 'arn:aws:ec2:eu-west-1:1:subnet/subnet-1', cidrs: []}]", "vpcs[0].arn: \"arn:aws:ec2:eu-west-1:1:subnet/subnet-1\" is not the ARN of a vpc"},
		{"ARN without a Region", "vpcs: [{arn: 'arn:aws:ec2::1:vpc/vpc-1', cidrs: []}]", "is not the ARN of a vpc"},
		{"no ARN", "vpcs: [{cidrs: [10.0.0.0/8]}]", "not the ARN of a vpc"},
		{"twice", "prefixLists: [" + list + ", " + list + "]", "prefixLists[1].arn: " + region + "prefix-list/pl-1 is there twice"},
		{"no prefix", "prefixLists: [{arn: '" + region + "prefix-list/pl-1', entries: [10.0.0.0/8, ten]}]", "prefixLists[0].entries[1]: "},
		{"empty prefix", vpcs + "cidrs: ['']}]", "vpcs[0].cidrs[0]: not an IPv4 or IPv6 prefix"},
		{"prefix twice", vpcs + "cidrs: [10.0.0.0/8, 10.0.0.0/8]}]", "vpcs[0].cidrs[1]: 10.0.0.0/8 is there twice"},
		{"host bits", vpcs + "cidrs: [10.0.0.1/8]}]", "10.0.0.1/8 has bits beyond its length: 10.0.0.0/8"},
		{"subnet of another Region", vpcs + "subnets: [{arn: 'arn:aws:ec2:eu-west-2:111122223333:subnet/subnet-1'}]}]", "vpcs[0].subnets[0].arn: "},
		{"subnet outside", vpcs + "cidrs: [10.0.0.0/8], subnets: [{arn: '" + region + "subnet/subnet-1', cidrs: [11.0.0.0/24]}]}]", "vpcs[0].subnets[0].cidrs[0]: 11.0.0.0/24 is in none"},
		{"gateway state", tgws + "state: up}]", "transitGateways[0].state: \"up\" is none of pending, available"},
		{"associated table", tgws + "attachments: [{arn: '" + region + "transit-gateway-attachment/a-1', routeTableArn: main}]}]", "transitGateways[0].attachments[0].routeTableArn: "},
		{"route twice", tgws + "routeTables: [{arn: '" + region + "transit-gateway-route-table/t-1', routes: [{prefix: 10.0.0.0/8}, {prefix: 10.0.0.0/8}]}]}]", "transitGateways[0].routeTables[0].routes[1].prefix: 10.0.0.0/8 is there twice"},
		{"route state", tgws + "routeTables: [{arn: '" + region + "transit-gateway-route-table/t-1', routes: [{prefix: 10.0.0.0/8, state: up}]}]}]", "routes[0].state: "},
		{"two gateways", vpn + "transitGatewayArn: '" + region + "transit-gateway/tgw-1', gatewayId: vgw-1}]", "vpnConnections[0].gatewayId: "},
		{"static and BGP", vpn + "staticRoutes: [10.0.0.0/8], announcements: [{prefix: 11.0.0.0/8}]}]", "vpnConnections[0].announcements: "},
		{"AS 0", vpn + "announcements: [{prefix: 11.0.0.0/8, asPath: [65001, 0]}]}]", "vpnConnections[0].announcements[0].asPath: AS 0 is reserved"},
		{"no address", vpn + "tunnels: [{outsideIp: ''}]}]", "vpnConnections[0].tunnels[0].outsideIp: "},
		{"inside block of another size", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideCidr: 169.254.1.0/29}]}]", "vpnConnections[0].tunnels[0].insideCidr: not a /30 of 169.254.0.0/16"},
		{"IPv6 inside block of another size", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideIpv6Cidr: 'fd00::/125'}]}]", "vpnConnections[0].tunnels[0].insideIpv6Cidr: not a /126 of fd00::/8"},
		{"IPv6 inside block elsewhere", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideIpv6Cidr: '2001:db8::/126'}]}]", "insideIpv6Cidr: not a /126 of fd00::/8"},
		{"IPv4 in the place of IPv6", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideIpv6Cidr: 169.254.1.0/30}]}]", "insideIpv6Cidr: not a /126 of fd00::/8"},
		{"the same IPv6 inside block", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideIpv6Cidr: 'fd00::/126'}, {outsideIp: 192.0.2.2, insideIpv6Cidr: 'fd00::/126'}]}]", "vpnConnections[0].tunnels[1].insideIpv6Cidr: fd00::/126 is that of the other tunnel"},
		{"inside block elsewhere", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideCidr: 10.0.0.0/30}]}]", "insideCidr: not a /30 of 169.254.0.0/16"},
		{"inside block with host bits", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideCidr: 169.254.1.1/30}]}]", "insideCidr: not a /30 of 169.254.0.0/16"},
		{"one inside block twice", vpn + "tunnels: [{outsideIp: 192.0.2.1, insideCidr: 169.254.1.0/30}, {outsideIp: 192.0.2.2, insideCidr: 169.254.1.0/30}]}]", "tunnels[1].insideCidr: 169.254.1.0/30 is that of the other tunnel"},
		{"ASN too large", "customerGateways: [{arn: '" + region + "customer-gateway/c-1', asn: 4294967296}]", "customerGateways[0].asn: "},
		{"key twice", "vpcs: []\nvpcs: []", "line 2"},
		{"broken YAML", "vpcs:\n  - [\n", "line 2"},
		{"a long value", vpcs + "cidrs: [" + strings.Repeat("1", 10_000) + "]}]", "vpcs[0].cidrs[0]: "},
		{"JSON that ends", "{\n\n\"vpcs\": [", "line 3: "},
		{"JSON, unknown member", "{\n\"vpc\": []}", "line 2: "},
		{"too long", strings.Repeat(" ", catalog.MaxFile+1), "longer than"},
	} {
		if _, err := catalog.Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
}

func TestParse_tellsTheFirstOfManyProblems(t *testing.T) {
	_, err := catalog.Parse([]byte("prefixLists: [" + strings.Repeat("{arn: x, entries: []}, ", 100) + "]"))
	if err == nil || strings.Count(err.Error(), "\n") != 20 || !strings.HasSuffix(err.Error(), "and 80 more") {
		t.Errorf("got %v", err)
	}
}

func TestParse_completes(t *testing.T) {
	c, err := catalog.Parse([]byte(`{"transitGateways": [{"arn": "` + region + `transit-gateway/tgw-1", "routeTables": [{"arn": "` + region + `transit-gateway-route-table/t-1"}]}],
		"directConnectGateways": [{"arn": "arn:aws:directconnect::111122223333:dx-gateway/d-1", "announcements": [{"prefix": "10.0.0.0/8", "edge": "eu-west-1", "asPath": [65001]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if g := c.TransitGateways[0]; g.ASN != catalog.DefaultASN || g.RouteTables[0].TransitGatewayARN != g.ARN {
		t.Errorf("transit gateway %+v", g)
	}
	if g := c.DirectConnectGateways[0]; g.ASN != catalog.DefaultASN || len(g.Announcements) != 1 || g.Announcements[0].ASPath[0] != 65001 {
		t.Errorf("Direct Connect gateway %+v", g)
	}
}

func TestFile_reload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	stamp := now
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp = stamp.Add(time.Second)
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	arn := region + "vpc/vpc-1"
	vpc := func(cidr string) string { return "vpcs: [{arn: '" + arn + "', cidrs: [" + cidr + "]}]" }
	write(vpc("10.0.0.0/16"))
	var log bytes.Buffer
	f, err := catalog.OpenFile(path, catalog.FileOptions{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	want := func(what, cidr string, version uint64) {
		t.Helper()
		v, err := f.VPC(t.Context(), arn)
		if err != nil || v.CIDRs[0].String() != cidr || f.Version() != version {
			t.Errorf("%s: %+v %v, version %d", what, v, err, f.Version())
		}
	}
	want("as read", "10.0.0.0/16", 1)
	write(vpc("10.1.0.0/16"))
	want("looked at a moment ago", "10.0.0.0/16", 1)
	now = now.Add(2 * time.Second)
	want("changed", "10.1.0.0/16", 2)
	write("vpcs: {")
	now = now.Add(2 * time.Second)
	want("broken: what was there stays", "10.1.0.0/16", 2)
	now = now.Add(2 * time.Second)
	want("still broken", "10.1.0.0/16", 2)
	if n := strings.Count(log.String(), "stays in force"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	want("gone", "10.1.0.0/16", 2)
	write(vpc("10.2.0.0/16"))
	now = now.Add(2 * time.Second)
	want("mended", "10.2.0.0/16", 3)

	if _, err := catalog.OpenFile(path+".none", catalog.FileOptions{}); err == nil {
		t.Error("a file that is not there was opened")
	}
}

func TestFile_reloadWhileOthersRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	arn := region + "vpc/vpc-1"
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	write := func(n int) {
		// Replaced as a whole: what is half written might be read.
		if err := os.WriteFile(path+".new", fmt.Appendf(nil, "vpcs: [{arn: '%s', cidrs: [10.%d.0.0/16]}]", arn, n), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Chtimes(path+".new", start, start.Add(time.Duration(n)*time.Second)); err != nil {
			t.Error(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Error(err)
		}
	}
	write(0)
	var clock atomic.Int64
	f, err := catalog.OpenFile(path, catalog.FileOptions{Now: func() time.Time { return start.Add(time.Duration(clock.Add(1)) * time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			newest, version := 0, uint64(0)
			for newest < 50 {
				v, err := f.VPC(t.Context(), arn)
				if err != nil {
					t.Error(err)
					return
				}
				n := int(v.CIDRs[0].Addr().As4()[1])
				if now := f.Version(); n < newest || now < version {
					t.Errorf("10.%d after 10.%d, version %d after %d", n, newest, now, version)
					return
				} else {
					newest, version = n, now
				}
			}
		})
	}
	for n := range 51 {
		write(n)
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	f.Add(exampleFile(f))
	f.Add([]byte(`{"vpcs":[{"arn":"arn:aws:ec2:eu-west-1:1:vpc/y","cidrs":["10.0.0.0/8"]}]}`))
	f.Add([]byte("transitGateways:\n- arn: arn:aws:ec2:eu-west-1:1:transit-gateway/y\n  tags: {a: b}\n"))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalog.Parse(data)
		if err != nil {
			if c != nil {
				t.Error("contents beside an error")
			}
			if len(err.Error()) > 32<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		// What is read can be written and read again, and is what it was.
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := catalog.Parse(text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		if diff := cmp.Diff(c, again, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("read again it differs:\n%s", diff)
		}
		known, err := catalog.New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.VPCs {
			if got, err := known.VPC(t.Context(), v.ARN); err != nil || got.ARN != v.ARN {
				t.Errorf("%s is in the contents and not found", v.ARN)
			}
		}
	})
}

// TestOpenFile_attachmentTypes: a list of another service's values is never closed: what this binary does not know is
// kept, with a warning.
func TestOpenFile_attachmentTypes(t *testing.T) {
	const gateway = "arn:aws:ec2:us-west-2:444455556666:transit-gateway/tgw-0c0ffee00c0ffee00"
	for _, kind := range append(catalog.ResourceTypes(), "hologram") {
		path := filepath.Join(t.TempDir(), "catalog.yaml")
		text := "transitGateways:\n  - arn: " + gateway + "\n    attachments:\n" +
			"      - arn: arn:aws:ec2:us-west-2:444455556666:transit-gateway-attachment/tgw-attach-0c0ffee00c0ffee00\n" +
			"        resourceType: " + kind + "\n        resourceArn: arn:aws:network-firewall:us-west-2:444455556666:firewall/edge\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		f, err := catalog.OpenFile(path, catalog.FileOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		g, err := f.TransitGateway(t.Context(), gateway)
		if err != nil || len(g.Attachments) != 1 || g.Attachments[0].ResourceType != kind {
			t.Errorf("%s: got %+v, %v", kind, g, err)
		}
		if warned := strings.Contains(log.String(), "hologram"); warned != (kind == "hologram") {
			t.Errorf("%s: the log says %q", kind, &log)
		}
	}
}

// TestParse_YAML11: a catalog may say yes and no as YAML 1.1 did, and may be empty.
func TestParse_YAML11(t *testing.T) {
	const text = "vpnConnections:\n- arn: " + region + "vpn-connection/vpn-1\n  %s\n  tunnels: [{outsideIp: 192.0.2.1, up: %s}]\n"
	for word, want := range map[string]bool{"yes": true, "On": true, "true": true, "no": false, "OFF": false} {
		c, err := catalog.Parse(fmt.Appendf(nil, text, "gatewayId: 'no'", word))
		if err != nil {
			t.Errorf("%s: %v", word, err)
		} else if v := c.VPNConnections[0]; v.Tunnels[0].Up != want || v.GatewayID != "no" {
			t.Errorf("%s: got %+v", word, v)
		}
	}
	if _, err := catalog.Parse(fmt.Appendf(nil, text, "gatewayId: no", "true")); err == nil || !strings.Contains(err.Error(), "line 3: vpnConnections[0].gatewayId") {
		t.Errorf("a boolean in the place of an id: %v", err)
	}
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		if c, err := catalog.Parse([]byte(text)); err != nil || len(c.VPCs) != 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
}
