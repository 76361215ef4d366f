package service

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
)

// references checks what requests name of EC2 and Direct Connect: by the form of the ARN and, where there is a catalog, by
// what that knows. It is asked before the transaction, as an answer may take its time.
//
// What AWS finds out only while it builds an attachment comes back as a problem: the attachment is made, and FAILED at
// the end of CREATING with the problem among its LastModificationErrors.
type references struct{ catalog catalog.Catalog }

// unknown tells an error of the catalog that says there is no such thing from one that says nothing. The latter is the
// server's trouble: whoever asked tries again.
func unknown(err error) (missing bool, failure error) {
	if err == nil || errors.Is(err, catalog.ErrNotFound) {
		return err != nil, nil
	}
	return false, api.Internal(err)
}

// look is what the catalog answered. Of a kind that its endpoint does not know nothing is known, as without a catalog.
func look[T any](value *T, err error) (found *T, missing bool, failure error) {
	if errors.Is(err, catalog.ErrUnsupported) {
		return new(T), false, nil
	}
	missing, failure = unknown(err)
	return value, missing, failure
}

func (ref *reference) problem(code api.AttachmentErrorCode, message string) {
	ref.problems = append(ref.problems, state.AttachmentError{Code: code, Message: message, ResourceArn: ref.Text})
}

// reference is what one or several ARNs of a request come to.
type reference struct {
	state.ARN
	static   bool // of a VPN connection: it routes statically
	problems []state.AttachmentError
}

// of is the ARN of a resource of the form, or the field's ValidationException.
func (references) of(form foreignARN, text string) (reference, error) {
	a, ok := form.parse(text)
	if !ok {
		return reference{}, invalid(form.check(text))
	}
	return reference{ARN: a}, nil
}

// vpcFacts is what the catalog says of a VPC.
type vpcFacts struct {
	known bool         // false: nobody knows, and nothing is a problem
	vpc   *catalog.VPC // nil: there is none
}

func (r references) vpcFacts(ctx context.Context, text string) (vpcFacts, error) {
	if r.catalog == nil {
		return vpcFacts{}, nil
	}
	vpc, err := r.catalog.VPC(ctx, text)
	if errors.Is(err, catalog.ErrUnsupported) {
		return vpcFacts{}, nil
	}
	missing, err := unknown(err)
	if missing {
		vpc = nil
	}
	return vpcFacts{err == nil, vpc}, err
}

// subnet finds a subnet of the VPC.
func (f vpcFacts) subnet(text string) (*catalog.Subnet, bool) {
	if f.vpc == nil {
		return nil, false
	}
	i := slices.IndexFunc(f.vpc.Subnets, func(s catalog.Subnet) bool { return s.ARN == text })
	if i < 0 {
		return nil, false
	}
	return &f.vpc.Subnets[i], true
}

// lacks reports whether the VPC is known, and has no such subnet.
func (f vpcFacts) lacks(text string) bool {
	_, found := f.subnet(text)
	return f.known && !found
}

// noReferencing is the id of the Availability Zone in which security group referencing is not supported.
const noReferencing = "use1-az3"

