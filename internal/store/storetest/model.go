package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portolan/internal/store"
)

// Few and short keys, so that they meet; with bytes that sort at the edges.
var (
	anyKey  = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte("/ab\x00\xff")), 0, 3), func(b []byte) string { return string(b) })
	someKey = anyKey.Filter(func(k string) bool { return k != "" })
)

// modelRandomTransactions runs random transactions on the store and on a map, and compares all they read, all that is
// left, and all that a watcher saw. Everything random is drawn ahead: a transaction may run again.
func modelRandomTransactions(t *testing.T, open func(t testing.TB) store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer func() { _ = s.Close() }()
		ch, err := s.Watch(t.Context(), "")
		if err != nil {
			rt.Fatal(err)
		}
		model, replica := map[string]string{}, map[string]string{}
		ends := rapid.SampledFrom([]string{"commit", "commit", "commit", "error", "panic"})
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 0, 8)

		for range rapid.IntRange(1, 20).Draw(rt, "transactions") {
			var draft map[string]string
			var wrong error
			end, steps := ends.Draw(rt, "end"), steps.Draw(rt, "steps")
			err := s.Update(t.Context(), func(tx store.Txn) error {
				draft, wrong = maps.Clone(model), nil
				for _, step := range steps {
					if wrong = step.do(tx, draft); wrong != nil {
						return wrong
					}
				}
				switch end {
				case "error":
					return errOops
				case "panic":
					panic(errOops)
				}
				return nil
			})
			if wrong != nil {
				rt.Fatal(wrong)
			}
			if (end == "commit") != (err == nil) || end != "commit" && !errors.Is(err, errOops) {
				rt.Fatalf("%s: %v", end, err)
			}
			if err == nil && !maps.Equal(model, draft) {
				model = draft
				replay(replica, <-ch)
			}
			if d := cmp.Diff(model, contents(t, s)); d != "" {
				rt.Fatalf("contents (-model +store):\n%s", d)
			}
			if d := cmp.Diff(model, replica); d != "" {
				rt.Fatalf("watch (-model +replica):\n%s", d)
			}
		}
	})
}

// replay applies a commit to a copy of the store.
func replay(replica map[string]string, c store.Commit) {
	for _, change := range c.Changes {
		if change.Value == nil {
			delete(replica, change.Key)
		} else {
			replica[change.Key] = string(change.Value)
		}
	}
}

// step is one random call of a transaction.
type step struct{ call, key, prefix, after, value string }

func drawStep(rt *rapid.T) step {
	return step{
		call:   rapid.SampledFrom([]string{"set", "set", "delete", "get", "scan", "sweep"}).Draw(rt, "call"),
		key:    someKey.Draw(rt, "key"),
		prefix: anyKey.Draw(rt, "prefix"),
		after:  anyKey.Draw(rt, "after"),
		value:  rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "value"),
	}
}

// do makes the call in both worlds and says where they differ.
func (s step) do(tx store.Txn, model map[string]string) error {
	switch s.call {
	case "set":
		tx.Set(s.key, []byte(s.value))
		model[s.key] = s.value
	case "delete":
		tx.Delete(s.key)
		delete(model, s.key)
	case "get":
		v, ok := tx.Get(s.key)
		if want, there := model[s.key]; ok != there || string(v) != want {
			return fmt.Errorf("Get(%q) = %q, %v; want %q, %v", s.key, v, ok, want, there)
		}
	case "scan":
		if d := cmp.Diff(modelKeys(model, s.prefix, s.after), keys(tx, s.prefix, s.after)); d != "" {
			return fmt.Errorf("Scan(%q, %q) (-model +store):\n%s", s.prefix, s.after, d)
		}
	case "sweep": // writes under a scan
		want := modelKeys(model, s.prefix, "")
		var got []string
		for found := range tx.Scan(s.prefix, "") {
			got = append(got, found)
			if len(got)%2 == 0 {
				tx.Delete(found)
				delete(model, found)
			} else {
				tx.Set(found, []byte("swept"))
				model[found] = "swept"
			}
		}
		if !slices.Equal(want, got) {
			return fmt.Errorf("Scan(%q) under change gives %q, want %q", s.prefix, got, want)
		}
	}
	return nil
}

func modelKeys(model map[string]string, prefix, after string) []string {
	out := []string{}
	for _, k := range slices.Sorted(maps.Keys(model)) {
		if strings.HasPrefix(k, prefix) && k > after {
			out = append(out, k)
		}
	}
	return out
}
