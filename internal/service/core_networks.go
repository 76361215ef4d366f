package service

import (
	"context"
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

// coreNetwork is a core network of the caller's account. Another account's looks like a missing one, unless it is shared.
func (v *view) coreNetwork(id string) (*coreNetworkRow, error) {
	row, ok := coreNetworks.Get(v.r, v.key("core-network", id))
	if !ok {
		return nil, v.notMine(id)
	}
	return row, nil
}

func (v *view) hasCoreNetwork(gn string) bool {
	return coreNetworks.Any(v.r, v.prefix("core-network.global-network", gn))
}

// CreateCoreNetwork makes the core network of a global network, which can have one. A policy document given with it
// becomes version 1 and goes LIVE by itself.
func (s *Service) CreateCoreNetwork(ctx context.Context, in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.CreateCoreNetworkOutput, error) {
		return once(tx, "CreateCoreNetwork", in.ClientToken, in, func() (*api.CreateCoreNetworkOutput, error) {
			return tx.createCoreNetwork(in)
		})
	})
}

func (tx *txn) createCoreNetwork(in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	if _, err := tx.openGlobalNetwork(in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := tx.checkNewTags(in.Tags); err != nil {
		return nil, err
	}
	if tx.hasCoreNetwork(in.GlobalNetworkId) {
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
		version := tx.addVersion(&row, *in.PolicyDocument, nil, api.ChangeSetStateExecuting)
		row.Executing = *version.PolicyVersionId
		row.ExecutionAsked, row.ExecutionStarted = row.CreatedAt, row.CreatedAt
	}
	tx.saveCoreNetwork(&row)
	return &api.CreateCoreNetworkOutput{CoreNetwork: &row.CoreNetwork}, nil
}

func (tx *txn) saveCoreNetwork(row *coreNetworkRow) {
	save(tx.lc, lifecycle.CoreNetwork, coreNetworks, row.key(), row, string(row.State))
}

func (row *coreNetworkRow) key() string {
	return accountKey(row.OwnerAccountId, "core-network", row.CoreNetworkId)
}

// GetCoreNetwork shows a core network as the LIVE policy made it.
func (s *Service) GetCoreNetwork(ctx context.Context, in *api.GetCoreNetworkInput) (*api.GetCoreNetworkOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetCoreNetworkOutput, error) {
		row, err := v.sharedNetwork(in.CoreNetworkId, "GetCoreNetwork")
		if err != nil {
			return nil, err
		}
		shown := row.CoreNetwork
		if shown.State == api.CoreNetworkStateDeleting {
			shown.Tags = nil // as AWS reads it back
		}
		return &api.GetCoreNetworkOutput{CoreNetwork: &shown}, nil
	})
}

// ListCoreNetworks lists the core networks of the caller, then those that are shared with the caller.
func (s *Service) ListCoreNetworks(ctx context.Context, in *api.ListCoreNetworksInput) (*api.ListCoreNetworksOutput, error) {
	return read(ctx, s, func(v *view) (*api.ListCoreNetworksOutput, error) {
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
			v.sharedNetworks(p.after),
		)
		var out api.ListCoreNetworksOutput
		out.CoreNetworks, out.NextToken = page(p, rows, nil, summary)
		return &out, nil
	})
}

// UpdateCoreNetwork changes the description; the network itself is not touched, so no state is passed through.
func (s *Service) UpdateCoreNetwork(ctx context.Context, in *api.UpdateCoreNetworkInput) (*api.UpdateCoreNetworkOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.UpdateCoreNetworkOutput, error) {
		old, err := tx.coreNetwork(in.CoreNetworkId)
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
	})
}

// DeleteCoreNetwork removes a core network nothing is attached to. Its policy versions go with it, and so do its prefix list
// associations: those that the LIVE policy names could not be removed before.
func (s *Service) DeleteCoreNetwork(ctx context.Context, in *api.DeleteCoreNetworkInput) (*api.DeleteCoreNetworkOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteCoreNetworkOutput, error) {
		id := in.CoreNetworkId
		old, err := tx.coreNetwork(id)
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
		tx.saveCoreNetwork(&row)
		return &api.DeleteCoreNetworkOutput{CoreNetwork: &row.CoreNetwork}, nil
	})
}

func coreNetworkBusy(row *coreNetworkRow) error {
	return api.Conflict("core-network", row.CoreNetworkId, "Core network is in state "+string(row.State)+".")
}

// moveCoreNetwork ends a core network's transition: what was executing goes LIVE, what was deleted is gone.
func (s *Service) moveCoreNetwork(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := coreNetworks.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: old.OwnerAccountId})
	row := *old
	if row.State == api.CoreNetworkStateDeleting {
		coreNetworks.Delete(lc.Txn, e.Key)
		tx.dropVersions(&row)
		deleteAll(tx, prefixListAssociations, tx.prefix("prefix-list-association", row.CoreNetworkId))
		store.Forget(lc.Txn, routingGeneration(row.OwnerAccountId, row.CoreNetworkId))
		return nil
	}
	if row.Executing != 0 {
		if err := tx.goLive(&row); err != nil {
			return err
		}
	}
	row.Executing, row.ExecutionAsked, row.ExecutionStarted = 0, api.Time{}, api.Time{}
	row.State = api.CoreNetworkStateAvailable
	coreNetworks.Put(lc.Txn, e.Key, &row)
	tx.edgesChanged(old, &row)
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
