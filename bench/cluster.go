package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/internal/store/etcd"
	"portolan/internal/store/etcd/etcdtest"
)

func openShared(e *etcdtest.Cluster, prefix, server string) store.Shared {
	st, err := etcd.Open(context.Background(), etcd.Options{Endpoints: e.Client, Prefix: prefix, Server: server})
	check(err)
	return st.(store.Shared)
}

// creator creates devices below a global network of its own.
type creator struct {
	st   store.Store
	node *node.Node
	gn   string
	stop func()
}

// asCaller is the context of a call.
func asCaller() context.Context {
	return api.WithCaller(context.Background(), api.Caller{Account: "111122223333", Partition: "aws"})
}

func newCreator(st store.Store) *creator {
	ctx, cancel := context.WithCancel(asCaller())
	n, err := node.New(ctx, node.Config{Store: st, Quotas: state.Quotas{"devices": 1 << 30}})
	check(err)
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	gn, err := n.CreateGlobalNetwork(ctx, &api.CreateGlobalNetworkInput{})
	check(err)
	return &creator{st, n, gn.GlobalNetwork.GlobalNetworkId, func() {
		cancel()
		<-done
		check(st.Close())
	}}
}

func (c *creator) create() {
	_, err := c.node.CreateDevice(asCaller(), &api.CreateDeviceInput{GlobalNetworkId: c.gn, Description: new("a device of the benchmark")})
	check(err)
}

func (c *creator) commits() (commits, conflicts uint64) {
	status, err := c.st.(store.Shared).Status(asCaller())
	check(err)
	return status.Commits, status.Conflicts
}

// cluster measures servers on three members of etcd, which run on this machine too and take their share of it.
func (b *bench) cluster() {
	if _, err := exec.LookPath("etcd"); err != nil {
		b.printf("## Several servers on one etcd\n\netcd is not on this machine.\n\n")
		return
	}
	e, err := etcdtest.Start(context.Background(), "", 3)
	check(err)
	defer e.Stop()
	b.printf("## Several servers on one etcd\n\nThree members of etcd on this machine, which share its processors and its disk with the servers.\n\n")
	b.clusterCreates(e)
	b.twoServers(e)
	b.clusterReads(e)
	b.leaderLoss(e)
	b.clusterStart(e)
}

// putsPerCreate is how many keys CreateDevice writes; putsPerCommit are those of the commit itself.
const putsPerCreate, putsPerCommit = 5, 2

func (b *bench) clusterCreates(e *etcdtest.Cluster) {
	client, err := clientv3.New(clientv3.Config{Endpoints: e.Client, Logger: zap.NewNop()})
	check(err)
	defer func() { check(client.Close()) }()
	b.printf("CreateDevice over the service. `txn-put` is what etcd's benchmark of that name does: transactions of so many puts of 300 bytes,\none under way, as many puts as one commit of ours has. Goals with 64 writers: 0.25 of bbolt, 0.6 of txn-put.\n\n")
	b.printf("| writers | on etcd /s | bbolt /s | ratio | creates per transaction | transactions /s | txn-put /s | ratio |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, n := range []int{1, 16, 64} {
		ours, bolt := newCreator(openShared(e, fmt.Sprintf("creates%d", n), "bench")), newCreator(tempBolt())
		ours.create()
		before, _ := ours.commits()
		var created atomic.Int64
		rate, theirs, ratio := b.beside(n, calls(func() { ours.create(); created.Add(1) }), calls(bolt.create))
		after, _ := ours.commits()
		perCommit := float64(created.Load()) / float64(after-before)
		puts := int(perCommit*putsPerCreate) + putsPerCommit
		value, next := strings.Repeat("x", 300), 0
		floor := b.alone(1, calls(func() {
			ops := make([]clientv3.Op, puts)
			for i := range ops {
				ops[i] = clientv3.OpPut(fmt.Sprintf("floor/%012d", next), value)
				next++
			}
			_, err := client.Txn(context.Background()).Then(ops...).Commit()
			check(err)
		}))
		b.printf("| %d | %.0f | %.0f | %.2f | %.1f | %.0f | %.0f | %.2f |\n", n, rate, theirs, ratio, perCommit, rate/perCommit, floor, rate/perCommit/floor)
		ours.stop()
		bolt.stop()
	}
	b.printf("\n")
}

