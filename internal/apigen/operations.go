package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// inputs are the structures that operations take.
func (m *model) inputs() []*shape {
	var list []*shape
	for _, name := range m.operationNames() {
		list = append(list, m.Shapes[m.Operations[name].Input])
	}
	return list
}

func writeBind(m *model, b *bytes.Buffer) error {
	for _, s := range m.inputs() {
		writeSetLabel(s, b)
		writeSetQuery(m, s, b)
		for _, member := range s.Members {
			if member.IdempotencyToken {
				fmt.Fprintf(b, "// GetClientToken is the caller's idempotency token, empty for none.\nfunc (x *%s) GetClientToken() string {\nif x.%[2]s == nil {\nreturn \"\"\n}\nreturn *x.%[2]s\n}\n\n", s.goName(), member.Name)
			}
		}
	}
	return nil
}

func writeSetLabel(s *shape, b *bytes.Buffer) {
	fmt.Fprintf(b, "// SetLabel sets a member from the path.\nfunc (x *%s) SetLabel(name, value string) []Violation {\n", s.goName())
	var cases bytes.Buffer
	for _, member := range s.Members {
		if member.Location != "uri" {
			continue
		}
		if member.Shape == "Integer" {
			fmt.Fprintf(&cases, "case %q:\nn, wrong := parseInt32(name, value)\nx.%s = n\nreturn wrong\n", member.LocationName, member.Name)
		} else {
			fmt.Fprintf(&cases, "case %q:\nx.%s = value\n", member.LocationName, member.Name)
		}
	}
	if cases.Len() > 0 {
		fmt.Fprintf(b, "switch name {\n%s}\n", cases.Bytes())
	}
	b.WriteString("return nil\n}\n\n")
}

func writeSetQuery(m *model, s *shape, b *bytes.Buffer) {
	fmt.Fprintf(b, "// SetQuery sets a member from a query parameter. Of a scalar given more than once the first counts.\nfunc (x *%s) SetQuery(name string, values []string) []Violation {\n", s.goName())
	var cases bytes.Buffer
	for _, member := range s.Members {
		if member.Location != "querystring" {
			continue
		}
		fmt.Fprintf(&cases, "case %q:\n", member.LocationName)
		target := "x." + member.Name
		switch typ := m.memberType(s, member); typ {
		case "[]string":
			fmt.Fprintf(&cases, "%s = values\n", target)
		case "string":
			fmt.Fprintf(&cases, "%s = values[0]\n", target)
		case "*string":
			fmt.Fprintf(&cases, "%s = &values[0]\n", target)
		case "*int32":
			fmt.Fprintf(&cases, "n, wrong := parseInt32(name, values[0])\nif wrong == nil {\n%s = &n\n}\nreturn wrong\n", target)
		default:
			fmt.Fprintf(&cases, "v := %s(values[0])\n%s = &v\n", strings.TrimPrefix(typ, "*"), target)
		}
	}
	if cases.Len() > 0 {
		fmt.Fprintf(b, "switch name {\n%s}\n", cases.Bytes())
	}
	b.WriteString("return nil\n}\n\n")
}

func writeOperations(m *model, b *bytes.Buffer) error {
	b.WriteString("import \"context\"\n\n// Operations is every operation, in the order of the alphabet.\nvar Operations = []Operation{\n")
	for _, name := range m.operationNames() {
		op := m.Operations[name]
		facts, ok := iamOf(name)
		if !ok {
			return fmt.Errorf("no IAM facts for %s", name)
		}
		input, output := m.Shapes[op.Input].goName(), m.Shapes[op.Output].goName()
		token, body := false, false
		for _, member := range m.Shapes[op.Input].Members {
			token = token || member.IdempotencyToken
			body = body || member.Location == ""
		}
		fmt.Fprintf(b, "{\nName: %q,\nMethod: %q,\nPath: %q,\n", name, op.HTTP.Method, op.HTTP.RequestURI)
		fmt.Fprintf(b, "Labels: %s,\nHasBody: %t,\nClientToken: %t,\n", goStrings(labelsOf(op.HTTP.RequestURI)), body, token)
		fmt.Fprintf(b, "Action: %q,\nAccess: %q,\n", "networkmanager:"+name, facts.access)
		readOnly := facts.access == "Read" || facts.access == "List"
		fmt.Fprintf(b, "ReadOnly: %t,\nIdempotent: %t,\n", readOnly, readOnly || token || op.HTTP.Method == "DELETE" || op.HTTP.Method == "PATCH")
		if len(facts.resources) > 0 {
			b.WriteString("Resources: []Resource{")
			for _, r := range facts.resources {
				fmt.Fprintf(b, "{Type: %q, Required: %t},", r.Type, r.Required)
			}
			b.WriteString("},\n")
		}
		if len(facts.keys) > 0 {
			fmt.Fprintf(b, "ConditionKeys: %s,\n", goStrings(facts.keys))
		}
		if p, ok := m.Pagination[name]; ok {
			fmt.Fprintf(b, "Paginator: &Paginator{ResultKey: %q},\n", p.ResultKey)
		}
		fmt.Fprintf(b, "Errors: %s,\n", goStrings(slices.Sorted(slices.Values(op.Errors))))
		fmt.Fprintf(b, "NewInput: func() Input { return new(%s) },\n", input)
		fmt.Fprintf(b, "Call: func(ctx context.Context, s Service, in Input) (Output, error) {\nreturn output[%s](s.%s(ctx, in.(*%s)))\n},\n", output, name, input)
		b.WriteString("},\n")
	}
	b.WriteString("}\n")
	return nil
}

func labelsOf(uri string) []string {
	var labels []string
	for part := range strings.SplitSeq(uri, "/") {
		if strings.HasPrefix(part, "{") {
			labels = append(labels, strings.Trim(part, "{}"))
		}
	}
	return labels
}

func goStrings(list []string) string {
	if len(list) == 0 {
		return "nil"
	}
	return fmt.Sprintf("%#v", list)
}

func writeService(m *model, b *bytes.Buffer) error {
	fmt.Fprintf(b, "import \"context\"\n\n// Service is the %d operations.\ntype Service interface {\n", len(m.Operations))
	for _, name := range m.operationNames() {
		op := m.Operations[name]
		fmt.Fprintf(b, "%s(ctx context.Context, in *%s) (*%s, error)\n", name, m.Shapes[op.Input].goName(), m.Shapes[op.Output].goName())
	}
	b.WriteString("}\n\n// Unimplemented answers every operation with 501 and its name. A Service embeds it and overrides what it can do.\ntype Unimplemented struct{}\n\nvar _ Service = Unimplemented{}\n\n")
	for _, name := range m.operationNames() {
		op := m.Operations[name]
		fmt.Fprintf(b, "func (Unimplemented) %s(context.Context, *%s) (*%s, error) {\nreturn nil, notImplemented(%q)\n}\n\n", name, m.Shapes[op.Input].goName(), m.Shapes[op.Output].goName(), name)
	}
	return nil
}
