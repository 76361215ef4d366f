package source

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const coreNetworkType = "AWS::NetworkManager::CoreNetwork"

// intrinsicTag is the long form of a function that YAML templates have as a tag: !GetAtt is Fn::GetAtt.
func intrinsicTag(tag string) (member string, ok bool) {
	if tag == "Ref" || tag == "Condition" {
		return tag, true
	}
	return "Fn::" + tag, true
}

func isIntrinsic(member string) bool { return member == "Ref" || strings.HasPrefix(member, "Fn::") }

// template finds the core networks of a CloudFormation template, which those of the CDK are, too.
func (f *file) template(resources span) ([]Policy, error) {
	var found, unknown []Policy
	if f.kind(resources) != '{' {
		return nil, errors.New("the template's Resources are no object")
	}
	err := f.each(resources, func(id string, at span) error {
		if text := f.text[at.from:at.to]; !bytes.Contains(text, []byte(coreNetworkType)) && !bytes.Contains(text, []byte(`\u`)) {
			return nil // it cannot be one: most of a template is about other things
		}
		resource, err := f.members(at)
		if err != nil || f.string(resource["Type"]) != coreNetworkType {
			return err
		}
		properties, err := f.members(resource["Properties"])
		if err != nil {
			return err
		}
		document, ok := properties["PolicyDocument"]
		if !ok || f.kind(document) == 'n' {
			return nil // the core network has no policy yet
		}
		p, err := f.templatePolicy(id, document)
		if p.Unknown != "" {
			unknown = append(unknown, p)
		} else {
			found = append(found, p)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, JSONError("the template", err)
	case len(found)+len(unknown) == 0:
		return nil, errors.New("the template has no " + coreNetworkType + " with a PolicyDocument")
	}
	return append(found, unknown...), nil
}

// templatePolicy is the policy of a core network: an object, a string, or known only when the stack is created.
func (f *file) templatePolicy(id string, at span) (Policy, error) {
	p := Policy{Form: Template, Address: id, Attribute: "PolicyDocument"}
	p.Line, p.Column = f.position(at.from)
	switch f.kind(at) {
	case '"':
		text, err := jsontext.AppendUnquote(nil, f.text[at.from:at.to])
		p.Text = text
		return p, err
	case '{':
	default:
		return p, fmt.Errorf("%s: PolicyDocument is neither a string nor an object", id)
	}
	if text, ok := f.joined(at); ok {
		p.Text = []byte(text)
		return p, nil
	}
	function, offset, err := f.intrinsic(at)
	if err != nil {
		return p, err
	}
	if function == "" {
		p.Text, p.InPlace = f.text[at.from:at.to], true
		return p, nil
	}
	line, _ := f.position(offset)
	p.Unknown = fmt.Sprintf("%s: PolicyDocument holds %s on line %d, whose value is known only when the stack is created", id, function, line)
	return p, nil
}

// intrinsic finds the first function inside a value, and where it stands.
func (f *file) intrinsic(at span) (function string, offset int, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(f.text[at.from:at.to]), jsontext.AllowDuplicateNames(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return "", 0, err
		}
		depth := dec.StackDepth()
		if depth == 0 {
			return "", 0, nil
		}
		if kind, n := dec.StackIndex(depth); token.Kind() == '"' && kind == '{' && n%2 == 1 {
			if name := token.String(); isIntrinsic(name) {
				return strings.TrimPrefix(name, "Fn::"), at.from + int(dec.InputOffset()), nil
			}
		}
	}
}

// joined is the text of Fn::Join or Fn::Sub over nothing but texts.
func (f *file) joined(at span) (string, bool) {
	members, err := f.members(at)
	if err != nil || len(members) != 1 {
		return "", false
	}
	if sub, ok := members["Fn::Sub"]; ok && f.kind(sub) == '"' {
		text := f.string(sub)
		return strings.ReplaceAll(text, "${!", "${"), !strings.Contains(strings.ReplaceAll(text, "${!", ""), "${")
	}
	join, ok := members["Fn::Join"]
	if !ok {
		return "", false
	}
	var list []jsontext.Value
	if json.Unmarshal(f.text[join.from:join.to], &list) != nil || len(list) != 2 {
		return "", false
	}
	var separator string
	var parts []string
	if json.Unmarshal(list[0], &separator) != nil || json.Unmarshal(list[1], &parts) != nil {
		return "", false
	}
	return strings.Join(parts, separator), true
}
