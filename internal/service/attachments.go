package service

import (
	"context"
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
}

// attachment is an attachment to a core network of the caller's account.
func (v *view) attachment(id string) (*attachmentRow, error) {
	row, ok := byID(v.r, attachments, id)
	if !ok || parseAccount(row.AttachmentArn()) != v.caller.Account {
		return nil, api.NotFound("attachment", id)
	}
	return row, nil
}

// attachmentOf is the attachment if it is of the type.
func (v *view) attachmentOf(id string, kind api.AttachmentType) (*attachmentRow, error) {
	row, err := v.attachment(id)
	if err == nil && row.AttachmentType != kind {
		return nil, api.NotFound("attachment", id)
	}
	return row, err
}

// liveNetwork is a core network that takes attachments: AVAILABLE, with a LIVE policy. An attachment that finds it
// otherwise is told with AWS's sentence.
func (v *view) liveNetwork(id string) (*coreNetworkRow, *policy.Policy, error) {
	row, err := v.coreNetwork(id)
	if err != nil {
		return nil, nil, err
	}
	live, ok := v.livePolicy(row)
	if !ok || row.State != api.CoreNetworkStateAvailable {
		return nil, nil, api.BrokenRule("Core network state is invalid. core network id: " + id)
	}
	return row, live, nil
}

// edgeOf refuses a Region that the LIVE policy has no edge in.
func edgeOf(network *coreNetworkRow, location string) error {
	if _, ok := network.edge(location); !ok {
		return api.BrokenRule("Core Network edge location (" + location + ") not available.")
	}
	return nil
}

// attach stores a new attachment: the LIVE policy says where it belongs and whether somebody must accept it first.
func (tx *txn) attach(network *coreNetworkRow, live *policy.Policy, row *attachmentRow) error {
	if err := tx.fits(quotaAttachments, "attachment", network.CoreNetworkId, tx.key("attachment.count", network.CoreNetworkId)); err != nil {
		return err
	}
	row.AttachmentId = tx.ids.next("attachment")
	row.CoreNetworkId = network.CoreNetworkId
	row.CoreNetworkArn = network.CoreNetworkArn
	row.OwnerAccountId = tx.caller.Account
	row.CreatedAt = api.Time{Time: tx.now}
	row.UpdatedAt = row.CreatedAt
	decision := tx.decide(live, row)
	row.place(decision)
	row.State = api.AttachmentStateCreating
	if decision.RequireAcceptance {
		row.State = api.AttachmentStatePendingAttachmentAcceptance
	}
	tx.saveAttachment(row)
	return nil
}

