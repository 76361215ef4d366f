package service

import (
	"context"

	"portolan/api"
)

// AssociateCustomerGateway ties a customer gateway to a device. Which VPN connections the gateway has is EC2's to know:
// without a catalog every well-formed ARN is taken.
func (s *Service) AssociateCustomerGateway(ctx context.Context, in *api.AssociateCustomerGatewayInput) (*api.AssociateCustomerGatewayOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.AssociateCustomerGatewayOutput, error) {
		if _, err := tx.openGlobalNetwork(in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if a, ok := parseARN(in.CustomerGatewayArn); !ok || !a.is("ec2", "customer-gateway", "cgw-") {
			return nil, api.InvalidField("customerGatewayArn", "ARN is not valid for a customer gateway.")
		}
		association, err := cgwAssociations.associate(tx, in.GlobalNetworkId, in.CustomerGatewayArn, in.DeviceId, in.LinkId)
		if err != nil {
			return nil, err
		}
		return &api.AssociateCustomerGatewayOutput{CustomerGatewayAssociation: association}, nil
	})
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
		items, next, err := cgwAssociations.list(v, "GetCustomerGatewayAssociations", "customerGatewayArns", in.GlobalNetworkId,
			in.CustomerGatewayArns, in.MaxResults, in.NextToken)
		if err != nil {
			return nil, err
		}
		return &api.GetCustomerGatewayAssociationsOutput{CustomerGatewayAssociations: items, NextToken: next}, nil
	})
}
