package policy

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestIsRegion_asThePattern holds the function against the pattern that it stands for.
func TestIsRegion_asThePattern(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	texts := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("ab-1A\n\u00e9")), 0, 12, -1),
		rapid.StringMatching(`[a-z]{1,3}(-[a-z]{0,3}){0,3}-?[0-9]{0,2}-?`),
	)
	rapid.Check(t, func(rt *rapid.T) {
		s := texts.Draw(rt, "text")
		if got, want := isRegion(s), pattern.MatchString(s); got != want {
			rt.Fatalf("isRegion(%q) is %t", s, got)
		}
	})
	for s, want := range map[string]bool{
		"eu-west-1": true, "us-gov-east-1": true, "ap-southeast-12": true, "us-1": false, "u-west-1": false, "eu-west-": false,
		"eu--1": false, "eu-west-1-": false, "eu-west-1\n": false, "": false, "-": false, "EU-west-1": false,
	} {
		if isRegion(s) != want {
			t.Errorf("isRegion(%q) is %t", s, !want)
		}
	}
}
