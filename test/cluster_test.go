package test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/go-json-experiment/json"
)

// patient retries as an SDK does for as long as a failover takes.
func patient(p *Process) *networkmanager.Client {
	return networkmanager.New(networkmanager.Options{
		Region: "us-west-2", BaseEndpoint: &p.URL, Credentials: sdk(p).Options().Credentials,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 600, time.Second, ratelimit.None
			o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				var op *net.OpError
				return aws.BoolTernary(errors.As(err, &op))
			}))
		}),
	})
}

// register is a description that clients of all servers write and read.
type register struct {
	mu      sync.Mutex
	history []porcupine.Operation
	clock   atomic.Int64
}

type access struct {
	write bool
	value string
}

// describes is the model: a read gives what was written last.
var describes = porcupine.Model{
	Init: func() any { return "start" },
	Step: func(state, input, output any) (bool, any) {
		in := input.(access)
		if in.write {
			return true, in.value
		}
		return output.(string) == state.(string), state
	},
}

func (r *register) record(client int, in access, do func() (string, error)) {
	called := r.clock.Add(1)
	out, err := do()
	returned := r.clock.Add(1)
	if err != nil {
		if !in.write {
			return
		}
		returned = 1 << 40 // it may take effect at any time
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
}

// TestCluster_serversOnOneEtcd writes through three servers while the leader of etcd is killed, one server is killed and
// another stands still. Nothing that was acknowledged is lost, a register is linearizable, and a quota holds. The register is
// used by clients that do not repeat calls: one that did might write the same twice, with what others write in between.
func TestCluster_serversOnOneEtcd(t *testing.T) {
	cluster := startEtcd(t, 3)
	const devices = 200
	args := []string{"--store", cluster.address("wan"), "--store-reads", "linearizable", "--log-level", "error", "--quota", fmt.Sprintf("devices=%d", devices)}
	servers := make([]*Process, 3)
	for i := range servers {
		servers[i] = Start(t, append(args, "--store-name", fmt.Sprintf("server-%d", i))...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience) // with failovers, on a busy machine
	defer cancel()
	made, err := patient(servers[0]).CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{Description: aws.String("start")})
	if err != nil {
		t.Fatal(err)
	}
	gn := *made.GlobalNetwork.GlobalNetworkId

	var mu sync.Mutex
	acknowledged := map[string]string{}
	refused := 0
	var written atomic.Int64
	reached := make(chan struct{})
	var wg sync.WaitGroup
	var shared register
	for w := range 6 {
		client, once := patient(servers[w%2]), sdkClient(servers[w%2], "111122223333") // the third is killed, its clients go elsewhere
		wg.Go(func() {
			for n := 0; ; n++ {
				description := fmt.Sprintf("writer %d device %d", w, n)
				out, err := client.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &gn, Description: &description})
				var full *types.ServiceQuotaExceededException
				switch {
				case errors.As(err, &full):
					mu.Lock()
					refused++
					mu.Unlock()
					return
				case err != nil:
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				acknowledged[*out.Device.DeviceId] = description
				mu.Unlock()
				if written.Add(1) == devices/3 {
					close(reached)
				}
				if n%3 == 0 {
					value := fmt.Sprintf("%d-%d", w, n)
					shared.record(w, access{write: true, value: value}, func() (string, error) {
						_, err := once.UpdateGlobalNetwork(ctx, &networkmanager.UpdateGlobalNetworkInput{GlobalNetworkId: &gn, Description: &value})
						return "", err
					})
				} else {
					shared.record(w, access{}, func() (string, error) {
						out, err := once.DescribeGlobalNetworks(ctx, &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{gn}})
						if err != nil {
							return "", err
						}
						return *out.GlobalNetworks[0].Description, nil
					})
				}
			}
		})
	}
	select {
	case <-reached:
	case <-ctx.Done():
		t.Fatal("the writers do not get on")
	}
	leader, err := cluster.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cluster.Kill(leader)
	servers[2].Kill()
	if err := servers[1].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stood, err := patient(servers[0]).CreateSite(ctx, &networkmanager.CreateSiteInput{GlobalNetworkId: &gn, Description: aws.String("while another stood still")})
	if err != nil {
		t.Fatal(err)
	}
	if err := servers[1].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	cluster.begin(leader)
	wg.Wait()

	again := Start(t, append(args, "--store-name", "server-2")...)
	t.Run("every server has what was acknowledged", func(t *testing.T) {
		for i, p := range []*Process{servers[0], servers[1], again} {
			if err := verify(ctx, patient(p), gn, acknowledged); err != nil {
				t.Errorf("server %d: %v", i, err)
			}
			sites, err := patient(p).GetSites(ctx, &networkmanager.GetSitesInput{GlobalNetworkId: &gn})
			// A call that was answered with an error may have been carried out before it was repeated: CreateSite has no client token.
			if err != nil || !slices.ContainsFunc(sites.Sites, func(s types.Site) bool { return *s.SiteId == *stood.Site.SiteId }) {
				t.Errorf("server %d: sites %+v, %v", i, sites, err)
			}
		}
	})
	t.Run("the quota holds", func(t *testing.T) {
		if len(acknowledged) > devices || refused != 6 {
			t.Errorf("%d devices, the quota is %d; %d of 6 writers were refused", len(acknowledged), devices, refused)
		}
	})
	t.Run("the register is linearizable", func(t *testing.T) {
		if result := porcupine.CheckOperationsTimeout(describes, initially(shared.history), patience); result != porcupine.Ok {
			t.Error(result)
		}
	})
	t.Run("cluster status", func(t *testing.T) {
		until(t, "all of it", func() bool {
			text := commandOf(again, "cluster", "status")
			return !slices.ContainsFunc([]string{"server server-2:", "server-0", "server-1", "publishing", "leader"},
				func(want string) bool { return !strings.Contains(text, want) })
		})
	})
	t.Logf("%d devices acknowledged", len(acknowledged))
}

