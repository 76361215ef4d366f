package state

import (
	"portolan/api"
)

// Change is one change of an execution, and the edges where it took effect.
type Change struct {
	Type           api.ChangeType   `json:"Type,omitzero"`
	Action         api.ChangeAction `json:"Action,omitzero"`
	Identifier     string           `json:"Identifier,omitzero"`
	PreviousValues *ChangeValues    `json:"PreviousValues,omitzero"`
	NewValues      *ChangeValues    `json:"NewValues,omitzero"`
	IdentifierPath string           `json:"IdentifierPath,omitzero"`
	Edges          []string         `json:"Edges,omitzero"`
}

// API is the row as the API shows it.
func (r *Change) API() api.CoreNetworkChange {
	return api.CoreNetworkChange{
		Type:           r.Type,
		Action:         r.Action,
		Identifier:     r.Identifier,
		PreviousValues: r.PreviousValues.API(),
		NewValues:      r.NewValues.API(),
		IdentifierPath: r.IdentifierPath,
	}
}

// ChangeValues are the values of a change, before or after it.
type ChangeValues struct {
	SegmentName                     string                           `json:"SegmentName,omitzero"`
	NetworkFunctionGroupName        string                           `json:"NetworkFunctionGroupName,omitzero"`
	EdgeLocations                   []string                         `json:"EdgeLocations,omitzero"`
	Asn                             *int64                           `json:"Asn,omitzero"`
	Cidr                            string                           `json:"Cidr,omitzero"`
	DestinationIdentifier           string                           `json:"DestinationIdentifier,omitzero"`
	InsideCidrBlocks                []string                         `json:"InsideCidrBlocks,omitzero"`
	SharedSegments                  []string                         `json:"SharedSegments,omitzero"`
	ServiceInsertionActions         []ServiceInsertionAction         `json:"ServiceInsertionActions,omitzero"`
	VpnEcmpSupport                  *bool                            `json:"VpnEcmpSupport,omitzero"`
	DnsSupport                      *bool                            `json:"DnsSupport,omitzero"`
	SecurityGroupReferencingSupport *bool                            `json:"SecurityGroupReferencingSupport,omitzero"`
	RoutingPolicyDirection          api.RoutingPolicyDirection       `json:"RoutingPolicyDirection,omitzero"`
	RoutingPolicy                   string                           `json:"RoutingPolicy,omitzero"`
	PeerEdgeLocations               []string                         `json:"PeerEdgeLocations,omitzero"`
	AttachmentId                    string                           `json:"AttachmentId,omitzero"`
	RoutingPolicyAssociationDetails []RoutingPolicyAssociationDetail `json:"RoutingPolicyAssociationDetails,omitzero"`
}

// API is the structure as the API shows it.
func (r *ChangeValues) API() *api.CoreNetworkChangeValues {
	if r == nil {
		return nil
	}
	return &api.CoreNetworkChangeValues{
		SegmentName:                     r.SegmentName,
		NetworkFunctionGroupName:        r.NetworkFunctionGroupName,
		EdgeLocations:                   r.EdgeLocations,
		Asn:                             r.Asn,
		Cidr:                            r.Cidr,
		DestinationIdentifier:           r.DestinationIdentifier,
		InsideCidrBlocks:                r.InsideCidrBlocks,
		SharedSegments:                  r.SharedSegments,
		ServiceInsertionActions:         each(r.ServiceInsertionActions, func(x ServiceInsertionAction) api.ServiceInsertionAction { return *x.API() }),
		VpnEcmpSupport:                  r.VpnEcmpSupport,
		DnsSupport:                      r.DnsSupport,
		SecurityGroupReferencingSupport: r.SecurityGroupReferencingSupport,
		RoutingPolicyDirection:          r.RoutingPolicyDirection,
		RoutingPolicy:                   r.RoutingPolicy,
		PeerEdgeLocations:               r.PeerEdgeLocations,
		AttachmentId:                    r.AttachmentId,
		RoutingPolicyAssociationDetails: each(r.RoutingPolicyAssociationDetails, func(x RoutingPolicyAssociationDetail) api.RoutingPolicyAssociationDetail {
			return api.RoutingPolicyAssociationDetail(x)
		}),
	}
}

// ServiceInsertionAction is a send-via or send-to of a segment.
type ServiceInsertionAction struct {
	Action     api.SegmentActionServiceInsertion `json:"Action,omitzero"`
	Mode       api.SendViaMode                   `json:"Mode,omitzero"`
	WhenSentTo *WhenSentTo                       `json:"WhenSentTo,omitzero"`
	Via        *Via                              `json:"Via,omitzero"`
}

// API is the structure as the API shows it.
func (r *ServiceInsertionAction) API() *api.ServiceInsertionAction {
	if r == nil {
		return nil
	}
	return &api.ServiceInsertionAction{
		Action:     r.Action,
		Mode:       r.Mode,
		WhenSentTo: (*api.WhenSentTo)(r.WhenSentTo),
		Via:        r.Via.API(),
	}
}

// RoutingPolicyAssociationDetail is an association of routing policies.
type RoutingPolicyAssociationDetail struct {
	RoutingPolicyNames []string `json:"RoutingPolicyNames,omitzero"`
	SharedSegments     []string `json:"SharedSegments,omitzero"`
}

// WhenSentTo are the segments that an action holds for.
type WhenSentTo struct {
	WhenSentToSegmentsList []string `json:"WhenSentToSegmentsList,omitzero"`
}

// Via is what an action sends traffic through.
type Via struct {
	NetworkFunctionGroups []NetworkFunctionGroup `json:"NetworkFunctionGroups,omitzero"`
	WithEdgeOverrides     []EdgeOverride         `json:"WithEdgeOverrides,omitzero"`
}

// API is the structure as the API shows it.
func (r *Via) API() *api.Via {
	if r == nil {
		return nil
	}
	return &api.Via{
		NetworkFunctionGroups: each(r.NetworkFunctionGroups, func(x NetworkFunctionGroup) api.NetworkFunctionGroup { return api.NetworkFunctionGroup(x) }),
		WithEdgeOverrides:     each(r.WithEdgeOverrides, func(x EdgeOverride) api.EdgeOverride { return api.EdgeOverride(x) }),
	}
}

// NetworkFunctionGroup names a network function group.
type NetworkFunctionGroup struct {
	Name string `json:"Name,omitzero"`
}

// EdgeOverride is the edge that traffic between others goes through.
type EdgeOverride struct {
	EdgeSets [][]string `json:"EdgeSets,omitzero"`
	UseEdge  string     `json:"UseEdge,omitzero"`
}
