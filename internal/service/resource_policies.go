package service

import (
	"context"
	"encoding/json"

	"portolan/api"
)

// Only a core network has a resource policy. None of the three operations models ResourceNotFoundException, so an
// unknown core network is a wrong field.

// PutResourcePolicy sets the resource policy of a core network as a whole.
func (s *Service) PutResourcePolicy(ctx context.Context, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.PutResourcePolicyOutput, error) {
		row, err := tx.policyResource(in.ResourceArn)
		if err != nil {
			return nil, err
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(in.PolicyDocument), &document); err != nil {
			message := "The policy document is not a JSON object."
			if syntax, ok := err.(*json.SyntaxError); ok {
				message = "The policy document is not valid JSON: " + syntax.Error() + "."
			}
			return nil, &api.ValidationException{Message: message, Reason: api.ValidationExceptionReasonCannotParse}
		}
		if _, ok := document["Statement"]; !ok {
			return nil, api.InvalidField("policyDocument", "The policy document has no Statement.")
		}
		if s.checkResourcePolicy != nil {
			// A document that could not be read later would grant nothing, and nobody would know.
			if err := s.checkResourcePolicy([]byte(in.PolicyDocument)); err != nil {
				return nil, api.InvalidField("policyDocument", "The policy document is not valid: "+err.Error()+".")
			}
		}
		next := *row
		next.ResourcePolicy = in.PolicyDocument
		coreNetworks.Put(tx.w, tx.key("core-network", row.CoreNetworkId), &next)
		return &api.PutResourcePolicyOutput{}, nil
	})
}

// GetResourcePolicy shows the resource policy of a core network; without one the answer has no document.
func (s *Service) GetResourcePolicy(ctx context.Context, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetResourcePolicyOutput, error) {
		row, err := v.policyResource(in.ResourceArn)
		if err != nil {
			return nil, err
		}
		return &api.GetResourcePolicyOutput{PolicyDocument: row.ResourcePolicy}, nil
	})
}

// DeleteResourcePolicy removes the resource policy, and with it what it granted. Without one there is nothing to do.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteResourcePolicyOutput, error) {
		row, err := tx.policyResource(in.ResourceArn)
		if err != nil {
			return nil, err
		}
		if row.ResourcePolicy != "" {
			next := *row
			next.ResourcePolicy = ""
			coreNetworks.Put(tx.w, tx.key("core-network", row.CoreNetworkId), &next)
		}
		return &api.DeleteResourcePolicyOutput{}, nil
	})
}

func (v *view) policyResource(resource string) (*coreNetworkRow, error) {
	if fields := coreNetworkARN(resource); fields != nil {
		return nil, invalid(fields)
	}
	a, _ := parseARN(resource)
	row, err := v.coreNetwork(a.id())
	// Letter by letter, as permissions were decided by it.
	if err != nil || a.account != v.caller.Account || row.CoreNetworkArn != resource {
		return nil, api.InvalidField("resourceArn", "Core network not found.")
	}
	return row, nil
}

func coreNetworkARN(resource string) []api.FieldError {
	if a, ok := parseARN(resource); !ok || !a.is("networkmanager", "core-network", "core-network-") || a.region != "" {
		return []api.FieldError{{Name: "resourceArn", Message: "ARN is not valid for a core network."}}
	}
	return nil
}
