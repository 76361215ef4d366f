package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"

	"go.etcd.io/bbolt"
)

// A Finding is an entry that contradicts another: an index that does not lead to its row, a counter that miscounts, a row
// whose parent does not exist.
type Finding struct {
	Key  string
	What string
}

func (f Finding) String() string { return f.What + ": " + f.Key }

// Verifiable is a [Table] as a check of everything sees it.
type Verifiable interface {
	Name() string

	// verify decodes a row and gives the keys of its index entries and of its counter, "" for none.
	verify(r Reader, key string, raw []byte) (entries []string, counter string, err error)
}

// Layout says what the keys of a store are.
type Layout struct {
	// Table is the table that a key is a row of, nil when it is none.
	Table func(key string) Verifiable

	// Index and Counter report whether a key is an index entry, or a counter, of some table.
	Index, Counter func(key string) bool

	// Parents are the keys of rows or index entries without which there must not be a row with this key. May be nil.
	Parents func(key string) []string
}

func (t *Table[P]) verify(r Reader, key string, raw []byte) (entries []string, counter string, err error) {
	row, err := t.parse(key, raw)
	if err != nil {
		return nil, "", err
	}
	for i := range t.schema.Indexes {
		entries = append(entries, t.schema.Indexes[i].Keys(key, row.Value)...)
	}
	if t.schema.Count != nil {
		counter = t.schema.Count(key, row.Value)
	}
	return entries, counter, nil
}

// Verify compares rows with their index entries, counters and parents, both ways.
func Verify(r Reader, layout Layout, report func(Finding)) {
	counted, stated := map[string]int{}, map[string]int{}
	for key, raw := range r.Scan("", "") {
		table := layout.Table(key)
		switch {
		case table != nil:
			verifyRow(r, layout, table, key, raw, counted, report)
		case layout.Index(key):
			verifyEntry(r, layout, key, raw, report)
		case layout.Counter(key):
			n, err := strconv.Atoi(string(raw))
			if err != nil || n < 1 {
				report(Finding{key, "a counter makes no sense"})
			}
			stated[key] = n
		}
	}
	for key, n := range counted {
		if stated[key] != n {
			report(Finding{key, fmt.Sprintf("a counter says %d and there are %d", stated[key], n)})
		}
	}
	for key, n := range stated {
		if counted[key] == 0 {
			report(Finding{key, fmt.Sprintf("a counter says %d and there are 0", n)})
		}
	}
}

func verifyRow(r Reader, layout Layout, table Verifiable, key string, raw []byte, counted map[string]int, report func(Finding)) {
	entries, counter, err := table.verify(r, key, raw)
	if err != nil {
		report(Finding{key, fmt.Sprintf("a row does not decode (%v)", err)})
		return
	}
	for _, entry := range entries {
		target, ok := r.Get(entry)
		if to, err := unquoteKey(target); !ok || err != nil || to != key {
			report(Finding{key, fmt.Sprintf("a row is not at its place %q of an index", entry)})
		}
	}
	if counter != "" {
		counted[counter]++
	}
	if layout.Parents == nil {
		return
	}
	for _, parent := range layout.Parents(key) {
		if _, ok := r.Get(parent); !ok {
			report(Finding{key, fmt.Sprintf("a row belongs to %q, which does not exist", parent)})
		}
	}
}

func verifyEntry(r Reader, layout Layout, entry string, raw []byte, report func(Finding)) {
	key, err := unquoteKey(raw)
	if err != nil {
		report(Finding{entry, "an index entry makes no sense"})
		return
	}
	table := layout.Table(key)
	row, ok := r.Get(key)
	if !ok || table == nil {
		report(Finding{entry, fmt.Sprintf("an index entry leads to %q, which does not exist", key)})
		return
	}
	entries, _, err := table.verify(r, key, row)
	if err == nil && !slices.Contains(entries, entry) { // a row that does not decode is reported as such
		report(Finding{entry, fmt.Sprintf("an index entry leads to %q, which does not belong there", key)})
	}
}

// ReadFile lets f read a file of a store that no store has open, a backup for one. It must be of the format of today.
func ReadFile(ctx context.Context, path string, f func(Reader) error) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see OpenBolt
	return guard(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
		if err != nil {
			return err
		}
		had, err := formatOf(db)
		if err == nil && had != format {
			err = fmt.Errorf("%w: format %d", errors.ErrUnsupported, had)
		}
		if err == nil {
			err = db.View(func(tx *bbolt.Tx) error {
				_, err := newBoltTree(tx).read(&reader{}, f)
				return err
			})
		}
		return errors.Join(err, db.Close())
	})
}
