package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Table keeps rows as JSON, one per key, together with the entries of its indexes and its counters. P is a pointer to the
// type of the rows: the code of all pointers is the same, so that a program has one Table however many it declares. It holds
// no rows itself: the same table serves any store.
//
// A server declares all its tables side by side in one file, each as one Schema literal, so that the layout of every
// key it ever writes can be read there:
//
//	var devices = store.NewTable(store.Schema[*api.Device]{
//		Name: "device",
//		Indexes: []store.Index[*api.Device]{{Name: "site", Keys: func(key string, d *api.Device) []string { … }}},
//		Count:   func(key string, d *api.Device) string { return store.Path("count", …) },
//	})
type Table[P any] struct {
	schema Schema[P]
	fresh  func() *Row[P] // with a row to decode into
}

// Schema says where the rows of a table can be found besides their own key. Its functions must depend on nothing but
// their arguments: what they said when a row was written must be what they say when it is replaced.
type Schema[P any] struct {
	Name    string // for messages
	Indexes []Index[P]

	// Count is the key of the counter a row is counted in, "" for none. May be nil.
	Count func(key string, row P) string

	// Touch is the key of a generation that moves on with every change of the row, "" for none. May be nil. What is worked
	// out from many rows holds for as long as their generation is the same; [Moved] tells which of them moved it.
	Touch func(key string, row P) string
}

// Index is a second order over the rows of a table.
type Index[P any] struct {
	Name string // for messages

	// Keys are the full keys of the index entries of a row; it may have none. An index key belongs to one row only:
	// where several rows share a property, the row's own id is the last segment.
	Keys func(key string, row P) []string
}

// NewTable returns the table of a schema.
func NewTable[T any](s Schema[*T]) *Table[*T] {
	return &Table[*T]{schema: s, fresh: func() *Row[*T] {
		made := &struct { // one allocation
			row   Row[*T]
			value T
		}{}
		made.row.Value = &made.value
		return &made.row
	}}
}

// isNil tells whether there is no row. A constraint that lets pointers be compared would give each type code of its own.
func isNil[P any](row P) bool {
	var none P
	return any(row) == any(none)
}

// Get returns the row at key. The row is shared with every other reader and must not be modified: copy the struct first.
func (t *Table[P]) Get(r Reader, key string) (P, bool) {
	row, ok := t.row(r, key)
	if !ok {
		var none P
		return none, false
	}
	return row.Value, true
}

func (t *Table[P]) row(r Reader, key string) (*Row[P], bool) {
	raw, known, ok := fetch(r, key)
	if !ok {
		return nil, false
	}
	return t.decode(r, key, raw, known)
}

// Put inserts or replaces the row at key and brings indexes and counter up to date. It keeps no reference to row. Members
// that a newer program stored, and the type of the rows does not know, stay.
func (t *Table[P]) Put(tx Txn, key string, row P) { t.PutEncoded(tx, key, t.Encode(row)) }

// Encoded is a large row with its JSON, made before the transaction that puts it.
type Encoded[P any] struct {
	Row  P
	text []byte
	err  error
}

// Encode encodes a row.
func (t *Table[P]) Encode(row P) Encoded[P] {
	text, err := json.Marshal(row, encoding)
	return Encoded[P]{row, text, err}
}

// PutEncoded is [Table.Put] of a row that is encoded.
func (t *Table[P]) PutEncoded(tx Txn, key string, e Encoded[P]) {
	row, raw, err := e.Row, e.text, e.err
	if isNil(row) {
		fail(tx, fmt.Errorf("%s %q: put of a nil row", t.schema.Name, key))
		return
	}
	if err != nil {
		fail(tx, fmt.Errorf("%s %q: encode: %w", t.schema.Name, key, err))
		return
	}
	oldRaw, remembered, had := fetch(tx, key)
	var old P
	if had {
		known, ok := t.decode(tx, key, oldRaw, remembered)
		if !ok {
			return
		}
		if old = known.Value; any(old) == any(row) {
			// Its index keys from before are lost, and other readers saw it change: better to fail at once.
			fail(tx, fmt.Errorf("%s %q: a row that was read is shared: copy the struct before changing it", t.schema.Name, key))
			return
		}
		if known.unknown {
			if raw, err = t.withUnknown(oldRaw, old, raw); err != nil {
				fail(tx, fmt.Errorf("%s %q: encode: %w", t.schema.Name, key, err))
				return
			}
		}
	}
	tx.Set(key, raw)
	t.index(tx, key, old, row)
}

