// Package gatewaypath follows packets through the route tables of transit gateways, from the attachment they enter by to
// the one they leave by. It looks at the table associated with each attachment and at nothing else: not at core networks,
// not at the tables of VPCs.
//
// It must not know which operation asks.
package gatewaypath

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
)

// maxHops is AWS's.
const maxHops = 64

// Finder knows the attachments of the registered transit gateways and looks into their tables.
type Finder struct {
	catalog     catalog.Catalog
	attachments map[string]attachment
	middleboxes map[string]bool // by the path of the attachment's ARN; nil: none is looked for
}

type attachment struct {
	*catalog.GatewayAttachment
	gateway *catalog.TransitGateway
}

// Learn asks the catalog for transit gateways. Without a catalog nothing is known, and no attachment can be found.
// middleboxes are the attachments that lead to appliances, by [state.ResourcePath]; nil when they shall not be used.
func Learn(ctx context.Context, c catalog.Catalog, gateways []string, middleboxes map[string]bool) (*Finder, error) {
	f := &Finder{catalog: c, attachments: map[string]attachment{}, middleboxes: middleboxes}
	if c == nil {
		return f, nil
	}
	for _, arn := range gateways {
		g, err := c.TransitGateway(ctx, arn)
		if catalog.Blank(err) {
			continue
		}
		if err != nil {
			return f, err
		}
		for i := range g.Attachments {
			f.attachments[g.Attachments[i].ARN] = attachment{&g.Attachments[i], g}
		}
	}
	return f, nil
}

// GatewayOf is the transit gateway that an attachment is on, "" when it is not known.
func (f *Finder) GatewayOf(arn string) string {
	if at, ok := f.attachments[arn]; ok {
		return at.gateway.ARN
	}
	return ""
}

// longest is the row of a table that covers an address with the longest prefix.
func longest(table *catalog.RouteTable, to netip.Addr) *catalog.GatewayRoute {
	var best *catalog.GatewayRoute
	for i := range table.Routes {
		r := &table.Routes[i]
		if r.Prefix.Contains(to) && (best == nil || r.Prefix.Bits() > best.Prefix.Bits()) {
			best = r
		}
	}
	return best
}

