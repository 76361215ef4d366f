package api

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// checker collects the violated constraints of one input.
type checker struct{ errors []FieldError }

func (c *checker) add(name, message string) {
	c.errors = append(c.errors, FieldError{Name: name, Message: message})
}

func (c *checker) missing(name string) { c.add(name, "Member must not be null.") }

// length counts Unicode code points, as the model does.
func (c *checker) length(name, value string, low, high int) {
	if len(value) <= high && low == 0 {
		return // no more code points than bytes
	}
	switch n := utf8.RuneCountInString(value); {
	case n < low:
		c.add(name, fmt.Sprintf("Member must have length greater than or equal to %d.", low))
	case n > high:
		c.add(name, fmt.Sprintf("Member must have length less than or equal to %d.", high))
	}
}

func (c *checker) between(name string, value, low, high int64) {
	switch {
	case value < low:
		c.add(name, fmt.Sprintf("Member must have value greater than or equal to %d.", low))
	case value > high:
		c.add(name, fmt.Sprintf("Member must have value less than or equal to %d.", high))
	}
}

func (c *checker) oneOf(name, value string, values []string) {
	if !slices.Contains(values, value) {
		c.add(name, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"].")
	}
}

func (c *checker) matches(name, value string, p *pattern) {
	if !p.matches(value) {
		c.add(name, "Member must satisfy regular expression pattern: "+p.text+".")
	}
}

// pattern is a regular expression of the model, compiled when it is first needed. It must match as a whole.
type pattern struct {
	text    string
	compile func() *regexp.Regexp
}

func newPattern(text string) *pattern {
	return &pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + text + `)\z`) })}
}

func (p *pattern) matches(s string) bool { return p.compile().MatchString(s) }

// sortedMap walks a map in key order, so that errors come in the same order each time.
func sortedMap[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// setInt32 reads an integer of the path or the query.
func setInt32(dst *int32, name, value string) []FieldError {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return []FieldError{{Name: name, Message: "Member must be an integer."}}
	}
	*dst = int32(n)
	return nil
}
