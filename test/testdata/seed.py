"""The life of the seed, from an empty account to DisassociateConnectPeer and back, through boto3's typed classes."""

import json
import os
import sys
import time
import urllib.request
import uuid

from checks import client

nm = client()
ex = nm.exceptions
EC2 = "arn:aws:ec2:eu-west-1:111122223333:"
failures = []


def check(what, ok, seen=None):
    if not ok:
        failures.append(f"{what}: {seen!r}")
        print("FAIL", what, seen, file=sys.stderr)


def refused(cls, call, status, **kw):
    """Calls and expects the typed exception with the status; returns its response."""
    try:
        out = call(**kw)
    except cls as e:
        check(f"{cls.__name__} status", e.response["ResponseMetadata"]["HTTPStatusCode"] == status, e.response)
        check(f"{cls.__name__} request id", uuid.UUID(e.response["ResponseMetadata"]["RequestId"]), e.response)
        return e.response
    except Exception as e:  # noqa: BLE001
        check(f"want {cls.__name__} from {kw}", False, e)
        return {}
    check(f"want {cls.__name__} from {kw}", False, out)
    return {}


def wait(what, get, good, tries=200):
    for _ in range(tries):
        got = get()
        if good(got):
            return got
        time.sleep(0.01)
    check(f"waited in vain for {what}", False, got)
    return got


gn = nm.create_global_network(Description="seed", Tags=[{"Key": "Name", "Value": "seed"}])["GlobalNetwork"]
check("global network PENDING", gn["State"] == "PENDING", gn)
check("CreatedAt is a datetime", gn["CreatedAt"].year > 2000, gn)
gn = gn["GlobalNetworkId"]
site = nm.create_site(GlobalNetworkId=gn, Location={"Address": "1 Main St", "Latitude": "40.7", "Longitude": "-74.0"})["Site"]["SiteId"]
device = nm.create_device(GlobalNetworkId=gn, SiteId=site, Vendor="acme", Model="m1")["Device"]["DeviceId"]
device2 = nm.create_device(GlobalNetworkId=gn, SiteId=site)["Device"]["DeviceId"]
link = nm.create_link(GlobalNetworkId=gn, SiteId=site, Bandwidth={"UploadSpeed": 10, "DownloadSpeed": 20}, Provider="telco")["Link"]["LinkId"]
link2 = nm.create_link(GlobalNetworkId=gn, SiteId=site, Bandwidth={"UploadSpeed": 1})["Link"]["LinkId"]
nm.associate_link(GlobalNetworkId=gn, DeviceId=device, LinkId=link)

policy = open(sys.argv[1]).read()
cn = nm.create_core_network(GlobalNetworkId=gn, PolicyDocument=policy)["CoreNetwork"]
check("core network CREATING", cn["State"] == "CREATING", cn)
cn = cn["CoreNetworkId"]
got = wait("core network", lambda: nm.get_core_network(CoreNetworkId=cn)["CoreNetwork"], lambda c: c["State"] == "AVAILABLE")
check("edges", [(e["EdgeLocation"], e["Asn"], e["InsideCidrBlocks"]) for e in got["Edges"]] ==
      [("eu-west-1", 64512, ["10.255.0.0/24"]), ("us-east-1", 64513, ["10.255.1.0/24"])], got)
live = nm.get_core_network_policy(CoreNetworkId=cn)["CoreNetworkPolicy"]
check("version 1 is LIVE", (live["PolicyVersionId"], live["Alias"], live["ChangeSetState"]) == (1, "LIVE", "EXECUTION_SUCCEEDED"), live)
check("document comes back as a string", json.loads(live["PolicyDocument"])["version"] == "2021.12", live)

vpc = nm.create_vpc_attachment(CoreNetworkId=cn, VpcArn=EC2 + "vpc/vpc-0123456789abcdef0", SubnetArns=[EC2 + "subnet/subnet-0123456789abcdef0"])["VpcAttachment"]["Attachment"]
check("attachment CREATING in prod", (vpc["State"], vpc["SegmentName"], vpc["AttachmentPolicyRuleNumber"]) == ("CREATING", "prod", 200), vpc)
states = ["CREATING"]


def look():
    a = nm.get_vpc_attachment(AttachmentId=vpc["AttachmentId"])["VpcAttachment"]["Attachment"]
    if a["State"] != states[-1]:
        states.append(a["State"])
    return a


