package main

import (
	"maps"
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

func TestUnknownVariables_nameTheNearest(t *testing.T) {
	got := unknownVariables([]string{
		"PORTOLAN_CREDENTIAL=keys.json", "PORTOLAN_NOTHING_LIKE_IT=1", "HOME=/", "PORTOLAN_LISTEN=127.0.0.1:1", "PORTOLAN_SNAPSHOT=n.yaml", "PORTOLAN_CLOCK_FILE=f",
		"PORTOLAN_SERVICE_HOST=10.0.0.1", "PORTOLAN_PORT=tcp://10.0.0.1:4566", "PORTOLAN_PORT_4566_TCP_ADDR=10.0.0.1", "PORTOLAN_WEST_SERVICE_PORT_API=4566",
		"PORTOLAN_TEST_BINARY=b", "PORTOLAN_BINARY=b", "PORTOLAN_ACTIVE_HELP=0", "PORTOLAN_COMPLETION_DESCRIPTIONS=0",
	})
	want := map[string]string{"PORTOLAN_CREDENTIAL": "did you mean PORTOLAN_CREDENTIALS?", "PORTOLAN_NOTHING_LIKE_IT": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestAddresses_canBeOpened: a browser opens no address that stands for all of them.
func TestAddresses_canBeOpened(t *testing.T) {
	l := &bound{&net.TCPAddr{IP: net.IPv6zero, Port: 4567}}
	for asked, want := range map[string][2]string{
		"0.0.0.0:0":      {"0.0.0.0:4567", "127.0.0.1:4567"},
		":0":             {":4567", "127.0.0.1:4567"},
		"[::]:0":         {"[::]:4567", "[::1]:4567"},
		"127.0.0.1:4567": {"127.0.0.1:4567", "127.0.0.1:4567"},
		"[::1]:0":        {"[::1]:4567", "[::1]:4567"},
		"localhost:0":    {"localhost:4567", "localhost:4567"},
		"10.0.0.1:http":  {"10.0.0.1:4567", "10.0.0.1:4567"},
	} {
		if listening, here := addresses(asked, l); [2]string{listening, here} != want {
			t.Errorf("%s: %s, %s", asked, listening, here)
		}
	}
	var out strings.Builder
	o := listenOptions{address: "0.0.0.0:0", cert: "c.pem"}
	o.announce(&out, l, "")
	if got := out.String(); !strings.HasPrefix(got, "portolan is listening on 0.0.0.0:4567, which is https://127.0.0.1:4567 on this machine; ") || !strings.Contains(got, "NETWORKMANAGER=https://127.0.0.1:4567\n") {
		t.Errorf("got %s", got)
	}
}

// bound is a listener that has an address.
type bound struct{ at net.Addr }

func (b *bound) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (b *bound) Close() error              { return nil }
func (b *bound) Addr() net.Addr            { return b.at }
