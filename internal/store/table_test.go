package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portolan/internal/store"
)

// device has what the tables of a server have: a property many rows share, one with several values, one to count by.
type device struct {
	Id   string
	Site string `json:",omitempty"`
	Tags []string
	Vendor,
	Note string
}

func deviceKey(id string) string { return store.Path("device", id) }

func bySite(key string, d *device) []string {
	if d.Site == "" {
		return nil
	}
	return []string{store.Path("by-site", d.Site, d.Id)}
}

func byTag(key string, d *device) []string {
	var out []string
	for _, tag := range d.Tags {
		out = append(out, store.Path("by-tag", tag, d.Id))
	}
	return out
}

func countVendor(key string, d *device) string {
	if d.Vendor == "" {
		return ""
	}
	return store.Path("count", d.Vendor)
}

var devices = store.NewTable(store.Schema[*device]{
	Name:    "device",
	Indexes: []store.Index[*device]{{Name: "site", Keys: bySite}, {Name: "tag", Keys: byTag}},
	Count:   countVendor,
})

// expected is what the store must hold for these rows: key → id of the row for rows and index entries, or the number.
func expected(rows map[string]*device) map[string]string {
	out := map[string]string{}
	count := map[string]int{}
	for key, d := range rows {
		out[key] = d.Id
		for _, entry := range slices.Concat(bySite(key, d), byTag(key, d)) {
			out[entry] = `"` + key + `"`
		}
		if c := countVendor(key, d); c != "" {
			count[c]++
			out[c] = fmt.Sprint(count[c])
		}
	}
	return out
}

// change is a random Put or, without a row, Delete.
type change struct {
	id  string
	row *device
}

func drawChange(t *rapid.T) change {
	few := rapid.SampledFrom([]string{"", "a", "b/", "b%2F"})
	c := change{id: fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "id"))}
	if rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
		c.row = &device{
			Id: c.id, Site: few.Draw(t, "site"), Vendor: few.Draw(t, "vendor"), Note: rapid.String().Draw(t, "note"),
			Tags: rapid.SliceOfN(few, 0, 3).Draw(t, "tags"),
		}
	}
	return c
}

// TestTable_random compares a table, after every transaction, with what a naive model says must be in the store: every
// row, index entry and counter, and nothing else; and then what the reading calls make of it.
func TestTable_random(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s := open(t)
				defer s.Close()
				rows := map[string]*device{}
				changes := rapid.SliceOfN(rapid.Custom(drawChange), 1, 6)
				for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
					transaction, abort := changes.Draw(rt, "changes"), rapid.IntRange(0, 4).Draw(rt, "abort") == 0
					draft := maps.Clone(rows)
					wrong := ""
					err := s.Update(t.Context(), func(tx store.Txn) error {
						for _, c := range transaction {
							key := deviceKey(c.id)
							if c.row != nil {
								row := *c.row
								devices.Put(tx, key, &row)
								row.Note, row.Site = "changed afterwards", "z"
								draft[key] = c.row
								continue
							}
							if _, there := draft[key]; devices.Delete(tx, key) != there {
								wrong = fmt.Sprintf("Delete(%q) = %v", key, !there)
							}
							delete(draft, key)
						}
						if abort {
							return errors.New("aborted")
						}
						return nil
					})
					if wrong != "" || abort != (err != nil) {
						rt.Fatal(wrong, err)
					}
					if !abort {
						rows = draft
					}
					checkTable(t, rt, s, rows)
				}
			})
		})
	}
}

