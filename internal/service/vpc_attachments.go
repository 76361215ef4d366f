package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
)

// CreateVpcAttachment attaches a VPC to the edge of its Region.
func (s *Service) CreateVpcAttachment(ctx context.Context, in *api.CreateVpcAttachmentInput) (*api.CreateVpcAttachmentOutput, error) {
	vpc, err := s.refs.vpc(ctx, in.VpcArn)
	if err != nil {
		return nil, err
	}
	subnets, err := s.refs.subnets(ctx, "subnetArns", in.SubnetArns, vpc.arn)
	if err != nil {
		return nil, err
	}
	vpc.problems = slices.Concat(vpc.problems, subnets.problems)
	return update(ctx, s, func(tx *txn) (*api.CreateVpcAttachmentOutput, error) {
		return once(tx, "CreateVpcAttachment", in.ClientToken, in, func() (*api.CreateVpcAttachmentOutput, error) {
			row, err := tx.createVpcAttachment(in, vpc)
			if err != nil {
				return nil, err
			}
			return &api.CreateVpcAttachmentOutput{VpcAttachment: row.vpc()}, nil
		})
	})
}

func (tx *txn) createVpcAttachment(in *api.CreateVpcAttachmentInput, vpc reference) (*attachmentRow, error) {
	network, live, err := tx.attachable(in.CoreNetworkId, "CreateVpcAttachment", in.RoutingPolicyLabel, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := edgeOf(network, vpc.region); err != nil {
		return nil, err
	}
	used := 0
	for other := range tx.attachmentsOf(in.VpcArn) {
		if other.AttachmentType == api.AttachmentTypeVpc {
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
	if err := tx.attach(network, live, &row); err != nil {
		return nil, err
	}
	return &row, nil
}

// GetVpcAttachment shows a VPC attachment.
func (s *Service) GetVpcAttachment(ctx context.Context, in *api.GetVpcAttachmentInput) (*api.GetVpcAttachmentOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetVpcAttachmentOutput, error) {
		row, err := v.attachmentOf(in.AttachmentId, api.AttachmentTypeVpc)
		if err != nil {
			return nil, err
		}
		return &api.GetVpcAttachmentOutput{VpcAttachment: row.vpc()}, nil
	})
}

// vpcParts is what an update of a VPC attachment can change.
type vpcParts struct {
	SubnetArns []string
	Options    *api.VpcOptions
}

// UpdateVpcAttachment changes the subnets or the options of a VPC attachment that is AVAILABLE. It is AVAILABLE again at the
// end, as it was before when the subnets turn out not to fit.
func (s *Service) UpdateVpcAttachment(ctx context.Context, in *api.UpdateVpcAttachmentInput) (*api.UpdateVpcAttachmentOutput, error) {
	var added reference
	if len(in.AddSubnetArns) > 0 {
		// An attachment keeps its VPC, so the catalog can be asked before the transaction, as everywhere.
		row, err := read(ctx, s, func(v *view) (*attachmentRow, error) { return v.attachmentOf(in.AttachmentId, api.AttachmentTypeVpc) })
		if err != nil {
			return nil, err
		}
		vpc, _ := parseARN(row.ResourceArn)
		kept := slices.DeleteFunc(slices.Clone(row.SubnetArns), func(subnet string) bool { return slices.Contains(in.RemoveSubnetArns, subnet) })
		if added, err = s.refs.subnets(ctx, "addSubnetArns", in.AddSubnetArns, vpc, kept...); err != nil {
			return nil, err
		}
	}
	return update(ctx, s, func(tx *txn) (*api.UpdateVpcAttachmentOutput, error) {
		old, err := tx.attachmentOf(in.AttachmentId, api.AttachmentTypeVpc)
		if err != nil {
			return nil, err
		}
		if old.State != api.AttachmentStateAvailable {
			return nil, attachmentBusy(old)
		}
		var fields []api.FieldError
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
		row.SubnetArns = slices.DeleteFunc(slices.Concat(old.SubnetArns, in.AddSubnetArns), func(subnet string) bool {
			return slices.Contains(in.RemoveSubnetArns, subnet)
		})
		if len(row.SubnetArns) == 0 {
			fields = append(fields, api.FieldError{Name: "removeSubnetArns", Message: "An attachment must keep at least one subnet."})
		}
		if err := invalid(fields); err != nil {
			return nil, err
		}
		row.VpcOptions = mergeVpcOptions(old.VpcOptions, in.Options)
		row.State = api.AttachmentStateUpdating
		row.LastModificationErrors, row.Problems = nil, added.problems
		if len(added.problems) > 0 {
			row.Before = &vpcParts{old.SubnetArns, old.VpcOptions}
		}
		tx.changeAttachment(&row)
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
