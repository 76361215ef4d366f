package store

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"go.etcd.io/bbolt"
)

// boltTree is a bbolt transaction as a tree. The bytes it gives out lie in the mapped file or in the transaction. Whatever
// it reads it checks: that a value is what was written for its key, and that keys come in order. Where it finds nothing the
// entries on both sides are checked too, since a key that was altered is missing where it should be.
type boltTree struct {
	bucket *bbolt.Bucket
	probe  *bbolt.Cursor // for get, so that it need not make a cursor each time
	key    []byte        // scratch
	inside bool          // the file is being read or changed; still set after a panic that came from there
	report *reader       // that is being served: gets what fails
	free   []*boltCursor // that walks have left
	now    content       // with what this transaction wrote
}

func (t *boltTree) fail(err error) { t.report.fail(err) }

func newBoltTree(tx *bbolt.Tx) *boltTree {
	b := tx.Bucket(dataBucket)
	return &boltTree{bucket: b, probe: b.Cursor()}
}

// read lets f read the tree, and tells whether no damage was met.
func (t *boltTree) read(r *reader, f func(Reader) error) (sound bool, err error) {
	r.tree, t.report = t, r
	err = r.view(f)
	if t.inside {
		return false, unreadable(err)
	}
	return r.err == nil, err
}

func (t *boltTree) get(key string) ([]byte, *memoRow, bool) {
	t.inside = true
	t.key = append(t.key[:0], key...)
	k, v := t.probe.Seek(t.key)
	if k != nil && string(k) == key {
		value, known, ok := t.value(k, v)
		t.inside = false
		return value, known, ok
	}
	before, w := t.probe.Prev()
	t.gap(before, w, k, v, t.key)
	t.inside = false
	return nil, nil, false
}

// value checks an entry. One that is remembered, with the same seal, was checked before.
func (t *boltTree) value(k, sealed []byte) ([]byte, *memoRow, bool) {
	if known := rows.verified(k, sealed); known != nil {
		end := len(sealed) - sealSize
		return sealed[:end:end], known, true
	}
	value, ok := unseal(k, sealed)
	if !ok {
		t.fail(&DamageError{Key: string(k), What: "a value does not have its checksum"})
		return nil, nil, false
	}
	return notNil(value), nil, true
}

// gap checks the keys before and at a place where want was looked for and not found, nil where there are none. What their
// values are does not matter.
func (t *boltTree) gap(before, w, k, v, want []byte) bool {
	switch {
	case before != nil && !isKey(before, w):
		t.fail(&DamageError{Key: string(before), What: "a key does not have its checksum"})
	case k != nil && !isKey(k, v):
		t.fail(&DamageError{Key: string(k), What: "a key does not have its checksum"})
	case before != nil && bytes.Compare(before, want) >= 0, k != nil && bytes.Compare(k, want) < 0:
		t.fail(&DamageError{Key: string(want), What: "keys are out of order"})
	default:
		return true
	}
	return false
}

func (t *boltTree) put(key string, old, value []byte) error {
	t.inside = true
	t.key = append(t.key[:0], key...)
	var err error
	if value == nil {
		err = t.bucket.Delete(t.key)
	} else {
		sealed := binary.LittleEndian.AppendUint64(value, sealOf(key, value))
		err = t.bucket.Put(t.key, sealed) // copies the key, keeps the value
	}
	t.inside = false
	if err != nil {
		return err
	}
	if old != nil {
		t.now.remove(key, old)
	}
	if value != nil {
		t.now.add(key, value)
	}
	return nil
}

func (t *boltTree) cursor(prefix string) cursor {
	if n := len(t.free); n > 0 {
		c := t.free[n-1]
		t.free = t.free[:n-1]
		c.prefix = prefix
		return c
	}
	return &boltCursor{tree: t, prefix: prefix, at: t.bucket.Cursor()}
}

func (c *boltCursor) leave() { c.tree.free = append(c.tree.free, c) }

type boltCursor struct {
	tree   *boltTree
	prefix string
	at     *bbolt.Cursor
	keys   []byte // the block the next key goes to
	want   []byte // scratch
	last   string
}

func (c *boltCursor) seek(key string) (string, []byte, *memoRow, bool) {
	c.want = append(c.want[:0], key...)
	want := c.want
	c.tree.inside = true
	k, v := c.at.Seek(want)
	if k == nil || string(k) != key {
		before, w := c.at.Prev()
		if before != nil {
			k, v = c.at.Next()
		} else {
			k, v = c.at.Seek(want) // at the first of all, or behind a page whose entries this transaction has deleted
		}
		if !c.tree.gap(before, w, k, v, want) {
			k = nil
		}
	}
	return c.take(k, v)
}

func (c *boltCursor) next() (string, []byte, *memoRow, bool) {
	c.tree.inside = true
	k, v := c.at.Next()
	if k != nil && string(k) <= c.last {
		c.tree.fail(&DamageError{Key: c.last, What: "keys are out of order"})
		k = nil
	}
	return c.take(k, v)
}

// take is the entry the cursor has come to, if it has the prefix.
func (c *boltCursor) take(k, v []byte) (key string, value []byte, known *memoRow, ok bool) {
	switch {
	case k == nil:
	case len(k) >= len(c.prefix) && string(k[:len(c.prefix)]) == c.prefix:
		if value, known, ok = c.tree.value(k, v); ok {
			if known != nil {
				key = known.key
			} else {
				key = c.key(k)
			}
			c.last = key
		}
	case !isKey(k, v):
		c.tree.fail(&DamageError{Key: string(k), What: "a key does not have its checksum"})
	}
	c.tree.inside = false
	return key, value, known, ok
}

// key is k as a string. A page of a list walks a hundred keys: they share blocks of memory, since one allocation for each
// would cost more than the walk.
func (c *boltCursor) key(k []byte) string {
	if len(k) == 0 {
		return ""
	}
	const first, most = 256, 2 << 10 // bytes; a short list ends in the first block
	if cap(c.keys)-len(c.keys) < len(k) {
		c.keys = make([]byte, 0, max(first, min(2*cap(c.keys), most), len(k)))
	}
	start := len(c.keys)
	c.keys = append(c.keys, k...)
	return unsafe.String(&c.keys[start], len(k)) // these bytes are never written again
}

// notNil keeps an empty value apart from none.
func notNil(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}