func checkTable(t *testing.T, rt *rapid.T, s store.Store, rows map[string]*device) {
	want := expected(rows)
	err := s.View(t.Context(), func(r store.Reader) error {
		got := map[string]string{}
		for key, raw := range r.Scan("", "") {
			got[key] = string(raw)
			switch {
			case strings.HasPrefix(key, "/device/"):
				d, _ := devices.Get(r, key)
				got[key] = d.Id
			case strings.HasPrefix(key, "/count/"):
				got[key] = fmt.Sprint(store.CountAt(r, key))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			return fmt.Errorf("store (-want +got):\n%s", d)
		}

		scanned := map[string]*device{}
		for key, d := range devices.Scan(r, "/device/", "") {
			scanned[key] = d
		}
		if d := cmp.Diff(rows, scanned); d != "" {
			return fmt.Errorf("Scan (-want +got):\n%s", d)
		}
		return checkIndex(r, rows, want)
	})
	if err != nil {
		rt.Fatal(err)
	}
}

// checkIndex walks the indexes in pages of two.
func checkIndex(r store.Reader, rows map[string]*device, want map[string]string) error {
	for _, prefix := range []string{"/by-site/", "/by-tag/", "/by-tag/a/", "/by-site/b%2F/", "/by-site/z/"} {
		var entries []string
		for key := range want {
			if strings.HasPrefix(key, prefix) {
				entries = append(entries, key)
			}
		}
		slices.Sort(entries)
		if got := devices.Any(r, prefix); got != (len(entries) > 0) {
			return fmt.Errorf("Any(%q) = %v with %q", prefix, got, entries)
		}
		var got []string
		after := ""
		for {
			page := 0
			for entry, d := range devices.ScanIndex(r, prefix, after) {
				if key := deviceKey(d.Id); want[entry] != `"`+key+`"` || !cmp.Equal(d, rows[key]) {
					return fmt.Errorf("ScanIndex: %q leads to %+v", entry, d)
				}
				got = append(got, entry)
				after = entry
				if page++; page == 2 {
					break
				}
			}
			if page < 2 {
				break
			}
		}
		if !slices.Equal(entries, got) {
			return fmt.Errorf("ScanIndex(%q) = %q, want %q", prefix, got, entries)
		}
	}
	return nil
}

// TestTable_brokenRecords writes around the table, and expects that reading fails the transaction, whatever the
// function returns, with an error that names the key.
func TestTable_brokenRecords(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		read             func(r store.Reader)
		want             []string
	}{
		{"Get_notJSON", "/device/x", `{"Id":`, func(r store.Reader) { devices.Get(r, "/device/x") }, []string{"device", "/device/x"}},
		{"Get_wrongType", "/device/x", `{"Id":7}`, func(r store.Reader) { devices.Get(r, "/device/x") }, []string{"/device/x", "/Id"}},
		{"Scan", "/device/x", `[]`, func(r store.Reader) {
			for range devices.Scan(r, "/device/", "") {
			}
		}, []string{"/device/x"}},
		{"ScanIndex_dangling", "/by-site/s/x", `"/device/gone"`, func(r store.Reader) {
			for range devices.ScanIndex(r, "/by-site/", "") {
			}
		}, []string{"/by-site/s/x", "/device/gone"}},
		{"ScanIndex_notAString", "/by-site/s/x", `17`, func(r store.Reader) {
			for range devices.ScanIndex(r, "/by-site/", "") {
			}
		}, []string{"/by-site/s/x"}},
		{"CountAt_notANumber", "/count/v", `"7"`, func(r store.Reader) { store.CountAt(r, "/count/v") }, []string{"/count/v"}},
		{"CountAt_negative", "/count/v", `-1`, func(r store.Reader) { store.CountAt(r, "/count/v") }, []string{"/count/v"}},
	} {
		for name, open := range stores {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				s := open(t)
				defer s.Close()
				err := s.Update(t.Context(), func(tx store.Txn) error { tx.Set(test.key, []byte(test.value)); return nil })
				if err != nil {
					t.Fatal(err)
				}
				check := func(err error) {
					t.Helper()
					if err == nil {
						t.Fatal("the transaction succeeded")
					}
					for _, want := range test.want {
						if !strings.Contains(err.Error(), want) {
							t.Errorf("%q does not name %s", err, want)
						}
					}
				}
				check(s.View(t.Context(), func(r store.Reader) error { test.read(r); return nil }))
				check(s.Update(t.Context(), func(tx store.Txn) error {
					test.read(tx)
					return errors.New("not found, thinks a caller that was given nothing")
				}))
			})
		}
	}
}

