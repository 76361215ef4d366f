package service

import (
	"context"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
)

// AssociateCustomerGateway ties a customer gateway to a device. Which VPN connections the gateway has is EC2's to know:
// without a catalog every well-formed ARN is taken.
func (s *Service) AssociateCustomerGateway(ctx context.Context, in *api.AssociateCustomerGatewayInput) (*api.AssociateCustomerGatewayOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if err := s.expectGlobalNetwork(ctx, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	connections, err := s.refs.customerGateway(ctx, in.CustomerGatewayArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *txn) (*api.AssociateCustomerGatewayOutput, error) {
		if _, err := tx.openGlobalNetwork(in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if connections != nil && !slices.ContainsFunc(connections, func(c *catalog.VPNConnection) bool { return tx.carries(in.GlobalNetworkId, c) }) {
			// What no VPN connection of the global network leads to is not in the inventory.
			return nil, api.NotFound("customer-gateway", in.CustomerGatewayArn)
		}
		association, err := cgwAssociations.associate(tx, in.GlobalNetworkId, in.CustomerGatewayArn, in.DeviceId, in.LinkId)
		if err != nil {
			return nil, err
		}
		return &api.AssociateCustomerGatewayOutput{CustomerGatewayAssociation: association}, nil
	})
}

// carries tells whether a VPN connection is part of a global network: on a registered transit gateway, or attached to
// the core network.
func (v *view) carries(gn string, vpn *catalog.VPNConnection) bool {
	if vpn.TransitGatewayARN != "" {
		return v.isRegistered(gn, vpn.TransitGatewayARN)
	}
	for _, row := range attachments.ScanIndex(v.r, resourceKey(vpn.ARN)+"/", "") {
		network, err := v.coreNetwork(row.CoreNetworkId)
		if err == nil && network.GlobalNetworkId == gn {
			return true
		}
	}
	return false
}

// DisassociateCustomerGateway takes a customer gateway from its device.
func (s *Service) DisassociateCustomerGateway(ctx context.Context, in *api.DisassociateCustomerGatewayInput) (*api.DisassociateCustomerGatewayOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DisassociateCustomerGatewayOutput, error) {
		gn, err := tx.globalNetwork(in.GlobalNetworkId)
		if err != nil {
			return nil, err
		}
		association, err := cgwAssociations.disassociate(tx, gn.GlobalNetworkId, in.CustomerGatewayArn)
		if err != nil {
			return nil, err
		}
		return &api.DisassociateCustomerGatewayOutput{CustomerGatewayAssociation: association}, nil
	})
}

// GetCustomerGatewayAssociations lists the associations of customer gateways in a global network.
func (s *Service) GetCustomerGatewayAssociations(ctx context.Context, in *api.GetCustomerGatewayAssociationsInput) (*api.GetCustomerGatewayAssociationsOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetCustomerGatewayAssociationsOutput, error) {
		items, next, err := cgwAssociations.list(v, "GetCustomerGatewayAssociations", in, in.GlobalNetworkId,
			in.CustomerGatewayArns, in.MaxResults, in.NextToken)
		if err != nil {
			return nil, err
		}
		return &api.GetCustomerGatewayAssociationsOutput{CustomerGatewayAssociations: items, NextToken: next}, nil
	})
}
