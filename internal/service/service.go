// Package service is the 97 operations of Network Manager: one method each, one file per resource family.
//
// A method reads as the documentation of its operation: look up, check, change, answer, inside one store transaction.
// The package knows nothing of HTTP, of signatures or of where time, ids and bytes on disk come from.
package service

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
	"portolan/routing"
)

// Config is what a Service is made of. Store is required; everything else has a default.
type Config struct {
	Store   store.Store
	Now     func() time.Time  // default time.Now
	Random  rand.Source       // of ids; default seeded from the operating system
	Profile lifecycle.Profile // default lifecycle.Instant
	Quotas  Quotas            // default the documented ones
	Log     *slog.Logger      // default discards
	Catalog catalog.Catalog   // of what EC2 and Direct Connect own; nil knows nothing and takes every well-formed ARN

	// Routing turns what is decided about routes where AWS documents nothing; nil is the default of everything.
	Routing *routing.Options

	// NoRoutingEvents writes no events about routes, and computes none that nobody asks for.
	NoRoutingEvents bool

	// CheckResourcePolicy reads a resource policy as those who decide by it will; nil takes what has a Statement.
	CheckResourcePolicy func(document []byte) error

	// Grants tells whether a resource policy lets a caller of another account do one of the actions with the resource;
	// nil shares nothing.
	Grants func(document []byte, caller api.Caller, resource string, actions ...string) bool
}

// Service implements [api.Service] by handing each input to the function of the operation.
type Service struct {
	api.Unimplemented
	*env
}

var _ api.Service = (*Service)(nil)

// env is what operations work with besides a transaction.
type env struct {
	store  store.Store
	queue  *lifecycle.Queue
	clock  func() time.Time
	ids    *idSource
	quotas Quotas
	log    *slog.Logger
	grants grants

	checkResourcePolicy func([]byte) error

	refs           references
	compiled       compiledPolicies
	computedRoutes routeCache

	routing         *routing.Options
	noRoutingEvents bool
	publisher       publisher
	external        externalWatch
}

// grants is what Config.Grants is.
type grants func(document []byte, caller api.Caller, resource string, actions ...string) bool

// New returns a Service over cfg.Store and picks up the transitions an earlier process left unfinished. Run moves them.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.NewPCG(rand.Uint64(), rand.Uint64())
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := &env{
		store:  cfg.Store,
		queue:  lifecycle.NewQueue(cfg.Store, cfg.Now, cfg.Profile, cfg.Log),
		clock:  cfg.Now,
		ids:    &idSource{now: cfg.Now, random: cfg.Random},
		quotas: cfg.Quotas.withDefaults(),
		log:    cfg.Log,
		refs:   references{cfg.Catalog},
		grants: cfg.Grants,

		checkResourcePolicy: cfg.CheckResourcePolicy,
		routing:             cfg.Routing,
		noRoutingEvents:     cfg.NoRoutingEvents,
	}
	s.registerTransitions()
	if err := s.queue.Load(ctx); err != nil {
		return nil, fmt.Errorf("reading the queue of due transitions: %w", err)
	}
	return &Service{env: s}, nil
}

// Run moves resources through their transitions, and tells of routes that change, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var wg sync.WaitGroup
	if !s.noRoutingEvents {
		wg.Go(func() { s.tellRoutes(ctx) })
	}
	if s.refs.catalog != nil {
		wg.Go(func() { s.watchOutside(ctx) })
	}
	s.queue.Run(ctx)
	wg.Wait()
}

// View is one consistent look at the state, for one caller.
type View struct {
	r      store.Reader
	caller api.Caller
	now    time.Time

	ids      *idSource
	quotas   Quotas
	log      *slog.Logger
	grants   grants
	compiled *compiledPolicies

	refs           references
	routing        *routing.Options
	computedRoutes *routeCache
	unheard        bool // the catalog could not be asked what something announces
}

// Txn is a View that also changes the state.
type Txn struct {
	*View
	w  store.Txn // the same transaction as r
	lc *lifecycle.Txn
}

// read answers from one snapshot, after due transitions have taken their next step.
func read[O any](ctx context.Context, e *env, f func(*View) (O, error)) (O, error) {
	var out, none O
	if err := e.queue.Step(ctx); err != nil {
		if ctx.Err() != nil {
			return none, err
		}
		// What cannot be written, on a full disk for one, does not move; it can be read all the same.
		e.log.Error("due transitions did not happen", "error", err)
	}
	err := e.store.View(ctx, func(r store.Reader) (err error) {
		out, err = f(e.view(r, api.CallerFrom(ctx)))
		return err
	})
	if err != nil {
		return none, err
	}
	return out, nil
}

// update changes the state in one transaction. f may run more than once.
func update[O any](ctx context.Context, e *env, f func(*Txn) (O, error)) (O, error) {
	var out, none O
	err := e.queue.Update(ctx, func(ltx *lifecycle.Txn) (err error) {
		out, err = f(e.txn(ltx, api.CallerFrom(ctx)))
		return err
	})
	if err != nil {
		return none, err
	}
	return out, nil
}

// view answers an input from one snapshot.
func view[I, O any](ctx context.Context, e *env, in *I, f func(*View, *I) (*O, error)) (*O, error) {
	return read(ctx, e, func(v *View) (*O, error) { return f(v, in) })
}

// change answers an input in one transaction.
func change[I, O any](ctx context.Context, e *env, in *I, f func(*Txn, *I) (*O, error)) (*O, error) {
	return update(ctx, e, func(tx *Txn) (*O, error) { return f(tx, in) })
}

func (e *env) view(r store.Reader, caller api.Caller) *View {
	return &View{
		r: r, caller: caller, now: e.clock(), ids: e.ids, quotas: e.quotas, log: e.log, grants: e.grants, compiled: &e.compiled,
		refs: e.refs, routing: e.routing, computedRoutes: &e.computedRoutes,
	}
}

func (e *env) txn(lc *lifecycle.Txn, caller api.Caller) *Txn {
	v := e.view(lc.Txn, caller)
	v.now = lc.Now
	return &Txn{View: v, w: lc.Txn, lc: lc}
}

// idSource makes AWS-shaped ids: a prefix and 17 hexadecimal digits, the first of them 0. The digits grow with time, so
// that the order of keys is the order of creation and a list needs no second index.
type idSource struct {
	now    func() time.Time
	mu     sync.Mutex
	random rand.Source
	last   uint64
}

func (g *idSource) next(kind string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	const randomBits = 20
	n := uint64(g.now().UnixMilli())<<randomBits | g.random.Uint64()&(1<<randomBits-1)
	if n <= g.last {
		n = g.last + 1 + g.random.Uint64()&0xff
	}
	g.last = n
	return fmt.Sprintf("%s-0%016x", kind, n)
}
