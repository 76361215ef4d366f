package store

import (
	"fmt"
	"sync"
	"testing"
)

// size is what the memo holds, counted anew.
func (m *memo) size() (rows int, bytes int64) {
	for i := range m.places {
		if r := m.places[i].Load(); r != nil {
			rows++
			bytes += r.cost()
		}
	}
	return rows, bytes
}

func TestMemo_staysWithinItsLimit(t *testing.T) {
	const limit = 1 << 20
	m := newMemo(limit)
	hot := []byte("hot row")
	m.put(m.hash(hot, 1), hot, "hot")
	for i := range 100_000 {
		raw := fmt.Appendf(nil, "row %d", i)
		m.put(m.hash(raw, 1), raw, i)
		if got, ok := m.get(m.hash(raw, 1), raw); !ok || got != i {
			t.Fatalf("row %d just put: %v, %v", i, got, ok)
		}
		if i%100 == 0 {
			if _, ok := m.get(m.hash(hot, 1), hot); !ok {
				t.Fatalf("a row read all the time was forgotten after %d others", i)
			}
		}
	}
	rows, bytes := m.size()
	if bytes > limit || rows < 1000 || bytes != m.held.Load() {
		t.Errorf("%d rows, %d bytes, %d by its own account; the limit is %d", rows, bytes, m.held.Load(), limit)
	}
}

func TestMemo_comparesBytes(t *testing.T) {
	m := newMemo(1 << 20)
	m.put(42, []byte("a"), "row a") // as if the hashes were the same
	if got, ok := m.get(42, []byte("b")); ok {
		t.Errorf("b gives %v", got)
	}
	m.put(42, []byte("b"), "row b")
	if got, ok := m.get(42, []byte("b")); !ok || got != "row b" {
		t.Errorf("b gives %v, %v", got, ok)
	}
}

func TestMemo_limitZero(t *testing.T) {
	m := newMemo(1 << 20)
	m.put(1, []byte("a"), "row")
	m.limit(0)
	m.put(2, []byte("b"), "row")
	if rows, _ := m.size(); rows != 0 {
		t.Errorf("%d rows kept", rows)
	}
}

func TestMemo_concurrent(t *testing.T) {
	m := newMemo(64 << 10) // small, so that rows are dropped all the time
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 5000 {
				raw := fmt.Appendf(nil, "row %d", i%500)
				h := m.hash(raw, 1)
				if got, ok := m.get(h, raw); ok && got != i%500 {
					t.Errorf("row %d gives %v", i%500, got)
				}
				m.put(h, raw, i%500)
			}
		})
	}
	wg.Wait()
	if _, bytes := m.size(); bytes > 64<<10 || bytes != m.held.Load() {
		t.Errorf("%d bytes kept, %d by its own account", bytes, m.held.Load())
	}
}
