package state

import (
	"slices"

	"portolan/api"
	"portolan/policy"
)

// policyTypes is what attachment policies call the types.
var policyTypes = map[api.AttachmentType]string{
	api.AttachmentTypeVpc:                      policy.TypeVPC,
	api.AttachmentTypeConnect:                  policy.TypeConnect,
	api.AttachmentTypeSiteToSiteVpn:            policy.TypeSiteToSiteVPN,
	api.AttachmentTypeDirectConnectGateway:     policy.TypeDirectConnectGateway,
	api.AttachmentTypeTransitGatewayRouteTable: policy.TypeTransitGatewayRouteTable,
}

// PolicyType is what attachment policies call the type of an attachment.
func PolicyType(t api.AttachmentType) string { return policyTypes[t] }

// AttachmentType is the type that attachment policies call so, "" for none.
func AttachmentType(policyType string) api.AttachmentType {
	for t, name := range policyTypes {
		if name == policyType {
			return t
		}
	}
	return ""
}

// ForPolicy is the attachment as attachment policies see it.
func (r *Attachment) ForPolicy() policy.Attachment {
	resource, _ := ParseARN(r.ResourceArn)
	return policy.Attachment{
		ID:         r.AttachmentId,
		Type:       PolicyType(r.AttachmentType),
		Edges:      r.Edges(),
		Account:    r.OwnerAccountId,
		ResourceID: resource.ID(),
		Tags:       r.Tags.Map(),
	}
}

// Map is the tags by key.
func (t Tags) Map() map[string]string {
	m := make(map[string]string, len(t))
	for i := range t {
		key, value := "", ""
		if t[i].Key != nil {
			key = *t[i].Key
		}
		if t[i].Value != nil {
			value = *t[i].Value
		}
		m[key] = value
	}
	return m
}

// Attached is the attachment as a policy decides about it. asks says that a move of it waits for acceptance where the
// policy requires that.
func (r *Attachment) Attached(asks bool) policy.Attached {
	return policy.Attached{
		Attachment: r.ForPolicy(), Label: r.RoutingPolicyLabel, At: r.Association(), Asks: asks,
		Fixed: r.State == api.AttachmentStateDeleting, Out: !r.IsLive(),
	}
}

// Association is where the attachment is, or, as long as it has not been accepted, where it would be.
func (r *Attachment) Association() policy.Association {
	return policy.Association{Segment: r.SegmentName, NetworkFunctionGroup: r.NetworkFunctionGroupName, RuleNumber: ruleNumber(r.AttachmentPolicyRuleNumber)}
}

func ruleNumber(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// Proposal is where the attachment is to be once that is accepted; nil when nothing waits.
func (r *Attachment) Proposal() *policy.Association {
	if c := r.ProposedNetworkFunctionGroupChange; c != nil {
		return &policy.Association{NetworkFunctionGroup: c.NetworkFunctionGroupName, RuleNumber: ruleNumber(c.AttachmentPolicyRuleNumber)}
	}
	if c := r.ProposedSegmentChange; c != nil {
		return &policy.Association{Segment: c.SegmentName, RuleNumber: ruleNumber(c.AttachmentPolicyRuleNumber)}
	}
	return nil
}

// IsProposed says whether a move of the attachment waits for acceptance.
func (r *Attachment) IsProposed() bool { return r.Proposal() != nil }

// Place sets where the attachment is.
func (r *Attachment) Place(a policy.Association) {
	r.SegmentName = a.Segment
	r.NetworkFunctionGroupName = a.NetworkFunctionGroup
	r.AttachmentPolicyRuleNumber = nil
	if a != (policy.Association{}) {
		r.AttachmentPolicyRuleNumber = new(int32(a.RuleNumber))
	}
}

// Propose shows where the attachment's tags would have it.
func (r *Attachment) Propose(a policy.Association) {
	r.ProposedSegmentChange, r.ProposedNetworkFunctionGroupChange = nil, nil
	number := new(int32(a.RuleNumber))
	if a.NetworkFunctionGroup != "" {
		r.ProposedNetworkFunctionGroupChange = &ProposedNetworkFunctionGroupChange{
			Tags: r.Tags, AttachmentPolicyRuleNumber: number, NetworkFunctionGroupName: a.NetworkFunctionGroup,
		}
		return
	}
	r.ProposedSegmentChange = &ProposedSegmentChange{Tags: r.Tags, AttachmentPolicyRuleNumber: number, SegmentName: a.Segment}
}

// Withdraw takes a proposal back.
func (r *Attachment) Withdraw() {
	r.ProposedSegmentChange, r.ProposedNetworkFunctionGroupChange = nil, nil
	if r.State == api.AttachmentStatePendingTagAcceptance {
		r.State = api.AttachmentStateAvailable
	}
}

// Follow does to the attachment what a policy decided, and says whether that changed it. A move of one that is AVAILABLE
// takes until the network has been updated.
func (r *Attachment) Follow(a *policy.Associated) bool {
	if a.Fixed || a.Out || a.Proposal == nil && !r.IsProposed() && a.Next == r.Association() {
		return false
	}
	from := r.Association()
	r.Withdraw()
	r.Place(a.Next)
	if a.Proposal != nil {
		r.Propose(*a.Proposal)
	}
	switch moved := from.Segment != a.Next.Segment || from.NetworkFunctionGroup != a.Next.NetworkFunctionGroup; {
	case r.State != api.AttachmentStateAvailable:
	case moved:
		r.State = api.AttachmentStatePendingNetworkUpdate
	case a.Proposal != nil:
		r.State = api.AttachmentStatePendingTagAcceptance
	}
	return true
}

// ByAge are the attachments of a core network, the oldest first. Ids grow with time, except those that came with a
// snapshot.
func (t *attachments) ByAge(v *View, network *CoreNetwork) []*Attachment {
	var rows []*Attachment
	for _, row := range t.Rows(v, t.In(network.OwnerAccountId, network.CoreNetworkId), "") {
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b *Attachment) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	return rows
}
