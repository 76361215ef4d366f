package mrt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"portolan/internal/bgp"
)

// Session is a session of a file, as it was after the last record that was repeated.
type Session struct {
	PeerAS, LocalAS uint32
	Peer, Local     netip.Addr
	State           bgp.State
	Reason          string // why it was last down; "": it never was
	Malformed       string // why routes were last treated as withdrawn
	Messages        int    // of the peer
	Routes          []bgp.HeardRoute
}

// Replay repeats what the peers of a file have sent, each on a session of its own, up to a time; the zero time is the end of the file.
// The sessions are in the order of their first records. A file without a record is [ErrNothing].
func Replay(ctx context.Context, in io.Reader, until time.Time) ([]Session, error) {
	p := &player{bySession: map[key]*played{}}
	defer p.close()
	found := false
	for r := NewReader(in); ; found = true {
		rec, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && !found:
			return nil, ErrNothing
		case errors.Is(err, io.EOF):
			return p.sessions(ctx)
		case err != nil:
			return nil, err
		case !until.IsZero() && rec.At.After(until):
			continue // records of one file may be out of order by little
		}
		if err := p.play(ctx, rec); err != nil {
			return nil, err
		}
	}
}

// ErrNothing is the error of a file that has no record of BGP.
var ErrNothing = errors.New("the file holds no BGP4MP record")

type key struct {
	peer, local     netip.Addr
	peerAS, localAS uint32
}

type player struct {
	bySession map[key]*played
	order     []*played
}

// played is a session that is repeated. It is its own Handler.
type played struct {
	key
	session  *bgp.Session
	messages int
	changes  bool          // changes of its state are recorded, too
	open     []byte        // an OPEN that came while another connection was there; nil: none
	conn     net.Conn      // of the peer's side; nil: none
	closed   chan struct{} // conn is closed by the session
	received chan struct{} // a message has arrived
	down     chan struct{} // the session has no connection any more
}

// Changed notes that a connection is over.
func (p *played) Changed(_ *bgp.Session, t bgp.Transition) {
	if t.From >= bgp.OpenSent && t.To < bgp.OpenSent {
		p.down <- struct{}{}
	}
}

// Heard leaves routes where they are: see [Session].
func (p *played) Heard(*bgp.Session, []bgp.Change) {}

// Malformed is part of the session's Info.
func (p *played) Malformed(*bgp.Session, *bgp.Notification) {}

// Received notes that a message has arrived.
func (p *played) Received(*bgp.Session, []byte) { p.received <- struct{}{} }

// restartTime is what a Connect peer's sessions offer: what was heard stays for the peer to come back.
const restartTime = 120 * time.Second

func (p *player) session(rec *Record) (*played, error) {
	k := key{rec.Peer.Unmap(), rec.Local.Unmap(), rec.PeerAS, rec.LocalAS}
	if s := p.bySession[k]; s != nil {
		return s, nil
	}
	s := &played{key: k, received: make(chan struct{}, 1), down: make(chan struct{}, 1)}
	peer := bgp.Peer{
		Name: fmt.Sprintf("AS%d at %s", k.peerAS, k.peer), LocalAS: k.localAS, PeerAS: k.peerAS, RouterID: routerID(k.local, 1), Passive: true,
		IdleHold: 1, MaxIdleHold: 1, Families: bgp.IPv4 | bgp.IPv6, NextHop4: routerID(k.local, 1), NextHop6: netip.IPv6LinkLocalAllNodes(), RestartTime: restartTime,
	}
	var err error
	if s.session, err = bgp.NewSession(peer, bgp.NewExport(), s, nil); err != nil {
		return nil, err
	}
	s.session.Start()
	p.bySession[k], p.order = s, append(p.order, s)
	return s, nil
}

// routerID is an identifier of the end with the address.
func routerID(a netip.Addr, end byte) netip.Addr {
	if a.Is4() {
		return a
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, end})
}

