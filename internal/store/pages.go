package store

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What this package reads of a bbolt file without bbolt: which of the two pages at its start is the latest commit.

// metaPage is a page that a commit ends with.
type metaPage struct {
	at       int64 // in the file
	bytes    []byte
	pageSize int
	root     uint64 // page of the bucket of buckets
	freelist uint64 // page
	pages    uint64 // how many the file has in use, those at its start included
	id       uint64 // of the transaction
	alone    bool   // the other page at the start is none that a commit ended with
}

const (
	pageHeader = 16
	metaSize   = 64
	metaMagic  = 0xED0CDAED
	metaFormat = 2
)

// latestMeta is the page of the latest commit in a file. Page sizes are powers of two.
func latestMeta(f io.ReaderAt) (*metaPage, error) {
	var latest *metaPage
	var failed error
	found := 0
	read := func(at int64) {
		m, err := readMeta(f, at)
		if err != nil {
			failed = err
		}
		if m == nil {
			return
		}
		if found++; latest == nil || m.id > latest.id {
			latest = m
		}
	}
	read(0)
	if latest != nil {
		read(int64(latest.pageSize))
	} else {
		for size := int64(1 << 10); size <= 64<<10; size *= 2 {
			read(size)
		}
	}
	if failed != nil {
		return nil, failed
	}
	if latest == nil {
		return nil, &DamageError{What: "the file is not a store, or both of its first pages are damaged"}
	}
	latest.alone = found == 1
	return latest, nil
}

// readMeta is the page at an offset, nil when it is none that a commit ended with.
func readMeta(f io.ReaderAt, at int64) (*metaPage, error) {
	b := make([]byte, pageHeader+metaSize)
	if _, err := f.ReadAt(b, at); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	m := b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaSize-8])
	if native.Uint32(m) != metaMagic || native.Uint32(m[4:]) != metaFormat || native.Uint64(m[metaSize-8:]) != sum.Sum64() {
		return nil, nil
	}
	return &metaPage{
		at: at, bytes: b, pageSize: int(native.Uint32(m[8:])),
		root: native.Uint64(m[16:]), freelist: native.Uint64(m[32:]), pages: native.Uint64(m[40:]), id: native.Uint64(m[48:]),
	}, nil
}

// native is the order of bytes in bbolt's files: that of the machine.
var native = binary.NativeEndian

// settle makes the latest commit in the file durable. Where the process that made it ended before its last sync, or that sync
// failed, the memory of the system holds the commit's last page and the disk may not: the next commit would then write over
// pages that the commit on the disk still needs. Written again, the page counts as changed, so that a sync means what it says.
func settle(f *os.File) error {
	m, err := latestMeta(f)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(m.bytes, m.at); err != nil {
		return fmt.Errorf("write the last page again: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// page is one page of the tree, or the list of free pages, with what overflows it.
type page struct {
	id    uint64
	bytes []byte // nil when it could not be read
}

// element is one of a page: of a leaf with a value, of a branch with the page that begins at the key.
type element struct {
	key   []byte
	flags uint32
	value []byte
	page  uint64
}

const (
	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	elementSize  = 16
)

func (p page) kind() uint16 { return native.Uint16(p.bytes[8:]) }
func (p page) leaf() bool   { return p.kind() == leafPage }

// elements are those of a leaf or a branch, false when the page makes no sense. They share its memory.
func (p page) elements() ([]element, bool) {
	if len(p.bytes) < pageHeader || p.kind() != leafPage && p.kind() != branchPage {
		return nil, false
	}
	n := int(native.Uint16(p.bytes[10:]))
	if pageHeader+n*elementSize > len(p.bytes) {
		return nil, false
	}
	list := make([]element, n)
	for i := range list {
		at := pageHeader + i*elementSize
		b := p.bytes[at:]
		var e element
		var pos, keySize, valueSize uint64
		if p.leaf() {
			e.flags = native.Uint32(b)
			pos, keySize, valueSize = uint64(native.Uint32(b[4:])), uint64(native.Uint32(b[8:])), uint64(native.Uint32(b[12:]))
		} else {
			pos, keySize = uint64(native.Uint32(b)), uint64(native.Uint32(b[4:]))
			e.page = native.Uint64(b[8:])
		}
		if pos < elementSize || pos+keySize+valueSize > uint64(len(b)) {
			return nil, false
		}
		e.key, e.value = b[pos:pos+keySize], b[pos+keySize:pos+keySize+valueSize]
		list[i] = e
	}
	return list, true
}

// freeIDs are the pages that a list of free pages names.
func (p page) freeIDs() ([]uint64, bool) {
	if p.kind() != freelistPage {
		return nil, false
	}
	n, ids := uint64(native.Uint16(p.bytes[10:])), p.bytes[pageHeader:]
	if n == 0xffff { // the number did not fit
		n, ids = native.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return nil, false
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = native.Uint64(ids[8*i:])
	}
	return list, true
}
