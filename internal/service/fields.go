package service

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/nat"
	"portolan/internal/state"
)

// CheckFields tells what is wrong with the members of an input, each by itself, beyond what the model says: lengths,
// characters and numbers that AWS documents in words, ARNs that are none. It looks at the input only, so it can be asked
// before it is known who may do what, and told together with the model's constraints in one reply.
func (*Service) CheckFields(in api.Input) []api.FieldError { return wrongFields(in) }

// checkFields is CheckFields as an error, for methods that are called without a wire before them.
func checkFields(in api.Input) error { return invalid(wrongFields(in)) }

func wrongFields(in api.Input) []api.FieldError {
	switch in := in.(type) {
	case *api.DescribeGlobalNetworksInput:
		return tooMany("globalNetworkIds", in.GlobalNetworkIds)
	case *api.GetSitesInput:
		return tooMany("siteIds", in.SiteIds)
	case *api.GetDevicesInput:
		return tooMany("deviceIds", in.DeviceIds)
	case *api.GetLinksInput:
		return tooMany("linkIds", in.LinkIds)
	case *api.GetConnectionsInput:
		return tooMany("connectionIds", in.ConnectionIds)
	case *api.GetCustomerGatewayAssociationsInput:
		return tooMany("customerGatewayArns", in.CustomerGatewayArns)
	case *api.GetTransitGatewayConnectPeerAssociationsInput:
		return tooMany("transitGatewayConnectPeerArns", in.TransitGatewayConnectPeerArns)
	case *api.GetConnectPeerAssociationsInput:
		return tooMany("connectPeerIds", in.ConnectPeerIds)
	case *api.GetTransitGatewayRegistrationsInput:
		return tooMany("transitGatewayArns", in.TransitGatewayArns)

	case *api.CreateGlobalNetworkInput:
		return tagFields(in.Tags)
	case *api.CreateSiteInput:
		return tagFields(in.Tags)
	case *api.CreateDeviceInput:
		return append(deviceText(in.Vendor, in.Model, in.SerialNumber), tagFields(in.Tags)...)
	case *api.UpdateDeviceInput:
		return deviceText(in.Vendor, in.Model, in.SerialNumber)
	case *api.CreateLinkInput:
		return append(linkText(in.Type, in.Provider, in.Bandwidth), tagFields(in.Tags)...)
	case *api.UpdateLinkInput:
		return linkText(in.Type, in.Provider, in.Bandwidth)
	case *api.CreateConnectionInput:
		return tagFields(in.Tags)
	case *api.CreateCoreNetworkInput:
		return tagFields(in.Tags)

	case *api.AssociateCustomerGatewayInput:
		return customerGatewayARN.check(in.CustomerGatewayArn)
	case *api.RegisterTransitGatewayInput:
		return transitGatewayARN.check(in.TransitGatewayArn)
	case *api.AssociateTransitGatewayConnectPeerInput:
		return tgwConnectPeerARN.check(in.TransitGatewayConnectPeerArn)
	case *api.StartOrganizationServiceAccessUpdateInput:
		if in.Action != "ENABLE" && in.Action != "DISABLE" {
			return []api.FieldError{{Name: "action", Message: "Member must satisfy enum value set: [ENABLE, DISABLE]."}}
		}

	case *api.CreateVpcAttachmentInput:
		return slices.Concat(vpcARN.check(in.VpcArn), tooFew("subnetArns", in.SubnetArns), nat.Fields(in.NatGatewayRules), tagFields(in.Tags))
	case *api.CreateConnectAttachmentInput:
		return append(nat.Fields(in.NatGatewayRules), tagFields(in.Tags)...)
	case *api.CreateSiteToSiteVpnAttachmentInput:
		return slices.Concat(vpnConnectionARN.check(in.VpnConnectionArn), nat.Fields(in.NatGatewayRules), tagFields(in.Tags))
	case *api.CreateDirectConnectGatewayAttachmentInput:
		return slices.Concat(directConnectGatewayARN.check(in.DirectConnectGatewayArn), nat.Fields(in.NatGatewayRules), tagFields(in.Tags))
	case *api.UpdateAttachmentNatConfigurationInput:
		return nat.Fields(in.NatGatewayRules)
	case *api.ListAttachmentNatConfigurationsInput:
		return natFilterFields(in.Filters)
	case *api.CreateTransitGatewayRouteTableAttachmentInput:
		return append(tgwRouteTableARN.check(in.TransitGatewayRouteTableArn), tagFields(in.Tags)...)
	case *api.CreateTransitGatewayPeeringInput:
		return append(transitGatewayARN.check(in.TransitGatewayArn), tagFields(in.Tags)...)
	case *api.CreateCoreNetworkPrefixListAssociationInput:
		return append(prefixListARN.check(in.PrefixListArn), someText("prefixListAlias", in.PrefixListAlias)...)
	case *api.PutAttachmentRoutingPolicyLabelInput:
		return someText("routingPolicyLabel", in.RoutingPolicyLabel)
	case *api.CreateConnectPeerInput:
		return append(connectPeerFields(in), tagFields(in.Tags)...)

	case *api.TagResourceInput:
		return append(taggableARN(in.ResourceArn), tagFields(in.Tags)...)
	case *api.UntagResourceInput:
		return taggableARN(in.ResourceArn)
	case *api.ListTagsForResourceInput:
		return taggableARN(in.ResourceArn)
	case *api.PutResourcePolicyInput:
		return coreNetworkARN(in.ResourceArn)
	case *api.GetResourcePolicyInput:
		return coreNetworkARN(in.ResourceArn)
	case *api.DeleteResourcePolicyInput:
		return coreNetworkARN(in.ResourceArn)
	}
	return nil
}

