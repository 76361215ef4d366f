package service

import (
	"slices"

	"portolan/api"
	"portolan/policy"
)

func decide(v *View, live *policy.Policy, row *attachmentRow) (decision policy.Decision, taken string) {
	decision = live.Associate(row.forPolicy())
	if group := decision.NetworkFunctionGroup; group != "" {
		account := parseAccount(row.CoreNetworkArn)
		below := accountKey(account, "attachment.group", row.CoreNetworkId, group) + "/"
		for _, other := range attachments.ScanIndex(v.r, below, "") {
			if other.AttachmentId != row.AttachmentId && other.claims() && other.sharesEdge(row) {
				return policy.Decision{}, group
			}
		}
	}
	return decision, ""
}

func decideAndEmit(tx *Txn, network *coreNetworkRow, live *policy.Policy, row *attachmentRow) policy.Decision {
	decision, taken := decide(tx.View, live, row)
	if taken != "" {
		slotTaken(tx, network, row, taken)
	}
	return decision
}

func (row *attachmentRow) place(d policy.Decision) {
	row.SegmentName = d.Segment
	row.NetworkFunctionGroupName = d.NetworkFunctionGroup
	row.AttachmentPolicyRuleNumber = nil
	if d.Segment != "" || d.NetworkFunctionGroup != "" {
		row.AttachmentPolicyRuleNumber = new(int32(d.RuleNumber))
	}
}

func (row *attachmentRow) isAt(d policy.Decision) bool {
	return row.SegmentName == d.Segment && row.NetworkFunctionGroupName == d.NetworkFunctionGroup
}

func (row *attachmentRow) edges() []string {
	if len(row.EdgeLocations) > 0 {
		return row.EdgeLocations
	}
	return []string{row.EdgeLocation}
}

func (row *attachmentRow) sharesEdge(other *attachmentRow) bool {
	return slices.ContainsFunc(row.edges(), func(e string) bool { return slices.Contains(other.edges(), e) })
}

var policyTypes = map[api.AttachmentType]string{
	api.AttachmentTypeVpc:                      "vpc",
	api.AttachmentTypeConnect:                  "connect",
	api.AttachmentTypeSiteToSiteVpn:            "site-to-site-vpn",
	api.AttachmentTypeDirectConnectGateway:     "direct-connect-gateway",
	api.AttachmentTypeTransitGatewayRouteTable: "transit-gateway-route-table",
}

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

func reconsider(tx *Txn, row *attachmentRow) {
	network, ok := networkOfARN(tx.View, row.CoreNetworkArn)
	if !ok {
		return
	}
	live, ok := livePolicy(tx.View, network)
	if !ok || !row.claims() || row.State == api.AttachmentStateDeleting {
		return
	}
	d := decideAndEmit(tx, network, live, row)
	if row.State == api.AttachmentStatePendingAttachmentAcceptance {
		// Not part of the network yet: whoever accepts it accepts where it would go by then.
		row.place(d)
		if !d.RequireAcceptance {
			row.State = api.AttachmentStateCreating
		}
		return
	}
	row.withdraw()
	if row.isAt(d) || !d.RequireAcceptance {
		row.place(d)
		return
	}
	row.propose(d)
	if row.State == api.AttachmentStateAvailable {
		row.State = api.AttachmentStatePendingTagAcceptance
	}
}

func (row *attachmentRow) isProposed() bool {
	return row.ProposedSegmentChange != nil || row.ProposedNetworkFunctionGroupChange != nil
}

func (row *attachmentRow) propose(d policy.Decision) {
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

func (row *attachmentRow) withdraw() {
	row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
	if row.State == api.AttachmentStatePendingTagAcceptance {
		row.State = api.AttachmentStateAvailable
	}
}

func (row *attachmentRow) claims() bool {
	return row.State != api.AttachmentStateRejected && row.State != api.AttachmentStateFailed
}
