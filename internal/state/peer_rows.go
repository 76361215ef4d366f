package state

import (
	"net/netip"

	"portolan/api"
)

// Peering is the row of a peering of a core network's edge with a transit gateway in its Region.
type Peering struct {
	CoreNetworkId          string           `json:"CoreNetworkId,omitzero"`
	CoreNetworkArn         string           `json:"CoreNetworkArn,omitzero"`
	PeeringId              string           `json:"PeeringId,omitzero"`
	OwnerAccountId         string           `json:"OwnerAccountId,omitzero"`
	PeeringType            api.PeeringType  `json:"PeeringType,omitzero"`
	State                  api.PeeringState `json:"State,omitzero"`
	EdgeLocation           string           `json:"EdgeLocation,omitzero"`
	ResourceArn            string           `json:"ResourceArn,omitzero"`
	Tags                   Tags             `json:"Tags,omitzero"`
	CreatedAt              Time             `json:"CreatedAt,omitzero"`
	LastModificationErrors []PeeringError   `json:"LastModificationErrors,omitzero"`

	TransitGatewayPeeringAttachmentId string         `json:"TransitGatewayPeeringAttachmentId,omitzero"`
	Problems                          []PeeringError `json:"Problems,omitzero"` // found by the end of CREATING
}

// API is the row as the API shows it.
func (r *Peering) API() api.Peering {
	return api.Peering{
		CoreNetworkId:          r.CoreNetworkId,
		CoreNetworkArn:         r.CoreNetworkArn,
		PeeringId:              r.PeeringId,
		OwnerAccountId:         r.OwnerAccountId,
		PeeringType:            r.PeeringType,
		State:                  r.State,
		EdgeLocation:           r.EdgeLocation,
		ResourceArn:            r.ResourceArn,
		Tags:                   []api.Tag(r.Tags),
		CreatedAt:              api.Time(r.CreatedAt),
		LastModificationErrors: each(r.LastModificationErrors, func(x PeeringError) api.PeeringError { return *x.API() }),
	}
}

// PeeringError is why a peering could not be built.
type PeeringError struct {
	Code                      api.PeeringErrorCode     `json:"Code,omitzero"`
	Message                   string                   `json:"Message,omitzero"`
	ResourceArn               string                   `json:"ResourceArn,omitzero"`
	RequestId                 string                   `json:"RequestId,omitzero"`
	MissingPermissionsContext *PermissionsErrorContext `json:"MissingPermissionsContext,omitzero"`
}

// API is the structure as the API shows it.
func (r *PeeringError) API() *api.PeeringError {
	if r == nil {
		return nil
	}
	return &api.PeeringError{
		Code:                      r.Code,
		Message:                   r.Message,
		ResourceArn:               r.ResourceArn,
		RequestId:                 r.RequestId,
		MissingPermissionsContext: (*api.PermissionsErrorContext)(r.MissingPermissionsContext),
	}
}

// PermissionsErrorContext names the permission that was missing.
type PermissionsErrorContext struct {
	MissingPermission string `json:"MissingPermission,omitzero"`
}

// PrefixListAssociation is the row of the alias by which routing policies name a prefix list.
type PrefixListAssociation struct {
	CoreNetworkId   string         `json:"CoreNetworkId,omitzero"`
	PrefixListArn   string         `json:"PrefixListArn,omitzero"`
	PrefixListAlias string         `json:"PrefixListAlias,omitzero"`
	Entries         []netip.Prefix `json:"Entries"` // as the snapshot had them that the association came from; nil otherwise
}

