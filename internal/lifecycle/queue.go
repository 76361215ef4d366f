package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
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

// stepsPerCommit bounds a transaction of the worker: others write between two.
const stepsPerCommit = 32

// looksPerCommit bounds how many entries a transaction looks through after the clock was set back.
const looksPerCommit = 1000

// Queue is the durable queue of due steps. Entries are written by the transaction that makes them necessary; a
// memory of their times tells cheaply whether anything is due.
type Queue struct {
	store    store.Store
	owner    func(row string) string // of the row at a key
	concern  Concern
	now      func() time.Time
	profile  Profile
	handlers map[Kind]Handler
	prepares map[Kind]Preparer
	turn     Turn // nil: there are none
	log      *slog.Logger

	next     atomic.Int64 // unix nanoseconds of the earliest known entry, MaxInt64 for none
	prepared atomic.Int64 // how many known entries are of kinds that have a preparer
	seen     atomic.Int64 // the machine's clock when it was last looked at
	stepped  atomic.Bool  // it was set back since all entries were looked through
	wake     chan struct{}

	mu   sync.Mutex
	seq  uint64
	dues map[string]*dueHeap // by owner; none is empty

	backs  uint64 // how often the clock was set back
	looked string // the key up to which entries were looked through since, "" for none

	mark   string // at the end of the keys of what this server schedules; "" where no other server has the store
	others *others
}

// Txn is a store transaction that can schedule steps. Now is the time the transaction goes by.
type Txn struct {
	store.Txn
	Now   time.Time
	queue *Queue
	added []dueTime
	taken []string // keys of entries

	handling bool // a handler runs: whoever asked for its step sees the state that it leads to
}

// dueTime is when a row of an owner is due.
type dueTime struct {
	at       int64
	key      string // of the entry
	owner    string
	prepared bool // its kind has a preparer
}

func (q *Queue) dueTime(d dueEntry) dueTime {
	return dueTime{d.at, d.key, q.owner(d.entry.Key), q.prepares[d.entry.Kind] != nil}
}

// NewQueue returns a queue over st; owner tells whose row is at a key. Register the handlers, then call [Queue.Load] before
// anything else.
func NewQueue(st store.Store, now func() time.Time, profile Profile, log *slog.Logger, owner func(row string) string, concern Concern) *Queue {
	q := &Queue{
		store: st, owner: owner, concern: concern, now: now, profile: profile, handlers: map[Kind]Handler{}, prepares: map[Kind]Preparer{}, log: log, wake: make(chan struct{}, 1), dues: map[string]*dueHeap{},
		others: newOthers(),
	}
	if _, shared := st.(store.Shared); shared {
		q.mark = fmt.Sprintf("~%08x", rand.Uint32())
	}
	q.next.Store(math.MaxInt64)
	return q
}

// Handle registers the handler of a kind.
func (q *Queue) Handle(kind Kind, h Handler) { q.handlers[kind] = h }

