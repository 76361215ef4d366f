package service

import (
	"portolan/internal/state"
	"portolan/policy"
)

// relocation is an attachment before and after a policy decided about it. The change set and the execution of a version
// both go by it, so that what is shown is what happens.
type relocation struct {
	old     *state.Attachment
	next    state.Attachment
	changed bool
	policy.Associated
}

// relocate works out where every attachment of a core network is once the policy is LIVE. Who executes it owns the core
// network, so an attachment moves at once. Tags that nobody has accepted yet stay what they are: a proposal, for where
// the new policy would have them.
func relocate(v *state.View, network *state.CoreNetwork, p *policy.Policy) []relocation {
	rows := state.Attachments.ByAge(v, network)
	attached := make([]policy.Attached, len(rows))
	for i, row := range rows {
		attached[i] = row.Attached(row.IsProposed())
	}
	moves := make([]relocation, len(rows))
	for i, found := range p.AssociateAll(attached) {
		next := *rows[i]
		moves[i] = relocation{rows[i], next, next.Follow(&found), found}
	}
	return moves
}

// moveAttachments makes relocations happen.
func moveAttachments(tx *state.Txn, network *state.CoreNetwork, moves []relocation) {
	for i := range moves {
		if m := &moves[i]; m.changed {
			m.next.UpdatedAt = tx.Time()
			if m.next.State == m.old.State {
				state.Attachments.Put(tx, &m.next) // its state goes on as it was: its end is not put off
			} else {
				state.Attachments.Save(tx, &m.next)
			}
			tx.SlotTaken(network, &m.next, m.FullGroup)
		}
	}
}

// changesOf compares the LIVE policy with the next one, over what that means for the attachments.
func changesOf(v *state.View, row *state.CoreNetwork, next *policy.Policy, moves []relocation) []policy.Change {
	live, _ := v.LivePolicy(row)
	attached := make([]policy.Associated, len(moves))
	for i := range moves {
		attached[i] = moves[i].Associated
	}
	return policy.DiffAttached(live, next, attached)
}
