"""The life of one attachment through boto3: attachment.py TYPE POLICY. Created, refused, accepted, retagged, deleted."""

import sys

from checks import client, refused, wait

kind, policy = sys.argv[1], open(sys.argv[2]).read()
nm = client()
EC2 = "arn:aws:ec2:eu-west-1:111122223333:"
VPC, SUBNET = EC2 + "vpc/vpc-0123456789abcdef0", EC2 + "subnet/subnet-0123456789abcdef0"
DX = "arn:aws:directconnect::111122223333:dx-gateway/11460968-4ac1-4fd3-bdb2-005990123456"
GUEST = [{"Key": "env", "Value": "guest"}]


def check(what, ok, seen=None):
    if not ok:
        sys.exit(f"{what}: {seen!r}")


gn = nm.create_global_network()["GlobalNetwork"]["GlobalNetworkId"]
cn = nm.create_core_network(GlobalNetworkId=gn, PolicyDocument=policy)["CoreNetwork"]["CoreNetworkId"]
wait("the core network", lambda: nm.get_core_network(CoreNetworkId=cn)["CoreNetwork"], lambda n: n["State"] == "AVAILABLE")


def listed(attachment):
    found = [a for p in nm.get_paginator("list_attachments").paginate(CoreNetworkId=cn) for a in p["Attachments"]]
    return next((a for a in found if a["AttachmentId"] == attachment), None)


def available(attachment):
    return wait(attachment, lambda: listed(attachment), lambda a: a["State"] == "AVAILABLE")


def vpc(tags):
    return nm.create_vpc_attachment(CoreNetworkId=cn, VpcArn=VPC, SubnetArns=[SUBNET], Tags=tags)["VpcAttachment"]["Attachment"]


def make(tags):
    """Creates an attachment of the type; gives it and what its own Get operation says."""
    if kind == "VPC":
        a = vpc(tags)
        return a, lambda: nm.get_vpc_attachment(AttachmentId=a["AttachmentId"])["VpcAttachment"]
    if kind == "CONNECT":
        transport = vpc([])["AttachmentId"]
        available(transport)
        a = nm.create_connect_attachment(CoreNetworkId=cn, EdgeLocation="eu-west-1", TransportAttachmentId=transport,
                                         Options={"Protocol": "GRE"}, Tags=tags)["ConnectAttachment"]["Attachment"]
        return a, lambda: nm.get_connect_attachment(AttachmentId=a["AttachmentId"])["ConnectAttachment"]
    if kind == "SITE_TO_SITE_VPN":
        a = nm.create_site_to_site_vpn_attachment(CoreNetworkId=cn, VpnConnectionArn=EC2 + "vpn-connection/vpn-0123456789abcdef0",
                                                  Tags=tags)["SiteToSiteVpnAttachment"]["Attachment"]
        return a, lambda: nm.get_site_to_site_vpn_attachment(AttachmentId=a["AttachmentId"])["SiteToSiteVpnAttachment"]
    if kind == "DIRECT_CONNECT_GATEWAY":
        a = nm.create_direct_connect_gateway_attachment(CoreNetworkId=cn, DirectConnectGatewayArn=DX, EdgeLocations=["eu-west-1"],
                                                        Tags=tags)["DirectConnectGatewayAttachment"]["Attachment"]
        return a, lambda: nm.get_direct_connect_gateway_attachment(AttachmentId=a["AttachmentId"])["DirectConnectGatewayAttachment"]
    peering = nm.create_transit_gateway_peering(CoreNetworkId=cn, TransitGatewayArn=EC2 + "transit-gateway/tgw-0123456789abcdef0")
    peering = peering["TransitGatewayPeering"]["Peering"]["PeeringId"]
    wait("the peering", lambda: nm.get_transit_gateway_peering(PeeringId=peering)["TransitGatewayPeering"]["Peering"],
         lambda p: p["State"] == "AVAILABLE")
    a = nm.create_transit_gateway_route_table_attachment(
        PeeringId=peering, TransitGatewayRouteTableArn=EC2 + "transit-gateway-route-table/tgw-rtb-0123456789abcdef0",
        Tags=tags)["TransitGatewayRouteTableAttachment"]["Attachment"]
    refused(nm.exceptions.ValidationException, nm.delete_peering, PeeringId=peering)
    return a, lambda: nm.get_transit_gateway_route_table_attachment(AttachmentId=a["AttachmentId"])["TransitGatewayRouteTableAttachment"]


