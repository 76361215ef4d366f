package policy_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

// samePlaces compares places by their paths: white space may differ.
var samePlaces = cmp.Comparer(func(a, b policy.Place) bool { return a.Path() == b.Path() })

// FuzzParse reads anything: errors with a place in the text, or a document that prints and parses to itself and compiles
// to the same policy.
func FuzzParse(f *testing.F) {
	policytest.Seeds(f, ".", func(text string) { f.Add(text) })
	f.Add(`{"a":{"b":[1,2,{"c":"d\"e"}]}}`)
	f.Add(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["0-4294967295","4200000000-4294967295"],"edge-locations":[{"location":"a-b-1","asn":4294967294}],"inside-cidr-blocks":["0.0.0.0/0","::/0"]},"segments":[{"name":"a"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, errs := policy.Parse([]byte(text))
		if (doc == nil) == (len(errs) == 0) {
			t.Fatalf("document %v with %d errors", doc, len(errs))
		}
		checkPlaces(t, text, errs)
		if doc == nil {
			return
		}
		if errs := policy.Check(doc); len(errs) > 0 {
			checkPlaces(t, text, errs)
			return
		}
		printed := policy.Format(doc)
		again, errs := policy.Parse(printed)
		if len(errs) > 0 || len(policy.Check(again)) > 0 {
			t.Fatalf("what was printed is wrong: %v, %v\n%s", errs, policy.Check(again), printed)
		}
		if d := cmp.Diff(doc, again, samePlaces, cmpopts.IgnoreUnexported(policy.Document{}), cmpopts.EquateComparable(netip.Prefix{})); d != "" {
			t.Fatalf("another document was printed: %s", d)
		}
		if twice := policy.Format(again); string(twice) != string(printed) {
			t.Fatalf("printed %s, then %s", printed, twice)
		}
		p, errs := policy.Compile(doc, nil)
		q, errs2 := policy.Compile(again, nil)
		checkPlaces(t, text, errs)
		if len(errs) != len(errs2) {
			t.Fatalf("%v, then %v", errs, errs2)
		}
		if d := cmp.Diff(p, q, samePlaces, cmpopts.IgnoreUnexported(policy.Policy{}), cmpopts.EquateComparable(netip.Prefix{})); d != "" {
			t.Fatalf("another policy was printed: %s", d)
		}
		if p != nil {
			a := policy.Attachment{Type: "vpc", Edges: []string{"eu-west-1"}, Tags: map[string]string{"a": "b"}}
			if d := cmp.Diff(decided(p.Associate(a)), decided(p.Decide(&a))); d != "" {
				t.Fatalf("with and without a trace: %s", d)
			}
		}
	})
}

func decided(d policy.Decision) policy.Decision {
	d.Trace = nil
	return d
}

func checkPlaces(t *testing.T, text string, errs policy.Errors) {
	t.Helper()
	lines := strings.Count(text, "\n") + 1
	for i, e := range errs {
		plain := e.Code == policy.CodeInvalidASNUpdate // AWS says this one without a path
		if e.Code == "" || e.Line < 1 || e.Line > lines || e.Column < 1 || !plain && !strings.HasPrefix(e.Message, e.Path+": ") {
			t.Fatalf("%+v", e)
		}
		if i > 0 && (e.Line < errs[i-1].Line || e.Line == errs[i-1].Line && e.Column < errs[i-1].Column) {
			t.Fatalf("%+v stands after %+v", e, errs[i-1])
		}
	}
}
