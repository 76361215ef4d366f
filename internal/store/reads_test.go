package store

import (
	"fmt"
	"strings"
	"testing"
)

func openBolt(t *testing.T) *boltStore {
	t.Helper()
	s, err := OpenBolt(t.TempDir()+"/db", BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*boltStore)
}

func set(t *testing.T, s Store, key, value string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx Txn) error { tx.Set(key, []byte(value)); return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestView_ofKeptTransactions: a View after a commit sees it, whatever was kept from before; one that was open meanwhile
// does not, and is not kept.
func TestView_ofKeptTransactions(t *testing.T) {
	s := openBolt(t)
	look := func(during func()) (value string) {
		t.Helper()
		err := s.View(t.Context(), func(r Reader) error {
			if during != nil {
				during()
			}
			raw, _ := r.Get("/k")
			value = string(raw)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for i := range 3 {
		want := fmt.Sprint(i)
		set(t, s, "/k", want)
		if len(s.reads.idle) != 0 {
			t.Fatalf("%d transactions were kept over a commit", len(s.reads.idle))
		}
		if got := look(nil) + look(nil); got != want+want {
			t.Errorf("got %s after %s was written", got, want)
		}
		if len(s.reads.idle) != 1 {
			t.Fatalf("%d transactions are kept", len(s.reads.idle))
		}
	}
	if got := look(func() { set(t, s, "/k", "later") }); got != "2" {
		t.Errorf("a View sees %s, which was written after it began", got)
	}
	if len(s.reads.idle) != 0 {
		t.Error("a transaction from before the last commit was kept")
	}
	if got := look(nil); got != "later" {
		t.Errorf("got %s", got)
	}
}

// TestUpdate_growsTheFileBesideKeptTransactions, for which bbolt waits until all reads are over.
func TestUpdate_growsTheFileBesideKeptTransactions(t *testing.T) {
	s := openBolt(t)
	big := strings.Repeat("x", 1<<20)
	for i := range 40 {
		set(t, s, fmt.Sprintf("/k%d", i), big)
		err := s.View(t.Context(), func(r Reader) error {
			for range r.Scan("/k", "") {
				return nil
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestView_allocations(t *testing.T) {
	s := openBolt(t)
	for i := range 200 {
		set(t, s, fmt.Sprintf("/k/%03d", i), `"value"`)
	}
	table := NewTable(Schema[*string]{Name: "k"})
	n := testing.AllocsPerRun(100, func() {
		_ = s.View(t.Context(), func(r Reader) error {
			if row, ok := table.Get(r, "/k/100"); !ok || *row != "value" {
				t.Error("not there")
			}
			rows := table.Rows(r, "/k/", "/k/050")
			for i := 0; i < 100 && rows.Next(); i++ {
			}
			rows.Stop()
			return nil
		})
	})
	if n > 4 {
		t.Errorf("%v allocations", n)
	}
}

// TestWalk_nested: a walk inside a walk has a cursor of its own, and each gives its own back.
func TestWalk_nested(t *testing.T) {
	s := openBolt(t)
	for _, key := range []string{"/a/1", "/a/2", "/a/3", "/b/1", "/b/2"} {
		set(t, s, key, "v")
	}
	for range 2 {
		var seen []string
		err := s.View(t.Context(), func(r Reader) error {
			for a := range r.Scan("/a/", "") {
				for b := range r.Scan("/b/", "") {
					seen = append(seen, a[3:]+b[3:])
					if a == "/a/2" {
						break
					}
				}
			}
			return nil
		})
		if got := strings.Join(seen, " "); err != nil || got != "11 12 21 31 32" {
			t.Errorf("%s %v", got, err)
		}
	}
}

// TestRow_text: a text is made once for a decoded row and is another one when the row is.
func TestRow_text(t *testing.T) {
	s := openBolt(t)
	table := NewTable(Schema[*string]{Name: "text"})
	made := 0
	text := func() (text string) {
		_ = s.View(t.Context(), func(r Reader) error {
			rows := table.RowsAt(r, []string{"/none", "/row"})
			if !rows.Next() || rows.Key != "/row" {
				t.Fatal("no row")
			}
			text = rows.Row.Text(func(v *string) string { made++; return "<" + *v + ">" })
			return nil
		})
		return text
	}
	set(t, s, "/row", `"one"`)
	if got := text() + text(); got != "<one><one>" || made != 1 {
		t.Errorf("%s, made %d times", got, made)
	}
	set(t, s, "/row", `"two"`)
	if got := text(); got != "<two>" || made != 2 {
		t.Errorf("%s, made %d times", got, made)
	}
}
