package network

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/routing"
)

// attached is an attachment with everything stored that its part of the network depends on.
type attached struct {
	*state.Attachment
	announced  []routing.Announcement // what was put for it
	peers      []snapshot.Peer        // its Connect peers that are AVAILABLE, with what was put for each or was heard
	sessions   []snapshot.Session     // of a VPN attachment that a server holds
	overridden int                    // routes heard on them that announced takes the place of
	peering    string                 // the transit gateway's end of the peering that a route table is attached over
	heard      map[string]uint64      // the version of what was heard from each peer that is part of it
	peerASN    uint32                 // that its Connect peers agree on, or that it was imported with; 0 for none
}

// read reads an attachment. What was put for a Connect peer takes the place of what was heard from it.
func (n *Networks) read(v *state.View, row *state.Attachment) attached {
	owner := row.NetworkOwner()
	announced := func(id string) []routing.Announcement {
		if set, ok := state.Announcements.Get(v, state.Announcements.Key(owner, row.CoreNetworkId, id)); ok {
			return set.Routing()
		}
		return nil
	}
	a := attached{Attachment: row, announced: announced(row.AttachmentId), peerASN: row.PeerASN}
	if peering, ok := state.Peerings.ByID(v, row.PeeringId); ok && row.PeeringId != "" {
		a.peering = peering.TransitGatewayPeeringAttachmentId
	}
	if row.AttachmentType != api.AttachmentTypeConnect {
		if held, ok := row.BGP(v); ok {
			a.sessions = sessionsOf(held)
			var version uint64
			if a.announced, a.overridden, version = n.heardFrom(v, owner, held, a.announced); version > 0 {
				a.heard = map[string]uint64{row.AttachmentId: version}
			}
		}
		return a
	}
	var asn uint32
	agree := true
	for _, peer := range state.ConnectPeers.Rows(v, state.ConnectPeers.In(owner, row.AttachmentId), "") {
		if peer.State == api.ConnectPeerStateAvailable {
			p, version := n.readPeer(v, peer, announced(peer.ConnectPeerId))
			if a.peers = append(a.peers, p); version > 0 {
				if a.heard == nil {
					a.heard = map[string]uint64{}
				}
				a.heard[p.ID] = version
			}
		}
		if peer.State == api.ConnectPeerStateFailed {
			continue
		}
		if theirs := asnOf(peer); theirs != 0 {
			agree = agree && (asn == 0 || asn == theirs)
			asn = theirs
		}
	}
	switch {
	case !agree:
		a.peerASN = 0
	case asn != 0:
		a.peerASN = asn
	}
	return a
}

// readPeer reads a Connect peer for which list was put, with the version of what was heard from it if that is used.
func (n *Networks) readPeer(v *state.View, peer *state.ConnectPeer, list []routing.Announcement) (p snapshot.Peer, version uint64) {
	p = snapshot.Peer{ID: peer.ConnectPeerId, Tags: peer.Tags.Map(), ASN: asnOf(peer), Announcements: list}
	if held, ok := peer.BGP(v); ok {
		p.Sessions = sessionsOf(held)
		p.Announcements, p.Overridden, version = n.heardFrom(v, peer.OwnerAccountId, held, list)
	}
	return p, version
}

// heardFrom is what a peer with sessions announces: what was put for it, with how many heard routes that takes the place of, or what
// was heard, with the version if it is in memory.
func (n *Networks) heardFrom(v *state.View, account string, held *state.PeerBGP, put []routing.Announcement) (list []routing.Announcement, overridden int, version uint64) {
	switch {
	case len(put) > 0:
		return put, held.Heard, 0
	case n.heard.holds(held.ID):
		list, version = n.heard.announcements(held.ID)
		return list, 0, version
	}
	return held.Announcements(v, account), 0, 0 // another server holds the sessions: the copy of what it hears
}

// readHeard reads what has been heard from peers since earlier routes. Where that is not known, or cannot be added to what
// there is, the attachment is among ids afterwards.
func (n *Networks) readHeard(v *state.View, of state.NetworkID, peers, ids map[string]bool, before *Routes) (list []heardDelta) {
	for _, id := range slices.Sorted(maps.Keys(peers)) {
		at, peer := id, ""
		if row, ok := state.ConnectPeers.ByID(v, id); ok {
			at, peer = row.ConnectAttachmentId, id
		}
		if set, put := state.Announcements.Get(v, state.Announcements.Key(of.Account, of.ID, id)); put && len(set.Announcements) > 0 {
			continue // what is heard is not used
		}
		_, held := state.BGPOf(v, of, id)
		version, had := before.heard[id]
		if ids[at] || !held || !had || !before.Tables.TakesRoutes(at, peer) {
			ids[at] = true
			continue
		}
		d, known := n.heard.changes(id, version)
		if !known {
			ids[at] = true
			continue
		}
		d.attachment, d.peer = at, peer
		list = append(list, d)
	}
	return slices.DeleteFunc(list, func(d heardDelta) bool { return ids[d.attachment] })
}

