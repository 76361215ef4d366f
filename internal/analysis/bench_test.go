package analysis_test

import (
	"testing"

	"portolan/bench/atquota"
	"portolan/internal/analysis"
	"portolan/routing"
)

// atQuota is the largest network AWS takes, with more segment actions than it has.
func atQuota(more ...string) *routing.Network {
	n := atquota.Full.NetworkWith(append(atquota.Full.Actions(), more...))
	return &n
}

// share makes two segments of atQuota talk that did not.
const share = `{"action":"share","mode":"attachment-route","segment":"s3","share-with":["s4","s5"]}`

func computed(tb testing.TB, network *routing.Network) *analysis.Subject {
	net, err := analysis.Compute(network)
	if err != nil {
		tb.Fatal(err)
	}
	return net
}

func BenchmarkSegmentMatrix_atQuota(b *testing.B) {
	network := atQuota()
	tables, err := routing.Compute(*network)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		net := analysis.New(network, tables)
		if got, err := net.SegmentMatrix(b.Context()); err != nil || len(got) != 39*39 {
			b.Fatal(len(got), err)
		}
	}
}

// BenchmarkPlan_atQuota: both computations are part of a plan.
func BenchmarkPlan_atQuota(b *testing.B) {
	before, after := atQuota(), atQuota(share)
	for b.Loop() {
		c, err := analysis.Compare(b.Context(), computed(b, before), computed(b, after))
		if err != nil || c.Added == 0 || len(c.Segments) == 0 {
			b.Fatal("nothing changes", err)
		}
	}
}

// BenchmarkPlan_everythingAtQuota: a change that touches every table: nothing is shared any more.
func BenchmarkPlan_everythingAtQuota(b *testing.B) {
	before := atQuota()
	after := *before
	p := *before.Policy
	p.Shares = nil
	after.Policy = &p
	for b.Loop() {
		c, err := analysis.Compare(b.Context(), computed(b, before), computed(b, &after))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(c.Withdrawn), "routes")
	}
}

func BenchmarkDoctor_atQuota(b *testing.B) {
	net := computed(b, atQuota())
	for b.Loop() {
		if _, err := net.Findings(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
