package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/wire"
)

// isControl tells whether a path is the server's own and not the API's.
func isControl(path string) bool {
	return strings.HasPrefix(path, "/_portolan/") || path == "/_localstack/health" || path == "/metrics"
}

// control serves what operators need. Reading is open to whoever reaches the port.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			s.refuse(w, r, s.ids.next(), panicked(v))
		}
	}()
	if r.Method == http.MethodGet && r.URL.Path == "/metrics" && !s.cfg.OwnMetrics {
		s.metrics.serve(w, r)
		return
	}
	s.answerControl(w, r)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	status, state, reason := http.StatusOK, "running", ""
	if !s.ready.Load() {
		status, state = http.StatusServiceUnavailable, "starting"
	} else if err := s.healthy.get(); err != nil {
		status, state, reason = http.StatusServiceUnavailable, "failing", err.Error()
	}
	reply := map[string]any{"status": state, "services": map[string]string{"networkmanager": state}}
	if reason != "" {
		reply["reason"] = reason
	}
	writeJSON(w, status, reply)
}

// checkWithin is how long a store may take to say whether it can be written to. Whoever asks meanwhile waits for the same answer.
const checkWithin = 10 * time.Second

// check is what the health check finds.
func (s *Server) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkWithin)
	defer cancel()
	err := s.cfg.Service.Check(ctx)
	if err != nil {
		s.cfg.Log.Error("the health check failed", "error", err)
	}
	return err
}

// change carries out a control call that changes something of an account, "" for all: see operator.
func (s *Server) change(w http.ResponseWriter, r *http.Request, account string, do func(*http.Request) error) {
	id := s.ids.next()
	err := s.operator(w, r, account)
	if err == nil {
		err = do(r.WithContext(lasting(r.Context())))
	}
	if err != nil {
		s.refuse(w, r, id, err)
		return
	}
	s.cfg.Log.Info("control call", "request_id", id, "path", r.URL.Path, "query", cut(r.URL.RawQuery, 200))
	w.Header().Set("X-Amzn-Requestid", id)
	writeJSON(w, http.StatusOK, map[string]any{"status": "done"})
}

// operator refuses a control call about an account, "" for all, that is not made by a peer on this machine that is no web page
// and, where signatures are checked, has a valid one of somebody who may make it.
func (s *Server) operator(w http.ResponseWriter, r *http.Request, account string) error {
	if !fromHere(r) {
		return &api.AccessDeniedException{Message: "This is possible from the server's own machine only."}
	}
	principal, _, err := s.identify(new(call), w, r, 1<<20)
	if err != nil {
		return err
	}
	return s.mayControl(r, principal, account)
}

// refuse answers a control call with an error and logs what the client is not told. What a client got wrong is no
// error of the server's, here as in the access line of an operation.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	err = stored(err)
	level := slog.LevelInfo
	if wire.AsException(err).HTTPStatus() == http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []any{"request_id", id, "path", cut(r.URL.Path, 200), "error", err.Error()}
	if cause := errors.Unwrap(err); cause != nil {
		attrs = append(attrs, "cause", cause.Error())
	}
	s.cfg.Log.Log(r.Context(), level, "control call failed", attrs...)
	wire.WriteError(w, id, err)
}

// mayControl refuses a control call about an account, "" for all, by somebody who may not make it. That the client has shut its
// sending side down changes nothing.
func (s *Server) mayControl(r *http.Request, principal *auth.Principal, account string) error {
	return s.cfg.Authorizer.AuthorizeControl(lasting(r.Context()), principal, account)
}

// reset empties one account, or everything. A script's variable that is not set must not empty everything.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	account, all := r.URL.Query().Get("account"), !r.URL.Query().Has("account")
	s.change(w, r, account, func(r *http.Request) error {
		switch {
		case all:
			s.faults.forget()
		case !accountPattern.MatchString(account):
			return api.InvalidField("account", "Member must be one account of 12 digits.")
		}
		return s.cfg.Service.Reset(r.Context(), account)
	})
}

// fault plans errors for the next calls of an operation, whoever makes them.
func (s *Server) fault(w http.ResponseWriter, r *http.Request) { s.change(w, r, "", s.faults.plan) }

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func fromHere(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true // an in-memory listener
	}
	ip := net.ParseIP(host)
	return ip == nil || ip.IsLoopback()
}

// writeWhole answers with what was made before. As long as the client does not read it, it counts as held.
func writeWhole(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	connectionOf(r).writes(len(body))
	_, _ = w.Write(body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v, json.Deterministic(true))
	_, _ = io.WriteString(w, "\n")
}
