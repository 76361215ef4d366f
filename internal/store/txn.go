package store

import (
	"bytes"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"strings"
)

// Bounds on what one pair may hold. They are bbolt's for keys and far below its own for values; the memory store
// keeps them too, so that what works in a test works on disk.
const (
	MaxKeySize   = 32 << 10 // bytes
	MaxValueSize = 64 << 20 // bytes
)

// A PanicError is what a transaction returns when its function panicked. Nothing it wrote was kept.
type PanicError struct {
	Value any
	Stack []byte // where it happened, for the log
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a transaction: %v", e.Value) }

// Unwrap gives the panic's value when it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// guard runs f and turns a panic into a PanicError.
func guard(f func() error) (err error) {
	defer recovered(&err)
	return f()
}

// recovered, when deferred, makes a PanicError of a panic.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// tree is one snapshot, or the state inside one transaction, of a store. A read that fails says so to the reader that the
// tree was given to, and finds nothing. With a value comes the row that is remembered for it, nil where none is or the tree did
// not look.
type tree interface {
	get(key string) ([]byte, *memoRow, bool)
	cursor(prefix string) cursor

	// put replaces the value of key, nil for none, by another. It keeps value, and may use the sealSize bytes of capacity
	// behind it.
	put(key string, old, value []byte) error
}

// cursor walks the pairs of a tree whose key has a prefix, in key order. It is lost when the tree changes under it, and must seek again.
type cursor interface {
	seek(key string) (string, []byte, *memoRow, bool) // the first pair at or after key, if that has the prefix
	next() (string, []byte, *memoRow, bool)
	leave() // it is not used any more
}

// failer is what a Reader offers to the code of this package that interprets values: a value that makes no sense is a
// failed read like any other.
type failer interface{ fail(error) }

// fail makes the transaction r belongs to fail with err.
func fail(r Reader, err error) {
	if f, ok := r.(failer); ok {
		f.fail(err)
		return
	}
	panic(err) // a Reader from elsewhere, wrapping ours: the store turns this into the transaction's error
}

// reader is the Reader of every store in this package.
type reader struct {
	tree   tree
	writes int   // grows with every write, so that a scan notices that its cursor is lost
	err    error // the first read or write that failed
	over   bool  // the transaction has ended

	at      uint64   // the number of the snapshot, of a View
	changed *changed // of the store, nil in an Update
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// use panics when a Reader has outlived its transaction, which only a defect in the caller can bring about.
func (r *reader) use() {
	if r.over {
		panic("store: a transaction was used after its function returned")
	}
}

func (r *reader) Get(key string) ([]byte, bool) {
	value, _, ok := r.fetch(key)
	return value, ok
}

// fetch is Get with the row that is remembered.
func (r *reader) fetch(key string) ([]byte, *memoRow, bool) {
	r.use()
	return r.tree.get(key)
}

// fetch is the value at a key, with the row that is remembered for it, of a Reader of this package or of one that wraps it.
func fetch(r Reader, key string) (value []byte, known *memoRow, ok bool) {
	if own, is := r.(interface {
		fetch(key string) ([]byte, *memoRow, bool)
	}); is {
		return own.fetch(key)
	}
	value, ok = r.Get(key)
	return value, nil, ok
}

// lasting tells whether the values that a Reader gives out stay as they are after its end.
func lasting(r Reader) bool {
	own, is := r.(interface{ lasting() bool })
	return is && own.lasting()
}

func (r *reader) lasting() bool {
	_, is := r.tree.(*boltTree)
	return !is
}

func (r *reader) Scan(prefix, after string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		w := r.Walk(prefix, after)
		defer w.Stop()
		for w.Next() && yield(w.Key, w.Value) {
		}
	}
}

func (r *reader) Walk(prefix, after string) Walk {
	r.use()
	return Walk{r: r, at: r.tree.cursor(prefix), from: max(prefix, after), after: after}
}

// Walk is a scan that is stepped by whoever made it. Key and Value are the pair that the last Next came to.
type Walk struct {
	Key   string
	Value []byte

	known       *memoRow // of Value, nil for none
	r           *reader
	at          cursor // nil: the walk is over
	from, after string
	begun       bool
	writes      int // of the reader when the cursor was placed
}

// Next goes to the next pair and reports whether there is one.
func (w *Walk) Next() bool {
	if w.at == nil {
		return false
	}
	w.r.use()
	var ok bool
	switch {
	case !w.begun:
		w.Key, w.Value, w.known, ok = w.at.seek(w.from)
		if ok && w.Key == w.after {
			w.Key, w.Value, w.known, ok = w.at.next()
		}
		w.begun = true
	case w.r.writes == w.writes:
		w.Key, w.Value, w.known, ok = w.at.next()
	default:
		last := w.Key
		if w.Key, w.Value, w.known, ok = w.at.seek(last); ok && w.Key == last {
			w.Key, w.Value, w.known, ok = w.at.next()
		}
	}
	w.writes = w.r.writes
	if !ok {
		w.Stop()
	}
	return ok
}

// Stop ends a walk before its end, so that what it holds can be used again. It need not be called.
func (w *Walk) Stop() {
	if w.at != nil && !w.r.over {
		w.at.leave()
	}
	w.at = nil
}

// txn is the Txn of every store in this package. It writes straight into its tree and keeps a log to take it back.
type txn struct {
	reader
	log  []write
	size int // bytes written
}

// write is one step of a transaction. A nil slice stands for "absent"; an empty value is never nil.
type write struct {
	key      string
	old, new []byte
}

func (t *txn) Set(key string, value []byte) {
	t.use()
	switch {
	case len(key) == 0:
		t.fail(fmt.Errorf("store: set of an empty key"))
		return
	case len(key) > MaxKeySize:
		t.fail(fmt.Errorf("store: key %.40q… has %d bytes, the limit is %d", key, len(key), MaxKeySize))
		return
	case len(value) > MaxValueSize:
		t.fail(fmt.Errorf("store: value of %.200q has %d bytes, the limit is %d", key, len(value), MaxValueSize))
		return
	}
	old, _, had := t.tree.get(key)
	if had && bytes.Equal(old, value) {
		return // a transaction that changes nothing then costs no commit
	}
	if !had {
		old = nil
	}
	kept := append(make([]byte, 0, len(value)+sealSize), value...)
	t.write(write{key, old, kept})
}

func (t *txn) Delete(key string) {
	t.use()
	if old, _, had := t.tree.get(key); had {
		t.write(write{key, old, nil})
	}
}

func (t *txn) write(w write) {
	if t.err != nil {
		return // what was read before cannot be trusted
	}
	if err := t.tree.put(w.key, w.old, w.new); err != nil {
		t.fail(err)
		return
	}
	t.log = append(t.log, w)
	t.writes++
	t.size += len(w.key) + len(w.new)
}

// undo takes back all that the transaction wrote.
func (t *txn) undo() error {
	for _, w := range slices.Backward(t.log) {
		if err := t.tree.put(w.key, w.new, w.old); err != nil {
			return err
		}
	}
	return nil
}

// changes is the net effect of the transaction, in key order.
func (t *txn) changes() []Change {
	log := slices.Clone(t.log)
	slices.SortStableFunc(log, func(a, b write) int { return strings.Compare(a.key, b.key) })
	var out []Change
	for i := 0; i < len(log); {
		first, last := log[i], log[i]
		for ; i < len(log) && log[i].key == first.key; i++ {
			last = log[i]
		}
		same := (first.old == nil) == (last.new == nil) && bytes.Equal(first.old, last.new)
		if !same {
			out = append(out, Change{first.key, last.new})
		}
	}
	return out
}

// run calls f on the transaction and returns what it ends with: the first failed read or write, since what f made of
// that cannot be trusted, or else f's own error. On any error the writes are still in place; see undo.
func (t *txn) run(f func(Txn) error) error {
	err := guard(func() error { return f(t) })
	t.over = true
	if t.err != nil {
		return t.err
	}
	return err
}

// view is the same for a function that only reads.
func (r *reader) view(f func(Reader) error) error {
	err := r.call(f)
	r.over = true
	if r.err != nil {
		return r.err
	}
	return err
}

func (r *reader) call(f func(Reader) error) (err error) {
	defer recovered(&err)
	return f(r)
}
