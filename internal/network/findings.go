package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/catalog"
	"portolan/internal/state"
)

// tunnelLess is a Connect peer without encapsulation, with the VPC its packets go through.
type tunnelLess struct {
	*state.ConnectPeer
	vpc string
}

// findings are what the catalog shows of a core network beside its routes: kinds of resources that the endpoint does not
// know, and tunnel-less peers outside the subnet that they name.
func (n *Networks) findings(ctx context.Context, find Find) ([]analysis.Finding, error) {
	if n.catalog == nil {
		return nil, nil
	}
	var list []analysis.Finding
	if endpoint, ok := n.catalog.(interface{ Unsupported() []string }); ok {
		for _, kind := range endpoint.Unsupported() {
			list = append(list, analysis.Finding{Name: analysis.CheckCatalog, Instance: analysis.Instance{Subjects: []string{kind}, Message: "the EC2 endpoint does not know " + kind +
				": references to it are taken unchecked, and its prefixes are known only as far as they are announced here"}})
		}
	}
	peers, err := state.Look(ctx, n.db, func(v *state.View) (peers []tunnelLess, _ error) {
		row, err := find(v)
		if err != nil {
			return nil, err
		}
		for _, a := range state.Attachments.Rows(v, state.Attachments.In(row.OwnerAccountId, row.CoreNetworkId), "") {
			if a.Protocol != api.TunnelProtocolNoEncap {
				continue
			}
			transport, _ := state.Attachments.Get(v, state.Attachments.Key(row.OwnerAccountId, row.CoreNetworkId, a.TransportAttachmentId))
			for _, peer := range state.ConnectPeers.Rows(v, state.ConnectPeers.In(row.OwnerAccountId, a.AttachmentId), "") {
				if transport != nil && peer.SubnetArn != "" {
					peers = append(peers, tunnelLess{peer, transport.ResourceArn})
				}
			}
		}
		return peers, nil
	})
	for _, peer := range peers {
		if f, ok := n.outsideSubnet(ctx, peer); ok {
			list = append(list, f)
		}
	}
	return list, err
}

// outsideSubnet is the finding that a peer's address lies outside the subnet that it names. AWS takes such a peer.
func (n *Networks) outsideSubnet(ctx context.Context, peer tunnelLess) (analysis.Finding, bool) {
	address, err := netip.ParseAddr(peer.Configuration.PeerAddress)
	if err != nil {
		return analysis.Finding{}, false
	}
	vpc, err := n.catalog.VPC(ctx, peer.vpc)
	if err != nil {
		return analysis.Finding{}, false
	}
	at := slices.IndexFunc(vpc.Subnets, func(s catalog.Subnet) bool { return s.ARN == peer.SubnetArn })
	if at < 0 || len(vpc.Subnets[at].CIDRs) == 0 || slices.ContainsFunc(vpc.Subnets[at].CIDRs, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return analysis.Finding{}, false
	}
	return analysis.Finding{Name: analysis.CheckPeerOutside, Instance: analysis.Instance{Subjects: []string{peer.ConnectPeerId}, Message: fmt.Sprintf(
		"Connect peer %s has address %s outside its subnet %s, %s: without encapsulation its packets do not arrive",
		peer.ConnectPeerId, address, catalog.IDOf(peer.SubnetArn), vpc.Subnets[at].CIDRs[0])}}, true
}
