package state

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/events"
)

// Events are written where a row is stored, by what differs from the row before. AWS has none for global networks, sites,
// devices, links, connections and associations.
const (
	TopologyChange = "Network Manager Topology Change"
	SegmentUpdate  = "Network Manager Segment Update"
	GroupUpdate    = "Network Manager Network Function Group Update"
	PolicyUpdate   = "Network Manager Policy Update"
	RoutingUpdate  = "Network Manager Routing Update"
	StatusUpdate   = "Network Manager Status Update"
	Advisory       = "Network Manager Service Advisory"
)

// EventDetail is the detail of an event; members that do not apply are left out.
type EventDetail struct {
	ChangeType        string `json:"changeType"`
	ChangeDescription string `json:"changeDescription"`
	EdgeLocation      string `json:"edgeLocation,omitzero"`

	AttachmentArn           string `json:"attachmentArn,omitzero"`
	VpcArn                  string `json:"vpcArn,omitzero"`
	VpnConnectionArn        string `json:"vpnConnectionArn,omitzero"`
	DirectConnectGatewayArn string `json:"directConnectGatewayArn,omitzero"`
	TransportAttachmentArn  string `json:"transportAttachmentArn,omitzero"`
	Protocol                string `json:"protocol,omitzero"`
	ConnectPeerArn          string `json:"connectPeerArn,omitzero"`
	PeeringArn              string `json:"peeringArn,omitzero"`
	TransitGatewayArn       string `json:"transitGatewayArn,omitzero"`
	RouteTableArn           string `json:"transitGatewayRouteTableArn,omitzero"`
	PeerAsn                 string `json:"peerAsn,omitzero"`
	CoreNetworkAddress      string `json:"coreNetworkAddress,omitzero"`
	OutsideIPAddress        string `json:"outsideIpAddress,omitzero"`

	PreviousSegmentName              string `json:"previousSegmentName,omitzero"`
	SegmentName                      string `json:"segmentName,omitzero"`
	PreviousNetworkFunctionGroupName string `json:"previousNetworkFunctionGroupName,omitzero"`
	NewNetworkFunctionGroupName      string `json:"newNetworkFunctionGroupName,omitzero"`
	NetworkFunctionGroupName         string `json:"networkFunctionGroupName,omitzero"`
	PolicyVersionID                  string `json:"policyVersionId,omitzero"`

	Region         string           `json:"region,omitzero"` // routing events name the edge so
	Segments       []string         `json:"segments,omitzero"`
	SequenceNumber int64            `json:"sequenceNumber,omitzero"`
	Routes         []jsontext.Value `json:"routes,omitzero"`

	CoreNetworkArn string `json:"coreNetworkArn"`
}

// Emit writes an event of a core network to the log. It belongs to the owner of the global network.
func (tx *Txn) Emit(network *CoreNetwork, detailType string, d EventDetail, resources ...string) {
	a, _ := ParseARN(network.CoreNetworkArn)
	global := "arn:" + a.Partition + ":networkmanager::" + network.OwnerAccountId + ":global-network/" + network.GlobalNetworkId
	d.CoreNetworkArn = network.CoreNetworkArn
	resources = append([]string{global, network.CoreNetworkArn}, resources...)
	tx.EmitAs(network.OwnerAccountId, detailType, &d, resources)
}

// EmitAs writes an event of an account to the log. One that cannot be written fails the transaction: what happened and
// what is said of it go together.
func (tx *Txn) EmitAs(account, detailType string, detail any, resources []string) {
	if err := tx.db.fail.At("event.append"); err != nil {
		tx.fail(err)
		return
	}
	if err := events.Append(tx.w, tx.Now, detailType, account, resources, detail); err != nil {
		tx.fail(fmt.Errorf("an event could not be written: %w", err))
	}
}

// eventWords are how events name something: in the change type and in the sentence.
type eventWords struct{ prefix, name string }

var kindWords = map[api.AttachmentType]eventWords{
	api.AttachmentTypeVpc:                      {"VPC_ATTACHMENT_", "VPC"},
	api.AttachmentTypeConnect:                  {"CONNECT_ATTACHMENT_", "Connect"},
	api.AttachmentTypeSiteToSiteVpn:            {"VPN_ATTACHMENT_", "Site-to-Site VPN"},
	api.AttachmentTypeDirectConnectGateway:     {"DIRECT_CONNECT_GATEWAY_ATTACHMENT_", "Direct Connect gateway"},
	api.AttachmentTypeTransitGatewayRouteTable: {"TGW_ROUTE_TABLE_ATTACHMENT_", "Transit Gateway route table"},
}

