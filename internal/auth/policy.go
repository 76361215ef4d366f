package auth

import (
	"strconv"
	"strings"
)

// Policy is an IAM policy, ready to be evaluated. It does not change.
type Policy struct {
	Name       string // its Id; policies of a credentials file without one are policies[0], policies[1], …
	statements []statement
}

type statement struct {
	sid       string
	index     int // in its policy
	deny      bool
	actions   []*pattern // in lower case
	notAction bool
	resources []*pattern
	notRes    bool
	when      []condition
	who       *principals // resource policies only
}

// everything is what root has.
var everything = func() *Policy {
	p, err := ParsePolicy([]byte(`{"Version":"2012-10-17","Id":"root","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err) // the text above is constant
	}
	return p
}()

const maxPolicy = 1 << 20

// ParsePolicy reads an IAM identity policy. It must say for each statement Effect, Action or NotAction, and Resource or
// NotResource; it may say Sid and Condition. Whatever IAM's grammar does not have is refused, with a [FileError].
func ParsePolicy(data []byte) (*Policy, error) { return parsePolicy(data, false) }

// ParseResourcePolicy reads a resource policy: as [ParsePolicy], but every statement also says Principal.
func ParseResourcePolicy(data []byte) (*Policy, error) { return parsePolicy(data, true) }

func parsePolicy(data []byte, ofResource bool) (*Policy, error) {
	if len(data) > maxPolicy {
		return nil, &FileError{Line: 1, Column: 1, Message: "this policy is longer than " + strconv.Itoa(maxPolicy) + " bytes"}
	}
	root, err := parseJSON(data)
	if err != nil {
		return nil, placed(data, err)
	}
	p, err := newPolicy(root, ofResource)
	if err != nil {
		return nil, placed(data, err)
	}
	return p, nil
}

func newPolicy(n *node, ofResource bool) (*Policy, error) {
	if err := n.is('{', "a policy"); err != nil {
		return nil, err
	}
	p := &Policy{}
	var statements *node
	version := "2008-10-17"
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "Version":
			if err := m.value.is('"', m.name); err != nil {
				return nil, err
			}
			if version = m.value.text; version != "2012-10-17" && version != "2008-10-17" {
				return nil, m.value.problem("Version must be 2012-10-17 or 2008-10-17")
			}
		case "Id":
			if err := m.value.is('"', m.name); err != nil {
				return nil, err
			}
			p.Name = m.value.text
		case "Statement":
			statements = m.value
		default:
			return nil, m.problem("%q is no element of a policy", shown(m.name))
		}
	}
	if statements == nil {
		return nil, n.problem("a policy must have a Statement")
	}
	items := []*node{statements}
	if statements.kind == '[' {
		items = statements.items
	}
	sids := map[string]bool{}
	for i, item := range items {
		// Variables came with the second version of the language; before, ${ was text.
		s, err := newStatement(item, version == "2012-10-17", ofResource)
		if err != nil {
			return nil, err
		}
		if s.sid != "" && sids[s.sid] {
			return nil, item.problem("Sid %q is there twice", shown(s.sid))
		}
		sids[s.sid] = true
		s.index = i
		p.statements = append(p.statements, *s)
	}
	return p, nil
}

func newStatement(n *node, variables, ofResource bool) (*statement, error) {
	if err := n.is('{', "a statement"); err != nil {
		return nil, err
	}
	s := &statement{}
	var effect bool
	for i := range n.members {
		m := &n.members[i]
		var err error
		switch m.name {
		case "Sid":
			s.sid, err = m.value.text, m.value.is('"', m.name)
		case "Effect":
			s.deny, effect = m.value.text == "Deny", true
			if err = m.value.is('"', m.name); err == nil && !s.deny && m.value.text != "Allow" {
				err = m.value.problem("Effect must be Allow or Deny")
			}
		case "Action", "NotAction":
			if s.actions != nil {
				return nil, m.problem("a statement has either Action or NotAction")
			}
			s.notAction = m.name == "NotAction"
			s.actions, err = actionPatterns(m)
		case "Resource", "NotResource":
			if s.resources != nil {
				return nil, m.problem("a statement has either Resource or NotResource")
			}
			s.notRes = m.name == "NotResource"
			s.resources, err = resourcePatterns(m, variables)
		case "Condition":
			s.when, err = newConditions(m.value, variables)
		case "Principal":
			if !ofResource {
				return nil, m.problem("an identity policy has no Principal: it is whoever has the policy")
			}
			s.who, err = newPrincipals(m.value)
		default:
			err = m.problem("%q is no element of a statement", shown(m.name))
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case !effect:
		return nil, n.problem("a statement must have an Effect")
	case s.actions == nil:
		return nil, n.problem("a statement must have an Action or a NotAction")
	case s.resources == nil:
		return nil, n.problem("a statement must have a Resource or a NotResource")
	case ofResource && s.who == nil:
		return nil, n.problem("a statement of a resource policy must have a Principal")
	}
	return s, nil
}

func actionPatterns(m *member) ([]*pattern, error) {
	texts, err := m.value.strings(m.name)
	if err != nil {
		return nil, err
	}
	list := make([]*pattern, 0, len(texts))
	for _, t := range texts {
		if vendor, name, ok := strings.Cut(t.text, ":"); t.text != "*" && (!ok || vendor == "" || name == "") {
			return nil, t.problem("an action must be SERVICE:NAME or *")
		}
		p, err := newPattern(strings.ToLower(t.text), true, false)
		if err != nil {
			return nil, t.problem("%s", err)
		}
		list = append(list, p)
	}
	return list, nil
}

func resourcePatterns(m *member, variables bool) ([]*pattern, error) {
	texts, err := m.value.strings(m.name)
	if err != nil {
		return nil, err
	}
	list := make([]*pattern, 0, len(texts))
	for _, t := range texts {
		if !strings.HasPrefix(t.text, "arn:") && !strings.HasPrefix(t.text, "*") {
			return nil, t.problem("a resource must be an ARN or *")
		}
		p, err := newResource(t.text, variables)
		if err != nil {
			return nil, t.problem("%s", err)
		}
		list = append(list, p)
	}
	return list, nil
}

// principals are whom a statement of a resource policy is about.
type principals struct {
	everybody bool
	accounts  []string // as the account: its own identity policies must allow too
	arns      []string
}

func newPrincipals(n *node) (*principals, error) {
	if n.kind == '"' && n.text == "*" {
		return &principals{everybody: true}, nil
	}
	if n.kind != '{' || len(n.members) == 0 {
		return nil, n.problem(`Principal must be "*" or an object such as {"AWS": "123456789012"}`)
	}
	w := &principals{}
	for i := range n.members {
		m := &n.members[i]
		texts, err := m.value.strings(m.name)
		if err != nil {
			return nil, err
		}
		switch m.name {
		case "Service", "Federated", "CanonicalUser":
			continue // nobody here is one
		case "AWS":
		default:
			return nil, m.problem("%q is no kind of principal", shown(m.name))
		}
		for _, t := range texts {
			f := strings.Split(t.text, ":")
			switch {
			case t.text == "*":
				w.everybody = true
			case isAccount(t.text):
				w.accounts = append(w.accounts, t.text)
			case len(f) == 6 && f[0] == "arn" && f[5] == "root" && isAccount(f[4]):
				w.accounts = append(w.accounts, f[4])
			case len(f) == 6 && f[0] == "arn" && isAccount(f[4]) && !strings.Contains(t.text, "*"):
				w.arns = append(w.arns, t.text)
			default:
				return nil, t.problem(`a principal must be "*", an account or an ARN without wildcards`)
			}
		}
	}
	return w, nil
}
