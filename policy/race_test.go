//go:build race

package policy_test

import "time"

// patience is for the race detector, which makes everything many times slower.
const patience = 60 * time.Second
