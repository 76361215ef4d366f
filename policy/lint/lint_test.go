package lint_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/lint"
)

// facts reads attachments, one a line, as `associate` does; label=… is the routing policy label.
func facts(text string) *lint.Facts {
	f := &lint.Facts{Attachments: []policy.Attached{}}
	for line := range strings.Lines(text) {
		a := policytest.Attachment(strings.TrimSpace(line))
		label := a.Tags["label"]
		delete(a.Tags, "label")
		f.Attachments = append(f.Attachments, policy.Attached{Attachment: a, Label: label})
	}
	return f
}

// found runs one rule, or all with "".
func found(t testing.TB, part, rule string, f *lint.Facts) string {
	t.Helper()
	var silence []string
	for _, r := range lint.Rules() {
		if rule != "" && r.Name != rule {
			silence = append(silence, r.Name)
		}
	}
	doc, errs := policy.Parse([]byte(policytest.Complete(t, part)))
	if len(errs) > 0 {
		return policytest.Render(errs)
	}
	findings, err := lint.Run(doc, f, lint.Options{Disabled: silence})
	if errs := policy.Errors(nil); errors.As(err, &errs) {
		return policytest.Render(errs)
	} else if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%d:%d %s %s %s: %s\n", f.Line, f.Column, f.Severity, f.Rule, f.Path, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(&b, "    hint: %s\n", f.Hint)
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

// TestLint runs testdata/lint: `lint RULE` shows what one rule finds, `lint` what all do. Attachments follow the part of
// the document after a line "attachments:". Every rule has a case in which it speaks and one in which it does not.
func TestLint(t *testing.T) {
	spoke, silent := map[string]bool{}, map[string]bool{}
	datadriven.Walk(t, "testdata/rules", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			rule := ""
			if len(d.CmdArgs) > 0 {
				rule = d.CmdArgs[0].Key
			}
			part, attached, known := strings.Cut(d.Input, "\nattachments:")
			var f *lint.Facts
			if known {
				f = facts(strings.TrimSpace(attached))
			}
			out := found(t, part, rule, f)
			if out == "nothing\n" {
				silent[rule] = true
			} else if strings.Contains(out, " "+rule+" ") {
				spoke[rule] = true
			}
			return out
		})
	})
	for _, r := range lint.Rules() {
		if !spoke[r.Name] || !silent[r.Name] {
			t.Errorf("%s: a case in which it speaks %v, one in which it is silent %v", r.Name, spoke[r.Name], silent[r.Name])
		}
	}
}

// TestRules_examples: every example is found by its rule, and every rule is described.
func TestRules_examples(t *testing.T) {
	f := facts("A1 vpc us-east-1 label=spoke\nA2 vpc eu-west-1\nA3 vpc us-east-1")
	names := map[string]bool{}
	for _, r := range lint.Rules() {
		if names[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		names[r.Name] = true
		if r.Summary == "" || r.Why == "" || r.Name != strings.ToLower(r.Name) {
			t.Errorf("%s is not described", r.Name)
		}
		use := f
		if !r.Facts {
			use = nil
		}
		if out := found(t, r.Example, r.Name, use); !strings.Contains(out, " "+r.Name+" ") {
			t.Errorf("%s does not find its example: %s", r.Name, out)
		}
	}
}

func TestRun_silence(t *testing.T) {
	doc, _ := policy.Parse([]byte(policytest.Complete(t, `{"attachment-policies": []}`)))
	for _, test := range []struct {
		silence []string
		speaks  bool
		fails   bool
	}{
		{nil, true, false},
		{[]string{"segment-without-way-in"}, false, false},
		{[]string{"segment-without-a-way-in"}, false, true},
	} {
		findings, err := lint.Run(doc, nil, lint.Options{Disabled: test.silence})
		if (err != nil) != test.fails || (len(findings) > 0) != test.speaks {
			t.Errorf("%v: %v, %v", test.silence, findings, err)
		}
	}
}

func TestRun_brokenDocument(t *testing.T) {
	doc, _ := policy.Parse([]byte(`{"version": "2021.12"}`))
	findings, err := lint.Run(doc, nil, lint.Options{})
	if errs := policy.Errors(nil); !errors.As(err, &errs) || len(findings) > 0 {
		t.Errorf("got %v, %v", findings, err)
	}
}

// TestRules_document compares docs/lint.md with the rules; with -rewrite it writes it.
func TestRules_document(t *testing.T) {
	const path = "../../docs/lint.md"
	var b strings.Builder
	rules := lint.Rules()
	fmt.Fprintf(&b, `# What lint finds

<!-- Written by go generate ./policy/lint from the rules themselves. -->

`+"`portolan policy lint`"+` reports what has no effect, or another effect than it seems to have, in a document that passes every
check. AWS accepts such documents. There are %d rules. An error certainly has no effect or another one; a warning most likely
is not what was meant; a note is worth knowing. `+"`--disable RULE`"+` disables a rule. A document cannot do that, as unknown
members are refused.

| Rule | Severity | What it finds |
|---|---|---|
`, len(rules))
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.Name, r.Name, r.Severity, r.Summary)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n%s (%s) %s\n\n```json\n%s\n```\n", r.Name, r.Summary, r.Severity, r.Why, r.Example)
		if r.Facts {
			b.WriteString("\nIt needs to know the attachments that exist.\n")
		}
	}
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	written, err := os.ReadFile(path)
	if err != nil || string(written) != b.String() {
		t.Errorf("%s is not what the rules say; run go generate ./policy/lint (%v)", path, err)
	}
}
