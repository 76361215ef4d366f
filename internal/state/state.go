// Package state is what a server keeps: rows of their own types under typed keys, in transactions that know the caller,
// the time and the quotas, and nothing of operations.
//
// schema.go is the layout of every key, format.go its version. A function that holds a [View] or a [Txn] has no context:
// whatever may have to wait, such as a question to the catalog, is asked before or after the transaction.
//
// It must not know what an operation allows, nor anything of HTTP or of the catalog.
package state

import (
	"cmp"
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/failpoint"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
	"portolan/internal/turns"
	"portolan/policy"
)

// Config is what a DB is made of. Store is required; everything else has a default.
type Config struct {
	Store   store.Store
	Now     func() time.Time  // default time.Now
	Random  rand.Source       // of ids; default seeded from the operating system
	Secrets io.Reader         // of the key for tokens of pages; default the operating system
	Profile lifecycle.Profile // default lifecycle.Instant
	Quotas  Quotas            // default the documented ones
	Log     *slog.Logger      // default discards
	Grants  Grants            // nil shares nothing
	Fail    *failpoint.Points // makes things go wrong at event.append and queue.step; for tests
	Turns   *turns.Turns      // to compute something heavy; nil: its own
	BGP     bool              // this server holds BGP sessions of Connect peers, or may come to

	// ParsePolicy reads a policy document; default policy.Parse.
	ParsePolicy func(document []byte) (*policy.Document, policy.Errors)
}

// Grants tells whether a resource policy lets a caller of another account do one of the actions with the resource, which
// has these tags.
type Grants func(document string, caller api.Caller, resource string, tags func() map[string]string, actions ...string) bool

// DB is the state in a store, with the queue of what is due in it.
type DB struct {
	store    store.Store
	queue    *lifecycle.Queue
	now      func() time.Time
	ids      *ids
	quotas   Quotas
	bgp      bool // as in Config
	log      *slog.Logger
	grants   Grants
	fail     *failpoint.Points
	pageKey  pageKey
	kept     *keptPages
	policies policies
}

// Open returns the state in a store, brought to the format of this binary. Register the handlers, then call
// [DB.Load] before anything else.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.NewPCG(rand.Uint64(), rand.Uint64())
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if cfg.ParsePolicy == nil {
		cfg.ParsePolicy = policy.Parse
	}
	if cfg.Secrets == nil {
		cfg.Secrets = cryptorand.Reader
	}
	key, err := bringUpToDate(ctx, cfg.Store, cfg.Secrets, cfg.Log)
	if err != nil {
		return nil, err
	}
	made := &ids{now: cfg.Now, random: cfg.Random}
	if shared, ok := cfg.Store.(store.Shared); ok {
		made.slot = shared.Slot
	}
	if cfg.Turns == nil {
		cfg.Turns = new(turns.Turns)
	}
	queue := lifecycle.NewQueue(cfg.Store, cfg.Now, cfg.Profile, cfg.Log, accountOf, concerned)
	queue.TakeTurns(func(ctx context.Context, account string) (done func(), err error) {
		_, done, err = cfg.Turns.Take(ctx, account, turns.Operation, 0)
		return done, err
	})
	return &DB{
		store:    cfg.Store,
		queue:    queue,
		now:      cfg.Now,
		ids:      made,
		quotas:   cfg.Quotas.withDefaults(),
		bgp:      cfg.BGP,
		log:      cfg.Log,
		grants:   cfg.Grants,
		pageKey:  key,
		kept:     newKeptPages(keptBytes),
		fail:     cfg.Fail,
		policies: policies{parse: cfg.ParsePolicy},
	}, nil
}

// Load picks up the transitions an earlier process left unfinished.
func (db *DB) Load(ctx context.Context) error {
	if err := db.queue.Load(ctx); err != nil {
		return fmt.Errorf("reading the queue of due transitions: %w", err)
	}
	return nil
}

