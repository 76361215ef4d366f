package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
)

// Update is the tables with some attachments put in the place of those of the same ids, or added, and some removed. What
// does not depend on them is shared with the old tables, which stay as they are. The result is what Compute gives for the
// changed network, errors included. A removed id that is not there, and an id given twice, is an error.
func (t *Tables) Update(put []Attachment, remove []string) (*Tables, error) {
	next := &Tables{
		w: t.w, attachments: slices.Clone(t.attachments), ids: t.ids, prefixes: t.prefixes, offers: slices.Clone(t.offers),
		entries: slices.Clone(t.entries), order: t.order,
	}
	c := change{Tables: next, seen: map[string]bool{}, affected: map[int32]bool{}}
	for _, id := range remove {
		old := next.attachment(id)
		if old == nil {
			return nil, fmt.Errorf("routing: there is no attachment %s to remove", id)
		}
		if err := c.replace(id, old, nil); err != nil {
			return nil, err
		}
	}
	for i := range put {
		a, err := t.w.newAttachment(put[i])
		if err == nil {
			err = c.replace(a.ID, next.attachment(a.ID), a)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(next.attachments) > maxAttachments {
		return nil, errors.New("routing: too many attachments")
	}
	if next.mostlyGone() {
		return next.again()
	}
	next.findAppliances()
	ids := make([]int32, 0, len(c.affected))
	for id := range c.affected {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, row := range next.entries {
		next.entries[i] = append(make([]*entry, 0, len(next.prefixes)), row...)[:len(next.prefixes)]
	}
	next.fill(ids)
	return next, next.oscillations()
}

// mostlyGone says whether most of the prefixes that have a number are announced by no one any more.
func (t *Tables) mostlyGone() bool {
	live := len(t.w.pinned)
	for _, offers := range t.offers {
		if len(offers) > 0 {
			live++
		}
	}
	return len(t.prefixes) > 2*live+spare
}

// spare is how many numbers of prefixes may lie idle whatever the size of the network.
const spare = 1024

// again computes everything, which forgets what is gone.
func (t *Tables) again() (*Tables, error) {
	fresh := &Tables{w: t.w, attachments: t.attachments}
	return fresh, fresh.compute()
}

// change is the state of an Update.
type change struct {
	*Tables
	seen     map[string]bool
	affected map[int32]bool // prefixes
	own      bool           // ids and prefixes are no longer shared with the old tables
}

func (c *change) replace(id string, old, a *attachment) error {
	if c.seen[id] {
		return fmt.Errorf("routing: %s is given twice", id)
	}
	c.seen[id] = true
	for _, p := range c.w.static[id] {
		at, _ := c.ids.Get(p)
		c.affected[at] = true
	}
	at, found := slices.BinarySearchFunc(c.attachments, id, func(a *attachment, id string) int { return strings.Compare(a.ID, id) })
	switch {
	case found && a == nil:
		c.attachments = slices.Delete(c.attachments, at, at+1)
	case found:
		c.attachments[at] = a
	case a != nil:
		c.attachments = slices.Insert(c.attachments, at, a)
	}
	if old != nil {
		for _, o := range old.offers {
			pid, _ := c.ids.Get(o.prefix)
			c.affected[pid] = true
			c.offers[pid] = slices.DeleteFunc(slices.Clone(c.offers[pid]), func(other *offer) bool { return other == o })
		}
	}
	if a == nil {
		return nil
	}
	for _, o := range a.offers {
		pid, known := c.ids.Get(o.prefix)
		if !known {
			pid = c.add(o)
		}
		c.affected[pid] = true
		list := slices.Clone(c.offers[pid])
		place, _ := slices.BinarySearchFunc(list, o, compareOfferPlace)
		c.offers[pid] = slices.Insert(list, place, o)
	}
	return nil
}

// add makes room for a prefix that no one announced before.
func (c *change) add(o *offer) int32 {
	if !c.own {
		c.own = true
		c.prefixes = slices.Clone(c.prefixes)
		ids := &bart.Table[int32]{}
		for id, p := range c.prefixes {
			ids.Insert(p, int32(id))
		}
		c.ids = ids
		c.sortLater()
	}
	return c.intern(o.prefix)
}
