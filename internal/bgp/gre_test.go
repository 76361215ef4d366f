package bgp

import (
	"bytes"
	"slices"
	"testing"
)

// ipv4Packet is an IPv4 header with addresses and nothing behind it.
func ipv4Packet(from, to string) []byte {
	b := make([]byte, minIPv4)
	b[0] = 0x45
	copy(b[12:], addr(from).AsSlice())
	copy(b[16:], addr(to).AsSlice())
	return b
}

func TestGRE_roundTrip(t *testing.T) {
	six := make([]byte, minIPv6+3)
	six[0] = 0x60
	for _, packet := range [][]byte{ipv4Packet("169.254.40.1", "169.254.40.2"), six} {
		b := append(make([]byte, greHeader), packet...)
		if err := encapsulate(b); err != nil {
			t.Fatal(err)
		}
		got, err := decapsulate(b)
		if err != nil || !bytes.Equal(got, packet) {
			t.Errorf("% x came back as % x, %v", packet, got, err)
		}
	}
	from, to, ok := packetAddrs(ipv4Packet("169.254.40.1", "169.254.40.2"))
	if !ok || from != addr("169.254.40.1") || to != addr("169.254.40.2") {
		t.Errorf("addresses %s, %s", from, to)
	}
}

func TestGRE_decapsulate(t *testing.T) {
	packet := ipv4Packet("169.254.40.1", "169.254.40.2")
	for _, c := range []struct {
		name   string
		header []byte
		inner  []byte
		good   bool
	}{
		{"key and sequence number are skipped", []byte{0x30, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}, packet, true},
		{"checksum is skipped", []byte{0x80, 0, 8, 0, 1, 2, 0, 0}, packet, true},
		{"source routing", []byte{0x40, 0, 8, 0}, packet, false},
		{"version 1", []byte{0, 1, 8, 0}, packet, false},
		{"another protocol", []byte{0, 0, 0x65, 0x58}, packet, false},
		{"IPv6 that says it is IPv4", []byte{0, 0, 8, 0}, append([]byte{0x60}, packet[1:]...), false},
		{"a header cut short", []byte{0, 0, 8}, nil, false},
		{"a key cut short", []byte{0x20, 0, 8, 0, 1}, nil, false},
		{"a packet cut short", []byte{0, 0, 8, 0}, packet[:19], false},
	} {
		got, err := decapsulate(slices.Concat(c.header, c.inner))
		if (err == nil) != c.good || c.good && !bytes.Equal(got, packet) {
			t.Errorf("%s: % x, %v", c.name, got, err)
		}
	}
}

// FuzzGRE: whatever arrives, what is handed on is an IP packet that was in it.
func FuzzGRE(f *testing.F) {
	f.Add(append([]byte{0x30, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}, ipv4Packet("169.254.40.1", "169.254.40.2")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		packet, err := decapsulate(b)
		if err != nil {
			return
		}
		if _, _, ok := packetAddrs(packet); !ok || !bytes.HasSuffix(b, packet) {
			t.Fatalf("% x of % x", packet, b)
		}
	})
}
