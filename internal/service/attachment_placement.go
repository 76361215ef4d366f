package service

import (
	"portolan/api"
	"portolan/policy"
)

// associate asks the LIVE policy where one attachment is to be; the others stay where they are. asks says that a move waits
// for acceptance where the policy requires that.
func associate(v *View, network *coreNetworkRow, live *policy.Policy, row *attachmentRow, asks bool) policy.Associated {
	var list []policy.Attached
	asked := row.attached(asks)
	if group := live.Decide(&asked.Attachment).NetworkFunctionGroup; group != "" {
		for _, other := range attachments.ScanIndex(v.r, accountKey(network.OwnerAccountId, "attachment.group", network.CoreNetworkId, group)+"/", "") {
			if other.AttachmentId != row.AttachmentId {
				stays := other.attached(false)
				stays.Fixed = true
				list = append(list, stays)
			}
		}
	}
	return live.AssociateAll(append(list, asked))[len(list)]
}

// place sets where the attachment is.
func (row *attachmentRow) place(a policy.Association) {
	row.SegmentName = a.Segment
	row.NetworkFunctionGroupName = a.NetworkFunctionGroup
	row.AttachmentPolicyRuleNumber = nil
	if a != (policy.Association{}) {
		row.AttachmentPolicyRuleNumber = new(int32(a.RuleNumber))
	}
}

// edges are the locations of the attachment: one, or several for a Direct Connect gateway.
func (row *attachmentRow) edges() []string {
	if len(row.EdgeLocations) > 0 {
		return row.EdgeLocations
	}
	return []string{row.EdgeLocation}
}

// policyTypes is what attachment policies call the types.
var policyTypes = map[api.AttachmentType]string{
	api.AttachmentTypeVpc:                      "vpc",
	api.AttachmentTypeConnect:                  "connect",
	api.AttachmentTypeSiteToSiteVpn:            "site-to-site-vpn",
	api.AttachmentTypeDirectConnectGateway:     "direct-connect-gateway",
	api.AttachmentTypeTransitGatewayRouteTable: "transit-gateway-route-table",
}

// forPolicy is the attachment as attachment policies see it.
func (row *attachmentRow) forPolicy() policy.Attachment {
	resource, _ := parseARN(row.ResourceArn)
	return policy.Attachment{
		ID:         row.AttachmentId,
		Type:       policyTypes[row.AttachmentType],
		Edges:      row.edges(),
		Account:    row.OwnerAccountId,
		ResourceID: resource.id(),
		Tags:       tagMap(row.Tags),
	}
}

// placements are the attachments and the peerings of a core network by the edges they would be orphaned from.
func placements(v *View, network *coreNetworkRow) []policy.Placement {
	var placed []policy.Placement
	for _, row := range attachments.Scan(v.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		placed = append(placed, policy.Placement{AttachmentID: row.AttachmentId, Edges: row.edges()})
	}
	for _, row := range peerings.Scan(v.r, accountKey(network.OwnerAccountId, "peering", network.CoreNetworkId)+"/", "") {
		placed = append(placed, policy.Placement{AttachmentID: row.PeeringId, Edges: []string{row.EdgeLocation}})
	}
	return placed
}

// checkReferences finds what a document names that the core network does not have: attachments that static routes lead to,
// aliases of prefix lists. AWS finds them while it generates the change set.
func checkReferences(v *View, network *coreNetworkRow, document string) policy.Errors {
	doc, errs := policy.Parse([]byte(document))
	if len(errs) > 0 {
		return errs
	}
	var targets []policy.Target
	for _, row := range attachments.Scan(v.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		a := row.forPolicy()
		targets = append(targets, policy.Target{AttachmentID: a.ID, Type: a.Type, Edges: a.Edges})
	}
	return append(policy.CheckDestinations(doc, targets), policy.CheckPrefixLists(doc, prefixListAliases(v, network))...)
}

// retag gives an attachment other tags and follows them.
func retag(tx *Txn, old *attachmentRow, tags []api.Tag) {
	row := *old
	row.Tags = tags
	row.UpdatedAt = api.Time{Time: tx.now}
	reconsider(tx, &row)
	if row.State == old.State {
		// The state goes on as it was: its end is not put off.
		putAttachment(tx, &row)
		return
	}
	saveAttachment(tx, &row)
}

// reconsider asks the LIVE policy again where an attachment belongs that has changed. It moves at once where acceptance is
// not required, and stays with a proposal where it is; on its way it arrives first, then the proposal is shown.
func reconsider(tx *Txn, row *attachmentRow) {
	network, ok := networkOfARN(tx.View, row.CoreNetworkArn)
	if !ok {
		return
	}
	live, ok := livePolicy(tx.View, network)
	if !ok || !row.claims() || row.State == api.AttachmentStateDeleting {
		return
	}
	// One that is not part of the network yet: whoever accepts it accepts where it would go by then.
	waits := row.State == api.AttachmentStatePendingAttachmentAcceptance
	a := associate(tx.View, network, live, row, !waits)
	row.follow(&a)
	if waits && !a.RequireAcceptance {
		row.State = api.AttachmentStateCreating
	}
	slotTaken(tx, network, row, a.FullGroup)
}

// isProposed says whether a move of the attachment waits for acceptance.
func (row *attachmentRow) isProposed() bool {
	return row.ProposedSegmentChange != nil || row.ProposedNetworkFunctionGroupChange != nil
}

// propose shows where the attachment's tags would have it.
func (row *attachmentRow) propose(d policy.Association) {
	row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
	number := new(int32(d.RuleNumber))
	if d.NetworkFunctionGroup != "" {
		row.ProposedNetworkFunctionGroupChange = &api.ProposedNetworkFunctionGroupChange{
			Tags: row.Tags, AttachmentPolicyRuleNumber: number, NetworkFunctionGroupName: d.NetworkFunctionGroup,
		}
		return
	}
	row.ProposedSegmentChange = &api.ProposedSegmentChange{Tags: row.Tags, AttachmentPolicyRuleNumber: number, SegmentName: d.Segment}
}

// withdraw takes a proposal back.
func (row *attachmentRow) withdraw() {
	row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
	if row.State == api.AttachmentStatePendingTagAcceptance {
		row.State = api.AttachmentStateAvailable
	}
}

// claims tells whether an attachment takes the place it has and the resource it is for.
func (row *attachmentRow) claims() bool {
	return row.State != api.AttachmentStateRejected && row.State != api.AttachmentStateFailed
}
