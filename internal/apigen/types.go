package main

import (
	"bytes"
	"fmt"
	"strings"
)

func writeTypes(m *model, b *bytes.Buffer) error {
	for _, s := range m.structures() {
		fmt.Fprintf(b, "// %s %s\ntype %s struct {\n", s.goName(), m.describe(s), s.goName())
		for _, member := range s.Members {
			tag := fmt.Sprintf("`json:\"%s,omitzero\"`", member.Name)
			typ := m.memberType(s, member)
			switch {
			case member.Location == "header":
				tag, typ = "`json:\"-\"` // the Retry-After header", "int"
			case member.Location != "":
				tag = "`json:\"-\"` // " + member.Location + " " + member.LocationName
			}
			fmt.Fprintf(b, "%s %s %s\n", member.Name, typ, tag)
		}
		if s.Exception {
			b.WriteString("\nCause error `json:\"-\"` // for the log, never for the client\n")
		}
		if m.isElement(s) {
			b.WriteString("\nencoded *[]string // what AppendJSON appends, in place of the members\n")
		}
		b.WriteString("}\n\n")
	}
	return nil
}

// describe says what a structure is for.
func (m *model) describe(s *shape) string {
	for _, name := range m.operationNames() {
		switch op := m.Operations[name]; s.name {
		case op.Input:
			return "is what " + name + " takes."
		case op.Output:
			return "is what " + name + " answers."
		}
	}
	if s.Exception {
		return fmt.Sprintf("is answered with status %d.", s.Error.Status)
	}
	return "is a structure of the interface."
}

func writeEnums(m *model, b *bytes.Buffer) error {
	for _, s := range m.enums() {
		fmt.Fprintf(b, "// %s is one of the values below.\ntype %s string\n\nconst (\n", s.goName(), s.goName())
		for _, value := range s.Enum {
			fmt.Fprintf(b, "%s%s %s = %q\n", s.goName(), constant(value), s.goName(), value)
		}
		b.WriteString(")\n\n")
	}
	return nil
}

func writeEncode(m *model, b *bytes.Buffer) error {
	b.WriteString("import (\n\"maps\"\n\"slices\"\n\"strconv\"\n)\n\n")
	for _, s := range m.structures() {
		if !s.inOutput && !s.Exception && !m.inException(s) {
			continue
		}
		fmt.Fprintf(b, "// AppendJSON appends x as it goes over the wire.\nfunc (x *%s) AppendJSON(b []byte) []byte {\n", s.goName())
		if m.isElement(s) {
			b.WriteString("if x.encoded != nil {\nreturn appendTexts(b, *x.encoded)\n}\n")
		}
		b.WriteString("b = append(b, '{')\n")
		for _, member := range s.Members {
			if member.Location != "" {
				continue
			}
			field := "x." + member.Name
			pointer := m.isPointer(s, member)
			present := m.present(s, member, field)
			value := field
			if pointer && m.Shapes[member.Shape].Type != "structure" {
				value = "*" + field
			}
			if present != "" {
				fmt.Fprintf(b, "if %s {\n", present)
			}
			fmt.Fprintf(b, "b = appendName(b, `\"%s\":`)\n", member.Name)
			m.encodeValue(b, member.Shape, value, 0)
			if present != "" {
				b.WriteString("}\n")
			}
		}
		b.WriteString("return append(b, '}')\n}\n\n")
		if m.isElement(s) {
			fmt.Fprintf(b, "// SetEncoded makes texts what AppendJSON appends, whatever the members are: see [Element].\nfunc (x *%s) SetEncoded(texts *[]string) { x.encoded = texts }\n\n", s.goName())
		}
	}
	return nil
}

// isElement tells whether a structure is what some list of an output consists of.
func (m *model) isElement(s *shape) bool {
	for _, name := range m.results() {
		output, member, _ := strings.Cut(name, ".")
		for _, list := range m.Shapes[output].Members {
			if list.Name == member && m.Shapes[list.Shape].Member.Shape == s.name {
				return true
			}
		}
	}
	return false
}

// inException tells whether a structure is part of an exception's body.
func (m *model) inException(s *shape) bool {
	for _, e := range m.structures() {
		if !e.Exception {
			continue
		}
		for _, member := range e.Members {
			if list := m.Shapes[member.Shape]; list.Member != nil && list.Member.Shape == s.name {
				return true
			}
		}
	}
	return false
}

// present is the condition under which a member is written; "" for always.
func (m *model) present(s *shape, member member, field string) string {
	switch {
	case m.isPointer(s, member):
		return field + " != nil"
	case m.Shapes[member.Shape].Type == "timestamp":
		return "!" + field + ".IsZero()"
	case m.Shapes[member.Shape].Type == "list" || m.Shapes[member.Shape].Type == "map":
		return map[whenEmpty]string{shown: "", leftOut: "len(" + field + ") > 0", unrecorded: field + " != nil"}[m.whenEmpty(s, member)]
	case s.required(member.Name):
		return ""
	default:
		return field + ` != ""`
	}
}

func (m *model) encodeValue(b *bytes.Buffer, name, value string, depth int) {
	s := m.Shapes[name]
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			value = "string(" + value + ")"
		}
		fmt.Fprintf(b, "b = AppendString(b, %s)\n", value)
	case "integer", "long":
		fmt.Fprintf(b, "b = strconv.AppendInt(b, int64(%s), 10)\n", value)
	case "boolean":
		fmt.Fprintf(b, "b = strconv.AppendBool(b, %s)\n", value)
	case "timestamp":
		fmt.Fprintf(b, "b = %s.appendJSON(b)\n", value)
	case "list":
		i := strings.Repeat("i", depth+1)
		fmt.Fprintf(b, "b = append(b, '[')\nfor %s := range %s {\nif %s > 0 {\nb = append(b, ',')\n}\n", i, value, i)
		m.encodeValue(b, s.Member.Shape, value+"["+i+"]", depth+1)
		b.WriteString("}\nb = append(b, ']')\n")
	case "map":
		fmt.Fprintf(b, "b = append(b, '{')\nfor _, k := range slices.Sorted(maps.Keys(%s)) {\nb = appendName(b, \"\")\nb = AppendString(b, k)\nb = append(b, ':')\n", value)
		m.encodeValue(b, s.Value.Shape, value+"[k]", depth+1)
		b.WriteString("}\nb = append(b, '}')\n")
	default:
		fmt.Fprintf(b, "b = %s.AppendJSON(b)\n", value)
	}
}

func writeExceptions(m *model, b *bytes.Buffer) error {
	for _, s := range m.structures() {
		if !s.Exception {
			continue
		}
		fmt.Fprintf(b, `func (x *%[1]s) Error() string { return "%[1]s: " + x.Message }
func (x *%[1]s) Unwrap() error { return x.Cause }

// ErrorType is the value of x-amzn-ErrorType.
func (x *%[1]s) ErrorType() string { return "%[1]s" }

// HTTPStatus is the status of the reply.
func (x *%[1]s) HTTPStatus() int { return %[2]d }

`, s.goName(), s.Error.Status)
		for _, member := range s.Members {
			if member.Location == "header" {
				fmt.Fprintf(b, "// RetryAfter is the value of the header, in seconds; 0 for none.\nfunc (x *%s) RetryAfter() int { return x.%s }\n\n", s.goName(), member.Name)
			}
		}
	}
	return nil
}
