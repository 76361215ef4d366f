// Package store keeps ordered keys with JSON values in serializable transactions.
//
// It knows nothing of networks. Keys are readable paths ("/acct/123456789012/global-network/global-network-0…"),
// values are JSON, so that a dump can be read and migrated. Three implementations live here, [OpenMemory],
// [OpenBolt] and [OpenReplica]; all pass the contract suite in storetest.
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
// Nothing above this package knows where the keys are, so several servers can share one key space: [OpenReplica] is a store
// on a [Cluster], and package etcd has the only one that is not a test's. Every server holds all entries in memory, runs its
// updates on them, and proposes what they wrote on the conditions of what they read. For a key that is its revision. For a
// range it is that nothing in it was written since, and as a deleted row leaves nothing to compare, each row that a scan
// yielded is a condition too; of long scans the condition is that nothing at all was deleted. A proposal is taken only if
// running its updates at that moment would have read the same, which is what serializable asks; else they run again, which is
// why Update may run its function more than once. Contended counters are the hot keys to expect: a table had better count per
// parent than per server.
//
// Work that one of the servers may do at a time is run under [Shared.Own]: the owner is an entry of the cluster's own on a
// lease, and a commit that belongs to the work fails once that entry is another's.
package store
