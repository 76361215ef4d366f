//go:build unix

package main

import (
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// writableFolder refuses a folder in which no file can be made.
func writableFolder(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }

// ignoreFileLimit turns a file that may not grow any further into an error of the write; without it the process ends.
func ignoreFileLimit() { signal.Ignore(syscall.SIGXFSZ) }

// fileLimit is how many files the process may have open, 0 for what is not known.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), 1<<30))
}