func readJSON(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// initially is a history with the value that the register began with.
func initially(history []porcupine.Operation) []porcupine.Operation {
	return append([]porcupine.Operation{{Input: access{write: true, value: "start"}, Call: -2, Output: "", Return: -1}}, history...)
}

// TestCluster_attachmentsMoveOnce lets a second server take the steps that the first, whose clock is an hour ahead, has scheduled,
// and a sink carry every event away once, whichever server owns it.
func TestCluster_attachmentsMoveOnce(t *testing.T) {
	cluster := startEtcd(t, 1)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	args := []string{"--store", cluster.address("steps"), "--log-level", "error", "--events-file", events, "--lifecycle", "site.PENDING=2s"}
	first := startAhead(t, time.Hour, append(args, "--store-name", "first")...)
	second := Start(t, append(args, "--store-name", "second")...)
	lab := newCoreNetworkLab(t, first, "111122223333")
	ctx := t.Context()
	site, err := patient(first).CreateSite(ctx, &networkmanager.CreateSiteInput{GlobalNetworkId: &lab.gn})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := first.Stop(patiently(t)); err != nil || code != 0 { // a sink that is killed may not have noted what it carried away
		t.Fatalf("the first server ends with %d, %v: %s", code, err, first.Log)
	}
	lab.until("the second server to take the step of the first", func() bool {
		sites, err := patient(second).GetSites(ctx, &networkmanager.GetSitesInput{GlobalNetworkId: &lab.gn})
		if err != nil {
			t.Fatal(err)
		}
		return len(sites.Sites) == 1 && *sites.Sites[0].SiteId == *site.Site.SiteId && sites.Sites[0].State == types.SiteStateAvailable
	})
	var log struct {
		Events []struct{ Event struct{ ID string } }
	}
	readJSON(t, ask(t, second, "GET", "/_portolan/events?limit=1000", nil), &log)
	if len(log.Events) == 0 {
		t.Fatal("no events")
	}
	lab.until("the sink to carry away what happened", func() bool {
		text, err := os.ReadFile(events)
		return err == nil && strings.Count(string(text), "\n") >= len(log.Events)
	})
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log.Events {
		if n := strings.Count(string(text), e.Event.ID); n != 1 {
			t.Errorf("event %s was carried away %d times", e.Event.ID, n)
		}
	}
}

// TestCluster_migrate copies a folder to etcd and back.
func TestCluster_migrate(t *testing.T) {
	cluster := startEtcd(t, 1)
	folder, back := t.TempDir(), filepath.Join(t.TempDir(), "back")
	p := Start(t, "--data", folder)
	made, err := sdk(p).CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{Description: aws.String("moves")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := func(code int, args ...string) string {
		t.Helper()
		out, err := exec.Command(Binary(t), args...).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != code) || err == nil && code != 0 {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run(0, "migrate", "--data", folder, cluster.address("a"))
	if out := run(2, "migrate", "--data", folder, cluster.address("a")); !strings.Contains(out, "not empty") {
		t.Errorf("a second copy: %s", out)
	}
	q := Start(t, "--store", cluster.address("a"))
	found, err := sdk(q).DescribeGlobalNetworks(t.Context(), &networkmanager.DescribeGlobalNetworksInput{})
	if err != nil || len(found.GlobalNetworks) != 1 || *found.GlobalNetworks[0].GlobalNetworkId != *made.GlobalNetwork.GlobalNetworkId {
		t.Fatalf("on etcd: %+v, %v", found, err)
	}
	if out := run(2, "migrate", "--back", "--data", back, cluster.address("a")); !strings.Contains(out, "is in use by") {
		t.Errorf("a copy beside a running server: %s", out)
	}
	backup := filepath.Join(t.TempDir(), "etcd.db")
	run(0, "backup", "--endpoint", q.URL, backup)
	if _, err := q.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the server to be gone from the store", func() bool { // by its lease, should it not have been told so in time
		return exec.Command(Binary(t), "migrate", "--back", "--data", back, cluster.address("a")).Run() == nil
	})
	r := Start(t, "--data", back)
	found, err = sdk(r).DescribeGlobalNetworks(t.Context(), &networkmanager.DescribeGlobalNetworksInput{})
	if err != nil || len(found.GlobalNetworks) != 1 || *found.GlobalNetworks[0].Description != "moves" {
		t.Fatalf("back in a folder: %+v, %v", found, err)
	}
}

// TestCluster_offLoopbackNeedsTLS: etcd elsewhere is never asked without TLS, and no secret is taken in the address.
func TestCluster_offLoopbackNeedsTLS(t *testing.T) {
	for args, want := range map[string]string{
		"--store etcd://10.0.0.1/wan":                      "TLS is needed",
		"--store etcd://root:secret@127.0.0.1/wan":         "do not belong in its address",
		"--store http://127.0.0.1/wan":                     "etcd://host",
		"--store etcd://127.0.0.1/wan --store-reads some":  "local or linearizable",
		"--store etcd://127.0.0.1/wan --store-cert a.pem":  "belong together",
		"--store etcd://127.0.0.1/wan --store-user a":      "belong together",
		"--store etcd://127.0.0.1/wan --store-ca /nowhere": "--store-ca",
		"--store etcd://127.0.0.1/wan --ephemeral":         "exclude each other",
		"--store etcd://127.0.0.1:1/wan":                   "etcd://127.0.0.1:1",
	} {
		out, err := exec.Command(Binary(t), append([]string{"serve", "--listen", "127.0.0.1:0"}, strings.Fields(args)...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "secret") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}
