package service

import (
	"iter"
	"slices"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
	"portolan/policy"
)

// attachmentRow is an attachment of any type, with what the types add.
type attachmentRow struct {
	api.Attachment
	RoutingPolicyLabel string

	SubnetArns []string        // VPC
	VpcOptions *api.VpcOptions // VPC

	TransportAttachmentId string             // CONNECT: the VPC attachment it runs over
	Protocol              api.TunnelProtocol // CONNECT

	PeeringId string // TRANSIT_GATEWAY_ROUTE_TABLE: the peering it goes over

	PeerASN uint32 // of the BGP peer, as the snapshot had it that the attachment came from; 0 otherwise

	// Problems are what is found out by the end of CREATING, which then leads to FAILED, or by the end of UPDATING.
	Problems []api.AttachmentError
}

// findAttachment is an attachment the caller made, or one to a core network of the caller's.
func findAttachment(v *View, id string) (*attachmentRow, error) {
	row, ok := byID(v.r, attachments, id)
	if !ok || row.OwnerAccountId != v.caller.Account && parseAccount(row.CoreNetworkArn) != v.caller.Account {
		return nil, api.NotFound("attachment", id)
	}
	return row, nil
}

// findAttachmentOf is the attachment if it is of the type.
func findAttachmentOf(v *View, id string, kind api.AttachmentType) (*attachmentRow, error) {
	row, err := findAttachment(v, id)
	if err == nil && row.AttachmentType != kind {
		return nil, api.NotFound("attachment", id)
	}
	return row, err
}

// attachable is a core network that the caller can make something on by the operation: the caller's or shared, AVAILABLE
// and with a LIVE policy. An attachment that finds it otherwise is told with AWS's sentence.
func attachable(tx *Txn, id, operation string, label *string, tags []api.Tag) (*coreNetworkRow, *policy.Policy, error) {
	row, err := findSharedNetwork(tx.View, id, operation)
	if err != nil {
		return nil, nil, err
	}
	live, ok := livePolicy(tx.View, row)
	if !ok || row.State != api.CoreNetworkStateAvailable {
		return nil, nil, api.BrokenRule("Core network state is invalid. core network id: " + id)
	}
	if label != nil && row.OwnerAccountId != tx.caller.Account {
		return nil, nil, notOwner("put routing policy label")
	}
	return row, live, checkNewTags(tx, tags)
}

// edgeOf refuses a Region that the LIVE policy has no edge in.
func edgeOf(network *coreNetworkRow, location string) error {
	if _, ok := network.edge(location); !ok {
		return api.BrokenRule("Core Network edge location (" + location + ") not available.")
	}
	return nil
}

// attach stores a new attachment: the LIVE policy says where it belongs and whether somebody must accept it first.
func attach(tx *Txn, network *coreNetworkRow, live *policy.Policy, row *attachmentRow) error {
	if err := tx.fits(quotaAttachments, "attachment", network.CoreNetworkId, accountKey(network.OwnerAccountId, "attachment.count", network.CoreNetworkId)); err != nil {
		return err
	}
	row.AttachmentId = tx.ids.next("attachment")
	row.CoreNetworkId = network.CoreNetworkId
	row.CoreNetworkArn = network.CoreNetworkArn
	row.OwnerAccountId = tx.caller.Account
	row.CreatedAt = api.Time{Time: tx.now}
	row.UpdatedAt = row.CreatedAt
	a := associate(tx.View, network, live, row, false)
	row.place(a.Next)
	row.State = api.AttachmentStateCreating
	if a.RequireAcceptance {
		row.State = api.AttachmentStatePendingAttachmentAcceptance
	}
	saveAttachment(tx, row)
	slotTaken(tx, network, row, a.FullGroup)
	return nil
}

// changeAttachment stores an attachment that has changed by now.
func changeAttachment(tx *Txn, row *attachmentRow) {
	row.UpdatedAt = api.Time{Time: tx.now}
	saveAttachment(tx, row)
}

func saveAttachment(tx *Txn, row *attachmentRow) {
	putAttachment(tx, row)
	tx.lc.Schedule(lifecycle.Attachment, attachmentKey(row), string(row.State))
}