// problems is what keeps the VPC from being attached by the subnets: one of each Availability Zone of the Region itself,
// all with IPv4, and with IPv6 where the attachment is to carry that. AWS has no code of its own for a subnet without IPv4.
func (f vpcFacts) problems(vpc string, subnets []string, options *state.VpcOptions) []state.AttachmentError {
	var ref reference
	switch {
	case !f.known:
		return nil
	case f.vpc == nil:
		ref.Text = vpc
		ref.problem(api.AttachmentErrorCodeVpcNotFound, "The VPC does not exist.")
		return ref.problems
	}
	zones := map[string]bool{}
	for _, text := range subnets {
		ref.Text = text
		subnet, ok := f.subnet(text)
		if !ok {
			ref.problem(api.AttachmentErrorCodeSubnetNotFound, "The subnet does not exist in the VPC.")
			continue
		}
		zone := subnet.AvailabilityZone
		parsed, _ := state.ParseARN(text)
		switch {
		case strings.HasPrefix(zone, parsed.Region+"-"): // us-west-2-lax-1a, where us-west-2a is one of the Region
			ref.problem(api.AttachmentErrorCodeSubnetUnsupportedAvailabilityZone, "A subnet cannot be in the Local Zone "+zone+".")
		case zone != "" && zones[zone]:
			ref.problem(api.AttachmentErrorCodeSubnetDuplicatedInAvailabilityZone, "Another subnet of the attachment is in Availability Zone "+zone+".")
		}
		zones[zone] = true
		if references := options == nil || options.SecurityGroupReferencingSupport == nil || *options.SecurityGroupReferencingSupport; references && (zone == noReferencing || subnet.ZoneID == noReferencing) {
			ref.problem(api.AttachmentErrorCodeSecurityGroupReferencingUnsupportedAvailabilityZone,
				"Security group referencing is not supported in Availability Zone "+noReferencing+".")
		}
		has4 := slices.ContainsFunc(subnet.CIDRs, func(p netip.Prefix) bool { return p.Addr().Is4() })
		has6 := slices.ContainsFunc(subnet.CIDRs, func(p netip.Prefix) bool { return p.Addr().Is6() })
		switch {
		case has6 && !has4:
			ref.problem(api.AttachmentErrorCodeVpcUnsupportedFeatures, "The subnet has no IPv4 CIDR block.")
		case has4 && !has6 && options != nil && val(options.Ipv6Support):
			ref.problem(api.AttachmentErrorCodeSubnetNoIpv6Cidrs, "The subnet has no IPv6 CIDR block.")
		}
	}
	return ref.problems
}

// checkSubnets refuses subnets that are not of the VPC's Region and account, and one named twice.
func checkSubnets(field string, subnets []string, vpc state.ARN) []api.FieldError {
	var fields []api.FieldError
	for i, text := range subnets {
		subnet, ok := state.ParseARN(text)
		switch {
		case !ok:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "ARN is not valid for a subnet."})
		case subnet.Region != vpc.Region || subnet.Account != vpc.Account:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "Subnet is not in the VPC."})
		case slices.Index(subnets, text) < i:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "Subnets must be unique."})
		}
	}
	return fields
}

func (r references) vpnConnection(ctx context.Context, text string) (reference, error) {
	ref, err := r.of(vpnConnectionARN, text)
	if err != nil || r.catalog == nil {
		return ref, err
	}
	vpn, missing, err := look(r.catalog.VPNConnection(ctx, text))
	switch {
	case err != nil:
		return ref, err
	case missing:
		ref.problem(api.AttachmentErrorCodeVpnConnectionNotFound, "The VPN connection does not exist.")
	case vpn.TransitGatewayARN != "" || vpn.GatewayID != "":
		ref.problem(api.AttachmentErrorCodeVpnExistingAssociations, "The VPN connection is associated with another gateway.")
	}
	ref.static = err == nil && !missing && vpn.Static()
	return ref, nil
}

// directConnectGateway is the one reference without a Region.
func (r references) directConnectGateway(ctx context.Context, text string) (reference, error) {
	ref, err := r.of(directConnectGatewayARN, text)
	if err != nil || r.catalog == nil {
		return ref, err
	}
	gateway, missing, err := look(r.catalog.DirectConnectGateway(ctx, text))
	switch {
	case err != nil:
		return ref, err
	case missing:
		ref.problem(api.AttachmentErrorCodeDirectConnectGatewayNotFound, "The Direct Connect gateway does not exist.")
	case len(gateway.AssociatedWith) > 0:
		ref.problem(api.AttachmentErrorCodeDirectConnectGatewayExistingAttachments,
			"The Direct Connect gateway is associated with "+strings.Join(gateway.AssociatedWith, ", ")+".")
	}
	return ref, nil
}

// transitGateway also gives the gateway's ASN, 0 when nobody knows it.
func (r references) transitGateway(ctx context.Context, text string) (reference, uint32, []state.PeeringError, error) {
	ref, err := r.of(transitGatewayARN, text)
	if err != nil || r.catalog == nil {
		return ref, 0, nil, err
	}
	gateway, missing, err := look(r.catalog.TransitGateway(ctx, text))
	switch {
	case err != nil:
		return ref, 0, nil, err
	case missing:
		return ref, 0, []state.PeeringError{{
			Code: api.PeeringErrorCodeTransitGatewayNotFound, Message: "The transit gateway does not exist.", ResourceArn: text,
		}}, nil
	case gateway.State != "" && gateway.State != "available":
		return ref, gateway.ASN, []state.PeeringError{{
			Code: api.PeeringErrorCodeInvalidTransitGatewayState, Message: "The transit gateway is " + gateway.State + ".", ResourceArn: text,
		}}, nil
	}
	return ref, gateway.ASN, nil, nil
}