// foreignARN is the form of the ARNs of a resource of EC2 or Direct Connect, and the member that holds one.
type foreignARN struct{ field, service, resourceType, prefix, what string }

var (
	customerGatewayARN      = foreignARN{"customerGatewayArn", "ec2", "customer-gateway", "cgw-", "customer gateway"}
	transitGatewayARN       = foreignARN{"transitGatewayArn", "ec2", "transit-gateway", "tgw-", "transit gateway"}
	tgwConnectPeerARN       = foreignARN{"transitGatewayConnectPeerArn", "ec2", "transit-gateway-connect-peer", "tgw-connect-peer-", "transit gateway Connect peer"}
	tgwRouteTableARN        = foreignARN{"transitGatewayRouteTableArn", "ec2", "transit-gateway-route-table", "tgw-rtb-", "transit gateway route table"}
	vpcARN                  = foreignARN{"vpcArn", "ec2", "vpc", "vpc-", "VPC"}
	vpnConnectionARN        = foreignARN{"vpnConnectionArn", "ec2", "vpn-connection", "vpn-", "VPN connection"}
	prefixListARN           = foreignARN{"prefixListArn", "ec2", "prefix-list", "pl-", "prefix list"}
	directConnectGatewayARN = foreignARN{"directConnectGatewayArn", "directconnect", "dx-gateway", "", "Direct Connect gateway"}
)

func (f foreignARN) parse(text string) (state.ARN, bool) {
	a, ok := state.ParseARN(text)
	return a, ok && a.Is(f.service, f.resourceType, f.prefix) && a.Account != "" && (f.service != "ec2" || a.Region != "")
}

func (f foreignARN) check(text string) []api.FieldError {
	if _, ok := f.parse(text); ok {
		return nil
	}
	return []api.FieldError{{Name: f.field, Message: "ARN is not valid for a " + f.what + "."}}
}

// someText refuses an empty string that would name nothing; the model bounds neither of them.
func someText(name, text string) []api.FieldError {
	if text != "" {
		return nil
	}
	return []api.FieldError{{Name: name, Message: "Member must have length greater than or equal to 1."}}
}

// maxIDs bounds a list of ids.
const maxIDs = 10

// tooFew refuses an empty list where AWS needs something in it; the model bounds none of them.
func tooFew(name string, list []string) []api.FieldError {
	if len(list) > 0 {
		return nil
	}
	return []api.FieldError{{Name: name, Message: "Member must have length greater than or equal to 1."}}
}

// tooMany refuses a list of ids that is longer than AWS takes.
func tooMany(name string, ids []string) []api.FieldError {
	if len(ids) <= maxIDs {
		return nil
	}
	return []api.FieldError{{Name: name, Message: fmt.Sprintf("Member must have length less than or equal to %d.", maxIDs)}}
}

func deviceText(vendor, model, serial *string) []api.FieldError {
	var fields []api.FieldError
	for name, p := range ordered("vendor", vendor, "model", model, "serialNumber", serial) {
		fields = append(fields, tooLong(name, p, 128)...)
	}
	return fields
}

func linkText(typ, provider *string, bandwidth *api.Bandwidth) []api.FieldError {
	var fields []api.FieldError
	for name, p := range ordered("type", typ, "provider", provider) {
		fields = append(fields, tooLong(name, p, 128)...)
		fields = append(fields, hasForbidden(name, p)...)
	}
	if bandwidth != nil {
		if val(bandwidth.UploadSpeed) < 0 {
			fields = append(fields, api.FieldError{Name: "bandwidth.uploadSpeed", Message: "Member must have value greater than or equal to 0."})
		}
		if val(bandwidth.DownloadSpeed) < 0 {
			fields = append(fields, api.FieldError{Name: "bandwidth.downloadSpeed", Message: "Member must have value greater than or equal to 0."})
		}
	}
	return fields
}

func connectPeerFields(in *api.CreateConnectPeerInput) []api.FieldError {
	var fields []api.FieldError
	for name, p := range ordered("coreNetworkAddress", in.CoreNetworkAddress, "peerAddress", &in.PeerAddress) {
		if _, err := netip.ParseAddr(val(p)); val(p) != "" && err != nil {
			fields = append(fields, api.FieldError{Name: name, Message: "Member must be an IP address."})
		}
	}
	if in.BgpOptions != nil && in.BgpOptions.PeerAsn != nil {
		if asn := *in.BgpOptions.PeerAsn; asn < 1 || asn > 4294967294 {
			fields = append(fields, api.FieldError{Name: "bgpOptions.peerAsn", Message: "Member must be between 1 and 4294967294."})
		}
	}
	for i, text := range in.InsideCidrBlocks {
		if block, err := netip.ParsePrefix(text); err != nil || block != block.Masked() {
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("insideCidrBlocks[%d]", i), Message: "Member must be a CIDR block."})
		}
	}
	return fields
}

func taggableARN(resource string) []api.FieldError {
	if a, ok := state.ParseARN(resource); !ok || !takesTags(a) {
		return []api.FieldError{notTaggable}
	}
	return nil
}
