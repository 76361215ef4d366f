package bmp

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	station "github.com/osrg/gobgp/v4/pkg/packet/bmp"

	"portolan/internal/bgp"
)

// heard is a handler that tells a station, and says how many routes have come.
type heard struct {
	*Station
	routes chan int
}

func (h *heard) Heard(_ *bgp.Session, list []bgp.Change) { h.routes <- len(list) }
func (*heard) Malformed(*bgp.Session, *bgp.Notification) {}

type quiet struct{}

func (quiet) Changed(*bgp.Session, bgp.Transition)      {}
func (quiet) Heard(*bgp.Session, []bgp.Change)          {}
func (quiet) Received(*bgp.Session, []byte)             {}
func (quiet) Malformed(*bgp.Session, *bgp.Notification) {}

var (
	core   = netip.MustParseAddr("169.254.100.2")
	router = netip.MustParseAddr("169.254.100.1")
)

func session(t *testing.T, p bgp.Peer, x *bgp.Export, h bgp.Handler) *bgp.Session {
	t.Helper()
	p.Passive, p.Families, p.NextHop4, p.NextHop6 = true, bgp.IPv4|bgp.IPv6, p.RouterID, netip.AddrFrom16([16]byte{0xfd, 15: p.RouterID.As4()[3]})
	s, err := bgp.NewSession(p, x, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	return s
}

// TestRun_stationSeesRoutes: a station that connects late gets the session and its routes, then what is withdrawn, then the end
// of the session; one that was away gets all anew.
func TestRun_stationSeesRoutes(t *testing.T) { synctest.Test(t, stationSeesRoutes) }

func stationSeesRoutes(t *testing.T) {
	lines := make(chan net.Conn)
	st := NewStation("192.0.2.1:11019", "Portolan test", "host", slog.New(slog.DiscardHandler))
	st.dial = func(ctx context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case lines <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	h, export := &heard{st, make(chan int, 10)}, bgp.NewExport()
	attrs := &bgp.Attributes{ASPath: []uint32{65001, 4_200_000_001}, Communities: []uint32{65001<<16 | 3}}
	for _, p := range []string{"10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32"} {
		export.Update([]bgp.Route{{Prefix: netip.MustParsePrefix(p), Attrs: attrs}})
	}
	a := session(t, bgp.Peer{LocalAS: 64512, PeerAS: 65001, Local: netip.AddrPortFrom(core, 179), Remote: netip.AddrPortFrom(router, 179), RouterID: core}, bgp.NewExport(), h)
	b := session(t, bgp.Peer{LocalAS: 65001, PeerAS: 64512, RouterID: router}, export, quiet{})
	ours, theirs := net.Pipe()
	a.Accept(ours)
	b.Accept(theirs)
	for n := 0; n < 3; {
		n += <-h.routes
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		st.Run(ctx, func() []*bgp.Session { return []*bgp.Session{a} })
		close(done)
	}()
	line := <-lines
	r := bufio.NewReader(line)
	want(t, r, "initiation Portolan test host", "up AS65001 169.254.100.1", "+10.1.0.0/16 169.254.100.1", "+10.2.0.0/16 169.254.100.1", "+2001:db8::/32 fd00::1", "end ipv4", "end ipv6")
	export.Update([]bgp.Route{{Prefix: netip.MustParsePrefix("10.2.0.0/16")}})
	want(t, r, "-10.2.0.0/16")

	_ = line.Close()
	line = <-lines
	r = bufio.NewReader(line)
	want(t, r, "initiation Portolan test host", "up AS65001 169.254.100.1", "+10.1.0.0/16 169.254.100.1", "+2001:db8::/32 fd00::1", "end ipv4", "end ipv6")
	b.Stop(2, "")
	want(t, r, "down 3 6/2")
	cancel()
	want(t, r, "termination")
	<-done
	a.Freeze()
	a.Wait()
	b.Wait()
}

// want reads messages until it has seen these, in any order.
func want(t *testing.T, r io.Reader, list ...string) {
	t.Helper()
	for len(list) > 0 {
		got, err := read(r)
		if err != nil {
			t.Fatalf("%v; still want %q", err, list)
		}
		for _, one := range got {
			i := slices.Index(list, one)
			if i < 0 && strings.HasPrefix(one, "end ") { // the router's own, which came later
				continue
			}
			if i < 0 {
				t.Fatalf("got %q, want %q", one, list)
			}
			list = slices.Delete(list, i, i+1)
		}
	}
}

// read is a message as another implementation reads it.
func read(r io.Reader) ([]string, error) {
	head := make([]byte, commonSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	whole := append(head, make([]byte, int(binary.BigEndian.Uint32(head[1:]))-commonSize)...)
	if _, err := io.ReadFull(r, whole[commonSize:]); err != nil {
		return nil, err
	}
	m, err := station.ParseBMPMessage(whole)
	if err != nil {
		return nil, err
	}
	switch body := m.Body.(type) {
	case *station.BMPInitiation:
		text := "initiation"
		for _, tlv := range body.Info {
			text += " " + tlv.(*station.BMPInfoTLVString).Value
		}
		return []string{text}, nil
	case *station.BMPPeerUpNotification:
		if body.SentOpenMsg == nil || body.ReceivedOpenMsg == nil {
			return nil, errors.New("a peer up without OPEN messages")
		}
		return []string{fmt.Sprintf("up AS%d %s", m.PeerHeader.PeerAS, m.PeerHeader.PeerAddress)}, nil
	case *station.BMPPeerDownNotification:
		n := body.BGPNotification.Body.(*gobgp.BGPNotification)
		return []string{fmt.Sprintf("down %d %d/%d", body.Reason, n.ErrorCode, n.ErrorSubcode)}, nil
	case *station.BMPTermination:
		return []string{"termination"}, nil
	case *station.BMPRouteMonitoring:
		return changes(body.BGPUpdate.Body.(*gobgp.BGPUpdate)), nil
	}
	return nil, fmt.Errorf("%T", m.Body)
}

func changes(u *gobgp.BGPUpdate) (list []string) {
	if end, family := u.IsEndOfRib(); end {
		return []string{"end " + strings.TrimSuffix(family.String(), "-unicast")}
	}
	hop := ""
	for _, a := range u.PathAttributes {
		switch a := a.(type) {
		case *gobgp.PathAttributeNextHop:
			hop = a.Value.String()
		case *gobgp.PathAttributeMpReachNLRI:
			for _, n := range a.Value {
				list = append(list, "+"+n.NLRI.String()+" "+a.Nexthop.String())
			}
		}
	}
	for _, n := range u.NLRI {
		list = append(list, "+"+n.NLRI.String()+" "+hop)
	}
	for _, n := range u.WithdrawnRoutes {
		list = append(list, "-"+n.NLRI.String())
	}
	return list
}
