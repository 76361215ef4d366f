//go:build !unix

package main

func ignoreFileLimit() {}

// fileLimit is how many files the process may have open, 0 for what is not known.
func fileLimit() int { return 0 }
