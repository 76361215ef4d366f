package state

import (
	"portolan/api"
)

// Attachment is the row of an attachment of any type, with what the types add.
type Attachment struct {
	CoreNetworkId                      string                              `json:"CoreNetworkId,omitzero"`
	CoreNetworkArn                     string                              `json:"CoreNetworkArn,omitzero"`
	AttachmentId                       string                              `json:"AttachmentId,omitzero"`
	OwnerAccountId                     string                              `json:"OwnerAccountId,omitzero"`
	AttachmentType                     api.AttachmentType                  `json:"AttachmentType,omitzero"`
	State                              api.AttachmentState                 `json:"State,omitzero"`
	EdgeLocation                       string                              `json:"EdgeLocation,omitzero"`
	EdgeLocations                      []string                            `json:"EdgeLocations,omitzero"`
	ResourceArn                        string                              `json:"ResourceArn,omitzero"`
	AttachmentPolicyRuleNumber         *int32                              `json:"AttachmentPolicyRuleNumber,omitzero"`
	SegmentName                        string                              `json:"SegmentName,omitzero"`
	NetworkFunctionGroupName           string                              `json:"NetworkFunctionGroupName,omitzero"`
	Tags                               Tags                                `json:"Tags,omitzero"`
	ProposedSegmentChange              *ProposedSegmentChange              `json:"ProposedSegmentChange,omitzero"`
	ProposedNetworkFunctionGroupChange *ProposedNetworkFunctionGroupChange `json:"ProposedNetworkFunctionGroupChange,omitzero"`
	CreatedAt                          Time                                `json:"CreatedAt,omitzero"`
	UpdatedAt                          Time                                `json:"UpdatedAt,omitzero"`
	LastModificationErrors             []AttachmentError                   `json:"LastModificationErrors,omitzero"`

	RoutingPolicyLabel string `json:"RoutingPolicyLabel,omitzero"`

	SubnetArns []string    `json:"SubnetArns,omitzero"` // VPC
	VpcOptions *VpcOptions `json:"VpcOptions,omitzero"` // VPC

	TransportAttachmentId string             `json:"TransportAttachmentId,omitzero"` // CONNECT: the VPC attachment it runs over
	Protocol              api.TunnelProtocol `json:"Protocol,omitzero"`              // CONNECT

	PeeringId string `json:"PeeringId,omitzero"` // TRANSIT_GATEWAY_ROUTE_TABLE: the peering it goes over

	PeerASN uint32 `json:"PeerASN,omitzero"` // of the BGP peer, as the snapshot had it that the attachment came from; 0 otherwise

	NAT *NAT `json:"NAT,omitzero"` // nil: never given any

	// Problems are what is found out by the end of CREATING, which then leads to FAILED, or by the end of UPDATING.
	Problems []AttachmentError `json:"Problems,omitzero"`
}

// API is the row as the API shows it.
func (r *Attachment) API() api.Attachment {
	return api.Attachment{
		CoreNetworkId:                      r.CoreNetworkId,
		CoreNetworkArn:                     r.CoreNetworkArn,
		AttachmentId:                       r.AttachmentId,
		OwnerAccountId:                     r.OwnerAccountId,
		AttachmentType:                     r.AttachmentType,
		State:                              r.State,
		EdgeLocation:                       r.EdgeLocation,
		EdgeLocations:                      r.EdgeLocations,
		ResourceArn:                        r.ResourceArn,
		AttachmentPolicyRuleNumber:         r.AttachmentPolicyRuleNumber,
		SegmentName:                        r.SegmentName,
		NetworkFunctionGroupName:           r.NetworkFunctionGroupName,
		Tags:                               []api.Tag(r.Tags),
		ProposedSegmentChange:              r.ProposedSegmentChange.API(),
		ProposedNetworkFunctionGroupChange: r.ProposedNetworkFunctionGroupChange.API(),
		CreatedAt:                          api.Time(r.CreatedAt),
		UpdatedAt:                          api.Time(r.UpdatedAt),
		NatGatewaySupport:                  r.natSupport(),
		LastModificationErrors:             each(r.LastModificationErrors, func(x AttachmentError) api.AttachmentError { return api.AttachmentError(x) }),
	}
}

// ProposedSegmentChange is a change of segment that waits to be accepted.
type ProposedSegmentChange struct {
	Tags                       Tags   `json:"Tags,omitzero"`
	AttachmentPolicyRuleNumber *int32 `json:"AttachmentPolicyRuleNumber,omitzero"`
	SegmentName                string `json:"SegmentName,omitzero"`
}

// API is the structure as the API shows it.
func (r *ProposedSegmentChange) API() *api.ProposedSegmentChange {
	if r == nil {
		return nil
	}
	return &api.ProposedSegmentChange{
		Tags:                       []api.Tag(r.Tags),
		AttachmentPolicyRuleNumber: r.AttachmentPolicyRuleNumber,
		SegmentName:                r.SegmentName,
	}
}

// ProposedNetworkFunctionGroupChange is a change of network function group that waits to be accepted.
type ProposedNetworkFunctionGroupChange struct {
	Tags                       Tags   `json:"Tags,omitzero"`
	AttachmentPolicyRuleNumber *int32 `json:"AttachmentPolicyRuleNumber,omitzero"`
	NetworkFunctionGroupName   string `json:"NetworkFunctionGroupName,omitzero"`
}

// API is the structure as the API shows it.
func (r *ProposedNetworkFunctionGroupChange) API() *api.ProposedNetworkFunctionGroupChange {
	if r == nil {
		return nil
	}
	return &api.ProposedNetworkFunctionGroupChange{
		Tags:                       []api.Tag(r.Tags),
		AttachmentPolicyRuleNumber: r.AttachmentPolicyRuleNumber,
		NetworkFunctionGroupName:   r.NetworkFunctionGroupName,
	}
}

// AttachmentError is why an attachment could not be built or changed.
type AttachmentError struct {
	Code        api.AttachmentErrorCode `json:"Code,omitzero"`
	Message     string                  `json:"Message,omitzero"`
	ResourceArn string                  `json:"ResourceArn,omitzero"`
	RequestId   string                  `json:"RequestId,omitzero"`
}

// VpcOptions are the options of a VPC attachment.
type VpcOptions struct {
	Ipv6Support                     *bool `json:"Ipv6Support,omitzero"`
	ApplianceModeSupport            *bool `json:"ApplianceModeSupport,omitzero"`
	DnsSupport                      *bool `json:"DnsSupport,omitzero"`
	SecurityGroupReferencingSupport *bool `json:"SecurityGroupReferencingSupport,omitzero"`
}
