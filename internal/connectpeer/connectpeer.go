// Package connectpeer works out the addresses and ASNs of a Connect peer: what it may have at an edge, what is free there,
// and what is wrong with what was asked for.
//
// It must not know how a Connect peer comes about.
package connectpeer

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"portolan/api"
	"portolan/internal/state"
)

// Plan works out the addresses and ASNs of a new Connect peer. What is wrong with the request is an error at once;
// what is wrong with it on this network, at this edge, is a problem that shows when the peer is built.
type Plan struct {
	Attachment *state.Attachment
	Edge       state.CoreNetworkEdge
	Used       *Used

	Problems []state.ConnectPeerError
}

func (d *Plan) problem(code api.ConnectPeerErrorCode, format string, args ...any) {
	d.Problems = append(d.Problems, state.ConnectPeerError{
		Code: code, Message: fmt.Sprintf(format, args...), ResourceArn: d.Attachment.ARN(),
	})
}

// Configuration is the configuration of the peer that is asked for.
func (d *Plan) Configuration(in *api.CreateConnectPeerInput) (*state.ConnectPeerConfiguration, error) {
	peerAddress, err := netip.ParseAddr(in.PeerAddress)
	if err != nil {
		return nil, api.InvalidField("peerAddress", "Member must be an IP address.")
	}
	peerASN := val(d.Edge.Asn) // iBGP unless the caller names another
	if in.BgpOptions != nil && in.BgpOptions.PeerAsn != nil {
		peerASN = *in.BgpOptions.PeerAsn
		if peerASN < 1 || peerASN > 4294967294 {
			return nil, api.InvalidField("bgpOptions.peerAsn", "Member must be between 1 and 4294967294.")
		}
	}
	config := &state.ConnectPeerConfiguration{PeerAddress: peerAddress.String(), Protocol: d.Attachment.Protocol}
	sessions := func(peer netip.Addr, cores ...netip.Addr) {
		for _, core := range cores {
			config.BgpConfigurations = append(config.BgpConfigurations, state.ConnectPeerBgpConfiguration{
				CoreNetworkAsn: d.Edge.Asn, PeerAsn: new(peerASN), CoreNetworkAddress: core.String(), PeerAddress: peer.String(),
			})
		}
	}
	if d.Attachment.Protocol == api.TunnelProtocolNoEncap {
		if err := noEncapMembers(in, peerAddress); err != nil {
			return nil, err
		}
		if first, ok := d.freeAddress(peerAddress); ok {
			if second, ok := d.freeAddress(peerAddress); ok {
				config.CoreNetworkAddress = first.String()
				sessions(peerAddress, first, second)
			}
		}
		return config, nil
	}

	if val(in.SubnetArn) != "" {
		return nil, api.InvalidField("subnetArn", "A subnet is given for tunnel-less Connect peers only.")
	}
	inside, err := d.insideBlocks(in.InsideCidrBlocks)
	if err != nil {
		return nil, err
	}
	if text := val(in.CoreNetworkAddress); text != "" {
		core, err := d.givenAddress(text)
		if err != nil {
			return nil, err
		}
		if core.Is4() != peerAddress.Is4() {
			return nil, api.InvalidField("peerAddress", "Peer address and core network address must be of the same address family.")
		}
		config.CoreNetworkAddress = core.String()
	} else if core, ok := d.freeAddress(peerAddress); ok {
		config.CoreNetworkAddress = core.String()
	}
	for _, block := range inside {
		config.InsideCidrBlocks = append(config.InsideCidrBlocks, block.String())
	}
	// The first usable address is the appliance's, the next two are the core network's, as on a transit gateway. Only
	// the IPv4 sessions are listed: they carry IPv6 as well.
	if inside[0].Bits() == insideBits {
		appliance := inside[0].Addr().Next()
		core1 := appliance.Next()
		sessions(appliance, core1, core1.Next())
	}
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
	if fields == nil {
		return nil
	}
	return api.InvalidFields(fields...)
}

// CheckSubnet looks for the subnet of a tunnel-less peer: in the VPC its attachment runs over, of which lacks says whether it is
// known to have no such subnet. AWS takes an address outside the subnet.
func (d *Plan) CheckSubnet(in *api.CreateConnectPeerInput, lacks func(arn string) bool) error {
	text := val(in.SubnetArn)
	vpc, _ := state.ParseARN(d.Attachment.ResourceArn)
	if subnet, ok := state.ParseARN(text); !ok || subnet.Region != vpc.Region || subnet.Account != vpc.Account {
		return api.InvalidField("subnetArn", "Subnet is not in the VPC of the transport attachment.")
	}
	if lacks(text) {
		d.problem(api.ConnectPeerErrorCodeSubnetNotFound, "The subnet %s does not exist in the VPC of the transport attachment.", text)
	}
	return nil
}

// Used is what the peers at one edge of a core network occupy.
type Used struct {
	addresses map[netip.Addr]bool
	inside    []netip.Prefix
}

