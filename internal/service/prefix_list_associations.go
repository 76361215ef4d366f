package service

import (
	"context"

	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// createCoreNetworkPrefixListAssociation gives a prefix list an alias on a core network, which passes through UPDATING.
func createCoreNetworkPrefixListAssociation(ctx context.Context, e *env, in *api.CreateCoreNetworkPrefixListAssociationInput) (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
	if _, err := e.refs.prefixList(ctx, in.PrefixListArn); err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
		return state.Once(tx, "CreateCoreNetworkPrefixListAssociation", in.ClientToken, in, func() (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
			network, err := findSettledNetwork(tx.View, in.CoreNetworkId)
			if err != nil {
				return nil, err
			}
			key := state.PrefixListAssociations.Key(tx.Caller.Account, in.CoreNetworkId, in.PrefixListArn)
			if _, taken := state.PrefixListAssociations.Get(tx.View, key); taken {
				return nil, api.Conflict("prefix-list", in.PrefixListArn, "The prefix list is associated with the core network already.")
			}
			if state.PrefixListAssociations.Any(tx.View, state.PrefixListAssociations.OfAlias(tx.Caller.Account, in.CoreNetworkId, in.PrefixListAlias)) {
				return nil, api.Conflict("prefix-list", in.PrefixListArn, "The alias "+in.PrefixListAlias+" belongs to another prefix list.")
			}
			counterKey := state.PrefixListAssociations.Count(tx.View, tx.Caller.Account, in.CoreNetworkId)
			if err := tx.Fits(state.QuotaPrefixLists, "prefix-list-association", in.CoreNetworkId, counterKey); err != nil {
				return nil, err
			}
			state.PrefixListAssociations.Put(tx, key, &state.PrefixListAssociation{CoreNetworkId: in.CoreNetworkId, PrefixListArn: in.PrefixListArn, PrefixListAlias: in.PrefixListAlias})
			touchNetwork(tx, network)
			return &api.CreateCoreNetworkPrefixListAssociationOutput{
				CoreNetworkId: in.CoreNetworkId, PrefixListArn: in.PrefixListArn, PrefixListAlias: in.PrefixListAlias,
			}, nil
		})
	})
}

// findSettledNetwork is a core network of the caller's that is AVAILABLE.
func findSettledNetwork(v *state.View, id string) (*state.CoreNetwork, error) {
	row, err := findCoreNetwork(v, id)
	if err == nil && row.State != api.CoreNetworkStateAvailable {
		return nil, coreNetworkBusy(row)
	}
	return row, err
}

// touchNetwork passes a core network through UPDATING.
func touchNetwork(tx *state.Txn, old *state.CoreNetwork) {
	row := *old
	row.BeginUpdate(tx)
}

// deleteCoreNetworkPrefixListAssociation takes the alias away, unless the LIVE policy uses it.
func deleteCoreNetworkPrefixListAssociation(tx *state.Txn, in *api.DeleteCoreNetworkPrefixListAssociationInput) (*api.DeleteCoreNetworkPrefixListAssociationOutput, error) {
	network, err := findSettledNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	key := state.PrefixListAssociations.Key(tx.Caller.Account, in.CoreNetworkId, in.PrefixListArn)
	row, ok := state.PrefixListAssociations.Get(tx.View, key)
	if !ok {
		return nil, api.NotFound("prefix-list", in.PrefixListArn)
	}
	if live, ok := tx.LivePolicy(network); ok && usesAlias(live, row.PrefixListAlias) {
		return nil, api.Conflict("prefix-list", in.PrefixListArn, "The alias "+row.PrefixListAlias+" is used by the LIVE policy.")
	}
	state.PrefixListAssociations.Delete(tx, key)
	touchNetwork(tx, network)
	return &api.DeleteCoreNetworkPrefixListAssociationOutput{CoreNetworkId: in.CoreNetworkId, PrefixListArn: in.PrefixListArn}, nil
}

func usesAlias(live *policy.Policy, alias string) bool {
	for _, p := range live.RoutingPoliciesByNumber {
		for _, rule := range p.Rules {
			for _, m := range rule.Matches {
				if m.Type == policy.MatchPrefixInPrefixList && m.Alias == alias {
					return true
				}
			}
		}
	}
	return false
}

// listCoreNetworkPrefixListAssociations lists the aliases of a core network, or that of one prefix list.
func listCoreNetworkPrefixListAssociations(v *state.View, in *api.ListCoreNetworkPrefixListAssociationsInput) (*api.ListCoreNetworkPrefixListAssociationsOutput, error) {
	if _, err := findCoreNetwork(v, in.CoreNetworkId); err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListCoreNetworkPrefixListAssociations", in.CoreNetworkId, val(in.PrefixListArn))
	if err != nil {
		return nil, err
	}
	rows := state.PrefixListAssociations.Walk(v, state.PrefixListAssociations.In(v.Caller.Account, in.CoreNetworkId), p.After)
	keep := func(row *state.PrefixListAssociation) bool { return wanted(in.PrefixListArn, row.PrefixListArn) }
	var out api.ListCoreNetworkPrefixListAssociationsOutput
	out.PrefixListAssociations, out.NextToken = state.List(v, p, keep, (*state.PrefixListAssociation).API, rows)
	return &out, nil
}

// prefixListAliases are the prefix list aliases of a core network.
func prefixListAliases(v *state.View, network *state.CoreNetwork) []string {
	var aliases []string
	for _, row := range state.PrefixListAssociations.Rows(v, state.PrefixListAssociations.In(network.OwnerAccountId, network.CoreNetworkId), "") {
		aliases = append(aliases, row.PrefixListAlias)
	}
	return aliases
}
