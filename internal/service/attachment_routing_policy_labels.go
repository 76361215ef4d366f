package service

import (
	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// putAttachmentRoutingPolicyLabel labels an attachment, which is what rules for its routing policies go by.
func putAttachmentRoutingPolicyLabel(tx *state.Txn, in *api.PutAttachmentRoutingPolicyLabelInput) (*api.PutAttachmentRoutingPolicyLabelOutput, error) {
	return state.Once(tx, "PutAttachmentRoutingPolicyLabel", in.ClientToken, in, func() (*api.PutAttachmentRoutingPolicyLabelOutput, error) {
		old, err := findLabelled(tx.View, in.CoreNetworkId, in.AttachmentId, "put")
		if err != nil {
			return nil, err
		}
		setLabel(tx, old, in.RoutingPolicyLabel)
		return &api.PutAttachmentRoutingPolicyLabelOutput{
			CoreNetworkId: in.CoreNetworkId, AttachmentId: in.AttachmentId, RoutingPolicyLabel: in.RoutingPolicyLabel,
		}, nil
	})
}

// removeAttachmentRoutingPolicyLabel takes the label away and answers what it was.
func removeAttachmentRoutingPolicyLabel(tx *state.Txn, in *api.RemoveAttachmentRoutingPolicyLabelInput) (*api.RemoveAttachmentRoutingPolicyLabelOutput, error) {
	old, err := findLabelled(tx.View, in.CoreNetworkId, in.AttachmentId, "remove")
	if err != nil {
		return nil, err
	}
	if old.RoutingPolicyLabel == "" {
		return nil, api.NotFound("routing-policy-label", in.AttachmentId)
	}
	setLabel(tx, old, "")
	return &api.RemoveAttachmentRoutingPolicyLabelOutput{
		CoreNetworkId: in.CoreNetworkId, AttachmentId: in.AttachmentId, RoutingPolicyLabel: old.RoutingPolicyLabel,
	}, nil
}

// findLabelled is an attachment whose label the caller may change: the core network must be the caller's, and the attachment
// must be there to stay.
func findLabelled(v *state.View, coreNetwork, id, verb string) (*state.Attachment, error) {
	row, err := findAttachment(v, id)
	switch {
	case err != nil:
		return nil, err
	case row.CoreNetworkId != coreNetwork:
		return nil, api.NotFound("attachment", id)
	case state.AccountOf(row.CoreNetworkArn) != v.Caller.Account:
		return nil, notOwner(verb + " routing policy label")
	case row.State == api.AttachmentStateDeleting || row.State == api.AttachmentStateRejected || row.State == api.AttachmentStateFailed:
		return nil, attachmentBusy(row)
	}
	return row, nil
}

func setLabel(tx *state.Txn, old *state.Attachment, label string) {
	row := *old
	row.RoutingPolicyLabel = label
	row.UpdatedAt = tx.Time()
	if label == old.RoutingPolicyLabel || row.State != api.AttachmentStateAvailable && row.State != api.AttachmentStatePendingTagAcceptance {
		state.Attachments.Put(tx, &row)
		return
	}
	row.State = api.AttachmentStatePendingNetworkUpdate // what the label's policies do to routes takes effect
	state.Attachments.Save(tx, &row)
}

// listAttachmentRoutingPolicyAssociations lists the labelled attachments of a core network with the routing policies the
// LIVE policy gives them. They are pending as long as the attachment is not part of the network.
func listAttachmentRoutingPolicyAssociations(v *state.View, in *api.ListAttachmentRoutingPolicyAssociationsInput) (*api.ListAttachmentRoutingPolicyAssociationsOutput, error) {
	network, err := findCoreNetwork(v, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListAttachmentRoutingPolicyAssociations", in.CoreNetworkId, val(in.AttachmentId))
	if err != nil {
		return nil, err
	}
	if in.AttachmentId != nil {
		if _, ok := state.Attachments.Get(v, state.Attachments.Key(v.Caller.Account, in.CoreNetworkId, *in.AttachmentId)); !ok {
			return nil, api.NotFound("attachment", *in.AttachmentId)
		}
	}
	live, _ := v.LivePolicy(network)
	rows := state.Attachments.Rows(v, state.Attachments.In(v.Caller.Account, in.CoreNetworkId), p.After)
	if in.AttachmentId != nil {
		one := state.Attachments.Key(v.Caller.Account, in.CoreNetworkId, *in.AttachmentId)
		rows = state.Attachments.At(v, one, p.After)
	}
	keep := func(row *state.Attachment) bool { return row.RoutingPolicyLabel != "" }
	var out api.ListAttachmentRoutingPolicyAssociationsOutput
	out.AttachmentRoutingPolicyAssociations, out.NextToken = state.Page(p, rows, keep, func(row *state.Attachment) api.AttachmentRoutingPolicyAssociationSummary {
		return routingPoliciesOf(row, live)
	})
	return &out, nil
}

// routingPoliciesOf is an attachment with the routing policies of its label.
func routingPoliciesOf(row *state.Attachment, live *policy.Policy) api.AttachmentRoutingPolicyAssociationSummary {
	summary := api.AttachmentRoutingPolicyAssociationSummary{AttachmentId: row.AttachmentId, RoutingPolicyLabel: row.RoutingPolicyLabel}
	if live == nil {
		return summary
	}
	edges := []string{""}
	if row.AttachmentType == api.AttachmentTypeDirectConnectGateway {
		edges = row.EdgeLocations // a rule can be for some of them
	}
	seen := map[string]bool{}
	var names []string
	for _, edge := range edges {
		policies, _ := live.RoutingPolicies(row.RoutingPolicyLabel, edge)
		for _, p := range policies {
			if !seen[p.Name] {
				seen[p.Name] = true
				names = append(names, p.Name)
			}
		}
	}
	switch row.State {
	case api.AttachmentStateAvailable, api.AttachmentStatePendingTagAcceptance:
		summary.AssociatedRoutingPolicies = names
	default:
		summary.PendingRoutingPolicies = names
	}
	return summary
}
