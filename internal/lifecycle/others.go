package lifecycle

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/btree"

	"portolan/internal/store"
)

// leftToOthers is how long the worker leaves a step to the server that scheduled it, which takes it after [Linger], before
// that server counts as lost.
const leftToOthers = 2 * time.Second

// followAgain is how long [Queue.Follow] waits where something went wrong.
const followAgain = time.Second

// errBehindOthers makes an update run again behind the steps that other servers have scheduled.
var errBehindOthers = errors.New("steps of other servers are due")

// others are the steps that other servers on the same store have scheduled. Were all servers to take them at once, their
// transactions would conflict; so each takes its own.
type others struct {
	next atomic.Int64 // unix nanoseconds of the earliest, MaxInt64 for none

	mu     sync.Mutex
	byTime *btree.BTreeG[otherStep]
	byKey  map[string]otherStep
}

// otherStep is an entry of another server. It is due by this server's clock: when the entry says so, or when its state has
// lasted its time since this server heard of it, if that is earlier. So a clock that is ahead where the entry was made delays
// nothing here.
type otherStep struct {
	at    int64
	key   string // of the entry
	row   string
	owner string // of the row
	lasts time.Duration
}

func newOthers() *others {
	o := &others{}
	o.replace(nil)
	return o
}

// replace makes these all that there are.
func (o *others) replace(list []otherStep) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byTime = btree.NewBTreeGOptions(func(a, b otherStep) bool {
		return a.at < b.at || a.at == b.at && a.key < b.key
	}, btree.Options{NoLocks: true})
	o.byKey = map[string]otherStep{}
	o.insert(list)
}

func (o *others) add(list []otherStep) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.insert(list)
}

func (o *others) insert(list []otherStep) {
	for _, s := range list {
		o.delete(s.key)
		o.byKey[s.key] = s
		o.byTime.Set(s)
	}
	o.first()
}

func (o *others) remove(keys ...string) {
	if len(keys) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		o.delete(key)
	}
	o.first()
}

func (o *others) knows(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.byKey[key]
	return known
}

func (o *others) delete(key string) {
	if s, ok := o.byKey[key]; ok {
		delete(o.byKey, key)
		o.byTime.Delete(s)
	}
}

// first notes the earliest.
func (o *others) first() {
	if s, ok := o.byTime.Min(); ok {
		o.next.Store(s.at)
	} else {
		o.next.Store(math.MaxInt64)
	}
}

// left is when the worker takes what is due first in the place of the server that scheduled it.
func (o *others) left() int64 {
	next := o.next.Load()
	return next + min(int64(leftToOthers), math.MaxInt64-next)
}

