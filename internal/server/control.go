package server

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"portolan/api"
	"portolan/internal/wire"
)

// isControl tells whether a path is the server's own and not the API's.
func isControl(path string) bool {
	return strings.HasPrefix(path, "/_portolan/") || path == "/_localstack/health" || path == "/metrics"
}

// control serves what operators need. Reading is open to whoever reaches the port.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /_portolan/health", "GET /_localstack/health", "HEAD /_portolan/health", "HEAD /_localstack/health":
		s.health(w, r)
	case "GET /metrics":
		promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	case "POST /_portolan/reset":
		s.change(w, r, func() error { return s.cfg.Service.Reset(r.Context(), r.URL.Query().Get("account")) })
	case "POST /_portolan/faults":
		s.change(w, r, func() error { return s.faults.plan(r) })
	default:
		wire.WriteError(w, s.ids.next(), &api.GenericError{Status: http.StatusNotFound, Type: "NotFoundException", Message: "There is no such control endpoint."})
	}
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	status, state := http.StatusOK, "running"
	if !s.ready.Load() {
		status, state = http.StatusServiceUnavailable, "starting"
	} else if err := s.cfg.Service.Check(r.Context()); err != nil {
		s.cfg.Log.Error("the health check failed", "error", err)
		status, state = http.StatusServiceUnavailable, "failing"
	}
	writeJSON(w, status, map[string]any{"status": state, "services": map[string]string{"networkmanager": state}})
}

// change carries out a control call that changes something: it takes a peer on this machine, and a valid signature
// where signatures are checked.
func (s *Server) change(w http.ResponseWriter, r *http.Request, do func() error) {
	id := s.ids.next()
	if !fromHere(r) {
		wire.WriteError(w, id, &api.AccessDeniedException{Message: "This is possible from the server's own machine only."})
		return
	}
	body, err := wire.ReadBody(r.Body, 1<<20)
	if err == nil {
		_, _, err = s.cfg.Authenticator.Authenticate(r, body)
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		s.cfg.Log.Error("control call failed", "request_id", id, "path", r.URL.Path, "error", err)
		wire.WriteError(w, id, err)
		return
	}
	s.cfg.Log.Info("control call", "request_id", id, "path", r.URL.Path, "query", r.URL.RawQuery)
	writeJSON(w, http.StatusOK, map[string]any{"status": "done"})
}

func fromHere(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true // an in-memory listener
	}
	ip := net.ParseIP(host)
	return ip == nil || ip.IsLoopback()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
