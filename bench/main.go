// Command bench measures Portolan beside what bounds it, in one run on one machine: a bare net/http handler that writes
// the same bytes, raw bbolt, and, where it is installed, moto's server. It prints a table in Markdown.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/state"
	"portolan/internal/store"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == floodCommand {
		runFlood(os.Args[2:])
		return
	}
	if os.Getenv(supervised) == "" {
		os.Exit(supervise())
	}
	write := flag.String("write", "", "also write the report to this file")
	devices := flag.Int("devices", 1_000_000, "rows of the large table")
	span := flag.Duration("span", time.Second, "length of one measurement")
	rounds := flag.Int("rounds", 5, "measurements per number; the median counts")
	only := flag.String("only", "", "measure only this: reads, creates, pages, policies, routes, questions, bgp, fulltable, reach, pairs, isolation, floods, backup, cluster or start")
	binary := flag.String("binary", "", "the binary of this tree for pairs; without it, it is built")
	before := flag.String("before", "", "a commit, or a binary of one, to measure this tree beside")
	sessions := flag.Int("sessions", 2000, "BGP sessions")
	attack := flag.String("attack", "", "of isolation and floods, only what has this in its name")
	profile := flag.String("cpuprofile", "", "write a CPU profile of all that is measured to this file")
	flag.Parse()
	debug.SetGCPercent(400) // as the server sets it; the bare handler has it too
	if *only != "" && *write != "" {
		log.Fatal("-write takes a whole report: leave out -only")
	}
	b := &bench{span: *span, rounds: *rounds, devices: *devices, only: *only, sessions: *sessions, before: *before, binary: *binary, attack: *attack}
	if *profile != "" {
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	b.report()
	fmt.Print(b.out.String())
	if *write != "" {
		check(writeReport(*write, b.out.Bytes()))
	}
}

// byHand begins what a person writes below a report. A new report leaves it as it is.
const byHand = "\n<!-- Written by hand from here on: make bench leaves it as it is. -->\n"

// writeReport replaces the measured part of a file and keeps what was written by hand.
func writeReport(path string, report []byte) error {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if _, hand, ok := strings.Cut(string(text), byHand); ok {
		report = append(bytes.TrimRight(report, "\n"), "\n"+byHand+hand...)
	}
	return os.WriteFile(path, report, 0o644)
}

type bench struct {
	span     time.Duration
	rounds   int
	devices  int
	only     string
	sessions int
	before   string
	binary   string
	attack   string
	out      bytes.Buffer
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(&b.out, format, args...) }

func (b *bench) report() {
	b.printf("# Benchmarks\n\nWritten by `make bench`. Each number is the median of %d measurements of %s, taken in turns with what it\nis compared to.\n\n", b.rounds, b.span)
	b.printf("Machine: %s, %d cores, %s, %s.\n\n", cpuName(), runtime.NumCPU(), memory(), runtime.Version())
	for _, part := range []struct {
		name    string
		measure func()
	}{{"reads", b.reads}, {"creates", b.creates}, {"pages", b.pages}, {"policies", b.policies}, {"routes", b.routes}, {"questions", b.questions}, {"bgp", b.bgp}, {"fulltable", b.fullTable}, {"reach", b.reach}, {"pairs", b.pairs}, {"isolation", b.isolation}, {"floods", b.floods}, {"backup", b.backup}, {"cluster", b.cluster}, {"start", b.start}} {
		if b.only == "" || b.only == part.name {
			part.measure()
		}
	}
}

// instance is a server in this process.
type instance struct {
	url   string
	store store.Store
	stop  func()
}

func serve(st store.Store) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	svc, err := node.New(ctx, node.Config{Store: st, Quotas: state.Quotas{"devices": 1 << 30, "sites": 1 << 30}})
	check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := server.New(server.Config{Service: svc})
	srv.SetReady(true)
	var wg sync.WaitGroup
	wg.Go(func() { svc.Run(ctx) })
	wg.Go(func() { check(srv.Serve(ctx, l, time.Second)) })
	return &instance{url: "http://" + l.Addr().String(), store: st, stop: func() {
		cancel()
		wg.Wait()
		check(st.Close())
	}}
}

// bare answers every request with the same bytes and headers.
func bare(body []byte) (url string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		h["X-Amzn-Requestid"] = []string{"85352238-d6a4-4e0e-a409-f3ae7f643bb8"}
		_, _ = w.Write(body)
	})}
	go func() { _ = hs.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = hs.Close() }
}

func tempBolt() store.Store {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	st, err := store.OpenBolt(filepath.Join(dir, "portolan.db"), store.BoltOptions{})
	check(err)
	return st
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}

func do(method, url, body string) []byte {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	check(err)
	if body == "" {
		req.Body = nil
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := client.Do(req)
	check(err)
	text, err := io.ReadAll(resp.Body)
	check(err)
	check(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		log.Fatalf("%s %s: %d %s", method, url, resp.StatusCode, text)
	}
	return text
}

// gets makes each client a getter of its own.
func gets(url string) func() func() {
	return func() func() { return newGetter(url).get }
}

// calls makes all clients do the same.
func calls(f func()) func() func() { return func() func() { return f } }

// rate is how often per second n clients can do what each is given, within the span.
func (b *bench) rate(n int, each func() func()) float64 {
	var count atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range n {
		f := each()
		wg.Go(func() {
			for time.Since(start) < b.span {
				f()
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(count.Load()) / time.Since(start).Seconds()
}

// beside measures two things in turns and gives the median of each and of their ratio.
func (b *bench) beside(n int, ours, theirs func() func()) (a, c, ratio float64) {
	a, c, ratio, _ = b.compared(n, ours, theirs)
	return a, c, ratio
}

// compared is beside with the ratio of how much both do in the same processor time of this process: where both keep the
// processors busy it is the ratio of the rates, and what else runs on the machine does not change it.
func (b *bench) compared(n int, ours, theirs func() func()) (a, c, ratio, byCPU float64) {
	var as, cs, rs, ps []float64
	measured := func(each func() func()) (rate, perCPU float64) {
		cpu, start := processCPU(), time.Now()
		rate = b.rate(n, each)
		return rate, rate * time.Since(start).Seconds() / (processCPU() - cpu).Seconds()
	}
	for range b.rounds {
		x, xCPU := measured(ours)
		y, yCPU := measured(theirs)
		as, cs, rs, ps = append(as, x), append(cs, y), append(rs, x/y), append(ps, xCPU/yCPU)
	}
	return median(as), median(cs), median(rs), median(ps)
}

// processCPU is the processor time of this process.
func processCPU() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// alone measures one thing.
func (b *bench) alone(n int, each func() func()) float64 {
	var list []float64
	for range b.rounds {
		list = append(list, b.rate(n, each))
	}
	return median(list)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func memory() string {
	text, _ := os.ReadFile("/proc/meminfo")
	line, _, _ := strings.Cut(string(text), "\n")
	kb, _ := strconv.Atoi(strings.Fields(line)[1])
	return fmt.Sprintf("%d GiB", (kb+1<<19)>>20)
}

// resident is the resident memory of a process, in MiB.
func resident(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(err)
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

func buildBinary() string {
	path := filepath.Join(os.TempDir(), "portolan-bench-binary")
	out, err := exec.Command("go", "build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", path, "portolan/cmd/portolan").CombinedOutput()
	if err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
