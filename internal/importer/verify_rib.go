package importer

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/routing"
)

// compareRIB reads the routing information of every segment at every edge and counts the rows that differ. Tables that
// could not be read are not compared.
func (r *reader) compareRIB(ctx context.Context, computed *routing.Tables) (Comparison, error) {
	var c Comparison
	var segments []routing.TableID
	for _, id := range computed.TableIDs() {
		if id.Segment != "" {
			segments = append(segments, id)
		}
	}
	err := each(ctx, r, "routing information", segments, func(ctx context.Context, id routing.TableID) error {
		list, err := r.routingInformation(ctx, id, false)
		if err != nil {
			return r.missed(ctx, "networkmanager:ListCoreNetworkRoutingInformation", id.String(), err)
		}
		count := map[string]int{}
		for i := range list {
			count[shownPath(&list[i])]++
		}
		table, _ := computed.Table(id)
		missing, extra := 0, 0
		for p := range table.RIB() {
			if changesForEver(computed, table, &p) {
				continue
			}
			if count[computedPath(&p)]--; count[computedPath(&p)] < 0 {
				extra++
			}
		}
		for _, n := range count {
			missing += max(n, 0)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		c.Tables++
		c.Rows += len(list)
		c.Missing += missing
		c.Extra += extra
		if missing+extra == 0 {
			c.Equal++
		}
		return nil
	})
	return c, err
}

// changesForEver says whether a row from another edge is one of a prefix that does not converge.
func changesForEver(computed *routing.Tables, table routing.Table, p *routing.Path) bool {
	if p.Kind != routing.KindEdge {
		return false
	}
	id := table.ID()
	id.Edge = p.NextHop.Edge
	there, _ := computed.Table(id)
	return table.Unsettled(p.Prefix) || there.Unsettled(p.Prefix)
}

// shownPath is a row as AWS shows it, to be compared with [computedPath].
func shownPath(row *types.CoreNetworkRoutingInformation) string {
	at := ""
	if h := row.NextHop; h != nil {
		at = hop(aws.ToString(h.CoreNetworkAttachmentId), aws.ToString(h.EdgeLocation))
	}
	return strings.Join([]string{
		aws.ToString(row.Prefix), at, aws.ToString(row.LocalPreference), aws.ToString(row.Med), strings.Join(row.AsPath, " "), strings.Join(row.Communities, " "),
	}, "|")
}

func computedPath(p *routing.Path) string {
	f := []string{p.Prefix.String(), "", "", "", "", ""}
	if d := p.NextHop; d != nil {
		if f[1] = d.Attachment; f[1] == "" {
			f[1] = d.Edge
		}
	}
	if !p.NoAttributes {
		f[2], f[3] = strconv.FormatUint(uint64(p.LocalPreference), 10), strconv.FormatUint(uint64(p.MED), 10)
		var path, communities []string
		for _, asn := range p.ASPath {
			path = append(path, strconv.FormatUint(uint64(asn), 10))
		}
		for _, c := range p.Communities {
			communities = append(communities, c.String())
		}
		f[4], f[5] = strings.Join(path, " "), strings.Join(communities, " ")
	}
	return strings.Join(f, "|")
}
