package speaker

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/order"
	"portolan/internal/page"
)

// Session is a BGP session as control calls show it. Routes are counted as they are now, messages since the session was made.
type Session struct {
	ConnectPeerID string `json:"connectPeerId,omitzero"`
	AttachmentID  string `json:"attachmentId,omitzero"` // of a Site-to-Site VPN attachment
	CoreNetworkID string `json:"coreNetworkId"`
	Edge          string `json:"edge"`

	CoreNetworkAddress netip.Addr `json:"coreNetworkAddress"`
	PeerAddress        netip.Addr `json:"peerAddress"`
	CoreNetworkASN     uint32     `json:"coreNetworkAsn"`
	PeerASN            uint32     `json:"peerAsn"`
	OutsideIP          string     `json:"outsideIpAddress,omitzero"` // of the VPN tunnel

	Local     string `json:"local"`               // the socket, which differs in the mode loopback
	Remote    string `json:"remote"`              //
	Namespace string `json:"namespace,omitempty"` // network namespace

	State      string    `json:"state"` // of RFC 4271
	Since      time.Time `json:"since"`
	HoldTime   int       `json:"holdTimeSeconds,omitempty"` // negotiated
	Families   []string  `json:"families,omitempty"`        // negotiated
	LastReason string    `json:"lastReason,omitempty"`      // why it was last down
	Problem    string    `json:"problem,omitempty"`         // why it cannot be held
	HeldBy     string    `json:"heldBy,omitempty"`          // another server that holds it: what follows is what that one has stored
	Malformed  string    `json:"lastMalformed,omitempty"`   // why routes were last treated as withdrawn
	Tunnel     *Tunnel   `json:"tunnel,omitempty"`

	MD5         bool `json:"md5,omitempty"`         // TCP MD5, with a password that is not shown
	TTLSecurity int  `json:"ttlSecurity,omitempty"` // GTSM: the most hops

	Heard      int    `json:"heard"`      // prefixes
	Stale      int    `json:"stale"`      // of them
	Advertised int    `json:"advertised"` // prefixes of the families of the session; 0 while it is not up
	Behind     bool   `json:"behind"`     // routes wait to be sent
	Flaps      uint64 `json:"flaps"`
	UpdatesIn  uint64 `json:"updatesIn"`
	UpdatesOut uint64 `json:"updatesOut"`
	Looped     uint64 `json:"looped"` // prefixes that came with our AS in the path, dropped
	TooLong    uint64 `json:"tooLong"`
}

// Tunnel is the GRE tunnel that a session goes through.
type Tunnel struct {
	CoreNetworkAddress string   `json:"coreNetworkAddress"`
	PeerAddress        string   `json:"peerAddress"`
	InsideCIDRBlocks   []string `json:"insideCidrBlocks"`
}

// PeerID is the id of the Connect peer or the attachment.
func (s *Session) PeerID() string { return cmp.Or(s.ConnectPeerID, s.AttachmentID) }

// Sessions are the sessions of the caller, of one core network or of all, by peer and address.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

// Route is a route of a session, heard or advertised.
type Route struct {
	CoreNetworkAddress netip.Addr   `json:"coreNetworkAddress"` // of the session
	Prefix             netip.Prefix `json:"prefix"`
	NextHop            netip.Addr   `json:"nextHop"`
	ASPath             []uint32     `json:"asPath"`
	MED                *uint32      `json:"med,omitempty"`
	LocalPref          *uint32      `json:"localPref,omitempty"`
	Communities        []string     `json:"communities,omitempty"`
	Stale              bool         `json:"stale,omitempty"`
}

// Routes are routes by session and prefix.
type Routes struct {
	Routes []Route `json:"routes"`
}

// copied is a session with what is under the lock of the speaker, so that the rest can be asked for without it.
type copied struct {
	Session
	export *bgp.Export
	name   string
	core6  netip.Addr
}

// copies are the sessions that wanted says yes to, in order.
func (sp *Speaker) copies(wanted func(*peer) bool) []copied {
	sp.mu.Lock()
	var list []copied
	for _, p := range sp.peers {
		if !wanted(p) {
			continue
		}
		for _, s := range p.sessions {
			c := copied{export: p.export, name: s.name, core6: s.core6, Session: s.shown(p)}
			c.State, c.Since, c.LastReason, c.Problem = bgp.Idle.String(), s.since.UTC(), s.reason, s.problem
			secret := sp.secrets[p.id]
			c.MD5, c.TTLSecurity = secret.Password != "", secret.TTLSecurity
			list = append(list, c)
		}
	}
	sp.mu.Unlock()
	order.Sort(list, func(a, b copied) int { return strings.Compare(a.name, b.name) })
	return list
}

