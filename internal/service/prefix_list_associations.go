package service

import (
	"context"
	"net/netip"

	"portolan/api"
	"portolan/policy"
)

// prefixListAssociationRow gives a prefix list the alias by which routing policies name it.
type prefixListAssociationRow struct {
	api.PrefixListAssociation

	Entries []netip.Prefix // as the snapshot had them that the association came from; nil otherwise
}

// createCoreNetworkPrefixListAssociation gives a prefix list an alias on a core network, which passes through UPDATING.
func createCoreNetworkPrefixListAssociation(ctx context.Context, e *env, in *api.CreateCoreNetworkPrefixListAssociationInput) (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
	if _, err := e.refs.prefixList(ctx, in.PrefixListArn); err != nil {
		return nil, err
	}
	return update(ctx, e, func(tx *Txn) (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
		return once(tx, "CreateCoreNetworkPrefixListAssociation", in.ClientToken, in, func() (*api.CreateCoreNetworkPrefixListAssociationOutput, error) {
			network, err := findSettledNetwork(tx.View, in.CoreNetworkId)
			if err != nil {
				return nil, err
			}
			key := tx.key("prefix-list-association", in.CoreNetworkId, in.PrefixListArn)
			if _, taken := prefixListAssociations.Get(tx.r, key); taken {
				return nil, api.Conflict("prefix-list", in.PrefixListArn, "The prefix list is associated with the core network already.")
			}
			if prefixListAssociations.Any(tx.r, tx.prefix("prefix-list-association.alias", in.CoreNetworkId, in.PrefixListAlias)) {
				return nil, api.Conflict("prefix-list", in.PrefixListArn, "The alias "+in.PrefixListAlias+" belongs to another prefix list.")
			}
			counterKey := tx.key("prefix-list-association.count", in.CoreNetworkId)
			if err := tx.fits(quotaPrefixLists, "prefix-list-association", in.CoreNetworkId, counterKey); err != nil {
				return nil, err
			}
			prefixListAssociations.Put(tx.w, key, &prefixListAssociationRow{PrefixListAssociation: api.PrefixListAssociation{
				CoreNetworkId: in.CoreNetworkId, PrefixListArn: in.PrefixListArn, PrefixListAlias: in.PrefixListAlias,
			}})
			touchNetwork(tx, network)
			return &api.CreateCoreNetworkPrefixListAssociationOutput{
				CoreNetworkId: in.CoreNetworkId, PrefixListArn: in.PrefixListArn, PrefixListAlias: in.PrefixListAlias,
			}, nil
		})
	})
}

// findSettledNetwork is a core network of the caller's that is AVAILABLE.
func findSettledNetwork(v *View, id string) (*coreNetworkRow, error) {
	row, err := findCoreNetwork(v, id)
	if err == nil && row.State != api.CoreNetworkStateAvailable {
		return nil, coreNetworkBusy(row)
	}
	return row, err
}

// touchNetwork passes a core network through UPDATING.
func touchNetwork(tx *Txn, old *coreNetworkRow) {
	row := *old
	beginUpdate(tx, &row)
}

// deleteCoreNetworkPrefixListAssociation takes the alias away, unless the LIVE policy uses it.
func deleteCoreNetworkPrefixListAssociation(tx *Txn, in *api.DeleteCoreNetworkPrefixListAssociationInput) (*api.DeleteCoreNetworkPrefixListAssociationOutput, error) {
	network, err := findSettledNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	key := tx.key("prefix-list-association", in.CoreNetworkId, in.PrefixListArn)
	row, ok := prefixListAssociations.Get(tx.r, key)
	if !ok {
		return nil, api.NotFound("prefix-list", in.PrefixListArn)
	}
	if live, ok := livePolicy(tx.View, network); ok && usesAlias(live, row.PrefixListAlias) {
		return nil, api.Conflict("prefix-list", in.PrefixListArn, "The alias "+row.PrefixListAlias+" is used by the LIVE policy.")
	}
	prefixListAssociations.Delete(tx.w, key)
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
func listCoreNetworkPrefixListAssociations(v *View, in *api.ListCoreNetworkPrefixListAssociationsInput) (*api.ListCoreNetworkPrefixListAssociationsOutput, error) {
	if _, err := findCoreNetwork(v, in.CoreNetworkId); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListCoreNetworkPrefixListAssociations", in.CoreNetworkId, val(in.PrefixListArn))
	if err != nil {
		return nil, err
	}
	rows := prefixListAssociations.Scan(v.r, v.prefix("prefix-list-association", in.CoreNetworkId), p.after)
	keep := func(row *prefixListAssociationRow) bool { return wanted(in.PrefixListArn, row.PrefixListArn) }
	var out api.ListCoreNetworkPrefixListAssociationsOutput
	out.PrefixListAssociations, out.NextToken = page(p, rows, keep, func(row *prefixListAssociationRow) api.PrefixListAssociation {
		return row.PrefixListAssociation
	})
	return &out, nil
}

// prefixListAliases are the prefix list aliases of a core network.
func prefixListAliases(v *View, network *coreNetworkRow) []string {
	var aliases []string
	for _, row := range prefixListAssociations.Scan(v.r, accountKey(network.OwnerAccountId, "prefix-list-association", network.CoreNetworkId)+"/", "") {
		aliases = append(aliases, row.PrefixListAlias)
	}
	return aliases
}
