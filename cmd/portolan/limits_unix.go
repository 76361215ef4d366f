//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreFileLimit turns a file that may not grow any further into an error of the write; without it the process ends.
func ignoreFileLimit() { signal.Ignore(syscall.SIGXFSZ) }
