package test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/store/etcd/etcdtest"
)

const credentialsFile = `[
  {"accessKeyId": "AKIAADMIN", "secretAccessKey": "secret-admin", "account": "111122223333", "principalArn": "arn:aws:iam::111122223333:user/admin",
   "policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]},
  {"accessKeyId": "AKIAREADER", "secretAccessKey": "secret-reader", "account": "111122223333", "principalArn": "arn:aws:iam::111122223333:user/reader",
   "policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["networkmanager:Get*", "networkmanager:Describe*"], "Resource": "*"}]}]},
  {"accessKeyId": "AKIALIMITED", "secretAccessKey": "secret-limited", "account": "111122223333", "principalArn": "arn:aws:iam::111122223333:user/limited",
   "policies": [{"Version": "2012-10-17", "Statement": [
     {"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*"},
     {"Sid": "KeepProd", "Effect": "Deny", "Action": "networkmanager:Delete*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/Env": "prod"}}}]}]},
  {"accessKeyId": "AKIAOTHER", "secretAccessKey": "secret-other", "account": "444455556666", "principalArn": "arn:aws:iam::444455556666:user/other",
   "policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]}
]`

func TestBoto3_credentialsAndPermissions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(file, []byte(credentialsFile), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Start(t, "--ephemeral", "--credentials", file)
	cmd := exec.Command(python(t), "testdata/credentials.py")
	cmd.Env = p.Env()
	out, err := cmd.CombinedOutput()
	p.Kill()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, p.Log)
	}
	log := p.Log.String()
	if strings.Contains(log, "secret-") {
		t.Error("a secret is in the log")
	}
	if !strings.Contains(log, "KeepProd") {
		t.Error("the statement that denied is not in the log")
	}
}

