package state

import (
	"portolan/api"
)

// CoreNetwork is the row of a core network: what the LIVE policy made of it, and what only the server knows.
type CoreNetwork struct {
	GlobalNetworkId       string                            `json:"GlobalNetworkId,omitzero"`
	CoreNetworkId         string                            `json:"CoreNetworkId,omitzero"`
	CoreNetworkArn        string                            `json:"CoreNetworkArn,omitzero"`
	Description           string                            `json:"Description,omitzero"`
	CreatedAt             Time                              `json:"CreatedAt,omitzero"`
	State                 api.CoreNetworkState              `json:"State,omitzero"`
	Segments              []CoreNetworkSegment              `json:"Segments,omitzero"`
	NetworkFunctionGroups []CoreNetworkNetworkFunctionGroup `json:"NetworkFunctionGroups,omitzero"`
	Edges                 []CoreNetworkEdge                 `json:"Edges,omitzero"`
	Tags                  Tags                              `json:"Tags,omitzero"`

	OwnerAccountId string `json:"OwnerAccountId,omitzero"`
	LatestVersion  int32  `json:"LatestVersion,omitzero"` // of the policy; 0 before the first
	LiveVersion    int32  `json:"LiveVersion,omitzero"`   // 0 before the first execution
	NextVersion    int32  `json:"NextVersion,omitzero"`   // ids are never used twice, also after the latest version is deleted
	Executing      int32  `json:"Executing,omitzero"`     // the version that goes LIVE when the current transition ends; 0 for none

	// Of the execution or other update under way: when it was asked for, and when it began, zero as long as it has not.
	ExecutionAsked   Time `json:"ExecutionAsked,omitzero"`
	ExecutionStarted Time `json:"ExecutionStarted,omitzero"`

	ResourcePolicy string `json:"ResourcePolicy,omitzero"`
}

// API is the row as the API shows it.
func (r *CoreNetwork) API() api.CoreNetwork {
	return api.CoreNetwork{
		GlobalNetworkId:       r.GlobalNetworkId,
		CoreNetworkId:         r.CoreNetworkId,
		CoreNetworkArn:        r.CoreNetworkArn,
		Description:           r.Description,
		CreatedAt:             api.Time(r.CreatedAt),
		State:                 r.State,
		Segments:              each(r.Segments, func(x CoreNetworkSegment) api.CoreNetworkSegment { return api.CoreNetworkSegment(x) }),
		NetworkFunctionGroups: each(r.NetworkFunctionGroups, func(x CoreNetworkNetworkFunctionGroup) api.CoreNetworkNetworkFunctionGroup { return *x.API() }),
		Edges: each(r.Edges, func(x CoreNetworkEdge) api.CoreNetworkEdge {
			return api.CoreNetworkEdge{EdgeLocation: x.EdgeLocation, Asn: x.Asn, InsideCidrBlocks: x.InsideCidrBlocks}
		}),
		Tags: []api.Tag(r.Tags),
	}
}

// CoreNetworkSegment is a segment of the LIVE policy.
type CoreNetworkSegment struct {
	Name           string   `json:"Name,omitzero"`
	EdgeLocations  []string `json:"EdgeLocations,omitzero"`
	SharedSegments []string `json:"SharedSegments,omitzero"`
}

// CoreNetworkNetworkFunctionGroup is a network function group of the LIVE policy.
type CoreNetworkNetworkFunctionGroup struct {
	Name          string                    `json:"Name,omitzero"`
	EdgeLocations []string                  `json:"EdgeLocations,omitzero"`
	Segments      *ServiceInsertionSegments `json:"Segments,omitzero"`
}

// API is the structure as the API shows it.
func (r *CoreNetworkNetworkFunctionGroup) API() *api.CoreNetworkNetworkFunctionGroup {
	if r == nil {
		return nil
	}
	return &api.CoreNetworkNetworkFunctionGroup{
		Name:          r.Name,
		EdgeLocations: r.EdgeLocations,
		Segments:      (*api.ServiceInsertionSegments)(r.Segments),
	}
}

// CoreNetworkEdge is an edge of the LIVE policy with the addresses and the ASN it was given.
type CoreNetworkEdge struct {
	EdgeLocation     string   `json:"EdgeLocation,omitzero"`
	Asn              *int64   `json:"Asn,omitzero"`
	AsnWritten       bool     `json:"AsnWritten,omitzero"` // the policy writes it, else it was assigned
	InsideCidrBlocks []string `json:"InsideCidrBlocks,omitzero"`
}

// ServiceInsertionSegments are the segments whose traffic a network function group sees.
type ServiceInsertionSegments struct {
	SendVia []string `json:"SendVia,omitzero"`
	SendTo  []string `json:"SendTo,omitzero"`
}

// PolicyVersion is the row of a version of a policy, without its document.
type PolicyVersion struct {
	CoreNetworkId   string             `json:"CoreNetworkId,omitzero"`
	PolicyVersionId *int32             `json:"PolicyVersionId,omitzero"`
	Description     string             `json:"Description,omitzero"`
	CreatedAt       Time               `json:"CreatedAt,omitzero"`
	ChangeSetState  api.ChangeSetState `json:"ChangeSetState,omitzero"`
	PolicyErrors    []PolicyError      `json:"PolicyErrors,omitzero"`
	Digest          string             `json:"Digest,omitzero"` // SHA-256 of the document, in hexadecimal
}

// API is the row as the API shows it.
func (r *PolicyVersion) API() api.CoreNetworkPolicy {
	return api.CoreNetworkPolicy{
		CoreNetworkId:   r.CoreNetworkId,
		PolicyVersionId: r.PolicyVersionId,
		Description:     r.Description,
		CreatedAt:       api.Time(r.CreatedAt),
		ChangeSetState:  r.ChangeSetState,
		PolicyErrors:    each(r.PolicyErrors, func(x PolicyError) api.CoreNetworkPolicyError { return api.CoreNetworkPolicyError(x) }),
	}
}

// PolicyError is an error that a change set could not be generated for.
type PolicyError struct {
	ErrorCode string `json:"ErrorCode,omitzero"`
	Message   string `json:"Message,omitzero"`
	Path      string `json:"Path,omitzero"`
}
