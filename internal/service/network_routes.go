package service

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/network"
	"portolan/internal/order"
	"portolan/internal/state"
	"portolan/routing"
)

// getNetworkRoutes shows a route table as a whole: of a segment or a network function group at an edge, or of a
// registered transit gateway. Values of one filter are alternatives; a route must pass every filter that is given.
func getNetworkRoutes(ctx context.Context, e *env, in *api.GetNetworkRoutesInput) (*api.GetNetworkRoutesOutput, error) {
	filter, err := newRouteFilter(in)
	if err != nil {
		return nil, err
	}
	id := in.RouteTableIdentifier
	given := 0
	for _, ok := range []bool{id.TransitGatewayRouteTableArn != nil, id.CoreNetworkSegmentEdge != nil, id.CoreNetworkNetworkFunctionGroup != nil} {
		if ok {
			given++
		}
	}
	if given != 1 {
		return nil, api.InvalidField("routeTableIdentifier", "Exactly one route table must be identified.")
	}
	if id.TransitGatewayRouteTableArn != nil {
		return transitGatewayRoutes(ctx, e, in, filter)
	}
	coreNetwork, table := coreNetworkTable(id)
	_, routes, err := e.networks.Routes(ctx, func(v *state.View) (*state.CoreNetwork, error) {
		if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		row, err := routed(coreNetwork)(v)
		if err == nil && row.GlobalNetworkId != in.GlobalNetworkId {
			return nil, api.NotFound("core-network", coreNetwork)
		}
		return row, err
	})
	if err != nil {
		return nil, err
	}
	fib, ok := routes.Tables.Table(table)
	if !ok {
		return nil, api.NotFound("route-table", table.String())
	}
	out := &api.GetNetworkRoutesOutput{
		RouteTableType: api.RouteTableTypeCoreNetworkSegment, RouteTableTimestamp: api.Time{Time: routes.At}, NetworkRoutes: []api.NetworkRoute{},
	}
	if out.CoreNetworkSegmentEdge = id.CoreNetworkSegmentEdge; out.CoreNetworkSegmentEdge == nil {
		out.RouteTableType = api.RouteTableTypeNetworkFunctionGroup
	}
	s := routeSpeller{routes: routes, filter: filter, known: map[*routing.Destination]*spelled{}}
	if !api.CallerFrom(ctx).EncodeOnly {
		out.NetworkRoutes = append(out.NetworkRoutes, s.list(fib)...)
		return out, nil
	}
	encode := func() string { return s.encoded(fib) }
	text := ""
	if filter.none() {
		text = routes.Text(table, encode)
	} else {
		text = encode()
	}
	if text != "" { // one element, whose encoded form is that of all rows
		out.NetworkRoutes = make([]api.NetworkRoute, 1)
		out.NetworkRoutes[0].SetEncoded(&[]string{text})
	}
	return out, nil
}

func coreNetworkTable(id *api.RouteTableIdentifier) (coreNetwork string, table routing.TableID) {
	if e := id.CoreNetworkSegmentEdge; e != nil {
		return val(e.CoreNetworkId), routing.TableID{Segment: val(e.SegmentName), Edge: val(e.EdgeLocation)}
	}
	g := id.CoreNetworkNetworkFunctionGroup
	return val(g.CoreNetworkId), routing.TableID{NetworkFunctionGroup: val(g.NetworkFunctionGroupName), Edge: val(g.EdgeLocation)}
}

// routeSpeller spells routes as the API does. No route has a PrefixListId: a core network policy uses prefix lists to match
// routes, and cannot make routes from them. What many rows of a table lead to is spelled once.
type routeSpeller struct {
	routes *network.Routes
	filter *routeFilter
	known  map[*routing.Destination]*spelled // by the first destination; nil of routes without one
}

// spelled is what routes to the same destinations have in common.
type spelled struct {
	route api.NetworkRoute // without its prefix
	keeps bool             // it passes the filters on what is shown
	tail  string           // what follows the prefix in the encoded form, once it was asked for
}

