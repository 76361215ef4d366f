package auth

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one operator on one key, with the values of the policy.
type condition struct {
	operator string // as written
	key      string // as written
	lower    string
	set      setOperator
	ifExists bool
	null     bool // the operator Null
	negated  bool
	values   []operand
}

// setOperator says how the values of a key that has several are taken together.
type setOperator byte

const (
	noSet  setOperator = iota
	forAll             // ForAllValues: each must satisfy; so do none
	forAny             // ForAnyValue: one must satisfy
)

// operand is a value of the policy, made ready by its operator.
type operand interface {
	matches(value string) bool
}

// filler is an operand that may have variables.
type filler interface {
	varies() bool      // it has some
	known(lookup) bool // the request has a value for each

	// fill gives it without variables, false when the request has no value for one.
	fill(look lookup) (operand, bool)
}

type operatorFamily struct {
	parse   func(text string, variables bool) (operand, error)
	negated bool
}

// operators are all but Null. A negated one holds where its positive one does not, for a key the request has not too.
var operators = map[string]operatorFamily{
	"StringEquals":              {parseEquals, false},
	"StringNotEquals":           {parseEquals, true},
	"StringEqualsIgnoreCase":    {parseEqualsFold, false},
	"StringNotEqualsIgnoreCase": {parseEqualsFold, true},
	"StringLike":                {parseLike, false},
	"StringNotLike":             {parseLike, true},
	"NumericEquals":             {number(func(c int) bool { return c == 0 }), false},
	"NumericNotEquals":          {number(func(c int) bool { return c == 0 }), true},
	"NumericLessThan":           {number(func(c int) bool { return c < 0 }), false},
	"NumericLessThanEquals":     {number(func(c int) bool { return c <= 0 }), false},
	"NumericGreaterThan":        {number(func(c int) bool { return c > 0 }), false},
	"NumericGreaterThanEquals":  {number(func(c int) bool { return c >= 0 }), false},
	"DateEquals":                {date(func(c int) bool { return c == 0 }), false},
	"DateNotEquals":             {date(func(c int) bool { return c == 0 }), true},
	"DateLessThan":              {date(func(c int) bool { return c < 0 }), false},
	"DateLessThanEquals":        {date(func(c int) bool { return c <= 0 }), false},
	"DateGreaterThan":           {date(func(c int) bool { return c > 0 }), false},
	"DateGreaterThanEquals":     {date(func(c int) bool { return c >= 0 }), false},
	"Bool":                      {parseBool, false},
	"BinaryEquals":              {parseBinary, false},
	"IpAddress":                 {parseNetwork, false},
	"NotIpAddress":              {parseNetwork, true},
	"ArnEquals":                 {parseARNLike, false},
	"ArnNotEquals":              {parseARNLike, true},
	"ArnLike":                   {parseARNLike, false},
	"ArnNotLike":                {parseARNLike, true},
}

func newConditions(n *node, variables bool) ([]condition, error) {
	if err := n.is('{', "Condition"); err != nil {
		return nil, err
	}
	var list []condition
	for i := range n.members {
		m := &n.members[i]
		if err := m.value.is('{', m.name); err != nil {
			return nil, err
		}
		for j := range m.value.members {
			c, err := newCondition(m, &m.value.members[j], variables)
			if err != nil {
				return nil, err
			}
			list = append(list, *c)
		}
	}
	return list, nil
}

func newCondition(operator, key *member, variables bool) (*condition, error) {
	c := &condition{operator: operator.name, key: key.name, lower: strings.ToLower(key.name)}
	name := operator.name
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.set, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.set, name = forAny, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	family, known := operators[name]
	if c.null = operator.name == "Null"; c.null {
		family, known = operatorFamily{parse: parseBool}, true
	}
	if !known {
		return nil, operator.problem("%q is no condition operator", shown(operator.name))
	}
	if !strings.Contains(key.name, ":") {
		return nil, key.problem("%q is no condition key", shown(key.name))
	}
	c.negated = family.negated
	values := []*node{key.value}
	if key.value.kind == '[' {
		values = key.value.items
	}
	if len(values) == 0 {
		return nil, key.problem("a condition must have a value")
	}
	for _, v := range values {
		if v.kind != '"' && v.kind != '0' && v.kind != 't' {
			return nil, v.problem("a value of a condition must be a string, a number, true or false")
		}
		o, err := family.parse(v.text, variables)
		if err != nil {
			return nil, v.problem("%s", err)
		}
		c.values = append(c.values, o)
	}
	return c, nil
}

// holds decides for a request.
func (c *condition) holds(look lookup) bool {
	values, there := look(c.lower)
	there = there && len(values) > 0
	switch {
	case c.null:
		return c.fits([]string{strconv.FormatBool(!there)}, look)[0]
	case !there:
		return c.ifExists || c.set == forAll || c.negated && c.set == noSet
	case c.set == forAll || c.set == noSet && c.negated:
		return !slices.Contains(c.fits(values, look), c.negated) // none that is not satisfied
	}
	return slices.Contains(c.fits(values, look), !c.negated)
}

