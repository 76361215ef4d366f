package service

import (
	"context"
	"path"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// findGlobalNetwork is the caller's global network. Another account's looks like a missing one.
func findGlobalNetwork(v *View, id string) (*api.GlobalNetwork, error) {
	if gn, ok := globalNetworks.Get(v.r, v.key("global-network", id)); ok {
		return gn, nil
	}
	return nil, api.InvalidField("globalNetworkId", "Global network not found.")
}

// findOpenGlobalNetwork is a global network that can still take new members.
func findOpenGlobalNetwork(v *View, id string) (*api.GlobalNetwork, error) {
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
	_, err := read(ctx, s, func(v *View) (*api.GlobalNetwork, error) { return findGlobalNetwork(v, id) })
	return err
}

// createGlobalNetwork makes an empty global network.
func createGlobalNetwork(tx *Txn, in *api.CreateGlobalNetworkInput) (*api.CreateGlobalNetworkOutput, error) {
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	id := tx.ids.next("global-network")
	key := tx.key("global-network", id)
	if err := tx.fits(quotaGlobalNetworks, "global-network", tx.caller.Account, counter(key, 0)); err != nil {
		return nil, err
	}
	gn := api.GlobalNetwork{
		GlobalNetworkId:  id,
		GlobalNetworkArn: tx.arnOf("global-network", id),
		Description:      val(in.Description),
		CreatedAt:        api.Time{Time: tx.now},
		State:            api.GlobalNetworkStatePending,
		Tags:             someTags(in.Tags),
	}
	save(tx.lc, lifecycle.GlobalNetwork, globalNetworks, key, &gn, string(gn.State))
	return &api.CreateGlobalNetworkOutput{GlobalNetwork: &gn}, nil
}

// describeGlobalNetworks lists the caller's global networks, or those of the given ids; unknown ids are skipped.
func describeGlobalNetworks(v *View, in *api.DescribeGlobalNetworksInput) (*api.DescribeGlobalNetworksOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"DescribeGlobalNetworks"}, in.GlobalNetworkIds...)...)
	if err != nil {
		return nil, err
	}
	rows := globalNetworks.Scan(v.r, v.prefix("global-network"), p.after)
	if len(in.GlobalNetworkIds) > 0 {
		keys := make([]string, len(in.GlobalNetworkIds))
		for i, id := range in.GlobalNetworkIds {
			keys[i] = v.key("global-network", id)
		}
		rows = rowsByKey(keys, p.after, func(key string) (*api.GlobalNetwork, bool) { return globalNetworks.Get(v.r, key) })
	}
	var out api.DescribeGlobalNetworksOutput
	out.GlobalNetworks, out.NextToken = page(p, rows, nil, same)
	return &out, nil
}

// updateGlobalNetwork changes the description.
func updateGlobalNetwork(tx *Txn, in *api.UpdateGlobalNetworkInput) (*api.UpdateGlobalNetworkOutput, error) {
	old, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	gn := *old
	set(&gn.Description, in.Description)
	gn.State = api.GlobalNetworkStateUpdating
	save(tx.lc, lifecycle.GlobalNetwork, globalNetworks, tx.key("global-network", gn.GlobalNetworkId), &gn, string(gn.State))
	return &api.UpdateGlobalNetworkOutput{GlobalNetwork: &gn}, nil
}

// deleteGlobalNetwork removes an empty global network. Members that are still DELETING count.
func deleteGlobalNetwork(tx *Txn, in *api.DeleteGlobalNetworkInput) (*api.DeleteGlobalNetworkOutput, error) {
	id := in.GlobalNetworkId
	key := tx.key("global-network", id)
	old, ok := globalNetworks.Get(tx.r, key)
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
	save(tx.lc, lifecycle.GlobalNetwork, globalNetworks, key, &gn, string(gn.State))
	gn.Tags = nil // AWS leaves them out of this reply
	return &api.DeleteGlobalNetworkOutput{GlobalNetwork: &gn}, nil
}

// moveGlobalNetwork takes the next step of a global network. What only it leads to goes with it.
func (s *env) moveGlobalNetwork(lc *lifecycle.Txn, e lifecycle.Entry) error {
	state := func(r *api.GlobalNetwork) *api.GlobalNetworkState { return &r.State }
	if err := move(lifecycle.GlobalNetwork, globalNetworks, state)(lc, e); err != nil {
		return err
	}
	if _, still := globalNetworks.Get(lc.Txn, e.Key); still {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: accountOf(e.Key)})
	id := path.Base(e.Key)
	deleteAll(tx, resourceMetadata, tx.prefix("resource-metadata", id))
	deleteAll(tx, routeAnalyses, tx.prefix("route-analysis", id))
	return nil
}

func mustBeEmpty(tx *Txn, id string) error {
	members := func(table string) int { return store.CountAt(tx.r, tx.key(table+".count", id)) }
	blocked := ""
	switch {
	case members("device")+members("site")+members("link")+members("connection") > 0:
		blocked = "devices, sites, or links"
	case tgwRegistrations.Any(tx.r, tx.prefix("tgw-registration.live", id)):
		blocked = "transit gateway registrations"
	case members("core-network") > 0:
		blocked = "core networks"
	default:
		return nil
	}
	return api.BrokenRule("Global network " + id + " cannot be deleted due to existing " + blocked + ".")
}
