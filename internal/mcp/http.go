package mcp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ServeHTTP answers the messages of one request: clients on this machine, over streamable HTTP without sessions, with JSON
// and never with a stream of events. It must be served on loopback addresses only: a Host that is no name of this machine
// is refused, since a name that was rebound to it is how a web page would reach it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version := r.Header.Get("Mcp-Protocol-Version")
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !ofThisMachine(r.Host):
		http.Error(w, fmt.Sprintf("the Host %q is not this machine", r.Host), http.StatusForbidden)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "messages are posted", http.StatusMethodNotAllowed)
		return
	case err != nil || kind != "application/json":
		http.Error(w, "the Content-Type is not application/json", http.StatusUnsupportedMediaType)
		return
	case version != "" && version < sessionless && !slices.Contains(versions, version):
		http.Error(w, "the version of the protocol is none of "+strings.Join(versions, ", "), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.MaxMessage)))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		http.Error(w, fmt.Sprintf("the message is longer than %d bytes", s.MaxMessage), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the message could not be read", http.StatusBadRequest)
		return
	}
	var list []jsontext.Value
	if json.Unmarshal(body, &list) != nil || len(list) == 0 {
		one, status := s.one(r, body)
		reply(w, status, one)
		return
	}
	if version > batching {
		http.Error(w, "this version of the protocol has no batches", http.StatusBadRequest)
		return
	}
	var answers []*answer
	for _, text := range list {
		if one, _ := s.one(r, text); one != nil {
			answers = append(answers, one)
		}
	}
	reply(w, http.StatusOK, answers...)
}

// one is the answer to one message and its status. Where the version says so, the headers must say what the message says.
func (s *Server) one(r *http.Request, text []byte) (*answer, int) {
	c, failed := read(text)
	if failed == nil && c.ID != nil {
		failed = mismatch(r.Header, &c)
	}
	if failed != nil {
		if c.ID == nil {
			c.ID = jsontext.Value("null")
		}
		return &answer{JSONRPC: "2.0", ID: c.ID, Error: failed}, http.StatusBadRequest
	}
	a := s.answered(r.Context(), c)
	if a == nil || a.Error == nil || c.params.Meta.Version < sessionless {
		return a, http.StatusOK
	}
	if a.Error.Code == methodNotFound {
		return a, http.StatusNotFound
	}
	return a, http.StatusBadRequest
}

// mismatch is what is wrong with the headers of a call, which are there for what looks at nothing else.
func mismatch(header http.Header, c *call) *failure {
	version := header.Get("Mcp-Protocol-Version")
	switch said := c.params.Meta.Version; {
	case version < sessionless && said == "":
		return nil
	case version != said:
		return fail(headerMismatch, "the version in the header Mcp-Protocol-Version is %q, in the message %q", version, said)
	case header.Get("Mcp-Method") != c.Method:
		return fail(headerMismatch, "the header Mcp-Method is %q, the method %q", header.Get("Mcp-Method"), c.Method)
	case c.Method == "tools/call" && header.Get("Mcp-Name") != c.params.Name:
		return fail(headerMismatch, "the header Mcp-Name is %q, the tool %q", header.Get("Mcp-Name"), c.params.Name)
	}
	return nil
}

// reply writes answers, if there are any: one as itself, several as a list.
func reply(w http.ResponseWriter, status int, answers ...*answer) {
	var text []byte
	var err error
	switch {
	case len(answers) == 0 || answers[0] == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	case len(answers) == 1:
		text, err = encoded(answers[0])
	default:
		text, err = encoded(answers)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// ofThisMachine is whether a Host names a loopback address.
func ofThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
