package main

import (
	"bytes"
	"fmt"
	"strings"
)

// pattern is the pattern that the values of a shape must match, "" for any. FilterName's pattern is left out on purpose:
// it excludes the underscore of the very names AWS documents (TRANSIT_GATEWAY_ATTACHMENT_ID), so the service cannot be
// enforcing it.
func (m *model) pattern(s *shape) string {
	if s.Pattern == `[\s\S]*` || s.name == "FilterName" {
		return ""
	}
	return s.Pattern
}

func writeValidate(m *model, b *bytes.Buffer) error {
	for _, s := range m.structures() {
		if !s.inInput {
			continue
		}
		if s.isInput {
			fmt.Fprintf(b, "// Validate reports every constraint of the model that x violates.\nfunc (x *%s) Validate(empty EmptyStrings) []Violation {\nc, at := &checker{empty: empty}, (*place)(nil)\n", s.goName())
		} else {
			fmt.Fprintf(b, "func (x *%s) validate(c *checker, at *place) {\n", s.goName())
		}
		checks := b.Len()
		for _, member := range s.Members {
			m.validateMember(b, s, member)
		}
		if b.Len() == checks {
			b.WriteString("_ = at\n")
		}
		if s.isInput {
			b.WriteString("return c.violations\n")
		}
		b.WriteString("}\n\n")
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

// validateMember writes the checks of a member; p is its place.
func (m *model) validateMember(b *bytes.Buffer, s *shape, member member) {
	field := "x." + member.Name
	t := m.Shapes[member.Shape]
	value := field
	if m.isPointer(s, member) && t.Type != "structure" {
		value = "*" + field
	}
	var checks bytes.Buffer
	m.validateValue(&checks, member.Shape, value)
	absent := ""
	switch {
	case m.isPointer(s, member) || t.Type == "list" || t.Type == "map":
		absent = field + " == nil"
	case t.Type == "string" && s.required(member.Name):
		absent = field + ` == "" && c.absent(&p)`
	}
	at := fmt.Sprintf("p := at.member(%q)", lowerCamel(member.Name))
	switch required := s.required(member.Name) && absent != ""; {
	case required && checks.Len() > 0:
		fmt.Fprintf(b, "if %s; %s {\nc.missing(&p)\n} else {\n%s}\n", at, absent, checks.Bytes())
	case required:
		fmt.Fprintf(b, "if %s; %s {\nc.missing(&p)\n}\n", at, absent)
	case checks.Len() > 0 && absent != "":
		fmt.Fprintf(b, "if %s; %s {\n%s}\n", at, strings.Replace(absent, "==", "!=", 1), checks.Bytes())
	case checks.Len() > 0:
		fmt.Fprintf(b, "{\n%s\n%s}\n", at, checks.Bytes())
	}
}

// validateValue writes the checks of a value, whose place is p where they run.
func (m *model) validateValue(b *bytes.Buffer, shapeName, value string) {
	s := m.Shapes[shapeName]
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			fmt.Fprintf(b, "c.oneOf(&p, string(%s), values%s)\n", value, s.goName())
			return
		}
		if s.Max != nil {
			low := 0
			if s.Min != nil {
				low = *s.Min
			}
			fmt.Fprintf(b, "c.length(&p, %s, %d, %d)\n", value, low, *s.Max)
		}
		if m.pattern(s) != "" {
			fmt.Fprintf(b, "c.matches(&p, %s, pattern%s)\n", value, s.goName())
		}
	case "integer", "long":
		if s.Max != nil {
			fmt.Fprintf(b, "c.between(&p, int64(%s), %d, %d)\n", value, *s.Min, *s.Max)
		}
	case "list":
		var each bytes.Buffer
		m.validateValue(&each, s.Member.Shape, "v")
		if each.Len() > 0 {
			v := "list[i]"
			if m.Shapes[s.Member.Shape].Type == "structure" {
				v = "&list[i]"
			}
			fmt.Fprintf(b, "for i, list := 0, %s; i < len(list); i++ {\np, v := p.element(i), %s\n%s}\n", value, v, each.Bytes())
		}
	case "map":
		var each bytes.Buffer
		m.validateValue(&each, s.Key.Shape, "k")
		m.validateValue(&each, s.Value.Shape, "v")
		if each.Len() > 0 {
			fmt.Fprintf(b, "for k, v := range sortedMap(%s) {\np := p.entry(k)\n%s}\n", value, each.Bytes())
		}
	case "structure":
		fmt.Fprintf(b, "%s.validate(c, &p)\n", value)
	}
}
