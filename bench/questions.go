package main

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/go-json-experiment/json"

	"portolan/bench/atquota"
	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/report"
	"portolan/internal/snapshot"
)

// questions measures what people ask of a file: the whole way from its text where one is named.
func (b *bench) questions() {
	b.printf("## Questions of files\n\nTimes are those of all processors added. The networks are at full quota, but for the last.\n\n| what | measured | goal |\n| --- | ---: | ---: |\n")
	ctx := context.Background()
	text, err := json.Marshal(atquota.Full.Snapshot())
	check(err)
	b.printf("| snapshot validate, %.1f MB | %.0f ms | |\n", float64(len(text))/1e6, b.cpuMillis(func() {
		snap, err := snapshot.Parse(text)
		check(err)
		_, err = snap.Network(nil)
		check(err)
	}))
	template := fmt.Appendf(nil, `{"Resources":{"Net":{"Type":"AWS::NetworkManager::CoreNetwork","Properties":{"GlobalNetworkId":"global-network-1","PolicyDocument":%s}}}}`, tagPolicy(3080))
	b.printf("| policy check of a CloudFormation template of %.2f MB | %.0f ms | 100 ms |\n", float64(len(template))/1e6, b.cpuMillis(func() {
		document, err := analysis.PolicyDocument(template)
		check(err)
		compile(document)
	}))
	subject, err := analysis.Examine(atquota.Full.Snapshot(), nil, nil)
	check(err)
	b.printf("| doctor, every outcome of ties included | %.0f ms | 2,000 ms |\n", b.cpuMillis(func() {
		_, err := subject.Findings(ctx)
		check(err)
	}))
	b.printf("| report | %.0f ms | 3,000 ms |\n", b.cpuMillis(func() {
		r := report.Report{Title: "at quota", Now: subject}
		check(r.WriteHTML(ctx, io.Discard))
	}))
	b.sharedPlan(ctx)
	b.printf("\n")
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// sharedPlan measures a plan that makes all segments share with all, which changes nearly every row.
func (b *bench) sharedPlan(ctx context.Context) {
	size := atquota.Size{Attachments: 1500, Segments: 39, Edges: 30, Routes: 1500}
	subject, err := analysis.Examine(size.Snapshot(), nil, nil)
	check(err)
	document := []byte(size.Policy(size.Everything()))
	var p *analysis.Plan
	var written counter
	plan := func() {
		p, err = subject.Plan(ctx, document)
		check(err)
		written = 0
		check(p.Page().Text(&written, page.Style{}))
	}
	peak := heapPeak(plan)
	runtime.GC()
	took := b.cpuMillis(plan)
	name := fmt.Sprintf("plan that shares 40 segments with all, 1,500 attachments: %d rows change, %.0f MB are written", p.RoutesAdded+p.RoutesWithdrawn+p.RoutesRerouted, float64(written)/1e6)
	b.printf("| %s | %.0f ms | |\n| %s | %.0f MiB | 200 MB |\n", name, took, "memory while it does, beside the network's own", peak)
}
