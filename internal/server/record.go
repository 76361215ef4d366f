package server

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"portolan/internal/auth"
	"portolan/internal/otlp"
)

const (
	unknown = "unknown" // the operation of a request that none matches
	other   = "other"   // all operations of other services
)

// What was decided about a caller, for the log. A request that failed between the two questions has no decision.
const (
	rejected = "rejected" // who it is
	denied   = "denied"   // whether they may
	allowed  = "allowed"
)

// call is what the log, the metrics and the span say of one request.
type call struct {
	start     time.Time
	id        string
	operation string
	principal *auth.Principal // nil: nobody was made out
	auth      string
	status    int
	errorType string
	err       error
	span      *otlp.Span // nil: there is no tracer
	answered  bool       // it has one of the slots
	turn      func()     // ends the turn that it has, nil for none
}

// endTurn gives back the right to compute something heavy.
func (c *call) endTurn() {
	if c.turn != nil {
		c.turn()
	}
	c.turn = nil
}

// record writes the access line, the metrics and the end of the span.
func (s *Server) record(c *call, r *http.Request) {
	took := s.cfg.Now().Sub(c.start)
	s.metrics.observe(c.operation, c.status, took)
	s.endSpan(c)
	level := slog.LevelInfo
	if c.status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !s.cfg.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs, slog.String("request_id", c.id), slog.String("operation", c.operation))
	if c.operation == unknown || c.operation == other {
		attrs = append(attrs, slog.String("method", cut(r.Method, 20)), slog.String("path", cut(r.URL.EscapedPath(), 200)))
	}
	if c.principal != nil {
		attrs = append(attrs, slog.String("account", c.principal.Caller().Account), slog.String("principal", c.principal.String()))
		if key := c.principal.AccessKeyID(); key != "" {
			attrs = append(attrs, slog.String("access_key_id", key))
		}
	}
	if c.auth != "" {
		attrs = append(attrs, slog.String("auth", c.auth))
	}
	attrs = append(attrs, slog.Int("status", c.status), slog.Duration("took", took), slog.String("remote", r.RemoteAddr))
	if c.err != nil {
		attrs = append(attrs, slog.String("error_type", c.errorType), slog.String("error", c.err.Error()))
		if cause := errors.Unwrap(c.err); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
	}
	s.cfg.Log.LogAttrs(r.Context(), level, "call", attrs...)
}

// cut keeps a client from filling the log.
func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// startSpan begins the call's span, under the caller's when the request names one.
func (s *Server) startSpan(c *call, r *http.Request) {
	if s.cfg.Tracer != nil {
		c.span = s.cfg.Tracer.Start(r.Header, c.operation, c.start)
	}
}

func (s *Server) endSpan(c *call) {
	if c.span == nil {
		return
	}
	c.span.Set(otlp.Text("rpc.system", "aws-api"), otlp.Text("rpc.service", "NetworkManager"), otlp.Text("rpc.method", c.operation),
		otlp.Text("aws.request_id", c.id), otlp.Number("http.response.status_code", c.status))
	if c.errorType != "" {
		c.span.Set(otlp.Text("error.type", c.errorType))
	}
	if c.status >= http.StatusInternalServerError {
		c.span.Fail(c.errorType)
	}
	c.span.End(s.cfg.Now())
}
