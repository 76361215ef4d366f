"""A pytest fixture: a Portolan of its own for every test session, and boto3 clients of it.

    def test_site(networkmanager):
        network = networkmanager.create_global_network()["GlobalNetwork"]
"""

import os
import subprocess
import urllib.request

import boto3
import pytest

ACCOUNT = "111122223333"


@pytest.fixture(scope="session")
def portolan():
    """The URL of a server in memory. PORTOLAN is its executable. pytest shows what it says with a test that fails."""
    server = subprocess.Popen(
        [os.environ.get("PORTOLAN", "portolan"), "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--log-format", "text", "--log-level", "warn"],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        ready = server.stdout.readline()  # portolan is listening on http://127.0.0.1:PORT; ...
        assert "listening on " in ready, "portolan serve has ended: it says why on standard error"
        yield ready.split("listening on ")[1].split(";")[0]
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
