package lint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/lint"
)

// FuzzLint gives advice on any document that passes the checks: in order, in places that exist, and the same each time.
func FuzzLint(f *testing.F) {
	policytest.Seeds(f, "..", func(text string) { f.Add(text, "vpc", "us-east-1", "prod") })
	f.Fuzz(func(t *testing.T, text, kind, edge, tag string) {
		doc, errs := policy.Parse([]byte(text))
		if len(errs) > 0 {
			return
		}
		facts := &lint.Facts{Attachments: []policy.Attached{
			{Attachment: policy.Attachment{ID: "A1", Type: kind, Edges: []string{edge}, Account: "111122223333", ResourceID: "vpc-1", Tags: map[string]string{tag: tag, "domain": tag}}},
			{Attachment: policy.Attachment{ID: "A2", Type: kind, Edges: []string{edge, "eu-west-1"}, Tags: map[string]string{}}},
		}}
		findings, err := lint.Run(doc, facts, lint.Options{})
		if wrong := policy.Errors(nil); errors.As(err, &wrong) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		again, _ := lint.Run(doc, facts, lint.Options{})
		if d := cmp.Diff(findings, again, cmpopts.IgnoreUnexported(lint.Finding{})); d != "" {
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
