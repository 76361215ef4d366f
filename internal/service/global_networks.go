package service

import (
	"context"

	"portolan/api"
	"portolan/internal/state"
)

// findGlobalNetwork is the caller's global network. Another account's looks like a missing one.
func findGlobalNetwork(v *state.View, id string) (*state.GlobalNetwork, error) {
	if gn, ok := state.GlobalNetworks.Get(v, state.GlobalNetworks.Key(v.Caller.Account, id)); ok {
		return gn, nil
	}
	return nil, api.InvalidField("globalNetworkId", "Global network not found.")
}

// findOpenGlobalNetwork is a global network that can still take new members.
func findOpenGlobalNetwork(v *state.View, id string) (*state.GlobalNetwork, error) {
	gn, err := findGlobalNetwork(v, id)
	if err != nil {
		return nil, err
	}
	return gn, changing("global-network", id, gn.State)
}

// expectGlobalNetwork refuses an unknown global network before the catalog is asked about anything else in the request. It
// is looked up once more in the transaction: only what is said first depends on this.
func (s *env) expectGlobalNetwork(ctx context.Context, id string) error {
	if s.refs.catalog == nil {
		return nil
	}
	_, err := state.Read(ctx, s.db, func(v *state.View) (*state.GlobalNetwork, error) { return findGlobalNetwork(v, id) })
	return err
}

// createGlobalNetwork makes an empty global network.
func createGlobalNetwork(tx *state.Txn, in *api.CreateGlobalNetworkInput) (*api.CreateGlobalNetworkOutput, error) {
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	id := tx.NewID("global-network")
	key := state.GlobalNetworks.Key(tx.Caller.Account, id)
	if err := tx.Fits(state.QuotaGlobalNetworks, "global-network", tx.Caller.Account, state.GlobalNetworks.Count(tx.View, tx.Caller.Account)); err != nil {
		return nil, err
	}
	gn := state.GlobalNetwork{
		GlobalNetworkId:  id,
		GlobalNetworkArn: tx.ARN("global-network", id),
		Description:      val(in.Description),
		CreatedAt:        tx.Time(),
		State:            api.GlobalNetworkStatePending,
		Tags:             someTags(in.Tags),
	}
	state.GlobalNetworks.Save(tx, key, &gn)
	return &api.CreateGlobalNetworkOutput{GlobalNetwork: new(gn.API())}, nil
}

// describeGlobalNetworks lists the caller's global networks, or those of the given ids; unknown ids are skipped.
func describeGlobalNetworks(v *state.View, in *api.DescribeGlobalNetworksInput) (*api.DescribeGlobalNetworksOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.PagerOf(in.GlobalNetworkIds, in.MaxResults, in.NextToken, "DescribeGlobalNetworks")
	if err != nil {
		return nil, err
	}
	key := func(id string) state.Key[*state.GlobalNetwork] { return state.GlobalNetworks.Key(v.Caller.Account, id) }
	var out api.DescribeGlobalNetworksOutput
	out.GlobalNetworks, out.NextToken = children(v, p, &state.GlobalNetworks.Table, in.GlobalNetworkIds, key, nil, nil, (*state.GlobalNetwork).API)
	return &out, nil
}

// updateGlobalNetwork changes the description.
func updateGlobalNetwork(tx *state.Txn, in *api.UpdateGlobalNetworkInput) (*api.UpdateGlobalNetworkOutput, error) {
	old, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	gn := *old
	set(&gn.Description, in.Description)
	gn.State = api.GlobalNetworkStateUpdating
	state.GlobalNetworks.Save(tx, state.GlobalNetworks.Key(tx.Caller.Account, gn.GlobalNetworkId), &gn)
	return &api.UpdateGlobalNetworkOutput{GlobalNetwork: new(gn.API())}, nil
}

// deleteGlobalNetwork removes an empty global network. Members that are still DELETING count.
func deleteGlobalNetwork(tx *state.Txn, in *api.DeleteGlobalNetworkInput) (*api.DeleteGlobalNetworkOutput, error) {
	id := in.GlobalNetworkId
	key := state.GlobalNetworks.Key(tx.Caller.Account, id)
	old, ok := state.GlobalNetworks.Get(tx.View, key)
	if !ok {
		return nil, api.NotFound("global-network", id)
	}
	if err := changing("global-network", id, old.State); err != nil {
		return nil, err
	}
	if err := mustBeEmpty(tx, id); err != nil {
		return nil, err
	}
	gn := *old
	gn.State = api.GlobalNetworkStateDeleting
	state.GlobalNetworks.Save(tx, key, &gn)
	gn.Tags = nil // AWS leaves them out of this reply
	return &api.DeleteGlobalNetworkOutput{GlobalNetwork: new(gn.API())}, nil
}

// moveGlobalNetwork takes the next step of a global network. What only it leads to goes with it.
func moveGlobalNetwork(tx *state.Txn, key state.Key[*state.GlobalNetwork], from string) error {
	row, ok := state.GlobalNetworks.Get(tx.View, key)
	if !ok || move(tx, &state.GlobalNetworks.Table, key, from, func(r *state.GlobalNetwork) *api.GlobalNetworkState { return &r.State }) {
		return nil
	}
	state.Metadata.DeleteAll(tx, state.Metadata.In(tx.Caller.Account, row.GlobalNetworkId))
	state.RouteAnalyses.DeleteAll(tx, state.RouteAnalyses.In(tx.Caller.Account, row.GlobalNetworkId))
	return nil
}

func mustBeEmpty(tx *state.Txn, id string) error {
	v, account := tx.View, tx.Caller.Account
	blocked := ""
	switch {
	case state.Devices.Count(v, account, id)+state.Sites.Count(v, account, id)+state.Links.Count(v, account, id)+state.Connections.Count(v, account, id) > 0:
		blocked = "devices, sites, or links"
	case state.TransitGatewayRegistrations.Any(tx.View, state.TransitGatewayRegistrations.Live(tx.Caller.Account, id)):
		blocked = "transit gateway registrations"
	case state.CoreNetworks.Count(v, account, id) > 0:
		blocked = "core networks"
	default:
		return nil
	}
	return api.BrokenRule("Global network " + id + " cannot be deleted due to existing " + blocked + ".")
}
