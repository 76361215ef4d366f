//go:build race

package server_test

// pooled is how many allocations more there may be: under the race detector a sync.Pool drops some of what it is given.
const pooled = 8
