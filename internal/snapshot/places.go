package snapshot

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/yamljson"
)

// Position is a place in a file. Line and Column count from 1, the column in bytes.
type Position struct{ Line, Column int }

// Places are where members and elements stand in a snapshot file, JSON or YAML. What the file does not have has no place.
func Places(file []byte, pointers []jsontext.Pointer) map[jsontext.Pointer]Position {
	wanted := map[jsontext.Pointer]bool{}
	for _, p := range pointers {
		if p != "" {
			wanted[p] = true
		}
	}
	data := file
	if trimmed := bytes.TrimLeft(file, " \t\r\n"); len(trimmed) > 0 && trimmed[0] != '{' {
		placed, err := yamljson.Convert(file, yamljson.Options{})
		if err != nil {
			return nil
		}
		data = placed
	}
	places := map[jsontext.Pointer]Position{}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	offset, line, start := 0, 1, 0 // what has been read, the line there and where it begins
	for len(places) < len(wanted) {
		at := int(dec.InputOffset())
		at += len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n,:"))
		if _, err := dec.ReadToken(); err != nil {
			break
		}
		p := dec.StackPointer()
		if _, found := places[p]; found || !wanted[p] {
			continue
		}
		if n := bytes.Count(data[offset:at], []byte("\n")); n > 0 {
			line, start = line+n, bytes.LastIndexByte(data[:at], '\n')+1
		}
		offset = at
		places[p] = Position{line, at - start + 1}
		if !bytes.Equal(file, data) {
			_, raw := find(data, p)
			places[p] = Position{line, nearest(file, line, at-start+1, p.LastToken(), raw)}
		}
	}
	return places
}