// rows walks the rows of a table that pass the filters.
func (s *routeSpeller) rows(table routing.Table) iter.Seq2[netip.Prefix, *spelled] {
	return func(yield func(netip.Prefix, *spelled) bool) {
		for row := range s.filter.candidates(table) {
			if s.routes.Unsettled && table.Unsettled(row.Prefix) {
				continue // nor is a shorter prefix that covers it where its traffic goes
			}
			if what := s.spell(&row); what.keeps && !yield(row.Prefix, what) {
				return
			}
		}
	}
}

func (s *routeSpeller) spell(row *routing.Forward) *spelled {
	var first *routing.Destination
	if len(row.Destinations) > 0 {
		first = &row.Destinations[0]
	}
	known := s.known[first]
	if known != nil && known.route.State == api.RouteState(row.State) && known.route.Type == api.RouteType(row.Type) {
		return known
	}
	next := &spelled{route: api.NetworkRoute{State: api.RouteState(row.State), Type: api.RouteType(row.Type)}}
	switch {
	case known != nil:
		next.route.Destinations = known.route.Destinations
	case first != nil:
		next.route.Destinations = destinationsOf(s.routes, row.Destinations)
	}
	next.keeps = s.filter.keeps(&next.route)
	s.known[first] = next
	return next
}

// list are the rows of a table.
func (s *routeSpeller) list(table routing.Table) []api.NetworkRoute {
	var list []api.NetworkRoute
	for prefix, what := range s.rows(table) {
		route := what.route
		route.DestinationCidrBlock = prefix.String()
		list = append(list, route)
	}
	return list
}

// encoded are the rows of a table as they go over the wire, with commas between them.
func (s *routeSpeller) encoded(table routing.Table) string {
	var all strings.Builder
	var room [96]byte
	for prefix, what := range s.rows(table) {
		if what.tail == "" {
			what.tail = `",` + string(what.route.AppendJSON(nil)[1:]) // the prefix is the first member
		}
		head := `,{"DestinationCidrBlock":"`
		if all.Len() == 0 {
			head = head[1:]
		}
		text := prefix.AppendTo(append(room[:0], head...))
		if free := all.Cap() - all.Len(); free < len(text)+len(what.tail) {
			all.Grow(max(all.Cap(), 16<<10))
		}
		all.Write(text)
		all.WriteString(what.tail)
	}
	return all.String()
}

// destinationsOf are destinations as the API spells them: a local one names its attachment, a remote one only the edge. It
// has no member for Connect peers: those of one attachment are one destination.
func destinationsOf(c *network.Routes, list []routing.Destination) []api.NetworkRouteDestination {
	all := make([]api.NetworkRouteDestination, 0, len(list))
	for _, d := range list {
		shown := api.NetworkRouteDestination{
			CoreNetworkAttachmentId: d.Attachment, EdgeLocation: d.Edge, NetworkFunctionGroupName: d.NetworkFunctionGroup,
		}
		if a, ok := c.Tables.Bare(d.Attachment); ok {
			shown.ResourceType, shown.ResourceId = a.Type, a.ResourceID
		} else {
			shown.SegmentName = d.Segment
		}
		if !slices.Contains(all, shown) {
			all = append(all, shown)
		}
	}
	return all
}

// routeFilter is the filters of GetNetworkRoutes.
type routeFilter struct {
	exact, longest, subnetOf, supernetOf []netip.Prefix
	prefixLists                          []string
	states                               []api.RouteState
	types                                []api.RouteType
	destinations                         map[string][]string
}

var destinationMembers = map[string]func(*api.NetworkRouteDestination) string{
	"TRANSIT_GATEWAY_ATTACHMENT_ID": func(d *api.NetworkRouteDestination) string { return d.TransitGatewayAttachmentId },
	"RESOURCE_ID":                   func(d *api.NetworkRouteDestination) string { return d.ResourceId },
	"RESOURCE_TYPE":                 func(d *api.NetworkRouteDestination) string { return d.ResourceType },
}

