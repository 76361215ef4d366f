package bmp

import (
	"context"
	"log/slog"
	"net"
	"time"

	"portolan/internal/bgp"
)

const (
	queueLimit   = 16 << 20 // what waits for a station, in bytes
	dialTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	firstPause   = time.Second // after a connection was lost, doubled by each that follows
	longestPause = 2 * time.Minute
)

// Station is a monitoring station that is connected to. Its Tap is for the sessions.
type Station struct {
	*bgp.Tap

	address     string
	description string
	name        string
	log         *slog.Logger
	dial        func(context.Context) (net.Conn, error)
}

// NewStation is a station at HOST:PORT. description and name say to it who sends.
func NewStation(address, description, name string, log *slog.Logger) *Station {
	return &Station{
		Tap: bgp.NewTap(queueLimit), address: address, description: description, name: name, log: log,
		dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
		},
	}
}

// Run keeps a connection until ctx ends. sessions are all that there are: what they hold is sent first. A station that reads too slowly loses its connection, and gets all routes on the next.
func (s *Station) Run(ctx context.Context, sessions func() []*bgp.Session) {
	pause := firstPause
	for ctx.Err() == nil {
		conn, err := s.dial(ctx)
		if err == nil {
			s.log.Info("BMP station connected", "station", s.address)
			pause = firstPause
			err = s.feed(ctx, conn, sessions)
			_ = conn.Close()
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("BMP station not connected", "station", s.address, "error", err, "again_in", pause)
		wait := time.NewTimer(pause)
		pause = min(2*pause, longestPause)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				waiting = false
			case <-s.Wake():
				s.Take() // it gets all routes when it is back
			case <-wait.C:
				waiting = false
			}
		}
		wait.Stop()
	}
}

// feed sends all routes, and then what changes, until the connection or ctx ends.
func (s *Station) feed(ctx context.Context, conn net.Conn, sessions func() []*bgp.Session) error {
	f := &feed{conn: conn, up: map[*bgp.Session]*peer{}}
	gone := make(chan struct{}) // a station sends nothing; it may close
	go func() {
		defer close(gone)
		var b [64]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
		}
	}()
	s.Take() // what is noted from here on is after, or in, the routes that are read below
	if err := f.write(initiate(s.description, s.name)); err != nil {
		return err
	}
	for _, session := range sessions() {
		if err := f.establish(session); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return f.write(terminate())
		case <-gone:
			return net.ErrClosed
		case <-s.Wake():
		}
		list, lost := s.Take()
		if lost > 0 {
			return errSlow
		}
		for i := range list {
			if err := f.pass(&list[i]); err != nil {
				return err
			}
		}
	}
}

type slowError struct{}

func (slowError) Error() string { return "it reads more slowly than messages arrive" }

var errSlow = slowError{}

// feed is one connection.
type feed struct {
	conn net.Conn
	up   map[*bgp.Session]*peer // that the station knows
	buf  []byte
}

func (f *feed) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := f.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := f.conn.Write(b)
	return err
}

// establish says that a session is up, and all its routes. A session that is not up says nothing.
func (f *feed) establish(s *bgp.Session) error {
	i := s.Info()
	if i.State != bgp.Established || i.ReceivedOpen == nil {
		return nil
	}
	p := &peer{address: i.Peer.Remote.Addr(), as: i.Peer.PeerAS, id: i.PeerID, short: !i.Capabilities.FourOctetAS}
	f.up[s] = p
	f.buf = p.up(f.buf[:0], &i)
	for _, u := range bgp.Updates(s.Heard(), i.Capabilities.FourOctetAS) {
		f.buf = p.about(f.buf, routeMonitoring, i.Since, u...)
		if len(f.buf) > 256<<10 {
			if err := f.write(f.buf); err != nil {
				return err
			}
			f.buf = f.buf[:0]
		}
	}
	for _, family := range []bgp.Family{bgp.IPv4, bgp.IPv6} {
		if i.Capabilities.Families&family != 0 {
			f.buf = p.about(f.buf, routeMonitoring, i.Since, bgp.EndOfRIB(family)...)
		}
	}
	return f.write(f.buf)
}

// pass sends on what a session has received.
func (f *feed) pass(e *bgp.Tapped) error {
	p := f.up[e.Session]
	switch {
	case e.Message != nil:
		if p == nil || len(e.Message) < headerSize || e.Message[headerSize-1] != typeUpdate {
			return nil
		}
		f.buf = p.about(f.buf[:0], routeMonitoring, e.At, e.Message...)
		return f.write(f.buf)
	case e.Transition.To == bgp.Established:
		if p != nil { // it came up while the connection was made
			return nil
		}
		return f.establish(e.Session)
	case e.Transition.From == bgp.Established && p != nil:
		delete(f.up, e.Session)
		f.buf = p.down(f.buf[:0], &e.Transition)
		return f.write(f.buf)
	}
	return nil
}

const (
	headerSize = 19 // of a BGP message
	typeUpdate = 2
)
