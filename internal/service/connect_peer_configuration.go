package service

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"portolan/api"
)

// peerConfiguration works out addresses and ASNs of a new peer. The error is what is wrong with the request by itself; the
// problems are what keeps the peer from being made at this edge.
func (tx *txn) peerConfiguration(network *coreNetworkRow, attachment *attachmentRow, edge api.CoreNetworkEdge, in *api.CreateConnectPeerInput) (*api.ConnectPeerConfiguration, []api.ConnectPeerError, error) {
	peerAddress, err := netip.ParseAddr(in.PeerAddress)
	if err != nil {
		return nil, nil, api.InvalidField("peerAddress", "Member must be an IP address.")
	}
	peerASN := val(edge.Asn) // iBGP unless the caller names another
	if in.BgpOptions != nil && in.BgpOptions.PeerAsn != nil {
		peerASN = *in.BgpOptions.PeerAsn
		if peerASN < 1 || peerASN > 4294967294 {
			return nil, nil, api.InvalidField("bgpOptions.peerAsn", "Member must be between 1 and 4294967294.")
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
			return nil, nil, err
		}
		first, problem := used.freeAddress(edge, peerAddress)
		used.addresses[first] = true
		second, none := used.freeAddress(edge, peerAddress)
		if problem = append(problem, none...); len(problem) > 0 {
			return config, problem[:1], nil
		}
		config.CoreNetworkAddress = first.String()
		config.BgpConfigurations = []api.ConnectPeerBgpConfiguration{session(first, peerAddress), session(second, peerAddress)}
		return config, nil, nil
	}

	if val(in.SubnetArn) != "" {
		return nil, nil, api.InvalidField("subnetArn", "A subnet is given for tunnel-less Connect peers only.")
	}
	inside, problems, err := used.insideBlocks(in.InsideCidrBlocks)
	if err != nil {
		return nil, nil, err
	}
	for _, block := range inside {
		config.InsideCidrBlocks = append(config.InsideCidrBlocks, block.String())
	}
	core, found := netip.Addr{}, []api.ConnectPeerError(nil)
	if val(in.CoreNetworkAddress) != "" {
		core, found, err = used.givenAddress(edge, *in.CoreNetworkAddress, peerAddress)
	} else {
		core, found = used.freeAddress(edge, peerAddress)
	}
	if err != nil {
		return nil, nil, err
	}
	if core.IsValid() {
		config.CoreNetworkAddress = core.String()
	}
	if problems = append(problems, found...); len(problems) > 0 {
		return config, problems, nil
	}
	// The first usable address is the appliance's, the next two are the core network's, as on a transit gateway. Only
	// the IPv4 sessions are listed: they carry IPv6 as well.
	appliance := inside[0].Addr().Next()
	core1 := appliance.Next()
	config.BgpConfigurations = []api.ConnectPeerBgpConfiguration{session(core1, appliance), session(core1.Next(), appliance)}
	return config, nil, nil
}