// attachmentChanged tells of an attachment that was made, changed or removed; old or row is nil then.
func (tx *Txn) attachmentChanged(old, row *Attachment) {
	either := row
	if either == nil {
		either = old
	}
	network, ok := CoreNetworks.ByARN(tx.View, either.CoreNetworkArn)
	if !ok {
		return
	}
	detail := func(changeType, description string) EventDetail {
		return EventDetail{ChangeType: changeType, ChangeDescription: description, EdgeLocation: either.EdgeLocation, AttachmentArn: either.ARN()}
	}
	words := kindWords[either.AttachmentType]
	topology := func(what, sentence string) {
		d := detail(words.prefix+what, sentence)
		switch either.AttachmentType {
		case api.AttachmentTypeVpc:
			d.VpcArn = either.ResourceArn
		case api.AttachmentTypeConnect:
			a, _ := ParseARN(either.CoreNetworkArn)
			d.TransportAttachmentArn = "arn:" + a.Partition + ":networkmanager::" + a.Account + ":attachment/" + either.TransportAttachmentId
			d.Protocol = string(either.Protocol)
		case api.AttachmentTypeSiteToSiteVpn:
			d.VpnConnectionArn = either.ResourceArn
		case api.AttachmentTypeDirectConnectGateway:
			d.DirectConnectGatewayArn = either.ResourceArn
		case api.AttachmentTypeTransitGatewayRouteTable:
			d.RouteTableArn = either.ResourceArn
		}
		tx.Emit(network, TopologyChange, d)
	}
	switch {
	case old == nil:
		topology("CREATED", "A "+words.name+" attachment has been created for a Core Network.")
	case row == nil:
		topology("DELETED", "A "+words.name+" attachment has been deleted from a Core Network.")
	case row.AttachmentType == api.AttachmentTypeDirectConnectGateway && !slices.Equal(old.EdgeLocations, row.EdgeLocations):
		topology("UPDATED", "A "+words.name+" attachment has been updated for a Core Network.")
	}
	wasIn, wasBehind := placed(old)
	isIn, isBehind := placed(row)
	if wasIn != isIn {
		what, sentence := moved(wasIn, isIn)
		d := detail("ATTACHMENT_ASSOCIATION_"+what, "An attachment has been "+sentence+" Segment.")
		d.PreviousSegmentName, d.SegmentName = wasIn, isIn
		tx.Emit(network, SegmentUpdate, d)
	}
	if wasBehind != isBehind {
		what, sentence := moved(wasBehind, isBehind)
		d := detail("ATTACHMENT_"+what, "An attachment has been "+sentence+" Network Function Group.")
		d.PreviousNetworkFunctionGroupName, d.NewNetworkFunctionGroupName = wasBehind, isBehind
		tx.Emit(network, GroupUpdate, d, either.ARN())
	}
}

// moved is what happened to an attachment that was in one place and is in another, "" for none.
func moved(was, is string) (what, sentence string) {
	switch "" {
	case was:
		return "CREATED", "mapped to a"
	case is:
		return "DELETED", "removed from a"
	}
	return "MODIFIED", "mapped to a different"
}

// SlotTaken tells of an attachment that is not in the network function group, if one is named, as another has the place
// at its edge. AWS has the type of event for what it has to say to the owner; what it says is not known.
func (tx *Txn) SlotTaken(network *CoreNetwork, row *Attachment, group string) {
	if group == "" {
		return
	}
	tx.Emit(network, Advisory, EventDetail{
		ChangeType: "ATTACHMENT_NOT_ASSOCIATED", EdgeLocation: row.EdgeLocation, AttachmentArn: row.ARN(), NetworkFunctionGroupName: group,
		ChangeDescription: "An attachment has not been mapped to a Network Function Group: another attachment has the place at its edge location.",
	})
}

// placed is the segment or group an attachment is really in: one that waits to be accepted is in none yet.
func placed(row *Attachment) (segment, group string) {
	if row == nil {
		return "", ""
	}
	switch row.State {
	case api.AttachmentStatePendingAttachmentAcceptance, api.AttachmentStateRejected, api.AttachmentStateFailed:
		return "", ""
	}
	return row.SegmentName, row.NetworkFunctionGroupName
}

// ConnectPeerEvent is that of a Connect peer that came or went.
func (tx *Txn) ConnectPeerEvent(row *ConnectPeer, what, sentence string) {
	network, ok := CoreNetworks.Get(tx.View, CoreNetworks.Key(row.OwnerAccountId, row.CoreNetworkId))
	if !ok {
		return
	}
	a, _ := ParseARN(network.CoreNetworkArn)
	below := "arn:" + a.Partition + ":networkmanager::" + a.Account + ":"
	tx.Emit(network, TopologyChange, EventDetail{
		ChangeType: "CONNECT_PEER_" + what, ChangeDescription: "A Connect peer has been " + sentence, EdgeLocation: row.EdgeLocation,
		AttachmentArn: below + "attachment/" + row.ConnectAttachmentId, ConnectPeerArn: below + "connect-peer/" + row.ConnectPeerId,
	})
}

