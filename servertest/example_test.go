package servertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/servertest"
)

// exampleTB stands for the *testing.T of a test: an example has none.
type exampleTB struct {
	testing.TB
	cleanup []func()
}

// Helper does nothing.
func (*exampleTB) Helper() {}

// Fatalf ends the example.
func (*exampleTB) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// Errorf makes the example fail: its output is another.
func (*exampleTB) Errorf(format string, a ...any) { fmt.Printf(format, a...) }

// Cleanup keeps what is done at the end.
func (t *exampleTB) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }

func (t *exampleTB) end() {
	for _, f := range t.cleanup {
		f()
	}
}

func Example() {
	t := new(exampleTB) // in a test: func TestMyAutomation(t *testing.T)
	defer t.end()
	ctx := context.Background()

	srv := servertest.New(t, servertest.WithQuotas("global-networks=1"))
	client := networkmanager.NewFromConfig(srv.Config())

	out, err := client.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{Description: aws.String("a lab")})
	if err != nil {
		panic(err)
	}
	fmt.Println(*out.GlobalNetwork.Description)

	var exceeded *types.ServiceQuotaExceededException
	_, err = client.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
	fmt.Println("a second one is refused:", errors.As(err, &exceeded))
	// Output:
	// a lab
	// a second one is refused: true
}

func ExampleWithSnapshot() {
	t := new(exampleTB)
	defer t.end()
	ctx := context.Background()

	srv := servertest.New(t, servertest.WithSnapshot("../examples/network.yaml"))
	client := networkmanager.NewFromConfig(srv.ConfigFor(srv.Account))
	out, err := client.GetNetworkRoutes(ctx, &networkmanager.GetNetworkRoutesInput{
		GlobalNetworkId: aws.String(srv.GlobalNetworkID),
		RouteTableIdentifier: &types.RouteTableIdentifier{CoreNetworkSegmentEdge: &types.CoreNetworkSegmentEdgeIdentifier{
			CoreNetworkId: aws.String(srv.CoreNetworkID), SegmentName: aws.String("dev"), EdgeLocation: aws.String("eu-west-1"),
		}},
		ExactCidrMatches: []string{"10.11.0.0/16"},
	})
	if err != nil {
		panic(err)
	}
	for _, r := range out.NetworkRoutes {
		fmt.Println(*r.DestinationCidrBlock, r.State, *r.Destinations[0].CoreNetworkAttachmentId == srv.IDs["a4"])
	}
	// Output:
	// 10.11.0.0/16 ACTIVE true
}
