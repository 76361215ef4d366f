package auth

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// pattern is a text of a policy in which * stands for any characters and ? for one. With policy variables it must be
// filled in for each request; what a variable brings is taken as it is, wildcards included.
type pattern struct {
	text   string
	glyphs []rune // characters, or one of the marks below
	vars   []variable
}

const (
	anyRun  rune = -1
	oneChar rune = -2
	firstIn rune = -10 // -10-i is vars[i]
)

// variable is ${key} or ${key, 'default'}.
type variable struct {
	key          string // lower case
	fallback     string
	withFallback bool
}

// lookup gives a request's values of a condition key in lower case; false when it has none.
type lookup func(key string) ([]string, bool)

const maxPattern = 4096

// newPattern compiles a text. wild tells whether * and ? are wildcards, variables whether ${…} is replaced.
func newPattern(text string, wild, variables bool) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("this is longer than %d bytes", maxPattern)
	}
	p := &pattern{text: text, glyphs: make([]rune, 0, len(text))}
	for i := 0; i < len(text); {
		if variables && strings.HasPrefix(text[i:], "${") {
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("a policy variable does not end with }")
			}
			if err := p.addVariable(text[i+2 : i+end]); err != nil {
				return nil, err
			}
			i += end + 1
			continue
		}
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case wild && c == '*':
			c = anyRun
			if len(p.glyphs) > 0 && p.glyphs[len(p.glyphs)-1] == anyRun {
				i += size
				continue
			}
		case wild && c == '?':
			c = oneChar
		}
		p.glyphs = append(p.glyphs, c)
		i += size
	}
	return p, nil
}

func (p *pattern) addVariable(body string) error {
	if body == "*" || body == "?" || body == "$" {
		p.glyphs = append(p.glyphs, rune(body[0]))
		return nil
	}
	key, fallback, found := strings.Cut(body, ",")
	v := variable{key: strings.ToLower(strings.TrimSpace(key)), withFallback: found}
	if found {
		quoted := strings.TrimSpace(fallback)
		if len(quoted) < 2 || quoted[0] != '\'' || quoted[len(quoted)-1] != '\'' {
			return fmt.Errorf("the default of a policy variable must be in single quotes")
		}
		v.fallback = quoted[1 : len(quoted)-1]
	}
	if !strings.Contains(v.key, ":") {
		return fmt.Errorf("${%s} is no policy variable", shown(body))
	}
	p.glyphs = append(p.glyphs, firstIn-rune(len(p.vars)))
	p.vars = append(p.vars, v)
	return nil
}

// filled replaces the variables. It reports false when the request has no value, or several, for one.
func (p *pattern) filled(look lookup) ([]rune, bool) {
	if p.vars == nil {
		return p.glyphs, true
	}
	var out []rune
	for _, g := range p.glyphs {
		if g > firstIn {
			out = append(out, g)
			continue
		}
		v := p.vars[firstIn-g]
		values, _ := look(v.key)
		switch {
		case len(values) == 1:
			out = append(out, []rune(values[0])...)
		case len(values) == 0 && v.withFallback:
			out = append(out, []rune(v.fallback)...)
		default:
			return nil, false
		}
	}
	return out, true
}

// matches tells whether s as a whole fits.
func (p *pattern) matches(s string, look lookup) bool {
	glyphs, ok := p.filled(look)
	return ok && glob(glyphs, s)
}

// matchesARN compares ARNs field by field: a wildcard does not reach beyond the colon of its field, except in the last.
// A pattern with fewer than six fields, such as "*" or "arn:aws:networkmanager:*", is compared as a whole.
func (p *pattern) matchesARN(s string, look lookup) bool {
	glyphs, ok := p.filled(look)
	if !ok {
		return false
	}
	return globARN(glyphs, s)
}

func globARN(glyphs []rune, s string) bool {
	if countUpTo(glyphs, ':', 5) < 5 {
		return glob(glyphs, s)
	}
	for range 5 {
		colon := slices.Index(glyphs, ':')
		field, rest, found := strings.Cut(s, ":")
		if !found || !glob(glyphs[:colon], field) {
			return false
		}
		glyphs, s = glyphs[colon+1:], rest
	}
	return glob(glyphs, s)
}

func countUpTo(glyphs []rune, c rune, most int) int {
	n := 0
	for _, g := range glyphs {
		if g == c {
			if n++; n == most {
				break
			}
		}
	}
	return n
}

// glob matches with one step back: when a later part does not fit, the last * takes one character more.
func glob(glyphs []rune, s string) bool {
	star, mark := -1, 0 // the last *, and where in s what follows it was tried
	g, i := 0, 0
	for i < len(s) {
		c, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case g < len(glyphs) && glyphs[g] == anyRun:
			star, mark = g, i
			g++
		case g < len(glyphs) && (glyphs[g] == oneChar || glyphs[g] == c):
			g++
			i += size
		case star >= 0:
			_, size = utf8.DecodeRuneInString(s[mark:])
			mark += size
			g, i = star+1, mark
		default:
			return false
		}
	}
	for g < len(glyphs) && glyphs[g] == anyRun {
		g++
	}
	return g == len(glyphs)
}
