package service

import (
	"context"
	"iter"
	"slices"

	"portolan/api"
	"portolan/internal/state"
)

// A core network is shared by its resource policy, which is what a share of AWS RAM comes to. Whoever it is shared with
// sees the core network, makes attachments and peerings on it and keeps those: shows, lists, changes, tags and deletes
// them. What becomes of them on the core network, and the core network itself, stays with its owner. Attachments and
// peerings outlive the share they were made under.

// consumerActions are what a share can be about.
var consumerActions = []string{
	"GetCoreNetwork", "CreateVpcAttachment", "CreateDirectConnectGatewayAttachment", "CreateTransitGatewayPeering",
	"CreateTransitGatewayRouteTableAttachment",
}

// isGranted tells whether the resource policy of a core network lets the caller, of another account, do one of the
// operations.
func isGranted(v *state.View, row *state.CoreNetwork, operations ...string) bool {
	return v.Granted(row, operations...)
}

// findSharedNetwork is a core network that the caller may use for an operation: it is the caller's, or shared for that. One
// that is shared for other operations is refused as IAM refuses it, one that is not shared looks like a missing one.
func findSharedNetwork(v *state.View, id, operation string) (*state.CoreNetwork, error) {
	row, ok := state.CoreNetworks.ByID(v, id)
	switch {
	case !ok:
		return nil, api.NotFound("core-network", id)
	case row.OwnerAccountId == v.Caller.Account, slices.Contains(consumerActions, operation) && isGranted(v, row, operation):
		return row, nil
	case !isGranted(v, row, consumerActions...):
		return nil, api.NotFound("core-network", id)
	}
	return nil, denied(v, operation, row.CoreNetworkArn)
}

// notMine is the error for a core network that is not among the caller's.
func notMine(v *state.View, id string) error {
	row, ok := state.CoreNetworks.ByID(v, id)
	if !ok || !isGranted(v, row, consumerActions...) {
		return api.NotFound("core-network", id)
	}
	return denied(v, v.Caller.Operation, row.CoreNetworkArn)
}

// sharedNetworks walks the core networks that are shared with the caller.
func sharedNetworks(v *state.View, after string) iter.Seq2[string, *state.CoreNetwork] {
	return func(yield func(string, *state.CoreNetwork) bool) {
		for key, row := range state.CoreNetworks.Rows(v, state.CoreNetworks.Shared(), after) {
			if row.OwnerAccountId != v.Caller.Account && isGranted(v, row, consumerActions...) && !yield(key, row) {
				return
			}
		}
	}
}

func principal(v *state.View) string {
	if v.Caller.ARN != "" {
		return v.Caller.ARN
	}
	return "arn:" + v.Caller.Partition + ":iam::" + v.Caller.Account + ":root"
}

func denied(v *state.View, operation, resource string) error {
	action := "networkmanager:" + operation
	return &api.AccessDeniedException{Message: "User: " + principal(v) + " is not authorized to perform: " + action + " on resource: " + resource +
		" because no resource-based policy allows the " + action + " action"}
}

// notOwner is what AWS tells whoever changes on a shared core network what only its owner may. AWS's sentence is known for
// labels; for the rest it stands in.
func notOwner(what string) error {
	return api.BrokenRule("Cannot " + what + " without ownership of core network.")
}

// CoreNetwork is whose a core network is and its resource policy, "" for none; false when there is no such core network,
// or it is another account's and not shared with the caller, who must not learn that there is one.
func (s *Service) CoreNetwork(ctx context.Context, id string) (owner, resourcePolicy string, ok bool) {
	row, err := state.Read(ctx, s.db, func(v *state.View) (*state.CoreNetwork, error) {
		row, ok := state.CoreNetworks.ByID(v, id)
		if !ok || row.OwnerAccountId != v.Caller.Account && !isGranted(v, row, consumerActions...) {
			return nil, api.NotFound("core-network", id)
		}
		return row, nil
	})
	if err != nil {
		return "", "", false
	}
	return row.OwnerAccountId, row.ResourcePolicy, true
}
