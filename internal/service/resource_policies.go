package service

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/state"
)

// Only a core network has a resource policy. None of the three operations models ResourceNotFoundException, so an
// unknown core network is a wrong field.

// putResourcePolicy sets the resource policy of a core network as a whole.
func putResourcePolicy(ctx context.Context, e *env, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.PutResourcePolicyOutput, error) {
		return setResourcePolicy(tx, in, e.checkResourcePolicy)
	})
}

// setResourcePolicy checks the document as those who decide by it will read it; a nil check takes what has a Statement.
func setResourcePolicy(tx *state.Txn, in *api.PutResourcePolicyInput, check func(string) error) (*api.PutResourcePolicyOutput, error) {
	row, err := findPolicyResource(tx.View, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(in.PolicyDocument), &document, jsontext.AllowDuplicateNames(true)); err != nil {
		message := "The policy document is not a JSON object."
		if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			message = "The policy document is not valid JSON: " + syntax.Err.Error() + "."
		}
		return nil, &api.ValidationException{Message: message, Reason: api.ValidationExceptionReasonCannotParse}
	}
	if _, ok := document["Statement"]; !ok {
		return nil, api.InvalidField("policyDocument", "The policy document has no Statement.")
	}
	if check != nil {
		// A document that could not be read later would grant nothing, and nobody would know.
		if err := check(in.PolicyDocument); err != nil {
			return nil, api.InvalidField("policyDocument", "The policy document is not valid: "+err.Error()+".")
		}
	}
	next := *row
	next.ResourcePolicy = in.PolicyDocument
	state.CoreNetworks.Put(tx, state.CoreNetworks.Key(tx.Caller.Account, row.CoreNetworkId), &next)
	return &api.PutResourcePolicyOutput{}, nil
}

// getResourcePolicy shows the resource policy of a core network; without one the answer has no document.
func getResourcePolicy(v *state.View, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	row, err := findPolicyResource(v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.GetResourcePolicyOutput{PolicyDocument: row.ResourcePolicy}, nil
}

// deleteResourcePolicy removes the resource policy, and with it what it granted. Without one there is nothing to do.
func deleteResourcePolicy(tx *state.Txn, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	row, err := findPolicyResource(tx.View, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if row.ResourcePolicy != "" {
		next := *row
		next.ResourcePolicy = ""
		state.CoreNetworks.Put(tx, state.CoreNetworks.Key(tx.Caller.Account, row.CoreNetworkId), &next)
	}
	return &api.DeleteResourcePolicyOutput{}, nil
}

func findPolicyResource(v *state.View, resource string) (*state.CoreNetwork, error) {
	if fields := coreNetworkARN(resource); fields != nil {
		return nil, invalid(fields)
	}
	a, _ := state.ParseARN(resource)
	row, err := findCoreNetwork(v, a.ID())
	// Letter by letter, as permissions were decided by it.
	if err != nil || a.Account != v.Caller.Account || row.CoreNetworkArn != resource {
		return nil, api.InvalidField("resourceArn", "Core network not found.")
	}
	return row, nil
}

func coreNetworkARN(resource string) []api.FieldError {
	if a, ok := state.ParseARN(resource); !ok || !a.Is("networkmanager", "core-network", "core-network-") || a.Region != "" {
		return []api.FieldError{{Name: "resourceArn", Message: "ARN is not valid for a core network."}}
	}
	return nil
}
