package service

import "testing"

func TestMatchesPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "dx/gateway", true},
		{"a*c", "abbc", true},
		{"a*c", "abcd", false},
		{"?", "", false},
		{"v?c-*1", "vpc-0a1b1", true},
		{"*a*b", "xaxbxb", true},
		{"[vpc]", "v", false},
		{"[vpc]", "[vpc]", true},
		{`\*`, `\x`, true},
		{"a**", "a", true},
	} {
		if got := matchesPattern(c.pattern, c.value); got != c.want {
			t.Errorf("%q of %q: %t", c.pattern, c.value, got)
		}
	}
}
