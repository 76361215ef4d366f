package state

import (
	"context"
	"slices"

	"portolan/api"
	"portolan/policy"
)

// Placed are the attachments of a core network by their edges, at a generation of its routes.
type Placed struct {
	generation  uint64
	attachments []policy.Placement
}

// PlacedBefore reads before a transaction what that needs in [Placements], nil where there is no such core network of the caller's.
func PlacedBefore(ctx context.Context, db *DB, coreNetwork string) (*Placed, error) {
	return Look(ctx, db, func(v *View) (*Placed, error) {
		row, ok := CoreNetworks.Get(v, CoreNetworks.Key(v.Caller.Account, coreNetwork))
		if !ok {
			return nil, nil
		}
		return &Placed{v.RoutingGeneration(row.ID()), placedAttachments(v, row)}, nil
	})
}

func placedAttachments(v *View, network *CoreNetwork) []policy.Placement {
	var list []policy.Placement
	for _, row := range Attachments.Rows(v, Attachments.In(network.OwnerAccountId, network.CoreNetworkId), "") {
		list = append(list, policy.Placement{AttachmentID: row.AttachmentId, Edges: row.Edges()})
	}
	return list
}

// Placements are the attachments and the peerings of a core network by the edges they would be orphaned from. What was read
// before, nil for nothing, counts when no attachment has changed since.
func Placements(v *View, network *CoreNetwork, before *Placed) []policy.Placement {
	var placed []policy.Placement
	if before != nil && v.AttachmentsSince(network.ID(), before.generation) {
		placed = slices.Clip(before.attachments)
	} else {
		placed = placedAttachments(v, network)
	}
	for _, row := range Peerings.Rows(v, Peerings.In(network.OwnerAccountId, network.CoreNetworkId), "") {
		placed = append(placed, policy.Placement{AttachmentID: row.PeeringId, Edges: []string{row.EdgeLocation}})
	}
	return placed
}

// ReadyBehind are the versions that are ready to be executed after one.
func (t *policyVersions) ReadyBehind(v *View, row *CoreNetwork, live int32) (waiting []*PolicyVersion) {
	ready := t.InState(row.OwnerAccountId, row.CoreNetworkId, api.ChangeSetStateReadyToExecute)
	for _, version := range t.Rows(v, ready, "") {
		if *version.PolicyVersionId > live {
			waiting = append(waiting, version)
		}
	}
	return waiting
}

// CompilePending compiles a version before its change set is generated in a transaction, which then finds that done.
func CompilePending(v *View, key Key[*PolicyVersion]) {
	version, ok := PolicyVersions.Get(v, key)
	if !ok || version.ChangeSetState != api.ChangeSetStatePendingGeneration {
		return
	}
	if row, ok := CoreNetworks.Get(v, CoreNetworks.Key(accountOf(key.path), version.CoreNetworkId)); ok {
		_, _ = v.Compile(v.ReadVersion(row, version), row.Edges) // what is wrong with it is found again in the transaction
	}
}

// PolicyErrors are errors of a document as they are stored.
func PolicyErrors(errs policy.Errors) []PolicyError {
	list := make([]PolicyError, len(errs))
	for i, e := range errs {
		list[i] = PolicyError{ErrorCode: e.Code, Message: e.Message, Path: e.Path}
	}
	return list
}

// NetworkOf is a compiled policy as GetCoreNetwork shows it. Empty sub-lists are shown, as recordings do.
func NetworkOf(p *policy.Policy) ([]CoreNetworkEdge, []CoreNetworkSegment, []CoreNetworkNetworkFunctionGroup) {
	edges := []CoreNetworkEdge{}
	for _, e := range p.Edges {
		shown := CoreNetworkEdge{EdgeLocation: e.Location, Asn: new(int64(e.ASN)), AsnWritten: e.ASNWritten, InsideCidrBlocks: []string{}}
		for _, cidr := range e.InsideCIDRs {
			shown.InsideCidrBlocks = append(shown.InsideCidrBlocks, cidr.String())
		}
		edges = append(edges, shown)
	}
	segments := []CoreNetworkSegment{}
	for _, s := range p.Segments {
		segments = append(segments, CoreNetworkSegment{
			Name:           s.Name,
			EdgeLocations:  append([]string{}, s.Edges...),
			SharedSegments: append([]string{}, s.SharedSegments...),
		})
	}
	groups := []CoreNetworkNetworkFunctionGroup{}
	for _, g := range p.NetworkFunctionGroups {
		groups = append(groups, CoreNetworkNetworkFunctionGroup{
			Name:          g.Name,
			EdgeLocations: append([]string{}, g.Edges...),
			Segments:      &ServiceInsertionSegments{SendVia: append([]string{}, g.SendVia...), SendTo: append([]string{}, g.SendTo...)},
		})
	}
	return edges, segments, groups
}
