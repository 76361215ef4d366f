package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// Checked says what a check has looked at.
type Checked struct {
	Pages   int // in use
	Entries int
	Bytes   int64 // of the file
}

// Checker is a store that can be checked while it is open.
type Checker interface {
	// Check reads every page and every entry of one snapshot and reports each damage it finds. It fails when it could not
	// come to the end. pause is called every few megabytes, so that a check beside other work can give way.
	Check(ctx context.Context, report func(*DamageError), pause func()) (Checked, error)
}

// CheckFile does the same with a file that no store has open, a backup for one.
func CheckFile(ctx context.Context, path string, report func(*DamageError)) (Checked, error) {
	f, err := os.Open(path)
	if err != nil {
		return Checked{}, err
	}
	defer func() { _ = f.Close() }()
	m, err := latestMeta(f)
	if err != nil {
		return Checked{}, reported(err, report)
	}
	c := &fileCheck{goOn: ctx.Err, file: f, meta: m, report: report}
	return c.run()
}

// untangled tells of a file whose pages lead back to themselves, or are used and said to be free, as after a power cut on a disk
// that had not written what it said: bbolt would follow them without end, or write over them.
func untangled(f *os.File, m *metaPage) error {
	c := &fileCheck{goOn: func() error { return nil }, file: f, meta: m, report: func(*DamageError) {}}
	if _, err := c.run(); err != nil {
		return err
	}
	if c.tangled != nil {
		return c.tangled
	}
	return nil
}

// reported hands a damage to report and returns any other error.
func reported(err error, report func(*DamageError)) error {
	var d *DamageError
	if errors.As(err, &d) {
		report(d)
		return nil
	}
	return err
}

func (s *boltStore) Check(ctx context.Context, report func(*DamageError), pause func()) (Checked, error) {
	if err := ready(ctx, s.closing); err != nil {
		return Checked{}, err
	}
	tx, m, err := s.pinned()
	if err != nil {
		return Checked{}, err
	}
	defer tx.Rollback()
	m.alone = m.alone || s.alone
	c := &fileCheck{goOn: func() error { return ready(ctx, s.closing) }, file: s.file, meta: m, report: report, pause: pause}
	done, err := c.run()
	if c.tangled != nil {
		s.found.Store(true)
	}
	return done, err
}

// pinned is a transaction that keeps the pages of a commit as they are, and that commit's page.
func (s *boltStore) pinned() (*bbolt.Tx, *metaPage, error) {
	const tries = 100 // each commit writes over the page of the last but one
	for i := range tries {
		tx, err := s.beginTx(false)
		if err != nil {
			return nil, nil, err
		}
		m, err := latestMeta(s.file)
		if err == nil && m.id == uint64(tx.ID()) && (!m.alone || i == tries-1) { // the other page may be half written
			return tx, m, nil
		}
		_ = tx.Rollback()
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("store: commits follow each other too fast to be checked")
}

// fileCheck reads a bbolt file page by page.
type fileCheck struct {
	goOn   func() error // why the check must end early; nil while it need not
	file   *os.File
	meta   *metaPage
	report func(*DamageError)
	pause  func()

	used    []bool       // pages met
	unread  int          // bytes read since the last pause
	free    bool         // the list of free pages has been read
	damaged bool         // some page could not be read to its end: what is missing needs no further word
	tangled *DamageError // a page that two places lead to, or that is used and said to be free
	done    Checked
	content content
	stated  *content // what the file says its content is
	format  int
}

const checkStep = 4 << 20 // bytes between two pauses

func (c *fileCheck) run() (Checked, error) {
	const most = 1 << 36 // pages; a number that makes sense
	if c.meta.pages < 3 || c.meta.pages > most || c.meta.pageSize < 1<<9 || c.meta.pageSize > 1<<20 {
		c.found(&DamageError{What: "the first pages make no sense"})
		return c.done, nil
	}
	c.used = make([]bool, c.meta.pages)
	c.used[0], c.used[1] = true, true
	c.done.Bytes = int64(c.meta.pages) * int64(c.meta.pageSize)
	info, err := c.file.Stat()
	if err == nil && info.Size() < c.done.Bytes {
		c.found(&DamageError{What: fmt.Sprintf("the file was cut to %d bytes of %d", info.Size(), c.done.Bytes)})
	}
	if c.meta.alone {
		c.found(&DamageError{What: "one of the two first pages is damaged: where that was the later one, the latest commit is missing"})
	}
	if err == nil {
		err = c.tree(c.meta.root, nil, nil, 0, c.bucket)
	}
	if err == nil {
		err = c.freelist()
	}
	if err != nil {
		return c.done, err
	}
	for id, used := range c.used {
		if used {
			c.done.Pages++
		} else if c.free && !c.damaged {
			c.found(&DamageError{What: fmt.Sprintf("page %d is neither used nor free", id)})
		}
	}
	switch {
	case c.format == 0:
		c.found(&DamageError{What: "the file holds nothing of Portolan's"})
	case c.format < format: // had no account of its content
	case c.stated == nil:
		c.found(&DamageError{What: "the file does not say how much is in it"})
	case *c.stated != c.content && !c.damaged:
		c.found(&DamageError{What: fmt.Sprintf("the file has %d entries and not the %d that were written, or not their latest values", c.content.entries, c.stated.entries)})
	}
	return c.done, nil
}

func (c *fileCheck) found(d *DamageError) { c.report(d) }

// broken reports a page that cannot be followed any further.
func (c *fileCheck) broken(id uint64, format string, args ...any) {
	c.damaged = true
	c.found(&DamageError{What: fmt.Sprintf("page %d ", id) + fmt.Sprintf(format, args...)})
}

// tangle is broken for a page that must be neither followed nor written to.
func (c *fileCheck) tangle(id uint64, what string) {
	if c.tangled == nil {
		c.tangled = &DamageError{What: fmt.Sprintf("page %d %s", id, what)}
	}
	c.broken(id, "%s", what)
}

// page reads a page with what overflows it, and marks it as used.
func (c *fileCheck) page(id uint64) (page, error) {
	if err := c.goOn(); err != nil {
		return page{}, err
	}
	if id < 2 || id >= c.meta.pages {
		c.broken(id, "is referred to and not in the file, which has %d", c.meta.pages)
		return page{}, nil
	}
	p := page{id: id, bytes: make([]byte, c.meta.pageSize)}
	at := int64(id) * int64(c.meta.pageSize)
	if _, err := c.file.ReadAt(p.bytes, at); err != nil {
		if ended := c.goOn(); ended != nil {
			return page{}, ended // the file was closed
		}
		c.broken(id, "cannot be read: %v", err)
		return page{}, nil
	}
	if got := native.Uint64(p.bytes); got != id {
		c.broken(id, "says that it is page %d", got)
		return page{}, nil
	}
	over := uint64(native.Uint32(p.bytes[12:]))
	if over >= c.meta.pages-id {
		c.broken(id, "says that it is %d pages long", over+1)
		return page{}, nil
	}
	for i := id; i <= id+over; i++ {
		if c.used[i] {
			c.tangle(i, "is used twice")
			return page{}, nil
		}
		c.used[i] = true
	}
	if over > 0 {
		p.bytes = append(p.bytes, make([]byte, int(over)*c.meta.pageSize)...)
		if _, err := c.file.ReadAt(p.bytes[c.meta.pageSize:], at+int64(c.meta.pageSize)); err != nil {
			c.broken(id, "cannot be read: %v", err)
			return page{}, nil
		}
	}
	if c.unread += len(p.bytes); c.unread > checkStep && c.pause != nil {
		c.unread = 0
		c.pause()
	}
	return p, nil
}

// tree walks the tree that begins at a page, with keys from low on and below high, and gives its elements to each.
func (c *fileCheck) tree(id uint64, low, high []byte, depth int, each func(flags uint32, key, value []byte) error) error {
	const deepest = 64
	p, err := c.page(id)
	if err != nil || p.bytes == nil {
		return err
	}
	if depth > deepest {
		c.broken(id, "lies too deep")
		return nil
	}
	elements, ok := p.elements()
	if !ok {
		c.broken(id, "makes no sense")
		return nil
	}
	for i, e := range elements {
		if i == 0 && low != nil && bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Compare(e.key, elements[i-1].key) <= 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			c.found(&DamageError{Key: string(e.key), What: fmt.Sprintf("keys of page %d are out of order", id)})
		}
		if p.leaf() {
			if err := each(e.flags, e.key, e.value); err != nil {
				return err
			}
			continue
		}
		next := high
		if i+1 < len(elements) {
			next = elements[i+1].key
		}
		if err := c.tree(e.page, e.key, next, depth+1, each); err != nil {
			return err
		}
	}
	return nil
}

