// Package network shows how another module tests against Portolan: a server of its own for every test, and AWS's SDK.
package network

import (
	"portolan/servertest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
)

func TestSite_isThere(t *testing.T) {
	client := networkmanager.NewFromConfig(servertest.New(t).Config())
	network, err := client.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	site, err := client.CreateSite(t.Context(), &networkmanager.CreateSiteInput{
		GlobalNetworkId: network.GlobalNetwork.GlobalNetworkId, Location: &types.Location{Address: aws.String("Lisbon")},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.GetSites(t.Context(), &networkmanager.GetSitesInput{GlobalNetworkId: network.GlobalNetwork.GlobalNetworkId})
	if err != nil || len(list.Sites) != 1 || *list.Sites[0].SiteId != *site.Site.SiteId {
		t.Errorf("got %+v, %v", list, err)
	}
}
