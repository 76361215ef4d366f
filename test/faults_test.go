//go:build faults

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// faultLab is three machines, as network namespaces on one bridge. On each runs a member of etcd and a server that uses it. Linux,
// as root.
type faultLab struct {
	t       *testing.T
	ctx     context.Context
	id      string
	dir     string
	members []*exec.Cmd
	servers []*Process
	all     *Process // asks the servers in turns
	gn      string

	done   atomic.Int64  // devices that were acknowledged
	acked  chan struct{} // has a value when there are more
	mu     sync.Mutex
	made   map[string]string
	shared register
	stop   chan struct{}
	writer sync.WaitGroup
}

func (l *faultLab) run(name string, args ...string) {
	l.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		l.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (l *faultLab) ns(i int) string { return fmt.Sprintf("ptl%s-%d", l.id, i) }

func (l *faultLab) address(i int) string { return fmt.Sprintf("10.77.%d.%d", os.Getpid()%250+1, i+1) }

func newFaultLab(ctx context.Context, t *testing.T) *faultLab {
	l := &faultLab{t: t, ctx: ctx, id: strconv.Itoa(os.Getpid() % 10000), dir: inMemory(t), made: map[string]string{}, stop: make(chan struct{}), acked: make(chan struct{}, 1)}
	bridge := "ptl" + l.id
	l.run("ip", "link", "add", bridge, "type", "bridge")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", bridge).Run() })
	l.run("ip", "addr", "add", l.address(253)+"/24", "dev", bridge)
	l.run("ip", "link", "set", bridge, "up")
	var initial []string
	for i := range 3 {
		l.run("ip", "netns", "add", l.ns(i))
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(i)).Run() })
		outer := fmt.Sprintf("ptl%sv%d", l.id, i)
		l.run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", l.ns(i))
		l.run("ip", "link", "set", outer, "master", bridge, "up")
		l.run("ip", "-n", l.ns(i), "addr", "add", l.address(i)+"/24", "dev", "eth0")
		l.run("ip", "-n", l.ns(i), "link", "set", "eth0", "up")
		l.run("ip", "-n", l.ns(i), "link", "set", "lo", "up")
		initial = append(initial, fmt.Sprintf("m%d=http://%s:2380", i, l.address(i)))
	}
	l.members = make([]*exec.Cmd, 3)
	for i := range 3 {
		data := filepath.Join(l.dir, fmt.Sprint(i))
		l.run("mkdir", data)
		l.run("mount", "-t", "tmpfs", "-o", "size=200m", "portolan-test", data)
		t.Cleanup(func() { _ = exec.Command("umount", "-l", data).Run() })
		l.startMember(i, strings.Join(initial, ","))
	}
	l.leader() // a server gives up on members that take long to begin
	for i := range 3 {
		l.servers = append(l.servers, l.startServer(i))
	}
	l.all = roundRobin(t, 3*time.Second, l.servers[0].Addr, l.servers[1].Addr, l.servers[2].Addr)
	made, err := patient(l.all).CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{Description: aws.String("start")})
	if err != nil {
		t.Fatal(err)
	}
	l.gn = *made.GlobalNetwork.GlobalNetworkId
	return l
}

func (l *faultLab) startMember(i int, initial string) {
	here := l.address(i)
	cmd := exec.Command("ip", "netns", "exec", l.ns(i), "etcd", "--name", fmt.Sprintf("m%d", i), "--data-dir", filepath.Join(l.dir, fmt.Sprint(i), "data"),
		"--listen-client-urls", "http://127.0.0.1:2379,http://"+here+":2379", "--advertise-client-urls", "http://"+here+":2379",
		"--listen-peer-urls", "http://"+here+":2380", "--initial-advertise-peer-urls", "http://"+here+":2380",
		"--initial-cluster", initial, "--initial-cluster-state", "new", "--max-txn-ops", "4096")
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.members[i] = cmd
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (l *faultLab) clock(i int) string { return filepath.Join(l.dir, fmt.Sprintf("clock-%d", i)) }

// setClock lets a server's clock differ from the machine's from now on.
func (l *faultLab) setClock(i int, by string) {
	if err := writeAtOnce(l.clock(i), by); err != nil {
		l.t.Fatal(err)
	}
}

// startServer starts a server in a namespace.
func (l *faultLab) startServer(i int) *Process {
	l.setClock(i, "0s")
	wrapper := filepath.Join(l.dir, fmt.Sprintf("server-%d", i))
	script := fmt.Sprintf("#!/bin/sh\nexport PORTOLAN_CLOCK_FILE=%s\nexec ip netns exec %s %s \"$@\"\n", l.clock(i), l.ns(i), Binary(l.t))
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		l.t.Fatal(err)
	}
	p, err := start(wrapper, "--listen", l.address(i)+":4566", "--insecure", "--store", "etcd://127.0.0.1/wan", "--store-reads", "linearizable",
		"--store-name", fmt.Sprintf("server-%d", i), "--log-level", "error", "--quota", "devices=1000000")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.Kill)
	return p
}

