package routing_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"portolan/policy"
	"portolan/routing"
)

// quota is what AWS allows at most: 40 segments and groups, 30 edges, 5,000 attachments, 10,000 announced routes.
var quota = size{attachments: 5000, segments: 39, edges: 30, routes: 10_000}

type size struct{ attachments, segments, edges, routes int }

// large builds a network: every segment shared with the first one, which is isolated; VPCs, VPNs with AS paths of their
// own, transit gateways; prefixes that several attachments announce; a routing policy between some edges; inspection.
func (s size) network(tb testing.TB) routing.Network {
	var b strings.Builder
	b.WriteString(`{"version":"2025.11","core-network-configuration":{"vpn-ecmp-support":true,"asn-ranges":["64512-64999"],"edge-locations":[`)
	for i := range s.edges {
		fmt.Fprintf(&b, `%s{"location":"%s"}`, comma(i), region(i))
	}
	b.WriteString(`]},"segments":[`)
	for i := range s.segments {
		fmt.Fprintf(&b, `%s{"name":"s%d","require-attachment-acceptance":false,"isolate-attachments":%t}`, comma(i), i, i == 1)
	}
	b.WriteString(`],"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],"segment-actions":[{"action":"share","mode":"attachment-route","segment":"s0","share-with":"*"}`)
	if s.segments > 2 {
		b.WriteString(`,{"action":"send-via","segment":"s1","mode":"single-hop","when-sent-to":{"segments":["s2"]},"via":{"network-function-groups":["fw"]}}`)
	}
	if s.edges > 1 {
		fmt.Fprintf(&b, `,{"action":"associate-routing-policy","segment":"s0","edge-location-association":{"edge-location":"%s","peer-edge-location":"%s","routing-policy-names":["longer"]}}`, region(0), region(1))
	}
	b.WriteString(`],"attachment-policies":[],"routing-policies":[{"routing-policy-name":"longer","routing-policy-direction":"inbound","routing-policy-number":10,"routing-policy-rules":[{"rule-number":1,"rule-definition":{"match-conditions":[{"type":"prefix-in-cidr","value":"10.0.0.0/9"}],"condition-logic":"or","action":{"type":"prepend-asn-list","value":[65500]}}}]}]}`)
	p, errs := compile(b.String())
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	n := routing.Network{Policy: p}
	for i := range s.attachments {
		a := routing.Attachment{ID: fmt.Sprintf("attachment-%017x", i+1), Type: policy.TypeVPC, Edges: []string{region(i % s.edges)}, Segment: fmt.Sprintf("s%d", i/s.edges%s.segments)}
		var path []uint32
		switch {
		case i < 2*s.edges && i%2 == 0:
			a.Segment, a.NetworkFunctionGroup = "", "fw"
		case i%10 == 3:
			a.Type, path = policy.TypeSiteToSiteVPN, []uint32{uint32(65000 + i%500), uint32(4_200_000_000 + i)}
		case i%10 == 7:
			a.Type, path = policy.TypeTransitGatewayRouteTable, []uint32{uint32(65000 + i%500)}
		}
		for j := range s.routes / s.attachments {
			k := i*(s.routes/s.attachments) + j
			if i%10 == 3 && j == 0 && i > 500 {
				k = (i - 300) * (s.routes / s.attachments) // another VPN announces it too
			}
			addr := netip.AddrFrom4([4]byte{byte(10 + k>>16), byte(k >> 8), byte(k), 0})
			a.Announcements = append(a.Announcements, routing.Announcement{Prefix: netip.PrefixFrom(addr, 24), ASPath: path})
		}
		n.Attachments = append(n.Attachments, a)
	}
	return n
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// Region codes that look like some: the policy checks their form.
func region(i int) string {
	return fmt.Sprintf("%s-%s-%d", []string{"us", "eu", "ap", "sa", "ca"}[i%5], []string{"east", "west", "north"}[i/5%3], i/15+1)
}

func compute(tb testing.TB, n routing.Network) *routing.Tables {
	tables, err := routing.Compute(n)
	if err != nil {
		tb.Fatal(err)
	}
	return tables
}

func BenchmarkCompute_quota(b *testing.B) {
	n := quota.network(b)
	b.ReportAllocs()
	for b.Loop() {
		compute(b, n)
	}
	tables := compute(b, n)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-held")
	runtime.KeepAlive(tables)
}

// BenchmarkCompute_growth halves one dimension at a time: the ratio of times is two to the power of the exponent.
func BenchmarkCompute_growth(b *testing.B) {
	for _, c := range []struct {
		name string
		size size
	}{
		{"quota", quota},
		{"half-attachments", size{2500, 39, 30, 10_000}},
		{"half-segments", size{5000, 20, 30, 10_000}},
		{"half-edges", size{5000, 39, 15, 10_000}},
		{"half-routes", size{5000, 39, 30, 5_000}},
	} {
		n := c.size.network(b)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				compute(b, n)
			}
		})
	}
}