func peerProblem(code api.ConnectPeerErrorCode, format string, args ...any) []api.ConnectPeerError {
	return []api.ConnectPeerError{{Code: code, Message: fmt.Sprintf(format, args...)}}
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

// applianceSubnet is what is wrong with the subnet of a tunnel-less peer's appliance. The catalog is asked before the
// transaction, which an attachment that is missing or of another kind is left to.
func (s *Service) applianceSubnet(ctx context.Context, in *api.CreateConnectPeerInput) ([]api.ConnectPeerError, error) {
	peer, err := netip.ParseAddr(in.PeerAddress)
	if val(in.SubnetArn) == "" || err != nil {
		return nil, nil
	}
	row, err := read(ctx, s, func(v *view) (*attachmentRow, error) {
		return v.attachmentOf(in.ConnectAttachmentId, api.AttachmentTypeConnect)
	})
	if isNotFound(err) || err == nil && row.Protocol != api.TunnelProtocolNoEncap {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	vpc, _ := parseARN(row.ResourceArn) // a Connect attachment has its transport's
	return s.refs.appliance(ctx, *in.SubnetArn, vpc, peer)
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
		if row.failed() {
			continue
		}
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

// freeAddress is the smallest host address of the edge's inside CIDR blocks, of the peer's family, that no peer uses.
func (u *edgeUse) freeAddress(edge api.CoreNetworkEdge, peer netip.Addr) (netip.Addr, []api.ConnectPeerError) {
	blocks := 0
	for _, text := range edge.InsideCidrBlocks {
		block, err := netip.ParsePrefix(text)
		if err != nil || block.Addr().Is4() != peer.Is4() {
			continue
		}
		blocks++
		last := netipx.PrefixLastIP(block)
		for addr := block.Addr().Next(); addr.Less(last); addr = addr.Next() {
			if !u.addresses[addr] {
				return addr, nil
			}
		}
	}
	if blocks == 0 {
		return netip.Addr{}, peerProblem(api.ConnectPeerErrorCodeNoAssociatedCidrBlock,
			"Core network edge %s has no inside CIDR block of the peer's address family.", edge.EdgeLocation)
	}
	return netip.Addr{}, peerProblem(api.ConnectPeerErrorCodeEdgeLocationNoFreeIps,
		"Core network edge %s has no free address in its inside CIDR blocks.", edge.EdgeLocation)
}

// givenAddress checks an address the caller chose.
func (u *edgeUse) givenAddress(edge api.CoreNetworkEdge, text string, peer netip.Addr) (netip.Addr, []api.ConnectPeerError, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, nil, api.InvalidField("coreNetworkAddress", "Member must be an IP address.")
	}
	if addr.Is4() != peer.Is4() {
		return addr, nil, api.InvalidField("peerAddress", "Peer address and core network address must be of the same address family.")
	}
	for _, block := range edge.InsideCidrBlocks {
		prefix, err := netip.ParsePrefix(block)
		switch {
		case err != nil || !prefix.Contains(addr):
			continue
		case addr == prefix.Addr() || addr == netipx.PrefixLastIP(prefix):
			return addr, nil, api.InvalidField("coreNetworkAddress", "Address is not a host address of the edge's inside CIDR block.")
		case u.addresses[addr]:
			return addr, peerProblem(api.ConnectPeerErrorCodeEdgeLocationPeerDuplicate,
				"Core network address %s is used by another Connect peer at the edge location.", addr), nil
		}
		return addr, nil, nil
	}
	return addr, nil, api.InvalidField("coreNetworkAddress", "Address is not in an inside CIDR block of the edge location.")
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

// insideBlocks are the blocks BGP runs in, the IPv4 block first: one IPv4 /29 and at most one IPv6 /125, unused at the edge.
func (u *edgeUse) insideBlocks(blocks []string) (inside []netip.Prefix, problems []api.ConnectPeerError, err error) {
	var v4, v6 []netip.Prefix
	wrong := func(block netip.Prefix, why string) {
		problems = append(problems, peerProblem(api.ConnectPeerErrorCodeInvalidInsideCidrBlock, "Inside CIDR block %s %s.", block, why)...)
	}
	for i, text := range blocks {
		block, err := netip.ParsePrefix(text)
		if err != nil || block != block.Masked() {
			return nil, nil, api.InvalidField(fmt.Sprintf("insideCidrBlocks[%d]", i), "Member must be a CIDR block.")
		}
		is4 := block.Addr().Is4()
		if is4 {
			v4 = append(v4, block)
		} else {
			v6 = append(v6, block)
		}
		switch {
		case is4 && (block.Bits() != 29 || !linkLocal4.Contains(block.Addr())):
			wrong(block, "is not a /29 from 169.254.0.0/16")
		case !is4 && (block.Bits() != 125 || !uniqueLoc6.Contains(block.Addr())):
			wrong(block, "is not a /125 from fd00::/8")
		case slices.Contains(reservedInside, block):
			wrong(block, "is reserved")
		case slices.ContainsFunc(u.inside, block.Overlaps):
			problems = append(problems, peerProblem(api.ConnectPeerErrorCodeEdgeLocationPeerDuplicate,
				"Inside CIDR block %s is used by another Connect peer at the edge location.", block)...)
		}
	}
	if len(v4) != 1 || len(v6) > 1 {
		return nil, nil, api.InvalidField("insideCidrBlocks", "A Connect peer needs one IPv4 inside CIDR block and takes one IPv6 block.")
	}
	return append(v4, v6...), problems, nil
}
