package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a document.
const (
	MaxSize   = 1 << 20  // bytes: AWS takes policies of up to 1 MB
	maxSpaced = 16 << 20 // with the white space of a larger text
	maxDepth  = 32       // the deepest path of the language has 8 steps
)

// node is one value of the document. Paths and lines are worked out when they are asked for: a large document has many
// nodes and few errors.
type node struct {
	kind     byte // '{' '[' '"' '0' 't' 'f' 'n'
	optional bool // of a member, once its object was read: it may be left out
	at       int32
	keyAt    int32 // of a member: where its name stands
	index    int32 // of an array's element
	key      string
	text     string // of a string, or the digits of a number
	values   []*node
	parent   *node
	source   *source
}

// get is the member of an object, nil when absent.
func (n *node) get(key string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for _, v := range n.values {
		if v.key == key {
			return v
		}
	}
	return nil
}

func (n *node) place() Place { return Place{n} }

// compactSize is how long a text is without the white space around its tokens.
func compactSize(text []byte) int {
	size, quoted := 0, false
	for i, c := range text {
		if c == '"' && (!quoted || !escaped(text[:i])) {
			quoted = !quoted
		}
		if quoted || c > ' ' {
			size++
		}
	}
	return size
}

// escaped says whether an odd number of backslashes is at the end of a text.
func escaped(text []byte) bool { return (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 1 }

// parseTree reads the text into nodes. An error of syntax ends the reading, since nothing after it can be trusted;
// members given twice are collected.
func parseTree(text []byte, size, line, column int) (*node, Errors) {
	p := treeParser{text: text, source: newSource(text, line, column)}
	if size > MaxSize || len(text) > maxSpaced {
		p.fail(0, CodeTooLarge, "$", fmt.Sprintf("the document has %d bytes, more than the %d a policy may have", size, MaxSize), "")
		return nil, p.errs
	}
	p.dec = jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	root, err := p.value(node{}, 0)
	if err == nil {
		if _, err = p.dec.ReadToken(); err == io.EOF {
			return root, p.errs
		}
		err = errors.New("there is text after the document")
		p.next()
	}
	at, message := p.at, err.Error()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, message = int(syntax.ByteOffset), "the document is not valid JSON: "+syntax.Err.Error()
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		at, message = len(text), "the document ends too early"
	}
	at = min(at, len(text))
	p.fail(at, CodeSyntax, "$", message, syntaxHint(text, at))
	return nil, p.errs
}

// syntaxHint tells the usual ways in which a text is nearly JSON.
func syntaxHint(text []byte, at int) string {
	rest := text[at:]
	switch {
	case bytes.HasPrefix(rest, []byte("\xef\xbb\xbf")):
		return "the text begins with a byte order mark: save it as UTF-8 without one"
	case at == 0 && (bytes.HasPrefix(rest, []byte("\xff\xfe")) || bytes.HasPrefix(rest, []byte("\xfe\xff"))):
		return "the text is UTF-16: save it as UTF-8"
	case bytes.HasPrefix(rest, []byte("/")), bytes.HasPrefix(rest, []byte("#")):
		return "JSON has no comments"
	case bytes.HasPrefix(rest, []byte("'")):
		return "strings stand in double quotation marks"
	case bytes.HasPrefix(rest, []byte(",")):
		if next := bytes.TrimLeft(rest[1:], " \t\r\n"); len(next) > 0 && (next[0] == '}' || next[0] == ']') {
			return "remove the comma: nothing follows it"
		}
	}
	return ""
}

type treeParser struct {
	dec    *jsontext.Decoder
	text   []byte
	at     int // where the token read last begins
	source *source
	chunk  []node // nodes are allocated many at a time
	errs   Errors
}

func (p *treeParser) fail(at int, code, path, message, hint string) {
	line, column := p.source.position(at)
	p.errs = append(p.errs, Error{Code: code, Path: path, Message: path + ": " + message, Line: line, Column: column, Hint: hint, offset: at})
}

// next moves to where the next token begins.
func (p *treeParser) next() {
	p.at = int(p.dec.InputOffset())
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *treeParser) node(place node) *node {
	if len(p.chunk) == 0 {
		p.chunk = make([]node, 256)
	}
	n := &p.chunk[0]
	p.chunk = p.chunk[1:]
	*n = place
	n.source = p.source
	return n
}

// value reads a value. Its place in what is around it comes first: errors inside it tell their path.
func (p *treeParser) value(place node, depth int) (*node, error) {
	p.next()
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
	n := p.node(place)
	n.kind, n.at = byte(token.Kind()), int32(p.at)
	switch n.kind {
	case '"', '0':
		n.text = token.String()
	case '{':
		return n, p.members(n, depth)
	case '[':
		return n, p.elements(n, depth)
	}
	return n, nil
}

// members reads an object up to its end. Many members are looked up in a map, so that their number does not count
// twice.
func (p *treeParser) members(n *node, depth int) error {
	const few = 16
	var seen map[string]*node
	for p.dec.PeekKind() != '}' {
		p.next()
		keyAt := p.at
		token, err := p.dec.ReadToken()
		if err != nil {
			return err
		}
		key := token.String()
		v, err := p.value(node{parent: n, key: key, keyAt: int32(keyAt)}, depth+1)
		if err != nil {
			return err
		}
		if len(n.values) == few {
			seen = make(map[string]*node, 2*few)
			for _, other := range n.values {
				seen[other.key] = other
			}
		}
		twin := seen[key]
		if seen == nil {
			twin = n.get(key)
		}
		if twin == nil {
			n.values = append(n.values, v)
			if seen != nil {
				seen[key] = v
			}
			continue
		}
		if len(p.errs) < maxErrors {
			first, _ := p.source.position(int(twin.keyAt))
			p.fail(keyAt, CodeDuplicateProperty, v.place().Path(), "is given twice", fmt.Sprintf("the other one is on line %d", first))
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

func (p *treeParser) elements(n *node, depth int) error {
	for p.dec.PeekKind() != ']' {
		v, err := p.value(node{parent: n, index: int32(len(n.values))}, depth+1)
		if err != nil {
			return err
		}
		n.values = append(n.values, v)
	}
	_, err := p.dec.ReadToken()
	return err
}
