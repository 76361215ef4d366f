package policy

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestPatterns_asTheFunctions: what the schema says in a pattern is what the reader takes.
func TestPatterns_asTheFunctions(t *testing.T) {
	for name, c := range map[string]struct {
		pattern string
		takes   func(string) bool
		start   string
		letters string
		lengths []int
	}{
		"names":            {namePattern, isName, "", "azAZ09-_@[`{/:\n\xc3\xa9", []int{0, 1, 2, 3, 99, 100, 101}},
		"routing policies": {routingNamePattern, lettersAndDigits, "", "azAZ09-_@[`{/:\n\xc3\xa9", []int{0, 1, 2, 3, 99, 100, 101}},
		"attachments":      {attachmentPattern, isAttachmentID, "attachment-", "af09gA\n-", []int{0, 16, 17, 18}},
	} {
		t.Run(name, func(t *testing.T) {
			pattern, draw := regexp.MustCompile(c.pattern), rand.New(rand.NewPCG(1, 2))
			taken := 0
			for range 20_000 {
				some := c.letters[:1+draw.IntN(len(c.letters))]
				b := make([]byte, c.lengths[draw.IntN(len(c.lengths))])
				for i := range b {
					b[i] = some[draw.IntN(len(some))]
				}
				text := c.start + string(b)
				if draw.IntN(20) == 0 {
					text = strings.ToUpper(text)
				}
				if got := c.takes(text); got != pattern.MatchString(text) {
					t.Fatalf("%q is taken: %t", text, got)
				} else if got {
					taken++
				}
			}
			if taken < 100 {
				t.Errorf("%d were taken", taken)
			}
		})
	}
}
