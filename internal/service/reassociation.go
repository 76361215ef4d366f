package service

import (
	"slices"

	"portolan/api"
	"portolan/policy"
)

// relocation is an attachment before and after a policy looked at it anew. Its change set and its execution both go by
// it, so that what is shown is what happens.
type relocation struct {
	old     *attachmentRow
	next    attachmentRow
	changed bool
	taken   string // the network function group it would be in, were its place not taken
}

// relocate works out what becomes of every attachment of a core network when the policy goes LIVE. Who executes it owns
// the core network, so an attachment moves at once. Tags that nobody has accepted yet stay what they are: a proposal, for
// where the new policy would have them.
//
// A network function group takes one attachment per edge. Those that are in it stay in it; what is left goes to the
// oldest of the others, and the rest is not associated.
func relocate(v *View, network *coreNetworkRow, p *policy.Policy) []relocation {
	var rows []*attachmentRow
	var decisions []policy.Decision
	taken := map[[2]string]bool{} // group and edge
	take := func(group string, edges []string) {
		for _, e := range edges {
			taken[[2]string{group, e}] = true
		}
	}
	for _, row := range attachments.Scan(v.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		if !row.claims() {
			continue
		}
		if row.State == api.AttachmentStateDeleting {
			take(row.NetworkFunctionGroupName, row.edges())
			continue
		}
		a := row.forPolicy()
		d := p.Decide(&a)
		group := row.NetworkFunctionGroupName
		waits := row.isProposed() && d.RequireAcceptance && !row.isAt(d) && existsIn(p, row)
		if group != "" && (waits || group == d.NetworkFunctionGroup) {
			take(group, row.edges())
		}
		rows, decisions = append(rows, row), append(decisions, d)
	}
	moves := make([]relocation, len(rows))
	for i, row := range rows {
		d, crowded := decisions[i], ""
		if group := d.NetworkFunctionGroup; group != "" && group != row.NetworkFunctionGroupName {
			if slices.ContainsFunc(row.edges(), func(e string) bool { return taken[[2]string{group, e}] }) {
				d, crowded = policy.Decision{}, group
			} else {
				take(group, row.edges())
			}
		}
		next, changed := row.under(p, d)
		moves[i] = relocation{row, next, changed, crowded}
	}
	return moves
}

// under is the attachment after a policy has gone LIVE that decides so about it, and whether that differs.
func (row *attachmentRow) under(p *policy.Policy, d policy.Decision) (attachmentRow, bool) {
	next := *row
	switch {
	case row.isProposed() && d.RequireAcceptance && !row.isAt(d):
		next.propose(d)
		if !existsIn(p, row) {
			next.place(policy.Decision{})
		}
	case row.isAt(d) && val(row.AttachmentPolicyRuleNumber) == int32(d.RuleNumber) && !row.isProposed():
		return next, false
	default:
		next.withdraw()
		next.place(d)
	}
	return next, true
}

// existsIn tells whether where an attachment is still exists.
func existsIn(p *policy.Policy, row *attachmentRow) bool {
	return (row.SegmentName == "" || p.Segment(row.SegmentName) != nil) &&
		(row.NetworkFunctionGroupName == "" || p.NetworkFunctionGroup(row.NetworkFunctionGroupName) != nil)
}

// moveAttachments makes relocations happen.
func moveAttachments(tx *Txn, network *coreNetworkRow, moves []relocation) {
	for i := range moves {
		if m := &moves[i]; m.changed {
			m.next.UpdatedAt = api.Time{Time: tx.now}
			putAttachment(tx, &m.next)
			if m.taken != "" {
				slotTaken(tx, network, &m.next, m.taken)
			}
		}
	}
}

// forDiff is the attachments as a difference of two policies wants them.
func forDiff(moves []relocation) []policy.PlacedAttachment {
	list := make([]policy.PlacedAttachment, len(moves))
	for i := range moves {
		m := &moves[i]
		list[i] = policy.PlacedAttachment{
			ID: m.old.AttachmentId, Type: policyTypes[m.old.AttachmentType], Edges: m.old.edges(), Label: m.old.RoutingPolicyLabel,
			Segment: m.old.SegmentName, Group: m.old.NetworkFunctionGroupName,
			NextSegment: m.next.SegmentName, NextGroup: m.next.NetworkFunctionGroupName,
		}
	}
	return list
}
