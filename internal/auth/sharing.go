package auth

import (
	"slices"
	"strings"

	"portolan/api"
)

// Grants tells whether a resource policy lets another account's caller do one of the actions with the resource, which has
// these tags. Conditions about the caller and the resource are decided. Those about the input of an operation are not: an
// allow under such a condition counts here, a deny does not, and whoever knows the input decides. A policy that cannot be
// read grants nothing.
func Grants(document []byte, caller api.Caller, resource string, tags func() map[string]string, actions ...string) bool {
	p, err := ParseResourcePolicy(document)
	if err != nil {
		return false
	}
	e := evaluation{resource: resource, foreign: true, caller: &credential{account: caller.Account, arn: caller.ARN}}
	if signed, ok := caller.Request.(*Principal); ok && signed.key != nil {
		e.caller = signed.key
	}
	e.look = func(key string) ([]string, bool) {
		if tag, ok := strings.CutPrefix(key, "aws:resourcetag/"); ok {
			return taggedAs(tags(), tag)
		}
		value := ""
		switch {
		case key == "aws:resourceaccount":
			value = accountOf(resource)
		case caller.Request != nil:
			value = caller.Request.ConditionKey(key)
		}
		return []string{value}, value != ""
	}
	for _, action := range actions {
		e.action = strings.ToLower(action)
		if e.grants(p, caller.Request != nil) {
			return true
		}
	}
	return false
}

// grants is the decision as far as it is known; request tells whether conditions about the caller can be decided.
func (e *evaluation) grants(p *Policy, request bool) bool {
	allowed := false
	for _, s := range p.statements {
		decided := slices.DeleteFunc(slices.Clone(s.when), func(c condition) bool { return aboutInput(c.lower) || !request })
		if s.deny && len(decided) < len(s.when) {
			continue
		}
		s.when = decided
		if _, applies := e.applies(&s); !applies {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

// aboutInput tells whether a condition key is about what an operation is asked to do.
func aboutInput(key string) bool {
	return key == "aws:tagkeys" || strings.HasPrefix(key, "aws:requesttag/") || strings.HasPrefix(key, "networkmanager:")
}
