package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"portolan/internal/catalog"
)

var _ catalog.Catalog = (*Catalog)(nil)

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
func (c *Catalog) TransitGateway(ctx context.Context, arn string) (*catalog.TransitGateway, error) {
	return ask(ctx, c, arn, "transit-gateway", func(ctx context.Context, to target) (*catalog.TransitGateway, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGateways(ctx, &sdk.DescribeTransitGatewaysInput{TransitGatewayIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGateways)
		if err != nil || !c.owns(to, arn, found.OwnerId) || found.State == types.TransitGatewayStateDeleted { // EC2 shows it for a while more
			return nil, catalog.ErrNotFound
		}
		g := &catalog.TransitGateway{ARN: arn, ASN: catalog.DefaultASN, State: string(found.State), Tags: tagsOf(found.Tags)}
		if found.Options != nil && aws.ToInt64(found.Options.AmazonSideAsn) != 0 {
			g.ASN = uint32(*found.Options.AmazonSideAsn)
		}
		peers, err := c.peers(ctx, client, to)
		if err := c.without("transit-gateway-peering-attachment", err); err != nil {
			return nil, err
		}
		err = pages(ctx, sdk.NewDescribeTransitGatewayAttachmentsPaginator(client, &sdk.DescribeTransitGatewayAttachmentsInput{Filters: ofGateway(to.id)}),
			func(page *sdk.DescribeTransitGatewayAttachmentsOutput) {
				for i := range page.TransitGatewayAttachments {
					if a := &page.TransitGatewayAttachments[i]; a.State != types.TransitGatewayAttachmentStateDeleted {
						g.Attachments = append(g.Attachments, to.attachment(a, peers))
					}
				}
			})
		if err := c.without("transit-gateway-attachment", err); err != nil {
			return nil, err
		}
		err = pages(ctx, sdk.NewDescribeTransitGatewayRouteTablesPaginator(client, &sdk.DescribeTransitGatewayRouteTablesInput{Filters: ofGateway(to.id)}),
			func(page *sdk.DescribeTransitGatewayRouteTablesOutput) {
				for _, t := range page.TransitGatewayRouteTables {
					if t.State != types.TransitGatewayRouteTableStateDeleted {
						g.RouteTables = append(g.RouteTables, catalog.RouteTable{
							ARN: to.arnLike("transit-gateway-route-table", aws.ToString(t.TransitGatewayRouteTableId)), TransitGatewayARN: arn, Tags: tagsOf(t.Tags),
						})
					}
				}
			})
		return g, c.without("transit-gateway-route-table", err)
	})
}

// peers is the attachment on the other gateway by the peering attachment on this one. Both sides have the same id; they
// differ in Region and account.
func (c *Catalog) peers(ctx context.Context, client *sdk.Client, to target) (map[string]string, error) {
	peers := map[string]string{}
	err := pages(ctx, sdk.NewDescribeTransitGatewayPeeringAttachmentsPaginator(client, &sdk.DescribeTransitGatewayPeeringAttachmentsInput{Filters: ofGateway(to.id)}),
		func(page *sdk.DescribeTransitGatewayPeeringAttachmentsOutput) {
			for _, p := range page.TransitGatewayPeeringAttachments {
				other := p.AccepterTgwInfo
				if other != nil && aws.ToString(other.TransitGatewayId) == to.id {
					other = p.RequesterTgwInfo
				}
				if id := aws.ToString(p.TransitGatewayAttachmentId); other != nil && id != "" {
					peers[id] = target{region: aws.ToString(other.Region), account: aws.ToString(other.OwnerId)}.arnLike("transit-gateway-attachment", id)
				}
			}
		})
	return peers, err
}

// arnType is the type in the ARN of what EC2 attaches to a transit gateway, "" where that is not known.
func arnType(kind types.TransitGatewayAttachmentResourceType) string {
	switch kind {
	case "vpc", "vpn-concentrator":
		return string(kind)
	case "vpn":
		return "vpn-connection"
	case "peering", "tgw-peering":
		return "transit-gateway"
	case "connect":
		return "transit-gateway-attachment"
	case "client-vpn":
		return "client-vpn-endpoint"
	}
	return ""
}

func (t target) attachment(a *types.TransitGatewayAttachment, peers map[string]string) catalog.GatewayAttachment {
	id := aws.ToString(a.TransitGatewayAttachmentId)
	shown := catalog.GatewayAttachment{ARN: t.arnLike("transit-gateway-attachment", id), ResourceType: string(a.ResourceType), PeerARN: peers[id], Tags: tagsOf(a.Tags)}
	owner := target{region: t.region, account: aws.ToString(a.ResourceOwnerId)}
	if owner.account == "" {
		owner.account = t.account
	}
	switch kind := arnType(a.ResourceType); {
	case strings.HasPrefix(aws.ToString(a.ResourceId), "arn:"): // of a network function: a firewall, an endpoint service
		shown.ResourceARN = *a.ResourceId
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

// RouteTable asks for a transit gateway route table with its routes.
func (c *Catalog) RouteTable(ctx context.Context, arn string) (*catalog.RouteTable, error) {
	return ask(ctx, c, arn, "transit-gateway-route-table", func(ctx context.Context, to target) (*catalog.RouteTable, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGatewayRouteTables(ctx, &sdk.DescribeTransitGatewayRouteTablesInput{TransitGatewayRouteTableIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGatewayRouteTables)
		if err != nil || found.State == types.TransitGatewayRouteTableStateDeleted {
			return nil, catalog.ErrNotFound
		}
		t := &catalog.RouteTable{ARN: arn, TransitGatewayARN: to.arnLike("transit-gateway", aws.ToString(found.TransitGatewayId)), Tags: tagsOf(found.Tags)}
		search := routeSearch{client: client, table: to.id, left: maxSearches}
		t.Routes, err = search.all(ctx)
		return t, err
	})
}

// routeSearch reads the routes of a table. EC2 shows at most a thousand of those that match and has no pages: where there
// are more, the address space is searched by halves.
type routeSearch struct {
	client *sdk.Client
	table  string
	left   int // searches that may still be made
}

// maxSearches suffices for the 10,000 routes that a table can have, unless they are laid out to need more.
const maxSearches = 400

func (s *routeSearch) all(ctx context.Context) ([]catalog.GatewayRoute, error) {
	routes, complete, err := s.match(ctx)
	if err != nil || complete {
		return routes, err
	}
	four, err := s.inside(ctx, netip.MustParsePrefix("0.0.0.0/0"))
	if err != nil {
		return nil, err
	}
	six, err := s.inside(ctx, netip.MustParsePrefix("::/0"))
	return append(four, six...), err
}

// inside is the routes of a block and of the blocks in it.
func (s *routeSearch) inside(ctx context.Context, block netip.Prefix) ([]catalog.GatewayRoute, error) {
	routes, complete, err := s.match(ctx, types.Filter{Name: aws.String("route-search.subnet-of-match"), Values: []string{block.String()}})
	if err != nil || complete {
		return routes, err
	}
	// None of the halves has the block itself.
	routes, complete, err = s.match(ctx, types.Filter{Name: aws.String("route-search.exact-match"), Values: []string{block.String()}})
	if err != nil {
		return nil, err
	}
	if !complete || block.IsSingleIP() {
		return nil, fmt.Errorf("route table %s has more routes to %s than EC2 shows", s.table, block)
	}
	for _, half := range halves(block) {
		more, err := s.inside(ctx, half)
		if err != nil {
			return nil, err
		}
		routes = append(routes, more...)
	}
	return routes, nil
}

// match is one search. It is complete unless EC2 says that there is more.
func (s *routeSearch) match(ctx context.Context, filters ...types.Filter) (routes []catalog.GatewayRoute, complete bool, err error) {
	if s.left--; s.left < 0 {
		return nil, false, fmt.Errorf("route table %s takes more than %d searches", s.table, maxSearches)
	}
	out, err := s.client.SearchTransitGatewayRoutes(ctx, &sdk.SearchTransitGatewayRoutesInput{
		TransitGatewayRouteTableId: &s.table, // without MaxResults: EC2 shows a thousand then, and emulators stumble over it
		Filters:                    append(filters, types.Filter{Name: aws.String("state"), Values: []string{"active", "blackhole"}}),
	})
	if err != nil {
		return nil, false, err
	}
	for i := range out.Routes {
		if p, ok := prefixOf(out.Routes[i].DestinationCidrBlock); ok {
			routes = append(routes, gatewayRoute(p, &out.Routes[i]))
		}
	}
	return routes, !aws.ToBool(out.AdditionalRoutesAvailable), nil
}

// halves is the two halves of a block.
func halves(p netip.Prefix) []netip.Prefix {
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	high, _ := netip.AddrFromSlice(bytes)
	return []netip.Prefix{low, netip.PrefixFrom(high, p.Bits()+1)}
}

func gatewayRoute(p netip.Prefix, r *types.TransitGatewayRoute) catalog.GatewayRoute {
	route := catalog.GatewayRoute{Prefix: p, State: string(r.State), Type: string(r.Type), PrefixListID: aws.ToString(r.PrefixListId)}
	for _, a := range r.TransitGatewayAttachments {
		route.AttachmentIDs = append(route.AttachmentIDs, aws.ToString(a.TransitGatewayAttachmentId))
		route.ResourceType, route.ResourceID = string(a.ResourceType), aws.ToString(a.ResourceId)
	}
	return route
}

// ConnectPeer asks for a transit gateway Connect peer and the gateway it is on.
func (c *Catalog) ConnectPeer(ctx context.Context, arn string) (*catalog.ConnectPeer, error) {
	return ask(ctx, c, arn, "transit-gateway-connect-peer", func(ctx context.Context, to target) (*catalog.ConnectPeer, error) {
		client := c.client(to)
		out, err := client.DescribeTransitGatewayConnectPeers(ctx, &sdk.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.TransitGatewayConnectPeers)
		if err != nil || found.State == types.TransitGatewayConnectPeerStateDeleted {
			return nil, catalog.ErrNotFound
		}
		attachments, err := client.DescribeTransitGatewayAttachments(ctx, &sdk.DescribeTransitGatewayAttachmentsInput{
			TransitGatewayAttachmentIds: []string{aws.ToString(found.TransitGatewayAttachmentId)},
		})
		if err != nil {
			return nil, err
		}
		peer := &catalog.ConnectPeer{ARN: arn}
		if a, err := only(attachments.TransitGatewayAttachments); err == nil {
			peer.TransitGatewayARN = to.arnLike("transit-gateway", aws.ToString(a.TransitGatewayId))
		}
		return peer, nil
	})
}
