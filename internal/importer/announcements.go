package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"

	"portolan/internal/order"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// The sources of announcements, in the order in which they are taken: the next is asked about attachments that the one
// before shows nothing of.
const (
	fromOwnTable   = "routing information of its segment" // as announced, with AS path, MED and communities
	fromEC2        = "EC2"                                // what the resource has, without attributes that its routers add
	fromOtherTable = "routing information of another segment"
	fromGroupTable = "route table of a network function group" // prefixes alone
)

var sources = []string{fromOwnTable, fromEC2, fromOtherTable, fromGroupTable}

// known is what an attachment is known to announce.
type known struct {
	source string
	routes []routing.Announcement
}

// announcements fills in what attachments announce. A prefix of an isolated segment is in no routing information of its
// own, so that other sources follow.
func (r *reader) announcements(ctx context.Context) error {
	found := map[string]*known{}
	own := map[routing.TableID]bool{}
	for i := range r.snap.Attachments {
		a := &r.snap.Attachments[i]
		if s := a.Association.Segment; s != "" && a.Works() {
			for _, e := range a.Edges {
				own[routing.TableID{Segment: s, Edge: e}] = true
			}
		}
	}
	rows := map[routing.TableID][]types.CoreNetworkRoutingInformation{}
	if err := r.localRows(ctx, "routing information", own, rows); err != nil {
		return err
	}
	r.fromTables(rows, found, fromOwnTable)
	if err := r.fromCatalog(ctx, found); err != nil {
		return err
	}
	others, groups := map[routing.TableID]bool{}, map[routing.TableID]bool{}
	for _, a := range r.missing(found) {
		for _, e := range a.Edges {
			for i := range r.policy.Segments {
				id := routing.TableID{Segment: r.policy.Segments[i].Name, Edge: e}
				if r.policy.Segments[i].HasEdge(e) && !own[id] && id.Segment != a.Association.Segment {
					others[id] = true
				}
			}
			for i := range r.policy.NetworkFunctionGroups {
				groups[routing.TableID{NetworkFunctionGroup: r.policy.NetworkFunctionGroups[i].Name, Edge: e}] = true
			}
		}
	}
	if err := r.localRows(ctx, "routing information of other segments", others, rows); err != nil {
		return err
	}
	r.fromTables(rows, found, fromOtherTable)
	if len(r.missing(found)) > 0 {
		if err := r.fromGroups(ctx, groups, found); err != nil {
			return err
		}
	}
	for i := range r.snap.Attachments {
		r.assign(&r.snap.Attachments[i], found[r.snap.Attachments[i].ID])
	}
	return nil
}

// missing are the attachments of segments that work and of which nothing is known yet.
func (r *reader) missing(found map[string]*known) []*snapshot.Attachment {
	var list []*snapshot.Attachment
	for i := range r.snap.Attachments {
		a := &r.snap.Attachments[i]
		if a.Association.Segment != "" && a.Works() && found[a.ID] == nil {
			list = append(list, a)
		}
	}
	return list
}

func inOrder(tables map[routing.TableID]bool) []routing.TableID {
	var list []routing.TableID
	for id := range tables {
		list = append(list, id)
	}
	order.Sort(list, func(a, b routing.TableID) int { return cmp.Compare(a.String(), b.String()) })
	return list
}

