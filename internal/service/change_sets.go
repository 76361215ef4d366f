package service

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/policy"
)

// The change set of a version that has not been executed is worked out when somebody asks: it is always against the
// policy that is LIVE by then, over the attachments there are by then. What an execution did is stored with it, in chunks.

// changesPerChunk bounds what one row of the store holds; a page of a list reads two at most.
const changesPerChunk = 256

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
			if c := changeRow(&found[i]); !yield(key, &c) {
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

// keptChanges is what an execution changes, as it is stored.
type keptChanges struct {
	chunks []*store.Encoded[*state.ChangeChunk]
	first  []string // the key of the first change of each
}

func newKeptChanges(list []policy.Change) *keptChanges {
	k := &keptChanges{}
	for part := range slices.Chunk(list, changesPerChunk) {
		chunk := state.ChangeChunk{Changes: make([]state.Change, len(part))}
		for i := range part {
			chunk.Changes[i] = changeRow(&part[i])
		}
		k.chunks, k.first = append(k.chunks, state.Changes.Encode(&chunk)), append(k.first, part[0].Key())
	}
	return k
}

// keep stores it for an execution that ends now.
func (k *keptChanges) keep(tx *state.Txn, row *state.CoreNetwork, version int32) {
	for i, chunk := range k.chunks {
		state.Changes.PutEncoded(tx, state.Changes.Key(row.OwnerAccountId, row.CoreNetworkId, version, i), chunk)
	}
	state.Executions.Put(tx, state.Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version), &state.Execution{Finished: tx.Time(), First: k.first})
}

// dropChanges removes what an execution of a version left.
func dropChanges(tx *state.Txn, row *state.CoreNetwork, version int32) {
	execution, ok := state.Executions.Get(tx.View, state.Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version))
	if !ok {
		return
	}
	for i := range execution.First {
		state.Changes.Delete(tx, state.Changes.Key(row.OwnerAccountId, row.CoreNetworkId, version, i))
	}
	state.Executions.Delete(tx, state.Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version))
}

func changeRow(c *policy.Change) state.Change {
	return state.Change{
		Type: api.ChangeType(c.Type), Action: api.ChangeAction(c.Action), Identifier: c.Identifier, IdentifierPath: c.IdentifierPath,
		PreviousValues: changeValues(c.Previous), NewValues: changeValues(c.New),
		Edges: c.Edges,
	}
}

func changeValues(v *policy.ChangeValues) *state.ChangeValues {
	if v == nil {
		return nil
	}
	shown := &state.ChangeValues{
		SegmentName: v.SegmentName, NetworkFunctionGroupName: v.NetworkFunctionGroupName,
		EdgeLocations: v.EdgeLocations, PeerEdgeLocations: v.PeerEdgeLocations,
		DestinationIdentifier: v.DestinationIdentifier, SharedSegments: v.SharedSegments, AttachmentId: v.AttachmentID,
		VpnEcmpSupport: v.VPNECMPSupport, DnsSupport: v.DNSSupport, SecurityGroupReferencingSupport: v.SecurityGroupReferencingSupport,
		RoutingPolicy: v.RoutingPolicy, RoutingPolicyDirection: api.RoutingPolicyDirection(v.RoutingPolicyDirection),
	}
	if v.ASN != 0 {
		shown.Asn = new(int64(v.ASN))
	}
	if v.CIDR.IsValid() {
		shown.Cidr = v.CIDR.String()
	}
	for _, block := range v.InsideCIDRBlocks {
		shown.InsideCidrBlocks = append(shown.InsideCidrBlocks, block.String())
	}
	for _, s := range v.ServiceInsertionActions {
		action := state.ServiceInsertionAction{
			Action: api.SegmentActionServiceInsertion(s.Action), Mode: api.SendViaMode(s.Mode),
			Via: &state.Via{NetworkFunctionGroups: []state.NetworkFunctionGroup{{Name: s.Group}}},
		}
		if len(s.WhenSentTo) > 0 {
			action.WhenSentTo = &state.WhenSentTo{WhenSentToSegmentsList: s.WhenSentTo}
		}
		for _, o := range s.Overrides {
			override := state.EdgeOverride{UseEdge: o.Use}
			for _, set := range o.Sets {
				override.EdgeSets = append(override.EdgeSets, slices.Compact(slices.Clone(set[:])))
			}
			action.Via.WithEdgeOverrides = append(action.Via.WithEdgeOverrides, override)
		}
		shown.ServiceInsertionActions = append(shown.ServiceInsertionActions, action)
	}
	for _, a := range v.RoutingPolicyAssociations {
		shown.RoutingPolicyAssociationDetails = append(shown.RoutingPolicyAssociationDetails, state.RoutingPolicyAssociationDetail{
			RoutingPolicyNames: a.RoutingPolicyNames, SharedSegments: a.SharedSegments,
		})
	}
	return shown
}

// upToEdge cuts the edge off the key of an event: what is left is the key of its change.
func upToEdge(key string) string {
	if i := strings.LastIndexByte(key, 0); i >= 0 {
		return key[:i]
	}
	return key
}
