package service

import (
	"context"
	"fmt"
	"iter"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/state"
)

// findPeering is a peering the caller made, or one on a core network of the caller's.
func findPeering(v *state.View, id string) (*state.Peering, error) {
	row, ok := state.Peerings.ByID(v, id)
	if !ok || row.OwnerAccountId != v.Caller.Account && state.AccountOf(row.CoreNetworkArn) != v.Caller.Account {
		return nil, api.NotFound("peering", id)
	}
	return row, nil
}

// peeringActions are what a peering does to the transit gateway in its creator's name.
var peeringActions = []string{"ec2:CreateTransitGatewayPolicyTable", "ec2:AssociateTransitGatewayPolicyTable", "ec2:AcceptTransitGatewayPeeringAttachment"}

// missingPermissions is the first of these that the caller has no permission for.
func missingPermissions(ctx context.Context, gateway string) []state.PeeringError {
	may := api.CallerFrom(ctx).May
	for _, action := range peeringActions {
		if may != nil && !may(action, gateway) {
			return []state.PeeringError{{
				Code: api.PeeringErrorCodeMissingPermissions, Message: "The permission " + action + " is missing.", ResourceArn: gateway,
				MissingPermissionsContext: &state.PermissionsErrorContext{MissingPermission: action},
			}}
		}
	}
	return nil
}

// createTransitGatewayPeering peers a transit gateway with the edge of its Region. What is wrong with the gateway AWS
// finds out while it builds the peering, a second peering of the two as well.
func createTransitGatewayPeering(ctx context.Context, e *env, in *api.CreateTransitGatewayPeeringInput) (*api.CreateTransitGatewayPeeringOutput, error) {
	gateway, asn, problems, err := e.refs.transitGateway(ctx, in.TransitGatewayArn)
	if err != nil {
		return nil, err
	}
	if len(problems) == 0 {
		problems = missingPermissions(ctx, in.TransitGatewayArn)
	}
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.CreateTransitGatewayPeeringOutput, error) {
		return state.Once(tx, "CreateTransitGatewayPeering", in.ClientToken, in, func() (*api.CreateTransitGatewayPeeringOutput, error) {
			network, _, err := attachable(tx, in.CoreNetworkId, "CreateTransitGatewayPeering", nil, natRequest{}, in.Tags)
			if err != nil {
				return nil, err
			}
			if err := edgeOf(network, gateway.Region); err != nil {
				return nil, err
			}
			if edge, _ := network.Edge(gateway.Region); asn != 0 && int64(asn) == val(edge.Asn) {
				// BGP between the two could not tell them apart. No code of a peering's errors says so.
				return nil, api.BrokenRule(fmt.Sprintf("Transit gateway ASN %d is that of the core network edge %s.", asn, gateway.Region))
			}
			counterKey := state.Peerings.Count(tx.View, network.OwnerAccountId, network.CoreNetworkId)
			if err := tx.Fits(state.QuotaPeerings, "peering", network.CoreNetworkId, counterKey); err != nil {
				return nil, err
			}
			row := state.Peering{
				CoreNetworkId:                     network.CoreNetworkId,
				CoreNetworkArn:                    network.CoreNetworkArn,
				PeeringId:                         tx.NewID("peering"),
				OwnerAccountId:                    tx.Caller.Account,
				PeeringType:                       api.PeeringTypeTransitGateway,
				State:                             api.PeeringStateCreating,
				EdgeLocation:                      gateway.Region,
				ResourceArn:                       in.TransitGatewayArn,
				Tags:                              someTags(in.Tags),
				CreatedAt:                         tx.Time(),
				TransitGatewayPeeringAttachmentId: tx.NewID("tgw-attach"),
				Problems:                          problems,
			}
			savePeering(tx, &row)
			tx.PeeringEvent(&row, "CREATED", "created for a Core Network.")
			return &api.CreateTransitGatewayPeeringOutput{TransitGatewayPeering: row.TransitGateway()}, nil
		})
	})
}

func savePeering(tx *state.Txn, row *state.Peering) {
	state.Peerings.Save(tx, row.Key(), row)
}

