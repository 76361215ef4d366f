package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sys/unix"

	"portolan/api"
	"portolan/bench/atquota"
)

// pairs measures the binary of another commit beside that of this tree: the same requests to a server of each, and the same
// commands, in turns. What counts is the processor time of the process and what it allocates, which other load on the machine
// hardly changes.
func (b *bench) pairs() {
	if b.before == "" {
		return
	}
	old := buildBefore(b.before)
	fmt.Fprintf(&b.out, "## Beside %s\n\nServers and commands of that commit and of this tree in turns, %d rounds: processor time and allocations of the server's process\nper request, processor time of a command. The ratio is the median of the rounds', this tree by the other: less is better. Noise\nis how far the ratios of the middle half of the rounds lie apart.\n\n", b.before, b.rounds)
	now := b.binary
	if now == "" {
		now = buildBinaryOnce()
	}
	b.pairedRequests(old, now)
	b.pairedCommands(old, now)
}

// buildBefore is the binary of a commit, or what it is called when it names a file.
func buildBefore(commit string) string {
	if info, err := os.Stat(commit); err == nil && info.Mode().IsRegular() {
		return commit
	}
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	tree, binary := filepath.Join(dir, "tree"), filepath.Join(dir, "portolan")
	run := func(in, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir = in
		if out, err := cmd.CombinedOutput(); err != nil {
			check(fmt.Errorf("%s %v: %w\n%s", name, args, err, out))
		}
	}
	run(".", "git", "worktree", "add", "--detach", tree, commit)
	run(tree, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "./cmd/portolan")
	run(".", "git", "worktree", "remove", "--force", tree)
	return binary
}

// paired is a server's process with the same data in it as in the other's.
type paired struct {
	url, root, device, arn string
	pid                    int
	kill                   func()
}

func newPaired(binary string) *paired {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	p := &paired{}
	var stop func()
	p.url, p.pid, stop = start(binary, "--data", dir, "--quota", "devices=100000000,sites=100000000", "--log-level", "error")
	p.kill = func() {
		stop()
		check(os.RemoveAll(dir))
	}
	var gn api.CreateGlobalNetworkOutput
	check(json.Unmarshal(do("POST", p.url+"/global-networks", "{}"), &gn))
	p.root = p.url + "/global-networks/" + gn.GlobalNetwork.GlobalNetworkId
	var device api.CreateDeviceOutput
	for range 120 {
		do("POST", p.root+"/sites", `{"Description":"a site of the benchmark","Location":{"Address":"1 Main St","Latitude":"40.7","Longitude":"-74.0"}}`)
		check(json.Unmarshal(do("POST", p.root+"/devices", `{"Description":"a device of the benchmark","Vendor":"acme","Model":"m1"}`), &device))
	}
	p.device, p.arn = device.Device.DeviceId, device.Device.DeviceArn
	seedPeerAssociation(p.url, gn.GlobalNetwork.GlobalNetworkId, p.device)
	return p
}

// cpu is the processor time of the process so far.
func (p *paired) cpu() time.Duration {
	const ofProcess = 2 // CPUCLOCK_SCHED, beside the complement of a process id: clock_getcpuclockid(3)
	var spent unix.Timespec
	check(unix.ClockGettime(int32(^p.pid)<<3|ofProcess, &spent))
	return time.Duration(spent.Nano())
}

// mallocs is how many objects the process has allocated so far.
func (p *paired) mallocs() float64 {
	for line := range strings.SplitSeq(string(do("GET", p.url+"/metrics", "")), "\n") {
		if value, ok := strings.CutPrefix(line, "go_memstats_mallocs_total "); ok {
			n, err := strconv.ParseFloat(value, 64)
			check(err)
			return n
		}
	}
	check(fmt.Errorf("%s/metrics has no go_memstats_mallocs_total", p.url))
	return 0
}

// cost is what one call takes: microseconds of the processor, and allocations.
func (p *paired) cost(n int, g *getter) (micros, allocations float64) {
	cpu, mallocs := p.cpu(), p.mallocs()
	for range n {
		g.get()
	}
	return float64((p.cpu() - cpu).Microseconds()) / float64(n), (p.mallocs() - mallocs) / float64(n)
}

