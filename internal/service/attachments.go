package service

import (
	"iter"
	"slices"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/state"
	"portolan/policy"
)

// findAttachment is an attachment the caller made, or one to a core network of the caller's.
func findAttachment(v *state.View, id string) (*state.Attachment, error) {
	row, ok := state.Attachments.ByID(v, id)
	if !ok || row.OwnerAccountId != v.Caller.Account && state.AccountOf(row.CoreNetworkArn) != v.Caller.Account {
		return nil, api.NotFound("attachment", id)
	}
	return row, nil
}

// findAttachmentOf is the attachment if it is of the type.
func findAttachmentOf(v *state.View, id string, kind api.AttachmentType) (*state.Attachment, error) {
	row, err := findAttachment(v, id)
	if err == nil && row.AttachmentType != kind {
		return nil, api.NotFound("attachment", id)
	}
	return row, err
}

// attachable is a core network that the caller can make something on by the operation: the caller's or shared, AVAILABLE
// and with a LIVE policy. An attachment that finds it otherwise is told with AWS's sentence.
func attachable(tx *state.Txn, id, operation string, label *string, nat natRequest, tags []api.Tag) (*state.CoreNetwork, *policy.Policy, error) {
	row, err := findSharedNetwork(tx.View, id, operation)
	if err != nil {
		return nil, nil, err
	}
	live, ok := tx.LivePolicy(row)
	if !ok || row.State != api.CoreNetworkStateAvailable {
		return nil, nil, api.BrokenRule("Core network state is invalid. core network id: " + id)
	}
	if label != nil && row.OwnerAccountId != tx.Caller.Account {
		return nil, nil, notOwner("put routing policy label")
	}
	if !nat.empty() && row.OwnerAccountId != tx.Caller.Account {
		return nil, nil, denied(tx.View, operation, row.CoreNetworkArn)
	}
	return row, live, checkNewTags(tx, tags)
}

// edgeOf refuses a Region that the LIVE policy has no edge in.
func edgeOf(network *state.CoreNetwork, location string) error {
	if _, ok := network.Edge(location); !ok {
		return api.BrokenRule("Core Network edge location (" + location + ") not available.")
	}
	return nil
}

// attach stores a new attachment: the LIVE policy says where it belongs and whether somebody must accept it first.
func attach(tx *state.Txn, network *state.CoreNetwork, live *policy.Policy, row *state.Attachment, nat natRequest) error {
	if err := tx.Fits(state.QuotaAttachments, "attachment", network.CoreNetworkId, state.Attachments.Count(tx.View, network.OwnerAccountId, network.CoreNetworkId)); err != nil {
		return err
	}
	row.AttachmentId = tx.NewID("attachment")
	row.CoreNetworkId = network.CoreNetworkId
	row.CoreNetworkArn = network.CoreNetworkArn
	row.OwnerAccountId = tx.Caller.Account
	row.CreatedAt = tx.Time()
	row.UpdatedAt = row.CreatedAt
	a := associate(tx.View, network, live, row, false)
	row.Place(a.Next)
	row.State = api.AttachmentStateCreating
	if a.RequireAcceptance {
		row.State = api.AttachmentStatePendingAttachmentAcceptance
	}
	var err error
	if row.NAT, err = newNAT(row, nat); err != nil {
		return err
	}
	state.Attachments.Save(tx, row)
	tx.SlotTaken(network, row, a.FullGroup)
	return nil
}

// beginCreation starts to build an attachment that has been accepted, or need not be any more.
func beginCreation(row *state.Attachment) {
	row.State = api.AttachmentStateCreating
	if row.NAT != nil {
		nat := state.NATOf(row)
		startNAT(&nat)
		row.NAT = &nat
	}
}

// changeAttachment stores an attachment that has changed by now.
func changeAttachment(tx *state.Txn, row *state.Attachment) {
	row.UpdatedAt = tx.Time()
	state.Attachments.Save(tx, row)
}