// getTransitGatewayPeering shows a peering.
func getTransitGatewayPeering(v *state.View, in *api.GetTransitGatewayPeeringInput) (*api.GetTransitGatewayPeeringOutput, error) {
	row, err := findPeering(v, in.PeeringId)
	if err != nil {
		return nil, err
	}
	return &api.GetTransitGatewayPeeringOutput{TransitGatewayPeering: row.TransitGateway()}, nil
}

// listPeerings lists the peerings on the caller's core networks and those the caller made elsewhere, of one core network
// or all, by type, edge and state.
func listPeerings(v *state.View, in *api.ListPeeringsInput) (*api.ListPeeringsOutput, error) {
	p, err := v.Pager(in.MaxResults, in.NextToken, "ListPeerings", val(in.CoreNetworkId), string(val(in.PeeringType)),
		val(in.EdgeLocation), string(val(in.State)))
	if err != nil {
		return nil, err
	}
	keep := func(row *state.Peering) bool {
		return wanted(in.PeeringType, row.PeeringType) && wanted(in.EdgeLocation, row.EdgeLocation) && wanted(in.State, row.State)
	}
	var out api.ListPeeringsOutput
	out.Peerings, out.NextToken = state.List(v, p, keep, (*state.Peering).API,
		state.Peerings.Walk(v, state.Peerings.Guests(v.Caller.Account, in.CoreNetworkId), p.After),
		state.Peerings.Walk(v, state.Peerings.Within(v.Caller.Account, in.CoreNetworkId), p.After))
	return &out, nil
}

// chain is one walk after the other. Their keys must sort that way round, or a page token would lose rows.
func chain[T any](walks ...iter.Seq2[string, *T]) iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for _, walk := range walks {
			for key, row := range walk {
				if !yield(key, row) {
					return
				}
			}
		}
	}
}

// deletePeering ends a peering that no route table is attached over.
func deletePeering(tx *state.Txn, in *api.DeletePeeringInput) (*api.DeletePeeringOutput, error) {
	old, err := findPeering(tx.View, in.PeeringId)
	if err != nil {
		return nil, err
	}
	if old.State != api.PeeringStateAvailable && old.State != api.PeeringStateFailed {
		return nil, api.Conflict("peering", old.PeeringId, "Peering state is invalid: "+string(old.State)+".")
	}
	below := state.Attachments.OverPeering(state.AccountOf(old.CoreNetworkArn), old.PeeringId)
	if state.Attachments.Any(tx.View, below) {
		return nil, api.BrokenRule("Peering cannot be deleted due to existing transit gateway route table attachments.")
	}
	row := *old
	row.State = api.PeeringStateDeleting
	savePeering(tx, &row)
	return &api.DeletePeeringOutput{Peering: new(row.API())}, nil
}

// movePeering takes the next step of a peering.
func movePeering(tx *state.Txn, key state.Key[*state.Peering], from string) error {
	old, ok := state.Peerings.Get(tx.View, key)
	if !ok || string(old.State) != from {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.Peering, from)
	if step.Next == lifecycle.Gone {
		state.Peerings.Delete(tx, key)
		tx.PeeringEvent(old, "DELETED", "deleted from a Core Network.")
		return nil
	}
	row := *old
	row.State = api.PeeringState(step.Next)
	if row.LastModificationErrors = peeringProblems(tx, old); len(row.LastModificationErrors) > 0 {
		row.State = api.PeeringStateFailed
	}
	row.Problems = nil
	savePeering(tx, &row)
	return nil
}

// peeringProblems is what keeps a peering from being built. Of two of one gateway at one edge the first is kept.
func peeringProblems(tx *state.Txn, row *state.Peering) []state.PeeringError {
	problems := row.Problems
	below := state.Peerings.WithGateway(state.AccountOf(row.CoreNetworkArn), row.CoreNetworkId, row.ResourceArn)
	for _, other := range state.Peerings.Rows(tx.View, below, "") {
		if other.PeeringId < row.PeeringId && other.State != api.PeeringStateFailed {
			problems = append(problems[:len(problems):len(problems)], state.PeeringError{
				Code:        api.PeeringErrorCodeEdgeLocationPeerDuplicate,
				Message:     "The transit gateway is peered with the edge location by " + other.PeeringId + ".",
				ResourceArn: row.ResourceArn,
			})
			break
		}
	}
	return problems
}
