package mcp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// ours has one tool, which answers its arguments, and fails without.
func ours() *Server {
	return &Server{
		Name: "n", Title: "T", Version: "v", Instructions: "how", MaxMessage: 1000,
		Tools: []Tool{{Name: "echo", Description: "d", InputSchema: map[string]any{"type": "object"}, Call: func(_ context.Context, arguments []byte) *Result {
			if arguments == nil {
				return &Result{Text: "nothing\nto say", IsError: true}
			}
			return &Result{Text: string(arguments)}
		}}},
	}
}

// theirs is the same by the protocol's own SDK.
func theirs() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "n", Title: "T", Version: "v"}, &sdk.ServerOptions{
		Instructions: "how", Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	s.AddTool(&sdk.Tool{
		Name: "echo", Description: "d", InputSchema: map[string]any{"type": "object"},
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(false)},
	}, func(_ context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if r.Params.Arguments == nil {
			return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: "nothing\nto say"}}}, nil
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(r.Params.Arguments)}}, StructuredContent: r.Params.Arguments}, nil
	})
	return s
}

const (
	meta      = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
	handshake = `{"jsonrpc":"2.0","id":"h","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
)

// conversation answers messages one after the other, and is true with the answers that serve gave.
func conversation(t *testing.T, serve func(in io.Reader, out io.Writer) error, messages []string) (answers []string) {
	t.Helper()
	asked, ask := io.Pipe()
	answered, answer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serve(asked, answer)
		_ = answer.Close()
		ended <- err
	}()
	lines := bufio.NewReader(answered)
	for _, m := range messages {
		if _, err := io.WriteString(ask, m+"\n"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(m, `"id"`) {
			continue
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(m, err)
		}
		answers = append(answers, line)
	}
	_ = ask.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return answers
}

// meaning is an answer without what we say in other words, or do not say to clients that know nothing of it.
func meaning(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(text, err)
	}
	if failed, ok := m["error"].(map[string]any); ok {
		delete(failed, "message")
	}
	if result, ok := m["result"].(map[string]any); ok && result["resultType"] == nil {
		delete(result, "ttlMs")
		delete(result, "cacheScope")
	}
	return m
}

// TestServeStreams_asTheSDK: both servers answer the same to the same messages.
func TestServeStreams_asTheSDK(t *testing.T) {
	messages := []string{
		handshake, `{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,"é\n"]}}}`,
		`{"jsonrpc":"2.0","id":"three","method":"tools/call","params":{"name":"echo"}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"none"}}`,
		`{"jsonrpc":"2.0","id":5,"method":"none"}`,
		`{"jsonrpc":"2.0","id":6,"method":"server/discover"}`,
		`{"jsonrpc":"2.0","id":7,"method":"server/discover","params":{` + meta + `}}`,
		`{"jsonrpc":"2.0","id":8,"method":"tools/list","params":{` + meta + `}}`,
		`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"echo","arguments":{},` + meta + `}}`,
		`{"jsonrpc":"2.0","id":10,"method":"ping","params":{` + meta + `}}`,
		`{"jsonrpc":"2.0","id":11,"method":"tools/list","params":{` + strings.Replace(meta, "2026-07-28", "2099-01-01", 1) + `}}`,
		`{"jsonrpc":"2.0","id":12,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
	}
	compare(t, messages)
	compare(t, []string{strings.Replace(handshake, "2025-06-18", "1999-01-01", 1)})
	compare(t, []string{strings.Replace(handshake, "2025-06-18", "2026-07-28", 1)})
}