// Path follows a packet from one attachment to another. Components are in the order of travel; their sequence counts down
// to 0 at the destination.
func (f *Finder) Path(ctx context.Context, source, destination string, to netip.Addr) (*state.RouteAnalysisPath, error) {
	p := &state.RouteAnalysisPath{Path: []state.PathComponent{}}
	end := func(reason api.RouteAnalysisCompletionReasonCode, context map[string]string) (*state.RouteAnalysisPath, error) {
		p.CompletionStatus = &state.RouteAnalysisCompletion{ResultCode: api.RouteAnalysisCompletionResultCodeNotConnected, ReasonCode: reason, ReasonContext: context}
		if reason == "" {
			p.CompletionStatus.ResultCode = api.RouteAnalysisCompletionResultCodeConnected
		}
		for i := range p.Path {
			p.Path[i].Sequence = new(int32(len(p.Path) - 1 - i))
		}
		return p, nil
	}
	if destination == "" {
		return end(api.RouteAnalysisCompletionReasonCodeNoDestinationArnProvided, nil)
	}
	if _, ok := f.attachments[destination]; !ok {
		return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentArn": destination})
	}
	at, ok := f.attachments[source]
	if !ok {
		return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentArn": source})
	}
	seen := map[string]bool{}
	visit(p, at, false, "")
	for range maxHops {
		p.Path = append(p.Path, component(at.gateway.ARN, at.gateway.ARN, "transit-gateway", at.gateway.Tags, ""))
		if at.RouteTableARN == "" || at.Associated != nil && !*at.Associated {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentStableRouteTableNotFound, map[string]string{"transitGatewayAttachmentArn": at.ARN})
		}
		table, err := f.catalog.RouteTable(ctx, at.RouteTableARN)
		if err != nil && !catalog.Blank(err) {
			return nil, err
		}
		if err != nil {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentStableRouteTableNotFound, map[string]string{"transitGatewayAttachmentArn": at.ARN})
		}
		route := longest(table, to)
		cidr := ""
		if route != nil {
			cidr = route.Prefix.String()
		}
		p.Path = append(p.Path, component(at.gateway.ARN, table.ARN, "transit-gateway-route-table", table.Tags, cidr))
		if seen[table.ARN] { // it leads the same way again
			return end(api.RouteAnalysisCompletionReasonCodeCyclicPathDetected, map[string]string{"transitGatewayRouteTableArn": table.ARN})
		}
		seen[table.ARN] = true
		switch {
		case route == nil:
			return end(api.RouteAnalysisCompletionReasonCodeRouteNotFound, map[string]string{"transitGatewayRouteTableArn": table.ARN})
		case route.State == "blackhole":
			return end(api.RouteAnalysisCompletionReasonCodeBlackholeRouteForDestinationFound, map[string]string{"transitGatewayRouteTableArn": table.ARN})
		case cmp.Or(route.State, "active") != "active" || len(route.AttachmentIDs) == 0:
			return end(api.RouteAnalysisCompletionReasonCodeInactiveRouteForDestinationFound, map[string]string{"transitGatewayRouteTableArn": table.ARN})
		}
		next, ok := f.next(at.gateway, route, destination)
		if !ok {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentId": route.AttachmentIDs[0]})
		}
		middlebox := next.ARN != destination && f.middleboxes[state.ResourcePath(next.ARN)]
		visit(p, next, middlebox, cidr)
		switch {
		case next.ARN == destination:
			if next.ResourceARN != "" {
				resource, _ := state.ParseARN(next.ResourceARN)
				p.Path = append(p.Path, component(at.gateway.ARN, next.ResourceARN, resource.ResourceType, nil, ""))
			}
			return end("", nil)
		case next.PeerARN != "":
			peer, ok := f.attachments[next.PeerARN]
			if !ok {
				reason := api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound
				if f.elsewhere(ctx, next.ResourceARN, next.PeerARN) {
					reason = api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotInTransitGateway
				}
				return end(reason, map[string]string{"transitGatewayAttachmentArn": next.PeerARN})
			}
			at = peer
		case middlebox:
			at = next
		case f.middleboxes != nil && next.ResourceType == "vpc":
			return end(api.RouteAnalysisCompletionReasonCodePossibleMiddlebox, map[string]string{"transitGatewayAttachmentArn": next.ARN})
		default:
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentAttachArnNoMatch, map[string]string{"transitGatewayAttachmentArn": next.ARN})
		}
	}
	return end(api.RouteAnalysisCompletionReasonCodeMaxHopsExceeded, nil)
}

// next is the attachment a route leads to; of several equal ones the destination, if it is among them.
func (f *Finder) next(gateway *catalog.TransitGateway, route *catalog.GatewayRoute, destination string) (attachment, bool) {
	id := route.AttachmentIDs[0]
	if wanted := catalog.IDOf(destination); slices.Contains(route.AttachmentIDs, wanted) {
		id = wanted
	}
	for i := range gateway.Attachments {
		if catalog.IDOf(gateway.Attachments[i].ARN) == id {
			return attachment{&gateway.Attachments[i], gateway}, true
		}
	}
	return attachment{}, false
}

// elsewhere tells whether an attachment exists, on a transit gateway that is not registered in the global network.
func (f *Finder) elsewhere(ctx context.Context, gateway, attachment string) bool {
	if r, ok := state.ParseARN(gateway); !ok || r.ResourceType != "transit-gateway" {
		return false
	}
	g, err := f.catalog.TransitGateway(ctx, gateway)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(g.Attachments, func(x catalog.GatewayAttachment) bool { return x.ARN == attachment })
}

func visit(p *state.RouteAnalysisPath, at attachment, middlebox bool, cidr string) {
	c := component(at.gateway.ARN, at.ARN, "transit-gateway-attachment", at.Tags, cidr)
	c.Resource.IsMiddlebox = &middlebox
	p.Path = append(p.Path, c)
}

func component(gateway, arn, resourceType string, tags map[string]string, cidr string) state.PathComponent {
	return state.PathComponent{
		Resource:             &state.NetworkResourceSummary{RegisteredGatewayArn: gateway, ResourceArn: arn, ResourceType: resourceType, NameTag: tags["Name"]},
		DestinationCidrBlock: cidr,
	}
}
