//go:build linux || darwin

package store

import "syscall"

// freeSpace is the room that is left to this process on the disk of a file, in bytes, where the file system says so.
func freeSpace(path string) (bytes uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil || fs.Blocks == 0 {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
