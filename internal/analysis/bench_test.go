package analysis_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/policy"
	"portolan/routing"
)

// atQuota is the largest network AWS takes: 5,000 attachments with 10,000 routes, 39 segments and a network function
// group, 30 edges. Every segment shares with the first; two of them are inspected. extra is put among the actions.
func atQuota(tb testing.TB, extra string) *routing.Network {
	const edges, segments, attachments, each = 30, 39, 5000, 2
	region := func(i int) string {
		return fmt.Sprintf("%s-%s-%d", []string{"us", "eu", "ap", "sa", "ca"}[i%5], []string{"east", "west", "north"}[i/5%3], i/15+1)
	}
	var b strings.Builder
	b.WriteString(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64999"],"edge-locations":[`)
	for i := range edges {
		fmt.Fprintf(&b, `%s{"location":%q}`, separator(i), region(i))
	}
	b.WriteString(`]},"segments":[`)
	for i := range segments {
		fmt.Fprintf(&b, `%s{"name":"s%d","require-attachment-acceptance":false,"isolate-attachments":%t}`, separator(i), i, i == 1)
	}
	b.WriteString(`],"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],"segment-actions":[` + extra +
		`{"action":"share","mode":"attachment-route","segment":"s0","share-with":"*"},` +
		`{"action":"send-via","segment":"s1","mode":"single-hop","when-sent-to":{"segments":["s2"]},"via":{"network-function-groups":["fw"]}}],"attachment-policies":[]}`)
	doc, errs := policy.Parse([]byte(b.String()))
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	p, errs := policy.Compile(doc, nil)
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	n := &routing.Network{Policy: p}
	for i := range attachments {
		a := routing.Attachment{ID: fmt.Sprintf("attachment-%05d", i), Type: policy.TypeVPC, Edges: []string{region(i % edges)}, Segment: fmt.Sprintf("s%d", i/edges%segments)}
		if i < edges {
			a.Segment, a.NetworkFunctionGroup = "", "fw"
		}
		for j := range each {
			k := i*each + j
			a.Announcements = append(a.Announcements, routing.Announcement{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(10 + k>>16), byte(k >> 8), byte(k), 0}), 24)})
		}
		n.Attachments = append(n.Attachments, a)
	}
	return n
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// share makes two segments of atQuota talk that did not.
const share = `{"action":"share","mode":"attachment-route","segment":"s3","share-with":["s4","s5"]},`

func computed(tb testing.TB, network *routing.Network) *analysis.Net {
	net, _, err := analysis.Compute(network)
	if err != nil {
		tb.Fatal(err)
	}
	return net
}

func BenchmarkSegmentMatrix_atQuota(b *testing.B) {
	network := atQuota(b, "")
	tables, err := routing.Compute(*network)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		net := analysis.New(network, analysis.Read(tables))
		if got := len(net.SegmentMatrix()); got != 39*39 {
			b.Fatal(got)
		}
	}
}

// Both computations are part of a plan.
func BenchmarkPlan_atQuota(b *testing.B) {
	before, after := atQuota(b, ""), atQuota(b, share)
	for b.Loop() {
		c := analysis.Compare(computed(b, before), computed(b, after))
		if len(c.Routes) == 0 || len(c.Segments) == 0 {
			b.Fatal("nothing changes")
		}
	}
}

// A change that touches every table: nothing is shared any more.
func BenchmarkPlan_everythingAtQuota(b *testing.B) {
	before := atQuota(b, "")
	after := *before
	p := *before.Policy
	p.Shares = nil
	after.Policy = &p
	for b.Loop() {
		c := analysis.Compare(computed(b, before), computed(b, &after))
		b.ReportMetric(float64(len(c.Routes)), "routes")
	}
}

func BenchmarkDoctor_atQuota(b *testing.B) {
	net := computed(b, atQuota(b, ""))
	for b.Loop() {
		net.Doctor()
	}
}
