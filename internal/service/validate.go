package service

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"portolan/api"
)

// ordered yields name and value pairs in the order they are written.
func ordered(pairs ...any) iter.Seq2[string, *string] {
	return func(yield func(string, *string) bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if !yield(pairs[i].(string), pairs[i+1].(*string)) {
				return
			}
		}
	}
}

// invalid is the ValidationException for the fields, nil for none.
func invalid(fields []api.FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return api.InvalidFields(fields...)
}

func tooLong(name string, p *string, limit int) []api.FieldError {
	if p == nil || utf8.RuneCountInString(*p) <= limit {
		return nil
	}
	return []api.FieldError{{Name: name, Message: fmt.Sprintf("Member must have length less than or equal to %d.", limit)}}
}

func hasForbidden(name string, p *string) []api.FieldError {
	if p == nil || !strings.ContainsAny(*p, `|\^`) {
		return nil
	}
	return []api.FieldError{{Name: name, Message: `Member must not contain any of the characters | \ ^.`}}
}
