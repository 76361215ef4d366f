package service

import (
	"context"
	"fmt"
	"iter"
	"net/netip"

	"go4.org/netipx"

	"portolan/api"
	"portolan/internal/lifecycle"
)

// connectPeerRow is a Connect peer. One peer is two BGP sessions, for redundancy.
type connectPeerRow struct {
	api.ConnectPeer
	GlobalNetworkId string
	OwnerAccountId  string // of the core network
}

func (row *connectPeerRow) key() string {
	return accountKey(row.OwnerAccountId, "connect-peer", row.ConnectAttachmentId, row.ConnectPeerId)
}

// connectPeer is a Connect peer on a core network of the caller's account.
func (v *view) connectPeer(id string) (*connectPeerRow, error) {
	row, ok := byID(v.r, connectPeers, id)
	if !ok || row.OwnerAccountId != v.caller.Account {
		return nil, api.NotFound("connect-peer", id)
	}
	return row, nil
}

// peerFitsGlobalNetwork tells whether a Connect peer can be associated with a device of the global network: it is on
// the global network's own core network, and not failed or leaving. One that is still CREATING is taken, as
// CloudFormation chains operations without waiting.
func (v *view) peerFitsGlobalNetwork(gn, id string) error {
	peer, err := v.connectPeer(id)
	switch {
	case err != nil:
		return err
	case peer.GlobalNetworkId != gn:
		return api.InvalidField("connectPeerId", "Connect peer is not on a core network of the global network.")
	case peer.State == api.ConnectPeerStateFailed || peer.State == api.ConnectPeerStateDeleting:
		return api.InvalidField("connectPeerId", "Connect peer state is invalid.")
	default:
		return nil
	}
}

// CreateConnectPeer makes a peer on a Connect attachment: a GRE tunnel with an appliance, or BGP straight to it.
func (s *Service) CreateConnectPeer(ctx context.Context, in *api.CreateConnectPeerInput) (*api.CreateConnectPeerOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.CreateConnectPeerOutput, error) {
		return once(tx, "CreateConnectPeer", in.ClientToken, in, func() (*api.CreateConnectPeerOutput, error) {
			row, err := tx.createConnectPeer(in)
			if err != nil {
				return nil, err
			}
			return &api.CreateConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
		})
	})
}

