package inventory

import (
	"fmt"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
)

// What the catalog knows of a resource, with the members that its Describe call has in the SDKs. AWS publishes no sample of
// a Definition; what the catalog does not know is left out, and so are secrets of VPN connections.

type definition map[string]any

// tags are those of EC2, none without any.
func (d definition) tags(list []api.Tag) definition {
	if len(list) > 0 {
		d["Tags"] = list
	}
	return d
}

// refer adds the id of another thing, unless there is none.
func (d definition) refer(member, arn string) definition {
	if arn != "" {
		d[member] = catalog.IDOf(arn)
	}
	return d
}

func defineGateway(g *catalog.TransitGateway) definition {
	d := definition{"TransitGatewayId": catalog.IDOf(g.ARN), "TransitGatewayArn": g.ARN, "OwnerId": state.AccountOf(g.ARN), "State": "available"}
	if g.State != "" {
		d["State"] = g.State
	}
	if g.ASN != 0 {
		d["Options"] = definition{"AmazonSideAsn": g.ASN}
	}
	return d.tags(tagList(g.Tags))
}

func defineGatewayAttachment(g *catalog.TransitGateway, a *catalog.GatewayAttachment) definition {
	d := definition{
		"TransitGatewayAttachmentId": catalog.IDOf(a.ARN), "TransitGatewayId": catalog.IDOf(g.ARN), "TransitGatewayOwnerId": state.AccountOf(g.ARN),
		"ResourceType": a.ResourceType, "State": "available",
	}
	if a.ResourceARN != "" {
		d["ResourceOwnerId"] = state.AccountOf(a.ResourceARN)
	}
	if a.RouteTableARN != "" {
		state := "associated"
		if a.Associated != nil && !*a.Associated {
			state = "associating"
		}
		d["Association"] = definition{"TransitGatewayRouteTableId": catalog.IDOf(a.RouteTableARN), "State": state}
	}
	return d.refer("ResourceId", a.ResourceARN).tags(tagList(a.Tags))
}

func defineRouteTable(g *catalog.TransitGateway, t *catalog.RouteTable) definition {
	return definition{"TransitGatewayRouteTableId": catalog.IDOf(t.ARN), "TransitGatewayId": catalog.IDOf(g.ARN), "State": "available"}.tags(tagList(t.Tags))
}

func defineGatewayConnectPeer(p *catalog.ConnectPeer) definition {
	return definition{"TransitGatewayConnectPeerId": catalog.IDOf(p.ARN), "State": "available"}
}

func defineVPNConnection(v *catalog.VPNConnection) definition {
	d := definition{
		"VpnConnectionId": catalog.IDOf(v.ARN), "State": "available", "Type": "ipsec.1",
		"Options": definition{"StaticRoutesOnly": len(v.StaticRoutes) > 0},
	}
	var telemetry, routes []definition
	for i := range v.Tunnels {
		tunnel := &v.Tunnels[i]
		status := "DOWN"
		if tunnel.Up {
			status = "UP"
		}
		t := definition{"OutsideIpAddress": tunnel.OutsideIP.String(), "Status": status, "StatusMessage": tunnel.Message}
		if tunnel.Since != 0 {
			t["LastStatusChange"] = time.Unix(tunnel.Since, 0).UTC().Format(time.RFC3339)
		}
		telemetry = append(telemetry, t)
	}
	for _, p := range v.StaticRoutes {
		routes = append(routes, definition{"DestinationCidrBlock": p.String(), "Source": "Static", "State": "available"})
	}
	if telemetry != nil {
		d["VgwTelemetry"] = telemetry
	}
	if routes != nil {
		d["Routes"] = routes
	}
	return d.refer("CustomerGatewayId", v.CustomerGatewayARN).refer("TransitGatewayId", v.TransitGatewayARN)
}

func defineCustomerGateway(c *catalog.CustomerGateway) definition {
	d := definition{"CustomerGatewayId": catalog.IDOf(c.ARN), "State": "available", "Type": "ipsec.1"}
	if c.ASN != 0 {
		d["BgpAsn"] = fmt.Sprint(c.ASN)
	}
	return d
}

// defineDirectConnectGateway is in the case that Direct Connect's members have.
func defineDirectConnectGateway(g *catalog.DirectConnectGateway) definition {
	d := definition{"directConnectGatewayId": catalog.IDOf(g.ARN), "ownerAccount": state.AccountOf(g.ARN), "directConnectGatewayState": "available"}
	if g.ASN != 0 {
		d["amazonSideAsn"] = g.ASN
	}
	return d
}
