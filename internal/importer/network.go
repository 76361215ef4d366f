package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/order"
	"portolan/internal/snapshot"
	"portolan/policy"
)

// network reads all but what attachments announce.
func (r *reader) network(ctx context.Context) error {
	id, err := r.coreNetwork(ctx)
	if err != nil {
		return err
	}
	core, err := ask(ctx, r, r.client.GetCoreNetwork, networkmanager.GetCoreNetworkInput{CoreNetworkId: &id})
	if err != nil {
		return necessary("GetCoreNetwork", err)
	}
	live, err := ask(ctx, r, r.client.GetCoreNetworkPolicy, networkmanager.GetCoreNetworkPolicyInput{CoreNetworkId: &id, Alias: types.CoreNetworkPolicyAliasLive})
	if err != nil {
		return necessary("GetCoreNetworkPolicy", err)
	}
	if err := r.begin(core.CoreNetwork, live.CoreNetworkPolicy); err != nil {
		return err
	}
	if err := r.attachments(ctx); err != nil {
		return err
	}
	if err := r.details(ctx); err != nil {
		return err
	}
	if err := r.labels(ctx); err != nil {
		return err
	}
	if err := r.prefixLists(ctx); err != nil {
		return err
	}
	if err := r.natConfigurations(ctx); err != nil {
		return err
	}
	return r.snap.Validate()
}

// begin takes what the core network and its policy say.
func (r *reader) begin(core *types.CoreNetwork, live *types.CoreNetworkPolicy) error {
	if core == nil || live == nil || aws.ToString(live.PolicyDocument) == "" {
		return errors.New("the endpoint answers without a core network or without its policy")
	}
	arn := strings.SplitN(aws.ToString(core.CoreNetworkArn), ":", 6)
	if len(arn) != 6 {
		return fmt.Errorf("the endpoint answers with %.100q for an ARN", aws.ToString(core.CoreNetworkArn))
	}
	r.globalNetwork = aws.ToString(core.GlobalNetworkId)
	r.snap = &snapshot.Snapshot{
		Version: snapshot.FormatVersion, CoreNetworkID: aws.ToString(core.CoreNetworkId), Account: arn[4],
		PolicyVersionID: aws.ToInt32(live.PolicyVersionId), Policy: jsontext.Value(*live.PolicyDocument),
	}
	for _, e := range core.Edges {
		edge := snapshot.Edge{Location: aws.ToString(e.EdgeLocation), ASN: uint32(aws.ToInt64(e.Asn))}
		for _, text := range e.InsideCidrBlocks {
			block, err := netip.ParsePrefix(text)
			if err != nil {
				return fmt.Errorf("edge location %s: %w", edge.Location, err)
			}
			edge.InsideCIDRBlocks = append(edge.InsideCIDRBlocks, block)
		}
		r.snap.Edges = append(r.snap.Edges, edge)
	}
	compiled, err := r.snap.Compile(r.snap.Policy)
	if err != nil {
		return fmt.Errorf("the LIVE policy: %w", err)
	}
	r.policy = compiled
	for i := range compiled.Segments {
		r.report.Tables += len(compiled.Segments[i].Edges)
	}
	r.report.Tables += len(compiled.NetworkFunctionGroups) * len(compiled.Edges)
	return nil
}

// attachments reads the list of attachments, the oldest first.
func (r *reader) attachments(ctx context.Context) error {
	var list []types.Attachment
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListAttachmentsOutput, *string, error) {
		out, err := ask(ctx, r, r.client.ListAttachments, networkmanager.ListAttachmentsInput{
			CoreNetworkId: &r.snap.CoreNetworkID, MaxResults: aws.Int32(500), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListAttachmentsOutput) { list = append(list, out.Attachments...) })
	if err != nil {
		return necessary("ListAttachments", err)
	}
	order.Stable(list, func(a, b types.Attachment) int {
		return cmp.Or(aws.ToTime(a.CreatedAt).Compare(aws.ToTime(b.CreatedAt)), cmp.Compare(aws.ToString(a.AttachmentId), aws.ToString(b.AttachmentId)))
	})
	for i := range list {
		if a := attachmentOf(&list[i]); a != nil {
			r.snap.Attachments = append(r.snap.Attachments, *a)
		} else {
			r.note("attachment %s has the type %s, which a snapshot does not have: it is left out", aws.ToString(list[i].AttachmentId), list[i].AttachmentType)
		}
	}
	return nil
}

