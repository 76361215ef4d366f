package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portolan/internal/store"
)

func TestPath_distinct(t *testing.T) {
	for _, test := range []struct {
		segments []string
		want     string
	}{
		{nil, ""},
		{[]string{""}, "/"},
		{[]string{"acct", "1", "device", "d"}, "/acct/1/device/d"},
		{[]string{"acct", "1", ""}, "/acct/1/"},
		{[]string{"a/b", "50%", "%2F"}, "/a%2Fb/50%25/%252F"},
	} {
		if got := store.Path(test.segments...); got != test.want {
			t.Errorf("Path(%q) = %q, want %q", test.segments, got, test.want)
		}
	}
	segments := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("/%2Fa"))), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := segments.Draw(t, "a"), segments.Draw(t, "b")
		if (store.Path(a...) == store.Path(b...)) != slices.Equal(a, b) {
			t.Fatalf("%q and %q give %q and %q", a, b, store.Path(a...), store.Path(b...))
		}
	})
}

func dump(t testing.TB, s store.Store) string {
	t.Helper()
	var out strings.Builder
	if err := s.View(t.Context(), func(r store.Reader) error { return store.Dump(r, &out) }); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDump_lines(t *testing.T) {
	s := store.OpenMemory()
	defer s.Close()
	err := s.Update(t.Context(), func(tx store.Txn) error {
		devices.Put(tx, "/device/1", &device{Id: "1", Site: "s"})
		tx.Set("/raw", []byte("not\nJSON"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"key":"/by-site/s/1","value":"/device/1"}
{"key":"/device/1","value":{"Id":"1","Site":"s","Tags":null,"Vendor":"","Note":""}}
{"key":"/raw","bytes":"not\nJSON"}
`
	if d := cmp.Diff(want, dump(t, s)); d != "" {
		t.Errorf("Dump (-want +got):\n%s", d)
	}
}