// putAttachment stores an attachment whose state stays as it is.
func putAttachment(tx *Txn, row *attachmentRow) {
	old, _ := attachments.Get(tx.r, attachmentKey(row))
	attachments.Put(tx.w, attachmentKey(row), row)
	attachmentChanged(tx, old, row)
}

func attachmentKey(row *attachmentRow) string {
	return accountKey(parseAccount(row.CoreNetworkArn), "attachment", row.CoreNetworkId, row.AttachmentId)
}

// AttachmentArn is the ARN by which an attachment is tagged. It carries the account of the core network's owner.
func (row *attachmentRow) AttachmentArn() string {
	a, _ := parseARN(row.CoreNetworkArn)
	return "arn:" + a.partition + ":networkmanager::" + a.account + ":attachment/" + row.AttachmentId
}

func parseAccount(text string) string {
	a, _ := parseARN(text)
	return a.account
}

// attachmentsOf walks the attachments of a resource, the oldest first, on whosever core networks.
func attachmentsOf(v *View, resource string) iter.Seq[*attachmentRow] {
	return func(yield func(*attachmentRow) bool) {
		for _, row := range attachments.ScanIndex(v.r, resourceKey(resource)+"/", "") {
			if !yield(row) {
				return
			}
		}
	}
}

// listAttachments lists the attachments to the caller's core networks and those the caller made elsewhere, of one core
// network or all, by type, edge and state.
func listAttachments(v *View, in *api.ListAttachmentsInput) (*api.ListAttachmentsOutput, error) {
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListAttachments", val(in.CoreNetworkId), string(val(in.AttachmentType)),
		val(in.EdgeLocation), string(val(in.State)))
	if err != nil {
		return nil, err
	}
	below := belowNetwork(in.CoreNetworkId)
	rows := chain(
		attachments.ScanIndex(v.r, v.prefix("attachment.guest", below...), p.after),
		attachments.Scan(v.r, v.prefix("attachment", below...), p.after),
	)
	keep := func(row *attachmentRow) bool {
		return wanted(in.AttachmentType, row.AttachmentType) && wanted(in.State, row.State) &&
			(in.EdgeLocation == nil || slices.Contains(row.edges(), *in.EdgeLocation))
	}
	var out api.ListAttachmentsOutput
	out.Attachments, out.NextToken = page(p, rows, keep, func(row *attachmentRow) api.Attachment { return row.Attachment })
	return &out, nil
}

// findWaiting is an attachment that the owner of its core network is asked about.
func findWaiting(v *View, id, verb string) (*attachmentRow, error) {
	row, err := findAttachment(v, id)
	switch {
	case err != nil:
		return nil, err
	case parseAccount(row.CoreNetworkArn) != v.caller.Account:
		return nil, notOwner(verb + " attachment")
	case row.State != api.AttachmentStatePendingAttachmentAcceptance && row.State != api.AttachmentStatePendingTagAcceptance:
		return nil, attachmentBusy(row)
	}
	return row, nil
}

// acceptAttachment lets an attachment that waits for it in, or a proposed change of its place happen. It goes where the
// LIVE policy has it by now, as a network function group's place may have gone to another.
func acceptAttachment(tx *Txn, in *api.AcceptAttachmentInput) (*api.AcceptAttachmentOutput, error) {
	old, err := findWaiting(tx.View, in.AttachmentId, "accept")
	if err != nil {
		return nil, err
	}
	row := *old
	row.withdraw()
	if network, ok := networkOfARN(tx.View, row.CoreNetworkArn); ok {
		if live, ok := livePolicy(tx.View, network); ok {
			a := associate(tx.View, network, live, &row, false)
			row.place(a.Next)
			slotTaken(tx, network, &row, a.FullGroup)
		}
	}
	row.State = api.AttachmentStateUpdating
	if old.State == api.AttachmentStatePendingAttachmentAcceptance {
		row.State = api.AttachmentStateCreating
	}
	changeAttachment(tx, &row)
	return &api.AcceptAttachmentOutput{Attachment: &row.Attachment}, nil
}