// cut lets nothing that one machine sends reach another, until mend.
func (l *faultLab) cut(from, to int) {
	l.run("ip", "-n", l.ns(from), "route", "add", "blackhole", l.address(to)+"/32")
}

func (l *faultLab) mend(from, to int) {
	l.run("ip", "-n", l.ns(from), "route", "del", "blackhole", l.address(to)+"/32")
}

// slow lets a machine send little at a time.
func (l *faultLab) slow(i int) {
	l.run("ip", "netns", "exec", l.ns(i), "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "1mbit", "burst", "5kb", "latency", "200ms")
}

func (l *faultLab) fast(i int) {
	l.run("ip", "netns", "exec", l.ns(i), "tc", "qdisc", "del", "dev", "eth0", "root")
}

func (l *faultLab) etcd(i int) *clientv3.Client {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{l.address(i) + ":2379"}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// leader is the machine whose member leads.
func (l *faultLab) leader() int {
	for {
		for i := range 3 {
			c := l.etcd(i)
			got, err := c.Status(l.ctx, l.address(i)+":2379")
			_ = c.Close()
			if err == nil && got.Leader == got.Header.MemberId {
				return i
			}
		}
		if l.ctx.Err() != nil {
			l.t.Fatal("no member leads")
		}
	}
}

// write begins clients that create devices and use one register, whose every attempt counts by itself.
func (l *faultLab) write() {
	for w := range 4 {
		client, once := patient(l.all), sdkClient(l.all, "111122223333")
		l.writer.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
				}
				description := fmt.Sprintf("writer %d device %d", w, n)
				out, err := client.CreateDevice(l.ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &l.gn, Description: &description})
				if err != nil {
					l.t.Errorf("writer %d: %v", w, err)
					return
				}
				l.mu.Lock()
				l.made[*out.Device.DeviceId] = description
				l.mu.Unlock()
				l.done.Add(1)
				select {
				case l.acked <- struct{}{}:
				default:
				}
				if n%3 == 0 {
					l.shared.record(w, access{write: true, value: description}, func() (string, error) {
						_, err := once.UpdateGlobalNetwork(l.ctx, &networkmanager.UpdateGlobalNetworkInput{GlobalNetworkId: &l.gn, Description: &description})
						return "", err
					})
					continue
				}
				l.shared.record(w, access{}, func() (string, error) {
					out, err := once.DescribeGlobalNetworks(l.ctx, &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{l.gn}})
					if err != nil {
						return "", err
					}
					return *out.GlobalNetworks[0].Description, nil
				})
			}
		})
	}
}

// progress returns when so many more devices were acknowledged.
func (l *faultLab) progress(n int64) {
	l.t.Helper()
	until := l.done.Load() + n
	for l.done.Load() < until {
		select {
		case <-l.ctx.Done():
			l.t.Fatalf("the writers do not get on: %d devices", l.done.Load())
		case <-l.acked:
		}
	}
}

// faults are what happens to the machines while clients write.
var faults = []struct {
	name string
	do   func(l *faultLab)
}{
	{"the leader is alone", func(l *faultLab) { l.between(l.leader(), true, true) }},
	{"the leader is not heard", func(l *faultLab) { l.between(l.leader(), true, false) }},
	{"the leader does not hear", func(l *faultLab) { l.between(l.leader(), false, true) }},
	{"a follower is not heard", func(l *faultLab) { l.between((l.leader()+1)%3, true, false) }},
	{"machines 0 and 1 are apart", func(l *faultLab) { l.apart(0, 1) }},
	{"machines 0 and 2 are apart", func(l *faultLab) { l.apart(0, 2) }},
	{"machines 1 and 2 are apart", func(l *faultLab) { l.apart(1, 2) }},
	{"the leader's network is slow", func(l *faultLab) {
		i := l.leader()
		l.slow(i)
		l.progress(10)
		l.fast(i)
	}},
	{"the disk of a member is full", fullDisk},
	{"compaction while a server stands still", compacted},
	{"the clocks of the servers step", stepped},
}

