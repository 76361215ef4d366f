package speaker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/catalog"
	"portolan/internal/page"
	"portolan/internal/speaker"
	"portolan/internal/store"
	"portolan/routing"
)

// outside is a catalog with all VPCs, and with the VPN connections that a test has made.
type outside struct {
	catalog.Catalog
	mu      sync.Mutex // the speaker that runs asks it, too
	vpns    map[string]*catalog.VPNConnection
	asns    map[string]uint32 // of customer gateways
	away    error
	version uint64
}

func newOutside() *outside {
	return &outside{vpns: map[string]*catalog.VPNConnection{}, asns: map[string]uint32{}, version: 1}
}

func (*outside) Remote() bool      { return false }
func (o *outside) Version() uint64 { o.mu.Lock(); defer o.mu.Unlock(); return o.version }

// change changes the catalog.
func (o *outside) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
	o.version++
}

func (*outside) VPC(_ context.Context, arn string) (*catalog.VPC, error) {
	place, _, _ := strings.Cut(arn, "vpc/")
	return &catalog.VPC{ARN: arn, Subnets: []catalog.Subnet{{ARN: place + "subnet/subnet-0123456789abcdef0"}}}, nil
}

func (o *outside) VPNConnection(_ context.Context, arn string) (*catalog.VPNConnection, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v := o.vpns[arn]; v != nil || o.away != nil {
		return v, o.away
	}
	return nil, catalog.ErrNotFound
}

func (o *outside) CustomerGateway(_ context.Context, arn string) (*catalog.CustomerGateway, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if asn, ok := o.asns[arn]; ok {
		return &catalog.CustomerGateway{ARN: arn, ASN: asn}, nil
	}
	return nil, catalog.ErrNotFound
}

// vpn attaches the VPN connection of a number, with tunnels 169.254.NUMBER.0/30 and .4/30. In the file something is announced for it,
// which sessions take the place of.
func (w *world) vpn(number int, edge string, asn uint32) (attachment string) {
	w.t.Helper()
	arn := fmt.Sprintf("arn:aws:ec2:%s:111122223333:vpn-connection/vpn-%017d", edge, number)
	v := &catalog.VPNConnection{
		ARN: arn, CustomerGatewayARN: fmt.Sprint("cgw-", number), Announcements: []routing.Announcement{{Prefix: pfx("10.99.0.0/16"), ASPath: []uint32{asn}}},
	}
	for i := range 2 {
		v.Tunnels = append(v.Tunnels, catalog.Tunnel{
			OutsideIP:  netip.AddrFrom4([4]byte{192, 0, byte(number), byte(i + 1)}),
			InsideCIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, byte(number), byte(4 * i)}), 30),
			Message:    "IPSEC IS UP",
		})
	}
	w.outside.change(func() { w.outside.vpns[arn], w.outside.asns[v.CustomerGatewayARN] = v, asn })
	attachment = must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: w.cn, VpnConnectionArn: arn}).
		SiteToSiteVpnAttachment.Attachment.AttachmentId
	w.rest()
	return attachment
}

// connection changes the VPN connection of an attachment.
func (w *world) connection(attachment string, change func(*catalog.VPNConnection)) {
	w.t.Helper()
	arn := must(w, w.GetSiteToSiteVpnAttachment, api.GetSiteToSiteVpnAttachmentInput{AttachmentId: attachment}).SiteToSiteVpnAttachment.VpnConnectionArn
	next := *w.outside.vpns[arn]
	next.Tunnels = slices.Clone(next.Tunnels)
	change(&next)
	w.outside.change(func() { w.outside.vpns[arn] = &next })
	w.rest()
}

// held are the sessions of a VPN attachment, with what is wrong with them.
func (w *world) held(id string) string {
	w.t.Helper()
	list, err := w.BGP().BGPSessions(w.ctx, "")
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, s := range list.Of(id) {
		if s.ConnectPeerID != "" || s.AttachmentID != id {
			w.t.Errorf("a session of %s is that of %q and %q", id, s.ConnectPeerID, s.AttachmentID)
		}
		lines = append(lines, fmt.Sprintf("%s AS %d, %s AS %d, outside %s", s.CoreNetworkAddress, s.CoreNetworkASN, s.PeerAddress, s.PeerASN, s.OutsideIP))
	}
	return strings.Join(lines, "\n")
}

