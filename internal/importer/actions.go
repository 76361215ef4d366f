package importer

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Action is an IAM action that reading takes, and what is not known without it.
type Action struct {
	Name    string
	Unknown string
}

// Actions are all that import, verify and drift may call, in the order of their names. All of them only read.
func Actions() []Action {
	return []Action{
		{"directconnect:DescribeDirectConnectGatewayAssociations", "what Direct Connect gateways in isolated segments announce is"},
		{"directconnect:DescribeDirectConnectGateways", "what Direct Connect gateways in isolated segments announce is"},
		{"ec2:DescribeCustomerGateways", "the ASN behind VPN connections without BGP routes is"},
		{"ec2:DescribeManagedPrefixLists", "the entries of prefix lists are"},
		{"ec2:DescribeSubnets", "the blocks of VPCs in isolated segments are"},
		{"ec2:DescribeTransitGatewayAttachments", "what transit gateways in isolated segments announce is"},
		{"ec2:DescribeTransitGatewayPeeringAttachments", "what transit gateways in isolated segments announce is"},
		{"ec2:DescribeTransitGatewayRouteTables", "what transit gateways in isolated segments announce is"},
		{"ec2:DescribeTransitGateways", "what transit gateways in isolated segments announce is"},
		{"ec2:DescribeVpcs", "the blocks of VPCs in isolated segments are"},
		{"ec2:DescribeVpnConnections", "what VPN connections in isolated segments announce is"},
		{"ec2:GetManagedPrefixListEntries", "the entries of prefix lists are"},
		{"ec2:SearchTransitGatewayRoutes", "what transit gateways in isolated segments announce is"},
		{"networkmanager:GetConnectAttachment", "whether Connect attachments have tunnels is"},
		{"networkmanager:GetConnectPeer", "the ASNs of Connect peers are"},
		{"networkmanager:GetCoreNetwork", "edge locations and their ASNs are"},
		{"networkmanager:GetCoreNetworkPolicy", "the policy is"},
		{"networkmanager:GetNetworkRoutes", "the route tables are"},
		{"networkmanager:GetTransitGatewayRouteTableAttachment", "the peerings of transit gateway route tables are"},
		{"networkmanager:GetVpcAttachment", "whether VPC attachments route IPv6 is"},
		{"networkmanager:ListAttachmentNatConfigurations", "1:1 NAT on attachments is"},
		{"networkmanager:ListAttachmentRoutingPolicyAssociations", "routing policy labels are"},
		{"networkmanager:ListAttachments", "what is attached is"},
		{"networkmanager:ListConnectPeers", "the Connect peers are"},
		{"networkmanager:ListCoreNetworkPrefixListAssociations", "prefix lists are"},
		{"networkmanager:ListCoreNetworkRoutingInformation", "what attachments announce is"},
		{"networkmanager:ListCoreNetworks", "which core networks there are is"},
	}
}

func unknownWithout(action string) string {
	list := Actions()
	if i := slices.IndexFunc(list, func(a Action) bool { return a.Name == action }); i >= 0 {
		return list[i].Unknown
	}
	return "it is"
}

// Policy is an IAM identity policy that allows all of Actions and nothing else.
func Policy() []byte {
	type statement struct {
		Effect   string
		Action   []string
		Resource string
	}
	s := statement{Effect: "Allow", Resource: "*"}
	for _, a := range Actions() {
		s.Action = append(s.Action, a.Name)
	}
	text, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{s}}, jsontext.WithIndent("  "))
	if err != nil { // strings alone
		panic(err)
	}
	return append(text, '\n')
}
