package store

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// HealthChecker is a store that can lose the ability to write.
type HealthChecker interface {
	// Health is nil when a write can succeed, as far as can be told, else the reason why not. After a write has failed
	// it tries one that changes nothing.
	Health(ctx context.Context) error
}

// leastFree is how much room the disk must have, in bytes: the database grows by a multiple of pages.
const leastFree = 1 << 20

func (s *boltStore) Health(ctx context.Context) error {
	if err := ready(ctx, s.closing); err != nil {
		return err
	}
	if err := s.lost(); err != nil {
		return err
	}
	if free, known := freeSpace(s.path); known && free < leastFree {
		return fmt.Errorf("%w: the disk of %s has %d bytes left", ErrBroken, s.path, free)
	}
	return s.after(ctx, s.probe)
}

// commitHealth is how the last commit went.
type commitHealth struct {
	failing atomic.Pointer[error] // why it failed, nil when it did not
	probing sync.Mutex            // held by the check that makes a commit
}

// after makes a commit that changes nothing where the last one failed, and says whether the next can succeed.
func (h *commitHealth) after(ctx context.Context, probe func(context.Context) error) error {
	failed := h.failing.Load()
	if failed == nil {
		return nil
	}
	if !h.probing.TryLock() {
		return *failed // another check is at it
	}
	defer h.probing.Unlock()
	return probe(ctx)
}

// probe commits without a change, together with whatever updates wait at the moment.
func (s *boltStore) probe(ctx context.Context) error {
	b, err := turn(ctx, s.turns, s.closing)
	if err != nil {
		return err
	}
	if b.tx == nil && b.err == nil {
		b.err = s.begin(b)
	}
	b.probe = true
	s.ran <- struct{}{}
	<-b.done
	return b.err
}

// lost says why what is written would not be found again, if it would not: the file that is open is no longer the one at the
// store's path, or was cut.
func (s *boltStore) lost() error {
	now, err := os.Stat(s.path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the data file is gone: %w", ErrBroken, err)
	case !os.SameFile(now, s.opened):
		return fmt.Errorf("%w: the data file %s was replaced by another", ErrBroken, s.path)
	case now.Size() < s.size.Load():
		return fmt.Errorf("%w: the data file %s was cut to %d bytes of %d", ErrBroken, s.path, now.Size(), s.size.Load())
	}
	if err := s.altered(); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// altered says so when the latest commit in the file is not this store's: a backup was copied into it, or the page is damaged that
// the commit ended with. The page is written again by the next but one.
func (s *boltStore) altered() error {
	for {
		last := s.last.Load()
		m, err := readMeta(s.file, int64(last%2)*s.pageSize)
		switch {
		case err != nil:
			return nil // a disk that fails has altered nothing: what the system has in memory can still be read
		case m != nil && m.id == last:
			return nil
		case s.last.Load() != last:
			continue
		}
		if m, err = latestMeta(s.file); err != nil || m.id-last > 1 { // else it is a backup that was opened as it is, and has no commit of its own
			s.found.Store(true)
			return &DamageError{What: "the data file was written over, or a page at its start is damaged"}
		}
		return nil
	}
}