func (tx *txn) createConnectPeer(in *api.CreateConnectPeerInput) (*connectPeerRow, error) {
	attachment, err := tx.attachmentOf(in.ConnectAttachmentId, api.AttachmentTypeConnect)
	if err != nil {
		return nil, err
	}
	if err := tx.checkNewTags(in.Tags); err != nil {
		return nil, err
	}
	if attachment.State != api.AttachmentStateAvailable {
		return nil, api.BrokenRule("Connect attachment state is invalid. attachment id: " + attachment.AttachmentId)
	}
	network, err := tx.coreNetwork(attachment.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	edge, ok := network.edge(attachment.EdgeLocation)
	if !ok {
		return nil, edgeOf(network, attachment.EdgeLocation)
	}
	counterKey := tx.key("connect-peer.count", attachment.AttachmentId)
	if err := tx.fits(quotaConnectPeers, "connect-peer", attachment.AttachmentId, counterKey); err != nil {
		return nil, err
	}
	config, err := tx.peerConfiguration(network, attachment, edge, in)
	if err != nil {
		return nil, err
	}
	row := connectPeerRow{
		ConnectPeer: api.ConnectPeer{
			CoreNetworkId:       network.CoreNetworkId,
			ConnectAttachmentId: attachment.AttachmentId,
			ConnectPeerId:       tx.ids.next("connect-peer"),
			EdgeLocation:        attachment.EdgeLocation,
			State:               api.ConnectPeerStateCreating,
			CreatedAt:           api.Time{Time: tx.now},
			Configuration:       config,
			Tags:                someTags(in.Tags),
			SubnetArn:           val(in.SubnetArn),
		},
		GlobalNetworkId: network.GlobalNetworkId,
		OwnerAccountId:  network.OwnerAccountId,
	}
	tx.saveConnectPeer(&row)
	tx.connectPeerEvent(&row, "CREATED", "created in a Connect attachment.")
	return &row, nil
}

func (tx *txn) saveConnectPeer(row *connectPeerRow) {
	save(tx.lc, lifecycle.ConnectPeer, connectPeers, row.key(), row, string(row.State))
}

// peerConfiguration works out addresses and ASNs of a new peer.
func (tx *txn) peerConfiguration(network *coreNetworkRow, attachment *attachmentRow, edge api.CoreNetworkEdge, in *api.CreateConnectPeerInput) (*api.ConnectPeerConfiguration, error) {
	peerAddress, err := netip.ParseAddr(in.PeerAddress)
	if err != nil {
		return nil, api.InvalidField("peerAddress", "Member must be an IP address.")
	}
	peerASN := val(edge.Asn) // iBGP unless the caller names another
	if in.BgpOptions != nil && in.BgpOptions.PeerAsn != nil {
		peerASN = *in.BgpOptions.PeerAsn
		if peerASN < 1 || peerASN > 4294967294 {
			return nil, api.InvalidField("bgpOptions.peerAsn", "Member must be between 1 and 4294967294.")
		}
	}
	used := tx.peersAt(network, attachment.EdgeLocation)
	config := &api.ConnectPeerConfiguration{PeerAddress: peerAddress.String(), Protocol: attachment.Protocol}
	session := func(core, peer netip.Addr) api.ConnectPeerBgpConfiguration {
		return api.ConnectPeerBgpConfiguration{
			CoreNetworkAsn: edge.Asn, PeerAsn: new(peerASN), CoreNetworkAddress: core.String(), PeerAddress: peer.String(),
		}
	}
	if attachment.Protocol == api.TunnelProtocolNoEncap {
		if err := noEncapMembers(in, peerAddress); err != nil {
			return nil, err
		}
		first, err := used.freeAddress(edge)
		if err != nil {
			return nil, err
		}
		used.addresses[first] = true
		second, err := used.freeAddress(edge)
		if err != nil {
			return nil, err
		}
		config.CoreNetworkAddress = first.String()
		config.BgpConfigurations = []api.ConnectPeerBgpConfiguration{session(first, peerAddress), session(second, peerAddress)}
		return config, nil
	}

	if in.SubnetArn != nil && *in.SubnetArn != "" {
		return nil, api.InvalidField("subnetArn", "A subnet is given for tunnel-less Connect peers only.")
	}
	inside, err := used.insideBlocks(in.InsideCidrBlocks)
	if err != nil {
		return nil, err
	}
	var core netip.Addr
	if val(in.CoreNetworkAddress) != "" {
		core, err = used.givenAddress(edge, *in.CoreNetworkAddress)
	} else {
		core, err = used.freeAddress(edge, sameFamily(peerAddress))
	}
	if err != nil {
		return nil, err
	}
	if core.Is4() != peerAddress.Is4() {
		return nil, api.InvalidField("peerAddress", "Peer address and core network address must be of the same address family.")
	}
	config.CoreNetworkAddress = core.String()
	for _, block := range inside {
		config.InsideCidrBlocks = append(config.InsideCidrBlocks, block.String())
	}
	// The first usable address is the appliance's, the next two are the core network's, as on a transit gateway. Only
	// the IPv4 sessions are listed: they carry IPv6 as well.
	appliance := inside[0].Addr().Next()
	core1 := appliance.Next()
	config.BgpConfigurations = []api.ConnectPeerBgpConfiguration{session(core1, appliance), session(core1.Next(), appliance)}
	return config, nil
}

func noEncapMembers(in *api.CreateConnectPeerInput, peer netip.Addr) error {
	var fields []api.FieldError
	add := func(name, message string) { fields = append(fields, api.FieldError{Name: name, Message: message}) }
	if val(in.SubnetArn) == "" {
		add("subnetArn", "A tunnel-less Connect peer needs the subnet of its appliance.")
	}
	if !peer.Is4() {
		add("peerAddress", "A tunnel-less Connect peer has an IPv4 address.")
	}
	if val(in.CoreNetworkAddress) != "" {
		add("coreNetworkAddress", "The core network address of a tunnel-less Connect peer cannot be chosen.")
	}
	if len(in.InsideCidrBlocks) > 0 {
		add("insideCidrBlocks", "A tunnel-less Connect peer has no inside CIDR blocks.")
	}
	return invalid(fields)
}

// edgeUse is what the peers at one edge of a core network occupy.
type edgeUse struct {
	addresses map[netip.Addr]bool
	inside    []netip.Prefix
}

func (v *view) peersAt(network *coreNetworkRow, location string) *edgeUse {
	use := &edgeUse{addresses: map[netip.Addr]bool{}}
	below := accountKey(network.OwnerAccountId, "connect-peer.edge", network.CoreNetworkId, location) + "/"
	for _, row := range connectPeers.ScanIndex(v.r, below, "") {
		if addr, err := netip.ParseAddr(row.Configuration.CoreNetworkAddress); err == nil {
			use.addresses[addr] = true
		}
		for _, block := range row.Configuration.InsideCidrBlocks {
			if prefix, err := netip.ParsePrefix(block); err == nil {
				use.inside = append(use.inside, prefix)
			}
		}
		if row.Configuration.Protocol == api.TunnelProtocolNoEncap {
			for _, session := range row.Configuration.BgpConfigurations {
				if addr, err := netip.ParseAddr(session.CoreNetworkAddress); err == nil {
					use.addresses[addr] = true
				}
			}
		}
	}
	return use
}

// freeAddress is the smallest host address of the edge's inside CIDR blocks that no peer uses.
func (u *edgeUse) freeAddress(edge api.CoreNetworkEdge, fits ...func(netip.Addr) bool) (netip.Addr, error) {
	for _, text := range edge.InsideCidrBlocks {
		block, err := netip.ParsePrefix(text)
		if err != nil || len(fits) > 0 && !fits[0](block.Addr()) {
			continue
		}
		last := netipx.PrefixLastIP(block)
		for addr := block.Addr().Next(); addr.Less(last); addr = addr.Next() {
			if !u.addresses[addr] {
				return addr, nil
			}
		}
	}
	return netip.Addr{}, api.BrokenRule("Core network edge " + edge.EdgeLocation + " has no free address in its inside CIDR blocks.")
}

func sameFamily(other netip.Addr) func(netip.Addr) bool {
	return func(a netip.Addr) bool { return a.Is4() == other.Is4() }
}

// givenAddress checks an address the caller chose.
func (u *edgeUse) givenAddress(edge api.CoreNetworkEdge, text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, api.InvalidField("coreNetworkAddress", "Member must be an IP address.")
	}
	for _, block := range edge.InsideCidrBlocks {
		if prefix, err := netip.ParsePrefix(block); err == nil && prefix.Contains(addr) {
			if u.addresses[addr] {
				return addr, api.InvalidField("coreNetworkAddress", "Address is used by another Connect peer at the edge location.")
			}
			if addr == prefix.Addr() || addr == netipx.PrefixLastIP(prefix) {
				return addr, api.InvalidField("coreNetworkAddress", "Address is not a host address of the edge's inside CIDR block.")
			}
			return addr, nil
		}
	}
	return addr, api.InvalidField("coreNetworkAddress", "Address is not in an inside CIDR block of the edge location.")
}

