package auth

import (
	"strings"

	"portolan/api"
)

// Grants tells whether a resource policy lets another account's caller do one of the actions with the resource, as far
// as principals, actions and resources go. Conditions are about requests, which whoever knows a request decides by: an
// allow under conditions counts here, a deny under conditions does not. A policy that cannot be read grants nothing.
func Grants(document []byte, caller api.Caller, resource string, actions ...string) bool {
	p, err := ParseResourcePolicy(document)
	if err != nil {
		return false
	}
	e := evaluation{
		resource: resource, foreign: true,
		caller: &credential{account: caller.Account, arn: caller.ARN},
		look:   func(string) ([]string, bool) { return nil, false },
	}
	for _, action := range actions {
		e.action = strings.ToLower(action)
		if e.grants(p) {
			return true
		}
	}
	return false
}

func (e *evaluation) grants(p *Policy) bool {
	allowed := false
	for _, s := range p.statements {
		if s.deny && len(s.when) > 0 {
			continue
		}
		s.when = nil
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
