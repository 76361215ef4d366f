package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// agent is a client in memory of the tools over the example network.
func agent(t *testing.T) *mcp.ClientSession {
	t.Helper()
	o := mcpOptions{network: networkOptions{file: "../../examples/network.yaml"}}
	asked, ask := io.Pipe()
	answered, answer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.server().ServeStreams(ctx, asked, answer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.IOTransport{Reader: answered, Writer: ask}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestMCP_everyToolAnswersWhatItsCommandPrints(t *testing.T) {
	session := agent(t)
	text, err := os.ReadFile("../../examples/network-open.json")
	if err != nil {
		t.Fatal(err)
	}
	policy := string(text)
	for name, c := range map[string]struct {
		arguments map[string]any
		want      string
	}{
		"check":      {map[string]any{"policy": policy}, `"documents"`},
		"lint":       {map[string]any{"policy": policy}, `"documents"`},
		"plan":       {map[string]any{"policy": policy}, `"routesWithdrawn"`},
		"why":        {map[string]any{"prefix": "10.1.0.0/16", "segment": "prod", "edge": "us-east-1"}, `10.1.0.0/16`},
		"path":       {map[string]any{"from": "a1", "to": "10.1.0.1"}, `"verdict"`},
		"matrix":     {map[string]any{"attachments": true}, `a1`},
		"doctor":     {nil, `"result"`},
		"test":       {map[string]any{"assertions": "prod reaches dev via fw\n"}, `"holding"`},
		"routes":     {map[string]any{"segment": "prod", "edge": "us-east-1"}, `10.1.0.0/16`},
		"advertised": {map[string]any{"attachment": "a1"}, `[`},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: c.arguments})
			if err != nil {
				t.Fatal(err)
			}
			text := result.Content[0].(*mcp.TextContent).Text
			if result.IsError || !jsontext.Value(text).IsValid() || !strings.Contains(text, c.want) || result.StructuredContent == nil {
				t.Errorf("got %v %s", result.IsError, text)
			}
		})
	}
}

func TestMCP_toolsOnlyRead(t *testing.T) {
	list, err := agent(t).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Tools) != len(tools())-1 { // verify is offered when it is asked for
		t.Errorf("%d tools", len(list.Tools))
	}
	for _, tool := range list.Tools {
		if !tool.Annotations.ReadOnlyHint || tool.Description == "" || tool.InputSchema == nil {
			t.Errorf("%+v", tool)
		}
	}
}

// TestMCP_refusals: what an agent gets wrong is an error that it sees, and nothing it gives becomes a flag.
func TestMCP_refusals(t *testing.T) {
	session := agent(t)
	for name, c := range map[string]struct {
		tool      string
		arguments any
		want      string
	}{
		"no object":     {"why", []string{"prefix"}, "the arguments of why are not an object"},
		"missing":       {"why", map[string]any{}, "is required"},
		"unknown":       {"doctor", map[string]any{"snapshot": "/etc/passwd"}, `takes no "snapshot"`},
		"type":          {"matrix", map[string]any{"attachments": "yes"}, "attachments must be true or false"},
		"a flag":        {"why", map[string]any{"prefix": "--snapshot=/etc/passwd", "segment": "prod", "edge": "us-east-1"}, "--snapshot=/etc/passwd"},
		"no document":   {"check", map[string]any{"policy": "a: [b"}, "policy: the file is neither JSON nor YAML"},
		"no policy":     {"plan", map[string]any{"policy": ""}, "policy: the document is empty"},
		"no assertion":  {"test", map[string]any{"assertions": "prod sees dev"}, "assertions: "},
		"no assertions": {"test", map[string]any{"assertions": ""}, "assertions has no assertions"},
		"no such table": {"routes", map[string]any{"segment": "nowhere", "edge": "us-east-1"}, "there is no route table"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: c.tool, Arguments: c.arguments})
			if err != nil {
				t.Fatal(err)
			}
			if text := result.Content[0].(*mcp.TextContent).Text; !result.IsError || !strings.Contains(text, c.want) || strings.HasPrefix(text, "-") {
				t.Errorf("got %v %s", result.IsError, text)
			}
		})
	}
}

func TestMCP_listensOnThisMachineOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:4567", "192.0.2.1:4567", "example.org:80", "4567"} {
		o := mcpOptions{network: networkOptions{file: "../../examples/network.yaml"}, listen: address}
		if o.check(mcpCommand()) == nil {
			t.Errorf("%s is taken", address)
		}
	}
	o := mcpOptions{network: networkOptions{file: "../../examples/network.yaml"}, listen: "127.0.0.1:0"}
	if err := o.check(mcpCommand()); err != nil {
		t.Error(err)
	}
}
