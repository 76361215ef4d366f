package main

import (
	"io/fs"
	"testing"
)

func TestGroupLimit(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"none": {nil, 0},
		"version 2, in a container": {map[string]string{
			"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n",
		}, 536870912},
		"version 2, the smallest on the way up": {map[string]string{
			"/proc/self/cgroup": "0::/a.slice/b.scope\n", "/sys/fs/cgroup/a.slice/b.scope/memory.max": "max\n",
			"/sys/fs/cgroup/a.slice/memory.max": "1000\n", "/sys/fs/cgroup/memory.max": "2000\n",
		}, 1000},
		"version 2, without a limit": {map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"}, 0},
		"version 1": {map[string]string{
			"/proc/self/cgroup": "10:cpu,cpuacct:/x\n9:memory:/docker/1\n", "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "3000\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 3000},
		"nonsense": {map[string]string{"/proc/self/cgroup": "x\n\n0::\n", "/sys/fs/cgroup/memory.max": "much\n"}, 0},
	} {
		got := groupLimit(func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

// TestPercentOf_largeHeap: a small heap may grow far, a large one to twice what it is, a huge one by half.
func TestPercentOf_largeHeap(t *testing.T) {
	for live, want := range map[uint64]int{0: gcPercent, largeHeap: gcPercent, largeHeap + 1: 100, hugeHeap: 100, hugeHeap + 1: 50, 4 << 30: 50} {
		if got := percentOf(live); got != want {
			t.Errorf("%d live bytes: %d, want %d", live, got, want)
		}
	}
}
