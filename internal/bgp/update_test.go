package bgp

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// The attributes of a good UPDATE, in hexadecimal: flags, type, length, value.
const (
	hexOrigin  = "400101 00"
	hexPath    = "400206 0201 0000fde9" // 65001
	hexNextHop = "400304 a9fe2801"      // 169.254.40.1
	hexGood    = hexOrigin + hexPath + hexNextHop
	hexPrefix  = "18 0a0900" // 10.9.0.0/24
	hexReach6  = "800e1c 0002 01 10 fd000000000000000000000000000001 00 30 20010db80001"
)

// rawUpdate is an UPDATE made of three fields in hexadecimal.
func rawUpdate(withdrawn, attributes, nlri string) []byte {
	field := func(text string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			panic(err)
		}
		return b
	}
	w, a, n := field(withdrawn), field(attributes), field(nlri)
	body := slices.Concat([]byte{byte(len(w) >> 8), byte(len(w))}, w, []byte{byte(len(a) >> 8), byte(len(a))}, a, n)
	size := headerSize + len(body)
	m := slices.Concat(slices.Repeat([]byte{0xff}, 16), []byte{byte(size >> 8), byte(size), 2}, body)
	return m
}

// TestUpdate_malformed is RFC 7606: the route was there, a message about it is malformed, and what is left.
func TestUpdate_malformed(t *testing.T) {
	const (
		withdraw = "withdrawn" // treat-as-withdraw
		discard  = "kept"      // attribute discard
	)
	for _, c := range []struct{ name, attributes, want string }{
		{"no ORIGIN", hexPath + hexNextHop, withdraw},
		{"ORIGIN of two bytes", "400102 0000" + hexPath + hexNextHop, withdraw},
		{"ORIGIN 3", "400101 03" + hexPath + hexNextHop, withdraw},
		{"ORIGIN optional", "c00101 00" + hexPath + hexNextHop, withdraw},
		{"no AS_PATH", hexOrigin + hexNextHop, withdraw},
		{"AS_PATH with half a segment", hexOrigin + "400204 0201 0000" + hexNextHop, withdraw},
		{"AS_PATH with an empty segment", hexOrigin + "400208 0200 0201 0000fde9" + hexNextHop, withdraw},
		{"AS_PATH with a segment of type 9", hexOrigin + "400206 0901 0000fde9" + hexNextHop, withdraw},
		{"AS_PATH with a set", hexOrigin + "40020c 0201 0000fde9 0101 0000fdea" + hexNextHop, withdraw},
		{"AS_PATH with a confederation", hexOrigin + "40020c 0201 0000fde9 0301 0000fdea" + hexNextHop, withdraw},
		{"AS_PATH with AS 0", hexOrigin + "40020a 0202 0000fde9 00000000" + hexNextHop, withdraw},
		{"AS_PATH that begins with another AS", hexOrigin + "400206 0201 0000fdea" + hexNextHop, withdraw},
		{"AS_PATH empty", hexOrigin + "400200" + hexNextHop, withdraw},
		{"no NEXT_HOP", hexOrigin + hexPath, withdraw},
		{"NEXT_HOP of three bytes", hexOrigin + hexPath + "400303 a9fe28", withdraw},
		{"NEXT_HOP 0.0.0.0", hexOrigin + hexPath + "400304 00000000", withdraw},
		{"NEXT_HOP 224.0.0.5", hexOrigin + hexPath + "400304 e0000005", withdraw},
		{"NEXT_HOP 255.255.255.255", hexOrigin + hexPath + "400304 ffffffff", withdraw},
		{"MED of two bytes", hexGood + "800402 0001", withdraw},
		{"MED transitive", hexGood + "c00404 00000001", withdraw},
		{"LOCAL_PREF from outside", hexGood + "400504 00000064", discard},
		{"LOCAL_PREF of one byte from outside", hexGood + "400501 64", discard},
		{"ATOMIC_AGGREGATE of a byte", hexGood + "400601 00", discard},
		{"AGGREGATOR of two bytes", hexGood + "c00702 0001", discard},
		{"COMMUNITIES of three bytes", hexGood + "c00803 000001", withdraw},
		{"COMMUNITIES empty", hexGood + "c00800", withdraw},
		{"ORIGINATOR_ID from outside", hexGood + "800901 01", discard},
		{"CLUSTER_LIST from outside", hexGood + "800a01 01", discard},
		{"extended communities of seven bytes", hexGood + "c01007 00000000000000", withdraw},
		{"large communities of eleven bytes", hexGood + "c0200b 0000000000000000000000", withdraw},
		{"AS4_PATH that is malformed", hexGood + "c01102 0201", discard},
		{"an unknown optional attribute", hexGood + "c0c802 0001", discard},
		{"ORIGIN twice", hexGood + "400101 02", discard},
		{"an attribute longer than the rest", hexGood + "c008ff 00000001", withdraw},
		{"a header of two bytes at the end", hexGood + "c008", withdraw},
		{"an extended length cut short", hexGood + "d00801", withdraw},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, rec := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.establish(routerCaps)
			r.send(rawUpdate("", hexGood, hexPrefix))
			wantTable(t, rec, "10.9.0.0/24 via 169.254.40.1 path [65001]")
			r.send(rawUpdate("", c.attributes, hexPrefix))
			wantState(t, s, Established)
			left := rec.table()
			if got := map[bool]string{true: withdraw, false: discard}[left == ""]; got != c.want {
				t.Errorf("%s: %s, want %s: %s", c.name, got, c.want, left)
			}
			malformed := uint64(0)
			if c.want == withdraw {
				malformed = 1
			}
			if i := s.Info(); i.Counters.Malformed != malformed || (i.LastMalformed != "") != (malformed == 1) {
				t.Errorf("%s: counted %d malformed, %q", c.name, i.Counters.Malformed, i.LastMalformed)
			}
		})
	}
}

