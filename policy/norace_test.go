//go:build !race

package policy_test

import "time"

// patience bounds what takes a fraction of a second: the machine may be busy.
const patience = 5 * time.Second
