package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portolan/internal/state"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/catalog"
)

// tgwEventRoute is a route of a transit gateway in the detail of an event.
type tgwEventRoute struct {
	DestinationCidrBlock  string               `json:"destinationCidrBlock"`
	Attachments           []tgwEventAttachment `json:"attachments"` // none of a blackhole
	RouteType             string               `json:"routeType"`
	RouteState            string               `json:"routeState"`
	PropagatedRouteFamily string               `json:"propagatedRouteFamily,omitzero"`
	BgpAttributes         *tgwEventBGP         `json:"bgpAttributes,omitzero"`
}

type tgwEventAttachment struct {
	TgwAttachmentID string `json:"tgwAttachmentId"`
	ResourceID      string `json:"resourceId,omitzero"`
	AttachmentType  string `json:"attachmentType,omitzero"`
}

// tgwEventBGP is without the MED, which a route table does not show.
type tgwEventBGP struct {
	ASPath []string `json:"asPath"`
}

func tgwRouteText(r *catalog.GatewayRoute) (string, error) {
	shown := tgwEventRoute{
		DestinationCidrBlock: r.Prefix.String(), Attachments: []tgwEventAttachment{}, RouteType: "route_propagated", RouteState: "active",
	}
	if r.State == "blackhole" {
		shown.RouteState = r.State
	}
	switch {
	case r.Type == "static":
		shown.RouteType = "route_static"
	case r.ResourceType == "vpc":
		shown.PropagatedRouteFamily = "connected"
	default:
		shown.PropagatedRouteFamily = "bgp"
	}
	for _, id := range r.AttachmentIDs {
		a := tgwEventAttachment{TgwAttachmentID: id, AttachmentType: r.ResourceType}
		if len(r.AttachmentIDs) == 1 { // of several only one is known
			a.ResourceID = r.ResourceID
		}
		shown.Attachments = append(shown.Attachments, a)
	}
	if len(r.ASPath) > 0 {
		path := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.ASPath), " ", ", "), "[]")
		shown.BgpAttributes = &tgwEventBGP{[]string{"AS_SEQ: [" + path + "]"}}
	}
	text, err := json.Marshal(&shown, json.Deterministic(true))
	return string(text), err
}

// lookAtTables asks the catalog for the route tables of the gateways. What cannot be asked about now is as it was published.
func (n *Notifier) lookAtTables(ctx context.Context, s *scope) (map[string]*state.ExternalTable, error) {
	next := map[string]*state.ExternalTable{}
	for _, arn := range s.gateways {
		gateway, err := n.catalog.TransitGateway(ctx, arn)
		gone, failure := missing(err)
		if failure != nil {
			for table, was := range s.tables {
				if was.Gateway == arn {
					next[table] = was
				}
			}
		}
		if gone || failure != nil {
			continue
		}
		for i := range gateway.RouteTables {
			table := gateway.RouteTables[i].ARN
			found, err := n.catalog.RouteTable(ctx, table)
			if gone, failure := missing(err); gone || failure != nil {
				if was := s.tables[table]; was != nil && !gone {
					next[table] = was
				}
				continue
			}
			seen := &state.ExternalTable{ARN: table, Gateway: arn}
			for j := range found.Routes {
				if seen.Routes == nil {
					seen.Routes = map[string]string{}
				}
				r := &found.Routes[j]
				if seen.Routes[r.Prefix.String()], err = tgwRouteText(r); err != nil {
					return nil, err
				}
			}
			next[table] = seen
		}
	}
	return next, nil
}

// tables writes the events that lead from the tables as they were published to as they are, and keeps these. The tables of a
// gateway that is new here, or gone, have none.
func (p *externalPublisher) tables(seen, next *state.External, before, now map[string]*state.ExternalTable) {
	both := maps.Clone(before)
	maps.Copy(both, now)
	for _, table := range slices.Sorted(maps.Keys(both)) {
		was, is := before[table], now[table]
		key := state.ExternalTables.Key(p.scope.account, p.scope.id, table)
		switch {
		case is == nil:
			state.ExternalTables.Delete(p.tx, key)
			is = &state.ExternalTable{Gateway: was.Gateway}
		case was == nil || !maps.Equal(was.Routes, is.Routes):
			state.ExternalTables.Put(p.tx, key, is)
		default:
			continue
		}
		if was == nil {
			was = &state.ExternalTable{}
		}
		_, had := seen.Gateways[is.Gateway]
		if has, known := next.Gateways[is.Gateway]; !had || !known || has.Missing {
			continue
		}
		var gone, come []jsontext.Value
		for _, prefix := range slices.Sorted(maps.Keys(was.Routes)) {
			if was.Routes[prefix] != is.Routes[prefix] {
				gone = append(gone, jsontext.Value(was.Routes[prefix]))
			}
		}
		for _, prefix := range slices.Sorted(maps.Keys(is.Routes)) {
			if was.Routes[prefix] != is.Routes[prefix] {
				come = append(come, jsontext.Value(is.Routes[prefix]))
			}
		}
		place, _ := state.ParseARN(table)
		d := externalDetail{Region: place.Region, TransitGatewayRouteTableArns: []string{table}, TransitGatewayArn: is.Gateway}
		p.routes(d, routesUninstalled, "uninstalled.", gone, next)
		p.routes(d, routesInstalled, "installed.", come, next)
	}
}

func (p *externalPublisher) routes(d externalDetail, what, sentence string, routes []jsontext.Value, next *state.External) {
	d.ChangeType, d.ChangeDescription = "TGW-ROUTE-"+what, "Routes in one or more Transit Gateway route tables have been "+sentence
	for some := range slices.Chunk(routes, maxEventRoutes) {
		next.Number = max(next.Number+1, p.tx.Now.UnixMilli())
		d.SequenceNumber, d.Routes = next.Number, some
		p.emit(state.RoutingUpdate, d, d.TransitGatewayArn)
	}
}