func compare(t *testing.T, messages []string) {
	t.Helper()
	got := conversation(t, func(in io.Reader, out io.Writer) error { return ours().ServeStreams(t.Context(), in, out) }, messages)
	want := conversation(t, func(in io.Reader, out io.Writer) error {
		session, err := theirs().Connect(t.Context(), &sdk.IOTransport{Reader: io.NopCloser(in), Writer: nopCloser{out}}, nil)
		if err != nil {
			return err
		}
		return session.Wait()
	}, messages)
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i := range got {
		if diff := cmp.Diff(meaning(t, want[i]), meaning(t, got[i])); diff != "" {
			t.Errorf("theirs and ours: %s", diff)
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// TestServeStreams_answersToWhatIsWrong: what is no message is answered, and the next one is read.
func TestServeStreams_answersToWhatIsWrong(t *testing.T) {
	var out bytes.Buffer
	in := strings.Join([]string{
		`{"id":`, `{"jsonrpc":"1.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":[]}`,
		`[]`, `{"jsonrpc":"2.0","id":3,"result":{}}`, `{"jsonrpc":"2.0","method":"x","params":[]}`, "", `[{"jsonrpc":"2.0","id":4,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":5,"method":"ping"}]`,
	}, "\n")
	if err := ours().ServeStreams(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`"id":null,"error":{"code":-32700`, `"id":1,"error":{"code":-32600`, `"id":null,"error":{"code":-32600`, `"id":2,"error":{"code":-32602,"message":"the parameters have another form`,
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32600`, `[{"jsonrpc":"2.0","id":4,"result":{}},{"jsonrpc":"2.0","id":5,"result":{}}]`,
	} {
		if line, _ := out.ReadString('\n'); !strings.Contains(line, want) {
			t.Errorf("answer %d is %s", i, line)
		}
	}
	if out.Len() > 0 {
		t.Errorf("more: %s", out.String())
	}
	err := ours().ServeStreams(t.Context(), strings.NewReader(strings.Repeat("x", 2000)), &out)
	if err == nil || !strings.Contains(out.String(), "longer than 1000 bytes") {
		t.Error(err, out.String())
	}
}

// TestServeStreams_cancelled: a call that the client cancels ends and is not answered; another one goes on meanwhile.
func TestServeStreams_cancelled(t *testing.T) {
	s := ours()
	began, ended := make(chan struct{}), make(chan struct{})
	s.Tools[0].Call = func(ctx context.Context, _ []byte) *Result {
		close(began)
		<-ctx.Done()
		close(ended)
		return &Result{Text: "{}"}
	}
	asked, ask := io.Pipe()
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- s.ServeStreams(t.Context(), asked, &out) }()
	for _, m := range []string{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`, `{"jsonrpc":"2.0","id":2,"method":"ping"}`, "", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`} {
		if m == "" {
			<-began
		}
		if _, err := io.WriteString(ask, m+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	<-ended
	_ = ask.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != `{"jsonrpc":"2.0","id":2,"result":{}}` {
		t.Error(got)
	}
}

// TestServeStreams_nobodyReads: a client that is gone ends the calls that it made.
func TestServeStreams_nobodyReads(t *testing.T) {
	s := ours()
	s.Tools[0].Call = func(ctx context.Context, _ []byte) *Result {
		<-ctx.Done()
		return &Result{Text: "{}"}
	}
	in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"ping"}` + "\n")
	if err := s.ServeStreams(t.Context(), in, gone{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestServeHTTP_refusals(t *testing.T) {
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + meta + `}}`
	now := map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
	for name, c := range map[string]struct {
		method, body string
		header       map[string]string
		status       int
		want         string
	}{
		"a call":                {http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, nil, http.StatusOK, `"result":{}`},
		"a notification":        {http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, nil, http.StatusAccepted, ""},
		"a batch":               {http.MethodPost, `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]`, nil, http.StatusOK, `[{`},
		"an empty batch":        {http.MethodPost, `[]`, nil, http.StatusBadRequest, "-32600"},
		"no batch any more":     {http.MethodPost, `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, map[string]string{"Mcp-Protocol-Version": "2025-06-18"}, http.StatusBadRequest, "no batches"},
		"no JSON":               {http.MethodPost, `{`, nil, http.StatusBadRequest, "-32700"},
		"a stream":              {http.MethodGet, "", nil, http.StatusMethodNotAllowed, ""},
		"another type":          {http.MethodPost, "{}", map[string]string{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType, ""},
		"an unknown version":    {http.MethodPost, "{}", map[string]string{"Mcp-Protocol-Version": "2025-01-01"}, http.StatusBadRequest, "none of"},
		"without a session":     {http.MethodPost, list, now, http.StatusOK, `"resultType":"complete"`},
		"without the header":    {http.MethodPost, list, nil, http.StatusBadRequest, "-32020"},
		"another method":        {http.MethodPost, list, map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "ping"}, http.StatusBadRequest, "-32020"},
		"a method that is none": {http.MethodPost, strings.Replace(list, "tools/list", "none", 1), map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "none"}, http.StatusNotFound, "-32601"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, "http://127.0.0.1:4567/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			for key, value := range c.header {
				r.Header.Set(key, value)
			}
			w := httptest.NewRecorder()
			ours().ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestOfThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:4567": true, "localhost": true, "LOCALHOST:1": true, "[::1]:80": true, "[::1]": true, "127.9.9.9": true,
		"example.org": false, "localhost.example.org:80": false, "192.0.2.1:4567": false, "": false, "127.0.0.1.example.org": false,
	} {
		if ofThisMachine(host) != want {
			t.Errorf("%q is taken: %t", host, !want)
		}
	}
}
