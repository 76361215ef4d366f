package service

import (
	"sync"

	"portolan/policy"
)

// compiledPolicies keeps compiled LIVE policies. A version never changes, and the edges it was compiled over are the
// ones it made, so an entry is never wrong; the bound only limits memory.
type compiledPolicies struct {
	mu      sync.Mutex
	entries map[compiledKey]*policy.Policy
}

type compiledKey struct {
	coreNetwork string
	version     int32
}

const maxCompiled = 64

func (c *compiledPolicies) get(coreNetwork string, version int32, compile func() *policy.Policy) (*policy.Policy, bool) {
	key := compiledKey{coreNetwork, version}
	c.mu.Lock()
	p, ok := c.entries[key]
	c.mu.Unlock()
	if ok {
		return p, true
	}
	if p = compile(); p == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxCompiled {
		c.entries = map[compiledKey]*policy.Policy{}
	}
	c.entries[key] = p
	return p, true
}
