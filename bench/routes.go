package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/bench/atquota"
	"portolan/internal/analysis"
	"portolan/internal/node"
	"portolan/internal/page"
	"portolan/internal/state"
	"portolan/routing"
)

// routes measures the routing engine, and the questions asked of it, at AWS's full quota.
func (b *bench) routes() {
	b.printf("## Routes at full quota\n\n5,000 attachments with 10,000 routes, 40 segments and groups, 30 edges; all segments share with the first, two are inspected,\none pair of edges has a routing policy, a tenth are VPN connections and a tenth transit gateways with AS paths.\n\n")
	b.printf("Times are those of all processors added.\n\n| what | measured | goal |\n| --- | ---: | ---: |\n")
	network := atquota.Full.Network()
	var tables *routing.Tables
	peak := heapPeak(func() { tables = compute(network) })
	b.printf("| compute everything | %.0f ms | 40 ms |\n", b.cpuMillis(func() { tables = compute(network) }))
	b.printf("| memory while it does, beside the network's own | %.0f MiB | 2,048 MiB |\n", peak)
	translated := atquota.Full
	translated.NAT = 1000
	withNAT := translated.Network()
	without, with, ratio := b.cpuRatio(func() { compute(network) }, func() { compute(withNAT) })
	b.printf("| compute everything, 1,000 attachments with NAT and in turns without | %.0f ms and %.0f ms: %.2f times | 1.3 times |\n", with, without, ratio)
	everything := atquota.Full.NetworkWith(atquota.Full.Everything())
	b.printf("| compute everything, when all segments share with all | %.0f ms | |\n", b.cpuMillis(func() { compute(everything) }))
	b.update(tables, network.Attachments[1234])
	subject, err := analysis.Examine(atquota.Full.Snapshot(), nil, nil)
	check(err)
	b.printf("| matrix of all pairs of segments | %.0f ms | 150 ms |\n", b.cpuMillis(func() {
		subject, err := analysis.Compute(&network)
		check(err)
		_, err = subject.SegmentMatrix(context.Background())
		check(err)
	}))
	share := append(atquota.Full.Actions(), `{"action":"share","mode":"attachment-route","segment":"s3","share-with":["s4","s5"]}`)
	for _, c := range []struct {
		what    string
		actions []string
		goal    string
	}{{"plan of a policy that shares one segment with two", share, "500 ms"}, {"plan of a policy that shares nothing any more", nil, "500 ms"}} {
		changes := 0
		took := b.cpuMillis(func() {
			p, err := subject.Plan(context.Background(), []byte(atquota.Full.Policy(c.actions)))
			check(err)
			check(p.Page().Text(io.Discard, page.Style{}))
			changes = p.RoutesAdded + p.RoutesWithdrawn + p.RoutesRerouted
		})
		b.printf("| %s: %d rows of tables change | %.0f ms | %s |\n", c.what, changes, took, c.goal)
	}
	b.served()
	b.growth()
}

func compute(n routing.Network) *routing.Tables {
	t, err := routing.Compute(n)
	check(err)
	return t
}

// heapPeak is how much more heap than before f takes at its highest, in MiB.
func heapPeak(f func()) float64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() uint64 { metrics.Read(sample); return sample[0].Value.Uint64() }
	before, highest := heap(), atomic.Uint64{}
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			highest.Store(max(highest.Load(), heap()))
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f()
	highest.Store(max(highest.Load(), heap()))
	close(done)
	<-watched
	return float64(highest.Load()-before) / (1 << 20)
}

// update measures what one attachment costs that announces something else.
func (b *bench) update(tables *routing.Tables, a routing.Attachment) {
	announced := [][]routing.Announcement{a.Announcements, {{Prefix: netip.MustParsePrefix("10.77.0.0/16")}, {Prefix: atquota.Block(9)}}}
	const times = 20
	i := 0
	took := b.cpuMillis(func() {
		for range times {
			i++
			a.Announcements = announced[i%2]
			next, err := tables.Update([]routing.Attachment{a}, nil)
			check(err)
			tables = next
		}
	})
	b.printf("| one attachment changes what it announces | %.1f ms | 1.5 ms |\n", took/times)
}

