package speaker

import (
	"fmt"
	"net/netip"

	"portolan/internal/bgp"
	"portolan/internal/bgp/mrt"
	"portolan/internal/page"
)

// Recorded is what the sessions of a recorded file came to.
type Recorded struct {
	Sessions []RecordedSession `json:"sessions"`
}

// RecordedSession is a session as its last message left it.
type RecordedSession struct {
	PeerAddress        netip.Addr `json:"peerAddress"`
	PeerASN            uint32     `json:"peerAsn"`
	CoreNetworkAddress netip.Addr `json:"coreNetworkAddress"`
	CoreNetworkASN     uint32     `json:"coreNetworkAsn"`
	State              string     `json:"state"`
	Reason             string     `json:"reason,omitempty"`    // why it was last down
	Malformed          string     `json:"malformed,omitempty"` // why routes were last treated as withdrawn
	Messages           int        `json:"messages"`            // of the peer
	Routes             []Route    `json:"routes"`
}

// NewRecorded shows sessions that were repeated.
func NewRecorded(list []mrt.Session) *Recorded {
	out := &Recorded{Sessions: []RecordedSession{}}
	for i := range list {
		s := &list[i]
		r := RecordedSession{
			PeerAddress: s.Peer, PeerASN: s.PeerAS, CoreNetworkAddress: s.Local, CoreNetworkASN: s.LocalAS, State: s.State.String(), Reason: s.Reason,
			Malformed: s.Malformed, Messages: s.Messages, Routes: []Route{},
		}
		for _, h := range s.Routes {
			r.Routes = append(r.Routes, heardRoute(s.Local, &h))
		}
		out.Sessions = append(out.Sessions, r)
	}
	return out
}

func heardRoute(core netip.Addr, h *bgp.HeardRoute) Route {
	r := routeOf(core, h.Prefix, h.Attrs)
	r.NextHop, r.Stale = h.Attrs.NextHop, h.Stale
	return r
}

// Page is a heading and a table for each session.
func (r *Recorded) Page() *page.Page {
	p := &page.Page{}
	if len(r.Sessions) == 0 {
		p.Line(page.Plain, "no messages")
	}
	for i := range r.Sessions {
		s := &r.Sessions[i]
		p.Heading(fmt.Sprintf("%s AS %d, to %s AS %d: %s; messages: %d, routes: %d",
			s.PeerAddress, s.PeerASN, s.CoreNetworkAddress, s.CoreNetworkASN, s.State, s.Messages, len(s.Routes)))
		if s.Reason != "" {
			p.Line(page.Plain, "last down: %s", s.Reason)
		}
		if s.Malformed != "" {
			p.Line(page.Bad, "treated as withdrawn: %s", s.Malformed)
		}
		if len(s.Routes) > 0 {
			(&Routes{Routes: s.Routes}).rows(p)
		}
	}
	return p
}
