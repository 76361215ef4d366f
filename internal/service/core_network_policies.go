package service

import (
	"context"
	"fmt"
	"strings"

	"portolan/api"
	"portolan/internal/state"
	"portolan/policy"
)

// checked is a policy document that was read and checked by itself, before the transaction.
type checked struct {
	*state.Document
	errs policy.Errors
}

// readPolicy reads and checks a document.
func readPolicy(db *state.DB, text string) *checked {
	d := &checked{Document: db.ReadPolicy(text)}
	if d.errs = d.Errors; len(d.errs) == 0 {
		d.errs = policy.Check(d.Parsed)
	}
	return d
}

// check refuses a document as far as AWS does before it answers: the document itself, and that neither an attachment nor a
// peering would lose its edge. A text that is no JSON is no policy, and not an incorrect one.
func (d *checked) check(placed []policy.Placement) error {
	errs := d.errs
	if len(errs) > 0 && errs[0].Code == policy.CodeSyntax {
		return &api.ValidationException{
			Message: fmt.Sprintf("The policy document cannot be read at line %d, column %d: %s.", errs[0].Line, errs[0].Column, strings.TrimPrefix(errs[0].Message, "$: ")),
			Reason:  api.ValidationExceptionReasonCannotParse,
		}
	}
	if len(errs) == 0 {
		errs = policy.CheckOrphans(d.Parsed, placed)
	}
	if len(errs) > 0 {
		shown := make([]api.CoreNetworkPolicyError, len(errs))
		for i, e := range errs {
			shown[i] = api.CoreNetworkPolicyError{ErrorCode: e.Code, Message: e.Message, Path: e.Path}
		}
		return &api.CoreNetworkPolicyException{Message: "Incorrect policy.", Errors: shown}
	}
	return nil
}

// addVersion stores a document as the newest version of a core network, whose row the caller saves.
func addVersion(tx *state.Txn, row *state.CoreNetwork, document *state.Document, description *string, in api.ChangeSetState) *state.PolicyVersion {
	version := state.PolicyVersion{
		CoreNetworkId:   row.CoreNetworkId,
		PolicyVersionId: new(row.NextVersion),
		Description:     val(description),
		CreatedAt:       tx.Time(),
		ChangeSetState:  in,
	}
	row.LatestVersion = row.NextVersion
	row.NextVersion++
	tx.PutVersion(row, &version, document)
	tx.VersionEvent(row, &version)
	return &version
}

func saveVersion(tx *state.Txn, row *state.CoreNetwork, version *state.PolicyVersion) {
	state.PolicyVersions.Save(tx, state.PolicyVersions.Key(row.OwnerAccountId, row.CoreNetworkId, *version.PolicyVersionId), version)
	tx.VersionEvent(row, version)
}

// showVersion is the version as it is shown without its document: the alias is the core network's to say. One that is both
// shows LIVE.
func showVersion(row *state.CoreNetwork, version *state.PolicyVersion) *api.CoreNetworkPolicy {
	shown := version.API()
	switch *version.PolicyVersionId {
	case row.LiveVersion:
		shown.Alias = api.CoreNetworkPolicyAliasLive
	case row.LatestVersion:
		shown.Alias = api.CoreNetworkPolicyAliasLatest
	}
	return &shown
}

// showDocument is the version as it is shown, with its document.
func showDocument(v *state.View, row *state.CoreNetwork, version *state.PolicyVersion) *api.CoreNetworkPolicy {
	shown := showVersion(row, version)
	shown.PolicyDocument, _ = v.Document(row, *version.PolicyVersionId)
	return shown
}

