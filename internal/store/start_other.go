//go:build !linux

package store

import "os"

// sinceStart is not known here.
func sinceStart(os.FileInfo) string { return "" }
