//go:build !unix || solaris || aix

package store

import "os"

// lockFile makes the file that is locked elsewhere. Here the lock that bbolt has on the database keeps others out.
func lockFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
}
