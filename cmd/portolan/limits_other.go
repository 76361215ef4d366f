//go:build !unix

package main

import "os"

func ignoreFileLimit() {}

// writableFolder refuses a folder that is not there.
func writableFolder(folder string) error {
	_, err := os.Stat(folder)
	return err
}

// fileLimit is how many files the process may have open, 0 for what is not known.
func fileLimit() int { return 0 }
