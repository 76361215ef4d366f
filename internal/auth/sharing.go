package auth

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"portolan/api"
)

// ResourcePolicies reads the resource policies of core networks, each once as long as it is kept. The nil one keeps none.
type ResourcePolicies struct {
	mu    sync.Mutex
	read  map[string]*Policy // by document
	bytes int                // of the documents
}

const (
	// maxResourcePolicy is the length of a resource policy in bytes: whoever asks for the resource pays for it, not its owner.
	maxResourcePolicy = 20_480

	maxReadPolicies = 4 << 20 // bytes of documents that are kept read
)

// Check tells what is wrong with a resource policy that is to be stored, nil when it can be decided by.
func (r *ResourcePolicies) Check(document string) error {
	if len(document) > maxResourcePolicy {
		return fmt.Errorf("it is longer than %d bytes", maxResourcePolicy)
	}
	_, err := ParseResourcePolicy([]byte(document))
	return err
}

// policy is a document that has been read. It is shared and does not change.
func (r *ResourcePolicies) policy(document string) (*Policy, error) {
	if r != nil {
		r.mu.Lock()
		known := r.read[document]
		r.mu.Unlock()
		if known != nil {
			return known, nil
		}
	}
	p, err := ParseResourcePolicy([]byte(document))
	if err != nil {
		return nil, err
	}
	p.Name = "the resource policy"
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.bytes += len(document); r.read == nil || r.bytes > maxReadPolicies {
			r.read, r.bytes = map[string]*Policy{}, len(document)
		}
		r.read[document] = p
	}
	return p, nil
}

// Grants tells whether a resource policy lets another account's caller do one of the actions with the resource, which has
// these tags. Conditions about the caller and the resource are decided. Those about the input of an operation are not: an
// allow under such a condition counts here, a deny does not, and whoever knows the input decides. A policy that cannot be
// read grants nothing.
func (r *ResourcePolicies) Grants(document string, caller api.Caller, resource string, tags func() map[string]string, actions ...string) bool {
	p, err := r.policy(document)
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
