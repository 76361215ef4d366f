def test_site(networkmanager):
    network = networkmanager.create_global_network()["GlobalNetwork"]["GlobalNetworkId"]
    site = networkmanager.create_site(GlobalNetworkId=network, Location={"Address": "Lisbon"})["Site"]
    sites = networkmanager.get_sites(GlobalNetworkId=network)["Sites"]
    assert [s["SiteId"] for s in sites] == [site["SiteId"]]


def test_account_is_empty(networkmanager):
    assert networkmanager.describe_global_networks()["GlobalNetworks"] == []
