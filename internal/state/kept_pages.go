package state

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"portolan/internal/store"
)

// keptPages are pages of rows as they were answered, to be answered again while nothing below the prefix of their rows has
// changed: most clients only look, and nearly all of what a page costs is to step from row to row. A page is of one account and
// of one query. It has one place it may be in, where the page asked for last is; what is kept in all places is bounded.
type keptPages struct {
	seed   maphash.Seed
	most   int64        // bytes
	held   atomic.Int64 // bytes
	hand   atomic.Uint32
	places [keptPlaces]atomic.Pointer[keptPage]
}

const (
	keptPlaces = 1 << 10
	keptBytes  = 8 << 20
	keptCost   = 300 // bytes of a page beside its texts, roughly
)

// keptPage is one page. What it is of does not change.
type keptPage struct {
	account, prefix, after string
	query                  []string
	limit                  int

	snapshot uint64 // that it was read from
	text     string // its rows, encoded, with commas between them; "" for a page that was asked for once
	token    string // of the next page
}

func newKeptPages(most int64) *keptPages { return &keptPages{seed: maphash.MakeSeed(), most: most} }

func (k *keptPages) place(p *Pager, prefix string) *atomic.Pointer[keptPage] {
	sum := maphash.String(k.seed, prefix) + maphash.String(k.seed, p.After) + uint64(p.limit)
	return &k.places[sum%keptPlaces]
}

// find is what is known of a page, nil when that is nothing or something below the prefix may have changed.
func (k *keptPages) find(r store.Reader, p *Pager, prefix string) *keptPage {
	page := k.place(p, prefix).Load()
	if page == nil || page.prefix != prefix || page.after != p.After || page.limit != p.limit || page.account != p.account ||
		!slices.Equal(page.query, p.query) || !store.SameBelow(r, prefix, page.snapshot) {
		return nil
	}
	return page
}

// put keeps a page that was read by r. Of one that was not asked for before it keeps that it was: copying pages that change as
// often as they are read would be in vain.
func (k *keptPages) put(r store.Reader, p *Pager, prefix string, known *keptPage, texts []string, token string) {
	snapshot, ok := store.Snapshot(r)
	if !ok {
		return
	}
	page := &keptPage{account: strings.Clone(p.account), prefix: prefix, after: strings.Clone(p.After), limit: p.limit, snapshot: snapshot}
	for _, part := range p.query {
		page.query = append(page.query, strings.Clone(part)) // which was cut out of a longer text
	}
	size := page.cost()
	if known != nil {
		page.token = token
		size += int64(len(token) + len(texts))
		for _, text := range texts {
			size += int64(len(text))
		}
	}
	if size > k.most/8 {
		return // before all the texts are copied
	}
	if known != nil {
		page.text = strings.Join(texts, ",")
	}
	k.set(k.place(p, prefix), page)
	for range keptPlaces {
		if k.held.Load() <= k.most {
			break
		}
		k.set(&k.places[k.hand.Add(1)%keptPlaces], nil)
	}
}

func (k *keptPages) set(place *atomic.Pointer[keptPage], page *keptPage) {
	if page != nil {
		k.held.Add(page.cost())
	}
	if old := place.Swap(page); old != nil {
		k.held.Add(-old.cost())
	}
}

// cost is about how many bytes a page takes up.
func (page *keptPage) cost() int64 {
	n := keptCost + len(page.account) + len(page.prefix) + len(page.after) + len(page.text) + len(page.token)
	for _, part := range page.query {
		n += len(part) + 16
	}
	return int64(n)
}