// TestUpdate_reset is what is left of session resets: the prefixes cannot be known.
func TestUpdate_reset(t *testing.T) {
	for _, c := range []struct {
		name                        string
		withdrawn, attributes, nlri string
		code, subcode               uint8
	}{
		{"a prefix of 33 bits", "", hexGood, "21 0a09000000", codeUpdate, 10},
		{"a prefix cut short", "", hexGood, "18 0a", codeUpdate, 10},
		{"a withdrawn prefix of 33 bits", "21 0a09000000", "", "", codeUpdate, 10},
		{"an unknown well-known attribute", "", hexGood + "40c801 00", hexPrefix, codeUpdate, 2},
		{"MP_REACH_NLRI twice", "", hexGood + hexReach6 + hexReach6, "", codeUpdate, 1},
		{"MP_REACH_NLRI without a next hop", "", hexOrigin + hexPath + "800e03 0002 01", "", codeUpdate, 9},
		{"MP_REACH_NLRI with a next hop of 5 bytes", "", hexOrigin + hexPath + "800e0a 0002 01 05 0000000000 00", "", codeUpdate, 9},
		{"MP_REACH_NLRI with a prefix of 129 bits", "", hexOrigin + hexPath + "800e16 0002 01 10 fd000000000000000000000000000001 00 81", "", codeUpdate, 9},
		{"MP_UNREACH_NLRI cut short", "", "800f02 0002", "", codeUpdate, 9},
		{"MP_UNREACH_NLRI with half a prefix", "", "800f05 0002 01 30 20", "", codeUpdate, 9},
	} {
		synctest.Test(t, func(t *testing.T) {
			caps := routerCaps
			caps.GracefulRestart = false
			s, rec := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.establish(caps)
			r.send(rawUpdate("", hexGood, hexPrefix))
			r.send(rawUpdate(c.withdrawn, c.attributes, c.nlri))
			t.Log(c.name)
			r.expectNotification(c.code, c.subcode)
			wantTable(t, rec)
			if !strings.Contains(s.Info().LastReason, "UPDATE Message Error") {
				t.Errorf("%s: %q", c.name, s.Info().LastReason)
			}
		})
	}
	t.Run("lengths beyond the message", func(t *testing.T) {
		for _, body := range []string{"0009 0000", "0000 0009"} {
			synctest.Test(t, func(t *testing.T) {
				s, _ := setup(t, corePeer(), nil, nil)
				r := connect(t, s)
				r.establish(routerCaps)
				m := rawUpdate("", "", "")
				b, _ := hex.DecodeString(strings.ReplaceAll(body, " ", ""))
				copy(m[headerSize:], b)
				r.send(m)
				r.expectNotification(codeUpdate, 1)
			})
		}
	})
}

