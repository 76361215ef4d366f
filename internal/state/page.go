package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"slices"
	"strings"

	"portolan/api"
)

const (
	defaultPage = 100 // AWS documents none
	shortPage   = 4   // rows of a list that most likely is short; a longer one gets the memory of a page
)

// Pager cuts a walk over keys into pages. A token holds the key the last page ended at and is bound to the query it
// came from: the operation, the caller and every filter.
type Pager struct {
	After string // the key the last page ended at, "" for the first page

	query string
	limit int
}

// Pager is [NewPager] for the caller of the view.
func (v *View) Pager(maxResults *int32, token *string, query ...string) (*Pager, error) {
	return NewPager(v.Caller, maxResults, token, query...)
}

// NewPager checks the page size and the token of a request. query names the operation and each filter value.
func NewPager(caller api.Caller, maxResults *int32, token *string, query ...string) (*Pager, error) {
	p := &Pager{query: caller.Account + "\x00" + strings.Join(query, "\x00"), limit: defaultPage}
	if maxResults != nil {
		p.limit = int(*maxResults)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) <= sumSize || !bytes.Equal(raw[:sumSize], p.sum(string(raw[sumSize:]))) {
		return nil, api.InvalidField("nextToken", "Token is not valid for this request.")
	}
	p.After = string(raw[sumSize:])
	return p, nil
}

const sumSize = 12

func (p *Pager) sum(after string) []byte {
	sum := sha256.Sum256([]byte("page\x00" + p.query + "\x00" + after))
	return sum[:sumSize]
}

func (p *Pager) token(after string) string {
	return base64.RawURLEncoding.EncodeToString(append(p.sum(after), after...))
}

// Page collects the rows of rows that keep accepts, up to the limit, and the token of the next page ("" on the last).
// rows must start after p.After. It looks one row ahead, so that a last page is known to be the last.
func Page[Row, Item any](p *Pager, rows iter.Seq2[string, *Row], keep func(*Row) bool, item func(*Row) Item) ([]Item, string) {
	items := make([]Item, 0, min(p.limit, shortPage))
	last := ""
	for key, row := range rows {
		if keep != nil && !keep(row) {
			continue
		}
		if len(items) == p.limit {
			return items, p.token(last)
		}
		if len(items) == shortPage {
			items = slices.Grow(items, min(p.limit, defaultPage)-shortPage)
		}
		items = append(items, item(row))
		last = key
	}
	return items, ""
}
