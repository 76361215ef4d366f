package service

import (
	"fmt"
	"net/netip"
	"reflect"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/policy"
)

// executeCoreNetworkChangeSet brings a version that is ready to life. The core network is UPDATING until it is LIVE.
func executeCoreNetworkChangeSet(tx *Txn, in *api.ExecuteCoreNetworkChangeSetInput) (*api.ExecuteCoreNetworkChangeSetOutput, error) {
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
	// Since the change set was generated an attachment may have come to an edge that this version takes away, or a
	// prefix list have lost the alias it uses.
	doc, errs := policy.Parse([]byte(version.PolicyDocument))
	if len(errs) == 0 {
		errs = append(policy.CheckOrphans(doc, placements(tx.View, old)), policy.CheckPrefixLists(doc, prefixListAliases(tx.View, old))...)
	}
	if len(errs) > 0 {
		return nil, api.Conflict("core-network", old.CoreNetworkId, errs[0].Message)
	}
	next := *version
	next.ChangeSetState = api.ChangeSetStateExecuting
	saveVersion(tx, old, &next)
	row := *old
	row.Executing = in.PolicyVersionId
	beginUpdate(tx, &row)
	return &api.ExecuteCoreNetworkChangeSetOutput{}, nil
}

// beginUpdate takes a core network to UPDATING. That cannot end before what was asked for has begun: a client that polls
// sees it, however short it is.
func beginUpdate(tx *Txn, row *coreNetworkRow) {
	row.State = api.CoreNetworkStateUpdating
	row.ExecutionAsked, row.ExecutionStarted = api.Time{Time: tx.now}, api.Time{}
	save(tx.lc, lifecycle.Execution, coreNetworks, row.key(), row, string(api.ChangeStatusNotStarted))
}

// startExecution begins what was asked for, and lets the core network's UPDATING end in its time.
func (s *env) startExecution(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := coreNetworks.Get(lc.Txn, e.Key)
	if !ok || old.State != api.CoreNetworkStateUpdating || !old.ExecutionStarted.IsZero() {
		return nil
	}
	row := *old
	row.ExecutionStarted = api.Time{Time: lc.Now}
	coreNetworks.Put(lc.Txn, e.Key, &row)
	lc.ScheduleSince(lifecycle.CoreNetwork, e.Key, string(row.State), row.ExecutionAsked.Time)
	return nil
}

// goLive makes the executing version the LIVE one, all of it in this transaction: edges, segments and groups are what it
// says, every attachment is looked at anew, what has changed is kept, what waited before it is out of date, and what
// waits behind it is compared with it. row is the caller's to save.
func goLive(tx *Txn, row *coreNetworkRow) error {
	version, err := findVersion(tx.View, row, row.Executing)
	if err != nil {
		return fmt.Errorf("executing version %d of %s: %w", row.Executing, row.CoreNetworkId, err)
	}
	next := *version
	compiled, errs := compilePolicy(version.PolicyDocument, row.Edges)
	if len(errs) == 0 && row.LiveVersion == 0 {
		errs = checkReferences(tx.View, row, version.PolicyDocument)
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
	expire(tx, row, func(v *api.CoreNetworkPolicy) bool { return *v.PolicyVersionId < live })
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
func regenerate(tx *Txn, row *coreNetworkRow) {
	var waiting []*api.CoreNetworkPolicy
	ready := accountKey(row.OwnerAccountId, "core-network-policy.current", row.CoreNetworkId, string(api.ChangeSetStateReadyToExecute)) + "/"
	for _, version := range policyVersions.ScanIndex(tx.r, ready, "") {
		if *version.PolicyVersionId > row.LiveVersion {
			waiting = append(waiting, version)
		}
	}
	for _, version := range waiting {
		if _, errs := compilePolicy(version.PolicyDocument, row.Edges); len(errs) > 0 {
			failed := *version
			failed.ChangeSetState = api.ChangeSetStateFailedGeneration
			failed.PolicyErrors = policyErrors(errs)
			saveVersion(tx, row, &failed)
		}
	}
}

// compilePolicy compiles a stored document over the edges that exist.
func compilePolicy(document string, edges []api.CoreNetworkEdge) (*policy.Policy, policy.Errors) {
	doc, errs := policy.Parse([]byte(document))
	if len(errs) > 0 {
		return nil, errs
	}
	previous := policy.Previous{}
	for _, e := range edges {
		edge := policy.Edge{Location: e.EdgeLocation, ASN: uint32(val(e.Asn))}
		for _, cidr := range e.InsideCidrBlocks {
			edge.InsideCIDRs = append(edge.InsideCIDRs, netip.MustParsePrefix(cidr))
		}
		previous[e.EdgeLocation] = edge
	}
	return policy.Compile(doc, previous)
}

// livePolicy is the compiled LIVE policy of a core network; false before the first execution.
func livePolicy(v *View, row *coreNetworkRow) (*policy.Policy, bool) {
	if row.LiveVersion == 0 {
		return nil, false
	}
	return v.compiled.get(row.CoreNetworkId, row.LiveVersion, func() *policy.Policy {
		version, err := findVersion(v, row, row.LiveVersion)
		if err != nil {
			return nil
		}
		compiled, errs := compilePolicy(version.PolicyDocument, row.Edges)
		if len(errs) > 0 {
			v.log.Error("the LIVE policy no longer compiles", "core_network", row.CoreNetworkId, "version", row.LiveVersion, "error", errs[0].Message)
			return nil
		}
		return compiled
	})
}

// networkOf is a compiled policy as GetCoreNetwork shows it. Empty sub-lists are shown, as recordings do.
func networkOf(p *policy.Policy) ([]api.CoreNetworkEdge, []api.CoreNetworkSegment, []api.CoreNetworkNetworkFunctionGroup) {
	edges := []api.CoreNetworkEdge{}
	for _, e := range p.Edges {
		shown := api.CoreNetworkEdge{EdgeLocation: e.Location, Asn: new(int64(e.ASN)), InsideCidrBlocks: []string{}}
		for _, cidr := range e.InsideCIDRs {
			shown.InsideCidrBlocks = append(shown.InsideCidrBlocks, cidr.String())
		}
		edges = append(edges, shown)
	}
	segments := []api.CoreNetworkSegment{}
	for _, s := range p.Segments {
		segments = append(segments, api.CoreNetworkSegment{
			Name:           s.Name,
			EdgeLocations:  append([]string{}, s.Edges...),
			SharedSegments: append([]string{}, s.SharedSegments...),
		})
	}
	groups := []api.CoreNetworkNetworkFunctionGroup{}
	for _, g := range p.NetworkFunctionGroups {
		groups = append(groups, api.CoreNetworkNetworkFunctionGroup{
			Name:          g.Name,
			EdgeLocations: append([]string{}, g.Edges...),
			Segments:      &api.ServiceInsertionSegments{SendVia: append([]string{}, g.SendVia...), SendTo: append([]string{}, g.SendTo...)},
		})
	}
	return edges, segments, groups
}
