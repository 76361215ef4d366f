package wire_test

import (
	"net/http"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/wire"
)

func BenchmarkMatchDecode(b *testing.B) {
	for b.Loop() {
		op, labels, err := wire.Match("GET", "/global-networks/global-network-0123/devices")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wire.Decode(op, labels, "deviceIds=device-0123", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatchDecode_body(b *testing.B) {
	body := []byte(`{"Description":"a device of the benchmark","Type":"router","Vendor":"acme","Model":"m1","SerialNumber":"0001",` +
		`"SiteId":"site-0123456789abcdef0","Location":{"Address":"1 Main St","Latitude":"40.7","Longitude":"-74.0"},"Tags":[{"Key":"Name","Value":"d"}]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		op, labels, err := wire.Match("POST", "/global-networks/global-network-0123456789abcdef0/devices")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wire.Decode(op, labels, "", body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch_rawARN(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.Match("GET", "/tags/arn:aws:networkmanager::111122223333:device/global-network-0123456789abcdef0/device-0123456789abcdef0"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode_largestPolicy: a policy of the largest size the model allows.
func BenchmarkDecode_largestPolicy(b *testing.B) {
	op := api.OperationByName("PutCoreNetworkPolicy")
	body := []byte(`{"PolicyDocument":"` + strings.Repeat(`{\"segments\":[]} `, 500_000) + `"}`)
	labels := wire.Labels{"core-network-0123456789abcdef0"}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := wire.Decode(op, labels, "", body); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkWriteOutput(b *testing.B) {
	w := discard{http.Header{}}
	out := &api.GetDevicesOutput{Devices: make([]api.Device, 100)}
	for i := range out.Devices {
		out.Devices[i] = api.Device{DeviceId: "device-0123456789abcdef0", Description: "a device of the benchmark", State: api.DeviceStateAvailable}
	}
	b.ReportAllocs()
	for b.Loop() {
		wire.Encode(out).Write(w, "0a711cf7-2210-40c9-a170-a4c42134e195")
	}
}