// withUnknown is the JSON of a row that replaces another, with the members of that which its type does not know.
func (t *Table[P]) withUnknown(old []byte, known P, next []byte) ([]byte, error) {
	meant, err := json.Marshal(known, encoding)
	if err != nil {
		return nil, err
	}
	return keepUnknown(old, meant, next)
}

// Delete removes the row at key with its index entries, and reports whether there was one.
func (t *Table[P]) Delete(tx Txn, key string) bool {
	if t.plain() {
		_, had := tx.Get(key)
		if had {
			tx.Delete(key)
		}
		return had
	}
	old, ok := t.Get(tx, key)
	if !ok {
		return false
	}
	tx.Delete(key)
	var none P
	t.index(tx, key, old, none)
	return true
}

// plain tells whether rows are nowhere but at their key: then they need not be decoded to be deleted.
func (t *Table[P]) plain() bool {
	return len(t.schema.Indexes) == 0 && t.schema.Count == nil && t.schema.Touch == nil
}

// Scan yields the rows whose key has the prefix, in key order, starting after the key `after`. The prefix must cover
// rows of this table only.
func (t *Table[P]) Scan(r Reader, prefix, after string) iter.Seq2[string, P] {
	return values(func() Rows[P] { return t.Rows(r, prefix, after) })
}

// ScanIndex walks the index keys with the prefix, in order, starting after the index key `after`. It yields the index
// key, which the next page takes as its `after`, and the row.
func (t *Table[P]) ScanIndex(r Reader, prefix, after string) iter.Seq2[string, P] {
	return values(func() Rows[P] { return t.IndexRows(r, prefix, after) })
}

// Name is the table's name.
func (t *Table[P]) Name() string { return t.schema.Name }

// KeyAt is the key of the row that an index entry points at. Where several tables share an index, it may be of another one.
func (t *Table[P]) KeyAt(r Reader, entry string) (string, bool) {
	raw, ok := r.Get(entry)
	if !ok {
		return "", false
	}
	return t.target(r, entry, raw)
}

// Any reports whether there is an index entry, or any other key, with the prefix.
func (t *Table[P]) Any(r Reader, indexPrefix string) bool {
	for range r.Scan(indexPrefix, "") {
		return true
	}
	return false
}

// CountAt returns the number of rows counted at a counter's key.
func CountAt(r Reader, counterKey string) int {
	raw, ok := r.Get(counterKey)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 1 {
		fail(r, fmt.Errorf("counter %q holds %.40q", counterKey, raw))
		return 0
	}
	return n
}

// index moves the index entries and the count of a row from what they were to what they shall be; nil stands for a
// row that is not there.
func (t *Table[P]) index(tx Txn, key string, old, row P) {
	had, has := !isNil(old), !isNil(row)
	for i := range t.schema.Indexes {
		keys := t.schema.Indexes[i].Keys
		var before, after []string
		if had {
			before = keys(key, old)
		}
		if has {
			after = keys(key, row)
		}
		for _, entry := range before {
			if !slices.Contains(after, entry) {
				tx.Delete(entry)
			}
		}
		for _, entry := range after {
			if !slices.Contains(before, entry) {
				t.enter(tx, i, entry, key)
			}
		}
	}
	t.touch(tx, key, old, row)
	if t.schema.Count == nil {
		return
	}
	var before, after string
	if had {
		before = t.schema.Count(key, old)
	}
	if has {
		after = t.schema.Count(key, row)
	}
	if before != after {
		addCount(tx, before, -1)
		addCount(tx, after, +1)
	}
}

func (t *Table[P]) touch(tx Txn, key string, old, row P) {
	if t.schema.Touch == nil {
		return
	}
	var before, after string
	if !isNil(old) {
		before = t.schema.Touch(key, old)
	}
	if !isNil(row) {
		after = t.schema.Touch(key, row)
	}
	for _, generation := range slices.Compact([]string{before, after}) {
		if generation == "" {
			continue
		}
		n := Generation(tx, generation) + 1
		tx.Set(generation, strconv.AppendUint(nil, n, 10))
		moved, err := jsontext.AppendQuote(nil, key)
		if err != nil {
			fail(tx, fmt.Errorf("%s %q: key is not UTF-8 text: %w", t.schema.Name, key, err))
			return
		}
		tx.Set(moveKey(generation, n), moved)
		if n > MovesKept {
			tx.Delete(moveKey(generation, n-MovesKept))
		}
	}
}

// MovesKept is how many moves of a generation are remembered one by one.
const MovesKept = 256

