package lifecycle

import (
	"sync/atomic"
	"time"
)

// stepBack is how far a clock must go back to count as set back.
const stepBack = time.Second

// raise makes a at least n and returns what it was or is then, the larger.
func raise(a *atomic.Int64, n int64) int64 {
	for {
		now := a.Load()
		if n <= now {
			return now
		}
		if a.CompareAndSwap(now, n) {
			return n
		}
	}
}
