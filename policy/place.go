package policy

import (
	"sort"
	"strconv"
	"strings"

	"portolan/internal/words"
)

// Place is where something stands in the document. The zero Place is nowhere: no path, line 0.
type Place struct{ node *node }

// Known says whether this is a place in a document.
func (p Place) Known() bool { return p.node != nil }

// Path is the JSONPath, such as $.segments[0].name. Members with very long names are cut.
func (p Place) Path() string {
	if p.node == nil {
		return ""
	}
	var b strings.Builder
	p.node.writePath(&b)
	return b.String()
}

// Line is the line of its first character, from 1.
func (p Place) Line() int {
	line, _ := p.Position()
	return line
}

// Position is the line and the column of its first character, both from 1; the column counts bytes.
func (p Place) Position() (line, column int) {
	if p.node == nil {
		return 0, 0
	}
	return p.node.source.position(int(p.node.at))
}

// Offset is the position of its first byte, from 0.
func (p Place) Offset() int {
	if p.node == nil {
		return 0
	}
	return int(p.node.at)
}

func (p Place) String() string { return p.Path() }

// Member is the place of a member's value in the object that stands here, nowhere when there is none.
func (p Place) Member(name string) Place { return Place{p.node.get(name)} }

// Parent is the place of the object or list that this is in.
func (p Place) Parent() Place {
	if p.node == nil {
		return p
	}
	return Place{p.node.parent}
}

// Text is the string or the digits that stand here, "" for anything else.
func (p Place) Text() string {
	if p.node == nil {
		return ""
	}
	return p.node.text
}

// is says whether a value of this kind stands here.
func (p Place) is(kind byte) bool { return p.node != nil && p.node.kind == kind }

func (n *node) writePath(b *strings.Builder) {
	switch {
	case n.parent == nil:
		b.WriteByte('$')
	case n.parent.kind == '[':
		n.parent.writePath(b)
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(int(n.index)))
		b.WriteByte(']')
	default:
		n.parent.writePath(b)
		b.WriteString(pathStep(n.key))
	}
}

// pathStep is the step to a member of an object: .name, or ['a name'] where the short form cannot be used.
func pathStep(key string) string {
	plain := key != ""
	for i := range len(key) {
		c := key[i]
		plain = plain && (c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	}
	key = words.Clip(key)
	if plain {
		return "." + key
	}
	return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) + "']"
}

// source finds lines and columns.
type source struct {
	lines        []int // offsets at which lines begin
	line, column int   // of the first byte
}

func newSource(text []byte, line, column int) *source {
	s := &source{lines: []int{0}, line: line, column: column}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

func (s *source) position(offset int) (line, column int) {
	i := sort.SearchInts(s.lines, offset+1) - 1
	line, column = s.line+i, offset-s.lines[i]+1
	if i == 0 {
		column += s.column - 1
	}
	return line, column
}