func (tx *txn) saveAttachment(row *attachmentRow) {
	save(tx.lc, lifecycle.Attachment, attachments, attachmentKey(row), row, string(row.State))
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

// decide asks the policy where an attachment belongs. A network function group takes one attachment per edge: the place
// belongs to whoever has it, and a later one stays unassociated.
func (v *view) decide(live *policy.Policy, row *attachmentRow) policy.Decision {
	decision := live.Associate(row.forPolicy())
	if group := decision.NetworkFunctionGroup; group != "" {
		account := parseAccount(row.CoreNetworkArn)
		below := accountKey(account, "attachment.group", row.CoreNetworkId, group) + "/"
		for _, other := range attachments.ScanIndex(v.r, below, "") {
			if other.AttachmentId != row.AttachmentId && other.State != api.AttachmentStateRejected && other.sharesEdge(row) {
				return policy.Decision{}
			}
		}
	}
	return decision
}

// place sets where the attachment is associated.
func (row *attachmentRow) place(d policy.Decision) {
	row.SegmentName = d.Segment
	row.NetworkFunctionGroupName = d.NetworkFunctionGroup
	row.AttachmentPolicyRuleNumber = nil
	if d.Segment != "" || d.NetworkFunctionGroup != "" {
		row.AttachmentPolicyRuleNumber = new(int32(d.RuleNumber))
	}
}

// isAt tells whether the attachment is where the decision puts it.
func (row *attachmentRow) isAt(d policy.Decision) bool {
	return row.SegmentName == d.Segment && row.NetworkFunctionGroupName == d.NetworkFunctionGroup
}

// edges are the locations of the attachment: one, or several for a Direct Connect gateway.
func (row *attachmentRow) edges() []string {
	if len(row.EdgeLocations) > 0 {
		return row.EdgeLocations
	}
	return []string{row.EdgeLocation}
}

func (row *attachmentRow) sharesEdge(other *attachmentRow) bool {
	return slices.ContainsFunc(row.edges(), func(e string) bool { return slices.Contains(other.edges(), e) })
}

// forPolicy is the attachment as attachment policies see it.
func (row *attachmentRow) forPolicy() policy.Attachment {
	types := map[api.AttachmentType]string{
		api.AttachmentTypeVpc:                      "vpc",
		api.AttachmentTypeConnect:                  "connect",
		api.AttachmentTypeSiteToSiteVpn:            "site-to-site-vpn",
		api.AttachmentTypeDirectConnectGateway:     "direct-connect-gateway",
		api.AttachmentTypeTransitGatewayRouteTable: "transit-gateway-route-table",
	}
	resource, _ := parseARN(row.ResourceArn)
	return policy.Attachment{
		ID:         row.AttachmentId,
		Type:       types[row.AttachmentType],
		Edges:      row.edges(),
		Account:    row.OwnerAccountId,
		ResourceID: resource.id(),
		Tags:       tagMap(row.Tags),
	}
}

// placements are the attachments of a core network by the edges they would be orphaned from.
func (v *view) placements(network *coreNetworkRow) []policy.Placement {
	var placed []policy.Placement
	for _, row := range attachments.Scan(v.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		placed = append(placed, policy.Placement{AttachmentID: row.AttachmentId, Edges: row.edges()})
	}
	return placed
}

// reassociate looks at every attachment anew under a policy that has just gone LIVE. Who executes the policy owns the
// core network, so an attachment moves at once; acceptance is asked for on tag changes only.
func (tx *txn) reassociate(network *coreNetworkRow, live *policy.Policy) error {
	var rows []*attachmentRow
	for _, row := range attachments.Scan(tx.r, accountKey(network.OwnerAccountId, "attachment", network.CoreNetworkId)+"/", "") {
		if row.State != api.AttachmentStateDeleting && row.State != api.AttachmentStateRejected && row.State != api.AttachmentStateFailed {
			rows = append(rows, row)
		}
	}
	for _, old := range rows {
		row := *old
		decision := tx.decide(live, &row)
		number := val(row.AttachmentPolicyRuleNumber)
		proposed := row.ProposedSegmentChange != nil || row.ProposedNetworkFunctionGroupChange != nil
		if row.isAt(decision) && number == int32(decision.RuleNumber) && !proposed {
			continue
		}
		row.place(decision)
		row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
		if row.State == api.AttachmentStatePendingTagAcceptance {
			row.State = api.AttachmentStateAvailable
		}
		row.UpdatedAt = api.Time{Time: tx.now}
		attachments.Put(tx.w, attachmentKey(&row), &row)
	}
	return nil
}

// retag gives an attachment other tags and follows them: at once where nobody needs to accept, as a proposal where the
// target does.
func (tx *txn) retag(old *attachmentRow, tags []api.Tag) {
	row := *old
	row.Tags = tags
	row.UpdatedAt = api.Time{Time: tx.now}
	network, err := tx.coreNetwork(row.CoreNetworkId)
	live, ok := (*policy.Policy)(nil), false
	if err == nil {
		live, ok = tx.livePolicy(network)
	}
	settled := row.State == api.AttachmentStateAvailable || row.State == api.AttachmentStatePendingTagAcceptance ||
		row.State == api.AttachmentStateUpdating || row.State == api.AttachmentStatePendingNetworkUpdate || row.State == api.AttachmentStateCreating
	switch waiting := row.State == api.AttachmentStatePendingAttachmentAcceptance; {
	case ok && waiting:
		// Not part of the network yet: whoever accepts it accepts where it would go by then.
		d := tx.decide(live, &row)
		row.place(d)
		if !d.RequireAcceptance {
			row.State = api.AttachmentStateCreating
		}
	case ok && settled:
		d := tx.decide(live, &row)
		row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
		switch {
		case row.isAt(d) || !d.RequireAcceptance:
			row.place(d)
			if row.State == api.AttachmentStatePendingTagAcceptance {
				row.State = api.AttachmentStateAvailable
			}
		case d.NetworkFunctionGroup != "":
			row.ProposedNetworkFunctionGroupChange = &api.ProposedNetworkFunctionGroupChange{
				Tags: tags, AttachmentPolicyRuleNumber: new(int32(d.RuleNumber)), NetworkFunctionGroupName: d.NetworkFunctionGroup,
			}
			row.State = api.AttachmentStatePendingTagAcceptance
		default:
			row.ProposedSegmentChange = &api.ProposedSegmentChange{
				Tags: tags, AttachmentPolicyRuleNumber: new(int32(d.RuleNumber)), SegmentName: d.Segment,
			}
			row.State = api.AttachmentStatePendingTagAcceptance
		}
	}
	tx.saveAttachment(&row)
}

// ListAttachments lists the attachments of the caller, of one core network or all, by type, edge and state.
func (s *Service) ListAttachments(ctx context.Context, in *api.ListAttachmentsInput) (*api.ListAttachmentsOutput, error) {
	return read(ctx, s, func(v *view) (*api.ListAttachmentsOutput, error) {
		p, err := v.newPager(in.MaxResults, in.NextToken, "ListAttachments", val(in.CoreNetworkId), string(val(in.AttachmentType)),
			val(in.EdgeLocation), string(val(in.State)))
		if err != nil {
			return nil, err
		}
		prefix := v.prefix("attachment")
		if in.CoreNetworkId != nil {
			prefix = v.prefix("attachment", *in.CoreNetworkId)
		}
		var rows iter.Seq2[string, *attachmentRow] = attachments.Scan(v.r, prefix, p.after)
		keep := func(row *attachmentRow) bool {
			return (in.AttachmentType == nil || row.AttachmentType == *in.AttachmentType) &&
				(in.State == nil || row.State == *in.State) &&
				(in.EdgeLocation == nil || slices.Contains(row.edges(), *in.EdgeLocation))
		}
		var out api.ListAttachmentsOutput
		out.Attachments, out.NextToken = page(p, rows, keep, func(row *attachmentRow) api.Attachment { return row.Attachment })
		return &out, nil
	})
}

// AcceptAttachment lets an attachment that waits for it in, or a proposed change of its place happen.
func (s *Service) AcceptAttachment(ctx context.Context, in *api.AcceptAttachmentInput) (*api.AcceptAttachmentOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.AcceptAttachmentOutput, error) {
		old, err := tx.attachment(in.AttachmentId)
		if err != nil {
			return nil, err
		}
		row := *old
		switch row.State {
		case api.AttachmentStatePendingAttachmentAcceptance:
			row.State = api.AttachmentStateCreating
		case api.AttachmentStatePendingTagAcceptance:
			row.acceptProposal()
			row.State = api.AttachmentStateUpdating
		default:
			return nil, attachmentBusy(old)
		}
		row.UpdatedAt = api.Time{Time: tx.now}
		tx.saveAttachment(&row)
		return &api.AcceptAttachmentOutput{Attachment: &row.Attachment}, nil
	})
}

