package service

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
	few         = 4   // rows of a list that most likely is short; a longer one gets the memory of a page
	maxIDs      = 10
)

// pager cuts a walk over keys into pages. A token holds the key the last page ended at and is bound to the query it
// came from: the operation, the caller and every filter.
type pager struct {
	query string
	limit int
	after string
}

// newPager checks the page size and the token of a request. query names the operation and each filter value.
func (v *View) newPager(maxResults *int32, token *string, query ...string) (*pager, error) {
	p := &pager{query: v.caller.Account + "\x00" + strings.Join(query, "\x00"), limit: defaultPage}
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
	p.after = string(raw[sumSize:])
	return p, nil
}

const sumSize = 12

func (p *pager) sum(after string) []byte {
	sum := sha256.Sum256([]byte("page\x00" + p.query + "\x00" + after))
	return sum[:sumSize]
}

func (p *pager) token(after string) string {
	return base64.RawURLEncoding.EncodeToString(append(p.sum(after), after...))
}

// page collects the rows of rows that keep accepts, up to the limit, and the token of the next page ("" on the last).
// rows must start after p.after. It looks one row ahead, so that a last page is known to be the last.
func page[Row, Item any](p *pager, rows iter.Seq2[string, *Row], keep func(*Row) bool, item func(*Row) Item) ([]Item, string) {
	items := make([]Item, 0, min(p.limit, few))
	last := ""
	for key, row := range rows {
		if keep != nil && !keep(row) {
			continue
		}
		if len(items) == p.limit {
			return items, p.token(last)
		}
		if len(items) == few {
			items = slices.Grow(items, min(p.limit, defaultPage)-few)
		}
		items = append(items, item(row))
		last = key
	}
	return items, ""
}

// same is the item function of tables whose rows are what the client sees.
func same[Row any](row *Row) Row { return *row }

// rowsByKey walks the rows of single keys in order, as a scan would; absent ones are skipped.
func rowsByKey[Row any](keys []string, after string, get func(key string) (*Row, bool)) iter.Seq2[string, *Row] {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	return func(yield func(string, *Row) bool) {
		for _, key := range keys {
			if key <= after {
				continue
			}
			if row, ok := get(key); ok && !yield(key, row) {
				return
			}
		}
	}
}
