package policy_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portolan/policy"
)

// seeds gives a fuzzer every document of the scripts.
func seeds(f *testing.F, add func(text string)) {
	f.Helper()
	document := regexp.MustCompile(`(?s)\n(\{.*?)\n(?:attachments:\n.*?)?----\n`)
	for _, dir := range []string{"testdata/scripts", "testdata/lint"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range document.FindAllStringSubmatch(string(text), -1) {
				part := m[1]
				if dir == "testdata/lint" {
					part = complete(f, part)
				}
				add(part)
			}
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	seed, err := os.ReadFile("../test/testdata/seed.json")
	if err != nil {
		f.Fatal(err)
	}
	add(string(seed))
}

// samePlaces compares places by their paths: white space may differ.
var samePlaces = cmp.Comparer(func(a, b policy.Place) bool { return a.Path() == b.Path() })

// FuzzParse reads anything: errors with a place in the text, or a document that prints and parses to itself and compiles
// to the same policy.
func FuzzParse(f *testing.F) {
	seeds(f, func(text string) { f.Add(text) })
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

// FuzzLint gives advice on any document that passes the checks: in order, in places that exist, and the same each time.
func FuzzLint(f *testing.F) {
	seeds(f, func(text string) { f.Add(text, "vpc", "us-east-1", "prod") })
	f.Fuzz(func(t *testing.T, text, kind, edge, tag string) {
		doc, errs := policy.Parse([]byte(text))
		if len(errs) > 0 {
			return
		}
		facts := &policy.Facts{Attachments: []policy.Attachment{
			{ID: "A1", Type: kind, Edges: []string{edge}, Account: "111122223333", ResourceID: "vpc-1", Tags: map[string]string{tag: tag, "domain": tag}},
			{ID: "A2", Type: kind, Edges: []string{edge, "eu-west-1"}, Tags: map[string]string{}},
		}}
		findings, err := policy.Lint(doc, facts, policy.LintOptions{})
		if wrong := policy.Errors(nil); errors.As(err, &wrong) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		again, _ := policy.Lint(doc, facts, policy.LintOptions{})
		if d := cmp.Diff(findings, again, cmpopts.IgnoreUnexported(policy.Finding{})); d != "" {
			t.Fatalf("another time: %s", d)
		}
		lines := strings.Count(text, "\n") + 1
		for i, f := range findings {
			if f.Rule == "" || f.Message == "" || f.Line < 1 || f.Line > lines || f.Column < 1 || !strings.HasPrefix(f.Path, "$") {
				t.Fatalf("%+v", f)
			}
			if i > 0 && f.Line < findings[i-1].Line {
				t.Fatalf("%+v stands after %+v", f, findings[i-1])
			}
		}
	})
}
