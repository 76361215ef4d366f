package store

import (
	"context"
	"errors"
	"iter"
)

// ErrClosed is returned by every call, except Close, on a store that has been closed.
var ErrClosed = errors.New("store is closed")

// Store is an ordered key space with serializable transactions and a change feed.
type Store interface {
	// View runs f on one consistent snapshot. The Reader and the bytes it gives out are valid only inside f.
	View(ctx context.Context, f func(Reader) error) error

	// Update runs f and commits what it wrote, or nothing when f returns an error. When Update returns nil the
	// writes are durable. f may run more than once (an optimistic store retries a conflict): it must take all it
	// needs from the transaction and leave no other trace.
	Update(ctx context.Context, f func(Txn) error) error

	// Watch reports every commit that touches a key with the given prefix, in commit order, from the moment Watch
	// returns until ctx ends or the store closes; then the channel is closed. A watcher that falls too far behind
	// is cut off: its channel is closed early and it must read the state again.
	Watch(ctx context.Context, prefix string) (<-chan Commit, error)

	// Close waits for the functions that are running, and refuses what has not begun. Closing again does nothing.
	Close() error
}

// Reader reads one snapshot, for one goroutine at a time. A read that fails (a broken disk, a lost connection) yields
// nothing, and the transaction it belongs to then fails with that error whatever its function returns, so callers need
// not check each read.
type Reader interface {
	// Get returns the value of key and whether it exists.
	Get(key string) ([]byte, bool)

	// Scan yields the pairs with the given prefix in key order, starting after the key `after` ("" for the first).
	// In an update the function may write between two steps; what it writes ahead of the scan is seen by it.
	Scan(prefix, after string) iter.Seq2[string, []byte]

	// Walk is the same scan, stepped by its caller.
	Walk(prefix, after string) Walk
}

// Txn is a Reader that also writes. It sees its own writes.
type Txn interface {
	Reader

	// Set stores a copy of value. An empty key, or a key or value beyond [MaxKeySize] or [MaxValueSize], fails the
	// transaction.
	Set(key string, value []byte)

	Delete(key string) // deleting an absent key does nothing
}

// Commit is one committed transaction as a watcher sees it. Revisions grow by at least one per commit; a transaction
// that changed nothing is none. Watchers share what is in it and must not modify it.
type Commit struct {
	Revision uint64
	Changes  []Change // in key order, one per key
}

// Change is the new value of one key. Value is nil when the key was deleted; an empty value is not nil.
type Change struct {
	Key   string
	Value []byte
}
