package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portolan/internal/store"
)

// spoil writes all over the store: over, beside and instead of what is there.
func spoil(tx store.Txn) {
	tx.Set("/a", []byte("spoilt"))
	tx.Delete("/b")
	tx.Set("/new", []byte("spoilt"))
	tx.Delete("/a")
	tx.Set("/b", []byte("spoilt"))
}

func checkUnspoilt(t *testing.T, s store.Store) {
	t.Helper()
	if d := cmp.Diff(map[string]string{"/a": "/a", "/b": "/b"}, contents(t, s)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
	set(t, s, "/later")
	if _, ok := contents(t, s)["/later"]; !ok {
		t.Error("an update after the failure was lost")
	}
}

func updateErrorRollsBack(t *testing.T, s store.Store) {
	set(t, s, "/a", "/b")
	err := s.Update(t.Context(), func(tx store.Txn) error {
		spoil(tx)
		return fmt.Errorf("wrapped: %w", errOops)
	})
	if !errors.Is(err, errOops) {
		t.Errorf("err = %v, want the function's own", err)
	}
	checkUnspoilt(t, s)
}

func updatePanicRollsBack(t *testing.T, s store.Store) {
	set(t, s, "/a", "/b")
	err := s.Update(t.Context(), func(tx store.Txn) error {
		for range tx.Scan("", "") { // from inside a scan, too
			spoil(tx)
			panic(errOops)
		}
		return nil
	})
	var p *store.PanicError
	if !errors.As(err, &p) || !errors.Is(err, errOops) {
		t.Fatalf("err = %v, want a PanicError that wraps the value", err)
	}
	if !strings.Contains(string(p.Stack), "updatePanicRollsBack") {
		t.Errorf("the stack does not show the function that panicked:\n%s", p.Stack)
	}
	checkUnspoilt(t, s)
}

// updateGoexitRollsBack: a test that fails inside a transaction ends its goroutine there.
func updateGoexitRollsBack(t *testing.T, s store.Store) {
	set(t, s, "/a", "/b")
	together(1, func(int) {
		_ = s.Update(t.Context(), func(tx store.Txn) error {
			spoil(tx)
			runtime.Goexit()
			return nil
		})
		t.Error("Update came back")
	})
	checkUnspoilt(t, s)
}

// updateNeighboursOfFailures mixes updates that fail in every way with ones that do not. Each of the latter must be
// kept and answered with success, each of the former leave nothing.
func updateNeighboursOfFailures(t *testing.T, s store.Store) {
	together(writers, func(w int) {
		for i := range rounds {
			err := s.Update(t.Context(), func(tx store.Txn) error {
				setNumber(tx, "/n", number(tx, "/n")+1)
				tx.Set(fmt.Sprintf("/%d/%d", w, i), []byte("1"))
				switch (w + i) % 4 {
				case 1:
					return errOops
				case 2:
					panic(errOops)
				case 3:
					tx.Set("", nil)
				}
				return nil
			})
			if ok := (w+i)%4 == 0; ok != (err == nil) {
				t.Errorf("writer %d, round %d: err = %v", w, i, err)
			}
		}
	})
	const kept = writers * rounds / 4
	view(t, s, func(r store.Reader) {
		if n := number(r, "/n"); n != kept {
			t.Errorf("counted to %d, want %d", n, kept)
		}
		if n := len(keys(r, "", "")); n != kept+1 {
			t.Errorf("%d keys, want %d", n, kept+1)
		}
	})
}

func viewErrorAndPanic(t *testing.T, s store.Store) {
	if err := s.View(t.Context(), func(store.Reader) error { return errOops }); !errors.Is(err, errOops) {
		t.Errorf("err = %v, want the function's own", err)
	}
	var p *store.PanicError
	if err := s.View(t.Context(), func(store.Reader) error { panic("boo") }); !errors.As(err, &p) || p.Value != "boo" {
		t.Errorf("err = %v, want a PanicError", err)
	}
	set(t, s, "/a") // a store that kept something locked would hang here, or in Close
}

func contextAlreadyOver(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	if err := s.Update(ctx, func(tx store.Txn) error { ran = true; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	if err := s.View(ctx, func(store.Reader) error { ran = true; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	if _, err := s.Watch(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch: %v", err)
	}
	if ran {
		t.Error("the function ran")
	}
}

// contextOverWhileWaiting cancels updates while another one is running. A store may run updates side by side, so the
// cancelled ones may also have succeeded: but an error must mean that nothing was written.
func contextOverWhileWaiting(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	var errs [writers]error
	update(t, s, func(tx store.Txn) {
		tx.Set("/first", []byte("1"))
		started := make(chan struct{}, writers)
		done := make(chan struct{})
		go func() {
			together(writers, func(w int) {
				started <- struct{}{}
				errs[w] = s.Update(ctx, func(tx store.Txn) error {
					tx.Set(fmt.Sprintf("/w/%d", w), []byte("1"))
					return nil
				})
			})
			close(done)
		}()
		for range writers {
			<-started
		}
		cancel()
		<-done // they give up although the first update is still running
	})
	want := map[string]string{"/first": "1"}
	for w, err := range errs {
		switch {
		case err == nil:
			want[fmt.Sprintf("/w/%d", w)] = "1"
		case !errors.Is(err, context.Canceled):
			t.Errorf("Update: %v", err)
		}
	}
	if d := cmp.Diff(want, contents(t, s)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}

func closeEverythingAfterwards(t *testing.T, s store.Store) {
	set(t, s, "/a")
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	ran := false
	if err := s.Update(t.Context(), func(tx store.Txn) error { ran = true; return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Update: %v", err)
	}
	if err := s.View(t.Context(), func(store.Reader) error { ran = true; return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("View: %v", err)
	}
	if _, err := s.Watch(t.Context(), ""); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Watch: %v", err)
	}
	if ran {
		t.Error("the function ran")
	}
}

// transactionUsedAfterItsEnd is a defect in the caller, so it may panic; it must not do nothing, nor read or write.
func transactionUsedAfterItsEnd(t *testing.T, s store.Store) {
	set(t, s, "/a")
	var r store.Reader
	var tx store.Txn
	view(t, s, func(r2 store.Reader) { r = r2 })
	update(t, s, func(tx2 store.Txn) { tx = tx2 })
	for name, use := range map[string]func(){
		"Reader.Get":  func() { r.Get("/a") },
		"Reader.Scan": func() { keys(r, "", "") },
		"Txn.Get":     func() { tx.Get("/a") },
		"Txn.Set":     func() { tx.Set("/b", nil) },
		"Txn.Delete":  func() { tx.Delete("/a") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s after the end of its transaction was not noticed", name)
				}
			}()
			use()
		}()
	}
	if d := cmp.Diff(map[string]string{"/a": "/a"}, contents(t, s)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}
