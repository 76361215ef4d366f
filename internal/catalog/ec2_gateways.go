package catalog

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var _, _ Catalog = (*EC2)(nil), (*File)(nil)

func ofGateway(id string) []types.Filter {
	return []types.Filter{{Name: aws.String("transit-gateway-id"), Values: []string{id}}}
}

func tagsOf(list []types.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	tags := make(map[string]string, len(list))
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// TransitGateway asks for a transit gateway with its attachments. Its route tables are asked for one by one, when they
// are wanted.
func (c *EC2) TransitGateway(ctx context.Context, arn string) (*TransitGateway, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*TransitGateway, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGateways(ctx, &ec2.DescribeTransitGatewaysInput{TransitGatewayIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGateways)
		if err != nil {
			return nil, err
		}
		g := &TransitGateway{ARN: arn, State: string(found.State), Tags: tagsOf(found.Tags)}
		if found.Options != nil {
			g.ASN = uint32(aws.ToInt64(found.Options.AmazonSideAsn))
		}
		peers, err := c.peers(ctx, client, to)
		if err != nil {
			return nil, err
		}
		pages := ec2.NewDescribeTransitGatewayAttachmentsPaginator(client, &ec2.DescribeTransitGatewayAttachmentsInput{Filters: ofGateway(to.id)})
		for n := 0; pages.HasMorePages() && n < maxPages; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, a := range page.TransitGatewayAttachments {
				g.Attachments = append(g.Attachments, to.attachment(&a, peers))
			}
		}
		tables, err := client.DescribeTransitGatewayRouteTables(ctx, &ec2.DescribeTransitGatewayRouteTablesInput{Filters: ofGateway(to.id)})
		if err != nil {
			return nil, err
		}
		for _, t := range tables.TransitGatewayRouteTables {
			g.RouteTables = append(g.RouteTables, RouteTable{
				ARN: to.arnLike("transit-gateway-route-table", aws.ToString(t.TransitGatewayRouteTableId)), TransitGatewayARN: arn, Tags: tagsOf(t.Tags),
			})
		}
		return g, nil
	})
}

// peers is the attachment on the other gateway by the peering attachment on this one. Both sides have the same id; they
// differ in Region and account.
func (c *EC2) peers(ctx context.Context, client *ec2.Client, to target) (map[string]string, error) {
	out, err := client.DescribeTransitGatewayPeeringAttachments(ctx, &ec2.DescribeTransitGatewayPeeringAttachmentsInput{Filters: ofGateway(to.id)})
	if err != nil {
		return nil, err
	}
	peers := map[string]string{}
	for _, p := range out.TransitGatewayPeeringAttachments {
		other := p.AccepterTgwInfo
		if p.AccepterTgwInfo != nil && aws.ToString(p.AccepterTgwInfo.TransitGatewayId) == to.id {
			other = p.RequesterTgwInfo
		}
		if id := aws.ToString(p.TransitGatewayAttachmentId); other != nil && id != "" {
			peers[id] = target{region: aws.ToString(other.Region), account: aws.ToString(other.OwnerId)}.arnLike("transit-gateway-attachment", id)
		}
	}
	return peers, nil
}

// resourceTypes are the types of ARNs of what EC2 attaches to a transit gateway.
var resourceTypes = map[types.TransitGatewayAttachmentResourceType]string{
	types.TransitGatewayAttachmentResourceTypeVpc:     "vpc",
	types.TransitGatewayAttachmentResourceTypeVpn:     "vpn-connection",
	types.TransitGatewayAttachmentResourceTypePeering: "transit-gateway",
	types.TransitGatewayAttachmentResourceTypeConnect: "transit-gateway-attachment",
}

func (t target) attachment(a *types.TransitGatewayAttachment, peers map[string]string) GatewayAttachment {
	id := aws.ToString(a.TransitGatewayAttachmentId)
	shown := GatewayAttachment{ARN: t.arnLike("transit-gateway-attachment", id), ResourceType: string(a.ResourceType), PeerARN: peers[id], Tags: tagsOf(a.Tags)}
	owner := target{region: t.region, account: aws.ToString(a.ResourceOwnerId)}
	if owner.account == "" {
		owner.account = t.account
	}
	switch kind := resourceTypes[a.ResourceType]; {
	case kind != "":
		shown.ResourceARN = owner.arnLike(kind, aws.ToString(a.ResourceId))
	case a.ResourceType == types.TransitGatewayAttachmentResourceTypeDirectConnectGateway:
		shown.ResourceARN = "arn:aws:directconnect::" + owner.account + ":dx-gateway/" + aws.ToString(a.ResourceId)
	}
	if a.Association != nil {
		shown.RouteTableARN = t.arnLike("transit-gateway-route-table", aws.ToString(a.Association.TransitGatewayRouteTableId))
		in := a.Association.State == types.TransitGatewayAssociationStateAssociated
		shown.Associated = &in
	}
	return shown
}

