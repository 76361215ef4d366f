// Package words is for messages: it cuts what is quoted from a document and finds the known word that a misspelt one is
// closest to.
package words

import (
	"maps"
	"slices"
	"strings"
)

// maxQuoted bounds what is quoted from a document, so that a thousand errors about one huge name stay small.
const maxQuoted = 100

// Clip is a text as it is quoted: at most 100 bytes of it.
func Clip(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "…"
}

// MaxSuggestions bounds the names that a misspelt one is compared with.
const MaxSuggestions = 50

// Keys is the names of a map, sorted; none when there are more than MaxSuggestions.
func Keys[T any](m map[string]T) []string {
	if len(m) > MaxSuggestions {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// instead holds what the service takes where the user guide, or an old example, says something else.
var instead = map[string]string{
	"use-edge": "use-edge-location",
	"account":  "account-id",
}

// DidYouMean is the hint for a word that is not among the known ones, "" when none is close.
func DidYouMean(word string, known []string) string {
	near := instead[word]
	if !slices.Contains(known, near) {
		near = nearest(word, known)
	}
	if near == "" {
		return ""
	}
	return "did you mean " + Clip(near) + "?"
}

// nearest is the known word a misspelt one is closest to, "" when none is close. One letter is close to any other.
func nearest(word string, known []string) string {
	best, bestDistance := "", min(3, len(word))
	for _, k := range known {
		if d := Distance(word, k, bestDistance); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// Distance counts the edits between two short words, as long as they are fewer than limit.
func Distance(a, b string, limit int) int {
	const short = 64
	if len(a) > short || len(b) > short || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var row [short + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
