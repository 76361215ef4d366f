package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/catalog"
	"portolan/internal/store"
)

// outsideTable is a transit gateway route table as it was told: the JSON of each route in an event, by prefix.
type outsideTable struct {
	ARN, Gateway string
	Routes       map[string]string `json:",omitempty"`
}

var outsideTables = store.NewTable(store.Schema[outsideTable]{Name: "outside-table"})

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

// lookAtTables asks the catalog for the route tables of the gateways. What cannot be asked about now is as it was told.
func (s *env) lookAtTables(ctx context.Context, l *outsideLook, told map[string]*outsideTable) (map[string]*outsideTable, error) {
	next := map[string]*outsideTable{}
	for _, arn := range l.gateways {
		gateway, err := s.refs.catalog.TransitGateway(ctx, arn)
		missing, failure := unknown(err)
		if failure != nil {
			for table, was := range told {
				if was.Gateway == arn {
					next[table] = was
				}
			}
		}
		if missing || failure != nil {
			continue
		}
		for i := range gateway.RouteTables {
			table := gateway.RouteTables[i].ARN
			found, err := s.refs.catalog.RouteTable(ctx, table)
			if missing, failure := unknown(err); missing || failure != nil {
				if was := told[table]; was != nil && !missing {
					next[table] = was
				}
				continue
			}
			seen := &outsideTable{ARN: table, Gateway: arn}
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

// tables writes the events that lead from the tables as they were told to as they are, and keeps these. The tables of a
// gateway that is new here, or gone, have none.
func (t *outsideTeller) tables(seen, next *outsideRow, told, now map[string]*outsideTable) {
	both := maps.Clone(told)
	maps.Copy(both, now)
	for _, table := range slices.Sorted(maps.Keys(both)) {
		was, is := told[table], now[table]
		key := accountKey(t.look.account, "outside-table", t.look.id, table)
		switch {
		case is == nil:
			outsideTables.Delete(t.tx, key)
			is = &outsideTable{Gateway: was.Gateway}
		case was == nil || !maps.Equal(was.Routes, is.Routes):
			outsideTables.Put(t.tx, key, is)
		default:
			continue
		}
		if was == nil {
			was = &outsideTable{}
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
		place, _ := parseARN(table)
		d := outsideDetail{Region: place.region, TransitGatewayRouteTableArns: []string{table}, TransitGatewayArn: is.Gateway}
		t.routes(d, routesUninstalled, "uninstalled.", gone, next)
		t.routes(d, routesInstalled, "installed.", come, next)
	}
}

func (t *outsideTeller) routes(d outsideDetail, what, sentence string, routes []jsontext.Value, next *outsideRow) {
	d.ChangeType, d.ChangeDescription = "TGW-ROUTE-"+what, "Routes in one or more Transit Gateway route tables have been "+sentence
	for some := range slices.Chunk(routes, maxEventRoutes) {
		next.Number = max(next.Number+1, t.now.UnixMilli())
		d.SequenceNumber, d.Routes = next.Number, some
		t.emit(routingUpdate, d, d.TransitGatewayArn)
	}
}
