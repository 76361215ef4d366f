package lsp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/policy/internal/policytest"
	"portolan/policy/lsp"
)

func TestServe_endings(t *testing.T) {
	for name, c := range map[string]struct {
		input string
		want  error
	}{
		"the input ends":          {"", lsp.ErrNoShutdown},
		"exit without a shutdown": {frame(`{"jsonrpc":"2.0","method":"exit"}`), lsp.ErrNoShutdown},
		"shutdown and exit":       {frame(`{"jsonrpc":"2.0","id":1,"method":"shutdown"}`) + frame(`{"jsonrpc":"2.0","method":"exit"}`), nil},
		"a part of a message":     {"Content-Length: 10\r\n\r\n{}", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := lsp.Serve(strings.NewReader(c.input), &out); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for _, header := range []string{"Content-Length: -1\r\n\r\n", "Content-Length: 999999999999\r\n\r\n", "Content-Type: x\r\n\r\n", "nonsense\r\n\r\n"} {
		if err := lsp.Serve(strings.NewReader(header), io.Discard); err == nil || errors.Is(err, lsp.ErrNoShutdown) {
			t.Errorf("%q: got %v", header, err)
		}
	}
}

func frame(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }

func TestServe_notJSON(t *testing.T) {
	var out bytes.Buffer
	if err := lsp.Serve(strings.NewReader(frame("{")), &out); !errors.Is(err, lsp.ErrNoShutdown) || !strings.Contains(out.String(), `"code":-32700`) {
		t.Errorf("got %v, %s", err, out.String())
	}
}

func request(method, text string, line, character int) string {
	open, _ := json.Marshal(map[string]any{"method": "textDocument/didOpen", "params": map[string]any{"textDocument": map[string]any{"uri": "file:///a.json", "text": text}}}, json.Deterministic(true))
	ask, _ := json.Marshal(map[string]any{"id": 1, "method": "textDocument/" + method, "params": map[string]any{
		"textDocument": map[string]any{"uri": "file:///a.json"}, "position": map[string]any{"line": line, "character": character},
	}}, json.Deterministic(true))
	return frame(string(open)) + frame(string(ask))
}

func TestServe_answers(t *testing.T) {
	const text = `{"version": "2025.11", "segments": [{"name": "prod"}, {"name": "dev", "deny-filter": ["prod"]}]}`
	defined := fmt.Sprintf(`"range":{"start":{"line":0,"character":%d}`, strings.Index(text, `"prod"`))
	for _, c := range []struct{ name, method, at, want string }{
		{"what a member is", "hover", "deny-filter", "Segments whose shared routes are refused."},
		{"where a segment is defined", "definition", `prod"]`, defined},
		{"the segments there are", "completion", `prod"]`, `"label":"dev"`},
		{"the members a segment may have", "completion", `ame": "dev"`, `"label":"isolate-attachments"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := lsp.Serve(strings.NewReader(request(c.method, text, 0, strings.Index(text, c.at)+1)), &out); !errors.Is(err, lsp.ErrNoShutdown) {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("got %s, want %s", out.String(), c.want)
			}
		})
	}
}

// FuzzServe asks about any place of any text: every answer is JSON, and the server goes on.
func FuzzServe(f *testing.F) {
	policytest.Seeds(f, "..", func(text string) { f.Add(text, 3, 10) })
	for _, text := range []string{`{"a"::}`, `{"segments": [{"name": "x", "`, `{{{`, `{"segment-actions":[{"action":`, "[\"\\", `{"a":"\u00`} {
		f.Add(text, 0, 5)
	}
	f.Fuzz(func(t *testing.T, text string, line, character int) {
		for _, method := range []string{"hover", "completion", "definition"} {
			var out bytes.Buffer
			if err := lsp.Serve(strings.NewReader(request(method, text, line, character)), &out); !errors.Is(err, lsp.ErrNoShutdown) {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), `"id":1`) {
				t.Fatalf("no answer to %s: %s", method, out.String())
			}
		}
	})
}

// BenchmarkServe_answer1MB opens a policy of a megabyte and asks once.
func BenchmarkServe_answer1MB(b *testing.B) {
	input := request("completion", policytest.Large(), 0, 900_000)
	for b.Loop() {
		if err := lsp.Serve(strings.NewReader(input), io.Discard); !errors.Is(err, lsp.ErrNoShutdown) {
			b.Fatal(err)
		}
	}
}
