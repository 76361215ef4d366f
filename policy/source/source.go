// Package source finds core network policies in the files that people have: documents in JSON or YAML, Terraform plans and
// states, CloudFormation and CDK templates, replies and requests of the API, snapshots.
//
// [Read] is the one reader of all of them. It is pure: a name and bytes in, values out.
package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/yamljson"
	"portolan/policy"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 64 << 20

// Form is what kind of file holds a policy.
type Form string

// The forms that are read.
const (
	Document Form = "policy document"
	Plan     Form = "Terraform plan"
	State    Form = "Terraform state"
	Template Form = "CloudFormation template"
	Reply    Form = "API message" // a reply, or a request, that holds a document
	String   Form = "JSON string"
	Snapshot Form = "snapshot"
)

// Policy is a policy that a file holds.
type Policy struct {
	Form      Form
	Address   string // of the resource in a plan, state or template: module.wan.aws_networkmanager_core_network.this[0]
	Attribute string // the member that holds the document, such as policy_document; "" when the file is the document
	Text      []byte // the document; nil when it is not known
	Unknown   string // why it is not known; "" when it is
	Line      int    // where the document begins in the file, from 1; 0 when it is not known
	Column    int    // from 1, in bytes
	InPlace   bool   // the document is part of the file as it stands, and not a string in it

	sent bool // the file is the document that would be sent
}

// Placed is the document with as many empty lines and spaces before it that it is where it is in the file.
func (p *Policy) Placed() []byte {
	if !p.InPlace {
		return p.Text
	}
	return slices.Concat(bytes.Repeat([]byte("\n"), p.Line-1), bytes.Repeat([]byte(" "), p.Column-1), p.Text)
}

// Parse reads the document. Lines and columns are those of the file when the document stands in it as it is.
func (p *Policy) Parse() (*policy.Document, policy.Errors) {
	if p.InPlace && !p.sent {
		return policy.ParseAt(p.Text, p.Line, p.Column)
	}
	return policy.Parse(p.Text)
}

// Read finds the policies of a file, in its order, those that are not known at the end. The name is that of the file and may
// be empty. The error says why there are none, and what to give instead.
func Read(name string, text []byte) ([]Policy, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("the file has more than %d bytes", MaxSize)
	}
	text = UTF8(text)
	if err := refuse(name, text); err != nil {
		return nil, err
	}
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) > 0 && isYAML(trimmed) {
		converted, err := yamljson.Convert(text, yamljson.Options{Tag: intrinsicTag})
		if err != nil {
			return nil, fmt.Errorf("the file is neither JSON nor YAML: %w", err)
		}
		if first := bytes.TrimLeft(converted, " \t\r\n"); len(first) == 0 || first[0] != '{' {
			return nil, errors.New("the file is neither JSON nor a mapping in YAML")
		}
		text = converted
		list, err := newFile(text, 0).read()
		for i := range list {
			list[i].sent = false
		}
		return list, err
	}
	return newFile(text, 0).read()
}

// ReadOne is [Read] of a file that has one policy, whose document is known.
func ReadOne(name string, text []byte) (*Policy, error) {
	list, err := Read(name, text)
	switch {
	case err != nil:
		return nil, err
	case len(list) > 1:
		return nil, fmt.Errorf("the file has %d policies: %s and others; give one", len(list), list[0].Address)
	case list[0].Unknown != "":
		return nil, errors.New(list[0].Unknown)
	}
	return &list[0], nil
}

// UTF8 is a text without a byte order mark; UTF-16, which PowerShell writes, is decoded.
func UTF8(text []byte) []byte {
	if rest, ok := bytes.CutPrefix(text, []byte("\xef\xbb\xbf")); ok {
		return rest
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(text, []byte("\xff\xfe")):
		return text
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	out := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return out
}

var (
	hclBlock  = regexp.MustCompile(`^(resource|data|module|provider|variable|output)\s+"[^"\n]*"[^\n]*\{|^(terraform|locals)\s*\{`)
	planText  = regexp.MustCompile(`(?m)^(Terraform|OpenTofu) (will perform|used the selected providers)`)
	hclSuffix = []string{".tf", ".hcl", ".tofu", ".tfvars"}
)

// refuse names the command that helps with files that hold a policy in a form that only other programs read.
func refuse(name string, text []byte) error {
	show := "give what `terraform show -json` prints"
	switch {
	case bytes.HasPrefix(text, []byte("PK")):
		if name != "" && name != "-" {
			show = "give what `terraform show -json " + name + "` prints"
		}
		return errors.New("this is a plan in Terraform's own binary form: " + show)
	case slices.ContainsFunc(hclSuffix, func(s string) bool { return strings.HasSuffix(name, s) }), hclBlock.Match(firstCode(text)):
		return errors.New("this is Terraform source: " + show)
	case planText.Match(text[:min(len(text), 4096)]):
		return errors.New("this is a Terraform plan as text: " + show)
	}
	return nil
}

// firstCode is a text from its first line on that is neither empty nor a comment of HCL.
func firstCode(text []byte) []byte {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("//")) {
			return bytes.TrimLeft(text, " \t\r\n")
		}
		text = rest
	}
	return nil
}

