package test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// madeNetwork is what testdata/routing.py leaves behind.
type madeNetwork struct {
	GN, CN      string
	Attachments map[string]string
	Peer        string
	Analysis    struct{ Source, Destination string }
	Table       string
	Policy      jsontext.Value
}

func makeNetwork(t *testing.T, p *Process) *madeNetwork {
	t.Helper()
	cmd := exec.Command(python(t), "testdata/routing.py")
	cmd.Env = p.Env()
	var text, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &complaints
	if err := cmd.Run(); err != nil {
		p.Kill()
		t.Fatalf("%v\n%s\n%s", err, &complaints, p.Log)
	}
	var made madeNetwork
	if err := json.Unmarshal(text.Bytes(), &made, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return &made
}

// TestRouting_boto3AndTheAWSCLI: the script compares every cell with tables worked out by hand; the AWS CLI then reads
// the same operations.
func TestRouting_boto3AndTheAWSCLI(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Fatal("no AWS CLI: run scripts/setup")
	}
	p := Start(t, "--ephemeral", "--catalog", "testdata/routing-catalog.yaml")
	made := makeNetwork(t, p)
	for _, c := range []struct {
		want string // in what is printed
		args []string
	}{
		{`"EdgeLocation": "eu-west-1"`, []string{
			"get-network-routes", "--global-network-id", made.GN, "--longest-prefix-matches", "10.50.7.7",
			"--route-table-identifier", "CoreNetworkSegmentEdge={CoreNetworkId=" + made.CN + ",SegmentName=core,EdgeLocation=us-east-1}",
		}},
		{`"NetworkFunctionGroupName": "fw"`, []string{
			"get-network-routes", "--global-network-id", made.GN, "--destination-filters", "RESOURCE_ID=vpc-*7", "--route-table-identifier",
			"CoreNetworkNetworkFunctionGroup={CoreNetworkId=" + made.CN + ",NetworkFunctionGroupName=fw,EdgeLocation=us-east-1}",
		}},
		{`"TransitGatewayAttachmentId": "tgw-attach-000000000000000a3"`, []string{
			"get-network-routes", "--global-network-id", made.GN, "--types", "STATIC", "--route-table-identifier", "TransitGatewayRouteTableArn=" + made.Table,
		}},
		{`"65300:7"`, []string{
			"list-core-network-routing-information", "--core-network-id", made.CN, "--segment-name", "core", "--edge-location", "us-east-1", "--page-size", "1",
		}},
		{`"Status": "RUNNING"`, []string{
			"start-route-analysis", "--global-network-id", made.GN, "--source", "TransitGatewayAttachmentArn=" + made.Analysis.Source,
			"--destination", "IpAddress=172.31.0.8,TransitGatewayAttachmentArn=" + made.Analysis.Destination,
		}},
		{`"ResourceType": "transit-gateway-attachment"`, []string{"get-network-resources", "--global-network-id", made.GN, "--page-size", "3"}},
		{`"From": "arn:aws:networkmanager::111122223333:core-network/`, []string{
			"get-network-resource-relationships", "--global-network-id", made.GN, "--core-network-id", made.CN, "--resource-type", "core-network",
		}},
		{`"Count": 9`, []string{"get-network-resource-counts", "--global-network-id", made.GN, "--resource-type", "attachment"}},
		{`"Address": "169.254.9.2"`, []string{"get-network-telemetry", "--global-network-id", made.GN, "--core-network-id", made.CN}},
		{`"owner": "us"`, []string{
			"update-network-resource-metadata", "--global-network-id", made.GN, "--resource-arn", made.Analysis.Source, "--metadata", "owner=us",
		}},
	} {
		text, err := json.Marshal(cli(t, p, c.args...), json.Deterministic(true), jsontext.WithIndent(" "))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.want) {
			t.Errorf("aws %s: want %s in\n%s", strings.Join(c.args, " "), c.want, text)
		}
		if c.args[0] == "start-route-analysis" {
			var started struct {
				RouteAnalysis struct{ RouteAnalysisId string }
			}
			if err := json.Unmarshal(text, &started); err != nil {
				t.Fatal(err)
			}
			cli(t, p, "get-route-analysis", "--global-network-id", made.GN, "--route-analysis-id", started.RouteAnalysis.RouteAnalysisId)
		}
	}
}

// portolan runs a command of the binary under test.
func portolan(t *testing.T, p *Process, code int, args ...string) string {
	t.Helper()
	cmd := exec.Command(Binary(t), args...)
	if p != nil {
		cmd.Env = p.Env()
	}
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("portolan %s: %v, want exit code %d\n%s%s", strings.Join(args, " "), err, code, &out, &complaints)
	}
	return out.String()
}

// commandOf is what a command of the binary under test prints, whatever comes of it.
func commandOf(p *Process, args ...string) string {
	cmd := exec.Command(p.cmd.Path, args...)
	cmd.Env = p.Env()
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// ask asks a server as the account that boto3 speaks for.
func ask(t *testing.T, p *Process, method, path string, body []byte) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() // only read
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v\n%s", method, path, resp.Status, err, text)
	}
	return string(text)
}

var lines = regexp.MustCompile(`line \d+, |"line": \d+`)

