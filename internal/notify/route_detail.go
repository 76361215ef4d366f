package notify

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/internal/state"

	"github.com/go-json-experiment/json"

	"portolan/policy"
	"portolan/routing"
)

// eventRoute is a route in the detail of a routing event.
type eventRoute struct {
	DestinationCidrBlock  string                 `json:"destinationCidrBlock"`
	Attachments           []eventRouteAttachment `json:"attachments"` // none of a blackhole, and of a route to another edge
	RouteType             string                 `json:"routeType"`
	RouteState            string                 `json:"routeState"`
	PropagatedRouteFamily string                 `json:"propagatedRouteFamily,omitzero"`
	BgpAttributes         *eventBGP              `json:"bgpAttributes,omitzero"`
}

type eventRouteAttachment struct {
	AttachmentID   string `json:"attachmentId"`
	AttachmentType string `json:"attachmentType"`
}

type eventBGP struct {
	Med    string   `json:"med"`
	ASPath []string `json:"asPath"`
}

const (
	routesInstalled   = "INSTALLED"
	routesUninstalled = "UNINSTALLED"
	maxEventRoutes    = 100
	maxEventBytes     = 200_000 // an event bus takes 256 KiB, the envelope included
)

// tableChange is what changed in the tables of some segments at an edge, alike.
type tableChange struct {
	segments []string
	what     string
	routes   []string // as JSON, each
}

// changes collects what leads from what was published before to what is published now. A route that changes is uninstalled as it was
// and installed as it is, in this order.
type changes struct {
	now     *published
	before  *routing.Tables
	was, is rowTexts
	tables  map[routing.TableID]*tableChanges
	edges   []string
	byEdge  map[string][]*tableChange
}

// tableChanges is what changed in one table.
type tableChanges struct{ gone, come tableChange }

func (n *published) changesSince(before *published) *changes {
	x := &changes{
		now: n, before: before.tables, was: rowTexts{of: before}, is: rowTexts{of: n},
		tables: map[routing.TableID]*tableChanges{}, byEdge: map[string][]*tableChange{},
	}
	for _, id := range n.tables.TableIDsSince(before.tables) { // the order of events is theirs, whichever changes first
		x.enter(id)
	}
	return x
}

func (x *changes) enter(id routing.TableID) {
	of := &tableChanges{tableChange{segments: []string{id.Segment}, what: routesUninstalled}, tableChange{segments: []string{id.Segment}, what: routesInstalled}}
	x.tables[id] = of
	if x.byEdge[id.Edge] == nil {
		x.edges = append(x.edges, id.Edge)
	}
	x.byEdge[id.Edge] = append(x.byEdge[id.Edge], &of.gone, &of.come)
}

// add collects the changes of some prefixes, which come after those before.
func (x *changes) add(prefixes []netip.Prefix) {
	var table routing.TableID
	var of *tableChanges
	for c := range x.now.tables.ChangesOf(x.before, prefixes) {
		if c.Table.Segment == "" {
			continue // events tell of segments only
		}
		if c.Table != table {
			table, of = c.Table, x.tables[c.Table]
		}
		old, row := x.was.text(table.Edge, c.Old), x.is.text(table.Edge, c.New)
		if old == row {
			continue // the difference is in what no event tells
		}
		if old != "" {
			of.gone.routes = append(of.gone.routes, old)
		}
		if row != "" {
			of.come.routes = append(of.come.routes, row)
		}
	}
}

// events are the details of the events of what was collected.
func (x *changes) events(now time.Time) []state.EventDetail {
	var list []state.EventDetail
	for _, edge := range x.edges {
		for _, c := range alike(x.byEdge[edge]) {
			list = append(list, x.now.details(edge, c, now)...)
		}
	}
	return list
}

// alike puts segments together in which the same happened; what is uninstalled comes first.
func alike(list []*tableChange) []*tableChange {
	var merged []*tableChange
	known := map[string][]*tableChange{}
	for _, what := range []string{routesUninstalled, routesInstalled} {
		for _, c := range list {
			if c.what != what || len(c.routes) == 0 {
				continue
			}
			key := what + c.routes[0] + c.routes[len(c.routes)-1]
			at := slices.IndexFunc(known[key], func(k *tableChange) bool { return slices.Equal(k.routes, c.routes) })
			if at >= 0 {
				same := known[key][at]
				same.segments = append(same.segments, c.segments...)
				continue
			}
			known[key] = append(known[key], c)
			merged = append(merged, c)
		}
	}
	return merged
}

