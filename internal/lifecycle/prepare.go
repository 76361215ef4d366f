package lifecycle

import (
	"context"

	"portolan/internal/store"
)

// Preparer works out, outside the transaction, what the handler of an entry will need. By the time of the transaction all of it may
// have changed.
type Preparer func(r store.Reader, e Entry)

// Prepare registers the preparer of a kind.
func (q *Queue) Prepare(kind Kind, p Preparer) { q.prepares[kind] = p }

// Turn waits for the right to compute something heavy for an account, which done ends.
type Turn func(ctx context.Context, account string) (done func(), err error)

// TakeTurns has the preparers run in turns. Those of steps that nobody asked for do not: a step is for everybody.
func (q *Queue) TakeTurns(turn Turn) { q.turn = turn }

// prepare lets the preparers see what is due, in a turn of the account whose call it is, and tells whether anything was. What goes wrong
// meets the transaction too.
func (q *Queue) prepare(ctx context.Context, take steps, now int64) bool {
	if (q.prepared.Load() == 0 || q.next.Load() > now) && q.others.next.Load() > now {
		return false
	}
	var found []Entry
	_ = q.store.View(ctx, func(r store.Reader) error {
		about := concerns{queue: q, r: r, account: take.account}
		found = nil
		for key, value := range r.Scan(duePrefix, "") {
			at, row, err := parseDueKey(key)
			if err != nil {
				return err
			}
			if at > now {
				break
			}
			if !take.all && !q.made(key) || !about.owner(q.owner(row)) {
				continue
			}
			d, err := parseDue(key, value)
			if err != nil {
				return err
			}
			if q.prepares[d.entry.Kind] != nil {
				found = append(found, d.entry)
			}
		}
		return nil
	})
	if len(found) == 0 {
		return false
	}
	if take.account != "" && q.turn != nil {
		done, err := q.turn(ctx, take.account)
		if err != nil {
			return true
		}
		defer done()
	}
	_ = q.store.View(ctx, func(r store.Reader) error {
		for _, e := range found {
			q.prepares[e.Kind](r, e)
		}
		return nil
	})
	return true
}
