package events

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"portolan/internal/store"
)

// Sink carries events away.
type Sink interface {
	// Name names the sink in the log and keys its cursor: another name starts from the beginning.
	Name() string
	// Send delivers events in order and says how many it got rid of. It may be given the same event again.
	Send(ctx context.Context, batch []Record) (int, error)
}

// Runner moves events from the log to a sink. Where it has come to is kept in the store, so that a restart goes on there.
type Runner struct {
	Store store.Store
	Sink  Sink
	Log   *slog.Logger
	Rand  *rand.Rand                                    // of the jitter; nil: none
	After func(d time.Duration) <-chan time.Time        // default time.After
	Wait  func(attempt int, r *rand.Rand) time.Duration // default backoff
	Stat  func(sent int, lag uint64, err error)         // may be nil
}

const (
	batchSize  = 100
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// backoff doubles from one second to a minute, with a quarter of jitter.
func backoff(attempt int, r *rand.Rand) time.Duration {
	d := lastRetry
	if attempt < 6 {
		d = firstRetry << attempt
	}
	if r != nil {
		d += time.Duration(r.Int64N(int64(d / 4)))
	}
	return d
}

func cursorKey(name string) string { return "/events.cursor" + store.Path(name) }

// Run goes on until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	after, wait := r.After, r.Wait
	if after == nil {
		after = time.After
	}
	if wait == nil {
		wait = backoff
	}
	attempt := 0
	for ctx.Err() == nil {
		watch, err := r.Store.Watch(ctx, prefix)
		if err != nil {
			return // closed
		}
		changed := Changed(watch)
		for open := true; open && ctx.Err() == nil; {
			sent, err := r.step(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				r.Log.Warn("events were not delivered", "sink", r.Sink.Name(), "attempt", attempt+1, "error", err)
				select {
				case <-ctx.Done():
				case <-after(wait(attempt, r.Rand)):
				}
				attempt++
			case sent > 0:
				attempt = 0
			default:
				attempt = 0
				select {
				case <-ctx.Done():
				case _, open = <-changed:
				}
			}
		}
	}
}

// step delivers one batch and moves the cursor.
func (r *Runner) step(ctx context.Context) (sent int, err error) {
	var records []Record
	var next, latest uint64
	name := cursorKey(r.Sink.Name())
	err = r.Store.View(ctx, func(reader store.Reader) error {
		raw, _ := reader.Get(name)
		after, _ := strconv.ParseUint(string(raw), 10, 64)
		latest = head(reader)
		var err error
		records, next, err = Read(reader, Query{After: after, Limit: batchSize})
		return err
	})
	if err != nil || len(records) == 0 {
		return 0, err
	}
	sent, sendErr := r.Sink.Send(ctx, records)
	if sent < len(records) {
		next = 0
		if sent > 0 {
			next = records[sent-1].Sequence
		}
	}
	if sent > 0 {
		// What is delivered is delivered, also when the runner is told to end meanwhile.
		err := r.Store.Update(context.WithoutCancel(ctx), func(tx store.Txn) error {
			tx.Set(name, strconv.AppendUint(nil, next, 10))
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("keeping the place of %s: %w", r.Sink.Name(), err)
		}
	}
	if r.Stat != nil {
		lag := latest
		if sent > 0 {
			lag = latest - min(latest, next)
		}
		r.Stat(sent, lag, sendErr)
	}
	return sent, sendErr
}
