package state

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"

	"portolan/routing"
)

// PublishedChange is how the announcements of a PublishedAttachment have changed since its row was stored. Of very many announcements
// what is stored then follows from what has changed.
type PublishedChange struct {
	ID        string           `json:"id"`
	Announced []Announcement   `json:"announced,omitempty"`
	Withdrawn []PublishedRoute `json:"withdrawn,omitempty"`
}

// PublishedRoute says which announcement of an attachment is meant.
type PublishedRoute struct {
	Prefix netip.Prefix `json:"prefix"`
	Edge   string       `json:"edge,omitempty"`
	Peer   string       `json:"peer,omitempty"`
}

const (
	manyPublished = 1000 // of fewer announcements the row is stored anew
	publishedPart = 8    // so is that of more, when a part of this size has changed
)

func publishedRoute(a *routing.Announcement) PublishedRoute {
	return PublishedRoute{a.Prefix.Masked(), a.Edge, a.Peer}
}

// PutPublished stores an attachment that has been published. old is what has been published of it before; nil: that is not known.
func PutPublished(tx *Txn, n NetworkID, old, a *routing.Attachment) {
	row, change := PublishedAttachments.Key(n.Account, n.ID, a.ID), publishedChanges.Key(n.Account, n.ID, a.ID)
	if old != nil && len(a.Announcements) >= manyPublished && sameBeside(old, a) {
		before, _ := publishedChanges.Get(tx.View, change)
		if c, ok := before.and(old, a); ok && len(c.Announced)+len(c.Withdrawn) <= len(a.Announcements)/publishedPart {
			publishedChanges.Put(tx, change, c)
			return
		}
	}
	publishedChanges.Delete(tx, change)
	PublishedAttachments.Put(tx, row, PublishedAttachmentOf(a))
}

// DeletePublished removes what has been published of an attachment.
func DeletePublished(tx *Txn, n NetworkID, id string) {
	publishedChanges.Delete(tx, publishedChanges.Key(n.Account, n.ID, id))
	PublishedAttachments.Delete(tx, PublishedAttachments.Key(n.Account, n.ID, id))
}

// Published are the attachments of a core network as they have been published.
func Published(v *View, n NetworkID) (list []routing.Attachment) {
	for _, row := range PublishedAttachments.Rows(v, PublishedAttachments.In(n.Account, n.ID), "") {
		a := row.Routing()
		if c, ok := publishedChanges.Get(v, publishedChanges.Key(n.Account, n.ID, row.ID)); ok {
			c.apply(&a)
		}
		list = append(list, a)
	}
	return list
}

// sameBeside compares attachments but for what they announce.
func sameBeside(a, b *routing.Attachment) bool {
	x, y := *a, *b
	x.Announcements, y.Announcements = nil, nil
	return reflect.DeepEqual(x, y)
}

// and is the change with what makes the announcements of old those of a. It is false where several are alike.
func (c *PublishedChange) and(old, a *routing.Attachment) (*PublishedChange, bool) {
	was, ok1 := inOrder(old.Announcements)
	is, ok2 := inOrder(a.Announcements)
	if !ok1 || !ok2 {
		return nil, false
	}
	announced, withdrawn := map[PublishedRoute]*routing.Announcement{}, map[PublishedRoute]bool{}
	if c != nil {
		for i := range c.Announced {
			r := routing.Announcement(c.Announced[i])
			announced[publishedRoute(&r)] = &r
		}
		for _, r := range c.Withdrawn {
			withdrawn[r] = true
		}
	}
	for len(was) > 0 || len(is) > 0 {
		switch order := first(was, is); {
		case order < 0:
			r := publishedRoute(&was[0])
			delete(announced, r)
			withdrawn[r] = true
			was = was[1:]
		case order > 0 || !sameAnnouncement(&was[0], &is[0]):
			r := publishedRoute(&is[0])
			delete(withdrawn, r)
			announced[r] = &is[0]
			if order == 0 {
				was = was[1:]
			}
			is = is[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
	next := &PublishedChange{ID: a.ID}
	for _, now := range announced {
		next.Announced = append(next.Announced, Announcement(*now))
	}
	for r := range withdrawn {
		next.Withdrawn = append(next.Withdrawn, r)
	}
	slices.SortFunc(next.Announced, func(x, y Announcement) int {
		return cmp.Or(x.Prefix.Compare(y.Prefix), cmp.Compare(x.Edge, y.Edge), cmp.Compare(x.Peer, y.Peer))
	})
	slices.SortFunc(next.Withdrawn, func(x, y PublishedRoute) int {
		return cmp.Or(x.Prefix.Compare(y.Prefix), cmp.Compare(x.Edge, y.Edge), cmp.Compare(x.Peer, y.Peer))
	})
	return next, true
}

// inOrder are announcements in the order of their routes; false: two are of one route.
func inOrder(list []routing.Announcement) ([]routing.Announcement, bool) {
	if !slices.IsSortedFunc(list, compareRoutes) {
		list = slices.Clone(list)
		slices.SortFunc(list, compareRoutes)
	}
	for i := 1; i < len(list); i++ {
		if compareRoutes(list[i-1], list[i]) == 0 {
			return nil, false
		}
	}
	return list, true
}

func compareRoutes(x, y routing.Announcement) int {
	return cmp.Or(x.Prefix.Masked().Compare(y.Prefix.Masked()), cmp.Compare(x.Edge, y.Edge), cmp.Compare(x.Peer, y.Peer))
}

// first tells which of two lists has the first route: the former below 0, the latter above.
func first(x, y []routing.Announcement) int {
	switch {
	case len(y) == 0:
		return -1
	case len(x) == 0:
		return 1
	}
	return compareRoutes(x[0], y[0])
}

func sameAnnouncement(a, b *routing.Announcement) bool {
	return a.Prefix == b.Prefix && (a.MED == nil) == (b.MED == nil) && (a.MED == nil || *a.MED == *b.MED) &&
		slices.Equal(a.ASPath, b.ASPath) && slices.Equal(a.Communities, b.Communities)
}

// apply makes the change. The announcements are in order of prefix then, and those of one prefix in the order of the peers.
func (c *PublishedChange) apply(a *routing.Attachment) {
	gone := map[PublishedRoute]bool{}
	for _, r := range c.Withdrawn {
		gone[r] = true
	}
	for i := range c.Announced {
		r := routing.Announcement(c.Announced[i])
		gone[publishedRoute(&r)] = true
	}
	a.Announcements = slices.DeleteFunc(a.Announcements, func(r routing.Announcement) bool { return gone[publishedRoute(&r)] })
	for i := range c.Announced {
		a.Announcements = append(a.Announcements, routing.Announcement(c.Announced[i]))
	}
	rank := map[string]int{}
	for i := range a.Peers {
		rank[a.Peers[i].ID] = i
	}
	slices.SortStableFunc(a.Announcements, func(x, y routing.Announcement) int {
		return cmp.Or(x.Prefix.Compare(y.Prefix), cmp.Compare(rank[x.Peer], rank[y.Peer]))
	})
}
