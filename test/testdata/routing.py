"""Routes of a core network and of transit gateways through boto3, compared with tables that were worked out by hand.

Prints the ids that it made as JSON, for the AWS CLI and portolan to ask again.
"""

import json
import os
import sys
import urllib.request

from checks import client, refused, wait

nm = client()
X = nm.exceptions
ARN = "arn:aws:ec2:{}:111122223333:{}/{}"
US, EU = "us-east-1", "eu-west-1"
POLICY = {
    "version": "2025.11",
    "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": US}, {"location": EU}], "inside-cidr-blocks": ["10.255.0.0/16"]},
    "segments": [
        {"name": "prod", "require-attachment-acceptance": False, "isolate-attachments": True},
        {"name": "core", "require-attachment-acceptance": False, "edge-locations": [US]},
        {"name": "legacy", "require-attachment-acceptance": True, "isolate-attachments": True},
    ],
    "network-function-groups": [{"name": "egress", "require-attachment-acceptance": False}, {"name": "fw", "require-attachment-acceptance": False}],
    "segment-actions": [
        {"action": "share", "mode": "attachment-route", "segment": "core", "share-with": ["prod", "legacy"]},
        {"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["egress"]}},
        {"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": ["legacy"]}, "via": {"network-function-groups": ["fw"]}},
        {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["10.200.0.0/16"], "destinations": ["blackhole"]},
    ],
    "attachment-policies": [
        {"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "nfg"}, {"type": "tag-value", "operator": "equals", "key": "nfg", "value": "fw"}], "condition-logic": "and", "action": {"add-to-network-function-group": "fw"}},
        {"rule-number": 110, "conditions": [{"type": "tag-value", "operator": "equals", "key": "nfg", "value": "egress"}], "action": {"add-to-network-function-group": "egress"}},
        {"rule-number": 200, "conditions": [{"type": "attachment-type", "operator": "equals", "value": "transit-gateway-route-table"}], "action": {"association-method": "constant", "segment": "legacy"}},
        {"rule-number": 300, "conditions": [{"type": "tag-exists", "key": "domain"}], "action": {"association-method": "tag", "tag-value-of-key": "domain"}},
    ],
}


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}:\n got  {got!r}\n want {want!r}")


