package state_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"portolan/internal/state"
	"portolan/internal/store"
)

// sharedStore is a store in memory that says of itself that several servers have it open.
type sharedStore struct{ store.Store }

func (sharedStore) Slot() uint64 { return 0 }

func (sharedStore) Own(context.Context, string, func(context.Context)) error { return nil }

func (sharedStore) Status(context.Context) (*store.Status, error) { return &store.Status{}, nil }

func (sharedStore) Members() store.Membership { return nil }

func (sharedStore) Health(context.Context) error { return nil }

func (sharedStore) Backup(context.Context, func(int64) (io.Writer, error)) error { return nil }

// TestGuard_newerFormat: from the moment on that a newer server changes the format, this one reads and writes nothing.
func TestGuard_newerFormat(t *testing.T) {
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	guarded := state.Guard(sharedStore{st})
	db, err := state.Open(t.Context(), state.Config{Store: guarded})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	use := func() []error {
		return []error{
			guarded.View(t.Context(), func(store.Reader) error { ran++; return nil }),
			guarded.Update(t.Context(), func(store.Txn) error { ran++; return nil }),
			db.Check(t.Context()),
		}
	}
	if err := errors.Join(use()...); err != nil || ran != 2 {
		t.Fatalf("with its own format: %v, %d ran", err, ran)
	}
	if err := st.Update(t.Context(), func(tx store.Txn) error { tx.Set("/format", []byte("99")); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, err := range use() {
		if newer, ok := errors.AsType[*state.NewerFormatError](err); !ok || newer.Found != 99 {
			t.Errorf("with a newer format: %v", err)
		}
	}
	if ran != 2 {
		t.Errorf("something ran on data of a newer format")
	}
}

// TestOpen_formatBeingChanged: a server that starts while another changes the format goes on with the change.
func TestOpen_formatBeingChanged(t *testing.T) {
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	err := st.Update(t.Context(), func(tx store.Txn) error {
		tx.Set("/format", []byte("2"))
		tx.Set("/format.from", []byte("1"))
		tx.Set("/acct/111122223333/outside/gn/x", []byte("{}"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := state.Open(t.Context(), state.Config{Store: st}); err != nil {
			t.Fatal(err)
		}
	}
	err = st.View(t.Context(), func(r store.Reader) error {
		_, changing := r.Get("/format.from")
		_, moved := r.Get("/acct/111122223333/external/gn/x")
		if format, _ := r.Get("/format"); changing || !moved || string(format) != "2" {
			t.Errorf("changing %v, moved %v, format %s", changing, moved, format)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
