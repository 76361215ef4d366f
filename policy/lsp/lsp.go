// Package lsp is a language server for core network policies: what check and lint say as one writes, what a member is, what
// may be written, and where a name is defined.
//
// It speaks the Language Server Protocol 3.17 with whole texts. All forms that [source.Read] knows are diagnosed; the other
// answers are about policies in JSON that stand in a text as they are.
package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// maxMessage bounds a message, in bytes.
const maxMessage = 128 << 20

// Server is one connection to an editor.
type Server struct {
	out       io.Writer
	schema    *policy.Schema
	documents map[string]*document
	changed   []string // documents to diagnose, in the order in which they changed
	down      bool     // the editor has asked for the end
}

// ErrNoShutdown says that the editor ended the connection without asking for it.
var ErrNoShutdown = errors.New("the connection ended without a shutdown request")

// errNoEditor is about an input that is none of the protocol.
var errNoEditor = errors.New("the input is not that of an editor: a message of the Language Server Protocol begins with Content-Length")

// message is a request, a notification or a response.
type message struct {
	ID     jsontext.Value `json:"id"`
	Method string         `json:"method"`
	Params jsontext.Value `json:"params"`
}

// Serve answers an editor until it says exit or the input ends. Answers go before diagnostics: a text is diagnosed when no
// message waits.
func Serve(in io.Reader, out io.Writer) error {
	schema, err := policy.DocumentSchema("")
	if err != nil {
		return err
	}
	s := &Server{out: out, schema: schema, documents: map[string]*document{}}
	messages := make(chan []byte, 64)
	stop := make(chan struct{})
	defer close(stop)
	failed := make(chan error, 1)
	go func() {
		defer close(messages)
		r := bufio.NewReader(in)
		for {
			body, err := read(r)
			if err != nil {
				failed <- err
				return
			}
			select {
			case messages <- body:
			case <-stop:
				return
			}
		}
	}()
	for {
		body, ok := s.next(messages)
		if !ok {
			if err := <-failed; !errors.Is(err, io.EOF) {
				return err
			}
			return ErrNoShutdown
		}
		ended, err := s.handle(body)
		if err != nil || ended {
			return err
		}
	}
}

// next is the next message. While none waits, what has changed is diagnosed.
func (s *Server) next(messages <-chan []byte) ([]byte, bool) {
	for len(s.changed) > 0 {
		select {
		case body, ok := <-messages:
			return body, ok
		default:
			uri := s.changed[0]
			s.changed = s.changed[1:]
			if d := s.documents[uri]; d != nil {
				s.publish(uri, d.diagnose())
			}
		}
	}
	body, ok := <-messages
	return body, ok
}

// read is the body of one message.
func read(r *bufio.Reader) ([]byte, error) {
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if _, malformed := errors.AsType[textproto.ProtocolError](err); malformed {
		return nil, errNoEditor
	}
	if err != nil {
		return nil, err
	}
	if header.Get("Content-Length") == "" {
		return nil, errNoEditor
	}
	size, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil || size < 0 || size > maxMessage {
		return nil, fmt.Errorf("a message has the Content-Length %.40q", header.Get("Content-Length"))
	}
	body := make([]byte, size)
	_, err = io.ReadFull(r, body)
	return body, err
}

// lenient takes what editors send that is no strict JSON: half a character, a member twice.
var lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// send writes a message. An editor that is gone is noticed when it is read from.
func (s *Server) send(v any) {
	body, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(true), lenient)
	if err != nil {
		return
	}
	fmt.Fprintf(s.out, "Content-Length: %d\r\n\r\n%s", len(body), body)
}

func (s *Server) publish(uri string, list []diagnostic) {
	s.send(map[string]any{"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": map[string]any{"uri": uri, "diagnostics": list}})
}

// The error codes of JSON-RPC that are used.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
)

func (s *Server) reply(id jsontext.Value, result any) {
	s.send(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
}

func (s *Server) refuse(id jsontext.Value, code int, text string) {
	if id == nil {
		id = jsontext.Value("null")
	}
	s.send(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": text}})
}

// handle answers a message and says whether it was the last.
func (s *Server) handle(body []byte) (ended bool, err error) {
	var m message
	if json.Unmarshal(body, &m, lenient) != nil {
		s.refuse(nil, codeParse, "the message is not JSON")
		return false, nil
	}
	switch {
	case m.Method == "exit" && s.down:
		return true, nil
	case m.Method == "exit":
		return true, ErrNoShutdown
	case m.Method == "": // a response; nothing was asked
	case m.ID == nil:
		s.notified(&m)
	case s.down:
		s.refuse(m.ID, codeInvalidRequest, "the server was shut down")
	default:
		s.asked(&m)
	}
	return false, nil
}

// textParams is the parameters of everything about a text.
type textParams struct {
	TextDocument struct {
		URI  string `json:"uri"`
		Text string `json:"text"`
	} `json:"textDocument"`
	ContentChanges []struct {
		Range *span  `json:"range"`
		Text  string `json:"text"`
	} `json:"contentChanges"`
	Position position `json:"position"`
}

// notified takes texts. What else an editor may tell is of no use here.
func (s *Server) notified(m *message) {
	var p textParams
	if json.Unmarshal(m.Params, &p, lenient) != nil {
		return
	}
	uri := p.TextDocument.URI
	switch m.Method {
	case "textDocument/didOpen":
		s.open(uri, p.TextDocument.Text)
	case "textDocument/didChange":
		for _, c := range p.ContentChanges {
			if c.Range == nil {
				s.open(uri, c.Text)
			}
		}
	case "textDocument/didClose":
		delete(s.documents, uri)
		s.publish(uri, []diagnostic{})
	}
}

func (s *Server) open(uri, text string) {
	s.documents[uri] = &document{name: uri[strings.LastIndexByte(uri, '/')+1:], lines: newLines(text)}
	for _, waiting := range s.changed {
		if waiting == uri {
			return
		}
	}
	s.changed = append(s.changed, uri)
}

// asked answers a request.
func (s *Server) asked(m *message) {
	switch m.Method {
	case "initialize":
		s.reply(m.ID, map[string]any{
			"serverInfo": map[string]any{"name": "portolan"},
			"capabilities": map[string]any{
				"positionEncoding":   "utf-16",
				"textDocumentSync":   map[string]any{"openClose": true, "change": 1}, // whole texts
				"hoverProvider":      true,
				"definitionProvider": true,
				"completionProvider": map[string]any{"triggerCharacters": []string{`"`, ":", "["}},
			},
		})
		return
	case "shutdown":
		s.down = true
		s.reply(m.ID, nil)
		return
	case "textDocument/hover", "textDocument/definition", "textDocument/completion":
	default:
		s.refuse(m.ID, codeMethodNotFound, "the method "+m.Method+" is not known")
		return
	}
	var p textParams
	if err := json.Unmarshal(m.Params, &p, lenient); err != nil {
		s.refuse(m.ID, codeInvalidParams, "the parameters have another form")
		return
	}
	d := s.documents[p.TextDocument.URI]
	if d == nil {
		s.refuse(m.ID, codeInvalidParams, "the document "+p.TextDocument.URI+" is not open")
		return
	}
	switch m.Method {
	case "textDocument/hover":
		s.reply(m.ID, s.hover(d, p.Position))
	case "textDocument/definition":
		s.reply(m.ID, s.definition(p.TextDocument.URI, d, p.Position))
	default:
		s.reply(m.ID, s.complete(d, p.Position))
	}
}
