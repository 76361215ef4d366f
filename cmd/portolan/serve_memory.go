package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// gcPercent is how far the heap may grow before the collector runs. The live heap is a few MiB: at Go's default the
// collector would run for every 4 MiB of replies; at this it runs a quarter as often and the process still idles far below
// 30 MiB.
const gcPercent = 400

// limitMemory sets how the collector works, unless the environment does: seldom, but at nine tenths of the memory that the
// control group allows as often as it takes to stay below.
func limitMemory(lookup func(string) (string, bool), read func(string) ([]byte, error)) {
	if _, set := lookup("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
		followHeap(gcPercent)
	}
	if _, set := lookup("GOMEMLIMIT"); set {
		return
	}
	if limit := groupLimit(read); limit > 0 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// largeHeap is a live heap that takes too much memory at gcPercent: that of a full table of the Internet, for one.
const largeHeap = 128 << 20

// hugeHeap is a live heap of which even a second one is too much.
const hugeHeap = 512 << 20

// percentOf is how far a live heap may grow: a large one to twice what it is, a huge one by half.
func percentOf(live uint64) int {
	switch {
	case live > hugeHeap:
		return 50
	case live > largeHeap:
		return 100
	}
	return gcPercent
}

// followHeap sets how far the heap may grow, which is now percent, after each run of the collector: each finds what is allocated
// here unused.
func followHeap(percent int) {
	runtime.AddCleanup(new([64]byte), func(percent int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		next := percentOf(live[0].Value.Uint64())
		if next != percent {
			debug.SetGCPercent(next)
		}
		followHeap(next)
	}, percent)
}

// groupLimit is the memory limit of the control group of this process in bytes, 0 for none: the smallest on the way up to
// the root, of version 2 (/sys/fs/cgroup/…/memory.max) or version 1 (/sys/fs/cgroup/memory/…/memory.limit_in_bytes).
func groupLimit(read func(string) ([]byte, error)) int64 {
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	smallest := int64(math.MaxInt64)
	for line := range strings.Lines(string(groups)) {
		// 0::/path of version 2, 9:memory:/path of version 1
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "/memory.max"
		if fields[0] != "0" {
			root, file = "/sys/fs/cgroup/memory", "/memory.limit_in_bytes"
			if fields[1] != "memory" {
				continue
			}
		}
		for path := strings.TrimSuffix(fields[2], "/"); ; path = path[:strings.LastIndexByte(path, '/')] {
			if text, err := read(root + path + file); err == nil {
				// "max" is no limit, and neither is version 1's largest number of pages.
				if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n < 1<<60 {
					smallest = min(smallest, n)
				}
			}
			if path == "" {
				break
			}
		}
	}
	if smallest == math.MaxInt64 {
		return 0
	}
	return smallest
}
