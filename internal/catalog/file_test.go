package catalog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	f, err := catalog.OpenFile(path, time.Now, slog.New(slog.DiscardHandler))
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
	for _, c := range []struct{ name, text, want string }{
		{"unknown member", "vpc: []", "vpc"},
		{"ARN of something else", "vpcs: [{arn: 'arn:aws:ec2:eu-west-1:1:subnet/subnet-1', cidrs: []}]", "not the ARN of a vpc"},
		{"no ARN", "vpcs: [{cidrs: [10.0.0.0/8]}]", "not the ARN of a vpc"},
		{"twice", "prefixLists: [{arn: 'arn:x:prefix-list/pl-1', entries: []}, {arn: 'arn:x:prefix-list/pl-1', entries: []}]", "there twice"},
		{"prefix", "prefixLists: [{arn: 'arn:x:prefix-list/pl-1', entries: [ten]}]", "ten"},
		{"key twice", "vpcs: []\nvpcs: []", "vpcs"},
		{"JSON that ends", "{", "cannot be read"},
	} {
		if _, err := catalog.Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
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
	f, err := catalog.OpenFile(path, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
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

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := f.VPC(t.Context(), arn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := catalog.OpenFile(path+".none", time.Now, slog.Default()); err == nil {
		t.Error("a file that is not there was opened")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(exampleFile(f))
	f.Add([]byte(`{"vpcs":[{"arn":"arn:x:vpc/y","cidrs":["10.0.0.0/8"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := catalog.Parse(data); err == nil && c == nil {
			t.Error("neither contents nor an error")
		}
	})
}