wait("VPC attachment", look, lambda a: a["State"] == "AVAILABLE")
check("every state in order", states == ["CREATING", "PENDING_NETWORK_UPDATE", "AVAILABLE"], states)
connect = nm.create_connect_attachment(CoreNetworkId=cn, EdgeLocation="eu-west-1", TransportAttachmentId=vpc["AttachmentId"], Options={"Protocol": "GRE"})["ConnectAttachment"]["Attachment"]["AttachmentId"]
wait("Connect attachment", lambda: nm.get_connect_attachment(AttachmentId=connect)["ConnectAttachment"]["Attachment"], lambda a: a["State"] == "AVAILABLE")
peer = nm.create_connect_peer(ConnectAttachmentId=connect, PeerAddress="10.0.0.5", InsideCidrBlocks=["169.254.40.0/29"], BgpOptions={"PeerAsn": 65010})["ConnectPeer"]
check("peer CREATING", peer["State"] == "CREATING", peer)
conf = peer["Configuration"]
check("two BGP sessions", [(b["CoreNetworkAddress"], b["PeerAddress"], b["CoreNetworkAsn"], b["PeerAsn"]) for b in conf["BgpConfigurations"]] ==
      [("169.254.40.2", "169.254.40.1", 64512, 65010), ("169.254.40.3", "169.254.40.1", 64512, 65010)], conf)
check("core network address", conf["CoreNetworkAddress"] == "10.255.0.1", conf)
peer = peer["ConnectPeerId"]
wait("Connect peer", lambda: nm.get_connect_peer(ConnectPeerId=peer)["ConnectPeer"], lambda p: p["State"] == "AVAILABLE")

missing_gn, missing_peer = "global-network-0ffffffffffffffff", "connect-peer-0ffffffffffffffff"
associations = lambda **kw: nm.get_connect_peer_associations(GlobalNetworkId=gn, **kw)["ConnectPeerAssociations"]  # noqa: E731

# Refusals of AssociateConnectPeer.
r = refused(ex.ValidationException, nm.associate_connect_peer, 400, GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device, LinkId=link2)
check("link not on the device", (r.get("Reason"), r.get("Fields", [{}])[0].get("Name")) == ("FieldValidationFailed", "linkId"), r)
r = refused(ex.ResourceNotFoundException, nm.associate_connect_peer, 404, GlobalNetworkId=gn, ConnectPeerId=missing_peer, DeviceId=device)
check("unknown peer", (r.get("ResourceId"), r.get("ResourceType"), r["Error"]["Message"]) == (missing_peer, "connect-peer", "Resource not found."), r)
r = refused(ex.ResourceNotFoundException, nm.associate_connect_peer, 404, GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId="device-0ffffffffffffffff")
check("unknown device", r.get("ResourceType") == "device", r)
r = refused(ex.ValidationException, nm.associate_connect_peer, 400, GlobalNetworkId=gn, ConnectPeerId="peer-1", DeviceId=device)
check("malformed peer", r.get("Fields", [{}])[0].get("Name") == "connectPeerId", r)

# Without a link, read back; then with one.
a = nm.associate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device)["ConnectPeerAssociation"]
check("associated without a link", a == {"ConnectPeerId": peer, "GlobalNetworkId": gn, "DeviceId": device, "State": "PENDING"}, a)
check("read back", associations(ConnectPeerIds=[peer])[0]["State"] == "AVAILABLE", a)
nm.disassociate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer)
wait("association gone", associations, lambda l: all(x["State"] == "DELETED" for x in l))
a = nm.associate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device, LinkId=link)["ConnectPeerAssociation"]
check("associated with a link", a == {"ConnectPeerId": peer, "GlobalNetworkId": gn, "DeviceId": device, "LinkId": link, "State": "PENDING"}, a)
a = nm.associate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device, LinkId=link)["ConnectPeerAssociation"]
check("identical repeat", a["DeviceId"] == device and a["State"] == "AVAILABLE", a)
r = refused(ex.ConflictException, nm.associate_connect_peer, 409, GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device2)
check("other device", (r.get("ResourceId"), r.get("ResourceType")) == (peer, "connect-peer"), r)

