package lint_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/policy"
)

// TestLint_corpus runs every rule on whole policies as people write them. Beside NAME.json, NAME.findings has what an
// expert would say about it, and nothing else; with -rewrite it is written, and is then to be judged line by line.
func TestLint_corpus(t *testing.T) {
	documents, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(documents) < 40 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, path := range documents {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if doc, errs := policy.Parse(text); len(errs) > 0 || string(policy.Format(doc)) != string(text) {
				t.Errorf("%s is not in canonical form: %v", path, errs)
			}
			got := found(t, string(text), "", nil)
			file := strings.TrimSuffix(path, ".json") + ".findings"
			if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("got\n%swant\n%s(%v)", got, want, err)
			}
		})
	}
}
