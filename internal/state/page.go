package state

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"slices"

	"portolan/api"
	"portolan/internal/store"
)

const (
	defaultPage = 100 // AWS documents none
	shortPage   = 4   // rows of a list that most likely is short; a longer one gets the memory of a page
)

// Pager cuts a walk over keys into pages. A token holds the key the last page ended at and is bound to the query it
// came from: the operation, the caller and every filter.
type Pager struct {
	After string // the key the last page ended at, "" for the first page

	account string
	query   []string
	limit   int
}

// Pager is [NewPager] for the caller of the view.
func (v *View) Pager(maxResults *int32, token *string, query ...string) (*Pager, error) {
	return NewPager(v.Caller, maxResults, token, query...)
}

// NewPager checks the page size and the token of a request. query names the operation and each filter value.
func NewPager(caller api.Caller, maxResults *int32, token *string, query ...string) (*Pager, error) {
	p := &Pager{account: caller.Account, query: query, limit: defaultPage}
	if maxResults != nil {
		p.limit = int(*maxResults)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) <= sumSize || [sumSize]byte(raw) != p.sum(string(raw[sumSize:])) {
		return nil, api.InvalidField("nextToken", "Token is not valid for this request.")
	}
	p.After = string(raw[sumSize:])
	return p, nil
}

const sumSize = 12

// sum ties a token to its query.
func (p *Pager) sum(after string) (sum [sumSize]byte) {
	var room [512]byte
	text := append(append(room[:0], "page\x00"...), p.account...)
	text = append(text, 0)
	for i, part := range p.query {
		if i > 0 {
			text = append(text, 0)
		}
		text = append(text, part...)
	}
	whole := sha256.Sum256(append(append(text, 0), after...))
	copy(sum[:], whole[:])
	return sum
}

func (p *Pager) token(after string) string {
	var room, encoded [512]byte
	sum := p.sum(after)
	return string(base64.RawURLEncoding.AppendEncode(encoded[:0], append(append(room[:0], sum[:]...), after...)))
}

// Page collects the rows of rows that keep accepts, up to the limit, and the token of the next page ("" on the last).
// rows must start after p.After. It looks one row ahead, so that a last page is known to be the last.
func Page[Row, Item any](p *Pager, rows iter.Seq2[string, *Row], keep func(*Row) bool, item func(*Row) Item) ([]Item, string) {
	list := newListing[Item](p)
	for key, row := range rows {
		if keep != nil && !keep(row) {
			continue
		}
		if list.full() {
			return list.items, p.token(list.last)
		}
		*list.next(key) = item(row)
	}
	return list.items, ""
}

// List is [Page] of the rows of walks, one after the other. Where the caller encodes them and does nothing else, the items
// have only their encoded form, which is kept beside the row: so a table has one item function for all its lists, its
// method API, which looks at nothing but the row.
func List[R, Item any](v *View, p *Pager, keep func(*R) bool, item func(*R) Item, walks ...store.Rows[R]) ([]Item, string) {
	encode := func(row *R) string {
		shown := item(row)
		return string(any(&shown).(api.Element).AppendJSON(nil))
	}
	list := newListing[Item](p)
	_, encoded := any((*Item)(nil)).(api.Element)
	encoded = encoded && v.Caller.EncodeOnly
	for i := range walks {
		walk := &walks[i]
		for walk.Next() {
			if keep != nil && !keep(&walk.Row.Value) {
				continue
			}
			if list.full() {
				walk.Stop()
				return list.items, p.token(list.last)
			}
			if place := list.next(walk.Key); encoded {
				any(place).(api.Element).SetEncoded(walk.Row.Text(encode))
			} else {
				*place = item(&walk.Row.Value)
			}
		}
	}
	return list.items, ""
}

// listing is a page that is being filled.
type listing[Item any] struct {
	limit int
	items []Item
	last  string // the key of the last item
}

func newListing[Item any](p *Pager) listing[Item] {
	return listing[Item]{limit: p.limit, items: make([]Item, 0, min(p.limit, shortPage))}
}

func (l *listing[Item]) full() bool { return len(l.items) == l.limit }

// next is the place of one more item, which is in the list from now on.
func (l *listing[Item]) next(key string) *Item {
	if len(l.items) == shortPage {
		l.items = slices.Grow(l.items, min(l.limit, defaultPage)-shortPage)
	}
	var none Item
	l.items = append(l.items, none)
	l.last = key
	return &l.items[len(l.items)-1]
}
