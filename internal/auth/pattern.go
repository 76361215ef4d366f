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
	whole  bool // of Resource: no ARN but a text that begins with *, which is compared as a whole
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

// varies tells whether the pattern has variables.
func (p *pattern) varies() bool { return p.vars != nil }

// value is that of a variable. It reports false when the request has none, or several.
func (v *variable) value(look lookup) (string, bool) {
	values, _ := look(v.key)
	switch {
	case len(values) == 1:
		return values[0], true
	case len(values) == 0 && v.withFallback:
		return v.fallback, true
	}
	return "", false
}

// known tells whether the request has a value for every variable.
func (p *pattern) known(look lookup) bool {
	return !slices.ContainsFunc(p.vars, func(v variable) bool { _, ok := v.value(look); return !ok })
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
		value, ok := p.vars[firstIn-g].value(look)
		if !ok {
			return nil, false
		}
		out = append(out, []rune(value)...)
	}
	return out, true
}

// full is the pattern with its variables replaced, or false as filled.
func (p *pattern) full(look lookup) (*pattern, bool) {
	glyphs, ok := p.filled(look)
	return &pattern{glyphs: glyphs}, ok
}

// arnFields is of how many fields an ARN is: arn, partition, service, region, account, resource.
const arnFields = 6

// globARN compares ARNs field by field: a wildcard stays inside its field. The last one has all that follows the fifth
// colon, other colons too. A pattern of fewer fields matches nothing.
func globARN(glyphs []rune, s string) bool {
	for range arnFields - 1 {
		colon := slices.Index(glyphs, ':')
		field, rest, found := strings.Cut(s, ":")
		if colon < 0 || !found || !glob(glyphs[:colon], field) {
			return false
		}
		glyphs, s = glyphs[colon+1:], rest
	}
	return glob(glyphs, s)
}

// newResource compiles an element of Resource: as IAM does, an ARN that lacks fields gets * for each of them.
func newResource(text string, variables bool) (*pattern, error) {
	p, err := newPattern(text, true, variables)
	if err != nil {
		return nil, err
	}
	if p.whole = !strings.HasPrefix(text, "arn:"); p.whole {
		return p, nil
	}
	for fields := 1 + strings.Count(string(p.glyphs), ":"); fields < arnFields; fields++ {
		p.glyphs = append(p.glyphs, ':', anyRun)
	}
	return p, nil
}

// names tells whether an element of Resource, its variables filled in, is about a resource.
func (p *pattern) names(glyphs []rune, resource string) bool {
	if p.whole {
		return glob(glyphs, resource)
	}
	return globARN(glyphs, resource)
}

// glob tells whether a text as a whole fits. What stands before the first * and after the last is compared in place, and each
// piece between two is looked for once, where it first occurs after the one before. So the time grows with the length of
// the text, and only of a piece with ? also with 1/64 of the piece's.
func glob(glyphs []rune, s string) bool {
	first := slices.Index(glyphs, anyRun)
	if first < 0 {
		rest, ok := after(glyphs, s)
		return ok && rest == ""
	}
	s, ok := after(glyphs[:first], s)
	if !ok {
		return false
	}
	for glyphs = glyphs[first+1:]; ; {
		next := slices.Index(glyphs, anyRun)
		if next < 0 {
			return ends(glyphs, s)
		}
		if s, ok = locate(glyphs[:next], s); !ok {
			return false
		}
		glyphs = glyphs[next+1:]
	}
}

// after is what follows a piece that a text begins with.
func after(piece []rune, s string) (rest string, ok bool) {
	for _, g := range piece {
		c, size := utf8.DecodeRuneInString(s)
		if size == 0 || g != oneChar && g != c {
			return "", false
		}
		s = s[size:]
	}
	return s, true
}

// ends tells whether a text ends with a piece.
func ends(piece []rune, s string) bool {
	for _, g := range slices.Backward(piece) {
		c, size := utf8.DecodeLastRuneInString(s)
		if size == 0 || g != oneChar && g != c {
			return false
		}
		s = s[:len(s)-size]
	}
	return true
}

// locate is what follows the first occurrence of a piece.
func locate(piece []rune, s string) (rest string, ok bool) {
	if !slices.Contains(piece, oneChar) && !slices.Contains(piece, utf8.RuneError) {
		_, rest, ok = strings.Cut(s, string(piece))
		return rest, ok
	}
	// Bit i of at says that the text up to here ends with the first i+1 characters of the piece.
	words := (len(piece) + 63) / 64
	at, every, masks := make([]uint64, words), make([]uint64, words), map[rune][]uint64{}
	for i, g := range piece {
		bit := uint64(1) << (i % 64)
		if g == oneChar {
			every[i/64] |= bit
			continue
		}
		if masks[g] == nil {
			masks[g] = make([]uint64, words)
		}
		masks[g][i/64] |= bit
	}
	for i, c := range s {
		mask := masks[c]
		carry := uint64(1)
		for w := range at {
			fits := every[w]
			if mask != nil {
				fits |= mask[w]
			}
			at[w], carry = (at[w]<<1|carry)&fits, at[w]>>63
		}
		if at[words-1]>>((len(piece)-1)%64)&1 != 0 {
			_, size := utf8.DecodeRuneInString(s[i:])
			return s[i+size:], true
		}
	}
	return "", false
}
