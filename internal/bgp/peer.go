package bgp

import (
	"cmp"
	"net/netip"
	"time"
)

// Peer is what one session is to be. It is comparable: a session whose Peer has changed is started anew.
type Peer struct {
	Name      string // for people: log lines, metrics
	Turn      uint64 // another one is another peer, for [Speaker.Apply]: what was heard from the one before is gone
	Local     netip.AddrPort
	Remote    netip.AddrPort // the port is for an active session; one that is accepted has any
	Namespace string         // path of the network namespace; "": the process's own
	LocalAS   uint32
	PeerAS    uint32     // the same as LocalAS: iBGP
	RouterID  netip.Addr // IPv4

	Passive      bool          // leave it to the peer to connect, until the session has been up; after a restart, too, it is not waited for
	HoldTime     time.Duration // proposed; 0: defaultHoldTime
	ConnectRetry time.Duration // 0: 30 s
	DelayOpen    time.Duration // wait this long for the peer's OPEN before ours is sent
	IdleHold     time.Duration // after the first failure, doubled by each that follows; 0: 1 s
	MaxIdleHold  time.Duration // 0: 60 s
	SendHold     time.Duration // the longest that a write may block; 0: 8 minutes, or twice the hold time (RFC 9687)

	Families    Family
	NextHop4    netip.Addr // of the routes that are advertised; needed for IPv4
	NextHop6    netip.Addr // needed for IPv6
	Source      Source     // routes of the same source are not advertised
	MaxPrefixes int        // more end the session; 0: any number

	RestartTime time.Duration // graceful restart: how long the peer may keep our routes; 0: none
	StaleTime   time.Duration // how long stale routes wait for End-of-RIB at most; 0: 120 s
	Restarting  bool          // this process has just restarted and kept its state

	Password    string // TCP MD5 (RFC 2385); "": none
	TTLSecurity int    // GTSM (RFC 5082): the most hops that the peer may be away; 0: off
	TTL         int    // of what is sent without GTSM; 0: the system's
}

// defaultHoldTime is what AWS's sessions of Connect peers propose.
const defaultHoldTime = 30 * time.Second

// internal says whether the session is iBGP.
func (p *Peer) internal() bool { return p.LocalAS == p.PeerAS }

func (p *Peer) holdTime() time.Duration     { return cmp.Or(p.HoldTime, defaultHoldTime) }
func (p *Peer) connectRetry() time.Duration { return cmp.Or(p.ConnectRetry, 30*time.Second) }
func (p *Peer) maxIdleHold() time.Duration  { return cmp.Or(p.MaxIdleHold, 60*time.Second) }
func (p *Peer) staleTime() time.Duration    { return cmp.Or(p.StaleTime, 120*time.Second) }

// idleHold is how long a session rests after so many failures in a row.
func (p *Peer) idleHold(failures int) time.Duration {
	d, limit := cmp.Or(p.IdleHold, time.Second), p.maxIdleHold()
	for range failures - 1 {
		if d >= limit {
			break
		}
		d *= 2
	}
	return min(d, limit)
}

// families is what can be offered: a family needs a next hop.
func (p *Peer) families() Family {
	set := p.Families
	if !p.NextHop4.Is4() {
		set &^= IPv4
	}
	if !p.NextHop6.Is6() {
		set &^= IPv6
	}
	return set
}

// capabilities is what the session offers.
func (p *Peer) capabilities(first bool) Capabilities {
	c := Capabilities{Families: p.families(), FourOctetAS: true, RouteRefresh: true, EnhancedRefresh: true, ExtendedMessage: true}
	if p.RestartTime > 0 {
		c.GracefulRestart, c.Notifications = true, true
		c.RestartTime = min(p.RestartTime, 4095*time.Second)
		c.GracefulFor, c.Forwarding = c.Families, c.Families
		c.Restarting = p.Restarting && first
	}
	return c
}
