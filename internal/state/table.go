package state

import (
	"iter"
	"slices"

	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// Key is where one row of R is.
type Key[R any] struct{ path string }

// String is the key as it is in the store.
func (k Key[R]) String() string { return k.path }

// Range is where rows of R are: those below a key of their table, or what an index has below a value.
type Range[R any] struct {
	prefix string
	index  bool
}

// below are the rows whose keys go on after path.
func below[R any](path string) Range[R] { return Range[R]{prefix: path + "/"} }

// indexed are the rows that an index has below path.
func indexed[R any](path string) Range[R] { return Range[R]{prefix: path + "/", index: true} }

// Table is the rows that R points to; that R is a pointer gives all tables the same code, see [store.Table].
type Table[R any] struct {
	rows  *store.Table[R]
	kind  lifecycle.Kind // of rows that move by themselves
	state func(R) string // that such a row is in
}

func newTable[T any](kind lifecycle.Kind, state func(*T) string, s store.Schema[*T]) Table[*T] {
	return Table[*T]{rows: store.NewTable(s), kind: kind, state: state}
}

func plainTable[T any](s store.Schema[*T]) Table[*T] { return newTable(lifecycle.Kind(""), nil, s) }

// Get is the row at a key. It is shared with every other reader and must not be modified: copy the struct first.
func (t *Table[R]) Get(v *View, k Key[R]) (R, bool) { return t.rows.Get(v.r, k.path) }

// Rows walks the rows of a range in order, starting after the key a page ended with. Keys of an index are its own.
func (t *Table[R]) Rows(v *View, in Range[R], after string) iter.Seq2[string, R] {
	if in.index {
		return t.rows.ScanIndex(v.r, in.prefix, after)
	}
	return t.rows.Scan(v.r, in.prefix, after)
}

// Walk is [Table.Rows] as [List] takes it.
func (t *Table[R]) Walk(v *View, in Range[R], after string) store.Rows[R] {
	if in.index {
		return t.rows.IndexRows(v.r, in.prefix, after)
	}
	return t.rows.Rows(v.r, in.prefix, after)
}

// WalkIDs walks the rows at the keys of ids in order, as a range would; absent ones are skipped. Without ids it walks all that
// there are below the key of "".
func (t *Table[R]) WalkIDs(v *View, ids []string, key func(id string) Key[R], after string) store.Rows[R] {
	if len(ids) == 0 {
		return t.rows.Rows(v.r, key("").path, after)
	}
	paths := make([]string, len(ids))
	for i, id := range ids {
		paths[i] = key(id).path
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if from, found := slices.BinarySearch(paths, after); found {
		paths = paths[from+1:]
	} else {
		paths = paths[from:]
	}
	return t.rows.RowsAt(v.r, paths)
}

// At is the row of one key, if there is one, as a range would give it.
func (t *Table[R]) At(v *View, k Key[R], after string) iter.Seq2[string, R] {
	return func(yield func(string, R) bool) {
		if row, ok := t.Get(v, k); ok && k.path > after {
			yield(k.path, row)
		}
	}
}

// Any tells whether a range has a row.
func (t *Table[R]) Any(v *View, in Range[R]) bool { return t.rows.Any(v.r, in.prefix) }

// Put inserts or replaces a row whose state stays as it is.
func (t *Table[R]) Put(tx *Txn, k Key[R], row R) { t.rows.Put(tx.w, k.path, row) }

// Encode encodes a large row before the transaction that puts it.
func (t *Table[R]) Encode(row R) store.Encoded[R] { return t.rows.Encode(row) }

// PutEncoded is [Table.Put] of a row that is encoded.
func (t *Table[R]) PutEncoded(tx *Txn, k Key[R], e store.Encoded[R]) {
	t.rows.PutEncoded(tx.w, k.path, e)
}

// Save inserts or replaces a row that has just entered its state, and schedules what follows of that by itself.
func (t *Table[R]) Save(tx *Txn, k Key[R], row R) {
	t.rows.Put(tx.w, k.path, row)
	tx.lc.Schedule(t.kind, k.path, t.state(row))
}

// Kind is the kind of the rows in the queue of what is due.
func (t *Table[R]) Kind() lifecycle.Kind { return t.kind }

// Delete removes a row.
func (t *Table[R]) Delete(tx *Txn, k Key[R]) { t.rows.Delete(tx.w, k.path) }

// DeleteAll removes the rows of a range, which must not be one of an index.
func (t *Table[R]) DeleteAll(tx *Txn, in Range[R]) {
	var keys []string
	for key := range tx.r.Scan(in.prefix, "") { // without decoding
		keys = append(keys, key)
	}
	for _, key := range keys {
		t.rows.Delete(tx.w, key)
	}
}

// byID is the row with the id, in whichever account it lives. The ids of all tables are in one index: what is found must be
// a row of this one.
func (t *Table[R]) byID(v *View, id string) (R, bool) {
	var none R
	key, ok := t.rows.KeyAt(v.r, idKey(id))
	if !ok {
		return none, false
	}
	if _, name, _, _ := splitKey(key, 0); name != t.rows.Name() {
		return none, false
	}
	return t.rows.Get(v.r, key)
}

// schedule lets a row take the step that follows a state of another kind than its own, as if it had been in it since.
func (tx *Txn) schedule(kind lifecycle.Kind, key, state string, since Time) {
	tx.lc.ScheduleSince(kind, key, state, since.Time)
}

// roots are rows right below an account, by id: /acct/A/TABLE/ID.
type roots[R any] struct{ Table[R] }

// Key is the key of the row with the id.
func (t *roots[R]) Key(account, id string) Key[R] {
	return Key[R]{accountKey(account, t.rows.Name(), id)}
}

// Of are the rows of an account.
func (t *roots[R]) Of(account string) Range[R] {
	return Range[R]{prefix: accountKey(account, t.rows.Name(), "")}
}

// Count is the number of rows of an account, of a table that counts them.
func (t *roots[R]) Count(v *View, account string) int {
	return store.CountAt(v.r, accountKey(account, t.rows.Name()+".count"))
}

// Members are rows below something else, by both ids: /acct/A/TABLE/PARENT/ID.
type Members[R any] struct{ Table[R] }

// Key is the key of the row with the id below a parent.
func (t *Members[R]) Key(account, parent, id string) Key[R] {
	return Key[R]{accountKey(account, t.rows.Name(), parent, id)}
}

// In are the rows below a parent.
func (t *Members[R]) In(account, parent string) Range[R] {
	return Range[R]{prefix: accountKey(account, t.rows.Name(), parent, "")}
}

// Of are the rows of an account.
func (t *Members[R]) Of(account string) Range[R] {
	return below[R](accountKey(account, t.rows.Name()))
}

// Count is the number of rows below a parent, of a table that counts them.
func (t *Members[R]) Count(v *View, account, parent string) int {
	return store.CountAt(v.r, accountKey(account, t.rows.Name()+".count", parent))
}

// index are the rows below a parent that an index has at the values.
func (t *Members[R]) index(account, name, parent string, values ...string) Range[R] {
	return indexed[R](accountKey(account, t.rows.Name()+"."+name, parent) + store.Path(values...))
}
