package service

import (
	"fmt"
	"reflect"

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
		errs = append(policy.CheckOrphans(document.Parsed, placements(tx.View, old)), policy.CheckPrefixLists(document.Parsed, prefixListAliases(tx.View, old))...)
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

// goLive makes the executing version the LIVE one, all of it in this transaction: edges, segments and groups are what it
// says, every attachment is looked at anew, what has changed is kept, what waited before it is out of date, and what
// waits behind it is compared with it. row is the caller's to save.
func goLive(tx *state.Txn, row *state.CoreNetwork) error {
	version, err := findVersion(tx.View, row, row.Executing)
	if err != nil {
		return fmt.Errorf("executing version %d of %s: %w", row.Executing, row.CoreNetworkId, err)
	}
	next := *version
	document := tx.ReadVersion(row, version)
	compiled, errs := tx.Compile(document, row.Edges)
	if len(errs) == 0 && row.LiveVersion == 0 {
		errs = checkReferences(tx.View, row, document)
	}
	if len(errs) > 0 {
		// Only a first version gets here unexamined: it is executed as part of the creation.
		next.ChangeSetState = api.ChangeSetStateFailedGeneration
		next.PolicyErrors = policyErrors(errs)
		saveVersion(tx, row, &next)
		return nil
	}
	moves := relocate(tx.View, row, compiled)
	keepChanges(tx, row, row.Executing, changesOf(tx.View, row, compiled, moves))
	moveAttachments(tx, row, moves)
	live, edges := row.Executing, row.Edges
	expire(tx, row, func(v *state.PolicyVersion) bool { return *v.PolicyVersionId < live })
	next.ChangeSetState = api.ChangeSetStateExecutionSucceeded
	saveVersion(tx, row, &next)
	row.LiveVersion = live
	row.Edges, row.Segments, row.NetworkFunctionGroups = networkOf(compiled)
	if !reflect.DeepEqual(edges, row.Edges) {
		regenerate(tx, row)
	}
	return nil
}

// regenerate generates the change sets of the versions that wait behind a LIVE one with other edges. They stay ready to
// execute, unless they cannot be brought about any more.
func regenerate(tx *state.Txn, row *state.CoreNetwork) {
	var waiting []*state.PolicyVersion
	ready := state.PolicyVersions.InState(row.OwnerAccountId, row.CoreNetworkId, api.ChangeSetStateReadyToExecute)
	for _, version := range state.PolicyVersions.Rows(tx.View, ready, "") {
		if *version.PolicyVersionId > row.LiveVersion {
			waiting = append(waiting, version)
		}
	}
	for _, version := range waiting {
		if _, errs := tx.Compile(tx.ReadVersion(row, version), row.Edges); len(errs) > 0 {
			failed := *version
			failed.ChangeSetState = api.ChangeSetStateFailedGeneration
			failed.PolicyErrors = policyErrors(errs)
			saveVersion(tx, row, &failed)
		}
	}
}

// networkOf is a compiled policy as GetCoreNetwork shows it. Empty sub-lists are shown, as recordings do.
func networkOf(p *policy.Policy) ([]state.CoreNetworkEdge, []state.CoreNetworkSegment, []state.CoreNetworkNetworkFunctionGroup) {
	edges := []state.CoreNetworkEdge{}
	for _, e := range p.Edges {
		shown := state.CoreNetworkEdge{EdgeLocation: e.Location, Asn: new(int64(e.ASN)), AsnWritten: e.ASNWritten, InsideCidrBlocks: []string{}}
		for _, cidr := range e.InsideCIDRs {
			shown.InsideCidrBlocks = append(shown.InsideCidrBlocks, cidr.String())
		}
		edges = append(edges, shown)
	}
	segments := []state.CoreNetworkSegment{}
	for _, s := range p.Segments {
		segments = append(segments, state.CoreNetworkSegment{
			Name:           s.Name,
			EdgeLocations:  append([]string{}, s.Edges...),
			SharedSegments: append([]string{}, s.SharedSegments...),
		})
	}
	groups := []state.CoreNetworkNetworkFunctionGroup{}
	for _, g := range p.NetworkFunctionGroups {
		groups = append(groups, state.CoreNetworkNetworkFunctionGroup{
			Name:          g.Name,
			EdgeLocations: append([]string{}, g.Edges...),
			Segments:      &state.ServiceInsertionSegments{SendVia: append([]string{}, g.SendVia...), SendTo: append([]string{}, g.SendTo...)},
		})
	}
	return edges, segments, groups
}
