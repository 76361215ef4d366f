package state

import (
	"fmt"
	"math"
	"slices"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// The tables of a core network and its policies.
var (
	CoreNetworks = coreNetworks{roots[*CoreNetwork]{newTable(lifecycle.CoreNetwork, func(r *CoreNetwork) string { return string(r.State) }, store.Schema[*CoreNetwork]{
		Name:  "core-network",
		Touch: func(key string, r *CoreNetwork) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Count: func(key string, r *CoreNetwork) string {
			return accountKey(accountOf(key), "core-network.count", r.GlobalNetworkId)
		},
		Indexes: []store.Index[*CoreNetwork]{
			{Name: "global-network", Keys: func(key string, r *CoreNetwork) []string {
				return entry(key, "global-network", 0, r.GlobalNetworkId)
			}},
			{Name: "id", Keys: func(_ string, r *CoreNetwork) []string { return []string{idKey(r.CoreNetworkId)} }},
			{Name: "shared", Keys: func(_ string, r *CoreNetwork) []string {
				if r.ResourcePolicy == "" {
					return nil
				}
				return []string{store.Path("shared", r.CoreNetworkId)}
			}},
		},
	})}}
	PolicyVersions = policyVersions{newTable(lifecycle.CoreNetworkPolicy, func(r *PolicyVersion) string { return string(r.ChangeSetState) }, store.Schema[*PolicyVersion]{
		Name:  "core-network-policy",
		Count: func(key string, _ *PolicyVersion) string { return counter(key, 1) },
		Indexes: []store.Index[*PolicyVersion]{
			{Name: "current", Keys: func(key string, v *PolicyVersion) []string {
				if v.ChangeSetState == api.ChangeSetStateOutOfDate {
					return nil
				}
				return entry(key, "current", 1, string(v.ChangeSetState))
			}},
		},
	})}
	policyDocuments = plainTable(store.Schema[*PolicyDocument]{Name: "core-network-document"})

	Executions = executions{plainTable(store.Schema[*Execution]{Name: "core-network-execution"})}
	Changes    = changes{plainTable(store.Schema[*ChangeChunk]{Name: "core-network-change"})}

	PrefixListAssociations = prefixLists{Members[*PrefixListAssociation]{plainTable(store.Schema[*PrefixListAssociation]{
		Name:  "prefix-list-association",
		Count: func(key string, _ *PrefixListAssociation) string { return counter(key, 1) },
		Touch: func(key string, r *PrefixListAssociation) string {
			return routingGeneration(accountOf(key), r.CoreNetworkId)
		},
		Indexes: []store.Index[*PrefixListAssociation]{
			{Name: "alias", Keys: func(key string, r *PrefixListAssociation) []string {
				return entry(key, "alias", 1, r.PrefixListAlias)
			}},
		},
	})}}
)

// Key is where a core network is.
func (r *CoreNetwork) Key() Key[*CoreNetwork] {
	return CoreNetworks.Key(r.OwnerAccountId, r.CoreNetworkId)
}

type coreNetworks struct{ roots[*CoreNetwork] }

// ByID finds a core network in whichever account it lives.
func (t *coreNetworks) ByID(v *View, id string) (*CoreNetwork, bool) { return t.byID(v, id) }

// ByARN finds the core network that an ARN names, such as that of an attachment or a peering.
func (t *coreNetworks) ByARN(v *View, text string) (*CoreNetwork, bool) {
	a, _ := ParseARN(text)
	return t.Get(v, t.Key(a.Account, a.ID()))
}

// In are the core networks of a global network: one or none.
func (t *coreNetworks) In(account, gn string) Range[*CoreNetwork] {
	return indexed[*CoreNetwork](accountKey(account, "core-network.global-network", gn))
}

// Count is the number of core networks of a global network.
func (t *coreNetworks) Count(v *View, account, gn string) int {
	return store.CountAt(v.r, accountKey(account, "core-network.count", gn))
}

// Shared are the core networks that have a resource policy, of all accounts.
func (t *coreNetworks) Shared() Range[*CoreNetwork] {
	return indexed[*CoreNetwork](store.Path("shared"))
}

// All are the core networks of all accounts.
func (t *coreNetworks) All() Range[*CoreNetwork] {
	return Range[*CoreNetwork]{prefix: idKey("core-network-"), index: true}
}

type policyVersions struct{ Table[*PolicyVersion] }

// Key is the key of a version. Keys sort the newest first, as versions are listed.
func (t *policyVersions) Key(account, coreNetwork string, version int32) Key[*PolicyVersion] {
	return Key[*PolicyVersion]{accountKey(account, "core-network-policy", coreNetwork, newestFirst(version))}
}

func newestFirst(version int32) string { return fmt.Sprintf("%010d", math.MaxInt32-version) }

// In are the versions of a core network, the newest first.
func (t *policyVersions) In(account, coreNetwork string) Range[*PolicyVersion] {
	return below[*PolicyVersion](accountKey(account, "core-network-policy", coreNetwork))
}

// Current are the versions that are not OUT_OF_DATE.
func (t *policyVersions) Current(account, coreNetwork string) Range[*PolicyVersion] {
	return indexed[*PolicyVersion](accountKey(account, "core-network-policy.current", coreNetwork))
}

// InState are the versions whose change set is in a state other than OUT_OF_DATE.
func (t *policyVersions) InState(account, coreNetwork string, state api.ChangeSetState) Range[*PolicyVersion] {
	return indexed[*PolicyVersion](accountKey(account, "core-network-policy.current", coreNetwork, string(state)))
}

// Count is the number of versions of a core network.
func (t *policyVersions) Count(v *View, account, coreNetwork string) int {
	return store.CountAt(v.r, accountKey(account, "core-network-policy.count", coreNetwork))
}

// Delete removes a version with its document.
func (t *policyVersions) Delete(tx *Txn, account, coreNetwork string, version int32) {
	t.Table.Delete(tx, t.Key(account, coreNetwork, version))
	policyDocuments.Delete(tx, documentKey(account, coreNetwork, version))
}

// DropAll removes the versions of a core network, their documents and what their executions left.
func (t *policyVersions) DropAll(tx *Txn, account, coreNetwork string) {
	t.DeleteAll(tx, t.In(account, coreNetwork))
	policyDocuments.DeleteAll(tx, below[*PolicyDocument](accountKey(account, "core-network-document", coreNetwork)))
	Executions.DeleteAll(tx, below[*Execution](accountKey(account, "core-network-execution", coreNetwork)))
	Changes.DeleteAll(tx, below[*ChangeChunk](accountKey(account, "core-network-change", coreNetwork)))
}

// Execution is the row of an execution that has ended.
type Execution struct {
	Finished Time     `json:"Finished,omitzero"`
	First    []string `json:"First"` // the key of the first change of each chunk
}

type executions struct{ Table[*Execution] }

// Key is the key of the execution of a version.
func (t *executions) Key(account, coreNetwork string, version int32) Key[*Execution] {
	return Key[*Execution]{accountKey(account, "core-network-execution", coreNetwork, fmt.Sprintf("%010d", version))}
}

// ChangeChunk is the row of some changes of an execution.
type ChangeChunk struct {
	Changes []Change `json:"Changes"`
}

type changes struct{ Table[*ChangeChunk] }

// Key is the key of a chunk of the changes that the execution of a version made.
func (t *changes) Key(account, coreNetwork string, version int32, chunk int) Key[*ChangeChunk] {
	return Key[*ChangeChunk]{accountKey(account, "core-network-change", coreNetwork, fmt.Sprintf("%010d", version), fmt.Sprintf("%08d", chunk))}
}

type prefixLists struct {
	Members[*PrefixListAssociation]
}

// OfAlias are the associations that have an alias: one or none.
func (t *prefixLists) OfAlias(account, coreNetwork, alias string) Range[*PrefixListAssociation] {
	return t.index(account, "alias", coreNetwork, alias)
}

// Edge is the edge of the LIVE policy at a location.
func (r *CoreNetwork) Edge(location string) (CoreNetworkEdge, bool) {
	i := slices.IndexFunc(r.Edges, func(e CoreNetworkEdge) bool { return e.EdgeLocation == location })
	if i < 0 {
		return CoreNetworkEdge{}, false
	}
	return r.Edges[i], true
}

// BeginUpdate takes a core network to UPDATING. That cannot end before what was asked for has begun: a client that polls
// sees it, however short it is.
func (r *CoreNetwork) BeginUpdate(tx *Txn) {
	r.State = api.CoreNetworkStateUpdating
	r.ExecutionAsked, r.ExecutionStarted = tx.Time(), Time{}
	CoreNetworks.Put(tx, r.Key(), r)
	tx.schedule(lifecycle.Execution, r.Key().path, string(api.ChangeStatusNotStarted), tx.Time())
}

// StartUpdate begins what was asked for, and lets the core network's UPDATING end in its time.
func (r *CoreNetwork) StartUpdate(tx *Txn) {
	r.ExecutionStarted = tx.Time()
	CoreNetworks.Put(tx, r.Key(), r)
	tx.schedule(lifecycle.CoreNetwork, r.Key().path, string(r.State), r.ExecutionAsked)
}
