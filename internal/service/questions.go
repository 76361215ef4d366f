package service

import (
	"context"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/network"
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/policy"
)

// mine finds a core network of the caller's.
func mine(id string) network.Find {
	return func(v *state.View) (*state.CoreNetwork, error) { return findCoreNetwork(v, id) }
}

// Network is one of the caller's core networks with its routes, ready for questions. The routes are those that the
// operations answer from.
func (s *Service) Network(ctx context.Context, coreNetwork string) (*analysis.Subject, error) {
	return s.networks.Subject(ctx, mine(coreNetwork))
}

// Snapshot is the network of one of the caller's core networks as one value.
func (s *Service) Snapshot(ctx context.Context, coreNetwork string) (*snapshot.Snapshot, error) {
	return s.networks.Snapshot(ctx, mine(coreNetwork))
}

// Attached is what a policy of one of the caller's core networks is advised on by: its edges and its attachments.
func (s *Service) Attached(ctx context.Context, coreNetwork string) (policy.Previous, []policy.Attached, error) {
	return s.networks.Attached(ctx, mine(coreNetwork))
}

// routed finds a core network of the caller's that has route tables: one without a LIVE policy has none.
func routed(id string) network.Find {
	return func(v *state.View) (*state.CoreNetwork, error) {
		row, err := findCoreNetwork(v, id)
		if err == nil && row.LiveVersion == 0 {
			return nil, api.NotFound("route-table", id)
		}
		return row, err
	}
}
