package service

import (
	"fmt"
	"reflect"
	"sync"

	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// executeCoreNetworkChangeSet brings a version that is ready to life. The core network is UPDATING until it is LIVE.
func executeCoreNetworkChangeSet(tx *state.Txn, in *api.ExecuteCoreNetworkChangeSetInput) (*api.ExecuteCoreNetworkChangeSetOutput, error) {
	old, err := findCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	version, err := findVersion(tx.View, old, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	if version.ChangeSetState != api.ChangeSetStateReadyToExecute {
		return nil, api.BrokenRule("Change set state for policy is invalid.")
	}
	if old.State != api.CoreNetworkStateAvailable {
		return nil, coreNetworkBusy(old)
	}
	for _, a := range state.Attachments.Rows(tx.View, state.Attachments.In(old.OwnerAccountId, old.CoreNetworkId), "") {
		if a.State == api.AttachmentStateCreating {
			return nil, api.Conflict("core-network", old.CoreNetworkId, "Cannot execute change-set while attachments are being created")
		}
	}
	// Since the change set was generated an attachment may have come to an edge that this version takes away, or a
	// prefix list have lost the alias it uses.
	document := tx.ReadVersion(old, version)
	errs := document.Errors
	if len(errs) == 0 {
		errs = append(policy.CheckOrphans(document.Parsed, state.Placements(tx.View, old, nil)), policy.CheckPrefixLists(document.Parsed, prefixListAliases(tx.View, old))...)
	}
	if len(errs) > 0 {
		return nil, api.Conflict("core-network", old.CoreNetworkId, errs[0].Message)
	}
	next := *version
	next.ChangeSetState = api.ChangeSetStateExecuting
	saveVersion(tx, old, &next)
	row := *old
	row.Executing = in.PolicyVersionId
	row.BeginUpdate(tx)
	return &api.ExecuteCoreNetworkChangeSetOutput{}, nil
}

// startExecution begins what was asked for, and lets the core network's UPDATING end in its time.
func startExecution(tx *state.Txn, key state.Key[*state.CoreNetwork], _ string) error {
	old, ok := state.CoreNetworks.Get(tx.View, key)
	if !ok || old.State != api.CoreNetworkStateUpdating || !old.ExecutionStarted.IsZero() {
		return nil
	}
	row := *old
	row.StartUpdate(tx)
	return nil
}

// execution is what it means to bring a version to life. It is worked out before the transaction that does it, so that others can
// write meanwhile, and again in it where something has changed since.
type execution struct {
	version, live int32  // that is executed, and that was LIVE then
	generation    uint64 // of the routes
	policy        *policy.Policy
	errs          policy.Errors // of compiling; nothing of the rest is there then
	moves         []relocation
	changes       *state.KeptChanges
	waiting       map[int32]policy.Errors // versions that wait behind, where the edges change, and why they cannot be brought about
}

// workOut works out the execution that a core network is in.
func workOut(v *state.View, row *state.CoreNetwork, version *state.PolicyVersion) *execution {
	x := &execution{version: row.Executing, live: row.LiveVersion, generation: v.RoutingGeneration(row.ID())}
	if x.policy, x.errs = v.Compile(v.ReadVersion(row, version), row.Edges); len(x.errs) > 0 {
		return x
	}
	x.moves = relocate(v, row, x.policy)
	x.changes = state.KeepChanges(changesOf(v, row, x.policy, x.moves))
	x.waiting = map[int32]policy.Errors{}
	edges, _, _ := state.NetworkOf(x.policy)
	if reflect.DeepEqual(edges, row.Edges) {
		return x
	}
	for _, behind := range state.PolicyVersions.ReadyBehind(v, row, row.Executing) {
		_, x.waiting[*behind.PolicyVersionId] = v.Compile(v.ReadVersion(row, behind), edges)
	}
	return x
}

// holds tells whether what was worked out is what would be worked out now.
func (x *execution) holds(v *state.View, row *state.CoreNetwork) bool {
	return x != nil && x.version == row.Executing && x.live == row.LiveVersion && v.AttachmentsSince(row.ID(), x.generation)
}

// executions are those that have been worked out and not been taken yet.
type executions struct {
	mu sync.Mutex
	of map[state.NetworkID]*preparation
}

// preparation is one of them. Of several calls that find it due one works it out.
type preparation struct {
	mu    sync.Mutex
	found *execution
}

// prepare works out the execution of a core network that is about to go LIVE.
func (e *executions) prepare(v *state.View, key state.Key[*state.CoreNetwork]) {
	row, ok := state.CoreNetworks.Get(v, key)
	if !ok || row.Executing == 0 || row.State == api.CoreNetworkStateDeleting {
		return
	}
	e.mu.Lock()
	p := e.of[row.ID()]
	if p == nil {
		p = &preparation{}
		e.of[row.ID()] = p
	}
	e.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if version, err := findVersion(v, row, row.Executing); err == nil && !p.found.holds(v, row) {
		p.found = workOut(v, row, version)
	}
}

// take is what was worked out for a core network; nil when there is nothing that holds.
func (e *executions) take(v *state.View, row *state.CoreNetwork) *execution {
	e.mu.Lock()
	p := e.of[row.ID()]
	delete(e.of, row.ID())
	e.mu.Unlock()
	if p == nil || !p.mu.TryLock() {
		return nil
	}
	defer p.mu.Unlock()
	if !p.found.holds(v, row) {
		return nil
	}
	return p.found
}

// goLive makes the executing version the LIVE one, all of it in this transaction: edges, segments and groups are what it
// says, every attachment is looked at anew, what has changed is kept, what waited before it is out of date, and what
// waits behind it is compared with it. row is the caller's to save.
func goLive(tx *state.Txn, row *state.CoreNetwork, known *executions) error {
	version, err := findVersion(tx.View, row, row.Executing)
	if err != nil {
		return fmt.Errorf("executing version %d of %s: %w", row.Executing, row.CoreNetworkId, err)
	}
	next := *version
	x := known.take(tx.View, row)
	if x == nil {
		x = workOut(tx.View, row, version)
	}
	errs := x.errs
	if len(errs) == 0 && row.LiveVersion == 0 {
		errs = checkReferences(tx.View, row, tx.ReadVersion(row, version))
	}
	if len(errs) > 0 {
		// Only a first version gets here unexamined: it is executed as part of the creation.
		next.ChangeSetState = api.ChangeSetStateFailedGeneration
		next.PolicyErrors = state.PolicyErrors(errs)
		saveVersion(tx, row, &next)
		return nil
	}
	x.changes.Put(tx, row, row.Executing)
	moveAttachments(tx, row, x.moves)
	live, edges := row.Executing, row.Edges
	expire(tx, row, func(v *state.PolicyVersion) bool { return *v.PolicyVersionId < live })
	next.ChangeSetState = api.ChangeSetStateExecutionSucceeded
	saveVersion(tx, row, &next)
	row.LiveVersion = live
	row.Edges, row.Segments, row.NetworkFunctionGroups = state.NetworkOf(x.policy)
	if !reflect.DeepEqual(edges, row.Edges) {
		regenerate(tx, row, x.waiting)
	}
	return nil
}

// regenerate generates the change sets of the versions that wait behind a LIVE one with other edges, as far as that has not been done.
// They stay ready to execute, unless they cannot be brought about any more.
func regenerate(tx *state.Txn, row *state.CoreNetwork, done map[int32]policy.Errors) {
	for _, version := range state.PolicyVersions.ReadyBehind(tx.View, row, row.LiveVersion) {
		errs, known := done[*version.PolicyVersionId]
		if !known {
			_, errs = tx.Compile(tx.ReadVersion(row, version), row.Edges)
		}
		if len(errs) > 0 {
			failed := *version
			failed.ChangeSetState = api.ChangeSetStateFailedGeneration
			failed.PolicyErrors = state.PolicyErrors(errs)
			saveVersion(tx, row, &failed)
		}
	}
}
