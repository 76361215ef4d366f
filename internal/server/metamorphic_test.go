package server_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"portolan/internal/failpoint"
	"portolan/internal/state"
	"portolan/internal/store"
)

// seeds are those that a test runs with: fixed ones, or the one of [seedVariable] with a longer run.
func seeds(t *testing.T, fixed int) (list []uint64, calls int) {
	if text := os.Getenv("ROBUSTNESS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}, 5000
	}
	for i := range fixed {
		list = append(list, uint64(i)+1)
	}
	return list, 600
}

// TestMetamorphic_memoryAndDisk: the same calls, clock and restarts give the same bytes on the store in memory and on disk,
// and leave the same bytes.
func TestMetamorphic_memoryAndDisk(t *testing.T) {
	list, calls := seeds(t, 2)
	for _, seed := range list {
		t.Run(fmt.Sprint("ROBUSTNESS_SEED=", seed), func(t *testing.T) {
			c := newRandomCalls(t, seed)
			path := t.TempDir() + "/db"
			memory := newMachine(t, seed, nil, func(*failpoint.Points) store.Store { return store.OpenMemory() })
			disk := newMachine(t, seed, nil, func(fail *failpoint.Points) store.Store { return openDisk(t, path, fail) })
			statuses := map[int]int{}
			for i := range calls {
				call := c.next()
				status, want := memory.answer(call)
				gotStatus, got := disk.answer(call)
				if statuses[status]++; status != gotStatus || want != got || status == 500 {
					t.Fatalf("call %d, %s\nin memory: %d %.3000s\non disk:   %d %.3000s", i, call, status, want, gotStatus, got)
				}
				_, answer, _ := strings.Cut(want, " ")
				c.learn(answer)
				if c.chance(30) {
					disk.now = disk.now.Add(c.moveClock(memory))
				}
				if c.chance(2) {
					memory.restart()
					disk.restart()
				}
			}
			if a, b := memory.dump(), disk.dump(); a != b {
				t.Errorf("what is stored differs: %d bytes in memory, %d on disk", len(a), len(b))
			}
			verify(t, memory.store)
			if statuses[200] < calls/6 {
				t.Errorf("too few calls do anything: %v", statuses)
			}
			t.Logf("%v", statuses)
		})
	}
}

func openDisk(t *testing.T, path string, fail *failpoint.Points) store.Store {
	t.Helper()
	st, err := store.OpenBolt(path, store.BoltOptions{NoSync: true, Fail: fail})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func verify(t *testing.T, st store.Store) {
	t.Helper()
	if err := state.Verify(t.Context(), st, func(f store.Finding) { t.Errorf("what is stored contradicts itself: %s", f) }); err != nil {
		t.Error(err)
	}
}
