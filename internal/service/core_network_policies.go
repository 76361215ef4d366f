package service

import (
	"fmt"
	"math"
	"strings"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/policy"
)

// versionKey is the key of a policy version. Keys sort the newest first, as versions are listed. A version is immutable;
// only its change set state moves.
func versionKey(v *View, account, coreNetwork string, version int32) string {
	return accountKey(account, "core-network-policy", coreNetwork, fmt.Sprintf("%010d", math.MaxInt32-version))
}

// checkPolicy checks a document as far as AWS does before it answers: the document itself, and that neither an attachment
// nor a peering would lose its edge. A text that is no JSON is no policy, and not an incorrect one.
func checkPolicy(document string, placed []policy.Placement) (*policy.Document, error) {
	doc, errs := policy.Parse([]byte(document))
	if len(errs) > 0 && errs[0].Code == policy.CodeSyntax {
		return nil, &api.ValidationException{
			Message: fmt.Sprintf("The policy document cannot be read at line %d, column %d: %s.", errs[0].Line, errs[0].Column, strings.TrimPrefix(errs[0].Message, "$: ")),
			Reason:  api.ValidationExceptionReasonCannotParse,
		}
	}
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	if len(errs) == 0 {
		errs = policy.CheckOrphans(doc, placed)
	}
	if len(errs) > 0 {
		return nil, &api.CoreNetworkPolicyException{Message: "Incorrect policy.", Errors: policyErrors(errs)}
	}
	return doc, nil
}

func policyErrors(errs policy.Errors) []api.CoreNetworkPolicyError {
	list := make([]api.CoreNetworkPolicyError, len(errs))
	for i, e := range errs {
		list[i] = api.CoreNetworkPolicyError{ErrorCode: e.Code, Message: e.Message, Path: e.Path}
	}
	return list
}

// addVersion stores a document as the newest version of a core network, whose row the caller saves.
func addVersion(tx *Txn, row *coreNetworkRow, document string, description *string, state api.ChangeSetState) *api.CoreNetworkPolicy {
	version := api.CoreNetworkPolicy{
		CoreNetworkId:   row.CoreNetworkId,
		PolicyVersionId: new(row.NextVersion),
		Description:     val(description),
		CreatedAt:       api.Time{Time: tx.now},
		ChangeSetState:  state,
		PolicyDocument:  document,
	}
	row.LatestVersion = row.NextVersion
	row.NextVersion++
	saveVersion(tx, row, &version)
	return &version
}

func saveVersion(tx *Txn, row *coreNetworkRow, version *api.CoreNetworkPolicy) {
	key := versionKey(tx.View, row.OwnerAccountId, row.CoreNetworkId, *version.PolicyVersionId)
	save(tx.lc, lifecycle.CoreNetworkPolicy, policyVersions, key, version, string(version.ChangeSetState))
	versionEvent(tx, row, version)
}

// withAlias is the version as it is shown: the alias is the core network's to say. One that is both shows LIVE.
func (row *coreNetworkRow) withAlias(version *api.CoreNetworkPolicy) *api.CoreNetworkPolicy {
	shown := *version
	switch *version.PolicyVersionId {
	case row.LiveVersion:
		shown.Alias = api.CoreNetworkPolicyAliasLive
	case row.LatestVersion:
		shown.Alias = api.CoreNetworkPolicyAliasLatest
	}
	return &shown
}

// putCoreNetworkPolicy stores a new version and starts to generate its change set. Every error of the document is in
// the one CoreNetworkPolicyException.
func putCoreNetworkPolicy(tx *Txn, in *api.PutCoreNetworkPolicyInput) (*api.PutCoreNetworkPolicyOutput, error) {
	return once(tx, "PutCoreNetworkPolicy "+in.CoreNetworkId, in.ClientToken, in, func() (*api.PutCoreNetworkPolicyOutput, error) {
		row, err := findOpenCoreNetwork(tx.View, in.CoreNetworkId)
		if err != nil {
			return nil, err
		}
		if in.LatestVersionId != nil && *in.LatestVersionId != row.LatestVersion {
			return nil, api.Conflict("core-network-policy", row.CoreNetworkId,
				fmt.Sprintf("The latest policy version is %d, not %d.", row.LatestVersion, *in.LatestVersionId))
		}
		if _, err := checkPolicy(in.PolicyDocument, placements(tx.View, row)); err != nil {
			return nil, err
		}
		version, err := newVersion(tx, row, in.PolicyDocument, in.Description)
		if err != nil {
			return nil, err
		}
		return &api.PutCoreNetworkPolicyOutput{CoreNetworkPolicy: version}, nil
	})
}

