package servertest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"go.uber.org/goleak"

	"portolan/servertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"))
}

func TestNew_accountsAreApart(t *testing.T) {
	srv := servertest.New(t, servertest.WithQuotas("global-networks=1"))
	mine := networkmanager.NewFromConfig(srv.Config())
	theirs := networkmanager.NewFromConfig(srv.ConfigFor("444455556666"))
	out, err := mine.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{Description: aws.String("mine")})
	if err != nil {
		t.Fatal(err)
	}
	list, err := theirs.DescribeGlobalNetworks(t.Context(), &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{*out.GlobalNetwork.GlobalNetworkId}})
	if err != nil || len(list.GlobalNetworks) != 0 {
		t.Errorf("another account sees %v %v", list, err)
	}
	if _, err := mine.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{}); err == nil {
		t.Error("the quota of 1 let a second global network in")
	}
}
