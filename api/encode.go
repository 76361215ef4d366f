package api

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Time is a timestamp of the wire: whole epoch seconds as a JSON number. The zero time is an absent one.
type Time struct{ time.Time }

func (t Time) appendJSON(b []byte) []byte { return strconv.AppendInt(b, t.Unix(), 10) }

// MarshalJSON gives the number of seconds.
func (t Time) MarshalJSON() ([]byte, error) { return t.appendJSON(nil), nil }

// maxSeconds, on either side of 1970, are more than ten thousand years.
const maxSeconds = 1 << 38

// UnmarshalJSON takes a number of seconds, with or without a fraction, which is dropped, and null for the zero time.
func (t *Time) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*t = Time{}
		return nil
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(math.Abs(seconds) <= maxSeconds) { // so that it is false for NaN
		return fmt.Errorf("timestamp %.40q is not a number of seconds", text)
	}
	t.Time = time.Unix(int64(seconds), 0).UTC()
	return nil
}

// appendName appends a member's name and colon, after a comma unless the object has just begun.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(b, name...)
}

// appendTexts appends encoded elements of a list.
func appendTexts(b []byte, texts []string) []byte {
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, text...)
	}
	return b
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	i := plainPrefix(s)
	if i == len(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	start := 0
	for i < len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// plainPrefix is how many bytes of s need no escaping, counted eight at a time where it can. Most strings of a reply are
// plain to the end, and a page of a list is little else than strings.
func plainPrefix(s string) int {
	i := 0
	if len(s) >= 8 {
		b := unsafe.Slice(unsafe.StringData(s), len(s)) // read only
		for ; i+8 <= len(b); i += 8 {
			if flagged(binary.LittleEndian.Uint64(b[i:])) {
				break
			}
		}
		// The rest is looked at together with some bytes before it, which are known to be plain.
		if i+8 > len(b) && !flagged(binary.LittleEndian.Uint64(b[len(b)-8:])) {
			return len(s)
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// flagged tells whether one of eight bytes has its high bit set, is below a space, a quote or a backslash. It may say so
// of a plain byte after such a one, never of eight plain ones.
func flagged(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^ones*'"', w^ones*'\\'
	return (w|(w-ones*' ')|(quote-ones)|(slash-ones))&highs != 0
}
