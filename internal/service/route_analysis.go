package service

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// routeAnalyses are the route analyses of global networks. An analysis follows a packet through the route
// tables of registered transit gateways, from the attachment it enters by to the one it leaves by. It looks at the table associated with each attachment and at nothing else: not at
// core networks, not at the tables of VPCs.
//
//	/acct/A/route-analysis/GN/ID                          api.RouteAnalysis, with its paths from the start
var routeAnalyses = store.NewTable(store.Schema[api.RouteAnalysis]{Name: "route-analysis"})

// middleboxKey is the metadata of an attachment that leads to an appliance, so that an analysis goes on behind it. AWS's
// console stores its marks as metadata too; the name it uses is not published.
const middleboxKey = "middlebox"

// maxAnalysisHops is AWS's.
const maxAnalysisHops = 64

// startRouteAnalysis follows a packet, and its answer if asked to. The analysis is done at once, but shown when it is
// COMPLETED, as on AWS.
func startRouteAnalysis(ctx context.Context, e *env, in *api.StartRouteAnalysisInput) (*api.StartRouteAnalysisOutput, error) {
	from, to, err := analysisEndpoints(in)
	if err != nil {
		return nil, err
	}
	gateways, marks, err := e.registeredGateways(ctx, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	a := &analyst{ctx: ctx, refs: e.refs, attachments: map[string]analysedAttachment{}, middleboxes: marks}
	a.use = val(in.UseMiddleboxes)
	failure := a.learn(gateways)
	return update(ctx, e, func(tx *Txn) (*api.StartRouteAnalysisOutput, error) {
		if _, err := findGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		row := api.RouteAnalysis{
			GlobalNetworkId: in.GlobalNetworkId, OwnerAccountId: tx.caller.Account, RouteAnalysisId: tx.ids.uuid(),
			StartTimestamp: api.Time{Time: tx.now}, Status: api.RouteAnalysisStatusRunning,
			Source: a.endpoint(in.Source), Destination: a.endpoint(in.Destination),
			IncludeReturnPath: new(val(in.IncludeReturnPath)), UseMiddleboxes: new(val(in.UseMiddleboxes)),
		}
		shown := row
		if failure == nil {
			row.ForwardPath = a.path(row.Source.TransitGatewayAttachmentArn, row.Destination.TransitGatewayAttachmentArn, to)
			// AWS looks for the way back only when there is a way there.
			if val(in.IncludeReturnPath) && row.ForwardPath.CompletionStatus.ResultCode == api.RouteAnalysisCompletionResultCodeConnected {
				row.ReturnPath = a.path(row.Destination.TransitGatewayAttachmentArn, row.Source.TransitGatewayAttachmentArn, from)
			}
			failure = a.failure
		}
		if failure != nil {
			tx.log.Error("a route analysis failed", "error", failure)
			row.ForwardPath, row.ReturnPath = nil, nil
		}
		save(tx.lc, lifecycle.RouteAnalysis, routeAnalyses, tx.key("route-analysis", in.GlobalNetworkId, row.RouteAnalysisId), &row, string(row.Status))
		return &api.StartRouteAnalysisOutput{RouteAnalysis: &shown}, nil
	})
}

// getRouteAnalysis shows an analysis; its paths when it is COMPLETED.
func getRouteAnalysis(v *View, in *api.GetRouteAnalysisInput) (*api.GetRouteAnalysisOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	row, ok := routeAnalyses.Get(v.r, v.key("route-analysis", in.GlobalNetworkId, in.RouteAnalysisId))
	if !ok {
		return nil, api.NotFound("route-analysis", in.RouteAnalysisId)
	}
	shown := *row
	if shown.Status == api.RouteAnalysisStatusRunning {
		shown.ForwardPath, shown.ReturnPath = nil, nil
	}
	return &api.GetRouteAnalysisOutput{RouteAnalysis: &shown}, nil
}

// moveRouteAnalysis ends an analysis, and forgets it after a week.
func moveRouteAnalysis(lc *lifecycle.Txn, e lifecycle.Entry) error {
	row, ok := routeAnalyses.Get(lc.Txn, e.Key)
	if !ok || string(row.Status) != e.From {
		return nil
	}
	if row.Status != api.RouteAnalysisStatusRunning {
		routeAnalyses.Delete(lc.Txn, e.Key)
		return nil
	}
	next := *row
	if next.Status = api.RouteAnalysisStatusCompleted; next.ForwardPath == nil {
		next.Status = api.RouteAnalysisStatusFailed
	}
	save(lc, lifecycle.RouteAnalysis, routeAnalyses, e.Key, &next, string(next.Status))
	return nil
}

// analysisEndpoints checks what is asked. The source's address is needed for the way back only.
func analysisEndpoints(in *api.StartRouteAnalysisInput) (from, to netip.Addr, err error) {
	var fields []api.FieldError
	address := func(name string, e *api.RouteAnalysisEndpointOptionsSpecification, needed bool) (addr netip.Addr) {
		if e == nil {
			return addr
		}
		text := val(e.IpAddress)
		if text == "" && !needed {
			return addr
		}
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" || addr.Is4In6() {
			fields = append(fields, api.FieldError{Name: name + ".ipAddress", Message: "Member must be an IP address."})
		}
		return addr
	}
	from = address("source", in.Source, val(in.IncludeReturnPath))
	to = address("destination", in.Destination, true)
	if in.Source != nil && val(in.Source.TransitGatewayAttachmentArn) == "" {
		fields = append(fields, api.FieldError{Name: "source.transitGatewayAttachmentArn", Message: "Member must not be empty."})
	}
	return from, to, invalid(fields)
}

