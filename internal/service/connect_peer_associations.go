package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// associateConnectPeer says that a core network's Connect peer is implemented by a device of the global network,
// optionally over one of the device's links. It changes neither routing nor the peer.
//
// Errors: ValidationException for a global network, peer or link that does not fit; ResourceNotFoundException for an
// unknown peer, device or link; ConflictException when the peer belongs to another device or link, or is on its way
// out; ServiceQuotaExceededException.
func associateConnectPeer(tx *state.Txn, in *api.AssociateConnectPeerInput) (*api.AssociateConnectPeerOutput, error) {
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := peerFitsGlobalNetwork(tx.View, in.GlobalNetworkId, in.ConnectPeerId); err != nil {
		return nil, err
	}
	association, err := peerAssociations.associate(tx, in.GlobalNetworkId, in.ConnectPeerId, in.DeviceId, in.LinkId)
	if err != nil {
		return nil, err
	}
	return &api.AssociateConnectPeerOutput{ConnectPeerAssociation: new(association.API())}, nil
}

// disassociateConnectPeer takes a Connect peer from the device, and the link, it is associated with. The peer itself
// stays as it is. The reply shows the association DELETING; it then vanishes and the peer can be associated anew.
//
// Errors: ValidationException for an unknown global network or a malformed id; ResourceNotFoundException when the peer
// has no association in this global network; ConflictException, AccessDeniedException, ThrottlingException and
// InternalServerException as for every write.
func disassociateConnectPeer(tx *state.Txn, in *api.DisassociateConnectPeerInput) (*api.DisassociateConnectPeerOutput, error) {
	gn, err := findGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	association, err := peerAssociations.disassociate(tx, gn.GlobalNetworkId, in.ConnectPeerId)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateConnectPeerOutput{ConnectPeerAssociation: new(association.API())}, nil
}

// getConnectPeerAssociations lists the associations of Connect peers in a global network; unknown ids are skipped.
func getConnectPeerAssociations(v *state.View, in *api.GetConnectPeerAssociationsInput) (*api.GetConnectPeerAssociationsOutput, error) {
	items, next, err := peerAssociations.list(v, "GetConnectPeerAssociations", in, in.GlobalNetworkId,
		in.ConnectPeerIds, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.GetConnectPeerAssociationsOutput{ConnectPeerAssociations: items, NextToken: next}, nil
}
