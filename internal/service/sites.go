package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
)

// findSite is a site of the global network that can still be referred to.
func findSite(v *View, gn, id string) (*api.Site, error) {
	site, ok := sites.Get(v.r, v.key("site", gn, id))
	if !ok {
		return nil, api.NotFound("site", id)
	}
	return site, changing("site", id, site.State)
}

// createSite makes a site, a physical place that devices and links stand at.
func createSite(tx *Txn, in *api.CreateSiteInput) (*api.CreateSiteOutput, error) {
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	id := tx.ids.next("site")
	key := tx.key("site", in.GlobalNetworkId, id)
	if err := tx.fits(quotaSites, "site", in.GlobalNetworkId, counter(key, 1)); err != nil {
		return nil, err
	}
	site := api.Site{
		SiteId:          id,
		SiteArn:         tx.arnOf("site", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		Description:     val(in.Description),
		Location:        mergeLocation(nil, in.Location),
		CreatedAt:       api.Time{Time: tx.now},
		State:           api.SiteStatePending,
		Tags:            someTags(in.Tags),
	}
	save(tx.lc, lifecycle.Site, sites, key, &site, string(site.State))
	return &api.CreateSiteOutput{Site: &site}, nil
}

// getSites lists the sites of a global network.
func getSites(v *View, in *api.GetSitesInput) (*api.GetSitesOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetSites", in.GlobalNetworkId}, in.SiteIds...)...)
	if err != nil {
		return nil, err
	}
	var out api.GetSitesOutput
	out.Sites, out.NextToken = children(v, p, sites, "site", in.GlobalNetworkId, in.SiteIds, nil, nil)
	return &out, nil
}

// updateSite changes what is given; an empty string removes a value.
func updateSite(tx *Txn, in *api.UpdateSiteInput) (*api.UpdateSiteOutput, error) {
	if _, err := findGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	old, err := findSite(tx.View, in.GlobalNetworkId, in.SiteId)
	if err != nil {
		return nil, err
	}
	site := *old
	set(&site.Description, in.Description)
	site.Location = mergeLocation(old.Location, in.Location)
	site.State = api.SiteStateUpdating
	save(tx.lc, lifecycle.Site, sites, tx.key("site", site.GlobalNetworkId, site.SiteId), &site, string(site.State))
	return &api.UpdateSiteOutput{Site: &site}, nil
}

// deleteSite removes a site that no device and no link stands at.
func deleteSite(tx *Txn, in *api.DeleteSiteInput) (*api.DeleteSiteOutput, error) {
	gn, id := in.GlobalNetworkId, in.SiteId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findSite(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if devices.Any(tx.r, tx.prefix("device.site", gn, id)) || links.Any(tx.r, tx.prefix("link.site", gn, id)) {
		return nil, api.BrokenRule("Site " + id + " cannot be deleted due to existing association with devices or links.")
	}
	site := *old
	site.State = api.SiteStateDeleting
	save(tx.lc, lifecycle.Site, sites, tx.key("site", gn, id), &site, string(site.State))
	site.Tags = nil
	return &api.DeleteSiteOutput{Site: &site}, nil
}

// mergeLocation is old with the given members changed: an absent member stays, an empty one is removed.
func mergeLocation(old, given *api.Location) *api.Location {
	if given == nil {
		return old
	}
	merged := api.Location{
		Address:   mergeMember(old, given, func(l *api.Location) *string { return l.Address }),
		Latitude:  mergeMember(old, given, func(l *api.Location) *string { return l.Latitude }),
		Longitude: mergeMember(old, given, func(l *api.Location) *string { return l.Longitude }),
	}
	if merged == (api.Location{}) {
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
