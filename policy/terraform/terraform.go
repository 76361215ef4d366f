// Package terraform writes core network policies as Terraform source.
//
// It writes the document itself, in an expression for jsonencode, and not the blocks of the data source
// aws_networkmanager_core_network_policy_document: those lack members of the newer version and change with the provider.
package terraform

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// namePattern is what names of resources are made of.
var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// Attachment is a resource aws_networkmanager_core_network_policy_attachment with a document, for a core network that is a
// resource of the same name.
func Attachment(name string, doc *policy.Document) ([]byte, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("%.60q is no name of a Terraform resource: letters, digits, _ and -", name)
	}
	w := writer{dec: jsontext.NewDecoder(bytes.NewReader(policy.Format(doc)))}
	value, err := w.value("  ")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `resource "aws_networkmanager_core_network_policy_attachment" %q {
  core_network_id = aws_networkmanager_core_network.%s.id

  policy_document = jsonencode(%s)
}
`, name, name, value), nil
}

// width is the longest line that a list or an object may be written on.
const width = 100

// writer turns the tokens of a JSON text into an expression.
type writer struct{ dec *jsontext.Decoder }

// value is the next value; what does not fit on a line is indented from there.
func (w *writer) value(indent string) (string, error) {
	token, err := w.dec.ReadToken()
	if err != nil {
		return "", err
	}
	switch token.Kind() {
	case '{':
		return w.elements(indent, "{", "}", func() (string, error) {
			key, err := w.dec.ReadToken()
			if err != nil {
				return "", err
			}
			name := quote(key.String())
			value, err := w.value(indent + "  ")
			return name + " = " + value, err
		})
	case '[':
		return w.elements(indent, "[", "]", func() (string, error) { return w.value(indent + "  ") })
	case '"':
		return quote(token.String()), nil
	}
	return token.String(), nil
}

// elements is the elements of a list or an object, on one line if they fit.
func (w *writer) elements(indent, opened, closed string, next func() (string, error)) (string, error) {
	var list []string
	size, lines := len(indent), false
	for w.dec.PeekKind() != '}' && w.dec.PeekKind() != ']' {
		element, err := next()
		if err != nil {
			return "", err
		}
		size, lines = size+len(element)+2, lines || strings.Contains(element, "\n")
		list = append(list, element)
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return "", err
	}
	separator := "\n"
	switch {
	case len(list) == 0:
		return opened + closed, nil
	case !lines && size <= width && opened == "[":
		return "[" + strings.Join(list, ", ") + "]", nil
	case !lines && size <= width:
		return "{ " + strings.Join(list, ", ") + " }", nil
	case opened == "[":
		separator = ",\n"
	}
	var b strings.Builder
	b.WriteString(opened + "\n")
	for _, element := range list {
		b.WriteString(indent + "  " + element + separator)
	}
	b.WriteString(indent + closed)
	return b.String(), nil
}

// quote is a string as Terraform reads it, in which ${ and %{ begin templates.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
