package state

import (
	"crypto/sha3"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"

	"portolan/api"
	"portolan/internal/store"
)

const (
	defaultPage = 100 // AWS documents none
	shortPage   = 4   // rows of a list that most likely is short; a longer one gets the memory of a page
)

// Pager cuts a walk over keys into pages. A token holds the key the last page ended at, sealed with the key of the store: it
// is taken for the query alone that it came from, which is the operation, the caller's account and every filter.
type Pager struct {
	After string // the key the last page ended at, "" for the first page

	seal    *pageKey
	account string
	query   []string
	ids     []string // that are asked for, after the query
	limit   int
}

// Pager is [DB.Pager] for the caller of the view.
func (v *View) Pager(maxResults *int32, token *string, query ...string) (Pager, error) {
	return v.db.pager(v.Caller.Account, nil, maxResults, token, query)
}

// PagerOf is the Pager of a query for the rows with the ids, or without ids for all.
func (v *View) PagerOf(ids []string, maxResults *int32, token *string, query ...string) (Pager, error) {
	return v.db.pager(v.Caller.Account, ids, maxResults, token, query)
}

// Pager checks the page size and the token of a request. query names the operation and each filter value. The error is AWS's
// ValidationException about nextToken.
func (db *DB) Pager(caller api.Caller, maxResults *int32, token *string, query ...string) (Pager, error) {
	return db.pager(caller.Account, nil, maxResults, token, query)
}

func (db *DB) pager(account string, ids []string, maxResults *int32, token *string, query []string) (Pager, error) {
	p := Pager{seal: &db.pageKey, account: account, query: query, ids: ids, limit: defaultPage}
	if maxResults != nil {
		p.limit = int(*maxResults)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) <= sumSize || subtle.ConstantTimeCompare([]byte(p.token(string(raw[sumSize:]))), []byte(*token)) == 0 {
		return p, api.InvalidField("nextToken", "Token is not valid for this request.")
	}
	p.After = string(raw[sumSize:])
	return p, nil
}

// pageKey is what tokens of pages are sealed with. It is made once for a store and kept at pageKeyKey in hexadecimal digits, so
// that all servers on the store take each other's tokens, and so does a server that is started again.
type pageKey [32]byte

const pageKeyKey = "/page-key"

// pageKeyOf reads the key of a store, or makes one.
func pageKeyOf(tx store.Txn, secrets io.Reader) (key pageKey, err error) {
	if raw, ok := tx.Get(pageKeyKey); ok {
		if n, err := hex.Decode(key[:], raw[:min(len(raw), 2*len(key))]); err != nil || n != len(key) || len(raw) != 2*n {
			return key, fmt.Errorf("%s is no key of tokens: the data is damaged", pageKeyKey)
		}
		return key, nil
	}
	if _, err := io.ReadFull(secrets, key[:]); err != nil {
		return key, fmt.Errorf("making a key for tokens: %w", err)
	}
	tx.Set(pageKeyKey, hex.AppendEncode(nil, key[:]))
	return key, nil
}

const sumSize = 16

// token is for the page after a key: a sum of the query and the key, then the key.
func (p *Pager) token(after string) string {
	var room, encoded [512]byte
	text := append(room[:0], p.seal[:]...)
	field := func(s string) { text = append(binary.AppendUvarint(text, uint64(len(s))), s...) } // no two queries are one text
	field(p.account)
	for _, part := range p.query {
		field(part)
	}
	for _, id := range p.ids {
		field(id)
	}
	field(after)
	sum := sha3.Sum256(text) // which, unlike SHA-2, nobody can continue without the key that it begins with
	return string(base64.RawURLEncoding.AppendEncode(encoded[:0], append(append(room[:0], sum[:sumSize]...), after...)))
}

// Page collects the rows of rows that keep accepts, up to the limit, and the token of the next page ("" on the last).
// rows must start after p.After. It looks one row ahead, so that a last page is known to be the last.
func Page[R, Item any](p Pager, rows iter.Seq2[string, R], keep func(R) bool, item func(R) Item) ([]Item, string) {
	list := newListing[Item](&p)
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

// List is [Page] of the rows of walks, one after the other. Where the caller encodes them and does nothing else, there is one
// item with the encoded form of all rows. The form of a row is kept beside it: so a table has one item function for all its
// lists, its method API, which looks at nothing but the row. A page that is asked for again and again is kept whole, where it is
// of all rows with a prefix.
func List[R, Item any](v *View, p Pager, keep func(R) bool, item func(R) Item, walks ...store.Rows[R]) ([]Item, string) {
	if _, encoded := any((*Item)(nil)).(api.Element); !encoded || !v.Caller.EncodeOnly {
		return collect(&p, newListing[Item](&p), keep, func(row *store.Row[R]) Item { return item(row.Value) }, walks)
	}
	encode := func(row R) string {
		shown := item(row)
		return string(any(&shown).(api.Element).AppendJSON(nil))
	}
	all := &struct { // one allocation for a short page
		list  [1]Item
		texts []string
		room  [shortPage]string
	}{}
	prefix := ""
	if len(walks) == 1 && keep == nil && len(p.ids) == 0 {
		prefix = walks[0].Prefix()
	}
	var token string
	var known *keptPage
	if prefix != "" {
		known = v.db.kept.find(v.r, &p, prefix)
	}
	if known != nil && known.text != "" {
		walks[0].Stop()
		all.texts = append(all.room[:0], known.text)
		any(&all.list[0]).(api.Element).SetEncoded(&all.texts)
		return all.list[:], known.token
	}
	all.texts, token = collect(&p, listing[string]{limit: p.limit, items: all.room[:0]}, keep, func(row *store.Row[R]) string { return row.Text(encode) }, walks)
	if len(all.texts) == 0 {
		return []Item{}, token
	}
	if prefix != "" {
		v.db.kept.put(v.r, &p, prefix, known, all.texts, token)
	}
	any(&all.list[0]).(api.Element).SetEncoded(&all.texts)
	return all.list[:], token
}

// collect makes a page of the rows of walks that keep accepts.
func collect[R, Item any](p *Pager, list listing[Item], keep func(R) bool, item func(*store.Row[R]) Item, walks []store.Rows[R]) ([]Item, string) {
	for i := range walks {
		walk := &walks[i]
		for walk.Next() {
			if keep != nil && !keep(walk.Row.Value) {
				continue
			}
			if list.full() {
				walk.Stop()
				return list.items, p.token(list.last)
			}
			*list.next(walk.Key) = item(walk.Row)
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