// At is what is occupied at an edge. A peer that failed, or is about to, occupies nothing.
func At(v *state.View, network *state.CoreNetwork, location string) *Used {
	use := &Used{addresses: map[netip.Addr]bool{}}
	take := func(text string) {
		if addr, err := netip.ParseAddr(text); err == nil {
			use.addresses[addr] = true
		}
	}
	below := state.ConnectPeers.AtEdge(network.OwnerAccountId, network.CoreNetworkId, location)
	for _, row := range state.ConnectPeers.Rows(v, below, "") {
		if row.State == api.ConnectPeerStateFailed || len(row.Problems) > 0 {
			continue
		}
		take(row.Configuration.CoreNetworkAddress)
		for _, block := range row.Configuration.InsideCidrBlocks {
			if prefix, err := netip.ParsePrefix(block); err == nil {
				use.inside = append(use.inside, prefix)
			}
		}
		if row.Configuration.Protocol == api.TunnelProtocolNoEncap {
			for _, session := range row.Configuration.BgpConfigurations {
				take(session.CoreNetworkAddress)
			}
		}
	}
	return use
}

// freeAddress takes the smallest host address of the edge's inside CIDR blocks that no peer uses and that is of the family
// of another.
func (d *Plan) freeAddress(like netip.Addr) (netip.Addr, bool) {
	blocks := 0
	for _, text := range d.Edge.InsideCidrBlocks {
		block, err := netip.ParsePrefix(text)
		if err != nil || block.Addr().Is4() != like.Is4() {
			continue
		}
		blocks++
		last := netipx.PrefixLastIP(block)
		for addr := block.Addr().Next(); addr.Less(last); addr = addr.Next() {
			if !d.Used.addresses[addr] {
				d.Used.addresses[addr] = true
				return addr, true
			}
		}
	}
	if blocks == 0 {
		d.problem(api.ConnectPeerErrorCodeNoAssociatedCidrBlock, "Core network edge %s has no inside CIDR block of the peer address's family.", d.Edge.EdgeLocation)
	} else {
		d.problem(api.ConnectPeerErrorCodeEdgeLocationNoFreeIps, "Core network edge %s has no free address in its inside CIDR blocks.", d.Edge.EdgeLocation)
	}
	return netip.Addr{}, false
}

// givenAddress checks an address the caller chose.
func (d *Plan) givenAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, api.InvalidField("coreNetworkAddress", "Member must be an IP address.")
	}
	for _, block := range d.Edge.InsideCidrBlocks {
		if prefix, err := netip.ParsePrefix(block); err == nil && prefix.Contains(addr) {
			if d.Used.addresses[addr] {
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

const insideBits = 29 // of an IPv4 inside CIDR block

var (
	linkLocal4 = netip.MustParsePrefix("169.254.0.0/16")
	uniqueLoc6 = netip.MustParsePrefix("fd00::/8")
	// reservedInside is what a transit gateway's Connect keeps for itself.
	reservedInside = []netip.Prefix{
		netip.MustParsePrefix("169.254.0.0/29"), netip.MustParsePrefix("169.254.1.0/29"), netip.MustParsePrefix("169.254.2.0/29"),
		netip.MustParsePrefix("169.254.3.0/29"), netip.MustParsePrefix("169.254.4.0/29"), netip.MustParsePrefix("169.254.5.0/29"),
		netip.MustParsePrefix("169.254.169.248/29"),
	}
)

// insideBlocks checks the blocks BGP runs in: one IPv4 /29 and at most one IPv6 /125, unused at the edge. The IPv4 block
// comes first in the result.
func (d *Plan) insideBlocks(blocks []string) ([]netip.Prefix, error) {
	var v4, v6 []netip.Prefix
	for i, text := range blocks {
		block, err := netip.ParsePrefix(text)
		switch {
		case err != nil || block != block.Masked():
			return nil, api.InvalidField(fmt.Sprintf("insideCidrBlocks[%d]", i), "Member must be a CIDR block.")
		case block.Addr().Is4():
			v4 = append(v4, block)
		default:
			v6 = append(v6, block)
		}
		if !d.fitsInside(block) {
			continue
		}
		if slices.ContainsFunc(d.Used.inside, block.Overlaps) {
			d.problem(api.ConnectPeerErrorCodeEdgeLocationPeerDuplicate, "The inside CIDR block %s is used by another Connect peer at the edge location.", block)
		}
	}
	if len(v4) != 1 || len(v6) > 1 {
		return nil, api.InvalidField("insideCidrBlocks", "A Connect peer needs one IPv4 inside CIDR block and takes one IPv6 block.")
	}
	return append(v4, v6...), nil
}

// fitsInside tells whether a block is one that BGP can run in, and notes why not.
func (d *Plan) fitsInside(block netip.Prefix) bool {
	const code = api.ConnectPeerErrorCodeInvalidInsideCidrBlock
	switch {
	case block.Addr().Is4() && (block.Bits() != insideBits || !linkLocal4.Contains(block.Addr())):
		d.problem(code, "The IPv4 inside CIDR block %s is not a /29 from 169.254.0.0/16.", block)
	case block.Addr().Is6() && (block.Bits() != 125 || !uniqueLoc6.Contains(block.Addr())):
		d.problem(code, "The IPv6 inside CIDR block %s is not a /125 from fd00::/8.", block)
	case slices.Contains(reservedInside, block):
		d.problem(code, "The inside CIDR block %s is reserved.", block)
	default:
		return true
	}
	return false
}

// val is *p, or the zero value.
func val[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
