package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer asks servers in turns. One that did not begin to answer in time is left out for a while.
type balancer struct {
	addresses []string
	turn      atomic.Uint64
	away      sync.Map // address -> until when

	mu     sync.Mutex
	faulty string // the server that was asked for a fault, which the next call is to meet
}

// next is the server for a call.
func (b *balancer) next(path string) (address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if address, b.faulty = b.faulty, ""; address != "" {
		return address
	}
	if path == "/_portolan/faults" {
		defer func() { b.faulty = address }()
	}
	for range b.addresses {
		address = b.addresses[b.turn.Add(1)%uint64(len(b.addresses))]
		if until, away := b.away.Load(address); !away || time.Now().After(until.(time.Time)) {
			break
		}
	}
	return address
}

// roundRobin is where clients ask servers in turns, each call another one. What a server does not begin to answer in time is 502,
// which clients try again.
func roundRobin(tb testing.TB, wait time.Duration, addresses ...string) *Process {
	tb.Helper()
	b := &balancer{addresses: addresses}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = wait
	transport.MaxIdleConnsPerHost = 64
	balancer := httptest.NewServer(&httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", b.next(r.In.URL.Path)
			r.Out.Host = r.Out.URL.Host
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) {
			b.away.Store(r.URL.Host, time.Now().Add(2*time.Second))
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	tb.Cleanup(balancer.Close)
	return &Process{URL: balancer.URL, Addr: strings.TrimPrefix(balancer.URL, "http://")}
}

// serversVariable makes [Start] start so many servers on one etcd in the place of one that keeps everything in memory, so that
// the tests of clients are tests of a cluster.
const serversVariable = "PORTOLAN_TEST_SERVERS"

// onePerServer are flags of what each server has for itself: with them there is one.
var onePerServer = []string{"--credentials", "--rate-limit", "--drain", "--snapshot", "--upstream"}

// Start runs `portolan serve` with the arguments on a free port and returns when it is ready. It is killed at the end
// of the test.
func Start(t *testing.T, args ...string) *Process {
	t.Helper()
	several, _ := strconv.Atoi(os.Getenv(serversVariable))
	own := func(arg string) bool { return slices.Contains(onePerServer, arg) }
	if several > 0 && slices.Contains(args, "--ephemeral") && !slices.ContainsFunc(args, own) {
		return startSeveral(t, several, args)
	}
	p, err := start(Binary(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// startSeveral starts servers on one etcd and answers as one, which asks them in turns.
func startSeveral(t *testing.T, n int, args []string) *Process {
	t.Helper()
	cluster := startEtcd(t, 1)
	i := slices.Index(args, "--ephemeral")
	args = append(slices.Delete(slices.Clone(args), i, i+1), "--store", cluster.address("wan"), "--store-reads", "linearizable")
	var addresses []string
	var first *Process
	for i := range n {
		p, err := start(Binary(t), append(args, "--store-name", fmt.Sprintf("server-%d", i))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		if addresses = append(addresses, p.Addr); first == nil {
			first = p
		}
	}
	all := roundRobin(t, patience, addresses...)
	all.Log, all.cmd, all.done = first.Log, first.cmd, first.done
	return all
}