// Run takes the steps that are due until ctx ends, also those that other servers on the same store have scheduled. Each step
// is taken once, by whichever server comes first.
func (db *DB) Run(ctx context.Context) {
	var following sync.WaitGroup
	if _, shared := db.store.(store.Shared); shared {
		following.Go(func() {
			if err := db.queue.Follow(ctx); err != nil && ctx.Err() == nil {
				db.log.Error("steps that other servers schedule are not known any more", "error", err)
			}
		})
	}
	db.queue.Run(ctx)
	following.Wait()
}

// Now is the time by the clock of the state.
func (db *DB) Now() time.Time { return db.now() }

// Quota is the limit that holds for q.
func (db *DB) Quota(q Quota) int { return db.quotas[q.Name] }

// Handle registers what happens to a row of the table when it is due to leave a state. f must do nothing when the row
// is gone or no longer in that state.
func Handle[R any](db *DB, kind lifecycle.Kind, _ *Table[R], f func(tx *Txn, key Key[R], from string) error) {
	db.queue.Handle(kind, func(lc *lifecycle.Txn, e lifecycle.Entry) error {
		if err := db.fail.At("queue.step"); err != nil {
			return err
		}
		tx := db.txn(lc, api.Caller{Account: accountOf(e.Key)})
		if err := f(tx, Key[R]{e.Key}, e.From); err != nil {
			return err
		}
		return tx.err
	})
}

// Prepare registers what is worked out, outside the transaction, before a row of the table leaves a state. By the time of the
// transaction all of it may have changed.
func Prepare[R any](db *DB, kind lifecycle.Kind, _ *Table[R], f func(v *View, key Key[R])) {
	db.queue.Prepare(kind, func(r store.Reader, e lifecycle.Entry) {
		f(&View{Caller: api.Caller{Account: accountOf(e.Key)}, Now: db.now(), db: db, r: r}, Key[R]{e.Key})
	})
}

// View is one consistent look at the state, for one caller.
type View struct {
	Caller api.Caller
	Now    time.Time

	db *DB
	r  store.Reader
}

// Txn is a View that also changes the state.
type Txn struct {
	*View
	w   store.Txn // the same transaction as r
	lc  *lifecycle.Txn
	err error // the first change that could not be made
}

// concerned are the accounts whose rows an account sees: its own, and those on whose core networks it has attachments or
// peerings.
func concerned(r store.Reader, account string) []string {
	list := []string{account}
	for _, table := range [...]string{"attachment.guest", "peering.guest"} {
		for rows := r.Walk(accountKey(account, table, ""), ""); rows.Next(); {
			if owner := accountOf(string(rows.Value)); !slices.Contains(list, owner) {
				list = append(list, owner)
			}
		}
	}
	return list
}

// Read answers from one snapshot for the caller of ctx, after due transitions that concern the caller have taken their next
// step.
func Read[O any](ctx context.Context, db *DB, f func(*View) (O, error)) (O, error) {
	return Answer(ctx, db, f, alone[O])
}

// alone is a function of a view that takes no input.
func alone[O any](v *View, f func(*View) (O, error)) (O, error) { return f(v) }

// Answer is [Read] of a function that takes an input.
func Answer[I, O any](ctx context.Context, db *DB, in I, f func(*View, I) (O, error)) (O, error) {
	if err := db.queue.Step(ctx, api.CallerFrom(ctx).Account); err != nil {
		if ctx.Err() != nil {
			var none O
			return none, err
		}
		// What cannot be written, on a full disk for one, does not move; it can be read all the same.
		db.log.Error("due transitions did not happen", "error", err)
	}
	return answer(ctx, db, in, f)
}

// Look is [Read] without taking steps that are due.
func Look[O any](ctx context.Context, db *DB, f func(*View) (O, error)) (O, error) {
	return answer(ctx, db, f, alone[O])
}

func answer[I, O any](ctx context.Context, db *DB, in I, f func(*View, I) (O, error)) (O, error) {
	l := &look[I, O]{view: View{Caller: api.CallerFrom(ctx), Now: db.now(), db: db}, in: in, f: f}
	if err := db.store.View(ctx, l.at); err != nil {
		var none O
		return none, err
	}
	return l.out, nil
}

// look is one read: all that it needs, in one piece of memory.
type look[I, O any] struct {
	view View
	in   I
	f    func(*View, I) (O, error)
	out  O
}

