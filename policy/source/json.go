package source

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// span is a value by where it stands in a file: most of a file is about other things and need not be kept twice.
type span struct{ from, to int }

func (s *span) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	s.to = int(dec.InputOffset())
	s.from = s.to - len(v)
	return err
}

// root is the first value of the file.
func (f *file) root() span {
	from := len(f.text) - len(bytes.TrimLeft(f.text, " \t\r\n"))
	return span{from, len(f.text)}
}

// kind is the first byte of a value, 0 of nothing.
func (f *file) kind(s span) byte {
	if s.from >= s.to {
		return 0
	}
	return f.text[s.from]
}

// members finds the members of an object; what is no object has none. Of a name given twice the first counts.
func (f *file) members(object span) (map[string]span, error) {
	if f.kind(object) != '{' {
		return nil, nil
	}
	found := map[string]span{}
	err := f.each(object, func(name string, at span) error {
		if _, twice := found[name]; !twice {
			found[name] = at
		}
		return nil
	})
	return found, err
}

// each calls a function for every member of an object, in order.
func (f *file) each(object span, do func(name string, at span) error) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(f.text[object.from:object.to]), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		to := object.from + int(dec.InputOffset())
		if err := do(name, span{to - len(v), to}); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// string is the text that stands somewhere, "" when something else does.
func (f *file) string(at span) string {
	if f.kind(at) != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, f.text[at.from:at.to])
	if err != nil {
		return ""
	}
	return string(text)
}

// JSONError is an error of reading without the words of the library.
func JSONError(what string, err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("%s is not valid JSON: at byte %d: %w", what, syntax.ByteOffset, syntax.Err)
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("%s does not have the form that it should: %s", what, semantic.JSONPointer)
	}
	return fmt.Errorf("%s cannot be read: %w", what, err)
}
