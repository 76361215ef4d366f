package service

import (
	"context"
	"iter"

	"portolan/api"
	"portolan/internal/lifecycle"
)

// connectPeerRow is a Connect peer. One peer is two BGP sessions, for redundancy.
type connectPeerRow struct {
	api.ConnectPeer
	GlobalNetworkId string
	OwnerAccountId  string                 // of the core network
	Problems        []api.ConnectPeerError // found by the end of CREATING, which then leads to FAILED
}

func (row *connectPeerRow) key() string {
	return accountKey(row.OwnerAccountId, "connect-peer", row.ConnectAttachmentId, row.ConnectPeerId)
}

// findConnectPeer is a Connect peer on a core network of the caller's account.
func findConnectPeer(v *View, id string) (*connectPeerRow, error) {
	row, ok := byID(v.r, connectPeers, id)
	if !ok || row.OwnerAccountId != v.caller.Account {
		return nil, api.NotFound("connect-peer", id)
	}
	return row, nil
}

// peerFitsGlobalNetwork tells whether a Connect peer can be associated with a device of the global network: it is on
// the global network's own core network, and not failed or leaving. One that is still CREATING is taken, as
// CloudFormation chains operations without waiting.
func peerFitsGlobalNetwork(v *View, gn, id string) error {
	peer, err := findConnectPeer(v, id)
	switch {
	case err != nil:
		return err
	case peer.GlobalNetworkId != gn:
		return api.InvalidField("connectPeerId", "Connect peer is not on a core network of the global network.")
	case peer.State == api.ConnectPeerStateFailed || peer.State == api.ConnectPeerStateDeleting:
		return api.InvalidField("connectPeerId", "Connect peer state is invalid.")
	default:
		return nil
	}
}

// createConnectPeer makes a peer on a Connect attachment: a GRE tunnel with an appliance, or BGP straight to it. That
// addresses are taken or do not fit AWS finds out while it builds the peer.
func createConnectPeer(ctx context.Context, e *env, in *api.CreateConnectPeerInput) (*api.CreateConnectPeerOutput, error) {
	var facts vpcFacts
	if val(in.SubnetArn) != "" {
		var err error
		if facts, err = e.vpcOf(ctx, in.ConnectAttachmentId, api.AttachmentTypeConnect); err != nil {
			return nil, err
		}
	}
	return update(ctx, e, func(tx *Txn) (*api.CreateConnectPeerOutput, error) {
		return once(tx, "CreateConnectPeer", in.ClientToken, in, func() (*api.CreateConnectPeerOutput, error) {
			row, err := newConnectPeer(tx, in, facts)
			if err != nil {
				return nil, err
			}
			return &api.CreateConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
		})
	})
}

