package test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
)

// TestKill_acknowledgedWritesSurvive kills the server a hundred times while clients write. After each restart every
// acknowledged write is there, a device that was not acknowledged is there whole or not at all, and every transition
// that was under way has ended.
func TestKill_acknowledgedWritesSurvive(t *testing.T) {
	rounds, clients := 100, 4
	if testing.Short() {
		rounds = 10
	}
	binary, data := Binary(t), t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	acknowledged := map[string]string{} // device id → description
	var gn string
	for round := range rounds {
		p, err := start(binary, "--data", data, "--quota", "devices=1000000", "--log-level", "error")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		client := sdk(p)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if gn == "" {
			out, err := client.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
			if err != nil {
				t.Fatal(err)
			}
			gn = *out.GlobalNetwork.GlobalNetworkId
		}
		if err := verify(ctx, client, gn, acknowledged); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		die := make(chan struct{})
		for c := range clients {
			wg.Go(func() {
				for n := 0; ; n++ {
					description := fmt.Sprintf("round %d client %d write %d", round, c, n)
					out, err := client.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &gn, Description: &description},
						func(o *networkmanager.Options) { o.RetryMaxAttempts = 1 })
					if err != nil {
						return
					}
					mu.Lock()
					acknowledged[*out.Device.DeviceId] = description
					if len(acknowledged)%5 == 4 {
						select {
						case die <- struct{}{}:
						default:
						}
					}
					mu.Unlock()
				}
			})
		}
		// The moment of death: after some acknowledged writes and a random fraction of the next.
		for range 1 + random.IntN(3) {
			select {
			case <-die:
			case <-ctx.Done():
				t.Fatalf("round %d: the clients do not get on", round)
			}
		}
		for range random.IntN(20_000) {
			runtime.Gosched()
		}
		p.Kill()
		wg.Wait()
		cancel()
	}
	p, err := start(binary, "--data", data, "--quota", "devices=1000000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if err := verify(t.Context(), sdk(p), gn, acknowledged); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged writes over %d kills", len(acknowledged), rounds)
}

// errUnderWay is a transition that has not ended yet. A server learns of what another has scheduled a moment after it can read it.
var errUnderWay = errors.New("a transition is under way")

// verify compares what is there with what was acknowledged, once no transition is under way any more.
func verify(ctx context.Context, client *networkmanager.Client, gn string, acknowledged map[string]string) error {
	deadline := time.Now().Add(patience)
	for {
		if err := compare(ctx, client, gn, acknowledged); !errors.Is(err, errUnderWay) || time.Now().After(deadline) {
			return err
		}
	}
}

func compare(ctx context.Context, client *networkmanager.Client, gn string, acknowledged map[string]string) error {
	found := map[string]string{}
	pages := networkmanager.NewGetDevicesPaginator(client, &networkmanager.GetDevicesInput{GlobalNetworkId: &gn, MaxResults: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, d := range page.Devices {
			if d.Description == nil || d.DeviceArn == nil || d.CreatedAt == nil {
				return fmt.Errorf("device %s is half there: %+v", *d.DeviceId, d)
			}
			if d.State != types.DeviceStateAvailable {
				return fmt.Errorf("device %s is still %s: %w", *d.DeviceId, d.State, errUnderWay)
			}
			found[*d.DeviceId] = *d.Description
		}
	}
	for id, description := range acknowledged {
		if found[id] != description {
			return errors.New("an acknowledged device is lost: " + id + " " + description)
		}
	}
	return nil
}