func (row *attachmentRow) acceptProposal() {
	var d policy.Decision
	if p := row.ProposedSegmentChange; p != nil {
		d.Segment, d.RuleNumber = p.SegmentName, int(val(p.AttachmentPolicyRuleNumber))
	}
	if p := row.ProposedNetworkFunctionGroupChange; p != nil {
		d.NetworkFunctionGroup, d.RuleNumber = p.NetworkFunctionGroupName, int(val(p.AttachmentPolicyRuleNumber))
	}
	row.place(d)
	row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
}

// RejectAttachment keeps an attachment out for good, or a proposed change of its place from happening.
func (s *Service) RejectAttachment(ctx context.Context, in *api.RejectAttachmentInput) (*api.RejectAttachmentOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.RejectAttachmentOutput, error) {
		old, err := tx.attachment(in.AttachmentId)
		if err != nil {
			return nil, err
		}
		row := *old
		switch row.State {
		case api.AttachmentStatePendingAttachmentAcceptance:
			row.State = api.AttachmentStateRejected
		case api.AttachmentStatePendingTagAcceptance:
			row.ProposedSegmentChange, row.ProposedNetworkFunctionGroupChange = nil, nil
			row.State = api.AttachmentStateAvailable
		default:
			return nil, attachmentBusy(old)
		}
		row.UpdatedAt = api.Time{Time: tx.now}
		tx.saveAttachment(&row)
		return &api.RejectAttachmentOutput{Attachment: &row.Attachment}, nil
	})
}

// DeleteAttachment detaches. One that waits for acceptance must be rejected first, one on its way must arrive, and one
// that carries others must be left by them.
func (s *Service) DeleteAttachment(ctx context.Context, in *api.DeleteAttachmentInput) (*api.DeleteAttachmentOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteAttachmentOutput, error) {
		old, err := tx.attachment(in.AttachmentId)
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
		row.State = api.AttachmentStateDeleting
		row.UpdatedAt = api.Time{Time: tx.now}
		tx.saveAttachment(&row)
		return &api.DeleteAttachmentOutput{Attachment: &row.Attachment}, nil
	})
}

func attachmentBusy(row *attachmentRow) error {
	return api.Conflict("attachment", row.AttachmentId, "Attachment state is invalid: "+string(row.State)+".")
}

// moveAttachment takes the next step of an attachment.
func (s *Service) moveAttachment(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := attachments.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.Attachment, e.From)
	if step.Next == lifecycle.Gone {
		attachments.Delete(lc.Txn, e.Key)
		return nil
	}
	row := *old
	row.State = api.AttachmentState(step.Next)
	if row.State == api.AttachmentStateAvailable && (row.ProposedSegmentChange != nil || row.ProposedNetworkFunctionGroupChange != nil) {
		row.State = api.AttachmentStatePendingTagAcceptance // tags changed on the way
	}
	save(lc, lifecycle.Attachment, attachments, e.Key, &row, string(row.State))
	return nil
}
