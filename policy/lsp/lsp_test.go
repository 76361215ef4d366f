package lsp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy/internal/policytest"
	"portolan/policy/lsp"
)

// client is an editor at the other end of two pipes.
type client struct {
	t    *testing.T
	to   *io.PipeWriter
	from *bufio.Reader
	end  chan error
}

func connect(t *testing.T) *client {
	t.Helper()
	in, to := io.Pipe()
	from, out := io.Pipe()
	c := &client{t, to, bufio.NewReader(from), make(chan error, 1)}
	go func() {
		err := lsp.Serve(in, out)
		_ = out.Close()
		_ = in.Close()
		c.end <- err
	}()
	t.Cleanup(func() { _ = to.Close() })
	return c
}

func (c *client) send(body string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.to, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() string {
	c.t.Helper()
	header, err := textproto.NewReader(c.from).ReadMIMEHeader()
	if err != nil {
		c.t.Fatal(err)
	}
	size, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		c.t.Fatal(err)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.from, body); err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// answered says whether the server answers a message: a request, and a notification about a text, with diagnostics.
func answered(t *testing.T, body string) bool {
	t.Helper()
	var m struct {
		ID     jsontext.Value `json:"id"`
		Method string         `json:"method"`
	}
	if err := json.Unmarshal([]byte(body), &m, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return true // with an error
	}
	return m.ID != nil || strings.HasPrefix(m.Method, "textDocument/did")
}

// TestServe_sessions plays recorded sessions: lines of what an editor sends (>) and of what the server answers (<). With
// POLICY_UPDATE=1 the answers are written.
func TestServe_sessions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonrpc")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonrpc"), func(t *testing.T) {
			recorded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := connect(t)
			var played strings.Builder
			for line := range strings.Lines(string(recorded)) {
				body, sent := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
				if !sent {
					continue
				}
				fmt.Fprintf(&played, "> %s\n", body)
				if c.send(body); answered(t, body) {
					fmt.Fprintf(&played, "< %s\n", c.receive())
				}
			}
			if err := <-c.end; err != nil {
				t.Errorf("the session ended with %v", err)
			}
			if os.Getenv("POLICY_UPDATE") != "" {
				if err := os.WriteFile(file, []byte(played.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if played.String() != string(recorded) {
				t.Errorf("played:\n%s", played.String())
			}
		})
	}
}

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
