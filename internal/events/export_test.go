package events

import "context"

// Trim is trim for tests, which cannot fill a log.
var Trim = trim

// Step is step for tests.
func (r *Runner) Step(ctx context.Context) error {
	_, err := r.step(ctx)
	return err
}
