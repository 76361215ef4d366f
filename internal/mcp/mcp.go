// Package mcp serves tools to agents over the Model Context Protocol: JSON-RPC, one message a line on a pair of streams, or
// one a request over streamable HTTP. It has what tools need of the protocol, in all its versions: no resources, no prompts
// and nothing that a server asks a client. The protocol's own SDK would make the binary 1.7 MB larger.
//
// It must not know what the tools do.
package mcp

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sessionless is the version since which every request says its version, and there is no handshake before the first.
const sessionless = "2026-07-28"

// versions of the protocol, the newest first.
var versions = []string{sessionless, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

// batching is the last version that may put several messages into one.
const batching = "2025-03-26"

// Server is what agents are shown.
type Server struct {
	Name, Title, Version string
	Instructions         string // how to use the tools
	Tools                []Tool
	MaxMessage           int // bytes of one message
}

// Tool is something that agents may call. All tools only read.
type Tool struct {
	Name        string
	Description string
	InputSchema any
	OpenWorld   bool // it asks something outside
	Call        func(ctx context.Context, arguments []byte) *Result
}

// Result is what a tool answers: JSON, or a text that says why there is none.
type Result struct {
	Text    string
	IsError bool
}

// Codes of errors: JSON-RPC's, and two of the protocol.
const (
	parseError         = -32700
	invalidRequest     = -32600
	methodNotFound     = -32601
	invalidParams      = -32602
	headerMismatch     = -32020
	unsupportedVersion = -32022
)

// message is a request, a notification where it has no ID, or an answer, which has no method.
type message struct {
	JSONRPC string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id,omitzero"`
	Method  string         `json:"method"`
	Params  jsontext.Value `json:"params,omitzero"`
}

// params are those of all methods.
type params struct {
	Meta struct {
		Version      string         `json:"io.modelcontextprotocol/protocolVersion"`
		Capabilities jsontext.Value `json:"io.modelcontextprotocol/clientCapabilities"`
	} `json:"_meta"`
	Version   string         `json:"protocolVersion"` // initialize
	Name      string         `json:"name"`            // tools/call
	Arguments jsontext.Value `json:"arguments"`
	RequestID jsontext.Value `json:"requestId"` // notifications/cancelled
}

type answer struct {
	JSONRPC string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id"`
	Result  object         `json:"result,omitzero"`
	Error   *failure       `json:"error,omitzero"`
}

type object map[string]any

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

func fail(code int, format string, args ...any) *failure {
	return &failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// call is a message that was read, with its parameters.
type call struct {
	message
	params params
}

// read is what a message says. A failure is answered with the ID that the message has, if any.
func read(text []byte) (c call, failed *failure) {
	if !jsontext.Value(text).IsValid() {
		return c, fail(parseError, "the message is not JSON")
	}
	if err := json.Unmarshal(text, &c.message); err != nil || c.JSONRPC != "2.0" {
		return c, fail(invalidRequest, "the message is not one of JSON-RPC 2.0")
	}
	if kind := c.ID.Kind(); c.ID != nil && kind != '"' && kind != '0' {
		c.ID = nil
		return c, fail(invalidRequest, "an ID is a text or a number")
	}
	if c.Params == nil {
		return c, nil
	}
	if json.Unmarshal(c.Params, &c.params) != nil && c.ID != nil { // a notification is not answered, whatever is wrong with it
		return c, fail(invalidParams, "the parameters have another form than those of a method")
	}
	return c, nil
}

// answered is what a call is answered, nil for a notification.
func (s *Server) answered(ctx context.Context, c call) *answer {
	if c.ID == nil || c.Method == "" {
		return nil
	}
	result, failed := s.result(ctx, c)
	return &answer{JSONRPC: "2.0", ID: c.ID, Result: result, Error: failed}
}

// result is what a method gives in the version that the call is of.
func (s *Server) result(ctx context.Context, c call) (object, *failure) {
	now := c.params.Meta.Version >= sessionless
	switch {
	case now && !slices.Contains(versions, c.params.Meta.Version):
		failed := fail(unsupportedVersion, "the version of the protocol is not supported")
		failed.Data = object{"supported": versions, "requested": c.params.Meta.Version}
		return nil, failed
	case now && c.params.Meta.Capabilities.Kind() != '{':
		return nil, fail(invalidParams, "the capabilities of the client are missing in _meta")
	}
	var result object
	switch c.Method {
	case "initialize":
		result = s.initialized(c.params.Version)
	case "ping":
		result = object{}
	case "server/discover":
		result = object{"supportedVersions": versions, "capabilities": capabilities(), "instructions": s.Instructions}
	case "tools/list":
		result = object{"tools": s.list()}
	case "tools/call":
		i := slices.IndexFunc(s.Tools, func(t Tool) bool { return t.Name == c.params.Name })
		if i < 0 {
			return nil, fail(invalidParams, "there is no tool %q", c.params.Name)
		}
		result = s.Tools[i].Call(ctx, c.params.Arguments).object()
	}
	handshake := c.Method == "initialize" || c.Method == "ping"
	if result == nil || now && handshake || !now && c.Method == "server/discover" {
		return nil, fail(methodNotFound, "there is no method %q", c.Method)
	}
	if now {
		result["resultType"] = "complete"
		result["_meta"] = object{"io.modelcontextprotocol/serverInfo": s.info()}
		if c.Method != "tools/call" { // it may be kept by no one
			result["ttlMs"], result["cacheScope"] = 0, "public"
		}
	}
	return result, nil
}

// initialized is the answer to a handshake: in the client's version where that is one of those with a handshake.
func (s *Server) initialized(version string) object {
	if version == sessionless || !slices.Contains(versions, version) {
		version = versions[1]
	}
	return object{"protocolVersion": version, "capabilities": capabilities(), "serverInfo": s.info(), "instructions": s.Instructions}
}

func capabilities() object { return object{"tools": object{}} }

func (s *Server) info() object {
	return object{"name": s.Name, "title": s.Title, "version": s.Version}
}

func (s *Server) list() []object {
	list := make([]object, len(s.Tools))
	for i, t := range s.Tools {
		list[i] = object{
			"name": t.Name, "description": t.Description, "inputSchema": t.InputSchema,
			"annotations": object{"readOnlyHint": true, "idempotentHint": true, "openWorldHint": t.OpenWorld},
		}
	}
	return list
}

// object is a result as the protocol has it: JSON as a text and as itself.
func (r *Result) object() object {
	o := object{"content": []object{{"type": "text", "text": r.Text}}}
	if r.IsError {
		o["isError"] = true
	} else {
		o["structuredContent"] = jsontext.Value(r.Text)
	}
	return o
}

// encoded is an answer, or a list of them, on one line.
func encoded(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }
