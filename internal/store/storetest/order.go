package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portolan/internal/store"
)

func getAbsent(t *testing.T, s store.Store) {
	set(t, s, "/b")
	view(t, s, func(r store.Reader) {
		for _, k := range []string{"", "/", "/a", "/b ", "/b/", "/c"} {
			if v, ok := r.Get(k); ok {
				t.Errorf("Get(%q) = %q, true", k, v)
			}
		}
	})
}

func getOwnWrites(t *testing.T, s store.Store) {
	set(t, s, "/kept", "/gone", "/changed")
	update(t, s, func(tx store.Txn) {
		tx.Set("/new", []byte("1"))
		tx.Delete("/gone")
		tx.Set("/changed", []byte("2"))
		tx.Set("/changed", []byte("3"))
		tx.Set("/brief", []byte("4"))
		tx.Delete("/brief")
		got := map[string]string{}
		for _, k := range []string{"/new", "/gone", "/changed", "/brief", "/kept"} {
			if v, ok := tx.Get(k); ok {
				got[k] = string(v)
			}
		}
		want := map[string]string{"/new": "1", "/changed": "3", "/kept": "/kept"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Get inside (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"/changed", "/kept", "/new"}, keys(tx, "", "")); d != "" {
			t.Errorf("Scan inside (-want +got):\n%s", d)
		}
	})
	want := map[string]string{"/new": "1", "/changed": "3", "/kept": "/kept"}
	if d := cmp.Diff(want, contents(t, s)); d != "" {
		t.Errorf("afterwards (-want +got):\n%s", d)
	}
}

func setEmptyValue(t *testing.T, s store.Store) {
	check := func(when string, r store.Reader) {
		for _, k := range []string{"/nil", "/empty"} {
			if v, ok := r.Get(k); !ok || v == nil || len(v) != 0 {
				t.Errorf("%s: Get(%q) = %#v, %v; want empty, true", when, k, v, ok)
			}
		}
		for k, v := range r.Scan("", "") {
			if v == nil {
				t.Errorf("%s: Scan gives a nil value at %q", when, k)
			}
		}
	}
	update(t, s, func(tx store.Txn) {
		tx.Set("/nil", nil)
		tx.Set("/empty", []byte{})
		check("inside", tx)
	})
	view(t, s, func(r store.Reader) { check("afterwards", r) })
}

func setCopiesValue(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Txn) {
		v := []byte("before")
		tx.Set("/k", v)
		copy(v, "AFTER!")
	})
	if got := contents(t, s)["/k"]; got != "before" {
		t.Errorf("value changed with the caller's slice: %q", got)
	}
}