// typeOf is an attachment type as policies spell it.
func typeOf(t types.AttachmentType) string {
	switch t {
	case types.AttachmentTypeVpc:
		return policy.TypeVPC
	case types.AttachmentTypeConnect:
		return policy.TypeConnect
	case types.AttachmentTypeSiteToSiteVpn:
		return policy.TypeSiteToSiteVPN
	case types.AttachmentTypeDirectConnectGateway:
		return policy.TypeDirectConnectGateway
	case types.AttachmentTypeTransitGatewayRouteTable:
		return policy.TypeTransitGatewayRouteTable
	}
	return ""
}

// attachmentOf is an attachment as the list shows it, nil when it is of no known type.
func attachmentOf(x *types.Attachment) *snapshot.Attachment {
	a := &snapshot.Attachment{
		ID: aws.ToString(x.AttachmentId), Type: typeOf(x.AttachmentType), State: string(x.State), Account: aws.ToString(x.OwnerAccountId),
		Edges: x.EdgeLocations, ResourceARN: aws.ToString(x.ResourceArn), Tags: tagsOf(x.Tags),
		Association: &snapshot.Association{
			Segment: aws.ToString(x.SegmentName), NetworkFunctionGroup: aws.ToString(x.NetworkFunctionGroupName),
			RuleNumber: int(aws.ToInt32(x.AttachmentPolicyRuleNumber)),
		},
	}
	if a.Type == "" {
		return nil
	}
	if e := aws.ToString(x.EdgeLocation); e != "" {
		a.Edges = []string{e}
	}
	a.ResourceID = a.ResourceARN[strings.LastIndexByte(a.ResourceARN, '/')+1:]
	switch {
	case x.ProposedSegmentChange != nil:
		a.Proposal = &snapshot.Association{Segment: aws.ToString(x.ProposedSegmentChange.SegmentName), RuleNumber: int(aws.ToInt32(x.ProposedSegmentChange.AttachmentPolicyRuleNumber))}
	case x.ProposedNetworkFunctionGroupChange != nil:
		p := x.ProposedNetworkFunctionGroupChange
		a.Proposal = &snapshot.Association{NetworkFunctionGroup: aws.ToString(p.NetworkFunctionGroupName), RuleNumber: int(aws.ToInt32(p.AttachmentPolicyRuleNumber))}
	}
	return a
}

