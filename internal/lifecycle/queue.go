package lifecycle

import (
	"container/heap"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/internal/store"
)

// Linger is how long the worker leaves a state alone after it is due. Until then the next request takes the step, so
// that a poller sees each state once even when none of them lasts.
const Linger = 250 * time.Millisecond

// longestNap is how long the worker goes without a look at the clock while something is queued: a timer stands still while
// the machine sleeps, and knows nothing of a clock that was set.
const longestNap = 5 * time.Second

const duePrefix = "/due/"

// Entry is one due step: the row at Key leaves the state From.
type Entry struct {
	Kind Kind   `json:"kind"`
	Key  string `json:"key"`
	From string `json:"from"`

	// Unseen is of a state that lasts no time and that no answer has shown: the first read finds it, the next one what follows.
	Unseen bool `json:"unseen,omitzero"`
}

// Handler takes the step of one entry inside tx. It must do nothing when the row is gone or no longer in e.From: the
// queue does not take back what was overtaken. now is the time of the step. An error keeps the entry and is retried.
type Handler func(tx *Txn, e Entry) error

// Owners says whose rows a call is about: it moves theirs, and leaves the others to their own calls and to the worker, so
// that nobody waits for what another account has due. Nil is everybody.
type Owners func(r store.Reader) []string

// stepsPerCommit bounds a transaction of the worker: others write between two.
const stepsPerCommit = 32

// Queue is the durable queue of due steps. Entries are written by the transaction that makes them necessary; a
// memory of their times tells cheaply whether anything is due.
type Queue struct {
	store    store.Store
	owner    func(row string) string // of the row at a key
	now      func() time.Time
	profile  Profile
	handlers map[Kind]Handler
	log      *slog.Logger

	next    atomic.Int64 // unix nanoseconds of the earliest known entry, MaxInt64 for none
	seen    atomic.Int64 // the machine's clock when it was last looked at
	stepped atomic.Bool  // it was set back since the entries were looked through
	wake    chan struct{}

	mu   sync.Mutex
	seq  uint64
	dues map[string]*dueHeap // by owner; none is empty
}

// Txn is a store transaction that can schedule steps. Now is the time the transaction goes by.
type Txn struct {
	store.Txn
	Now   time.Time
	queue *Queue
	added []dueTime

	handling bool // a handler runs: whoever asked for its step sees the state that it leads to
}

// dueTime is when a row of an owner is due.
type dueTime struct {
	at    int64
	owner string
}

// NewQueue returns a queue over st; owner tells whose row is at a key. Register the handlers, then call [Queue.Load] before
// anything else.
func NewQueue(st store.Store, now func() time.Time, profile Profile, log *slog.Logger, owner func(row string) string) *Queue {
	q := &Queue{
		store: st, owner: owner, now: now, profile: profile, handlers: map[Kind]Handler{}, log: log, wake: make(chan struct{}, 1), dues: map[string]*dueHeap{},
	}
	q.next.Store(math.MaxInt64)
	return q
}

// Handle registers the handler of a kind.
func (q *Queue) Handle(kind Kind, h Handler) { q.handlers[kind] = h }

