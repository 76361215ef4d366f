package test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
)

// startAhead starts a server whose clock is ahead of the others'.
func startAhead(t *testing.T, by time.Duration, args ...string) *Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(file, []byte(by.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Setenv("PORTOLAN_CLOCK_FILE", file); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Unsetenv("PORTOLAN_CLOCK_FILE") }()
	return Start(t, args...)
}

// TestCluster_creationsDoNotConflict writes below two parents of one account through two servers. What each schedules, and takes
// a moment later, is in one queue: at most one commit in a hundred has to be made again.
func TestCluster_creationsDoNotConflict(t *testing.T) {
	cluster := startEtcd(t, 1)
	var servers []*Process
	for i := range 2 {
		servers = append(servers, Start(t, "--store", cluster.address("wan"), "--log-level", "error", "--store-name", fmt.Sprintf("server-%d", i)))
	}
	type counters struct{ Commits, Conflicts int }
	count := func() (sum counters) {
		for _, p := range servers {
			var c counters
			readJSON(t, ask(t, p, "GET", "/_portolan/cluster", nil), &c)
			sum.Commits, sum.Conflicts = sum.Commits+c.Commits, sum.Conflicts+c.Conflicts
		}
		return sum
	}
	const writers, each = 8, 40
	parents := make([]string, len(servers))
	for i, p := range servers {
		made, err := sdk(p).CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
		if err != nil {
			t.Fatal(err)
		}
		parents[i] = *made.GlobalNetwork.GlobalNetworkId
	}
	before := count()
	var wg sync.WaitGroup
	for w := range writers {
		client, parent := sdk(servers[w%2]), &parents[w%2]
		wg.Go(func() {
			for range each {
				if _, err := client.CreateDevice(t.Context(), &networkmanager.CreateDeviceInput{GlobalNetworkId: parent}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	after := count()
	commits, conflicts := after.Commits-before.Commits, after.Conflicts-before.Conflicts
	const few = 2 // of so small a number of commits
	if commits < each || conflicts > few+commits/100 {
		t.Errorf("%d commits, %d conflicts", commits, conflicts)
	}
	t.Logf("%d commits, %d conflicts", commits, conflicts)
}