// localRows reads the rows of tables that lead to attachments at their own edge.
func (r *reader) localRows(ctx context.Context, what string, tables map[routing.TableID]bool, into map[routing.TableID][]types.CoreNetworkRoutingInformation) error {
	return each(ctx, r, what, inOrder(tables), func(ctx context.Context, id routing.TableID) error {
		list, err := r.routingInformation(ctx, id, true)
		if err != nil {
			return r.missed(ctx, "networkmanager:ListCoreNetworkRoutingInformation", id.String(), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		into[id] = list
		return nil
	})
}

// fromTables takes what rows show of the attachments of their own segment, or of those of others of which nothing is known.
func (r *reader) fromTables(rows map[routing.TableID][]types.CoreNetworkRoutingInformation, found map[string]*known, source string) {
	at := map[string]*snapshot.Attachment{}
	for i := range r.snap.Attachments {
		at[r.snap.Attachments[i].ID] = &r.snap.Attachments[i]
	}
	static := r.staticRoutes()
	read := map[routing.TableID]bool{}
	for id := range rows {
		read[id] = true
	}
	for _, id := range inOrder(read) {
		seen := map[staticRoute]bool{}
		for i := range rows[id] {
			row := &rows[id][i]
			hop := row.NextHop
			if hop == nil || aws.ToString(hop.CoreNetworkAttachmentId) == "" {
				continue
			}
			a := at[aws.ToString(hop.CoreNetworkAttachmentId)]
			if a == nil || a.Association.Segment == "" || (source == fromOwnTable) != (a.Association.Segment == id.Segment) {
				continue
			}
			announced, err := announcementOf(row)
			if err != nil {
				r.unread("networkmanager:ListCoreNetworkRoutingInformation", id.String(), err)
				continue
			}
			route := staticRoute{id.Segment, announced.Prefix, a.ID}
			if static[route] && !seen[route] && len(row.AsPath) == 0 && (row.Med != nil || a.Type != policy.TypeVPC) {
				seen[route] = true // the policy has it, not the attachment
				continue
			}
			if len(a.Edges) > 1 {
				announced.Edge = id.Edge
			}
			k := found[a.ID]
			if k == nil {
				k = &known{source: source}
				found[a.ID] = k
			}
			if k.source == source && (source == fromOwnTable || !slices.ContainsFunc(k.routes, func(o routing.Announcement) bool { return o.Prefix == announced.Prefix && o.Edge == announced.Edge })) {
				k.routes = append(k.routes, announced)
			}
		}
	}
}

type staticRoute struct {
	segment    string
	prefix     netip.Prefix
	attachment string
}

// staticRoutes are those of the policy: routing information shows them like routes of the attachment that they lead to.
func (r *reader) staticRoutes() map[staticRoute]bool {
	all := map[staticRoute]bool{}
	for i := range r.policy.StaticRoutes {
		s := &r.policy.StaticRoutes[i]
		for _, id := range s.Destinations {
			all[staticRoute{s.Segment, s.Prefix.Masked(), id}] = true
		}
	}
	return all
}

// localOnly are the filters of rows that lead to an attachment at the edge itself: those that come from other edges are
// many, and say nothing new.
func localOnly() map[string][]string {
	return map[string][]string{"ResourceType": {
		policy.TypeVPC, policy.TypeConnect, policy.TypeSiteToSiteVPN, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable,
	}}
}

// routingInformation reads the RIB of a segment at an edge, or its rows that lead to attachments there.
func (r *reader) routingInformation(ctx context.Context, id routing.TableID, local bool) ([]types.CoreNetworkRoutingInformation, error) {
	var list []types.CoreNetworkRoutingInformation
	in := networkmanager.ListCoreNetworkRoutingInformationInput{
		CoreNetworkId: &r.snap.CoreNetworkID, SegmentName: &id.Segment, EdgeLocation: &id.Edge, MaxResults: aws.Int32(500),
	}
	if local {
		in.NextHopFilters = localOnly()
	}
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListCoreNetworkRoutingInformationOutput, *string, error) {
		in := in
		in.NextToken = token
		out, err := ask(ctx, r, r.client.ListCoreNetworkRoutingInformation, in)
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListCoreNetworkRoutingInformationOutput) {
		list = append(list, out.CoreNetworkRoutingInformation...)
	})
	var refused smithy.APIError
	if local && errors.As(err, &refused) && refused.ErrorCode() == "ValidationException" {
		return r.routingInformation(ctx, id, false) // the filter is not known there
	}
	return list, err
}

// announcementOf is a row of routing information as an attachment announced it. The MED that a route has without one is
// left out.
func announcementOf(row *types.CoreNetworkRoutingInformation) (routing.Announcement, error) {
	var a routing.Announcement
	var err error
	if a.Prefix, err = netip.ParsePrefix(aws.ToString(row.Prefix)); err != nil {
		return a, fmt.Errorf("a row without a prefix: %w", err)
	}
	for _, text := range row.AsPath {
		asn, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return a, fmt.Errorf("%s: AS path: %w", a.Prefix, err)
		}
		a.ASPath = append(a.ASPath, uint32(asn))
	}
	if text := aws.ToString(row.Med); text != "" {
		med, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return a, fmt.Errorf("%s: MED: %w", a.Prefix, err)
		}
		if med != routing.DefaultMED {
			a.MED = new(uint32(med))
		}
	}
	for _, text := range row.Communities {
		var c policy.Community
		if err := c.UnmarshalText([]byte(text)); err != nil {
			return a, fmt.Errorf("%s: communities: %w", a.Prefix, err)
		}
		a.Communities = append(a.Communities, c)
	}
	return a, nil
}

