package service

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portolan/api"
	"portolan/internal/network"
	"portolan/internal/state"
	"portolan/routing"
)

// listCoreNetworkRoutingInformation shows the RIB of a segment at an edge: every route that is offered there, before
// the edge's own routing policies and before one of them is chosen. Network function groups cannot be asked for.
func listCoreNetworkRoutingInformation(ctx context.Context, e *env, in *api.ListCoreNetworkRoutingInformationInput) (*api.ListCoreNetworkRoutingInformationOutput, error) {
	for name := range in.NextHopFilters {
		if nextHopMembers[name] == nil {
			return nil, api.InvalidField("nextHopFilters", "Filter "+strconv.Quote(name)+" is not known.")
		}
	}
	_, routes, err := e.networks.Routes(ctx, routed(in.CoreNetworkId))
	if err != nil {
		return nil, err
	}
	table := routing.TableID{Segment: in.SegmentName, Edge: in.EdgeLocation}
	rib, ok := routes.Tables.Table(table)
	if !ok {
		return nil, api.NotFound("route-table", table.String())
	}
	query := append([]string{"ListCoreNetworkRoutingInformation", in.CoreNetworkId, in.SegmentName, in.EdgeLocation}, routingQuery(in)...)
	p, err := e.db.Pager(api.CallerFrom(ctx), in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	out := &api.ListCoreNetworkRoutingInformationOutput{}
	out.CoreNetworkRoutingInformation, out.NextToken = state.Page(p, ribRows(in, routes, rib, p.After), nil, same)
	return out, nil
}

// ribRows walks the rows of a table after a key that the filters keep. Keys sort as prefixes do, and the routes of one prefix
// in their order.
func ribRows(in *api.ListCoreNetworkRoutingInformationInput, c *network.Routes, table routing.Table, after string) iter.Seq2[string, *api.CoreNetworkRoutingInformation] {
	first := keyPrefix(after)
	return func(yield func(string, *api.CoreNetworkRoutingInformation) bool) {
		ordinal := 0
		var last netip.Prefix
		for p := range table.RIBFrom(first, attachmentsOnly(in)) {
			if p.Prefix != last {
				ordinal, last = 0, p.Prefix
			}
			ordinal++
			if p.Prefix == first && pathKey(&p, ordinal) <= after || neverSettles(c, table, &p) {
				continue
			}
			hop, ok := routingNextHop(c, &p)
			if !keepsNextHop(in, hop, ok) {
				continue
			}
			row := routingInformation(&p)
			if ok {
				row.NextHop = new(hop)
			}
			if keepsAttributes(in, &row) && !yield(pathKey(&p, ordinal), &row) {
				return
			}
		}
	}
}

// attachmentsOnly says whether no row without an attachment can pass the filters.
func attachmentsOnly(in *api.ListCoreNetworkRoutingInformationInput) bool {
	for _, name := range []string{"CoreNetworkAttachmentId", "ResourceId", "ResourceType"} {
		if values := in.NextHopFilters[name]; len(values) > 0 && !matchesAny(values, "") {
			return true
		}
	}
	return false
}

// neverSettles says whether another edge offers the route only for the moment, and the next moment another one or none.
func neverSettles(c *network.Routes, table routing.Table, p *routing.Path) bool {
	if !c.Unsettled || p.Kind != routing.KindEdge {
		return false
	}
	id := table.ID()
	id.Edge = p.NextHop.Edge
	there, _ := c.Tables.Table(id)
	return table.Unsettled(p.Prefix) || there.Unsettled(p.Prefix)
}

const pathKeyFormat = "%s %x/%03d %05d"

func pathKey(p *routing.Path, ordinal int) string {
	family := "4"
	if p.Prefix.Addr().Is6() {
		family = "6"
	}
	return fmt.Sprintf(pathKeyFormat, family, p.Prefix.Addr().AsSlice(), p.Prefix.Bits(), ordinal)
}

// keyPrefix is the prefix of a key, the zero prefix where there is none.
func keyPrefix(key string) netip.Prefix {
	var family string
	var address []byte
	var bits, ordinal int
	if _, err := fmt.Sscanf(key, pathKeyFormat, &family, &address, &bits, &ordinal); err != nil {
		return netip.Prefix{}
	}
	a, _ := netip.AddrFromSlice(address)
	return netip.PrefixFrom(a, bits)
}

// routingNextHop is the next hop of a path as the API spells it, if it has one: a local one names attachment and resource, a
// remote one edge and segment.
func routingNextHop(c *network.Routes, p *routing.Path) (api.RoutingInformationNextHop, bool) {
	d := p.NextHop
	if d == nil {
		return api.RoutingInformationNextHop{}, false
	}
	if a, ok := c.Tables.Bare(d.Attachment); ok {
		return api.RoutingInformationNextHop{CoreNetworkAttachmentId: a.ID, ResourceId: a.ResourceID, ResourceType: a.Type}, true
	}
	return api.RoutingInformationNextHop{EdgeLocation: d.Edge, SegmentName: d.Segment}, true
}

// routingInformation is a path as the API spells it, without its next hop. The route of a VPC has no attributes.
func routingInformation(p *routing.Path) api.CoreNetworkRoutingInformation {
	row := api.CoreNetworkRoutingInformation{Prefix: p.Prefix.String()}
	if p.NoAttributes {
		return row
	}
	row.LocalPreference = strconv.FormatUint(uint64(p.LocalPreference), 10)
	row.Med = strconv.FormatUint(uint64(p.MED), 10)
	for _, asn := range p.ASPath {
		row.AsPath = append(row.AsPath, strconv.FormatUint(uint64(asn), 10))
	}
	for _, community := range p.Communities {
		row.Communities = append(row.Communities, community.String())
	}
	return row
}

var nextHopMembers = map[string]func(api.RoutingInformationNextHop) string{
	"IpAddress":               func(n api.RoutingInformationNextHop) string { return n.IpAddress },
	"CoreNetworkAttachmentId": func(n api.RoutingInformationNextHop) string { return n.CoreNetworkAttachmentId },
	"ResourceId":              func(n api.RoutingInformationNextHop) string { return n.ResourceId },
	"ResourceType":            func(n api.RoutingInformationNextHop) string { return n.ResourceType },
	"SegmentName":             func(n api.RoutingInformationNextHop) string { return n.SegmentName },
	"EdgeLocation":            func(n api.RoutingInformationNextHop) string { return n.EdgeLocation },
}

func keepsNextHop(in *api.ListCoreNetworkRoutingInformationInput, hop api.RoutingInformationNextHop, ok bool) bool {
	for name, values := range in.NextHopFilters {
		if len(values) > 0 && (!ok || !matchesAny(values, nextHopMembers[name](hop))) {
			return false
		}
	}
	return true
}

func keepsAttributes(in *api.ListCoreNetworkRoutingInformationInput, row *api.CoreNetworkRoutingInformation) bool {
	among := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return among(in.LocalPreferenceMatches, row.LocalPreference) && among(in.MedMatches, row.Med) &&
		(len(in.ExactAsPathMatches) == 0 || slices.Contains(in.ExactAsPathMatches, strings.Join(row.AsPath, " "))) &&
		(len(in.CommunityMatches) == 0 || slices.ContainsFunc(row.Communities, func(c string) bool { return slices.Contains(in.CommunityMatches, c) }))
}

// routingQuery is the filters as a page token is bound to them.
func routingQuery(in *api.ListCoreNetworkRoutingInformationInput) []string {
	query := []string{
		strings.Join(in.LocalPreferenceMatches, "\x01"), strings.Join(in.ExactAsPathMatches, "\x01"),
		strings.Join(in.MedMatches, "\x01"), strings.Join(in.CommunityMatches, "\x01"),
	}
	for _, name := range slices.Sorted(maps.Keys(in.NextHopFilters)) {
		query = append(query, name, strings.Join(in.NextHopFilters[name], "\x01"))
	}
	return query
}
