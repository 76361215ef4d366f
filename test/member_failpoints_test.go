package test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/networkmanager"

	"portolan/internal/store/etcd/etcdtest"
)

// etcdPlaces are places that etcd names in its own source, for its own tests, by file: where an entry of the log is written, sent
// and applied, and where the database is committed.
var etcdPlaces = map[string][]string{
	"etcdserver/raft.go":          {"raftBeforeLeaderSend", "raftBeforeSave", "raftAfterSave", "raftBeforeAdvance"},
	"etcdserver/server.go":        {"beforeApplyOneEntryNormal"},
	"storage/wal/wal.go":          {"walBeforeSync", "walAfterSync"},
	"storage/backend/batch_tx.go": {"beforeWritebackBuf", "afterWritebackBuf", "commitBeforePreCommitHook", "commitAfterPreCommitHook", "beforeCommit", "afterCommit"},
}

// etcdPlaceVariable names a file: the process is killed when it comes to the place whose name is in it.
const etcdPlaceVariable = "PORTOLAN_TEST_ETCD_PLACE"

// etcdKill is what the places call, in each package that has some.
const etcdKill = `package %s

import (
	"os"
	"syscall"
)

func atPlace(name string) {
	if there, err := os.ReadFile(os.Getenv("` + etcdPlaceVariable + `")); err == nil && string(there) == name {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
`

// killedMemberBinary is a binary with a member in it that can be killed at the places of etcd: one with a copy of its module.
func killedMemberBinary(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	etcd, workspace := filepath.Join(dir, "etcd"), filepath.Join(dir, "build.work")
	run := func(workspace string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK="+workspace)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const server = "go.etcd.io/etcd/server/v3"
	joined := filepath.Join(root, memberModule, "build.work")
	run(joined, "mod", "download", server) // which "list" does not
	module := run(joined, "list", "-m", "-f", "{{.Dir}}", server)
	if err := os.CopyFS(etcd, os.DirFS(module)); err != nil {
		t.Fatal(err)
	}
	for file, places := range etcdPlaces {
		path := filepath.Join(etcd, filepath.FromSlash(file))
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		for _, place := range places {
			comment := "// gofail: var " + place + " struct{}"
			if n := strings.Count(text, comment); n != 1 {
				t.Fatalf("%s names the place %s %d times", file, place, n)
			}
			text = strings.Replace(text, comment, fmt.Sprintf("atPlace(%q)", place), 1)
		}
		name := regexp.MustCompile(`(?m)^package (\w+)$`).FindStringSubmatch(text)[1]
		if err := os.Remove(path); err != nil { // what is copied may not be written to
			t.Fatal(err)
		}
		write(path, text)
		write(filepath.Join(filepath.Dir(path), "place.go"), fmt.Sprintf(etcdKill, name))
	}
	write(workspace, fmt.Sprintf("go 1.26.0\n\nuse (\n\t%q\n\t%q\n)\n\nreplace go.etcd.io/etcd/server/v3 => %q\n", root, filepath.Join(root, memberModule), etcd))
	binary := filepath.Join(dir, "portolan-cluster")
	run(workspace, "build", "-tags", "grpcnotrace", "-trimpath", "-overlay", memberModule+"/overlay.json", "-ldflags", "-s -w", "-o", binary, "./cmd/portolan")
	return binary
}

// TestMember_killedWithinEtcd kills a member that four clients write to, at one place within etcd after another, and begins it again:
// nothing that was acknowledged is lost, and nothing is half there. ETCD_PLACES=all takes all places, which make robustness does.
func TestMember_killedWithinEtcd(t *testing.T) {
	places := []string{"raftBeforeSave", "walAfterSync", "beforeApplyOneEntryNormal", "commitAfterPreCommitHook"}
	if os.Getenv("ETCD_PLACES") == "all" {
		places = nil
		for _, file := range slices.Sorted(maps.Keys(etcdPlaces)) {
			places = append(places, etcdPlaces[file]...)
		}
	}
	binary := killedMemberBinary(t)
	args := []string{"--cluster", "a", "--peers", "a=http://" + etcdtest.FreeAddress(), "--data", filepath.Join(inMemory(t), "a"), "--log-level", "error", "--quota", "devices=1000000"}
	file := filepath.Join(t.TempDir(), "place")
	t.Setenv(etcdPlaceVariable, file)
	begin := func() *Process {
		p, err := start(binary, args...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		return p
	}
	ctx := patiently(t)
	p := begin()
	made, err := patient(p).CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	gn := *made.GlobalNetwork.GlobalNetworkId
	acknowledged := map[string]string{}
	for _, place := range places {
		before := len(acknowledged)
		maps.Copy(acknowledged, writeUntilItEnds(ctx, t, p, gn, place, func() {
			if err := writeAtOnce(file, place); err != nil {
				t.Error(err)
			}
		}))
		t.Logf("%s: %d devices", place, len(acknowledged)-before)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		p = begin()
	}
	until(t, "the member to have all", func() bool {
		err = verify(ctx, patient(p), gn, acknowledged)
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
}

// writeUntilItEnds creates devices until the server is gone, and returns which were acknowledged. Once there are some it calls end.
func writeUntilItEnds(ctx context.Context, t *testing.T, p *Process, gn, place string, end func()) map[string]string {
	t.Helper()
	var mu sync.Mutex
	acknowledged := map[string]string{}
	var wg sync.WaitGroup
	for w := range 4 {
		client := once(p)
		wg.Go(func() {
			for n := 0; ; n++ {
				description := fmt.Sprintf("%s, writer %d, device %d", place, w, n)
				out, err := client.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &gn, Description: &description})
				if err != nil {
					return
				}
				mu.Lock()
				if acknowledged[*out.Device.DeviceId] = description; len(acknowledged) == 20 {
					end()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	select {
	case err := <-p.done:
		p.done <- err
	case <-ctx.Done():
		t.Fatalf("%s: the writers ended and the server did not", place)
	}
	if p.cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("%s: it was not killed: %v\n%s", place, p.cmd.ProcessState, p.Log)
	}
	return acknowledged
}