// putCoreNetworkPolicy stores a new version and starts to generate its change set. Every error of the document is in
// the one CoreNetworkPolicyException.
func putCoreNetworkPolicy(ctx context.Context, e *env, in *api.PutCoreNetworkPolicyInput) (*api.PutCoreNetworkPolicyOutput, error) {
	document := readPolicy(e.db, in.PolicyDocument)
	request, err := state.NewTokenRequest(in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	seen, err := state.PlacedBefore(ctx, e.db, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	out, err := state.Update(ctx, e.db, func(tx *state.Txn) (*api.PutCoreNetworkPolicyOutput, error) {
		return putVersion(tx, in, request, document, seen)
	})
	if err != nil {
		return nil, err
	}
	out.CoreNetworkPolicy.PolicyDocument = in.PolicyDocument // which is not remembered with the token: it came with it
	return out, nil
}

func putVersion(tx *state.Txn, in *api.PutCoreNetworkPolicyInput, request state.TokenRequest, document *checked, seen *state.Placed) (*api.PutCoreNetworkPolicyOutput, error) {
	return state.OnceOf(tx, "PutCoreNetworkPolicy "+in.CoreNetworkId, request, func() (*api.PutCoreNetworkPolicyOutput, error) {
		row, err := findOpenCoreNetwork(tx.View, in.CoreNetworkId)
		if err != nil {
			return nil, err
		}
		if in.LatestVersionId != nil && *in.LatestVersionId != row.LatestVersion {
			return nil, api.Conflict("core-network-policy", row.CoreNetworkId,
				fmt.Sprintf("The latest policy version is %d, not %d.", row.LatestVersion, *in.LatestVersionId))
		}
		if err := document.check(state.Placements(tx.View, row, seen)); err != nil {
			return nil, err
		}
		version, err := newVersion(tx, row, document.Document, in.Description)
		if err != nil {
			return nil, err
		}
		return &api.PutCoreNetworkPolicyOutput{CoreNetworkPolicy: version}, nil
	})
}

// findOpenCoreNetwork is a core network that takes policy changes: not one on its way out.
func findOpenCoreNetwork(v *state.View, id string) (*state.CoreNetwork, error) {
	row, err := findCoreNetwork(v, id)
	if err != nil {
		return nil, err
	}
	if row.State == api.CoreNetworkStateDeleting {
		return nil, coreNetworkBusy(row)
	}
	return row, nil
}

// newVersion adds a version that waits for its change set, and shows it without its document.
func newVersion(tx *state.Txn, old *state.CoreNetwork, document *state.Document, description *string) (*api.CoreNetworkPolicy, error) {
	if err := tx.Fits(state.QuotaPolicyVersions, "core-network-policy", old.CoreNetworkId, state.PolicyVersions.Count(tx.View, tx.Caller.Account, old.CoreNetworkId)); err != nil {
		return nil, err
	}
	row := *old
	version := addVersion(tx, &row, document, description, api.ChangeSetStatePendingGeneration)
	state.CoreNetworks.Put(tx, state.CoreNetworks.Key(tx.Caller.Account, row.CoreNetworkId), &row)
	return showVersion(&row, version), nil
}

// getCoreNetworkPolicy shows a version by its id, by its alias, or the latest one.
func getCoreNetworkPolicy(v *state.View, in *api.GetCoreNetworkPolicyInput) (*api.GetCoreNetworkPolicyOutput, error) {
	row, err := findCoreNetwork(v, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	id := row.LatestVersion
	switch {
	case in.PolicyVersionId != nil:
		id = *in.PolicyVersionId
	case val(in.Alias) == api.CoreNetworkPolicyAliasLive:
		if id = row.LiveVersion; id == 0 {
			return nil, api.InvalidField("alias", "Core network has no LIVE policy.")
		}
	}
	version, err := findVersion(v, row, id)
	if err != nil {
		return nil, err
	}
	return &api.GetCoreNetworkPolicyOutput{CoreNetworkPolicy: showDocument(v, row, version)}, nil
}

// findVersion is a stored version of a core network's policy.
func findVersion(v *state.View, row *state.CoreNetwork, id int32) (*state.PolicyVersion, error) {
	version, ok := state.PolicyVersions.Get(v, state.PolicyVersions.Key(row.OwnerAccountId, row.CoreNetworkId, id))
	if !ok || id < 1 {
		return nil, api.NotFound("core-network-policy", row.CoreNetworkId)
	}
	return version, nil
}

// listCoreNetworkPolicyVersions lists the versions, the newest first, without documents.
func listCoreNetworkPolicyVersions(v *state.View, in *api.ListCoreNetworkPolicyVersionsInput) (*api.ListCoreNetworkPolicyVersionsOutput, error) {
	row, err := findCoreNetwork(v, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListCoreNetworkPolicyVersions", in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	summary := func(version *state.PolicyVersion) api.CoreNetworkPolicyVersion {
		shown := showVersion(row, version)
		return api.CoreNetworkPolicyVersion{
			CoreNetworkId:   shown.CoreNetworkId,
			PolicyVersionId: shown.PolicyVersionId,
			Alias:           shown.Alias,
			Description:     shown.Description,
			CreatedAt:       shown.CreatedAt,
			ChangeSetState:  shown.ChangeSetState,
		}
	}
	rows := state.PolicyVersions.Rows(v, state.PolicyVersions.In(row.OwnerAccountId, row.CoreNetworkId), p.After)
	var out api.ListCoreNetworkPolicyVersionsOutput
	out.CoreNetworkPolicyVersions, out.NextToken = state.Page(p, rows, nil, summary)
	return &out, nil
}

// deleteCoreNetworkPolicyVersion removes a version that neither is LIVE nor is becoming so.
func deleteCoreNetworkPolicyVersion(tx *state.Txn, in *api.DeleteCoreNetworkPolicyVersionInput) (*api.DeleteCoreNetworkPolicyVersionOutput, error) {
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
		return nil, api.BrokenRule("The LIVE policy version cannot be deleted.")
	case row.Executing:
		return nil, api.BrokenRule("A policy version that is executing cannot be deleted.")
	}
	shown := showDocument(tx.View, row, version)
	dropVersion(tx, row, in.PolicyVersionId)
	return &api.DeleteCoreNetworkPolicyVersionOutput{CoreNetworkPolicy: shown}, nil
}

// dropVersion removes a stored version; the newest that is left becomes LATEST.
func dropVersion(tx *state.Txn, old *state.CoreNetwork, id int32) {
	state.PolicyVersions.Delete(tx, old.OwnerAccountId, old.CoreNetworkId, id)
	state.DropChanges(tx, old, id)
	if id != old.LatestVersion {
		return
	}
	row := *old
	row.LatestVersion = 0
	for _, newest := range state.PolicyVersions.Rows(tx.View, state.PolicyVersions.In(old.OwnerAccountId, old.CoreNetworkId), "") {
		row.LatestVersion = *newest.PolicyVersionId
		break
	}
	state.CoreNetworks.Put(tx, state.CoreNetworks.Key(old.OwnerAccountId, old.CoreNetworkId), &row)
}

// restoreCoreNetworkPolicyVersion makes a new version with the document of an older one. The versions that were ready
// are then out of date. AWS's console offers it for versions that are out of date; the API says nothing against others.
func restoreCoreNetworkPolicyVersion(ctx context.Context, e *env, in *api.RestoreCoreNetworkPolicyVersionInput) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
	text, err := state.Read(ctx, e.db, func(v *state.View) (string, error) {
		row, err := findOpenCoreNetwork(v, in.CoreNetworkId)
		if err != nil {
			return "", err
		}
		if _, err := findVersion(v, row, in.PolicyVersionId); err != nil {
			return "", err
		}
		text, _ := v.Document(row, in.PolicyVersionId) // which never changes
		return text, nil
	})
	if err != nil {
		return nil, err
	}
	document := readPolicy(e.db, text)
	seen, err := state.PlacedBefore(ctx, e.db, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
		return restoreVersion(tx, in, document, seen)
	})
}

