package store

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// sinceStart names a file and the time since the machine was started: it is the same as long as the system may have the file in
// memory. It is "" where that is not known.
func sinceStart(info os.FileInfo) string {
	start, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	of, ok := info.Sys().(*syscall.Stat_t)
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s %d %d\n", strings.TrimSpace(string(start)), of.Dev, of.Ino)
}
