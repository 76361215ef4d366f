package speaker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/order"
	"portolan/internal/state"
)

// vpnList is the VPN attachments of a core network: among thousands of attachments they are not looked for with every change of a route.
type vpnList struct {
	generation uint64 // of the routes that rows were read with; 0: never
	rows       []*state.Attachment
}

// read finds the VPN attachments that are built. Their sessions are left to [Speaker.ask].
func (l *vpnList) read(v *state.View, network *state.CoreNetwork) (list []found) {
	n := network.ID()
	if l.generation == 0 || !v.AttachmentsSince(n, l.generation) {
		l.rows = nil
		for _, row := range state.Attachments.Rows(v, state.Attachments.In(n.Account, n.ID), "") {
			if row.AttachmentType == api.AttachmentTypeSiteToSiteVpn && row.IsBuilt() {
				l.rows = append(l.rows, row)
			}
		}
	}
	l.generation = v.RoutingGeneration(n)
	for _, row := range l.rows {
		for i := range network.Edges {
			if e := &network.Edges[i]; e.EdgeLocation == row.EdgeLocation && e.Asn != nil {
				f := vpnAttachment(n, row)
				f.vpn, f.local = row, uint32(*e.Asn)
				list = append(list, f)
			}
		}
	}
	return list
}

// ask completes a VPN attachment with what the catalog says of its VPN connection. It is false for an attachment without sessions, or
// where what is stored is another connection's and cannot be removed.
func (sp *Speaker) ask(ctx context.Context, f *found, known *peer) bool {
	sp.askCatalog(ctx, f, known)
	if f.bgp != nil && !slices.EqualFunc(f.sessions, tunnelsOf(f.bgp), sameSession) { // what was heard was another connection's
		if !sp.forget(ctx, &f.identity) {
			return false
		}
		f.bgp, f.routes = nil, nil
	}
	return len(f.sessions) > 0
}

// askCatalog makes a session for each tunnel whose inside block is known. While the catalog cannot be asked the sessions stay as they
// were, those of an earlier process included.
func (sp *Speaker) askCatalog(ctx context.Context, f *found, known *peer) {
	if sp.catalog == nil {
		return
	}
	vpn, err := sp.catalog.VPNConnection(ctx, f.vpn.ResourceArn)
	if catalog.Blank(err) || err == nil && vpn.Static() {
		return
	}
	var asn uint32
	if err == nil {
		var gateway *catalog.CustomerGateway
		if gateway, err = sp.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
			asn = gateway.ASN
		}
	}
	switch {
	case err != nil && !catalog.Blank(err) && known != nil:
		f.identity, f.sessions = known.identity, known.sessions
		return
	case err != nil && !catalog.Blank(err):
		f.sessions = tunnelsOf(f.bgp)
		return
	case asn == 0:
		f.problem = "the catalog does not know the ASN of the customer gateway"
	}
	f.tunnels(vpn.Tunnels, asn)
}

// tunnels are sessions, one in each tunnel, in an order that is not the catalog's: an endpoint may change its own.
func (f *found) tunnels(list []catalog.Tunnel, asn uint32) {
	for i := range list {
		core, router, ok := list[i].Inside()
		switch {
		case !ok || len(f.sessions) == maxSessions:
			continue
		case len(f.sessions) > 0 && f.sessions[0].core == core:
			f.problem = fmt.Sprintf("both tunnels have the inside CIDR block of %s", core)
			continue
		}
		f.sessions = append(f.sessions, inTunnel(core, router, f.local, asn, list[i].OutsideIP.String()))
	}
	order.Sort(f.sessions, func(a, b *session) int { return a.core.Compare(b.core) })
}

// inTunnel is the session in a VPN tunnel. It carries the routes of its own address family alone, as the tunnel does.
func inTunnel(core, router netip.Addr, local, remote uint32, outside string) *session {
	s := &session{core: core, router: router, local: local, remote: remote, outside: outside}
	if core.Is6() {
		s.core6 = core
	}
	return s
}

// tunnelsOf are the sessions of a VPN attachment, as they are stored.
func tunnelsOf(b *state.PeerBGP) (list []*session) {
	if b == nil {
		return nil
	}
	for i := range b.Sessions {
		s, t := &b.Sessions[i], &b.Sessions[i].Tunnel
		core, err1 := netip.ParseAddr(s.CoreNetworkAddress)
		router, err2 := netip.ParseAddr(t.PeerAddress)
		if err1 == nil && err2 == nil && len(list) < maxSessions {
			list = append(list, inTunnel(core, router, t.CoreNetworkAsn, t.PeerAsn, t.OutsideIP))
		}
	}
	return list
}

// stored is a session as it is stored.
func (s *session) stored() state.BGPSession {
	b := state.BGPSession{CoreNetworkAddress: s.core.String(), Up: s.up, Since: state.Time{Time: s.since}, Reason: s.reason}
	if s.problem != "" {
		b.Reason = s.problem
	}
	if s.outside != "" {
		b.Tunnel = state.BGPTunnel{OutsideIP: s.outside, PeerAddress: s.router.String(), CoreNetworkAsn: s.local, PeerAsn: s.remote}
	}
	return b
}
