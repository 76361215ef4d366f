package lifecycle

import (
	"slices"

	"portolan/internal/store"
)

// Concern says whose rows the calls of an account are about, its own and some others: they move theirs, and leave the rest to
// their own calls and to the worker, so that nobody waits for what another account has due.
type Concern func(r store.Reader, account string) []string

// concerns tells whose rows a call is about. Most calls find nothing due but of their own account, and then nobody asks for the
// others.
type concerns struct {
	queue   *Queue
	r       store.Reader
	account string   // that calls; "" is about everybody
	list    []string // nil: nobody has asked
}

// owner tells whether the call is about the rows of an owner.
func (c *concerns) owner(name string) bool {
	return c.account == "" || name == c.account || slices.Contains(c.owners(), name)
}

// owners are all whose rows the call is about, nil for everybody.
func (c *concerns) owners() []string {
	if c.account != "" && c.list == nil {
		c.list = c.queue.concern(c.r, c.account)
	}
	return c.list
}

// found are those of them whose rows can have been found due, nil for everybody.
func (c *concerns) found() []string {
	if c.account != "" && c.list == nil {
		return []string{c.account}
	}
	return c.list
}