// routeTable is told at once when it does not exist: no code of an attachment's errors says so. It also gives the ARN of
// the table's gateway, "" when nobody knows.
func (r references) routeTable(ctx context.Context, text string) (ref reference, gateway string, err error) {
	ref, err = r.of(tgwRouteTableARN, text)
	if err != nil || r.catalog == nil {
		return ref, "", err
	}
	table, missing, err := look(r.catalog.RouteTable(ctx, text))
	switch {
	case err != nil:
		return ref, "", err
	case missing:
		return ref, "", api.NotFound("transit-gateway-route-table", text)
	}
	return ref, table.TransitGatewayARN, nil
}

// gatewayTable is a transit gateway route table with its routes.
func (r references) gatewayTable(ctx context.Context, text string) (*catalog.RouteTable, error) {
	if r.catalog == nil {
		return nil, api.NotFound("route-table", text)
	}
	table, missing, err := look(r.catalog.RouteTable(ctx, text))
	if missing {
		err = api.NotFound("route-table", text)
	}
	return table, err
}

// registered is a transit gateway that shall be in a global network.
func (r references) registered(ctx context.Context, text string) error {
	if r.catalog == nil {
		return nil
	}
	gateway, missing, err := look(r.catalog.TransitGateway(ctx, text))
	switch {
	case err != nil:
		return err
	case missing:
		return api.NotFound("transit-gateway", text)
	case gateway.State != "" && gateway.State != "available":
		return api.BrokenRule("Transit gateway state is invalid: " + gateway.State + ".")
	}
	return nil
}

// customerGateway is a customer gateway with the VPN connections that end at it, which say over what it is reached. nil
// when nobody knows.
func (r references) customerGateway(ctx context.Context, text string) ([]*catalog.VPNConnection, error) {
	if r.catalog == nil {
		return nil, nil
	}
	gateway, err := r.catalog.CustomerGateway(ctx, text)
	if errors.Is(err, catalog.ErrUnsupported) {
		return nil, nil
	}
	missing, err := unknown(err)
	if missing {
		return nil, api.NotFound("customer-gateway", text)
	}
	if err != nil {
		return nil, err
	}
	list := []*catalog.VPNConnection{}
	for _, arn := range gateway.VPNConnectionARNs {
		vpn, missing, err := look(r.catalog.VPNConnection(ctx, arn))
		if err != nil {
			return nil, err
		}
		if !missing {
			list = append(list, vpn)
		}
	}
	return list, nil
}

// connectPeer is the transit gateway that a transit gateway Connect peer is on, "" when nobody knows.
func (r references) connectPeer(ctx context.Context, text string) (gateway string, err error) {
	if r.catalog == nil {
		return "", nil
	}
	peer, missing, err := look(r.catalog.ConnectPeer(ctx, text))
	if missing {
		return "", api.NotFound("transit-gateway-connect-peer", text)
	}
	if err != nil {
		return "", err
	}
	return peer.TransitGatewayARN, nil
}

// prefixList must be in us-west-2, the home Region of Cloud WAN, wherever the edges are.
func (r references) prefixList(ctx context.Context, text string) (reference, error) {
	ref, err := r.of(prefixListARN, text)
	if err == nil && ref.Partition == "aws" && ref.Region != "us-west-2" {
		err = api.InvalidField("prefixListArn", "Prefix list must be in us-west-2.")
	}
	if err != nil || r.catalog == nil {
		return ref, err
	}
	list, missing, err := look(r.catalog.PrefixList(ctx, text))
	switch {
	case err != nil:
		return ref, err
	case missing:
		return ref, api.NotFound("prefix-list", text)
	case len(list.Entries) > maxPrefixListEntries:
		return ref, api.BrokenRule(fmt.Sprintf("Prefix list %s has more than %d entries.", ref.ID(), maxPrefixListEntries))
	}
	return ref, nil
}

const maxPrefixListEntries = 200