func moveKey(generation string, n uint64) string { return fmt.Sprintf("%s/%020d", generation, n) }

// Moved names the rows that moved a generation after it was since, each once, in the order of their first move. It is false
// when that is longer ago than moves are remembered, or has never been: then everything may have changed.
func Moved(r Reader, key string, since uint64) (rows []string, ok bool) {
	now := Generation(r, key)
	if since > now || now-since > MovesKept {
		return nil, false
	}
	seen := map[string]bool{}
	for n := since + 1; n <= now; n++ {
		raw, found := r.Get(moveKey(key, n))
		if !found {
			return nil, false // written by a server that kept none
		}
		row, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			fail(r, fmt.Errorf("generation %q: move %d holds %.40q: %w", key, n, raw, err))
			return nil, false
		}
		if !seen[string(row)] {
			seen[string(row)] = true
			rows = append(rows, string(row))
		}
	}
	return rows, true
}

// Generation is how often rows that touch the key have changed.
func Generation(r Reader, key string) uint64 {
	raw, ok := r.Get(key)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		fail(r, fmt.Errorf("generation %q holds %.40q", key, raw))
	}
	return n
}

// Forget removes a generation with its moves, when nothing is left that could move it.
func Forget(tx Txn, key string) {
	var moves []string
	for move := range tx.Scan(key+"/", "") {
		moves = append(moves, move)
	}
	for _, move := range moves {
		tx.Delete(move)
	}
	tx.Delete(key)
}

// enter writes one index entry. Its value is the row's key, as a JSON string.
func (t *Table[P]) enter(tx Txn, index int, entry, key string) {
	if raw, taken := tx.Get(entry); taken {
		if other, ok := t.target(tx, entry, raw); ok && other != key {
			fail(tx, fmt.Errorf("%s index %s: entry %q of row %q is taken by row %q",
				t.schema.Name, t.schema.Indexes[index].Name, entry, key, other))
		}
		return // the same key twice from one row
	}
	raw, err := jsontext.AppendQuote(nil, key)
	if err != nil {
		fail(tx, fmt.Errorf("%s %q: key is not UTF-8 text: %w", t.schema.Name, key, err))
		return
	}
	tx.Set(entry, raw)
}

// target is the key of the row an index entry points at.
func (t *Table[P]) target(r Reader, entry string, raw []byte) (string, bool) {
	key, err := unquoteKey(raw)
	if err != nil {
		fail(r, fmt.Errorf("%s index entry %q holds %.40q: %w", t.schema.Name, entry, raw, err))
		return "", false
	}
	return key, true
}

// unquoteKey is the key that a JSON string stands for.
func unquoteKey(raw []byte) (string, error) {
	if n := len(raw); n >= 2 && raw[0] == '"' && raw[n-1] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : n-1]), nil // as nearly all are: nothing to undo
	}
	key, err := jsontext.AppendUnquote(nil, raw)
	return string(key), err
}

func addCount(tx Txn, counterKey string, by int) {
	if counterKey == "" {
		return
	}
	switch n := CountAt(tx, counterKey) + by; {
	case n < 0:
		fail(tx, fmt.Errorf("counter %q would fall below zero", counterKey))
	case n == 0:
		tx.Delete(counterKey)
	default:
		tx.Set(counterKey, strconv.AppendInt(nil, int64(n), 10))
	}
}

// encoding keeps the difference between an empty list and none, so that a row read is the row written.
var encoding = json.JoinOptions(json.Deterministic(true), json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true))

// decode is the row in the bytes at a key; known is what is remembered of them, nil where that was not looked for.
func (t *Table[P]) decode(r Reader, key string, raw []byte, known *memoRow) (*Row[P], bool) {
	if known == nil {
		known = find(rows, sum64(key), key, raw)
	}
	if known != nil {
		if row, ok := known.row.(*Row[P]); ok {
			return row, true
		}
	}
	row, err := t.parse(key, raw)
	if err != nil {
		fail(r, err)
		return nil, false
	}
	rows.put(key, raw, lasting(r), row)
	return row, true
}

func (t *Table[P]) parse(key string, raw []byte) (*Row[P], error) {
	row := t.fresh()
	err := json.Unmarshal(raw, row.Value, json.RejectUnknownMembers(true))
	if errors.Is(err, json.ErrUnknownName) {
		row = t.fresh()
		row.unknown = true
		err = json.Unmarshal(raw, row.Value)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q does not decode: %w", t.schema.Name, key, err)
	}
	return row, nil
}
