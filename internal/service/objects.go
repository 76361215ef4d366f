package service

import (
	"iter"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// registerTransitions tells the queue how each kind moves.
func (s *env) registerTransitions() {
	s.queue.Handle(lifecycle.GlobalNetwork, s.moveGlobalNetwork)
	moves(s, lifecycle.Site, sites, func(r *api.Site) *api.SiteState { return &r.State })
	moves(s, lifecycle.Device, devices, func(r *api.Device) *api.DeviceState { return &r.State })
	moves(s, lifecycle.Link, links, func(r *api.Link) *api.LinkState { return &r.State })
	moves(s, lifecycle.Connection, connections, func(r *api.Connection) *api.ConnectionState { return &r.State })
	moves(s, lifecycle.LinkAssociation, linkAssociations, func(r *api.LinkAssociation) *api.LinkAssociationState { return &r.LinkAssociationState })
	moves(s, lifecycle.CustomerGatewayAssociation, customerGatewayAssociations, cgwAssociations.state)
	moves(s, lifecycle.TGWConnectPeerAssociation, tgwConnectPeerAssociations, tgwPeerAssociations.state)
	moves(s, lifecycle.ConnectPeerAssociation, connectPeerAssociations, peerAssociations.state)
	s.queue.Handle(lifecycle.TGWRegistration, moveRegistration)
	s.queue.Handle(lifecycle.CoreNetwork, s.moveCoreNetwork)
	s.queue.Handle(lifecycle.Execution, s.startExecution)
	s.queue.Handle(lifecycle.CoreNetworkPolicy, s.moveVersion)
	s.queue.Handle(lifecycle.Attachment, s.moveAttachment)
	s.queue.Handle(lifecycle.ConnectPeer, s.moveConnectPeer)
	s.queue.Handle(lifecycle.Peering, s.movePeering)
	s.queue.Handle(lifecycle.RouteAnalysis, moveRouteAnalysis)
	s.queue.Handle(lifecycle.ClientToken, forgetToken)
}

// moves registers the plain move of a kind: the state's own successor, and the row vanishes at the end.
func moves[T any, S ~string](s *env, kind lifecycle.Kind, table *store.Table[T], state func(*T) *S) {
	s.queue.Handle(kind, move(kind, table, state))
}

// move is the plain move of a kind.
func move[T any, S ~string](kind lifecycle.Kind, table *store.Table[T], state func(*T) *S) lifecycle.Handler {
	return func(lc *lifecycle.Txn, e lifecycle.Entry) error {
		row, ok := table.Get(lc.Txn, e.Key)
		if !ok || string(*state(row)) != e.From {
			return nil
		}
		step, _ := lifecycle.Next(kind, e.From)
		if step.Next == lifecycle.Gone {
			table.Delete(lc.Txn, e.Key)
			return nil
		}
		next := *row
		*state(&next) = S(step.Next)
		save(lc, kind, table, e.Key, &next, step.Next)
		return nil
	}
}

// save writes a row that has just entered state and schedules what follows.
func save[T any](lc *lifecycle.Txn, kind lifecycle.Kind, table *store.Table[T], key string, row *T, state string) {
	table.Put(lc.Txn, key, row)
	lc.Schedule(kind, key, state)
}

// children lists the rows of a global network in key order: those with the ids, those below an index value, or all.
// keep must hold for each and covers the index condition as well.
func children[T any](v *View, p *pager, table *store.Table[T], name, gn string, ids []string, index []string, keep func(*T) bool) ([]T, string) {
	var rows iter.Seq2[string, *T]
	switch {
	case len(ids) > 0:
		keys := make([]string, len(ids))
		for i, id := range ids {
			keys[i] = v.key(name, gn, id)
		}
		rows = rowsByKey(keys, p.after, func(key string) (*T, bool) { return table.Get(v.r, key) })
	case len(index) > 0:
		rows = table.ScanIndex(v.r, v.prefix(name+"."+index[0], append([]string{gn}, index[1:]...)...), p.after)
	default:
		rows = table.Scan(v.r, v.prefix(name, gn), p.after)
	}
	return page(p, rows, keep, same[T])
}

// fits refuses one more row where the counter has reached the quota.
func (tx *Txn) fits(q Quota, resourceType, owner, counterKey string) error {
	if limit := tx.quotas[q.Name]; store.CountAt(tx.r, counterKey) >= limit {
		return api.QuotaExceeded(resourceType, owner, q.Code, limit)
	}
	return nil
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
