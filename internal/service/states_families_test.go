package service_test

import (
	"slices"
	"strings"
)

// families are the resources whose states docs/states.md goes through.
func families() []family {
	return slices.Concat(inventoryFamilies(), associationFamilies(), coreNetworkFamilies(), attachmentFamilies(), peerFamilies())
}

const tenantARN = "arn:aws:networkmanager::111122223333:"

// taggings are the three tag operations on a resource.
func taggings(resource string) []string {
	r := `{'ResourceArn':'` + tenantARN + resource + `'`
	return []string{"TagResource " + r + ",'Tags':[{'Key':'k','Value':'v'}]}", "UntagResource " + r + ",'TagKeys':['k']}", "ListTagsForResource " + r + "}"}
}

// objectStates are the states of what has PENDING, AVAILABLE, UPDATING and DELETING.
func objectStates(create, update, remove string) []stateOf {
	return []stateOf{
		{"PENDING", []string{create}},
		{"AVAILABLE", []string{create, "wait"}},
		{"UPDATING", []string{create, "wait", update}},
		{"DELETING", []string{create, "wait", remove}},
		{"absent", []string{create, "wait", remove, "wait"}},
	}
}

func inventoryFamilies() []family {
	object := func(name, resource, create, id string, more ...string) family {
		change, remove := "Update"+name+" {"+id+"}", "Delete"+name+" {"+id+"}"
		calls := append([]string{change, remove}, more...)
		return family{name + "s", objectStates("x=Create"+name+"."+name+"Id "+create, change, remove), append(calls, taggings(resource)...)}
	}
	return []family{
		object("GlobalNetwork", "global-network/$x", "{}", "'GlobalNetworkId':'$x'",
			"DescribeGlobalNetworks {'GlobalNetworkIds':['$x']}", "CreateGlobalNetwork {}",
			"CreateSite {'GlobalNetworkId':'$x'}", "GetSites {'GlobalNetworkId':'$x'}",
			"CreateCoreNetwork {'GlobalNetworkId':'$x'}", "RegisterTransitGateway {'GlobalNetworkId':'$x','TransitGatewayArn':'$tgw2'}",
			"GetNetworkResourceCounts {'GlobalNetworkId':'$x'}", "GetNetworkResources {'GlobalNetworkId':'$x'}",
			"GetNetworkResourceRelationships {'GlobalNetworkId':'$x'}", "GetNetworkTelemetry {'GlobalNetworkId':'$x'}",
			"StartOrganizationServiceAccessUpdate {'Action':'ENABLE'}", "ListOrganizationServiceAccessStatus {}"),
		object("Site", "site/$gn/$x", "{'GlobalNetworkId':'$gn'}", "'GlobalNetworkId':'$gn','SiteId':'$x'",
			"GetSites {'GlobalNetworkId':'$gn','SiteIds':['$x']}", "CreateDevice {'GlobalNetworkId':'$gn','SiteId':'$x'}",
			"CreateLink {'GlobalNetworkId':'$gn','SiteId':'$x','Bandwidth':{'UploadSpeed':10}}",
			"UpdateNetworkResourceMetadata {'GlobalNetworkId':'$gn','ResourceArn':'"+tenantARN+"site/$gn/$x','Metadata':{'k':'v'}}"),
		object("Device", "device/$gn/$x", "{'GlobalNetworkId':'$gn','SiteId':'$site'}", "'GlobalNetworkId':'$gn','DeviceId':'$x'",
			"GetDevices {'GlobalNetworkId':'$gn','DeviceIds':['$x']}",
			"AssociateLink {'GlobalNetworkId':'$gn','DeviceId':'$x','LinkId':'$link'}",
			"AssociateConnectPeer {'GlobalNetworkId':'$gn','DeviceId':'$x','ConnectPeerId':'$peer'}",
			"CreateConnection {'GlobalNetworkId':'$gn','DeviceId':'$x','ConnectedDeviceId':'$device'}"),
		object("Link", "link/$gn/$x", "{'GlobalNetworkId':'$gn','SiteId':'$site','Bandwidth':{'UploadSpeed':10}}", "'GlobalNetworkId':'$gn','LinkId':'$x'",
			"GetLinks {'GlobalNetworkId':'$gn','LinkIds':['$x']}", "AssociateLink {'GlobalNetworkId':'$gn','DeviceId':'$device','LinkId':'$x'}"),
		object("Connection", "connection/$gn/$x", "{'GlobalNetworkId':'$gn','DeviceId':'$device','ConnectedDeviceId':'$device2'}", "'GlobalNetworkId':'$gn','ConnectionId':'$x'",
			"GetConnections {'GlobalNetworkId':'$gn','ConnectionIds':['$x']}"),
	}
}

