package state

import (
	"portolan/api"
)

// GlobalNetwork is the row of a global network.
type GlobalNetwork struct {
	GlobalNetworkId  string                 `json:"GlobalNetworkId,omitzero"`
	GlobalNetworkArn string                 `json:"GlobalNetworkArn,omitzero"`
	Description      string                 `json:"Description,omitzero"`
	CreatedAt        Time                   `json:"CreatedAt,omitzero"`
	State            api.GlobalNetworkState `json:"State,omitzero"`
	Tags             Tags                   `json:"Tags,omitzero"`
}

// API is the row as the API shows it.
func (r *GlobalNetwork) API() api.GlobalNetwork {
	return api.GlobalNetwork{
		GlobalNetworkId:  r.GlobalNetworkId,
		GlobalNetworkArn: r.GlobalNetworkArn,
		Description:      r.Description,
		CreatedAt:        api.Time(r.CreatedAt),
		State:            r.State,
		Tags:             []api.Tag(r.Tags),
	}
}

// Site is the row of a site.
type Site struct {
	SiteId          string        `json:"SiteId,omitzero"`
	SiteArn         string        `json:"SiteArn,omitzero"`
	GlobalNetworkId string        `json:"GlobalNetworkId,omitzero"`
	Description     string        `json:"Description,omitzero"`
	Location        *Location     `json:"Location,omitzero"`
	CreatedAt       Time          `json:"CreatedAt,omitzero"`
	State           api.SiteState `json:"State,omitzero"`
	Tags            Tags          `json:"Tags,omitzero"`
}

// API is the row as the API shows it.
func (r *Site) API() api.Site {
	return api.Site{
		SiteId:          r.SiteId,
		SiteArn:         r.SiteArn,
		GlobalNetworkId: r.GlobalNetworkId,
		Description:     r.Description,
		Location:        (*api.Location)(r.Location),
		CreatedAt:       api.Time(r.CreatedAt),
		State:           r.State,
		Tags:            []api.Tag(r.Tags),
	}
}

// Location is where a site or a device is.
type Location struct {
	Address   *string `json:"Address,omitzero"`
	Latitude  *string `json:"Latitude,omitzero"`
	Longitude *string `json:"Longitude,omitzero"`
}

// Device is the row of a device.
type Device struct {
	DeviceId        string          `json:"DeviceId,omitzero"`
	DeviceArn       string          `json:"DeviceArn,omitzero"`
	GlobalNetworkId string          `json:"GlobalNetworkId,omitzero"`
	AWSLocation     *AWSLocation    `json:"AWSLocation,omitzero"`
	Description     string          `json:"Description,omitzero"`
	Type            string          `json:"Type,omitzero"`
	Vendor          string          `json:"Vendor,omitzero"`
	Model           string          `json:"Model,omitzero"`
	SerialNumber    string          `json:"SerialNumber,omitzero"`
	Location        *Location       `json:"Location,omitzero"`
	SiteId          string          `json:"SiteId,omitzero"`
	CreatedAt       Time            `json:"CreatedAt,omitzero"`
	State           api.DeviceState `json:"State,omitzero"`
	Tags            Tags            `json:"Tags,omitzero"`
}

// API is the row as the API shows it.
func (r *Device) API() api.Device {
	return api.Device{
		DeviceId:        r.DeviceId,
		DeviceArn:       r.DeviceArn,
		GlobalNetworkId: r.GlobalNetworkId,
		AWSLocation:     (*api.AWSLocation)(r.AWSLocation),
		Description:     r.Description,
		Type:            r.Type,
		Vendor:          r.Vendor,
		Model:           r.Model,
		SerialNumber:    r.SerialNumber,
		Location:        (*api.Location)(r.Location),
		SiteId:          r.SiteId,
		CreatedAt:       api.Time(r.CreatedAt),
		State:           r.State,
		Tags:            []api.Tag(r.Tags),
	}
}

