package store

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// longScan is how many keys a proposal names one by one because a scan yielded them. Beyond it the proposal asks that nothing
// at all was deleted instead.
const longScan = 24

// readSet is what updates have read from the snapshot they run on.
type readSet struct {
	keys    map[string]uint64 // asked for by Get, with the revision of the entry, 0 for none
	yielded map[string]uint64 // come to by a scan
	ranges  []*RangeRead
	written map[string]struct{} // reading these says nothing of the snapshot

	earlier *readSet // of the updates before in the batch
	mixed   bool     // something that an earlier update wrote was read
}

func newReadSet(earlier *readSet) *readSet { // earlier: nil for none
	return &readSet{keys: map[string]uint64{}, yielded: map[string]uint64{}, written: map[string]struct{}{}, earlier: earlier}
}

func (s *readSet) read(into map[string]uint64, key string, revision uint64) {
	if _, own := s.written[key]; own {
		return
	}
	if _, before := s.earlier.written[key]; before { // of a batch
		s.mixed = true
		return
	}
	into[key] = revision
}

// get notes a key that was asked for. One that a scan came to before is known already.
func (s *readSet) get(key string, revision uint64) {
	if _, known := s.yielded[key]; !known {
		s.read(s.keys, key, revision)
	}
}

// add takes in what another read and wrote.
func (s *readSet) add(o *readSet) {
	maps.Copy(s.keys, o.keys)
	maps.Copy(s.yielded, o.yielded)
	maps.Copy(s.written, o.written)
	s.ranges = append(s.ranges, o.ranges...)
}

// with is the sum of two sets.
func (s *readSet) with(o *readSet) *readSet {
	sum := newReadSet(nil)
	sum.add(s)
	sum.add(o)
	return sum
}

// proposal is the reads as conditions.
func (s *readSet) proposal(snapshot uint64) *Proposal {
	p := &Proposal{Snapshot: snapshot, Ranges: s.merged()}
	named := maps.Clone(s.keys)
	if len(s.yielded) <= longScan {
		maps.Copy(named, s.yielded)
	} else {
		p.Deletes = true
	}
	for _, key := range slices.Sorted(maps.Keys(named)) {
		if named[key] == 0 && inside(p.Ranges, key) {
			continue // its absence is part of the range
		}
		p.Keys = append(p.Keys, KeyRead{key, named[key]})
	}
	return p
}

func inside(ranges []RangeRead, key string) bool {
	return slices.ContainsFunc(ranges, func(r RangeRead) bool { return r.From <= key && (r.To == "" || key < r.To) })
}

// merged are the ranges in order, without overlaps.
func (s *readSet) merged() []RangeRead {
	var out []RangeRead
	sorted := slices.Clone(s.ranges)
	slices.SortFunc(sorted, func(a, b *RangeRead) int { return strings.Compare(a.From, b.From) })
	for _, r := range sorted {
		if n := len(out); n > 0 && (out[n-1].To == "" || r.From <= out[n-1].To) {
			if out[n-1].To != "" && (r.To == "" || r.To > out[n-1].To) {
				out[n-1].To = r.To
			}
			continue
		}
		out = append(out, *r)
	}
	return out
}

// trackingTree is the state inside an update on a replica. It notes what is read.
type trackingTree struct {
	pairs *btree.BTreeG[pair]
	reads *readSet
}

func (t *trackingTree) get(key string) ([]byte, *memoRow, bool) {
	p, ok := t.pairs.Get(pair{key: key})
	t.reads.get(key, p.revision)
	return p.value, p.row(), ok
}

func (t *trackingTree) put(key string, old, value []byte) error {
	t.reads.written[key] = struct{}{}
	return memoryTree{t.pairs}.put(key, old, value)
}

func (t *trackingTree) cursor(prefix string) cursor {
	c := &trackingCursor{memoryCursor: memoryCursor{prefix: prefix}, reads: t.reads}
	c.iter.Init(t.pairs, false)
	return c
}

// trackingCursor notes the ranges that are walked.
type trackingCursor struct {
	memoryCursor
	reads *readSet
	at    *RangeRead // since the last seek
}

func (c *trackingCursor) seek(key string) (string, []byte, *memoRow, bool) {
	if c.at == nil || key > c.at.To {
		c.at = &RangeRead{From: key, To: key}
		c.reads.ranges = append(c.reads.ranges, c.at)
	}
	return c.note(c.memoryCursor.seek(key))
}

func (c *trackingCursor) next() (string, []byte, *memoRow, bool) {
	return c.note(c.memoryCursor.next())
}

func (c *trackingCursor) note(key string, value []byte, row *memoRow, ok bool) (string, []byte, *memoRow, bool) {
	if !ok {
		c.at.To = prefixEnd(c.prefix)
		return "", nil, nil, false
	}
	c.at.To = key + "\x00"
	c.reads.read(c.reads.yielded, key, c.iter.Item().revision)
	return key, value, row, true
}

// prefixEnd is the first key behind all that have the prefix, "" when there is none.
func prefixEnd(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

// Peek walks the pairs with the prefix that come after a key, as [Reader.Walk] does, but what it finds, and that there is no more, is no condition
// of the commit: another server may write there meanwhile. What is used of it has to be read again by Get. The transaction must
// not write between two steps.
func Peek(t Txn, prefix, after string) Walk {
	if own, tree := tracked(t); tree != nil {
		own.use()
		return (&reader{tree: memoryTree{tree.pairs}}).Walk(prefix, after)
	}
	return t.Walk(prefix, after)
}

// HasRead tells whether a transaction on a store that is shared has come to a key by now. On any other store it says no.
func HasRead(t Txn, key string) bool {
	if _, tree := tracked(t); tree != nil {
		return tree.reads.has(key)
	}
	return false
}

func tracked(t Txn) (*txn, *trackingTree) {
	own, is := t.(*txn)
	if !is {
		return nil, nil
	}
	tree, _ := own.tree.(*trackingTree)
	return own, tree
}

// has tells whether a key was read. Of one that an earlier update of the batch wrote that is not noted: it may have been.
func (s *readSet) has(key string) bool {
	_, asked := s.keys[key]
	_, came := s.yielded[key]
	if asked || came || !s.mixed {
		return asked || came
	}
	_, before := s.earlier.written[key]
	return before
}
