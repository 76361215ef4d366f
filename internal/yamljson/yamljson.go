// Package yamljson turns YAML into JSON that keeps its places: every value of the JSON is on the line that it is on in the
// YAML and, as far as quotes and brackets leave room, in its column. What reads the JSON reports errors that are right for
// the YAML.
package yamljson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// Limits of what a text may ask for: aliases make a short text long.
const (
	maxDepth    = 1000
	maxExpanded = 64 << 20 // bytes of JSON
)

// Options is what a kind of YAML has beside YAML. The zero value is plain YAML.
type Options struct {
	// Tag says by which member the value of a local tag such as !Ref is written: {"Ref": value}. nil: tags are errors.
	Tag func(tag string) (member string, ok bool)

	// YesNo makes booleans of yes, no, on, off, y and n without quotes, as YAML 1.1 does.
	YesNo bool

	// Text says which members are texts, by the names on the way to them, their own last: a number or a boolean there is a text as
	// it is written. It is not asked about what is in no member. nil: none.
	Text func(names []string) bool
}

// ErrEmpty is the error about a text without a value.
var ErrEmpty = errors.New("there is nothing in it")

// Convert is a YAML text as JSON. The error names the line.
func Convert(text []byte, options Options) ([]byte, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, ErrEmpty
	case err != nil:
		return nil, plain(err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("line %d: a second document begins", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, plain(err)
	}
	w := writer{options: options, line: 1, column: 1}
	if err := w.value(&root, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

// plain is an error without the name of the library.
func plain(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "yaml: ")) }

// FromJSON is JSON as YAML that people edit, with the members of objects in the order of their names.
func FromJSON(text []byte) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, plain(err)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := errors.Join(enc.Encode(v), enc.Close()); err != nil {
		return nil, plain(err)
	}
	return b.Bytes(), nil
}

type writer struct {
	options      Options
	out          []byte
	line, column int
	copying      int      // inside an alias, whose value has its place elsewhere
	names        []string // of the members that the value is in
}

func (w *writer) put(text string) {
	w.out = append(w.out, text...)
	w.column += len(text)
}

// moveTo pads up to a place, if it has not been passed.
func (w *writer) moveTo(line, column int) {
	if w.copying > 0 {
		return
	}
	for w.line < line {
		w.out = append(w.out, '\n')
		w.line, w.column = w.line+1, 1
	}
	for w.line == line && w.column < column {
		w.put(" ")
	}
}

func (w *writer) value(n *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return fmt.Errorf("line %d: nested more than %d deep", n.Line, maxDepth)
	case len(w.out) > maxExpanded:
		return fmt.Errorf("line %d: aliases make more than %d bytes of it", n.Line, maxExpanded)
	}
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && n.Kind != yaml.AliasNode {
		return w.tagged(n, depth)
	}
	return w.untagged(n, depth)
}

// tagged writes the value of a local tag as an object of one member.
func (w *writer) tagged(n *yaml.Node, depth int) error {
	member, ok := "", false
	if w.options.Tag != nil {
		member, ok = w.options.Tag(strings.TrimPrefix(n.Tag, "!"))
	}
	if !ok {
		return fmt.Errorf("line %d: the tag %s is not known here", n.Line, n.Tag)
	}
	w.moveTo(n.Line, n.Column)
	w.put("{" + strconv.Quote(member) + ":")
	inner := *n
	inner.Tag = ""
	if inner.Kind == yaml.ScalarNode {
		inner.Tag = "!!str"
	}
	if err := w.untagged(&inner, depth+1); err != nil {
		return err
	}
	w.put("}")
	return nil
}

func (w *writer) untagged(n *yaml.Node, depth int) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return w.value(n.Content[0], depth+1)
	case yaml.AliasNode:
		w.moveTo(n.Line, n.Column)
		w.copying++
		defer func() { w.copying-- }()
		return w.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		return w.sequence(n, depth)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	}
	w.moveTo(n.Line, n.Column)
	return w.scalar(n)
}

func (w *writer) sequence(n *yaml.Node, depth int) error {
	w.moveTo(n.Line, n.Column)
	w.put("[")
	for i, v := range n.Content {
		if i > 0 {
			w.put(",")
		}
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.put("]")
	return nil
}

// mapping writes a brace and the quote of a key to the left of where the key is, so that values are where they were.
func (w *writer) mapping(n *yaml.Node, depth int) error {
	w.moveTo(n.Line, n.Column-2)
	w.put("{")
	first := true
	if err := w.members(n, nil, &first, depth); err != nil {
		return err
	}
	w.put("}")
	return nil
}

// members writes the members of a mapping that an outer one, into which it is merged, does not have.
func (w *writer) members(n *yaml.Node, outer map[string]bool, first *bool, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: nested more than %d deep", n.Line, maxDepth)
	}
	var merged []*yaml.Node
	own := map[string]bool{}
	for key := range outer {
		own[key] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, v)
			continue
		case key.Kind != yaml.ScalarNode:
			return fmt.Errorf("line %d: a key is not a text", key.Line)
		case outer[key.Value]:
			continue
		}
		own[key.Value] = true
		if !*first {
			w.put(",")
		}
		*first = false
		w.moveTo(key.Line, key.Column-1)
		if err := w.text(key.Value); err != nil {
			return fmt.Errorf("line %d: %w", key.Line, err)
		}
		w.put(":")
		w.names = append(w.names, key.Value)
		if err := w.value(v, depth+1); err != nil {
			return err
		}
		w.names = w.names[:len(w.names)-1]
	}
	for _, v := range merged {
		if err := w.merge(v, own, first, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// merge writes what the merge key << of a mapping brings into it.
func (w *writer) merge(v *yaml.Node, outer map[string]bool, first *bool, depth int) error {
	w.copying++
	defer func() { w.copying-- }()
	if v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	switch v.Kind {
	case yaml.MappingNode:
		return w.members(v, outer, first, depth)
	case yaml.SequenceNode:
		for _, each := range v.Content {
			if err := w.merge(each, outer, first, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("line %d: only mappings can be merged", v.Line)
}

func (w *writer) scalar(n *yaml.Node) error {
	tag := n.ShortTag()
	if tag != "!!null" && w.options.Text != nil && len(w.names) > 0 && w.options.Text(w.names) {
		tag = "!!str"
	}
	switch tag {
	case "!!null":
		w.put("null")
		return nil
	case "!!str":
		if w.options.YesNo && n.Style == 0 {
			switch n.Value {
			case "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
				w.put("true")
				return nil
			case "no", "No", "NO", "off", "Off", "OFF", "n", "N":
				w.put("false")
				return nil
			}
		}
	case "!!bool":
		w.put(strings.ToLower(n.Value))
		return nil
	case "!!int", "!!float":
		if text := []byte(n.Value); jsontext.Value(text).IsValid() {
			w.put(n.Value)
			return nil
		}
		var number int64
		if n.Decode(&number) == nil {
			w.put(strconv.FormatInt(number, 10))
			return nil
		}
	}
	if err := w.text(n.Value); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

func (w *writer) text(s string) error {
	quoted, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return errors.New("a text is not valid UTF-8")
	}
	w.put(string(quoted))
	return nil
}
