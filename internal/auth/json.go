package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A node is a JSON value with its place, so that every complaint about a file can say where. Members given twice are
// refused: which of two policies counts must not depend on the reader.
type node struct {
	kind    byte // '{', '[', '"', '0', 't' for both booleans, 'n'
	at      int  // offset of its first byte
	text    string
	items   []*node
	members []member
}

type member struct {
	name  string
	at    int
	value *node
}

// A FileError is something wrong at a place of a file. Line and Column count from 1, columns in characters.
type FileError struct {
	Line, Column int
	Message      string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// problem is a FileError that does not know lines yet.
type problem struct {
	at      int
	message string
}

func (p *problem) Error() string { return p.message }

func (n *node) problem(format string, args ...any) error {
	return &problem{n.at, fmt.Sprintf(format, args...)}
}

func (m *member) problem(format string, args ...any) error {
	return &problem{m.at, fmt.Sprintf(format, args...)}
}

// placed turns a problem in data into a FileError.
func placed(data []byte, err error) error {
	var p *problem
	if !errors.As(err, &p) {
		return err
	}
	before := data[:min(p.at, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &FileError{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1, Message: p.message}
}

const maxDepth = 16

// parseJSON reads one JSON value and nothing after it.
func parseJSON(data []byte) (*node, error) {
	if !utf8.Valid(data) {
		at := 0
		for r, size := rune(0), 0; at < len(data); at += size {
			if r, size = utf8.DecodeRune(data[at:]); r == utf8.RuneError && size == 1 {
				break
			}
		}
		return nil, &problem{at, "this is not UTF-8"}
	}
	r := &jsonReader{data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	r.next()
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return nil, &problem{r.at, "there is text after the value"}
	}
	return n, nil
}

// jsonReader reads tokens and knows where they begin.
type jsonReader struct {
	dec  *jsontext.Decoder
	data []byte
	at   int // where the next token begins
}

// next moves to where the next token begins.
func (r *jsonReader) next() {
	for r.at = int(r.dec.InputOffset()); r.at < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[r.at]) >= 0; r.at++ {
	}
}

// token is the next token and where it begins.
func (r *jsonReader) token() (jsontext.Token, int, error) {
	r.next()
	at := r.at
	t, err := r.dec.ReadToken()
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return t, at, &problem{len(r.data), "unexpected end of JSON input"}
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return t, at, &problem{int(syntax.ByteOffset), syntax.Err.Error()}
	}
	return t, at, err
}

func (r *jsonReader) value(depth int) (*node, error) {
	token, at, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &node{kind: byte(token.Kind()), at: at}
	if depth > maxDepth {
		return nil, n.problem("this is nested deeper than %d levels", maxDepth)
	}
	switch n.kind {
	case '"', '0':
		n.text = token.String()
	case 't', 'f':
		n.kind, n.text = 't', token.String()
	case '{', '[':
		return n, r.inside(n, depth+1)
	}
	return n, nil
}

// inside reads an object's members or an array's items up to the closing delimiter.
func (r *jsonReader) inside(n *node, depth int) error {
	seen := map[string]bool{}
	for end := n.kind + 2; r.dec.PeekKind() != jsontext.Kind(end); {
		if n.kind == '[' {
			item, err := r.value(depth)
			if err != nil {
				return err
			}
			n.items = append(n.items, item)
			continue
		}
		name, at, err := r.token()
		if err != nil {
			return err
		}
		m := member{at: at, name: name.String()}
		if seen[m.name] {
			return m.problem("%q is there twice", shown(m.name))
		}
		seen[m.name] = true
		if m.value, err = r.value(depth); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, _, err := r.token()
	return err
}

var kindNames = map[byte]string{'{': "an object", '[': "a list", '"': "a string", '0': "a number", 't': "true or false", 'n': "null"}

// is demands a kind. It names the kind that is there, never the value: it may be a secret.
func (n *node) is(kind byte, what string) error {
	if n.kind != kind {
		return n.problem("%s must be %s, not %s", what, kindNames[kind], kindNames[n.kind])
	}
	return nil
}

// strings takes a string for a list of one, as policies do.
func (n *node) strings(what string) ([]*node, error) {
	if n.kind == '"' {
		return []*node{n}, nil
	}
	if n.kind != '[' {
		return nil, n.problem("%s must be a string or a list of strings, not %s", what, kindNames[n.kind])
	}
	if len(n.items) == 0 {
		return nil, n.problem("%s must not be empty", what)
	}
	for _, item := range n.items {
		if err := item.is('"', "each of "+what); err != nil {
			return nil, err
		}
	}
	return n.items, nil
}