// AWSLocation is where in AWS a device is.
type AWSLocation struct {
	Zone      *string `json:"Zone,omitzero"`
	SubnetArn *string `json:"SubnetArn,omitzero"`
}

// Link is the row of a link.
type Link struct {
	LinkId          string        `json:"LinkId,omitzero"`
	LinkArn         string        `json:"LinkArn,omitzero"`
	GlobalNetworkId string        `json:"GlobalNetworkId,omitzero"`
	SiteId          string        `json:"SiteId,omitzero"`
	Description     string        `json:"Description,omitzero"`
	Type            string        `json:"Type,omitzero"`
	Bandwidth       *Bandwidth    `json:"Bandwidth,omitzero"`
	Provider        string        `json:"Provider,omitzero"`
	CreatedAt       Time          `json:"CreatedAt,omitzero"`
	State           api.LinkState `json:"State,omitzero"`
	Tags            Tags          `json:"Tags,omitzero"`
}

// API is the row as the API shows it.
func (r *Link) API() api.Link {
	return api.Link{
		LinkId:          r.LinkId,
		LinkArn:         r.LinkArn,
		GlobalNetworkId: r.GlobalNetworkId,
		SiteId:          r.SiteId,
		Description:     r.Description,
		Type:            r.Type,
		Bandwidth:       (*api.Bandwidth)(r.Bandwidth),
		Provider:        r.Provider,
		CreatedAt:       api.Time(r.CreatedAt),
		State:           r.State,
		Tags:            []api.Tag(r.Tags),
	}
}

// Bandwidth is that of a link, in Mbit/s.
type Bandwidth struct {
	UploadSpeed   *int32 `json:"UploadSpeed,omitzero"`
	DownloadSpeed *int32 `json:"DownloadSpeed,omitzero"`
}

// Connection is the row of a connection of two devices.
type Connection struct {
	ConnectionId      string              `json:"ConnectionId,omitzero"`
	ConnectionArn     string              `json:"ConnectionArn,omitzero"`
	GlobalNetworkId   string              `json:"GlobalNetworkId,omitzero"`
	DeviceId          string              `json:"DeviceId,omitzero"`
	ConnectedDeviceId string              `json:"ConnectedDeviceId,omitzero"`
	LinkId            string              `json:"LinkId,omitzero"`
	ConnectedLinkId   string              `json:"ConnectedLinkId,omitzero"`
	Description       string              `json:"Description,omitzero"`
	CreatedAt         Time                `json:"CreatedAt,omitzero"`
	State             api.ConnectionState `json:"State,omitzero"`
	Tags              Tags                `json:"Tags,omitzero"`
}

// API is the row as the API shows it.
func (r *Connection) API() api.Connection {
	return api.Connection{
		ConnectionId:      r.ConnectionId,
		ConnectionArn:     r.ConnectionArn,
		GlobalNetworkId:   r.GlobalNetworkId,
		DeviceId:          r.DeviceId,
		ConnectedDeviceId: r.ConnectedDeviceId,
		LinkId:            r.LinkId,
		ConnectedLinkId:   r.ConnectedLinkId,
		Description:       r.Description,
		CreatedAt:         api.Time(r.CreatedAt),
		State:             r.State,
		Tags:              []api.Tag(r.Tags),
	}
}

// LinkAssociation is the row of a link on a device.
type LinkAssociation struct {
	GlobalNetworkId      string                   `json:"GlobalNetworkId,omitzero"`
	DeviceId             string                   `json:"DeviceId,omitzero"`
	LinkId               string                   `json:"LinkId,omitzero"`
	LinkAssociationState api.LinkAssociationState `json:"LinkAssociationState,omitzero"`
}

