package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portolan/internal/store"
)

const (
	writers = 8
	rounds  = 40
)

// together runs f in n goroutines and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// try is update for goroutines other than the test's own.
func try(t testing.TB, s store.Store, f func(store.Txn)) bool {
	if err := s.Update(t.Context(), func(tx store.Txn) error { f(tx); return nil }); err != nil {
		t.Errorf("Update: %v", err)
		return false
	}
	return true
}

func viewSnapshot(t *testing.T, s store.Store) {
	set(t, s, "/a", "/b")
	view(t, s, func(r store.Reader) {
		written := make(chan struct{})
		go func() {
			defer close(written)
			for i := range 50 { // enough to reuse what a careless store would free
				try(t, s, func(tx store.Txn) {
					tx.Set("/a", fmt.Appendf(nil, "new %d", i))
					tx.Delete("/b")
					tx.Set(fmt.Sprintf("/c/%d", i), make([]byte, 2000))
				})
			}
		}()
		before, _ := r.Get("/a")
		<-written
		if after, _ := r.Get("/a"); string(after) != "/a" || string(before) != "/a" {
			t.Errorf("Get changed during the view: %q, then %q", before, after)
		}
		if d := cmp.Diff([]string{"/a", "/b"}, keys(r, "", "")); d != "" {
			t.Errorf("Scan in an old view (-want +got):\n%s", d)
		}
	})
	if got := len(contents(t, s)); got != 51 {
		t.Errorf("%d keys afterwards, want 51", got)
	}
}

func viewSeesNoUncommitted(t *testing.T, s store.Store) {
	set(t, s, "/a")
	update(t, s, func(tx store.Txn) {
		tx.Set("/a", []byte("new"))
		tx.Set("/b", []byte("new"))
		seen := make(chan map[string]string)
		go func() {
			out := map[string]string{}
			err := s.View(t.Context(), func(r store.Reader) error {
				for k, v := range r.Scan("", "") {
					out[k] = string(v)
				}
				return nil
			})
			if err != nil {
				t.Errorf("View: %v", err)
			}
			seen <- out
		}()
		if d := cmp.Diff(map[string]string{"/a": "/a"}, <-seen); d != "" {
			t.Errorf("seen from outside (-want +got):\n%s", d)
		}
	})
}

func viewSeesWhatWasAnswered(t *testing.T, s store.Store) {
	together(writers, func(w int) {
		for i := range rounds {
			key := fmt.Sprintf("/w/%d/%d", w, i)
			if !try(t, s, func(tx store.Txn) { tx.Set(key, []byte("1")) }) {
				return
			}
			view(t, s, func(r store.Reader) {
				if _, ok := r.Get(key); !ok {
					t.Errorf("%s was answered but is not there", key)
				}
			})
		}
	})
}

func viewTransfersKeepTheSum(t *testing.T, s store.Store) {
	const accounts, each = 10, 100
	account := func(i int) string { return fmt.Sprintf("/account/%d", i%accounts) }
	update(t, s, func(tx store.Txn) {
		for i := range accounts {
			setNumber(tx, account(i), each)
		}
	})
	together(writers, func(w int) {
		for i := range rounds {
			if w%2 == 0 {
				try(t, s, func(tx store.Txn) {
					from, to := account(w+i), account(w+3*i+1)
					if from != to {
						setNumber(tx, from, number(tx, from)-1)
						setNumber(tx, to, number(tx, to)+1)
					}
				})
				continue
			}
			view(t, s, func(r store.Reader) {
				sum := 0
				for k := range r.Scan("/account/", "") {
					sum += number(r, k)
				}
				if sum != accounts*each {
					t.Errorf("a view sees the sum %d, want %d", sum, accounts*each)
				}
			})
		}
	})
}

func updateNoLostUpdate(t *testing.T, s store.Store) {
	together(writers, func(int) {
		for range rounds {
			try(t, s, func(tx store.Txn) { setNumber(tx, "/n", number(tx, "/n")+1) })
		}
	})
	view(t, s, func(r store.Reader) {
		if got := number(r, "/n"); got != writers*rounds {
			t.Errorf("counted to %d, want %d", got, writers*rounds)
		}
	})
}

// updateNoWriteSkew lets each writer leave its own key only if somebody else stays; snapshot isolation would let the
// last two leave at once.
func updateNoWriteSkew(t *testing.T, s store.Store) {
	for round := range rounds {
		duty := fmt.Sprintf("/duty/%d/", round)
		update(t, s, func(tx store.Txn) {
			tx.Set(duty+"0", []byte("1"))
			tx.Set(duty+"1", []byte("1"))
		})
		together(2, func(w int) {
			try(t, s, func(tx store.Txn) {
				if len(keys(tx, duty, "")) == 2 {
					tx.Delete(fmt.Sprint(duty, w))
				}
			})
		})
		view(t, s, func(r store.Reader) {
			if left := keys(r, duty, ""); len(left) != 1 {
				t.Errorf("round %d: %v on duty, want one", round, left)
			}
		})
	}
}

// updateNoPhantom lets each writer add a row of its own while there are fewer than a quota: the rows a transaction did
// not find are part of what it read.
func updateNoPhantom(t *testing.T, s store.Store) {
	const quota = writers * 2
	together(writers, func(w int) {
		for i := range quota {
			try(t, s, func(tx store.Txn) {
				if len(keys(tx, "/site/", "")) < quota {
					tx.Set(fmt.Sprintf("/site/%d-%d", i, w), []byte("1"))
				}
			})
		}
	})
	if got := len(contents(t, s)); got != quota {
		t.Errorf("%d rows, the quota is %d", got, quota)
	}
}