// doctor is what doctor says of sessions.
func (w *world) doctor() (messages []string) {
	w.t.Helper()
	subject, err := w.Network(w.ctx, w.cn)
	if err != nil {
		w.t.Fatal(err)
	}
	findings, err := subject.Findings(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range findings {
		if strings.Contains(f.Name, "bgp") {
			messages = append(messages, f.Message)
		}
	}
	return messages
}

const vpnSessions = "169.254.1.1 AS 64512, 169.254.1.2 AS 65010, outside 192.0.1.1\n169.254.1.5 AS 64512, 169.254.1.6 AS 65010, outside 192.0.1.2"

func TestVPN_routesGoBothWays(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	vpn := w.vpn(1, "eu-west-1", 65010)
	w.want("the sessions", w.held(vpn), vpnSessions)
	w.want("what the catalog announces is not heard", w.table("eu-west-1"), "")
	w.hear(ids[0], 0, "10.1.0.0/16=65001")
	w.hear(vpn, 0, "10.7.0.0/16=65010,65077", "10.8.0.0/16=65010")
	w.hear(vpn, 1, "10.7.0.0/16=65010", "10.9.0.0/16=65010")
	w.rest()
	w.want("the table", w.table("eu-west-1"), "10.1.0.0/16 [65001]\n10.7.0.0/16 [65010]\n10.8.0.0/16 [65010]\n10.9.0.0/16 [65010]")
	w.want("the Connect peer", w.advertised(ids[0]), "10.7.0.0/16 [64512 65010] med 100\n10.8.0.0/16 [64512 65010] med 100\n10.9.0.0/16 [64512 65010] med 100")
	w.want("the VPN", w.advertised(vpn), "10.1.0.0/16 [64512 65001] med 100")

	w.hear(vpn, 1, "10.7.0.0/16", "10.9.0.0/16")
	w.rest()
	w.want("one tunnel left", w.table("eu-west-1"), "10.1.0.0/16 [65001]\n10.7.0.0/16 [65010 65077]\n10.8.0.0/16 [65010]")

	if err := w.PutAnnouncements(w.ctx, vpn, []routing.Announcement{{Prefix: pfx("10.5.0.0/16"), ASPath: []uint32{65010}}}); err != nil {
		t.Fatal(err)
	}
	w.rest()
	w.want("put", w.table("eu-west-1"), "10.1.0.0/16 [65001]\n10.5.0.0/16 [65010]")
	if got, want := w.doctor(), "routes that were put for "+vpn+" take the place of 2 routes that its router advertises over BGP"; !slices.Contains(got, want) {
		t.Errorf("doctor: %q, want %q among it", got, want)
	}
}

func TestVPN_eventsAndTelemetryFollowTheSessions(t *testing.T) {
	w := newWorld(t)
	w.peers()
	vpn := w.vpn(1, "eu-west-1", 65010)
	step := w.steps()
	w.want("before", w.telemetry(), "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 DOWN, 192.0.1.2 UP") // BGP, and IPsec as the catalog has it
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].Up = true })                  // which the session is not
	w.move(vpn, 0, bgp.Established)
	step("one up", "192.0.1.1 UP, 192.0.1.1 UP, 192.0.1.2 DOWN, 192.0.1.2 UP", "VPN-CONNECTION-BGP-ESTABLISH 192.0.1.1")
	w.move(vpn, 0, bgp.Idle)
	step("none up", "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 DOWN, 192.0.1.2 UP", "VPN-CONNECTION-BGP-DOWN 192.0.1.1")
	w.move(vpn, 1, bgp.Established)
	w.hear(vpn, 1, "10.7.0.0/16=65010")
	step("the other", "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 UP, 192.0.1.2 UP", "VPN-CONNECTION-BGP-ESTABLISH 192.0.1.2")
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = netip.Prefix{} })
	step("the other has no session here: the catalog's", "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 UP, 192.0.1.2 UP",
		"VPN-CONNECTION-BGP-DOWN 192.0.1.2", "VPN-CONNECTION-BGP-ESTABLISH 192.0.1.2")
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = pfx("169.254.1.4/30") })
	step("it has one again", "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 DOWN, 192.0.1.2 UP")
	w.move(vpn, 1, bgp.Established)
	step("which is up", "192.0.1.1 DOWN, 192.0.1.1 UP, 192.0.1.2 UP, 192.0.1.2 UP", "VPN-CONNECTION-BGP-ESTABLISH 192.0.1.2")
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: vpn})
	step("deleted", "", "VPN-CONNECTION-BGP-DOWN 192.0.1.2")
	w.want("the table", w.table("eu-west-1"), "")
	w.want("the sessions", w.held(vpn), "")
}