// between cuts a machine off from both others: out is what it sends, in what it would be sent.
func (l *faultLab) between(i int, out, in bool) {
	each := func(out, in func(a, b int)) {
		for _, o := range []int{(i + 1) % 3, (i + 2) % 3} {
			if out != nil {
				out(i, o)
			}
			if in != nil {
				in(o, i)
			}
		}
	}
	only := func(f func(a, b int), want bool) func(a, b int) {
		if want {
			return f
		}
		return nil
	}
	each(only(l.cut, out), only(l.cut, in))
	l.progress(10)
	each(only(l.mend, out), only(l.mend, in))
}

func (l *faultLab) apart(a, b int) {
	l.cut(a, b)
	l.cut(b, a)
	l.progress(10)
	l.mend(a, b)
	l.mend(b, a)
}

// fullDisk fills the disk of a member, which may end of it, and starts it again with room.
func fullDisk(l *faultLab) {
	i := l.leader()
	data := filepath.Join(l.dir, fmt.Sprint(i))
	ballast := filepath.Join(data, "ballast")
	_ = exec.Command("dd", "if=/dev/zero", "of="+ballast, "bs=64k").Run() // until there is no room
	l.progress(30)
	l.run("rm", ballast)
	_ = l.members[i].Process.Kill()
	_ = l.members[i].Wait()
	l.startMember(i, "")
}

// compacted lets a server stand still while what it would hear of next is compacted away.
func compacted(l *faultLab) {
	stands := l.servers[2].cmd.Process
	if err := stands.Signal(syscall.SIGSTOP); err != nil {
		l.t.Fatal(err)
	}
	l.progress(20)
	c := l.etcd(l.leader())
	defer func() { _ = c.Close() }()
	for { // the members may have to elect a leader
		got, err := c.Get(l.ctx, "wan/m/format")
		if err == nil {
			_, err = c.Compact(l.ctx, got.Header.Revision)
		}
		if err == nil || errors.Is(err, rpctypes.ErrCompacted) { // by the try before, whose answer was lost
			break
		}
		if l.ctx.Err() != nil {
			l.t.Fatal(err)
		}
	}
	if err := stands.Signal(syscall.SIGCONT); err != nil {
		l.t.Fatal(err)
	}
}

// stepped sets the clocks of the servers apart by an hour and by a year, each another way than before, and right again.
func stepped(l *faultLab) {
	for _, steps := range [][3]string{{"1h", "-1h", aYear}, {aYear, "1h", "-1h"}, {"0s", "0s", "0s"}} {
		for i, by := range steps {
			l.setClock(i, by)
		}
		l.progress(10)
	}
}

// TestFaults_partitionsAndDisks: whatever happens to machines and between them, clients that retry get on, nothing that was
// acknowledged is lost, and a register is linearizable. FAULT_ROUNDS says how often each fault is met.
func TestFaults_partitionsAndDisks(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("FAULT_ROUNDS"))
	rounds = max(rounds, 1)
	Binary(t) // before the time that the rounds have begins
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*3*patience)
	defer cancel()
	l := newFaultLab(ctx, t)
	l.write()
	l.progress(10)
	for range rounds {
		for _, f := range faults {
			f.do(l)
			l.progress(10)
			t.Logf("%s: %d devices", f.name, l.done.Load())
		}
	}
	close(l.stop)
	l.writer.Wait()
	for i, p := range l.servers {
		if err := verify(ctx, patient(p), l.gn, l.made); err != nil {
			t.Errorf("server %d: %v", i, err)
		}
	}
	if result := porcupine.CheckOperationsTimeout(describes, initially(l.shared.history), patience); result != porcupine.Ok {
		t.Errorf("the register is not linearizable: %v, %d operations", result, len(l.shared.history))
	}
	t.Logf("%d devices acknowledged, %d operations on the register", len(l.made), len(l.shared.history))
}
