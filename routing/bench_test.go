package routing_test

import (
	"net/netip"
	"runtime"
	"slices"
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

// withNAT gives NAT to a fifth of the attachments: 1,000 of 5,000.
func withNAT(n routing.Network) routing.Network {
	n.Attachments = slices.Clone(n.Attachments)
	for i := range n.Attachments {
		a := &n.Attachments[i]
		if i%5 != 4 || len(a.Announcements) == 0 {
			continue
		}
		source := a.Announcements[0].Prefix
		addr := source.Addr().As4()
		addr[0] = 172
		a.NAT = &routing.NAT{SystemRoutes: true, Rules: []routing.NATRule{{Source: source, NAT: netip.PrefixFrom(netip.AddrFrom4(addr), source.Bits())}}}
	}
	return n
}

// BenchmarkCompute_quotaNAT is BenchmarkCompute_quota with NAT on 1,000 attachments.
func BenchmarkCompute_quotaNAT(b *testing.B) {
	n := withNAT(atquota.Full.Network())
	b.ReportAllocs()
	for b.Loop() {
		compute(b, n)
	}
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

// BenchmarkCompute_internet is a full table of the Internet from one peer, in 20 segments at 3 edges.
func BenchmarkCompute_internet(b *testing.B) {
	n := atquota.InternetNetwork(atquota.Internet(1_000_000, 200_000))
	b.ReportAllocs()
	var tables *routing.Tables
	for b.Loop() {
		tables = compute(b, n)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-held")
	b.ReportMetric(float64(m.Sys)/1e6, "MB-taken")
	runtime.KeepAlive(tables)
}

// BenchmarkUpdateRoutes_internet is one prefix of that table, withdrawn and announced again.
func BenchmarkUpdateRoutes_internet(b *testing.B) {
	list := atquota.Internet(1_000_000, 200_000)
	tables := compute(b, atquota.InternetNetwork(list))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var announce []routing.Announcement
		var withdraw []netip.Prefix
		if n := list[len(list)/2]; i%2 == 0 {
			withdraw = []netip.Prefix{n.Prefix}
		} else {
			announce = []routing.Announcement{n}
		}
		next, err := tables.UpdateRoutes("internet", "", announce, withdraw)
		if err != nil {
			b.Fatal(err)
		}
		tables = next
	}
}