func TestVPN_sessionsFollowTheCatalog(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	vpn := w.vpn(1, "eu-west-1", 65010)
	const announced = "10.99.0.0/16 [65010]"
	heard := func() {
		t.Helper()
		w.move(vpn, 0, bgp.Established)
		w.hear(vpn, 0, "10.7.0.0/16=65010")
		w.rest()
		w.want("heard", w.advertised(ids[0]), "10.7.0.0/16 [64512 65010] med 100")
	}
	heard()
	w.outside.away = catalog.ErrUnavailable
	w.outside.version++
	w.rest()
	w.want("nobody answers: the sessions", w.held(vpn), vpnSessions)
	w.want("nobody answers: the table", w.table("eu-west-1"), "10.7.0.0/16 [65010]")
	w.outside.away = nil

	w.outside.asns["cgw-1"] = 65011
	w.connection(vpn, func(*catalog.VPNConnection) {})
	w.want("another ASN", w.held(vpn), strings.ReplaceAll(vpnSessions, "65010", "65011"))
	w.want("another ASN: what was heard before is gone", w.table("eu-west-1"), "")
	w.outside.asns["cgw-1"] = 65010
	w.connection(vpn, func(*catalog.VPNConnection) {})
	heard()
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[0].InsideCIDR = pfx("169.254.9.0/30") })
	w.want("another inside block", w.held(vpn), "169.254.1.5 AS 64512, 169.254.1.6 AS 65010, outside 192.0.1.2\n169.254.9.1 AS 64512, 169.254.9.2 AS 65010, outside 192.0.1.1")
	w.want("another inside block: the table", w.table("eu-west-1"), "")
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[0].InsideCIDR = netip.Prefix{} })
	w.want("one tunnel without", w.held(vpn), "169.254.1.5 AS 64512, 169.254.1.6 AS 65010, outside 192.0.1.2")
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = netip.Prefix{} })
	w.want("none", w.held(vpn), "")
	w.want("none: what the catalog announces", w.table("eu-west-1"), announced)
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = pfx("169.254.1.0/30") })
	heard()
	w.connection(vpn, func(v *catalog.VPNConnection) {
		v.StaticRoutesOnly, v.StaticRoutes, v.Announcements = true, []netip.Prefix{pfx("10.4.0.0/16")}, nil
	})
	w.want("static", w.held(vpn), "")
	w.want("static: the table", w.table("eu-west-1"), "10.4.0.0/16 []")
	w.want("static: the Connect peer", w.advertised(ids[0]), "10.4.0.0/16 [64512] med 100")
}

func TestVPN_addressesInUseGiveNoSession(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001) // has 169.254.40.0/29: the router .1, the core network .2 and .3
	first, second := w.vpn(1, "eu-west-1", 65010), w.vpn(2, "eu-west-1", 65020)
	n := speaker.RecordedNetns(func(...string) error { return nil })
	none := func(what string) {
		t.Helper()
		if got := w.BGP().Arrange(speaker.PlacedHere()); len(got) > 0 {
			t.Errorf("%s, here: %v", what, got)
		}
	}
	refused := func(what, other string, addresses map[string]string) { // by session
		t.Helper()
		for mode, got := range map[string]map[string]error{"here": w.BGP().Arrange(speaker.PlacedHere()), "netns": w.BGP().Arrange(n)} {
			for session, address := range addresses {
				want := address + " is an address of " + other + ", too: in a network namespace an address belongs to one peer"
				if len(got) != len(addresses) || got[session] == nil || got[session].Error() != want {
					t.Errorf("%s, %s: %v, want %s of %s", what, mode, got, want, session)
				}
			}
		}
	}
	none("all differ")
	block := func(id, cidr string) {
		t.Helper()
		w.connection(id, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = pfx(cidr) })
	}
	block(second, "169.254.1.0/30")
	refused("the same block", first, map[string]string{second + "/169.254.1.1": "169.254.1.1"}) // and the other tunnel has its session
	block(second, "169.254.40.0/30")                                                            // the router would have the address of the core network's first session
	refused("a Connect peer's block", ids[0], map[string]string{second + "/169.254.40.1": "169.254.40.1"})
	block(second, "169.254.2.4/30")
	third := w.vpn(1, "us-east-1", 65010)
	w.want("at another edge", w.held(third), strings.ReplaceAll(vpnSessions, "64512", "64513"))
	if got := w.BGP().Arrange(n); len(got) > 0 {
		t.Errorf("the same block at another edge, netns: %v", got)
	}
	if got := w.BGP().Arrange(speaker.PlacedHere()); len(got) != 2 || got[third+"/169.254.1.1"] == nil || got[third+"/169.254.1.5"] == nil {
		t.Errorf("the same block at another edge, here: %v", got)
	}
}