def announce(id, routes):
    request = urllib.request.Request(
        f"{os.environ['AWS_ENDPOINT_URL_NETWORKMANAGER']}/_portolan/announcements/{id}", json.dumps(routes).encode(), method="PUT",
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0"})
    with urllib.request.urlopen(request) as reply:
        check("announced", [r["prefix"] for r in json.load(reply)], [r["prefix"] for r in routes])


gn = nm.create_global_network()["GlobalNetwork"]["GlobalNetworkId"]
cn = nm.create_core_network(GlobalNetworkId=gn, PolicyDocument=json.dumps(POLICY))["CoreNetwork"]["CoreNetworkId"]
wait("the core network", lambda: nm.get_core_network(CoreNetworkId=cn)["CoreNetwork"]["State"], lambda s: s == "AVAILABLE")


def state(id):
    found = [a for p in nm.get_paginator("list_attachments").paginate(CoreNetworkId=cn) for a in p["Attachments"] if a["AttachmentId"] == id]
    return found[0]["State"]


def vpc(number, edge, **tags):
    made = nm.create_vpc_attachment(
        CoreNetworkId=cn, VpcArn=ARN.format(edge, "vpc", f"vpc-{number:017}"), SubnetArns=[ARN.format(edge, "subnet", f"subnet-{number:017}")],
        Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    return made["VpcAttachment"]["Attachment"]["AttachmentId"]


ids = {"A1": vpc(1, US, domain="prod"), "A2": vpc(2, EU, domain="prod"), "A3": vpc(3, US, domain="core"), "A4": vpc(4, EU, domain="core"),
       "A6": vpc(6, US, nfg="fw"), "A7": vpc(7, EU, nfg="fw"), "A8": vpc(8, EU, nfg="egress")}
peering = nm.create_transit_gateway_peering(CoreNetworkId=cn, TransitGatewayArn=ARN.format(EU, "transit-gateway", "tgw-00000000000000005"))
peering = peering["TransitGatewayPeering"]["Peering"]["PeeringId"]
wait("the peering", lambda: nm.get_transit_gateway_peering(PeeringId=peering)["TransitGatewayPeering"]["Peering"]["State"], lambda s: s == "AVAILABLE")
a5 = nm.create_transit_gateway_route_table_attachment(
    PeeringId=peering, TransitGatewayRouteTableArn=ARN.format(EU, "transit-gateway-route-table", "tgw-rtb-00000000000000005"))
ids["A5"] = a5["TransitGatewayRouteTableAttachment"]["Attachment"]["AttachmentId"]
nm.accept_attachment(AttachmentId=ids["A5"])
wait("A3", lambda: state(ids["A3"]), lambda s: s == "AVAILABLE")
a9 = nm.create_connect_attachment(CoreNetworkId=cn, EdgeLocation=US, TransportAttachmentId=ids["A3"], Options={"Protocol": "GRE"},
                                  Tags=[{"Key": "domain", "Value": "core"}])
ids["A9"] = a9["ConnectAttachment"]["Attachment"]["AttachmentId"]
for name, id in ids.items():
    wait(name, lambda: state(id), lambda s: s == "AVAILABLE")
peer = nm.create_connect_peer(ConnectAttachmentId=ids["A9"], PeerAddress="10.100.0.9", InsideCidrBlocks=["169.254.9.0/29"], BgpOptions={"PeerAsn": 65300})
peer = peer["ConnectPeer"]["ConnectPeerId"]
wait("the peer", lambda: nm.get_connect_peer(ConnectPeerId=peer)["ConnectPeer"]["State"], lambda s: s == "AVAILABLE")
announce(peer, [{"prefix": "172.20.0.0/16", "asPath": [65300], "med": 50, "communities": ["65300:7"]}])

# The tables: prefix, then attachment, nfg:attachment here, nfg@edge:attachment, edge:edge, or a blackhole.
BOTH = "0.0.0.0/0 {0}; ::/0 {0}; "
TABLES = {
    ("prod", US): BOTH.format("nfg@eu-west-1:A8") + "10.50.0.0/16 nfg:A6; 10.100.0.0/16 A3; 10.200.0.0/16 blackhole; 172.20.0.0/16 A9",
    ("prod", EU): BOTH.format("nfg:A8") + "10.50.0.0/16 nfg:A7; 10.100.0.0/16 edge:us-east-1; 10.200.0.0/16 blackhole; 172.20.0.0/16 edge:us-east-1",
    ("core", US): "10.0.0.0/16 A1; 10.1.0.0/16 edge:eu-west-1; 10.50.0.0/16 edge:eu-west-1; 10.100.0.0/16 A3; 10.200.0.0/16 edge:eu-west-1; 172.20.0.0/16 A9",
    ("legacy", US): "10.0.0.0/16 nfg:A6; 10.1.0.0/16 nfg:A6; 10.50.0.0/16 edge:eu-west-1; 10.100.0.0/16 A3; 10.200.0.0/16 edge:eu-west-1; 172.20.0.0/16 A9",
    ("legacy", EU): "10.0.0.0/16 nfg:A7; 10.1.0.0/16 nfg:A7; 10.50.0.0/16 A5; 10.100.0.0/16 edge:us-east-1; 10.200.0.0/16 A5; 172.20.0.0/16 edge:us-east-1",
    ("nfg:egress", US): "10.0.0.0/16 A1; 10.1.0.0/16 edge:eu-west-1",
    ("nfg:egress", EU): "10.0.0.0/16 edge:us-east-1; 10.1.0.0/16 A2",
    ("nfg:fw", US): "10.0.0.0/16 A1; 10.1.0.0/16 nfg@eu-west-1:A7; 10.50.0.0/16 nfg@eu-west-1:A7; 10.200.0.0/16 nfg@eu-west-1:A7",
    ("nfg:fw", EU): "10.0.0.0/16 nfg@us-east-1:A6; 10.1.0.0/16 A2; 10.50.0.0/16 A5; 10.200.0.0/16 A5",
}
names = {id: name for name, id in ids.items()}


def table(name, edge):
    if name.startswith("nfg:"):
        return {"CoreNetworkNetworkFunctionGroup": {"CoreNetworkId": cn, "NetworkFunctionGroupName": name[4:], "EdgeLocation": edge}}
    return {"CoreNetworkSegmentEdge": {"CoreNetworkId": cn, "SegmentName": name, "EdgeLocation": edge}}


def cell(route):
    to = []
    for d in route.get("Destinations", []):
        if "NetworkFunctionGroupName" in d and "CoreNetworkAttachmentId" in d:
            to.append("nfg" + ("@" + d["EdgeLocation"] if "EdgeLocation" in d else "") + ":" + names[d["CoreNetworkAttachmentId"]])
        elif "CoreNetworkAttachmentId" in d:
            to.append(names[d["CoreNetworkAttachmentId"]])
        else:
            to.append("edge:" + d["EdgeLocation"])
    check("state of " + str(route), route["State"], "ACTIVE" if to else "BLACKHOLE")
    return " ".join(to) or "blackhole"


def routes(name, edge, **filters):
    return nm.get_network_routes(GlobalNetworkId=gn, RouteTableIdentifier=table(name, edge), **filters)


def prefixes(*at, **filters):
    return [r["DestinationCidrBlock"] for r in routes(*at, **filters)["NetworkRoutes"]]


for (name, edge), rows in TABLES.items():
    out = routes(name, edge)
    want = dict(row.split() for row in rows.split("; "))
    check(f"{name} at {edge}", {r["DestinationCidrBlock"]: cell(r) for r in out["NetworkRoutes"]}, want)
    check("type", out["RouteTableType"], "NETWORK_FUNCTION_GROUP" if name.startswith("nfg:") else "CORE_NETWORK_SEGMENT")
    check("segment", out.get("CoreNetworkSegmentEdge"), table(name, edge).get("CoreNetworkSegmentEdge"))
refused(X.ResourceNotFoundException, routes, name="core", edge=EU)
refused(X.ResourceNotFoundException, routes, name="test", edge=US)
refused(X.ResourceNotFoundException, routes, name="nfg:prod", edge=US)
refused(X.ValidationException, nm.get_network_routes, GlobalNetworkId=gn, RouteTableIdentifier={})
refused(X.ValidationException, nm.get_network_routes, GlobalNetworkId=gn, RouteTableIdentifier={**table("prod", US), **table("nfg:fw", US)})

PROD = ("prod", US)
local = next(r for r in routes("core", US)["NetworkRoutes"] if r["DestinationCidrBlock"] == "10.0.0.0/16")["Destinations"]
check("a local destination", local, [{"CoreNetworkAttachmentId": ids["A1"], "ResourceType": "vpc", "ResourceId": "vpc-00000000000000001"}])
remote = next(r for r in routes("core", US)["NetworkRoutes"] if r["DestinationCidrBlock"] == "10.1.0.0/16")["Destinations"]
check("a remote destination", remote, [{"SegmentName": "core", "EdgeLocation": EU}])
check("exact", prefixes(*PROD, ExactCidrMatches=["10.50.0.0/16", "10.51.0.0/16"]), ["10.50.0.0/16"])
check("longest", prefixes(*PROD, LongestPrefixMatches=["10.50.1.1", "8.8.8.8", "2001:db8::/32"]), ["10.50.0.0/16", "0.0.0.0/0", "::/0"])
check("subnets", prefixes(*PROD, SubnetOfMatches=["10.0.0.0/8"]), ["10.50.0.0/16", "10.100.0.0/16", "10.200.0.0/16"])
check("supernets", prefixes(*PROD, SupernetOfMatches=["10.50.7.0/24"]), ["0.0.0.0/0", "10.50.0.0/16"])
check("two filters", prefixes(*PROD, SubnetOfMatches=["10.0.0.0/8"], SupernetOfMatches=["10.50.7.0/24"]), ["10.50.0.0/16"])
check("states", prefixes(*PROD, States=["BLACKHOLE"]), ["10.200.0.0/16"])
check("types", prefixes(*PROD, Types=["STATIC"]), ["0.0.0.0/0", "10.200.0.0/16", "::/0"])
check("resource", prefixes(*PROD, DestinationFilters={"RESOURCE_ID": ["vpc-*3", "nothing"]}), ["10.100.0.0/16", "172.20.0.0/16"])
check("resource type", prefixes(*PROD, DestinationFilters={"RESOURCE_TYPE": ["conn?ct"]}), ["172.20.0.0/16"])
check("resource and type", prefixes(*PROD, DestinationFilters={"RESOURCE_TYPE": ["vpc"], "RESOURCE_ID": ["*8"]}), ["0.0.0.0/0", "::/0"])
check("prefix lists", prefixes(*PROD, PrefixListIds=["pl-0123456789abcdef0"]), [])
for bad in "10.0.0.0/33", "ten", "::ffff:10.0.0.0/104":
    error = refused(X.ValidationException, routes, name="prod", edge=US, ExactCidrMatches=[bad])
    check("field", error["Fields"][0]["Name"], "exactCidrMatches[0]")
refused(X.ValidationException, routes, name="prod", edge=US, DestinationFilters={"COLOUR": ["red"]})


# The RIB: what is offered, page by page.
def rib(name, edge, **matches):
    pages = nm.get_paginator("list_core_network_routing_information").paginate(
        CoreNetworkId=cn, SegmentName=name, EdgeLocation=edge, PaginationConfig={"PageSize": 1}, **matches)
    return [r for p in pages for r in p["CoreNetworkRoutingInformation"]]


check("RIB of a VPC", rib("core", US)[0], {"Prefix": "10.0.0.0/16", "NextHop": {
    "CoreNetworkAttachmentId": ids["A1"], "ResourceType": "vpc", "ResourceId": "vpc-00000000000000001"}})
check("RIB over an edge", [r for r in rib("core", US) if r["Prefix"] == "10.50.0.0/16"], [
    {"Prefix": "10.50.0.0/16", "NextHop": {"SegmentName": "core", "EdgeLocation": EU}, "LocalPreference": "0", "Med": "100", "AsPath": ["64513", "64900"]}])
check("RIB of a peer", [(r["Med"], r["AsPath"], r["Communities"]) for r in rib("core", US, MedMatches=["50"])], [("50", ["65300"], ["65300:7"])])
every = [r["Prefix"] for r in rib("core", US)]
check("RIB", every, ["10.0.0.0/16", "10.1.0.0/16", "10.50.0.0/16", "10.100.0.0/16", "10.200.0.0/16", "172.20.0.0/16"])
for matches, want in (
    ({"ExactAsPathMatches": ["64513 64900"]}, ["10.50.0.0/16", "10.200.0.0/16"]),
    ({"ExactAsPathMatches": ["64900"]}, []),
    ({"LocalPreferenceMatches": ["0"], "MedMatches": ["100"]}, ["10.1.0.0/16", "10.50.0.0/16", "10.200.0.0/16"]),
    ({"CommunityMatches": ["65300:7", "1:1"]}, ["172.20.0.0/16"]),
    ({"NextHopFilters": {"EdgeLocation": [EU]}}, ["10.1.0.0/16", "10.50.0.0/16", "10.200.0.0/16"]),
    ({"NextHopFilters": {"ResourceType": ["vpc"], "CoreNetworkAttachmentId": [ids["A3"]]}}, ["10.100.0.0/16"]),
):
    check(f"RIB with {matches}", [r["Prefix"] for r in rib("core", US, **matches)], want)
refused(X.ResourceNotFoundException, nm.list_core_network_routing_information, CoreNetworkId=cn, SegmentName="core", EdgeLocation=EU)
refused(X.ValidationException, nm.list_core_network_routing_information, CoreNetworkId=cn, SegmentName="core", EdgeLocation=US, NextHopFilters={"Colour": ["red"]})

# Transit gateways: their tables, and packets through them.
TGW1, TGW2 = ARN.format(US, "transit-gateway", "tgw-0000000000000000a"), ARN.format(EU, "transit-gateway", "tgw-0000000000000000b")
RTB1 = ARN.format(US, "transit-gateway-route-table", "tgw-rtb-000000000000000a1")
by_table = {"GlobalNetworkId": gn, "RouteTableIdentifier": {"TransitGatewayRouteTableArn": RTB1}}
refused(X.ResourceNotFoundException, nm.get_network_routes, **by_table)
for arn in TGW1, TGW2:
    nm.register_transit_gateway(GlobalNetworkId=gn, TransitGatewayArn=arn)
wait("registrations", lambda: [r["State"]["Code"] for r in nm.get_transit_gateway_registrations(GlobalNetworkId=gn)["TransitGatewayRegistrations"]],
     lambda codes: codes == ["AVAILABLE"] * 2)
out = nm.get_network_routes(**by_table, LongestPrefixMatches=["172.31.0.8"])
check("of a transit gateway", (out["RouteTableArn"], out["RouteTableType"], out["NetworkRoutes"]), (RTB1, "TRANSIT_GATEWAY_ROUTE_TABLE", [
    {"DestinationCidrBlock": "172.31.0.0/16", "State": "ACTIVE", "Type": "STATIC", "Destinations": [
        {"TransitGatewayAttachmentId": "tgw-attach-000000000000000a3", "ResourceType": "peering", "ResourceId": "tgw-0000000000000000b"}]}]))
out = nm.get_network_routes(**by_table, DestinationFilters={"TRANSIT_GATEWAY_ATTACHMENT_ID": ["tgw-attach-*a?"], "RESOURCE_TYPE": ["vpc"]})
check("wildcards", [r["DestinationCidrBlock"] for r in out["NetworkRoutes"]], ["10.0.0.0/16", "10.2.0.0/16"])
out = nm.get_network_routes(**by_table, States=["BLACKHOLE"])
check("blackholes", [(r["DestinationCidrBlock"], "Destinations" in r) for r in out["NetworkRoutes"]], [("172.31.99.0/24", False)])


def attachment(edge, id):
    return ARN.format(edge, "transit-gateway-attachment", "tgw-attach-000000000000000" + id)


def analyse(source, destination, **options):
    started = nm.start_route_analysis(GlobalNetworkId=gn, Source=source, Destination=destination, **options)["RouteAnalysis"]
    check("started", (started["Status"], "ForwardPath" in started), ("RUNNING", False))
    id = started["RouteAnalysisId"]
    return wait("the analysis", lambda: nm.get_route_analysis(GlobalNetworkId=gn, RouteAnalysisId=id)["RouteAnalysis"], lambda a: a["Status"] != "RUNNING")


def way(path):
    status = path["CompletionStatus"]
    steps = [p["Resource"]["ResourceArn"].split("/")[-1] for p in path["Path"]]
    check("sequence", [p["Sequence"] for p in path["Path"]], list(range(len(steps) - 1, -1, -1)))
    return status.get("ReasonCode", status["ResultCode"]), [s.replace("000000000000000", "") for s in steps]


VPCA, VPCB, VPN1, VPN2 = attachment(US, "a1"), attachment(US, "a2"), attachment(US, "a4"), attachment(EU, "b2")
THERE = ["tgw-0a", "tgw-rtb-a1", "tgw-attach-a3", "tgw-0b", "tgw-rtb-b1", "tgw-attach-b2", "vpn-b2"]
for source, address in (VPCA, "10.0.0.7"), (VPCB, "10.2.0.9"):
    a = analyse({"TransitGatewayAttachmentArn": source, "IpAddress": address}, {"TransitGatewayAttachmentArn": VPN2, "IpAddress": "172.31.0.8"}, IncludeReturnPath=True)
    check("forward", way(a["ForwardPath"]), ("CONNECTED", ["tgw-attach-" + source[-2:], *THERE]))
    check("return", way(a["ReturnPath"]), ("ROUTE_NOT_FOUND", ["tgw-attach-b2", "tgw-0b", "tgw-rtb-b1"]))
    check("gateway", (a["Status"], a["Source"]["TransitGatewayArn"], a["Destination"]["TransitGatewayArn"]), ("COMPLETED", TGW1, TGW2))
check("name", analyse({"TransitGatewayAttachmentArn": VPCA}, {"TransitGatewayAttachmentArn": VPCB, "IpAddress": "10.2.0.9"})["ForwardPath"]["Path"][0]["Resource"]["NameTag"], "vpc A")
a = analyse({"TransitGatewayAttachmentArn": VPCA}, {"TransitGatewayAttachmentArn": VPN2, "IpAddress": "172.31.99.1"}, IncludeReturnPath=False)
check("blackhole", (way(a["ForwardPath"])[0], "ReturnPath" in a), ("BLACKHOLE_ROUTE_FOR_DESTINATION_FOUND", False))
a = analyse({"TransitGatewayAttachmentArn": VPCA}, {"TransitGatewayAttachmentArn": attachment(EU, "zz".replace("z", "f")), "IpAddress": "172.31.0.1"})
check("unknown", way(a["ForwardPath"])[0], "TRANSIT_GATEWAY_ATTACHMENT_NOT_FOUND")
# A firewall in VPC A: asked for, marked, passed.
inspect = dict(source={"TransitGatewayAttachmentArn": VPN1, "IpAddress": "10.9.0.7"}, destination={"TransitGatewayAttachmentArn": VPCB, "IpAddress": "10.2.0.8"})
check("no middlebox", way(analyse(**inspect)["ForwardPath"])[0], "TRANSIT_GATEWAY_ATTACHMENT_ATTACH_ARN_NO_MATCH")
check("perhaps one", way(analyse(**inspect, UseMiddleboxes=True)["ForwardPath"])[0], "POSSIBLE_MIDDLEBOX")
check("metadata", nm.update_network_resource_metadata(GlobalNetworkId=gn, ResourceArn=VPCA, Metadata={"middlebox": "true"})["Metadata"], {"middlebox": "true"})
check("merged", nm.update_network_resource_metadata(GlobalNetworkId=gn, ResourceArn=VPCA, Metadata={"note": ""})["Metadata"], {"middlebox": "true", "note": ""})
refused(X.ResourceNotFoundException, nm.update_network_resource_metadata, GlobalNetworkId=gn, ResourceArn=VPCA + "0", Metadata={"a": "b"})
a = analyse(**inspect, UseMiddleboxes=True)["ForwardPath"]
check("middlebox", way(a), ("CONNECTED", ["tgw-attach-a4", "tgw-0a", "tgw-rtb-a4", "tgw-attach-a1", "tgw-0a", "tgw-rtb-a1", "tgw-attach-a2", "vpc-a2"]))
check("marks", [p["Resource"].get("IsMiddlebox", False) for p in a["Path"]], [False] * 3 + [True] + [False] * 4)
refused(X.ResourceNotFoundException, nm.get_route_analysis, GlobalNetworkId=gn, RouteAnalysisId="0" * 8)

# What there is, and how it hangs together.
resources = [r for p in nm.get_paginator("get_network_resources").paginate(GlobalNetworkId=gn, PaginationConfig={"PageSize": 3}) for r in p["NetworkResources"]]
counts = {c["ResourceType"]: c["Count"] for p in nm.get_paginator("get_network_resource_counts").paginate(GlobalNetworkId=gn, PaginationConfig={"PageSize": 2})
          for c in p["NetworkResourceCounts"]}
check("counts", counts, {"attachment": 9, "connect-peer": 1, "core-network": 1, "customer-gateway": 2, "peering": 1, "transit-gateway": 2,
                         "transit-gateway-attachment": 6, "transit-gateway-connect-peer": 1, "transit-gateway-route-table": 4, "vpn-connection": 2})
check("listed", {t: len([r for r in resources if r["ResourceType"] == t]) for t in counts}, counts)
marked = nm.get_network_resources(GlobalNetworkId=gn, ResourceArn=VPCA)["NetworkResources"]
check("marked", [(r["Metadata"], r["RegisteredGatewayArn"], r["ResourceId"]) for r in marked], [({"middlebox": "true", "note": ""}, TGW1, VPCA.split("/")[-1])])
gateway = nm.get_network_resources(GlobalNetworkId=gn, ResourceArn=TGW1)["NetworkResources"][0]
check("definition", (json.loads(gateway["Definition"])["TransitGatewayArn"], gateway["Tags"]), (TGW1, [{"Key": "Name", "Value": "one"}]))
pairs = {(r["From"], r["To"]) for p in nm.get_paginator("get_network_resource_relationships").paginate(GlobalNetworkId=gn, PaginationConfig={"PageSize": 5})
         for r in p["Relationships"]}
check("one way only", [p for p in pairs if p[::-1] not in pairs], [])
VPN1ARN, CGW1 = ARN.format(US, "vpn-connection", "vpn-000000000000000a4"), ARN.format(US, "customer-gateway", "cgw-000000000000000a4")
for pair in (TGW1, VPCA), (TGW1, RTB1), (VPN1, VPN1ARN), (VPN1ARN, CGW1), (VPCA, ARN.format(US, "vpc", "vpc-000000000000000a1")), (attachment(US, "a3"), attachment(EU, "b1")):
    check(f"related {pair}", pair in pairs, True)
telemetry = [(t["ResourceId"], t["Address"], t["Health"]["Type"], t["Health"]["Status"])
             for p in nm.get_paginator("get_network_telemetry").paginate(GlobalNetworkId=gn, PaginationConfig={"PageSize": 1}) for t in p["NetworkTelemetry"]]
check("telemetry", telemetry, [
    (peer, "169.254.9.2", "BGP", "UP"), (peer, "169.254.9.3", "BGP", "UP"),
    ("vpn-000000000000000b2", "192.0.2.3", "IPSEC", "UP"), ("vpn-000000000000000b2", "192.0.2.3", "BGP", "UP"),
    ("vpn-000000000000000a4", "192.0.2.1", "IPSEC", "UP"), ("vpn-000000000000000a4", "192.0.2.2", "IPSEC", "DOWN")])

print(json.dumps({"gn": gn, "cn": cn, "attachments": ids, "peer": peer, "analysis": {"source": VPCA, "destination": VPN2}, "table": RTB1, "policy": POLICY}))