func (b *bench) pairedRequests(old, now string) {
	was, is := newPaired(old), newPaired(now)
	defer was.kill()
	defer is.kill()
	b.printf("| request | µs before | µs now | ratio | noise | allocations before | now |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range []struct {
		name string
		n    int
		call func(*paired) *getter
	}{
		{"GetSites, page of 100", 2000, func(p *paired) *getter { return newGetter(p.root + "/sites?maxResults=100") }},
		{"GetDevices, one id", 4000, func(p *paired) *getter { return newGetter(p.root + "/devices?deviceIds=" + p.device) }},
		{"GetConnectPeerAssociations", 4000, func(p *paired) *getter { return newGetter(p.root + "/connect-peer-associations") }},
		{"DescribeGlobalNetworks", 4000, func(p *paired) *getter { return newGetter(p.url + "/global-networks") }},
		{"ListAttachments", 4000, func(p *paired) *getter { return newGetter(p.url + "/attachments") }},
		{"ListCoreNetworks", 4000, func(p *paired) *getter { return newGetter(p.url + "/core-networks") }},
		{"ListTagsForResource", 4000, func(p *paired) *getter {
			return newGetter(p.url + "/tags/" + strings.ReplaceAll(p.arn, "/", "%2F"))
		}},
		{"GetNetworkResources", 1000, func(p *paired) *getter { return newGetter(p.root + "/network-resources") }},
		{"CreateDevice, durable", 200, func(p *paired) *getter {
			return newPoster(p.root+"/devices", `{"Description":"a device of the benchmark","Vendor":"acme","Model":"m1"}`)
		}},
		{"TagResource, durable", 200, func(p *paired) *getter {
			return newPoster(p.url+"/tags/"+strings.ReplaceAll(p.arn, "/", "%2F"), `{"Tags":[{"Key":"a","Value":"b"}]}`)
		}},
	} {
		x, y := c.call(was), c.call(is)
		was.cost(c.n/4, x) // what is kept is kept from here on
		is.cost(c.n/4, y)
		var before, after, ratios, allocsBefore, allocsNow []float64
		for range b.rounds {
			t, n := was.cost(c.n, x)
			u, m := is.cost(c.n, y)
			before, after, ratios = append(before, t), append(after, u), append(ratios, u/t)
			allocsBefore, allocsNow = append(allocsBefore, n), append(allocsNow, m)
		}
		b.printf("| %s | %.1f | %.1f | %.2f | ±%.2f | %.0f | %.0f |\n", c.name, median(before), median(after), median(ratios), spread(ratios), median(allocsBefore), median(allocsNow))
	}
	b.printf("\n")
}

// spread is half of how far the middle half of sorted values lies apart.
func spread(sorted []float64) float64 {
	return (sorted[3*(len(sorted)-1)/4] - sorted[(len(sorted)-1)/4]) / 2
}

// pairedCommands asks questions of a file with a network at full quota.
func (b *bench) pairedCommands(old, now string) {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		check(os.WriteFile(path, text, 0o600))
		return path
	}
	network, err := json.Marshal(atquota.Full.Snapshot())
	check(err)
	snapshot := write("network.json", network)
	shares := write("shares.json", []byte(atquota.Full.Policy(append(atquota.Full.Actions(), `{"action":"share","mode":"attachment-route","segment":"s3","share-with":["s4","s5"]}`))))
	nothing := write("nothing.json", []byte(atquota.Full.Policy(nil)))
	b.printf("| command at full quota | ms before | ms now | ratio | noise |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, args := range [][]string{
		{"snapshot", "validate", snapshot},
		{"matrix", "--snapshot", snapshot},
		{"plan", "--snapshot", snapshot, "--policy", shares},
		{"plan", "--snapshot", snapshot, "--policy", nothing},
		{"doctor", "--snapshot", snapshot},
		{"policy", "check", shares},
	} {
		var before, after, ratios []float64
		for range b.rounds {
			t, u := command(old, args), command(now, args)
			before, after, ratios = append(before, t), append(after, u), append(ratios, u/t)
		}
		name := strings.ReplaceAll(strings.Join(args, " "), dir+"/", "")
		b.printf("| %s | %.0f | %.0f | %.2f | ±%.2f |\n", name, median(before), median(after), median(ratios), spread(ratios))
	}
	b.printf("\n")
}

// command is the processor time that a command takes, in milliseconds.
func command(binary string, args []string) float64 {
	cmd := exec.Command(binary, args...)
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 { // 1: something was found
		check(err)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
