//go:build !linux && !darwin

package store

// freeSpace is not known here; a write that fails tells.
func freeSpace(string) (bytes uint64, known bool) { return 0, false }
