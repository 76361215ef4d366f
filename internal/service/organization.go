package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// There is no AWS Organizations here: every account is the management account of an organisation of its own, with no
// other members. Enabling access is remembered, and lets the account register other accounts' transit gateways.

// startOrganizationServiceAccessUpdate turns trusted access on or off.
func startOrganizationServiceAccessUpdate(tx *state.Txn, in *api.StartOrganizationServiceAccessUpdateInput) (*api.StartOrganizationServiceAccessUpdateOutput, error) {
	var status state.OrganizationAccess
	switch in.Action {
	case "ENABLE":
		status.Status = "ENABLED"
	case "DISABLE":
		status.Status = "DISABLED"
	default:
		return nil, checkFields(in)
	}
	state.OrganizationAccesses.Put(tx, state.OrganizationAccesses.Key(tx.Caller.Account), &status)
	return &api.StartOrganizationServiceAccessUpdateOutput{OrganizationStatus: organizationStatus(tx.View)}, nil
}

// listOrganizationServiceAccessStatus tells whether trusted access is on, and where it has been deployed.
func listOrganizationServiceAccessStatus(v *state.View, in *api.ListOrganizationServiceAccessStatusInput) (*api.ListOrganizationServiceAccessStatusOutput, error) {
	if _, err := v.Pager(in.MaxResults, in.NextToken, "ListOrganizationServiceAccessStatus"); err != nil {
		return nil, err
	}
	return &api.ListOrganizationServiceAccessStatusOutput{OrganizationStatus: organizationStatus(v)}, nil
}

func organizationEnabled(v *state.View) bool {
	row, ok := state.OrganizationAccesses.Get(v, state.OrganizationAccesses.Key(v.Caller.Account))
	return ok && row.Status == "ENABLED"
}

func organizationStatus(v *state.View) *api.OrganizationStatus {
	status := &api.OrganizationStatus{
		OrganizationId:                     "o-" + v.Caller.Account, // 12 digits fit the model's pattern
		OrganizationAwsServiceAccessStatus: "DISABLED",
		SLRDeploymentStatus:                "SUCCEEDED",
		AccountStatusList:                  []api.AccountStatus{},
	}
	if organizationEnabled(v) {
		status.OrganizationAwsServiceAccessStatus = "ENABLED"
		status.AccountStatusList = []api.AccountStatus{{AccountId: v.Caller.Account, SLRDeploymentStatus: "SUCCEEDED"}}
	}
	return status
}