func associationFamilies() []family {
	association := func(name, object, id string, before []string, more ...string) family {
		in := "{'GlobalNetworkId':'$gn'," + id + "}"
		full := "{'GlobalNetworkId':'$gn','DeviceId':'$device'," + id + "}"
		create, remove := "Associate"+object+" "+full, "Disassociate"+object+" "+in
		if object == "Link" {
			remove = "Disassociate" + object + " " + full
		}
		steps := func(more ...string) []string { return append(slices.Clone(before), more...) }
		return family{name, []stateOf{
			{"absent", steps()},
			{"PENDING", steps(create)},
			{"AVAILABLE", steps(create, "wait")},
			{"DELETING", steps(create, "wait", remove)},
			{"DELETED", steps(create, "wait", remove, "+5s")},
		}, append([]string{create, remove}, more...)}
	}
	onDevice := []string{"DeleteDevice {'GlobalNetworkId':'$gn','DeviceId':'$device'}"}
	return []family{
		association("Link associations", "Link", "'LinkId':'$link'", nil, append(onDevice,
			"GetLinkAssociations {'GlobalNetworkId':'$gn','LinkId':'$link'}", "DeleteLink {'GlobalNetworkId':'$gn','LinkId':'$link'}")...),
		association("Customer gateway associations", "CustomerGateway", "'CustomerGatewayArn':'$ec2:customer-gateway/cgw-0123456789abcdef0'", nil, append(onDevice,
			"GetCustomerGatewayAssociations {'GlobalNetworkId':'$gn'}", "DeregisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw'}")...),
		association("Transit gateway Connect peer associations", "TransitGatewayConnectPeer",
			"'TransitGatewayConnectPeerArn':'$ec2:transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0'", nil,
			append(onDevice, "GetTransitGatewayConnectPeerAssociations {'GlobalNetworkId':'$gn'}")...),
		association("Connect peer associations", "ConnectPeer", "'ConnectPeerId':'$peer'", nil, append(onDevice,
			"GetConnectPeerAssociations {'GlobalNetworkId':'$gn','ConnectPeerIds':['$peer']}", "DeleteConnectPeer {'ConnectPeerId':'$peer'}")...),
		{
			"Transit gateway registrations",
			[]stateOf{
				{"absent", nil},
				{"PENDING", []string{"RegisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}"}},
				{"AVAILABLE", []string{"RegisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}", "wait"}},
				{"DELETING", []string{
					"RegisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}", "wait",
					"DeregisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}",
				}},
			},
			[]string{
				"RegisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}",
				"DeregisterTransitGateway {'GlobalNetworkId':'$gn','TransitGatewayArn':'$tgw2'}",
				"GetTransitGatewayRegistrations {'GlobalNetworkId':'$gn','TransitGatewayArns':['$tgw2']}",
			},
		},
		{
			"Route analyses",
			[]stateOf{{"RUNNING", []string{startAnalysis}}, {"COMPLETED", []string{startAnalysis, "+1m"}}, {"absent", []string{startAnalysis, "+200h"}}},
			[]string{"GetRouteAnalysis {'GlobalNetworkId':'$gn','RouteAnalysisId':'$x'}", strings.Replace(startAnalysis[2:], ".RouteAnalysisId", "", 1)},
		},
	}
}

const startAnalysis = "x=StartRouteAnalysis.RouteAnalysisId {'GlobalNetworkId':'$gn'," +
	"'Source':{'TransitGatewayAttachmentArn':'$ec2:transit-gateway-attachment/tgw-attach-0123456789abcdef0','IpAddress':'10.0.0.1'}," +
	"'Destination':{'TransitGatewayAttachmentArn':'$ec2:transit-gateway-attachment/tgw-attach-0123456789abcdef1','IpAddress':'10.1.0.1'}}"