func newRouteFilter(in *api.GetNetworkRoutesInput) (*routeFilter, error) {
	f := &routeFilter{prefixLists: in.PrefixListIds, states: in.States, types: in.Types, destinations: in.DestinationFilters}
	var fields []api.FieldError
	for _, list := range []struct {
		name  string
		texts []string
		into  *[]netip.Prefix
		addr  bool // a single address stands for its host prefix
	}{
		{"exactCidrMatches", in.ExactCidrMatches, &f.exact, false},
		{"longestPrefixMatches", in.LongestPrefixMatches, &f.longest, true},
		{"subnetOfMatches", in.SubnetOfMatches, &f.subnetOf, false},
		{"supernetOfMatches", in.SupernetOfMatches, &f.supernetOf, true},
	} {
		for i, text := range list.texts {
			p, ok := parseCIDR(text, list.addr)
			if !ok {
				fields = append(fields, api.FieldError{Name: fmt.Sprintf("%s[%d]", list.name, i), Message: "Member must be a CIDR block."})
				continue
			}
			*list.into = append(*list.into, p)
		}
	}
	for name := range in.DestinationFilters {
		if destinationMembers[name] == nil {
			fields = append(fields, api.FieldError{Name: "destinationFilters", Message: "Filter " + strconv.Quote(name) + " is not known."})
		}
	}
	order.Sort(fields, func(a, b api.FieldError) int { return strings.Compare(a.Name+a.Message, b.Name+b.Message) })
	return f, invalid(fields)
}

// none tells that every route passes.
func (f *routeFilter) none() bool {
	return len(f.exact)+len(f.longest)+len(f.subnetOf)+len(f.supernetOf)+len(f.prefixLists)+len(f.states)+len(f.types)+len(f.destinations) == 0
}

func parseCIDR(text string, addr bool) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil && addr {
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err == nil {
			p = netip.PrefixFrom(a, a.BitLen()) // invalid when the address has a zone
		}
	}
	// No table has routes of IPv4 written as IPv6.
	return p.Masked(), err == nil && p.IsValid() && p.Addr().Zone() == "" && !p.Addr().Is4In6()
}

// candidates walks the routes that pass the filters on prefixes. What names a prefix is looked up and not searched for.
func (f *routeFilter) candidates(table routing.Table) iter.Seq[routing.Forward] {
	return func(yield func(routing.Forward) bool) {
		seen := map[netip.Prefix]bool{}
		one := func(r routing.Route, ok bool) bool {
			if !ok || seen[r.Prefix] || !f.keepsPrefix(r.Prefix) {
				return true
			}
			seen[r.Prefix] = true
			return yield(r.Forward)
		}
		var narrow []func() bool // each walks what one value of a filter can find
		switch {
		case len(f.longest) > 0:
			for _, p := range f.longest {
				narrow = append(narrow, func() bool { return one(table.Lookup(p)) })
			}
		case len(f.exact) > 0:
			for _, p := range f.exact {
				narrow = append(narrow, func() bool { return one(table.Exact(p)) })
			}
		default:
			for r := range table.Forwards() {
				if f.keepsPrefix(r.Prefix) && !yield(r) {
					return
				}
			}
			return
		}
		for _, walk := range narrow {
			if !walk() {
				return
			}
		}
	}
}

func (f *routeFilter) keepsPrefix(p netip.Prefix) bool {
	covers := func(outer, inner netip.Prefix) bool {
		return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
	}
	return (len(f.exact) == 0 || slices.Contains(f.exact, p)) &&
		(len(f.subnetOf) == 0 || slices.ContainsFunc(f.subnetOf, func(o netip.Prefix) bool { return covers(o, p) })) &&
		(len(f.supernetOf) == 0 || slices.ContainsFunc(f.supernetOf, func(o netip.Prefix) bool { return covers(p, o) }))
}

