package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"portolan/internal/failpoint"
)

// ErrInUse is returned by [OpenBolt] when another process, or another store of this one, has the folder or the file open.
var ErrInUse = errors.New("data file is in use")

// ErrBroken is wrapped by every Update that fails because the store takes no writes for now: the disk is full, the file is gone, or
// it is open whether the disk holds the last commit. What can be read is still consistent. See [HealthChecker].
var ErrBroken = errors.New("store takes no writes")

// BoltOptions are the settings of [OpenBolt]. The zero value is what a server wants.
type BoltOptions struct {
	// NoSync leaves it to the operating system when data reaches the disk. A killed process loses nothing, a power
	// cut may lose everything. For tests.
	NoSync bool

	// MaxSize bounds the file, in bytes; 0 leaves that to the disk. A commit that would pass it fails as a full disk
	// does.
	MaxSize int

	// Fail makes things go wrong at the places store.create, store.created, store.migrate, store.commit and store.sync. For
	// tests.
	Fail *failpoint.Points

	// openFile replaces os.OpenFile, so that a test can get hold of the file and break it.
	openFile func(string, int, os.FileMode) (*os.File, error)
}

// boltStore keeps the keys in one bbolt file. See commit.go for how updates reach it, boltfile.go for what is in the file.
type boltStore struct {
	db     *bbolt.DB
	path   string
	opts   BoltOptions
	file   *os.File    // the one that db has open
	opened os.FileInfo // of file
	lock   *os.File    // of the folder
	hub    hub
	reads  idleReads

	changed changed // by the numbers that bbolt gives its transactions

	turns   chan *batch   // the committer offers the right to write to whoever waits in Update
	ran     chan struct{} // and gets it back
	closing chan struct{}
	stopped chan struct{} // the committer has ended
	closed  sync.Once
	failed  error // from Close

	commitHealth
	size  atomic.Int64  // of the file that is in use, in bytes
	last  atomic.Uint64 // bbolt's number of the latest commit
	stuck atomic.Bool   // bbolt panicked where it begins or ends a transaction, and keeps its locks
	alone bool          // metaPage.alone when the file was opened
	found atomic.Bool   // damage: the file is not marked as sound when it is closed

	pageSize int64

	// Belong to whoever has the turn.
	revision  uint64
	content   content
	broken    error
	unsettled bool                  // broken by nothing but the sync of a commit that is otherwise in the file
	commit    func(*bbolt.Tx) error // (*bbolt.Tx).Commit, unless a test makes it fail
	settle    func(*os.File) error  // settle, unless a test makes it fail
}

// OpenBolt opens the store in the file at path, or creates it together with its folder. One process at a time may use the
// folder: it fails with [ErrInUse] when another does. A file of an older format is brought to this one, a newer one is
// refused.
func OpenBolt(path string, opts BoltOptions) (Store, error) {
	s := &boltStore{
		path:    path,
		opts:    opts,
		turns:   make(chan *batch),
		ran:     make(chan struct{}),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		commit:  (*bbolt.Tx).Commit,
		settle:  settle,
	}
	// A damaged file can make bbolt panic, or fault on memory that has no file behind it.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err := guard(s.open)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		err = unreadable(err)
	}
	if err != nil {
		_ = guard(s.release) // the first error tells more
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s.reads.resume()
	go s.commitLoop()
	return s, nil
}

// release lets go of the file and the folder. A database that bbolt has panicked in is not closed: that would wait for locks
// which nobody gives back.
func (s *boltStore) release() (err error) {
	s.reads.stop()
	switch {
	case s.db != nil && !s.stuck.Load():
		if s.broken == nil && !s.found.Load() {
			s.mark()
		}
		err = s.db.Close()
	case s.file != nil:
		err = s.file.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

func (s *boltStore) View(ctx context.Context, f func(Reader) error) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a disk that cannot be read is a fault in mapped memory
	t, err := s.reads.begin(func() (*bbolt.Tx, error) { return s.beginTx(false) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	sound := false
	defer func() {
		if !sound {
			s.found.Store(true)
		}
		s.reads.end(t, sound)
	}()

	if t.tree == nil {
		if err := guard(func() error { t.tree = newBoltTree(t.tx); return nil }); err != nil {
			return unreadable(err)
		}
	}
	sound, err = t.tree.read(&reader{at: uint64(t.tx.ID()), changed: &s.changed}, f)
	return err
}

func (s *boltStore) Watch(ctx context.Context, prefix string) (<-chan Commit, error) {
	if err := ready(ctx, s.closing); err != nil {
		return nil, err
	}
	return s.hub.watch(ctx, prefix, 0)
}

// Close waits for the running batch, and for every View where bbolt can still be asked to.
func (s *boltStore) Close() error {
	s.closed.Do(func() {
		close(s.closing)
		<-s.stopped
		s.hub.close()
		s.failed = s.release()
	})
	return s.failed
}
