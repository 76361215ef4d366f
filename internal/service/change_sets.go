package service

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/store"
	"portolan/policy"
)

// The change set of a version that has not been executed is worked out when somebody asks: it is always against the
// policy that is LIVE by then, over the attachments there are by then. What an execution did is stored with it, in chunks.

// executionRow is an execution that has ended.
type executionRow struct {
	Finished api.Time
	First    []string // the key of the first change of each chunk
}

type changeChunk struct{ Changes []changeRow }

// changeRow is a change and where it takes effect.
type changeRow struct {
	api.CoreNetworkChange
	Edges []string
}

// changesPerChunk bounds what one row of the store holds; a page of a list reads two at most.
const changesPerChunk = 256

// getCoreNetworkChangeSet shows what a version changes: of one that waits, compared with what is LIVE now; of one that was
// executed, what that changed. A version without a change set, since it is not there yet or could not be generated, is
// refused rather than shown as one without changes.
func getCoreNetworkChangeSet(v *View, in *api.GetCoreNetworkChangeSetInput) (*api.GetCoreNetworkChangeSetOutput, error) {
	row, version, err := findNetworkVersion(v, in.CoreNetworkId, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, "GetCoreNetworkChangeSet", in.CoreNetworkId, fmt.Sprint(in.PolicyVersionId))
	if err != nil {
		return nil, err
	}
	rows, err := changeSet(v, row, version, p.after)
	if err != nil {
		return nil, err
	}
	var out api.GetCoreNetworkChangeSetOutput
	out.CoreNetworkChanges, out.NextToken = page(p, after(rows, p.after), nil, func(c *changeRow) api.CoreNetworkChange { return c.CoreNetworkChange })
	return &out, nil
}

func findNetworkVersion(v *View, coreNetwork string, id int32) (*coreNetworkRow, *api.CoreNetworkPolicy, error) {
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
func changeSet(v *View, row *coreNetworkRow, version *api.CoreNetworkPolicy, from string) (iter.Seq2[string, *changeRow], error) {
	if execution, ok := executions.Get(v.r, executionKey(row, "core-network-execution", *version.PolicyVersionId)); ok {
		return executedChanges(v, row, *version.PolicyVersionId, execution, from), nil
	}
	if version.ChangeSetState == api.ChangeSetStatePendingGeneration || version.ChangeSetState == api.ChangeSetStateFailedGeneration {
		return nil, api.BrokenRule("Change set state for policy is invalid.")
	}
	compiled, errs := compilePolicy(version.PolicyDocument, row.Edges)
	if len(errs) > 0 { // of a version that is out of date: it was never meant for the edges there are now
		return nil, api.BrokenRule("Change set state for policy is invalid.")
	}
	found := changesOf(v, row, compiled, relocate(v, row, compiled))
	return func(yield func(string, *changeRow) bool) {
		for i := range found {
			key := found[i].Key()
			if key < from {
				continue
			}
			if c := changeToAPI(&found[i]); !yield(key, &c) {
				return
			}
		}
	}, nil
}

// executedChanges walks what an execution changed.
func executedChanges(v *View, row *coreNetworkRow, version int32, execution *executionRow, from string) iter.Seq2[string, *changeRow] {
	at, found := slices.BinarySearch(execution.First, from)
	if !found {
		at = max(0, at-1) // in the chunk that begins before it
	}
	return func(yield func(string, *changeRow) bool) {
		for i := at; i < len(execution.First); i++ {
			chunk, ok := changes.Get(v.r, chunkKey(row, version, i))
			if !ok {
				return
			}
			for j := range chunk.Changes {
				c := &chunk.Changes[j]
				if key := c.key(); key >= from && !yield(key, c) {
					return
				}
			}
		}
	}
}

// key is the key of the change it was made from.
func (c *changeRow) key() string {
	values := cmp.Or(c.NewValues, c.PreviousValues)
	like := policy.Change{Type: policy.ChangeType(c.Type), Action: policy.ChangeAction(c.Action), IdentifierPath: c.IdentifierPath}
	if values != nil {
		like.New = &policy.ChangeValues{DestinationIdentifier: values.DestinationIdentifier, RoutingPolicyDirection: string(values.RoutingPolicyDirection)}
	}
	return like.Key()
}

func executionKey(row *coreNetworkRow, table string, version int32) string {
	return accountKey(row.OwnerAccountId, table, row.CoreNetworkId, fmt.Sprintf("%010d", version))
}

func chunkKey(row *coreNetworkRow, version int32, chunk int) string {
	return executionKey(row, "core-network-change", version) + store.Path(fmt.Sprintf("%08d", chunk))
}

// keepChanges stores what an execution that ends now has changed.
func keepChanges(tx *Txn, row *coreNetworkRow, version int32, list []policy.Change) {
	execution := executionRow{Finished: api.Time{Time: tx.now}}
	for part := range slices.Chunk(list, changesPerChunk) {
		chunk := changeChunk{Changes: make([]changeRow, len(part))}
		for i := range part {
			chunk.Changes[i] = changeToAPI(&part[i])
		}
		changes.Put(tx.w, chunkKey(row, version, len(execution.First)), &chunk)
		execution.First = append(execution.First, part[0].Key())
	}
	executions.Put(tx.w, executionKey(row, "core-network-execution", version), &execution)
}

// dropChanges removes what an execution of a version left.
func dropChanges(tx *Txn, row *coreNetworkRow, version int32) {
	execution, ok := executions.Get(tx.r, executionKey(row, "core-network-execution", version))
	if !ok {
		return
	}
	for i := range execution.First {
		changes.Delete(tx.w, chunkKey(row, version, i))
	}
	executions.Delete(tx.w, executionKey(row, "core-network-execution", version))
}

func changeToAPI(c *policy.Change) changeRow {
	return changeRow{
		CoreNetworkChange: api.CoreNetworkChange{
			Type: api.ChangeType(c.Type), Action: api.ChangeAction(c.Action), Identifier: c.Identifier, IdentifierPath: c.IdentifierPath,
			PreviousValues: changeValues(c.Previous), NewValues: changeValues(c.New),
		},
		Edges: c.Edges,
	}
}

func changeValues(v *policy.ChangeValues) *api.CoreNetworkChangeValues {
	if v == nil {
		return nil
	}
	shown := &api.CoreNetworkChangeValues{
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
		action := api.ServiceInsertionAction{
			Action: api.SegmentActionServiceInsertion(s.Action), Mode: api.SendViaMode(s.Mode),
			Via: &api.Via{NetworkFunctionGroups: []api.NetworkFunctionGroup{{Name: s.Group}}},
		}
		if len(s.WhenSentTo) > 0 {
			action.WhenSentTo = &api.WhenSentTo{WhenSentToSegmentsList: s.WhenSentTo}
		}
		for _, o := range s.Overrides {
			override := api.EdgeOverride{UseEdge: o.Use}
			for _, set := range o.Sets {
				override.EdgeSets = append(override.EdgeSets, slices.Compact(slices.Clone(set[:])))
			}
			action.Via.WithEdgeOverrides = append(action.Via.WithEdgeOverrides, override)
		}
		shown.ServiceInsertionActions = append(shown.ServiceInsertionActions, action)
	}
	for _, a := range v.RoutingPolicyAssociations {
		shown.RoutingPolicyAssociationDetails = append(shown.RoutingPolicyAssociationDetails, api.RoutingPolicyAssociationDetail{
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