# What the association holds in place.
for call, kw in ((nm.delete_device, {"DeviceId": device}), (nm.delete_link, {"LinkId": link}), (nm.disassociate_link, {"DeviceId": device, "LinkId": link})):
    r = refused(ex.ValidationException, call, 400, GlobalNetworkId=gn, **kw)
    check(f"{call.__name__} while associated", r.get("Reason") == "Other" and "due to existing association" in r["Error"]["Message"], r)

# The six exceptions of DisassociateConnectPeer: first by their cause, then each as a planned fault.
r = refused(ex.ValidationException, nm.disassociate_connect_peer, 400, GlobalNetworkId=missing_gn, ConnectPeerId=peer)
check("unknown global network", (r["Error"]["Message"], r.get("Reason"), r.get("Fields")) ==
      ("Incorrect input.", "FieldValidationFailed", [{"Name": "globalNetworkId", "Message": "Global network not found."}]), r)
r = refused(ex.ResourceNotFoundException, nm.disassociate_connect_peer, 404, GlobalNetworkId=gn, ConnectPeerId=missing_peer)
check("nothing to disassociate", (r.get("ResourceId"), r.get("ResourceType")) == (missing_peer, "connect-peer"), r)
r = refused(ex.ValidationException, nm.disassociate_connect_peer, 400, GlobalNetworkId="g" * 51, ConnectPeerId="x" * 51)
check("every field at once", sorted({f["Name"] for f in r.get("Fields", [])}) == ["connectPeerId", "globalNetworkId"], r)

for fault, status, member in (("AccessDeniedException", 403, None), ("ConflictException", 409, "ResourceId"), ("InternalServerException", 500, "RetryAfterSeconds"),
                              ("ThrottlingException", 429, "RetryAfterSeconds"), ("ResourceNotFoundException", 404, "ResourceType"), ("ValidationException", 400, "Fields")):
    urllib.request.urlopen(urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL_NETWORKMANAGER']}/_portolan/faults?operation=DisassociateConnectPeer&error={fault}", method="POST")).read()
    r = refused(getattr(ex, fault), nm.disassociate_connect_peer, status, GlobalNetworkId=gn, ConnectPeerId=peer)
    check(f"{fault} has {member}", member is None or member in r, r)

a = nm.disassociate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer)["ConnectPeerAssociation"]
check("DELETING", a == {"ConnectPeerId": peer, "GlobalNetworkId": gn, "DeviceId": device, "LinkId": link, "State": "DELETING"}, a)
wait("association gone", associations, lambda l: all(x["State"] == "DELETED" for x in l))
wait("association unlisted", associations, lambda l: l == [])
refused(ex.ResourceNotFoundException, nm.disassociate_connect_peer, 404, GlobalNetworkId=gn, ConnectPeerId=peer)

# Deleting the peer takes a new association with it; then everything comes down again.
nm.associate_connect_peer(GlobalNetworkId=gn, ConnectPeerId=peer, DeviceId=device2)
nm.delete_connect_peer(ConnectPeerId=peer)
wait("association gone with its peer", associations, lambda l: l == [])
wait("peer gone", lambda: nm.list_connect_peers(CoreNetworkId=cn)["ConnectPeers"], lambda l: l == [])
refused(ex.ResourceNotFoundException, nm.get_connect_peer, 404, ConnectPeerId=peer)
for attachment in (connect, vpc["AttachmentId"]):
    d = nm.delete_attachment(AttachmentId=attachment)["Attachment"]
    check("attachment DELETING", d["State"] == "DELETING", d)
wait("attachments gone", lambda: nm.list_attachments(CoreNetworkId=cn)["Attachments"], lambda l: l == [])
refused(ex.ValidationException, nm.delete_global_network, 400, GlobalNetworkId=gn)
nm.delete_core_network(CoreNetworkId=cn)
wait("core network gone", lambda: nm.list_core_networks()["CoreNetworks"], lambda l: l == [])
nm.disassociate_link(GlobalNetworkId=gn, DeviceId=device, LinkId=link)
for d in (device, device2):
    nm.delete_device(GlobalNetworkId=gn, DeviceId=d)
for l in (link, link2):
    nm.delete_link(GlobalNetworkId=gn, LinkId=l)
nm.delete_site(GlobalNetworkId=gn, SiteId=site)
nm.delete_global_network(GlobalNetworkId=gn)
wait("global network gone", lambda: nm.describe_global_networks()["GlobalNetworks"], lambda l: l == [])

print(f"{len(failures)} failures")
sys.exit(bool(failures))
