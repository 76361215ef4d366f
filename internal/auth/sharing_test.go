package auth

import (
	"fmt"
	"strings"
	"testing"
)

// TestResourcePolicies_readOnce: a document is read once as long as it is kept, and what is kept is bounded.
func TestResourcePolicies_readOnce(t *testing.T) {
	document := func(sid int) string {
		return fmt.Sprintf(`{"Statement": {"Sid": "s%d", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}`, sid) + strings.Repeat(" ", 20_000)
	}
	r := new(ResourcePolicies)
	first, err := r.policy(document(0))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.policy(document(0)); err != nil || again != first {
		t.Errorf("read again: %v", err)
	}
	for i := range 1000 {
		if p, err := r.policy(document(i)); err != nil || p.statements[0].sid != fmt.Sprintf("s%d", i) {
			t.Fatalf("%d: %+v, %v", i, p, err)
		}
		if r.bytes > maxReadPolicies || len(r.read)*20_000 > maxReadPolicies {
			t.Fatalf("%d documents of %d bytes are kept", len(r.read), r.bytes)
		}
	}
	if _, err := r.policy("{}"); err == nil {
		t.Error("a policy without a statement")
	}
	if p, err := (*ResourcePolicies)(nil).policy(document(1)); err != nil || p.Name != "the resource policy" {
		t.Errorf("kept by none: %+v, %v", p, err)
	}
}

func TestResourcePolicies_length(t *testing.T) {
	policy := `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}`
	r := new(ResourcePolicies)
	if err := r.Check(policy + strings.Repeat(" ", maxResourcePolicy-len(policy))); err != nil {
		t.Error(err)
	}
	if err := r.Check(policy + strings.Repeat(" ", maxResourcePolicy-len(policy)+1)); err == nil || err.Error() != "it is longer than 20480 bytes" {
		t.Error(err)
	}
}

// TestGlob_longTexts: a pattern that a search with steps back would be at for minutes.
func TestGlob_longTexts(t *testing.T) {
	text := strings.Repeat("a", 1<<20)
	for pattern, want := range map[string]bool{
		"*" + strings.Repeat("a", 4000) + "b":                  false,
		strings.Repeat("*a", 2000) + "b":                       false,
		strings.Repeat("*a", 2000):                             true,
		"*" + strings.Repeat("a", 4000) + "b*":                 false,
		"*" + strings.Repeat("a?", 2000) + "b*":                false,
		"*" + strings.Repeat("?a", 2000) + "*":                 true,
		strings.Repeat("*"+strings.Repeat("a", 9), 400) + "*b": false,
	} {
		p, err := newPattern(pattern, true, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := glob(p.glyphs, text); got != want {
			t.Errorf("%.20s…: %v", pattern, got)
		}
	}
}