func sessionsOf(held *state.PeerBGP) (list []snapshot.Session) {
	for _, s := range held.Sessions {
		list = append(list, snapshot.Session{CoreNetworkAddress: s.CoreNetworkAddress, Up: s.Up, Reason: s.Reason})
	}
	return list
}

// asnOf is the ASN of the router of a Connect peer, 0 when it is not known.
func asnOf(peer *state.ConnectPeer) uint32 {
	for _, b := range peer.Configuration.BgpConfigurations {
		if b.PeerAsn != nil {
			return uint32(*b.PeerAsn)
		}
	}
	return 0
}

// natOf is the NAT of an attachment as a snapshot has it: the rules in force, or those that are staged.
func natOf(row *state.Attachment) *snapshot.NAT {
	if row.NAT == nil {
		return nil
	}
	nat := &snapshot.NAT{Enabled: len(row.NAT.InForce) > 0, SystemRoutes: new(row.NAT.SystemRoutes)}
	rules := row.NAT.Rules
	if nat.Enabled {
		rules, *nat.SystemRoutes = row.NAT.InForce, row.NAT.SystemRoutesInForce
	}
	if len(rules) == 0 {
		return nil
	}
	for _, r := range rules {
		nat.Rules = append(nat.Rules, snapshot.NATRule{
			Number: int(r.RuleNumber), MatchSource: netip.MustParsePrefix(r.MatchSourceCidr), NAT: netip.MustParsePrefix(r.NatCidr),
		})
	}
	return nat
}

// readAll reads the attachments of a core network, the oldest first.
func (n *Networks) readAll(v *state.View, row *state.CoreNetwork) []attached {
	rows := state.Attachments.ByAge(v, row)
	list := make([]attached, len(rows))
	for i := range rows {
		list[i] = n.read(v, rows[i])
	}
	return list
}

// readLists reads the prefix list associations of a core network.
func readLists(v *state.View, row *state.CoreNetwork) (list []*state.PrefixListAssociation) {
	for _, association := range state.PrefixListAssociations.Rows(v, state.PrefixListAssociations.In(row.OwnerAccountId, row.CoreNetworkId), "") {
		list = append(list, association)
	}
	return list
}

// question asks the catalog about rows, and remembers whether it could be asked about everything.
type question struct {
	catalog    catalog.Catalog
	incomplete bool
}

func (q *question) failed(err error) {
	q.incomplete = q.incomplete || errors.Is(err, catalog.ErrUnavailable)
}

// entries are the entries of prefix lists, by alias: as EC2 has them, or as they were imported. An alias whose list nobody
// knows has no entries, rather than being left out: a policy that names it is valid all the same.
func (q *question) entries(ctx context.Context, associations []*state.PrefixListAssociation) map[string][]netip.Prefix {
	var lists map[string][]netip.Prefix
	for _, association := range associations {
		if lists == nil {
			lists = map[string][]netip.Prefix{}
		}
		lists[association.PrefixListAlias] = append([]netip.Prefix{}, association.Entries...)
		if q.catalog == nil {
			continue
		}
		list, err := q.catalog.PrefixList(ctx, association.PrefixListArn)
		if q.failed(err); err == nil {
			lists[association.PrefixListAlias] = list.Entries
		}
	}
	return lists
}

// attachments are rows as a snapshot has them. What was put for an attachment, or is heard from its router, takes the place of what
// the catalog says of its resource.
func (q *question) attachments(ctx context.Context, rows []attached) []snapshot.Attachment {
	var list []snapshot.Attachment
	for i := range rows {
		a := &rows[i]
		announced := a.announced
		if len(announced) == 0 && a.AttachmentType != api.AttachmentTypeConnect && len(a.sessions) == 0 {
			var err error
			announced, err = q.announced(ctx, a)
			q.failed(err)
		}
		list = append(list, show(a, q.peerASN(ctx, a), announced))
	}
	return list
}