// ConnectPeerStatus tells of the BGP sessions of a peer that come up or go down: one event for each, or for the one with
// the core network address.
func (tx *Txn) ConnectPeerStatus(row *ConnectPeer, up bool, address string) {
	network, ok := CoreNetworks.Get(tx.View, CoreNetworks.Key(row.OwnerAccountId, row.CoreNetworkId))
	if !ok || row.Configuration == nil {
		return
	}
	a, _ := ParseARN(network.CoreNetworkArn)
	below := "arn:" + a.Partition + ":networkmanager::" + a.Account + ":"
	d := EventDetail{
		ChangeType: "CONNECT_PEER_BGP_DOWN", ChangeDescription: "BGP for a Connect peer has gone down.", EdgeLocation: row.EdgeLocation,
		AttachmentArn: below + "attachment/" + row.ConnectAttachmentId, ConnectPeerArn: below + "connect-peer/" + row.ConnectPeerId,
	}
	if up {
		d.ChangeType, d.ChangeDescription = "CONNECT_PEER_BGP_UP", "BGP for a Connect peer has been established."
	}
	for _, session := range row.Configuration.BgpConfigurations {
		if address != "" && address != session.CoreNetworkAddress {
			continue
		}
		d.PeerAsn, d.CoreNetworkAddress = strconv.FormatInt(*session.PeerAsn, 10), session.CoreNetworkAddress
		tx.Emit(network, StatusUpdate, d)
	}
}

// BGPStatus tells of a session of a Connect peer, or of a VPN attachment, that comes up or goes down.
func (tx *Txn) BGPStatus(n NetworkID, id string, s *BGPSession, up bool) {
	if peer, ok := ConnectPeers.ByID(tx.View, id); ok {
		tx.ConnectPeerStatus(peer, up, s.CoreNetworkAddress)
		return
	}
	row, ok := Attachments.Get(tx.View, Attachments.Key(n.Account, n.ID, id))
	network, known := CoreNetworks.Get(tx.View, CoreNetworks.Key(n.Account, n.ID))
	if !ok || !known {
		return
	}
	d := EventDetail{
		ChangeType: "VPN-CONNECTION-BGP-DOWN", ChangeDescription: "BGP for a VPN connection has gone down.", Region: row.EdgeLocation,
		AttachmentArn: row.ARN(), OutsideIPAddress: s.Tunnel.OutsideIP, PeerAsn: strconv.FormatUint(uint64(s.Tunnel.PeerAsn), 10),
	}
	if up {
		d.ChangeType, d.ChangeDescription = "VPN-CONNECTION-BGP-ESTABLISH", "BGP for a VPN connection has been established."
	}
	tx.Emit(network, StatusUpdate, d)
}

// PeeringEvent is that of a peering that came or went.
func (tx *Txn) PeeringEvent(row *Peering, what, sentence string) {
	network, ok := CoreNetworks.ByARN(tx.View, row.CoreNetworkArn)
	if !ok {
		return
	}
	tx.Emit(network, TopologyChange, EventDetail{
		ChangeType: "TGW_PEERING_" + what, ChangeDescription: "A Transit Gateway peering has been " + sentence, EdgeLocation: row.EdgeLocation,
		PeeringArn: row.ARN(), TransitGatewayArn: row.ResourceArn,
	})
}

// VersionEvent tells of a change set that is ready or has been executed.
func (tx *Txn) VersionEvent(network *CoreNetwork, version *PolicyVersion) {
	d := EventDetail{PolicyVersionID: strconv.Itoa(int(*version.PolicyVersionId))}
	switch version.ChangeSetState {
	case api.ChangeSetStateReadyToExecute:
		d.ChangeType, d.ChangeDescription = "CHANGE_SET_READY_TO_EXECUTE", "A change set is ready to be executed for a Core Network policy."
	case api.ChangeSetStateExecutionSucceeded:
		d.ChangeType, d.ChangeDescription = "CHANGE_SET_EXECUTED", "A change set has been executed for a Core Network policy."
	default:
		return
	}
	tx.Emit(network, PolicyUpdate, d)
}

// EdgesChanged tells of the edges a core network got and lost.
func (tx *Txn) EdgesChanged(old, row *CoreNetwork) {
	for _, e := range row.Edges {
		if _, had := old.Edge(e.EdgeLocation); !had {
			tx.Emit(row, TopologyChange, EventDetail{
				ChangeType: "EDGE_LOCATION_ADDED", ChangeDescription: "An edge location has been added to a Core Network.", EdgeLocation: e.EdgeLocation,
			})
		}
	}
	for _, e := range old.Edges {
		if _, has := row.Edge(e.EdgeLocation); !has {
			tx.Emit(row, TopologyChange, EventDetail{
				ChangeType: "EDGE_LOCATION_DELETED", ChangeDescription: "An edge location has been deleted from a Core Network.", EdgeLocation: e.EdgeLocation,
			})
		}
	}
}
