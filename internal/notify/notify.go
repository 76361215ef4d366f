// Package notify writes the events that no operation makes: of routes, which follow from everything, and of what changes
// outside. One loop looks, compares with what has been published, and writes the events in the transaction that says so.
//
// It must not know operations, nor who reads the events.
package notify

import (
	"context"
	"io"
	"log/slog"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/network"
	"portolan/internal/state"
	"portolan/internal/turns"
)

// Config is what a Notifier is made of. DB and Networks are required.
type Config struct {
	DB       *state.DB
	Networks *network.Networks
	Catalog  catalog.Catalog // nil: nothing outside is looked at
	Log      *slog.Logger    // default discards

	// Turns are the rights to compute something heavy; nil: its own.
	Turns *turns.Turns

	// NoRoutingEvents writes no events about routes, and computes none.
	NoRoutingEvents bool

	// Deregister takes a transit gateway that was deleted in EC2 out of a global network of the caller's.
	Deregister func(ctx context.Context, globalNetwork, gateway string) error
}

// Notifier publishes events, and reads them.
type Notifier struct {
	db       *state.DB
	networks *network.Networks
	catalog  catalog.Catalog
	turns    *turns.Turns
	log      *slog.Logger
	quiet    bool // about routes

	deregister func(ctx context.Context, globalNetwork, gateway string) error

	routes   routesPublished
	external externalSeen
}

// New returns a Notifier.
func New(cfg Config) *Notifier {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if cfg.Turns == nil {
		cfg.Turns = new(turns.Turns)
	}
	return &Notifier{
		db: cfg.DB, networks: cfg.Networks, catalog: cfg.Catalog, turns: cfg.Turns, log: cfg.Log, quiet: cfg.NoRoutingEvents, deregister: cfg.Deregister,
	}
}

const (
	restBetween    = 50 * time.Millisecond // two publications of routes
	longestRest    = 10 * time.Second
	longestWait    = 3 * time.Second // for turns, in one publication: those of other accounts come after it
	fileInterval   = 5 * time.Second
	remoteInterval = 5 * time.Minute // each look asks again for everything that is attached
	bytesPerCommit = 256 << 10       // of routes in events
)

// interval is how often the catalog is looked at for changes.
func (n *Notifier) interval() time.Duration {
	if n.catalog.Remote() {
		return remoteInterval
	}
	return fileInterval
}

// Run publishes what changes until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	var look <-chan time.Time
	if n.catalog != nil {
		ticker := time.NewTicker(n.interval())
		defer ticker.Stop()
		look = ticker.C
	} else if n.quiet {
		return
	}
	for ctx.Err() == nil {
		watch, err := n.db.Watch(ctx)
		if err != nil {
			return // closed
		}
		n.publishAll(ctx)
		for open := true; open; {
			changed := map[state.NetworkID]bool{}
			select {
			case <-ctx.Done():
				return
			case <-look:
				n.publishAll(ctx)
				continue
			case commit, ok := <-watch:
				open = ok
				state.RoutesTouched(commit, changed)
			}
			for more := open; more; {
				select {
				case commit, ok := <-watch:
					open, more = ok, ok
					state.RoutesTouched(commit, changed)
				default:
					more = false
				}
			}
			if len(changed) > 0 && !n.quiet {
				n.publishThenRest(ctx, changed)
			}
		}
	}
}

// publishAll looks at everything.
func (n *Notifier) publishAll(ctx context.Context) {
	if n.catalog != nil {
		n.publishExternal(ctx)
	}
	if !n.quiet {
		n.publishRoutesOf(ctx, "")
	}
}

// publishThenRest leaves three quarters of the time to others, and lets changes in quick succession come together.
func (n *Notifier) publishThenRest(ctx context.Context, changed map[state.NetworkID]bool) {
	began := n.db.Now()
	n.publishRoutes(ctx, changed)
	rest(ctx, max(3*n.db.Now().Sub(began), restBetween))
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, long time.Duration) {
	timer := time.NewTimer(min(long, longestRest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Events reads the log: what happened to the caller's account after a sequence, and the sequence to go on after. What has
// changed until now is published first.
func (n *Notifier) Events(ctx context.Context, q events.Query) (list []events.Record, next uint64, err error) {
	if err := n.PublishEvents(ctx); err != nil {
		return nil, 0, err
	}
	texts, next, err := n.StoredEvents(ctx, q)
	if err != nil {
		return nil, next, err
	}
	list, err = events.Records(texts)
	return list, next, err
}

// PublishEvents publishes what has changed until now for the caller's account. Whoever has a turn must not call it.
func (n *Notifier) PublishEvents(ctx context.Context) error {
	account := api.CallerFrom(ctx).Account
	if err := n.db.StepOf(ctx, account); err != nil {
		return err
	}
	n.publishExternalSoon(ctx)
	if !n.quiet {
		n.publishRoutesOf(ctx, account)
	}
	return nil
}

// StoredEvents is what [Notifier.Events] decodes: what has been published.
func (n *Notifier) StoredEvents(ctx context.Context, q events.Query) (list []events.Stored, next uint64, err error) {
	q.Account = api.CallerFrom(ctx).Account
	_, err = state.Look(ctx, n.db, func(v *state.View) (_ struct{}, err error) {
		list, next, err = v.ReadEvents(q)
		return struct{}{}, err
	})
	return list, next, err
}

// EventsChanged gives a value whenever there may be more events, until ctx ends or the watcher falls behind.
func (n *Notifier) EventsChanged(ctx context.Context) (<-chan struct{}, error) {
	return n.db.WatchEvents(ctx)
}
