package store

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// markOf names a file as a commit left it, and the time since the machine was started: while it is the same, the system may have what was
// written to the file in memory, whatever the disk has. It is "" where that is not known.
func markOf(info os.FileInfo, commit uint64) string {
	start, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	of, ok := info.Sys().(*syscall.Stat_t)
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s %d %d %d %d %d\n", strings.TrimSpace(string(start)), of.Dev, of.Ino, of.Size, info.ModTime().UnixNano(), commit)
}