func restoreVersion(tx *state.Txn, in *api.RestoreCoreNetworkPolicyVersionInput, document *checked, seen *state.Placed) (*api.RestoreCoreNetworkPolicyVersionOutput, error) {
	row, err := findOpenCoreNetwork(tx.View, in.CoreNetworkId)
	if err != nil {
		return nil, err
	}
	old, err := findVersion(tx.View, row, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	if err := document.check(state.Placements(tx.View, row, seen)); err != nil {
		return nil, api.BrokenRule("The policy version cannot be restored: " + firstPolicyError(err))
	}
	expire(tx, row, func(version *state.PolicyVersion) bool {
		return version.ChangeSetState == api.ChangeSetStateReadyToExecute
	})
	version, err := newVersion(tx, row, document.Document, &old.Description)
	if err != nil {
		return nil, err
	}
	version.PolicyDocument = document.Text
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
func expire(tx *state.Txn, row *state.CoreNetwork, match func(*state.PolicyVersion) bool) {
	var found []*state.PolicyVersion
	for _, version := range state.PolicyVersions.Rows(tx.View, state.PolicyVersions.Current(row.OwnerAccountId, row.CoreNetworkId), "") {
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
func moveVersion(tx *state.Txn, key state.Key[*state.PolicyVersion], from string) error {
	old, ok := state.PolicyVersions.Get(tx.View, key)
	if !ok || string(old.ChangeSetState) != from {
		return nil
	}
	row, err := findCoreNetwork(tx.View, old.CoreNetworkId)
	if err != nil {
		return nil // the core network is gone, and the version with it
	}
	if old.ChangeSetState == api.ChangeSetStateOutOfDate {
		dropVersion(tx, row, *old.PolicyVersionId)
		return nil
	}
	next := *old
	document := tx.ReadVersion(row, old)
	_, errs := tx.Compile(document, row.Edges)
	if len(errs) == 0 {
		errs = checkReferences(tx.View, row, document)
	}
	switch {
	case len(errs) > 0:
		next.ChangeSetState = api.ChangeSetStateFailedGeneration
		next.PolicyErrors = state.PolicyErrors(errs)
	case *old.PolicyVersionId < row.LiveVersion:
		next.ChangeSetState = api.ChangeSetStateOutOfDate
	default:
		next.ChangeSetState = api.ChangeSetStateReadyToExecute
	}
	saveVersion(tx, row, &next)
	return nil
}
