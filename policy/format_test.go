package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

func mustFormat(t testing.TB, text string) string {
	t.Helper()
	doc, errs := policy.Parse([]byte(text))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return string(policy.Format(doc))
}

func TestFormat_layout(t *testing.T) {
	got := mustFormat(t, `{"segments":[{"isolate-attachments":true,"name":"a"},{"name":"b","edge-locations":["eu-west-1"],"description":"`+strings.Repeat("x", 100)+`"}],
	"later": {"b":1e2,"a":null}, "segment-actions": [],
	"attachment-policies":[{"conditions":[{"value":"v","key":"k","operator":"equals","type":"tag-value"},{"type":"any"}],"condition-logic":"or","rule-number":1.0,"action":{"segment":"a","association-method":"constant"}}],
	"version":"2021.12","core-network-configuration":{"edge-locations":[{"asn":64512,"location":"eu-west-1"}],"asn-ranges":["64512-\u0036\u0034\u0035\u0039\u0039"]}}`)
	want := `{
  "version": "2021.12",
  "core-network-configuration": {
    "asn-ranges": ["64512-64599"],
    "edge-locations": [{"location": "eu-west-1", "asn": 64512}]
  },
  "segments": [
    {"name": "a", "isolate-attachments": true},
    {
      "name": "b",
      "description": "` + strings.Repeat("x", 100) + `",
      "edge-locations": ["eu-west-1"]
    }
  ],
  "segment-actions": [],
  "attachment-policies": [
    {
      "rule-number": 1.0,
      "condition-logic": "or",
      "conditions": [{"type": "tag-value", "operator": "equals", "key": "k", "value": "v"}, {"type": "any"}],
      "action": {"association-method": "constant", "segment": "a"}
    }
  ],
  "later": {
    "b": 1e2,
    "a": null
  }
}
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestFormat_everyMemberOrdered: every shape of the language is put in its order: no key of a complete document comes
// before one that it follows.
func TestFormat_everyMemberOrdered(t *testing.T) {
	text, err := os.ReadFile("testdata/format/shuffled.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/format/ordered.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), mustFormat(t, string(text))); d != "" {
		t.Error(d)
	}
}

func TestFormat_tooLargeWithSpaces(t *testing.T) {
	text := "[" + strings.Repeat("[[]],", policy.MaxSize/5-2) + "0]"
	got := mustFormat(t, text)
	if got != text {
		t.Errorf("%d bytes became %d", len(text), len(got))
	}
}

// checkFormat holds what Format promises of any document.
func checkFormat(t interface{ Fatalf(string, ...any) }, text []byte) {
	doc, errs := policy.Parse(text)
	if len(errs) > 0 {
		return
	}
	once := policy.Format(doc)
	again, errs := policy.Parse(once)
	if len(errs) > 0 {
		t.Fatalf("the formatted text cannot be read: %v\n%s", errs, once)
	}
	if twice := policy.Format(again); !bytes.Equal(once, twice) {
		t.Fatalf("formatting again changes it:\n%s\n%s", once, twice)
	}
	if a, b := meaning(text), meaning(once); !cmp.Equal(a, b) {
		t.Fatalf("another meaning:\n%s", cmp.Diff(a, b))
	}
	if a, b := codes(policy.Check(doc)), codes(policy.Check(again)); !cmp.Equal(a, b) && len(a) < 1000 {
		t.Fatalf("other errors:\n%s", cmp.Diff(a, b))
	}
}

// meaning is what a JSON reader that knows no order of members sees, with the digits of numbers.
func meaning(text []byte) any {
	digits := json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
		if dec.PeekKind() != '0' {
			return errors.ErrUnsupported
		}
		number, err := dec.ReadValue()
		*v = jsontext.Value(bytes.Clone(number))
		return err
	})
	var v any
	if err := json.Unmarshal(text, &v, json.WithUnmarshalers(digits), jsontext.AllowDuplicateNames(true)); err != nil {
		return err
	}
	return v
}

func codes(errs policy.Errors) map[string]int {
	set := map[string]int{}
	for _, e := range errs {
		set[e.Code+" "+e.Path]++
	}
	return set
}

func TestFormat_keepsMeaning(t *testing.T) {
	keys := []string{"version", "segments", "name", "segment-actions", "action", "via", "with-edge-overrides", "edge-sets", "é\n", "<&>", "a b"}
	rapid.Check(t, func(t *rapid.T) {
		var value func(depth int) string
		value = func(depth int) string {
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			if depth > 5 && kind > 3 {
				kind = 0
			}
			switch kind {
			case 0:
				return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
			case 1:
				return rapid.SampledFrom([]string{"0", "-0", "1.50", "1e400", "123456789012345678901234567890"}).Draw(t, "number")
			case 2, 3:
				b, _ := json.Marshal(rapid.String().Draw(t, "string"))
				return string(b)
			case 4:
				var list []string
				for range rapid.IntRange(0, 4).Draw(t, "elements") {
					list = append(list, value(depth+1))
				}
				return "[" + strings.Join(list, " ,\n") + "]"
			default:
				var list []string
				for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 5, rapid.ID).Draw(t, "keys") {
					b, _ := json.Marshal(k)
					list = append(list, fmt.Sprintf("%s\t:%s", b, value(depth+1)))
				}
				return "{" + strings.Join(list, ",") + "}"
			}
		}
		checkFormat(t, []byte(value(0)))
	})
}

func FuzzFormat(f *testing.F) {
	for _, name := range []string{"../test/testdata/seed.json", "testdata/format/shuffled.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`[0e1,"\ud83d\ude00",{"a":{}}]`))
	f.Fuzz(func(t *testing.T, text []byte) { checkFormat(t, text) })
}

func BenchmarkFormat_1MB(b *testing.B) {
	doc, errs := policy.Parse([]byte(policytest.Large()))
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	b.SetBytes(int64(len(policytest.Large())))
	for b.Loop() {
		policy.Format(doc)
	}
}
