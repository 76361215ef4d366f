package server_test

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/internal/server"
)

var rewrite = flag.Bool("rewrite", false, "write docs/openapi.json")

// TestOpenAPI_current: docs/openapi.json is what the table of control calls gives.
func TestOpenAPI_current(t *testing.T) {
	const path = "../../docs/openapi.json"
	want := server.OpenAPI()
	if *rewrite {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table of control calls gives: run go generate ./internal/server", path)
	}
}

// TestOpenAPI_everyCallIsAnswered: what is described exists, and is described once under a name of its own.
func TestOpenAPI_everyCallIsAnswered(t *testing.T) {
	r := example(t)
	status, contentType, body := r.ask("GET", "/_portolan/openapi.json", "", "")
	if status != 200 || contentType != "application/json" || body != string(server.OpenAPI()) {
		t.Fatalf("%d %s", status, contentType)
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal([]byte(body), &document, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for path, methods := range document.Paths {
		for method, op := range methods {
			if names[op.OperationID] {
				t.Errorf("%s is the name of several calls", op.OperationID)
			}
			names[op.OperationID] = true
			if op.OperationID == "reset" || op.OperationID == "events" {
				continue
			}
			made := strings.NewReplacer("{coreNetworkId}", exampleCoreNetwork, "{id}", "attachment-0").Replace(path)
			if status, _, body := r.ask(strings.ToUpper(method), made, "", ""); status == 404 && strings.Contains(body, "There is no such control endpoint") {
				t.Errorf("%s %s is described and not answered", method, path)
			}
		}
	}
	if len(names) < 20 {
		t.Errorf("%d calls are described", len(names))
	}
}

// TestControl_parameters: no call takes a parameter that it does not have, or one twice. Only probes of health may add their own.
func TestControl_parameters(t *testing.T) {
	r := example(t)
	var document struct {
		Paths map[string]map[string]struct{ Parameters []struct{ Name, In string } }
	}
	if err := json.Unmarshal(server.OpenAPI(), &document, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		made := strings.NewReplacer("{coreNetworkId}", exampleCoreNetwork, "{id}", "attachment-0", "{connectPeerId}", "connect-peer-0").Replace(path)
		for method, op := range methods {
			want, method := 400, strings.ToUpper(method)
			if path == "/_portolan/health" {
				want = 200
			}
			if status, _, body := r.ask(method, made+"?detial-type=x", "", ""); status != want || want == 400 && !strings.Contains(body, `"Name":"detial-type"`) {
				t.Errorf("%s %s with a parameter that it does not have: %d %s", method, path, status, body)
			}
			for _, p := range op.Parameters {
				if p.In != "query" {
					continue
				}
				if status, _, body := r.ask(method, made+"?"+p.Name+"=1&"+p.Name+"=1", "", ""); status != 400 || !strings.Contains(body, "Member must be given once.") {
					t.Errorf("%s %s with %s twice: %d %s", method, path, p.Name, status, body)
				}
				break
			}
		}
	}
}

// TestControl_madeOnce: who reaches the port, and no more, cannot make the server compute descriptions again and again.
func TestControl_madeOnce(t *testing.T) {
	srv, _, _ := sites(t)
	for _, path := range []string{"/_portolan/openapi.json", "/_portolan/policy/schema", "/_portolan/policy/schema?version=2021.12"} {
		r, w := httptest.NewRequest("GET", path, nil), discard{h: http.Header{}}
		if n := testing.AllocsPerRun(50, func() { srv.ServeHTTP(w, r) }); n > 20+pooled {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}
