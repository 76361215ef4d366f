package service

import (
	"cmp"
	"context"
	"errors"
	"net/netip"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/snapshot"
)

// Snapshot is the network of one of the caller's core networks as one value.
func (s *Service) Snapshot(ctx context.Context, coreNetwork string) (*snapshot.Snapshot, error) {
	return read(ctx, s.env, func(v *View) (*snapshot.Snapshot, error) {
		row, err := findCoreNetwork(v, coreNetwork)
		if err != nil {
			return nil, err
		}
		return takeSnapshot(v, ctx, row)
	})
}

// takeSnapshot gathers a core network. One without a LIVE policy has no routes and no snapshot.
func takeSnapshot(v *View, ctx context.Context, row *coreNetworkRow) (*snapshot.Snapshot, error) {
	version, err := findVersion(v, row, row.LiveVersion)
	if err != nil {
		return nil, noLivePolicy(row)
	}
	s := &snapshot.Snapshot{
		Version: snapshot.FormatVersion, CoreNetworkID: row.CoreNetworkId, Account: row.OwnerAccountId,
		PolicyVersionID: row.LiveVersion, Policy: jsontext.Value(version.PolicyDocument),
	}
	for _, e := range row.Edges {
		edge := snapshot.Edge{Location: e.EdgeLocation, ASN: uint32(val(e.Asn))}
		for _, cidr := range e.InsideCidrBlocks {
			edge.InsideCIDRBlocks = append(edge.InsideCIDRBlocks, netip.MustParsePrefix(cidr))
		}
		s.Edges = append(s.Edges, edge)
	}
	for _, a := range attachmentsByAge(v, row) {
		s.Attachments = append(s.Attachments, snapshotOf(v, ctx, a))
	}
	s.PrefixLists = prefixListEntries(v, ctx, row)
	return s, nil
}

// snapshotOf is an attachment as it is in a snapshot. One that was turned away keeps the place it would have had, but takes
// it from nobody.
func snapshotOf(v *View, ctx context.Context, a *attachmentRow) snapshot.Attachment {
	resource, _ := parseARN(a.ResourceArn)
	var place snapshot.Association
	if a.claims() {
		place = snapshot.Association(a.association())
	}
	return snapshot.Attachment{
		ID: a.AttachmentId, Type: policyTypes[a.AttachmentType], State: string(a.State), Account: a.OwnerAccountId,
		Edges: a.edges(), ResourceARN: a.ResourceArn, ResourceID: resource.id(), Tags: tagMap(a.Tags),
		RoutingPolicyLabel: a.RoutingPolicyLabel, PeeringID: a.PeeringId, PeerASN: peerASN(v, ctx, a),
		TunnelLess: a.Protocol == api.TunnelProtocolNoEncap, Association: &place, Proposal: a.proposal(), Announcements: announced(v, ctx, a),
	}
}

// proposal is where the attachment is to be once that is accepted; nil when nothing waits.
func (row *attachmentRow) proposal() *snapshot.Association {
	if c := row.ProposedNetworkFunctionGroupChange; c != nil {
		return &snapshot.Association{NetworkFunctionGroup: c.NetworkFunctionGroupName, RuleNumber: int(val(c.AttachmentPolicyRuleNumber))}
	}
	if c := row.ProposedSegmentChange; c != nil {
		return &snapshot.Association{Segment: c.SegmentName, RuleNumber: int(val(c.AttachmentPolicyRuleNumber))}
	}
	return nil
}

// peerASN is the ASN of who speaks BGP behind an attachment: that of its Connect peers, when they agree, or of a VPN
// connection's customer gateway. 0 when nobody knows.
func peerASN(v *View, ctx context.Context, a *attachmentRow) uint32 {
	var asn uint32
	switch {
	case a.AttachmentType == api.AttachmentTypeSiteToSiteVpn && v.refs.catalog != nil:
		if vpn, err := v.refs.catalog.VPNConnection(ctx, a.ResourceArn); err == nil {
			if gateway, err := v.refs.catalog.CustomerGateway(ctx, vpn.CustomerGatewayARN); err == nil {
				return gateway.ASN
			}
		}
	case a.AttachmentType == api.AttachmentTypeConnect:
		for _, peer := range connectPeers.Scan(v.r, accountKey(parseAccount(a.CoreNetworkArn), "connect-peer", a.AttachmentId)+"/", "") {
			if peer.State == api.ConnectPeerStateFailed {
				continue
			}
			for _, b := range peer.Configuration.BgpConfigurations {
				theirs := uint32(val(b.PeerAsn))
				if asn != 0 && asn != theirs {
					return 0
				}
				asn = theirs
			}
		}
	}
	return cmp.Or(asn, a.PeerASN)
}

// prefixListEntries are the entries of the associated prefix lists, by alias: as EC2 has them, or as they were imported.
// An alias whose list nobody knows has no entries, rather than being left out: a policy that names it is valid all the same.
func prefixListEntries(v *View, ctx context.Context, row *coreNetworkRow) map[string][]netip.Prefix {
	var lists map[string][]netip.Prefix
	prefix := accountKey(row.OwnerAccountId, "prefix-list-association", row.CoreNetworkId) + "/"
	for _, association := range prefixListAssociations.Scan(v.r, prefix, "") {
		if lists == nil {
			lists = map[string][]netip.Prefix{}
		}
		lists[association.PrefixListAlias] = append([]netip.Prefix{}, association.Entries...)
		if v.refs.catalog == nil {
			continue
		}
		list, err := v.refs.catalog.PrefixList(ctx, association.PrefixListArn)
		switch {
		case err == nil:
			lists[association.PrefixListAlias] = list.Entries
		case errors.Is(err, catalog.ErrUnavailable):
			v.unheard = true
		}
	}
	return lists
}
