package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// findSite is a site of the global network that can still be referred to.
func findSite(v *state.View, gn, id string) (*state.Site, error) {
	site, ok := state.Sites.Get(v, state.Sites.Key(v.Caller.Account, gn, id))
	if !ok {
		return nil, api.NotFound("site", id)
	}
	return site, changing("site", id, site.State)
}

// createSite makes a site, a physical place that devices and links stand at.
func createSite(tx *state.Txn, in *api.CreateSiteInput) (*api.CreateSiteOutput, error) {
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	id := tx.NewID("site")
	key := state.Sites.Key(tx.Caller.Account, in.GlobalNetworkId, id)
	if err := tx.Fits(state.QuotaSites, "site", in.GlobalNetworkId, state.Sites.Count(tx.View, tx.Caller.Account, in.GlobalNetworkId)); err != nil {
		return nil, err
	}
	site := state.Site{
		SiteId:          id,
		SiteArn:         tx.ARN("site", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		Description:     val(in.Description),
		Location:        mergeLocation(nil, (*state.Location)(in.Location)),
		CreatedAt:       tx.Time(),
		State:           api.SiteStatePending,
		Tags:            someTags(in.Tags),
	}
	state.Sites.Save(tx, key, &site)
	return &api.CreateSiteOutput{Site: new(site.API())}, nil
}

// getSites lists the sites of a global network.
func getSites(v *state.View, in *api.GetSitesInput) (*api.GetSitesOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.PagerOf(in.SiteIds, in.MaxResults, in.NextToken, "GetSites", in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	key := func(id string) state.Key[*state.Site] {
		return state.Sites.Key(v.Caller.Account, in.GlobalNetworkId, id)
	}
	var out api.GetSitesOutput
	out.Sites, out.NextToken = children(v, p, &state.Sites.Table, in.SiteIds, key, nil, nil, (*state.Site).API)
	return &out, nil
}

// updateSite changes what is given; an empty string removes a value.
func updateSite(tx *state.Txn, in *api.UpdateSiteInput) (*api.UpdateSiteOutput, error) {
	if _, err := findGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	old, err := findSite(tx.View, in.GlobalNetworkId, in.SiteId)
	if err != nil {
		return nil, err
	}
	site := *old
	set(&site.Description, in.Description)
	site.Location = mergeLocation(old.Location, (*state.Location)(in.Location))
	site.State = api.SiteStateUpdating
	state.Sites.Save(tx, state.Sites.Key(tx.Caller.Account, site.GlobalNetworkId, site.SiteId), &site)
	return &api.UpdateSiteOutput{Site: new(site.API())}, nil
}

// deleteSite removes a site that no device and no link stands at.
func deleteSite(tx *state.Txn, in *api.DeleteSiteInput) (*api.DeleteSiteOutput, error) {
	gn, id := in.GlobalNetworkId, in.SiteId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findSite(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if state.Devices.Any(tx.View, state.Devices.AtSite(tx.Caller.Account, gn, id)) || state.Links.Any(tx.View, state.Links.AtSite(tx.Caller.Account, gn, id)) {
		return nil, api.BrokenRule("Site " + id + " cannot be deleted due to existing association with devices or links.")
	}
	site := *old
	site.State = api.SiteStateDeleting
	state.Sites.Save(tx, state.Sites.Key(tx.Caller.Account, gn, id), &site)
	site.Tags = nil
	return &api.DeleteSiteOutput{Site: new(site.API())}, nil
}

// mergeLocation is old with the given members changed: an absent member stays, an empty one is removed.
func mergeLocation(old, given *state.Location) *state.Location {
	if given == nil {
		return old
	}
	merged := state.Location{
		Address:   mergeMember(old, given, func(l *state.Location) *string { return l.Address }),
		Latitude:  mergeMember(old, given, func(l *state.Location) *string { return l.Latitude }),
		Longitude: mergeMember(old, given, func(l *state.Location) *string { return l.Longitude }),
	}
	if merged == (state.Location{}) {
		return nil
	}
	return &merged
}

// mergeMember is one member of a structure that is updated member by member.
func mergeMember[T any](old, given *T, member func(*T) *string) *string {
	switch p := member(given); {
	case p != nil && *p == "":
		return nil
	case p != nil:
		return p
	case old != nil:
		return member(old)
	default:
		return nil
	}
}