// bucket checks one of the buckets, which are the elements of the first tree.
func (c *fileCheck) bucket(flags uint32, name, value []byte) error {
	each := func(uint32, []byte, []byte) error { return nil }
	switch {
	case flags != 1 || len(value) < 16:
		c.found(&DamageError{What: fmt.Sprintf("%.40q is no bucket", name)})
		return nil
	case bytes.Equal(name, dataBucket):
		c.format, each = format, c.entry
	case bytes.Equal(name, formatBucket(1)):
		c.format, each = 1, c.oldEntry
	case bytes.Equal(name, metaBucket):
		each = c.fact
	}
	root := native.Uint64(value)
	if root != 0 {
		return c.tree(root, nil, nil, 1, each)
	}
	inline := page{bytes: value[16:]}
	elements, ok := inline.elements()
	if !ok || !inline.leaf() {
		c.found(&DamageError{What: fmt.Sprintf("bucket %.40q makes no sense", name)})
		return nil
	}
	for _, e := range elements {
		if err := each(e.flags, e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

func (c *fileCheck) entry(flags uint32, key, sealed []byte) error {
	c.done.Entries++
	value, ok := unseal(key, sealed)
	if !ok || flags != 0 {
		c.found(&DamageError{Key: string(key), What: "a value does not have its checksum"})
		c.damaged = true
		return nil
	}
	c.content.add(string(key), value)
	return nil
}

func (c *fileCheck) oldEntry(uint32, []byte, []byte) error {
	c.done.Entries++
	return nil
}

// fact is an element of the second bucket.
func (c *fileCheck) fact(flags uint32, key, value []byte) error {
	if bytes.Equal(key, contentKey) && flags == 0 {
		if stated, ok := contentOf(value); ok {
			c.stated = &stated
		}
	}
	return nil
}

// freelist checks that what is free is not used.
func (c *fileCheck) freelist() error {
	const none = 1<<64 - 1
	if c.meta.freelist == none {
		return nil
	}
	p, err := c.page(c.meta.freelist)
	if err != nil || p.bytes == nil {
		return err
	}
	ids, ok := p.freeIDs()
	if !ok {
		c.broken(p.id, "is no list of free pages")
		return nil
	}
	for _, id := range ids {
		switch {
		case id < 2 || id >= c.meta.pages:
			c.broken(id, "is said to be free and not in the file")
		case c.used[id]:
			c.tangle(id, "is said to be free although it is used, or twice")
		default:
			c.used[id] = true
		}
	}
	c.free = true
	c.done.Pages -= len(ids)
	return nil
}