// RouteTable asks for a transit gateway route table with its routes. EC2 gives at most a thousand at a time and no
// pages: what is left out is asked for by halves of the address space.
func (c *EC2) RouteTable(ctx context.Context, arn string) (*RouteTable, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*RouteTable, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGatewayRouteTables(ctx, &ec2.DescribeTransitGatewayRouteTablesInput{TransitGatewayRouteTableIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGatewayRouteTables)
		if err != nil {
			return nil, err
		}
		t := &RouteTable{ARN: arn, TransitGatewayARN: to.arnLike("transit-gateway", aws.ToString(found.TransitGatewayId)), Tags: tagsOf(found.Tags)}
		t.Routes, err = c.search(ctx, client, to.id, nil)
		return t, err
	})
}

const maxSplits = 12

// search asks for the routes inside a block, nil for all, and splits the block where there are too many.
func (c *EC2) search(ctx context.Context, client *ec2.Client, table string, within *netip.Prefix) ([]GatewayRoute, error) {
	filters := []types.Filter{{Name: aws.String("state"), Values: []string{"active", "blackhole"}}}
	if within != nil {
		filters = append(filters, types.Filter{Name: aws.String("route-search.subnet-of-match"), Values: []string{within.String()}})
	}
	out, err := client.SearchTransitGatewayRoutes(ctx, &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: &table, Filters: filters, MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, err
	}
	var routes []GatewayRoute
	for _, r := range out.Routes {
		if p, ok := prefixOf(r.DestinationCidrBlock); ok {
			routes = append(routes, gatewayRoute(p, &r))
		}
	}
	if !aws.ToBool(out.AdditionalRoutesAvailable) {
		return routes, nil
	}
	var halves []netip.Prefix
	switch {
	case within == nil:
		halves = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	case within.Bits() >= maxSplits:
		return nil, fmt.Errorf("route table %s has more routes in %s than EC2 shows", table, within)
	default:
		halves = split(*within)
	}
	seen := map[netip.Prefix]bool{}
	for _, r := range routes {
		seen[r.Prefix] = true
	}
	for _, half := range halves {
		more, err := c.search(ctx, client, table, &half)
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			if !seen[r.Prefix] {
				seen[r.Prefix] = true
				routes = append(routes, r)
			}
		}
	}
	return routes, nil
}

// split is the two halves of a block.
func split(p netip.Prefix) []netip.Prefix {
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	high, _ := netip.AddrFromSlice(bytes)
	return []netip.Prefix{low, netip.PrefixFrom(high, p.Bits()+1)}
}

func gatewayRoute(p netip.Prefix, r *types.TransitGatewayRoute) GatewayRoute {
	route := GatewayRoute{Prefix: p, State: string(r.State), Type: string(r.Type), PrefixListID: aws.ToString(r.PrefixListId)}
	for _, a := range r.TransitGatewayAttachments {
		route.AttachmentIDs = append(route.AttachmentIDs, aws.ToString(a.TransitGatewayAttachmentId))
		route.ResourceType, route.ResourceID = string(a.ResourceType), aws.ToString(a.ResourceId)
	}
	return route
}

// ConnectPeer asks for a transit gateway Connect peer and the gateway it is on.
func (c *EC2) ConnectPeer(ctx context.Context, arn string) (*ConnectPeer, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*ConnectPeer, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGatewayConnectPeers(ctx, &ec2.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGatewayConnectPeers)
		if err != nil {
			return nil, err
		}
		attachments, err := client.DescribeTransitGatewayAttachments(ctx, &ec2.DescribeTransitGatewayAttachmentsInput{
			TransitGatewayAttachmentIds: []string{aws.ToString(found.TransitGatewayAttachmentId)},
		})
		if err != nil {
			return nil, err
		}
		peer := &ConnectPeer{ARN: arn}
		if a, err := only(attachments.TransitGatewayAttachments); err == nil {
			peer.TransitGatewayARN = to.arnLike("transit-gateway", aws.ToString(a.TransitGatewayId))
		}
		return peer, nil
	})
}

// IDOf is the id at the end of an ARN.
func IDOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
