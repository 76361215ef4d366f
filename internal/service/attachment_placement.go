package service

import (
	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// associate asks the LIVE policy where one attachment is to be; the others stay where they are. asks says that a move waits
// for acceptance where the policy requires that.
func associate(v *state.View, network *state.CoreNetwork, live *policy.Policy, row *state.Attachment, asks bool) policy.Associated {
	var list []policy.Attached
	asked := row.Attached(asks)
	if group := live.Decide(&asked.Attachment).NetworkFunctionGroup; group != "" {
		for _, other := range state.Attachments.Rows(v, state.Attachments.InGroup(network.OwnerAccountId, network.CoreNetworkId, group), "") {
			if other.AttachmentId != row.AttachmentId {
				stays := other.Attached(false)
				stays.Fixed = true
				list = append(list, stays)
			}
		}
	}
	return live.AssociateAll(append(list, asked))[len(list)]
}

// checkReferences finds what a document names that the core network does not have: attachments that static routes lead to,
// aliases of prefix lists. AWS finds them while it generates the change set.
func checkReferences(v *state.View, network *state.CoreNetwork, document *state.Document) policy.Errors {
	if len(document.Errors) > 0 {
		return document.Errors
	}
	var targets []policy.Target
	for _, id := range policy.Destinations(document.Parsed) {
		row, ok := state.Attachments.Get(v, state.Attachments.Key(network.OwnerAccountId, network.CoreNetworkId, id))
		if !ok {
			continue
		}
		a := row.ForPolicy()
		targets = append(targets, policy.Target{AttachmentID: a.ID, Type: a.Type, Edges: a.Edges})
	}
	return append(policy.CheckDestinations(document.Parsed, targets), policy.CheckPrefixLists(document.Parsed, prefixListAliases(v, network))...)
}

// retag gives an attachment other tags and follows them.
func retag(tx *state.Txn, old *state.Attachment, tags []api.Tag) {
	row := *old
	row.Tags = tags
	row.UpdatedAt = tx.Time()
	reconsider(tx, &row)
	if row.State == old.State {
		// The state goes on as it was: its end is not put off.
		state.Attachments.Put(tx, &row)
		return
	}
	state.Attachments.Save(tx, &row)
}

// reconsider asks the LIVE policy again where an attachment belongs that has changed. It moves at once where acceptance is
// not required, and stays with a proposal where it is; on its way it arrives first, then the proposal is shown.
func reconsider(tx *state.Txn, row *state.Attachment) {
	network, ok := state.CoreNetworks.ByARN(tx.View, row.CoreNetworkArn)
	if !ok {
		return
	}
	live, ok := tx.LivePolicy(network)
	if !ok || !row.IsLive() || row.State == api.AttachmentStateDeleting {
		return
	}
	// One that is not part of the network yet: whoever accepts it accepts where it would go by then.
	waits := row.State == api.AttachmentStatePendingAttachmentAcceptance
	a := associate(tx.View, network, live, row, !waits)
	row.Follow(&a)
	if waits && !a.RequireAcceptance {
		beginCreation(row)
	}
	tx.SlotTaken(network, row, a.FullGroup)
}
