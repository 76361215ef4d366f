package service

import (
	"context"
	"fmt"
	"math"
	"strings"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/policy"
)

// A policy version is immutable; only its change set state moves. Version keys sort the newest first, as they are
// listed.
func (v *view) versionKey(account, coreNetwork string, version int32) string {
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
func (tx *txn) addVersion(row *coreNetworkRow, document string, description *string, state api.ChangeSetState) *api.CoreNetworkPolicy {
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
	tx.saveVersion(row, &version)
	return &version
}

func (tx *txn) saveVersion(row *coreNetworkRow, version *api.CoreNetworkPolicy) {
	key := tx.versionKey(row.OwnerAccountId, row.CoreNetworkId, *version.PolicyVersionId)
	save(tx.lc, lifecycle.CoreNetworkPolicy, policyVersions, key, version, string(version.ChangeSetState))
	tx.versionEvent(row, version)
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

// PutCoreNetworkPolicy stores a new version and starts to generate its change set. Every error of the document is in
// the one CoreNetworkPolicyException.
func (s *Service) PutCoreNetworkPolicy(ctx context.Context, in *api.PutCoreNetworkPolicyInput) (*api.PutCoreNetworkPolicyOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.PutCoreNetworkPolicyOutput, error) {
		return once(tx, "PutCoreNetworkPolicy "+in.CoreNetworkId, in.ClientToken, in, func() (*api.PutCoreNetworkPolicyOutput, error) {
			row, err := tx.openCoreNetwork(in.CoreNetworkId)
			if err != nil {
				return nil, err
			}
			if in.LatestVersionId != nil && *in.LatestVersionId != row.LatestVersion {
				return nil, api.Conflict("core-network-policy", row.CoreNetworkId,
					fmt.Sprintf("The latest policy version is %d, not %d.", row.LatestVersion, *in.LatestVersionId))
			}
			if _, err := checkPolicy(in.PolicyDocument, tx.placements(row)); err != nil {
				return nil, err
			}
			version, err := tx.newVersion(row, in.PolicyDocument, in.Description)
			if err != nil {
				return nil, err
			}
			return &api.PutCoreNetworkPolicyOutput{CoreNetworkPolicy: version}, nil
		})
	})
}

// openCoreNetwork is a core network that takes policy changes: not one on its way out.
func (v *view) openCoreNetwork(id string) (*coreNetworkRow, error) {
	row, err := v.coreNetwork(id)
	if err != nil {
		return nil, err
	}
	if row.State == api.CoreNetworkStateDeleting {
		return nil, coreNetworkBusy(row)
	}
	return row, nil
}

// newVersion adds a version that waits for its change set.
func (tx *txn) newVersion(old *coreNetworkRow, document string, description *string) (*api.CoreNetworkPolicy, error) {
	if err := tx.fits(quotaPolicyVersions, "core-network-policy", old.CoreNetworkId, tx.key("core-network-policy.count", old.CoreNetworkId)); err != nil {
		return nil, err
	}
	row := *old
	version := tx.addVersion(&row, document, description, api.ChangeSetStatePendingGeneration)
	coreNetworks.Put(tx.w, tx.key("core-network", row.CoreNetworkId), &row)
	return row.withAlias(version), nil
}

// GetCoreNetworkPolicy shows a version by its id, by its alias, or the latest one.
func (s *Service) GetCoreNetworkPolicy(ctx context.Context, in *api.GetCoreNetworkPolicyInput) (*api.GetCoreNetworkPolicyOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetCoreNetworkPolicyOutput, error) {
		row, err := v.coreNetwork(in.CoreNetworkId)
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
		version, err := v.version(row, id)
		if err != nil {
			return nil, err
		}
		return &api.GetCoreNetworkPolicyOutput{CoreNetworkPolicy: row.withAlias(version)}, nil
	})
}

// version is a stored version of a core network's policy.
func (v *view) version(row *coreNetworkRow, id int32) (*api.CoreNetworkPolicy, error) {
	version, ok := policyVersions.Get(v.r, v.versionKey(row.OwnerAccountId, row.CoreNetworkId, id))
	if !ok || id < 1 {
		return nil, api.NotFound("core-network-policy", row.CoreNetworkId)
	}
	return version, nil
}

// ListCoreNetworkPolicyVersions lists the versions, the newest first, without documents.
func (s *Service) ListCoreNetworkPolicyVersions(ctx context.Context, in *api.ListCoreNetworkPolicyVersionsInput) (*api.ListCoreNetworkPolicyVersionsOutput, error) {
	return read(ctx, s, func(v *view) (*api.ListCoreNetworkPolicyVersionsOutput, error) {
		row, err := v.coreNetwork(in.CoreNetworkId)
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
	})
}