// attachmentsOf walks the attachments of a resource, the oldest first, on whosever core networks.
func attachmentsOf(v *state.View, resource string) iter.Seq[*state.Attachment] {
	return func(yield func(*state.Attachment) bool) {
		for _, row := range state.Attachments.Rows(v, state.Attachments.OfResource(resource), "") {
			if !yield(row) {
				return
			}
		}
	}
}

// listAttachments lists the attachments to the caller's core networks and those the caller made elsewhere, of one core
// network or all, by type, edge and state.
func listAttachments(v *state.View, in *api.ListAttachmentsInput) (*api.ListAttachmentsOutput, error) {
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListAttachments", val(in.CoreNetworkId), string(val(in.AttachmentType)),
		val(in.EdgeLocation), string(val(in.State)))
	if err != nil {
		return nil, err
	}
	keep := func(row *state.Attachment) bool {
		return wanted(in.AttachmentType, row.AttachmentType) && wanted(in.State, row.State) &&
			(in.EdgeLocation == nil || slices.Contains(row.Edges(), *in.EdgeLocation))
	}
	var out api.ListAttachmentsOutput
	out.Attachments, out.NextToken = state.List(v, p, keep, (*state.Attachment).API,
		state.Attachments.Walk(v, state.Attachments.Guests(v.Caller.Account, in.CoreNetworkId), p.After),
		state.Attachments.Walk(v, state.Attachments.Within(v.Caller.Account, in.CoreNetworkId), p.After))
	return &out, nil
}

// findWaiting is an attachment that the owner of its core network is asked about.
func findWaiting(v *state.View, id, verb string) (*state.Attachment, error) {
	row, err := findAttachment(v, id)
	switch {
	case err != nil:
		return nil, err
	case state.AccountOf(row.CoreNetworkArn) != v.Caller.Account:
		return nil, notOwner(verb + " attachment")
	case row.State != api.AttachmentStatePendingAttachmentAcceptance && row.State != api.AttachmentStatePendingTagAcceptance:
		return nil, attachmentBusy(row)
	}
	return row, nil
}

// acceptAttachment lets an attachment that waits for it in, or a proposed change of its place happen. It goes where the
// LIVE policy has it by now, as a network function group's place may have gone to another.
func acceptAttachment(tx *state.Txn, in *api.AcceptAttachmentInput) (*api.AcceptAttachmentOutput, error) {
	old, err := findWaiting(tx.View, in.AttachmentId, "accept")
	if err != nil {
		return nil, err
	}
	row := *old
	row.Withdraw()
	if network, ok := state.CoreNetworks.ByARN(tx.View, row.CoreNetworkArn); ok {
		if live, ok := tx.LivePolicy(network); ok {
			a := associate(tx.View, network, live, &row, false)
			row.Place(a.Next)
			tx.SlotTaken(network, &row, a.FullGroup)
		}
	}
	row.State = api.AttachmentStatePendingNetworkUpdate
	if old.State == api.AttachmentStatePendingAttachmentAcceptance {
		beginCreation(&row)
	}
	changeAttachment(tx, &row)
	return &api.AcceptAttachmentOutput{Attachment: new(row.API())}, nil
}

// rejectAttachment keeps an attachment out for good, or a proposed change of its place from happening.
func rejectAttachment(tx *state.Txn, in *api.RejectAttachmentInput) (*api.RejectAttachmentOutput, error) {
	old, err := findWaiting(tx.View, in.AttachmentId, "reject")
	if err != nil {
		return nil, err
	}
	row := *old
	if row.State == api.AttachmentStatePendingAttachmentAcceptance {
		row.State = api.AttachmentStateRejected
	}
	row.Withdraw()
	changeAttachment(tx, &row)
	return &api.RejectAttachmentOutput{Attachment: new(row.API())}, nil
}

