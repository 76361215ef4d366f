package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
)

// createVpcAttachment attaches a VPC to the edge of its Region.
func createVpcAttachment(ctx context.Context, e *env, in *api.CreateVpcAttachmentInput) (*api.CreateVpcAttachmentOutput, error) {
	vpc, err := e.refs.of(vpcARN, in.VpcArn)
	if err != nil {
		return nil, err
	}
	if err := invalid(append(tooFew("subnetArns", in.SubnetArns), checkSubnets("subnetArns", in.SubnetArns, vpc.arn)...)); err != nil {
		return nil, err
	}
	facts, err := e.refs.vpcFacts(ctx, in.VpcArn)
	if err != nil {
		return nil, err
	}
	vpc.problems = facts.problems(in.VpcArn, in.SubnetArns, in.Options)
	return update(ctx, e, func(tx *Txn) (*api.CreateVpcAttachmentOutput, error) {
		return once(tx, "CreateVpcAttachment", in.ClientToken, in, func() (*api.CreateVpcAttachmentOutput, error) {
			row, err := attachVPC(tx, in, vpc)
			if err != nil {
				return nil, err
			}
			return &api.CreateVpcAttachmentOutput{VpcAttachment: row.vpc()}, nil
		})
	})
}

func attachVPC(tx *Txn, in *api.CreateVpcAttachmentInput, vpc reference) (*attachmentRow, error) {
	network, live, err := attachable(tx, in.CoreNetworkId, "CreateVpcAttachment", in.RoutingPolicyLabel, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := edgeOf(network, vpc.region); err != nil {
		return nil, err
	}
	used := 0
	for other := range attachmentsOf(tx.View, in.VpcArn) {
		if other.AttachmentType == api.AttachmentTypeVpc && other.claims() {
			used++
		}
	}
	if limit := tx.quotas[quotaVPCAttachments.Name]; used >= limit {
		return nil, api.QuotaExceeded("attachment", vpc.id(), quotaVPCAttachments.Code, limit)
	}
	row := attachmentRow{
		Attachment: api.Attachment{
			AttachmentType: api.AttachmentTypeVpc,
			EdgeLocation:   vpc.region,
			ResourceArn:    in.VpcArn,
			Tags:           someTags(in.Tags),
		},
		RoutingPolicyLabel: val(in.RoutingPolicyLabel),
		Problems:           vpc.problems,
		SubnetArns:         slices.Clone(in.SubnetArns),
		VpcOptions: mergeVpcOptions(&api.VpcOptions{
			Ipv6Support: new(false), ApplianceModeSupport: new(false), DnsSupport: new(true), SecurityGroupReferencingSupport: new(true),
		}, in.Options),
	}
	if err := attach(tx, network, live, &row); err != nil {
		return nil, err
	}
	return &row, nil
}

// getVpcAttachment shows a VPC attachment.
func getVpcAttachment(v *View, in *api.GetVpcAttachmentInput) (*api.GetVpcAttachmentOutput, error) {
	row, err := findAttachmentOf(v, in.AttachmentId, api.AttachmentTypeVpc)
	if err != nil {
		return nil, err
	}
	return &api.GetVpcAttachmentOutput{VpcAttachment: row.vpc()}, nil
}

// vpcOf is what the catalog says of the VPC that an attachment of the type is for or runs over. That never changes, so it
// is asked before the transaction.
func (s *env) vpcOf(ctx context.Context, attachment string, kind api.AttachmentType) (vpcFacts, error) {
	if s.refs.catalog == nil {
		return vpcFacts{}, nil
	}
	text, err := read(ctx, s, func(v *View) (string, error) {
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
	if len(in.AddSubnetArns) > 0 || in.Options != nil && val(in.Options.Ipv6Support) {
		var err error
		if facts, err = e.vpcOf(ctx, in.AttachmentId, api.AttachmentTypeVpc); err != nil {
			return nil, err
		}
	}
	return update(ctx, e, func(tx *Txn) (*api.UpdateVpcAttachmentOutput, error) {
		old, err := findAttachmentOf(tx.View, in.AttachmentId, api.AttachmentTypeVpc)
		if err != nil {
			return nil, err
		}
		if old.State != api.AttachmentStateAvailable {
			return nil, attachmentBusy(old)
		}
		vpc, _ := parseARN(old.ResourceArn)
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
		options := mergeVpcOptions(old.VpcOptions, in.Options)
		row.State = api.AttachmentStateUpdating
		row.LastModificationErrors, row.Problems = nil, facts.problems(old.ResourceArn, subnets, options)
		if len(row.Problems) == 0 {
			row.SubnetArns, row.VpcOptions = subnets, options
		}
		changeAttachment(tx, &row)
		return &api.UpdateVpcAttachmentOutput{VpcAttachment: row.vpc()}, nil
	})
}

func (row *attachmentRow) vpc() *api.VpcAttachment {
	return &api.VpcAttachment{Attachment: &row.Attachment, SubnetArns: row.SubnetArns, Options: row.VpcOptions}
}

func mergeVpcOptions(old, given *api.VpcOptions) *api.VpcOptions {
	if given == nil {
		return old
	}
	return &api.VpcOptions{
		Ipv6Support:                     either(given.Ipv6Support, old.Ipv6Support),
		ApplianceModeSupport:            either(given.ApplianceModeSupport, old.ApplianceModeSupport),
		DnsSupport:                      either(given.DnsSupport, old.DnsSupport),
		SecurityGroupReferencingSupport: either(given.SecurityGroupReferencingSupport, old.SecurityGroupReferencingSupport),
	}
}