func coreNetworkFamilies() []family {
	create := "x=CreateCoreNetwork.CoreNetworkId {'GlobalNetworkId':'$gn2','PolicyDocument':'$policy'}"
	gn := "gn2=CreateGlobalNetwork.GlobalNetworkId {}"
	put := "PutCoreNetworkPolicy {'CoreNetworkId':'$cn','PolicyDocument':'$policy2'}"
	run := "ExecuteCoreNetworkChangeSet {'CoreNetworkId':'$cn','PolicyVersionId':2}"
	version := "{'CoreNetworkId':'$cn','PolicyVersionId':2}"
	list := "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0"
	associate := "CreateCoreNetworkPrefixListAssociation {'CoreNetworkId':'$cn','PrefixListArn':'" + list + "','PrefixListAlias':'lan'}"
	return []family{
		{
			"Core networks",
			[]stateOf{
				{"CREATING", []string{gn, create}},
				{"AVAILABLE", []string{gn, create, "wait"}},
				{"UPDATING", []string{gn, create, "wait", "PutCoreNetworkPolicy {'CoreNetworkId':'$x','PolicyDocument':'$policy2'}", "wait", "ExecuteCoreNetworkChangeSet {'CoreNetworkId':'$x','PolicyVersionId':2}", "+10s"}},
				{"DELETING", []string{gn, create, "wait", "DeleteCoreNetwork {'CoreNetworkId':'$x'}"}},
				{"absent", []string{gn, create, "wait", "DeleteCoreNetwork {'CoreNetworkId':'$x'}", "wait"}},
			},
			append([]string{
				"GetCoreNetwork {'CoreNetworkId':'$x'}", "UpdateCoreNetwork {'CoreNetworkId':'$x'}", "DeleteCoreNetwork {'CoreNetworkId':'$x'}", "ListCoreNetworks {}",
				"CreateCoreNetwork {'GlobalNetworkId':'$gn2'}", "DeleteGlobalNetwork {'GlobalNetworkId':'$gn2'}",
				"PutCoreNetworkPolicy {'CoreNetworkId':'$x','PolicyDocument':'$policy2'}", "GetCoreNetworkPolicy {'CoreNetworkId':'$x'}",
				"GetCoreNetworkPolicy {'CoreNetworkId':'$x','Alias':'LIVE'}", "ListCoreNetworkPolicyVersions {'CoreNetworkId':'$x'}",
				"CreateVpcAttachment {'CoreNetworkId':'$x','VpcArn':'$ec2:vpc/vpc-0123456789abcdef2','SubnetArns':['$ec2:subnet/subnet-0123456789abcdef2']}",
				"CreateSiteToSiteVpnAttachment {'CoreNetworkId':'$x','VpnConnectionArn':'" + vpnARN + "'}",
				"CreateDirectConnectGatewayAttachment {'CoreNetworkId':'$x','DirectConnectGatewayArn':'" + dxARN + "','EdgeLocations':['eu-west-1']}",
				"CreateTransitGatewayPeering {'CoreNetworkId':'$x','TransitGatewayArn':'$tgw2'}",
				"CreateCoreNetworkPrefixListAssociation {'CoreNetworkId':'$x','PrefixListArn':'" + list + "','PrefixListAlias':'lan'}",
				"PutResourcePolicy {'ResourceArn':'" + tenantARN + "core-network/$x','PolicyDocument':'{}'}",
				"GetResourcePolicy {'ResourceArn':'" + tenantARN + "core-network/$x'}", "DeleteResourcePolicy {'ResourceArn':'" + tenantARN + "core-network/$x'}",
				"ListCoreNetworkRoutingInformation {'CoreNetworkId':'$x','SegmentName':'prod','EdgeLocation':'eu-west-1'}",
				"GetNetworkRoutes {'GlobalNetworkId':'$gn2','RouteTableIdentifier':{'CoreNetworkSegmentEdge':{'CoreNetworkId':'$x','SegmentName':'prod','EdgeLocation':'eu-west-1'}}}",
				"ListAttachmentNatConfigurations {'CoreNetworkId':'$x'}", "ListAttachmentRoutingPolicyAssociations {'CoreNetworkId':'$x'}",
				"ListAttachments {'CoreNetworkId':'$x'}", "ListPeerings {'CoreNetworkId':'$x'}", "ListConnectPeers {'CoreNetworkId':'$x'}",
			}, taggings("core-network/$x")...),
		},
		{
			"Policy versions",
			[]stateOf{
				{"absent", nil},
				{"PENDING_GENERATION", []string{put}},
				{"READY_TO_EXECUTE", []string{put, "wait"}},
				{"EXECUTING", []string{put, "wait", run}},
				{"EXECUTION_SUCCEEDED", []string{put, "wait", run, "wait"}},
				{"OUT_OF_DATE", []string{put, "wait", "PutCoreNetworkPolicy {'CoreNetworkId':'$cn','PolicyDocument':'$policy3'}", "wait", "ExecuteCoreNetworkChangeSet {'CoreNetworkId':'$cn','PolicyVersionId':3}", "wait"}},
			},
			[]string{
				"ExecuteCoreNetworkChangeSet " + version, "DeleteCoreNetworkPolicyVersion " + version, "RestoreCoreNetworkPolicyVersion " + version,
				"GetCoreNetworkPolicy " + version, "GetCoreNetworkChangeSet " + version, "GetCoreNetworkChangeEvents " + version,
				"PutCoreNetworkPolicy {'CoreNetworkId':'$cn','PolicyDocument':'$policy3'}",
			},
		},
		{
			"Prefix list associations",
			[]stateOf{{"absent", nil}, {"present", []string{associate, "wait"}}},
			[]string{
				associate, "DeleteCoreNetworkPrefixListAssociation {'CoreNetworkId':'$cn','PrefixListArn':'" + list + "'}",
				"ListCoreNetworkPrefixListAssociations {'CoreNetworkId':'$cn'}",
			},
		},
	}
}