func TestVPN_problemsAreSaid(t *testing.T) {
	w := newWorld(t)
	w.peers()
	vpn := w.vpn(1, "eu-west-1", 0)
	step := func(problem, sessions string) {
		t.Helper()
		w.rest()
		w.BGP().Apply()
		w.rest()
		want := "the BGP session of " + vpn + " with core network address 169.254.1.1 is down: " + problem
		if got := w.doctor(); !slices.Contains(got, want) {
			t.Errorf("doctor: %q, want %q among it", got, want)
		}
		list, err := w.BGP().BGPSessions(w.ctx, "")
		if err != nil || list.Sessions[0].Problem != problem {
			t.Errorf("the session: %+v, %v; want problem %q", list.Sessions, err, problem)
		}
		w.want("sessions", w.held(vpn), sessions)
	}
	step("the catalog does not know the ASN of the customer gateway", strings.ReplaceAll(vpnSessions, "65010", "0"))
	w.outside.asns["cgw-1"] = 65010
	w.connection(vpn, func(v *catalog.VPNConnection) { v.Tunnels[1].InsideCIDR = v.Tunnels[0].InsideCIDR })
	step("both tunnels have the inside CIDR block of 169.254.1.1", "169.254.1.1 AS 64512, 169.254.1.2 AS 65010, outside 192.0.1.1")
}

func TestVPN_restartGoesOnFromWhatWasSaved(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	vpn := w.vpn(1, "eu-west-1", 65010)
	save := func() {
		t.Helper()
		w.move(vpn, 0, bgp.Established)
		w.hear(vpn, 0, "10.7.0.0/16=65010")
		w.rest()
		w.BGP().Save(w.ctx)
	}
	restart := func(what, table string) {
		t.Helper()
		w.start(speaker.Loopback)
		w.rest()
		w.want(what, w.table("eu-west-1"), table)
	}
	save()
	restart("as it was", "10.7.0.0/16 [65010]")
	w.want("as it was: the Connect peer", w.advertised(ids[0]), "10.7.0.0/16 [64512 65010] med 100")
	if got := [2]int{w.BGP().Restored(vpn, 0), w.BGP().Restored(vpn, 1)}; got != [2]int{1, 0} {
		t.Errorf("sessions begin with %v routes", got)
	}
	w.outside.away = catalog.ErrUnavailable
	restart("nobody answers", "10.7.0.0/16 [65010]")
	w.want("nobody answers: the sessions", w.held(vpn), vpnSessions)
	w.outside.away = nil

	w.BGP().HeldBy("b")
	w.want("held by another server", w.held(vpn), vpnSessions)
	if list, err := w.BGP().BGPHeard(w.ctx, vpn, ""); err != nil || len(list.Routes) != 1 || list.Routes[0].NextHop.String() != "169.254.1.2" {
		t.Errorf("held by another server, heard: %+v, %v", list, err)
	}
	w.outside.asns["cgw-1"] = 65011
	restart("another ASN meanwhile", "")
	w.outside.asns["cgw-1"] = 65010
	restart("the ASN again", "")
	save()
	outside := w.outside
	w.outside = nil
	restart("without a catalog", "")
	w.outside = outside
	restart("with it", "")
	save()
	w.BGP().HeldBy("b")
	if list, err := w.BGP().BGPSessions(w.ctx, ""); err != nil || !slices.ContainsFunc(list.Sessions, func(s speaker.Session) bool {
		return s.AttachmentID == vpn && s.State == "Established" && s.HeldBy == "b" && s.Problem == "" && s.Heard == 1 && s.Stale == 0
	}) {
		t.Errorf("held by another server: %+v, %v", list, err)
	}
	if list, err := w.BGP().BGPSessions(w.ctx, ""); err != nil || !strings.Contains(text(t, list), " held by b") {
		t.Errorf("held by another server: %s, %v", text(t, list), err)
	}
	w.BGP().HeldBy("")
	if list, err := w.BGP().BGPHeard(w.ctx, vpn, ""); err != nil || len(list.Routes) != 1 || !list.Routes[0].Stale {
		t.Errorf("held by no server, heard: %+v, %v", list, err)
	}
	list, err := w.BGP().BGPSessions(w.ctx, "")
	if err != nil || len(list.Sessions) == 0 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, s := range list.Sessions {
		if s.State != "Idle" || s.Problem != "no server holds it at the moment" || s.Stale != s.Heard {
			t.Errorf("held by no server: %+v", s)
		}
	}
	w.start(speaker.Off)
	w.rest()
	w.want("without sessions", w.table("eu-west-1"), "10.99.0.0/16 [65010]")
}

