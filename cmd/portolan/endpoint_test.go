package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const awsConfig = `
[default]
region = eu-west-1
[profile lab]
services = lab
endpoint_url = http://127.0.0.1:1
[services lab]
networkmanager =
  endpoint_url = http://127.0.0.1:2
[profile all]
endpoint_url = http://127.0.0.1:3
ignore_configured_endpoint_urls = false
[profile silent]
endpoint_url = http://127.0.0.1:4
ignore_configured_endpoint_urls = true
`

const awsCredentials = `
[lab]
aws_access_key_id = 111122223333
aws_secret_access_key = any
`

func TestNewClient_asAWSClientsAreSetUp(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"config": awsConfig, "credentials": awsCredentials} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name                  string
		env                   map[string]string
		flag                  string
		endpoint, key, region string
	}{
		{"nothing", nil, "", "http://127.0.0.1:4566", "000000000000", "eu-west-1"},
		{"a flag", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8"}, "http://127.0.0.1:9", "http://127.0.0.1:9", "000000000000", "eu-west-1"},
		{"all services", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_REGION": "us-east-1"}, "", "http://127.0.0.1:8", "000000000000", "us-east-1"},
		{"one service", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_ENDPOINT_URL_NETWORKMANAGER": "http://127.0.0.1:7"}, "", "http://127.0.0.1:7", "000000000000", "eu-west-1"},
		{"services section of a profile", map[string]string{"AWS_PROFILE": "lab"}, "", "http://127.0.0.1:2", "111122223333", "us-west-2"},
		{"endpoint of a profile", map[string]string{"AWS_PROFILE": "all"}, "", "http://127.0.0.1:3", "000000000000", "us-west-2"},
		{"ignored", map[string]string{"AWS_PROFILE": "silent"}, "", "http://127.0.0.1:4566", "000000000000", "us-west-2"},
		{"keys of the environment", map[string]string{"AWS_PROFILE": "lab", "AWS_ACCESS_KEY_ID": "222233334444", "AWS_SECRET_ACCESS_KEY": "x"}, "", "http://127.0.0.1:2", "222233334444", "us-west-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{
				"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_NETWORKMANAGER", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
				"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_DEFAULT_PROFILE",
			} {
				t.Setenv(name, "")
			}
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := newClient(t.Context(), c.flag)
			if err != nil {
				t.Fatal(err)
			}
			if got.endpoint != c.endpoint || got.keys.AccessKeyID != c.key || got.region != c.region {
				t.Errorf("got %s as %s in %s", got.endpoint, got.keys.AccessKeyID, got.region)
			}
		})
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_PROFILE", "none")
	if _, err := newClient(t.Context(), ""); err == nil {
		t.Error("a profile that does not exist is taken")
	}
}

// TestEndpoint_exitCodes asks each command that asks a server, where there is none, where it refuses, and where what answers is none:
// all end with 2 and say the same, but the health check, whose answer that is.
func TestEndpoint_exitCodes(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "111122223333")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	quiet := log.New(io.Discard, "", 0)
	serve := func(start func(*httptest.Server), status int, body string) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		s.Config.ErrorLog = quiet
		start(s)
		t.Cleanup(s.Close)
		return s.URL
	}
	plain := serve((*httptest.Server).Start, 200, "<html>")
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "{")
	}))
	t.Cleanup(cut.Close)
	for _, c := range []struct{ name, endpoint, want string }{
		{"no server", "http://127.0.0.1:1", `no answer from the server at http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused; start one with "portolan serve", or name another with --endpoint`},
		{"no address", "127.0.0.1:4566", `the server URL "127.0.0.1:4566" is not an address such as http://127.0.0.1:4566`},
		{"untrusted certificate", serve((*httptest.Server).StartTLS, 200, "{}"), "put the certificate authority of its certificate into a file that SSL_CERT_FILE names"},
		{"no HTTPS", strings.Replace(plain, "http:", "https:", 1), "write http:// if it serves no HTTPS"},
		{"wrong key", serve((*httptest.Server).Start, 403, `{"message":"The security token included in the request is invalid."}`), "the server refuses: The security token included in the request is invalid"},
		{"error", serve((*httptest.Server).Start, 500, `{"Message":"An internal error occurred."}`), "the server refuses: An internal error occurred"},
		{"error of another server", serve((*httptest.Server).Start, 502, "<html>"), "the server answers 502 Bad Gateway: <html>"},
		{"breaks off", cut.URL, "the server's answer breaks off: unexpected EOF"},
	} {
		for path, args := range askers(t) {
			cmd := root()
			cmd.SetArgs(append(strings.Fields(path)[1:], append(args, "--endpoint", c.endpoint)...))
			cmd.SetOut(io.Discard)
			err := cmd.Execute()
			want := exitUsage
			if path == "portolan health" {
				want = exitFindings
			}
			if err == nil || exitCode(err) != want || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v", c.name, path, err)
			}
		}
	}
}

// askers are the arguments of each command that asks a server.
func askers(t *testing.T) map[string][]string {
	of := []string{"--core-network", "core-network-0123456789abcdef0"}
	args := map[string][]string{
		"portolan health": nil, "portolan cluster status": nil, "portolan cluster add": {"https://10.0.0.4:2380"}, "portolan cluster remove": {"c"},
		"portolan backup": {filepath.Join(t.TempDir(), "backup.db")}, "portolan bgp sessions": nil, "portolan bgp heard": {"p"}, "portolan bgp advertised": {"p"},
		"portolan bgp reset": {"p"}, "portolan bgp config": {"p"}, "portolan snapshot export": of, "portolan doctor": of, "portolan attachments": of, "portolan routes": of,
		"portolan why": append([]string{"10.0.0.0/8"}, of...), "portolan path": append([]string{"--from", "a", "--to", "10.0.0.1"}, of...),
		"portolan matrix": of, "portolan advertised": append([]string{"a"}, of...), "portolan told": append([]string{"a"}, of...),
		"portolan test": append([]string{"../../examples/network.assertions"}, of...), "portolan plan": append([]string{"--fail", "edge=us-east-1"}, of...),
		"portolan graph": of, "portolan report": of,
	}
	others := map[string]bool{"portolan import": true, "portolan verify": true, "portolan drift": true, "portolan mcp": true} // ask AWS, or later
	each(root(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if _, tried := args[path]; cmd.Flags().Lookup("endpoint") != nil && !tried && !others[path] {
			t.Errorf("%s is not tried", path)
		}
	})
	return args
}
