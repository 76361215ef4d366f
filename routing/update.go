package routing

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"portolan/internal/order"
)

// Update is the tables with some attachments put in the place of those of the same ids, or added, and some removed. What
// does not depend on them is shared with the old tables, which stay as they are. The result is what Compute gives for the
// changed network, errors included. A removed id that is not there, and an id given twice, is an error.
func (t *Tables) Update(put []Attachment, remove []string) (*Tables, error) {
	u := newUpdate(t)
	for _, id := range remove {
		old := u.attachment(id)
		if old == nil {
			return nil, fmt.Errorf("routing: there is no attachment %s to remove", id)
		}
		if err := u.replace(id, old, nil); err != nil {
			return nil, err
		}
	}
	for i := range put {
		a, err := t.core.newAttachment(put[i])
		if err == nil {
			err = u.replace(a.ID, u.attachment(a.ID), a)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(u.attachments) > maxAttachments {
		return nil, errTooMany
	}
	u.findAppliances()
	return u.finish()
}

// UpdateRoutes is the tables after a BGP peer announced some routes and withdrew some prefixes: what Compute gives when the
// announcements of the attachment change so. A prefix that is announced takes the place of what the peer announced for it
// before, at the edge that the announcement names or at all. A prefix is withdrawn at all edges. peer is empty for an attachment
// without Connect peers. It costs as much as changes, whatever else the peer announces.
func (t *Tables) UpdateRoutes(id, peer string, announce []Announcement, withdraw []netip.Prefix) (*Tables, error) {
	u := newUpdate(t)
	a := t.attachment(id)
	if a == nil {
		return nil, fmt.Errorf("routing: there is no attachment %s", id)
	}
	of, ok := a.peer(peer)
	if !ok {
		return nil, fmt.Errorf("routing: %s has no peer %s", id, peer)
	}
	if a.NAT != nil { // which prefixes are translated depends on all of them
		return nil, fmt.Errorf("routing: %s has NAT: update it as a whole", id)
	}
	u.edited = maps.Clone(t.edited)
	if u.edited == nil {
		u.edited = map[*attachment]bool{}
	}
	u.edited[a] = true
	for _, p := range withdraw {
		if p.IsValid() {
			u.withdrawn = append(u.withdrawn, withdrawal{p.Masked(), a, of})
		}
	}
	changed := *a
	changed.Announcements = slices.Clone(announce)
	for i := range changed.Announcements {
		changed.Announcements[i].Peer = peer
	}
	err := t.core.eachArrival(&changed, &u.builder.attrs, func(r arrival) {
		r.from = a
		u.arrivals = append(u.arrivals, r)
	})
	if err != nil {
		return nil, err
	}
	return u.finish()
}

// TakesRoutes says whether [Tables.UpdateRoutes] can change what a peer of an attachment announces.
func (t *Tables) TakesRoutes(id, peer string) bool {
	a := t.attachment(id)
	if a == nil || a.NAT != nil {
		return false
	}
	_, ok := a.peer(peer)
	return ok
}

// update is the state of an Update.
type update struct {
	*Tables
	builder   *builder
	seen      map[string]bool
	withdrawn []withdrawal
	arrivals  []arrival      // take the place of what came from the same peer at the same edge, too
	again     []netip.Prefix // to work out for other reasons
}

// withdrawal is whose routes to a prefix go, at all edges.
type withdrawal struct {
	prefix netip.Prefix
	from   *attachment
	peer   peerID // or allPeers
}

func (w *withdrawal) covers(r *received) bool {
	return w.from == r.from && (w.peer == allPeers || w.peer == r.peer)
}

const allPeers peerID = -1

func newUpdate(t *Tables) *update {
	next := *t
	next.attachments = slices.Clone(t.attachments)
	u := &update{Tables: &next, seen: map[string]bool{}}
	u.builder = newBuilder(t.core, next.attachment)
	return u
}

func (u *update) replace(id string, old, a *attachment) error {
	if u.seen[id] {
		return fmt.Errorf("routing: %s is given twice", id)
	}
	u.seen[id] = true
	u.again = append(u.again, u.core.static[id]...)
	at, found := slices.BinarySearchFunc(u.attachments, id, func(a *attachment, id string) int { return strings.Compare(a.ID, id) })
	if old != nil {
		u.withdrawAll(old)
		if u.edited[old] {
			u.edited = maps.Clone(u.edited)
			delete(u.edited, old)
		}
	}
	switch {
	case found && a == nil:
		u.attachments = slices.Delete(u.attachments, at, at+1)
	case found:
		u.attachments[at] = a
	case a != nil:
		u.attachments = slices.Insert(u.attachments, at, a)
	}
	if a == nil {
		return nil
	}
	return u.core.eachArrival(a, &u.builder.attrs, func(r arrival) { u.arrivals = append(u.arrivals, r) })
}

// withdrawAll withdraws the prefixes that an attachment announces, or routes by NAT.
func (u *update) withdrawAll(a *attachment) {
	gone := func(p netip.Prefix) { u.withdrawn = append(u.withdrawn, withdrawal{p, a, allPeers}) }
	if u.edited[a] {
		for p, k := range u.prefixes.All() {
			if slices.ContainsFunc(k.received, func(r received) bool { return r.from == a }) {
				gone(p)
			}
		}
		return
	}
	for i := range a.Announcements {
		gone(a.Announcements[i].Prefix.Masked())
	}
	if a.NAT != nil {
		for _, p := range u.core.natRoutes(&a.Attachment).system {
			gone(p)
		}
	}
}

// sort orders what has changed by prefix.
func (u *update) sort() {
	if compare := func(a, b arrival) int { return compareArrivals(&a, &b) }; !slices.IsSortedFunc(u.arrivals, compare) {
		sortArrivals(u.arrivals)
	}
	if compare := func(a, b withdrawal) int { return a.prefix.Compare(b.prefix) }; !slices.IsSortedFunc(u.withdrawn, compare) {
		order.Sort(u.withdrawn, compare)
	}
	slices.SortFunc(u.again, netip.Prefix.Compare)
}

// each calls a function for each prefix that has changed, in order, with what has.
func (u *update) each(do func(netip.Prefix, []arrival, []withdrawal)) {
	for a, w, g := 0, 0, 0; a < len(u.arrivals) || w < len(u.withdrawn) || g < len(u.again); {
		var p netip.Prefix
		first := func(q netip.Prefix) {
			if !p.IsValid() || q.Compare(p) < 0 {
				p = q
			}
		}
		if a < len(u.arrivals) {
			first(u.arrivals[a].prefix)
		}
		if w < len(u.withdrawn) {
			first(u.withdrawn[w].prefix)
		}
		if g < len(u.again) {
			first(u.again[g])
		}
		fromA, fromW := a, w
		for a < len(u.arrivals) && u.arrivals[a].prefix == p {
			a++
		}
		for w < len(u.withdrawn) && u.withdrawn[w].prefix == p {
			w++
		}
		for g < len(u.again) && u.again[g] == p {
			g++
		}
		do(p, u.arrivals[fromA:a], u.withdrawn[fromW:w])
	}
}

// finish works out what is affected.
func (u *update) finish() (*Tables, error) {
	u.sort()
	most := len(u.arrivals) + len(u.withdrawn) + len(u.again)
	touched, cycles := make([]netip.Prefix, 0, most), false
	edit := newEdit(u.prefixes, most)
	put := func(p netip.Prefix, k *class) {
		edit.put(p, k)
		touched = append(touched, p)
		cycles = cycles || k != nil && k.cycles
	}
	u.each(func(p netip.Prefix, arrivals []arrival, withdrawn []withdrawal) {
		put(p, u.class(p, arrivals, withdrawn))
	})
	u.prefixes = edit.table
	u.sortLater()
	alone := len(touched)
	for _, v := range u.core.summarizing {
		if slices.ContainsFunc(touched, v.bgp.aggregated) {
			u.convergeTogether(v, put)
			u.prefixes = edit.table
		}
	}
	if len(touched) > alone {
		slices.SortFunc(touched, netip.Prefix.Compare)
		touched = slices.Compact(touched)
		u.sortLater()
	}
	u.cycling = slices.DeleteFunc(slices.Clone(u.cycling), func(p netip.Prefix) bool {
		_, again := slices.BinarySearchFunc(touched, p, netip.Prefix.Compare)
		return again
	})
	for _, p := range touched {
		if !cycles {
			break
		}
		if k, ok := u.prefixes.Get(p); ok && k.cycles {
			u.cycling = append(u.cycling, p)
		}
	}
	slices.SortFunc(u.cycling, netip.Prefix.Compare)
	u.history = u.history.then(touched, u.prefixes.Size())
	return u.Tables, u.oscillations()
}

// class is the class of a prefix after what has changed of it.
func (u *update) class(p netip.Prefix, arrivals []arrival, withdrawn []withdrawal) *class {
	old, ok := u.prefixes.Get(p)
	if !ok {
		return u.builder.class(p, arrivals)
	}
	list := slices.Clone(arrivals)
	for i := range old.received {
		r := &old.received[i]
		if slices.ContainsFunc(withdrawn, func(w withdrawal) bool { return w.covers(r) }) ||
			slices.ContainsFunc(arrivals, func(n arrival) bool { return n.from == r.from && n.peer == r.peer && n.edge == r.edge }) {
			continue
		}
		list = append(list, arrival{prefix: p, from: r.from, attrs: r.announced, edge: r.edge, peer: r.peer, nat: r.nat})
	}
	slices.SortStableFunc(list, func(a, b arrival) int { return compareArrivals(&a, &b) })
	return u.builder.class(p, list)
}

// edit changes a trie of prefixes: where much changes, in a copy, otherwise so that the rest is shared.
type edit struct {
	table *bart.Table[*class]
	own   bool
}

func newEdit(t *bart.Table[*class], changes int) *edit {
	if changes > t.Size()/8 {
		return &edit{t.Clone(), true}
	}
	return &edit{t, false}
}

// put sets the class of a prefix; nil takes it out.
func (e *edit) put(p netip.Prefix, k *class) {
	switch {
	case e.own && k != nil:
		e.table.Insert(p, k)
	case e.own:
		e.table.Delete(p)
	case k != nil:
		e.table = e.table.InsertPersist(p, k)
	default:
		e.table = e.table.DeletePersist(p)
	}
}

// A history says which prefixes an Update worked out anew, and what was before it.
type history struct {
	before  *history
	touched []netip.Prefix
	length  int // of all that is kept
}

// maxHistory bounds how many prefixes a history keeps, of all updates, beside as many as the tables have: a router that advertises
// very many does so in a few updates, each of which has a large part of them.
const maxHistory = 10_000

func (h *history) then(touched []netip.Prefix, prefixes int) *history {
	next := &history{before: h, touched: touched, length: h.length + len(touched) + 1}
	if next.length > maxHistory+prefixes {
		next.before, next.touched, next.length = nil, nil, 0
	}
	return next
}

// since are the prefixes that may differ from what they were at an earlier time, or false when that is not known.
func (h *history) since(earlier *history) ([]netip.Prefix, bool) {
	var all []netip.Prefix
	for at := h; at != nil; at = at.before {
		switch {
		case at == earlier:
			slices.SortFunc(all, netip.Prefix.Compare)
			return slices.Compact(all), true
		case at.before == earlier && all == nil:
			return at.touched, true // in order, each once
		}
		all = append(all, at.touched...)
	}
	return nil, false
}
