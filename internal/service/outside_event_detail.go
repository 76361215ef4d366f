package service

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// outsideDetail is the detail of an event about what is outside; members that do not apply are left out.
type outsideDetail struct {
	ChangeType        string `json:"changeType"`
	ChangeDescription string `json:"changeDescription"`
	Region            string `json:"region"`

	TransitGatewayAttachmentArn string   `json:"transitGatewayAttachmentArn,omitzero"`
	TransitGatewayRouteTableArn string   `json:"transitGatewayRouteTableArn,omitzero"`
	VpcArn                      string   `json:"vpcArn,omitzero"`
	DirectConnectGatewayArn     string   `json:"directConnectGatewayArn,omitzero"`
	PeeredTransitGatewayArn     string   `json:"peeredTransitGatewayArn,omitzero"`
	ConnectPeerArn              string   `json:"connectPeerArn,omitzero"`
	AttachmentArn               string   `json:"attachmentArn,omitzero"`
	VpnConnectionArn            string   `json:"vpnConnectionArn,omitzero"`
	CustomerGatewayArn          string   `json:"customerGatewayArn,omitzero"`
	PreviousCustomerGatewayArn  string   `json:"previousCustomerGatewayArn,omitzero"`
	CurrentCustomerGatewayArn   string   `json:"currentCustomerGatewayArn,omitzero"`
	PreviousTargetGatewayArn    string   `json:"previousTargetGatewayArn,omitzero"`
	CurrentTargetGatewayArn     string   `json:"currentTargetGatewayArn,omitzero"`
	OutsideIPAddresses          []string `json:"outsideIpAddresses,omitzero"`
	Routing                     string   `json:"routing,omitzero"`
	OutsideIPAddress            string   `json:"outsideIpAddress,omitzero"`
	PeerASN                     string   `json:"peerAsn,omitzero"`

	TransitGatewayRouteTableArns []string         `json:"transitGatewayRouteTableArns,omitzero"`
	SequenceNumber               int64            `json:"sequenceNumber,omitzero"`
	Routes                       []jsontext.Value `json:"routes,omitzero"`

	TransitGatewayArn string `json:"transitGatewayArn,omitzero"`
	CoreNetworkArn    string `json:"coreNetworkArn,omitzero"`
}

// gatewayWords are how events name what is attached to a transit gateway: in the change type and in the sentence. Of a
// Connect attachment only the peers are told.
var gatewayWords = map[string][2]string{
	"vpc":                    {"VPC-ATTACHMENT-", "A VPC attachment"},
	"vpn":                    {"VPN-CONNECTION-", "A Site-to-Site VPN connection"},
	"peering":                {"TGW-PEERING-", "A Transit Gateway peering attachment"},
	"direct-connect-gateway": {"DXGW-ATTACHMENT-", "A Direct Connect Gateway attachment"},
}