func tagsOf(list []types.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// details reads what the list of attachments does not show: of Connect attachments whether they have tunnels and their
// peers, of transit gateway route tables the peering.
func (r *reader) details(ctx context.Context) error {
	var list []*snapshot.Attachment
	connect := false
	for i := range r.snap.Attachments {
		a := &r.snap.Attachments[i]
		connect = connect || a.Type == policy.TypeConnect
		if a.Type == policy.TypeConnect || a.Type == policy.TypeTransitGatewayRouteTable {
			list = append(list, a)
		}
	}
	err := each(ctx, r, "attachments", list, func(ctx context.Context, a *snapshot.Attachment) error {
		if a.Type == policy.TypeTransitGatewayRouteTable {
			out, err := ask(ctx, r, r.client.GetTransitGatewayRouteTableAttachment, networkmanager.GetTransitGatewayRouteTableAttachmentInput{AttachmentId: &a.ID})
			if err == nil && out.TransitGatewayRouteTableAttachment != nil {
				a.PeeringID = aws.ToString(out.TransitGatewayRouteTableAttachment.PeeringId)
			}
			return r.missed(ctx, "networkmanager:GetTransitGatewayRouteTableAttachment", a.ID, err)
		}
		out, err := ask(ctx, r, r.client.GetConnectAttachment, networkmanager.GetConnectAttachmentInput{AttachmentId: &a.ID})
		if err == nil && out.ConnectAttachment != nil && out.ConnectAttachment.Options != nil {
			a.TunnelLess = out.ConnectAttachment.Options.Protocol == types.TunnelProtocolNoEncap
		}
		return r.missed(ctx, "networkmanager:GetConnectAttachment", a.ID, err)
	})
	if err != nil || !connect {
		return err
	}
	return r.peers(ctx)
}

// missed notes a call that failed, unless it was given up.
func (r *reader) missed(ctx context.Context, action, of string, err error) error {
	if err != nil && ctx.Err() == nil {
		r.unread(action, of, err)
	}
	return context.Cause(ctx)
}

// peers reads the Connect peers that are up. An attachment has the ASN that all of its peers have.
func (r *reader) peers(ctx context.Context) error {
	var list []types.ConnectPeerSummary
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListConnectPeersOutput, *string, error) {
		out, err := ask(ctx, r, r.client.ListConnectPeers, networkmanager.ListConnectPeersInput{CoreNetworkId: &r.snap.CoreNetworkID, MaxResults: aws.Int32(500), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListConnectPeersOutput) { list = append(list, out.ConnectPeers...) })
	if err != nil {
		return r.missed(ctx, "networkmanager:ListConnectPeers", "", err)
	}
	byID := map[string]*snapshot.Attachment{}
	for i := range r.snap.Attachments {
		byID[r.snap.Attachments[i].ID] = &r.snap.Attachments[i]
	}
	asns := map[string][]uint32{}
	err = each(ctx, r, "Connect peers", list, func(ctx context.Context, s types.ConnectPeerSummary) error {
		a := byID[aws.ToString(s.ConnectAttachmentId)]
		if a == nil || s.ConnectPeerState == types.ConnectPeerStateFailed {
			return nil
		}
		out, err := ask(ctx, r, r.client.GetConnectPeer, networkmanager.GetConnectPeerInput{ConnectPeerId: s.ConnectPeerId})
		if err != nil || out.ConnectPeer == nil {
			return r.missed(ctx, "networkmanager:GetConnectPeer", aws.ToString(s.ConnectPeerId), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		peer := snapshot.Peer{ID: aws.ToString(s.ConnectPeerId)}
		if c := out.ConnectPeer.Configuration; c != nil {
			for _, b := range c.BgpConfigurations {
				if b.PeerAsn != nil {
					peer.ASN = uint32(*b.PeerAsn)
					break
				}
			}
		}
		asns[a.ID] = append(asns[a.ID], peer.ASN)
		if s.ConnectPeerState == types.ConnectPeerStateAvailable {
			a.Peers = append(a.Peers, peer)
		}
		return nil
	})
	for id, list := range asns {
		if slices.Sort(list); list[0] == list[len(list)-1] {
			byID[id].PeerASN = list[0]
		}
		order.Sort(byID[id].Peers, func(a, b snapshot.Peer) int { return cmp.Compare(a.ID, b.ID) })
	}
	return err
}

// labels reads the routing policy labels.
func (r *reader) labels(ctx context.Context) error {
	labels := map[string]string{}
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListAttachmentRoutingPolicyAssociationsOutput, *string, error) {
		out, err := ask(ctx, r, r.client.ListAttachmentRoutingPolicyAssociations, networkmanager.ListAttachmentRoutingPolicyAssociationsInput{
			CoreNetworkId: &r.snap.CoreNetworkID, MaxResults: aws.Int32(500), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListAttachmentRoutingPolicyAssociationsOutput) {
		for _, s := range out.AttachmentRoutingPolicyAssociations {
			labels[aws.ToString(s.AttachmentId)] = aws.ToString(s.RoutingPolicyLabel)
		}
	})
	if err != nil {
		return r.missed(ctx, "networkmanager:ListAttachmentRoutingPolicyAssociations", "", err)
	}
	for i := range r.snap.Attachments {
		r.snap.Attachments[i].RoutingPolicyLabel = labels[r.snap.Attachments[i].ID]
	}
	return nil
}

// prefixLists reads the aliases of prefix lists, and their entries from EC2. An alias whose entries are not known has none.
func (r *reader) prefixLists(ctx context.Context) error {
	var list []types.PrefixListAssociation
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListCoreNetworkPrefixListAssociationsOutput, *string, error) {
		out, err := ask(ctx, r, r.client.ListCoreNetworkPrefixListAssociations, networkmanager.ListCoreNetworkPrefixListAssociationsInput{
			CoreNetworkId: &r.snap.CoreNetworkID, NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListCoreNetworkPrefixListAssociationsOutput) {
		list = append(list, out.PrefixListAssociations...)
	})
	if err != nil {
		return r.missed(ctx, "networkmanager:ListCoreNetworkPrefixListAssociations", "", err)
	}
	for _, one := range list {
		alias, arn := aws.ToString(one.PrefixListAlias), aws.ToString(one.PrefixListArn)
		if r.snap.PrefixLists == nil {
			r.snap.PrefixLists = map[string][]netip.Prefix{}
		}
		r.snap.PrefixLists[alias] = []netip.Prefix{}
		if r.cfg.Catalog == nil {
			r.note("the entries of prefix list %s are unknown: EC2 was not asked", alias)
			continue
		}
		entries, err := r.cfg.Catalog.PrefixList(ctx, arn)
		if err != nil {
			if err := r.missed(ctx, "ec2:GetManagedPrefixListEntries", alias, err); err != nil {
				return err
			}
			continue
		}
		r.snap.PrefixLists[alias] = append(r.snap.PrefixLists[alias], entries.Entries...)
	}
	return nil
}
