package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"go.etcd.io/bbolt"
)

const newSuffix = ".new"

// create writes a whole new file beside the store's place, with what fill puts into it, and moves it there.
func (s *boltStore) create(fill func(*loader) error) error {
	return createFile(s.path, s.opts, fill)
}

func createFile(path string, opts BoltOptions, fill func(*loader) error) (err error) {
	db, err := bbolt.Open(path+newSuffix, 0o600, &bbolt.Options{Timeout: lockWait, NoSync: true, FreelistType: bbolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		return err
	}
	defer func() {
		if db != nil {
			_ = db.Close()
			_ = os.Remove(path + newSuffix)
		}
	}()
	l := &loader{db: db}
	if fill != nil {
		if err := fill(l); err != nil {
			return err
		}
	}
	if err := l.finish(); err != nil {
		return err
	}
	if err := opts.Fail.At("store.create"); err != nil {
		return err
	}
	if !opts.NoSync {
		if err := db.Sync(); err != nil {
			return err
		}
	}
	closing := db
	db = nil
	if err := closing.Close(); err != nil {
		return err
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return err
	}
	if err := opts.Fail.At("store.created"); err != nil {
		return err
	}
	if opts.NoSync {
		return nil
	}
	return syncFolder(filepath.Dir(path))
}

// loader fills a new file with entries that come in order.
type loader struct {
	db       *bbolt.DB
	tx       *bbolt.Tx
	bucket   *bbolt.Bucket
	bytes    int // what it holds
	content  content
	revision uint64
}

func (l *loader) add(key, value []byte) error {
	const most = 16 << 20 // bytes of a transaction
	if l.tx != nil && l.bytes > most {
		if err := l.commit(); err != nil {
			return err
		}
	}
	if err := l.begin(); err != nil {
		return err
	}
	seal := sealOf(key, value)
	sealed := binary.LittleEndian.AppendUint64(slices.Clip(value), seal)
	if err := l.bucket.Put(key, sealed); err != nil {
		return err
	}
	l.bytes += len(key) + len(sealed)
	l.content.addSeal(seal)
	return nil
}

// load adds everything that is in a database of a format.
func (l *loader) load(ctx context.Context, db *bbolt.DB, from int) error {
	return db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(formatBucket(from))
		l.revision = b.Sequence()
		return b.ForEach(func(key, value []byte) error {
			if err := ready(ctx, nil); err != nil {
				return err
			}
			if from > 1 { // format 1 is this one without seals
				var ok bool
				if value, ok = unseal(key, value); !ok {
					return &DamageError{Key: string(key), What: "a value does not have its checksum"}
				}
			}
			return l.add(key, value)
		})
	})
}

func (l *loader) begin() (err error) {
	if l.tx != nil {
		return nil
	}
	if l.tx, err = l.db.Begin(true); err != nil {
		return err
	}
	l.bytes = 0
	if l.bucket, err = l.tx.CreateBucketIfNotExists(dataBucket); err == nil {
		l.bucket.FillPercent = 0.9
	}
	return err
}

func (l *loader) commit() error {
	err := l.tx.Commit()
	l.tx = nil
	return err
}

// finish writes what the file says of itself.
func (l *loader) finish() error {
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.bucket.SetSequence(l.revision); err != nil {
		return err
	}
	meta, err := l.tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	if err := meta.Put(contentKey, l.content.bytes()); err != nil {
		return err
	}
	return l.commit()
}

// migrate brings the open file from an older format to this one and opens it again.
func (s *boltStore) migrate(from int) error {
	keep := fmt.Sprintf("%s.format-%d", s.path, from)
	_ = os.Remove(keep)
	_ = os.Link(s.path, keep) // a file system without links keeps no copy
	err := s.create(func(l *loader) error {
		if err := l.load(context.Background(), s.db, from); err != nil {
			return err
		}
		if err := s.opts.Fail.At("store.migrate"); err != nil {
			return err
		}
		old := s.db
		s.db, s.file = nil, nil
		return old.Close() // not every system can rename over an open file
	})
	if err != nil {
		return err
	}
	return s.openDB()
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
	defer func() { _ = d.Close() }()
	return d.Sync()
}
