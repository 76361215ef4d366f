package speaker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/speaker"
	"portolan/internal/store"
)

// lab is a network in memory with routers around a speaker that has its own timers: the first Connect peer's router is for the test to play,
// the two others behave.
type lab struct {
	mu        sync.Mutex
	text      bytes.Buffer // the log
	listeners map[netip.AddrPort]*memoryListener
	open      int // connections, of the speaker's side

	w     *world
	ids   []string
	stop  func() // the speaker
	good  []*bgp.Session
	told  [3]*table // what the routers have heard
	sends *bgp.Export
	round int
}

// logger is the log of a node; nil: none.
func (l *lab) logger() *slog.Logger {
	if l == nil {
		return nil
	}
	return slog.New(slog.NewTextHandler(l, nil))
}

func (l *lab) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// memoryListener takes connections of the same process.
type memoryListener struct {
	l      *lab
	at     netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *lab) listen(_ string, at netip.AddrPort) (net.Listener, error) {
	ln := &memoryListener{l: l, at: at, conns: make(chan net.Conn), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners[at] = ln
	return ln, nil
}

func (m *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memoryListener) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memoryListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(m.at) }

// memoryConn is one end of a connection whose directions can be closed apart.
type memoryConn struct {
	net.Conn // to read from
	out      net.Conn
	from     net.Addr
	closed   func()
}

func (c *memoryConn) Write(b []byte) (int, error)        { return c.out.Write(b) }
func (c *memoryConn) CloseWrite() error                  { return c.out.Close() }
func (c *memoryConn) RemoteAddr() net.Addr               { return c.from }
func (c *memoryConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
func (c *memoryConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memoryConn) Close() error {
	if c.closed != nil {
		c.closed()
	}
	return errors.Join(c.out.Close(), c.Conn.Close())
}

var errRefused = errors.New("connection refused")

// dial opens a connection from an address.
func (l *lab) dial(from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	l.mu.Lock()
	ln := l.listeners[to]
	l.mu.Unlock()
	if ln == nil {
		return nil, errRefused
	}
	a, b := net.Pipe()
	c, d := net.Pipe()
	var once sync.Once
	theirs := &memoryConn{Conn: a, out: c, from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 40000)), closed: func() {
		once.Do(func() {
			l.mu.Lock()
			l.open--
			l.mu.Unlock()
		})
	}}
	select {
	case ln.conns <- theirs:
		l.mu.Lock()
		l.open++
		l.mu.Unlock()
		return &memoryConn{Conn: d, out: b, from: net.TCPAddrFromAddrPort(to)}, nil
	case <-ln.closed:
		return nil, errRefused
	}
}

// sockets are the addresses of a session: the router's, and the speaker's.
func (l *lab) sockets(peer string, at int) (router netip.Addr, core netip.AddrPort) {
	list, err := l.w.BGP().BGPSessions(l.w.ctx, "")
	if err != nil {
		l.w.t.Fatal(err)
	}
	s := list.Of(peer)[at]
	return netip.MustParseAddrPort(s.Remote).Addr(), netip.MustParseAddrPort(s.Local)
}

// table is what a router has heard, over both of its sessions.
type table struct {
	mu     sync.Mutex
	routes map[netip.Prefix]int
}

func (*table) Changed(*bgp.Session, bgp.Transition)      {}
func (*table) Malformed(*bgp.Session, *bgp.Notification) {}
func (*table) Received(*bgp.Session, []byte)             {}
func (r *table) Heard(_ *bgp.Session, changes []bgp.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		if c.Attrs != nil {
			r.routes[c.Prefix]++
		} else {
			r.routes[c.Prefix]--
		}
	}
}

func (r *table) has(p netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.routes[p] > 0
}

// newLab is a lab with three Connect peers.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{listeners: map[netip.AddrPort]*memoryListener{}, sends: bgp.NewExport()}
	l.w = &world{t: t, lab: l, st: store.OpenMemory(), ctx: api.WithCaller(t.Context(), api.Caller{Account: "111122223333", Partition: "aws"})}
	t.Cleanup(func() { _ = l.w.st.Close() })
	l.w.start(speaker.Loopback)
	l.ids = l.w.peers(65001, 65002, 65003)
	return l
}

// begin starts the speaker, and the routers that behave.
func (l *lab) begin() {
	w := l.w
	w.t.Helper()
	l.stop = w.run()
	time.Sleep(time.Second)
	synctest.Wait()
	for i := 1; i < 3; i++ {
		l.told[i] = &table{routes: map[netip.Prefix]int{}}
		for at := range 2 {
			router, core := l.sockets(l.ids[i], at)
			export := bgp.NewExport()
			if i == 1 {
				export = l.sends
			}
			s, err := bgp.NewSession(bgp.Peer{
				Name: fmt.Sprint(i, at), LocalAS: uint32(65001 + i), PeerAS: 64512, RouterID: netip.AddrFrom4([4]byte{10, 9, 9, byte(i)}),
				Families: bgp.IPv4, NextHop4: netip.AddrFrom4([4]byte{169, 254, byte(40 + i), 1}), ConnectRetry: time.Second,
			}, export, l.told[i], func(context.Context) (net.Conn, error) { return l.dial(router, core) })
			if err != nil {
				w.t.Fatal(err)
			}
			s.Start()
			w.t.Cleanup(func() {
				s.Stop(2, "")
				s.Wait()
			})
			l.good = append(l.good, s)
		}
	}
	time.Sleep(5 * time.Second)
	l.alive()
}

