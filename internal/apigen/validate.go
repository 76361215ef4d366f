package main

import (
	"bytes"
	"fmt"
	"strings"
)

// anything are patterns that exclude nothing. FilterName's pattern is left out on purpose: it excludes the underscore
// of the very names AWS documents (TRANSIT_GATEWAY_ATTACHMENT_ID), so the service cannot be enforcing it.
func (m *model) pattern(s *shape) string {
	if s.Pattern == `[\s\S]*` || s.name == "FilterName" {
		return ""
	}
	return s.Pattern
}

func writeValidate(m *model, b *bytes.Buffer) error {
	b.WriteString("import \"strconv\"\n\n")
	isInput := map[*shape]bool{}
	for _, s := range m.inputs() {
		isInput[s] = true
	}
	for _, s := range m.structures() {
		if !s.inInput {
			continue
		}
		if isInput[s] {
			fmt.Fprintf(b, "// Validate reports every constraint of the model that x violates.\nfunc (x *%s) Validate() []FieldError {\nc := new(checker)\n", s.goName())
		} else {
			fmt.Fprintf(b, "func (x *%s) validate(c *checker, path string) {\n", s.goName())
		}
		for _, member := range s.Members {
			name := fmt.Sprintf("%q", lowerCamel(member.Name))
			if !isInput[s] {
				name = "path+" + fmt.Sprintf("%q", "."+lowerCamel(member.Name))
			}
			m.validateMember(b, s, member, name)
		}
		if isInput[s] {
			b.WriteString("return c.errors\n}\n\n")
		} else {
			b.WriteString("}\n\n")
		}
	}
	for _, name := range sortedKeys(m.Shapes) {
		s := m.Shapes[name]
		if s.inInput && len(s.Enum) > 0 {
			fmt.Fprintf(b, "var values%s = %s\n", s.goName(), goStrings(s.Enum))
		}
		if s.inInput && m.pattern(s) != "" {
			fmt.Fprintf(b, "var pattern%s = newPattern(%q)\n", s.goName(), m.pattern(s))
		}
	}
	return nil
}

func (m *model) validateMember(b *bytes.Buffer, s *shape, member member, name string) {
	field := "x." + member.Name
	t := m.Shapes[member.Shape]
	value := field
	if m.isPointer(s, member) && t.Type != "structure" {
		value = "*" + field
	}
	var checks bytes.Buffer
	m.validateValue(&checks, member.Shape, value, name, 0)
	switch required := s.required(member.Name); {
	case m.isPointer(s, member) || t.Type == "list" || t.Type == "map":
		if required {
			fmt.Fprintf(b, "if %s == nil {\nc.missing(%s)\n}\n", field, name)
		}
		if checks.Len() > 0 {
			fmt.Fprintf(b, "if %s != nil {\n%s}\n", field, checks.Bytes())
		}
	case required && t.Type == "string":
		// A required string is a plain value: absent and empty are the same, and neither names anything.
		fmt.Fprintf(b, "if %s == \"\" {\nc.missing(%s)\n}", field, name)
		if checks.Len() > 0 {
			fmt.Fprintf(b, " else {\n%s}", checks.Bytes())
		}
		b.WriteString("\n")
	default:
		b.Write(checks.Bytes())
	}
}

func (m *model) validateValue(b *bytes.Buffer, shapeName, value, name string, depth int) {
	s := m.Shapes[shapeName]
	switch s.Type {
	case "string":
		text := value
		if len(s.Enum) > 0 {
			fmt.Fprintf(b, "c.oneOf(%s, string(%s), values%s)\n", name, value, s.goName())
			return
		}
		if s.Max != nil {
			low := 0
			if s.Min != nil {
				low = *s.Min
			}
			fmt.Fprintf(b, "c.length(%s, %s, %d, %d)\n", name, text, low, *s.Max)
		}
		if m.pattern(s) != "" {
			fmt.Fprintf(b, "c.matches(%s, %s, pattern%s)\n", name, text, s.goName())
		}
	case "integer", "long":
		if s.Max != nil {
			fmt.Fprintf(b, "c.between(%s, int64(%s), %d, %d)\n", name, value, *s.Min, *s.Max)
		}
	case "list":
		var each bytes.Buffer
		i := strings.Repeat("i", depth+1)
		m.validateValue(&each, s.Member.Shape, value+"["+i+"]", name+`+"["+strconv.Itoa(`+i+`)+"]"`, depth+1)
		if each.Len() > 0 {
			fmt.Fprintf(b, "for %s := range %s {\n%s}\n", i, value, each.Bytes())
		}
	case "map":
		var each bytes.Buffer
		m.validateValue(&each, s.Key.Shape, "k", name+`+"."+k`, depth+1)
		m.validateValue(&each, s.Value.Shape, "v", name+`+"."+k`, depth+1)
		if each.Len() > 0 {
			fmt.Fprintf(b, "for k, v := range sortedMap(%s) {\n%s}\n", value, each.Bytes())
		}
	case "structure":
		fmt.Fprintf(b, "%s.validate(c, %s)\n", value, name)
	}
}
