package notify

import (
	"maps"
	"slices"
	"strconv"

	"portolan/internal/state"

	"github.com/go-json-experiment/json/jsontext"
)

// externalDetail is the detail of an event about what is external; members that do not apply are left out.
type externalDetail struct {
	ChangeType        string `json:"changeType"`
	ChangeDescription string `json:"changeDescription"`
	Region            string `json:"region"`

	TransitGatewayAttachmentArn string   `json:"transitGatewayAttachmentArn,omitzero"`
	TransitGatewayRouteTableArn string   `json:"transitGatewayRouteTableArn,omitzero"`
	VpcArn                      string   `json:"vpcArn,omitzero"`
	DirectConnectGatewayArn     string   `json:"directConnectGatewayArn,omitzero"`
	ResourceArns                []string `json:"resourceArns,omitzero"`
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

// eventWords are how events name something: in the change type and in the sentence.
type eventWords struct{ prefix, name string }

// gatewayWords are how events name what is attached to a transit gateway: in the change type and in the sentence. Of a
// Connect attachment only the peers are published.
var gatewayWords = map[string]eventWords{
	"vpc":                    {"VPC-ATTACHMENT-", "A VPC attachment"},
	"vpn":                    {"VPN-CONNECTION-", "A Site-to-Site VPN connection"},
	"peering":                {"TGW-PEERING-", "A Transit Gateway peering attachment"},
	"direct-connect-gateway": {"DXGW-ATTACHMENT-", "A Direct Connect Gateway attachment"},
	"network-function":       {"NETWORK-FIREWALL-ATTACHMENT-", "A Network Firewall attachment"},
}

// publish writes what differs, in the order of ARNs.
func (p *externalPublisher) publish(seen, next *state.External) {
	moved := p.movedVPNs(seen, next)
	connections := map[string]state.ExternalVPN{} // as they were, by ARN
	for _, g := range seen.Gateways {
		for _, v := range g.VPNs {
			connections[v.ARN] = v
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(next.Gateways)) {
		was, had := seen.Gateways[arn]
		is := next.Gateways[arn]
		place, _ := state.ParseARN(arn)
		base := externalDetail{Region: place.Region, TransitGatewayArn: arn}
		switch {
		case !had, was.Missing && is.Missing:
			continue
		case is.Missing:
			base.ChangeType, base.ChangeDescription = "TGW-DELETED", "A Transit Gateway in the global network has been deleted."
			p.emit(state.TopologyChange, base, arn)
			continue // what hung on it went with it
		}
		p.attachments(base, &was, &is, moved)
		p.connectPeers(base, &was, &is)
		for _, a := range slices.Sorted(maps.Keys(is.VPNs)) {
			d := base
			d.TransitGatewayAttachmentArn, d.VpnConnectionArn = a, is.VPNs[a].ARN
			p.vpn(d, connections[is.VPNs[a].ARN], is.VPNs[a], is.VPNs[a].ARN)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(next.Attached)) {
		is := next.Attached[id]
		place, _ := state.ParseARN(is.ARN)
		network := p.scope.network
		p.vpn(externalDetail{Region: place.Region, AttachmentArn: p.scope.attached[id].ARN(), CoreNetworkArn: network.CoreNetworkArn},
			p.scope.withoutBGP(id, seen.Attached[id]), is, network.CoreNetworkArn)
	}
}

// movedVPNs publishes VPN connections that went from one gateway of the global network to another, and gives these.
func (p *externalPublisher) movedVPNs(seen, next *state.External) map[string]bool {
	gateways := func(row *state.External) map[string]string {
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
		place, _ := state.ParseARN(vpn)
		p.emit(state.TopologyChange, externalDetail{
			ChangeType: "VPN-CONNECTION-TARGET-GATEWAY-MODIFIED", ChangeDescription: "The target gateway of a Site-to-Site VPN connection has been modified",
			Region: place.Region, VpnConnectionArn: vpn, PreviousTargetGatewayArn: from, CurrentTargetGatewayArn: to, TransitGatewayArn: to,
		}, to)
	}
	return moved
}

// attachments publishes attachments of a transit gateway that came, went, or were associated with another route table.
func (p *externalPublisher) attachments(base externalDetail, was, is *state.ExternalGateway, moved map[string]bool) {
	topology := func(arn, what string, a state.ExternalAttachment, v state.ExternalVPN) {
		words, known := gatewayWords[a.Type]
		if !known || a.Type == "vpn" && moved[a.Resource] {
			return
		}
		d := base
		d.ChangeType, d.TransitGatewayAttachmentArn = words.prefix+what, arn
		d.ChangeDescription = words.name + map[string]string{"CREATED": " has been created.", "DELETED": " has been deleted."}[what]
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
		case "network-function":
			if a.Resource != "" {
				d.ResourceArns = []string{a.Resource}
			}
		}
		p.emit(state.TopologyChange, d, base.TransitGatewayArn)
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
			p.emit(state.RoutingUpdate, d, base.TransitGatewayArn)
		}
	}
}

func (p *externalPublisher) connectPeers(base externalDetail, was, is *state.ExternalGateway) {
	publish := func(what, sentence string, from, notIn []string) {
		for _, arn := range from {
			if _, found := slices.BinarySearch(notIn, arn); !found {
				d := base
				d.ChangeType, d.ChangeDescription, d.ConnectPeerArn = "TGW-CONNECT-PEER-"+what, "A TGW Connect Peer has been "+sentence, arn
				p.emit(state.TopologyChange, d, base.TransitGatewayArn)
			}
		}
	}
	publish("DELETED", "deleted in a Connect attachment.", was.ConnectPeers, is.ConnectPeers)
	publish("CREATED", "created in a Connect attachment.", is.ConnectPeers, was.ConnectPeers)
}

// vpn publishes a VPN connection that ends at another customer gateway, and of its tunnels. The connection is in the
// resources of an event about a tunnel on a transit gateway, the core network in those of one on a core network.
func (p *externalPublisher) vpn(base externalDetail, was, is state.ExternalVPN, resource string) {
	if was.CustomerGateway != "" && is.CustomerGateway != "" && was.CustomerGateway != is.CustomerGateway && base.TransitGatewayArn != "" {
		d := base
		d.TransitGatewayAttachmentArn = ""
		d.ChangeType, d.ChangeDescription = "VPN-CONNECTION-CUSTOMER-GATEWAY-MODIFIED", "The customer gateway of a Site-to-Site VPN connection has been modified"
		d.PreviousCustomerGatewayArn, d.CurrentCustomerGatewayArn = was.CustomerGateway, is.CustomerGateway
		p.emit(state.TopologyChange, d, base.TransitGatewayArn)
	}
	addresses := maps.Clone(was.Tunnels)
	if addresses == nil {
		addresses = map[string]state.ExternalTunnel{}
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
			p.emit(state.StatusUpdate, d, resource)
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