func withoutLines(text string) string { return lines.ReplaceAllString(text, "") }

// TestQuestions_oneAnswerEverywhere: a question has one answer, whether it is asked of the server by the command line
// or over HTTP, of a file that was exported from it, or of another server that began with that file.
func TestQuestions_oneAnswerEverywhere(t *testing.T) {
	p := Start(t, "--ephemeral", "--catalog", "testdata/routing-catalog.yaml")
	made := makeNetwork(t, p)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	live := []string{"--core-network", made.CN} // of the server that the environment names
	exported := file("network.yaml", []byte(portolan(t, p, 0, append([]string{"snapshot", "export"}, live...)...)))
	portolan(t, nil, 0, "snapshot", "validate", exported)
	again := Start(t, "--ephemeral", "--snapshot", exported)

	a1, a3 := made.Attachments["A1"], made.Attachments["A3"]
	// The share of core is gone, and nothing is inspected any more.
	var policy map[string]any
	if err := json.Unmarshal(made.Policy, &policy); err != nil {
		t.Fatal(err)
	}
	policy["segment-actions"] = slices.DeleteFunc(policy["segment-actions"].([]any), func(a any) bool {
		return slices.Contains([]string{"share", "send-via"}, a.(map[string]any)["action"].(string))
	})
	text, err := json.Marshal(policy, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	changed := file("changed.json", text)
	assertions := []byte("prod reaches core\nprod reaches 10.50.0.0/16 via fw\ncore reaches 10.50.0.0/16\nprod reaches 192.0.2.1 via egress\n" +
		"10.1.0.0/16 is in table core at us-east-1\nlegacy cannot reach 192.0.2.1\n")
	asserted := file("network.assertions", assertions)

	type question struct {
		name   string
		code   int
		args   []string
		method string
		query  url.Values
		body   []byte
		want   []string
	}
	questions := []question{
		{"routes", 0, []string{"--segment", "prod", "--edge", "us-east-1"}, "GET", url.Values{"segment": {"prod"}, "edge": {"us-east-1"}}, nil, []string{"nfg@eu-west-1:" + made.Attachments["A8"]}},
		{"routes", 0, []string{"--segment", "core", "--edge", "us-east-1", "--rib"}, "GET", url.Values{"segment": {"core"}, "edge": {"us-east-1"}, "rib": {"true"}}, nil, []string{"65300:7"}},
		{"why", 0, []string{"10.50.1.1", "--segment", "core", "--edge", "us-east-1"}, "GET", url.Values{"prefix": {"10.50.1.1"}, "segment": {"core"}, "edge": {"us-east-1"}}, nil, []string{`"outcome": "selected"`, made.Attachments["A5"]}},
		{"path", 0, []string{"--from", a3, "--to", "10.50.0.1"}, "GET", url.Values{"from": {a3}, "to": {"10.50.0.1"}}, nil, []string{`"verdict": "delivered"`}},
		{"path", 0, []string{"--from", a1, "--to", "192.0.2.1"}, "GET", url.Values{"from": {a1}, "to": {"192.0.2.1"}}, nil, []string{`"verdict": "handed over"`}},
		{"matrix", 0, nil, "GET", nil, nil, []string{`"inspectedBy": [`}},
		{"matrix", 0, []string{"--attachments"}, "GET", url.Values{"of": {"attachments"}}, nil, []string{a1}},
		{"doctor", 1, nil, "GET", nil, nil, []string{`"check": "one-way"`, "10.200.0.0/16 is a blackhole in table prod@us-east-1"}},
		{"test", 0, []string{asserted}, "POST", nil, assertions, []string{`"holding": 6`}},
		{"plan", 1, []string{"--policy", changed, "--exit-code"}, "POST", nil, text, []string{`"routesWithdrawn": `, a1, "111122223333"}},
	}
	for _, q := range questions {
		path := "/_portolan/core-networks/" + made.CN + "/" + q.name + "?" + q.query.Encode()
		answer := ask(t, p, q.method, path, q.body)
		for _, want := range q.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: want %s in\n%s", path, want, answer)
			}
		}
		args := slices.Concat([]string{q.name}, q.args, []string{"-o", "json"})
		if got := portolan(t, p, q.code, slices.Concat(args, live)...); got != answer {
			t.Errorf("%s of the server\n%s\nover HTTP:\n%s", q.name, got, answer)
		}
		// YAML does not keep the lines of a policy that is JSON.
		if got := portolan(t, p, q.code, append(args, "--snapshot", exported)...); withoutLines(got) != withoutLines(answer) {
			t.Errorf("%s of the file\n%s\nof the server:\n%s", q.name, got, answer)
		}
		if got := ask(t, again, q.method, path, q.body); withoutLines(got) != withoutLines(answer) {
			t.Errorf("%s of a server that began with the file\n%s\nbefore:\n%s", q.name, got, answer)
		}
	}
	for _, format := range []string{"svg", "mermaid"} {
		answer := ask(t, p, "GET", "/_portolan/core-networks/"+made.CN+"/graph?format="+format, nil)
		if got := portolan(t, nil, 0, "graph", "--snapshot", exported, "--format", format); got != answer {
			t.Errorf("graph of the file\n%s\nof the server\n%s", got, answer)
		}
	}
}
