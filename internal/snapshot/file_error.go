package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// readError is what is wrong with a file that cannot be read, in one line: where, what is expected, and what to write. file is the
// file as it was given, data the JSON that was made of it.
func readError(file, data []byte, err error) error {
	var members map[string]jsontext.Value
	if json.Unmarshal(data, &members) == nil && members["core-network-configuration"] != nil && members["policy"] == nil {
		return errors.New("this is a core network policy, not a snapshot: a snapshot has it as its member policy")
	}
	const what = "the snapshot cannot be read: "
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		line, column := position(data, int(syntax.ByteOffset))
		if errors.Is(syntax.Err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%sline %d, column %d: %s is given twice", what, line, column, memberPath(syntax.JSONPointer))
		}
		return fmt.Errorf("%sline %d, column %d: %w", what, line, column, syntax.Err)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("%s%w", what, err)
	}
	from, raw := find(data, semantic.JSONPointer)
	line, column := position(data, from)
	if !bytes.Equal(file, data) {
		column = nearest(file, line, column, semantic.JSONPointer.LastToken(), raw)
	}
	return fmt.Errorf("%sline %d, column %d: %s", what, line, column, explain(semantic, raw))
}

// nearest is the column of the first of the words that is in a line of the file, where it is nearest to a column: quotes and
// brackets of the JSON made of a file shift what is behind them.
func nearest(file []byte, line, column int, words ...string) int {
	lines := strings.Split(string(file), "\n")
	if line > len(lines) {
		return column
	}
	text := lines[line-1]
	for _, word := range words {
		best := 0
		for at := 0; word != ""; {
			next := strings.Index(text[at:], word)
			if next < 0 {
				break
			}
			at += next + 1
			if best == 0 || max(at-column, column-at) < max(best-column, column-best) {
				best = at
			}
		}
		if best > 0 {
			return best
		}
	}
	return column
}

// explain is what is expected in place of a value.
func explain(e *json.SemanticError, raw string) string {
	path := memberPath(e.JSONPointer)
	if errors.Is(e.Err, json.ErrUnknownName) {
		return fmt.Sprintf("%s is not a member of a snapshot; there are %s", path, strings.Join(membersOf(e.GoType), ", "))
	}
	text := path + " must be " + expected(e.GoType)
	if e.GoType != nil && e.GoType.Kind() == reflect.String && !strings.HasPrefix(raw, "{") && !strings.HasPrefix(raw, "[") {
		return fmt.Sprintf("%s: write %q", text, raw)
	}
	if len(raw) > 60 {
		raw = raw[:60] + "…"
	}
	return text + ", not " + strings.Join(strings.Fields(raw), " ")
}

// expected is the shape of a Go type in words.
func expected(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t {
	case reflect.TypeFor[netip.Prefix]():
		return "a block such as 10.0.0.0/16"
	case reflect.TypeFor[policy.Community]():
		return "a community such as 65051:100"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expected(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Uint32:
		return "a whole number"
	case reflect.Slice:
		return "a list, such as [x] for a single element"
	case reflect.Struct:
		return "an object with members such as " + strings.Join(membersOf(t), ", ")
	}
	return "an object"
}

// membersOf is the names of the members of a type, in the order of the format.
func membersOf(t reflect.Type) []string {
	var names []string
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// memberPath is a pointer as a path: /attachments/0/tags/fw is attachments[0].tags.fw.
func memberPath(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case strings.Trim(token, "0123456789") == "" && token != "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	if b.Len() == 0 {
		return "the file"
	}
	return b.String()
}

// find is where a member's name, or an element of a list, stands, and the text of its value.
func find(data []byte, p jsontext.Pointer) (from int, raw string) {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	start := func() int {
		at := int(dec.InputOffset())
		return at + len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n,:"))
	}
	for {
		at := start()
		token, err := dec.ReadToken()
		if err != nil {
			return 0, ""
		}
		if dec.StackPointer() != p {
			continue
		}
		if kind, n := dec.StackIndex(dec.StackDepth()); token.Kind() == '"' && kind == '{' && n%2 == 1 { // the name of the member
			if value, err := dec.ReadValue(); err == nil {
				raw = string(value)
			}
			return at, strings.Trim(raw, `"`)
		}
		end := int(dec.InputOffset())
		return at, strings.Trim(string(data[at:end]), `"`)
	}
}

// position is the line and the column of a byte, both from 1.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
