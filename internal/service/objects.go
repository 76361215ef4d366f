package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/state"
)

// registerTransitions says how each kind moves.
func registerTransitions(db *state.DB) {
	state.Handle(db, lifecycle.GlobalNetwork, &state.GlobalNetworks.Table, moveGlobalNetwork)
	moves(db, &state.Sites.Table, func(r *state.Site) *api.SiteState { return &r.State })
	moves(db, &state.Devices.Table, func(r *state.Device) *api.DeviceState { return &r.State })
	moves(db, &state.Links.Table, func(r *state.Link) *api.LinkState { return &r.State })
	moves(db, &state.Connections.Table, func(r *state.Connection) *api.ConnectionState { return &r.State })
	moves(db, &state.LinkAssociations.Table, func(r *state.LinkAssociation) *api.LinkAssociationState { return &r.LinkAssociationState })
	moves(db, &state.CustomerGatewayAssociations.Table, cgwAssociations.state)
	moves(db, &state.TransitGatewayConnectPeerAssociations.Table, tgwPeerAssociations.state)
	moves(db, &state.ConnectPeerAssociations.Table, peerAssociations.state)
	state.Handle(db, lifecycle.TGWRegistration, &state.TransitGatewayRegistrations.Table, moveRegistration)
	known := &executions{of: map[state.NetworkID]*preparation{}}
	for _, kind := range []lifecycle.Kind{lifecycle.CoreNetwork, lifecycle.Execution} { // a call may take the step of both
		state.Prepare(db, kind, &state.CoreNetworks.Table, known.prepare)
	}
	state.Handle(db, lifecycle.CoreNetwork, &state.CoreNetworks.Table, func(tx *state.Txn, key state.Key[*state.CoreNetwork], from string) error {
		return moveCoreNetwork(tx, key, from, known)
	})
	state.Handle(db, lifecycle.Execution, &state.CoreNetworks.Table, startExecution)
	state.Prepare(db, lifecycle.CoreNetworkPolicy, &state.PolicyVersions.Table, state.CompilePending)
	state.Handle(db, lifecycle.CoreNetworkPolicy, &state.PolicyVersions.Table, moveVersion)
	state.Handle(db, lifecycle.Attachment, &state.Attachments.Table, moveAttachment)
	state.Handle(db, lifecycle.ConnectPeer, &state.ConnectPeers.Table, moveConnectPeer)
	state.Handle(db, lifecycle.Peering, &state.Peerings.Table, movePeering)
	state.Handle(db, lifecycle.RouteAnalysis, &state.RouteAnalyses.Table, moveRouteAnalysis)
	state.Handle(db, lifecycle.ClientToken, &state.ClientTokens.Table, state.ForgetToken)
}

// moves registers the plain move of a table's kind: the state's own successor, and the row vanishes at the end.
func moves[R any, S ~string](db *state.DB, t *state.Table[*R], stateOf func(*R) *S) {
	state.Handle(db, t.Kind(), t, func(tx *state.Txn, key state.Key[*R], from string) error {
		move(tx, t, key, from, stateOf)
		return nil
	})
}

// move is the plain move of a row. It is false when the row is gone.
func move[R any, S ~string](tx *state.Txn, t *state.Table[*R], key state.Key[*R], from string, stateOf func(*R) *S) bool {
	row, ok := t.Get(tx.View, key)
	if !ok || string(*stateOf(row)) != from {
		return ok
	}
	step, _ := lifecycle.Next(t.Kind(), from)
	if step.Next == lifecycle.Gone {
		t.Delete(tx, key)
		return false
	}
	next := *row
	*stateOf(&next) = S(step.Next)
	t.Save(tx, key, &next)
	return true
}

// children lists rows of a table: those with the ids, or without ids those of a range, or without one all that are where key
// puts them. keep must hold for each and covers the condition of the range as well.
func children[R, Item any](v *state.View, p state.Pager, t *state.Table[R], ids []string, key func(id string) state.Key[R], in *state.Range[R], keep func(R) bool, item func(R) Item) ([]Item, string) {
	if in != nil && len(ids) == 0 {
		return state.List(v, p, keep, item, t.Walk(v, *in, p.After))
	}
	return state.List(v, p, keep, item, t.WalkIDs(v, ids, key, p.After))
}

// changing refuses an update or delete of an object that is on its way out. PENDING and UPDATING are no obstacle:
// CloudFormation chains operations without waiting for AVAILABLE.
func changing[S ~string](resourceType, id string, state S) error {
	if state == "DELETING" {
		return api.Conflict(resourceType, id, "The "+resourceType+" is being deleted.")
	}
	return nil
}

// val is *p, or the zero value.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// set changes dst to *p when the member was given; an empty string removes the value.
func set(dst *string, p *string) {
	if p != nil {
		*dst = *p
	}
}

// same is the item function of rows that are what the client sees.
func same[Row any](row *Row) Row { return *row }
