package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ErrInUse is returned by [OpenBolt] when another process, or another store of this one, has the file open.
var ErrInUse = errors.New("data file is in use")

// ErrBroken is wrapped by every Update after a failure that left it open whether the disk holds the last commit. What
// can be read is still consistent; opening the store again settles it.
var ErrBroken = errors.New("store takes no more writes until it is opened again")

// BoltOptions are the settings of [OpenBolt]. The zero value is what a server wants.
type BoltOptions struct {
	// NoSync leaves it to the operating system when data reaches the disk. A killed process loses nothing, a power
	// cut may lose everything. For tests.
	NoSync bool

	// MaxSize bounds the file, in bytes; 0 leaves that to the disk. A commit that would pass it fails as a full disk
	// does.
	MaxSize int

	// openFile replaces os.OpenFile, so that a test can get hold of the file and break it.
	openFile func(string, int, os.FileMode) (*os.File, error)
}

const (
	// lockWait is how long to wait for the file lock: long enough for a predecessor that is just exiting.
	lockWait = 150 * time.Millisecond

	// mapSize is the address space reserved for the file, in bytes; no memory stands behind it. As long as the file
	// is smaller it never has to be mapped anew, which would make a commit wait for every running View.
	mapSize = 1 << 30
)

// bucketName is the one bucket of the file. The number is the version of the layout.
var bucketName = []byte("portolan/1")

// boltStore keeps the keys in one bbolt file. See commit.go for how updates reach it.
type boltStore struct {
	db  *bbolt.DB
	hub hub

	turns   chan *batch   // the committer offers the right to write to whoever waits in Update
	ran     chan struct{} // and gets it back
	closing chan struct{}
	stopped chan struct{} // the committer has ended
	closed  sync.Once
	failed  error // from Close

	// Belong to whoever has the turn.
	revision uint64
	broken   error
	commit   func(*bbolt.Tx) error // (*bbolt.Tx).Commit, unless a test makes it fail
}

// OpenBolt opens the store in the file at path, or creates it together with its folder. It fails with [ErrInUse] when
// the file is open elsewhere.
func OpenBolt(path string, opts BoltOptions) (Store, error) {
	s := &boltStore{
		turns:   make(chan *batch),
		ran:     make(chan struct{}),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		commit:  (*bbolt.Tx).Commit,
	}
	// A damaged file can make bbolt panic, or fault on memory that has no file behind it.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := guard(func() error { return s.open(path, opts) }); err != nil {
		if s.db != nil {
			_ = guard(s.db.Close) // the first error tells more
		}
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	go s.commitLoop()
	return s, nil
}

func (s *boltStore) open(path string, opts BoltOptions) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	_, err := os.Stat(path)
	isNew := errors.Is(err, fs.ErrNotExist)

	s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockWait,
		NoSync:          opts.NoSync,
		MaxSize:         opts.MaxSize,
		OpenFile:        opts.openFile,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMapSize(),
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("not a store, or damaged: %w", err)
	case err != nil:
		return err
	}

	if isNew && !opts.NoSync {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return s.openBucket()
}

// openBucket reads the revision, and in a new file makes the bucket.
func (s *boltStore) openBucket() error {
	var found bool
	err := s.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketName); b != nil {
			found, s.revision = true, b.Sequence()
			return nil
		}
		if name, _ := tx.Cursor().First(); name != nil {
			return fmt.Errorf("holds %.40q and not %q: written by another program or version", name, bucketName)
		}
		return nil
	})
	if err != nil || found {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketName)
		return err
	})
}

func initialMapSize() int {
	if runtime.GOOS == "windows" || math.MaxInt == math.MaxInt32 {
		return 0 // the file itself would grow to this size; or the address space is too small to reserve any
	}
	return mapSize
}

// syncFolder makes the name of a new file as durable as its content.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (s *boltStore) View(ctx context.Context, f func(Reader) error) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a disk that cannot be read is a fault in mapped memory
	tx, err := s.db.Begin(false)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	defer tx.Rollback()

	r := &reader{}
	return r.view(func(r2 Reader) error {
		r.tree = newBoltTree(tx)
		return f(r2)
	})
}

func (s *boltStore) Watch(ctx context.Context, prefix string) (<-chan Commit, error) {
	if err := ready(ctx, s.closing); err != nil {
		return nil, err
	}
	return s.hub.watch(ctx, prefix)
}

// Close waits for the running batch and for every View.
func (s *boltStore) Close() error {
	s.closed.Do(func() {
		close(s.closing)
		<-s.stopped
		s.hub.close()
		s.failed = s.db.Close()
	})
	return s.failed
}

// boltTree is a bbolt transaction as a tree. The bytes it gives out lie in the mapped file or in the transaction.
type boltTree struct {
	bucket *bbolt.Bucket
	probe  *bbolt.Cursor // for get, so that it need not make a cursor each time
	key    []byte        // scratch
	inside bool          // a call into bbolt has not returned; still set after a panic when the panic was bbolt's
}

func newBoltTree(tx *bbolt.Tx) *boltTree {
	b := tx.Bucket(bucketName)
	return &boltTree{bucket: b, probe: b.Cursor()}
}

func (t *boltTree) get(key string) ([]byte, bool) {
	t.inside = true
	t.key = append(t.key[:0], key...)
	k, v := t.probe.Seek(t.key)
	t.inside = false
	if k == nil || string(k) != key {
		return nil, false
	}
	return notNil(v), true
}

func (t *boltTree) set(key string, value []byte) error {
	t.inside = true
	t.key = append(t.key[:0], key...)
	err := t.bucket.Put(t.key, value) // copies the key, keeps the value
	t.inside = false
	return err
}

func (t *boltTree) delete(key string) error {
	t.inside = true
	t.key = append(t.key[:0], key...)
	err := t.bucket.Delete(t.key)
	t.inside = false
	return err
}

func (t *boltTree) cursor() cursor { return &boltCursor{tree: t, at: t.bucket.Cursor()} }

type boltCursor struct {
	tree *boltTree
	at   *bbolt.Cursor
	keys []byte // the block the next key goes to
}

func (c *boltCursor) seek(key string) (string, []byte, bool) {
	c.tree.inside = true
	k, v := c.at.Seek([]byte(key))
	c.tree.inside = false
	return string(k), notNil(v), k != nil
}

func (c *boltCursor) next() (string, []byte, bool) {
	c.tree.inside = true
	k, v := c.at.Next()
	c.tree.inside = false
	return c.key(k), notNil(v), k != nil
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