// DeleteCoreNetworkPolicyVersion removes a version that neither is LIVE nor is becoming so.
func (s *Service) DeleteCoreNetworkPolicyVersion(ctx context.Context, in *api.DeleteCoreNetworkPolicyVersionInput) (*api.DeleteCoreNetworkPolicyVersionOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteCoreNetworkPolicyVersionOutput, error) {
		row, err := tx.openCoreNetwork(in.CoreNetworkId)
		if err != nil {
			return nil, err
		}
		version, err := tx.version(row, in.PolicyVersionId)
		if err != nil {
			return nil, err
		}
		switch in.PolicyVersionId {
		case row.LiveVersion:
			return nil, api.Conflict("core-network-policy", row.CoreNetworkId, "The LIVE policy version cannot be deleted.")
		case row.Executing:
			return nil, api.Conflict("core-network-policy", row.CoreNetworkId, "A policy version that is executing cannot be deleted.")
		}
		tx.dropVersion(row, in.PolicyVersionId)
		return &api.DeleteCoreNetworkPolicyVersionOutput{CoreNetworkPolicy: row.withAlias(version)}, nil
	})
}

// dropVersion removes a stored version; the newest that is left becomes LATEST.
func (tx *txn) dropVersion(old *coreNetworkRow, id int32) {
	policyVersions.Delete(tx.w, tx.versionKey(old.OwnerAccountId, old.CoreNetworkId, id))
	tx.dropChanges(old, id)
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

// RestoreCoreNetworkPolicyVersion makes a new version with the document of an older one. The versions that were ready
// are then out of date. AWS's console offers it for versions that are out of date; the API says nothing against others.
func (s *Service) RestoreCoreNetworkPolicyVersion(ctx context.Context, in *api.RestoreCoreNetworkPolicyVersionInput) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
		row, err := tx.openCoreNetwork(in.CoreNetworkId)
		if err != nil {
			return nil, err
		}
		old, err := tx.version(row, in.PolicyVersionId)
		if err != nil {
			return nil, err
		}
		if _, err := checkPolicy(old.PolicyDocument, tx.placements(row)); err != nil {
			return nil, api.BrokenRule("The policy version cannot be restored: " + firstPolicyError(err))
		}
		tx.expire(row, func(version *api.CoreNetworkPolicy) bool {
			return version.ChangeSetState == api.ChangeSetStateReadyToExecute
		})
		version, err := tx.newVersion(row, old.PolicyDocument, &old.Description)
		if err != nil {
			return nil, err
		}
		return &api.RestoreCoreNetworkPolicyVersionOutput{CoreNetworkPolicy: version}, nil
	})
}

// firstPolicyError is a document error as a sentence, for operations that do not model CoreNetworkPolicyException.
func firstPolicyError(err error) string {
	if e, ok := err.(*api.CoreNetworkPolicyException); ok && len(e.Errors) > 0 {
		return e.Errors[0].Message
	}
	return err.Error()
}

// expire makes the waiting versions that match OUT_OF_DATE.
func (tx *txn) expire(row *coreNetworkRow, match func(*api.CoreNetworkPolicy) bool) {
	var found []*api.CoreNetworkPolicy
	for _, version := range policyVersions.ScanIndex(tx.r, accountKey(row.OwnerAccountId, "core-network-policy.current", row.CoreNetworkId)+"/", "") {
		if match(version) {
			found = append(found, version)
		}
	}
	for _, version := range found {
		next := *version
		next.ChangeSetState = api.ChangeSetStateOutOfDate
		tx.saveVersion(row, &next)
	}
}

// moveVersion ends the generation of a change set, and drops versions that have been out of date for long enough.
func (s *Service) moveVersion(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := policyVersions.Get(lc.Txn, e.Key)
	if !ok || string(old.ChangeSetState) != e.From {
		return nil
	}
	tx := s.txn(lc, api.Caller{Account: accountOf(e.Key)})
	row, err := tx.coreNetwork(old.CoreNetworkId)
	if err != nil {
		return nil // the core network is gone, and the version with it
	}
	if old.ChangeSetState == api.ChangeSetStateOutOfDate {
		tx.dropVersion(row, *old.PolicyVersionId)
		return nil
	}
	next := *old
	_, errs := compilePolicy(old.PolicyDocument, row.Edges)
	if len(errs) == 0 {
		errs = tx.checkReferences(row, old.PolicyDocument)
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
	tx.saveVersion(row, &next)
	return nil
}

// dropVersions removes all versions of a core network that is gone, and what their executions left.
func (tx *txn) dropVersions(row *coreNetworkRow) {
	deleteAll(tx, policyVersions, tx.prefix("core-network-policy", row.CoreNetworkId))
	deleteAll(tx, executions, tx.prefix("core-network-execution", row.CoreNetworkId))
	deleteAll(tx, changes, tx.prefix("core-network-change", row.CoreNetworkId))
}
