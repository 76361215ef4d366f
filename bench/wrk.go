package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
)

var wrkRequests = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)

// wrk compares with a bare handler as wrk drives both, where it is installed.
func (b *bench) wrk(name, url, floor string) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return
	}
	perCPU := func(url string) float64 {
		cmd := exec.Command(path, "-t1", "-c16", fmt.Sprintf("-d%ds", max(1, int(b.span.Seconds()))),
			"-H", "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0", url)
		cpu := processCPU()
		out, err := cmd.Output()
		check(err)
		found := wrkRequests.FindSubmatch(out)
		if found == nil {
			check(fmt.Errorf("wrk says %s", out))
		}
		n, err := strconv.ParseFloat(string(found[1]), 64)
		check(err)
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		return n / (float64((processCPU()-cpu).Nanoseconds()+usage.Utime.Nano()+usage.Stime.Nano()) / 1e9)
	}
	var ours, theirs, ratios []float64
	for range b.rounds {
		x, y := perCPU(url), perCPU(floor)
		ours, theirs, ratios = append(ours, x), append(theirs, y), append(ratios, x/y)
	}
	b.printf("| %s, wrk with 16 connections, per second of a processor | | %.0f | %.0f | %.2f |\n", name, median(ours), median(theirs), median(ratios))
}