func setBadKey(t *testing.T, s store.Store) {
	long := strings.Repeat("k", store.MaxKeySize)
	set(t, s, long)
	for _, k := range []string{"", long + "k"} {
		err := s.Update(t.Context(), func(tx store.Txn) error {
			tx.Set("/other", []byte("1"))
			tx.Set(k, []byte("1"))
			return nil
		})
		if err == nil {
			t.Errorf("Set of a key of %d bytes: no error", len(k))
		}
	}
	if d := cmp.Diff(map[string]string{long: long}, contents(t, s)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}

func deleteAbsent(t *testing.T, s store.Store) {
	set(t, s, "/b")
	update(t, s, func(tx store.Txn) {
		tx.Delete("")
		tx.Delete("/a")
		tx.Delete("/c")
	})
	if d := cmp.Diff(map[string]string{"/b": "/b"}, contents(t, s)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}

// edgeKeys are in order and sit around the places where computing the end of a prefix goes wrong.
var edgeKeys = []string{
	"\x00", "\x00\x00", "/", "//", "/a", "/a\x00", "/a/", "/a/1", "/a/10", "/a/2", "/a0", "/a\xfe", "/a\xff",
	"/a\xff\x00", "/a\xff\xff", "/a\xff\xff\xff", "/b", "/é", "a", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff",
}

func scanOrder(t *testing.T, s store.Store) {
	for _, k := range slices.Backward(edgeKeys) {
		set(t, s, k)
	}
	view(t, s, func(r store.Reader) {
		if d := cmp.Diff(edgeKeys, keys(r, "", "")); d != "" {
			t.Errorf("Scan (-want +got):\n%s", d)
		}
	})
}

func scanPrefixAndAfter(t *testing.T, s store.Store) {
	set(t, s, edgeKeys...)
	probes := append(slices.Clone(edgeKeys), "", "/a/11", "/a\xff\xfe", "\xff\xff\xff", "0")
	check := func(r store.Reader) {
		for _, prefix := range probes {
			for _, after := range probes {
				want := []string{}
				for _, k := range edgeKeys {
					if strings.HasPrefix(k, prefix) && k > after {
						want = append(want, k)
					}
				}
				if d := cmp.Diff(want, keys(r, prefix, after)); d != "" {
					t.Errorf("Scan(%q, %q) (-want +got):\n%s", prefix, after, d)
				}
			}
		}
	}
	view(t, s, check)
	update(t, s, func(tx store.Txn) { check(tx) })
}

func scanStopsEarly(t *testing.T, s store.Store) {
	set(t, s, "/a", "/b", "/c")
	view(t, s, func(r store.Reader) {
		n := 0
		for range r.Scan("", "") {
			if n++; n == 2 {
				break
			}
		}
		scan := r.Scan("", "") // a sequence can be walked again
		for range 2 {
			var got []string
			for k := range scan {
				got = append(got, k)
			}
			if d := cmp.Diff([]string{"/a", "/b", "/c"}, got); d != "" {
				t.Errorf("Scan (-want +got):\n%s", d)
			}
		}
	})
}

func scanSeesWritesAhead(t *testing.T, s store.Store) {
	set(t, s, "/b", "/d", "/f", "/h", "/j")
	update(t, s, func(tx store.Txn) {
		got := []string{}
		for k, v := range tx.Scan("/", "") {
			got = append(got, k+"="+string(v))
			switch k {
			case "/b":
				tx.Set("/a", []byte("behind"))
				tx.Set("/c", []byte("ahead"))
			case "/c":
				tx.Delete("/c") // under the scan
				tx.Delete("/d") // the next one
			case "/f":
				tx.Set("/f", []byte("again"))
				tx.Set("/h", []byte("changed"))
				tx.Set("/z", []byte("last"))
				tx.Set("0", []byte("beyond the prefix"))
			}
		}
		want := []string{"/b=/b", "/c=ahead", "/f=/f", "/h=changed", "/j=/j", "/z=last"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Scan (-want +got):\n%s", d)
		}
	})
}

// scanDeletesAll changes the tree so much under the scan that pages split, empty and merge.
func scanDeletesAll(t *testing.T, s store.Store) {
	const n = 3000
	update(t, s, func(tx store.Txn) {
		for i := range n {
			tx.Set(fmt.Sprintf("/row/%05d", i), []byte(strings.Repeat("x", 50)))
		}
	})
	for _, stored := range []bool{true, false} { // rows from disk, then rows of the same transaction
		err := s.Update(t.Context(), func(tx store.Txn) error {
			if !stored {
				for i := range n {
					tx.Set(fmt.Sprintf("/row/%05d", i), []byte("y"))
				}
			}
			i := 0
			for k := range tx.Scan("/row/", "") {
				if want := fmt.Sprintf("/row/%05d", i); k != want {
					t.Fatalf("step %d gives %q", i, k)
				}
				tx.Delete(k)
				tx.Set(fmt.Sprintf("/copy/%05d", i), []byte("c"))
				i++
			}
			if i != n {
				t.Errorf("scanned %d rows, want %d", i, n)
			}
			if left := keys(tx, "/row/", ""); len(left) != 0 {
				t.Errorf("%d rows left, first %q", len(left), left[0])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := len(contents(t, s)); got != n {
		t.Errorf("%d keys, want %d", got, n)
	}
}

func scanNested(t *testing.T, s store.Store) {
	set(t, s, "/a/1", "/a/2", "/b/1", "/b/2")
	check := func(r store.Reader) {
		var got []string
		for a := range r.Scan("/a/", "") {
			for b := range r.Scan("/b/", "") {
				v, _ := r.Get(b)
				got = append(got, a+string(v))
			}
		}
		if d := cmp.Diff([]string{"/a/1/b/1", "/a/1/b/2", "/a/2/b/1", "/a/2/b/2"}, got); d != "" {
			t.Errorf("nested (-want +got):\n%s", d)
		}
	}
	view(t, s, check)
	update(t, s, func(tx store.Txn) { check(tx) })
}