// registeredGateways are the transit gateways of a global network, and the attachments that are marked as middleboxes.
func (s *env) registeredGateways(ctx context.Context, gn string) (gateways []string, middleboxes map[string]bool, err error) {
	middleboxes = map[string]bool{}
	_, err = read(ctx, s, func(v *View) (*struct{}, error) {
		if _, err := findGlobalNetwork(v, gn); err != nil {
			return nil, err
		}
		for _, r := range tgwRegistrations.ScanIndex(v.r, v.prefix("tgw-registration.live", gn), "") {
			gateways = append(gateways, r.TransitGatewayArn)
		}
		for key, m := range resourceMetadata.Scan(v.r, v.prefix("resource-metadata", gn), "") {
			if strings.EqualFold((*m)[middleboxKey], "true") {
				middleboxes[strings.TrimPrefix(key, v.key("resource-metadata", gn))] = true
			}
		}
		return &struct{}{}, nil
	})
	return gateways, middleboxes, err
}

// analyst knows the attachments of the registered transit gateways and looks into their tables.
type analyst struct {
	ctx         context.Context //nolint:containedctx // of the one request it serves
	refs        references
	attachments map[string]analysedAttachment
	middleboxes map[string]bool // by the path of the attachment's ARN
	use         bool
	failure     error // of the catalog
}

type analysedAttachment struct {
	*catalog.GatewayAttachment
	gateway *catalog.TransitGateway
}

// learn asks the catalog for the gateways. Without a catalog nothing is known, and no attachment can be found.
func (a *analyst) learn(gateways []string) error {
	if a.refs.catalog == nil {
		return nil
	}
	for _, arn := range gateways {
		g, err := a.refs.catalog.TransitGateway(a.ctx, arn)
		missing, err := unknown(err)
		if err != nil {
			return err
		}
		if missing {
			continue
		}
		for i := range g.Attachments {
			a.attachments[g.Attachments[i].ARN] = analysedAttachment{&g.Attachments[i], g}
		}
	}
	return nil
}

func (a *analyst) endpoint(in *api.RouteAnalysisEndpointOptionsSpecification) *api.RouteAnalysisEndpointOptions {
	if in == nil {
		return &api.RouteAnalysisEndpointOptions{}
	}
	e := &api.RouteAnalysisEndpointOptions{TransitGatewayAttachmentArn: val(in.TransitGatewayAttachmentArn), IpAddress: val(in.IpAddress)}
	if at, ok := a.attachments[e.TransitGatewayAttachmentArn]; ok {
		e.TransitGatewayArn = at.gateway.ARN
	}
	return e
}

// route is the row of a table that covers an address with the longest prefix.
func (a *analyst) route(table *catalog.RouteTable, to netip.Addr) *catalog.GatewayRoute {
	var best *catalog.GatewayRoute
	for i := range table.Routes {
		r := &table.Routes[i]
		if r.Prefix.Contains(to) && (best == nil || r.Prefix.Bits() > best.Prefix.Bits()) {
			best = r
		}
	}
	return best
}

