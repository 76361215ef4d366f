package service

import (
	"context"

	"portolan/api"
	"portolan/internal/state"
)

// findCoreNetwork is a core network of the caller's account. Another account's looks like a missing one, unless it is shared.
func findCoreNetwork(v *state.View, id string) (*state.CoreNetwork, error) {
	row, ok := state.CoreNetworks.Get(v, state.CoreNetworks.Key(v.Caller.Account, id))
	if !ok {
		return nil, notMine(v, id)
	}
	return row, nil
}

func hasCoreNetwork(v *state.View, gn string) bool {
	return state.CoreNetworks.Any(v, state.CoreNetworks.In(v.Caller.Account, gn))
}

// createCoreNetwork makes the core network of a global network, which can have one. A policy document given with it
// becomes version 1 and goes LIVE by itself.
func createCoreNetwork(ctx context.Context, e *env, in *api.CreateCoreNetworkInput) (*api.CreateCoreNetworkOutput, error) {
	var document *checked
	if in.PolicyDocument != nil {
		document = readPolicy(e.db, *in.PolicyDocument)
	}
	request, err := state.NewTokenRequest(in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateCoreNetworkOutput, error) {
		return state.OnceOf(tx, "CreateCoreNetwork", request, func() (*api.CreateCoreNetworkOutput, error) {
			return newCoreNetwork(tx, in, document)
		})
	})
}

// newCoreNetwork makes a core network; document is nil when none was given.
func newCoreNetwork(tx *state.Txn, in *api.CreateCoreNetworkInput, document *checked) (*api.CreateCoreNetworkOutput, error) {
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	if hasCoreNetwork(tx.View, in.GlobalNetworkId) {
		return nil, api.Conflict("global-network", in.GlobalNetworkId, "Global Network ID is already associated with another core network.")
	}
	if document != nil {
		if err := document.check(nil); err != nil {
			return nil, err
		}
	}
	id := tx.NewID("core-network")
	row := state.CoreNetwork{
		GlobalNetworkId: in.GlobalNetworkId,
		CoreNetworkId:   id,
		CoreNetworkArn:  tx.ARN("core-network", id),
		Description:     val(in.Description),
		CreatedAt:       tx.Time(),
		State:           api.CoreNetworkStateCreating,
		Tags:            someTags(in.Tags),
		OwnerAccountId:  tx.Caller.Account,
		NextVersion:     1,
	}
	if document != nil {
		version := addVersion(tx, &row, document.Document, nil, api.ChangeSetStateExecuting)
		row.Executing = *version.PolicyVersionId
		row.ExecutionAsked, row.ExecutionStarted = row.CreatedAt, row.CreatedAt
	}
	saveCoreNetwork(tx, &row)
	return &api.CreateCoreNetworkOutput{CoreNetwork: new(row.API())}, nil
}

func saveCoreNetwork(tx *state.Txn, row *state.CoreNetwork) {
	state.CoreNetworks.Save(tx, row.Key(), row)
}

// getCoreNetwork shows a core network as the LIVE policy made it.
func getCoreNetwork(v *state.View, in *api.GetCoreNetworkInput) (*api.GetCoreNetworkOutput, error) {
	row, err := findSharedNetwork(v, in.CoreNetworkId, "GetCoreNetwork")
	if err != nil {
		return nil, err
	}
	shown := row.API()
	if shown.State == api.CoreNetworkStateDeleting {
		shown.Tags = nil // as AWS reads it back
	}
	return &api.GetCoreNetworkOutput{CoreNetwork: &shown}, nil
}

// listCoreNetworks lists the core networks of the caller, then those that are shared with the caller.
func listCoreNetworks(v *state.View, in *api.ListCoreNetworksInput) (*api.ListCoreNetworksOutput, error) {
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListCoreNetworks")
	if err != nil {
		return nil, err
	}
	summary := func(row *state.CoreNetwork) api.CoreNetworkSummary {
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
		state.CoreNetworks.Rows(v, state.CoreNetworks.Of(v.Caller.Account), p.After),
		sharedNetworks(v, p.After),
	)
	var out api.ListCoreNetworksOutput
	out.CoreNetworks, out.NextToken = state.Page(p, rows, nil, summary)
	return &out, nil
}

// updateCoreNetwork changes the description; the network itself is not touched, so no state is passed through.
func updateCoreNetwork(tx *state.Txn, in *api.UpdateCoreNetworkInput) (*api.UpdateCoreNetworkOutput, error) {
	old, err := findCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	if old.State == api.CoreNetworkStateDeleting {
		return nil, coreNetworkBusy(old)
	}
	row := *old
	set(&row.Description, in.Description)
	state.CoreNetworks.Put(tx, state.CoreNetworks.Key(tx.Caller.Account, row.CoreNetworkId), &row)
	return &api.UpdateCoreNetworkOutput{CoreNetwork: new(row.API())}, nil
}

// deleteCoreNetwork removes a core network nothing is attached to. Its policy versions go with it, and so do its prefix list
// associations: those that the LIVE policy names could not be removed before.
func deleteCoreNetwork(tx *state.Txn, in *api.DeleteCoreNetworkInput) (*api.DeleteCoreNetworkOutput, error) {
	id := in.CoreNetworkId
	old, err := findCoreNetwork(tx.View, id)
	if err != nil {
		return nil, err
	}
	if old.State != api.CoreNetworkStateAvailable {
		return nil, coreNetworkBusy(old)
	}
	if state.Attachments.Count(tx.View, tx.Caller.Account, id) > 0 {
		return nil, api.BrokenRule("Core network cannot be deleted due to existing attachments.")
	}
	if state.Peerings.Count(tx.View, tx.Caller.Account, id) > 0 {
		return nil, api.BrokenRule("Core network cannot be deleted due to existing peerings.")
	}
	row := *old
	row.State = api.CoreNetworkStateDeleting
	saveCoreNetwork(tx, &row)
	return &api.DeleteCoreNetworkOutput{CoreNetwork: new(row.API())}, nil
}

func coreNetworkBusy(row *state.CoreNetwork) error {
	return api.Conflict("core-network", row.CoreNetworkId, "Core network is in state "+string(row.State)+".")
}

// moveCoreNetwork ends a core network's transition: what was executing goes LIVE, what was deleted is gone.
func moveCoreNetwork(tx *state.Txn, key state.Key[*state.CoreNetwork], from string, known *executions) error {
	old, ok := state.CoreNetworks.Get(tx.View, key)
	if !ok || string(old.State) != from {
		return nil
	}
	row := *old
	if row.State == api.CoreNetworkStateDeleting {
		state.CoreNetworks.Delete(tx, key)
		state.PolicyVersions.DropAll(tx, row.OwnerAccountId, row.CoreNetworkId)
		state.PrefixListAssociations.DeleteAll(tx, state.PrefixListAssociations.In(row.OwnerAccountId, row.CoreNetworkId))
		tx.ForgetRouting(row.ID())
		return nil
	}
	if row.Executing != 0 {
		if err := goLive(tx, &row, known); err != nil {
			return err
		}
	}
	row.Executing, row.ExecutionAsked, row.ExecutionStarted = 0, state.Time{}, state.Time{}
	row.State = api.CoreNetworkStateAvailable
	state.CoreNetworks.Put(tx, key, &row)
	tx.EdgesChanged(old, &row)
	return nil
}
