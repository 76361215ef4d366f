package store

import (
	"context"
	"errors"
	"strings"

	"portolan/internal/order"
)

// Cluster is a key space that several servers share, as [OpenReplica] needs it. What it stores has revisions: every commit
// has one, they grow, and an entry has the revision of the commit that wrote it.
type Cluster interface {
	// Load calls add with every entry of one revision, in any order, and returns that revision.
	Load(ctx context.Context, add func(Entry)) (uint64, error)

	// Follow calls apply with every commit after the revision, in order and none twice, until ctx ends. It reconnects by
	// itself. [ErrCompacted] says that the commits after the revision are not kept any more: the caller loads again.
	Follow(ctx context.Context, after uint64, apply func(Applied)) error

	// Commit makes the proposal if nothing that it read has changed, and returns the revision. [ErrNotOwner] says that a
	// fence is not there any more, [ErrConflict] that something has changed, and [ErrNotMade] that the proposal was not made for
	// another reason. Any other error leaves the outcome open; it is settled before the next Commit begins. One call at a time.
	Commit(ctx context.Context, p *Proposal) (uint64, error)

	// Newest returns a revision at or after that of every commit that was answered before the call, by any server.
	Newest(ctx context.Context) (uint64, error)

	// Roomy tells whether the cluster takes every proposal that has at most so many conditions and changed keys, and so many
	// bytes of keys that are read, and of keys and values that are written. It costs nothing, and may say no of one that fits.
	Roomy(conditions, changes, bytes int) bool

	// Fits is nil when the cluster takes a proposal of that size in one transaction, else it wraps [ErrTooLarge].
	Fits(p *Proposal) error

	Close() error
}

// Shared is a store that several servers have open at the same time. Every [OpenReplica] gives one.
type Shared interface {
	Store

	// Slot is a number of this server, below 1<<SlotBits, that no other has at the same time.
	Slot() uint64

	// Own runs f for as long as this server owns the name, which one server does at a time, until ctx ends. Every Update
	// with the context that f is given fails with [ErrNotOwner] once the name is another's.
	Own(ctx context.Context, name string, f func(context.Context)) error

	// Status is how this server stands.
	Status(ctx context.Context) (*Status, error)

	// Members changes which members hold the store; nil where that is not this server's to do.
	Members() Membership
}

// Membership changes the members of the cluster that holds a store. [ErrNoMember] says that it was asked for what cannot be.
type Membership interface {
	AddMember(ctx context.Context, url string) error
	RemoveMember(ctx context.Context, nameOrURL string) error
}

// ErrNoMember is wrapped by an error that says why a member cannot be added or removed.
var ErrNoMember = errors.New("the members stay as they are")

// SlotBits is how many bits a slot has.
const SlotBits = 6

// ErrNotOwner is returned by an Update that only the owner of a name may make, when that is another server by now.
var ErrNotOwner = errors.New("another server owns this work now")

// Status is how a server and what it shares stand.
type Status struct {
	Server    string            `json:"server"`
	Servers   map[string]string `json:"servers"` // that share the store, with what each says of itself
	Owners    map[string]string `json:"owners"`  // name of the work -> server
	Members   []MemberStatus    `json:"members"` // of the cluster that holds the store
	Revision  uint64            `json:"revision"`
	Behind    uint64            `json:"behind"`    // revisions that the server has not seen
	Conflicts uint64            `json:"conflicts"` // commits that were made again because something had changed
	Commits   uint64            `json:"commits"`
}

// MemberStatus is one member of the cluster. Error says why nothing is known of it.
type MemberStatus struct {
	Name     string `json:"name,omitzero"` // of a member that is part of a server
	Endpoint string `json:"endpoint"`
	ID       string `json:"id,omitzero"`
	Leader   bool   `json:"leader"`
	Version  string `json:"version,omitzero"`
	Bytes    int64  `json:"bytes"` // of its database
	Error    string `json:"error,omitzero"`
}

// Group is what a [Cluster] does beside keeping entries.
type Group interface {
	Slot() uint64
	Own(ctx context.Context, name string, f func(context.Context, Fence)) error
	Status(ctx context.Context) (*Status, error)
}

// Fence is an entry that has to be there, as it was written at a revision, for a commit to be made.
type Fence KeyRead

var (
	// ErrConflict is returned by [Cluster.Commit] when something that was read has changed.
	ErrConflict = errors.New("what the transaction read has changed")

	// ErrNotMade is returned by [Cluster.Commit] when a proposal was not made and may be made again, whatever it read.
	ErrNotMade = errors.New("the transaction was not made")

	// ErrCompacted is returned by [Cluster.Follow] when the commits it should begin with are not kept any more.
	ErrCompacted = errors.New("the commits have been compacted")

	// ErrTooLarge is wrapped by an Update that the cluster cannot take in one transaction. Nothing of it is kept.
	ErrTooLarge = errors.New("transaction is larger than the cluster takes")
)

// Entry is one key with its value, and the revision that wrote it.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
}

// Applied is one commit of the cluster: one or more updates in their order.
type Applied struct {
	Revision uint64
	Updates  [][]Change // each in key order, one per key
}

// Proposal is what a server asks a cluster to commit.
type Proposal struct {
	Snapshot uint64 // the revision that everything was read at

	Keys    []KeyRead // in key order
	Ranges  []RangeRead
	Deletes bool // nothing at all may have been deleted after the snapshot: stands for the keys that a long scan yielded

	Updates [][]Change // each in key order, one per key
	Fences  []Fence    // keys of the cluster's own
}

// KeyRead is a key that was read. Revision is that of its entry, 0 when there was none.
type KeyRead struct {
	Key      string
	Revision uint64
}

// RangeRead is a range of keys that was walked: no key in it may have been written after the snapshot. To is exclusive, ""
// for the end of all keys.
type RangeRead struct{ From, To string }

// Net is what the updates of the proposal come to, in key order. A key may be in it that holds the same as before.
func (p *Proposal) Net() []Change { return net(p.Updates) }

func net(updates [][]Change) []Change {
	if len(updates) == 1 {
		return updates[0]
	}
	last := map[string]Change{}
	for _, changes := range updates {
		for _, c := range changes {
			last[c.Key] = c
		}
	}
	out := make([]Change, 0, len(last))
	for _, c := range last {
		out = append(out, c)
	}
	order.Sort(out, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	return out
}