// details are the events of one change, in pieces that a bus takes. Each has a number above those before it.
func (n *published) details(edge string, c *tableChange, now time.Time) (list []state.EventDetail) {
	for rest := c.routes; len(rest) > 0; {
		size, count := 0, 0
		for count < min(len(rest), maxEventRoutes) && (count == 0 || size+len(rest[count]) <= maxEventBytes) {
			size += len(rest[count])
			count++
		}
		n.number = max(n.number+1, now.UnixMilli())
		d := state.EventDetail{
			ChangeType:        "SEGMENT_ROUTES_" + c.what,
			ChangeDescription: "Routes in one or more Segments have been " + strings.ToLower(c.what) + ".",
			Region:            edge, Segments: c.segments, SequenceNumber: n.number,
		}
		for _, text := range rest[:count] {
			d.Routes = append(d.Routes, []byte(text))
		}
		list, rest = append(list, d), rest[count:]
	}
	return list
}

// rowTexts are rows as events show them, each made once for all tables of an edge that have it.
type rowTexts struct {
	of    *published
	known map[rowPlace]rowText
}

type rowPlace struct {
	edge   string
	prefix netip.Prefix
}

type rowText struct {
	row  *routing.Route
	text string
}

// text is a row as events show it, "" for none.
func (x *rowTexts) text(edge string, r *routing.Route) string {
	if r == nil {
		return ""
	}
	at := rowPlace{edge, r.Prefix}
	if known, ok := x.known[at]; ok && shownAlike(known.row, r) {
		return known.text
	}
	if x.known == nil {
		x.known = map[rowPlace]rowText{}
	}
	text := x.of.routeText(r)
	x.known[at] = rowText{r, text}
	return text
}

// shownAlike tells whether all is the same that events show of rows of one prefix.
func shownAlike(a, b *routing.Route) bool {
	return a.Type == b.Type && a.State == b.State && a.Kind == b.Kind && a.Origin.Type == b.Origin.Type && a.MED == b.MED &&
		slices.Equal(a.ASPath, b.ASPath) &&
		slices.EqualFunc(a.Destinations, b.Destinations, func(x, y routing.Destination) bool { return x.Attachment == y.Attachment })
}

// routeText is a row as events show it, "" for none.
func (n *published) routeText(r *routing.Route) string {
	if r == nil {
		return ""
	}
	route := eventRoute{
		DestinationCidrBlock: r.Prefix.String(), Attachments: []eventRouteAttachment{},
		RouteType: "route_" + strings.ToLower(string(r.Type)), RouteState: strings.ToLower(string(r.State)),
	}
	for _, d := range r.Destinations {
		if a, ok := n.tables.Bare(d.Attachment); ok {
			route.Attachments = append(route.Attachments, eventRouteAttachment{a.ID, eventTypes[a.Type]})
		}
	}
	switch {
	case r.Kind == routing.KindAttachment && r.Origin.Type == policy.TypeVPC:
		route.PropagatedRouteFamily = "connected"
	case r.Kind == routing.KindEdge && r.Type == routing.Propagated, r.Kind == routing.KindAttachment && bgpSpeaker(r):
		route.PropagatedRouteFamily = "bgp"
		route.BgpAttributes = &eventBGP{Med: strconv.FormatUint(uint64(r.MED), 10), ASPath: []string{}}
		if len(r.ASPath) > 0 {
			var words []string
			for _, asn := range r.ASPath {
				words = append(words, strconv.FormatUint(uint64(asn), 10))
			}
			route.BgpAttributes.ASPath = append(route.BgpAttributes.ASPath, "AS_SEQ: ["+strings.Join(words, ", ")+"]")
		}
	}
	text, err := json.Marshal(&route, json.Deterministic(true))
	if err != nil {
		panic(err) // strings
	}
	return string(text)
}

// bgpSpeaker tells a route that came over BGP from a static route of a VPN connection.
func bgpSpeaker(r *routing.Route) bool {
	return len(r.ASPath) > 0 || slices.Contains([]string{policy.TypeConnect, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable}, r.Origin.Type)
}

// eventTypes are the words of routing events for types of attachments.
var eventTypes = map[string]string{
	policy.TypeVPC: "vpc", policy.TypeSiteToSiteVPN: "vpn", policy.TypeConnect: "connect",
	policy.TypeDirectConnectGateway: "direct-connect-gateway", policy.TypeTransitGatewayRouteTable: "transit-gateway-route-table",
}
