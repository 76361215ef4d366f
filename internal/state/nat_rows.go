package state

import (
	"slices"

	"portolan/api"
)

// NAT is the 1:1 NAT of an attachment: the rules with their states, and what of them is in force.
type NAT struct {
	Support api.NatGatewaySupportState `json:"Support,omitzero"`

	// SystemRoutes tells whether the core network installs routes for the NatCidrs. Always true for VPC, always false for
	// CONNECT attachments.
	SystemRoutes bool `json:"SystemRoutes,omitzero"`

	Rules []NATRule `json:"Rules,omitzero"` // ascending by RuleNumber

	// InForce are the rules that routes and packets follow now; none while NAT is off. They change in one move, when the
	// attachment's change ends.
	InForce             []NATRule `json:"InForce,omitzero"`
	SystemRoutesInForce bool      `json:"SystemRoutesInForce,omitzero"`

	// Before is the configuration that a change which fails goes back to; nil where there is no change under way.
	Before *NAT `json:"Before,omitzero"`
}

// NATRule is one rule of a NAT configuration.
type NATRule struct {
	RuleNumber int32            `json:"RuleNumber,omitzero"`
	State      api.NatRuleState `json:"State,omitzero"`
	NATMapping `json:",inline"`
}

// NATMapping translates addresses of one IPv4 prefix into those of another of the same length.
type NATMapping struct {
	MatchSourceCidr string `json:"MatchSourceCidr,omitzero"`
	NatCidr         string `json:"NatCidr,omitzero"`
}

// SupportsNAT tells whether attachments of the type can have NAT.
func SupportsNAT(kind api.AttachmentType) bool {
	return kind != api.AttachmentTypeTransitGatewayRouteTable
}

// NATOf is the NAT configuration of an attachment, also of one that was never given any. It is a copy that may be changed.
func NATOf(row *Attachment) NAT {
	if row.NAT != nil {
		n := *row.NAT
		n.Rules = slices.Clone(n.Rules)
		return n
	}
	return NAT{Support: api.NatGatewaySupportStateDisabled, SystemRoutes: row.AttachmentType != api.AttachmentTypeConnect}
}

// natSupport is the state of an attachment's NAT, "" where the type has none.
func (r *Attachment) natSupport() api.NatGatewaySupportState {
	if !SupportsNAT(r.AttachmentType) {
		return ""
	}
	if r.NAT == nil {
		return api.NatGatewaySupportStateDisabled
	}
	return r.NAT.Support
}

// NATConfiguration is the NAT of an attachment as the API shows it.
func (r *Attachment) NATConfiguration() api.AttachmentNatConfiguration {
	n := NATOf(r)
	out := api.AttachmentNatConfiguration{
		AttachmentId:          r.AttachmentId,
		NatGatewaySupport:     n.Support,
		NatSystemRouteSupport: &n.SystemRoutes,
		NatGatewayRules:       make([]api.NatRule, len(n.Rules)),
	}
	for i, rule := range n.Rules {
		out.NatGatewayRules[i] = api.NatRule{
			RuleNumber: new(rule.RuleNumber), MatchSourceCidr: rule.MatchSourceCidr, NatCidr: rule.NatCidr, State: rule.State,
		}
	}
	return out
}
