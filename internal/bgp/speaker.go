package bgp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Desired is a session that a Speaker is to hold.
type Desired struct {
	Peer
	Export  *Export
	Restore []Change // what the peer had advertised to an earlier process; used when the session is made
}

// Speaker holds sessions and the listening sockets that they need. Connections are accepted from the addresses of peers
// alone.
type Speaker struct {
	// Listen opens a listening socket in a network namespace, "" for the process's own. Tests put others in its place, before
	// Apply.
	Listen func(namespace string, local netip.AddrPort) (net.Listener, error)

	handler Handler
	log     *slog.Logger

	stray   atomic.Uint64
	running sync.WaitGroup

	mu        sync.Mutex
	sessions  map[string]*Session // by name
	listeners map[endpoint]*listener
}

// endpoint is a local address in a network namespace.
type endpoint struct {
	namespace string
	local     netip.AddrPort
}

// listener is a listening socket and whose connections it takes.
type listener struct {
	at endpoint
	ln net.Listener

	mu    sync.Mutex
	peers map[netip.Addr]*Session
	keys  map[netip.Addr]string // the MD5 keys that the socket has

	strays int       // connections refused since the log said so; of the goroutine that accepts
	said   time.Time // when it did
}

// NewSpeaker is a speaker without sessions.
func NewSpeaker(handler Handler, log *slog.Logger) *Speaker {
	return &Speaker{Listen: listenAt, handler: handler, log: log, sessions: map[string]*Session{}, listeners: map[endpoint]*listener{}}
}

// Apply makes the sessions those of the list, by name: new ones are started, those of a Peer that has changed are started
// anew, the others are left alone but for what they advertise. It does what it can; errors name the sessions that cannot
// be had.
func (sp *Speaker) Apply(list []Desired) error {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	var errs []error
	want := map[string]*Desired{}
	for i := range list {
		d := &list[i]
		if other := want[d.Name]; other != nil {
			errs = append(errs, fmt.Errorf("session %s: asked for twice", d.Name))
			continue
		}
		want[d.Name] = d
	}
	for name, s := range sp.sessions {
		d := want[name]
		switch {
		case d == nil:
			sp.drop(name, s, ceaseDeconfigured)
		case d.Peer != s.Peer():
			sp.drop(name, s, ceaseConfigChange)
		default:
			s.SetExport(d.Export)
		}
	}
	var added []*Session
	for i := range list {
		d := &list[i]
		if sp.sessions[d.Name] != nil || want[d.Name] != d {
			continue
		}
		s, err := NewSession(d.Peer, d.Export, sp.handler, func(ctx context.Context) (net.Conn, error) { return dialPeer(ctx, &d.Peer) })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(d.Restore) > 0 {
			s.Restore(d.Restore)
		}
		sp.sessions[d.Name] = s
		added = append(added, s)
	}
	errs = append(errs, sp.listen()...)
	for _, s := range added {
		s.Start()
	}
	return errors.Join(errs...)
}

func (sp *Speaker) drop(name string, s *Session, subcode uint8) {
	delete(sp.sessions, name)
	s.Stop(subcode, "")
}

// listen opens and closes listening sockets, and tells each whose connections it takes.
func (sp *Speaker) listen() (errs []error) {
	want := map[endpoint]map[netip.Addr]*Session{}
	for _, name := range sp.names() {
		s := sp.sessions[name]
		at := endpoint{s.peer.Namespace, s.peer.Local}
		if want[at] == nil {
			want[at] = map[netip.Addr]*Session{}
		}
		remote := s.peer.Remote.Addr()
		if other := want[at][remote]; other != nil {
			errs = append(errs, fmt.Errorf("session %s: %s has a session with %s at %s already", name, other.peer.Name, remote, at.local))
			continue
		}
		want[at][remote] = s
	}
	for at, l := range sp.listeners {
		if want[at] == nil {
			l.ln.Close()
			delete(sp.listeners, at)
		}
	}
	for at, peers := range want {
		l := sp.listeners[at]
		if l == nil {
			ln, err := sp.Listen(at.namespace, at.local)
			if err != nil {
				errs = append(errs, fmt.Errorf("listen on %s: %w", at.local, err))
				continue
			}
			l = &listener{at: at, ln: ln, keys: map[netip.Addr]string{}}
			sp.listeners[at] = l
			sp.running.Go(func() { sp.accept(l) })
		}
		errs = append(errs, l.serve(peers)...)
	}
	return errs
}

