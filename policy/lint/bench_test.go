package lint_test

import (
	"strings"
	"testing"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/lint"
)

// TestLint_bounded: no document of the largest size takes much memory or makes the answer long.
func TestLint_bounded(t *testing.T) {
	for name, text := range policytest.Hostile {
		t.Run(name, func(t *testing.T) {
			text := text()
			if len(text) > policy.MaxSize || len(text) < policy.MaxSize/2 {
				t.Fatalf("the document has %d bytes", len(text))
			}
			doc, errs := policy.Parse([]byte(text))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var findings []lint.Finding
			var err error
			took := policytest.Allocated(func() { findings, err = lint.Run(doc, nil, lint.Options{}) })
			t.Logf("%d bytes, %d findings, %d MB, %v", len(text), len(findings), took>>20, err)
			if err != nil || len(findings) > 1000 {
				t.Errorf("%d findings, %v", len(findings), err)
			}
			if took > policytest.MaxAllocated {
				t.Errorf("allocated %d MB", took>>20)
			}
		})
	}
}

func BenchmarkLint_1MB(b *testing.B) {
	for _, name := range []string{"exact conditions", "conditions that are nearly wider than the others", "shares"} {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			text := policytest.Hostile[name]()
			doc, errs := policy.Parse([]byte(text))
			if len(errs) > 0 {
				b.Fatal(errs)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := lint.Run(doc, nil, lint.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