func TestBoto3_rateLimit(t *testing.T) {
	p := Start(t, "--ephemeral", "--rate-limit", "1000,DescribeGlobalNetworks=0.01") // less than one in the time that two calls take
	cmd := exec.Command(python(t), "-c", `
import sys
sys.path.append("testdata")
import checks
nm = checks.client()
nm.describe_global_networks()
try:
    nm.describe_global_networks()
    raise SystemExit("the second call was answered")
except nm.exceptions.ThrottlingException as e:
    meta = e.response["ResponseMetadata"]
    assert meta["HTTPStatusCode"] == 429 and int(meta["HTTPHeaders"]["retry-after"]) >= 1, meta
    assert e.response["Error"]["Message"] == "Rate exceeded", e.response
nm.list_core_networks()
`)
	cmd.Env = p.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// slowRequest begins a request and leaves its body unfinished; finish sends the rest and returns the reply's status.
func slowRequest(t *testing.T, p *Process) (finish func() (string, error)) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	fmt.Fprintf(c, "POST /global-networks HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	r := bufio.NewReader(c)
	// The server asks for the body when it has begun to answer.
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	return func() (string, error) {
		if _, err := io.WriteString(c, "{}"); err != nil {
			return "", err
		}
		if _, err := r.ReadString('\n'); err != nil { // the line that ends the 100
			return "", err
		}
		return r.ReadString('\n')
	}
}

func TestSIGTERM_drains(t *testing.T) {
	ctx := patiently(t)
	p := Start(t, "--data", t.TempDir(), "--drain", patience.String())
	finish := slowRequest(t, p)
	type exit struct {
		code int
		err  error
	}
	exited := make(chan exit, 1)
	go func() {
		code, err := p.Stop(ctx)
		exited <- exit{code, err}
	}()
	// No new connections from the moment on that it has understood; the request under way is answered.
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	if status, err := finish(); err != nil || !strings.Contains(status, "200") {
		t.Errorf("the request under way got %q, %v", status, err)
	}
	if e := <-exited; e.err != nil || e.code != 0 {
		t.Errorf("exit code %d, %v\n%s", e.code, e.err, p.Log)
	}
}

func TestSIGTERM_twiceEndsAtOnce(t *testing.T) {
	ctx := patiently(t)
	p := Start(t, "--ephemeral", "--drain", "1h")
	slowRequest(t, p)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	if code, err := p.Stop(ctx); err != nil || code != 1 {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// TestFullDisk_nothingIsLost gives the server a file that may not grow beyond 24 MiB: to the program it is a full disk.
func TestFullDisk_nothingIsLost(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(t.TempDir(), "limited")
	if err := os.WriteFile(script, []byte("#!/bin/bash\nulimit -f $((24 * 1024))\nexec "+Binary(t)+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := start(script, "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	document, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	big, err := json.Marshal(map[string]string{"PolicyDocument": string(document) + strings.Repeat(" ", 900_000)}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	_, text := call(t, "POST", p.URL+"/global-networks", "{}", firstAccount)
	_, text = call(t, "POST", p.URL+"/core-networks", `{"GlobalNetworkId":"`+between(text, `"GlobalNetworkId":"`, `"`)+`"}`, firstAccount)
	network := "/core-networks/" + between(text, `"CoreNetworkId":"`, `"`)
	written, failure := 0, ""
	for range 100 {
		status, text := call(t, "POST", p.URL+network+"/core-network-policy", string(big), firstAccount)
		if status != http.StatusOK {
			failure = fmt.Sprint(status, " ", text)
			break
		}
		written++
	}
	if !strings.HasPrefix(failure, "500 ") || strings.Contains(failure, "too large") || !strings.Contains(failure, "The server cannot write at the moment. Its health has the reason.") {
		t.Errorf("the disk is full after %d versions; the client is told %.300q", written, failure)
	}
	if status, text := call(t, "GET", p.URL+network, "", firstAccount); status != http.StatusOK {
		t.Errorf("reading with a full disk: %d %s", status, text)
	}
	p.Kill()
	if !strings.Contains(p.Log.String(), "file too large") {
		t.Errorf("the cause is not in the log: %.2000s", p.Log)
	}
	p = Start(t, "--data", dir)
	_, text = call(t, "GET", p.URL+network+"/core-network-policy-versions", "", firstAccount)
	if kept := strings.Count(text, `"PolicyVersionId"`); kept != written {
		t.Errorf("%d versions were acknowledged, %d are there", written, kept)
	}
	if status, text := call(t, "POST", p.URL+network+"/core-network-policy", string(big), firstAccount); status != http.StatusOK {
		t.Errorf("with room again: %d %.300s", status, text)
	}
}

func between(text, start, end string) string {
	_, rest, _ := strings.Cut(text, start)
	found, _, _ := strings.Cut(rest, end)
	return found
}

const firstAccount = 100000000000

func authorization(account int) string {
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%d/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0", account)
}

func call(t *testing.T, method, url, body string, account int) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization(account))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestOTLP_spansArrive(t *testing.T) {
	var mu sync.Mutex
	var got strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&got, r.URL.Path, string(body))
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	p := Start(t, "--ephemeral")
	if status, text := call(t, "GET", p.URL+"/global-networks", "", firstAccount); status != http.StatusOK {
		t.Fatal(status, text)
	}
	if code, err := p.Stop(t.Context()); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"/v1/traces", "DescribeGlobalNetworks", "service.name\x12\n\n\bportolan"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in what the collector got: %.500q", want, got.String())
		}
	}
}

func TestOTLP_nobodyListens(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+etcdtest.FreeAddress())
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100") // milliseconds
	p := Start(t, "--ephemeral")
	if status, text := call(t, "GET", p.URL+"/global-networks", "", firstAccount); status != http.StatusOK {
		t.Fatal(status, text)
	}
	if code, err := p.Stop(t.Context()); code != 0 || err != nil {
		t.Error(code, err)
	}
	log := p.Log.String()
	if !strings.Contains(log, "spans were not sent") {
		t.Errorf("not in the log: %s", log)
	}
	for line := range strings.Lines(log) {
		if !jsontext.Value(line).IsValid() {
			t.Errorf("a line of the log is no JSON: %s", line)
		}
	}
}
