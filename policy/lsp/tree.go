package lsp

import (
	"strconv"
	"strings"
)

// node is a value of a JSON text as far as it has been written. The text may be unfinished: what is missing is left out.
type node struct {
	kind     byte // '{' '[' '"', 'x' for any other word, 0 for a member whose value is not there yet
	from, to int  // in bytes; of a string with its quotation marks
	key      *node
	text     string // of a string
	parent   *node
	children []*node
}

// maxDepth bounds how deep values may be inside each other; what is deeper is not looked into.
const maxDepth = 64

// parser reads a JSON text and goes on after every mistake.
type parser struct {
	text string
	at   int
}

// parseTree is the first value of a text, nil when there is none.
func parseTree(text string) *node {
	p := parser{text: text}
	return p.value(nil, 0)
}

// space goes on to the next token. Commas and colons count as space: where they are missing, the rest is read as if not.
func (p *parser) space() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) value(parent *node, depth int) *node {
	n := &node{parent: parent}
	n.kind = p.space()
	n.from = p.at
	switch n.kind {
	case 0, '}', ']':
		return nil
	case '{', '[':
		p.at++
		p.children(n, depth)
	case '"':
		p.str(n)
	default:
		n.kind = 'x'
		for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:{}[]\"", p.text[p.at]) < 0 {
			p.at++
		}
	}
	n.to = p.at
	return n
}

// children reads to the closing bracket, to one of the other kind, or to the end.
func (p *parser) children(n *node, depth int) {
	for {
		switch c := p.space(); {
		case c == 0:
			return
		case c == '}' || c == ']':
			if (c == '}') == (n.kind == '{') {
				p.at++
			}
			return
		case depth == maxDepth:
			p.at = len(p.text)
			return
		case n.kind == '[':
			n.children = append(n.children, p.value(n, depth+1))
		default:
			p.member(n, depth)
		}
	}
}

// member reads a name and what follows its colon on.
func (p *parser) member(n *node, depth int) {
	key := p.value(n, depth+1)
	at := p.at
	for at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[at]) >= 0 {
		at++
	}
	v := &node{parent: n, from: p.at, to: p.at}
	if at < len(p.text) && p.text[at] == ':' {
		p.at = at + 1
		v.from, v.to = p.at, p.at
		if c := p.peek(); c != 0 && strings.IndexByte(",:}]", c) < 0 {
			v = p.value(n, depth+1)
		}
	}
	v.key = key
	n.children = append(n.children, v)
}

// peek is the next byte that is no white space.
func (p *parser) peek() byte {
	rest := strings.TrimLeft(p.text[p.at:], " \t\r\n")
	if rest == "" {
		return 0
	}
	return rest[0]
}

// str reads a string, which ends with its line at the latest.
func (p *parser) str(n *node) {
	p.at++
	escaped := false
	for p.at < len(p.text) && p.text[p.at] != '"' && p.text[p.at] != '\n' {
		if p.text[p.at] == '\\' {
			escaped = true
			p.at++
		}
		p.at++
	}
	p.at = min(p.at, len(p.text))
	n.text = p.text[n.from+1 : p.at]
	if p.at < len(p.text) && p.text[p.at] == '"' {
		p.at++
	}
	if escaped {
		if s, err := strconv.Unquote(p.text[n.from:p.at]); err == nil {
			n.text = s
		}
	}
}

// get is the member of an object, nil when it is not there.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.key != nil && c.key.text == name {
			return c
		}
	}
	return nil
}

// find is the innermost value around an offset, or the name of a member.
func (n *node) find(offset int) *node {
	for _, c := range n.children {
		if c.key != nil && c.key.from <= offset && offset <= c.key.to {
			return c.key
		}
		if c.kind != 0 && c.from <= offset && offset <= c.to && (offset < c.to || c.kind == '"' || c.kind == 'x') {
			return c.find(offset)
		}
	}
	return n
}

// isKey says whether a node is the name of a member.
func (n *node) isKey() bool {
	if n.parent == nil {
		return false
	}
	return n.member() != nil
}

// member is the value whose name this is, nil when it is no name.
func (n *node) member() *node {
	for _, c := range n.parent.children {
		if c.key == n {
			return c
		}
	}
	return nil
}
