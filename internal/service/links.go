package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// findLink is a link of the global network that can still be referred to.
func findLink(v *state.View, gn, id string) (*state.Link, error) {
	link, ok := state.Links.Get(v, state.Links.Key(v.Caller.Account, gn, id))
	if !ok {
		return nil, api.NotFound("link", id)
	}
	return link, changing("link", id, link.State)
}

// createLink makes a link, the internet connection of a site.
func createLink(tx *state.Txn, in *api.CreateLinkInput) (*api.CreateLinkOutput, error) {
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
	id := tx.NewID("link")
	key := state.Links.Key(tx.Caller.Account, in.GlobalNetworkId, id)
	if err := tx.Fits(state.QuotaLinks, "link", in.GlobalNetworkId, state.Links.Count(tx.View, tx.Caller.Account, in.GlobalNetworkId)); err != nil {
		return nil, err
	}
	link := state.Link{
		LinkId:          id,
		LinkArn:         tx.ARN("link", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		SiteId:          in.SiteId,
		Description:     val(in.Description),
		Type:            val(in.Type),
		Bandwidth:       (*state.Bandwidth)(in.Bandwidth),
		Provider:        val(in.Provider),
		CreatedAt:       tx.Time(),
		State:           api.LinkStatePending,
		Tags:            someTags(in.Tags),
	}
	state.Links.Save(tx, key, &link)
	return &api.CreateLinkOutput{Link: new(link.API())}, nil
}

// getLinks lists the links of a global network. Type and provider go together; neither goes with a site.
func getLinks(v *state.View, in *api.GetLinksInput) (*api.GetLinksOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if in.SiteId != nil && (in.Type != nil || in.Provider != nil) {
		return nil, api.BrokenRule("A site id cannot be combined with a type or a provider.")
	}
	p, err := v.PagerOf(in.LinkIds, in.MaxResults, in.NextToken,
		"GetLinks", in.GlobalNetworkId, val(in.SiteId), val(in.Type), val(in.Provider))
	if err != nil {
		return nil, err
	}
	var some *state.Range[*state.Link]
	switch {
	case val(in.SiteId) != "":
		some = new(state.Links.AtSite(v.Caller.Account, in.GlobalNetworkId, *in.SiteId))
	case val(in.Provider) != "":
		some = new(state.Links.OfProvider(v.Caller.Account, in.GlobalNetworkId, *in.Provider))
	case val(in.Type) != "":
		some = new(state.Links.OfType(v.Caller.Account, in.GlobalNetworkId, *in.Type))
	}
	keep := func(l *state.Link) bool {
		return wanted(in.SiteId, l.SiteId) && wanted(in.Type, l.Type) && wanted(in.Provider, l.Provider)
	}
	key := func(id string) state.Key[*state.Link] {
		return state.Links.Key(v.Caller.Account, in.GlobalNetworkId, id)
	}
	var out api.GetLinksOutput
	out.Links, out.NextToken = children(v, p, &state.Links.Table, in.LinkIds, key, some, keep, (*state.Link).API)
	return &out, nil
}

// wanted tells whether a filter, where it is given, accepts the value.
func wanted[T comparable](filter *T, value T) bool { return filter == nil || *filter == value }

// updateLink changes what is given; an empty string removes a value. A link never changes its site.
func updateLink(tx *state.Txn, in *api.UpdateLinkInput) (*api.UpdateLinkOutput, error) {
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
		link.Bandwidth = &state.Bandwidth{
			UploadSpeed:   either(in.Bandwidth.UploadSpeed, val(old.Bandwidth).UploadSpeed),
			DownloadSpeed: either(in.Bandwidth.DownloadSpeed, val(old.Bandwidth).DownloadSpeed),
		}
	}
	link.State = api.LinkStateUpdating
	state.Links.Save(tx, state.Links.Key(tx.Caller.Account, gn, id), &link)
	return &api.UpdateLinkOutput{Link: new(link.API())}, nil
}

// either is given, or old where nothing was given.
func either[T any](given, old *T) *T {
	if given != nil {
		return given
	}
	return old
}

// deleteLink removes a link nothing is associated with.
func deleteLink(tx *state.Txn, in *api.DeleteLinkInput) (*api.DeleteLinkOutput, error) {
	gn, id := in.GlobalNetworkId, in.LinkId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findLink(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if user := userOf(tx.View, gn, "", id); user != "" {
		return nil, api.BrokenRule("Link " + id + " cannot be deleted due to existing association with a " + user + ".")
	}
	link := *old
	link.State = api.LinkStateDeleting
	state.Links.Save(tx, state.Links.Key(tx.Caller.Account, gn, id), &link)
	link.Tags = nil
	return &api.DeleteLinkOutput{Link: new(link.API())}, nil
}