func TestUpdate_routes(t *testing.T) {
	for _, c := range []struct {
		name    string
		updates [][]byte
		want    []string
		looped  uint64
		ignored uint64
	}{
		{name: "all attributes", updates: [][]byte{rawUpdate("", hexGood+"800404 00000032 c00808 fde90002 fde90001", "00"+hexPrefix)}, want: []string{
			"0.0.0.0/0 via 169.254.40.1 path [65001] med 50 65001:1 65001:2", "10.9.0.0/24 via 169.254.40.1 path [65001] med 50 65001:1 65001:2",
		}},
		{name: "host bits are cleared", updates: [][]byte{rawUpdate("", hexGood, "11 0a09ff")}, want: []string{"10.9.128.0/17 via 169.254.40.1 path [65001]"}},
		{name: "announced and withdrawn in one message", updates: [][]byte{rawUpdate(hexPrefix, hexGood, hexPrefix)}, want: []string{"10.9.0.0/24 via 169.254.40.1 path [65001]"}},
		{name: "withdrawn later", updates: [][]byte{rawUpdate("", hexGood, hexPrefix), rawUpdate(hexPrefix, "", "")}},
		{name: "both families in one message", updates: [][]byte{rawUpdate("", hexGood+hexReach6, hexPrefix)}, want: []string{
			"10.9.0.0/24 via 169.254.40.1 path [65001]", "2001:db8:1::/48 via fd00::1 path [65001]",
		}},
		{name: "IPv6 withdrawn", updates: [][]byte{rawUpdate("", hexOrigin+hexPath+hexReach6, ""), rawUpdate("", "800f0a 0002 01 30 20010db80001", "")}},
		{name: "our AS in the path", updates: [][]byte{
			rawUpdate("", hexGood, hexPrefix), rawUpdate("", hexOrigin+"40020a 0202 0000fde9 0000fc00"+hexNextHop, hexPrefix),
		}, looped: 1},
		{name: "our address as next hop", updates: [][]byte{rawUpdate("", hexOrigin+hexPath+"400304 a9fe2802", hexPrefix)}, looped: 1},
		{name: "prefixes without unicast routes", updates: [][]byte{rawUpdate("", hexGood, "08 7f 04 e0 08 00 20 ffffffff")}, ignored: 4},
		{name: "another family", updates: [][]byte{rawUpdate("", hexOrigin+hexPath+"800e09 0019 46 04 a9fe2801 00", "")}, ignored: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, rec := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.establish(routerCaps)
			for _, m := range c.updates {
				r.send(m)
			}
			t.Log(c.name)
			wantTable(t, rec, c.want...)
			if i := s.Info().Counters; i.Looped != c.looped || i.Ignored != c.ignored || i.Malformed != 0 {
				t.Errorf("%s: counters %+v", c.name, i)
			}
		})
	}
}

func TestUpdate_twoOctetAS(t *testing.T) {
	caps := routerCaps
	caps.FourOctetAS = false
	const as4 = "c0110a 0202 0000fde9 fa56ea01" // 65001 4200000001
	for _, c := range []struct{ name, attributes, want string }{
		{"AS4_PATH takes the place", "400206 0202 fde9 5ba0" + as4, "[65001 4200000001]"},
		{"and leaves what an old speaker has put in front", "400208 0203 fde9 fde9 5ba0" + as4, "[65001 65001 4200000001]"},
		{"but not when it is longer", "400204 0201 fde9" + as4, "[65001]"},
		{"nor when an old speaker has aggregated", "400206 0202 fde9 5ba0 c00706 fde9 0a000009" + as4, "[65001 23456]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, rec := setup(t, corePeer(), nil, nil)
			r := connect(t, s)
			r.establish(caps)
			r.send(rawUpdate("", hexOrigin+c.attributes+hexNextHop, hexPrefix))
			t.Log(c.name)
			wantTable(t, rec, "10.9.0.0/24 via 169.254.40.1 path "+c.want)
		})
	}
	t.Run("what is advertised", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := NewExport()
			long := make([]uint32, 300)
			for i := range long {
				long[i] = 4_200_000_000 + uint32(i)
			}
			x.Update([]Route{{Prefix: pfx("10.0.0.0/8"), Attrs: &Attributes{ASPath: long}}})
			p := corePeer()
			p.LocalAS = 4_200_000_000
			s, _ := setup(t, p, x, nil)
			r := connect(t, s)
			r.establish(caps)
			synctest.Wait()
			for m := range r.in {
				if m[headerSize-1] == 2 {
					d := decoder{families: IPv4, peerAS: 4_200_000_000}
					u, err := d.decode(m[headerSize:])
					if err != nil || u.malformed != nil || !slices.Equal(u.attrs.ASPath, long) {
						t.Errorf("%v %+v", err, u)
					}
					return
				}
			}
		})
	})
}

// TestUpdate_attributesAreShared: a peer that sends each prefix in a message of its own does not cost a path each.
func TestUpdate_attributesAreShared(t *testing.T) {
	d := decoder{families: IPv4, fourOctetAS: true, peerAS: 65001}
	var first *Attributes
	for i := range 2000 {
		u, err := d.decode(rawUpdate("", hexGood, fmt.Sprintf("18 0a%04x", i))[headerSize:])
		if err != nil || u.malformed != nil {
			t.Fatal(err, u)
		}
		if first == nil {
			first = u.attrs
		}
		if u.attrs != first {
			t.Fatal("the same attributes were decoded again")
		}
	}
	body := rawUpdate("", hexGood, hexPrefix)[headerSize:]
	if n := testing.AllocsPerRun(100, func() { d.decode(body) }); n != 0 {
		t.Errorf("%v allocations for an UPDATE with known attributes", n)
	}
}