// shown is what follows from who the peer is.
func (s *session) shown(p *peer) Session {
	out := Session{
		CoreNetworkID: p.network.ID, Edge: p.edge,
		CoreNetworkAddress: s.core, PeerAddress: s.router, CoreNetworkASN: s.local, PeerASN: s.remote, OutsideIP: s.outside,
	}
	if p.connect != nil {
		out.ConnectPeerID = p.id
	} else {
		out.AttachmentID = p.id
	}
	if p.gre() {
		config := p.connect.Configuration
		out.Tunnel = &Tunnel{config.CoreNetworkAddress, config.PeerAddress, config.InsideCidrBlocks}
	}
	return out
}

// complete asks the session itself for the rest.
func (sp *Speaker) complete(c *copied) *Session {
	r := &c.Session
	s := sp.bgp.Session(c.name)
	if s == nil {
		return r
	}
	i := s.Info()
	r.Local, r.Remote, r.Namespace = i.Peer.Local.String(), i.Peer.Remote.String(), strings.TrimPrefix(i.Peer.Namespace, netnsFolder)
	r.State, r.Since, r.HoldTime = i.State.String(), i.Since.UTC(), int(i.HoldTime/time.Second)
	if i.LastReason != "" {
		r.LastReason = i.LastReason
	}
	r.Malformed, r.Heard, r.Stale, r.Behind, r.Flaps = i.LastMalformed, i.Heard, i.Stale, i.Behind, i.Flaps
	r.UpdatesIn, r.UpdatesOut, r.Looped, r.TooLong = i.Counters.UpdatesIn, i.Counters.UpdatesOut, i.Counters.Looped, i.Counters.TooLong
	if i.State == bgp.Established {
		for _, f := range []struct {
			family bgp.Family
			name   string
		}{{bgp.IPv4, "IPv4"}, {bgp.IPv6, "IPv6"}} {
			if i.Capabilities.Families&f.family != 0 {
				r.Families = append(r.Families, f.name)
			}
		}
		r.Advertised = c.export.Len(i.Capabilities.Families)
	}
	return r
}

// All walks the sessions of all accounts.
func (sp *Speaker) All(f func(*Session)) {
	list := sp.copies(func(*peer) bool { return true })
	for i := range list {
		f(sp.complete(&list[i]))
	}
}

// BGPSessions are the caller's sessions.
func (sp *Speaker) BGPSessions(ctx context.Context, coreNetwork string) (*Sessions, error) {
	if sp.elsewhere() {
		return sp.storedSessions(ctx, coreNetwork)
	}
	account := api.CallerFrom(ctx).Account
	list := sp.copies(func(p *peer) bool {
		return p.network.Account == account && (coreNetwork == "" || coreNetwork == p.network.ID)
	})
	out := &Sessions{Sessions: []Session{}}
	for i := range list {
		out.Sessions = append(out.Sessions, *sp.complete(&list[i]))
	}
	return out, nil
}

func notFound(id string) error {
	if strings.HasPrefix(id, "attachment-") {
		return api.NotFound("attachment", id)
	}
	return api.NotFound("connect-peer", id)
}

// of are the sessions of one of the caller's peers, or the one with the core network address.
func (sp *Speaker) of(ctx context.Context, id, address string) ([]copied, error) {
	if sp.elsewhere() {
		return nil, sp.refusal(ctx)
	}
	account := api.CallerFrom(ctx).Account
	list := sp.copies(func(p *peer) bool { return p.id == id && p.network.Account == account })
	if len(list) == 0 {
		return nil, notFound(id)
	}
	if address != "" {
		list = slices.DeleteFunc(list, func(c copied) bool { return c.CoreNetworkAddress.String() != address })
		if len(list) == 0 {
			return nil, api.InvalidField("address", "There is no session with this core network address.")
		}
	}
	return list, nil
}

// BGPHeard is what the router has advertised on the sessions of a peer.
func (sp *Speaker) BGPHeard(ctx context.Context, id, address string) (*Routes, error) {
	if sp.elsewhere() {
		return sp.storedRoutes(ctx, id, address)
	}
	list, err := sp.of(ctx, id, address)
	if err != nil {
		return nil, err
	}
	out := &Routes{Routes: []Route{}}
	for i := range list {
		s := sp.bgp.Session(list[i].name)
		if s == nil {
			continue
		}
		for _, h := range s.Heard() {
			out.Routes = append(out.Routes, heardRoute(list[i].CoreNetworkAddress, &h))
		}
	}
	return out, nil
}