// tell writes what differs, in the order of ARNs.
func (t *outsideTeller) tell(seen, next *outsideRow) {
	moved := t.movedVPNs(seen, next)
	connections := map[string]outsideVPN{} // as they were, by ARN
	for _, g := range seen.Gateways {
		for _, v := range g.VPNs {
			connections[v.ARN] = v
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(next.Gateways)) {
		was, had := seen.Gateways[arn]
		is := next.Gateways[arn]
		place, _ := parseARN(arn)
		base := outsideDetail{Region: place.region, TransitGatewayArn: arn}
		switch {
		case !had, was.Missing && is.Missing:
			continue
		case is.Missing:
			base.ChangeType, base.ChangeDescription = "TGW-DELETED", "A Transit Gateway in the global network has been deleted."
			t.emit(topologyChange, base, arn)
			continue // what hung on it went with it
		}
		t.attachments(base, &was, &is, moved)
		t.connectPeers(base, &was, &is)
		for _, a := range slices.Sorted(maps.Keys(is.VPNs)) {
			d := base
			d.TransitGatewayAttachmentArn, d.VpnConnectionArn = a, is.VPNs[a].ARN
			t.vpn(d, connections[is.VPNs[a].ARN], is.VPNs[a], is.VPNs[a].ARN)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(next.Attached)) {
		is := next.Attached[id]
		place, _ := parseARN(is.ARN)
		network := t.look.network
		t.vpn(outsideDetail{Region: place.region, AttachmentArn: t.look.attached[id].AttachmentArn(), CoreNetworkArn: network.CoreNetworkArn},
			seen.Attached[id], is, network.CoreNetworkArn)
	}
}

// movedVPNs tells of VPN connections that went from one gateway of the global network to another, and gives these.
func (t *outsideTeller) movedVPNs(seen, next *outsideRow) map[string]bool {
	gateways := func(row *outsideRow) map[string]string {
		on := map[string]string{}
		for arn, g := range row.Gateways {
			for _, v := range g.VPNs {
				on[v.ARN] = arn
			}
		}
		return on
	}
	moved := map[string]bool{}
	was, is := gateways(seen), gateways(next)
	for _, vpn := range slices.Sorted(maps.Keys(was)) {
		from, to := was[vpn], is[vpn]
		if _, had := seen.Gateways[to]; to == "" || to == from || !had {
			continue
		}
		moved[vpn] = true
		place, _ := parseARN(vpn)
		t.emit(topologyChange, outsideDetail{
			ChangeType: "VPN-CONNECTION-TARGET-GATEWAY-MODIFIED", ChangeDescription: "The target gateway of a Site-to-Site VPN connection has been modified",
			Region: place.region, VpnConnectionArn: vpn, PreviousTargetGatewayArn: from, CurrentTargetGatewayArn: to, TransitGatewayArn: to,
		}, to)
	}
	return moved
}

// attachments tells of attachments of a transit gateway that came, went, or were associated with another route table.
func (t *outsideTeller) attachments(base outsideDetail, was, is *outsideGateway, moved map[string]bool) {
	topology := func(arn, what string, a outsideAttachment, v outsideVPN) {
		words, told := gatewayWords[a.Type]
		if !told || a.Type == "vpn" && moved[a.Resource] {
			return
		}
		d := base
		d.ChangeType, d.TransitGatewayAttachmentArn = words[0]+what, arn
		d.ChangeDescription = words[1] + map[string]string{"CREATED": " has been created.", "DELETED": " has been deleted."}[what]
		switch a.Type {
		case "vpc":
			d.VpcArn = a.Resource
		case "vpn":
			d.VpnConnectionArn, d.CustomerGatewayArn = a.Resource, v.CustomerGateway
			if what == "CREATED" {
				d.OutsideIPAddresses, d.Routing = slices.Sorted(maps.Keys(v.Tunnels)), "dynamic_route"
				if v.Static {
					d.Routing = "static_route"
				}
			}
		case "peering":
			d.PeeredTransitGatewayArn = a.Resource
		case "direct-connect-gateway":
			d.DirectConnectGatewayArn = a.Resource
		}
		t.emit(topologyChange, d, base.TransitGatewayArn)
	}
	for _, arn := range slices.Sorted(maps.Keys(was.Attachments)) {
		if _, stays := is.Attachments[arn]; !stays {
			topology(arn, "DELETED", was.Attachments[arn], was.VPNs[arn])
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(is.Attachments)) {
		before, had := was.Attachments[arn]
		a := is.Attachments[arn]
		if !had {
			topology(arn, "CREATED", a, is.VPNs[arn])
		}
		if a.RouteTable != "" && a.RouteTable != before.RouteTable {
			d := base
			d.ChangeType, d.ChangeDescription = "TGW-ROUTE-TABLE-ASSOCIATED", "A Transit Gateway attachment has been associated with a route table."
			d.TransitGatewayAttachmentArn, d.TransitGatewayRouteTableArn = arn, a.RouteTable
			t.emit(routingUpdate, d, base.TransitGatewayArn)
		}
	}
}

func (t *outsideTeller) connectPeers(base outsideDetail, was, is *outsideGateway) {
	tell := func(what, sentence string, from, notIn []string) {
		for _, arn := range from {
			if _, found := slices.BinarySearch(notIn, arn); !found {
				d := base
				d.ChangeType, d.ChangeDescription, d.ConnectPeerArn = "TGW-CONNECT-PEER-"+what, "A TGW Connect Peer has been "+sentence, arn
				t.emit(topologyChange, d, base.TransitGatewayArn)
			}
		}
	}
	tell("DELETED", "deleted in a Connect attachment.", was.ConnectPeers, is.ConnectPeers)
	tell("CREATED", "created in a Connect attachment.", is.ConnectPeers, was.ConnectPeers)
}

// vpn tells of a VPN connection that ends at another customer gateway, and of its tunnels. The connection is in the
// resources of an event about a tunnel on a transit gateway, the core network in those of one on a core network.
func (t *outsideTeller) vpn(base outsideDetail, was, is outsideVPN, resource string) {
	if was.CustomerGateway != "" && is.CustomerGateway != "" && was.CustomerGateway != is.CustomerGateway && base.TransitGatewayArn != "" {
		d := base
		d.TransitGatewayAttachmentArn = ""
		d.ChangeType, d.ChangeDescription = "VPN-CONNECTION-CUSTOMER-GATEWAY-MODIFIED", "The customer gateway of a Site-to-Site VPN connection has been modified"
		d.PreviousCustomerGatewayArn, d.CurrentCustomerGatewayArn = was.CustomerGateway, is.CustomerGateway
		t.emit(topologyChange, d, base.TransitGatewayArn)
	}
	addresses := maps.Clone(was.Tunnels)
	if addresses == nil {
		addresses = map[string]outsideTunnel{}
	}
	maps.Copy(addresses, is.Tunnels)
	for _, address := range slices.Sorted(maps.Keys(addresses)) {
		before, now := was.Tunnels[address], is.Tunnels[address]
		status := func(changeType, sentence string, isBGP bool) {
			d := base
			d.ChangeType, d.ChangeDescription, d.OutsideIPAddress = changeType, sentence, address
			if asn := max(is.PeerASN, was.PeerASN); isBGP && asn != 0 {
				d.PeerASN = strconv.FormatUint(uint64(asn), 10)
			}
			t.emit(statusUpdate, d, resource)
		}
		if before.BGP && !now.BGP {
			status("VPN-CONNECTION-BGP-DOWN", "BGP for a VPN connection has gone down.", true)
		}
		switch {
		case before.IPsec && !now.IPsec:
			status("VPN-CONNECTION-IPSEC-DOWN", "IPsec for a VPN connection has gone down.", false)
		case !before.IPsec && now.IPsec:
			status("VPN-CONNECTION-IPSEC-UP", "IPsec for a VPN connection has come up.", false)
		}
		if !before.BGP && now.BGP {
			status("VPN-CONNECTION-BGP-ESTABLISH", "BGP for a VPN connection has been established.", true)
		}
	}
}
