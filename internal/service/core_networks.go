package service

import (
	"slices"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// coreNetworkRow is a core network with what only the server knows of it.
type coreNetworkRow struct {
	api.CoreNetwork
	OwnerAccountId string
	LatestVersion  int32 // of the policy; 0 before the first
	LiveVersion    int32 // 0 before the first execution
	NextVersion    int32 // ids are never used twice, also after the latest version is deleted
	Executing      int32 // the version that goes LIVE when the current transition ends; 0 for none

	// Of the execution or other update under way: when it was asked for, and when it began, zero as long as it has not.
	ExecutionAsked, ExecutionStarted api.Time

	ResourcePolicy string
}

// findCoreNetwork is a core network of the caller's account. Another account's looks like a missing one, unless it is shared.
func findCoreNetwork(v *View, id string) (*coreNetworkRow, error) {
	row, ok := coreNetworks.Get(v.r, v.key("core-network", id))
	if !ok {
		return nil, notMine(v, id)
	}
	return row, nil
}

func hasCoreNetwork(v *View, gn string) bool {
	return coreNetworks.Any(v.r, v.prefix("core-network.global-network", gn))
}

// createCoreNetwork makes the core network of a global network, which can have one. A policy document given with it
// becomes version 1 and goes LIVE by itself.
func createCoreNetwork(tx *Txn, in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	return once(tx, "CreateCoreNetwork", in.ClientToken, in, func() (*api.CreateCoreNetworkOutput, error) {
		return newCoreNetwork(tx, in)
	})
}

func newCoreNetwork(tx *Txn, in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	if hasCoreNetwork(tx.View, in.GlobalNetworkId) {
		return nil, api.Conflict("global-network", in.GlobalNetworkId, "Global Network ID is already associated with another core network.")
	}
	if in.PolicyDocument != nil {
		if _, err := checkPolicy(*in.PolicyDocument, nil); err != nil {
			return nil, err
		}
	}
	id := tx.ids.next("core-network")
	row := coreNetworkRow{
		CoreNetwork: api.CoreNetwork{
			GlobalNetworkId: in.GlobalNetworkId,
			CoreNetworkId:   id,
			CoreNetworkArn:  tx.arnOf("core-network", id),
			Description:     val(in.Description),
			CreatedAt:       api.Time{Time: tx.now},
			State:           api.CoreNetworkStateCreating,
			Tags:            someTags(in.Tags),
		},
		OwnerAccountId: tx.caller.Account,
		NextVersion:    1,
	}
	if in.PolicyDocument != nil {
		version := addVersion(tx, &row, *in.PolicyDocument, nil, api.ChangeSetStateExecuting)
		row.Executing = *version.PolicyVersionId
		row.ExecutionAsked, row.ExecutionStarted = row.CreatedAt, row.CreatedAt
	}
	saveCoreNetwork(tx, &row)
	return &api.CreateCoreNetworkOutput{CoreNetwork: &row.CoreNetwork}, nil
}

func saveCoreNetwork(tx *Txn, row *coreNetworkRow) {
	save(tx.lc, lifecycle.CoreNetwork, coreNetworks, row.key(), row, string(row.State))
}

func (row *coreNetworkRow) key() string {
	return accountKey(row.OwnerAccountId, "core-network", row.CoreNetworkId)
}

// getCoreNetwork shows a core network as the LIVE policy made it.
func getCoreNetwork(v *View, in *api.GetCoreNetworkInput) (*api.GetCoreNetworkOutput, error) {
	row, err := findSharedNetwork(v, in.CoreNetworkId, "GetCoreNetwork")
	if err != nil {
		return nil, err
	}
	shown := row.CoreNetwork
	if shown.State == api.CoreNetworkStateDeleting {
		shown.Tags = nil // as AWS reads it back
	}
	return &api.GetCoreNetworkOutput{CoreNetwork: &shown}, nil
}

// listCoreNetworks lists the core networks of the caller, then those that are shared with the caller.
func listCoreNetworks(v *View, in *api.ListCoreNetworksInput) (*api.ListCoreNetworksOutput, error) {
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListCoreNetworks")
	if err != nil {
		return nil, err
	}
	summary := func(row *coreNetworkRow) api.CoreNetworkSummary {
		return api.CoreNetworkSummary{
			CoreNetworkId:   row.CoreNetworkId,
			CoreNetworkArn:  row.CoreNetworkArn,
			GlobalNetworkId: row.GlobalNetworkId,
			OwnerAccountId:  row.OwnerAccountId,
			State:           row.State,
			Description:     row.Description,
			Tags:            row.Tags,
		}
	}
	rows := chain(
		coreNetworks.Scan(v.r, v.prefix("core-network"), p.after),
		sharedNetworks(v, p.after),
	)
	var out api.ListCoreNetworksOutput
	out.CoreNetworks, out.NextToken = page(p, rows, nil, summary)
	return &out, nil
}

// updateCoreNetwork changes the description; the network itself is not touched, so no state is passed through.
func updateCoreNetwork(tx *Txn, in *api.UpdateCoreNetworkInput) (*api.UpdateCoreNetworkOutput, error) {
	old, err := findCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	if old.State == api.CoreNetworkStateDeleting {
		return nil, coreNetworkBusy(old)
	}
	row := *old
	set(&row.Description, in.Description)
	coreNetworks.Put(tx.w, tx.key("core-network", row.CoreNetworkId), &row)
	return &api.UpdateCoreNetworkOutput{CoreNetwork: &row.CoreNetwork}, nil
}

// deleteCoreNetwork removes a core network nothing is attached to. Its policy versions go with it, and so do its prefix list
// associations: those that the LIVE policy names could not be removed before.
func deleteCoreNetwork(tx *Txn, in *api.DeleteCoreNetworkInput) (*api.DeleteCoreNetworkOutput, error) {
	id := in.CoreNetworkId
	old, err := findCoreNetwork(tx.View, id)
	if err != nil {
		return nil, err
	}
	if old.State != api.CoreNetworkStateAvailable {
		return nil, coreNetworkBusy(old)
	}
	if store.CountAt(tx.r, tx.key("attachment.count", id)) > 0 {
		return nil, api.Conflict("core-network", id, "Core network cannot be deleted due to existing attachments.")
	}
	if store.CountAt(tx.r, tx.key("peering.count", id)) > 0 {
		return nil, api.Conflict("core-network", id, "Core network cannot be deleted due to existing peerings.")
	}
	row := *old
	row.State = api.CoreNetworkStateDeleting
	saveCoreNetwork(tx, &row)
	return &api.DeleteCoreNetworkOutput{CoreNetwork: &row.CoreNetwork}, nil
}

func coreNetworkBusy(row *coreNetworkRow) error {
	return api.Conflict("core-network", row.CoreNetworkId, "Core network is in state "+string(row.State)+".")
}

// moveCoreNetwork ends a core network's transition: what was executing goes LIVE, what was deleted is gone.
func (s *env) moveCoreNetwork(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := coreNetworks.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: old.OwnerAccountId})
	row := *old
	if row.State == api.CoreNetworkStateDeleting {
		coreNetworks.Delete(lc.Txn, e.Key)
		dropVersions(tx, &row)
		deleteAll(tx, prefixListAssociations, tx.prefix("prefix-list-association", row.CoreNetworkId))
		store.Forget(lc.Txn, routingGeneration(row.OwnerAccountId, row.CoreNetworkId))
		return nil
	}
	if row.Executing != 0 {
		if err := goLive(tx, &row); err != nil {
			return err
		}
	}
	row.Executing, row.ExecutionAsked, row.ExecutionStarted = 0, api.Time{}, api.Time{}
	row.State = api.CoreNetworkStateAvailable
	coreNetworks.Put(lc.Txn, e.Key, &row)
	edgesChanged(tx, old, &row)
	return nil
}

// edge is the edge of the LIVE policy at a location.
func (row *coreNetworkRow) edge(location string) (api.CoreNetworkEdge, bool) {
	i := slices.IndexFunc(row.Edges, func(e api.CoreNetworkEdge) bool { return e.EdgeLocation == location })
	if i < 0 {
		return api.CoreNetworkEdge{}, false
	}
	return row.Edges[i], true
}
