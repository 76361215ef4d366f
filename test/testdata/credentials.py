"""What a server with --credentials tells boto3: who is not known, who may not, and why."""

import datetime
import os
import sys

import botocore.auth
import checks
from botocore.exceptions import ClientError

try:
    import botocore.crt.auth

    signers = [botocore.auth, botocore.crt.auth]
except ImportError:
    signers = [botocore.auth]

failures = []


def check(what, ok, seen=None):
    if not ok:
        failures.append(what)
        print("FAIL", what, seen, file=sys.stderr)


def client(key, secret, **kw):
    return checks.client(aws_access_key_id=key, aws_secret_access_key=secret, **kw)


def refused(what, call, status, code, text, **kw):
    try:
        out = call(**kw)
    except ClientError as e:
        got = (e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"])
        check(f"{what}: status and code", got == (status, code), e.response)
        check(f"{what}: message", text in e.response["Error"]["Message"], e.response["Error"]["Message"])
        return
    check(f"{what}: was answered", False, out)


admin, reader, limited = client("AKIAADMIN", "secret-admin"), client("AKIAREADER", "secret-reader"), client("AKIALIMITED", "secret-limited")
other = client("AKIAOTHER", "secret-other")
gn = admin.create_global_network(Description="ours")["GlobalNetwork"]
site = admin.create_site(GlobalNetworkId=gn["GlobalNetworkId"], Tags=[{"Key": "Env", "Value": "prod"}])["Site"]

check("a reader reads", reader.get_sites(GlobalNetworkId=gn["GlobalNetworkId"])["Sites"][0]["SiteId"] == site["SiteId"])
refused("nothing allows it", reader.create_site, 403, "AccessDeniedException",
        f"User: arn:aws:iam::111122223333:user/reader is not authorized to perform: networkmanager:CreateSite on resource: {gn['GlobalNetworkArn']} "
        "because no identity-based policy allows the networkmanager:CreateSite action", GlobalNetworkId=gn["GlobalNetworkId"])
refused("a statement denies it", limited.delete_site, 403, "AccessDeniedException",
        f"is not authorized to perform: networkmanager:DeleteSite on resource: {site['SiteArn']} with an explicit deny in an identity-based policy",
        GlobalNetworkId=gn["GlobalNetworkId"], SiteId=site["SiteId"])
check("what it does not deny is done", limited.update_site(GlobalNetworkId=gn["GlobalNetworkId"], SiteId=site["SiteId"], Description="x")["Site"]["Description"] == "x")
check("another account sees nothing", other.describe_global_networks()["GlobalNetworks"] == [])
refused("another account's network", other.get_sites, 400, "ValidationException", "Incorrect input.", GlobalNetworkId=gn["GlobalNetworkId"])
refused("an unknown key", client("AKIANOBODY", "x").describe_global_networks, 403, "UnrecognizedClientException", "security token")
refused("a wrong secret", client("AKIAADMIN", "wrong").describe_global_networks, 403, "InvalidSignatureException", "signature")


def clock(hours):
    """Sets botocore's clock, in whichever way this version reads it and whoever signs."""

    class Shifted(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(hours=hours)

    for signer in signers:
        if hasattr(signer, "get_current_datetime"):
            signer.get_current_datetime = lambda remove_tzinfo=True: Shifted.utcnow()
        else:
            signer.datetime = type("module", (), {"datetime": Shifted, "timezone": datetime.timezone})


clock(-1)
refused("a clock that is behind", client("AKIAADMIN", "secret-admin").describe_global_networks, 403, "InvalidSignatureException", "Signature expired")

sys.exit(bool(failures))
