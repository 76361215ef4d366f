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

// Violation is one constraint of the model that an input violates. [ViolatedConstraints] makes the reply of a list of them.
type Violation struct {
	Field      string // where, as Fields of a ValidationException name it: "tags[0].key"
	Path       string // where, as its Message names it: "tags.1.member.key"
	Constraint string // "Member must not be null"
	Null       bool   // there is no value
}

// MaxViolations is how many violations are collected: a body can hold hundreds of thousands.
const MaxViolations = 1000

// EmptyStrings says what a required string that is "" is: one that was not sent, or an empty one.
type EmptyStrings struct {
	Missing map[string]bool // fields that were not sent, while the others were; nil: none was
	Only    bool            // collect what is missing alone
}

// checker collects the violated constraints of one input.
type checker struct {
	empty      EmptyStrings
	violations []Violation
}

// absent tells whether a required string that is "" was not sent.
func (c *checker) absent(at *place) bool {
	if c.empty.Missing == nil || c.full() {
		return true
	}
	field, _ := at.spell()
	return c.empty.Missing[field]
}

func (c *checker) full() bool { return len(c.violations) >= MaxViolations }

// ignores tells whether what is wrong with a value does not count.
func (c *checker) ignores() bool { return c.empty.Only || c.full() }

func (c *checker) add(at *place, constraint string) {
	field, path := at.spell()
	c.violations = append(c.violations, Violation{Field: field, Path: path, Constraint: constraint})
}

func (c *checker) missing(at *place) {
	if c.full() {
		return
	}
	c.add(at, "Member must not be null")
	c.violations[len(c.violations)-1].Null = true
}

// length counts Unicode code points, as the model does.
func (c *checker) length(at *place, value string, low, high int) {
	if len(value) <= high && low == 0 || c.ignores() {
		return // no more code points than bytes
	}
	switch n := utf8.RuneCountInString(value); {
	case n < low:
		c.add(at, fmt.Sprintf("Member must have length greater than or equal to %d", low))
	case n > high:
		c.add(at, fmt.Sprintf("Member must have length less than or equal to %d", high))
	}
}

func (c *checker) between(at *place, value, low, high int64) {
	switch {
	case c.ignores():
	case value < low:
		c.add(at, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case value > high:
		c.add(at, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

func (c *checker) oneOf(at *place, value string, values []string) {
	if !c.ignores() && !slices.Contains(values, value) {
		c.add(at, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
	}
}

func (c *checker) matches(at *place, value string, p *pattern) {
	if !c.ignores() && !p.matches(value) {
		c.add(at, "Member must satisfy regular expression pattern: "+p.text)
	}
}

// place is where a value is in an input. It is spelled only when the value is wrong, so that a right one costs nothing.
type place struct {
	in    *place // nil: the input itself
	kind  byte   // memberPlace, entryPlace or elementPlace
	name  string // of a member, or the key of an entry of a map
	index int    // of an element of a list, from 0
}

const (
	memberPlace = iota
	entryPlace
	elementPlace
)

func (p *place) member(name string) place { return place{in: p, name: name} }
func (p *place) entry(key string) place   { return place{in: p, kind: entryPlace, name: key} }
func (p *place) element(i int) place      { return place{in: p, kind: elementPlace, index: i} }

// spell gives the place in the spelling of a field and in that of a message, which counts elements from 1.
func (p *place) spell() (field, path string) {
	if p == nil {
		return "", ""
	}
	field, path = p.in.spell()
	switch p.kind {
	case memberPlace:
		if p.in == nil {
			own := strings.Clone(p.name) // so that places can stay on the stack
			return own, own
		}
		return field + "." + p.name, path + "." + p.name
	case entryPlace:
		return field + "." + p.name, path + "." + p.name + ".member"
	default:
		return field + "[" + strconv.Itoa(p.index) + "]", path + "." + strconv.Itoa(p.index+1) + ".member"
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

// parseInt32 reads an integer of the path or the query.
func parseInt32(name, value string) (int32, []Violation) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, []Violation{{Field: name, Path: name, Constraint: "Member must be an integer"}}
	}
	return int32(n), nil
}