// TestTable_misuse: calls that would make the indexes wrong fail the transaction and leave nothing.
func TestTable_misuse(t *testing.T) {
	unique := store.NewTable(store.Schema[*device]{
		Name:    "device",
		Indexes: []store.Index[*device]{{Name: "note", Keys: func(_ string, d *device) []string { return []string{store.Path("by-note", d.Note)} }}},
	})
	for _, test := range []struct {
		name string
		f    func(tx store.Txn)
		want string
	}{
		{"Put_nil", func(tx store.Txn) { devices.Put(tx, "/device/1", nil) }, "nil row"},
		{"Put_sharedRow", func(tx store.Txn) {
			d, _ := devices.Get(tx, "/device/0")
			devices.Put(tx, "/device/0", d)
		}, "copy the struct"},
		{"Put_indexKeyTaken", func(tx store.Txn) {
			unique.Put(tx, "/device/1", &device{Note: "same"})
			unique.Put(tx, "/device/2", &device{Note: "same"})
		}, `taken by row "/device/1"`},
		{"Put_overBrokenRow", func(tx store.Txn) {
			tx.Set("/device/0", []byte("?"))
			devices.Put(tx, "/device/0", &device{Id: "0"})
		}, "does not decode"},
		{"Delete_counterLost", func(tx store.Txn) {
			tx.Delete("/count/v")
			devices.Delete(tx, "/device/0")
		}, "below zero"},
		{"Put_keyNotText", func(tx store.Txn) { devices.Put(tx, "/device/\xff", &device{Id: "1", Site: "s"}) }, "UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := store.OpenMemory()
			defer s.Close()
			before := dump(t, s)
			err := s.Update(t.Context(), func(tx store.Txn) error {
				devices.Put(tx, "/device/0", &device{Id: "0", Vendor: "v"})
				test.f(tx)
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v, want %q", err, test.want)
			}
			if after := dump(t, s); after != before {
				t.Errorf("left behind:\n%s", after)
			}
		})
	}
}

// TestTable_foreignReader: a wrapper around our Reader cannot be told of a failed read; the transaction fails anyway.
func TestTable_foreignReader(t *testing.T) {
	type wrapper struct{ store.Reader }
	s := store.OpenMemory()
	defer s.Close()
	if err := s.Update(t.Context(), func(tx store.Txn) error { tx.Set("/device/x", []byte("?")); return nil }); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(r store.Reader) error { devices.Get(wrapper{r}, "/device/x"); return nil })
	if err == nil || !strings.Contains(err.Error(), "/device/x") {
		t.Errorf("err = %v", err)
	}
}