func (l *look[I, O]) at(r store.Reader) (err error) {
	l.view.r = r
	l.out, err = l.f(&l.view, l.in)
	return err
}

// Update changes the state in one transaction for the caller of ctx, in which all that is due and concerns the caller has
// happened. f may run more than once.
func Update[O any](ctx context.Context, db *DB, f func(*Txn) (O, error)) (O, error) {
	var out, none O
	caller := api.CallerFrom(ctx)
	err := db.queue.Update(ctx, caller.Account, func(lc *lifecycle.Txn) (err error) {
		tx := db.txn(lc, caller)
		if out, err = f(tx); err == nil {
			err = tx.err
		}
		return err
	})
	if err != nil {
		return none, err
	}
	return out, nil
}

// Record changes the state in one transaction for the caller of ctx without taking steps that are due: what is said of the
// state does not move it. f may run more than once, and schedules nothing.
func Record(ctx context.Context, db *DB, f func(*Txn) error) error {
	return db.store.Update(ctx, func(w store.Txn) error {
		tx := &Txn{View: &View{Caller: api.CallerFrom(ctx), Now: db.now(), db: db, r: w}, w: w}
		return cmp.Or(f(tx), tx.err)
	})
}

// Watch reports every commit of what belongs to an account until ctx ends or the watcher falls too far behind.
func (db *DB) Watch(ctx context.Context) (<-chan store.Commit, error) {
	return db.store.Watch(ctx, "/acct/")
}

// WatchEvents gives a value whenever there may be more events, until ctx ends or the watcher falls behind.
func (db *DB) WatchEvents(ctx context.Context) (<-chan struct{}, error) {
	watch, err := db.store.Watch(ctx, events.Prefix)
	if err != nil {
		return nil, err
	}
	return events.Changed(watch), nil
}

// ReadEvents reads the event log.
func (v *View) ReadEvents(q events.Query) (list []events.Stored, next uint64, err error) {
	_, shared := v.db.store.(store.Shared)
	q.Whole = !shared
	return events.ReadStored(v.r, q)
}

func (db *DB) txn(lc *lifecycle.Txn, caller api.Caller) *Txn {
	made := &struct { // one allocation
		tx   Txn
		view View
	}{}
	made.view = View{Caller: caller, Now: lc.Now, db: db, r: lc.Txn}
	made.tx = Txn{View: &made.view, w: lc.Txn, lc: lc}
	return &made.tx
}

// StepOf takes one step of every row that is due and concerns an account.
func (db *DB) StepOf(ctx context.Context, account string) error {
	return db.queue.Step(ctx, account)
}

// Step takes one step of every row that is due.
func (db *DB) Step(ctx context.Context) error { return db.queue.Step(ctx, "") }

// Check tells whether the state can be read and, where the store knows, whether it can be written.
func (db *DB) Check(ctx context.Context) error {
	if st, ok := db.store.(store.HealthChecker); ok {
		if err := st.Health(ctx); err != nil {
			return err
		}
	}
	return db.store.View(ctx, func(store.Reader) error { return nil })
}

// fail makes the transaction fail with err, whatever its function returns.
func (tx *Txn) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// Time is the time of the view, as rows keep it.
func (v *View) Time() Time { return Time{v.Now} }

// Quota is the limit that holds for q.
func (v *View) Quota(q Quota) int { return v.db.quotas[q.Name] }

// Fits refuses one more row where the count has reached the quota.
func (v *View) Fits(q Quota, resourceType, owner string, count int) error {
	if limit := v.Quota(q); count >= limit {
		return api.QuotaExceeded(resourceType, owner, q.Code, limit)
	}
	return nil
}

// Granted tells whether the resource policy of a core network lets the caller do one of the operations with it.
func (v *View) Granted(row *CoreNetwork, operations ...string) bool {
	if row.ResourcePolicy == "" || v.db.grants == nil {
		return false
	}
	actions := make([]string, len(operations))
	for i, op := range operations {
		actions[i] = "networkmanager:" + op
	}
	return v.db.grants(row.ResourcePolicy, v.Caller, row.CoreNetworkArn, row.Tags.Map, actions...)
}
