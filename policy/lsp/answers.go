package lsp

import (
	"slices"
	"strings"

	"portolan/policy"
)

// forms is the schemas of a place that what stands there may still become: those that its members, such as action or type,
// rule out are left out.
func forms(s *policy.Schema, n *node) []*policy.Schema {
	if s == nil {
		return nil
	}
	if len(s.AnyOf) == 0 {
		if !possible(s, n) {
			return nil
		}
		return []*policy.Schema{s}
	}
	var list []*policy.Schema
	for _, f := range s.AnyOf {
		list = append(list, forms(f, n)...)
	}
	return list
}

func possible(s *policy.Schema, n *node) bool {
	if n == nil || n.kind == 0 {
		return true
	}
	switch n.kind {
	case '[':
		return s.Type == "array"
	case '"':
		return s.Type == "string"
	case 'x':
		return s.Type != "array" && s.Type != "object"
	}
	if s.Type != "object" {
		return false
	}
	for _, m := range s.Members {
		if v := n.get(m.Name); len(m.Enum) == 1 && v != nil && v.kind == '"' && v.text != "" && v.text != m.Enum[0] {
			return false
		}
	}
	return true
}

// schemasOf is the schemas of a value in a policy.
func (s *Server) schemasOf(root, n *node) []*policy.Schema {
	if n == root || n == nil {
		return []*policy.Schema{s.schema}
	}
	var list []*policy.Schema
	for _, outer := range s.schemasOf(root, n.parent) {
		switch {
		case n.parent.kind == '[' && outer.Items != nil:
			list = append(list, forms(outer.Items, n)...)
		case n.key != nil:
			list = append(list, forms(outer.Member(n.key.text), n)...)
		}
	}
	return list
}

// described is the schemas of a member as they are written, with the description that all forms share.
func (s *Server) described(root, object *node, name string) []*policy.Schema {
	var list []*policy.Schema
	for _, outer := range s.schemasOf(root, object) {
		if m := outer.Member(name); m != nil {
			list = append(list, m)
		}
	}
	return list
}

type markup struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

type hover struct {
	Contents markup `json:"contents"`
	Range    span   `json:"range"`
}

// hover says what the member at a position is, and of a name where it is defined and what it has there.
func (s *Server) hover(d *document, at position) *hover {
	offset := d.offset(at)
	root := d.root(offset)
	if root == nil {
		return nil
	}
	n := root.find(offset)
	member := n
	if n.parent != nil && n.isKey() {
		member = n.member()
	}
	for member != root && member.key == nil && member.parent != nil { // an element of a list is what the list is about
		member = member.parent
	}
	var parts []string
	if member != root && member.key != nil {
		for _, m := range s.described(root, member.parent, member.key.text) {
			part := "**" + member.key.text + "**: " + m.Description
			if m.Type == "string" && len(m.Enum) > 1 {
				part += "\n\nOne of: " + strings.Join(m.Enum, ", ") + "."
			}
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	if target := s.target(root, n); target != nil {
		text := d.text[target.parent.from:target.parent.to]
		if len(text) < 500 {
			parts = append(parts, "```json\n"+text+"\n```")
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return &hover{markup{"markdown", strings.Join(parts, "\n\n")}, d.span(n.from, n.to)}
}

// target is the value that defines what a string names, nil when it names nothing.
func (s *Server) target(root, n *node) *node {
	if n.kind != '"' || n.parent != nil && n.isKey() {
		return nil
	}
	for _, f := range s.schemasOf(root, n) {
		for _, defined := range definitions(root, f.Names) {
			if defined.text == n.text {
				return defined
			}
		}
	}
	return nil
}

// definitions is the values that define names of a kind, in document order.
func definitions(root *node, of policy.Names) []*node {
	section, member := root.get(string(of)), "name"
	switch of {
	case policy.NamesNothing:
		return nil
	case policy.NamesEdge:
		section, member = root.get("core-network-configuration").get("edge-locations"), "location"
	case policy.NamesRoutingPolicy:
		member = "routing-policy-name"
	}
	if section == nil {
		return nil
	}
	var list []*node
	for _, element := range section.children {
		if n := element.get(member); n != nil && n.kind == '"' {
			list = append(list, n)
		}
	}
	return list
}

type location struct {
	URI   string `json:"uri"`
	Range span   `json:"range"`
}

// definition is where what a string names is defined.
func (s *Server) definition(uri string, d *document, at position) *location {
	offset := d.offset(at)
	root := d.root(offset)
	if root == nil {
		return nil
	}
	target := s.target(root, root.find(offset))
	if target == nil {
		return nil
	}
	return &location{uri, d.span(target.from, target.to)}
}

// item is what may be written at a position.
type item struct {
	Label         string   `json:"label"`
	Kind          int      `json:"kind"` // 10 a member, 12 a value, 18 a name that is defined
	Documentation string   `json:"documentation,omitempty"`
	TextEdit      textEdit `json:"textEdit"`
}

type textEdit struct {
	Range   span   `json:"range"`
	NewText string `json:"newText"`
}

// The kinds of the protocol.
const (
	kindMember = 10
	kindValue  = 12
	kindName   = 18
)

// complete is the members that an object lacks, or the values that may stand at a position.
func (s *Server) complete(d *document, at position) []item {
	list := []item{}
	offset := d.offset(at)
	root := d.root(offset)
	if root == nil {
		return list
	}
	n := root.find(offset)
	edit := d.span(offset, offset)
	if n.kind == '"' || n.kind == 'x' {
		to := n.to
		if n.kind == '"' && (n.to == n.from+1 || d.text[n.to-1] != '"') { // it has no end, and what follows is not part of it
			to = max(offset, n.from+1)
		}
		edit = d.span(n.from, to)
	}
	add := func(label string, kind int, documentation string) {
		if !slices.ContainsFunc(list, func(i item) bool { return i.Label == label }) {
			list = append(list, item{label, kind, documentation, textEdit{edit, `"` + label + `"`}})
		}
	}
	switch {
	case n.parent != nil && n.isKey():
		s.members(root, n.parent, n, add)
	case n.kind == '{':
		if v := unfinished(n, offset); v != nil {
			s.values(root, v, add)
		} else {
			s.members(root, n, nil, add)
		}
	case n.kind == '[':
		s.values(root, &node{parent: n}, add)
	default:
		s.values(root, n, add)
	}
	return list
}

// unfinished is the member after whose colon an offset is, without a value.
func unfinished(object *node, offset int) *node {
	for _, c := range object.children {
		if c.kind == 0 && c.from <= offset {
			next := slices.IndexFunc(object.children, func(other *node) bool { return other.key.from > c.key.from && other.key.from < offset })
			if next < 0 {
				return c
			}
		}
	}
	return nil
}

// members is the members of an object that are not there, but for one that is being written.
func (s *Server) members(root, object, written *node, add func(label string, kind int, documentation string)) {
	for _, f := range s.schemasOf(root, object) {
		for _, m := range f.Members {
			if there := object.get(m.Name); there == nil || there.key == written {
				add(m.Name, kindMember, m.Description)
			}
		}
	}
}

// values is what may stand where a value stands, or is to stand.
func (s *Server) values(root, n *node, add func(label string, kind int, documentation string)) {
	empty := &node{parent: n.parent, key: n.key} // whatever is there may be replaced
	for _, f := range s.schemasOf(root, empty) {
		for _, v := range f.Enum {
			add(v, kindValue, "")
		}
		for _, defined := range definitions(root, f.Names) {
			add(defined.text, kindName, "")
		}
	}
}
