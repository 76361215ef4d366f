"""Two policy versions through boto3: their change sets, an execution with its events, and a restore."""

import json
import sys
import time

from checks import client

nm = client()
failures = []


def check(what, ok, seen=None):
    if not ok:
        failures.append(what)
        print("FAIL", what, seen, file=sys.stderr)


def wait(what, get, good, tries=500):
    for _ in range(tries):
        got = get()
        if good(got):
            return got
        time.sleep(0.01)
    check(f"waited in vain for {what}", False, got)
    return got


def document(*segments, edges=("eu-west-1",)):
    return json.dumps(
        {
            "version": "2021.12",
            "core-network-configuration": {"asn-ranges": ["64512-64555"], "edge-locations": [{"location": e} for e in edges]},
            "segments": [{"name": s, "require-attachment-acceptance": False} for s in segments],
            "attachment-policies": [
                {
                    "rule-number": 100,
                    "conditions": [{"type": "tag-exists", "key": "segment"}],
                    "action": {"association-method": "tag", "tag-value-of-key": "segment"},
                }
            ],
        }
    )


def state(version):
    return nm.get_core_network_policy(CoreNetworkId=cn, PolicyVersionId=version)["CoreNetworkPolicy"]["ChangeSetState"]


def put(text):
    version = nm.put_core_network_policy(CoreNetworkId=cn, PolicyDocument=text)["CoreNetworkPolicy"]
    check("put is pending", version["ChangeSetState"] == "PENDING_GENERATION", version)
    number = version["PolicyVersionId"]
    wait("generation", lambda: state(number), lambda s: s == "READY_TO_EXECUTE")
    return number


def changes(version):
    pages = nm.get_paginator("get_core_network_change_set").paginate(CoreNetworkId=cn, PolicyVersionId=version, PaginationConfig={"PageSize": 2})
    return [c for page in pages for c in page["CoreNetworkChanges"]]


def events(version):
    pages = nm.get_paginator("get_core_network_change_events").paginate(CoreNetworkId=cn, PolicyVersionId=version, PaginationConfig={"PageSize": 3})
    return [e for page in pages for e in page["CoreNetworkChangeEvents"]]


def available():
    return nm.get_core_network(CoreNetworkId=cn)["CoreNetwork"]["State"]


def execute(version):
    nm.execute_core_network_change_set(CoreNetworkId=cn, PolicyVersionId=version)
    seen = []
    wait("execution", lambda: seen.append((available(), state(version))) or seen[-1], lambda s: s[1] == "EXECUTION_SUCCEEDED")
    check("a poller sees UPDATING first", seen[0] == ("UPDATING", "EXECUTING") or seen[0][0] == "UPDATING", seen)


gn = nm.create_global_network()["GlobalNetwork"]["GlobalNetworkId"]
cn = nm.create_core_network(GlobalNetworkId=gn, PolicyDocument=document("prod"))["CoreNetwork"]["CoreNetworkId"]
wait("core network", available, lambda s: s == "AVAILABLE")
EC2 = "arn:aws:ec2:eu-west-1:111122223333:"
vpc = nm.create_vpc_attachment(
    CoreNetworkId=cn,
    VpcArn=EC2 + "vpc/vpc-0123456789abcdef0",
    SubnetArns=[EC2 + "subnet/subnet-0123456789abcdef0"],
    Tags=[{"Key": "segment", "Value": "dev"}],
)["VpcAttachment"]["Attachment"]["AttachmentId"]

same = put(json.dumps(json.loads(document("prod")), indent=4, sort_keys=True))
check("another form is an empty change set", changes(same) == [], changes(same))
two = put(document("prod", "dev", edges=("eu-west-1", "us-east-1")))
three = put(document("prod", "test"))

found = changes(two)
edge = [c for c in found if c["Type"] == "CORE_NETWORK_EDGE"]
check("one edge comes", len(edge) == 1 and edge[0]["Action"] == "ADD" and edge[0]["Identifier"] == "us-east-1", edge)
check("it has an ASN", edge[0]["NewValues"]["Asn"] == 64513 and "PreviousValues" not in edge[0], edge)
segments = sorted(c["IdentifierPath"] for c in found if c["Type"] == "CORE_NETWORK_SEGMENT")
check("tables", segments == ["CORE_NETWORK_SEGMENT/eu-west-1/dev", "CORE_NETWORK_SEGMENT/us-east-1/dev", "CORE_NETWORK_SEGMENT/us-east-1/prod"], segments)
mapping = [c for c in found if c["Type"] == "ATTACHMENT_MAPPING"]
check("the attachment goes to dev", len(mapping) == 1 and mapping[0]["Identifier"] == vpc and mapping[0]["NewValues"] == {"SegmentName": "dev"}, mapping)
check("no events yet", events(two) == [], events(two))

execute(two)
after = events(two)
check("every change has an event", {e["IdentifierPath"] for e in after} == {c["IdentifierPath"] for c in found}, after)
check("all complete, at one time", {(e["Status"]) for e in after} == {"COMPLETE"} and len({e["EventTime"] for e in after}) == 1, after)
check("the change set stays", changes(two) == found, changes(two))
check("the older is out of date", state(same) == "OUT_OF_DATE")
check("the newer waits", state(three) == "READY_TO_EXECUTE")
check("and is compared with LIVE", {c["Identifier"] for c in changes(three) if c["Type"] == "CORE_NETWORK_EDGE" and c["Action"] == "REMOVE"} == {"us-east-1"}, changes(three))
where = nm.get_vpc_attachment(AttachmentId=vpc)["VpcAttachment"]["Attachment"].get("SegmentName")
check("the attachment moved", where == "dev", where)

restored = nm.restore_core_network_policy_version(CoreNetworkId=cn, PolicyVersionId=1)["CoreNetworkPolicy"]
check("a restore is a new version", restored["PolicyVersionId"] == 5 and restored["Alias"] == "LATEST", restored)
wait("generation", lambda: state(5), lambda s: s == "READY_TO_EXECUTE")
check("a restore ends what waited", state(three) == "OUT_OF_DATE", state(three))
execute(5)
network = nm.get_core_network(CoreNetworkId=cn)["CoreNetwork"]
check("back", [s["Name"] for s in network["Segments"]] == ["prod"] and [e["EdgeLocation"] for e in network["Edges"]] == ["eu-west-1"], network)
where = nm.get_vpc_attachment(AttachmentId=vpc)["VpcAttachment"]["Attachment"].get("SegmentName")
check("the attachment is nowhere", not where, where)
try:
    nm.put_core_network_policy(CoreNetworkId=cn, PolicyDocument=document("prod"), LatestVersionId=4)
    check("a stale LatestVersionId is refused", False)
except nm.exceptions.ConflictException:
    pass

sys.exit(1 if failures else 0)