// CustomerGatewayAssociation is the row of a customer gateway on a device.
type CustomerGatewayAssociation struct {
	CustomerGatewayArn string                              `json:"CustomerGatewayArn,omitzero"`
	GlobalNetworkId    string                              `json:"GlobalNetworkId,omitzero"`
	DeviceId           string                              `json:"DeviceId,omitzero"`
	LinkId             string                              `json:"LinkId,omitzero"`
	State              api.CustomerGatewayAssociationState `json:"State,omitzero"`
}

// TransitGatewayConnectPeerAssociation is the row of a transit gateway's Connect peer on a device.
type TransitGatewayConnectPeerAssociation struct {
	TransitGatewayConnectPeerArn string                                        `json:"TransitGatewayConnectPeerArn,omitzero"`
	GlobalNetworkId              string                                        `json:"GlobalNetworkId,omitzero"`
	DeviceId                     string                                        `json:"DeviceId,omitzero"`
	LinkId                       string                                        `json:"LinkId,omitzero"`
	State                        api.TransitGatewayConnectPeerAssociationState `json:"State,omitzero"`
}

// ConnectPeerAssociation is the row of a core network's Connect peer on a device.
type ConnectPeerAssociation struct {
	ConnectPeerId   string                          `json:"ConnectPeerId,omitzero"`
	GlobalNetworkId string                          `json:"GlobalNetworkId,omitzero"`
	DeviceId        string                          `json:"DeviceId,omitzero"`
	LinkId          string                          `json:"LinkId,omitzero"`
	State           api.ConnectPeerAssociationState `json:"State,omitzero"`
}

// TransitGatewayRegistration is the row of a transit gateway in a global network.
type TransitGatewayRegistration struct {
	GlobalNetworkId   string                                 `json:"GlobalNetworkId,omitzero"`
	TransitGatewayArn string                                 `json:"TransitGatewayArn,omitzero"`
	State             *TransitGatewayRegistrationStateReason `json:"State,omitzero"`
}

// API is the row as the API shows it.
func (r *TransitGatewayRegistration) API() api.TransitGatewayRegistration {
	return api.TransitGatewayRegistration{
		GlobalNetworkId:   r.GlobalNetworkId,
		TransitGatewayArn: r.TransitGatewayArn,
		State:             (*api.TransitGatewayRegistrationStateReason)(r.State),
	}
}

// TransitGatewayRegistrationStateReason is a state with its reason.
type TransitGatewayRegistrationStateReason struct {
	Code    api.TransitGatewayRegistrationState `json:"Code,omitzero"`
	Message string                              `json:"Message,omitzero"`
}

// API is the row as the API shows it.
func (r *LinkAssociation) API() api.LinkAssociation {
	return api.LinkAssociation{GlobalNetworkId: r.GlobalNetworkId, DeviceId: r.DeviceId, LinkId: r.LinkId, LinkAssociationState: r.LinkAssociationState}
}

// API is the row as the API shows it.
func (r *CustomerGatewayAssociation) API() api.CustomerGatewayAssociation {
	return api.CustomerGatewayAssociation{CustomerGatewayArn: r.CustomerGatewayArn, GlobalNetworkId: r.GlobalNetworkId, DeviceId: r.DeviceId, LinkId: r.LinkId, State: r.State}
}

// API is the row as the API shows it.
func (r *TransitGatewayConnectPeerAssociation) API() api.TransitGatewayConnectPeerAssociation {
	return api.TransitGatewayConnectPeerAssociation{TransitGatewayConnectPeerArn: r.TransitGatewayConnectPeerArn, GlobalNetworkId: r.GlobalNetworkId, DeviceId: r.DeviceId, LinkId: r.LinkId, State: r.State}
}

// API is the row as the API shows it.
func (r *ConnectPeerAssociation) API() api.ConnectPeerAssociation {
	return api.ConnectPeerAssociation{ConnectPeerId: r.ConnectPeerId, GlobalNetworkId: r.GlobalNetworkId, DeviceId: r.DeviceId, LinkId: r.LinkId, State: r.State}
}