// fits tells for each value of the request whether some value of the policy fits. Variables are filled in once for all of them.
func (c *condition) fits(values []string, look lookup) []bool {
	fit := make([]bool, len(values))
	left := len(values)
	for _, o := range c.values {
		if v, ok := o.(filler); ok && v.varies() {
			if o, ok = v.fill(look); !ok {
				continue
			}
		}
		for i, value := range values {
			if !fit[i] && o.matches(value) {
				fit[i] = true
				left--
			}
		}
		if left == 0 {
			break
		}
	}
	return fit
}

// unfilled tells whether a value of the policy has a variable that the request has no value for.
func (c *condition) unfilled(look lookup) bool {
	return slices.ContainsFunc(c.values, func(o operand) bool {
		v, ok := o.(filler)
		return ok && !v.known(look)
	})
}

type textOperand struct {
	*pattern
	fold bool
}

func (t textOperand) fill(look lookup) (operand, bool) {
	p, ok := t.full(look)
	return textOperand{p, t.fold}, ok
}

func (t textOperand) matches(value string) bool {
	if t.fold {
		return strings.EqualFold(string(t.glyphs), value)
	}
	return glob(t.glyphs, value)
}

func parseEquals(text string, variables bool) (operand, error) {
	p, err := newPattern(text, false, variables)
	return textOperand{p, false}, err
}

func parseEqualsFold(text string, variables bool) (operand, error) {
	p, err := newPattern(text, false, variables)
	return textOperand{p, true}, err
}

func parseLike(text string, variables bool) (operand, error) {
	p, err := newPattern(text, true, variables)
	return textOperand{p, false}, err
}

type arnOperand struct{ *pattern }

func (a arnOperand) fill(look lookup) (operand, bool) {
	p, ok := a.full(look)
	return arnOperand{p}, ok
}

func (a arnOperand) matches(value string) bool {
	return strings.HasPrefix(value, "arn:") && globARN(a.glyphs, value)
}

func parseARNLike(text string, variables bool) (operand, error) {
	p, err := newPattern(text, true, variables)
	return arnOperand{p}, err
}

// orderedOperand compares what both texts stand for. A value that does not parse fits nothing.
type orderedOperand[T any] struct {
	want    T
	parse   func(string) (T, bool)
	compare func(a, b T) int
	holds   func(order int) bool
}

func (o orderedOperand[T]) matches(value string) bool {
	got, ok := o.parse(value)
	return ok && o.holds(o.compare(got, o.want))
}

func number(holds func(int) bool) func(string, bool) (operand, error) {
	return func(text string, _ bool) (operand, error) {
		want, ok := parseNumber(text)
		if !ok {
			return nil, errValue("a number")
		}
		return orderedOperand[float64]{want, parseNumber, func(a, b float64) int {
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		}, holds}, nil
	}
}

type errValue string

func (e errValue) Error() string { return "the value must be " + string(e) }

func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789.+-eE") != "" { // no hexadecimals, infinities or underscores
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func date(holds func(int) bool) func(string, bool) (operand, error) {
	return func(text string, _ bool) (operand, error) {
		want, ok := parseDate(text)
		if !ok {
			return nil, errValue("a date such as 2027-01-31T12:00:00Z, or seconds since 1970")
		}
		return orderedOperand[time.Time]{want, parseDate, time.Time.Compare, holds}, nil
	}
}

// parseDate takes W3C's profile of ISO 8601 and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "20060102T150405Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if t, err := time.Parse("2006", s); err == nil && len(s) == 4 {
		return t, true
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

type boolOperand bool

func (b boolOperand) matches(value string) bool {
	return strings.EqualFold(value, strconv.FormatBool(bool(b)))
}

func parseBool(text string, _ bool) (operand, error) {
	switch strings.ToLower(text) {
	case "true":
		return boolOperand(true), nil
	case "false":
		return boolOperand(false), nil
	}
	return nil, errValue("true or false")
}

type binaryOperand []byte

func (b binaryOperand) matches(value string) bool {
	got, err := base64.StdEncoding.DecodeString(value)
	return err == nil && string(got) == string(b)
}

func parseBinary(text string, _ bool) (operand, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errValue("base64")
	}
	return binaryOperand(b), nil
}

type networkOperand netip.Prefix

func (n networkOperand) matches(value string) bool {
	ip, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(n).Contains(ip.Unmap().WithZone(""))
}

func parseNetwork(text string, _ bool) (operand, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return networkOperand(netip.PrefixFrom(ip, ip.BitLen())), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, errValue("an address such as 203.0.113.7 or a range such as 203.0.113.0/24 or 2001:db8::/32")
	}
	return networkOperand(p), nil
}