made, get = make(GUEST)
id = made["AttachmentId"]
check("created", made["AttachmentType"] == kind and made["State"] == "PENDING_ATTACHMENT_ACCEPTANCE" and made["SegmentName"] == "guest", made)
check("get", get()["Attachment"]["AttachmentId"] == id, get())
refused(nm.exceptions.ConflictException, nm.delete_attachment, AttachmentId=id)
accepted = nm.accept_attachment(AttachmentId=id)["Attachment"]
check("accepted", accepted["State"] == "CREATING", accepted)
check("available", available(id)["SegmentName"] == "guest", listed(id))
refused(nm.exceptions.ConflictException, nm.accept_attachment, AttachmentId=id)

if kind == "DIRECT_CONNECT_GATEWAY":
    out = nm.update_direct_connect_gateway_attachment(AttachmentId=id, EdgeLocations=["eu-west-1", "us-east-1"])
    check("updated", out["DirectConnectGatewayAttachment"]["Attachment"]["State"] == "UPDATING", out)
    check("edges", available(id)["EdgeLocations"] == ["eu-west-1", "us-east-1"], listed(id))
if kind == "VPC":
    out = nm.update_vpc_attachment(AttachmentId=id, AddSubnetArns=[SUBNET[:-1] + "1"])
    check("updated", out["VpcAttachment"]["Attachment"]["State"] == "UPDATING", out)
    available(id)

RULE = {"RuleNumber": 10, "MatchSourceCidr": "10.0.0.0/16", "NatCidr": "100.64.0.0/16"}


def nat():
    return nm.list_attachment_nat_configurations(AttachmentId=id)["AttachmentNatConfigurations"]


if kind == "TRANSIT_GATEWAY_ROUTE_TABLE":
    refused(nm.exceptions.ValidationException, nm.update_attachment_nat_configuration, AttachmentId=id, NatGatewayRules=[RULE])
    check("no NAT", nat() == [], nat())
else:
    asked = nm.update_attachment_nat_configuration(AttachmentId=id, NatGatewaySupport="ENABLE", NatGatewayRules=[RULE])["AttachmentNatConfiguration"]
    check("NAT asked for", asked["NatGatewaySupport"] == "ENABLING" and asked["NatGatewayRules"][0]["State"] == "CREATING", asked)
    available(id)
    check("NAT", nat()[0]["NatGatewaySupport"] == "ENABLED" and nat()[0]["NatGatewayRules"] == [RULE | {"State": "ACTIVATED"}], nat())
    refused(nm.exceptions.ValidationException, nm.update_attachment_nat_configuration, AttachmentId=id, NatGatewayRules=[])
    nm.update_attachment_nat_configuration(AttachmentId=id, NatGatewaySupport="DISABLE", NatGatewayRules=[])
    available(id)
    check("NAT gone", nat()[0]["NatGatewaySupport"] == "DISABLED" and nat()[0]["NatGatewayRules"] == [], nat())

arn = "arn:aws:networkmanager::111122223333:attachment/" + id
nm.untag_resource(ResourceArn=arn, TagKeys=["env"])
moving = listed(id)
check("moves through its state", moving["SegmentName"] == "prod" and moving["State"] in ("PENDING_NETWORK_UPDATE", "AVAILABLE"), moving)
check("moved", available(id)["SegmentName"] == "prod", listed(id))
nm.tag_resource(ResourceArn=arn, Tags=GUEST)
proposed = listed(id)
check("proposed", proposed["State"] == "PENDING_TAG_ACCEPTANCE" and proposed["SegmentName"] == "prod"
      and proposed["ProposedSegmentChange"]["SegmentName"] == "guest", proposed)
rejected = nm.reject_attachment(AttachmentId=id)["Attachment"]
check("rejected", rejected["State"] == "AVAILABLE" and "ProposedSegmentChange" not in rejected, rejected)

nm.put_attachment_routing_policy_label(CoreNetworkId=cn, AttachmentId=id, RoutingPolicyLabel="ours")
labels = nm.list_attachment_routing_policy_associations(CoreNetworkId=cn)["AttachmentRoutingPolicyAssociations"]
check("label", [(x["AttachmentId"], x["RoutingPolicyLabel"]) for x in labels] == [(id, "ours")], labels)
removed = nm.remove_attachment_routing_policy_label(CoreNetworkId=cn, AttachmentId=id)
check("label removed", removed["RoutingPolicyLabel"] == "ours", removed)

deleted = nm.delete_attachment(AttachmentId=id)["Attachment"]
check("deleted", deleted["State"] == "DELETING", deleted)
wait("the end", lambda: listed(id), lambda a: a is None)
refused(nm.exceptions.ResourceNotFoundException, nm.delete_attachment, AttachmentId=id)
