package service

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// The change set of a version that has not been executed is worked out when somebody asks: it is always against the
// policy that is LIVE by then, over the attachments there are by then. What an execution did is stored with it, in chunks.

// getCoreNetworkChangeSet shows what a version changes: of one that waits, compared with what is LIVE now; of one that was
// executed, what that changed. A version without a change set, since it is not there yet or could not be generated, is
// refused rather than shown as one without changes.
func getCoreNetworkChangeSet(v *state.View, in *api.GetCoreNetworkChangeSetInput) (*api.GetCoreNetworkChangeSetOutput, error) {
	row, version, err := findNetworkVersion(v, in.CoreNetworkId, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "GetCoreNetworkChangeSet", in.CoreNetworkId, fmt.Sprint(in.PolicyVersionId))
	if err != nil {
		return nil, err
	}
	rows, err := changeSet(v, row, version, p.After)
	if err != nil {
		return nil, err
	}
	var out api.GetCoreNetworkChangeSetOutput
	out.CoreNetworkChanges, out.NextToken = state.Page(p, after(rows, p.After), nil, (*state.Change).API)
	return &out, nil
}

func findNetworkVersion(v *state.View, coreNetwork string, id int32) (*state.CoreNetwork, *state.PolicyVersion, error) {
	row, err := findCoreNetwork(v, coreNetwork)
	if err != nil {
		return nil, nil, err
	}
	version, err := findVersion(v, row, id)
	return row, version, err
}

// after leaves out what comes up to a key.
func after[T any](rows iter.Seq2[string, *T], key string) iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for k, row := range rows {
			if k > key && !yield(k, row) {
				return
			}
		}
	}
}

// changeSet walks the changes of a version in their order, at the latest from the one at a key on.
func changeSet(v *state.View, row *state.CoreNetwork, version *state.PolicyVersion, from string) (iter.Seq2[string, *state.Change], error) {
	if execution, ok := state.Executions.Get(v, state.Executions.Key(row.OwnerAccountId, row.CoreNetworkId, *version.PolicyVersionId)); ok {
		return executedChanges(v, row, *version.PolicyVersionId, execution, from), nil
	}
	if version.ChangeSetState == api.ChangeSetStatePendingGeneration || version.ChangeSetState == api.ChangeSetStateFailedGeneration {
		return nil, api.BrokenRule("Change set state for policy is invalid.")
	}
	compiled, errs := v.Compile(v.ReadVersion(row, version), row.Edges)
	if len(errs) > 0 { // of a version that is out of date: it was never meant for the edges there are now
		return nil, api.BrokenRule("Change set state for policy is invalid.")
	}
	found := changesOf(v, row, compiled, relocate(v, row, compiled))
	return func(yield func(string, *state.Change) bool) {
		for i := range found {
			key := found[i].Key()
			if key < from {
				continue
			}
			if c := state.ChangeOf(&found[i]); !yield(key, &c) {
				return
			}
		}
	}, nil
}

// executedChanges walks what an execution changed.
func executedChanges(v *state.View, row *state.CoreNetwork, version int32, execution *state.Execution, from string) iter.Seq2[string, *state.Change] {
	at, found := slices.BinarySearch(execution.First, from)
	if !found {
		at = max(0, at-1) // in the chunk that begins before it
	}
	return func(yield func(string, *state.Change) bool) {
		for i := at; i < len(execution.First); i++ {
			chunk, ok := state.Changes.Get(v, state.Changes.Key(row.OwnerAccountId, row.CoreNetworkId, version, i))
			if !ok {
				return
			}
			for j := range chunk.Changes {
				c := &chunk.Changes[j]
				if key := keyOfChange(c); key >= from && !yield(key, c) {
					return
				}
			}
		}
	}
}

// keyOfChange is the key of the change it was made from.
func keyOfChange(c *state.Change) string {
	values := cmp.Or(c.NewValues, c.PreviousValues)
	like := policy.Change{Type: policy.ChangeType(c.Type), Action: policy.ChangeAction(c.Action), IdentifierPath: c.IdentifierPath}
	if values != nil {
		like.New = &policy.ChangeValues{DestinationIdentifier: values.DestinationIdentifier, RoutingPolicyDirection: string(values.RoutingPolicyDirection)}
	}
	return like.Key()
}

// upToEdge cuts the edge off the key of an event: what is left is the key of its change.
func upToEdge(key string) string {
	if i := strings.LastIndexByte(key, 0); i >= 0 {
		return key[:i]
	}
	return key
}