func TestTable_sharesDecodedRows(t *testing.T) {
	s := store.OpenMemory()
	defer s.Close()
	others := store.NewTable(store.Schema[*struct{ Id string }]{Name: "other"})
	err := s.Update(t.Context(), func(tx store.Txn) error {
		devices.Put(tx, "/device/1", &device{Id: "1", Tags: []string{}})
		tx.Set("/device/2", []byte(`{"Id":"two"}`)) // both types can be read from this
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var first *device
	for range 2 {
		err := s.View(t.Context(), func(r store.Reader) error {
			d, _ := devices.Get(r, "/device/1")
			if d.Tags == nil {
				t.Error("an empty list came back as none")
			}
			if first != nil && d != first {
				t.Error("the same row was decoded twice")
			}
			first = d
			two, _ := devices.Get(r, "/device/2")
			other, _ := others.Get(r, "/device/2")
			if two.Id != "two" || other.Id != "two" {
				t.Errorf("got %+v and %+v", two, other)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTable_touchMovesTheGeneration(t *testing.T) {
	type row struct{ Group, Text string }
	table := store.NewTable(store.Schema[*row]{
		Name: "row",
		Touch: func(_ string, r *row) string {
			if r.Group == "" {
				return ""
			}
			return "/generation/" + r.Group
		},
	})
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	change := func(f func(tx store.Txn)) {
		t.Helper()
		if err := st.Update(t.Context(), func(tx store.Txn) error { f(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	generations := func() (a, b uint64) {
		if err := st.View(t.Context(), func(r store.Reader) error {
			a, b = store.Generation(r, "/generation/a"), store.Generation(r, "/generation/b")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	want := func(what string, a, b uint64) {
		t.Helper()
		if gotA, gotB := generations(); gotA != a || gotB != b {
			t.Errorf("%s: %d %d, want %d %d", what, gotA, gotB, a, b)
		}
	}
	change(func(tx store.Txn) { table.Put(tx, "/row/1", &row{Group: "a"}) })
	want("new row", 1, 0)
	change(func(tx store.Txn) { table.Put(tx, "/row/2", &row{}) })
	want("row of no group", 1, 0)
	change(func(tx store.Txn) { table.Put(tx, "/row/1", &row{Group: "a", Text: "x"}) })
	want("changed row", 2, 0)
	change(func(tx store.Txn) { table.Put(tx, "/row/1", &row{Group: "b"}) })
	want("moved row", 3, 1)
	change(func(tx store.Txn) { table.Delete(tx, "/row/1") })
	want("deleted row", 3, 2)
}

func TestMoved_namesTheRowsThatMovedAGeneration(t *testing.T) {
	type row struct{ Text string }
	table := store.NewTable(store.Schema[*row]{Name: "row", Touch: func(string, *row) string { return "/generation" }})
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	change := func(f func(tx store.Txn)) {
		t.Helper()
		if err := st.Update(t.Context(), func(tx store.Txn) error { f(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, since uint64, wantOK bool, want ...string) {
		t.Helper()
		_ = st.View(t.Context(), func(r store.Reader) error {
			if got, ok := store.Moved(r, "/generation", since); ok != wantOK || !slices.Equal(got, want) {
				t.Errorf("%s: %v %t, want %v %t", what, got, ok, want, wantOK)
			}
			return nil
		})
	}
	want("before the first", 0, true)
	change(func(tx store.Txn) {
		table.Put(tx, "/row/a", &row{"1"})
		table.Put(tx, "/row/b", &row{"1"})
		table.Put(tx, "/row/a", &row{"2"})
	})
	want("from the start", 0, true, "/row/a", "/row/b")
	want("after the first", 1, true, "/row/b", "/row/a")
	want("now", 3, true)
	want("later than now", 4, false)
	change(func(tx store.Txn) { table.Delete(tx, "/row/b") })
	want("a deleted row", 3, true, "/row/b")
	_ = st.Update(t.Context(), func(tx store.Txn) error { table.Put(tx, "/row/c", &row{}); return errors.New("no") })
	want("what is taken back", 3, true, "/row/b")
	for i := range store.MovesKept {
		change(func(tx store.Txn) { table.Put(tx, "/row/d", &row{strconv.Itoa(i)}) })
	}
	want("just remembered", 4, true, "/row/d")
	want("too long ago", 3, false)
	held := 0
	_ = st.View(t.Context(), func(r store.Reader) error {
		for range r.Scan("/generation/", "") {
			held++
		}
		return nil
	})
	if held != store.MovesKept {
		t.Errorf("%d moves are kept, want %d", held, store.MovesKept)
	}
	change(func(tx store.Txn) { store.Forget(tx, "/generation") })
	_ = st.View(t.Context(), func(r store.Reader) error {
		for key := range r.Scan("/generation", "") {
			t.Errorf("%s is left of a forgotten generation", key)
		}
		return nil
	})
}