// attachmentStates are the states of an attachment made by a Create operation.
func attachmentStates(operation, input string, before ...string) []stateOf {
	create := func(segment string) string {
		return "x=" + operation + ".AttachmentId {" + input + ",'Tags':[{'Key':'segment','Value':'" + segment + "'}]}"
	}
	steps := func(segment string, more ...string) []string {
		return append(append(slices.Clone(before), create(segment)), more...)
	}
	tag := func(value string) string {
		return "TagResource {'ResourceArn':'" + tenantARN + "attachment/$x','Tags':[{'Key':'segment','Value':'" + value + "'}]}"
	}
	remove := "DeleteAttachment {'AttachmentId':'$x'}"
	return []stateOf{
		{"PENDING_ATTACHMENT_ACCEPTANCE", steps("guest")},
		{"REJECTED", steps("guest", "RejectAttachment {'AttachmentId':'$x'}")},
		{"CREATING", steps("prod")},
		{"FAILED", steps("prod", "wait", create("prod"), "wait")}, // what is attached already, where that fails the second one
		{"PENDING_NETWORK_UPDATE", steps("prod", "wait", tag("lab"))},
		{"AVAILABLE", steps("prod", "wait")},
		{"UPDATING", steps("prod", "wait", "UpdateAttachmentNatConfiguration {'AttachmentId':'$x','NatGatewayRules':[{'RuleNumber':1,'MatchSourceCidr':'10.0.0.0/16','NatCidr':'100.64.0.0/16'}]}")},
		{"PENDING_TAG_ACCEPTANCE", steps("prod", "wait", tag("guest"))},
		{"DELETING", steps("prod", "wait", remove)},
		{"absent", steps("prod", "wait", remove, "wait")},
	}
}

