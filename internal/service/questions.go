package service

import (
	"context"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/routing"
)

// Network is one of the caller's core networks with its routes, ready for questions. The routes are those that the
// operations answer from.
func (s *Service) Network(ctx context.Context, coreNetwork string) (*analysis.Subject, error) {
	return read(ctx, s.env, func(v *View) (*analysis.Subject, error) {
		row, err := findCoreNetwork(v, coreNetwork)
		if err != nil {
			return nil, err
		}
		if row.LiveVersion == 0 {
			return nil, noLivePolicy(row)
		}
		c, err := routes(v, ctx, row)
		switch {
		case err != nil:
			return nil, err
		case !c.unsettled:
			return analysis.Known(c.tables, c.lists), nil
		}
		snap, err := takeSnapshot(v, ctx, row)
		if err != nil {
			return nil, err
		}
		return analysis.Examine(snap, nil, s.routing) // the cycles, which the cached tables do not keep
	})
}

// RoutingOptions are what routes are computed with; nil are the defaults.
func (s *Service) RoutingOptions() *routing.Options { return s.routing }

// noLivePolicy is why a core network has no routes yet.
func noLivePolicy(row *coreNetworkRow) error {
	return api.BrokenRule("Core network state is invalid. core network id: " + row.CoreNetworkId)
}
