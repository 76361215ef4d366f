package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/analysis"
	"portolan/internal/auth"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/internal/turns"
)

const exampleCoreNetwork = "core-network-0a00000000000000a"

// example is a server with the network of examples/network.yaml.
func example(t *testing.T) *rig {
	t.Helper()
	data, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	snap.CoreNetworkID, snap.Account = exampleCoreNetwork, "000000000000"
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	svc, err := node.New(t.Context(), node.Config{Store: store.OpenMemory(), Now: func() time.Time { now = now.Add(time.Millisecond); return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.ImportSnapshot(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	return start(t, func(c *server.Config) { c.Service = svc })
}

// ask makes a call and returns its status, content type and body.
func (r *rig) ask(method, path, accept, body string) (int, string, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close() // only read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(data)
}

// changedPolicy is the example's policy without its send-via.
func changedPolicy(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(snap.Policy, &document); err != nil {
		t.Fatal(err)
	}
	document["segment-actions"] = document["segment-actions"].([]any)[1:]
	text, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestQuestions_answers(t *testing.T) {
	r := example(t)
	policy := changedPolicy(t)
	assertions, err := os.ReadFile("../../examples/network.assertions")
	if err != nil {
		t.Fatal(err)
	}
	// The import maps the readable ids of the example to ids of AWS's shape.
	_, _, snap := r.ask("GET", "/_portolan/snapshot?core-network="+exampleCoreNetwork, "", "")
	var exported struct{ Attachments []struct{ ID string } }
	if err := json.Unmarshal([]byte(snap), &exported, json.MatchCaseInsensitiveNames(true)); err != nil || len(exported.Attachments) != 7 {
		t.Fatalf("%v: %s", err, snap)
	}
	a1, a3 := exported.Attachments[0].ID, exported.Attachments[2].ID
	assertions = []byte(strings.NewReplacer("a1 ", a1+" ", "a3 ", a3+" ").Replace(string(assertions)))
	for _, c := range []struct {
		name, method, path, accept, body string
		contentType, want                string
	}{
		{"routes", "GET", "routes?segment=prod&edge=us-east-1", "", "", "application/json", `"prefix": "10.11.0.0/16"`},
		{"rib", "GET", "routes?segment=dev&edge=eu-west-1&rib=true", "", "", "application/json", `"best": true`},
		{"group", "GET", "routes?network-function-group=fw&edge=eu-west-1&format=text", "", "", "text/plain; charset=utf-8", "PREFIX"},
		{"accept", "GET", "routes?segment=prod&edge=us-east-1", "text/plain;q=0.9", "", "text/plain; charset=utf-8", "PREFIX"},
		{"why", "GET", "why?prefix=10.10.3.4&segment=prod&edge=us-east-1", "", "", "application/json", `"outcome": "selected"`},
		{"why not", "GET", "why?prefix=10.20.0.0/16&segment=dev&edge=us-east-1", "", "", "application/json", `"route": null`},
		{"advertised", "GET", "advertised?attachment=" + a1, "", "", "application/json", "[]"}, // a VPC
		{"its older name", "GET", "told?attachment=" + a1 + "&prefix=10.10.0.0/16", "", "", "application/json", `"route": null`},
		{"path", "GET", "path?from=" + a1 + "&to=10.11.0.1", "", "", "application/json", `"verdict": "delivered"`},
		{"matrix", "GET", "matrix", "", "", "application/json", `"from": "prod"`},
		{"attachments", "GET", "matrix?of=attachments", "", "", "application/json", `"from": "` + a1 + `"`},
		{"doctor", "GET", "doctor", "", "", "application/json", "["},
		{"mermaid", "GET", "graph", "", "", "text/vnd.mermaid; charset=utf-8", "flowchart LR"},
		{"svg", "GET", "graph?format=svg", "", "", "image/svg+xml", "<svg "},
		{"plan", "POST", "plan", "", policy, "application/json", `"routesWithdrawn": `},
		{"plan", "POST", "plan", "text/markdown", policy, "text/markdown; charset=utf-8", "### Change set"},
		{"plan", "POST", "plan?format=text", "", policy, "text/plain; charset=utf-8", "Routes: 28 withdrawn"},
		{"plan of a failure", "POST", "plan?format=text&fail=edge%3Dus-east-1,attachment%3D" + exported.Attachments[1].ID, "", "", "text/plain; charset=utf-8", "4 attachments move"},
		{"plan of another network", "POST", "plan?format=text&to=snapshot", "", strings.Replace(snap, `"segment": "lonely"`, `"segment": "dev"`, 1), "text/plain; charset=utf-8", "1 attachment moves"},
		{"test", "POST", "test", "", string(assertions), "application/json", `"holding": 6`},
		{"test", "POST", "test?format=text", "", "dev cannot reach prod\n", "text/plain; charset=utf-8", "0 of 1 assertions hold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, contentType, body := r.ask(c.method, "/_portolan/core-networks/"+exampleCoreNetwork+"/"+c.path, c.accept, c.body)
			if status != 200 || contentType != c.contentType || !strings.Contains(body, c.want) {
				t.Errorf("%d %s: %.2000s; want %s with %s", status, contentType, body, c.contentType, c.want)
			}
			if c.contentType == "application/json" && !jsontext.Value(body).IsValid() {
				t.Error("that is not JSON")
			}
			if c.contentType == "image/svg+xml" {
				for d := xml.NewDecoder(bytes.NewReader([]byte(body))); ; {
					if _, err := d.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func TestQuestions_wrong(t *testing.T) {
	r := example(t)
	base := "/_portolan/core-networks/" + exampleCoreNetwork + "/"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"unknown core network", "GET", "/_portolan/core-networks/core-network-0123456789abcdef0/doctor", "", 404, `"ResourceId":"core-network-0123456789abcdef0"`},
		{"unknown question", "GET", base + "wherefore", "", 404, "no such control endpoint"},
		{"wrong method", "GET", base + "plan", "", 404, "no such control endpoint"},
		{"no core network", "GET", "/_portolan/core-networks//doctor", "", 404, "no such control endpoint"},
		{"no table", "GET", base + "routes", "", 400, `"Name":"segment"`},
		{"no edge", "GET", base + "routes?segment=prod", "", 400, `"Name":"edge"`},
		{"unknown table", "GET", base + "routes?segment=test&edge=us-east-1", "", 400, "prod@us-east-1"},
		{"not a bool", "GET", base + "routes?segment=prod&edge=us-east-1&rib=yes", "", 400, `"Name":"rib"`},
		{"misspelt", "GET", base + "doctor?formt=text", "", 400, `"Name":"formt"`},
		{"twice", "GET", base + "why?prefix=10.0.0.0/8&prefix=11.0.0.0/8&segment=prod&edge=us-east-1", "", 400, `"Name":"prefix"`},
		{"unknown format", "GET", base + "doctor?format=pdf", "", 400, "json or text"},
		{"not a prefix", "GET", base + "why?prefix=ten&segment=prod&edge=us-east-1", "", 400, `"Name":"prefix"`},
		{"unknown attachment", "GET", base + "path?from=nobody&to=10.0.0.1", "", 400, `"Name":"from"`},
		{"not an address", "GET", base + "path?from=nobody&to=x", "", 400, `"Name":"from"`},
		{"unknown pairs", "GET", base + "matrix?of=edges", "", 400, "segments or attachments"},
		{"no policy", "POST", base + "plan", "", 400, "There is no policy"},
		{"bad policy", "POST", base + "plan", `{"version": "2021.12"}`, 400, "the policy is not valid"},
		{"unknown body of a plan", "POST", base + "plan?to=network", "{}", 400, `"Name":"to"`},
		{"bad snapshot", "POST", base + "plan?to=snapshot", "version: 2", 400, `"Name":"body"`},
		{"unknown failure", "POST", base + "plan?fail=edge%3Dmars", "", 400, `"Name":"fail"`},
		{"failure of nothing", "POST", base + "plan?fail=mars", "", 400, "write it as edge=LOCATION or attachment=ID"},
		{"bad assertions", "POST", base + "test", "what is this", 400, `"Name":"assertions"`},
		{"a body where there is none", "GET", base + "doctor", "x", 413, "larger than 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := r.ask(c.method, c.path, "", c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%d %s; want %d with %s", status, body, c.status, c.want)
			}
		})
	}
	// What the server does not read it resets, before which net/http's client may give up in place of reading the answer.
	large := strings.Repeat("# much\n", 200_000)
	resp, body, err := r.raw(fmt.Sprintf("POST %stest HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", base, len(large), large))
	if err != nil || resp.StatusCode != 413 || !strings.Contains(body, "larger than 1048576") {
		t.Errorf("large assertions: %v %s", err, body)
	}
}

// asking is a service whose networks are not there before they are released.
type asking struct {
	server.Service
	asked   chan struct{}
	release chan struct{}
}

func (a asking) Network(ctx context.Context, coreNetwork string) (*analysis.Subject, error) {
	a.asked <- struct{}{}
	<-a.release
	return a.Service.Network(ctx, coreNetwork)
}

// TestQuestions_soManyAtATime: as many are answered as leave a processor free, the others wait.
func TestQuestions_soManyAtATime(t *testing.T) {
	at := turns.AtATime()
	most := at + 32
	var a asking
	r := start(t, func(c *server.Config) {
		a = asking{c.Service, make(chan struct{}, most), make(chan struct{})}
		c.Service = a
	})
	replies := make(chan int, most+1)
	for range most + 1 {
		go func() {
			resp, err := r.http.Get(r.url + "/_portolan/core-networks/" + exampleCoreNetwork + "/doctor")
			if err != nil {
				replies <- 0
				return
			}
			_ = resp.Body.Close()
			replies <- resp.StatusCode
		}()
	}
	if status := <-replies; status != 503 {
		t.Errorf("the one too many got %d", status)
	}
	for range at {
		<-a.asked
	}
	select {
	case <-a.asked:
		t.Errorf("a question more is answered beside %d", at)
	default:
	}
	close(a.release)
	for range most {
		if status := <-replies; status != 404 { // there is no such core network
			t.Errorf("one that waited got %d", status)
		}
	}
}

func TestQuestions_needWhoMayDoEverything(t *testing.T) {
	credentials, err := auth.ParseCredentials([]byte(`[{"accessKeyId":"AKIAEXAMPLE","secretAccessKey":"secret","account":"111122223333",` +
		`"principalArn":"arn:aws:iam::111122223333:user/a","policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:Get*","Resource":"*"}]}]},` +
		`{"accessKeyId":"AKIAOPERATOR","secretAccessKey":"secret","account":"111122223333",` +
		`"principalArn":"arn:aws:iam::111122223333:user/b","policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *server.Config) {
		c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: credentials})
	})
	path := "/_portolan/core-networks/" + exampleCoreNetwork + "/doctor"
	for key, want := range map[string]int{"": 403, "AKIAEXAMPLE": 403, "AKIAOPERATOR": 404} { // there is no such core network
		if status, _ := r.signed("GET", path, key); status != want {
			t.Errorf("with key %q: %d, want %d", key, status, want)
		}
	}
}

// signed sends a request without a body signed by a key whose secret is "secret", or unsigned for the key "".
func (r *rig) signed(method, path, key string) (status int, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if key != "" {
		r.sign(req, key)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// sign signs a request without a body by a key whose secret is "secret".
func (r *rig) sign(req *http.Request, key string) {
	r.t.Helper()
	empty := sha256.Sum256(nil)
	keys := aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}
	if strings.HasPrefix(key, "ASIA") { // a temporary key
		keys.SessionToken = "token"
	}
	if err := v4.NewSigner().SignHTTP(r.t.Context(), keys, req, hex.EncodeToString(empty[:]), "networkmanager", "us-west-2", time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

func TestQuestions_beforeAPolicyIsLive(t *testing.T) {
	r := start(t)
	_, _, body := r.ask("POST", "/global-networks", "", "{}")
	var gn struct {
		GlobalNetwork struct{ GlobalNetworkId string }
	}
	if err := json.Unmarshal([]byte(body), &gn); err != nil {
		t.Fatal(err)
	}
	_, _, body = r.ask("POST", "/core-networks", "", `{"GlobalNetworkId": "`+gn.GlobalNetwork.GlobalNetworkId+`"}`)
	var cn struct {
		CoreNetwork struct{ CoreNetworkId string }
	}
	if err := json.Unmarshal([]byte(body), &cn); err != nil {
		t.Fatal(err)
	}
	base := "/_portolan/core-networks/" + cn.CoreNetwork.CoreNetworkId
	for _, c := range [][3]string{{"GET", "/doctor", ""}, {"POST", "/plan", "{}"}} {
		if status, _, body := r.ask(c[0], base+c[1], "", c[2]); status != 400 || !strings.Contains(body, "Core network state is invalid") {
			t.Errorf("%s: %d %s", c[1], status, body)
		}
	}
}
