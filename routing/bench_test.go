package routing_test

import (
	"net/netip"
	"runtime"
	"testing"

	"portolan/bench/atquota"
	"portolan/routing"
)

func compute(tb testing.TB, n routing.Network) *routing.Tables {
	tables, err := routing.Compute(n)
	if err != nil {
		tb.Fatal(err)
	}
	return tables
}

func BenchmarkCompute_quota(b *testing.B) {
	n := atquota.Full.Network()
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

// BenchmarkCompute_everythingShared is the worst that a policy can ask for: all segments share with all.
func BenchmarkCompute_everythingShared(b *testing.B) {
	n := atquota.Full.NetworkWith(atquota.Full.Everything())
	b.ReportAllocs()
	for b.Loop() {
		compute(b, n)
	}
}

func BenchmarkUpdate_oneAttachment(b *testing.B) {
	n := atquota.Full.Network()
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
	tables := compute(b, atquota.Full.Network())
	table, ok := tables.Table(routing.TableID{Segment: "s0", Edge: atquota.Edge(3)})
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
	tables := compute(b, atquota.Full.Network())
	table, _ := tables.Table(routing.TableID{Segment: "s0", Edge: atquota.Edge(3)})
	rows := 0
	for b.Loop() {
		for range table.Routes() {
			rows++
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
}

func BenchmarkRIB_wholeTable(b *testing.B) {
	tables := compute(b, atquota.Full.Network())
	table, _ := tables.Table(routing.TableID{Segment: "s0", Edge: atquota.Edge(3)})
	rows := 0
	for b.Loop() {
		for range table.RIB() {
			rows++
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
}
