package main

import "strings"

// iamFacts is what the service authorization reference says of each action: the access level, then the resource types
// ("*" after the ones a statement must name), then the service's own condition keys after a bar.
var iamFacts = map[string]string{
	"CreateGlobalNetwork": "Write", "DescribeGlobalNetworks": "List global-network",
	"UpdateGlobalNetwork": "Write global-network*", "DeleteGlobalNetwork": "Write global-network*",
	"CreateSite": "Write global-network*", "CreateDevice": "Write global-network*", "CreateConnection": "Write global-network*",
	"CreateLink": "Write global-network* site",
	"UpdateSite": "Write global-network* site*", "DeleteSite": "Write global-network* site*",
	"UpdateDevice": "Write global-network* device*", "DeleteDevice": "Write global-network* device*",
	"UpdateLink": "Write global-network* link*", "DeleteLink": "Write global-network* link*",
	"UpdateConnection": "Write global-network* connection*", "DeleteConnection": "Write global-network* connection*",
	"GetSites": "List global-network* site", "GetDevices": "List global-network* device",
	"GetLinks": "List global-network* link", "GetConnections": "List global-network* connection",
	"AssociateLink": "Write device* global-network* link*", "DisassociateLink": "Write device* global-network* link*",
	"GetLinkAssociations":                      "List global-network* device link",
	"AssociateCustomerGateway":                 "Write device* global-network* link | cgwArn",
	"DisassociateCustomerGateway":              "Write global-network* | cgwArn",
	"GetCustomerGatewayAssociations":           "List global-network*",
	"AssociateTransitGatewayConnectPeer":       "Write device* global-network* link | tgwConnectPeerArn",
	"DisassociateTransitGatewayConnectPeer":    "Write global-network* | tgwConnectPeerArn",
	"GetTransitGatewayConnectPeerAssociations": "List global-network*",
	"AssociateConnectPeer":                     "Write device* global-network*",
	"DisassociateConnectPeer":                  "Write global-network*",
	"GetConnectPeerAssociations":               "Read global-network*",
	"RegisterTransitGateway":                   "Write global-network* | tgwArn",
	"DeregisterTransitGateway":                 "Write global-network* | tgwArn",
	"GetTransitGatewayRegistrations":           "List global-network*",
	"GetNetworkResources":                      "Read global-network*", "GetNetworkResourceRelationships": "Read global-network*",
	"GetNetworkResourceCounts": "Read global-network*", "GetNetworkTelemetry": "Read global-network*",
	"GetNetworkRoutes": "Read global-network*", "GetRouteAnalysis": "Read global-network*",
	"StartRouteAnalysis": "Write global-network*", "UpdateNetworkResourceMetadata": "Write global-network*",
	"StartOrganizationServiceAccessUpdate": "Permissions management", "ListOrganizationServiceAccessStatus": "List",
	"PutResourcePolicy": "Permissions management core-network*", "DeleteResourcePolicy": "Permissions management core-network*",
	"GetResourcePolicy": "Read core-network*",
	"TagResource":       "Tagging " + taggable, "UntagResource": "Tagging " + taggable, "ListTagsForResource": "Read " + taggable,
	"CreateCoreNetwork": "Write global-network*",
	"ListCoreNetworks":  "List", "ListPeerings": "List",
	"GetCoreNetwork": "Read core-network*", "GetCoreNetworkPolicy": "Read core-network*",
	"GetCoreNetworkChangeSet": "Read core-network*", "GetCoreNetworkChangeEvents": "Read core-network*",
	"ListCoreNetworkPolicyVersions": "List core-network*", "ListCoreNetworkPrefixListAssociations": "List core-network*",
	"ListCoreNetworkRoutingInformation": "List core-network*", "ListAttachmentRoutingPolicyAssociations": "List core-network*",
	"UpdateCoreNetwork": "Write core-network*", "DeleteCoreNetworkPolicyVersion": "Write core-network*",
	"CreateCoreNetworkPrefixListAssociation": "Write core-network*", "DeleteCoreNetworkPrefixListAssociation": "Write core-network*",
	"PutCoreNetworkPolicy": "Write core-network*", "RestoreCoreNetworkPolicyVersion": "Write core-network*",
	"ExecuteCoreNetworkChangeSet": "Write core-network*", "DeleteCoreNetwork": "Write core-network*",
	"PutAttachmentRoutingPolicyLabel":          "Write attachment* core-network*",
	"RemoveAttachmentRoutingPolicyLabel":       "Write attachment* core-network*",
	"CreateVpcAttachment":                      "Write core-network* | vpcArn subnetArns",
	"CreateSiteToSiteVpnAttachment":            "Write core-network* | vpnConnectionArn",
	"CreateDirectConnectGatewayAttachment":     "Write core-network* | directConnectGatewayArn edgeLocations",
	"CreateTransitGatewayPeering":              "Write core-network* | tgwArn",
	"CreateTransitGatewayRouteTableAttachment": "Write peering* | tgwRtbArn",
	"CreateConnectAttachment":                  "Write attachment* core-network*",
	"CreateConnectPeer":                        "Write attachment*",
	"UpdateVpcAttachment":                      "Write attachment* | subnetArns",
	"UpdateDirectConnectGatewayAttachment":     "Write attachment* | edgeLocations",
	"AcceptAttachment":                         "Write attachment*", "DeleteAttachment": "Write attachment*", "RejectAttachment": "Write attachment*",
	"DeleteConnectPeer": "Write connect-peer*", "DeletePeering": "Write peering*",
	"GetVpcAttachment": "Read attachment*", "GetConnectAttachment": "Read attachment*", "GetSiteToSiteVpnAttachment": "Read attachment*",
	"GetDirectConnectGatewayAttachment": "Read attachment*", "GetTransitGatewayRouteTableAttachment": "Read attachment*",
	"UpdateAttachmentNatConfiguration": "Write attachment*", "ListAttachmentNatConfigurations": "List attachment core-network",
	"ListAttachments": "List attachment*", "ListConnectPeers": "List connect-peer*",
	"GetConnectPeer": "Read connect-peer*", "GetTransitGatewayPeering": "Read peering*",
}

const taggable = "attachment connect-peer connection core-network device global-network link peering site"

type iam struct {
	access    string
	resources []iamResource
	keys      []string
}

type iamResource struct {
	Type     string
	Required bool
}

func iamOf(operation string) (iam, bool) {
	text, ok := iamFacts[operation]
	if !ok {
		return iam{}, false
	}
	text, keys, _ := strings.Cut(text, "|")
	var facts iam
	if rest, found := strings.CutPrefix(text, "Permissions management"); found {
		facts.access, text = "Permissions management", rest
	} else {
		facts.access, text, _ = strings.Cut(text, " ")
	}
	for _, r := range strings.Fields(text) {
		name, required := strings.CutSuffix(r, "*")
		facts.resources = append(facts.resources, iamResource{name, required})
	}
	for _, k := range strings.Fields(keys) {
		facts.keys = append(facts.keys, "networkmanager:"+k)
	}
	return facts, true
}
