package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"portolan/internal/store/etcd/etcdtest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"portolan": main}) }

func TestScripts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // the scripts run after this function has returned
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TAKEN", taken.Addr().String())
			e.Setenv("FREE", etcdtest.FreeAddress())
			ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(e.WorkDir, "notify"), Net: "unixgram"})
			if err != nil {
				return err
			}
			e.Setenv("NOTIFY_SOCKET", filepath.Join(e.WorkDir, "notify"))
			e.Values[readyKey{}] = ready
			e.Defer(func() { _ = ready.Close() })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// ready: until a server that was started in the background says that it is, as it does to systemd
			"ready": func(ts *testscript.TestScript, _ bool, _ []string) {
				said := make([]byte, 100)
				n, err := ts.Value(readyKey{}).(*net.UnixConn).Read(said)
				ts.Check(err)
				if string(said[:n]) != "READY=1" {
					ts.Fatalf("the server says %q", said[:n])
				}
			},
		},
	})
}

// readyKey is where a script keeps the socket on which servers say that they are ready.
type readyKey struct{}

func TestFlags_haveVariablesAndHelp(t *testing.T) {
	for _, cmd := range root().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.ToLower(f.Usage[:1]) != f.Usage[:1] {
				t.Errorf("%s --%s: help %q", cmd.Name(), f.Name, f.Usage)
			}
			if cmd.Name() == "serve" && !strings.HasSuffix(f.Usage, "("+environmentName(f.Name)+")") {
				t.Errorf("--%s does not name its variable", f.Name)
			}
		})
	}
}

func TestFromEnvironment_flagWins(t *testing.T) {
	cmd := serveCommand()
	if err := cmd.Flags().Parse([]string{"--listen", "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PORTOLAN_LISTEN": "127.0.0.1:2", "PORTOLAN_LOG_LEVEL": "warn"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	if err := fromEnvironment(cmd.Flags(), lookup); err != nil {
		t.Fatal(err)
	}
	if got := cmd.Flag("listen").Value.String() + " " + cmd.Flag("log-level").Value.String(); got != "127.0.0.1:1 warn" {
		t.Errorf("got %s", got)
	}
	env["PORTOLAN_DRAIN"] = "soon"
	if err := fromEnvironment(cmd.Flags(), lookup); err == nil || !strings.Contains(err.Error(), "PORTOLAN_DRAIN") {
		t.Errorf("got %v", err)
	}
}
