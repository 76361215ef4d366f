package bgp

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// recorder is a Handler that remembers.
type recorder struct {
	mu     sync.Mutex
	states []State
	last   Transition
	routes map[netip.Prefix]*Attributes
	calls  int
}

func (r *recorder) Changed(_ *Session, t Transition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, t.To)
	if t.From == Established || t.To == Idle {
		r.last = t
	}
}

func (r *recorder) Heard(_ *Session, changes []Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.routes == nil {
		r.routes = map[netip.Prefix]*Attributes{}
	}
	r.calls++
	for _, c := range changes {
		if c.Attrs == nil {
			delete(r.routes, c.Prefix)
		} else {
			r.routes[c.Prefix] = c.Attrs
		}
	}
}

func (r *recorder) Malformed(*Session, *Notification) {}

func (r *recorder) Received(*Session, []byte) {}

// table is the routes, one a line.
func (r *recorder) table() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for p, a := range r.routes {
		list = append(list, describe(p, a))
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func describe(p netip.Prefix, a *Attributes) string {
	text := fmt.Sprintf("%s via %s path %d", p, a.NextHop, a.ASPath)
	if a.HasMED {
		text += fmt.Sprintf(" med %d", a.MED)
	}
	if a.HasLocalPref {
		text += fmt.Sprintf(" lp %d", a.LocalPref)
	}
	for _, c := range a.Communities {
		text += fmt.Sprintf(" %d:%d", c>>16, c&0xffff)
	}
	return text
}

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr  { return netip.MustParseAddr(s) }

// corePeer is our side of a session with AS 65001.
func corePeer() Peer {
	return Peer{
		Name: "core", LocalAS: 64512, PeerAS: 65001, RouterID: addr("10.0.0.1"), Passive: true, Families: IPv4 | IPv6,
		NextHop4: addr("169.254.40.2"), NextHop6: addr("fd00::2"), RestartTime: 120 * time.Second,
	}
}

// setup is a started session with a recorder, stopped at the end of the test.
func setup(t *testing.T, p Peer, x *Export, dial func(context.Context) (net.Conn, error)) (*Session, *recorder) {
	t.Helper()
	r := &recorder{}
	if x == nil {
		x = NewExport()
	}
	s, err := NewSession(p, x, r, dial)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Stop(ceaseDeconfigured, "")
		s.Wait()
	})
	return s, r
}

// router is a peer that does what the test tells it, and no more.
type router struct {
	t    *testing.T
	conn net.Conn
	in   chan []byte // messages; closed with the connection
}

// connect gives a session a connection from a router.
func connect(t *testing.T, s *Session) *router {
	t.Helper()
	ours, theirs := net.Pipe()
	r := newRouter(t, theirs)
	s.Accept(ours)
	return r
}

func newRouter(t *testing.T, conn net.Conn) *router {
	r := &router{t: t, conn: conn, in: make(chan []byte, 4096)}
	go func() {
		defer close(r.in)
		for {
			head := make([]byte, headerSize)
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			m := make([]byte, binary.BigEndian.Uint16(head[markerSize:]))
			copy(m, head)
			if _, err := io.ReadFull(conn, m[headerSize:]); err != nil {
				return
			}
			r.in <- m
		}
	}()
	t.Cleanup(func() { conn.Close() })
	return r
}

// next is the next message; nil: the connection is closed or nothing comes.
func (r *router) next() *bgp.BGPMessage {
	r.t.Helper()
	synctest.Wait()
	select {
	case m, ok := <-r.in:
		if !ok {
			return nil
		}
		parsed, err := bgp.ParseBGPMessage(m)
		if err != nil {
			r.t.Fatalf("a message that the codec does not read: %v\n% x", err, m)
		}
		return parsed
	default:
		return nil
	}
}

// expect reads messages until one of the kind comes.
func (r *router) expect(kind uint8) bgp.BGPBody {
	r.t.Helper()
	for {
		m := r.next()
		if m == nil {
			r.t.Fatalf("no message of type %d", kind)
		}
		if m.Header.Type == kind {
			return m.Body
		}
	}
}

// expectNotification reads until a NOTIFICATION comes, and the end of the connection.
func (r *router) expectNotification(code, subcode uint8) *bgp.BGPNotification {
	r.t.Helper()
	n := r.expect(bgp.BGP_MSG_NOTIFICATION).(*bgp.BGPNotification)
	if n.ErrorCode != code || n.ErrorSubcode != subcode {
		r.t.Fatalf("NOTIFICATION %d/%d % x, want %d/%d", n.ErrorCode, n.ErrorSubcode, n.Data, code, subcode)
	}
	if !r.closed() {
		r.t.Fatal("the connection is open after a NOTIFICATION")
	}
	return n
}

// closed says whether the other side has closed the connection.
func (r *router) closed() bool {
	synctest.Wait()
	for {
		select {
		case _, ok := <-r.in:
			if !ok {
				return true
			}
		default:
			return false
		}
	}
}

func (r *router) send(b []byte) {
	r.t.Helper()
	r.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatalf("write: %v", err)
	}
	synctest.Wait()
}

func (r *router) message(m *bgp.BGPMessage) {
	r.t.Helper()
	b, err := m.Serialize()
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(b)
}

// routerCaps are the capabilities of the router of most tests.
var routerCaps = Capabilities{
	Families: IPv4 | IPv6, FourOctetAS: true, RouteRefresh: true, EnhancedRefresh: true, GracefulRestart: true, Notifications: true,
	RestartTime: 90 * time.Second, GracefulFor: IPv4 | IPv6, Forwarding: IPv4 | IPv6,
}

func (r *router) open(as uint32, id string, hold time.Duration, caps Capabilities) {
	r.t.Helper()
	b, err := encodeOpen(as, addr(id), hold, caps)
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(b)
}

// establish brings a session up.
func (r *router) establish(caps Capabilities) {
	r.t.Helper()
	r.expect(bgp.BGP_MSG_OPEN)
	r.open(65001, "10.0.0.9", 90*time.Second, caps)
	r.expect(bgp.BGP_MSG_KEEPALIVE)
	r.send(encodeKeepalive())
}

// establishOurs brings a session up on a connection that it has opened.
func (r *router) establishOurs(caps Capabilities) {
	r.t.Helper()
	r.expect(bgp.BGP_MSG_OPEN)
	r.open(65001, "10.0.0.9", 90*time.Second, caps)
	r.send(encodeKeepalive())
	time.Sleep(answerTime) // the clock of the bubble
	synctest.Wait()
	r.expect(bgp.BGP_MSG_KEEPALIVE)
}

// announce advertises prefixes with a path.
func (r *router) announce(path []uint32, prefixes ...string) {
	r.t.Helper()
	var list []bgp.PathNLRI
	for _, p := range prefixes {
		n, err := bgp.NewIPAddrPrefix(pfx(p))
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, bgp.PathNLRI{NLRI: n})
	}
	hop, err := bgp.NewPathAttributeNextHop(addr("169.254.40.1"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.message(bgp.NewBGPUpdateMessage(nil, []bgp.PathAttributeInterface{
		bgp.NewPathAttributeOrigin(0),
		bgp.NewPathAttributeAsPath([]bgp.AsPathParamInterface{bgp.NewAs4PathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, path)}),
		hop,
	}, list))
}

func wantState(t *testing.T, s *Session, want State) {
	t.Helper()
	synctest.Wait()
	if i := s.Info(); i.State != want {
		t.Fatalf("state %s (%s), want %s", i.State, i.LastReason, want)
	}
}

func wantTable(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := r.table(); got != strings.Join(want, "\n") {
		t.Fatalf("routes heard:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
