package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"
)

// inOneBatch opens a store and runs the updates so that the first is still running when all others wait. The commits it
// takes end with commitErr, if that is set. It returns what each update was answered, and the number of commits.
func inOneBatch(t *testing.T, commitErr error, updates ...func(tx Txn) error) (errs []error, commits int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		opened, err := OpenBolt(path, BoltOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		s := opened.(*boltStore)
		s.commit = func(tx *bbolt.Tx) error {
			commits++
			if commitErr != nil {
				tx.Rollback() // as bbolt does when it fails
				return commitErr
			}
			return tx.Commit()
		}
		errs = make([]error, len(updates))
		release := make(chan struct{})
		for i, f := range updates {
			go func() {
				errs[i] = s.Update(context.Background(), func(tx Txn) error {
					if i == 0 {
						<-release
					}
					return f(tx)
				})
			}()
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		s.commit = (*bbolt.Tx).Commit
	})
	return errs, commits
}

var errExists = errors.New("exists")

// create is an update that fails when somebody was there before it.
func create(tx Txn) error {
	if _, ok := tx.Get("/k"); ok {
		return errExists
	}
	tx.Set("/k", []byte("1"))
	return nil
}

func TestUpdate_oneCommitForAllWhoWait(t *testing.T) {
	var updates []func(Txn) error
	for i := range 50 {
		updates = append(updates, func(tx Txn) error { tx.Set(fmt.Sprint("/k/", i), []byte("1")); return nil })
	}
	errs, commits := inOneBatch(t, nil, updates...)
	if err := errors.Join(errs...); err != nil || commits != 1 {
		t.Errorf("%d commits, %v; want 1, no error", commits, err)
	}
}

func TestUpdate_noCommitForNothing(t *testing.T) {
	_, commits := inOneBatch(t, nil,
		func(tx Txn) error { tx.Set("/x", nil); tx.Delete("/x"); return nil },
		func(tx Txn) error { tx.Set("/x", nil); return errExists },
		func(tx Txn) error { tx.Set("/x", nil); panic("no") },
		func(tx Txn) error { tx.Get("/x"); return nil },
	)
	if commits != 0 {
		t.Errorf("%d commits, want none", commits)
	}
}

func TestUpdate_batchSeesEarlierOnes(t *testing.T) {
	errs, commits := inOneBatch(t, nil, create, create, func(tx Txn) error { tx.Delete("/k"); return nil }, create)
	if errs[0] != nil || !errors.Is(errs[1], errExists) || errs[2] != nil || errs[3] != nil || commits != 1 {
		t.Errorf("answers %v in %d commits", errs, commits)
	}
}

// TestUpdate_failedCommitAnswersAll: "exists" would be wrong, since what was seen to exist was never committed.
func TestUpdate_failedCommitAnswersAll(t *testing.T) {
	full := errors.New("disk full")
	errs, _ := inOneBatch(t, full, create, create, func(tx Txn) error { tx.Get("/k"); return nil })
	for i, err := range errs {
		if !errors.Is(err, full) || errors.Is(err, errExists) {
			t.Errorf("update %d was answered %v, want the commit's error", i, err)
		}
	}
}

func TestUpdate_bigBatchIsSplit(t *testing.T) {
	var updates []func(Txn) error
	for i := range 10 {
		updates = append(updates, func(tx Txn) error { tx.Set(fmt.Sprint("/k/", i), make([]byte, batchBytes/2)); return nil })
	}
	errs, commits := inOneBatch(t, nil, updates...)
	if err := errors.Join(errs...); err != nil || commits != 5 {
		t.Errorf("%d commits, %v; want 5, no error", commits, err)
	}
}
