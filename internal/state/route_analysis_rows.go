package state

import (
	"portolan/api"
)

// RouteAnalysis is the row of a route analysis, with its paths from the start.
type RouteAnalysis struct {
	GlobalNetworkId   string                        `json:"GlobalNetworkId,omitzero"`
	OwnerAccountId    string                        `json:"OwnerAccountId,omitzero"`
	RouteAnalysisId   string                        `json:"RouteAnalysisId,omitzero"`
	StartTimestamp    Time                          `json:"StartTimestamp,omitzero"`
	Status            api.RouteAnalysisStatus       `json:"Status,omitzero"`
	Source            *RouteAnalysisEndpointOptions `json:"Source,omitzero"`
	Destination       *RouteAnalysisEndpointOptions `json:"Destination,omitzero"`
	IncludeReturnPath *bool                         `json:"IncludeReturnPath,omitzero"`
	UseMiddleboxes    *bool                         `json:"UseMiddleboxes,omitzero"`
	ForwardPath       *RouteAnalysisPath            `json:"ForwardPath,omitzero"`
	ReturnPath        *RouteAnalysisPath            `json:"ReturnPath,omitzero"`
}

// API is the row as the API shows it.
func (r *RouteAnalysis) API() api.RouteAnalysis {
	return api.RouteAnalysis{
		GlobalNetworkId:   r.GlobalNetworkId,
		OwnerAccountId:    r.OwnerAccountId,
		RouteAnalysisId:   r.RouteAnalysisId,
		StartTimestamp:    api.Time(r.StartTimestamp),
		Status:            r.Status,
		Source:            (*api.RouteAnalysisEndpointOptions)(r.Source),
		Destination:       (*api.RouteAnalysisEndpointOptions)(r.Destination),
		IncludeReturnPath: r.IncludeReturnPath,
		UseMiddleboxes:    r.UseMiddleboxes,
		ForwardPath:       r.ForwardPath.API(),
		ReturnPath:        r.ReturnPath.API(),
	}
}

// RouteAnalysisEndpointOptions is an end of a path.
type RouteAnalysisEndpointOptions struct {
	TransitGatewayAttachmentArn string `json:"TransitGatewayAttachmentArn,omitzero"`
	TransitGatewayArn           string `json:"TransitGatewayArn,omitzero"`
	IpAddress                   string `json:"IpAddress,omitzero"`
}

// RouteAnalysisPath is a path with how it ends.
type RouteAnalysisPath struct {
	CompletionStatus *RouteAnalysisCompletion `json:"CompletionStatus,omitzero"`
	Path             []PathComponent          `json:"Path,omitzero"`
}

// API is the structure as the API shows it.
func (r *RouteAnalysisPath) API() *api.RouteAnalysisPath {
	if r == nil {
		return nil
	}
	return &api.RouteAnalysisPath{
		CompletionStatus: (*api.RouteAnalysisCompletion)(r.CompletionStatus),
		Path:             each(r.Path, func(x PathComponent) api.PathComponent { return *x.API() }),
	}
}

// RouteAnalysisCompletion is how a path ends.
type RouteAnalysisCompletion struct {
	ResultCode    api.RouteAnalysisCompletionResultCode `json:"ResultCode,omitzero"`
	ReasonCode    api.RouteAnalysisCompletionReasonCode `json:"ReasonCode,omitzero"`
	ReasonContext map[string]string                     `json:"ReasonContext,omitzero"`
}

// PathComponent is a resource on a path.
type PathComponent struct {
	Sequence             *int32                  `json:"Sequence,omitzero"`
	Resource             *NetworkResourceSummary `json:"Resource,omitzero"`
	DestinationCidrBlock string                  `json:"DestinationCidrBlock,omitzero"`
}

// API is the structure as the API shows it.
func (r *PathComponent) API() *api.PathComponent {
	if r == nil {
		return nil
	}
	return &api.PathComponent{
		Sequence:             r.Sequence,
		Resource:             (*api.NetworkResourceSummary)(r.Resource),
		DestinationCidrBlock: r.DestinationCidrBlock,
	}
}

// NetworkResourceSummary is a resource on a path as it is shown.
type NetworkResourceSummary struct {
	RegisteredGatewayArn string `json:"RegisteredGatewayArn,omitzero"`
	ResourceArn          string `json:"ResourceArn,omitzero"`
	ResourceType         string `json:"ResourceType,omitzero"`
	Definition           string `json:"Definition,omitzero"`
	NameTag              string `json:"NameTag,omitzero"`
	IsMiddlebox          *bool  `json:"IsMiddlebox,omitzero"`
}
