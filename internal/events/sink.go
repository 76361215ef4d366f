package events

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"portolan/internal/failpoint"
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
	Fail  *failpoint.Points                             // makes things go wrong at sink.write and sink.written, for tests

	last string // the account whose events were carried away last
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

func cursorKey(name, account string) string { return "/events.cursor" + store.Path(name, account) }

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
			sent, err := r.Step(ctx)
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

// batch is events to carry away, those of one account after the other.
type batch struct {
	records  []Record
	accounts []string // of each record
	waiting  uint64   // how many events there are to carry away, these included
}

// next reads a batch: of each account what has not been carried away, in turns, so that none waits for another.
func (r *Runner) next(reader store.Reader) (*batch, error) {
	b := &batch{}
	accounts := Accounts(reader)
	turn, _ := slices.BinarySearch(accounts, r.last+"\x00")
	for _, account := range slices.Concat(accounts[turn:], accounts[:turn]) {
		raw, _ := reader.Get(cursorKey(r.Sink.Name(), account))
		after, _ := strconv.ParseUint(string(raw), 10, 64)
		latest := head(reader, account)
		b.waiting += latest - min(latest, after)
		room := batchSize - len(b.records)
		if latest <= after || room == 0 {
			continue
		}
		records, _, err := Read(reader, Query{Account: account, After: after, Limit: room})
		if err != nil {
			return nil, err
		}
		for range records {
			b.accounts = append(b.accounts, account)
		}
		b.records = append(b.records, records...)
	}
	return b, nil
}

// Step delivers one batch and moves the cursors.
func (r *Runner) Step(ctx context.Context) (sent int, err error) {
	var b *batch
	err = r.Store.View(ctx, func(reader store.Reader) (err error) {
		b, err = r.next(reader)
		return err
	})
	if err != nil || len(b.records) == 0 {
		return 0, err
	}
	if err := r.Fail.At("sink.write"); err != nil {
		return 0, err
	}
	sent, sendErr := r.Sink.Send(ctx, b.records)
	if err := r.Fail.At("sink.written"); err != nil {
		return 0, err
	}
	if sent > 0 {
		// What is delivered is delivered, also when the runner is told to end meanwhile.
		err := r.Store.Update(context.WithoutCancel(ctx), func(tx store.Txn) error {
			for i := range sent {
				tx.Set(cursorKey(r.Sink.Name(), b.accounts[i]), strconv.AppendUint(nil, b.records[i].Sequence, 10))
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("keeping the place of %s: %w", r.Sink.Name(), err)
		}
		r.last = b.accounts[sent-1]
	}
	if r.Stat != nil {
		r.Stat(sent, b.waiting-min(b.waiting, uint64(sent)), sendErr)
	}
	return sent, sendErr
}
