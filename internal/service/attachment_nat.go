package service

import (
	"context"
	"iter"
	"slices"
	"strings"

	"portolan/api"
	"portolan/internal/state"
)

// updateAttachmentNatConfiguration changes the 1:1 NAT of an attachment. The attachment is UPDATING until the change is in
// force; one that waits for acceptance keeps the configuration until it has been accepted.
func updateAttachmentNatConfiguration(ctx context.Context, e *env, in *api.UpdateAttachmentNatConfigurationInput) (*api.UpdateAttachmentNatConfigurationOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	q := natRequest{in.NatGatewaySupport, in.NatSystemRouteSupport, in.NatGatewayRules}
	if q.empty() {
		return nil, api.BrokenRule("At least one of natGatewaySupport, natSystemRouteSupport and natGatewayRules is required.")
	}
	static, err := e.staticVPN(ctx, in.AttachmentId, q)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.UpdateAttachmentNatConfigurationOutput, error) {
		return state.Once(tx, "UpdateAttachmentNatConfiguration", in.ClientToken, in, func() (*api.UpdateAttachmentNatConfigurationOutput, error) {
			row, err := changeNAT(tx, in.AttachmentId, q, static)
			if err != nil {
				return nil, err
			}
			return &api.UpdateAttachmentNatConfigurationOutput{AttachmentNatConfiguration: new(row.NATConfiguration())}, nil
		})
	})
}

func changeNAT(tx *state.Txn, id string, q natRequest, static bool) (*state.Attachment, error) {
	old, err := findNATted(tx.View, id, "UpdateAttachmentNatConfiguration")
	if err != nil {
		return nil, err
	}
	switch old.State {
	case api.AttachmentStateAvailable, api.AttachmentStatePendingAttachmentAcceptance, api.AttachmentStatePendingTagAcceptance:
	default:
		return nil, attachmentBusy(old)
	}
	next, changed, err := askNAT(old, q)
	if err != nil || !changed {
		return old, err
	}
	row := *old
	next.Before = new(state.NATOf(old))
	row.NAT = &next
	row.UpdatedAt = tx.Time()
	if old.State == api.AttachmentStatePendingAttachmentAcceptance {
		next.Before = nil
		row.Problems = natProblems(old.Problems, &row, static)
		state.Attachments.Put(tx, &row)
		return &row, nil
	}
	row.State = api.AttachmentStateUpdating
	row.LastModificationErrors = nil
	row.Problems = natProblems(nil, &row, static)
	state.Attachments.Save(tx, &row)
	return &row, nil
}

// natProblems are the problems of an attachment with the one that a NAT on a VPN connection with static routes is.
func natProblems(problems []state.AttachmentError, row *state.Attachment, static bool) []state.AttachmentError {
	const code = api.AttachmentErrorCodeVpnStaticRoutesNatUnsupported
	list := slices.DeleteFunc(slices.Clone(problems), func(p state.AttachmentError) bool { return p.Code == code })
	if static && row.NAT != nil && natOn(row.NAT.Support) {
		list = append(list, staticNATProblem(row.ResourceArn))
	}
	return list
}

func staticNATProblem(vpn string) state.AttachmentError {
	return state.AttachmentError{
		Code: api.AttachmentErrorCodeVpnStaticRoutesNatUnsupported, Message: "NAT is not supported for VPN connections with static routes.", ResourceArn: vpn,
	}
}

// staticVPN tells whether an attachment that the request may enable NAT on is of a VPN connection with static routes. That
// takes the catalog, so it is asked before the transaction.
func (e *env) staticVPN(ctx context.Context, id string, q natRequest) (bool, error) {
	if e.refs.catalog == nil || !q.enables(true) {
		return false, nil
	}
	row, err := state.Look(ctx, e.db, func(v *state.View) (*state.Attachment, error) { return findAttachment(v, id) })
	if err != nil || row.AttachmentType != api.AttachmentTypeSiteToSiteVpn {
		return false, err
	}
	ref, err := e.refs.vpnConnection(ctx, row.ResourceArn)
	return ref.static, err
}

// findNATted is an attachment whose NAT the caller may see and change: only the core network's owner can.
func findNATted(v *state.View, id, operation string) (*state.Attachment, error) {
	row, err := findAttachment(v, id)
	if err == nil && row.NetworkOwner() != v.Caller.Account {
		return nil, denied(v, operation, row.ARN())
	}
	return row, err
}

// maxNATFilterValues is how many values all filters of a list have together.
const maxNATFilterValues = 10

// natFilterFields are the filters that AWS does not have, or too many values of them.
func natFilterFields(filters map[string][]string) []api.FieldError {
	values := 0
	for name, list := range filters {
		if name != natSupportFilter && name != attachmentTypeFilter {
			return []api.FieldError{{Name: "filters", Message: "Filter name must be " + natSupportFilter + " or " + attachmentTypeFilter + "."}}
		}
		values += len(list)
	}
	if values > maxNATFilterValues {
		return []api.FieldError{{Name: "filters", Message: "Filters must have at most 10 values."}}
	}
	return nil
}

const (
	natSupportFilter     = "nat-gateway-support"
	attachmentTypeFilter = "attachment-type"
)

// listAttachmentNatConfigurations lists the NAT configuration of one attachment, or of every attachment of a core network
// that supports NAT. When both are named the attachment decides.
func listAttachmentNatConfigurations(v *state.View, in *api.ListAttachmentNatConfigurationsInput) (*api.ListAttachmentNatConfigurationsOutput, error) {
	if in.CoreNetworkId == nil && in.AttachmentId == nil {
		return nil, api.BrokenRule("One of coreNetworkId and attachmentId is required.")
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	query := []string{"ListAttachmentNatConfigurations", val(in.CoreNetworkId), val(in.AttachmentId)}
	for _, name := range []string{natSupportFilter, attachmentTypeFilter} {
		query = append(query, strings.Join(in.Filters[name], ","))
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	rows, err := natAttachments(v, in, p.After)
	if err != nil {
		return nil, err
	}
	keep := func(row *state.Attachment) bool {
		return state.SupportsNAT(row.AttachmentType) && among(in.Filters[natSupportFilter], string(state.NATOf(row).Support)) &&
			among(in.Filters[attachmentTypeFilter], string(row.AttachmentType))
	}
	var out api.ListAttachmentNatConfigurationsOutput
	out.AttachmentNatConfigurations, out.NextToken = state.Page(p, rows, keep, (*state.Attachment).NATConfiguration)
	return &out, nil
}

func natAttachments(v *state.View, in *api.ListAttachmentNatConfigurationsInput, after string) (iter.Seq2[string, *state.Attachment], error) {
	if in.AttachmentId != nil {
		row, err := findNATted(v, *in.AttachmentId, "ListAttachmentNatConfigurations")
		if err != nil {
			return nil, err
		}
		return state.Attachments.At(v, row.Key(), after), nil
	}
	network, err := findCoreNetwork(v, *in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	return state.Attachments.Rows(v, state.Attachments.In(network.OwnerAccountId, network.CoreNetworkId), after), nil
}

// among tells whether a filter lets a value through, whatever its case; no values let everything through.
func among(values []string, value string) bool {
	return len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) })
}
