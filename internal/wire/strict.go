package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/order"
)

// What restJson1 asks of a body beyond what a JSON decoder does by itself.

// wrongValue is a value the decoder would take, or would refuse without saying enough.
type wrongValue struct {
	want, got string
	at        jsontext.Pointer
}

func (e *wrongValue) Error() string { return e.want + " expected, " + e.got + " found" }

// integers takes every number that is whole, however it is written: 10, 10.0, 1e1.
var integers = json.WithUnmarshalers(wholeNumbers)

var wholeNumbers = json.JoinUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *int32) error {
		n, err := integer(dec, math.MinInt32, math.MaxInt32)
		*v = int32(n)
		return err
	}),
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *int64) error {
		n, err := integer(dec, math.MinInt64, math.MaxInt64)
		*v = n
		return err
	}),
)

func integer(dec *jsontext.Decoder, low, high int64) (int64, error) {
	if dec.PeekKind() != '0' {
		return 0, errors.ErrUnsupported
	}
	value, err := dec.ReadValue()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		// Beyond 2^53 a float no longer tells whole numbers apart.
		f, ferr := strconv.ParseFloat(string(value), 64)
		whole := ferr == nil && f == math.Trunc(f) && math.Abs(f) <= 1<<53
		if n = int64(f); !whole {
			return 0, outOfRange(dec, value, low, high)
		}
	}
	if n < low || n > high {
		return 0, outOfRange(dec, value, low, high)
	}
	return n, nil
}

func outOfRange(dec *jsontext.Decoder, value jsontext.Value, low, high int64) error {
	return &wrongValue{fmt.Sprintf("an integer from %d to %d", low, high), fmt.Sprintf("%.40s", value), dec.StackPointer()}
}

// integersAndNulls also refuses nulls where they stand for no absent member: as the body, in lists and in maps. The
// decoder would make empty strings of them. It looks at every value, so it serves only the rare body with a null in it.
var integersAndNulls = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v any) error {
		in, i := dec.StackIndex(dec.StackDepth())
		at := dec.StackPointer()
		if t := reflect.TypeOf(v).Elem(); t.Kind() == reflect.Map && t.Elem().Kind() != reflect.Pointer {
			return denseMap(dec, reflect.ValueOf(v).Elem(), at)
		}
		switch {
		case dec.PeekKind() != 'n' || in == '{':
			return errors.ErrUnsupported
		case in == '[':
			if i > 0 {
				at = at.Parent() // of the element before
			}
			return &wrongValue{"a value", "null", at.AppendToken(strconv.FormatInt(i, 10))}
		default:
			return &wrongValue{"an object", "null", "the top"}
		}
	}),
	wholeNumbers,
))

// denseMap decodes a map and refuses null as a value of it.
func denseMap(dec *jsontext.Decoder, m reflect.Value, at jsontext.Pointer) error {
	sparse := reflect.New(reflect.MapOf(m.Type().Key(), reflect.PointerTo(m.Type().Elem())))
	if err := json.UnmarshalDecode(dec, sparse.Interface()); err != nil {
		return err
	}
	if sparse.Elem().IsNil() {
		return nil
	}
	keys := sparse.Elem().MapKeys()
	order.Sort(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	m.Set(reflect.MakeMapWithSize(m.Type(), len(keys)))
	for _, key := range keys {
		value := sparse.Elem().MapIndex(key)
		if value.IsNil() {
			return &wrongValue{"a value", "null", at.AppendToken(key.String())}
		}
		m.SetMapIndex(key, value.Elem())
	}
	return nil
}

// scan refuses, before anything is decoded, what a decoder would take: nesting without end and NUL characters. It tells
// whether a null may be in the body.
func scan(body []byte) (nulls bool, err error) {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			if bytes.HasPrefix(body[i:], []byte(`\u0000`)) {
				return false, cannotParse(fmt.Sprintf("The request body has a NUL character at byte %d.", i))
			}
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false, cannotParse(fmt.Sprintf("The request body is nested more than %d deep.", maxDepth))
			}
		case c == '}' || c == ']':
			depth--
		case c == 'n':
			nulls = true
		}
	}
	return nulls, nil
}