// path follows a packet from one attachment to another. Components are in the order of travel; their sequence counts down
// to 0 at the destination.
func (a *analyst) path(source, destination string, to netip.Addr) *api.RouteAnalysisPath {
	p := &api.RouteAnalysisPath{Path: []api.PathComponent{}}
	end := func(reason api.RouteAnalysisCompletionReasonCode, context map[string]string) *api.RouteAnalysisPath {
		p.CompletionStatus = &api.RouteAnalysisCompletion{ResultCode: api.RouteAnalysisCompletionResultCodeNotConnected, ReasonCode: reason, ReasonContext: context}
		if reason == "" {
			p.CompletionStatus.ResultCode = api.RouteAnalysisCompletionResultCodeConnected
		}
		for i := range p.Path {
			p.Path[i].Sequence = new(int32(len(p.Path) - 1 - i))
		}
		return p
	}
	if destination == "" {
		return end(api.RouteAnalysisCompletionReasonCodeNoDestinationArnProvided, nil)
	}
	if _, ok := a.attachments[destination]; !ok {
		return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentArn": destination})
	}
	at, ok := a.attachments[source]
	if !ok {
		return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentArn": source})
	}
	seen := map[string]bool{}
	a.visit(p, at, false, "")
	for range maxAnalysisHops {
		p.Path = append(p.Path, component(at.gateway.ARN, at.gateway.ARN, "transit-gateway", at.gateway.Tags, ""))
		if at.RouteTableARN == "" || at.Associated != nil && !*at.Associated {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentStableRouteTableNotFound, map[string]string{"transitGatewayAttachmentArn": at.ARN})
		}
		table, err := a.refs.catalog.RouteTable(a.ctx, at.RouteTableARN)
		missing, err := unknown(err)
		if err != nil {
			a.failure = err
		}
		if err != nil || missing {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentStableRouteTableNotFound, map[string]string{"transitGatewayAttachmentArn": at.ARN})
		}
		route := a.route(table, to)
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
		next, ok := a.next(at.gateway, route, destination)
		if !ok {
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound, map[string]string{"transitGatewayAttachmentId": route.AttachmentIDs[0]})
		}
		middlebox := a.use && next.ARN != destination && a.middleboxes[store.Path(next.ARN)]
		a.visit(p, next, middlebox, cidr)
		switch {
		case next.ARN == destination:
			if next.ResourceARN != "" {
				resource, _ := parseARN(next.ResourceARN)
				p.Path = append(p.Path, component(at.gateway.ARN, next.ResourceARN, resource.resourceType, nil, ""))
			}
			return end("", nil)
		case next.PeerARN != "":
			peer, ok := a.attachments[next.PeerARN]
			if !ok {
				reason := api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotFound
				if a.elsewhere(next.ResourceARN, next.PeerARN) {
					reason = api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentNotInTransitGateway
				}
				return end(reason, map[string]string{"transitGatewayAttachmentArn": next.PeerARN})
			}
			at = peer
		case middlebox:
			at = next
		case a.use && next.ResourceType == "vpc":
			return end(api.RouteAnalysisCompletionReasonCodePossibleMiddlebox, map[string]string{"transitGatewayAttachmentArn": next.ARN})
		default:
			return end(api.RouteAnalysisCompletionReasonCodeTransitGatewayAttachmentAttachArnNoMatch, map[string]string{"transitGatewayAttachmentArn": next.ARN})
		}
	}
	return end(api.RouteAnalysisCompletionReasonCodeMaxHopsExceeded, nil)
}

// next is the attachment a route leads to; of several equal ones the destination, if it is among them.
func (a *analyst) next(gateway *catalog.TransitGateway, route *catalog.GatewayRoute, destination string) (analysedAttachment, bool) {
	id := route.AttachmentIDs[0]
	if wanted := catalog.IDOf(destination); slices.Contains(route.AttachmentIDs, wanted) {
		id = wanted
	}
	for i := range gateway.Attachments {
		if catalog.IDOf(gateway.Attachments[i].ARN) == id {
			return analysedAttachment{&gateway.Attachments[i], gateway}, true
		}
	}
	return analysedAttachment{}, false
}

// elsewhere tells whether an attachment exists, on a transit gateway that is not registered in the global network.
func (a *analyst) elsewhere(gateway, attachment string) bool {
	if r, ok := parseARN(gateway); !ok || r.resourceType != "transit-gateway" {
		return false
	}
	g, err := a.refs.catalog.TransitGateway(a.ctx, gateway)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(g.Attachments, func(x catalog.GatewayAttachment) bool { return x.ARN == attachment })
}

func (a *analyst) visit(p *api.RouteAnalysisPath, at analysedAttachment, middlebox bool, cidr string) {
	c := component(at.gateway.ARN, at.ARN, "transit-gateway-attachment", at.Tags, cidr)
	c.Resource.IsMiddlebox = &middlebox
	p.Path = append(p.Path, c)
}

func component(gateway, arn, resourceType string, tags map[string]string, cidr string) api.PathComponent {
	return api.PathComponent{
		Resource:             &api.NetworkResourceSummary{RegisteredGatewayArn: gateway, ResourceArn: arn, ResourceType: resourceType, NameTag: tags["Name"]},
		DestinationCidrBlock: cidr,
	}
}

// uuid is a random-looking id in the form of a UUID.
func (g *idSource) uuid() string {
	text := strings.TrimPrefix(g.next("x"), "x-0")
	g.mu.Lock()
	more := g.random.Uint64()
	g.mu.Unlock()
	return fmt.Sprintf("%s-%s-8%03x-8%03x-%012x", text[:8], text[8:12], more>>52, more>>40&0xfff, more&0xffffffffffff)
}
