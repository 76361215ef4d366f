package service

import (
	"context"
	"fmt"
	"iter"

	"portolan/api"
	"portolan/internal/lifecycle"
)

// peeringRow is the peering of a core network's edge with a transit gateway in its Region.
type peeringRow struct {
	api.Peering
	TransitGatewayPeeringAttachmentId string
	Problems                          []api.PeeringError // found by the end of CREATING
}

func (row *peeringRow) key() string {
	return accountKey(parseAccount(row.CoreNetworkArn), "peering", row.CoreNetworkId, row.PeeringId)
}

// arn is the ARN by which a peering is tagged. Like an attachment's it carries the account of the core network's owner.
func (row *peeringRow) arn() string {
	a, _ := parseARN(row.CoreNetworkArn)
	return "arn:" + a.partition + ":networkmanager::" + a.account + ":peering/" + row.PeeringId
}

func (row *peeringRow) transitGateway() *api.TransitGatewayPeering {
	return &api.TransitGatewayPeering{
		Peering: &row.Peering, TransitGatewayArn: row.ResourceArn, TransitGatewayPeeringAttachmentId: row.TransitGatewayPeeringAttachmentId,
	}
}

// findPeering is a peering the caller made, or one on a core network of the caller's.
func findPeering(v *View, id string) (*peeringRow, error) {
	row, ok := byID(v.r, peerings, id)
	if !ok || row.OwnerAccountId != v.caller.Account && parseAccount(row.CoreNetworkArn) != v.caller.Account {
		return nil, api.NotFound("peering", id)
	}
	return row, nil
}

// peeringActions are what a peering does to the transit gateway in its creator's name.
var peeringActions = []string{"ec2:CreateTransitGatewayPolicyTable", "ec2:AssociateTransitGatewayPolicyTable", "ec2:AcceptTransitGatewayPeeringAttachment"}

