package test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
)

// TestClock_steps runs a server under a clock that is set ahead for one deletion, then right again, and back across restarts:
// the deletion ends, and the order of a list is the order of creation.
func TestClock_steps(t *testing.T) {
	ctx := patiently(t)
	file, data := filepath.Join(t.TempDir(), "clock"), t.TempDir()
	set := func(off string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(off), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PORTOLAN_CLOCK_FILE", file)
	var gn string
	var created []string
	for round, off := range []string{"0s", "-60s", "1h", "-1h"} {
		set(off)
		p := Start(t, "--data", data, "--lifecycle", "device.DELETING=10ms")
		client := sdk(p)
		if gn == "" {
			out, err := client.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
			if err != nil {
				t.Fatal(err)
			}
			gn = *out.GlobalNetwork.GlobalNetworkId
		}
		out, err := client.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &gn, Description: aws.String(fmt.Sprint(round))})
		if err != nil {
			t.Fatal(err)
		}
		created = append(created, *out.Device.DeviceId)
		p.Kill()
	}
	p := Start(t, "--data", data, "--lifecycle", "device.DELETING=10ms")
	client := sdk(p)
	listed := func() (ids []string) {
		out, err := client.GetDevices(ctx, &networkmanager.GetDevicesInput{GlobalNetworkId: &gn})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.Devices {
			ids = append(ids, *d.DeviceId)
		}
		return ids
	}
	if got := listed(); fmt.Sprint(got) != fmt.Sprint(created) {
		t.Errorf("listed %v, created %v", got, created)
	}
	set("1h")
	if _, err := client.DeleteDevice(ctx, &networkmanager.DeleteDeviceInput{GlobalNetworkId: &gn, DeviceId: &created[0]}); err != nil {
		t.Fatal(err)
	}
	set("0s")
	for len(listed()) == len(created) { // until the context ends
	}
}
