package network

import (
	"context"
	"net/netip"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/policy"
	"portolan/routing"
)

// material is what is stored of a whole core network.
type material struct {
	row         *state.CoreNetwork
	document    string
	attachments []attached
	lists       []*state.PrefixListAssociation
}

// gather reads a core network. One without a LIVE policy has no routes and no snapshot.
func (n *Networks) gather(v *state.View, row *state.CoreNetwork) (*material, error) {
	document, ok := v.Document(row, row.LiveVersion)
	if !ok {
		return nil, noLivePolicy(row)
	}
	return &material{row, document, n.readAll(v, row), readLists(v, row)}, nil
}

// Snapshot is the network of a core network as one value.
func (n *Networks) Snapshot(ctx context.Context, find Find) (*snapshot.Snapshot, error) {
	m, err := state.Read(ctx, n.db, func(v *state.View) (*material, error) {
		row, err := find(v)
		if err != nil {
			return nil, err
		}
		return n.gather(v, row)
	})
	if err != nil {
		return nil, err
	}
	q := &question{catalog: n.catalog}
	return m.snapshot(q.attachments(ctx, m.attachments), q.entries(ctx, m.lists)), nil
}

func (m *material) snapshot(attachments []snapshot.Attachment, lists map[string][]netip.Prefix) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		Version: snapshot.FormatVersion, CoreNetworkID: m.row.CoreNetworkId, Account: m.row.OwnerAccountId,
		PolicyVersionID: m.row.LiveVersion, Policy: jsontext.Value(m.document),
		Attachments: attachments, PrefixLists: lists,
	}
	for _, e := range m.row.Edges {
		edge := snapshot.Edge{Location: e.EdgeLocation}
		if e.Asn != nil {
			edge.ASN = uint32(*e.Asn)
		}
		for _, cidr := range e.InsideCidrBlocks {
			edge.InsideCIDRBlocks = append(edge.InsideCIDRBlocks, netip.MustParsePrefix(cidr))
		}
		s.Edges = append(s.Edges, edge)
	}
	return s
}

// Attached is what a policy of a core network is advised on by: what its edges have, and its attachments as a policy decides
// about them, the oldest first.
func (n *Networks) Attached(ctx context.Context, find Find) (edges policy.Previous, attached []policy.Attached, err error) {
	attached, err = state.Read(ctx, n.db, func(v *state.View) ([]policy.Attached, error) {
		row, err := find(v)
		if err == nil && row.LiveVersion == 0 {
			err = noLivePolicy(row)
		}
		if err != nil {
			return nil, err
		}
		edges = state.Allocated(row.Edges)
		rows := state.Attachments.ByAge(v, row)
		list := make([]policy.Attached, len(rows))
		for i, a := range rows {
			list[i] = a.Attached(a.IsProposed())
		}
		return list, nil
	})
	return edges, attached, err
}

// attachments is every attachment of a core network as it is stored. The catalog is asked only about those that the tables do
// not have, or that are down in them.
func (n *Networks) attachments(ctx context.Context, find Find, tables *routing.Tables) ([]snapshot.Attachment, error) {
	rows, err := state.Look(ctx, n.db, func(v *state.View) ([]attached, error) {
		row, err := find(v)
		if err != nil {
			return nil, err
		}
		return n.readAll(v, row), nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]snapshot.Attachment, 0, len(rows))
	q := &question{catalog: n.catalog}
	for i := range rows {
		if known, ok := tables.Bare(rows[i].AttachmentId); ok && !known.Down {
			list = append(list, show(&rows[i], rows[i].peerASN, rows[i].announced))
		} else {
			list = append(list, q.attachments(ctx, rows[i:i+1])...)
		}
	}
	return list, nil
}