var (
	linkLocal4 = netip.MustParsePrefix("169.254.0.0/16")
	uniqueLoc6 = netip.MustParsePrefix("fd00::/8")
	// What a transit gateway's Connect keeps for itself.
	reservedInside = []netip.Prefix{
		netip.MustParsePrefix("169.254.0.0/29"), netip.MustParsePrefix("169.254.1.0/29"), netip.MustParsePrefix("169.254.2.0/29"),
		netip.MustParsePrefix("169.254.3.0/29"), netip.MustParsePrefix("169.254.4.0/29"), netip.MustParsePrefix("169.254.5.0/29"),
		netip.MustParsePrefix("169.254.169.248/29"),
	}
)

// insideBlocks checks the blocks BGP runs in: one IPv4 /29 and at most one IPv6 /125, unused at the edge. The IPv4 block
// comes first in the result.
func (u *edgeUse) insideBlocks(blocks []string) ([]netip.Prefix, error) {
	var v4, v6 []netip.Prefix
	for i, text := range blocks {
		field := fmt.Sprintf("insideCidrBlocks[%d]", i)
		block, err := netip.ParsePrefix(text)
		if err != nil || block != block.Masked() {
			return nil, api.InvalidField(field, "Member must be a CIDR block.")
		}
		if block.Addr().Is4() {
			v4 = append(v4, block)
			if block.Bits() != 29 || !linkLocal4.Contains(block.Addr()) {
				return nil, api.InvalidField(field, "An IPv4 inside CIDR block must be a /29 from 169.254.0.0/16.")
			}
		} else {
			v6 = append(v6, block)
			if block.Bits() != 125 || !uniqueLoc6.Contains(block.Addr()) {
				return nil, api.InvalidField(field, "An IPv6 inside CIDR block must be a /125 from fd00::/8.")
			}
		}
		for _, reserved := range reservedInside {
			if reserved == block {
				return nil, api.InvalidField(field, "The inside CIDR block is reserved.")
			}
		}
		for _, other := range u.inside {
			if other.Overlaps(block) {
				return nil, api.InvalidField(field, "The inside CIDR block is used by another Connect peer at the edge location.")
			}
		}
	}
	if len(v4) != 1 || len(v6) > 1 {
		return nil, api.InvalidField("insideCidrBlocks", "A Connect peer needs one IPv4 inside CIDR block and takes one IPv6 block.")
	}
	return append(v4, v6...), nil
}

