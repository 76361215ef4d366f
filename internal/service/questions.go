package service

import (
	"context"

	"portolan/internal/analysis"
)

// Network is one of the caller's core networks with its routes, ready for questions. The routes are those that the
// operations answer from.
func (s *Service) Network(ctx context.Context, coreNetwork string) (*analysis.Subject, error) {
	return read(ctx, s, func(v *view) (*analysis.Subject, error) {
		row, err := v.coreNetwork(coreNetwork)
		if err != nil {
			return nil, err
		}
		snap, err := v.snapshot(ctx, row)
		if err != nil {
			return nil, err
		}
		c, err := v.routes(ctx, row)
		if err != nil {
			return nil, err
		}
		if c.unsettled {
			return analysis.Examine(snap, nil) // which says what does not settle
		}
		return analysis.Known(snap, c.tables), nil
	})
}