// rejectAttachment keeps an attachment out for good, or a proposed change of its place from happening.
func rejectAttachment(tx *Txn, in *api.RejectAttachmentInput) (*api.RejectAttachmentOutput, error) {
	old, err := findWaiting(tx.View, in.AttachmentId, "reject")
	if err != nil {
		return nil, err
	}
	row := *old
	if row.State == api.AttachmentStatePendingAttachmentAcceptance {
		row.State = api.AttachmentStateRejected
	}
	row.withdraw()
	changeAttachment(tx, &row)
	return &api.RejectAttachmentOutput{Attachment: &row.Attachment}, nil
}

// deleteAttachment detaches. One that waits for acceptance must be rejected first, one on its way must arrive, and one
// that carries others must be left by them.
func deleteAttachment(tx *Txn, in *api.DeleteAttachmentInput) (*api.DeleteAttachmentOutput, error) {
	old, err := findAttachment(tx.View, in.AttachmentId)
	if err != nil {
		return nil, err
	}
	switch old.State {
	case api.AttachmentStateAvailable, api.AttachmentStateRejected, api.AttachmentStateFailed, api.AttachmentStatePendingTagAcceptance:
	default:
		return nil, attachmentBusy(old)
	}
	owner := parseAccount(old.CoreNetworkArn)
	if attachments.Any(tx.r, accountKey(owner, "attachment.transport", old.AttachmentId)+"/") {
		return nil, api.Conflict("attachment", old.AttachmentId, "Attachment cannot be deleted while a Connect attachment uses it as transport.")
	}
	if store.CountAt(tx.r, accountKey(owner, "connect-peer.count", old.AttachmentId)) > 0 {
		return nil, api.Conflict("attachment", old.AttachmentId, "Attachment cannot be deleted due to existing Connect peers.")
	}
	row := *old
	if !old.claims() {
		row.place(policy.Association{}) // it never had the place that it was turned away from
	}
	row.State = api.AttachmentStateDeleting
	row.UpdatedAt = api.Time{Time: tx.now}
	saveAttachment(tx, &row)
	return &api.DeleteAttachmentOutput{Attachment: &row.Attachment}, nil
}

func attachmentBusy(row *attachmentRow) error {
	return api.Conflict("attachment", row.AttachmentId, "Attachment state is invalid: "+string(row.State)+".")
}

// moveAttachment takes the next step of an attachment.
func (s *env) moveAttachment(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := attachments.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: accountOf(e.Key)})
	step, _ := lifecycle.Next(lifecycle.Attachment, e.From)
	if step.Next == lifecycle.Gone {
		attachments.Delete(lc.Txn, e.Key)
		announcementSets.Delete(lc.Txn, accountKey(accountOf(e.Key), "announcements", old.CoreNetworkId, old.AttachmentId))
		attachmentChanged(tx, old, nil)
		return nil
	}
	row := *old
	row.State = api.AttachmentState(step.Next)
	switch old.State {
	case api.AttachmentStateCreating:
		if row.LastModificationErrors = attachmentProblems(tx, old); len(row.LastModificationErrors) > 0 {
			row.State = api.AttachmentStateFailed
			row.withdraw()
			row.place(policy.Association{})
		}
		row.Problems = nil
	case api.AttachmentStateUpdating:
		if row.LastModificationErrors = row.Problems; len(row.Problems) > 0 {
			row.State = api.AttachmentStateAvailable
		}
		row.Problems = nil
	}
	if row.State == api.AttachmentStateAvailable && row.isProposed() {
		row.State = api.AttachmentStatePendingTagAcceptance // tags changed on the way
	}
	saveAttachment(tx, &row)
	return nil
}

// attachmentProblems is what keeps an attachment from being built: what its resource turned out to be, and older attachments.
func attachmentProblems(tx *Txn, row *attachmentRow) []api.AttachmentError {
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
		if other.AttachmentId < row.AttachmentId && other.AttachmentType == row.AttachmentType && other.Protocol == row.Protocol && other.claims() {
			return append(found[:len(found):len(found)], api.AttachmentError{
				Code: code, Message: "The resource is attached by " + other.AttachmentId + ".", ResourceArn: row.ResourceArn,
			})
		}
	}
	return found
}