// GetConnectPeer shows a Connect peer.
func (s *Service) GetConnectPeer(ctx context.Context, in *api.GetConnectPeerInput) (*api.GetConnectPeerOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetConnectPeerOutput, error) {
		row, err := v.connectPeer(in.ConnectPeerId)
		if err != nil {
			return nil, err
		}
		return &api.GetConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
	})
}

// ListConnectPeers lists the Connect peers of a Connect attachment, of a core network, of both or all of the caller.
func (s *Service) ListConnectPeers(ctx context.Context, in *api.ListConnectPeersInput) (*api.ListConnectPeersOutput, error) {
	return read(ctx, s, func(v *view) (*api.ListConnectPeersOutput, error) {
		p, err := v.newPager(in.MaxResults, in.NextToken, "ListConnectPeers", val(in.CoreNetworkId), val(in.ConnectAttachmentId))
		if err != nil {
			return nil, err
		}
		var rows iter.Seq2[string, *connectPeerRow]
		switch {
		case in.ConnectAttachmentId != nil:
			rows = connectPeers.Scan(v.r, v.prefix("connect-peer", *in.ConnectAttachmentId), p.after)
		case in.CoreNetworkId != nil:
			rows = connectPeers.ScanIndex(v.r, v.prefix("connect-peer.core-network", *in.CoreNetworkId), p.after)
		default:
			rows = connectPeers.Scan(v.r, v.prefix("connect-peer"), p.after)
		}
		keep := func(row *connectPeerRow) bool {
			return wanted(in.CoreNetworkId, row.CoreNetworkId) && wanted(in.ConnectAttachmentId, row.ConnectAttachmentId)
		}
		summary := func(row *connectPeerRow) api.ConnectPeerSummary {
			return api.ConnectPeerSummary{
				CoreNetworkId:       row.CoreNetworkId,
				ConnectAttachmentId: row.ConnectAttachmentId,
				ConnectPeerId:       row.ConnectPeerId,
				EdgeLocation:        row.EdgeLocation,
				ConnectPeerState:    row.State,
				CreatedAt:           row.CreatedAt,
				Tags:                row.Tags,
				SubnetArn:           row.SubnetArn,
			}
		}
		var out api.ListConnectPeersOutput
		out.ConnectPeers, out.NextToken = page(p, rows, keep, summary)
		return &out, nil
	})
}

// DeleteConnectPeer removes a Connect peer. The device it is associated with loses it by itself.
func (s *Service) DeleteConnectPeer(ctx context.Context, in *api.DeleteConnectPeerInput) (*api.DeleteConnectPeerOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteConnectPeerOutput, error) {
		old, err := tx.connectPeer(in.ConnectPeerId)
		if err != nil {
			return nil, err
		}
		if old.State != api.ConnectPeerStateAvailable && old.State != api.ConnectPeerStateFailed {
			return nil, api.Conflict("connect-peer", old.ConnectPeerId, "Connect peer state is invalid: "+string(old.State)+".")
		}
		row := *old
		row.State = api.ConnectPeerStateDeleting
		tx.saveConnectPeer(&row)
		if a, ok := connectPeerAssociations.Get(tx.r, tx.key("connect-peer-association", row.GlobalNetworkId, row.ConnectPeerId)); ok {
			switch a.State {
			case api.ConnectPeerAssociationStateDeleting, api.ConnectPeerAssociationStateDeleted:
			default:
				peerAssociations.end(tx, row.GlobalNetworkId, row.ConnectPeerId, a)
			}
		}
		return &api.DeleteConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
	})
}

// moveConnectPeer takes the next step of a Connect peer.
func (s *Service) moveConnectPeer(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := connectPeers.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.ConnectPeer, e.From)
	if step.Next == lifecycle.Gone {
		connectPeers.Delete(lc.Txn, e.Key)
		announcementSets.Delete(lc.Txn, accountKey(old.OwnerAccountId, "announcements", old.CoreNetworkId, old.ConnectPeerId))
		s.txn(lc, api.Caller{Account: old.OwnerAccountId}).connectPeerEvent(old, "DELETED", "deleted in a Connect attachment.")
		return nil
	}
	row := *old
	row.State = api.ConnectPeerState(step.Next)
	save(lc, lifecycle.ConnectPeer, connectPeers, e.Key, &row, step.Next)
	return nil
}
