package servertest_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"go.uber.org/goleak"

	"portolan/internal/leaktest"
	"portolan/servertest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"))
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

func TestPutResourcePolicy_whatCannotDecideIsRefused(t *testing.T) {
	srv := servertest.New(t)
	nm := networkmanager.NewFromConfig(srv.Config())
	gn, err := nm.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	cn, err := nm.CreateCoreNetwork(t.Context(), &networkmanager.CreateCoreNetworkInput{GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, document, field string }{
		{"no principal", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}`, "policyDocument"},
		{"effect unknown", `{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Principal":"*","Action":"networkmanager:*","Resource":"*"}]}`, "policyDocument"},
		{"no statement", `{"Version":"2012-10-17"}`, "policyDocument"},
		{"good", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"networkmanager:*","Resource":"*"}]}`, ""},
	} {
		_, err := nm.PutResourcePolicy(t.Context(), &networkmanager.PutResourcePolicyInput{ResourceArn: cn.CoreNetwork.CoreNetworkArn, PolicyDocument: aws.String(c.document)})
		var wrong *types.ValidationException
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.field != "" && (!errors.As(err, &wrong) || len(wrong.Fields) != 1 || *wrong.Fields[0].Name != c.field):
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
