package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// createConnectAttachment makes an attachment for appliances in a VPC that speak BGP with the core network, through GRE
// tunnels or without. It runs over the VPC's own attachment.
func createConnectAttachment(tx *state.Txn, in *api.CreateConnectAttachmentInput) (*api.CreateConnectAttachmentOutput, error) {
	return state.Once(tx, "CreateConnectAttachment", in.ClientToken, in, func() (*api.CreateConnectAttachmentOutput, error) {
		row, err := attachConnect(tx, in)
		if err != nil {
			return nil, err
		}
		return &api.CreateConnectAttachmentOutput{ConnectAttachment: row.Connect()}, nil
	})
}

func attachConnect(tx *state.Txn, in *api.CreateConnectAttachmentInput) (*state.Attachment, error) {
	nat := natRequest{in.NatGatewaySupport, nil, in.NatGatewayRules}
	network, live, err := attachable(tx, in.CoreNetworkId, "CreateConnectAttachment", in.RoutingPolicyLabel, nat, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := edgeOf(network, in.EdgeLocation); err != nil {
		return nil, err
	}
	transport, err := findAttachmentOf(tx.View, in.TransportAttachmentId, api.AttachmentTypeVpc)
	if err != nil {
		return nil, err
	}
	switch {
	case transport.CoreNetworkId != in.CoreNetworkId:
		return nil, api.InvalidField("transportAttachmentId", "Transport attachment is not attached to the core network.")
	case transport.EdgeLocation != in.EdgeLocation:
		return nil, api.InvalidField("edgeLocation", "Edge location must be that of the transport attachment.")
	case transport.State != api.AttachmentStateAvailable:
		return nil, api.InvalidField("transportAttachmentId", "Transport attachment state is invalid.")
	}
	protocol := api.TunnelProtocolGre // what the operation was made for before NO_ENCAP existed
	if in.Options.Protocol != nil {
		protocol = *in.Options.Protocol
	}
	row := state.Attachment{
		AttachmentType:        api.AttachmentTypeConnect,
		EdgeLocation:          in.EdgeLocation,
		ResourceArn:           transport.ResourceArn,
		Tags:                  someTags(in.Tags),
		RoutingPolicyLabel:    val(in.RoutingPolicyLabel),
		TransportAttachmentId: transport.AttachmentId,
		Protocol:              protocol,
	}
	if protocol == api.TunnelProtocolNoEncap {
		if a := associate(tx.View, network, live, on(&row, network), false); a.Next.Segment != transport.SegmentName {
			return nil, api.BrokenRule("A tunnel-less Connect attachment must be in the segment of its transport attachment.")
		}
	}
	if err := attach(tx, network, live, &row, nat); err != nil {
		return nil, err
	}
	return &row, nil
}

// on is a row as it would stand on a network before it is attached.
func on(row *state.Attachment, network *state.CoreNetwork) *state.Attachment {
	placed := *row
	placed.CoreNetworkId, placed.CoreNetworkArn, placed.OwnerAccountId = network.CoreNetworkId, network.CoreNetworkArn, network.OwnerAccountId
	return &placed
}

// getConnectAttachment shows a Connect attachment.
func getConnectAttachment(v *state.View, in *api.GetConnectAttachmentInput) (*api.GetConnectAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeConnect)
	if err != nil {
		return nil, err
	}
	return &api.GetConnectAttachmentOutput{ConnectAttachment: row.Connect()}, nil
}
