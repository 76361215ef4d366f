package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
)

// findLink is a link of the global network that can still be referred to.
func findLink(v *View, gn, id string) (*api.Link, error) {
	link, ok := links.Get(v.r, v.key("link", gn, id))
	if !ok {
		return nil, api.NotFound("link", id)
	}
	return link, changing("link", id, link.State)
}

// createLink makes a link, the internet connection of a site.
func createLink(tx *Txn, in *api.CreateLinkInput) (*api.CreateLinkOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	if _, err := findSite(tx.View, in.GlobalNetworkId, in.SiteId); err != nil {
		return nil, err
	}
	id := tx.ids.next("link")
	key := tx.key("link", in.GlobalNetworkId, id)
	if err := tx.fits(quotaLinks, "link", in.GlobalNetworkId, counter(key, 1)); err != nil {
		return nil, err
	}
	link := api.Link{
		LinkId:          id,
		LinkArn:         tx.arnOf("link", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		SiteId:          in.SiteId,
		Description:     val(in.Description),
		Type:            val(in.Type),
		Bandwidth:       in.Bandwidth,
		Provider:        val(in.Provider),
		CreatedAt:       api.Time{Time: tx.now},
		State:           api.LinkStatePending,
		Tags:            someTags(in.Tags),
	}
	save(tx.lc, lifecycle.Link, links, key, &link, string(link.State))
	return &api.CreateLinkOutput{Link: &link}, nil
}

// getLinks lists the links of a global network. Type and provider go together; neither goes with a site.
func getLinks(v *View, in *api.GetLinksInput) (*api.GetLinksOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if in.SiteId != nil && (in.Type != nil || in.Provider != nil) {
		return nil, api.BrokenRule("A site id cannot be combined with a type or a provider.")
	}
	p, err := v.newPager(in.MaxResults, in.NextToken,
		append([]string{"GetLinks", in.GlobalNetworkId, val(in.SiteId), val(in.Type), val(in.Provider)}, in.LinkIds...)...)
	if err != nil {
		return nil, err
	}
	var index []string
	switch {
	case val(in.SiteId) != "":
		index = []string{"site", *in.SiteId}
	case val(in.Provider) != "":
		index = []string{"provider", *in.Provider}
	case val(in.Type) != "":
		index = []string{"type", *in.Type}
	}
	keep := func(l *api.Link) bool {
		return wanted(in.SiteId, l.SiteId) && wanted(in.Type, l.Type) && wanted(in.Provider, l.Provider)
	}
	var out api.GetLinksOutput
	out.Links, out.NextToken = children(v, p, links, "link", in.GlobalNetworkId, in.LinkIds, index, keep)
	return &out, nil
}

// wanted tells whether a filter, where it is given, accepts the value.
func wanted[T comparable](filter *T, value T) bool { return filter == nil || *filter == value }

// updateLink changes what is given; an empty string removes a value. A link never changes its site.
func updateLink(tx *Txn, in *api.UpdateLinkInput) (*api.UpdateLinkOutput, error) {
	gn, id := in.GlobalNetworkId, in.LinkId
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findLink(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	link := *old
	set(&link.Description, in.Description)
	set(&link.Type, in.Type)
	set(&link.Provider, in.Provider)
	if in.Bandwidth != nil {
		link.Bandwidth = &api.Bandwidth{
			UploadSpeed:   either(in.Bandwidth.UploadSpeed, val(old.Bandwidth).UploadSpeed),
			DownloadSpeed: either(in.Bandwidth.DownloadSpeed, val(old.Bandwidth).DownloadSpeed),
		}
	}
	link.State = api.LinkStateUpdating
	save(tx.lc, lifecycle.Link, links, tx.key("link", gn, id), &link, string(link.State))
	return &api.UpdateLinkOutput{Link: &link}, nil
}

// either is given, or old where nothing was given.
func either[T any](given, old *T) *T {
	if given != nil {
		return given
	}
	return old
}

// deleteLink removes a link nothing is associated with.
func deleteLink(tx *Txn, in *api.DeleteLinkInput) (*api.DeleteLinkOutput, error) {
	gn, id := in.GlobalNetworkId, in.LinkId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findLink(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if user := userOf(tx.View, gn, "link", id); user != "" {
		return nil, api.BrokenRule("Link " + id + " cannot be deleted due to existing association with a " + user + ".")
	}
	link := *old
	link.State = api.LinkStateDeleting
	save(tx.lc, lifecycle.Link, links, tx.key("link", gn, id), &link, string(link.State))
	link.Tags = nil
	return &api.DeleteLinkOutput{Link: &link}, nil
}
