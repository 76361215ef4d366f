package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// associateLink ties a link to a device at the same site. The pair is the key: an identical repeat answers with what is
// there.
func associateLink(tx *state.Txn, in *api.AssociateLinkInput) (*api.AssociateLinkOutput, error) {
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
	key := state.LinkAssociations.Key(tx.Caller.Account, gn, in.DeviceId, in.LinkId)
	if old, ok := state.LinkAssociations.Get(tx.View, key); ok {
		switch old.LinkAssociationState {
		case api.LinkAssociationStateDeleted:
		case api.LinkAssociationStateDeleting:
			return nil, api.Conflict("link", in.LinkId, "The association of the link is being deleted.")
		default:
			return &api.AssociateLinkOutput{LinkAssociation: new(old.API())}, nil
		}
	} else if err := tx.Fits(state.QuotaAssociations, "link-association", gn, state.LinkAssociations.Count(tx.View, tx.Caller.Account, gn)); err != nil {
		return nil, err
	}
	association := state.LinkAssociation{
		GlobalNetworkId:      gn,
		DeviceId:             in.DeviceId,
		LinkId:               in.LinkId,
		LinkAssociationState: api.LinkAssociationStatePending,
	}
	state.LinkAssociations.Save(tx, key, &association)
	return &api.AssociateLinkOutput{LinkAssociation: new(association.API())}, nil
}

// disassociateLink unties a link from a device, once nothing else uses the link on that device.
func disassociateLink(tx *state.Txn, in *api.DisassociateLinkInput) (*api.DisassociateLinkOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	key := state.LinkAssociations.Key(tx.Caller.Account, gn, in.DeviceId, in.LinkId)
	old, ok := state.LinkAssociations.Get(tx.View, key)
	if !ok || old.LinkAssociationState == api.LinkAssociationStateDeleted {
		return nil, api.NotFound("link", in.LinkId)
	}
	if old.LinkAssociationState == api.LinkAssociationStateDeleting {
		return &api.DisassociateLinkOutput{LinkAssociation: new(old.API())}, nil
	}
	if user := userOf(tx.View, gn, in.DeviceId, in.LinkId); user != "" {
		return nil, api.BrokenRule("Link " + in.LinkId + " cannot be disassociated from device " + in.DeviceId +
			" due to existing association with a " + user + ".")
	}
	association := *old
	association.LinkAssociationState = api.LinkAssociationStateDeleting
	state.LinkAssociations.Save(tx, key, &association)
	return &api.DisassociateLinkOutput{LinkAssociation: new(association.API())}, nil
}

// getLinkAssociations lists the associations of a device, of a link, of both or all of the global network.
func getLinkAssociations(v *state.View, in *api.GetLinkAssociationsInput) (*api.GetLinkAssociationsOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "GetLinkAssociations", gn, val(in.DeviceId), val(in.LinkId))
	if err != nil {
		return nil, err
	}
	rows := state.LinkAssociations.Walk(v, state.LinkAssociations.In(v.Caller.Account, gn), p.After)
	switch {
	case in.DeviceId != nil:
		rows = state.LinkAssociations.Walk(v, state.LinkAssociations.OnDevice(v.Caller.Account, gn, *in.DeviceId), p.After)
	case in.LinkId != nil:
		rows = state.LinkAssociations.Walk(v, state.LinkAssociations.OfLink(v.Caller.Account, gn, *in.LinkId), p.After)
	}
	keep := func(a *state.LinkAssociation) bool {
		return wanted(in.DeviceId, a.DeviceId) && wanted(in.LinkId, a.LinkId)
	}
	var out api.GetLinkAssociationsOutput
	out.LinkAssociations, out.NextToken = state.List(v, p, keep, (*state.LinkAssociation).API, rows)
	return &out, nil
}

// linkIsOnDevice tells whether the link is associated with the device and stays so.
func linkIsOnDevice(v *state.View, gn, device, link string) bool {
	a, ok := state.LinkAssociations.Get(v, state.LinkAssociations.Key(v.Caller.Account, gn, device, link))
	return ok && a.LinkAssociationState != api.LinkAssociationStateDeleting && a.LinkAssociationState != api.LinkAssociationStateDeleted
}

func linkNotOnDevice(field string) api.FieldError {
	return api.FieldError{Name: field, Message: "Link is not associated with the device."}
}