// missingPermissions is the first of these that the caller has no permission for.
func missingPermissions(ctx context.Context, gateway string) []api.PeeringError {
	may := api.CallerFrom(ctx).May
	for _, action := range peeringActions {
		if may != nil && !may(action, gateway) {
			return []api.PeeringError{{
				Code: api.PeeringErrorCodeMissingPermissions, Message: "The permission " + action + " is missing.", ResourceArn: gateway,
				MissingPermissionsContext: &api.PermissionsErrorContext{MissingPermission: action},
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
	return update(ctx, e, func(tx *Txn) (*api.CreateTransitGatewayPeeringOutput, error) {
		return once(tx, "CreateTransitGatewayPeering", in.ClientToken, in, func() (*api.CreateTransitGatewayPeeringOutput, error) {
			network, _, err := attachable(tx, in.CoreNetworkId, "CreateTransitGatewayPeering", nil, in.Tags)
			if err != nil {
				return nil, err
			}
			if err := edgeOf(network, gateway.region); err != nil {
				return nil, err
			}
			if edge, _ := network.edge(gateway.region); asn != 0 && int64(asn) == val(edge.Asn) {
				// BGP between the two could not tell them apart. No code of a peering's errors says so.
				return nil, api.BrokenRule(fmt.Sprintf("Transit gateway ASN %d is that of the core network edge %s.", asn, gateway.region))
			}
			counterKey := accountKey(network.OwnerAccountId, "peering.count", network.CoreNetworkId)
			if err := tx.fits(quotaPeerings, "peering", network.CoreNetworkId, counterKey); err != nil {
				return nil, err
			}
			row := peeringRow{
				Peering: api.Peering{
					CoreNetworkId:  network.CoreNetworkId,
					CoreNetworkArn: network.CoreNetworkArn,
					PeeringId:      tx.ids.next("peering"),
					OwnerAccountId: tx.caller.Account,
					PeeringType:    api.PeeringTypeTransitGateway,
					State:          api.PeeringStateCreating,
					EdgeLocation:   gateway.region,
					ResourceArn:    in.TransitGatewayArn,
					Tags:           someTags(in.Tags),
					CreatedAt:      api.Time{Time: tx.now},
				},
				TransitGatewayPeeringAttachmentId: tx.ids.next("tgw-attach"),
				Problems:                          problems,
			}
			savePeering(tx, &row)
			peeringEvent(tx, &row, "CREATED", "created for a Core Network.")
			return &api.CreateTransitGatewayPeeringOutput{TransitGatewayPeering: row.transitGateway()}, nil
		})
	})
}

func savePeering(tx *Txn, row *peeringRow) {
	save(tx.lc, lifecycle.Peering, peerings, row.key(), row, string(row.State))
}

// getTransitGatewayPeering shows a peering.
func getTransitGatewayPeering(v *View, in *api.GetTransitGatewayPeeringInput) (*api.GetTransitGatewayPeeringOutput, error) {
	row, err := findPeering(v, in.PeeringId)
	if err != nil {
		return nil, err
	}
	return &api.GetTransitGatewayPeeringOutput{TransitGatewayPeering: row.transitGateway()}, nil
}

// listPeerings lists the peerings on the caller's core networks and those the caller made elsewhere, of one core network
// or all, by type, edge and state.
func listPeerings(v *View, in *api.ListPeeringsInput) (*api.ListPeeringsOutput, error) {
	p, err := v.newPager(in.MaxResults, in.NextToken, "ListPeerings", val(in.CoreNetworkId), string(val(in.PeeringType)),
		val(in.EdgeLocation), string(val(in.State)))
	if err != nil {
		return nil, err
	}
	below := belowNetwork(in.CoreNetworkId)
	rows := chain(
		peerings.ScanIndex(v.r, v.prefix("peering.guest", below...), p.after),
		peerings.Scan(v.r, v.prefix("peering", below...), p.after),
	)
	keep := func(row *peeringRow) bool {
		return wanted(in.PeeringType, row.PeeringType) && wanted(in.EdgeLocation, row.EdgeLocation) && wanted(in.State, row.State)
	}
	var out api.ListPeeringsOutput
	out.Peerings, out.NextToken = page(p, rows, keep, func(row *peeringRow) api.Peering { return row.Peering })
	return &out, nil
}

// belowNetwork is the path of a list's rows: those of one core network, or all.
func belowNetwork(coreNetwork *string) []string {
	if coreNetwork == nil {
		return nil
	}
	return []string{*coreNetwork}
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
func deletePeering(tx *Txn, in *api.DeletePeeringInput) (*api.DeletePeeringOutput, error) {
	old, err := findPeering(tx.View, in.PeeringId)
	if err != nil {
		return nil, err
	}
	if old.State != api.PeeringStateAvailable && old.State != api.PeeringStateFailed {
		return nil, api.Conflict("peering", old.PeeringId, "Peering state is invalid: "+string(old.State)+".")
	}
	below := accountKey(parseAccount(old.CoreNetworkArn), "attachment.peering", old.PeeringId) + "/"
	if attachments.Any(tx.r, below) {
		return nil, api.Conflict("peering", old.PeeringId, "Peering cannot be deleted due to existing transit gateway route table attachments.")
	}
	row := *old
	row.State = api.PeeringStateDeleting
	savePeering(tx, &row)
	return &api.DeletePeeringOutput{Peering: &row.Peering}, nil
}

// movePeering takes the next step of a peering.
func (s *env) movePeering(lc *lifecycle.Txn, e lifecycle.Entry) error {
	old, ok := peerings.Get(lc.Txn, e.Key)
	if !ok || string(old.State) != e.From {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.Peering, e.From)
	tx := s.txn(lc, api.Caller{Account: accountOf(e.Key)})
	if step.Next == lifecycle.Gone {
		peerings.Delete(lc.Txn, e.Key)
		peeringEvent(tx, old, "DELETED", "deleted from a Core Network.")
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
func peeringProblems(tx *Txn, row *peeringRow) []api.PeeringError {
	problems := row.Problems
	below := accountKey(parseAccount(row.CoreNetworkArn), "peering.gateway", row.CoreNetworkId, row.ResourceArn) + "/"
	for _, other := range peerings.ScanIndex(tx.r, below, "") {
		if other.PeeringId < row.PeeringId && other.State != api.PeeringStateFailed {
			problems = append(problems[:len(problems):len(problems)], api.PeeringError{
				Code:        api.PeeringErrorCodeEdgeLocationPeerDuplicate,
				Message:     "The transit gateway is peered with the edge location by " + other.PeeringId + ".",
				ResourceArn: row.ResourceArn,
			})
			break
		}
	}
	return problems
}
