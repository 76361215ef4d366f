package service

import (
	"context"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
)

// associateCustomerGateway ties a customer gateway to a device. Which VPN connections the gateway has is EC2's to know:
// without a catalog every well-formed ARN is taken.
func associateCustomerGateway(ctx context.Context, e *env, in *api.AssociateCustomerGatewayInput) (*api.AssociateCustomerGatewayOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if err := e.expectGlobalNetwork(ctx, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	connections, err := e.refs.customerGateway(ctx, in.CustomerGatewayArn)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.AssociateCustomerGatewayOutput, error) {
		if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if connections != nil && !slices.ContainsFunc(connections, func(c *catalog.VPNConnection) bool { return carries(tx.View, in.GlobalNetworkId, c) }) {
			// What no VPN connection of the global network leads to is not in the inventory.
			return nil, api.NotFound("customer-gateway", in.CustomerGatewayArn)
		}
		association, err := cgwAssociations.associate(tx, in.GlobalNetworkId, in.CustomerGatewayArn, in.DeviceId, in.LinkId)
		if err != nil {
			return nil, err
		}
		return &api.AssociateCustomerGatewayOutput{CustomerGatewayAssociation: new(association.API())}, nil
	})
}

// carries tells whether a VPN connection is part of a global network: on a registered transit gateway, or attached to
// the core network.
func carries(v *state.View, gn string, vpn *catalog.VPNConnection) bool {
	if vpn.TransitGatewayARN != "" {
		return state.TransitGatewayRegistrations.IsRegistered(v, gn, vpn.TransitGatewayARN)
	}
	for _, row := range state.Attachments.Rows(v, state.Attachments.OfResource(vpn.ARN), "") {
		network, err := findCoreNetwork(v, row.CoreNetworkId)
		if err == nil && network.GlobalNetworkId == gn {
			return true
		}
	}
	return false
}

// disassociateCustomerGateway takes a customer gateway from its device.
func disassociateCustomerGateway(tx *state.Txn, in *api.DisassociateCustomerGatewayInput) (*api.DisassociateCustomerGatewayOutput, error) {
	gn, err := findGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	association, err := cgwAssociations.disassociate(tx, gn.GlobalNetworkId, in.CustomerGatewayArn)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateCustomerGatewayOutput{CustomerGatewayAssociation: new(association.API())}, nil
}

// getCustomerGatewayAssociations lists the associations of customer gateways in a global network.
func getCustomerGatewayAssociations(v *state.View, in *api.GetCustomerGatewayAssociationsInput) (*api.GetCustomerGatewayAssociationsOutput, error) {
	items, next, err := cgwAssociations.list(v, "GetCustomerGatewayAssociations", in, in.GlobalNetworkId,
		in.CustomerGatewayArns, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.GetCustomerGatewayAssociationsOutput{CustomerGatewayAssociations: items, NextToken: next}, nil
}