// twoServers writes below different parents through one server and through two.
func (b *bench) twoServers(e *etcdtest.Cluster) {
	a, c := newCreator(openShared(e, "two", "a")), newCreator(openShared(e, "two", "c"))
	defer a.stop()
	defer c.stop()
	var created atomic.Int64
	count := func(create func()) func() { return func() { create(); created.Add(1) } }
	measure := func(each func() func()) (rate, cpu float64) {
		created.Store(0)
		start := processCPU()
		rate = b.alone(32, each)
		return rate, float64((processCPU() - start).Microseconds()) / float64(created.Load())
	}
	one, oneCPU := measure(calls(count(a.create)))
	commits0, conflicts0 := add(a, c)
	var turn atomic.Int64
	two, twoCPU := measure(func() func() {
		if turn.Add(1)%2 == 0 {
			return count(a.create)
		}
		return count(c.create)
	})
	commits, conflicts := add(a, c)
	b.printf("32 writers at one server and at two, whose devices have different parents; both follow the store in either case. Goals: conflicts at most\n1 %% of the commits, processor time at most 1.2 times.\n\n")
	b.printf("| servers written to | creates /s | processor time of the servers per create, µs | conflicts |\n| ---: | ---: | ---: | ---: |\n| 1 | %.0f | %.0f | |\n| 2 | %.0f | %.0f (%.2f) | %.1f %% |\n\n",
		one, oneCPU, two, twoCPU, twoCPU/oneCPU, 100*float64(conflicts-conflicts0)/float64(max(1, commits-commits0)))
}

func add(list ...*creator) (commits, conflicts uint64) {
	for _, c := range list {
		x, y := c.commits()
		commits, conflicts = commits+x, conflicts+y
	}
	return commits, conflicts
}

// clusterReads compares reads with those of one server on bbolt.
func (b *bench) clusterReads(e *etcdtest.Cluster) {
	b.printf("Reads beside one server on bbolt, 4 clients, by processor time. Goal: 0.95.\n\n| call | on etcd /s | bbolt /s | ratio |\n| --- | ---: | ---: | ---: |\n")
	url := func(st store.Store) (device, page string, stop func()) {
		srv := serve(st)
		var gn api.CreateGlobalNetworkOutput
		check(json.Unmarshal(do("POST", srv.url+"/global-networks", "{}"), &gn))
		devices := srv.url + "/global-networks/" + gn.GlobalNetwork.GlobalNetworkId + "/devices"
		var made api.CreateDeviceOutput
		for range 200 {
			check(json.Unmarshal(do("POST", devices, `{"Description":"a device of the benchmark"}`), &made))
		}
		return devices + "?deviceIds=" + made.Device.DeviceId, devices + "?maxResults=100", srv.stop
	}
	device, page, stop := url(openShared(e, "reads", "bench"))
	defer stop()
	theirDevice, theirPage, theirStop := url(tempBolt())
	defer theirStop()
	for _, c := range []struct{ name, ours, theirs string }{{"GetDevices, one id", device, theirDevice}, {"GetDevices, page of 100", page, theirPage}} {
		ours, theirs, _, ratio := b.compared(4, gets(c.ours), gets(c.theirs))
		b.printf("| %s | %.0f | %.0f | %.2f |\n", c.name, ours, theirs, ratio)
	}
	b.printf("\n")
}

// leaderLoss kills the leading member while clients write, and gives the longest time without an answer.
func (b *bench) leaderLoss(e *etcdtest.Cluster) {
	c := newCreator(openShared(e, "loss", "bench"))
	defer c.stop()
	var pauses []float64
	for range b.rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		last, longest := time.Now(), time.Duration(0)
		over := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					c.create()
					mu.Lock()
					longest, last = max(longest, time.Since(last)), time.Now()
					mu.Unlock()
				}
			})
		}
		time.Sleep(b.span)
		leader, err := e.Leader(context.Background())
		check(err)
		e.Kill(leader)
		time.Sleep(4 * time.Second)
		close(over)
		wg.Wait()
		check(e.Begin(leader))
		time.Sleep(2 * time.Second) // it catches up
		pauses = append(pauses, longest.Seconds())
	}
	b.printf("The leading member is killed while 8 clients write: no call fails, and for %.1f s none is answered. Goal: 2 s.\n\n", median(pauses))
}

// clusterStart opens a store that holds many devices.
func (b *bench) clusterStart(e *etcdtest.Cluster) {
	c := newCreator(openShared(e, "start", "bench"))
	c.create()
	var key, value string
	check(c.st.View(asCaller(), func(r store.Reader) error {
		for k, v := range r.Scan("/acct/111122223333/device/", "") {
			key, value = k, string(v)
		}
		return nil
	}))
	c.stop()
	client, err := clientv3.New(clientv3.Config{Endpoints: e.Client, Logger: zap.NewNop()})
	check(err)
	defer func() { check(client.Close()) }()
	for n := 0; n < b.devices; {
		var ops []clientv3.Op
		for ; len(ops) < 2000 && n < b.devices; n++ {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("start/d%s%09d", key[:len(key)-9], n), "="+value))
		}
		_, err := client.Txn(context.Background()).Then(ops...).Commit()
		check(err)
	}
	server := b.binary
	if server == "" {
		server = buildBinaryOnce()
	}
	var times []float64
	for range b.rounds {
		begun := time.Now()
		url, _, kill := start(server, "--store", "etcd://"+strings.Join(e.Client, ",")+"/start", "--log-level", "error")
		do("GET", url+"/global-networks", "")
		times = append(times, time.Since(begun).Seconds())
		kill()
	}
	b.printf("A server on a store with %d devices answers the first call %.1f s after it was started. Goal: 10 s with 1,000,000.\n\n", b.devices, median(times))
}
