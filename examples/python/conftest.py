"""A pytest fixture: a Portolan of its own for every test session, and boto3 clients of it.

    def test_site(networkmanager):
        network = networkmanager.create_global_network()["GlobalNetwork"]
"""

import os
import socket
import subprocess
import time
import urllib.request

import boto3
import pytest

ACCOUNT = "111122223333"


@pytest.fixture(scope="session")
def portolan():
    """The URL of a server in memory. PORTOLAN is its executable."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % s.getsockname()[1]
    server = subprocess.Popen(
        [os.environ.get("PORTOLAN", "portolan"), "serve", "--ephemeral", "--listen", address],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    url = "http://" + address
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url + "/_portolan/health").close()
                break
            except OSError:
                assert server.poll() is None, "portolan serve has ended"
                time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def networkmanager(portolan):
    """A boto3 client of an account that is empty when the test begins."""
    request = urllib.request.Request(portolan + "/_portolan/reset?account=" + ACCOUNT, method="POST")
    urllib.request.urlopen(request).close()
    return boto3.client(
        "networkmanager", endpoint_url=portolan, region_name="us-west-2", aws_access_key_id=ACCOUNT, aws_secret_access_key="any"
    )
