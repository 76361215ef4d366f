package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"portolan/internal/store"
	"portolan/servertest"
)

// noAnswers are the commands that print no answer, with what they do instead.
var noAnswers = map[string]string{
	"portolan serve": "runs", "portolan lsp": "talks with an editor", "portolan mcp": "talks with a model's client",
	"portolan policy fmt": "prints policies", "portolan policy init": "prints a policy", "portolan policy schema": "prints a JSON Schema", "portolan policy to-terraform": "prints HCL",
	"portolan snapshot export": "prints a snapshot, as YAML or JSON", "portolan import": "prints a snapshot, as YAML or JSON", "portolan snapshot schema": "prints a JSON Schema",
	"portolan graph": "draws", "portolan report": "writes HTML", "portolan bgp config": "prints a router's configuration", "portolan bgp reset": "prints nothing",
	"portolan backup": "says what it did", "portolan restore": "says what it did", "portolan compact": "says what it did", "portolan migrate": "says what it did",
	"portolan cluster add": "says what it did", "portolan cluster remove": "says what it did",
	"portolan health": "ends with 0 or 1", "portolan man": "writes files", "portolan told": "is the former name of advertised",
}

// TestAnswers_everyFormat: each command that answers prints text, JSON and Markdown, and each other format that it names. Every
// command of the tree is either tried or among those that print no answer.
func TestAnswers_everyFormat(t *testing.T) {
	questions := answerable(t)
	each(root(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.HasSubCommands() || noAnswers[path] != "" {
			return
		}
		t.Run(path, func(t *testing.T) {
			args, ok := questions[path]
			flag := cmd.Flags().Lookup("output")
			if !ok || flag == nil {
				t.Fatalf("it has no question here (%t) or no --output (%t): is it one that prints no answer?", ok, flag != nil)
			}
			formats, ok := flag.Value.(*oneOf)
			if !ok || !slices.Contains(formats.words, "text") || !slices.Contains(formats.words, "json") || !slices.Contains(formats.words, "markdown") {
				t.Fatalf("--output takes %v", flag.Value)
			}
			text := answered(t, path, args, "text")
			for _, format := range formats.words {
				if format == "png" { // takes a browser
					continue
				}
				out := answered(t, path, args, format)
				switch {
				case len(out) == 0 && format != "github":
					t.Errorf("%s is empty", format)
				case (format == "json" || format == "sarif") && !jsontext.Value(out).IsValid():
					t.Errorf("%s is no JSON: %.200s", format, out)
				case format == "markdown" && (bytes.Contains(out, []byte("\x1b")) || bytes.Equal(out, text) && bytes.Count(out, []byte("\n")) > 2):
					t.Errorf("Markdown is the text: %.200s", out)
				}
			}
		})
	})
}

// answered is what a command prints in a format. It ends with 0, or with 1 for what it found.
func answered(t *testing.T, path string, args []string, format string) []byte {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(slices.Concat(strings.Fields(path)[1:], args, []string{"-o", format}))
	err := cmd.ExecuteContext(t.Context())
	if e, coded := errors.AsType[*exitError](err); err != nil && (!coded || e.code != exitFindings || e.err != nil) {
		t.Fatalf("%s -o %s: %v", path, format, err)
	}
	return out.Bytes()
}

// answerable are the arguments of a question to each command that answers.
func answerable(t *testing.T) map[string][]string {
	t.Helper()
	const network, document = "../../examples/network.yaml", "../../examples/policy.json"
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenBolt(filepath.Join(data, dataFile), store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	running := servertest.New(t, servertest.WithSnapshot(network))
	t.Setenv("AWS_ACCESS_KEY_ID", running.Account)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, map[string]string{
			"/_portolan/bgp/sessions":              `{"sessions": [{"connectPeerId": "connect-peer-1", "edge": "us-east-1", "state": "Established"}, {"connectPeerId": "connect-peer-2", "state": "Idle"}]}`,
			"/_portolan/bgp/sessions/p/heard":      `{"routes": [{"prefix": "10.1.0.0/16", "asPath": [65001]}]}`,
			"/_portolan/bgp/sessions/p/advertised": `{"routes": [{"prefix": "10.1.0.0/16", "asPath": [65001], "med": 7, "stale": true}]}`,
			"/_portolan/cluster":                   `{"server": "s", "servers": {"s": "10.0.0.1"}, "owners": {"publishing": "s"}, "members": [{"endpoint": "e", "leader": true}]}`,
		}[r.URL.Path])
	}))
	t.Cleanup(control.Close)
	snapshot := []string{"--snapshot", network}
	questions := map[string][]string{
		"portolan policy check": {document}, "portolan policy lint": {document}, "portolan policy diff": {document, filepath.Join(dir, "other.json")},
		"portolan policy explain":    {document, "--type", "vpc", "--edge", "eu-west-1", "--tag", "env=prod", "--account", "111122223333"},
		"portolan snapshot validate": {network}, "portolan routes": append([]string{"--segment", "prod", "--edge", "us-east-1"}, snapshot...), "portolan why": append([]string{"10.0.0.0/16", "--segment", "dev", "--edge", "us-east-1"}, snapshot...),
		"portolan advertised": append([]string{"a1"}, snapshot...), "portolan path": append([]string{"--from", "a1", "--to", "10.1.0.5"}, snapshot...),
		"portolan plan": append([]string{"--fail", "edge=us-east-1"}, snapshot...), "portolan matrix": snapshot, "portolan test": append([]string{"../../examples/network.assertions"}, snapshot...),
		"portolan doctor": snapshot, "portolan attachments": snapshot, "portolan check": {data}, "portolan ops": nil, "portolan version": nil,
		"portolan verify": {"--endpoint", running.URL, "--no-ec2"}, "portolan drift": {"--snapshot", network, "--endpoint", running.URL, "--no-ec2"},
		"portolan bgp sessions": {"--endpoint", control.URL}, "portolan bgp heard": {"p", "--endpoint", control.URL}, "portolan bgp advertised": {"p", "--endpoint", control.URL},
		"portolan cluster status": {"--endpoint", control.URL},
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.json"), bytes.Replace(text, []byte("64512"), []byte("64513"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	recording := filepath.Join(dir, "heard.mrt")
	if err := os.WriteFile(recording, recorded(), 0o600); err != nil {
		t.Fatal(err)
	}
	questions["portolan bgp replay"] = []string{recording}
	return questions
}
