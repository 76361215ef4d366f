package servertest_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"

	"portolan/routing"
	"portolan/servertest"
)

// write makes a file for the test that nobody else can read.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// globalNetwork makes one and shows it.
func globalNetwork(t *testing.T, nm *networkmanager.Client) *types.GlobalNetwork {
	t.Helper()
	out, err := nm.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.GlobalNetwork
}

func TestWithCatalog_unknownGatewayIsRefused(t *testing.T) {
	const known, unknown = "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef0", "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef1"
	srv := servertest.New(t, servertest.WithCatalog(write(t, "catalog.yaml", "transitGateways: [{arn: '"+known+"', asn: 64600}]")))
	nm := networkmanager.NewFromConfig(srv.Config())
	gn := globalNetwork(t, nm).GlobalNetworkId
	for arn, want := range map[string]bool{known: true, unknown: false} {
		_, err := nm.RegisterTransitGateway(t.Context(), &networkmanager.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: &arn})
		if (err == nil) != want {
			t.Errorf("%s: %v", arn, err)
		}
	}
}

func TestWithCredentials_keyOfTheFile(t *testing.T) {
	file := write(t, "keys.json", `[{"accessKeyId": "AKIAPORTOLANEXAMPLE1", "secretAccessKey": "a secret of the test", "account": "111122223333",
		"principalArn": "arn:aws:iam::111122223333:root"}]`)
	srv := servertest.New(t, servertest.WithCredentials(file))
	globalNetwork(t, networkmanager.NewFromConfig(srv.ConfigWith("AKIAPORTOLANEXAMPLE1", "a secret of the test")))
	_, err := networkmanager.NewFromConfig(srv.Config()).DescribeGlobalNetworks(t.Context(), &networkmanager.DescribeGlobalNetworksInput{})
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		t.Errorf("a key that is not in the file: %v", err)
	}
}

func TestWithClock_timesOfRows(t *testing.T) {
	at := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	srv := servertest.New(t, servertest.WithClock(func() time.Time { return at }))
	if got := globalNetwork(t, networkmanager.NewFromConfig(srv.Config())).CreatedAt; got == nil || !got.Equal(at) {
		t.Errorf("created at %v, want %v", got, at)
	}
}

func TestWithSeed_ids(t *testing.T) {
	id := func(options ...servertest.Option) string {
		at := func() time.Time { return time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC) } // ids begin with the time
		options = append(options, servertest.WithClock(at))
		return *globalNetwork(t, networkmanager.NewFromConfig(servertest.New(t, options...).Config())).GlobalNetworkId
	}
	if a, b, c := id(), id(servertest.WithSeed(1)), id(servertest.WithSeed(2)); a != b || a == c {
		t.Errorf("ids %s, %s with the default seed and %s with another", a, b, c)
	}
}

// TestWithRoutingOptions_tableOfAGroup: with dualHopNfgRemote off, the first group shows the edge and not the second appliance.
func TestWithRoutingOptions_tableOfAGroup(t *testing.T) {
	o := routing.DefaultOptions()
	if err := o.Set("dualHopNfgRemote", "false"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		options   []servertest.Option
		appliance bool
	}{{nil, true}, {[]servertest.Option{servertest.WithRoutingOptions(o)}, false}} {
		srv := servertest.New(t, append(c.options, servertest.WithSnapshot("../examples/network.yaml"))...)
		nm := networkmanager.NewFromConfig(srv.ConfigFor(srv.Account))
		out, err := nm.GetNetworkRoutes(t.Context(), &networkmanager.GetNetworkRoutesInput{
			GlobalNetworkId: aws.String(srv.GlobalNetworkID), ExactCidrMatches: []string{"10.1.0.0/16"},
			RouteTableIdentifier: &types.RouteTableIdentifier{CoreNetworkNetworkFunctionGroup: &types.CoreNetworkNetworkFunctionGroupIdentifier{
				CoreNetworkId: aws.String(srv.CoreNetworkID), NetworkFunctionGroupName: aws.String("fw"), EdgeLocation: aws.String("us-east-1"),
			}},
		})
		if err != nil || len(out.NetworkRoutes) != 1 {
			t.Fatalf("%v %+v", err, out)
		}
		if got := aws.ToString(out.NetworkRoutes[0].Destinations[0].CoreNetworkAttachmentId) != ""; got != c.appliance {
			t.Errorf("with %d options the destination is an attachment: %v", len(c.options), got)
		}
	}
}

func TestWithEvents_inOrder(t *testing.T) {
	policy, err := os.ReadFile("../test/testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan servertest.Event, 100)
	srv := servertest.New(t, servertest.WithEvents(func(e servertest.Event) { got <- e }))
	nm := networkmanager.NewFromConfig(srv.Config())
	core, err := nm.CreateCoreNetwork(t.Context(), &networkmanager.CreateCoreNetworkInput{
		GlobalNetworkId: globalNetwork(t, nm).GlobalNetworkId, PolicyDocument: aws.String(string(policy)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for want := *core.CoreNetwork.CoreNetworkArn; ; {
		e := <-got
		if e.Account != "111122223333" || len(e.Detail) == 0 {
			t.Fatalf("%+v", e)
		}
		if e.DetailType == "Network Manager Topology Change" {
			if len(e.Resources) != 2 || e.Resources[1] != want {
				t.Errorf("%+v", e)
			}
			return
		}
	}
}

// TestNew_whatIsWrongInAnOption: the test that asked for the server ends with what is wrong.
func TestNew_whatIsWrongInAnOption(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for name, option := range map[string]servertest.Option{
		"catalog": servertest.WithCatalog(missing), "credentials": servertest.WithCredentials(missing), "snapshot": servertest.WithSnapshot(missing),
		"quotas": servertest.WithQuotas("nonsense"), "lifecycle": servertest.WithLifecycle("nonsense"), "data": servertest.WithData(filepath.Join(write(t, "file", ""), "below")),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a server was started all the same")
				}
			}()
			servertest.New(new(exampleTB), option)
		})
	}
}