// BGPAdvertised is what a router has been advertised, or is about to be, on the sessions of a peer that are up.
func (sp *Speaker) BGPAdvertised(ctx context.Context, id, address string) (*Routes, error) {
	list, err := sp.of(ctx, id, address)
	if err != nil {
		return nil, err
	}
	out := &Routes{Routes: []Route{}}
	for i := range list {
		c := &list[i]
		s := sp.bgp.Session(c.name)
		if s == nil {
			continue
		}
		info := s.Info()
		if info.State != bgp.Established {
			continue
		}
		for _, a := range c.export.Routes(0) {
			r := routeOf(c.CoreNetworkAddress, a.Prefix, a.Attrs)
			family := bgp.IPv4
			if r.NextHop = c.CoreNetworkAddress; a.Prefix.Addr().Is6() {
				r.NextHop, family = c.core6, bgp.IPv6
			}
			if info.Capabilities.Families&family != 0 {
				out.Routes = append(out.Routes, r)
			}
		}
	}
	return out, nil
}

func routeOf(session netip.Addr, prefix netip.Prefix, a *bgp.Attributes) Route {
	r := Route{CoreNetworkAddress: session, Prefix: prefix, ASPath: a.ASPath}
	if r.ASPath == nil {
		r.ASPath = []uint32{}
	}
	if a.HasMED {
		r.MED = &a.MED
	}
	if a.HasLocalPref {
		r.LocalPref = &a.LocalPref
	}
	for _, c := range a.Communities {
		r.Communities = append(r.Communities, fmt.Sprintf("%d:%d", c>>16, c&0xffff))
	}
	return r
}

// BGPReset ends the sessions of a peer with Cease/Administrative Reset; they come back by themselves. A soft reset leaves
// them up: routes are advertised again, and the router is asked for its own.
func (sp *Speaker) BGPReset(ctx context.Context, id, address string, soft bool) error {
	list, err := sp.of(ctx, id, address)
	if err != nil {
		return err
	}
	for i := range list {
		s := sp.bgp.Session(list[i].name)
		switch {
		case s == nil:
		case soft:
			s.Refresh()
			s.Resend()
		default:
			s.Reset("")
		}
	}
	return nil
}

// Page is a row for each session.
func (l *Sessions) Page() *page.Page {
	var rows [][]page.Cell
	for i := range l.Sessions {
		s := &l.Sessions[i]
		reason, state := s.LastReason, page.Cell{Text: s.State, Mark: page.Bad}
		if s.Problem != "" {
			reason = s.Problem
		}
		if s.HeldBy != "" {
			reason = strings.TrimSuffix("held by "+s.HeldBy+"; "+reason, "; ")
		}
		if s.State == bgp.Established.String() {
			state.Mark = page.Good
		}
		row := page.Cells(s.PeerID(), s.Edge, socket(s.CoreNetworkAddress, s.Local), socket(s.PeerAddress, s.Remote), fmt.Sprint(s.PeerASN))
		rows = append(rows, append(append(row, state), page.Cells(s.Since.Format(time.RFC3339), fmt.Sprint(s.Heard), fmt.Sprint(s.Advertised), reason)...))
	}
	p := &page.Page{}
	p.Rows([]string{"PEER", "EDGE", "CORE NETWORK ADDRESS", "ROUTER", "AS", "STATE", "SINCE", "HEARD", "ADVERTISED", "LAST REASON"}, rows)
	return p
}

// socket is an address, with the socket where that has another one.
func socket(a netip.Addr, at string) string {
	if used, err := netip.ParseAddrPort(at); err != nil || used.Addr() == a {
		return a.String()
	}
	return a.String() + " at " + at
}

// Page is a row for each route.
func (l *Routes) Page() *page.Page {
	p := &page.Page{}
	l.rows(p)
	return p
}

func (l *Routes) rows(p *page.Page) {
	var rows [][]page.Cell
	for i := range l.Routes {
		r := &l.Routes[i]
		med, stale := "-", ""
		if r.MED != nil {
			med = fmt.Sprint(*r.MED)
		}
		if r.Stale {
			stale = "stale"
		}
		rows = append(rows, page.Cells(r.CoreNetworkAddress.String(), r.Prefix.String(), r.NextHop.String(), med,
			strings.Trim(fmt.Sprint(r.ASPath), "[]"), strings.Join(r.Communities, " "), stale))
	}
	p.Rows([]string{"SESSION", "PREFIX", "NEXT HOP", "MED", "AS PATH", "COMMUNITIES", ""}, rows)
}