// Load reads the entries that are there: those of an earlier process, and of other servers.
func (q *Queue) Load(ctx context.Context) error {
	var times []dueTime
	var theirs []otherStep
	late := false
	now := q.wall()
	err := q.store.View(ctx, func(r store.Reader) error {
		times, theirs = times[:0], theirs[:0]
		for key, value := range r.Scan(duePrefix, "") {
			d, err := parseDue(key, value)
			if err != nil {
				return err
			}
			if !q.made(key) {
				theirs = append(theirs, q.other(d, now))
				continue
			}
			late = late || q.latest(d.entry, now) < d.at
			times = append(times, q.dueTime(d))
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.others.replace(theirs)
	q.wakeUp()
	q.remember(times)
	if late {
		q.stepped.Store(true)
		return q.Step(ctx, "")
	}
	return nil
}

// wall is the machine's clock. When that was set back since the last look, entries may lie too far ahead.
func (q *Queue) wall() time.Time {
	now := q.now()
	n := now.UnixNano()
	switch last := raise(&q.seen, n); {
	case last-n > int64(stepBack) && q.seen.CompareAndSwap(last, n):
		q.mu.Lock()
		q.backs++
		q.looked = ""
		q.mu.Unlock()
		q.stepped.Store(true)
		q.others.noLaterThan(n)
		q.wakeUp()
	}
	return now
}

// latest is when an entry is due at the latest: a state that has begun by now lasts no longer than its duration.
func (q *Queue) latest(e Entry, now time.Time) int64 {
	return now.Add(q.profile.Duration(e.Kind, e.From)).UnixNano()
}

// bringForward moves the server's own entries that lie further ahead than their state lasts, since the clock was set back, to where they
// would be if the state had begun now. It looks at so many entries after a key, and tells the last one, "" at the end.
func (q *Queue) bringForward(tx *Txn, after string) (looked string, err error) {
	var moved []dueEntry
	left := looksPerCommit
	for w := store.Peek(tx.Txn, duePrefix, after); w.Next(); {
		if left == 0 {
			w.Stop()
			break
		}
		if left--; left == 0 {
			looked = w.Key
		}
		if !q.made(w.Key) {
			continue
		}
		d, err := parseDue(w.Key, w.Value)
		if err != nil {
			return "", err
		}
		if at := q.latest(d.entry, tx.Now); at < d.at {
			d.at = at
			moved = append(moved, d)
		}
	}
	for _, d := range moved { // a Peek does not allow writing between two of its steps
		tx.Delete(d.key)
		tx.schedule(d.entry, d.at)
	}
	return looked, nil
}

// lookedTo ends what bringForward did since the clock was set back for the nth time; where it did not come to the end the next
// transaction goes on.
func (q *Queue) lookedTo(key string, back uint64) {
	q.mu.Lock()
	if q.backs == back {
		q.looked = key
	}
	q.mu.Unlock()
	if key != "" {
		q.stepped.Store(true)
	}
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
	d := dueEntry{at, dueKey(at, e.Key, e.From, tx.queue.mark), e}
	tx.Set(d.key, value)
	tx.added = append(tx.added, tx.queue.dueTime(d))
}

// steps are which due steps a transaction takes.
type steps struct {
	account string // whose call it is, "" for one that is about everybody
	chains  bool   // those that follow too
	most    int
	all     bool // also those that other servers have scheduled
}

// Update runs f in a transaction after every step that is due and concerns an account, "" for everybody, has been taken in it,
// chains included, so that f finds the rows as they are by now. What f schedules becomes due only after the commit.
//
// What another server has scheduled is left to that server, unless f reads a row of it or fails: then f runs again behind it.
func (q *Queue) Update(ctx context.Context, account string, f func(*Txn) error) error {
	err := q.update(ctx, steps{account: account, chains: true, most: math.MaxInt}, f)
	if errors.Is(err, errBehindOthers) {
		err = q.update(ctx, steps{account: account, chains: true, most: math.MaxInt, all: true}, f)
	}
	return err
}

// Step takes one step of every row that is due and concerns an account, "" for everybody, if any is. Reads call it first: a
// poller then sees the state that follows the one it saw last. It costs two atomic loads when nothing is due.
func (q *Queue) Step(ctx context.Context, account string) error {
	now := q.wall().UnixNano()
	if min(q.next.Load(), q.others.next.Load()) > now && !q.stepped.Load() {
		return nil
	}
	if account != "" && !q.stepped.Load() && !q.isDue([]string{account}, now) {
		due := false
		if err := q.store.View(ctx, func(r store.Reader) error {
			of := q.concern(r, account)
			due = q.isDue(of, now) || len(q.others.due(of, now)) > 0
			return nil
		}); err != nil || !due {
			return err
		}
	}
	return q.update(ctx, steps{account: account, most: math.MaxInt, all: true}, nil)
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

// update takes steps and runs f.
func (q *Queue) update(ctx context.Context, take steps, f func(*Txn) error) error {
	q.mu.Lock()
	seen := q.seq
	q.mu.Unlock()
	var done *Txn
	var applied bool // all that was due
	var about concerns
	now := q.wall()
	if q.prepare(ctx, take, now.UnixNano()) {
		now = q.wall() // that took its time
	}
	stepped := q.stepped.Swap(false)
	q.mu.Lock()
	looked, back := q.looked, q.backs
	q.mu.Unlock()
	var upTo string
	err := q.store.Update(ctx, func(stx store.Txn) error {
		tx := &Txn{Txn: stx, Now: now, queue: q}
		done, applied, about = tx, false, concerns{queue: q, r: tx, account: take.account}
		if stepped {
			var err error
			if upTo, err = q.bringForward(tx, looked); err != nil {
				return err
			}
		}
		if stepped || take.all || q.next.Load() <= now.UnixNano() {
			var err error
			if applied, err = q.apply(tx, &about, take); err != nil {
				return err
			}
		}
		if f == nil {
			return nil
		}
		err := f(tx)
		if !take.all && q.behindOthers(tx, &about, err) {
			return errBehindOthers
		}
		return err
	})
	if err != nil {
		if stepped {
			q.stepped.Store(true)
		}
		return err
	}
	if stepped {
		q.lookedTo(upTo, back)
	}
	if applied {
		q.forget(about.found(), now.UnixNano(), seen)
	}
	q.others.remove(done.taken...)
	q.remember(done.added)
	return nil
}

// apply takes due steps in tx that a call is about, and reports whether these were all. With chains a row that is
// due again at once goes on; the bound of them only guards against a machine that never comes to rest.
func (q *Queue) apply(tx *Txn, about *concerns, take steps) (all bool, err error) {
	const longestChain = 16
	chains := take.chains
	for range longestChain {
		entries, err := q.due(tx, about, take.all)
		if err != nil || len(entries) == 0 {
			return err == nil, err
		}
		if len(entries) > take.most {
			entries, chains = entries[:take.most], false
		} else {
			all = true
		}
		for _, d := range entries {
			tx.Delete(d.key)
			tx.taken = append(tx.taken, d.key)
			tx.added = slices.DeleteFunc(tx.added, func(a dueTime) bool { return a.key == d.key }) // in this very transaction
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
		if now := tx.Now.UnixNano(); !chains || !slices.ContainsFunc(tx.added, func(d dueTime) bool { return d.at <= now }) {
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

// due are the entries that are due and that a call is about; with all also those that other servers have scheduled. That no other entry is due is no condition of the commit: one that is written at the same time waits.
func (q *Queue) due(tx *Txn, about *concerns, all bool) ([]dueEntry, error) {
	var found []dueEntry
	now := tx.Now.UnixNano()
	for w := store.Peek(tx.Txn, duePrefix, ""); w.Next(); {
		at, row, err := parseDueKey(w.Key)
		if err != nil {
			return nil, err
		}
		if at > now {
			w.Stop()
			break
		}
		if !all && !q.made(w.Key) || !about.owner(q.owner(row)) {
			continue
		}
		d, err := parseDue(w.Key, w.Value)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	if !all {
		return found, nil
	}
	theirs, err := q.early(tx, about)
	return append(found, theirs...), err
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
		next, now := min(q.next.Load(), q.others.left()), q.wall().UnixNano()
		wait := time.Hour
		if next != math.MaxInt64 {
			wait = min(longestNap, time.Duration(max(0, next-now))+Linger)
		}
		if q.stepped.Load() {
			wait = 0
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
		late := q.wall().Add(-Linger).UnixNano()
		all := q.others.left() <= late
		if q.next.Load() > late && !all && !q.stepped.Load() {
			continue // a request was faster
		}
		if err := q.update(ctx, steps{most: stepsPerCommit, all: all}, nil); err != nil && ctx.Err() == nil {
			failures++
			q.log.Error("due steps could not be applied; they stay queued", "error", err)
			continue
		}
		failures = 0
	}
}
