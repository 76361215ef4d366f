package bgp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// FuzzUpdate: nothing in an UPDATE makes the decoder panic or give a route that cannot be one, and what it gives can be
// sent on.
func FuzzUpdate(f *testing.F) {
	for _, m := range [][]byte{
		rawUpdate("", "", ""),
		rawUpdate(hexPrefix, hexGood+"800404 00000032 c00808 fde90002 fde90001", "00"+hexPrefix),
		rawUpdate("", hexGood+hexReach6, hexPrefix),
		rawUpdate("", "800f0a 0002 01 30 20010db80001", ""),
		rawUpdate("", hexOrigin+"400206 0202 fde9 5ba0 c0110a 0202 0000fde9 fa56ea01"+hexNextHop, hexPrefix),
		rawUpdate("", hexGood+"c01008 0002fde900000001 c0200c 0000fde90000000100000002 800904 0a000001 800a04 0a000001", hexPrefix),
	} {
		f.Add(m[headerSize:], uint8(7))
	}
	f.Fuzz(func(t *testing.T, body []byte, mode uint8) {
		d := decoder{families: IPv4, fourOctetAS: mode&1 != 0, internal: mode&4 != 0, peerAS: 65001}
		if mode&2 != 0 {
			d.families |= IPv6
		}
		for range 2 { // the second time out of the cache
			u, err := d.decode(body)
			if err != nil {
				if err.Code == 0 {
					t.Fatalf("an error without a code: %v", err)
				}
				return
			}
			for _, p := range slices.Concat(u.announced, u.reached, u.withdrawn) {
				if !p.IsValid() || p != p.Masked() || familyOfPrefix(p)&d.families == 0 {
					t.Fatalf("prefix %s", p)
				}
			}
			if u.attrs == nil && len(u.announced) > 0 && u.malformed == nil {
				t.Fatal("routes without attributes and without a reason")
			}
			for _, attrs := range []*Attributes{u.attrs, u.reachedAttrs} {
				if attrs != nil {
					roundTrip(t, attrs)
				}
			}
		}
	})
}

// roundTrip sends attributes to a peer of each kind and looks at what arrives.
func roundTrip(t *testing.T, attrs *Attributes) {
	t.Helper()
	for _, four := range []bool{true, false} {
		for _, p := range []string{"10.0.0.0/8", "2001:db8::/32"} {
			x := NewExport()
			x.Update([]Route{{Prefix: netip.MustParsePrefix(p), Attrs: attrs}})
			f := testFeed(0, IPv4|IPv6)
			f.fourOctetAS = four
			x.attach(f)
			b, _ := f.fill(make([]byte, 0, maxMessage))
			if len(b) == 0 {
				if f.tooLong == 0 {
					t.Fatal("nothing is sent")
				}
				continue
			}
			d := decoder{families: IPv4 | IPv6, fourOctetAS: four, internal: true}
			u, err := d.decode(b[headerSize:])
			if err != nil || u.malformed != nil {
				t.Fatalf("a message of ours: %v %v", err, u.malformed)
			}
			got := u.attrs
			if got == nil {
				got = u.reachedAttrs
			}
			if !slices.Equal(got.ASPath, attrs.ASPath) || !slices.Equal(got.Communities, attrs.Communities) || got.HasMED != attrs.HasMED || got.MED != attrs.MED {
				t.Fatalf("sent %+v, arrived %+v", attrs, got)
			}
		}
	}
}

// FuzzOpen: an OPEN is refused with a code, or is what was asked for.
func FuzzOpen(f *testing.F) {
	for _, caps := range []Capabilities{{}, routerCaps, corePeerCapabilities()} {
		b, err := encodeOpen(65001, addr("10.0.0.9"), 90*time.Second, caps)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[headerSize:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := decodeOpen(body, 64512, addr("10.0.0.1"), 65001)
		switch {
		case err != nil && err.Code == 0:
			t.Fatalf("an error without a code: %v", err)
		case err == nil && (o.as != 65001 || !o.id.Is4() || o.caps.Families&^(IPv4|IPv6) != 0):
			t.Fatalf("%+v", o)
		}
	})
}

func corePeerCapabilities() Capabilities {
	p := corePeer()
	return p.capabilities(true)
}

// FuzzNotification: what a peer writes ends in a log.
func FuzzNotification(f *testing.F) {
	f.Add([]byte("\x06\x02\x05hello"))
	f.Add([]byte("\x06\x09\x06\x01\x00\x01\x01\x00\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := decodeNotification(body).Error()
		for _, r := range text {
			if r < ' ' {
				t.Fatalf("a control character in %q", text)
			}
		}
	})
}

// FuzzHeader: a stream of anything is taken apart without an index out of range, whole messages of the right size alone.
func FuzzHeader(f *testing.F) {
	f.Add(encodeKeepalive())
	f.Add(rawUpdate("", hexGood, hexPrefix))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerSize {
			return
		}
		size := int(binary.BigEndian.Uint16(b[markerSize:]))
		if err := checkHeader(b[:headerSize], size, maxExtended); err == nil && (size < headerSize || size > maxExtended) {
			t.Fatalf("a message of %d bytes is accepted", size)
		}
	})
}
