package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
)

// references checks what requests name of EC2 and Direct Connect: here by the form of the ARN. It is asked before the
// transaction, as an answer may take its time.
//
// What AWS finds out only while it builds an attachment comes back as a problem: the attachment is made, and FAILED at
// the end of CREATING with the problem among its LastModificationErrors.
type references struct{}

// reference is what one or several ARNs of a request come to.
type reference struct {
	arn
	problems []api.AttachmentError
}

// of is an ARN of a type of resource, or the field's ValidationException.
func (references) of(field, text, service, resourceType, prefix, what string) (reference, error) {
	a, ok := parseARN(text)
	if !ok || !a.is(service, resourceType, prefix) || a.account == "" || service == "ec2" && a.region == "" {
		return reference{}, api.InvalidField(field, "ARN is not valid for a "+what+".")
	}
	return reference{arn: a}, nil
}

func (r references) vpc(_ context.Context, text string) (reference, error) {
	return r.of("vpcArn", text, "ec2", "vpc", "vpc-", "VPC")
}

// subnets are those of one VPC: none twice, all in its Region and account.
func (r references) subnets(_ context.Context, field string, subnets []string, vpc arn) (reference, error) {
	var fields []api.FieldError
	for i, text := range subnets {
		subnet, ok := parseARN(text)
		switch {
		case !ok:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "ARN is not valid for a subnet."})
		case subnet.region != vpc.region || subnet.account != vpc.account:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "Subnet is not in the VPC."})
		case slices.Index(subnets, text) < i:
			fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", field, i), Message: "Subnets must be unique."})
		}
	}
	return reference{}, invalid(fields)
}

func (r references) vpnConnection(_ context.Context, text string) (reference, error) {
	return r.of("vpnConnectionArn", text, "ec2", "vpn-connection", "vpn-", "VPN connection")
}

// directConnectGateway is the one reference without a Region.
func (r references) directConnectGateway(_ context.Context, text string) (reference, error) {
	return r.of("directConnectGatewayArn", text, "directconnect", "dx-gateway", "", "Direct Connect gateway")
}

func (r references) transitGateway(_ context.Context, text string) (reference, []api.PeeringError, error) {
	ref, err := r.of("transitGatewayArn", text, "ec2", "transit-gateway", "tgw-", "transit gateway")
	return ref, nil, err
}

func (r references) routeTable(_ context.Context, text string) (reference, error) {
	return r.of("transitGatewayRouteTableArn", text, "ec2", "transit-gateway-route-table", "tgw-rtb-", "transit gateway route table")
}

// prefixList must be in us-west-2, the home Region of Cloud WAN, wherever the edges are.
func (r references) prefixList(_ context.Context, text string) (reference, error) {
	ref, err := r.of("prefixListArn", text, "ec2", "prefix-list", "pl-", "prefix list")
	if err == nil && ref.partition == "aws" && ref.region != "us-west-2" {
		err = api.InvalidField("prefixListArn", "Prefix list must be in us-west-2.")
	}
	return ref, err
}