func newConnectPeer(tx *Txn, in *api.CreateConnectPeerInput, facts vpcFacts) (*connectPeerRow, error) {
	attachment, err := findAttachmentOf(tx.View, in.ConnectAttachmentId, api.AttachmentTypeConnect)
	if err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	if attachment.State != api.AttachmentStateAvailable {
		return nil, api.BrokenRule("Connect attachment state is invalid. attachment id: " + attachment.AttachmentId)
	}
	network, err := findCoreNetwork(tx.View, attachment.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	edge, ok := network.edge(attachment.EdgeLocation)
	if !ok {
		return nil, edgeOf(network, attachment.EdgeLocation)
	}
	counterKey := tx.key("connect-peer.count", attachment.AttachmentId)
	if err := tx.fits(quotaConnectPeers, "connect-peer", attachment.AttachmentId, counterKey); err != nil {
		return nil, err
	}
	d := peerDesign{attachment: attachment, edge: edge, used: peersAt(tx.View, network, attachment.EdgeLocation)}
	config, err := d.configuration(in)
	if err != nil {
		return nil, err
	}
	if attachment.Protocol == api.TunnelProtocolNoEncap {
		if err := d.checkSubnet(in, facts); err != nil {
			return nil, err
		}
	}
	row := connectPeerRow{
		ConnectPeer: api.ConnectPeer{
			CoreNetworkId:       network.CoreNetworkId,
			ConnectAttachmentId: attachment.AttachmentId,
			ConnectPeerId:       tx.ids.next("connect-peer"),
			EdgeLocation:        attachment.EdgeLocation,
			State:               api.ConnectPeerStateCreating,
			CreatedAt:           api.Time{Time: tx.now},
			Configuration:       config,
			Tags:                someTags(in.Tags),
			SubnetArn:           val(in.SubnetArn),
		},
		GlobalNetworkId: network.GlobalNetworkId,
		OwnerAccountId:  network.OwnerAccountId,
		Problems:        d.problems,
	}
	saveConnectPeer(tx, &row)
	connectPeerEvent(tx, &row, "CREATED", "created in a Connect attachment.")
	return &row, nil
}

func saveConnectPeer(tx *Txn, row *connectPeerRow) {
	save(tx.lc, lifecycle.ConnectPeer, connectPeers, row.key(), row, string(row.State))
}

// getConnectPeer shows a Connect peer.
func getConnectPeer(v *View, in *api.GetConnectPeerInput) (*api.GetConnectPeerOutput, error) {
	row, err := findConnectPeer(v, in.ConnectPeerId)
	if err != nil {
		return nil, err
	}
	return &api.GetConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
}

// listConnectPeers lists the Connect peers of a Connect attachment, of a core network, of both or all of the caller.
func listConnectPeers(v *View, in *api.ListConnectPeersInput) (*api.ListConnectPeersOutput, error) {
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListConnectPeers", val(in.CoreNetworkId), val(in.ConnectAttachmentId))
	if err != nil {
		return nil, err
	}
	var rows iter.Seq2[string, *connectPeerRow]
	switch {
	case in.ConnectAttachmentId != nil:
		rows = connectPeers.Scan(v.r, v.prefix("connect-peer", *in.ConnectAttachmentId), p.after)
	case in.CoreNetworkId != nil:
		rows = connectPeers.ScanIndex(v.r, v.prefix("connect-peer.core-network", *in.CoreNetworkId), p.after)
	default:
		rows = connectPeers.Scan(v.r, v.prefix("connect-peer"), p.after)
	}
	keep := func(row *connectPeerRow) bool {
		return wanted(in.CoreNetworkId, row.CoreNetworkId) && wanted(in.ConnectAttachmentId, row.ConnectAttachmentId)
	}
	summary := func(row *connectPeerRow) api.ConnectPeerSummary {
		return api.ConnectPeerSummary{
			CoreNetworkId:       row.CoreNetworkId,
			ConnectAttachmentId: row.ConnectAttachmentId,
			ConnectPeerId:       row.ConnectPeerId,
			EdgeLocation:        row.EdgeLocation,
			ConnectPeerState:    row.State,
			CreatedAt:           row.CreatedAt,
			Tags:                row.Tags,
			SubnetArn:           row.SubnetArn,
		}
	}
	var out api.ListConnectPeersOutput
	out.ConnectPeers, out.NextToken = page(p, rows, keep, summary)
	return &out, nil
}

// deleteConnectPeer removes a Connect peer. The device it is associated with loses it by itself.
func deleteConnectPeer(tx *Txn, in *api.DeleteConnectPeerInput) (*api.DeleteConnectPeerOutput, error) {
	old, err := findConnectPeer(tx.View, in.ConnectPeerId)
	if err != nil {
		return nil, err
	}
	if old.State != api.ConnectPeerStateAvailable && old.State != api.ConnectPeerStateFailed {
		return nil, api.Conflict("connect-peer", old.ConnectPeerId, "Connect peer state is invalid: "+string(old.State)+".")
	}
	row := *old
	row.State = api.ConnectPeerStateDeleting
	saveConnectPeer(tx, &row)
	if a, ok := connectPeerAssociations.Get(tx.r, tx.key("connect-peer-association", row.GlobalNetworkId, row.ConnectPeerId)); ok {
		switch a.State {
		case api.ConnectPeerAssociationStateDeleting, api.ConnectPeerAssociationStateDeleted:
		default:
			peerAssociations.end(tx, row.GlobalNetworkId, row.ConnectPeerId, a)
		}
	}
	return &api.DeleteConnectPeerOutput{ConnectPeer: &row.ConnectPeer}, nil
}

// moveConnectPeer takes the next step of a Connect peer.
func (s *env) moveConnectPeer(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := connectPeers.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.ConnectPeer, e.From)
	if step.Next == lifecycle.Gone {
		connectPeers.Delete(lc.Txn, e.Key)
		announcementSets.Delete(lc.Txn, accountKey(old.OwnerAccountId, "announcements", old.CoreNetworkId, old.ConnectPeerId))
		connectPeerEvent(s.txn(lc, api.Caller{Account: old.OwnerAccountId}), old, "DELETED", "deleted in a Connect attachment.")
		return nil
	}
	row := *old
	row.State = api.ConnectPeerState(step.Next)
	if row.LastModificationErrors = row.Problems; len(row.Problems) > 0 {
		row.State = api.ConnectPeerStateFailed
	}
	row.Problems = nil
	save(lc, lifecycle.ConnectPeer, connectPeers, e.Key, &row, string(row.State))
	return nil
}
