package service

import (
	"portolan/api"
)

// There is no AWS Organizations here: every account is the management account of an organisation of its own, with no
// other members. Enabling access is remembered, and lets the account register other accounts' transit gateways.

// startOrganizationServiceAccessUpdate turns trusted access on or off.
func startOrganizationServiceAccessUpdate(tx *Txn, in *api.StartOrganizationServiceAccessUpdateInput) (*api.StartOrganizationServiceAccessUpdateOutput, error) {
	var status organizationAccess
	switch in.Action {
	case "ENABLE":
		status.Status = "ENABLED"
	case "DISABLE":
		status.Status = "DISABLED"
	default:
		return nil, checkFields(in)
	}
	organizationAccesses.Put(tx.w, tx.key("organization-access"), &status)
	return &api.StartOrganizationServiceAccessUpdateOutput{OrganizationStatus: organizationStatus(tx.View)}, nil
}

// listOrganizationServiceAccessStatus tells whether trusted access is on, and where it has been deployed.
func listOrganizationServiceAccessStatus(v *View, in *api.ListOrganizationServiceAccessStatusInput) (*api.ListOrganizationServiceAccessStatusOutput, error) {
	if _, err := v.newPager(in.MaxResults, in.NextToken, "ListOrganizationServiceAccessStatus"); err != nil {
		return nil, err
	}
	return &api.ListOrganizationServiceAccessStatusOutput{OrganizationStatus: organizationStatus(v)}, nil
}

// organizationAccess is the row of an account that ever asked for trusted access.
type organizationAccess struct {
	Status string `json:"status"` // ENABLED or DISABLED
}

func organizationEnabled(v *View) bool {
	row, ok := organizationAccesses.Get(v.r, v.key("organization-access"))
	return ok && row.Status == "ENABLED"
}

func organizationStatus(v *View) *api.OrganizationStatus {
	status := &api.OrganizationStatus{
		OrganizationId:                     "o-" + v.caller.Account, // 12 digits fit the model's pattern
		OrganizationAwsServiceAccessStatus: "DISABLED",
		SLRDeploymentStatus:                "SUCCEEDED",
		AccountStatusList:                  []api.AccountStatus{},
	}
	if organizationEnabled(v) {
		status.OrganizationAwsServiceAccessStatus = "ENABLED"
		status.AccountStatusList = []api.AccountStatus{{AccountId: v.caller.Account, SLRDeploymentStatus: "SUCCEEDED"}}
	}
	return status
}