// fromGroups takes the prefixes that lead to an attachment in route tables of network function groups.
func (r *reader) fromGroups(ctx context.Context, tables map[routing.TableID]bool, found map[string]*known) error {
	wanted := map[string]*snapshot.Attachment{}
	for _, a := range r.missing(found) {
		wanted[a.ID] = a
	}
	err := each(ctx, r, "route tables of network function groups", inOrder(tables), func(ctx context.Context, id routing.TableID) error {
		rows, err := r.networkRoutes(ctx, id)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return r.missed(ctx, "networkmanager:GetNetworkRoutes", id.String(), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := range rows {
			p, err := netip.ParsePrefix(aws.ToString(rows[i].DestinationCidrBlock))
			if err != nil || len(rows[i].Destinations) == 0 {
				continue
			}
			for _, d := range rows[i].Destinations {
				a := wanted[aws.ToString(d.CoreNetworkAttachmentId)]
				if a == nil || aws.ToString(d.EdgeLocation) != "" {
					continue
				}
				k := found[a.ID]
				if k == nil {
					k = &known{source: fromGroupTable}
					found[a.ID] = k
				}
				announced := routing.Announcement{Prefix: p}
				if len(a.Edges) > 1 {
					announced.Edge = id.Edge
				}
				if !slices.ContainsFunc(k.routes, func(o routing.Announcement) bool { return o.Prefix == p && o.Edge == announced.Edge }) {
					k.routes = append(k.routes, announced)
				}
			}
		}
		return nil
	})
	return err
}

// assign gives an attachment what it is known to announce, each route of a Connect attachment to one of its peers.
func (r *reader) assign(a *snapshot.Attachment, k *known) {
	if k == nil {
		if a.Association.Segment != "" && a.Works() && len(a.Edges) > 0 {
			r.note("attachment %s (%s): no source shows what it announces", a.ID, a.Type)
		}
		return
	}
	list := everywhere(k.routes, a.Edges)
	order.Stable(list, func(x, y routing.Announcement) int {
		return cmp.Or(x.Prefix.Compare(y.Prefix), cmp.Compare(x.Edge, y.Edge))
	})
	if a.NAT != nil && a.NAT.Enabled && k.source != fromEC2 {
		list = r.untranslated(a, list)
	}
	a.Sources = map[string]string{}
	for _, n := range list {
		a.Sources[n.Prefix.String()] = k.source
	}
	if a.PeerASN == 0 && a.Type == policy.TypeSiteToSiteVPN {
		if i := slices.IndexFunc(list, func(n routing.Announcement) bool { return len(n.ASPath) > 0 }); i >= 0 {
			a.PeerASN = list[i].ASPath[0] // a BGP speaker puts its own ASN in front
		}
	}
	if len(a.Peers) == 0 {
		a.Announcements = list
		return
	}
	r.toPeers(a, list)
}

// toPeers gives each route to the peer whose ASN it begins with. Rows do not name the peer: where several have that ASN,
// those of one prefix go to one after the other.
func (r *reader) toPeers(a *snapshot.Attachment, list []routing.Announcement) {
	for _, n := range list {
		best := -1
		alike := 0
		for i := range a.Peers {
			p := &a.Peers[i]
			if len(n.ASPath) > 0 && p.ASN != n.ASPath[0] {
				continue
			}
			alike++
			if best < 0 && !slices.ContainsFunc(p.Announcements, func(o routing.Announcement) bool { return o.Prefix == n.Prefix }) {
				best = i
			}
		}
		if best < 0 {
			a.Announcements = append(a.Announcements, n)
			continue
		}
		if alike > 1 {
			r.note("attachment %s: which of its Connect peers with the same ASN announces what is not shown: routes were given to the first", a.ID)
		}
		a.Peers[best].Announcements = append(a.Peers[best].Announcements, n)
	}
}

// everywhere joins the routes of a Direct Connect gateway that are the same at all its edges.
func everywhere(list []routing.Announcement, edges []string) []routing.Announcement {
	if len(edges) < 2 {
		return list
	}
	same := map[string][]int{}
	key := func(n routing.Announcement) string {
		med := ""
		if n.MED != nil {
			med = strconv.FormatUint(uint64(*n.MED), 10)
		}
		return fmt.Sprint(n.Prefix, n.ASPath, med, n.Communities)
	}
	for i := range list {
		same[key(list[i])] = append(same[key(list[i])], i)
	}
	var out []routing.Announcement
	for i, n := range list {
		all := same[key(n)]
		if len(all) == len(edges) {
			if all[0] != i {
				continue
			}
			n.Edge = ""
		}
		out = append(out, n)
	}
	return out
}
