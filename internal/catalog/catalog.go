// Package catalog knows what lives outside Network Manager and is only pointed at by it: VPCs and their subnets, transit
// gateways with their attachments and route tables, VPN connections, customer gateways, prefix lists, Direct Connect
// gateways. It is read from a file or asked of an EC2-compatible endpoint; where there is neither, nothing is known and
// every well-formed reference is taken.
//
// It must not know operations, states of ours, or what a wrong reference is answered with.
package catalog

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"portolan/routing"
)

// ErrNotFound says that the catalog was asked and there is no such thing.
var ErrNotFound = errors.New("not found in the catalog")

// ErrUnavailable says that the catalog could not be asked and has no earlier answer.
var ErrUnavailable = errors.New("the catalog cannot be asked")

// ErrUnsupported says that the endpoint does not serve what it was asked for. What is named of that kind counts as it does
// without a catalog.
var ErrUnsupported = errors.New("the EC2 endpoint does not know what it was asked")

// Blank tells whether a catalog has nothing to show: there is no such thing, or its endpoint does not serve such things.
func Blank(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnsupported) }

// Catalog looks things up by ARN. Errors are ErrNotFound, ErrUnavailable and ErrUnsupported, wrapped with their cause. What is returned
// is shared and must not be changed.
type Catalog interface {
	VPC(ctx context.Context, arn string) (*VPC, error)
	TransitGateway(ctx context.Context, arn string) (*TransitGateway, error)
	RouteTable(ctx context.Context, arn string) (*RouteTable, error)
	VPNConnection(ctx context.Context, arn string) (*VPNConnection, error)
	CustomerGateway(ctx context.Context, arn string) (*CustomerGateway, error)
	ConnectPeer(ctx context.Context, arn string) (*ConnectPeer, error)
	PrefixList(ctx context.Context, arn string) (*PrefixList, error)
	DirectConnectGateway(ctx context.Context, arn string) (*DirectConnectGateway, error)

	// Version moves when an answer may differ from before.
	Version() uint64

	// Remote reports whether a question may be a call over the network, so that it is worth asking seldom.
	Remote() bool
}

// IDOf is the id at the end of an ARN.
func IDOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// Within reports whether less than the span has passed since a time. Nothing is within a span of the zero time, nor of
// one that is still to come.
func Within(now, since time.Time, span time.Duration) bool {
	passed := now.Sub(since)
	return !since.IsZero() && passed >= 0 && passed < span
}

// VPC is a VPC with its address blocks and subnets.
type VPC struct {
	ARN     string         `json:"arn"`
	CIDRs   []netip.Prefix `json:"cidrs"` // IPv4 and IPv6, primary first
	Subnets []Subnet       `json:"subnets,omitempty"`
}

// Subnet is a subnet of a VPC.
type Subnet struct {
	ARN              string         `json:"arn"`
	AvailabilityZone string         `json:"availabilityZone,omitempty"` // by name or by id: us-east-1a, use1-az3
	ZoneID           string         `json:"availabilityZoneId,omitempty"`
	CIDRs            []netip.Prefix `json:"cidrs,omitempty"`
}

// TransitGateway is a transit gateway. In a file its attachments, route tables and Connect peers stand inside it.
type TransitGateway struct {
	ARN          string              `json:"arn"`
	ASN          uint32              `json:"asn,omitempty"`
	State        string              `json:"state,omitempty"` // of EC2; available when it is missing
	Tags         map[string]string   `json:"tags,omitempty"`
	Attachments  []GatewayAttachment `json:"attachments,omitempty"`
	RouteTables  []RouteTable        `json:"routeTables,omitempty"`
	ConnectPeers []ConnectPeer       `json:"connectPeers,omitempty"`
}

// GatewayAttachment is an attachment of a transit gateway.
type GatewayAttachment struct {
	ARN           string            `json:"arn"`
	ResourceType  string            `json:"resourceType"` // of EC2, see [ResourceTypes]; one that is not listed there is kept
	ResourceARN   string            `json:"resourceArn,omitempty"`
	RouteTableARN string            `json:"routeTableArn,omitempty"` // the one associated with it
	Associated    *bool             `json:"associated,omitempty"`    // false while the association is not in force
	PeerARN       string            `json:"peerArn,omitempty"`       // of a peering: the attachment on the other gateway
	Tags          map[string]string `json:"tags,omitempty"`
}

// ResourceTypes are the types of transit gateway attachments that EC2 had in November 2026.
func ResourceTypes() []string {
	return []string{"vpc", "vpn", "vpn-concentrator", "direct-connect-gateway", "connect", "peering", "tgw-peering", "network-function", "client-vpn"}
}

