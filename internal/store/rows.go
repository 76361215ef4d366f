package store

import (
	"fmt"
	"iter"
	"sync/atomic"
)

// Row is a row as readers share it: decoded once, and made into a text once.
type Row[P any] struct {
	Value P // in the same piece of memory; must not be modified
	text  atomic.Pointer[string]

	unknown bool // it has members that its type does not know
}

// Text is what render makes of the row. It is kept as long as the decoded row, so a table has one render for all its rows,
// which looks at nothing but the row.
func (row *Row[P]) Text(render func(P) string) string {
	if known := row.text.Load(); known != nil {
		return *known
	}
	text := render(row.Value)
	row.text.Store(&text)
	return text
}

// Rows is a walk over rows of a table that is stepped by whoever made it. Key and Row are what the last Next came to.
type Rows[P any] struct {
	Key string // of the row, or of the index entry that led to it
	Row *Row[P]

	table  *Table[P]
	prefix string // of keys of rows, where the walk goes by them
	r      Reader
	how    byte // byPrefix, byIndex or byKeys
	walk   Walk
	keys   []string // still to come
}

const (
	byPrefix = iota
	byIndex
	byKeys
)

// Rows walks the rows whose key has the prefix, as [Table.Scan] does.
func (t *Table[P]) Rows(r Reader, prefix, after string) Rows[P] {
	return Rows[P]{table: t, r: r, prefix: prefix, walk: r.Walk(prefix, after)}
}

// IndexRows walks the rows that an index leads to, as [Table.ScanIndex] does.
func (t *Table[P]) IndexRows(r Reader, prefix, after string) Rows[P] {
	return Rows[P]{table: t, r: r, how: byIndex, walk: r.Walk(prefix, after)}
}

// RowsAt walks the rows at the keys in their order; those that do not exist are passed over.
func (t *Table[P]) RowsAt(r Reader, keys []string) Rows[P] {
	return Rows[P]{table: t, r: r, how: byKeys, keys: keys}
}

// Next goes to the next row and reports whether there is one.
func (w *Rows[P]) Next() bool {
	ok := false
	if w.how == byKeys {
		for len(w.keys) > 0 && !ok {
			w.Key, w.keys = w.keys[0], w.keys[1:]
			w.Row, ok = w.table.row(w.r, w.Key)
		}
		return ok
	}
	if !w.walk.Next() {
		return false
	}
	w.Key = w.walk.Key
	if w.how == byPrefix {
		w.Row, ok = w.table.decode(w.r, w.Key, w.walk.Value, w.walk.known)
		return ok
	}
	key, ok := w.table.target(w.r, w.Key, w.walk.Value)
	if !ok {
		return false
	}
	value, known, ok := fetch(w.r, key)
	if !ok {
		fail(w.r, fmt.Errorf("%s index entry %q: row %q does not exist", w.table.schema.Name, w.Key, key))
		return false
	}
	w.Row, ok = w.table.decode(w.r, key, value, known)
	return ok
}

// Prefix is what the keys of the rows have in common, "" for a walk that goes by anything but their keys: it depends on
// nothing but what is below.
func (w *Rows[P]) Prefix() string { return w.prefix }

// Stop ends a walk before its end; it need not be called.
func (w *Rows[P]) Stop() { w.walk.Stop() }

// values is a walk as an iterator.
func values[P any](begin func() Rows[P]) iter.Seq2[string, P] {
	return func(yield func(string, P) bool) {
		w := begin()
		defer w.Stop()
		for w.Next() && yield(w.Key, w.Row.Value) {
		}
	}
}