// keeps applies the filters on what is shown.
func (f *routeFilter) keeps(r *api.NetworkRoute) bool {
	if len(f.states) > 0 && !slices.Contains(f.states, r.State) || len(f.types) > 0 && !slices.Contains(f.types, r.Type) ||
		len(f.prefixLists) > 0 && !slices.Contains(f.prefixLists, r.PrefixListId) {
		return false
	}
	for name, patterns := range f.destinations {
		if len(patterns) > 0 && !slices.ContainsFunc(r.Destinations, func(d api.NetworkRouteDestination) bool {
			return matchesAny(patterns, destinationMembers[name](&d))
		}) {
			return false
		}
	}
	return true
}

// matchesAny compares with patterns in which * stands for any characters and ? for one.
func matchesAny(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchesPattern(p, value) })
}

func matchesPattern(pattern, value string) bool {
	star, retry := -1, 0 // where the last * was, and what is left to try behind it
	p, v := 0, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p++
			v++
		case star >= 0:
			retry++
			p, v = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// transitGatewayRoutes shows a route table of a transit gateway that is registered in the global network, as the catalog
// knows it. Without a catalog no such table is known.
func transitGatewayRoutes(ctx context.Context, e *env, in *api.GetNetworkRoutesInput, filter *routeFilter) (*api.GetNetworkRoutesOutput, error) {
	arn := *in.RouteTableIdentifier.TransitGatewayRouteTableArn
	if _, err := e.refs.of(tgwRouteTableARN, arn); err != nil {
		return nil, err
	}
	at := e.db.Now()
	table, err := e.refs.gatewayTable(ctx, arn)
	if err != nil {
		return nil, err
	}
	return state.Read(ctx, e.db, func(v *state.View) (*api.GetNetworkRoutesOutput, error) {
		if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if !state.TransitGatewayRegistrations.IsRegistered(v, in.GlobalNetworkId, table.TransitGatewayARN) {
			return nil, api.NotFound("route-table", arn)
		}
		out := &api.GetNetworkRoutesOutput{
			RouteTableArn: arn, RouteTableType: api.RouteTableTypeTransitGatewayRouteTable, RouteTableTimestamp: api.Time{Time: at},
			NetworkRoutes: []api.NetworkRoute{},
		}
		for _, r := range filter.gatewayRoutes(table.Routes) {
			if shown := gatewayRoute(&r); filter.keeps(&shown) {
				out.NetworkRoutes = append(out.NetworkRoutes, shown)
			}
		}
		return out, nil
	})
}

// gatewayRoutes are the routes that pass the filters on prefixes.
func (f *routeFilter) gatewayRoutes(routes []catalog.GatewayRoute) []catalog.GatewayRoute {
	best := map[netip.Prefix]bool{}
	for _, want := range f.longest {
		longest := netip.Prefix{}
		for _, r := range routes {
			p := r.Prefix.Masked()
			if p.Bits() <= want.Bits() && p.Contains(want.Addr()) && (!longest.IsValid() || p.Bits() > longest.Bits()) {
				longest = p
			}
		}
		best[longest] = true
	}
	return slices.DeleteFunc(slices.Clone(routes), func(r catalog.GatewayRoute) bool {
		p := r.Prefix.Masked()
		return !f.keepsPrefix(p) || len(f.longest) > 0 && !best[p] || len(f.exact) > 0 && !slices.Contains(f.exact, p)
	})
}

// gatewayRoute is a route of EC2's as this API spells it.
func gatewayRoute(r *catalog.GatewayRoute) api.NetworkRoute {
	shown := api.NetworkRoute{
		DestinationCidrBlock: r.Prefix.String(), PrefixListId: r.PrefixListID,
		State: api.RouteState(strings.ToUpper(cmp.Or(r.State, "active"))), Type: api.RouteType(strings.ToUpper(cmp.Or(r.Type, "propagated"))),
	}
	for _, id := range r.AttachmentIDs {
		shown.Destinations = append(shown.Destinations, api.NetworkRouteDestination{
			TransitGatewayAttachmentId: id, ResourceType: r.ResourceType, ResourceId: r.ResourceID,
		})
	}
	return shown
}
