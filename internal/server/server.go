// Package server is HTTP as a whole: the listener, the order in which a request passes its stations, health, control
// endpoints and shutdown. It composes who is calling (auth), what they ask (wire) and what happens (service), and knows
// none of their rules.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/auth"
	"portolan/internal/console"
	"portolan/internal/events"
	"portolan/internal/otherservices"
	"portolan/internal/otlp"
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/internal/turns"
	"portolan/internal/wire"
	"portolan/policy"
	"portolan/routing"
)

// Service is what the server serves: the operations, and what operators need beside them.
type Service interface {
	api.Service
	Reset(ctx context.Context, account string) error // "" empties every account
	Check(ctx context.Context) error                 // nil when requests can be answered
	CheckFields(in api.Input) []api.FieldError       // what is wrong with members beyond the model's constraints

	// PublishEvents publishes what has changed until now for the caller's account, StoredEvents reads the log of what happened to
	// it, and EventsChanged tells when there may be more.
	PublishEvents(ctx context.Context) error
	StoredEvents(ctx context.Context, q events.Query) (list []events.Stored, next uint64, err error)
	EventsChanged(ctx context.Context) (<-chan struct{}, error)

	// Snapshot is the network of one of the caller's core networks.
	Snapshot(ctx context.Context, coreNetwork string) (*snapshot.Snapshot, error)
	// Attached is what a policy of one of the caller's core networks is advised on by.
	Attached(ctx context.Context, coreNetwork string) (policy.Previous, []policy.Attached, error)
	// PutAnnouncements sets what an attachment or a Connect peer announces; Announcements shows it.
	PutAnnouncements(ctx context.Context, id string, list []routing.Announcement) error
	Announcements(ctx context.Context, id string) ([]routing.Announcement, error)
	// Network is one of the caller's core networks with its routes.
	Network(ctx context.Context, coreNetwork string) (*analysis.Subject, error)
	// RoutingOptions are what its routes are computed with; nil are the defaults.
	RoutingOptions() *routing.Options
}

// Config is what a Server is made of. Service is required.
type Config struct {
	Service       Service
	Authenticator *auth.Authenticator // nil accepts any credentials
	Authorizer    *auth.Authorizer    // nil has no tags to decide by
	Limiter       *auth.Limiter       // nil refuses none
	Log           *slog.Logger
	Tracer        *otlp.Tracer // nil: no spans
	Turns         *turns.Turns // to compute something heavy, shared with what computes without a request; nil: its own
	Random        io.Reader    // of request ids; default crypto/rand

	// Backup writes the whole state to what begin returns for its size; nil has nothing to back up.
	Backup func(ctx context.Context, begin func(size int64) (io.Writer, error)) error

	// Cluster is how the servers that share the store stand; nil where the store is this server's own.
	Cluster store.Shared

	BGP BGP // nil: no sessions are held

	// Damage is the number of places where the stored data was found damaged; nil looks for none.
	Damage func() float64

	Now func() time.Time

	CORSOrigin string      // "" switches CORS off
	Hosts      *Hosts      // nil: requests may name the server as they like
	TLS        *tls.Config // nil: plain HTTP

	OwnMetrics bool // /metrics is not served with the API: see ServeMetrics

	Upstream        *url.URL      // that requests for other services are passed on to; nil: they are refused
	UpstreamTimeout time.Duration // within which it begins its answer; default 30 s

	MaxHeader      int           // bytes; default 64 KiB
	MaxConnections int           // open at a time, of more one is closed; default 8192
	MaxHeld        int64         // bytes of requests not yet authenticated and of answers being written, beyond 64 KiB each; default 256 MiB
	MaxInFlight    int           // requests being answered, the next is refused; default 1024
	ReadTime       time.Duration // a request must have arrived within it; default 30 s
	WriteTime      time.Duration // and be answered within it, the client's reading included; default 2 min
}

// Server answers HTTP requests.
type Server struct {
	cfg      Config
	ids      *requestIDs
	metrics  *metrics
	faults   faults
	others   *otherservices.Handler
	console  *console.Handler
	routes   []route                     // control calls
	browsers *http.CrossOriginProtection // nil: pages of every origin may call
	slots    slots
	streams  streams        // of server-sent events
	readers  slots          // of pages of events
	large    largeAnswers   // that make the next call of the kind heavy
	healthy  *shared[error] // what the health check finds

	description func() []byte            // of the control calls
	schemas     map[string]func() []byte // of policy documents, by version
	closing     chan struct{}            // closed when the server is to end
	ready       atomic.Bool
}

// New returns a server that is not ready until [Server.SetReady].
func New(cfg Config) *Server {
	if cfg.Turns == nil {
		cfg.Turns = new(turns.Turns)
	}
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
	cfg.MaxHeader = cmp.Or(cfg.MaxHeader, 64<<10)
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, 8192)
	cfg.MaxHeld = cmp.Or(cfg.MaxHeld, 256<<20)
	cfg.MaxInFlight = cmp.Or(cfg.MaxInFlight, 1024)
	cfg.ReadTime = cmp.Or(cfg.ReadTime, 30*time.Second)
	cfg.WriteTime = cmp.Or(cfg.WriteTime, 2*time.Minute)
	s := &Server{cfg: cfg, ids: newRequestIDs(cfg.Random), browsers: onlyFrom(cfg.CORSOrigin), console: console.New(), routes: routes(), closing: make(chan struct{})}
	s.others = otherservices.New(otherservices.Config{
		Authenticator: cfg.Authenticator, Authorizer: cfg.Authorizer, Upstream: cfg.Upstream, Timeout: cfg.UpstreamTimeout,
		Log: cfg.Log, RequestID: s.ids.next, Now: cfg.Now,
	})
	s.healthy = share(s.check)
	s.description, s.schemas = sync.OnceValue(OpenAPI), policySchemas()
	s.streams.limit = maxStreams
	s.slots = slots{limit: cfg.MaxInFlight, by: map[string]int{}}
	s.readers = slots{limit: math.MaxInt, share: maxWaiting + 1, by: map[string]int{}} // one reads, the others wait
	if cfg.Authenticator.Checks() {
		s.slots.share = max(cfg.MaxInFlight/4, 1)
	}
	s.metrics = newMetrics(func() float64 { return float64(s.slots.inUse()) }, s.writable, cfg.Damage)
	if cfg.Cluster != nil {
		s.metrics.registry.MustRegister(sharedStore(cfg.Cluster.Status))
	}
	if cfg.BGP != nil {
		s.metrics.registry.MustRegister(bgpMetrics{cfg.BGP})
	}
	return s
}