// deleteAttachment detaches. One that waits for acceptance must be rejected first, one on its way must arrive, and one
// that carries others must be left by them.
func deleteAttachment(tx *state.Txn, in *api.DeleteAttachmentInput) (*api.DeleteAttachmentOutput, error) {
	old, err := findAttachment(tx.View, in.AttachmentId)
	if err != nil {
		return nil, err
	}
	switch old.State {
	case api.AttachmentStateAvailable, api.AttachmentStateRejected, api.AttachmentStateFailed, api.AttachmentStatePendingTagAcceptance:
	default:
		return nil, attachmentBusy(old)
	}
	owner := state.AccountOf(old.CoreNetworkArn)
	if state.Attachments.Any(tx.View, state.Attachments.OverTransport(owner, old.AttachmentId)) {
		return nil, api.BrokenRule("Attachment cannot be deleted due to existing Connect attachment.")
	}
	if state.ConnectPeers.Count(tx.View, owner, old.AttachmentId) > 0 {
		return nil, api.BrokenRule("Attachment cannot be deleted due to existing Connect peer.")
	}
	row := *old
	if !old.IsLive() {
		row.Place(policy.Association{}) // it never had the place that it was turned away from
	}
	row.State = api.AttachmentStateDeleting
	row.UpdatedAt = tx.Time()
	state.Attachments.Save(tx, &row)
	return &api.DeleteAttachmentOutput{Attachment: new(row.API())}, nil
}

func attachmentBusy(row *state.Attachment) error {
	return api.Conflict("attachment", row.AttachmentId, "Attachment state is invalid: "+string(row.State)+".")
}

// moveAttachment takes the next step of an attachment.
func moveAttachment(tx *state.Txn, key state.Key[*state.Attachment], from string) error {
	old, ok := state.Attachments.Get(tx.View, key)
	if !ok || string(old.State) != from {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.Attachment, from)
	if step.Next == lifecycle.Gone {
		tx.ForgetBGP(state.NetworkID{Account: old.NetworkOwner(), ID: old.CoreNetworkId}, old.AttachmentId)
		state.Attachments.Delete(tx, old)
		return nil
	}
	row := *old
	row.State = api.AttachmentState(step.Next)
	switch old.State {
	case api.AttachmentStateCreating:
		if row.LastModificationErrors = attachmentProblems(tx, old); len(row.LastModificationErrors) > 0 {
			row.State = api.AttachmentStateFailed
			row.NAT = failNAT(row.NAT)
			row.Withdraw()
			row.Place(policy.Association{})
		}
		row.Problems = nil
	case api.AttachmentStateUpdating:
		if row.LastModificationErrors = row.Problems; len(row.Problems) > 0 && row.NAT != nil && row.NAT.Before != nil {
			row.NAT = row.NAT.Before
		}
		row.Problems = nil
	}
	if row.State == api.AttachmentStateAvailable {
		row.NAT = settleNAT(row.NAT)
	}
	if row.State == api.AttachmentStateAvailable && row.IsProposed() {
		row.State = api.AttachmentStatePendingTagAcceptance // tags changed on the way
	}
	state.Attachments.Save(tx, &row)
	return nil
}

// attachmentProblems is what keeps an attachment from being built: what its resource turned out to be, and older attachments.
func attachmentProblems(tx *state.Txn, row *state.Attachment) []state.AttachmentError {
	var code api.AttachmentErrorCode
	switch {
	case row.AttachmentType == api.AttachmentTypeSiteToSiteVpn:
		code = api.AttachmentErrorCodeVpnExistingAssociations
	case row.AttachmentType == api.AttachmentTypeDirectConnectGateway:
		code = api.AttachmentErrorCodeDirectConnectGatewayExistingAttachments
	case row.Protocol == api.TunnelProtocolNoEncap:
		code = api.AttachmentErrorCodeMaximumNoEncapLimitExceeded
	default:
		return row.Problems
	}
	found := row.Problems
	for other := range attachmentsOf(tx.View, row.ResourceArn) {
		if other.AttachmentId < row.AttachmentId && other.AttachmentType == row.AttachmentType && other.Protocol == row.Protocol && other.IsLive() {
			return append(found[:len(found):len(found)], state.AttachmentError{
				Code: code, Message: "The resource is attached by " + other.AttachmentId + ".", ResourceArn: row.ResourceArn,
			})
		}
	}
	return found
}
