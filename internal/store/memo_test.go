package store

import (
	"encoding/binary"
	"fmt"
	"slices"
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

// recall is the row remembered for a key and its bytes, as a tree without seals looks for it.
func recall(m *memo, key string, raw []byte) (any, bool) {
	if r := find(m, sum64(key), key, raw); r != nil {
		return r.row, true
	}
	return nil, false
}

func TestMemo_staysWithinItsLimit(t *testing.T) {
	const limit = 1 << 20
	m := newMemo(limit)
	hot := []byte("hot row")
	m.put("hot", hot, false, "hot")
	for i := range 100_000 {
		key, raw := fmt.Sprint("/k/", i), fmt.Appendf(nil, "row %d", i)
		m.put(key, raw, false, i)
		if got, ok := recall(m, key, raw); !ok || got != i {
			t.Fatalf("row %d just put: %v, %v", i, got, ok)
		}
		if i%100 == 0 {
			if _, ok := recall(m, "hot", hot); !ok {
				t.Fatalf("a row read all the time was forgotten after %d others", i)
			}
		}
	}
	rows, bytes := m.size()
	if bytes > limit || rows < 1000 || bytes != m.held.Load() {
		t.Errorf("%d rows, %d bytes, %d by its own account; the limit is %d", rows, bytes, m.held.Load(), limit)
	}
}

func TestMemo_comparesKeyAndBytes(t *testing.T) {
	m := newMemo(1 << 20)
	m.put("/k", []byte("a"), false, "row a")
	if got, ok := recall(m, "/k", []byte("b")); ok {
		t.Errorf("other bytes give %v", got)
	}
	if r := find(m, sum64("/k"), "/l", []byte("a")); r != nil { // as if the checksums of the keys were the same
		t.Errorf("another key gives %v", r.row)
	}
	m.put("/k", []byte("b"), false, "row b")
	if got, ok := recall(m, "/k", []byte("b")); !ok || got != "row b" {
		t.Errorf("b gives %v, %v", got, ok)
	}
	if rows, _ := m.size(); rows != 1 {
		t.Errorf("%d rows: one was changed", rows)
	}
}

// TestMemo_verified: what is remembered is taken for verified only when key, value and seal are all what they were.
func TestMemo_verified(t *testing.T) {
	m := newMemo(1 << 20)
	key, value := []byte("/k"), []byte("value")
	m.put(string(key), value, false, "row")
	sealed := binary.LittleEndian.AppendUint64(slices.Clone(value), sealOf(key, value))
	if m.verified(key, sealed) == nil {
		t.Error("the entry itself is not remembered")
	}
	for i := range len(sealed) * 8 {
		damaged := slices.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		if m.verified(key, damaged) != nil {
			t.Errorf("bit %d does not matter", i)
		}
	}
	if m.verified([]byte("/l"), sealed) != nil || m.verified(key, sealed[:3]) != nil {
		t.Error("another key, or less than a seal, is taken for it")
	}
}

func TestMemo_limitZero(t *testing.T) {
	m := newMemo(1 << 20)
	m.put("/a", []byte("a"), false, "row")
	m.limit(0)
	m.put("/b", []byte("b"), false, "row")
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
				key, raw := fmt.Sprint("/k/", i%500), fmt.Appendf(nil, "row %d", i%500)
				if got, ok := recall(m, key, raw); ok && got != i%500 {
					t.Errorf("row %d gives %v", i%500, got)
				}
				m.put(key, raw, false, i%500)
			}
		})
	}
	wg.Wait()
	if _, bytes := m.size(); bytes > 64<<10 || bytes != m.held.Load() {
		t.Errorf("%d bytes kept, %d by its own account", bytes, m.held.Load())
	}
}

// TestMemo_lasting: of bytes that last no copy is made, and a value that takes their place is not taken for them.
func TestMemo_lasting(t *testing.T) {
	type row struct{ Name string }
	rows.limit(rows.budget.Load()) // nothing is remembered, also not of this test when it is run again
	table := NewTable(Schema[*row]{Name: "lasting"})
	s := OpenMemory()
	defer func() { _ = s.Close() }()
	write := func(name string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx Txn) error { table.Put(tx, "/lasting", &row{name}); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (name string, remembered bool) {
		t.Helper()
		if err := s.View(t.Context(), func(r Reader) error {
			got, _ := table.Get(r, "/lasting")
			value, known, _ := fetch(r, "/lasting")
			name, remembered = got.Name, known.holds(value)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return name, remembered
	}
	for _, want := range []string{"a", "b", "a"} {
		write(want)
		if name, remembered := read(); name != want || !remembered {
			t.Errorf("got %q, remembered is %v; want %q", name, remembered, want)
		}
	}
}