// due are the steps of the owners that are due, nil for those of everybody.
func (o *others) due(owners []string, now int64) []otherStep {
	if o.next.Load() > now {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []otherStep
	o.byTime.Scan(func(s otherStep) bool {
		if s.at > now {
			return false
		}
		if owners == nil || slices.Contains(owners, s.owner) {
			found = append(found, s)
		}
		return true
	})
	return found
}

// noLaterThan is for a clock that was set back to now: no state lasts longer from then on than its time.
func (o *others) noLaterThan(now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var moved []otherStep
	for _, s := range o.byKey {
		if at := now + int64(s.lasts); at < s.at {
			o.delete(s.key)
			s.at = at
			moved = append(moved, s)
		}
	}
	o.insert(moved)
}

// made tells whether this server has scheduled the entry at a key, or has the store for itself.
func (q *Queue) made(key string) bool { return q.mark == "" || strings.HasSuffix(key, q.mark) }

// other is an entry of another server that was heard of now.
func (q *Queue) other(d dueEntry, now time.Time) otherStep {
	lasts := q.profile.Duration(d.entry.Kind, d.entry.From)
	return otherStep{min(d.at, now.Add(lasts).UnixNano()), d.key, d.entry.Key, q.owner(d.entry.Key), lasts}
}

// Follow learns of entries that other servers on the same store write and take, until ctx ends or the store is closed. Without it
// they are taken by the server that wrote them, or after a restart. Where the store cannot be read for a while, such as without a
// leader of its cluster, it begins anew.
func (q *Queue) Follow(ctx context.Context) error {
	for ctx.Err() == nil {
		err := q.followOnce(ctx)
		switch {
		case errors.Is(err, store.ErrClosed):
			return err
		case err != nil && ctx.Err() == nil:
			q.log.Warn("steps that other servers schedule are not known for now", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(followAgain):
			}
		}
	}
	return ctx.Err()
}

// followOnce follows until the watch ends.
func (q *Queue) followOnce(ctx context.Context) error {
	watching, end := context.WithCancel(ctx)
	defer end()
	watch, err := q.store.Watch(watching, duePrefix)
	if err != nil {
		return err
	}
	if err := q.Load(ctx); err != nil { // what was written before the watch, or while it had fallen behind
		return err
	}
	for commit := range watch {
		if err := q.heard(commit.Changes); err != nil {
			return err
		}
	}
	return nil
}

// heard takes in what was written and taken.
func (q *Queue) heard(changes []store.Change) error {
	var added []otherStep
	var gone []string
	now := q.wall()
	for _, c := range changes {
		switch {
		case q.made(c.Key):
		case c.Value == nil:
			gone = append(gone, c.Key)
		default:
			d, err := parseDue(c.Key, c.Value)
			if err != nil {
				return err
			}
			added = append(added, q.other(d, now))
		}
	}
	if len(added)+len(gone) == 0 {
		return nil
	}
	before := q.others.next.Load()
	q.others.remove(gone...)
	q.others.add(added)
	if q.others.next.Load() < before {
		q.wakeUp()
	}
	return nil
}

// behindOthers tells whether a function has to run again behind what other servers have scheduled and is due: it read a row
// that has to move first, or it failed, and would not have perhaps.
func (q *Queue) behindOthers(tx *Txn, about *concerns, failed error) bool {
	now := tx.Now.UnixNano()
	if failed != nil {
		q.hear(tx)
	}
	if q.others.next.Load() > now {
		return false
	}
	if failed != nil {
		return len(q.others.due(about.owners(), now)) > 0
	}
	return slices.ContainsFunc(q.others.due(nil, now), func(s otherStep) bool { return store.HasRead(tx.Txn, s.row) })
}

// hear learns of what the transaction sees of other servers and [Queue.Follow] has not come to: a commit can be read before the watch
// tells of it. It looks at what is due soon by the clocks of the others. What is not right in an entry meets whoever takes it.
func (q *Queue) hear(tx *Txn) {
	if q.mark == "" {
		return
	}
	soon := tx.Now.Add(leftToOthers).UnixNano()
	var added []otherStep
	for w := store.Peek(tx.Txn, duePrefix, ""); w.Next(); {
		if at, _, err := parseDueKey(w.Key); err != nil || at > soon {
			w.Stop()
			break
		}
		if q.made(w.Key) || q.others.knows(w.Key) {
			continue
		}
		if d, err := parseDue(w.Key, w.Value); err == nil {
			added = append(added, q.other(d, tx.Now))
		}
	}
	if len(added) > 0 {
		q.others.add(added)
	}
}

// early are entries of other servers that are due by this server's clock before the time that they have.
func (q *Queue) early(tx *Txn, about *concerns) ([]dueEntry, error) {
	if q.others.next.Load() > tx.Now.UnixNano() {
		return nil, nil
	}
	var found []dueEntry
	for _, s := range q.others.due(about.owners(), tx.Now.UnixNano()) {
		value, ok := tx.Get(s.key)
		if !ok {
			tx.taken = append(tx.taken, s.key) // by another server
			continue
		}
		d, err := parseDue(s.key, value)
		if err != nil {
			return nil, err
		}
		if d.at > tx.Now.UnixNano() {
			found = append(found, d)
		}
	}
	return found, nil
}
