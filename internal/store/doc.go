// Package store keeps ordered keys with JSON values in serializable transactions.
//
// It knows nothing of networks. Keys are readable paths ("/acct/123456789012/global-network/global-network-0…"),
// values are JSON, so that a dump can be read and migrated. Two implementations live here, [OpenMemory] and
// [OpenBolt]; both pass the contract suite in storetest.
//
// # Rules for callers
//
// The function given to View or Update does its reading and writing and returns: it must not call the store again, nor
// wait for something that does. Updates run one at a time and a View pins what it reads, so either would wait for
// itself. Neither may it keep the bytes it was given, nor pass its Reader to another goroutine.
//
// A function that panics fails its transaction with a [PanicError]; nothing it wrote is kept.
//
// # A store on a cluster
//
// Nothing above this package knows where the keys are, so several servers can share one key space as soon as a third
// implementation exists. This is how etcd would fit; nothing in the interface has to change for it.
//
// Snapshot. A View reads at one revision: its first read asks for the newest and keeps the revision of the answer, all
// later reads name it. A Scan is a paged range read at that revision. When the revision has been compacted away the
// read fails, and with it the View, as the Reader's rules say.
//
// Update. The function runs against such a snapshot with its writes held back in memory; reads look there first, and
// Scan merges the two. What it read is remembered in two lists: for Get the key and its mod revision (0 when absent),
// for Scan the range that was really walked, from its start to the last key seen or, if it ran to the end, to the end
// of the prefix. The commit is one etcd transaction. Its conditions are "mod revision of key = n" for the keys, and for
// the ranges "no key in [from, to) has a mod revision above the snapshot's", which etcd offers as a compare over a
// range. That catches new and changed rows; a deleted row leaves no key to compare, so every key that a Scan yielded
// goes into the first list, too. With both, a transaction commits only if running it at the commit's revision would
// have read the same, which is what serializable asks. If a condition fails the function runs again on a new snapshot,
// after a growing random pause; that is why Update may run it more than once. Contended counters are the hot keys to
// expect: a table had better count per parent than per server. The number of conditions and writes in one
// transaction is limited by etcd (max-txn-ops): too large a transaction is an error, never two.
//
// Failed calls. When the answer to a commit is lost, the outcome is unknown. Each commit therefore writes a random token
// under a key of its server, and reads it back before it decides between success and another run.
//
// Watch. A watch on the prefix from the revision after "now" gives events grouped by revision, and an etcd revision is
// one transaction: exactly a Commit. When the server falls behind a compaction the watch is closed, which is the
// cut-off a watcher has to handle anyway. Several events of one revision arrive together if fragments are joined.
//
// Leases. Work that only one of the servers may do at a time, such as applying what is due, needs no new method: the
// owner is a key with a deadline, taken and renewed in Update. With etcd that key can hang on a lease, so that it goes
// away with its server; the fencing is the same, since every piece of work reads the owner's key in the transaction
// that applies it, and thus fails to commit when the owner has changed.
package store
