package service

import (
	"context"
	"iter"

	"portolan/api"
	"portolan/internal/connectpeer"
	"portolan/internal/lifecycle"
	"portolan/internal/state"
)

// findConnectPeer is a Connect peer on a core network of the caller's account.
func findConnectPeer(v *state.View, id string) (*state.ConnectPeer, error) {
	row, ok := state.ConnectPeers.ByID(v, id)
	if !ok || row.OwnerAccountId != v.Caller.Account {
		return nil, api.NotFound("connect-peer", id)
	}
	return row, nil
}

// peerFitsGlobalNetwork tells whether a Connect peer can be associated with a device of the global network: it is on
// the global network's own core network, and not failed or leaving. One that is still CREATING is taken, as
// CloudFormation chains operations without waiting.
func peerFitsGlobalNetwork(v *state.View, gn, id string) error {
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
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateConnectPeerOutput, error) {
		return state.Once(tx, "CreateConnectPeer", in.ClientToken, in, func() (*api.CreateConnectPeerOutput, error) {
			row, err := newConnectPeer(tx, in, facts)
			if err != nil {
				return nil, err
			}
			return &api.CreateConnectPeerOutput{ConnectPeer: new(row.API())}, nil
		})
	})
}

func newConnectPeer(tx *state.Txn, in *api.CreateConnectPeerInput, facts vpcFacts) (*state.ConnectPeer, error) {
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
	edge, ok := network.Edge(attachment.EdgeLocation)
	if !ok {
		return nil, edgeOf(network, attachment.EdgeLocation)
	}
	counterKey := state.ConnectPeers.Count(tx.View, tx.Caller.Account, attachment.AttachmentId)
	if err := tx.Fits(state.QuotaConnectPeers, "connect-peer", attachment.AttachmentId, counterKey); err != nil {
		return nil, err
	}
	d := connectpeer.Plan{Attachment: attachment, Edge: edge, Used: connectpeer.At(tx.View, network, attachment.EdgeLocation)}
	config, err := d.Configuration(in)
	if err != nil {
		return nil, err
	}
	if attachment.Protocol == api.TunnelProtocolNoEncap {
		if err := d.CheckSubnet(in, facts.lacks); err != nil {
			return nil, err
		}
	}
	row := state.ConnectPeer{
		CoreNetworkId:       network.CoreNetworkId,
		ConnectAttachmentId: attachment.AttachmentId,
		ConnectPeerId:       tx.NewID("connect-peer"),
		EdgeLocation:        attachment.EdgeLocation,
		State:               api.ConnectPeerStateCreating,
		CreatedAt:           tx.Time(),
		Configuration:       config,
		Tags:                someTags(in.Tags),
		SubnetArn:           val(in.SubnetArn),
		GlobalNetworkId:     network.GlobalNetworkId,
		OwnerAccountId:      network.OwnerAccountId,
		Problems:            d.Problems,
	}
	saveConnectPeer(tx, &row)
	tx.ConnectPeerEvent(&row, "CREATED", "created in a Connect attachment.")
	return &row, nil
}

func saveConnectPeer(tx *state.Txn, row *state.ConnectPeer) {
	state.ConnectPeers.Save(tx, row.Key(), row)
}

// getConnectPeer shows a Connect peer.
func getConnectPeer(v *state.View, in *api.GetConnectPeerInput) (*api.GetConnectPeerOutput, error) {
	row, err := findConnectPeer(v, in.ConnectPeerId)
	if err != nil {
		return nil, err
	}
	return &api.GetConnectPeerOutput{ConnectPeer: new(row.API())}, nil
}

// listConnectPeers lists the Connect peers of a Connect attachment, of a core network, of both or all of the caller.
func listConnectPeers(v *state.View, in *api.ListConnectPeersInput) (*api.ListConnectPeersOutput, error) {
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListConnectPeers", val(in.CoreNetworkId), val(in.ConnectAttachmentId))
	if err != nil {
		return nil, err
	}
	var rows iter.Seq2[string, *state.ConnectPeer]
	switch {
	case in.ConnectAttachmentId != nil:
		rows = state.ConnectPeers.Rows(v, state.ConnectPeers.In(v.Caller.Account, *in.ConnectAttachmentId), p.After)
	case in.CoreNetworkId != nil:
		rows = state.ConnectPeers.Rows(v, state.ConnectPeers.OnCoreNetwork(v.Caller.Account, *in.CoreNetworkId), p.After)
	default:
		rows = state.ConnectPeers.Rows(v, state.ConnectPeers.Of(v.Caller.Account), p.After)
	}
	keep := func(row *state.ConnectPeer) bool {
		return wanted(in.CoreNetworkId, row.CoreNetworkId) && wanted(in.ConnectAttachmentId, row.ConnectAttachmentId)
	}
	summary := func(row *state.ConnectPeer) api.ConnectPeerSummary {
		return api.ConnectPeerSummary{
			CoreNetworkId:       row.CoreNetworkId,
			ConnectAttachmentId: row.ConnectAttachmentId,
			ConnectPeerId:       row.ConnectPeerId,
			EdgeLocation:        row.EdgeLocation,
			ConnectPeerState:    row.State,
			CreatedAt:           api.Time(row.CreatedAt),
			Tags:                row.Tags,
			SubnetArn:           row.SubnetArn,
		}
	}
	var out api.ListConnectPeersOutput
	out.ConnectPeers, out.NextToken = state.Page(p, rows, keep, summary)
	return &out, nil
}

// deleteConnectPeer removes a Connect peer. The device it is associated with loses it by itself.
func deleteConnectPeer(tx *state.Txn, in *api.DeleteConnectPeerInput) (*api.DeleteConnectPeerOutput, error) {
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
	if a, ok := state.ConnectPeerAssociations.Get(tx.View, state.ConnectPeerAssociations.Key(tx.Caller.Account, row.GlobalNetworkId, row.ConnectPeerId)); ok {
		switch a.State {
		case api.ConnectPeerAssociationStateDeleting, api.ConnectPeerAssociationStateDeleted:
		default:
			peerAssociations.end(tx, row.GlobalNetworkId, row.ConnectPeerId, a)
		}
	}
	return &api.DeleteConnectPeerOutput{ConnectPeer: new(row.API())}, nil
}

// moveConnectPeer takes the next step of a Connect peer.
func moveConnectPeer(tx *state.Txn, key state.Key[*state.ConnectPeer], from string) error {
	old, ok := state.ConnectPeers.Get(tx.View, key)
	if !ok || string(old.State) != from {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.ConnectPeer, from)
	if step.Next == lifecycle.Gone {
		tx.ForgetBGP(state.NetworkID{Account: old.OwnerAccountId, ID: old.CoreNetworkId}, old.ConnectPeerId)
		state.ConnectPeers.Delete(tx, key)
		state.Announcements.Delete(tx, state.Announcements.Key(old.OwnerAccountId, old.CoreNetworkId, old.ConnectPeerId))
		tx.ConnectPeerEvent(old, "DELETED", "deleted in a Connect attachment.")
		return nil
	}
	row := *old
	row.State = api.ConnectPeerState(step.Next)
	if row.LastModificationErrors = row.Problems; len(row.Problems) > 0 {
		row.State = api.ConnectPeerStateFailed
	}
	row.Problems = nil
	state.ConnectPeers.Save(tx, key, &row)
	return nil
}