// served measures the same network behind the server.
func (b *bench) served() {
	st := tempBolt()
	ctx := api.WithCaller(context.Background(), api.Caller{Account: "111122223333", Partition: "aws"})
	svc, err := node.New(ctx, node.Config{Store: st, Quotas: state.Quotas{"attachments-per-vpc": 10_000}})
	check(err)
	// Imported as it is, without events about it.
	done, err := svc.ImportSnapshot(ctx, atquota.Full.Snapshot())
	check(err)
	srv := serve(st)
	defer srv.stop()
	at := fmt.Sprintf(`"RouteTableIdentifier":{"CoreNetworkSegmentEdge":{"CoreNetworkId":%q,"SegmentName":%q,"EdgeLocation":%q}}`, done.CoreNetworkID, atquota.Shared, atquota.Edge(3))
	path := srv.url + "/global-networks/" + done.GlobalNetworkID + "/network-routes"
	one := fmt.Sprintf(`{%s,"LongestPrefixMatches":["10.0.99.7/32"]}`, at)
	if text := do("POST", path, one); strings.Count(string(text), "DestinationCidrBlock") != 1 {
		check(fmt.Errorf("a longest-prefix match answers %s", text))
	}
	settle()
	b.printf("| GetNetworkRoutes, longest prefix match, over HTTP | %.2f ms | 1 ms |\n", 1000/b.alone(1, posts(path, one)))

	whole := do("POST", path, "{"+at+"}")
	var table api.GetNetworkRoutesOutput
	check(json.Unmarshal(whole, &table))
	floor, stop := bare(whole)
	defer stop()
	ours, theirs, _, ratio := b.compared(1, posts(path, "{"+at+"}"), posts(floor, "{}"))
	b.printf("| GetNetworkRoutes, a whole table of %d rows, %.1f MB, over HTTP | %.1f ms, %.0f MB/s | |\n", len(table.NetworkRoutes), float64(len(whole))/1e6, 1000/ours, ours*float64(len(whole))/1e6)
	b.printf("| the same bytes from a bare handler that knows them | %.1f ms, ratio %.2f | ratio 0.3 |\n\n", 1000/theirs, ratio)
}

// settle waits until the process rests, a minute at most: events about an imported network are written in the background.
func settle() {
	for range 120 {
		before := processCPU()
		time.Sleep(500 * time.Millisecond)
		if processCPU()-before < 25*time.Millisecond {
			return
		}
	}
}

// posts makes each client a poster of its own.
func posts(url, body string) func() func() {
	return func() func() { return newPoster(url, body).get }
}

// growth halves one dimension at a time. Twice as much of it costs two to the power of the exponent. What is compared is
// small and runs in turns, and the fastest of many runs counts: all else is what the machine does besides.
func (b *bench) growth() {
	dimensions := []struct {
		name string
		half func(*atquota.Size)
	}{
		{"attachments, with the same routes among them", func(s *atquota.Size) { s.Attachments /= 2 }},
		{"segments", func(s *atquota.Size) { s.Segments /= 2 }},
		{"edges", func(s *atquota.Size) { s.Edges /= 2 }},
		{"routes", func(s *atquota.Size) { s.Routes /= 2 }},
	}
	networks := []routing.Network{atquota.Full.Network()}
	for _, d := range dimensions {
		s := atquota.Full
		d.half(&s)
		networks = append(networks, s.Network())
	}
	fastest := make([]float64, len(networks))
	for round := range 10 * b.rounds {
		for i, n := range networks {
			runtime.GC()
			start := time.Now()
			compute(n)
			took := float64(time.Since(start).Microseconds()) / 1000
			if round == 0 || took < fastest[i] {
				fastest[i] = took
			}
		}
	}
	b.printf("How the cost of computing everything grows with each dimension alone, the fastest of %d runs in turns, %.0f ms at full quota:\n\n", 10*b.rounds, fastest[0])
	b.printf("| dimension | at half | exponent |\n| --- | ---: | ---: |\n")
	for i, d := range dimensions {
		b.printf("| %s | %.0f ms | %.1f |\n", d.name, fastest[i+1], math.Log2(fastest[0]/fastest[i+1]))
	}
	b.printf("\nA third goes to the exchange between edges. Prefixes that look alike to the edges, which start at the same places with paths\nof the same shape, go through it once, so it grows with edges and hardly with routes. Most of the rest is entering each\nroute into its own segment and those it is shared with, and grows with routes.\n\n")
}
