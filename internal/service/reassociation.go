package service

import (
	"slices"

	"portolan/api"
	"portolan/policy"
)

// relocation is an attachment before and after a policy decided about it. The change set and the execution of a version
// both go by it, so that what is shown is what happens.
type relocation struct {
	old     *attachmentRow
	next    attachmentRow
	changed bool
	policy.Associated
}

// relocate works out where every attachment of a core network is once the policy is LIVE. Who executes it owns the core
// network, so an attachment moves at once. Tags that nobody has accepted yet stay what they are: a proposal, for where
// the new policy would have them.
func relocate(v *View, network *coreNetworkRow, p *policy.Policy) []relocation {
	rows := attachmentsByAge(v, network)
	attached := make([]policy.Attached, len(rows))
	for i, row := range rows {
		attached[i] = row.attached(row.isProposed())
	}
	moves := make([]relocation, len(rows))
	for i, found := range p.AssociateAll(attached) {
		next := *rows[i]
		moves[i] = relocation{rows[i], next, next.follow(&found), found}
	}
	return moves
}

// attachmentsByAge are the attachments of a core network, the oldest first. Ids grow with time, except those that came
// with a snapshot.
func attachmentsByAge(v *View, network *coreNetworkRow) []*attachmentRow {
	var rows []*attachmentRow
	for _, row := range attachments.Scan(v.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b *attachmentRow) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	return rows
}

// attached is the attachment as a policy decides about it. asks says that a move of it waits for acceptance where the
// policy requires that.
func (row *attachmentRow) attached(asks bool) policy.Attached {
	return policy.Attached{
		Attachment: row.forPolicy(), Label: row.RoutingPolicyLabel, At: row.association(), Asks: asks,
		Fixed: row.State == api.AttachmentStateDeleting, Out: !row.claims(),
	}
}

// association is where the attachment is, or, as long as it has not been accepted, where it would be.
func (row *attachmentRow) association() policy.Association {
	return policy.Association{
		Segment: row.SegmentName, NetworkFunctionGroup: row.NetworkFunctionGroupName, RuleNumber: int(val(row.AttachmentPolicyRuleNumber)),
	}
}

// follow does to the attachment what a policy decided, and says whether that changed it.
func (row *attachmentRow) follow(a *policy.Associated) bool {
	if a.Fixed || a.Out || a.Proposal == nil && !row.isProposed() && a.Next == row.association() {
		return false
	}
	row.withdraw()
	row.place(a.Next)
	if a.Proposal != nil {
		row.propose(*a.Proposal)
		if row.State == api.AttachmentStateAvailable {
			row.State = api.AttachmentStatePendingTagAcceptance
		}
	}
	return true
}

// moveAttachments makes relocations happen.
func moveAttachments(tx *Txn, network *coreNetworkRow, moves []relocation) {
	for i := range moves {
		if m := &moves[i]; m.changed {
			m.next.UpdatedAt = api.Time{Time: tx.now}
			putAttachment(tx, &m.next)
			slotTaken(tx, network, &m.next, m.FullGroup)
		}
	}
}

// changesOf compares the LIVE policy with the next one, over what that means for the attachments.
func changesOf(v *View, row *coreNetworkRow, next *policy.Policy, moves []relocation) []policy.Change {
	live, _ := livePolicy(v, row)
	attached := make([]policy.Associated, len(moves))
	for i := range moves {
		attached[i] = moves[i].Associated
	}
	return policy.DiffAttached(live, next, attached)
}