// ConnectPeer is the row of a Connect peer. One peer is two BGP sessions, for redundancy.
type ConnectPeer struct {
	CoreNetworkId          string                    `json:"CoreNetworkId,omitzero"`
	ConnectAttachmentId    string                    `json:"ConnectAttachmentId,omitzero"`
	ConnectPeerId          string                    `json:"ConnectPeerId,omitzero"`
	EdgeLocation           string                    `json:"EdgeLocation,omitzero"`
	State                  api.ConnectPeerState      `json:"State,omitzero"`
	CreatedAt              Time                      `json:"CreatedAt,omitzero"`
	Configuration          *ConnectPeerConfiguration `json:"Configuration,omitzero"`
	Tags                   Tags                      `json:"Tags,omitzero"`
	SubnetArn              string                    `json:"SubnetArn,omitzero"`
	LastModificationErrors []ConnectPeerError        `json:"LastModificationErrors,omitzero"`

	GlobalNetworkId string             `json:"GlobalNetworkId,omitzero"`
	OwnerAccountId  string             `json:"OwnerAccountId,omitzero"` // of the core network
	Problems        []ConnectPeerError `json:"Problems,omitzero"`       // found by the end of CREATING, which then leads to FAILED
}

// API is the row as the API shows it.
func (r *ConnectPeer) API() api.ConnectPeer {
	return api.ConnectPeer{
		CoreNetworkId:          r.CoreNetworkId,
		ConnectAttachmentId:    r.ConnectAttachmentId,
		ConnectPeerId:          r.ConnectPeerId,
		EdgeLocation:           r.EdgeLocation,
		State:                  r.State,
		CreatedAt:              api.Time(r.CreatedAt),
		Configuration:          r.Configuration.API(),
		Tags:                   []api.Tag(r.Tags),
		SubnetArn:              r.SubnetArn,
		LastModificationErrors: each(r.LastModificationErrors, func(x ConnectPeerError) api.ConnectPeerError { return api.ConnectPeerError(x) }),
	}
}

// ConnectPeerConfiguration is the addresses of a Connect peer.
type ConnectPeerConfiguration struct {
	CoreNetworkAddress string                        `json:"CoreNetworkAddress,omitzero"`
	PeerAddress        string                        `json:"PeerAddress,omitzero"`
	InsideCidrBlocks   []string                      `json:"InsideCidrBlocks,omitzero"`
	Protocol           api.TunnelProtocol            `json:"Protocol,omitzero"`
	BgpConfigurations  []ConnectPeerBgpConfiguration `json:"BgpConfigurations,omitzero"`
}

// API is the structure as the API shows it.
func (r *ConnectPeerConfiguration) API() *api.ConnectPeerConfiguration {
	if r == nil {
		return nil
	}
	return &api.ConnectPeerConfiguration{
		CoreNetworkAddress: r.CoreNetworkAddress,
		PeerAddress:        r.PeerAddress,
		InsideCidrBlocks:   r.InsideCidrBlocks,
		Protocol:           r.Protocol,
		BgpConfigurations: each(r.BgpConfigurations, func(x ConnectPeerBgpConfiguration) api.ConnectPeerBgpConfiguration {
			return api.ConnectPeerBgpConfiguration(x)
		}),
	}
}

// ConnectPeerError is why a Connect peer could not be built.
type ConnectPeerError struct {
	Code        api.ConnectPeerErrorCode `json:"Code,omitzero"`
	Message     string                   `json:"Message,omitzero"`
	ResourceArn string                   `json:"ResourceArn,omitzero"`
	RequestId   string                   `json:"RequestId,omitzero"`
}

// ConnectPeerBgpConfiguration is one BGP session of a Connect peer.
type ConnectPeerBgpConfiguration struct {
	CoreNetworkAsn     *int64 `json:"CoreNetworkAsn,omitzero"`
	PeerAsn            *int64 `json:"PeerAsn,omitzero"`
	CoreNetworkAddress string `json:"CoreNetworkAddress,omitzero"`
	PeerAddress        string `json:"PeerAddress,omitzero"`
}

// API is the row as the API shows it.
func (r *PrefixListAssociation) API() api.PrefixListAssociation {
	return api.PrefixListAssociation{CoreNetworkId: r.CoreNetworkId, PrefixListArn: r.PrefixListArn, PrefixListAlias: r.PrefixListAlias}
}
