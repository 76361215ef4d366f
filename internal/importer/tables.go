package importer

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"

	"portolan/routing"
)

// networkRoutes reads a route table.
func (r *reader) networkRoutes(ctx context.Context, id routing.TableID) ([]types.NetworkRoute, error) {
	in := networkmanager.GetNetworkRoutesInput{GlobalNetworkId: &r.globalNetwork, RouteTableIdentifier: &types.RouteTableIdentifier{}}
	if id.Segment != "" {
		in.RouteTableIdentifier.CoreNetworkSegmentEdge = &types.CoreNetworkSegmentEdgeIdentifier{
			CoreNetworkId: &r.snap.CoreNetworkID, SegmentName: &id.Segment, EdgeLocation: &id.Edge,
		}
	} else {
		in.RouteTableIdentifier.CoreNetworkNetworkFunctionGroup = &types.CoreNetworkNetworkFunctionGroupIdentifier{
			CoreNetworkId: &r.snap.CoreNetworkID, NetworkFunctionGroupName: &id.NetworkFunctionGroup, EdgeLocation: &id.Edge,
		}
	}
	out, err := ask(ctx, r, r.client.GetNetworkRoutes, in)
	if err != nil {
		return nil, err
	}
	return out.NetworkRoutes, nil
}

func isNotFound(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ResourceNotFoundException"
}

// row is a row of a route table as far as it is compared.
type row struct {
	kind, state string
	hops        string // the next hops in order, with commas between them
}

func (r row) String() string {
	text := r.hops
	if text == "" {
		text = "no next hop"
	}
	return text + " " + r.kind + " " + r.state
}

// hop is a next hop: an attachment, an edge, or an attachment at another edge.
func hop(attachment, edge string) string {
	if attachment != "" && edge != "" {
		return attachment + "@" + edge
	}
	return attachment + edge
}

func joined(hops []string) string {
	slices.Sort(hops)
	return strings.Join(slices.Compact(hops), ",")
}

// shownRows are the rows of a table as AWS shows them.
func shownRows(list []types.NetworkRoute) (map[netip.Prefix]row, error) {
	rows := make(map[netip.Prefix]row, len(list))
	for i := range list {
		p, err := netip.ParsePrefix(aws.ToString(list[i].DestinationCidrBlock))
		if err != nil {
			return nil, err
		}
		var hops []string
		for _, d := range list[i].Destinations {
			hops = append(hops, hop(aws.ToString(d.CoreNetworkAttachmentId), aws.ToString(d.EdgeLocation)))
		}
		rows[p] = row{string(list[i].Type), string(list[i].State), joined(hops)}
	}
	return rows, nil
}

// computedRows are the rows of a table as they were computed.
func computedRows(t routing.Table) map[netip.Prefix]row {
	rows := map[netip.Prefix]row{}
	for f := range t.Forwards() {
		if t.Unsettled(f.Prefix) {
			continue
		}
		var hops []string
		for _, d := range f.Destinations {
			hops = append(hops, hop(d.Attachment, d.Edge))
		}
		rows[f.Prefix] = row{string(f.Type), string(f.State), joined(hops)}
	}
	return rows
}
