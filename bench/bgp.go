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

// bgp measures sessions beside FRR's bgpd with the same load, each in a process and a network namespace of its own.
func (b *bench) bgp() {
	if _, err := os.Stat(frrPath); err != nil || os.Geteuid() != 0 {
		b.printf("## BGP sessions\n\nNot measured: it needs root and FRR.\n\n")
		return
	}
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	check(os.Chmod(dir, 0o777))
	binary := filepath.Join(dir, "bgp")
	if out, err := exec.Command("go", "build", "-o", binary, "portolan/bench/bgp").CombinedOutput(); err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	n := b.sessions
	b.printf("## BGP sessions beside FRR's bgpd\n\n%d sessions, each advertised 5,000 routes; the peers only count. Memory is the peak of resident memory, processor time\nthat of the speaker alone. Goal for 2,000 sessions: 5 s, 400 MB, and not above FRR.\n\n", n)
	b.printf("| speaker | all advertised after, s | processor time, s | memory, MB | session up after TCP, median, ms |\n| --- | ---: | ---: | ---: | ---: |\n")
	ours, theirs := speakerLoad{sessions: n, routes: 5000}, speakerLoad{sessions: n, routes: 5000, frr: true}
	for _, l := range []*speakerLoad{&ours, &theirs} {
		l.run(dir, binary)
		b.printf("| %s | %.1f | %.2f | %.0f | %.1f |\n", map[bool]string{false: "Portolan", true: "FRR"}[l.frr], l.whole, l.cpu, l.peak, l.up)
	}
	b.printf("\nHow Portolan's processor time grows, by halves of each dimension alone:\n\n| dimension | at half, s | exponent |\n| --- | ---: | ---: |\n")
	for _, half := range []struct {
		what string
		load speakerLoad
	}{{"sessions", speakerLoad{sessions: n / 2, routes: 5000}}, {"routes", speakerLoad{sessions: n, routes: 2500}}} {
		half.load.run(dir, binary)
		b.printf("| %s | %.2f | %.1f |\n", half.what, half.load.cpu, math.Log2(ours.cpu/half.load.cpu))
	}
	idle := speakerLoad{sessions: n}
	idle.run(dir, binary)
	in := speakerLoad{sessions: 1, send: 1_000_000}
	in.run(dir, binary)
	one := speakerLoad{sessions: n / 2, routes: 100, changes: 20}
	one.run(dir, binary)
	b.printf("\n| what | measured | goal |\n| --- | ---: | ---: |\n| memory of an idle session | %.1f kB | 20 kB |\n", (idle.after-idle.before)*1000/float64(n))
	b.printf("| 1,000,000 routes taken in, processor time | %.2f s | 5 s |\n| one changed prefix at %d peers, 99th percentile | %.1f ms | 250 ms |\n\n", in.cpu, n/2, one.slowest)
}

const frrPath = "/usr/lib/frr/bgpd"

// speakerLoad is one measurement.
type speakerLoad struct {
	sessions, routes, send, changes int
	frr                             bool

	whole, cpu, peak, up, slowest float64 // s, s, MB, ms, ms
	before, after                 float64 // anonymous memory, MB
}

// run makes a namespace with a speaker and its peers, and takes the figures.
func (l *speakerLoad) run(dir, binary string) {
	ns := namespace(os.Getpid())
	ip := func(args ...string) {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			log.Fatalf("ip %v: %v\n%s", args, err, out)
		}
	}
	ip("netns", "add", ns)
	defer ip("netns", "del", ns)
	ip("-n", ns, "link", "set", "lo", "up")
	ip("-n", ns, "addr", "add", "10.199.0.1/32", "dev", "lo")
	ip("-n", ns, "route", "add", "local", "10.200.0.0/16", "dev", "lo") // every peer has an address of its own
	flags := []string{"-sessions", strconv.Itoa(l.sessions), "-routes", strconv.Itoa(l.routes), "-send", strconv.Itoa(l.send), "-changes", strconv.Itoa(l.changes)}
	start := func(name string, args ...string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
		cmd := exec.Command("ip", append([]string{"netns", "exec", ns, name}, args...)...)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		check(err)
		out, err := cmd.StdoutPipe()
		check(err)
		check(cmd.Start())
		return cmd, in, bufio.NewScanner(out)
	}
	var speaker *exec.Cmd
	var commands io.WriteCloser
	var answers *bufio.Scanner
	if l.frr {
		common := []string{"-u", "frr", "-g", "frr", "-z", dir + "/zserv", "--vty_socket", dir, "-P", "0"}
		zebra, _, _ := start("/usr/lib/frr/zebra", append(common, "-i", dir+"/zebra.pid")...)
		defer end(zebra)
		time.Sleep(time.Second)
		speaker, commands, answers = start(frrPath, append(common, "-i", dir+"/bgpd.pid", "-f", l.frrConfig(dir), "--limit-fds", "10000")...)
		time.Sleep(5 * time.Second) // it reads its routes and has no way to say that it is ready
	} else {
		speaker, commands, answers = start(binary, append(flags, "speaker")...)
		answers.Scan()
	}
	defer end(speaker)
	pid := speaker.Process.Pid
	l.before = resident(pid)
	used := processorTime(pid)
	peers, changes, reports := start(binary, append(flags, "peers")...)
	defer end(peers)
	for reports.Scan() {
		var value float64
		switch text := reports.Text(); {
		case scans(text, "whole %f", &value):
			l.whole = value / 1000
		case scans(text, "session %f", &value):
			l.up = value / 1000
		}
		if l.up > 0 {
			break
		}
	}
	for l.send > 0 {
		fmt.Fprintln(commands, "heard")
		if answers.Scan(); answers.Text() == strconv.Itoa(l.sessions*l.send) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	l.cpu, l.after, l.peak = processorTime(pid)-used, resident(pid), peak(pid)
	for range l.changes {
		fmt.Fprintln(commands, "change")
		answers.Scan()
		fmt.Fprintln(changes, answers.Text())
		reports.Scan()
		var middle, last float64
		_, err := fmt.Sscanf(reports.Text(), "change %f %f", &middle, &last)
		check(err)
		l.slowest = max(l.slowest, last/1000)
	}
}

// frrConfig writes a configuration with as many neighbours and routes.
func (l *speakerLoad) frrConfig(dir string) string {
	var b strings.Builder
	b.WriteString("router bgp 64512\n bgp router-id 10.199.0.1\n no bgp ebgp-requires-policy\n no bgp network import-check\n neighbor P peer-group\n neighbor P remote-as 65001\n")
	b.WriteString(" neighbor P passive\n neighbor P disable-connected-check\n bgp listen limit 5000\n bgp listen range 10.200.0.0/16 peer-group P\n address-family ipv4 unicast\n")
	for i := range l.routes {
		fmt.Fprintf(&b, "  network 20.%d.%d.0/24\n", i>>8, i&0xff)
	}
	b.WriteString(" exit-address-family\nexit\n")
	path := filepath.Join(dir, "bgpd.conf")
	check(os.WriteFile(path, []byte(b.String()), 0o644))
	return path
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func scans(text, format string, value *float64) bool {
	n, _ := fmt.Sscanf(text, format, value)
	return n == 1
}

// processorTime is what a process has used, in seconds.
func processorTime(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	check(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return float64(user+system) / 100 // the kernel counts in hundredths
}

// peak is the most resident memory that a process has had, in MB.
func peak(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, _ := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kb) * 1024 / 1e6
}
