package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a document. AWS's quota is 1 MB, although the wire would take 10,000,000 characters.
const (
	MaxSize  = 1 << 20 // bytes
	maxDepth = 32
)

// node is one value of the document, with its place.
type node struct {
	kind   jsontext.Kind // '{' '[' '"' '0' 't' 'f' 'n'
	text   string        // of a string, or the digits of a number
	keys   []string      // of an object, in document order
	values []*node       // of an object or array
	at     int           // byte offset
	keysAt []int         // of an object
	path   string
}

// get is the member of an object, nil when absent.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k == key {
			return n.values[i]
		}
	}
	return nil
}

// source finds lines and columns.
type source struct {
	lines []int // offsets at which lines begin
}

func newSource(text []byte) *source {
	s := &source{lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

func (s *source) position(offset int) (line, column int) {
	i := sort.SearchInts(s.lines, offset+1) - 1
	return i + 1, offset - s.lines[i] + 1
}

// parseTree reads the text into nodes. The only errors are of syntax; there is at most one, since nothing after it can
// be trusted.
func parseTree(text []byte) (*node, *Error) {
	if len(text) > MaxSize {
		return nil, &Error{Code: CodeSyntax, Path: "$", Message: fmt.Sprintf("$: the document is larger than %d bytes", MaxSize)}
	}
	p := treeParser{dec: jsontext.NewDecoder(bytes.NewReader(text)), text: text}
	root, err := p.value("$", 0)
	if err == nil {
		if _, err = p.dec.ReadToken(); err == io.EOF {
			return root, nil
		}
		if err == nil {
			err = errors.New("there is text after the document")
		}
	}
	at := int(p.dec.InputOffset())
	message := "the document is not valid JSON"
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			path := pathOf(syntax.JSONPointer)
			return nil, &Error{Code: CodeDuplicateProperty, Path: path, Message: path + ": is given twice", offset: at}
		}
	} else if err != nil {
		message = err.Error()
	}
	return nil, &Error{Code: CodeSyntax, Path: "$", Message: "$: " + message, offset: min(at, max(0, len(text)-1))}
}

type treeParser struct {
	dec  *jsontext.Decoder
	text []byte
}

func (p *treeParser) value(path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the document is nested more than %d deep", maxDepth)
	}
	token, err := p.dec.ReadToken()
	if err == io.EOF {
		return nil, errors.New("the document is empty")
	}
	if err != nil {
		return nil, err
	}
	n := &node{kind: token.Kind(), path: path}
	switch n.kind {
	case '"', '0':
		n.text = token.String()
		n.at = p.start()
	case '{':
		n.at = int(p.dec.InputOffset()) - 1
		for p.dec.PeekKind() != '}' {
			key, err := p.dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name := key.String()
			keyAt := p.start()
			v, err := p.value(childPath(path, name), depth+1)
			if err != nil {
				return nil, err
			}
			n.keys, n.keysAt, n.values = append(n.keys, name), append(n.keysAt, keyAt), append(n.values, v)
		}
		if _, err := p.dec.ReadToken(); err != nil {
			return nil, err
		}
	case '[':
		n.at = int(p.dec.InputOffset()) - 1
		for p.dec.PeekKind() != ']' {
			v, err := p.value(path+"["+strconv.Itoa(len(n.values))+"]", depth+1)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, v)
		}
		if _, err := p.dec.ReadToken(); err != nil {
			return nil, err
		}
	default:
		n.at = p.start()
	}
	return n, nil
}

// start is the offset at which the token just read begins: the decoder tells where it ends.
func (p *treeParser) start() int {
	end := int(p.dec.InputOffset())
	if end == 0 {
		return 0
	}
	i := end - 1
	if p.text[i] == '"' { // back over the string, past escaped quotes
		for i--; i > 0; i-- {
			if p.text[i] == '"' {
				slashes := 0
				for j := i - 1; j >= 0 && p.text[j] == '\\'; j-- {
					slashes++
				}
				if slashes%2 == 0 {
					return i
				}
			}
		}
		return i
	}
	for i > 0 && bytes.IndexByte([]byte(" \t\r\n,:[{"), p.text[i-1]) < 0 {
		i--
	}
	return i
}

func childPath(path, key string) string {
	for _, c := range key {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return path + "['" + key + "']"
		}
	}
	return path + "." + key
}

func pathOf(p jsontext.Pointer) string {
	path := "$"
	for part := range p.Tokens() {
		if _, err := strconv.Atoi(part); err == nil {
			path += "[" + part + "]"
		} else {
			path = childPath(path, part)
		}
	}
	return path
}