// RouteTable is a transit gateway route table.
type RouteTable struct {
	ARN               string            `json:"arn"`
	TransitGatewayARN string            `json:"transitGatewayArn,omitempty"` // in a file: the gateway it stands in
	Routes            []GatewayRoute    `json:"routes,omitempty"`
	Tags              map[string]string `json:"tags,omitempty"`
}

// GatewayRoute is a route of a transit gateway route table.
type GatewayRoute struct {
	Prefix        netip.Prefix `json:"prefix"`
	State         string       `json:"state,omitempty"`         // active or blackhole; active when it is missing
	Type          string       `json:"type,omitempty"`          // propagated or static; propagated when it is missing
	AttachmentIDs []string     `json:"attachmentIds,omitempty"` // tgw-attach-…; several with ECMP
	ResourceType  string       `json:"resourceType,omitempty"`
	ResourceID    string       `json:"resourceId,omitempty"`
	PrefixListID  string       `json:"prefixListId,omitempty"`
	ASPath        []uint32     `json:"asPath,omitempty"` // behind the gateway's own ASN
}

// VPNConnection is a site-to-site VPN connection.
type VPNConnection struct {
	ARN                string         `json:"arn"`
	CustomerGatewayARN string         `json:"customerGatewayArn,omitempty"`
	TransitGatewayARN  string         `json:"transitGatewayArn,omitempty"` // "" when it is not on one
	GatewayID          string         `json:"gatewayId,omitempty"`         // of a virtual private gateway
	StaticRoutesOnly   bool           `json:"staticRoutesOnly,omitempty"`  // no BGP; so is one with static routes
	StaticRoutes       []netip.Prefix `json:"staticRoutes,omitempty"`      // of one without BGP
	Announcements      []Announcement `json:"announcements,omitempty"`     // of the customer gateway, over BGP; EC2 does not tell them
	Tunnels            []Tunnel       `json:"tunnels,omitempty"`
}

// Static tells whether the connection routes statically, without BGP.
func (v *VPNConnection) Static() bool { return v.StaticRoutesOnly || len(v.StaticRoutes) > 0 }

// Tunnel is one of the two tunnels of a VPN connection.
type Tunnel struct {
	OutsideIP      netip.Addr   `json:"outsideIp"`
	InsideCIDR     netip.Prefix `json:"insideCidr,omitzero"`     // the first address is AWS's, the second the customer gateway's
	InsideIPv6CIDR netip.Prefix `json:"insideIpv6Cidr,omitzero"` // the same, of a tunnel that carries IPv6 in the place of IPv4
	Up             bool         `json:"up"`
	Since          int64        `json:"since,omitempty"` // epoch seconds of the last change
	Message        string       `json:"message,omitempty"`
}

// Inside are the addresses of the BGP session in a tunnel, those of IPv6 where it carries that; false: the tunnel has none.
func (t *Tunnel) Inside() (aws, customer netip.Addr, ok bool) {
	block, bits := t.InsideCIDR, insideBits
	if t.InsideIPv6CIDR.IsValid() {
		block, bits = t.InsideIPv6CIDR, insideBits6
	}
	if !block.IsValid() || block.Bits() != bits {
		return aws, customer, false
	}
	aws = block.Masked().Addr().Next()
	return aws, aws.Next(), true
}

// Lengths of the inside blocks of a tunnel.
const (
	insideBits  = 30
	insideBits6 = 126
)

// CustomerGateway is a customer gateway with the VPN connections that end at it.
type CustomerGateway struct {
	ARN               string   `json:"arn"`
	ASN               uint32   `json:"asn,omitempty"`
	VPNConnectionARNs []string `json:"vpnConnectionArns,omitempty"` // in a file: worked out of the connections
}

// ConnectPeer is a Connect peer of a transit gateway.
type ConnectPeer struct {
	ARN               string `json:"arn"`
	TransitGatewayARN string `json:"transitGatewayArn,omitempty"` // in a file: the gateway it stands in
}

// PrefixList is a managed prefix list.
type PrefixList struct {
	ARN     string         `json:"arn"`
	Entries []netip.Prefix `json:"entries"`
}

// DirectConnectGateway is a Direct Connect gateway.
type DirectConnectGateway struct {
	ARN            string         `json:"arn"`
	ASN            uint32         `json:"asn,omitempty"`
	AssociatedWith []string       `json:"associatedWith,omitempty"` // ids of the virtual private or transit gateways it serves already
	Announcements  []Announcement `json:"announcements,omitempty"`  // of the routers behind it; Direct Connect does not tell them
}

// Announcement is a route that comes over BGP, in the form the network has it.
type Announcement = routing.Announcement

// IPsecDown tells a tunnel without IPsec from one without BGP: EC2 has one status for both and says which in words.
func (t *Tunnel) IPsecDown() bool {
	return !t.Up && !strings.Contains(strings.ToUpper(t.Message), "IPSEC IS UP")
}
