package store

import "sync/atomic"

// changed tells which commit changed something below a prefix last, of every prefix that ends with a slash. Several prefixes
// share a place: then it may name a later commit than it was, never an earlier one.
type changed struct {
	last [changedPlaces]atomic.Uint64
}

const (
	changedBits   = 12
	changedPlaces = 1 << changedBits
)

// The places are those of a hash that goes on from one slash of a key to the next: FNV-1a, whose lower bits are the better ones.
const (
	hashBegin  = 14695981039346656037
	hashStep   = 1099511628211
	hashSpread = 0x9e3779b97f4a7c15
)

func (c *changed) place(hash uint64) *atomic.Uint64 {
	return &c.last[hash*hashSpread>>(64-changedBits)]
}

// note says that the commit of this number makes the changes. No reader sees the commit before.
func (c *changed) note(commit uint64, changes []Change) {
	for i := range changes {
		hash := uint64(hashBegin)
		for _, b := range []byte(changes[i].Key) {
			if hash = (hash ^ uint64(b)) * hashStep; b == '/' {
				c.place(hash).Store(commit)
			}
		}
	}
}

// all says that the commit may have changed everything.
func (c *changed) all(commit uint64) {
	for i := range c.last {
		c.last[i].Store(commit)
	}
}

// below is the last commit that changed something below a prefix, or a later one.
func (c *changed) below(prefix string) uint64 {
	hash := uint64(hashBegin)
	for _, b := range []byte(prefix) {
		hash = (hash ^ uint64(b)) * hashStep
	}
	return c.place(hash).Load()
}

// seen is what a Reader of this package offers to [Snapshot] and [SameBelow].
type seen interface {
	snapshot() (uint64, bool)
	sameBelow(prefix string, snapshot uint64) bool
}

// Snapshot is the number of the snapshot that a View reads; a later one has a greater number. It is false in a transaction that
// writes, of a Reader from elsewhere, and once something could not be read.
func Snapshot(r Reader) (uint64, bool) {
	if own, is := r.(seen); is {
		return own.snapshot()
	}
	return 0, false
}

// SameBelow tells whether all keys with a prefix, which ends with a slash, and their values are in a View as they were in
// another of the same store, which read the snapshot of the given number. Where it says no they may be all the same.
func SameBelow(r Reader, prefix string, snapshot uint64) bool {
	own, is := r.(seen)
	return is && own.sameBelow(prefix, snapshot)
}

func (r *reader) snapshot() (uint64, bool) { return r.at, r.changed != nil && r.err == nil }

func (r *reader) sameBelow(prefix string, snapshot uint64) bool {
	if r.changed == nil || prefix == "" || prefix[len(prefix)-1] != '/' {
		return false
	}
	// What changed up to both snapshots is in both. A View that reads an older one may find a later commit noted.
	return r.changed.below(prefix) <= min(snapshot, r.at)
}