// show is an attachment as it is in a snapshot. One that was turned away keeps the place it would have had, but takes it
// from nobody.
func show(a *attached, peerASN uint32, announced []routing.Announcement) snapshot.Attachment {
	resource, _ := state.ParseARN(a.ResourceArn)
	var place snapshot.Association
	if a.IsLive() {
		place = snapshot.Association(a.Association())
	}
	return snapshot.Attachment{
		ID: a.AttachmentId, Type: state.PolicyType(a.AttachmentType), State: string(a.State), Account: a.OwnerAccountId,
		Edges: a.Edges(), ResourceARN: a.ResourceArn, ResourceID: resource.ID(), Tags: a.Tags.Map(),
		RoutingPolicyLabel: a.RoutingPolicyLabel, PeeringID: a.PeeringId, PeerASN: peerASN,
		TunnelLess: a.Protocol == api.TunnelProtocolNoEncap, Association: &place, Proposal: (*snapshot.Association)(a.Proposal()),
		Announcements: announced, Peers: a.peers, Sessions: a.sessions, Overridden: a.overridden, NAT: natOf(a.Attachment), SubnetARNs: a.SubnetArns, Options: optionsOf(a.VpcOptions),
	}
}

// optionsOf are the options of a VPC attachment as a snapshot has them.
func optionsOf(o *state.VpcOptions) *snapshot.VPCOptions {
	if o == nil {
		return nil
	}
	return &snapshot.VPCOptions{
		ApplianceMode: o.ApplianceModeSupport, DNSSupport: o.DnsSupport, IPv6Support: o.Ipv6Support, SecurityGroupReferencing: o.SecurityGroupReferencingSupport,
	}
}

// peerASN is the ASN of who speaks BGP behind an attachment: that of its Connect peers, when they agree, or of a VPN
// connection's customer gateway. 0 when nobody knows.
func (q *question) peerASN(ctx context.Context, a *attached) uint32 {
	if a.AttachmentType == api.AttachmentTypeSiteToSiteVpn && q.catalog != nil {
		if vpn, err := q.catalog.VPNConnection(ctx, a.ResourceArn); err == nil {
			if gateway, err := q.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
				return gateway.ASN
			}
		}
	}
	return a.peerASN
}

// announced is what the catalog knows an attachment's resource to offer: the blocks of a VPC, the routes of a VPN
// connection, what the routers behind a Direct Connect gateway announce and the routes of a transit gateway route table, both
// with the gateway's ASN in front. Routes that a transit gateway has over its peering with the core network itself are not
// announced back. A catalog that cannot be asked announces nothing; the error says so.
func (q *question) announced(ctx context.Context, row *attached) ([]routing.Announcement, error) {
	if q.catalog == nil {
		return nil, nil
	}
	var list []routing.Announcement
	add := func(p netip.Prefix, path ...uint32) {
		list = append(list, routing.Announcement{Prefix: p.Masked(), ASPath: path})
	}
	switch row.AttachmentType {
	case api.AttachmentTypeVpc:
		vpc, err := q.catalog.VPC(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		v6 := row.VpcOptions != nil && row.VpcOptions.Ipv6Support != nil && *row.VpcOptions.Ipv6Support
		for _, p := range vpc.CIDRs {
			if p.Addr().Is4() || v6 {
				add(p)
			}
		}
	case api.AttachmentTypeSiteToSiteVpn:
		vpn, err := q.catalog.VPNConnection(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, p := range vpn.StaticRoutes {
			add(p)
		}
		list = append(list, vpn.Announcements...)
	case api.AttachmentTypeDirectConnectGateway:
		gateway, err := q.catalog.DirectConnectGateway(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, a := range gateway.Announcements {
			if a.Edge == "" || slices.Contains(row.Edges(), a.Edge) { // the gateway may be attached at fewer edges
				if gateway.ASN != 0 {
					a.ASPath = append([]uint32{gateway.ASN}, a.ASPath...)
				}
				list = append(list, a)
			}
		}
	case api.AttachmentTypeTransitGatewayRouteTable:
		table, err := q.catalog.RouteTable(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		gateway, err := q.catalog.TransitGateway(ctx, table.TransitGatewayARN)
		if err != nil {
			return nil, err
		}
		for _, route := range table.Routes {
			if back := row.peering != "" && slices.Contains(route.AttachmentIDs, row.peering); route.State != "blackhole" && !back {
				add(route.Prefix, append([]uint32{gateway.ASN}, route.ASPath...)...)
			}
		}
	}
	return list, nil
}
