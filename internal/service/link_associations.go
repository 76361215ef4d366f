package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
)

// associateLink ties a link to a device at the same site. The pair is the key: an identical repeat answers with what is
// there.
func associateLink(tx *Txn, in *api.AssociateLinkInput) (*api.AssociateLinkOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findOpenGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	device, err := findDevice(tx.View, gn, in.DeviceId)
	if err != nil {
		return nil, err
	}
	link, err := findLink(tx.View, gn, in.LinkId)
	if err != nil {
		return nil, err
	}
	if device.SiteId != link.SiteId {
		return nil, api.InvalidField("linkId", "Link and device must be at the same site.")
	}
	key := tx.key("link-association", gn, in.DeviceId, in.LinkId)
	if old, ok := linkAssociations.Get(tx.r, key); ok {
		switch old.LinkAssociationState {
		case api.LinkAssociationStateDeleted:
		case api.LinkAssociationStateDeleting:
			return nil, api.Conflict("link", in.LinkId, "The association of the link is being deleted.")
		default:
			return &api.AssociateLinkOutput{LinkAssociation: old}, nil
		}
	} else if err := tx.fits(quotaAssociations, "link-association", gn, counter(key, 1)); err != nil {
		return nil, err
	}
	association := api.LinkAssociation{
		GlobalNetworkId:      gn,
		DeviceId:             in.DeviceId,
		LinkId:               in.LinkId,
		LinkAssociationState: api.LinkAssociationStatePending,
	}
	save(tx.lc, lifecycle.LinkAssociation, linkAssociations, key, &association, string(association.LinkAssociationState))
	return &api.AssociateLinkOutput{LinkAssociation: &association}, nil
}

// disassociateLink unties a link from a device, once nothing else uses the link on that device.
func disassociateLink(tx *Txn, in *api.DisassociateLinkInput) (*api.DisassociateLinkOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	key := tx.key("link-association", gn, in.DeviceId, in.LinkId)
	old, ok := linkAssociations.Get(tx.r, key)
	if !ok || old.LinkAssociationState == api.LinkAssociationStateDeleted {
		return nil, api.NotFound("link", in.LinkId)
	}
	if old.LinkAssociationState == api.LinkAssociationStateDeleting {
		return &api.DisassociateLinkOutput{LinkAssociation: old}, nil
	}
	if user := userOf(tx.View, gn, "device-link", in.DeviceId, in.LinkId); user != "" {
		return nil, api.BrokenRule("Link " + in.LinkId + " cannot be disassociated from device " + in.DeviceId +
			" due to existing association with a " + user + ".")
	}
	association := *old
	association.LinkAssociationState = api.LinkAssociationStateDeleting
	save(tx.lc, lifecycle.LinkAssociation, linkAssociations, key, &association, string(association.LinkAssociationState))
	return &api.DisassociateLinkOutput{LinkAssociation: &association}, nil
}

// getLinkAssociations lists the associations of a device, of a link, of both or all of the global network.
func getLinkAssociations(v *View, in *api.GetLinkAssociationsInput) (*api.GetLinkAssociationsOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, "GetLinkAssociations", gn, val(in.DeviceId), val(in.LinkId))
	if err != nil {
		return nil, err
	}
	rows := linkAssociations.Scan(v.r, v.prefix("link-association", gn), p.after)
	switch {
	case in.DeviceId != nil:
		rows = linkAssociations.Scan(v.r, v.prefix("link-association", gn, *in.DeviceId), p.after)
	case in.LinkId != nil:
		rows = linkAssociations.ScanIndex(v.r, v.prefix("link-association.link", gn, *in.LinkId), p.after)
	}
	keep := func(a *api.LinkAssociation) bool {
		return wanted(in.DeviceId, a.DeviceId) && wanted(in.LinkId, a.LinkId)
	}
	var out api.GetLinkAssociationsOutput
	out.LinkAssociations, out.NextToken = page(p, rows, keep, same)
	return &out, nil
}

// linkIsOnDevice tells whether the link is associated with the device and stays so.
func linkIsOnDevice(v *View, gn, device, link string) bool {
	a, ok := linkAssociations.Get(v.r, v.key("link-association", gn, device, link))
	return ok && a.LinkAssociationState != api.LinkAssociationStateDeleting && a.LinkAssociationState != api.LinkAssociationStateDeleted
}

func linkNotOnDevice(field string) api.FieldError {
	return api.FieldError{Name: field, Message: "Link is not associated with the device."}
}
