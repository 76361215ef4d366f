package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fullTable measures a server on which a router advertises a full Internet table, in segments that all share it.
func (b *bench) fullTable() {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "fulltable")
	if out, err := exec.Command("go", "build", "-o", binary, "portolan/bench/bgp/fulltable").CombinedOutput(); err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	b.printf("## A full Internet table over BGP\n\nOne router advertises it to a segment that others share, at 3 edges, without routing events; another one, in another segment at\nanother edge, is advertised all of it. Five prefixes in six are IPv4. Processor time and memory are those of the server. Goal for\n1,200,000 prefixes in 20 segments: 10 s, 1,500 MB, one withdrawn prefix 5 ms.\n\n")
	b.printf("| prefixes | segments | all advertised after, s | processor time, s | peak of memory, MB | one withdrawn prefix, processor time, ms | known to the other router after, median, ms |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	loads := []*tableLoad{{prefixes: 120_000, segments: 10}, {prefixes: 120_000, segments: 20}, {prefixes: 300_000, segments: 20}, {prefixes: 1_200_000, segments: 20}}
	for _, l := range loads {
		l.run(binary)
		b.printf("| %d | %d | %.1f | %.1f | %.0f | %.1f | %.0f |\n", l.prefixes, l.segments, l.whole, l.cpu, l.peak, l.one*1000, l.known)
	}
	exponent := func(half, whole, times float64) float64 { return math.Log(whole/half) / math.Log(times) }
	half, base, large := loads[0], loads[1], loads[3]
	b.printf("\n| dimension | processor time, exponent | memory, exponent |\n| --- | ---: | ---: |\n")
	b.printf("| prefixes, 120,000 to 1,200,000 | %.2f | %.2f |\n", exponent(base.cpu, large.cpu, 10), exponent(base.peak, large.peak, 10))
	b.printf("| segments, 10 to 20 | %.2f | %.2f |\n\n", exponent(half.cpu, base.cpu, 2), exponent(half.peak, base.peak, 2))
}

// tableLoad is one measurement.
type tableLoad struct {
	prefixes, segments int

	whole, cpu, peak, one, known float64 // s, s, MB, s, ms
}

// tableEnd is a process of a measurement, with the way to ask it.
type tableEnd struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startEnd(binary string, args ...string) *tableEnd {
	e := &tableEnd{Cmd: exec.Command(binary, args...)}
	e.Stderr = os.Stderr
	var err error
	e.in, err = e.StdinPipe()
	check(err)
	out, err := e.StdoutPipe()
	check(err)
	check(e.Start())
	e.out = bufio.NewScanner(out)
	return e
}

// line is the next line, which begins with a word.
func (e *tableEnd) line(word string) []string {
	for e.out.Scan() {
		if fields := strings.Fields(e.out.Text()); len(fields) > 0 && fields[0] == word {
			return fields[1:]
		}
	}
	log.Fatalf("%s has ended before it said %s", e.Args, word)
	return nil
}

// run takes the figures.
func (l *tableLoad) run(binary string) {
	server := startEnd(binary, "-segments", strconv.Itoa(l.segments), "server")
	defer end(server.Cmd)
	routers := startEnd(binary, "-v4", strconv.Itoa(l.prefixes/6*5), "-v6", strconv.Itoa(l.prefixes/6), "routers")
	defer end(routers.Cmd)
	for server.out.Scan() {
		fmt.Fprintln(routers.in, server.out.Text())
		if server.out.Text() == "ready" {
			break
		}
	}
	pid := server.Process.Pid
	used := processorTime(pid)
	millis, err := strconv.ParseFloat(routers.line("done")[0], 64)
	check(err)
	l.whole, l.cpu, l.peak = millis/1000, processorTime(pid)-used, peak(pid)
	rests(pid)
	l.peak = max(l.peak, peak(pid))
	const times = 20
	var list []float64
	used = processorTime(pid)
	for range times {
		fmt.Fprintln(routers.in, "next")
		millis, err := strconv.ParseFloat(routers.line("gone")[0], 64)
		check(err)
		list = append(list, millis)
	}
	rests(pid)
	l.one, l.known = (processorTime(pid)-used)/times, median(list)
}

// rests waits until a process has rested for three seconds, five minutes at most: it copies what it has heard to its store, in small parts
// with pauses.
func rests(pid int) {
	quiet := 0
	for range 300 {
		before := processorTime(pid)
		time.Sleep(time.Second)
		if quiet++; processorTime(pid)-before > 0.015 {
			quiet = 0
		}
		if quiet == 3 {
			return
		}
	}
}
