package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// copyingKey is in a store while [Copy] fills it.
const copyingKey = "/copying"

// ErrHalfCopied is returned by [Whole] for a store that [Copy] did not come to the end of.
var ErrHalfCopied = errors.New("the store was filled by a copy that did not end")

// Whole fails when a store holds half a copy.
func Whole(ctx context.Context, s Store) error {
	return s.View(ctx, func(r Reader) error {
		if _, half := r.Get(copyingKey); half {
			return ErrHalfCopied
		}
		return nil
	})
}

const (
	copyEntries = 64        // of one transaction: within the limits of every store
	copyBytes   = 256 << 10 // of one transaction
)

// Copy fills a store with all that another holds at one moment, and compares the two. The store must be empty, or hold half
// of an earlier copy, which is removed. It returns the number of entries.
func Copy(ctx context.Context, to, from Store) (entries int, err error) {
	if err := clearHalf(ctx, to); err != nil {
		return 0, err
	}
	err = from.View(ctx, func(r Reader) error {
		part, bytes := []Change{{copyingKey, []byte("true")}}, 0
		entries = 0
		for key, value := range r.Scan("", "") {
			if len(part) == copyEntries || bytes > copyBytes {
				if err := setAll(ctx, to, part); err != nil {
					return err
				}
				part, bytes = nil, 0
			}
			part = append(part, Change{key, append([]byte{}, value...)})
			bytes += len(key) + len(value)
			entries++
		}
		if err := setAll(ctx, to, part); err != nil {
			return err
		}
		return same(ctx, r, to)
	})
	if err != nil {
		return 0, err
	}
	return entries, to.Update(ctx, func(tx Txn) error {
		tx.Delete(copyingKey)
		return nil
	})
}

func setAll(ctx context.Context, s Store, entries []Change) error {
	return s.Update(ctx, func(tx Txn) error {
		for _, e := range entries {
			tx.Set(e.Key, e.Value)
		}
		return nil
	})
}

// clearHalf empties a store that holds half a copy, and refuses one that holds anything else.
func clearHalf(ctx context.Context, s Store) error {
	for more := true; more; {
		err := s.Update(ctx, func(tx Txn) error {
			_, half := tx.Get(copyingKey)
			var keys []string
			for key := range tx.Scan("", "") {
				if !half {
					return errors.New("the store to copy to is not empty")
				}
				if key != copyingKey && len(keys) < copyEntries {
					keys = append(keys, key)
				}
			}
			for _, key := range keys {
				tx.Delete(key)
			}
			if more = len(keys) > 0; !more {
				tx.Delete(copyingKey)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// same fails when a store that was filled holds something else than what it was filled with.
func same(ctx context.Context, want Reader, s Store) error {
	return s.View(ctx, func(got Reader) error {
		a, b := want.Walk("", ""), got.Walk("", "")
		defer a.Stop()
		defer b.Stop()
		for {
			more, other := a.Next(), b.Next()
			if other && b.Key == copyingKey {
				other = b.Next()
			}
			switch {
			case !more && !other:
				return nil
			case more != other || a.Key != b.Key || string(a.Value) != string(b.Value):
				return fmt.Errorf("the copy differs at key %.200q", max(a.Key, b.Key))
			}
		}
	})
}

// Backup writes all that the replica holds as a file that [Restore] takes.
func (s *replica) Backup(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	dir, err := os.MkdirTemp("", "portolan-backup")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "backup.db")
	err = s.View(ctx, func(r Reader) error {
		return createFile(path, BoltOptions{NoSync: true}, func(l *loader) error {
			for key, value := range r.Scan("", "") {
				if err := ready(ctx, s.closing); err != nil {
					return err
				}
				if err := l.add([]byte(key), value); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w, err := begin(info.Size())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
