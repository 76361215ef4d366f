package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
	"portolan/internal/state"
)

// createVpcAttachment attaches a VPC to the edge of its Region.
func createVpcAttachment(ctx context.Context, e *env, in *api.CreateVpcAttachmentInput) (*api.CreateVpcAttachmentOutput, error) {
	vpc, err := e.refs.of(vpcARN, in.VpcArn)
	if err != nil {
		return nil, err
	}
	if err := invalid(append(tooFew("subnetArns", in.SubnetArns), checkSubnets("subnetArns", in.SubnetArns, vpc.ARN)...)); err != nil {
		return nil, err
	}
	facts, err := e.refs.vpcFacts(ctx, in.VpcArn)
	if err != nil {
		return nil, err
	}
	vpc.problems = facts.problems(in.VpcArn, in.SubnetArns, (*state.VpcOptions)(in.Options))
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateVpcAttachmentOutput, error) {
		return state.Once(tx, "CreateVpcAttachment", in.ClientToken, in, func() (*api.CreateVpcAttachmentOutput, error) {
			row, err := attachVPC(tx, in, vpc)
			if err != nil {
				return nil, err
			}
			return &api.CreateVpcAttachmentOutput{VpcAttachment: row.VPC()}, nil
		})
	})
}

func attachVPC(tx *state.Txn, in *api.CreateVpcAttachmentInput, vpc reference) (*state.Attachment, error) {
	nat := natRequest{in.NatGatewaySupport, nil, in.NatGatewayRules}
	network, live, err := attachable(tx, in.CoreNetworkId, "CreateVpcAttachment", in.RoutingPolicyLabel, nat, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := edgeOf(network, vpc.Region); err != nil {
		return nil, err
	}
	used := 0
	for other := range attachmentsOf(tx.View, in.VpcArn) {
		if other.AttachmentType == api.AttachmentTypeVpc && other.IsLive() {
			used++
		}
	}
	if limit := tx.Quota(state.QuotaVPCAttachments); used >= limit {
		return nil, api.QuotaExceeded("attachment", vpc.ID(), state.QuotaVPCAttachments.Code, limit)
	}
	row := state.Attachment{
		AttachmentType:     api.AttachmentTypeVpc,
		EdgeLocation:       vpc.Region,
		ResourceArn:        in.VpcArn,
		Tags:               someTags(in.Tags),
		RoutingPolicyLabel: val(in.RoutingPolicyLabel),
		Problems:           vpc.problems,
		SubnetArns:         slices.Clone(in.SubnetArns),
		VpcOptions: mergeVpcOptions(&state.VpcOptions{
			Ipv6Support: new(false), ApplianceModeSupport: new(false), DnsSupport: new(true), SecurityGroupReferencingSupport: new(true),
		}, (*state.VpcOptions)(in.Options)),
	}
	if err := attach(tx, network, live, &row, nat); err != nil {
		return nil, err
	}
	return &row, nil
}

// getVpcAttachment shows a VPC attachment.
func getVpcAttachment(v *state.View, in *api.GetVpcAttachmentInput) (*api.GetVpcAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeVpc)
	if err != nil {
		return nil, err
	}
	return &api.GetVpcAttachmentOutput{VpcAttachment: row.VPC()}, nil
}

// vpcOf is what the catalog says of the VPC that an attachment of the type is for or runs over. That never changes, so it
// is asked before the transaction.
func (s *env) vpcOf(ctx context.Context, attachment string, kind api.AttachmentType) (vpcFacts, error) {
	if s.refs.catalog == nil {
		return vpcFacts{}, nil
	}
	text, err := state.Read(ctx, s.db, func(v *state.View) (string, error) {
		row, err := findAttachmentOf(v, attachment, kind)
		if err != nil {
			return "", err
		}
		return row.ResourceArn, nil
	})
	if err != nil {
		return vpcFacts{}, err
	}
	return s.refs.vpcFacts(ctx, text)
}

// updateVpcAttachment changes the subnets or the options of a VPC attachment that is AVAILABLE. One that AWS finds not to
// fit while it makes the change leaves the attachment AVAILABLE as it was, with the error.
func updateVpcAttachment(ctx context.Context, e *env, in *api.UpdateVpcAttachmentInput) (*api.UpdateVpcAttachmentOutput, error) {
	var facts vpcFacts
	if len(in.AddSubnetArns) > 0 || in.Options != nil && (val(in.Options.Ipv6Support) || val(in.Options.SecurityGroupReferencingSupport)) {
		var err error
		if facts, err = e.vpcOf(ctx, in.AttachmentId, api.AttachmentTypeVpc); err != nil {
			return nil, err
		}
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.UpdateVpcAttachmentOutput, error) {
		old, err := findAttachmentOf(tx.View, in.AttachmentId, api.AttachmentTypeVpc)
		if err != nil {
			return nil, err
		}
		if old.State != api.AttachmentStateAvailable {
			return nil, attachmentBusy(old)
		}
		vpc, _ := state.ParseARN(old.ResourceArn)
		fields := checkSubnets("addSubnetArns", in.AddSubnetArns, vpc)
		for i, subnet := range in.AddSubnetArns {
			if slices.Contains(old.SubnetArns, subnet) {
				fields = append(fields, api.FieldError{Name: fmt.Sprintf("addSubnetArns[%d]", i), Message: "Subnet is already part of the attachment."})
			}
		}
		for i, subnet := range in.RemoveSubnetArns {
			if !slices.Contains(old.SubnetArns, subnet) {
				fields = append(fields, api.FieldError{Name: fmt.Sprintf("removeSubnetArns[%d]", i), Message: "Subnet is not part of the attachment."})
			}
		}
		row := *old
		subnets := slices.DeleteFunc(slices.Concat(old.SubnetArns, in.AddSubnetArns), func(subnet string) bool {
			return slices.Contains(in.RemoveSubnetArns, subnet)
		})
		if len(subnets) == 0 {
			fields = append(fields, api.FieldError{Name: "removeSubnetArns", Message: "An attachment must keep at least one subnet."})
		}
		if err := invalid(fields); err != nil {
			return nil, err
		}
		options := mergeVpcOptions(old.VpcOptions, (*state.VpcOptions)(in.Options))
		row.State = api.AttachmentStateUpdating
		row.LastModificationErrors, row.Problems = nil, facts.problems(old.ResourceArn, subnets, options)
		if len(row.Problems) == 0 {
			row.SubnetArns, row.VpcOptions = subnets, options
		}
		changeAttachment(tx, &row)
		return &api.UpdateVpcAttachmentOutput{VpcAttachment: row.VPC()}, nil
	})
}

func mergeVpcOptions(old, given *state.VpcOptions) *state.VpcOptions {
	if given == nil {
		return old
	}
	return &state.VpcOptions{
		Ipv6Support:                     either(given.Ipv6Support, old.Ipv6Support),
		ApplianceModeSupport:            either(given.ApplianceModeSupport, old.ApplianceModeSupport),
		DnsSupport:                      either(given.DnsSupport, old.DnsSupport),
		SecurityGroupReferencingSupport: either(given.SecurityGroupReferencingSupport, old.SecurityGroupReferencingSupport),
	}
}