func attachmentFamilies() []family {
	calls := []string{
		"AcceptAttachment {'AttachmentId':'$x'}", "RejectAttachment {'AttachmentId':'$x'}", "DeleteAttachment {'AttachmentId':'$x'}",
		"UpdateAttachmentNatConfiguration {'AttachmentId':'$x','NatGatewaySupport':'ENABLE','NatGatewayRules':[{'RuleNumber':7,'MatchSourceCidr':'10.1.0.0/16','NatCidr':'100.65.0.0/16'}]}",
		"ListAttachmentNatConfigurations {'AttachmentId':'$x'}",
		"PutAttachmentRoutingPolicyLabel {'CoreNetworkId':'$cn','AttachmentId':'$x','RoutingPolicyLabel':'l'}",
		"RemoveAttachmentRoutingPolicyLabel {'CoreNetworkId':'$cn','AttachmentId':'$x'}",
	}
	of := func(more ...string) []string { return slices.Concat(more, calls, taggings("attachment/$x")) }
	without := func(list []stateOf, names ...string) []stateOf {
		return slices.DeleteFunc(list, func(s stateOf) bool { return slices.Contains(names, s.name) })
	}
	return []family{
		{
			"VPC attachments",
			without(attachmentStates("CreateVpcAttachment", `'CoreNetworkId':'$cn','VpcArn':'$ec2:vpc/vpc-0123456789abcdef0','SubnetArns':['$ec2:subnet/subnet-0123456789abcdef0']`), "FAILED"),
			of("GetVpcAttachment {'AttachmentId':'$x'}", "UpdateVpcAttachment {'AttachmentId':'$x','Options':{'ApplianceModeSupport':true}}",
				"CreateConnectAttachment {'CoreNetworkId':'$cn','EdgeLocation':'eu-west-1','TransportAttachmentId':'$x','Options':{'Protocol':'GRE'}}"),
		},
		{
			"Connect attachments",
			without(attachmentStates("CreateConnectAttachment", `'CoreNetworkId':'$cn','EdgeLocation':'eu-west-1','TransportAttachmentId':'$vpc','Options':{'Protocol':'GRE'}`), "FAILED"),
			of("GetConnectAttachment {'AttachmentId':'$x'}", "CreateConnectPeer {'ConnectAttachmentId':'$x','PeerAddress':'10.0.0.6','InsideCidrBlocks':['169.254.7.0/29']}",
				"ListConnectPeers {'ConnectAttachmentId':'$x'}", "DeleteAttachment {'AttachmentId':'$vpc'}"),
		},
		{
			"Site-to-Site VPN attachments",
			attachmentStates("CreateSiteToSiteVpnAttachment", `'CoreNetworkId':'$cn','VpnConnectionArn':'`+vpnARN+`'`),
			of("GetSiteToSiteVpnAttachment {'AttachmentId':'$x'}"),
		},
		{
			"Direct Connect gateway attachments",
			without(attachmentStates("CreateDirectConnectGatewayAttachment", `'CoreNetworkId':'$cn','DirectConnectGatewayArn':'`+dxARN+`','EdgeLocations':['eu-west-1']`), "FAILED"),
			of("GetDirectConnectGatewayAttachment {'AttachmentId':'$x'}", "UpdateDirectConnectGatewayAttachment {'AttachmentId':'$x','EdgeLocations':['us-east-1']}"),
		},
		{
			"Transit gateway route table attachments",
			without(attachmentStates("CreateTransitGatewayRouteTableAttachment", `'PeeringId':'$peering','TransitGatewayRouteTableArn':'`+tableARN+`'`), "FAILED", "UPDATING"),
			of("GetTransitGatewayRouteTableAttachment {'AttachmentId':'$x'}", "DeletePeering {'PeeringId':'$peering'}", "DeleteCoreNetwork {'CoreNetworkId':'$cn'}"),
		},
	}
}

func peerFamilies() []family {
	create := "x=CreateConnectPeer.ConnectPeerId {'ConnectAttachmentId':'$connect','PeerAddress':'10.0.0.9','InsideCidrBlocks':['169.254.8.0/29']}"
	peer := "x=CreateTransitGatewayPeering.PeeringId {'CoreNetworkId':'$cn','TransitGatewayArn':'$tgw2'}"
	lifecycle := func(create, remove string) []stateOf {
		return []stateOf{
			{"CREATING", []string{create}},
			{"AVAILABLE", []string{create, "wait"}},
			{"DELETING", []string{create, "wait", remove}},
			{"absent", []string{create, "wait", remove, "wait"}},
		}
	}
	return []family{
		{
			"Connect peers", lifecycle(create, "DeleteConnectPeer {'ConnectPeerId':'$x'}"),
			append([]string{
				"GetConnectPeer {'ConnectPeerId':'$x'}", "DeleteConnectPeer {'ConnectPeerId':'$x'}",
				"AssociateConnectPeer {'GlobalNetworkId':'$gn','ConnectPeerId':'$x','DeviceId':'$device'}",
				"DisassociateConnectPeer {'GlobalNetworkId':'$gn','ConnectPeerId':'$x'}",
				"DeleteAttachment {'AttachmentId':'$connect'}",
			}, taggings("connect-peer/$x")...),
		},
		{
			"Peerings", lifecycle(peer, "DeletePeering {'PeeringId':'$x'}"),
			append([]string{
				"GetTransitGatewayPeering {'PeeringId':'$x'}", "DeletePeering {'PeeringId':'$x'}",
				"CreateTransitGatewayRouteTableAttachment {'PeeringId':'$x','TransitGatewayRouteTableArn':'" + tableARN + "'}",
			}, taggings("peering/$x")...),
		},
	}
}