// SetReady says whether /_portolan/health answers that requests are welcome.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// ServeHTTP is the way of every request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.cfg.Hosts.has(r.Host) {
		s.refuse(w, r, s.ids.next(), misdirected(r.Host))
		return
	}
	if s.cfg.CORSOrigin != "" && s.cors(w, r) {
		return
	}
	if isControl(r.URL.Path) {
		s.control(w, r)
		return
	}
	if s.console.Takes(r) {
		s.console.ServeHTTP(w, r)
		return
	}
	if otherservices.Takes(r) {
		s.other(w, r)
		return
	}
	c := call{start: s.cfg.Now(), id: s.ids.next(), operation: unknown}
	if err := s.reply(&c, w, r); err != nil {
		s.end(&c)
		err = stored(err)
		e := wire.AsException(err)
		c.status, c.errorType, c.err = e.HTTPStatus(), e.ErrorType(), err
		wire.WriteError(w, c.id, err)
	}
	s.record(&c, r)
}

// overloaded is an error that the SDKs answer by waiting and trying again.
func overloaded() error {
	return &api.GenericError{Status: http.StatusServiceUnavailable, Type: "ServiceUnavailable", Message: "Too many requests are under way.", RetryAfterSeconds: 1}
}

// stored says of an error of the store what a client may know: the log has the key or the cause.
func stored(err error) error {
	text := ""
	_, newer := errors.AsType[*state.NewerFormatError](err)
	switch {
	case newer:
		text = "A newer server has changed the format of the data: this server has to be upgraded."
	case errors.Is(err, store.ErrDamaged):
		text = "The stored data is damaged. The log of the server has the place."
	case errors.Is(err, store.ErrBroken):
		text = "The server cannot write at the moment. Its health has the reason."
	default:
		return err
	}
	e := api.Internal(err)
	e.Message = text
	return e
}

// headerSize is how many bytes the request line and the headers came in, more or less.
func headerSize(r *http.Request) int {
	size := len(r.Method) + len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return size
}

func headersTooLarge(limit int) error {
	return &api.GenericError{
		Status: http.StatusRequestHeaderFieldsTooLarge, Type: "MalformedHttpRequestException",
		Message: fmt.Sprintf("The request line and the headers are larger than %d bytes.", limit),
	}
}

// reply writes the answer, or says why there is none. Nothing that goes wrong inside, panics included, gets past it.
func (s *Server) reply(c *call, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v)
		}
		c.endTurn()
	}()
	out, err := s.answer(c, w, r)
	if err != nil {
		return err
	}
	encoded := wire.Encode(out)
	c.endTurn()
	s.large.note(c.principal.Caller().Account, c.operation, encoded.Len())
	s.end(c)
	connectionOf(r).writes(encoded.Len())
	encoded.Write(w, c.id)
	c.status = http.StatusOK
	return nil
}

func panicked(v any) error { return api.Internal(fmt.Errorf("panic: %v\n%s", v, debug.Stack())) }

func (s *Server) answer(c *call, w http.ResponseWriter, r *http.Request) (api.Output, error) {
	op, labels, unmatched := wire.Match(r.Method, r.URL.EscapedPath())
	limit := int64(1 << 20)
	if op != nil {
		c.operation = op.Name
		limit = wire.MaxBody(op)
	}
	s.startSpan(c, r)
	principal, body, err := s.identify(c, w, r, limit)
	if err != nil {
		return nil, err
	}
	caller := principal.Caller()
	// Who cannot sign is not told what exists.
	if unmatched != nil {
		return nil, unmatched
	}
	if err := s.begin(c); err != nil {
		return nil, err
	}
	if err := s.cfg.Limiter.Allow(caller.Account, op.Name); err != nil {
		return nil, err
	}
	if err := s.faults.take(op.Name); err != nil {
		return nil, err
	}
	caller.Operation, caller.EncodeOnly = op.Name, true
	ctx := api.Lasting(r.Context(), caller) // closing the connection, or its sending half, is no way to stop a call
	if ctx, c.turn, err = s.turnOf(ctx, caller.Account, op, body); err != nil {
		return nil, err
	}
	in, err := wire.Decode(op, labels, r.URL.RawQuery, body, s.cfg.Service.CheckFields)
	if err != nil {
		return nil, err
	}
	if caller.May = s.cfg.Authorizer.May(ctx, principal); caller.May != nil {
		ctx = api.Lasting(ctx, caller)
	}
	c.auth = denied
	if err := s.cfg.Authorizer.Authorize(ctx, principal, op, in); err != nil {
		return nil, err
	}
	c.auth = allowed
	return op.Call(ctx, s.cfg.Service, in)
}