// BenchmarkCompute_everythingShared is the worst that a policy can ask for: all segments share with all.
func BenchmarkCompute_everythingShared(b *testing.B) {
	n := quota.network(b)
	var actions []string
	for i := range quota.segments {
		actions = append(actions, fmt.Sprintf(`{"action":"share","mode":"attachment-route","segment":"s%d","share-with":"*"}`, i))
	}
	n.Policy = withActions(b, quota, strings.Join(actions, ","))
	b.ReportAllocs()
	for b.Loop() {
		compute(b, n)
	}
}

func withActions(tb testing.TB, s size, actions string) *policy.Policy {
	var b strings.Builder
	b.WriteString(`{"version":"2025.11","core-network-configuration":{"asn-ranges":["64512-64999"],"edge-locations":[`)
	for i := range s.edges {
		fmt.Fprintf(&b, `%s{"location":"%s"}`, comma(i), region(i))
	}
	b.WriteString(`]},"segments":[`)
	for i := range s.segments {
		fmt.Fprintf(&b, `%s{"name":"s%d"}`, comma(i), i)
	}
	b.WriteString(`],"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],"segment-actions":[` + actions + `],"attachment-policies":[]}`)
	p, errs := compile(b.String())
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	return p
}

func BenchmarkUpdate_oneAttachment(b *testing.B) {
	n := quota.network(b)
	tables := compute(b, n)
	a := n.Attachments[1234]
	announcements := [][]routing.Announcement{
		{{Prefix: netip.MustParsePrefix("10.77.0.0/16")}, {Prefix: netip.MustParsePrefix("10.0.9.0/24")}}, a.Announcements,
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Announcements = announcements[i%2]
		next, err := tables.Update([]routing.Attachment{a}, nil)
		if err != nil {
			b.Fatal(err)
		}
		tables = next
	}
}

func BenchmarkLookup_longestPrefix(b *testing.B) {
	tables := compute(b, quota.network(b))
	table, ok := tables.Table(routing.TableID{Segment: "s0", Edge: region(3)})
	if !ok {
		b.Fatal("no table")
	}
	for i := 0; b.Loop(); i++ {
		if _, ok := table.LookupAddr(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})); !ok && i < 0 {
			b.Fatal("no route")
		}
	}
}

func BenchmarkRoutes_wholeTable(b *testing.B) {
	tables := compute(b, quota.network(b))
	table, _ := tables.Table(routing.TableID{Segment: "s0", Edge: region(3)})
	rows := 0
	for b.Loop() {
		for range table.Routes() {
			rows++
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
}

func BenchmarkRIB_wholeTable(b *testing.B) {
	tables := compute(b, quota.network(b))
	table, _ := tables.Table(routing.TableID{Segment: "s0", Edge: region(3)})
	rows := 0
	for b.Loop() {
		for range table.RIB() {
			rows++
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
}