// isYAML says whether a text is to be read as YAML: what begins as JSON does is JSON.
func isYAML(trimmed []byte) bool {
	switch trimmed[0] {
	case '{', '[', '"':
		return false
	}
	return !jsontext.Value(trimmed).IsValid() && !bytes.HasPrefix(trimmed, []byte("//")) && !bytes.HasPrefix(trimmed, []byte("/*"))
}

// maxInside is how many texts may hold one another: a reply with a template with a document.
const maxInside = 4

// file is a JSON text to find policies in.
type file struct {
	text   []byte
	lines  []int // offsets at which lines begin
	inside int   // how many texts this one is inside of
}

func newFile(text []byte, inside int) *file {
	f := &file{text: text, lines: []int{0}, inside: inside}
	for i, c := range text {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// position is the line and the column of an offset.
func (f *file) position(offset int) (line, column int) {
	i, found := slices.BinarySearch(f.lines, offset)
	if !found {
		i--
	}
	return i + 1, offset - f.lines[i] + 1
}

// read recognizes the file by the members of its object.
func (f *file) read() ([]Policy, error) {
	root := f.root()
	if f.kind(root) == '"' {
		return f.held(root, String, "")
	}
	members, err := f.members(root)
	if err != nil || f.kind(root) != '{' {
		return f.document() // whose errors of syntax are for the language to report
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := members[name]; return ok })
	}
	switch {
	case has("segments", "core-network-configuration"):
		return f.document()
	case has("Resources"):
		return f.template(members["Resources"])
	case has("resources") && has("lineage", "serial", "terraform_version"):
		return f.state(root)
	case has("format_version", "terraform_version", "planned_values", "resource_changes", "prior_state"):
		return f.plan()
	case has("CoreNetworkPolicy"):
		inner, err := f.members(members["CoreNetworkPolicy"])
		if at, ok := inner["PolicyDocument"]; err == nil && ok {
			return f.held(at, Reply, "PolicyDocument")
		}
	case has("PolicyDocument"):
		return f.held(members["PolicyDocument"], Reply, "PolicyDocument")
	case has("TemplateBody"):
		return f.held(members["TemplateBody"], Reply, "TemplateBody")
	case has("policy") && has("attachments", "edges", "coreNetworkId"):
		return f.held(members["policy"], Snapshot, "policy")
	}
	return f.document()
}

// document is the file as a document itself.
func (f *file) document() ([]Policy, error) {
	return []Policy{{Form: Document, Text: f.text, Line: 1, Column: 1, InPlace: true, sent: true}}, nil
}

// held is what a member holds: a document, or another text that holds one, as an object or as a string.
func (f *file) held(at span, form Form, attribute string) ([]Policy, error) {
	p := Policy{Form: form, Attribute: attribute}
	p.Line, p.Column = f.position(at.from)
	switch f.kind(at) {
	case '{':
		p.Text, p.InPlace = f.text[at.from:at.to], true
		if attribute != "TemplateBody" {
			return []Policy{p}, nil
		}
		// A template in place: the same text, where everything else is blank.
		blank := bytes.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, f.text[:at.from])
		return newFile(append(blank, p.Text...), f.inside+1).read()
	case '"':
		text, err := jsontext.AppendUnquote(nil, f.text[at.from:at.to])
		if err != nil {
			return nil, JSONError("the file", err)
		}
		if p.Text = text; f.inside >= maxInside {
			return nil, errors.New("too many texts are inside one another")
		}
		inner, err := Read("", text)
		if err != nil {
			return nil, err
		}
		if len(inner) == 1 && inner[0].Form == Document && f.inside == 0 {
			return []Policy{p}, nil
		}
		for i := range inner {
			inner[i].InPlace = false
		}
		return inner, nil
	}
	return nil, fmt.Errorf("%s is neither a string nor an object", attribute)
}
