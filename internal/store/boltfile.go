package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// format is the version of the file: a bbolt database with two buckets.
//
//	portolan/2  the entries; every value is followed by its seal. The bucket's sequence is the revision.
//	portolan    "content": the number of entries and the sum of their seals, little endian
//
// Format 1 had no seals and no second bucket. What the values say is of no concern
// here: their versions are those of the tables that keep them.
//
// A new file is written beside its place, synced, and renamed, so that at any moment there is either none or a whole one.
// The same way a file is brought to a newer format; what it was before stays beside it, as path.format-1.
const format = 2

var (
	dataBucket = formatBucket(format)
	metaBucket = []byte("portolan")
	contentKey = []byte("content")
)

func formatBucket(n int) []byte { return fmt.Appendf(nil, "portolan/%d", n) }

// ErrNewer is returned by [OpenBolt] when the file is of a format that a later release wrote.
var ErrNewer = errors.New("written by a newer version")

const (
	// lockWait is how long to wait for a lock: long enough for a predecessor that is just exiting.
	lockWait = 150 * time.Millisecond

	// mapSize is the address space reserved for the file, in bytes; no memory stands behind it. As long as the file
	// is smaller it never has to be mapped anew, which would make a commit wait for every running View and backup.
	mapSize      = 64 << 30
	smallMapSize = 1 << 30 // where the operating system bounds the address space
)

// lockName is the file in the data folder that is locked. It is not the database: that may be replaced.
const lockName = "portolan.lock"

func (s *boltStore) open() error {
	folder := filepath.Dir(s.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockFile(filepath.Join(folder, lockName)); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	if err := s.openDB(); err != nil {
		return err
	}
	old, err := formatOf(s.db)
	switch {
	case err != nil:
		return err
	case old < format:
		if err := s.migrate(old); err != nil {
			return fmt.Errorf("bringing the data from format %d to %d: %w", old, format, err)
		}
	}
	return s.begun()
}

// prepare sees to it that there is a file to open.
func (s *boltStore) prepare() error {
	if err := os.Remove(s.path + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(s.path); err == nil {
			return errors.New("it is a link to a file that is not there")
		}
		return s.create(nil)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no file")
	case info.Size() == 0:
		return &DamageError{What: "the file is empty; restore a backup, or delete the file to begin with no data"}
	}
	return s.sound(info)
}

// sound tells of a file that is no store, that was cut, or whose pages lead astray, before bbolt trips over it. All pages are read for
// that, about a gigabyte a second, but where the file is as the last process left it that closed it since the machine was started.
func (s *boltStore) sound(info os.FileInfo) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	m, err := latestMeta(f)
	if err != nil {
		return err
	}
	if used := int64(m.pages) * int64(m.pageSize); info.Size() < used {
		return &DamageError{What: fmt.Sprintf("the file was cut to %d bytes of %d", info.Size(), used)}
	}
	if mark := markOf(info, m.id); mark != "" && mark == s.marked() {
		return nil
	}
	return untangled(f, m)
}

// marked is the mark in the file that is locked, "" where it cannot be read: it only saves time.
func (s *boltStore) marked() string {
	const most = 256
	mark, err := io.ReadAll(io.NewSectionReader(s.lock, 0, most))
	if err != nil {
		return ""
	}
	return string(mark)
}

// mark leaves in the file that is locked how the data file is when it is closed.
func (s *boltStore) mark() {
	info, err := s.file.Stat()
	if err != nil {
		return
	}
	m, err := latestMeta(s.file)
	if err != nil {
		return
	}
	if s.lock.Truncate(0) == nil {
		_, _ = s.lock.WriteAt([]byte(markOf(info, m.id)), 0)
	}
}

func (s *boltStore) openDB() error {
	openFile := s.opts.openFile
	if openFile == nil {
		openFile = os.OpenFile
	}
	open := func(size int) (*bbolt.DB, error) {
		return bbolt.Open(s.path, 0o600, &bbolt.Options{
			Timeout: lockWait,
			NoSync:  s.opts.NoSync,
			MaxSize: s.opts.MaxSize,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := openFile(name, flag, mode)
				if s.db == nil {
					s.file = f
				}
				return f, err
			},
			FreelistType:    bbolt.FreelistMapType,
			InitialMmapSize: size,
			NoStatistics:    true,
		})
	}
	db, err := open(initialMapSize())
	if err != nil && isOutOfAddresses(err) {
		db, err = open(smallMapSize)
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return &DamageError{What: "the file is not a store, or its first pages are damaged", Err: err}
	case err != nil:
		return err
	}
	s.db = db
	return nil
}

// begun reads what a store begins with, and makes sure that the newest commit in the file is on the disk.
func (s *boltStore) begun() (err error) {
	if s.opened, err = s.file.Stat(); err != nil {
		return err
	}
	m, err := latestMeta(s.file)
	if err != nil {
		return err
	}
	s.last.Store(m.id)
	s.alone, s.pageSize = m.alone, int64(m.pageSize)
	if err := s.lost(); err != nil {
		return err
	}
	if !s.opts.NoSync {
		if err := s.settle(s.file); err != nil {
			return err
		}
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		s.revision = tx.Bucket(dataBucket).Sequence()
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return &DamageError{What: "the file has no bucket " + string(metaBucket)}
		}
		var ok bool
		if s.content, ok = contentOf(meta.Get(contentKey)); !ok {
			return &DamageError{What: "the file does not say how much is in it"}
		}
		return nil
	})
}

// formatOf is the format of an open database.
func formatOf(db *bbolt.DB) (int, error) {
	var names []string
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		digits, ok := bytes.CutPrefix([]byte(name), []byte("portolan/"))
		n, err := strconv.Atoi(string(digits))
		switch {
		case !ok || err != nil || n < 1:
			continue
		case n > format:
			return 0, fmt.Errorf("%w of Portolan: format %d, this one knows formats up to %d; start the newer one, or restore a backup from before", ErrNewer, n, format)
		}
		return n, nil
	}
	return 0, fmt.Errorf("holds %.80q and nothing of Portolan's: written by another program", names)
}

func initialMapSize() int {
	switch {
	case runtime.GOOS == "windows":
		return 0 // the file itself would grow to this size
	case math.MaxInt == math.MaxInt32:
		return 0 // the address space is too small to reserve any
	}
	return mapSize
}

// isOutOfAddresses reports that the file could not be mapped for want of addresses.
func isOutOfAddresses(err error) bool { return errors.Is(err, syscall.ENOMEM) }
