package service

import (
	"context"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/store"
)

// Events are written where a row is stored, by what differs from the row before. AWS has none for global networks, sites,
// devices, links, connections and associations.
const (
	topologyChange = "Network Manager Topology Change"
	segmentUpdate  = "Network Manager Segment Update"
	groupUpdate    = "Network Manager Network Function Group Update"
	policyUpdate   = "Network Manager Policy Update"
	routingUpdate  = "Network Manager Routing Update"
	statusUpdate   = "Network Manager Status Update"
	advisory       = "Network Manager Service Advisory"
)

// eventDetail is the detail of an event; members that do not apply are left out.
type eventDetail struct {
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

// emit writes an event of a core network to the log. It belongs to the owner of the global network.
func emit(tx *Txn, network *coreNetworkRow, detailType string, d eventDetail, resources ...string) {
	a, _ := parseARN(network.CoreNetworkArn)
	global := "arn:" + a.partition + ":networkmanager::" + network.OwnerAccountId + ":global-network/" + network.GlobalNetworkId
	d.CoreNetworkArn = network.CoreNetworkArn
	resources = append([]string{global, network.CoreNetworkArn}, resources...)
	if err := events.Append(tx.w, tx.now, detailType, network.OwnerAccountId, resources, &d); err != nil {
		tx.log.Error("an event was not written", "error", err)
	}
}

// kindWords are how events name a type of attachment: in the change type and in the sentence.
var kindWords = map[api.AttachmentType][2]string{
	api.AttachmentTypeVpc:                      {"VPC-ATTACHMENT-", "VPC"},
	api.AttachmentTypeConnect:                  {"CONNECT_ATTACHMENT_", "Connect"},
	api.AttachmentTypeSiteToSiteVpn:            {"VPN-ATTACHMENT-", "Site-to-Site VPN"},
	api.AttachmentTypeDirectConnectGateway:     {"DXGW-ATTACHMENT-", "Direct Connect gateway"},
	api.AttachmentTypeTransitGatewayRouteTable: {"TGW-ROUTE-TABLE-ATTACHMENT-", "Transit Gateway route table"},
}

// attachmentChanged tells of an attachment that was made, changed or removed; old or row is nil then.
func attachmentChanged(tx *Txn, old, row *attachmentRow) {
	any := row
	if any == nil {
		any = old
	}
	network, ok := networkOfARN(tx.View, any.CoreNetworkArn)
	if !ok {
		return
	}
	detail := func(changeType, description string) eventDetail {
		return eventDetail{ChangeType: changeType, ChangeDescription: description, EdgeLocation: any.EdgeLocation, AttachmentArn: any.AttachmentArn()}
	}
	words := kindWords[any.AttachmentType]
	topology := func(what, sentence string) {
		d := detail(words[0]+what, sentence)
		switch any.AttachmentType {
		case api.AttachmentTypeVpc:
			d.VpcArn = any.ResourceArn
		case api.AttachmentTypeConnect:
			a, _ := parseARN(any.CoreNetworkArn)
			d.TransportAttachmentArn = "arn:" + a.partition + ":networkmanager::" + a.account + ":attachment/" + any.TransportAttachmentId
			d.Protocol = string(any.Protocol)
		case api.AttachmentTypeSiteToSiteVpn:
			d.VpnConnectionArn = any.ResourceArn
		case api.AttachmentTypeDirectConnectGateway:
			d.DirectConnectGatewayArn = any.ResourceArn
		case api.AttachmentTypeTransitGatewayRouteTable:
			d.RouteTableArn = any.ResourceArn
		}
		emit(tx, network, topologyChange, d)
	}
	switch {
	case old == nil:
		topology("CREATED", "A "+words[1]+" attachment has been created for a Core Network.")
	case row == nil:
		topology("DELETED", "A "+words[1]+" attachment has been deleted from a Core Network.")
	case row.AttachmentType == api.AttachmentTypeDirectConnectGateway && !slices.Equal(old.EdgeLocations, row.EdgeLocations):
		topology("UPDATED", "A "+words[1]+" attachment has been updated for a Core Network.")
	}
	wasIn, wasBehind := placed(old)
	isIn, isBehind := placed(row)
	if wasIn != isIn {
		what := [...]string{"MODIFIED", "mapped to a different Segment."}
		switch "" {
		case wasIn:
			what = [...]string{"CREATED", "mapped to a Segment."}
		case isIn:
			what = [...]string{"DELETED", "removed from a Segment."}
		}
		d := detail("ATTACHMENT-ASSOCIATION-"+what[0], "An attachment has been "+what[1])
		d.PreviousSegmentName, d.SegmentName = wasIn, isIn
		emit(tx, network, segmentUpdate, d)
	}
	if wasBehind != isBehind {
		what := [...]string{"MODIFIED", "mapped to a different Network Function Group."}
		switch "" {
		case wasBehind:
			what = [...]string{"CREATED", "mapped to a Network Function Group."}
		case isBehind:
			what = [...]string{"DELETED", "removed from a Network Function Group."}
		}
		d := detail("ATTACHMENT_"+what[0], "An attachment has been "+what[1])
		d.PreviousNetworkFunctionGroupName, d.NewNetworkFunctionGroupName = wasBehind, isBehind
		emit(tx, network, groupUpdate, d, any.AttachmentArn())
	}
}

// slotTaken tells of an attachment that is not in the network function group, if one is named, as another has the place
// at its edge. AWS has the type of event for what it has to say to the owner; what it says is not known.
func slotTaken(tx *Txn, network *coreNetworkRow, row *attachmentRow, group string) {
	if group == "" {
		return
	}
	emit(tx, network, advisory, eventDetail{
		ChangeType: "ATTACHMENT-NOT-ASSOCIATED", EdgeLocation: row.EdgeLocation, AttachmentArn: row.AttachmentArn(), NetworkFunctionGroupName: group,
		ChangeDescription: "An attachment has not been mapped to a Network Function Group: another attachment has the place at its edge location.",
	})
}

// placed is the segment or group an attachment is really in: one that waits to be accepted is in none yet.
func placed(row *attachmentRow) (segment, group string) {
	if row == nil {
		return "", ""
	}
	switch row.State {
	case api.AttachmentStatePendingAttachmentAcceptance, api.AttachmentStateRejected, api.AttachmentStateFailed:
		return "", ""
	}
	return row.SegmentName, row.NetworkFunctionGroupName
}

func connectPeerEvent(tx *Txn, row *connectPeerRow, what, sentence string) {
	network, ok := coreNetworks.Get(tx.r, accountKey(row.OwnerAccountId, "core-network", row.CoreNetworkId))
	if !ok {
		return
	}
	a, _ := parseARN(network.CoreNetworkArn)
	below := "arn:" + a.partition + ":networkmanager::" + a.account + ":"
	emit(tx, network, topologyChange, eventDetail{
		ChangeType: "CONNECT_PEER_" + what, ChangeDescription: "A Connect peer has been " + sentence, EdgeLocation: row.EdgeLocation,
		AttachmentArn: below + "attachment/" + row.ConnectAttachmentId, ConnectPeerArn: below + "connect-peer/" + row.ConnectPeerId,
	})
}

// connectPeerStatus tells of the BGP sessions of a peer that come up or go down: one event for each.
func connectPeerStatus(tx *Txn, row *connectPeerRow, up bool) {
	network, ok := coreNetworks.Get(tx.r, accountKey(row.OwnerAccountId, "core-network", row.CoreNetworkId))
	if !ok || row.Configuration == nil {
		return
	}
	a, _ := parseARN(network.CoreNetworkArn)
	below := "arn:" + a.partition + ":networkmanager::" + a.account + ":"
	d := eventDetail{
		ChangeType: "CONNECT_PEER_BGP_DOWN", ChangeDescription: "BGP for a Connect peer has gone down.", EdgeLocation: row.EdgeLocation,
		AttachmentArn: below + "attachment/" + row.ConnectAttachmentId, ConnectPeerArn: below + "connect-peer/" + row.ConnectPeerId,
	}
	if up {
		d.ChangeType, d.ChangeDescription = "CONNECT_PEER_BGP_UP", "BGP for a Connect peer has been established."
	}
	for _, session := range row.Configuration.BgpConfigurations {
		d.PeerAsn, d.CoreNetworkAddress = strconv.FormatInt(val(session.PeerAsn), 10), session.CoreNetworkAddress
		emit(tx, network, statusUpdate, d)
	}
}

func peeringEvent(tx *Txn, row *peeringRow, what, sentence string) {
	network, ok := networkOfARN(tx.View, row.CoreNetworkArn)
	if !ok {
		return
	}
	emit(tx, network, topologyChange, eventDetail{
		ChangeType: "TGW_PEERING_" + what, ChangeDescription: "A Transit Gateway peering has been " + sentence, EdgeLocation: row.EdgeLocation,
		PeeringArn: row.arn(), TransitGatewayArn: row.ResourceArn,
	})
}

// versionEvent tells of a change set that is ready or has been executed.
func versionEvent(tx *Txn, network *coreNetworkRow, version *api.CoreNetworkPolicy) {
	d := eventDetail{PolicyVersionID: strconv.Itoa(int(val(version.PolicyVersionId)))}
	switch version.ChangeSetState {
	case api.ChangeSetStateReadyToExecute:
		d.ChangeType, d.ChangeDescription = "CHANGE-SET-READY-TO-EXECUTE", "A change set is ready to be executed for a Core Network policy."
	case api.ChangeSetStateExecutionSucceeded:
		d.ChangeType, d.ChangeDescription = "CHANGE-SET-EXECUTED", "A change set has been executed for a Core Network policy."
	default:
		return
	}
	emit(tx, network, policyUpdate, d)
}

// edgesChanged tells of the edges a core network got and lost.
func edgesChanged(tx *Txn, old, row *coreNetworkRow) {
	for _, e := range row.Edges {
		if _, had := old.edge(e.EdgeLocation); !had {
			emit(tx, row, topologyChange, eventDetail{
				ChangeType: "EDGE-LOCATION-ADDED", ChangeDescription: "An edge location has been added to a Core Network.", EdgeLocation: e.EdgeLocation,
			})
		}
	}
	for _, e := range old.Edges {
		if _, has := row.edge(e.EdgeLocation); !has {
			emit(tx, row, topologyChange, eventDetail{
				ChangeType: "EDGE-LOCATION-DELETED", ChangeDescription: "An edge location has been deleted from a Core Network.", EdgeLocation: e.EdgeLocation,
			})
		}
	}
}

// Events reads the log: what happened to the caller's account after a sequence, and the sequence to go on after.
func (s *Service) Events(ctx context.Context, q events.Query) (list []events.Record, next uint64, err error) {
	if err := s.queue.Step(ctx); err != nil {
		return nil, 0, err
	}
	q.Account = api.CallerFrom(ctx).Account
	s.tellOutsideSoon(ctx)
	if !s.noRoutingEvents {
		s.tellAll(ctx, q.Account)
	}
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		list, next, err = events.Read(r, q)
		return err
	})
	return list, next, err
}

// EventsChanged gives a value whenever there may be more events, until ctx ends or the watcher falls behind.
func (s *Service) EventsChanged(ctx context.Context) (<-chan struct{}, error) {
	watch, err := s.store.Watch(ctx, events.Prefix)
	if err != nil {
		return nil, err
	}
	return events.Changed(watch), nil
}