// Load reads the entries an earlier process left behind.
func (q *Queue) Load(ctx context.Context) error {
	var times []dueTime
	late := false
	now := q.wall()
	err := q.store.View(ctx, func(r store.Reader) error {
		times = times[:0]
		for key, value := range r.Scan(duePrefix, "") {
			d, err := parseDue(key, value)
			if err != nil {
				return err
			}
			late = late || q.latest(d.entry, now) < d.at
			times = append(times, dueTime{d.at, q.owner(d.entry.Key)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.remember(times)
	if late {
		q.stepped.Store(true)
		return q.Step(ctx, nil)
	}
	return nil
}

// Follow learns of entries that other servers on the same store have written, until ctx ends. Without it they are taken by
// the server that wrote them, or after a restart.
func (q *Queue) Follow(ctx context.Context) error {
	for ctx.Err() == nil {
		watch, err := q.store.Watch(ctx, duePrefix)
		if err != nil {
			return err
		}
		if err := q.Load(ctx); err != nil { // what was written before the watch, or while it had fallen behind
			return err
		}
		for commit := range watch {
			var times []dueTime
			for _, c := range commit.Changes {
				if c.Value == nil {
					continue
				}
				at, row, err := parseDueKey(c.Key)
				if err != nil {
					return err
				}
				times = append(times, dueTime{at, q.owner(row)})
			}
			q.remember(times)
		}
	}
	return ctx.Err()
}

// wall is the machine's clock. When that was set back since the last look, entries may lie too far ahead.
func (q *Queue) wall() time.Time {
	now := q.now()
	n := now.UnixNano()
	switch last := raise(&q.seen, n); {
	case last-n > int64(stepBack) && q.seen.CompareAndSwap(last, n):
		q.stepped.Store(true)
		q.wakeUp()
	}
	return now
}

// latest is when an entry is due at the latest: a state that has begun by now lasts no longer than its duration.
func (q *Queue) latest(e Entry, now time.Time) int64 {
	return now.Add(q.profile.Duration(e.Kind, e.From)).UnixNano()
}

// bringForward moves entries that lie further ahead than their state lasts, since the clock was set back, to where they
// would be if the state had begun now.
func (q *Queue) bringForward(tx *Txn) error {
	var moved []dueEntry
	for key, value := range tx.Scan(duePrefix, "") {
		d, err := parseDue(key, value)
		if err != nil {
			return err
		}
		if at := q.latest(d.entry, tx.Now); at < d.at {
			tx.Delete(key)
			d.at = at
			moved = append(moved, d)
		}
	}
	for _, d := range moved {
		tx.schedule(d.entry, d.at)
	}
	return nil
}

// Schedule writes the due entry for a row of the kind that has just entered state, if the state is transient.
func (tx *Txn) Schedule(kind Kind, key, state string) { tx.ScheduleSince(kind, key, state, tx.Now) }

// ScheduleSince is Schedule for a state whose time has been running since earlier.
func (tx *Txn) ScheduleSince(kind Kind, key, state string, since time.Time) {
	if _, ok := Next(kind, state); !ok {
		return
	}
	lasts := tx.queue.profile.Duration(kind, state)
	e := Entry{Kind: kind, Key: key, From: state, Unseen: lasts == 0 && !tx.handling && unshown(kind, state)}
	at := since.Add(lasts).UnixNano()
	tx.schedule(e, min(at, tx.queue.latest(e, tx.Now)))
}

func (tx *Txn) schedule(e Entry, at int64) {
	value, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings
	}
	tx.Set(dueKey(at, e.Key, e.From), value)
	tx.added = append(tx.added, dueTime{at, tx.queue.owner(e.Key)})
}

// Update runs f in a transaction after every step of the owners that is due has been taken in it, chains included, so that f
// finds their rows as they are by now. What f schedules becomes due only after the commit.
func (q *Queue) Update(ctx context.Context, owners Owners, f func(*Txn) error) error {
	return q.update(ctx, owners, true, math.MaxInt, f)
}

// Step takes one step of every row of the owners that is due, if any is. Reads call it first: a poller then sees the state that
// follows the one it saw last. It costs one atomic load when nothing is due.
func (q *Queue) Step(ctx context.Context, owners Owners) error {
	now := q.wall().UnixNano()
	if q.next.Load() > now && !q.stepped.Load() {
		return nil
	}
	if owners != nil && !q.stepped.Load() {
		due := false
		if err := q.store.View(ctx, func(r store.Reader) error { due = q.isDue(owners(r), now); return nil }); err != nil || !due {
			return err
		}
	}
	return q.update(ctx, owners, false, math.MaxInt, nil)
}

// isDue tells whether anything of the owners is due.
func (q *Queue) isDue(owners []string, now int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, owner := range owners {
		if h := q.dues[owner]; h != nil && (*h)[0].at <= now {
			return true
		}
	}
	return false
}

// update takes at most so many steps of the owners, with chains those that follow too, and runs f.
func (q *Queue) update(ctx context.Context, of Owners, chains bool, most int, f func(*Txn) error) error {
	q.mu.Lock()
	seen := q.seq
	q.mu.Unlock()
	var done *Txn
	var applied bool    // all that was due
	var owners []string // nil: everybody
	now := q.wall()
	stepped := q.stepped.Swap(false)
	err := q.store.Update(ctx, func(stx store.Txn) error {
		tx := &Txn{Txn: stx, Now: now, queue: q}
		done, applied = tx, false
		if stepped {
			if err := q.bringForward(tx); err != nil {
				return err
			}
		}
		if stepped || q.next.Load() <= now.UnixNano() {
			if owners = nil; of != nil {
				owners = of(tx)
			}
			var err error
			if applied, err = q.apply(tx, owners, chains, most); err != nil {
				return err
			}
		}
		if f != nil {
			return f(tx)
		}
		return nil
	})
	if err != nil {
		if stepped {
			q.stepped.Store(true)
		}
		return err
	}
	if applied {
		q.forget(owners, now.UnixNano(), seen)
	}
	q.remember(done.added)
	return nil
}

// apply takes the due steps of the owners in tx, at most so many, and reports whether these were all. With chains a row that is
// due again at once goes on; the bound of them only guards against a machine that never comes to rest.
func (q *Queue) apply(tx *Txn, owners []string, chains bool, most int) (all bool, err error) {
	const longestChain = 16
	for range longestChain {
		entries, err := q.due(tx, owners, tx.Now.UnixNano())
		if err != nil || len(entries) == 0 {
			return err == nil, err
		}
		if len(entries) > most {
			entries, chains = entries[:most], false
		} else {
			all = true
		}
		for _, d := range entries {
			tx.Delete(d.key)
			if i := slices.Index(tx.added, dueTime{d.at, q.owner(d.entry.Key)}); i >= 0 {
				tx.added = slices.Delete(tx.added, i, i+1) // scheduled and taken in this very transaction
			}
			if d.entry.Unseen && !chains {
				d.entry.Unseen = false
				tx.schedule(d.entry, d.at)
				continue
			}
			handle, ok := q.handlers[d.entry.Kind]
			if !ok {
				return false, fmt.Errorf("lifecycle: no handler for %s", d.entry.Kind)
			}
			tx.handling = true
			err := handle(tx, d.entry)
			if tx.handling = false; err != nil {
				return false, fmt.Errorf("lifecycle: %s leaving %s: %w", d.entry.Key, d.entry.From, err)
			}
		}
		if !chains {
			return all, nil
		}
	}
	return true, nil
}

type dueEntry struct {
	at    int64
	key   string
	entry Entry
}

// due are the entries of the owners that are due, nil for those of everybody.
func (q *Queue) due(r store.Reader, owners []string, now int64) ([]dueEntry, error) {
	var found []dueEntry
	for key, value := range r.Scan(duePrefix, "") {
		at, row, err := parseDueKey(key)
		if err != nil {
			return nil, err
		}
		if at > now {
			break
		}
		if owners != nil && !slices.Contains(owners, q.owner(row)) {
			continue
		}
		d, err := parseDue(key, value)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

func parseDue(key string, value []byte) (dueEntry, error) {
	at, _, err := parseDueKey(key)
	if err != nil {
		return dueEntry{}, err
	}
	var e Entry
	if err := json.Unmarshal(value, &e); err != nil {
		return dueEntry{}, fmt.Errorf("lifecycle: entry %s: %w", key, err)
	}
	return dueEntry{at, key, e}, nil
}

// Run applies what nobody asked for until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	failures := 0
	for {
		next, now := q.next.Load(), q.wall().UnixNano()
		wait := time.Hour
		if next != math.MaxInt64 {
			wait = min(longestNap, time.Duration(max(0, next-now))+Linger)
		}
		if failures > 0 {
			wait = max(wait, min(time.Second<<min(failures, 5), 30*time.Second))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
			continue
		case <-timer.C:
		}
		if q.next.Load() > q.wall().Add(-Linger).UnixNano() && !q.stepped.Load() {
			continue // a request was faster
		}
		if err := q.update(ctx, nil, false, stepsPerCommit, nil); err != nil && ctx.Err() == nil {
			failures++
			q.log.Error("due steps could not be applied; they stay queued", "error", err)
			continue
		}
		failures = 0
	}
}

// remember adds the times of entries that have been committed.
func (q *Queue) remember(times []dueTime) {
	if len(times) == 0 {
		return
	}
	q.mu.Lock()
	before := q.next.Load()
	earliest := before
	for _, d := range times {
		q.seq++
		h := q.dues[d.owner]
		if h == nil {
			h = new(dueHeap)
			q.dues[d.owner] = h
		}
		heap.Push(h, dueAt{d.at, q.seq})
		earliest = min(earliest, d.at)
	}
	q.next.Store(earliest)
	earlier := earliest < before
	q.mu.Unlock()
	if earlier {
		q.wakeUp()
	}
}

func (q *Queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// forget drops the times of the owners up to now that were known before the transaction that applied them began. A time
// remembered since then may belong to an entry that transaction did not see; it costs one look at most.
func (q *Queue) forget(owners []string, now int64, seen uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := int64(math.MaxInt64)
	for owner, h := range q.dues {
		if owners == nil || slices.Contains(owners, owner) {
			h.forget(now, seen)
		}
		if len(*h) == 0 {
			delete(q.dues, owner)
		} else {
			next = min(next, (*h)[0].at)
		}
	}
	q.next.Store(next)
}

type dueAt struct {
	at  int64
	seq uint64
}

type dueHeap []dueAt

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

func (h *dueHeap) forget(now int64, seen uint64) {
	var kept []dueAt
	for len(*h) > 0 && (*h)[0].at <= now {
		if d := heap.Pop(h).(dueAt); d.seq > seen {
			kept = append(kept, d)
		}
	}
	for _, d := range kept {
		heap.Push(h, d)
	}
}
