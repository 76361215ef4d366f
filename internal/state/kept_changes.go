package state

import (
	"slices"

	"portolan/api"
	"portolan/internal/store"
	"portolan/policy"
)

// changesPerChunk bounds what one row of the store holds; a page of a list reads two at most.
const changesPerChunk = 256

// KeptChanges is what an execution changes, as it is stored.
type KeptChanges struct {
	chunks []store.Encoded[*ChangeChunk]
	first  []string // the key of the first change of each
}

// KeepChanges encodes what an execution changes.
func KeepChanges(list []policy.Change) *KeptChanges {
	k := &KeptChanges{}
	for part := range slices.Chunk(list, changesPerChunk) {
		chunk := ChangeChunk{Changes: make([]Change, len(part))}
		for i := range part {
			chunk.Changes[i] = ChangeOf(&part[i])
		}
		k.chunks, k.first = append(k.chunks, Changes.Encode(&chunk)), append(k.first, part[0].Key())
	}
	return k
}

// Put stores it for an execution that ends now.
func (k *KeptChanges) Put(tx *Txn, row *CoreNetwork, version int32) {
	for i, chunk := range k.chunks {
		Changes.PutEncoded(tx, Changes.Key(row.OwnerAccountId, row.CoreNetworkId, version, i), chunk)
	}
	Executions.Put(tx, Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version), &Execution{Finished: tx.Time(), First: k.first})
}

// DropChanges removes what an execution of a version left.
func DropChanges(tx *Txn, row *CoreNetwork, version int32) {
	execution, ok := Executions.Get(tx.View, Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version))
	if !ok {
		return
	}
	for i := range execution.First {
		Changes.Delete(tx, Changes.Key(row.OwnerAccountId, row.CoreNetworkId, version, i))
	}
	Executions.Delete(tx, Executions.Key(row.OwnerAccountId, row.CoreNetworkId, version))
}

// ChangeOf is a change as it is stored.
func ChangeOf(c *policy.Change) Change {
	return Change{
		Type: api.ChangeType(c.Type), Action: api.ChangeAction(c.Action), Identifier: c.Identifier, IdentifierPath: c.IdentifierPath,
		PreviousValues: changeValues(c.Previous), NewValues: changeValues(c.New),
		Edges: c.Edges,
	}
}

func changeValues(v *policy.ChangeValues) *ChangeValues {
	if v == nil {
		return nil
	}
	shown := &ChangeValues{
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
		action := ServiceInsertionAction{
			Action: api.SegmentActionServiceInsertion(s.Action), Mode: api.SendViaMode(s.Mode),
			Via: &Via{NetworkFunctionGroups: []NetworkFunctionGroup{{Name: s.Group}}},
		}
		if len(s.WhenSentTo) > 0 {
			action.WhenSentTo = &WhenSentTo{WhenSentToSegmentsList: s.WhenSentTo}
		}
		for _, o := range s.Overrides {
			override := EdgeOverride{UseEdge: o.Use}
			for _, set := range o.Sets {
				override.EdgeSets = append(override.EdgeSets, slices.Compact(slices.Clone(set[:])))
			}
			action.Via.WithEdgeOverrides = append(action.Via.WithEdgeOverrides, override)
		}
		shown.ServiceInsertionActions = append(shown.ServiceInsertionActions, action)
	}
	for _, a := range v.RoutingPolicyAssociations {
		shown.RoutingPolicyAssociationDetails = append(shown.RoutingPolicyAssociationDetails, RoutingPolicyAssociationDetail{
			RoutingPolicyNames: a.RoutingPolicyNames, SharedSegments: a.SharedSegments,
		})
	}
	return shown
}