// findOpenCoreNetwork is a core network that takes policy changes: not one on its way out.
func findOpenCoreNetwork(v *View, id string) (*coreNetworkRow, error) {
	row, err := findCoreNetwork(v, id)
	if err != nil {
		return nil, err
	}
	if row.State == api.CoreNetworkStateDeleting {
		return nil, coreNetworkBusy(row)
	}
	return row, nil
}

// newVersion adds a version that waits for its change set.
func newVersion(tx *Txn, old *coreNetworkRow, document string, description *string) (*api.CoreNetworkPolicy, error) {
	if err := tx.fits(quotaPolicyVersions, "core-network-policy", old.CoreNetworkId, tx.key("core-network-policy.count", old.CoreNetworkId)); err != nil {
		return nil, err
	}
	row := *old
	version := addVersion(tx, &row, document, description, api.ChangeSetStatePendingGeneration)
	coreNetworks.Put(tx.w, tx.key("core-network", row.CoreNetworkId), &row)
	return row.withAlias(version), nil
}

// getCoreNetworkPolicy shows a version by its id, by its alias, or the latest one.
func getCoreNetworkPolicy(v *View, in *api.GetCoreNetworkPolicyInput) (*api.GetCoreNetworkPolicyOutput, error) {
	row, err := findCoreNetwork(v, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	id := row.LatestVersion
	switch {
	case in.PolicyVersionId != nil:
		id = *in.PolicyVersionId
	case val(in.Alias) == api.CoreNetworkPolicyAliasLive:
		id = row.LiveVersion
	}
	version, err := findVersion(v, row, id)
	if err != nil {
		return nil, err
	}
	return &api.GetCoreNetworkPolicyOutput{CoreNetworkPolicy: row.withAlias(version)}, nil
}

// findVersion is a stored version of a core network's policy.
func findVersion(v *View, row *coreNetworkRow, id int32) (*api.CoreNetworkPolicy, error) {
	version, ok := policyVersions.Get(v.r, versionKey(v, row.OwnerAccountId, row.CoreNetworkId, id))
	if !ok || id < 1 {
		return nil, api.NotFound("core-network-policy", row.CoreNetworkId)
	}
	return version, nil
}

// listCoreNetworkPolicyVersions lists the versions, the newest first, without documents.
func listCoreNetworkPolicyVersions(v *View, in *api.ListCoreNetworkPolicyVersionsInput) (*api.ListCoreNetworkPolicyVersionsOutput, error) {
	row, err := findCoreNetwork(v, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListCoreNetworkPolicyVersions", in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	summary := func(version *api.CoreNetworkPolicy) api.CoreNetworkPolicyVersion {
		shown := row.withAlias(version)
		return api.CoreNetworkPolicyVersion{
			CoreNetworkId:   shown.CoreNetworkId,
			PolicyVersionId: shown.PolicyVersionId,
			Alias:           shown.Alias,
			Description:     shown.Description,
			CreatedAt:       shown.CreatedAt,
			ChangeSetState:  shown.ChangeSetState,
		}
	}
	rows := policyVersions.Scan(v.r, accountKey(row.OwnerAccountId, "core-network-policy", row.CoreNetworkId)+"/", p.after)
	var out api.ListCoreNetworkPolicyVersionsOutput
	out.CoreNetworkPolicyVersions, out.NextToken = page(p, rows, nil, summary)
	return &out, nil
}

// deleteCoreNetworkPolicyVersion removes a version that neither is LIVE nor is becoming so.
func deleteCoreNetworkPolicyVersion(tx *Txn, in *api.DeleteCoreNetworkPolicyVersionInput) (*api.DeleteCoreNetworkPolicyVersionOutput, error) {
	row, err := findOpenCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	version, err := findVersion(tx.View, row, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	switch in.PolicyVersionId {
	case row.LiveVersion:
		return nil, api.Conflict("core-network-policy", row.CoreNetworkId, "The LIVE policy version cannot be deleted.")
	case row.Executing:
		return nil, api.Conflict("core-network-policy", row.CoreNetworkId, "A policy version that is executing cannot be deleted.")
	}
	dropVersion(tx, row, in.PolicyVersionId)
	return &api.DeleteCoreNetworkPolicyVersionOutput{CoreNetworkPolicy: row.withAlias(version)}, nil
}

// dropVersion removes a stored version; the newest that is left becomes LATEST.
func dropVersion(tx *Txn, old *coreNetworkRow, id int32) {
	policyVersions.Delete(tx.w, versionKey(tx.View, old.OwnerAccountId, old.CoreNetworkId, id))
	dropChanges(tx, old, id)
	if id != old.LatestVersion {
		return
	}
	row := *old
	row.LatestVersion = 0
	for _, newest := range policyVersions.Scan(tx.r, accountKey(old.OwnerAccountId, "core-network-policy", old.CoreNetworkId)+"/", "") {
		row.LatestVersion = *newest.PolicyVersionId
		break
	}
	coreNetworks.Put(tx.w, accountKey(old.OwnerAccountId, "core-network", old.CoreNetworkId), &row)
}

// restoreCoreNetworkPolicyVersion makes a new version with the document of an older one. The versions that were ready
// are then out of date. AWS's console offers it for versions that are out of date; the API says nothing against others.
func restoreCoreNetworkPolicyVersion(tx *Txn, in *api.RestoreCoreNetworkPolicyVersionInput) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
	row, err := findOpenCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	old, err := findVersion(tx.View, row, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	if _, err := checkPolicy(old.PolicyDocument, placements(tx.View, row)); err != nil {
		return nil, api.BrokenRule("The policy version cannot be restored: " + firstPolicyError(err))
	}
	expire(tx, row, func(version *api.CoreNetworkPolicy) bool {
		return version.ChangeSetState == api.ChangeSetStateReadyToExecute
	})
	version, err := newVersion(tx, row, old.PolicyDocument, &old.Description)
	if err != nil {
		return nil, err
	}
	return &api.RestoreCoreNetworkPolicyVersionOutput{CoreNetworkPolicy: version}, nil
}

// firstPolicyError is a document error as a sentence, for operations that do not model CoreNetworkPolicyException.
func firstPolicyError(err error) string {
	if e, ok := err.(*api.CoreNetworkPolicyException); ok && len(e.Errors) > 0 {
		return e.Errors[0].Message
	}
	return err.Error()
}

// expire makes the waiting versions that match OUT_OF_DATE.
func expire(tx *Txn, row *coreNetworkRow, match func(*api.CoreNetworkPolicy) bool) {
	var found []*api.CoreNetworkPolicy
	for _, version := range policyVersions.ScanIndex(tx.r, accountKey(row.OwnerAccountId, "core-network-policy.current", row.CoreNetworkId)+"/", "") {
		if match(version) {
			found = append(found, version)
		}
	}
	for _, version := range found {
		next := *version
		next.ChangeSetState = api.ChangeSetStateOutOfDate
		saveVersion(tx, row, &next)
	}
}

// moveVersion ends the generation of a change set, and drops versions that have been out of date for long enough.
func (s *env) moveVersion(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := policyVersions.Get(lc.Txn, e.Key)
	if !ok || string(old.ChangeSetState) != e.From {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: accountOf(e.Key)})
	row, err := findCoreNetwork(tx.View, old.CoreNetworkId)
	if err != nil {
		return nil // the core network is gone, and the version with it
	}
	if old.ChangeSetState == api.ChangeSetStateOutOfDate {
		dropVersion(tx, row, *old.PolicyVersionId)
		return nil
	}
	next := *old
	_, errs := compilePolicy(old.PolicyDocument, row.Edges)
	if len(errs) == 0 {
		errs = checkReferences(tx.View, row, old.PolicyDocument)
	}
	switch {
	case len(errs) > 0:
		next.ChangeSetState = api.ChangeSetStateFailedGeneration
		next.PolicyErrors = policyErrors(errs)
	case *old.PolicyVersionId < row.LiveVersion:
		next.ChangeSetState = api.ChangeSetStateOutOfDate
	default:
		next.ChangeSetState = api.ChangeSetStateReadyToExecute
	}
	saveVersion(tx, row, &next)
	return nil
}

// dropVersions removes all versions of a core network that is gone, and what their executions left.
func dropVersions(tx *Txn, row *coreNetworkRow) {
	deleteAll(tx, policyVersions, tx.prefix("core-network-policy", row.CoreNetworkId))
	deleteAll(tx, executions, tx.prefix("core-network-execution", row.CoreNetworkId))
	deleteAll(tx, changes, tx.prefix("core-network-change", row.CoreNetworkId))
}