// alive has one of the routers that behave announce a route, which the other must have a fifth of a second later, and both have had no
// session that was lost.
func (l *lab) alive() {
	l.w.t.Helper()
	l.round++
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(l.round), 0}), 24)
	l.sends.Update([]bgp.Route{{Prefix: p, Attrs: &bgp.Attributes{ASPath: []uint32{65002}}}})
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
	if !l.told[2].has(p) {
		l.w.t.Errorf("%s has not come to the other router", p)
	}
	for _, s := range l.good {
		if i := s.Info(); i.State != bgp.Established || i.Flaps > 0 {
			l.w.t.Errorf("a session of a router that behaves: %s, lost %d times: %s", i.State, i.Flaps, i.LastReason)
		}
	}
}

// connections are those of the speaker that are open.
func (l *lab) connections() int {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// wild is a connection of a router that does whatever a test has it do.
type wild struct {
	l    *lab
	conn net.Conn
	done chan struct{} // closed when the connection is
	last []byte        // code and subcode of the NOTIFICATION received
}

// connect opens a connection of the first Connect peer's router. It reads what comes, or not.
func (l *lab) connect(reads bool) *wild {
	l.w.t.Helper()
	router, core := l.sockets(l.ids[0], 0)
	return l.connectFrom(router, core, reads)
}

func (l *lab) connectFrom(from netip.Addr, to netip.AddrPort, reads bool) *wild {
	l.w.t.Helper()
	conn, err := l.dial(from, to)
	if err != nil {
		l.w.t.Fatal(err)
	}
	r := &wild{l: l, conn: conn, done: make(chan struct{})}
	l.w.t.Cleanup(func() { _ = conn.Close() })
	if reads {
		go r.read()
	}
	return r
}

func (r *wild) read() {
	defer close(r.done)
	head := make([]byte, 19)
	for {
		if _, err := io.ReadFull(r.conn, head); err != nil {
			return
		}
		body := make([]byte, int(binary.BigEndian.Uint16(head[16:]))-len(head))
		if _, err := io.ReadFull(r.conn, body); err != nil {
			return
		}
		if head[18] == 3 {
			r.last = slices.Clone(body[:2])
		}
	}
}

// send sends bytes; false: the connection is closed, or nothing is read any more.
func (r *wild) send(b []byte) bool {
	_ = r.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := r.conn.Write(b)
	return err == nil
}

// message is a BGP message.
func message(kind byte, body ...byte) []byte {
	m := binary.BigEndian.AppendUint16(bytes.Repeat([]byte{0xff}, 16), uint16(19+len(body)))
	return append(append(m, kind), body...)
}

// keepalive is a KEEPALIVE.
func keepalive() []byte { return message(4) }

// open is an OPEN with four-octet ASN and IPv4.
func open(as uint16) []byte {
	b := []byte{4, byte(as >> 8), byte(as), 0, 90, 10, 9, 9, 200, 14, 2, 12, 65, 4, 0, 0, byte(as >> 8), byte(as), 1, 4, 0, 1, 0, 1}
	return message(1, b...)
}

// establish brings the session up.
func (r *wild) establish() *wild {
	r.send(open(65001))
	r.send(keepalive())
	return r
}

// goodAttributes are ORIGIN, AS_PATH 65001 and NEXT_HOP.
var goodAttributes = []byte{0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 169, 254, 40, 1}

// update is an UPDATE.
func update(withdrawn, attributes, prefixes []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(withdrawn)))
	b = binary.BigEndian.AppendUint16(append(b, withdrawn...), uint16(len(attributes)))
	return message(2, append(append(b, attributes...), prefixes...)...)
}

// block is 10.x.y.0/24 on the wire.
func block(n int) []byte { return []byte{24, 10, byte(n >> 8), byte(n)} }

// refused says whether the connection has ended with a NOTIFICATION.
func (r *wild) refused(code, subcode byte) {
	r.l.w.t.Helper()
	synctest.Wait()
	select {
	case <-r.done:
		if !bytes.Equal(r.last, []byte{code, subcode}) {
			r.l.w.t.Errorf("the connection ended with NOTIFICATION %v, want %d/%d", r.last, code, subcode)
		}
	default:
		r.l.w.t.Errorf("the connection is open, want NOTIFICATION %d/%d", code, subcode)
	}
}
