package lsp

import (
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// position is a place in a text as the protocol has it: lines from 0, and UTF-16 units from 0.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

// lines finds positions in a text.
type lines struct {
	text   string
	starts []int
}

func newLines(text string) *lines {
	l := &lines{text, []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// line is a line by its number, with its end; "" when there is none.
func (l *lines) line(n int) string {
	switch {
	case n < 0 || n >= len(l.starts):
		return ""
	case n == len(l.starts)-1:
		return l.text[l.starts[n]:]
	}
	return l.text[l.starts[n]:l.starts[n+1]]
}

// offset is the byte of a position, at most the end of its line.
func (l *lines) offset(p position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(l.starts) {
		return len(l.text)
	}
	line := strings.TrimRight(l.line(p.Line), "\r\n")
	units := 0
	for i, r := range line {
		if units >= p.Character {
			return l.starts[p.Line] + i
		}
		units += utf16.RuneLen(r)
	}
	return l.starts[p.Line] + len(line)
}

// position is the place of a byte.
func (l *lines) position(offset int) position {
	offset = max(0, min(offset, len(l.text)))
	n := sort.SearchInts(l.starts, offset+1) - 1
	units := 0
	for _, r := range l.text[l.starts[n]:offset] {
		units += max(utf16.RuneLen(r), 1)
	}
	return position{n, units}
}

// at is the byte at a line and a column in bytes, both from 1.
func (l *lines) at(line, column int) int {
	if line < 1 || line > len(l.starts) {
		return 0
	}
	return min(l.starts[line-1]+max(column-1, 0), len(l.text))
}

func (l *lines) span(from, to int) span { return span{l.position(from), l.position(to)} }

// token is the end of the word or string that begins at an offset; of a bracket that alone.
func (l *lines) token(from int) int {
	rest := l.text[from:]
	if strings.HasPrefix(rest, `"`) {
		n := &node{from: 0}
		p := parser{text: rest}
		p.str(n)
		return from + p.at
	}
	if n := strings.IndexAny(rest, " \t\r\n,:{}[]\""); n > 0 {
		return from + n
	} else if n < 0 {
		return len(l.text)
	}
	_, size := utf8.DecodeRuneInString(rest)
	return from + size
}