func (p *player) play(ctx context.Context, rec *Record) error {
	s, err := p.session(rec)
	if err != nil {
		return err
	}
	if rec.Message == nil {
		s.changes = true
		if rec.From == rec.To { // the file begins here
			if rec.To == bgp.Established && s.conn == nil {
				return s.connect(ctx, true)
			}
			return nil
		}
		if rec.From != bgp.Established || rec.To < bgp.OpenSent { // otherwise the OPEN that came took the place of the session
			s.open = nil
		}
		// Idle: the process before was killed, and did not say that it was over.
		if lost := rec.From >= bgp.OpenSent && rec.To < bgp.OpenSent; lost || rec.From == bgp.Established || rec.From == bgp.Idle {
			s.hangUp()
			return s.begin(ctx)
		}
		return nil
	}
	s.messages++
	if err := s.collided(ctx); err != nil {
		return err
	}
	open := rec.Message[headerSize-1] == typeOpen
	switch {
	case open && s.conn != nil:
		s.open = rec.Message
		return nil
	case s.conn == nil:
		if err := s.connect(ctx, !open); err != nil {
			return err
		}
	}
	return s.send(ctx, rec.Message)
}

// collided settles what became of a connection whose OPEN came while there was another one, and after which no change of the state was
// recorded. Where changes are recorded, it was refused, or it took the place of one that was not established: the peer is the same.
func (s *played) collided(ctx context.Context) error {
	if s.changes {
		s.open = nil
	}
	if s.open == nil {
		return nil
	}
	s.hangUp()
	return s.begin(ctx)
}

// begin begins the session whose OPEN has come.
func (s *played) begin(ctx context.Context) error {
	open := s.open
	if s.open = nil; open == nil {
		return nil
	}
	if err := s.connect(ctx, false); err != nil {
		return err
	}
	return s.send(ctx, open)
}

const typeOpen = 1 // of a BGP message

// connect opens a connection. Where the file begins in the middle of a session, an OPEN and a KEEPALIVE of its peer are made up.
func (s *played) connect(ctx context.Context, introduce bool) error {
	theirs, ours := net.Pipe()
	s.conn, s.closed = theirs, make(chan struct{})
	closed := s.closed
	go func() {
		_, _ = io.Copy(io.Discard, theirs)
		close(closed)
	}()
	s.session.Accept(ours)
	if !introduce {
		return nil
	}
	other := bgp.Peer{
		LocalAS: s.peerAS, PeerAS: s.localAS, RouterID: routerID(s.peer, 2), Families: bgp.IPv4 | bgp.IPv6,
		NextHop4: routerID(s.peer, 2), NextHop6: netip.IPv6LinkLocalAllNodes(), RestartTime: restartTime,
	}
	open, err := bgp.OpenMessage(&other)
	if err != nil {
		return err
	}
	if err := s.send(ctx, open); err != nil {
		return err
	}
	return s.send(ctx, keepalive())
}

func keepalive() []byte {
	return append(slices.Repeat([]byte{0xff}, 16), 0, headerSize, 4)
}

// send waits until the session has the message, or has closed the connection.
func (s *played) send(ctx context.Context, message []byte) error {
	if s.conn == nil {
		return nil
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = s.conn.Write(message) // if it fails, the session has closed the connection
	}()
	select {
	case <-s.received:
		<-sent
		if s.session.Info().State < bgp.OpenSent { // the message has ended the session, which is about to close the connection
			s.hangUp()
		}
	case <-s.closed: // the session has refused it
		<-sent
		s.hangUp()
	case <-ctx.Done():
		s.hangUp()
		<-sent
		return ctx.Err()
	}
	return nil
}

// hangUp ends the connection as the peer does.
func (s *played) hangUp() {
	if s.conn == nil {
		return
	}
	_ = s.conn.Close()
	<-s.closed
	<-s.down
	s.conn = nil
	select {
	case <-s.received:
	default:
	}
}

func (p *player) sessions(ctx context.Context) ([]Session, error) {
	list := make([]Session, 0, len(p.order))
	for _, s := range p.order {
		if err := s.collided(ctx); err != nil {
			return nil, err
		}
		info := s.session.Info() // waits for the last message to be handled
		list = append(list, Session{
			PeerAS: s.peerAS, LocalAS: s.localAS, Peer: s.peer, Local: s.local, State: info.State, Reason: info.LastReason, Malformed: info.LastMalformed,
			Messages: s.messages, Routes: s.session.Heard(),
		})
	}
	return list, nil
}

func (p *player) close() {
	for _, s := range p.order {
		s.session.Stop(0, "")
		s.hangUp()
		s.session.Wait()
	}
}