func (sp *Speaker) names() []string {
	names := make([]string, 0, len(sp.sessions))
	for name := range sp.sessions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// serve makes the listener take the connections of these peers, with their MD5 keys.
func (l *listener) serve(peers map[netip.Addr]*Session) (errs []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = peers
	for remote := range l.keys {
		if peers[remote] == nil || peers[remote].peer.Password == "" {
			delete(l.keys, remote)
			errs = append(errs, setKey(l.ln, remote, ""))
		}
	}
	far := false
	for remote, s := range peers {
		if key := s.peer.Password; key != "" && l.keys[remote] != key {
			if err := setKey(l.ln, remote, key); err != nil {
				errs = append(errs, fmt.Errorf("session %s: TCP MD5: %w", s.peer.Name, err))
				continue
			}
			l.keys[remote] = key
		}
		far = far || s.peer.TTLSecurity > 0
	}
	if far { // the SYN-ACK must pass the peer's own check
		errs = append(errs, setTTL(l.ln, maxTTL))
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

const maxTTL = 255

// accept gives connections to their sessions until the listener is closed.
func (sp *Speaker) accept(l *listener) {
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			sp.log.Warn("BGP: accept", "local", l.at.local, "error", err)
			continue
		}
		from, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
		remote := from.Addr().Unmap().WithZone("")
		l.mu.Lock()
		s := l.peers[remote]
		l.mu.Unlock()
		if s == nil {
			sp.refuse(l, conn, remote)
			continue
		}
		if err := prepare(conn, &s.peer); err != nil {
			sp.log.Warn("BGP: socket options", "session", s.peer.Name, "error", err)
			conn.Close()
			continue
		}
		s.Accept(conn)
	}
}

// refuse turns a connection away that is from no peer (RFC 4486 §4), with a line in the log at most every so often.
func (sp *Speaker) refuse(l *listener, conn net.Conn, remote netip.Addr) {
	sp.stray.Add(1)
	l.strays++
	if now := time.Now(); now.Sub(l.said) >= strayInterval {
		sp.log.Warn("BGP connection refused: it is from no peer's address", "local", l.at.local, "remote", remote, "connections", l.strays)
		l.said, l.strays = now, 0
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second)) // never reached: 21 bytes go into an empty buffer
	_, _ = conn.Write(notify(codeCease, ceaseRejected, "").encode())
	conn.Close()
}

// strayInterval is how often the log has connections that are refused.
const strayInterval = 10 * time.Second

// Session is the session of a name; nil: there is none.
func (sp *Speaker) Session(name string) *Session {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return sp.sessions[name]
}

// Sessions are all, by name.
func (sp *Speaker) Sessions() []*Session {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	list := make([]*Session, 0, len(sp.sessions))
	for _, name := range sp.names() {
		list = append(list, sp.sessions[name])
	}
	return list
}

// Stray counts connections from addresses that are no peer's.
func (sp *Speaker) Stray() uint64 { return sp.stray.Load() }

// Close ends all. With freeze no message is sent and what was heard is kept, so that peers with graceful restart keep their
// routes, too, while the process restarts.
func (sp *Speaker) Close(freeze bool) {
	sp.mu.Lock()
	sessions := sp.sessions
	sp.sessions = map[string]*Session{}
	for _, l := range sp.listeners {
		l.ln.Close()
	}
	sp.listeners = map[endpoint]*listener{}
	sp.mu.Unlock()
	for _, s := range sessions {
		if freeze {
			s.Freeze()
		} else {
			s.Stop(ceaseShutdown, "")
		}
	}
	for _, s := range sessions {
		s.Wait()
	}
	sp.running.Wait()
}

func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// dialPeer opens a connection as the peer wants it.
func dialPeer(ctx context.Context, p *Peer) (net.Conn, error) {
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.Local.Addr(), 0)),
		KeepAlive: -1,
		Control:   func(_, _ string, c rawConn) error { return dialOptions(c, p) },
	}
	d.SetMultipathTCP(false) // it has neither MD5 keys nor TTLs
	var conn net.Conn
	err := inNamespace(p.Namespace, func() (err error) {
		conn, err = d.DialContext(ctx, network(p.Remote.Addr()), p.Remote.String())
		return err
	})
	return conn, err
}

// listenAt opens a listening socket. The address need not be one of the system's.
func listenAt(namespace string, local netip.AddrPort) (ln net.Listener, err error) {
	c := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c rawConn) error { return listenOptions(c, local.Addr()) }}
	c.SetMultipathTCP(false) // as in dialPeer
	err = inNamespace(namespace, func() (err error) {
		ln, err = c.Listen(context.Background(), network(local.Addr()), local.String())
		return err
	})
	return ln, err
}
