package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMCP_streamableHTTP: clients on this machine call a tool over HTTP; a page of another origin, a rebound name and a call that is
// too long are refused.
func TestMCP_streamableHTTP(t *testing.T) {
	url := agentURL(t)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "matrix", Arguments: map[string]any{"attachments": true}})
	if err != nil || result.IsError || !strings.Contains(result.Content[0].(*mcp.TextContent).Text, "a1") {
		t.Errorf("got %+v, %v", result, err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for name, c := range map[string]struct {
		body, member, value string
		want                int
	}{
		"as it should be": {ping, "User-Agent", "test", http.StatusOK},
		"another origin":  {ping, "Origin", "http://attacker.example", http.StatusForbidden},
		"another site":    {ping, "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		"rebound name":    {ping, "Host", "attacker.example:4567", http.StatusForbidden},
		"too long":        {`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", maxToolInput) + `"}`, "User-Agent", "test", http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if r.Header.Set(c.member, c.value); c.member == "Host" {
				r.Host = c.value
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != c.want {
				text, _ := io.ReadAll(resp.Body)
				t.Errorf("got %d %s", resp.StatusCode, text)
			}
		})
	}
}

// agentURL is where the tools over the example network are served until the test ends.
func agentURL(t *testing.T) string {
	t.Helper()
	o := mcpOptions{network: networkOptions{file: "../../examples/network.yaml"}, listen: "127.0.0.1:0"}
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- o.serveHTTP(ctx, write) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line[strings.LastIndex(line, " ")+1:])
}