// text is a report as a terminal shows it.
func text(t *testing.T, r interface{ Page() *page.Page }) string {
	t.Helper()
	var b strings.Builder
	if err := r.Page().Text(&b, page.Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVPN_lastsUntilTheFirstLookAtAChangedCatalog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ids := w.peers(65001)
		vpn := w.vpn(1, "eu-west-1", 65010)
		w.run()
		w.move(vpn, 0, bgp.Established)
		w.hear(vpn, 0, "10.7.0.0/16=65010")
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		w.want("heard", w.advertised(ids[0]), "10.7.0.0/16 [64512 65010] med 100")
		w.outside.change(func() {
			for arn, v := range w.outside.vpns {
				next := *v
				next.StaticRoutesOnly, next.StaticRoutes, next.Announcements = true, []netip.Prefix{pfx("10.4.0.0/16")}, nil
				w.outside.vpns[arn] = &next
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("the sessions", w.held(vpn), "")
		w.want("static", w.advertised(ids[0]), "10.4.0.0/16 [64512] med 100")
	})
}

func TestVPN_strangers(t *testing.T) {
	w := newWorld(t)
	w.peers()
	vpn := w.vpn(1, "eu-west-1", 65010)
	if _, err := w.BGP().BGPHeard(w.ctx, vpn, "169.254.1.2"); err == nil {
		t.Error("an address that no session has is taken")
	}
	other := api.WithCaller(t.Context(), api.Caller{Account: "444455556666", Partition: "aws"})
	var missing *api.ResourceNotFoundException
	if _, err := w.BGP().BGPHeard(other, vpn, ""); !errors.As(err, &missing) || missing.ResourceType != "attachment" {
		t.Errorf("another account reads routes: %v", err)
	}
}

// TestVPN_sessionOfATunnelThatStaysBeginsAnew: what its router had advertised went with the other tunnel's addresses.
func TestVPN_sessionOfATunnelThatStaysBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{listeners: map[netip.AddrPort]*memoryListener{}, sends: bgp.NewExport()}
		w := &world{t: t, lab: l, outside: newOutside(), st: store.OpenMemory(), ctx: api.WithCaller(t.Context(), api.Caller{Account: "111122223333", Partition: "aws"})}
		l.w = w
		t.Cleanup(func() { _ = w.st.Close() })
		w.start(speaker.Loopback)
		w.peers()
		vpn := w.vpn(1, "eu-west-1", 65010)
		w.run()
		router, core := l.sockets(vpn, 0)
		s, err := bgp.NewSession(bgp.Peer{
			Name: "router", LocalAS: 65010, PeerAS: 64512, RouterID: netip.MustParseAddr("10.9.9.1"),
			Families: bgp.IPv4, NextHop4: netip.MustParseAddr("169.254.1.2"), ConnectRetry: time.Second,
		}, l.sends, &table{routes: map[netip.Prefix]int{}}, func(context.Context) (net.Conn, error) { return l.dial(router, core) })
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() {
			s.Stop(2, "")
			s.Wait()
		})
		l.sends.Update([]bgp.Route{{Prefix: pfx("10.7.0.0/16"), Attrs: &bgp.Attributes{ASPath: []uint32{65010}}}})
		heard := func(what string) {
			t.Helper()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			w.want(what, w.table("eu-west-1"), "10.7.0.0/16 [65010]")
			if got := w.doctor(); len(got) != 1 { // the other session
				t.Errorf("%s: doctor: %q", what, got)
			}
		}
		change := func(change func(*catalog.VPNConnection)) {
			w.outside.change(func() {
				for arn, v := range w.outside.vpns {
					next := *v
					next.Tunnels = slices.Clone(v.Tunnels)
					change(&next)
					w.outside.vpns[arn] = &next
				}
			})
		}
		heard("at first")
		change(func(v *catalog.VPNConnection) { slices.Reverse(v.Tunnels) })
		heard("the same in another order")
		if got := s.Info().Flaps; got != 0 {
			t.Errorf("another order of the tunnels ends a session")
		}
		change(func(v *catalog.VPNConnection) { v.Tunnels[0].InsideCIDR = pfx("169.254.9.0/30") }) // that of 169.254.1.4/30
		heard("the other tunnel's block is another one")
	})
}
