package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// Backuper is a store that can be copied while it is open.
type Backuper interface {
	// Backup writes one snapshot of the whole store to what begin returns for its size in bytes. Reads and writes go on
	// meanwhile. What is written is a file that [Restore] takes, and [OpenBolt].
	Backup(ctx context.Context, begin func(size int64) (io.Writer, error)) error
}

// BackupOf is the Backup of a store; nil: the store keeps nothing that could be backed up.
func BackupOf(st Store) func(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	if b, ok := st.(Backuper); ok {
		return b.Backup
	}
	return nil
}

func (s *boltStore) Backup(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	tx, m, err := s.pinned()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	size := int64(m.pages) * int64(m.pageSize)
	w, err := begin(size)
	if err != nil {
		return err
	}
	for id := range uint64(2) { // both pages at the start are this commit's, the second as if it were the one before
		if _, err := w.Write(m.page(id)); err != nil {
			return err
		}
	}
	buffer := make([]byte, 1<<20)
	for at := 2 * int64(m.pageSize); at < size; {
		if err := ready(ctx, s.closing); err != nil {
			return err
		}
		part := buffer[:min(int64(len(buffer)), size-at)]
		if _, err := s.file.ReadAt(part, at); err != nil {
			return fmt.Errorf("read the data file at %d: %w", at, err)
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		at += int64(len(part))
	}
	return nil
}

// page is one of the two pages at the start of a file whose only commit is m.
func (m *metaPage) page(id uint64) []byte {
	p := make([]byte, m.pageSize)
	copy(p, m.bytes)
	native.PutUint64(p, id)
	b := p[pageHeader:]
	native.PutUint64(b[48:], m.id-id)
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	native.PutUint64(b[metaSize-8:], sum.Sum64())
	return p
}

// Restore puts the data of a backup, or of any file of a store, in the file at path, where there is none yet, written anew
// and without the pages that are free in it. Damaged data is refused.
func Restore(ctx context.Context, backup, path string) (Checked, error) {
	checked, err := sound(ctx, backup)
	if err != nil {
		return checked, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return checked, err
	}
	lock, err := lockFile(filepath.Join(filepath.Dir(path), lockName))
	if err != nil {
		return checked, err
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Lstat(path); err == nil {
		return checked, fmt.Errorf("%s is there already: move it out of the folder first", path)
	}
	return checked, rewrite(ctx, backup, path)
}

// Compact writes the file at path anew, without the pages that are free in it, and returns its size before and after. No
// store may have it open.
func Compact(ctx context.Context, path string) (before, after int64, err error) {
	lock, err := lockFile(filepath.Join(filepath.Dir(path), lockName))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = lock.Close() }()
	if _, err := sound(ctx, path); err != nil {
		return 0, 0, err
	}
	sizes := make([]int64, 2)
	for i := range sizes {
		if i == 1 {
			if err := rewrite(ctx, path, path); err != nil {
				return 0, 0, err
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, 0, err
		}
		sizes[i] = info.Size()
	}
	return sizes[0], sizes[1], nil
}

// Lock keeps every store out of a data folder until unlock is called. It fails with [ErrInUse] when one is open.
func Lock(folder string) (unlock func(), err error) {
	f, err := lockFile(filepath.Join(folder, lockName))
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// sound fails when a file is damaged.
func sound(ctx context.Context, path string) (Checked, error) {
	var first *DamageError
	found := 0
	checked, err := CheckFile(ctx, path, func(d *DamageError) {
		if found++; first == nil {
			first = d
		}
	})
	switch {
	case err != nil:
		return checked, err
	case found > 1:
		return checked, fmt.Errorf("%w, and %d more", first, found-1)
	case found == 1:
		return checked, first
	}
	return checked, nil
}

// rewrite makes a file at to of all that is in the file at from, in the format of today.
func rewrite(ctx context.Context, from, to string) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see OpenBolt
	return guard(func() error {
		old, err := bbolt.Open(from, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
		if err != nil {
			return err
		}
		had, err := formatOf(old)
		if err != nil {
			_ = old.Close()
			return err
		}
		return createFile(to, BoltOptions{}, func(l *loader) error {
			return errors.Join(l.load(ctx, old, had), old.Close()) // not every system can rename over an open file
		})
	})
}
