// Package server is HTTP as a whole: the listener, the order in which a request passes its stations, health, control
// endpoints and shutdown. It composes who is calling (auth), what they ask (wire) and what happens (service), and knows
// none of their rules.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/wire"
)

// Service is what the server serves: the operations, and what operators need beside them.
type Service interface {
	api.Service
	Reset(ctx context.Context, account string) error // "" empties every account
	Check(ctx context.Context) error                 // nil when requests can be answered
}

// Config is what a Server is made of. Service is required.
type Config struct {
	Service       Service
	Authenticator *auth.Authenticator // nil accepts any credentials
	Authorizer    *auth.Authorizer    // nil has no tags to decide by
	Limiter       *auth.Limiter       // nil refuses none
	Log           *slog.Logger
	Tracer        trace.Tracer // nil: no spans
	Random        io.Reader    // of request ids; default crypto/rand
	Now           func() time.Time

	CORSOrigin string // "" switches CORS off
	MaxHeader  int    // bytes; default 64 KiB
	ReadTime   time.Duration
}

// Server answers HTTP requests.
type Server struct {
	cfg     Config
	ids     *requestIDs
	metrics *metrics
	faults  faults
	ready   atomic.Bool
}

// New returns a server that is not ready until [Server.SetReady].
func New(cfg Config) *Server {
	if cfg.Authenticator == nil {
		cfg.Authenticator = auth.NewAuthenticator(auth.Config{Now: cfg.Now})
	}
	if cfg.Authorizer == nil {
		cfg.Authorizer = &auth.Authorizer{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxHeader == 0 {
		cfg.MaxHeader = 64 << 10
	}
	if cfg.ReadTime == 0 {
		cfg.ReadTime = 30 * time.Second
	}
	return &Server{cfg: cfg, ids: newRequestIDs(cfg.Random), metrics: newMetrics()}
}

// SetReady says whether /_portolan/health answers that requests are welcome.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// Serve answers on l until ctx ends, then finishes the requests under way, for as long as drain allows.
func (s *Server) Serve(ctx context.Context, l net.Listener, drain time.Duration) error {
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.cfg.ReadTime,
		ReadTimeout:       s.cfg.ReadTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    s.cfg.MaxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.SetReady(false)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := hs.Shutdown(stop); err != nil {
		_ = hs.Close()
		return fmt.Errorf("requests were still under way after %s: %w", drain, err)
	}
	return nil
}

// ServeHTTP is the way of every request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.cfg.CORSOrigin != "" && s.cors(w, r) {
		return
	}
	if isControl(r.URL.Path) {
		s.control(w, r)
		return
	}
	c := call{start: s.cfg.Now(), id: s.ids.next(), operation: "unknown"}
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	out, err := s.answer(&c, w, r)
	if err != nil {
		e := wire.AsException(err)
		c.status, c.errorType, c.err = e.HTTPStatus(), e.ErrorType(), err
		wire.WriteError(w, c.id, err)
	} else {
		c.status = http.StatusOK
		wire.WriteOutput(w, c.id, out)
	}
	s.record(&c, r)
}

// call is what the log and the metrics say of one request.
type call struct {
	start     time.Time
	id        string
	operation string
	account   string
	status    int
	errorType string
	err       error
	span      trace.Span
}

func (s *Server) answer(c *call, w http.ResponseWriter, r *http.Request) (out api.Output, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, api.Internal(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	op, labels, unmatched := wire.Match(r.Method, r.URL.EscapedPath())
	limit := int64(1 << 20)
	if op != nil {
		c.operation = op.Name
		limit = wire.MaxBody(op)
	}
	var body []byte
	if r.Body != nil && r.ContentLength != 0 {
		if body, err = wire.ReadBody(http.MaxBytesReader(w, r.Body, limit), limit); err != nil {
			return nil, err
		}
	}
	principal, body, err := s.cfg.Authenticator.Authenticate(r, body)
	if err != nil {
		return nil, err
	}
	caller := principal.Caller()
	c.account = caller.Account
	// Who cannot sign is not told what exists.
	if unmatched != nil {
		return nil, unmatched
	}
	if err := s.cfg.Limiter.Allow(caller.Account, op.Name); err != nil {
		return nil, err
	}
	if err := s.faults.take(op.Name); err != nil {
		return nil, err
	}
	in, err := wire.Decode(op, labels, r.URL.RawQuery, body)
	if err != nil {
		return nil, err
	}
	ctx := api.WithCaller(r.Context(), caller)
	if s.cfg.Tracer != nil {
		ctx, c.span = s.cfg.Tracer.Start(ctx, op.Name, trace.WithSpanKind(trace.SpanKindServer))
	}
	if err := s.cfg.Authorizer.Authorize(ctx, principal, op, in); err != nil {
		return nil, err
	}
	return op.Call(ctx, s.cfg.Service, in)
}

// record writes the access line, the metrics and the end of the span.
func (s *Server) record(c *call, r *http.Request) {
	took := s.cfg.Now().Sub(c.start)
	s.metrics.observe(c.operation, c.status, took)
	if c.span != nil {
		c.span.SetAttributes(attribute.String("rpc.method", c.operation), attribute.String("aws.request_id", c.id), attribute.Int("http.response.status_code", c.status))
		if c.status >= http.StatusInternalServerError {
			c.span.SetStatus(codes.Error, c.errorType)
		}
		c.span.End()
	}
	level := slog.LevelInfo
	if c.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !s.cfg.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("request_id", c.id), slog.String("operation", c.operation), slog.String("account", c.account),
		slog.Int("status", c.status), slog.Duration("took", took), slog.String("remote", r.RemoteAddr))
	if c.errorType != "" {
		attrs = append(attrs, slog.String("error_type", c.errorType), slog.String("error", c.err.Error()))
		if cause := errors.Unwrap(c.err); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
	}
	s.cfg.Log.LogAttrs(r.Context(), level, "call", attrs...)
}

// cors answers preflights and marks every reply; it reports whether the request has been answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", s.cfg.CORSOrigin)
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId, x-amzn-ErrorType, Retry-After")
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, x-amz-date, x-amz-security-token, x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request")
	w.WriteHeader(http.StatusNoContent)
	return true
}
