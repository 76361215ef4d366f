"""What scripts share: their client, and checks that end the script when something is not as it should be."""

import os
import sys
import time

import boto3
from botocore.config import Config


def client(**kw):
    # Debian's boto3 does not know AWS_ENDPOINT_URL yet.
    return boto3.client("networkmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL_NETWORKMANAGER"], config=Config(retries={"max_attempts": 0}), **kw)


def refused(error, call, **kw):
    try:
        out = call(**kw)
    except error as e:
        return e.response
    sys.exit(f"want {error.__name__} from {kw}, got {out}")


def wait(what, get, good):
    for _ in range(1000):
        got = get()
        if good(got):
            return got
        time.sleep(0.01)
    sys.exit(f"waited in vain for {what}: {got!r}")
